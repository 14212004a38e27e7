"""What to ask a router: a cheap probe everywhere, deep commands only where something is wrong (DOMAIN 3.1 to 3.3).

A plan is a function of what came so far and waits at most once, before it samples the counters again. Every line is one of the command catalogue; a line that this catalogue
does not have is not asked. Short commands stand last, so that their echo fences the long ones.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache

from collector.commands import CATALOGUE, read_capture
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
from collector.session import Plan, allow

MOST = 12  # commands a visit
MOST_AUDIT = 20
SECOND_SAMPLE = timedelta(
    seconds=5
)  # a black hole drops at least a keepalive in that time; longer holds a VTY for nothing
SPARE = timedelta(seconds=10)  # left of the visit's budget after the wait, or there is no second sample
MOST_PEERS = 3  # asked one by one; more, and the whole table is asked
_BUFFER = re.compile(r"logging buffered (?:discriminator \S{1,32} )?(\d{1,12})")

DATAPATH = "show platform hardware qfp active feature ipsec datapath drops"
STATISTICS = "show platform hardware qfp active statistics drop"


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


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - how much of a visit is over


def plan_for(
    device: Device,
    knowledge: Knowledge | None = None,
    *,
    pause: Callable[[float], None] = time.sleep,
    clock: Callable[[], datetime] = _now,
) -> Plan:
    """The plan of one visit to `device`. pause, clock: how it waits for the second sample of the counters."""
    known = knowledge or Knowledge()
    read: _Read = {}
    stages = (_first, _probe, _configuration, _guard, _suspect, _corroborate)

    def plan(captures: tuple[Capture, ...]) -> tuple[str, ...]:
        left = (MOST_AUDIT if known.audit else MOST) - len(captures)
        view = _View(captures, device, read)
        for stage in stages:
            kept = _kept_free(view, known) if stage in {_suspect, _corroborate} else 0
            lines = _unasked(stage(view, known), captures)[: max(0, left - kept)]
            if lines:
                return lines
        return _again(view, known, left, pause, clock)

    return plan


def _unasked(lines: Iterable[str | None], captures: tuple[Capture, ...]) -> tuple[str, ...]:
    asked = {capture.command for capture in captures}
    return tuple(dict.fromkeys(line for line in lines if line is not None and line not in asked))


def relook_for(device: Device, knowledge: Knowledge | None = None) -> Plan:
    """A second look (`relook_after`, a visit of its own): clock, log and counters again, and the SAs of the peers named."""
    known = knowledge or Knowledge()

    def plan(captures: tuple[Capture, ...]) -> tuple[str, ...]:
        if captures:
            return ()
        lines = [_line("show version"), _line("show clock"), _line("show logging")]
        lines += [_line(STATISTICS), _line(DATAPATH)] if device.platform == "cisco_xe" else []
        lines += _sa_lines(known.peers)
        lines.append(_line("show privilege"))
        return tuple(line for line in lines if line is not None)[:MOST]

    return plan


def far_end_for(device: Device, knowledge: Knowledge | None = None) -> Plan:
    """What a join asks of a router that another one's incident names as sender: its SAs with the peers named, and
    whether it holds an IKE SA with them; `configuration`: its tunnels too, where this run has not read it already.
    """
    del device
    known = knowledge or Knowledge()

    def plan(captures: tuple[Capture, ...]) -> tuple[str, ...]:
        if captures:
            return ()
        lines = [_line("show clock"), *_sa_lines(known.peers), _session_line(known.peers)]
        lines += [_line("show running-config", piped=True, holding="| section")] if known.configuration else []
        lines += [_line("show crypto isakmp sa")] if 1 in known.ike_versions else []
        lines += [_line("show crypto ikev2 sa")] if 2 in known.ike_versions else []
        lines.append(_line("show privilege"))
        return tuple(line for line in lines if line is not None)[:MOST]

    return plan


# -- the catalogue's lines --------------------------------------------------------------------------------------------


@cache
def _lines(name: str) -> tuple[str, ...]:
    return next((command.lines for command in CATALOGUE if command.name == name), ())


def _line(name: str, *, piped: bool | None = None, holding: str = "") -> str | None:
    """The catalogue's first line for a command, without placeholders; piped: with or without a filter, None: any."""
    for line in _lines(name):
        if ("{" in line and "{" not in name) or holding not in line:
            continue
        if (piped is None or piped == ("|" in line)) and allow.allowed(line):
            return line
    return None


def _filled(name: str, peer: str) -> str | None:
    for line in _lines(name):
        if "{peer}" in line:
            filled = line.replace("{peer}", peer)
            return filled if allow.allowed(filled) else None
    return None


# -- what the captures say --------------------------------------------------------------------------------------------


# command -> the capture that was read and its records: a log is read once a visit, not once a question
_Read = dict[str, tuple[Capture, tuple[object, ...]]]


class _View:
    """The captures of this visit, by the command's name."""

    def __init__(self, captures: tuple[Capture, ...], device: Device, read: _Read) -> None:
        self.captures = captures
        self.device = device
        self._read = read

    def capture(self, beginning: str, holding: str = "") -> Capture | None:
        """The last capture whose line begins so and holds that."""
        found = (c for c in reversed(self.captures) if c.command.startswith(beginning) and holding in c.command)
        return next(found, None)

    def refused(self, beginning: str, holding: str = "") -> bool:
        found = self.capture(beginning, holding)
        return found is not None and found.failure is not None

    def text(self, beginning: str, holding: str = "") -> str:
        found = self.capture(beginning, holding)
        return found.text if found is not None and found.failure is None else ""

    def records(self, beginning: str) -> tuple[object, ...]:
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
        return next((record for record in self.records("show logging") if isinstance(record, Log)), None)


# -- stages -----------------------------------------------------------------------------------------------------------


def _first(_view: _View, _known: Knowledge) -> list[str | None]:
    return [_line("show version"), _line("show running-config", piped=True, holding="| include")]


def _probe(view: _View, known: Knowledge) -> list[str | None]:
    lines = [_line("show clock"), _log_line(view, known)]
    if view.refused("show logging", "|"):  # the ladder: unpiped, as a log is bounded
        lines.append(_line("show logging", piped=False))
    if view.xe:
        lines.append(_line(DATAPATH))
    return [*lines, _line("show privilege")]


def _corroborate(view: _View, _known: Knowledge) -> list[str | None]:
    """`IpsecInput` sums all reasons and names no peer: where a suspect's visit is full, it is what is left out."""
    return [_line(STATISTICS)] if view.xe else []


def _log_line(view: _View, known: Knowledge) -> str | None:
    """The whole log, or only the lines of interest where its buffer is larger than `full_log_max`."""
    if asked := view.capture("show logging"):
        return asked.command
    sizes = [int(size) for size in _BUFFER.findall(view.text("show running-config", "| include"))]
    large = bool(sizes) and max(sizes) > known.thresholds.full_log_max
    return (_line("show logging", piped=True) if large else None) or _line("show logging", piped=False)


def _configuration(view: _View, known: Knowledge) -> list[str | None]:
    if not (known.configuration or known.audit or _is_suspect(view, known)):
        return []
    lines = [_line("show running-config", piped=True, holding="| section")]
    if view.refused("show running-config", "| section"):
        lines += [_line("show crypto map"), _line("show crypto ipsec profile")]
    return lines


def _guard(view: _View, known: Knowledge) -> list[str | None]:
    """How busy the router is, before it is asked for something that costs it."""
    heavy = any(_heavy(line) for line in _unasked(_wanted(view, known), view.captures))
    return [_line("show processes cpu")] if heavy else []


def _heavy(line: str) -> bool:
    """Tables of all peers. Those of one peer, the log that was read already and the IKE SAs are asked anyway."""
    table = line.startswith(("show crypto ipsec sa", "show crypto session"))
    return table and not (" peer " in line or " remote " in line)


def _busy(view: _View, known: Knowledge) -> bool:
    """The CPU guard: what nobody could read does not stop a visit."""
    loads = (record for record in view.records("show processes cpu") if isinstance(record, CpuLoad))
    return any(load.one_minute >= known.thresholds.cpu_guard for load in loads)


def _suspect(view: _View, known: Knowledge) -> list[str | None]:
    lines = _wanted(view, known)
    return [line for line in lines if line is not None and not _heavy(line)] if _busy(view, known) else lines


def _wanted(view: _View, known: Knowledge) -> list[str | None]:
    """What the suspect tier asks of a router that has time for it."""
    if not (known.audit or _is_suspect(view, known)):
        return []
    config = view.text("show running-config", "| section")
    peers = _peers(view, known)
    second = not config or "ikev2" in config
    first = not config or "ikev2" not in config or "isakmp" in config or _some_entry_without_ikev2(config)
    # the verdict hangs on the IKE SA first, then on the IPsec SAs: what does not fit in the visit is what comes last
    lines: list[str | None] = [_line("show crypto isakmp sa")] if first or known.audit else []
    lines += [_line("show crypto ikev2 sa")] if second else []
    lines.append(_session_line(() if known.audit else peers))
    if not config or "tunnel mode gre multipoint" in config or "ip nhrp" in config:
        lines += [_line("show ip nhrp")] if config or known.audit else []
    room = MOST - len(view.captures) - sum(line is not None for line in lines) - _kept_free(view, known)
    if view.capture("show crypto ipsec sa") is None:  # decided once: what was asked since takes no room from it
        lines += [_line("show crypto ipsec sa", piped=False)] if known.audit else _sa_lines(peers, room)
    if view.refused("show crypto ipsec sa", "|"):
        lines.append(_line("show crypto ipsec sa", piped=False))
    if "nhs" in config:
        lines.append(_line("show ip nhrp nhs"))
    if known.audit:
        lines += [_line("show crypto map"), _line("show crypto ipsec profile")]
        lines += [_line("show standby brief")] if "standby" in config else []
        lines += [_line("show crypto gdoi")] if "gdoi" in config else []
    if view.xe and not view.train.startswith("12."):  # the ASR's first trains have no such table
        lines.append(_line("show crypto ipsec spi-lookup"))
    return lines


def _kept_free(view: _View, known: Knowledge) -> int:
    """Lines that later stages may not take: one for the second sample, where that is all that tells a rise."""
    return 1 if _once_only(view, known) else 0


def _once_only(view: _View, known: Knowledge) -> bool:
    """An unknown-SPI counter that is not zero at first sight: no earlier run and no second look says whether it rises."""
    looks = [capture for capture in view.captures if capture.command.startswith(DATAPATH)]
    if not known.twice or len(looks) != 1:
        return False
    counters = (counter for table in _tables(view) for counter in table.counters)
    return any(c.name in UNKNOWN_SPI and c.packets > 0 and c.name not in known.counters for c in counters)


def _again(
    view: _View, known: Knowledge, left: int, pause: Callable[[float], None], clock: Callable[[], datetime]
) -> tuple[str, ...]:
    """The drop table once more, SECOND_SAMPLE after its first look at least, with the clock where there is room."""
    line = _line(DATAPATH)
    if left < 1 or line is None or not _once_only(view, known):
        return ()
    now = clock()
    first, table = view.captures[0].taken_at or now, view.capture(DATAPATH)
    wait = SECOND_SAMPLE - (now - ((table.taken_at if table is not None else None) or now))
    wait = max(wait, timedelta())
    if now - first + wait + SPARE > view.device.timeout.device:
        return ()
    pause(wait.total_seconds())
    again = _line("show clock") if left > 1 else None
    return tuple(each for each in (again, line) if each is not None)


def _sa_lines(peers: tuple[str, ...], room: int = MOST_PEERS) -> list[str | None]:
    if 0 < len(peers) <= min(MOST_PEERS, max(room, 1)):
        return [_filled("show crypto ipsec sa", peer) for peer in peers]
    return [_line("show crypto ipsec sa")]


def _session_line(peers: tuple[str, ...]) -> str | None:
    if len(peers) == 1 and (line := _filled("show crypto session", peers[0])):
        return line
    return _line("show crypto session", holding="detail") or _line("show crypto session")


def _some_entry_without_ikev2(config: str) -> bool:
    """A tunnel or map entry that names no IKEv2 profile uses IKEv1."""
    return config.count("ikev2-profile") < config.count("tunnel protection") + config.count("ipsec-isakmp")


def _is_suspect(view: _View, known: Knowledge) -> bool:
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


def _tables(view: _View) -> tuple[DropTable, ...]:
    return tuple(record for record in view.records(DATAPATH) if isinstance(record, DropTable))


def _blind(view: _View, log: Log | None) -> bool:
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


def _peers(view: _View, known: Knowledge) -> tuple[str, ...]:
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
