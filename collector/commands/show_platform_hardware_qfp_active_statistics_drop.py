"""show platform hardware qfp active statistics drop: global drop reasons of the forwarding engine, keyed by name.

Columns are packets, then octets; the history form has four columns of packets, of which `All` counts. `IpsecInput` sums
every inbound IPsec reason: it corroborates, it proves nothing. `... drop clear` zeroes the evidence: it is read where
somebody pasted it, never typed.
"""

from __future__ import annotations

from collections.abc import Iterable

from collector.commands.command import Command, Reading
from collector.commands.drop_table import drop_tables, honest
from collector.commands.reading import read_table
from collector.model import DropTable


def read(lines: Iterable[str], filtered: str | None) -> Reading[DropTable]:
    """One table; heading without rows and "all zero" are a table of zeros."""
    return honest(read_table(COMMAND, lines, drop_tables(filtered), empty_allowed=filtered is not None), filtered)


_BASE = "show platform hardware qfp active statistics drop"

COMMAND: Command[DropTable] = Command(
    name=_BASE,
    lines=(_BASE,),
    spellings=(
        *(f"{_BASE} {form}" for form in ("all", "detail", "clear", "clear_stats", "history", "history clear")),
        "show platform hardware qfp standby statistics drop",
    ),
    platforms=("ios-xe",),
    privilege=15,
    read=read,
    template="cisco_ios_show_platform_hardware_qfp_active_statistics_drop",
    about="IpsecInput, and when the counters were cleared",
)
