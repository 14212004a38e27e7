"""show crypto ipsec sa identity: flows without their SAs. A command of its own: here no SPI is no proof of none."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from collector.commands.blocks import read_blocks
from collector.commands.command import Command, Reading
from collector.commands.ipsec_flows import Form, fold
from collector.commands.show_crypto_ipsec_sa import COUNTS, EMPTY
from collector.model import IpsecFlow


def read(lines: Iterable[str], filtered: str | None) -> Reading[IpsecFlow]:
    """Whole when each `current_peer` is a flow."""
    return read_blocks(
        COMMAND,
        lines,
        partial(fold, form=Form(sections=False)),
        counts=COUNTS,
        empty=EMPTY,
        filtered=filtered,
    )


COMMAND: Command[IpsecFlow] = Command(
    name="show crypto ipsec sa identity",
    lines=("show crypto ipsec sa identity",),
    read=read,
    template="cisco_ios_show_crypto_ipsec_sa",
    spellings=("show crypto ipsec sa identity detail",),
    about="flows and their counters, without SPIs",
)
