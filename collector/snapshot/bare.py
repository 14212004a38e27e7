"""One answer without a prompt: told by its file's name, or by a heading that no other command prints."""

from __future__ import annotations

import re
from pathlib import Path

from collector.commands import recognise
from collector.snapshot.text import Document

_SIGNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.MULTILINE), command)
    for pattern, command in (
        (r"^\s*dst\s+src\s+state\s+conn-id", "show crypto isakmp sa"),
        (r"^\s*C-id\s+Local\s+Remote\s+I-VRF", "show crypto isakmp sa detail"),
        (r"^\s*interface: \S+\s*\n\s*Crypto map tag:", "show crypto ipsec sa"),
        (r"^\s*Session-id:\s*\d+, Status:", "show crypto ikev2 session"),
        (r"^\s*Tunnel-id\s+Local\s+Remote\s+fvrf/ivrf\s+Status", "show crypto ikev2 sa"),
        (r"^\s*(?:IPv[46] )?Crypto ISAKMP SA\s*$", "show crypto isakmp sa"),
        (r"^\s*(?:Crypto session current status|Session status: [A-Z-]+\s*$)", "show crypto session"),
        (r"^\s*Syslog logging: (?:enabled|disabled)", "show logging"),
        (r"^\s*Log Buffer \(\d+ bytes\):", "show logging"),
        (r"^.*\buptime is \d.*$", "show version"),
        (r"^\s*Drop Type\s+Name\s+Packets", "show platform hardware qfp active feature ipsec datapath drops"),
        (
            r"^\s*\d+\s+(?:IN|OUT)_[A-Z0-9_]+\s+\d+\s*(?:<|$)",
            "show platform hardware qfp active feature ipsec datapath drops | include _",
        ),
        (r"^\s*(?:ID\s+)?Global Drop Stats\s+(?:Packets|1-Min)", "show platform hardware qfp active statistics drop"),
        (
            r"^\s*Ipsec(?:Input|InvalidSa)\s+\d+\s+\d+\s*(?:<|$)",
            "show platform hardware qfp active statistics drop | include Ipsec",
        ),
        (r"^\s*Type: (?:static|dynamic|incomplete), Flags:", "show ip nhrp"),
        (r"^\s*Target\s+Via\s+NBMA\s+Mode\s+Intfc", "show ip nhrp brief"),
        (r"^\s*(?:Legend: Attrb -->|Interface: \S+, IPv[46] NHRP Details)", "show dmvpn"),
        (r"^\s*Legend: E=Expecting replies", "show ip nhrp nhs"),
        (r"^\s*Crypto Map(?: IPv[46])?:? \"[^\"]+\"", "show crypto map"),
        (r"^\s*Crypto Map Template\s?\"", "show crypto dynamic-map"),
        (r"^\s*IPSEC profile \S+", "show crypto ipsec profile"),
        (r"^\s*GROUP INFORMATION", "show crypto gdoi"),
        (r"^\s*P indicates configured to preempt", "show standby brief"),
        (r"^\s*Current privilege level is \d", "show privilege"),
        (r"^[*.]?\d\d:\d\d:\d\d\.\d{3} \S+ [A-Z][a-z]{2} [A-Z][a-z]{2} \d{1,2} \d{4}\s*$", "show clock"),
    )
)
_BUFFER = re.compile(r"^\s*(?:Syslog logging: (?:enabled|disabled)|Log Buffer \(\d+ bytes\):)", re.MULTILINE)
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
