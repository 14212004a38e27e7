"""show crypto gdoi [gm | ks]: which GETVPN groups this router is in. There the addresses of a message are hosts, not peers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from collector.commands.blocks import Doubt, Doubts, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.model import GdoiGroup
from collector.parse import Row


def fold(rows: Iterable[Row], doubts: Doubts) -> Iterator[GdoiGroup]:
    """Rows -> one record a group, role `member` or `key-server` where a heading tells."""
    groups: dict[str, GdoiGroup] = {}
    printed: set[str] = set()
    name = ""
    for row in rows:
        if row.first == "IDENTITY":
            if groups[name].identity is not None:
                doubts.append(Doubt(line=row.line, text=f"group {name} has two identities"))
            groups[name] = replace(groups[name], identity=row.text("IDENTITY"))
        elif row.first != "NONE":
            name = row.text(row.first)
            if row.first == "NAME":
                if name in printed:
                    doubts.append(Doubt(line=row.line, text=f"group {name} stands twice"))
                printed.add(name)
            group = groups.get(name) or GdoiGroup(line=row.line, name=name)
            role = {"MEMBER_OF": "member", "SERVER_OF": "key-server"}.get(row.first, group.role)
            groups[name] = replace(group, role=role)
    yield from groups.values()


def read(lines: Iterable[str], filtered: str | None) -> Reading[GdoiGroup]:
    """Whole when every line belongs to a group. Without a group only a heading comes, or nothing."""
    return read_blocks(
        COMMAND,
        lines,
        fold,
        empty=Empty(wordings=("GROUP INFORMATION", "No ", "% No", "There are no", "There is no"), silent=True),
        filtered=filtered,
    )


COMMAND: Command[GdoiGroup] = Command(
    name="show crypto gdoi",
    lines=("show crypto gdoi",),
    read=read,
    template="cisco_ios_show_crypto_gdoi",
    spellings=(
        "show crypto gdoi gm",
        "show crypto gdoi ks",
        "show crypto gdoi group <name>",
        "show crypto gkm",
        "show crypto gkm gm",
        "show crypto gkm ks",
    ),
    about="is GETVPN in use here?",
)
