"""File names from device names and commands: readable, unique, harmless on any disk."""

from __future__ import annotations

import re
from hashlib import sha256

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
INDEX = "snapshot.json"


def slug(name: str) -> str:
    """A folder name for a device: what is readable of its name, and a hash of the whole of it (FAULTS S17)."""
    readable = _UNSAFE.sub("-", name)[:48].strip(".-_") or "device"
    return f"{readable}-{sha256(name.encode('utf-8', 'backslashreplace')).hexdigest()[:8]}"


def capture_file(number: int, command: str, taken: frozenset[str] | set[str]) -> str:
    """A file name for the capture `number` (from 1): `03_show_logging.txt`, another where that is taken."""
    readable = _UNSAFE.sub("_", command.lower()).strip("._-")[:60].rstrip("._-") or "capture"
    name = f"{number:02d}_{readable}.txt"
    again = 2
    while name in taken:
        name = f"{number:02d}_{readable}.{again}.txt"
        again += 1
    return name


def is_plain_name(name: str) -> bool:
    """True for a name that stays in its folder."""
    return bool(name) and _UNSAFE.search(name) is None and not name.startswith(".")
