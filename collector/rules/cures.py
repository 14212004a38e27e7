"""What lets a router be seen whole next time: the cure that fits each gap, and no other.

A log that is off, low or wrapped needs a buffer; stamps without dates need `service timestamps`; a refused command needs
a privilege or an AAA rule, and no line of configuration; what was not asked needs to be asked; a router that was not
reached is told nothing to type.
"""

from __future__ import annotations

from collections.abc import Iterator

from collector.errors import ErrorCode
from collector.model import Action, CaptureStatus, Facts, State

_STAMPS = "service timestamps log datetime msec localtime show-timezone year"
_BUFFER = "logging buffered 512000 warnings"
_TYPES = "^crypto (map|dynamic-map|isakmp (profile|inv|keep)|ipsec profile|ikev2 profile|gdoi group)|^interface"
_CONFIG = (
    "show running-config | include ^hostname|invalid-spi-recovery|^crypto isakmp keepalive|^crypto ikev2 dpd",
    f"show running-config | section {_TYPES}",
)
_LOG = ("show clock", "show logging")

_OF_BUFFER = frozenset({"log-buffer-disabled", "log-level-low", "log-buffer-wrapped"})
_DENIED = frozenset({ErrorCode.CMD_DENIED, ErrorCode.CMD_INVALID, ErrorCode.ENABLE_REJECTED})
_RIGHTS = (
    "Give the account privilege 15, or the AAA rule (parser view) for the commands that were refused; contrib/ has "
    "snippets. Where the image does not know a command, nothing helps."
)
_NTP = "Synchronise the clock (NTP): its stamps cannot be placed."
_NOTES = {
    "log-discriminator": "Take the discriminator off the buffer, or let the CRYPTO facility pass it.",
    "log-dropped": "Messages are dropped or rate-limited: log less (debug off, console at warnings or off).",
    "log-lines-missing": "Give the log whole, from `show logging` to the next prompt.",
    "log-unparsed": "A line about an invalid SPI was not understood: report it, scrubbed.",
    "log-not-implemented": "This software never logs the message: sample the QFP counters twice, and join with the far ends.",
    "cpu-guard": "Look again when the router's CPU is calmer; its tables of SAs were left alone.",
    "sa-lists-mixed": "Give `show crypto ipsec sa` whole: a heading is missing.",
}
# What to type where a fact was not asked for, in the order in which it is useful.
_ASK: dict[str, tuple[str, ...]] = {
    "privilege": ("show privilege",),
    "software": ("show version",),
    "config": _CONFIG,
    "peers": _CONFIG,
    "recovery_configured": _CONFIG[:1],
    "isakmp_sas": ("show crypto isakmp sa",),
    "ikev2_sas": ("show crypto ikev2 sa detailed",),
    "ike_sa": ("show crypto isakmp sa", "show crypto ikev2 sa detailed", "show crypto session detail"),
    "ike_version": _CONFIG[1:],
    "flows": ("show crypto ipsec sa",),
    "sessions": ("show crypto session detail",),
    "counters": (
        "show platform hardware qfp active feature ipsec datapath drops all",
        "show platform hardware qfp active statistics drop",
    ),
    "device_time": _LOG,
    "log": _LOG,
    "incidents": _LOG,
    "sightings": _LOG,
}

Gap = tuple[str, str]  # code of the blind spot, fact that it takes away


def cures(facts: Facts, gaps: tuple[Gap, ...]) -> tuple[Action, ...]:
    """What to type and to arrange on this router, for its gaps; () where nothing typed there would help."""
    codes = {code for code, _ in gaps} | _of_flows(facts, gaps)
    configured = _configured(codes)
    asked = tuple(dict.fromkeys(_asked(facts, gaps, codes)))
    notes = list(_notes(facts, codes))
    found = []
    if configured:
        found.append((("configure terminal", *configured, "end"), _rollback(configured)))
    if asked:
        found.append((asked, "Read this too: the verdict waits for it."))
    if notes and not found:
        found.append((("show privilege",) if _RIGHTS in notes else (), ""))
    return tuple(
        Action(
            on=facts.device.name,
            side="receiver",
            commands=commands,
            note=" ".join(filter(None, (note, *(notes if place == 0 else ())))),
        )
        for place, (commands, note) in enumerate(found)
    )


def _of_flows(facts: Facts, gaps: tuple[Gap, ...]) -> set[str]:
    """Flows that wait for the log: a wrapped buffer is the reason even where it reaches far back."""
    waiting = any(code == "flow-unclear" for code, _ in gaps) and any(
        key.row == 13 for flow in facts.incidents or () if flow.state is State.INSUFFICIENT_DATA for key in flow.keys
    )
    if waiting and facts.log is not None and facts.log.wrapped:
        return {"log-buffer-wrapped"}
    return set()


def _configured(codes: set[str]) -> tuple[str, ...]:
    return (*((_BUFFER,) if codes & _OF_BUFFER else ()), *((_STAMPS,) if "log-stamps" in codes else ()))


def _rollback(lines: tuple[str, ...]) -> str:
    emptied = " A new buffer size empties the log: save it first." if _BUFFER in lines else ""
    return f"Rollback: the former lines.{emptied}"


def _asked(facts: Facts, gaps: tuple[Gap, ...], codes: set[str]) -> Iterator[str]:
    """Commands that nobody asked; one that was refused, or cut, is not asked again here."""
    seen = {note.command.partition(" |")[0] for note in facts.captures}
    refused = {note.command.partition(" |")[0] for note in facts.captures if note.status is CaptureStatus.REFUSED} | {
        (failure.command or "").partition(" |")[0] for failure in facts.failures
    }
    if facts.collected_at is not None or facts.failures:
        return  # a visit asks by itself the next time
    for code, need in gaps:
        clockless = code == "log-clock" and facts.clock_mark is None
        if clockless or (code == "flow-unclear" and not (codes & _OF_BUFFER) and _headless(facts)):
            yield from _LOG
        elif code in {"not-read", "config-not-read", "config-unreadable", "recovery-unknown", "ike-sa-unknown"}:
            for line in _ASK.get(need, ()):
                command = line.partition(" |")[0]
                if command not in refused and (command not in seen or need in _PARTLY):
                    yield line


# Other lines of a command already seen, and a log that is to follow its clock.
_PARTLY = frozenset({"config", "peers", "recovery_configured", "ike_version", "device_time"})


def _headless(facts: Facts) -> bool:
    """Whether only lines of a log were given: without its head nothing tells what it leaves out."""
    return facts.log is not None and facts.log.header is None


def _notes(facts: Facts, codes: set[str]) -> Iterator[str]:
    hidden = facts.privilege is not None and facts.privilege < 15 and codes & {"config-unreadable", "recovery-unknown"}
    denied = any(failure.code in _DENIED for failure in facts.failures)
    refused = any(note.status is CaptureStatus.REFUSED for note in facts.captures)
    if hidden or denied or (refused and codes & {"command-refused", "log-not-read", "not-read", "ike-sa-unknown"}):
        yield _RIGHTS
    if any(note.status is CaptureStatus.INCOMPLETE for note in facts.captures) and codes & {
        "command-incomplete",
        "log-not-read",
    }:
        yield "An answer was cut or not understood: collect it again, whole; if it stands whole, report its wording."
    unsure = bool(facts.clock_mark) and codes & {"log-clock", "log-stamps"}
    if unsure or ("log-clock" in codes and facts.clock_mark is not None):
        yield _NTP
    for code, text in _NOTES.items():
        if code in codes:
            yield text
