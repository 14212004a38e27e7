"""spi-collector: which IPsec tunnels fell out of step, and what cures them."""
