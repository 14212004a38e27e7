"""show crypto ikev2 session [detailed]: IKE version 2 SAs with the SPIs of their children."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from collector.commands.blocks import Count, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.commands.ikev2 import begins_sa, fold
from collector.model import IkeSa


def _children(records: Sequence[IkeSa]) -> int:
    return sum(len(sa.children) for sa in records)


def read(lines: Iterable[str], filtered: str | None) -> Reading[IkeSa]:
    """Whole when each tunnel-id became an SA and each `ESP spi in/out` a child."""
    return read_blocks(
        COMMAND,
        lines,
        fold,
        counts=(
            Count(what="SA", begins=begins_sa),
            Count(what="child SA", starts=("ESP spi in/out:",), total=_children),
        ),
        empty=Empty(
            wordings=("IPv4 Crypto IKEv2", "IPv6 Crypto IKEv2", "There are no", "There is no", "No "), silent=True
        ),
        filtered=filtered,
    )


COMMAND: Command[IkeSa] = Command(
    name="show crypto ikev2 session",
    lines=("show crypto ikev2 session",),
    read=read,
    template="cisco_ios_show_crypto_ikev2_session",
    spellings=("show crypto ikev2 session detail", "show crypto ikev2 session detailed"),
    about="IKE version 2 SAs with the SPIs of their child SAs",
)
