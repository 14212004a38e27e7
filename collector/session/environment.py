"""What a program that we run inherits: enough to find its files and to speak the user's language, and no secret."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

NAMES = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR")


def minimal(environment: Mapping[str, str] | None = None, also: Iterable[str] = ()) -> dict[str, str]:
    """`NAMES` and `also`, as far as they are set in `environment` (this process's own)."""
    found = os.environ if environment is None else environment
    return {name: found[name] for name in (*NAMES, *also) if name in found}
