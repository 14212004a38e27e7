"""show crypto ikev2 sa [detailed]: the IKE version 2 SAs; only READY is live.

`DPD configured for 0 seconds` is off. With no SA the router prints two titles, or nothing at all; asked for one local or
remote address it prints one title, or none.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from collector.commands.blocks import Count, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.commands.ikev2 import begins_sa, fold
from collector.model import IkeSa


def read(lines: Iterable[str], filtered: str | None) -> Reading[IkeSa]:
    """Whole when each tunnel-id became an SA with its algorithms and times, and both families were told."""
    return _read(lines, filtered, scoped=False)


def read_scoped(lines: Iterable[str], filtered: str | None) -> Reading[IkeSa]:
    """The same of one local or remote address: the title of its family is enough."""
    return _read(lines, filtered, scoped=True)


def _read(lines: Iterable[str], filtered: str | None, *, scoped: bool) -> Reading[IkeSa]:
    return read_blocks(
        COMMAND,
        lines,
        partial(fold, scoped=scoped),
        counts=(Count(what="SA", begins=begins_sa),),
        empty=Empty(
            wordings=("IPv4 Crypto IKEv2", "IPv6 Crypto IKEv2", "There are no", "There is no", "No "), silent=True
        ),
        filtered=filtered,
    )


COMMAND: Command[IkeSa] = Command(
    name="show crypto ikev2 sa",
    lines=("show crypto ikev2 sa detailed", "show crypto ikev2 sa"),
    read=read,
    read_scoped=read_scoped,
    template="cisco_ios_show_crypto_ikev2_sa",
    spellings=(
        "show crypto ikev2 sa detail",
        "show crypto ikev2 sa local <address>",
        "show crypto ikev2 sa local <address> detailed",
        "show crypto ikev2 sa remote <address>",
        "show crypto ikev2 sa remote <address> detailed",
        "show crypto ikev2 sa fvrf <vrf>",
        "show crypto ikev2 sa fvrf <vrf> detailed",
    ),
    about="the same question for IKE version 2; DPD, NAT and age of each SA",
)
