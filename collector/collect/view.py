"""What is known of a router: before a visit (`Knowledge`), and by what it has answered so far (`View`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from collector.collect.lines import DATAPATH
from collector.commands import read_capture
from collector.model import (
    UNKNOWN_SPI,
    Address,
    Capture,
    CpuLoad,
    Device,
    DropTable,
    InvalidSpi,
    Log,
    RelatedEvent,
    Thresholds,
    Version,
    to_address,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowledge:
    """What is known of a device before the visit.

    suspect: an open incident, or named as the far end of another device's. peers: whom to look at. counters: the
    unknown-SPI counters of the last visit by name. ike_versions: what its tunnels speak. configuration: ask for the
    tunnels' configuration even if nothing is wrong (first visit, or nothing remembers it). twice: sample counters a
    second time in this visit where nothing else tells whether they rise.
    """

    audit: bool = False
    suspect: bool = False
    peers: tuple[str, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict)
    ike_versions: frozenset[int] = frozenset({1, 2})
    configuration: bool = True
    twice: bool = True
    thresholds: Thresholds = Thresholds()


# command -> the capture that was read and its records: a log is read once a visit, not once a question
Read = dict[str, tuple[Capture, tuple[object, ...]]]


class View:
    """The captures of this visit, by the command's name."""

    def __init__(self, captures: tuple[Capture, ...], device: Device, read: Read) -> None:
        self.captures = captures
        self.device = device
        self._read = read

    def capture(self, beginning: str, holding: str = "") -> Capture | None:
        """The last capture whose line begins so and holds that."""
        found = (c for c in reversed(self.captures) if c.command.startswith(beginning) and holding in c.command)
        return next(found, None)

    def refused(self, beginning: str, holding: str = "") -> bool:
        """Whether it was asked and not answered."""
        found = self.capture(beginning, holding)
        return found is not None and found.failure is not None

    def text(self, beginning: str, holding: str = "") -> str:
        """What was said, "" where it was not asked or not answered."""
        found = self.capture(beginning, holding)
        return found.text if found is not None and found.failure is None else ""

    def records(self, beginning: str) -> tuple[object, ...]:
        """What was read of it, () where nothing could be."""
        found = self.capture(beginning)
        if found is None or found.failure is not None:
            return ()
        known = self._read.get(found.command)
        if known is None or known[0] is not found:
            reading = read_capture(found)
            known = self._read[found.command] = (found, reading.records if reading is not None else ())
        return known[1]

    @property
    def xe(self) -> bool:
        """IOS XE by `show version`, else by the inventory's word."""
        version = next((record for record in self.records("show version") if isinstance(record, Version)), None)
        if version is not None and version.family is not None:
            return version.family == "ios-xe"
        return self.device.platform == "cisco_xe"

    @property
    def train(self) -> str:
        """The version as printed, "" where it is not known."""
        version = next((record for record in self.records("show version") if isinstance(record, Version)), None)
        return version.version or "" if version is not None else ""

    @property
    def log(self) -> Log | None:
        """The log, read."""
        return next((record for record in self.records("show logging") if isinstance(record, Log)), None)


def some_entry_without_ikev2(config: str) -> bool:
    """A tunnel or map entry that names no IKEv2 profile uses IKEv1."""
    return config.count("ikev2-profile") < config.count("tunnel protection") + config.count("ipsec-isakmp")


def is_suspect(view: View, known: Knowledge) -> bool:
    """Whether anything calls for the deep commands."""
    if known.suspect or known.peers:
        return True
    log = view.log
    if log is not None and (log.inv_spi_seen or any(_no_sa(message.event) for message in log.messages)):
        return True
    if any(_risen(counter.name, counter.packets, known) for table in _tables(view) for counter in table.counters):
        return True
    return _blind(view, log)


def _no_sa(event: InvalidSpi | RelatedEvent | None) -> bool:
    return isinstance(event, RelatedEvent) and event.kind == "ikmp-no-sa"


def _risen(name: str, packets: int, known: Knowledge) -> bool:
    """An unknown-SPI counter that rose since the last visit, was reset, or is not zero at first sight."""
    return name in UNKNOWN_SPI and packets > 0 and packets != known.counters.get(name)


def _tables(view: View) -> tuple[DropTable, ...]:
    return tuple(record for record in view.records(DATAPATH) if isinstance(record, DropTable))


def _blind(view: View, log: Log | None) -> bool:
    """No usable log on a router that has tunnels."""
    if (
        "crypto map" not in (config := view.text("show running-config", "| section"))
        and "tunnel protection" not in config
    ):
        return False
    asked = view.capture("show logging")
    if asked is None:
        return False
    if log is None:
        return asked.failure is not None
    return log.header is not None and log.header.buffer_level == "disabled"


def peers_of(view: View, known: Knowledge) -> tuple[str, ...]:
    """Whom the invalid SPIs came from, the most frequent first, then those that were named."""
    seen: Counter[Address] = Counter()
    log = view.log
    for message in log.messages if log is not None else ():
        event = message.event
        if event is not None and event.source is not None and (isinstance(event, InvalidSpi) or _no_sa(event)):
            seen[event.source] += 1
    named = [address for address in (to_address(peer) for peer in known.peers) if address is not None]
    ordered = [address for address, _ in sorted(seen.items(), key=lambda item: (-item[1], str(item[0])))]
    return tuple(dict.fromkeys(str(address) for address in (*ordered, *named)))


def busy(view: View, known: Knowledge) -> bool:
    """The CPU guard: what nobody could read does not stop a visit."""
    loads = (record for record in view.records("show processes cpu") if isinstance(record, CpuLoad))
    return any(load.one_minute >= known.thresholds.cpu_guard for load in loads)


def once_only(view: View, known: Knowledge) -> bool:
    """An unknown-SPI counter that is not zero at first sight: no earlier run and no second look says whether it rises."""
    looks = [capture for capture in view.captures if capture.command.startswith(DATAPATH)]
    if not known.twice or len(looks) != 1:
        return False
    counters = (counter for table in _tables(view) for counter in table.counters)
    return any(c.name in UNKNOWN_SPI and c.packets > 0 and c.name not in known.counters for c in counters)
