"""What stands before the `%` of a message, read from the right.

    [<PRI>] [relay time host | RFC 5424 head] [seq: ] [origin: ] [*|.] [seq: ] stamp[ zone]:[ :] [origin] %

The last stamp is the router's, an earlier one the relay's. `<PRI>` may also stand behind the relay's host. A router
without `service timestamps` has no stamp of its own: then the relay's is the only one, and it is not the router's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime

from collector.model import Stamp
from collector.parse.log.stamp import DATE, ISO, NONE, UPTIME, ZONE, read_stamp

REACH = 400  # characters before the `%`: no header known is as long

_PRI = r"(?:<\d{1,3}>(?:1 )?)?"
_NAME = r"[A-Za-z0-9_][\w.\-/:]{0,63}"
_LEVEL = r"(?:(?:[Ll]ocal[0-7]|[Kk]ern|[Uu]ser|[Dd]aemon|[Aa]uth|[Ss]yslog)\.[A-Za-z]{3,9} )?"  # Kiwi Syslog
_RELAY = rf"(?P<relay>{DATE}|{ISO})(?: (?P<relay_zone>UTC|GMT|[+-]\d\d:\d\d))? {_LEVEL}(?P<host>{_NAME})"
# RFC 5424: app, process, message id, structured data; RFC 3164: a tag, program[process]
_FIELDS = r"(?:(?: [\w./\-:]{1,48}){3} (?:-|(?:\[[^\]]{1,200}\]){1,3})| [\w./\-]{1,32}\[\d{1,10}\]:?)?"
_NUMBER = r"\d{1,10}:(?: |(?=[*.%A-Z<]|$))"  # `91: `, `91:*Mar`, but not the hours of a clock
_COUNT = rf"(?:{_NUMBER}(?={_NUMBER}))?"  # of the syslog process; behind it the one of `service sequence-numbers`
_SEQUENCE = rf"(?P<seq>{_NUMBER})?"
_ORIGIN = r"(?:(?P<origin>[A-Za-z0-9_][\w.\-/]{0,62}(?::[\w.\-/:]{1,40})?): )?"
_BEFORE = rf"{_PRI}(?P<early>[*.]?){_COUNT}{_SEQUENCE}{_ORIGIN}"
_STAMP = rf"(?P<mark>[*.]?)(?P<late>{_NUMBER})?(?P<mark2>[*.]?)(?P<stamp>{DATE}|{ISO}|(?<![\w=/-])(?:{UPTIME}))"
_EDGE = r"""(?:^|(?<=[\s,;)\]}>"'#|])|(?=[*<]))"""
_KNOWN_ZONE = r"UTC|GMT|Z|[A-Z]{1,3}[SD]T|CET|CEST|EET|EEST|WET|WEST|MSK|[+-]\d\d:?\d\d"
_AFTER = (
    rf"(?:(?: ?(?P<zone>{ZONE}))?(?: ?:){{1,3}} ?(?:(?P<behind>{_NAME}):? )?"
    rf"| (?P<bare>{_KNOWN_ZONE}) | ?)$"
)

_STAMPED = re.compile(rf"{_EDGE}{_PRI}(?:{_RELAY}(?: ?:)?{_FIELDS} )?{_BEFORE}{_STAMP}{_AFTER}")
_RELAYED = re.compile(rf"{_EDGE}{_PRI}{_RELAY}(?: ?:)?{_FIELDS} {_BEFORE}(?P<late>{_NUMBER})?(?:: ?)?$")
_BARE = re.compile(
    rf"{_EDGE}(?:<\d{{1,3}}>(?:1 )?[*.]?{_COUNT}{_SEQUENCE}(?:(?P<origin>{_NAME}?):? )?(?P<late>{_NUMBER})?"
    rf"|[*.]?{_COUNT}(?P<seq2>{_NUMBER})(?:(?P<origin2>{_NAME}?):? )?(?P<late2>{_NUMBER})?)(?:: ?)?$"
)
_GLUED = re.compile(rf"{_STAMP}{_AFTER}")  # right behind the last word of another message
_LONE_NAME = re.compile(rf"(?!(?:{_KNOWN_ZONE}):? $)(?P<origin>[A-Za-z0-9_][\w\-]*(?:\.[\w\-]+)*):? $")
# `grep` puts the file's name before a line, with -n its number
_GREP = re.compile(
    r"(?:/[\w./\-]{1,200}|[\w./\-]{1,200}\.(?:log|txt|gz|bz2|xz|out|syslog)[\w.\-]{0,40}):(?:\d{1,9}:)?(?=\S)"
)
_JSON = re.compile(
    r"""\s{0,8}\{.{0,4000}?"(?:host|hostname|host_name|fromhost|logsource|sysloghost)" ?: ?"""
    r"""(?:\{[^{}]{0,400}?"(?:name|hostname|ip)" ?: ?)?"([\w.\-:]{1,64})\""""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Who said it, and when.

    start: index in the given text where the header begins. relay_time is naive where the relay wrote no offset.
    """

    start: int
    stamp: Stamp = NONE
    sequence: int | None = None
    origin: str | None = None
    relay_host: str | None = None
    relay_time: datetime | None = None


def json_host(line: str) -> str | None:
    """The host that a collector wrote into a line of JSON."""
    match = _JSON.match(line) if line.lstrip()[:1] == "{" else None
    return match[1] if match else None


def read_header(text: str) -> Header | None:
    """The header that ends at the end of `text` (blanks squeezed, the `%` follows); `None` where there is none.

    An empty text is the header of a router that stamps nothing.
    """
    text = text.replace("\ufeff", "")
    if not text:
        return Header(start=0)
    if grep := _GREP.match(text):
        header = read_header(text[grep.end() :])
        return header and replace(header, start=header.start + grep.end() if header.start else 0)
    for pattern, build in ((_STAMPED, _stamped), (_RELAYED, _relayed), (_BARE, _bare)):
        if match := pattern.search(text):
            return build(match)
    if match := _LONE_NAME.fullmatch(text):
        return Header(start=0, origin=match["origin"])
    if match := _GLUED.search(text):
        return Header(
            start=match.start(), stamp=read_stamp(match["stamp"], match["zone"] or match["bare"], match["mark"])
        )
    return None


def _stamped(match: re.Match[str]) -> Header:
    zone = match["zone"] or match["bare"]
    stamp = read_stamp(match["stamp"], zone, match["mark2"] or match["mark"] or match["early"])
    return Header(
        start=match.start(),
        stamp=stamp,
        sequence=_number(match["late"] or match["seq"]),
        origin=match["origin"] or match["behind"],
        relay_host=_host(match),
        relay_time=_relay_time(match),
    )


def _relayed(match: re.Match[str]) -> Header:
    return Header(
        start=match.start(),
        sequence=_number(match["late"] or match["seq"]),
        origin=match["origin"],
        relay_host=_host(match),
        relay_time=_relay_time(match),
    )


def _bare(match: re.Match[str]) -> Header:
    return Header(
        start=match.start(),
        sequence=_number(match["late"] or match["late2"] or match["seq"] or match["seq2"]),
        origin=match["origin"] or match["origin2"],
    )


def _number(text: str | None) -> int | None:
    return int(text.strip(" :")) if text else None


def _host(match: re.Match[str]) -> str | None:
    host: str | None = match["host"]
    return host.rstrip(":") if host and host != "-" else None


def _relay_time(match: re.Match[str]) -> datetime | None:
    return relay_time(match["relay"], match["relay_zone"]) if match["relay"] else None


def relay_time(text: str, zone: str | None) -> datetime | None:
    """What a relay wrote; naive where it wrote no offset."""
    stamp = read_stamp(text, zone)
    if stamp.time is None:
        return None
    offset = stamp.zone
    if offset is None:
        return stamp.time
    text = "+00:00" if offset in {"UTC", "GMT"} else offset
    return datetime.fromisoformat(f"{stamp.time.isoformat()}{text}")
