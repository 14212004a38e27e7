"""What to ask a router: a cheap probe everywhere, deep commands only where something is wrong (DOMAIN 3.1 to 3.3).

A plan is a function of what came so far (`view`) and gives lines of the catalogue (`lines`). It waits at most once, before it
samples the counters again. Short commands stand last, so that their echo fences the long ones.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from collector.collect.lines import DATAPATH, STATISTICS, line_of, sa_lines, session_line
from collector.collect.view import (
    Knowledge,
    Read,
    View,
    busy,
    is_suspect,
    once_only,
    peers_of,
    some_entry_without_ikev2,
)
from collector.model import Capture, Device
from collector.session import Plan

MOST = 12  # commands a visit
MOST_AUDIT = 20
SECOND_SAMPLE = timedelta(seconds=5)  # a black hole drops a keepalive at least in it; longer holds a VTY for nothing
SPARE = timedelta(seconds=10)  # left of the visit's budget after the wait, or there is no second sample
_BUFFER = re.compile(r"logging buffered (?:discriminator \S{1,32} )?(\d{1,12})")


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
    read: Read = {}
    stages = (_first, _probe, _configuration, _guard, _suspect, _corroborate)

    def plan(captures: tuple[Capture, ...]) -> tuple[str, ...]:
        left = (MOST_AUDIT if known.audit else MOST) - len(captures)
        view = View(captures, device, read)
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
        lines = [line_of("show version"), line_of("show clock"), line_of("show logging")]
        lines += [line_of(STATISTICS), line_of(DATAPATH)] if device.platform == "cisco_xe" else []
        lines += sa_lines(known.peers)
        lines.append(line_of("show privilege"))
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
        lines = [line_of("show clock"), *sa_lines(known.peers), session_line(known.peers)]
        lines += [line_of("show running-config", piped=True, holding="| section")] if known.configuration else []
        lines += [line_of("show crypto isakmp sa")] if 1 in known.ike_versions else []
        lines += [line_of("show crypto ikev2 sa")] if 2 in known.ike_versions else []
        lines.append(line_of("show privilege"))
        return tuple(line for line in lines if line is not None)[:MOST]

    return plan


# -- stages -----------------------------------------------------------------------------------------------------------


def _first(_view: View, _known: Knowledge) -> list[str | None]:
    return [line_of("show version"), line_of("show running-config", piped=True, holding="| include")]


def _probe(view: View, known: Knowledge) -> list[str | None]:
    lines = [line_of("show clock"), _log_line(view, known)]
    if view.refused("show logging", "|"):  # the ladder: unpiped, as a log is bounded
        lines.append(line_of("show logging", piped=False))
    if view.xe:
        lines.append(line_of(DATAPATH))
    return [*lines, line_of("show privilege")]


def _corroborate(view: View, _known: Knowledge) -> list[str | None]:
    """`IpsecInput` sums all reasons and names no peer: where a suspect's visit is full, it is what is left out."""
    return [line_of(STATISTICS)] if view.xe else []


def _log_line(view: View, known: Knowledge) -> str | None:
    """The whole log, or only the lines of interest where its buffer is larger than `full_log_max`."""
    if asked := view.capture("show logging"):
        return asked.command
    sizes = [int(size) for size in _BUFFER.findall(view.text("show running-config", "| include"))]
    large = bool(sizes) and max(sizes) > known.thresholds.full_log_max
    return (line_of("show logging", piped=True) if large else None) or line_of("show logging", piped=False)


def _configuration(view: View, known: Knowledge) -> list[str | None]:
    if not (known.configuration or known.audit or is_suspect(view, known)):
        return []
    lines = [line_of("show running-config", piped=True, holding="| section")]
    if view.refused("show running-config", "| section"):
        lines += [line_of("show crypto map"), line_of("show crypto ipsec profile")]
    return lines


def _guard(view: View, known: Knowledge) -> list[str | None]:
    """How busy the router is, before it is asked for something that costs it."""
    heavy = any(_heavy(line) for line in _unasked(_wanted(view, known), view.captures))
    return [line_of("show processes cpu")] if heavy else []


def _heavy(line: str) -> bool:
    """Tables of all peers. Those of one peer, the log that was read already and the IKE SAs are asked anyway."""
    table = line.startswith(("show crypto ipsec sa", "show crypto session"))
    return table and not (" peer " in line or " remote " in line)


def _suspect(view: View, known: Knowledge) -> list[str | None]:
    lines = _wanted(view, known)
    return [line for line in lines if line is not None and not _heavy(line)] if busy(view, known) else lines


def _wanted(view: View, known: Knowledge) -> list[str | None]:
    """What the suspect tier asks of a router that has time for it."""
    if not (known.audit or is_suspect(view, known)):
        return []
    config = view.text("show running-config", "| section")
    peers = peers_of(view, known)
    second = not config or "ikev2" in config
    first = not config or "ikev2" not in config or "isakmp" in config or some_entry_without_ikev2(config)
    # the verdict hangs on the IKE SA first, then on the IPsec SAs: what does not fit in the visit is what comes last
    lines: list[str | None] = [line_of("show crypto isakmp sa")] if first or known.audit else []
    lines += [line_of("show crypto ikev2 sa")] if second else []
    lines.append(session_line(() if known.audit else peers))
    if not config or "tunnel mode gre multipoint" in config or "ip nhrp" in config:
        lines += [line_of("show ip nhrp")] if config or known.audit else []
    room = MOST - len(view.captures) - sum(line is not None for line in lines) - _kept_free(view, known)
    if view.capture("show crypto ipsec sa") is None:  # decided once: what was asked since takes no room from it
        lines += [line_of("show crypto ipsec sa", piped=False)] if known.audit else sa_lines(peers, room)
    if view.refused("show crypto ipsec sa", "|"):
        lines.append(line_of("show crypto ipsec sa", piped=False))
    if "nhs" in config:
        lines.append(line_of("show ip nhrp nhs"))
    if known.audit:
        lines += [line_of("show crypto map"), line_of("show crypto ipsec profile")]
        lines += [line_of("show standby brief")] if "standby" in config else []
        lines += [line_of("show crypto gdoi")] if "gdoi" in config else []
    if view.xe and not view.train.startswith("12."):  # the ASR's first trains have no such table
        lines.append(line_of("show crypto ipsec spi-lookup"))
    return lines


def _kept_free(view: View, known: Knowledge) -> int:
    """Lines that later stages may not take: one for the second sample, where that is all that tells a rise."""
    return 1 if once_only(view, known) else 0


def _again(
    view: View, known: Knowledge, left: int, pause: Callable[[float], None], clock: Callable[[], datetime]
) -> tuple[str, ...]:
    """The drop table once more, SECOND_SAMPLE after its first look at least, with the clock where there is room."""
    line = line_of(DATAPATH)
    if left < 1 or line is None or not once_only(view, known):
        return ()
    now = clock()
    first, table = view.captures[0].taken_at or now, view.capture(DATAPATH)
    wait = SECOND_SAMPLE - (now - ((table.taken_at if table is not None else None) or now))
    wait = max(wait, timedelta())
    if now - first + wait + SPARE > view.device.timeout.device:
        return ()
    pause(wait.total_seconds())
    again = line_of("show clock") if left > 1 else None
    return tuple(each for each in (again, line) if each is not None)
