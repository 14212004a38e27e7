"""show crypto mib ipsec flowmib global: counters per VRF. A hint on classic IOS, never required (no proven counter)."""

from __future__ import annotations

from collections.abc import Iterable

from collector.commands.command import Command, Reading
from collector.commands.drop_table import honest
from collector.commands.reading import read_table
from collector.model import DropCounter, DropTable
from collector.parse import Row


def records(rows: tuple[Row, ...]) -> tuple[DropTable, ...]:
    """Rows with VRF (a heading) or NAME and VALUE -> one DropTable a VRF. `packets` holds the value, whatever its unit."""
    tables: list[tuple[int, list[DropCounter]]] = []
    for row in rows:
        if row.text("VRF"):
            tables.append((row.line, []))
        elif tables:
            tables[-1][1].append(DropCounter(line=row.line, name=row.text("NAME"), packets=int(row.text("VALUE"))))
    return tuple(
        DropTable(line=line, counters=tuple(counters), zeros_shown=True) for line, counters in tables if counters
    )


def read(lines: Iterable[str], filtered: str | None) -> Reading[DropTable]:
    """One record a VRF; every counter is printed, zeros included."""
    return honest(read_table(COMMAND, lines, records), filtered, tables=None)


COMMAND: Command[DropTable] = Command(
    name="show crypto mib ipsec flowmib global",
    lines=("show crypto mib ipsec flowmib global",),
    spellings=("show crypto mib ipsec flowmib global vrf <vrf>",),
    read=read,
    template="cisco_ios_show_crypto_mib_ipsec_flowmib_global",
    about="IPsec MIB counters, a hint only",
)
