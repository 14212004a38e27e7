"""Which names cover an address: keys and identities written as address and mask, looked up once per prefix length."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_network

from collector.model import Address


@dataclass(slots=True)
class Wildcards:
    """Networks with names; `covering` costs the number of different prefix lengths, not of networks."""

    _tables: dict[tuple[int, int], dict[int, dict[str, None]]] = field(default_factory=dict)

    def add(self, text: str, mask: str | None, name: str) -> None:
        """An address (a host without mask; 0.0.0.0 alone means any). What is no address is left out."""
        if mask is None and text == "0.0.0.0":  # noqa: S104 - a wildcard key, no socket
            mask = "0"
        try:
            network = ip_network(f"{text}/{mask}" if mask and "/" not in text else text, strict=False)
        except ValueError:
            return
        table = self._tables.setdefault((network.version, network.prefixlen), {})
        table.setdefault(int(network.network_address), {})[name] = None

    def covering(self, address: Address) -> tuple[str, ...]:
        """The names whose networks hold `address`, the most specific first."""
        found: dict[str, None] = {}
        for version, length in sorted(self._tables, reverse=True):
            if version == address.version:
                spare = address.max_prefixlen - length
                found |= self._tables[version, length].get(int(address) >> spare << spare, {})
        return tuple(found)
