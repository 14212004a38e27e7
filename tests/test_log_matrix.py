"""Every stamp style through every relay, wrapped in every way: the same two events come back from each cell."""

from __future__ import annotations

import re
import sys
from datetime import datetime

import pytest
from log_renderer import RELAYS, SINCE_BOOT, STYLES, WRAPS, Line, Relay, Style

from collector.model import InvalidSpi, LogMessage
from collector.parse.log import Tally, body, header, scan

BODIES = (
    {"interface": None},
    {},
    {"interface": "Vlan20", "source": "2001:db8:12::fe:7", "destination": "2001:db8::1"},
    {"interface": "Tunnel100", "source": "X.X.X.X", "destination": "Z.Z.Z.Z"},
)
AT = datetime(2024, 3, 12, 18, 22, 10, 706123)  # noqa: DTZ001 - a router's wall clock
# a header that is itself broken over two lines may lose a field here (or half of it), never the event
BROKEN_HEADERS = {"columns-40", "columns-47-trimmed", "glued", "glued-wrapped", "glued-columns-80"}


def pair(**body: object) -> tuple[Line, Line]:
    return Line(spi=0xB761863E, at=AT, **body), Line(
        spi=0x0044A403, at=AT.replace(minute=23, microsecond=10), sequence=92, **body
    )


def cell(style: Style, relay: Relay, wrap: str, body: dict[str, object]) -> tuple[list[LogMessage], Tally, str]:
    text = WRAPS[wrap]([relay.render(style.render(m), m) + m.body for m in pair(**body)])
    tally = Tally()
    return list(scan(text.splitlines(), tally=tally)), tally, text


def wrong(style: Style, relay: Relay, wrap: str, body: dict[str, object]) -> str:
    """What is wrong with a cell, in words; "" for nothing."""
    messages, tally, text = cell(style, relay, wrap, body)
    found = [m for m in messages if isinstance(m.event, InvalidSpi)]
    meant = pair(**body)
    got = [(m.event.spi, m.event.spi_decimal, m.event.source_text, m.event.destination_text, m.event.interface,
            m.event.protocol) for m in found]  # fmt: skip
    if got != [(m.spi, m.spi, m.source, m.destination, m.interface, "50") for m in meant]:
        return f"events {got} from\n{text}"
    if (tally.seen, tally.events, tally.duplicates, tally.unparsed) != (2, 2, 0, 0):
        return f"{tally} from\n{text}"
    if wrap not in BROKEN_HEADERS and (len(messages), tally.total) != (2, 2):
        return f"{tally} from\n{text}"
    for message, line in zip(found, meant, strict=True):
        for name, expected in expectation(style, relay, line).items():
            value = reading(message)[name]
            if value != expected and not (wrap in BROKEN_HEADERS and (not value or is_end_of(value, expected, name))):
                return f"{name} {value!r}, not {expected!r}, from\n{text}"
    return ""


def is_end_of(value: object, expected: object, name: str) -> bool:
    return name in {"origin", "sequence"} and expected is not None and str(expected).endswith(str(value))


def expectation(style: Style, relay: Relay, line: Line) -> dict[str, object]:
    time = None
    if style.kind == "datetime":
        cut = line.at.microsecond // 10 ** (6 - style.digits) * 10 ** (6 - style.digits) if style.digits else 0
        time = line.at.replace(microsecond=cut, year=line.at.year if style.year else 1904)
    return {
        "time": time,
        "since_boot": SINCE_BOOT.get(style.name),
        "zone": style.zone,
        "mark": style.mark,
        "host": relay.host,
        "origin": relay.origin,
        "sequence": line.sequence if style.sequence or relay.counts else None,
    }


def reading(message: LogMessage) -> dict[str, object]:
    return {
        "time": message.stamp.time,
        "since_boot": message.stamp.since_boot,
        "zone": message.stamp.zone,
        "mark": message.stamp.mark,
        "host": message.relay_host,
        "origin": message.origin,
        "sequence": message.sequence,
    }


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.name)
def test_styles_wraps_relays(style: Style, wrap: str):
    complaints = [
        f"{relay.name} {body}: {complaint}"
        for relay in RELAYS
        for body in BODIES
        if (complaint := wrong(style, relay, wrap, body))
    ]
    assert not complaints, complaints[0]


def _without(pattern: re.Pattern[str], *pieces: str) -> re.Pattern[str]:
    source = pattern.pattern
    for piece in pieces:
        assert piece in source, piece
        source = source.replace(piece, "(?!)")
    return re.compile(source)


NEVER = re.compile(r"(?!)")

# branch taken out of the grammar -> cells (style, relay, wrap) that are wrong without it
BROKEN = {
    "ISO stamps": (header, {"_STAMPED": lambda p: _without(p, header.ISO), "_GLUED": lambda _: NEVER},
                   [("iso-z", "buffer", "one-line"), ("iso-offset", "pri", "crlf"), ("msec", "rsyslog-iso", "one-line"),
                    ("msec", "kiwi", "one-line"), ("msec", "rfc5424", "one-line")]),
    "dates": (header, {"_STAMPED": lambda p: _without(p, header.DATE), "_GLUED": lambda _: NEVER},
              [("star", "pri", "one-line"), ("zone-2", "origin-id-behind", "one-line"), ("msec", "rfc3164", "one-line")]),
    "uptime": (header, {"_STAMPED": lambda p: _without(p, header.UPTIME), "_GLUED": lambda _: NEVER},
               [("uptime-clock", "buffer", "one-line"), ("uptime-days", "buffer", "one-line"),
                ("uptime-weeks", "rfc3164", "glued"), ("uptime-years", "buffer", "columns-80"),
                ("uptime-sequence", "buffer", "one-line")]),
    "zones": (header, {"_STAMPED": lambda p: _without(p, header.ZONE), "_GLUED": lambda _: NEVER},
              [("zone-4", "pri", "one-line"), ("zone-glued", "buffer", "one-line"), ("zone-number", "buffer", "one-line"),
               ("two-colons", "rfc3164", "one-line"), ("zone-5", "rfc3164", "one-line")]),
    "PRI": (header, {"_STAMPED": lambda p: _without(p, "<\\d{1,3}>")},
            [("msec", "rfc3164-pri-behind", "one-line")]),
    "relays of routers without stamps": (header, {"_RELAYED": lambda _: NEVER},
                                         [("none", "rfc3164", "one-line"), ("sequence-only", "kiwi", "one-line"),
                                          ("none", "rfc5424", "columns-80")]),
    "bare sequence": (header, {"_BARE": lambda _: NEVER},
                      [("sequence-only", "buffer", "one-line"), ("none", "pri-count", "one-line")]),
    "5424 fields": (header, {"_STAMPED": lambda p: _without(p, header._FIELDS)},
                    [("msec", "rfc5424", "one-line"), ("msec", "rfc5424-fields", "one-line")]),
    "blanks do not matter": (body, {"squeeze": lambda _: (lambda text: text),
                                    "_by_keys": lambda _: (lambda _: body.Body(event=None, whole=False))},
                             [("msec", "buffer", "columns-80"), ("none", "buffer", "mail-quoted")]),
    "wraps behind srcaddr": (body, {"goes_on": lambda _: (lambda *_: False)},
                             [("msec", "buffer", "words-70"), ("star", "buffer", "columns-61")]),
    "interface": (body, {"_TAIL": lambda p: _without(p, "input")},
                  [("msec", "buffer", "one-line"), ("none", "buffer", "columns-80")]),
}  # fmt: skip


@pytest.mark.parametrize("branch", BROKEN)
def test_a_cell_fails_when_its_branch_is_broken(branch: str, monkeypatch: pytest.MonkeyPatch):
    module, patches, cells = BROKEN[branch]
    styles, relays = {s.name: s for s in STYLES}, {r.name: r for r in RELAYS}
    monkeypatch.setattr(sys.modules["collector.parse.log.scan"], "PLAIN", NEVER)  # the grammar alone has to do
    for style, relay, wrap in cells:
        assert all(not wrong(styles[style], relays[relay], wrap, body) for body in BODIES)
    for name, change in patches.items():
        monkeypatch.setattr(module, name, change(getattr(module, name)))
    healthy = [
        cell_ for cell_ in cells if all(not wrong(styles[cell_[0]], relays[cell_[1]], cell_[2], b) for b in BODIES)
    ]
    assert not healthy
