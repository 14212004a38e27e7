"""show platform hardware qfp active feature ipsec datapath drops [all]: IPsec drop reasons, keyed by name.

Numbers differ by platform. Without `all` only rows above zero are printed; the heading proves that the rest is zero.
"""

from __future__ import annotations

from collections.abc import Iterable

from collector.commands.command import Command, Reading
from collector.commands.drop_table import drop_tables, honest
from collector.commands.reading import read_table
from collector.model import DropTable


def read(lines: Iterable[str], filtered: str | None) -> Reading[DropTable]:
    """One table."""
    return honest(read_table(COMMAND, lines, drop_tables(filtered), empty_allowed=filtered is not None), filtered)


_BASE = "show platform hardware qfp active feature ipsec datapath drops"

COMMAND: Command[DropTable] = Command(
    name=_BASE,
    lines=(f"{_BASE} all", _BASE),
    spellings=(f"{_BASE} clear",),
    platforms=("ios-xe",),
    privilege=15,
    read=read,
    template="cisco_ios_show_platform_hardware_qfp_active_feature_ipsec_datapath_drops",
    about="the unknown-SPI counters",
)
