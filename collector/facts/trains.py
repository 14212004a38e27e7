"""IOS and IOS XE version strings, compared as trains and never as text.

A version is read into its release (12.2(33), 15.4(3), 16.9.4), its train ("XNC", "M", "S", "" on IOS XE) and its
rebuild. Releases of different trains with one release number have no order: the answer is then `None`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CLASSIC = re.compile(r"(\d{1,3})\.(\d{1,3})\((\d{1,4})([a-z]{0,2})\)([A-Z]*)(\d{0,4})([a-z]{0,2})")
_XE = re.compile(r"(?:Version )?0{0,2}(\d{1,2})\.0{0,2}(\d{1,3})(?:\.0{0,2}(\d{1,3})([a-z]{0,2}))?(\.?S[GE]?)?")
_XE_ON_ASR = re.compile(r"XN([A-Z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Train:
    """A version, taken apart. xe: numbered in the IOS XE way (2.3.2, 03.16.04b.S, 16.9.4)."""

    xe: bool
    release: tuple[int, ...]
    letters: str
    rebuild: tuple[int, str]

    @property
    def name(self) -> str:
        """Comparable text: "12.2(33)XNC", "15.4(3)M", "16.9", "3.16S"."""
        if self.xe:
            return ".".join(str(part) for part in self.release[:2]) + ("S" if self.letters else "")
        major, minor, maintenance = self.release
        return f"{major}.{minor}({maintenance}){self.letters}"


def parse(version: str | None) -> Train | None:
    """The version taken apart, or `None` for text that is no version. Source: Cisco's naming of releases."""
    text = (version or "").strip()
    if match := _CLASSIC.match(text):
        major, minor, maintenance, throttle, letters, number, suffix = match.groups()
        return Train(
            xe=False,
            release=(int(major), int(minor), int(maintenance)),
            letters=letters,
            rebuild=(int(number or 0), throttle + suffix),
        )
    if match := _XE.match(text):
        major, minor, rebuild, suffix, letters = match.groups()
        return Train(
            xe=True,
            release=(int(major), int(minor)),
            letters=(letters or "").strip("."),
            rebuild=(int(rebuild or 0), suffix or ""),
        )
    return None


def at_least(version: str | None, floor: str) -> bool | None:
    """True where `version` is `floor` or later, `None` where the two have no order or are not understood."""
    one, other = parse(version), parse(floor)
    if one is None or other is None:
        return None
    one, other = _as_xe(one), _as_xe(other)
    if one.xe != other.xe:
        return _mixed(one, other)
    if one.release != other.release:
        return one.release > other.release
    if one.letters != other.letters and not one.xe:
        return None
    return one.rebuild >= other.rebuild


def _as_xe(train: Train) -> Train:
    """12.2(33)XNC2 is IOS XE 2.3.2: XNA is 2.1, XNB 2.2, ... (Cisco 115801 names both for one release)."""
    match = _XE_ON_ASR.fullmatch(train.letters)
    if train.xe or match is None:
        return train
    return Train(xe=True, release=(2, ord(match[1]) - ord("A") + 1), letters="", rebuild=train.rebuild)


def _mixed(one: Train, other: Train) -> bool | None:
    """IOS 15 and later stands above IOS XE 2.x; IOS XE 3 and later above IOS 12. Nothing else is known."""
    if not one.xe:
        return True if one.release[0] >= 15 and other.release[0] <= 2 else None
    return True if one.release[0] >= 3 and other.release[0] <= 12 else None


LOGS_ON_ASR = "12.2(33)XNC2"


def logs_invalid_spi(version: str | None, hardware: str | None) -> bool | None:
    """Whether this router logs RECVD_PKT_INV_SPI at all.

    ASR 1000 does from 12.2(33)XNC2 = IOS XE 2.3.2 on (Cisco 115801, older copies); every other router does.
    """
    if hardware is None:  # IOS XE 2.x ran on the ASR 1000 alone
        return False if at_least(version, LOGS_ON_ASR) is False else None
    return at_least(version, LOGS_ON_ASR) if hardware.upper().startswith("ASR1") else True
