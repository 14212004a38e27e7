"""The body of RECVD_PKT_INV_SPI, however it was wrapped.

    decaps: rec'd IPSEC packet has invalid spi for destaddr=192.0.2.1, prot=50, spi=0x1DB73BBB(498547643),
    srcaddr=198.51.100.7, input interface=GigabitEthernet1

No word of it needs its blanks, so a wrapped body is read without any: then it does not matter whether the wrap fell
between two words or inside one. Only behind `srcaddr=` blanks tell where the message ends. hex = decimal is a
checksum: on disagreement both are kept, and `InvalidSpi.consistent` says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from collector.model import InvalidSpi, to_address, to_spi
from collector.parse.log.stamp import MONTHS

NAME = "RECVD_PKT_INV_SPI"

# blanks taken out; the apostrophe comes as ' ’ ` ´, as &#39;, doubled, or not at all
_PREFIX = re.compile(
    r"decaps:?rec.{0,7}?dIPSECpackethasinvalidspifordestaddr=(?P<dst>[^,]{1,64}),prot=(?P<prot>\w{1,8}),"
    r"spi=(?:0x)?(?P<hex>[0-9a-f]{1,8})(?:\((?P<dec>\d{1,10})\))?,srcaddr=",
    re.IGNORECASE,
)
_ONE_LINE = re.compile(
    r"decaps: rec'd IPSEC packet has invalid spi for destaddr=(?P<dst>[\d.]{7,15}), prot=(?P<prot>\d{1,3}), "
    r"spi=0x(?P<hex>[0-9A-Fa-f]{1,8})\((?P<dec>\d{1,10})\), srcaddr=(?P<src>[\d.]{7,15})"
    r"(?:, input interface=(?P<ifc>[A-Za-z][A-Za-z\-]*\d[\d/.:]*(?<![/.:])))?$"
)
_TAIL_START = re.compile(r"s\s?r\s?c\s?a\s?d\s?d\s?r\s?=\s?")
_TAIL = re.compile(r"(?P<src>[^,\s]{0,64})\s?(?:,\s?input\s?interface\s?=?\s?(?P<ifc>[^\s,]{0,64}))?")
_KEYS = {
    "dst": re.compile(r"destaddr=([^,=\s]{1,64}?)(?=,|prot=|spi=|srcaddr=|$)", re.IGNORECASE),
    "prot": re.compile(r"prot=(\w{1,8}?)(?=,|spi=|srcaddr=|$)", re.IGNORECASE),
    "hex": re.compile(r"(?<![a-z])spi=(?:0x)?([0-9a-f]{1,8})(?![0-9a-f])", re.IGNORECASE),
    "dec": re.compile(r"spi=(?:0x)?[0-9a-f]{1,8}\((\d{1,10})\)", re.IGNORECASE),
}
_EDGES = "[](){}<>\"';.*"
_MASK = re.compile(r"(?:[xXyYzZnN*#\d]{1,8}\.){3}[xXyYzZnN*#\d]{1,8}")
_PART_OF_ADDRESS = re.compile(r"[0-9A-Fa-f:.]*|[0-9xXyYzZ*.]*\.")
_INTERFACE = re.compile(r"[A-Za-z][A-Za-z\-]*\d[\d/.:]*(?<![/.:])")
_PART_OF_INTERFACE = re.compile(r"[A-Za-z][\w\-]*[\w/.:\-]*")
_WORD = re.compile(r"[^,\s]*")
_NEXT_HEADER = re.compile(rf"[<*.%\d]|(?:{'|'.join(MONTHS)})\b")
_INPUT = ",inputinterface="

Progress = Literal["open", "may-go-on", "closed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """event: what could be read, `None` for nothing. whole: every part that belongs to the message was there."""

    event: InvalidSpi | None
    whole: bool


def squeeze(text: str) -> str:
    """Without any blank."""
    return "".join(text.split())


def read_body(parts: list[str]) -> Body:
    """The body in `parts`, the lines of one message (the first from its `%` on), each stripped and squeezed."""
    if len(parts) == 1 and (usual := _ONE_LINE.search(parts[0])) is not None and to_address(usual["src"]) is not None:
        return Body(event=_event(usual, usual["src"], usual["ifc"]), whole=True)
    match = _prefix(parts)
    if match is None:
        return _by_keys(parts)
    src, interface, rest = _tail(parts)
    return Body(event=_event(match, src, interface), whole=bool(src) and _settled(src, interface, rest))


def _event(match: re.Match[str], src: str, interface: str | None) -> InvalidSpi:
    return InvalidSpi(
        destination=to_address(match["dst"].strip(_EDGES)),
        destination_text=match["dst"],
        source=to_address(src),
        source_text=src,
        protocol=match["prot"],
        spi=to_spi(match["hex"]),
        spi_decimal=int(match["dec"]) if match["dec"] else None,
        interface=interface or None,
    )


def _prefix(parts: list[str]) -> re.Match[str] | None:
    return _PREFIX.search(squeeze("".join(parts))[:2000])


def _tail(parts: list[str]) -> tuple[str, str | None, str]:
    """Source, interface (`None`: the word is not there) and the text behind them."""
    text = "\n".join(parts)
    start = _TAIL_START.search(text)
    if start is None:
        return "", None, ""
    text = text[start.end() :].replace("\n", "")
    match = _TAIL.match(text)
    assert match is not None
    src, interface = match["src"].strip(_EDGES), match["ifc"]
    if match["src"].endswith((".", ":")) and to_address(src) is None:
        src = match["src"].lstrip(_EDGES)
    rest = text[match.end() :]
    return src, interface.strip("[]()<>\"';") if interface is not None else None, rest


def _settled(src: str, interface: str | None, rest: str) -> bool:
    """Nothing is left open at the end of what was read."""
    if interface is not None:
        return bool(interface) and (bool(rest.strip()) or interface[-1] not in "/.:")
    if to_address(src) is None and not _MASK.fullmatch(src) and not rest.strip() and _PART_OF_ADDRESS.fullmatch(src):
        return False
    left = squeeze(rest)
    return not left or not _INPUT.startswith(left)


def _by_keys(parts: list[str]) -> Body:
    """Each key alone, in any order and amid other words."""
    text = squeeze("".join(parts))[:4000]
    found = {name: match[1] for name, pattern in _KEYS.items() if (match := pattern.search(text))}
    src, interface, rest = _tail(parts)
    if "hex" not in found and "dst" not in found and not src:
        return Body(event=None, whole=False)
    dst = found.get("dst", "").strip(_EDGES)
    event = InvalidSpi(
        destination=to_address(dst),
        destination_text=dst,
        source=to_address(src),
        source_text=src,
        protocol=found.get("prot", ""),
        spi=to_spi(found.get("hex")),
        spi_decimal=int(found["dec"]) if "dec" in found else None,
        interface=interface or None,
    )
    whole = bool(src and dst and "hex" in found and "prot" in found) and _settled(src, interface, rest)
    return Body(event=event, whole=whole)


def reached_source(parts: list[str]) -> bool:
    """Whether everything up to `srcaddr=` is there."""
    return _prefix(parts) is not None


def complete(parts: list[str]) -> bool:
    """Whether the message could end here: the source is an address or a mask, the interface looks like one."""
    src, interface, rest = _tail(parts)
    if interface is not None:
        return _INTERFACE.fullmatch(interface) is not None
    return not rest.strip(" ,") and (to_address(src) is not None or _MASK.fullmatch(src) is not None)


def progress(parts: list[str]) -> Progress:
    """Whether the message in `parts` needs a further line, may have one, or is done."""
    if _prefix(parts) is None:
        return "open"
    src, interface, rest = _tail(parts)
    if rest.strip() and not _INPUT.startswith(squeeze(rest)):
        return "closed"
    return "may-go-on" if src and _settled(src, interface, rest) else "open"


def goes_on(parts: list[str], line: str) -> bool:
    """Whether `line` continues the message in `parts`, a body that has reached `srcaddr=`.

    It does when it completes what stands open (an address, the interface, the words between), or when, with it,
    a longer address or interface stands there: a terminal wraps inside a number too. Behind that the line may hold
    the beginning of the next message, nothing else.
    """
    src, interface, rest = _tail(parts)
    if interface is not None:
        word, _, behind = line.partition(" ")
        if not _may_stand_behind(behind):
            return False
        if _INTERFACE.fullmatch(interface):
            return all(char in "0123456789/.:" for char in word)
        return not interface or _PART_OF_INTERFACE.fullmatch(interface + word) is not None
    left = squeeze(rest)
    if left:
        return _INPUT.startswith(left + squeeze(line)) or (left + squeeze(line)).startswith(_INPUT)
    if line.startswith(","):
        return squeeze(line).startswith(_INPUT) or _INPUT.startswith(squeeze(line))
    return _address_goes_on(src, line)


def _address_goes_on(src: str, line: str) -> bool:
    first = _WORD.match(line)
    assert first is not None
    joined = (src + first[0]).strip(_EDGES)
    if src and to_address(src) is None and to_address(joined) is not None:
        return True
    behind = line[first.end() :].strip()
    if not behind.startswith(",") and not _may_stand_behind(behind):
        return False
    if not src or to_address(joined) is not None or _MASK.fullmatch(joined):
        return True
    return _PART_OF_ADDRESS.fullmatch(src + first[0]) is not None and to_address(src) is None


def _may_stand_behind(text: str) -> bool:
    return not text or _NEXT_HEADER.match(text) is not None
