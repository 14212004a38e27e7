"""The network and its time, and the few things that people at its routers can change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

from collector.lab.model import Device, Network, Trouble

# where an initiator knows the far end by configuration, so that invalid SPI recovery can call it (TAC 115801)
RECOVERABLE = frozenset({"static-crypto-map", "gre-tunnel-protection", "mgre-static-nhrp", "svti"})


def wall_clock() -> datetime:
    """The lab's time is the machine's."""
    return datetime.now(UTC)  # noqa: TID251 - the lab may ask the clock


class World:
    """A running network. `network` is replaced, never changed; readers take it once and see one state."""

    def __init__(self, network: Network, clock: Callable[[], datetime] = wall_clock) -> None:
        self.network = network
        self.now = clock
        self.typed: dict[str, list[str]] = defaultdict(list)  # router -> every line entered, passwords left out

    def device(self, name: str) -> Device:
        """The router of a name, as it is now."""
        return self.network.device(name, self.now())

    def change(self, device: Device) -> None:
        """Put a router with another configuration in place of the former one."""
        device = replace(device, changed=self.now())
        devices = tuple(device if known.name == device.name else known for known in self.network.devices)
        self.network = replace(self.network, devices=devices)

    def set_recovery(self, name: str, *, on: bool) -> None:
        """`[no] crypto isakmp invalid-spi-recovery`: the next packet of a stale SA makes the router call its peer."""
        self.change(replace(self.device(name), recovery=on))
        if on:
            self._end(lambda trouble: trouble.receiver == name and self._can_call(trouble), timedelta(seconds=20))

    def clear(self, name: str, peer: IPv4Address | None) -> None:
        """`clear crypto sa ...` at one end: at the sender it drops the stale SA, at the receiver there is none to drop."""
        links = {link.name for link in self.network.links_of(name) if peer is None or link.end(name).remote == peer}
        self._end(lambda trouble: trouble.link in links and trouble.receiver != name, timedelta(seconds=2))

    def _can_call(self, trouble: Trouble) -> bool:
        link = self.network.link(trouble.link)
        return (
            link is not None
            and trouble.kind in {"stale-sa", "counts-only"}
            and link.ike == 1
            and link.end(trouble.receiver).kind in RECOVERABLE
        )

    def _end(self, over: Callable[[Trouble], bool], delay: timedelta) -> None:
        until = self.now() + delay
        troubles = tuple(
            replace(trouble, until=until) if over(trouble) and trouble.until is None else trouble
            for trouble in self.network.troubles
        )
        self.network = replace(self.network, troubles=troubles)
