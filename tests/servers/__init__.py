"""Servers that tests start on loopback and end by their own process id."""
