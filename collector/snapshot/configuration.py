"""Configurations in files of their own: saved by hand, by RANCID, by Oxidized."""

from __future__ import annotations

import re

from collector.model import Capture
from collector.snapshot.text import Document

_RANCID = re.compile(r"!RANCID-CONTENT-TYPE:", re.IGNORECASE)
_COMMAND = re.compile(r"!\s?Command: ?(show \S.*?)\s*$", re.IGNORECASE)
_HEAD = re.compile(
    r"(?:Building configuration|Current configuration ?:|Using \d+ out of \d+ bytes|! Last configuration change at"
    r"|version \d{1,2}\.\d{1,2}\s*$|hostname \S+\s*$)",
    re.MULTILINE,
)
_KIN = re.compile(
    r"(?:no )?(?:interface [A-Za-z][A-Za-z-]*\d|interface Virtual-Template|crypto (?:isakmp|ikev2|ipsec|map|dynamic-map|keyring|gdoi|pki|"
    r"engine|call|logging|identity)\b|router [a-z]|ip (?:route|access-list|vrf|nhrp|domain|ssh)\b|access-list \d|line (?:con|vty)|"
    r"service [a-z]|aaa |logging |ntp server|vrf definition|set (?:peer|transform-set|ikev2-profile)|tunnel )"
)
HOSTNAME = re.compile(r"^[ \t]{0,8}hostname[ \t]+\"?([^\s\"]{1,63})", re.MULTILINE)


def is_configuration(head: str) -> bool:
    """True where the beginning of a file is that of a configuration."""
    lines = [line for line in head.split("\n") if line.strip()]
    if _RANCID.match(lines[0] if lines else "") or any(_HEAD.match(line) for line in lines[:80]):
        return True
    kin = sum(bool(_KIN.match(line.strip())) for line in lines[:400])
    return kin >= 1 and kin * 12 >= len(lines[:400])


def captures(document: Document) -> tuple[Capture, ...]:
    """The configuration, and before it the answers that RANCID keeps as comments under `!Command: show ...`."""
    if document.text is None or not _RANCID.match(document.text.lstrip()):
        return (document.capture("show running-config", 0, None, first_line=1),)
    lines = document.text.split("\n")
    found: list[Capture] = []
    for number, line in enumerate(lines):
        marked = _COMMAND.match(line)
        if marked:
            found.append(_commented(lines, number + 1, marked[1], document))
    found = [capture for capture in found if capture.text.strip()]
    return (*found, document.capture("show running-config", 0, None, first_line=1))


def _commented(lines: list[str], start: int, command: str, document: Document) -> Capture:
    """The comment lines from `start` on, `!` taken off, up to the next command or the configuration."""
    end = start
    while end < len(lines) and lines[end].startswith("!") and not _COMMAND.match(lines[end]):
        end += 1
    text = "\n".join(line[1:].removeprefix(" ") for line in lines[start:end])
    part = Document(source=document.source, path=None, text=text + "\n" if text else "")
    return part.capture(command, 0, None, first_line=start + 1, complete=False, note="a selection that RANCID keeps")
