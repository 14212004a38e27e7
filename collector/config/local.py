"""The local end of a tunnel: which addresses of this router the far end may send to, and in which VRF."""

from __future__ import annotations

from collections.abc import Iterable

from collector.config.names import interface_name, looks_like_interface
from collector.config.router import Port, Router
from collector.model import Address, Interface, StandbyGroup, to_address


def port_of(router: Router, text: str | None) -> Port | None:
    """The interface that `text` names, whole or short."""
    return router.ports.get(interface_name(text)) if text and looks_like_interface(text) else None


def own_addresses(router: Router, port: Port) -> tuple[Address, ...]:
    """Primary first, then secondary, then IPv6; of an unnumbered interface those of the one it borrows from."""
    held = sorted(port.addresses, key=lambda item: (item[0].version, item[1]))
    if not held and port.unnumbered is not None:
        lender = router.ports.get(port.unnumbered)
        if lender is not None and lender is not port:
            held = sorted(lender.addresses, key=lambda item: (item[0].version, item[1]))
    return tuple(dict.fromkeys(address for address, _ in held))


def local_end(router: Router, text: str | None) -> tuple[Address, ...]:
    """Addresses of a source written as address or interface name; empty when not known (DHCP, not in the text)."""
    if text is None:
        return ()
    address = to_address(text)
    if address is not None:
        return (address,)
    port = port_of(router, text)
    return () if port is None else (*own_addresses(router, port), *port.virtual)


def owner_of(router: Router, text: str | None) -> Port | None:
    """The interface behind a source: the one named, or the one that holds the address."""
    address = to_address(text)
    if address is None:
        return port_of(router, text)
    return next((port for port in router.ports.values() if any(address == held for held, _ in port.addresses)), None)


def to_interfaces(router: Router, standby: Iterable[StandbyGroup] | None) -> tuple[Interface, ...]:
    """All interfaces, with virtual addresses of the configuration and of `show standby brief`."""
    running: dict[str, list[Address]] = {}
    for group in standby or ():
        if group.virtual is not None:
            running.setdefault(interface_name(group.interface), []).append(group.virtual)
    return tuple(
        Interface(
            name=port.name,
            line=port.head.number,
            addresses=own_addresses(router, port),
            virtual=tuple(dict.fromkeys((*port.virtual, *running.get(port.name, ())))),
            vrf=port.vrf,
            shutdown=port.shutdown,
            crypto_map=port.maps[0][1] if port.maps else None,
            address_dynamic=_dynamic(router, port),
        )
        for port in router.ports.values()
    )


def _dynamic(router: Router, port: Port) -> bool:
    return port.dynamic_address is not None or (port.unnumbered is not None and port.unnumbered not in router.ports)


def add_standby(router: Router, standby: Iterable[StandbyGroup] | None) -> None:
    """Virtual addresses that only the running state shows (`standby 1 ip` learnt from the other router)."""
    for group in standby or ():
        port = router.ports.get(interface_name(group.interface))
        if port is not None and group.virtual is not None and group.virtual not in port.virtual:
            port.virtual.append(group.virtual)
