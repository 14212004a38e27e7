"""show crypto dynamic-map: the templates that unknown peers are taken in by."""

from __future__ import annotations

from collections.abc import Iterable

from collector.commands.blocks import Count, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.commands.crypto_maps import begins_entry, fold
from collector.model import CryptoMapEntry


def read(lines: Iterable[str], filtered: str | None) -> Reading[CryptoMapEntry]:
    """Whole when each `Crypto Map Template"..." n` is an entry."""
    return read_blocks(
        COMMAND,
        lines,
        fold,
        counts=(Count(what="entry", begins=begins_entry),),
        empty=Empty(wordings=("No crypto dynamic", "No crypto", "No dynamic", "There are no", "There is no")),
        filtered=filtered,
    )


COMMAND: Command[CryptoMapEntry] = Command(
    name="show crypto dynamic-map",
    lines=("show crypto dynamic-map",),
    read=read,
    template="cisco_ios_show_crypto_dynamic_map",
    spellings=("show crypto dynamic-map tag <map>",),
    about="dynamic maps: their peers are never helped by the recovery command",
)
