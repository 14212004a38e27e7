"""The local end of a tunnel: which addresses of this router the far end may send to, and in which VRF."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from collector.config.names import interface_name
from collector.config.router import Port, Router
from collector.model import Address, Interface, StandbyGroup, to_address


@dataclass(slots=True)
class Ends:
    """Addresses of interfaces, and interfaces of addresses; each is worked out once."""

    router: Router
    owners: dict[Address, Port] = field(default_factory=dict)
    _own: dict[str, tuple[Address, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for port in self.router.ports.values():
            for address in port.addresses:
                self.owners.setdefault(address, port)

    def port_of(self, text: str | None) -> Port | None:
        """The interface that `text` names, whole or short."""
        return self.router.ports.get(interface_name(text)) if text else None

    def owner_of(self, text: str | None) -> Port | None:
        """The interface behind a source: the one named, or the one that holds the address."""
        address = to_address(text)
        return self.port_of(text) if address is None else self.owners.get(address)

    def own(self, port: Port) -> tuple[Address, ...]:
        """Primary first, then secondary, then IPv6; unnumbered in one IP version: those of the interface it borrows from."""
        held = dict(port.addresses)
        if port.unnumbered in self.router.ports:
            versions = {address.version for address in held}
            lent = self.router.ports[port.unnumbered].addresses
            held |= {address: secondary for address, secondary in lent.items() if address.version not in versions}
        return tuple(sorted(held, key=lambda address: (address.version, held[address])))

    def of_port(self, port: Port) -> tuple[Address, ...]:
        """Own and virtual addresses of an interface."""
        known = self._own.get(port.name)
        if known is None:
            known = self._own[port.name] = tuple(dict.fromkeys((*self.own(port), *port.virtual)))
        return known

    def of_source(self, text: str | None) -> tuple[Address, ...]:
        """Addresses of a source written as address or interface; empty when not known (DHCP, not in the text)."""
        if text is None:
            return ()
        address = to_address(text)
        if address is not None:
            return (address,)
        port = self.port_of(text)
        return () if port is None else self.of_port(port)

    def interfaces(self) -> tuple[Interface, ...]:
        """All interfaces of the configuration, in its order."""
        return tuple(
            Interface(
                name=port.name,
                line=port.head.number,
                addresses=self.own(port),
                virtual=tuple(port.virtual),
                vrf=port.vrf,
                shutdown=port.shutdown,
                crypto_map=port.maps[0][1] if port.maps else None,
                address_dynamic=self._dynamic(port),
            )
            for port in self.router.ports.values()
        )

    def _dynamic(self, port: Port) -> bool:
        if port.dynamic_address is not None:
            return True
        return port.unnumbered is not None and port.unnumbered not in self.router.ports


def of_version(addresses: tuple[Address, ...], version: int) -> tuple[Address, ...]:
    """Those of one IP version: a dual-stack interface lends its tunnel only those that the outer packets can have."""
    return tuple(address for address in addresses if address.version == version) or addresses


def add_standby(router: Router, standby: Iterable[StandbyGroup] | None) -> None:
    """Virtual addresses that only the running state shows (`standby 1 ip` learnt from the other router)."""
    for group in standby or ():
        port = router.ports.get(interface_name(group.interface))
        if port is not None and group.virtual is not None:
            port.virtual[group.virtual] = None
