"""show crypto isakmp sa [detail]: the IKE version 1 SAs.

Live is `QM_IDLE` and `ACTIVE`; `MM_NO_STATE ... ACTIVE (deleted)` is no SA. The brief form names dst and src, which are
responder and initiator: the peer may stand in either column (`oriented` is False). The detail form has no state: there
an SA is live when its algorithms were agreed and its lifetime runs. A blank I-VRF shifts the columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from collector.commands.blocks import Count, Doubt, Doubts, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.model import IkeSa, to_address
from collector.parse import Row
from collector.parse.duration import lifetime


def fold(rows: Iterable[Row], doubts: Doubts) -> Iterator[IkeSa]:
    """Rows (title, heading, SA, engine line) -> IkeSa. Doubts: cut before the IPv6 title, a row twice, no status."""
    table = _Table()
    pending: IkeSa | None = None
    for row in rows:
        if row.text("ENGINE") and not row.text("CONN_ID") and pending is not None and "(deleted)" in row.text("ENGINE"):
            pending = replace(pending, live=False, status=f"{pending.status} (deleted)".strip())
        if wrapped := row.text("WRAPPED_CAP"):
            pending = _with_capabilities(pending, wrapped, row, doubts)
            continue
        sa = table.take(row, doubts)
        if sa is not None:
            if pending is not None:
                yield pending
            pending = sa
    if pending is not None:
        yield pending
    doubts.extend(table.close())


class _Table:
    """What was seen so far of one answer."""

    def __init__(self) -> None:
        self.titles: dict[str, int] = {}
        self.status_column: bool | None = None  # None: no heading yet
        self.keys: set[tuple[int, str]] = set()
        self.engines = self.details = 0
        self.last = 0

    def take(self, row: Row, doubts: Doubts) -> IkeSa | None:
        self.last = row.line
        if title := row.text("TITLE"):
            if title in self.titles:
                doubts.append(Doubt(line=row.line, text=f"a second {title} title: two answers in one"))
            self.titles[title] = row.line
        elif row.text("BRIEF") or row.text("DETAIL"):
            self.status_column = "status" in (row.text("BRIEF") + row.text("DETAIL")).lower()
        elif row.text("CONN_ID"):
            return self._sa(row, doubts)
        elif row.text("ENGINE"):
            self.engines += 1
            if self.engines > self.details:
                doubts.append(Doubt(line=row.line, text="an engine line without its SA"))
        return None

    def _sa(self, row: Row, doubts: Doubts) -> IkeSa:
        sa = _brief(row) if row.text("DST") and row.text("STATE") else _detail(row)
        if row.text("LOCAL") and self.details > self.engines > 0:
            doubts.append(Doubt(line=row.line, text="the SA before has no engine line"))
        self.details += bool(row.text("LOCAL"))
        if not sa.status and self.status_column is not False:
            doubts.append(Doubt(line=row.line, text="a row without its status"))
            sa = replace(sa, live=False)
        if not row.text("STATE") and not row.text("LIFETIME"):
            doubts.append(Doubt(line=row.line, text="an SA that ends before its lifetime: cut?"))
        for end, text in zip((sa.local, sa.remote), _ends(row), strict=True):
            if end is None:
                doubts.append(Doubt(line=row.line, text=f"{text!r} is no address"))
        key = (sa.connection_id or 0, f"{sa.local}{sa.remote}{sa.state}")
        if sa.connection_id and key in self.keys:
            doubts.append(Doubt(line=row.line, text=f"connection {sa.connection_id} stands twice"))
        self.keys.add(key)
        return sa

    def close(self) -> Iterator[Doubt]:
        if "IPv4" in self.titles and "IPv6" not in self.titles:
            text = "nothing after it, not even the title `IPv6 Crypto ISAKMP SA`: cut?"
            yield Doubt(line=self.last, text=text, end=True)
        if 0 < self.engines < self.details:
            yield Doubt(line=self.last, text="the last SA has no engine line: cut?")


def _ends(row: Row) -> tuple[str, str]:
    return row.text("LOCAL") or row.text("DST"), row.text("REMOTE") or row.text("SRC")


def _brief(row: Row) -> IkeSa:
    state, status = row.text("STATE"), row.text("STATUS")
    return IkeSa(
        line=row.line,
        version=1,
        local=to_address(row.text("DST")),
        remote=to_address(row.text("SRC")),
        oriented=False,
        state=state,
        status=status,
        live=state == "QM_IDLE" and status in {"ACTIVE", ""},  # before 12.3(?) there is no status column
        connection_id=int(row.text("CONN_ID")),
    )


def _detail(row: Row) -> IkeSa:
    """IPv4: Local and Remote. IPv6: dst and src on lines of their own, in unknown roles."""
    status, capabilities = row.text("STATUS"), row.text("CAP")
    remaining = lifetime(row.text("LIFETIME"))
    agreed = bool(row.text("ENCR") and row.text("HASH") and remaining)
    connection = int(row.text("CONN_ID"))
    live = agreed and connection > 0 and status in {"ACTIVE", ""}
    local, remote = _ends(row)
    return IkeSa(
        line=row.line,
        version=1,
        local=to_address(local),
        remote=to_address(remote),
        oriented=bool(row.text("LOCAL")),
        state="",
        status=status,
        live=live and "(deleted)" not in row.text("ENGINE"),
        connection_id=connection,
        ivrf=row.text("IVRF") or None,
        remaining=remaining,
        dpd="D" in capabilities if live else None,
        nat="N" in capabilities if live else None,
    )


def _with_capabilities(sa: IkeSa | None, letters: str, row: Row, doubts: Doubts) -> IkeSa | None:
    """The last column, which a terminal of 80 columns puts on a line of its own."""
    if sa is None or sa.state or sa.line != row.line - 1:
        doubts.append(Doubt(line=row.line, text=f"{letters!r} follows no SA"))
        return sa
    return replace(sa, dpd="D" in letters, nat="N" in letters) if sa.live else sa


def _begins_sa(line: str) -> bool:
    """A line of a table with two addresses side by side, or the first line of the long IPv6 form."""
    if line.startswith("dst:"):
        return True
    words = line.split(None, 4)
    return len(words) > 3 and any(_addresses(words[at : at + 2]) for at in (0, 1))


def _addresses(words: list[str]) -> bool:
    return all(word.count(".") == 3 or word.count(":") >= 2 for word in words)


def read(lines: Iterable[str], filtered: str | None) -> Reading[IkeSa]:
    """Whole when each row that begins with two addresses is read, and the table goes on to its second title."""
    return read_blocks(
        COMMAND,
        lines,
        fold,
        counts=(Count(what="row", begins=_begins_sa),),
        empty=Empty(
            wordings=("IPv4 Crypto ISAKMP", "IPv6 Crypto ISAKMP", "dst ", "C-id ", "There are no", "There is no", "No ")
        ),
        filtered=filtered,
    )


COMMAND: Command[IkeSa] = Command(
    name="show crypto isakmp sa",
    lines=("show crypto isakmp sa", "show crypto isakmp sa detail"),
    read=read,
    template="cisco_ios_show_crypto_isakmp_sa",
    spellings=(
        "show crypto ikev1 sa",
        "show crypto ikev1 sa detail",
        # a part of the table, in its shape; `count` and `nat` print something else
        *(f"show crypto isakmp sa {part}" for part in ("active", "standby", "vrf <vrf>")),
        *(f"show crypto isakmp sa {part} detail" for part in ("active", "standby", "vrf <vrf>")),
        *(f"show crypto isakmp sa detail {part}" for part in ("active", "standby", "vrf <vrf>")),
    ),
    about="is there an IKE SA with the peer? Without one IOS cannot tell it to delete",
)
