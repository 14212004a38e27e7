"""The flows that a log names: its lines by VRF, source, destination and protocol, each flow bound to its peer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from collector.facts.binding import Binder, Bound
from collector.model import Address, Sighting, Spi


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One (VRF, source, destination, protocol) of the log, its lines by SPI, and the peer that it is bound to."""

    vrf: str | None
    source: Address | None
    destination: Address | None
    source_text: str
    destination_text: str
    protocol: str
    interface: str | None
    keys: dict[Spi | int | None, list[Sighting]]
    bound: Bound = field(default_factory=Bound)

    @property
    def last_age(self) -> timedelta | None:
        """Age of the last line that has one."""
        ages = [s.age for lines in self.keys.values() for s in lines if s.age is not None]
        return min(ages, default=None)


def logged(sightings: Iterable[Sighting], binder: Binder) -> list[Flow]:
    """The flows in the order of their first lines."""
    found: dict[object, Flow] = {}
    for sighting in sightings:
        event = sighting.event
        vrf = binder.vrf(event.interface)[1]
        source, destination = event.source or event.source_text, event.destination or event.destination_text
        name = (vrf, source, destination, event.protocol)
        flow = found.get(name)
        if flow is None:
            flow = found[name] = Flow(
                vrf=vrf,
                source=event.source,
                destination=event.destination,
                source_text=event.source_text,
                destination_text=event.destination_text,
                protocol=event.protocol,
                interface=event.interface,
                keys={},
            )
        elif flow.interface is None and event.interface is not None:
            flow = found[name] = replace(flow, interface=event.interface)
        flow.keys.setdefault(event.spi if event.spi is not None else event.spi_decimal, []).append(sighting)
    return [_bound(flow, binder) for flow in found.values()]


def _bound(flow: Flow, binder: Binder) -> Flow:
    return replace(flow, bound=binder.bind(flow.source, flow.destination, flow.interface))
