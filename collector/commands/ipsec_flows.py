"""Rows of `show crypto ipsec sa` -> IpsecFlow, in one pass; each block must come whole and in order.

The template gives one row a line that matters. A flow begins at `protected vrf` (12.3 and older: at `local ident`) and
ends with its sixth section heading; each line may come once, in the order that IOS prints. What is cut, doubled or
mixed with another answer breaks that order and is a Doubt.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from collector.commands.blocks import Doubt, Doubts
from collector.model import Address, IpsecFlow, Sa, Spi, to_address, to_spi
from collector.parse import Row
from collector.parse.duration import lifetime

SECTIONS = ("inbound esp", "inbound ah", "inbound pcp", "outbound esp", "outbound ah", "outbound pcp")
# the order of a flow's lines; a line that comes earlier than the one before it belongs elsewhere
_FLOW = {
    name: rank
    for rank, name in enumerate(
        ("VRF", "LOCAL_IDENT", "REMOTE_IDENT", "PEER", "ENCAPS", "DECAPS", "INVALID_SA", "LOCAL_ENDPT", "REMOTE_ENDPT",
         "OUT_SPI")
    )
}  # fmt: skip
_BESIDE = {"PEER": ("PEER", "PORT"), "LOCAL_ENDPT": ("LOCAL_ENDPT", "REMOTE_ENDPT")}  # values of one line
_SA = {name: rank for rank, name in enumerate(("SPI", "TRANSFORM", "SETTINGS", "CONN_ID", "TIMING", "STATUS"))}
_KILOBYTES = re.compile(r"remaining key lifetime\s*\(k/sec\):\s*\((\d{1,12})/(\d{1,9})\)\s*$")
_SECONDS = re.compile(r"remaining key lifetime\s*\(sec\):\s*(?:(\d{1,9})|\((\d{1,9})\))\s*$")
_WORDS = re.compile(r"remaining key lifetime:?\s*((?:\d{1,9} (?:day|hour|min|sec)\w*,? ?){1,4})\s*$")
_NEVER = re.compile(r"(?:remaining key lifetime)?[\s:(a-z/)]{0,20}not applicable\s*$|\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """Which lines this form of the command prints. sections: the SA sections (`identity` has none).

    every_line: `transform` and `conn id` too (the filtered form leaves them out).
    """

    sections: bool = True
    every_line: bool = True


def fold(rows: Iterable[Row], doubts: Doubts, form: Form = Form()) -> Iterator[IpsecFlow]:
    """Rows -> IpsecFlow, each as soon as it ends."""
    answer = _Answer(doubts, form)
    for row in rows:
        if (flow := answer.take(row)) is not None:
            yield flow
    if (flow := answer.close()) is not None:
        yield flow


@dataclass(slots=True)
class _Open:
    """A flow whose lines are still coming."""

    line: int
    values: dict[str, str] = field(default_factory=dict)
    rank: int = -1
    sections: int = 0
    compressing: bool = True  # False: a form without `pcp sas`, 12.1 and older
    sas: list[Sa] = field(default_factory=list)


class _Answer:
    def __init__(self, doubts: Doubts, form: Form) -> None:
        self.doubts = doubts
        self.form = form
        self.interface: str | None = None
        self.tag: str | None = None
        self.local_address: Address | None = None
        self.bare = 0  # line of an interface that no flow has followed yet
        self.flow: _Open | None = None
        self.sa: dict[str, Row] = {}
        self.sa_rank = -1
        self.keys: set[int] = set()

    def take(self, row: Row) -> IpsecFlow | None:
        kind = row.first
        if kind in _FLOW:
            return self._flow_line(row, kind)
        if kind in _SA:
            self._sa_line(row, kind)
        elif kind in {"INBOUND", "OUTBOUND"}:
            self._section(row, row.text(kind))
        else:
            return self._heading(row, kind)
        return None

    def _heading(self, row: Row, kind: str) -> IpsecFlow | None:
        done = self.close_flow()
        if kind == "INTERFACE":
            self._bare()
            self.interface, self.tag, self.local_address = row.text("INTERFACE"), None, None
            self.bare = row.line
        elif kind == "TAG":
            self.tag, self.local_address = row.text("TAG"), to_address(row.text("LOCAL_ADDR"))
        return done

    def _flow_line(self, row: Row, kind: str) -> IpsecFlow | None:
        done = None
        flow, rank = self.flow, _FLOW[kind]
        begins = kind == "VRF" or (kind == "LOCAL_IDENT" and (flow is None or flow.rank >= rank))
        if begins:
            done = self.close_flow()
            flow = self.flow = _Open(row.line)
            if self.interface is None or self.tag is None:
                self._doubt(row, "a flow without its interface and map tag")
            self.bare = 0
        if flow is None:
            self._doubt(row, "a line of a flow whose first line is missing")
            return done
        if rank <= flow.rank or flow.sections:
            self._doubt(row, f"{kind.lower().replace('_', ' ')}: out of order")
        flow.rank = max(rank, flow.rank)
        for name in _BESIDE.get(kind, (kind,)):
            if value := row.values[name]:
                flow.values[name] = value
        if row.text("REMOTE_ENDPT"):
            flow.rank = max(flow.rank, _FLOW["REMOTE_ENDPT"])
        if kind == "OUT_SPI":
            self._checksum(row, row.text("OUT_SPI"))
        return done

    def _section(self, row: Row, section: str) -> None:
        self._close_sa()
        if self.flow is None:
            self._doubt(row, "SAs of a flow whose first line is missing")
        elif section == "outbound esp" and self.flow.sections == 2:
            self.flow.sections, self.flow.compressing = 4, False
        elif self.flow.sections >= (6 if self.flow.compressing else 5) or SECTIONS[self.flow.sections] != section:
            self._doubt(row, f"{section} sas: out of order")
            self.flow.sections = SECTIONS.index(section) + 1
        else:
            self.flow.sections += 1

    def _sa_line(self, row: Row, kind: str) -> None:
        if kind == "SPI":
            self._close_sa()
            self.sa_rank = -1
            self._checksum(row, row.text("SPI"))
        rank = _SA[kind]
        if rank <= self.sa_rank or (kind != "SPI" and not self.sa):
            self._doubt(row, f"{kind.lower().replace('_', ' ')} of an SA: out of order")
        self.sa_rank = max(rank, self.sa_rank)
        self.sa[kind] = row

    def _close_sa(self) -> None:
        if not self.sa:
            return
        lines, self.sa = self.sa, {}
        spi = lines.get("SPI")
        if spi is None or self.flow is None or not 0 < self.flow.sections <= 6:
            return  # said when its line came
        needed = ("SETTINGS", "TIMING") if not self.form.every_line else ("TRANSFORM", "SETTINGS", "CONN_ID", "TIMING")
        missing = [name for name in needed if name not in lines]
        if missing:
            self._doubt(spi, f"the SA has no {missing[0].lower().replace('_', ' ')} line")
        if self.tag and "CONN_ID" in lines and lines["CONN_ID"].values["MAP"] != self.tag != "(none)":
            self._doubt(
                spi, f"an SA of map {lines['CONN_ID'].text('MAP')} under the tag {self.tag}: two answers in one"
            )
        self.flow.sas.append(self._make_sa(spi, lines, SECTIONS[self.flow.sections - 1]))

    def _make_sa(self, first: Row, lines: dict[str, Row], section: str) -> Sa:
        direction, protocol = section.split()
        settings = lines["SETTINGS"].text("SETTINGS") if "SETTINGS" in lines else ""
        remaining, kilobytes, timed = self._timing(lines.get("TIMING"))
        return Sa(
            line=first.line,
            direction="in" if direction == "inbound" else "out",
            protocol="esp" if protocol == "esp" else "ah" if protocol == "ah" else "pcp",
            spi=to_spi(first.text("SPI")) or Spi(0),
            remaining=remaining,
            remaining_kilobytes=kilobytes,
            timed=timed,
            status=lines["STATUS"].text("STATUS") if "STATUS" in lines else "",
            transform=lines["TRANSFORM"].text("TRANSFORM").rstrip(" ,") if "TRANSFORM" in lines else "",
            settings=settings,
            udp_encaps="UDP-Encaps" in settings,
            connection_id=int(lines["CONN_ID"].text("CONN_ID")) if "CONN_ID" in lines else None,
            map_name=lines["CONN_ID"].text("MAP") if "CONN_ID" in lines else "",
        )

    def _timing(self, row: Row | None) -> tuple[timedelta | None, int | None, bool]:
        if row is None:
            return None, None, True
        text = row.text("TIMING")
        if found := _KILOBYTES.match(text):
            return timedelta(seconds=int(found[2])), int(found[1]), True
        if found := _SECONDS.match(text):
            return timedelta(seconds=int(found[1] or found[2])), None, True
        if found := _WORDS.match(text):
            return lifetime(found[1]), None, True
        if _NEVER.match(text):
            return None, None, False
        self._doubt(row, f"a lifetime in words not known: {text.strip()[:60]!r}")
        return None, None, True

    def close_flow(self) -> IpsecFlow | None:
        self._close_sa()
        if self.flow is None:
            return None
        flow, self.flow = self.flow, None
        missing = [
            name
            for name in (
                "LOCAL_IDENT",
                "REMOTE_IDENT",
                "PEER",
                *(("REMOTE_ENDPT", "OUT_SPI") if self.form.sections else ()),
            )
            if name not in flow.values
        ]
        if missing:
            self.doubts.append(Doubt(line=flow.line, text=f"the flow has no {missing[0].lower().replace('_', ' ')}"))
        elif self.form.sections and flow.sections < (6 if flow.compressing else 5):
            text = f"the flow ends before its section {SECTIONS[flow.sections]!r}: cut?"
            self.doubts.append(Doubt(line=flow.line, text=text))
        return self._make_flow(flow)

    def _make_flow(self, flow: _Open) -> IpsecFlow:
        values = flow.values
        peer_text, port = _peer(values.get("PEER"), values.get("PORT"))
        made = IpsecFlow(
            line=flow.line,
            interface=self.interface,
            map_tag=self.tag,
            local_address=self.local_address,
            vrf=_named(values.get("VRF")),
            local_ident=values.get("LOCAL_IDENT"),
            remote_ident=values.get("REMOTE_IDENT"),
            peer=to_address(peer_text),
            peer_text=peer_text,
            peer_port=port,
            local_endpoint=to_address(values.get("LOCAL_ENDPT")),
            remote_endpoint=to_address(values.get("REMOTE_ENDPT")),
            outbound_spi=to_spi(values.get("OUT_SPI")) or None,
            inbound=tuple(sa for sa in flow.sas if sa.direction == "in"),
            outbound=tuple(sa for sa in flow.sas if sa.direction == "out"),
            encaps=_number(values.get("ENCAPS")),
            decaps=_number(values.get("DECAPS")),
            invalid_sa_received=_number(values.get("INVALID_SA")),
        )
        idents = (made.interface, made.map_tag, made.vrf, made.local_ident, made.remote_ident, made.peer_text)
        key = hash((*idents, tuple(sa.spi for sa in flow.sas)))
        if key in self.keys:
            self.doubts.append(Doubt(line=flow.line, text="the same flow stands twice"))
        self.keys.add(key)
        return made

    def close(self) -> IpsecFlow | None:
        done = self.close_flow()
        self._bare()
        return done

    def _bare(self) -> None:
        if self.bare:
            self.doubts.append(Doubt(line=self.bare, text=f"interface {self.interface} without a flow: cut?"))
            self.bare = 0

    def _checksum(self, row: Row, hexadecimal: str) -> None:
        """The decimal beside an SPI is a free checksum; before 12.3 it is not printed."""
        decimal = row.text("DECIMAL")
        if decimal and int(decimal) != int(hexadecimal, 16):
            self._doubt(row, f"SPI {hexadecimal} is not {decimal}: edited or damaged text")

    def _doubt(self, row: Row, text: str) -> None:
        self.doubts.append(Doubt(line=row.line, text=text))


def _peer(text: str | None, port: str | None) -> tuple[str | None, int | None]:
    """`192.0.2.1 port 500`; 12.2: `192.0.2.1:500`."""
    if text and text.count(":") == 1 and "." in text:
        text, _, port = text.partition(":")
    return text, _number(port)


def _named(text: str | None) -> str | None:
    return None if text in {None, "", "(none)"} else text


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 20 else None
