"""show crypto map: which peers stand in which applied map; used where the configuration is not readable. No keys in it."""

from __future__ import annotations

from collections.abc import Iterable

from collector.commands.blocks import Count, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.commands.crypto_maps import SELF_TEST, begins_entry, fold
from collector.model import CryptoMapEntry


def read(lines: Iterable[str], filtered: str | None) -> Reading[CryptoMapEntry]:
    """Whole when each `Crypto Map "..." n` is an entry and each map's interfaces were listed."""
    return read_blocks(
        COMMAND,
        lines,
        fold,
        counts=(
            Count(what="entry", begins=begins_entry),
            Count(
                what="peer",
                starts=("Peer =",),
                total=lambda entries: sum(len(entry.peers) for entry in entries),
            ),
        ),
        empty=Empty(
            wordings=(
                "No crypto maps",
                "There are no",
                "There is no",
                "No crypto",
                f"Interfaces using crypto map {SELF_TEST}:",
            )
        ),
        filtered=filtered,
    )


COMMAND: Command[CryptoMapEntry] = Command(
    name="show crypto map",
    lines=("show crypto map",),
    read=read,
    template="cisco_ios_show_crypto_map",
    spellings=(
        "show crypto map interface <interface>",
        "show crypto map interface <type> <number>",
        "show crypto map tag <map>",
    ),
    about="peers and interfaces of the maps, where the configuration is not readable",
)
