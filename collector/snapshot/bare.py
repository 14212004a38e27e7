"""One answer without a prompt: told by its file's name, or by a heading that no other command prints."""

from __future__ import annotations

import re
from pathlib import Path

from collector.commands import Unused, recognise, unused
from collector.snapshot.text import Document

_SIGNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), command)
    for pattern, command in (
        (r"^[ \t]*dst\s+src\s+state\s+conn-id", "show crypto isakmp sa"),
        (r"^[ \t]*C-id\s+Local\s+Remote\s+I-VRF", "show crypto isakmp sa detail"),
        (r"^[ \t]*interface: \S+[ \t]*\n[ \t]*Crypto map tag:", "show crypto ipsec sa"),
        (r"^[ \t]*Session-id:\s*\d+, Status:", "show crypto ikev2 session"),
        (r"^[ \t]*Tunnel-id\s+Local\s+Remote\s+fvrf/ivrf\s+Status", "show crypto ikev2 sa"),
        (r"^[ \t]*(?:IPv[46] )?Crypto ISAKMP SA[ \t]*$", "show crypto isakmp sa"),
        (r"^[ \t]*(?:Crypto session current status|Session status: [A-Z-]+[ \t]*$)", "show crypto session"),
        (r"^[ \t]*Syslog logging: (?:enabled|disabled)", "show logging"),
        (r"^[ \t]*Log Buffer \(\d+ bytes\):", "show logging"),
        (r"^\S{1,64} uptime is \d", "show version"),
        (r"^[ \t]*Drop Type\s+Name\s+Packets", "show platform hardware qfp active feature ipsec datapath drops"),
        (
            r"^[ \t]*\d+\s+(?:IN|OUT)_[A-Z0-9_]+\s+\d+[ \t]*(?:<|$)",
            "show platform hardware qfp active feature ipsec datapath drops | include _",
        ),
        (
            r"^[ \t]*(?:ID\s+)?Global Drop Stats\s+(?:Packets|1-Min)",
            "show platform hardware qfp active statistics drop",
        ),
        (
            r"^[ \t]*Ipsec(?:Input|InvalidSa)\s+\d+\s+\d+[ \t]*(?:<|$)",
            "show platform hardware qfp active statistics drop | include Ipsec",
        ),
        (r"^[ \t]*Type: (?:static|dynamic|incomplete), Flags:", "show ip nhrp"),
        (r"^[ \t]*Target\s+Via\s+NBMA\s+Mode\s+Intfc", "show ip nhrp brief"),
        (r"^[ \t]*(?:Legend: Attrb -->|Interface: \S+, IPv[46] NHRP Details)", "show dmvpn"),
        (r"^[ \t]*Legend: E=Expecting replies", "show ip nhrp nhs"),
        (r"^[ \t]*Crypto Map(?: IPv[46])?:? \"[^\"]+\"", "show crypto map"),
        (r"^[ \t]*Crypto Map Template\s?\"", "show crypto dynamic-map"),
        (r"^[ \t]*IPSEC profile \S+", "show crypto ipsec profile"),
        (r"^[ \t]*(?:Active|Transient) SPI table", "show crypto ipsec spi-lookup detail"),
        (r"^[ \t]*GROUP INFORMATION", "show crypto gdoi"),
        (r"^[ \t]*P indicates configured to preempt", "show standby brief"),
        (r"^[ \t]*Current privilege level is \d", "show privilege"),
        (r"^[*.]?\d\d:\d\d:\d\d\.\d{3} \S+ [A-Z][a-z]{2} [A-Z][a-z]{2} \d{1,2} \d{4}[ \t]*$", "show clock"),
    )
)
_NOT_USED = (("Active ISAKMP SA's:", "show crypto isakmp sa count"), ("IPsec SA total:", "show crypto ipsec sa count"))
_BUFFER = re.compile(r"^[ \t]*(?:Syslog logging: (?:enabled|disabled)|Log Buffer \(\d+ bytes\):)", re.MULTILINE)
_NAMED = re.compile(r"(?:(?P<device>.+?)[ _.\-]+)??(?:\d{1,3}[ _\-])?(?P<command>sh(?:ow)?[ _\-].+)$", re.IGNORECASE)


def command_of(document: Document) -> str | None:
    """The command whose answer `document` is, or `None` where that is not plain."""
    named = _named(document)
    if named is not None:
        return named[1]
    head = document.head()
    first = next((line.strip() for line in head.split("\n") if line.strip()), "")
    if recognise(first) is not None:  # the echo without its prompt
        return first
    return next((command for sign, command in _SIGNS if sign.search(head)), None)


def not_used(document: Document) -> Unused | None:
    """The command behind an answer that is known and not used: by its file's name, its echo, or its first words."""
    name = _NAMED.match(Path(document.source).stem)
    first = next((line.strip() for line in document.head().split("\n") if line.strip()), "")
    typed = [re.sub(r"[_\s]+", " ", name["command"]).strip()] if name is not None else []
    typed += [first, *(command for words, command in _NOT_USED if first.startswith(words))]
    return next((known for line in typed for one in (line, line.replace("-", " ")) if (known := unused(one))), None)


def is_buffer(head: str) -> bool:
    """True for the head of `show logging`: then the file is one router's, however many messages follow."""
    return _BUFFER.search(head) is not None


def device_of(document: Document) -> str | None:
    """What the file's name says of the device: `hub1_show_version.txt`, or the folder of `show_version.txt`."""
    named = _named(document)
    if named is None:
        return None
    return named[0] or Path(document.source).parent.name or None


def _named(document: Document) -> tuple[str | None, str] | None:
    match = _NAMED.match(Path(document.source).stem)
    if match is None:
        return None
    words = re.sub(r"[_\s]+", " ", match["command"]).strip()
    for spelling in (words, words.replace("-", " ")):
        if recognise(spelling) is not None:
            return match["device"], spelling
    return None
