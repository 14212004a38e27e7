"""What `show crypto ikev2 sa` and `show crypto ikev2 session` have in common: SAs told in several lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from collector.commands.blocks import Doubt, Doubts
from collector.model import Address, IkeSa, Spi, to_address, to_spi
from collector.parse import Row


def fold(rows: Iterable[Row], doubts: Doubts, *, scoped: bool = False) -> Iterator[IkeSa]:
    """Rows (titles, sessions, SAs and the lines that follow them) -> IkeSa.

    Doubts: an SA without its `Encr` or `Life/Active Time` line, a child without SPIs, fewer SAs than a session counts,
    an IPv4 title without the IPv6 one. scoped: asked for one address, so that only its family is printed.
    """
    answer = _Answer(doubts, scoped=scoped)
    for row in rows:
        if sa := answer.take(row):
            yield sa
    if sa := answer.close():
        yield sa


class _Answer:
    def __init__(self, doubts: Doubts, *, scoped: bool) -> None:
        self.doubts = doubts
        self.scoped = scoped
        self.titles: set[str] = set()
        self.open: _Open | None = None
        self.session = ""  # its status: UP-ACTIVE, UP-IDLE, ...
        self.expected = 0  # SAs that the session at hand still owes
        self.details = False  # a DPD line was seen: each SA has one
        self.keys: set[str] = set()
        self.line = 0

    def take(self, row: Row) -> IkeSa | None:
        self.line = row.line
        if row.text("TUNNEL"):
            done = self._finish()
            self.open = _Open(row, self.session)
            self.expected -= 1
            if self.session and self.expected < 0:
                self._doubt("more IKE SAs than the session counts")
            return done
        if row.text("TITLE") or row.text("SESSION"):
            done = self._finish()
            self._boundary(row)
            return done
        if row.text("NONE"):
            return None
        if self.open is None:
            self._doubt("a line of an SA whose first line is missing")
        else:
            self.open.add(row, self.doubts)
        return None

    def _boundary(self, row: Row) -> None:
        if self.expected > 0:
            self._doubt("the session before counts more IKE SAs than are shown")
        self.expected = int(row.text("IKE_COUNT") or 0)
        self.session = row.text("SESSION_STATUS")
        if title := row.text("TITLE"):
            if title in self.titles:
                self._doubt(f"a second {title} title: two answers in one")
            self.titles.add(title)

    def close(self) -> IkeSa | None:
        done = self._finish()
        if self.expected > 0:
            self._doubt("the last session counts more IKE SAs than are shown: cut?")
        if not self.scoped and "IPv4" in self.titles and "IPv6" not in self.titles:
            self._doubt("nothing after it, not even the IPv6 title: cut?", end=True)
        return done

    def _finish(self) -> IkeSa | None:
        if self.open is None:
            return None
        found, self.open = self.open, None
        self.doubts.extend(found.lacks(details=self.details))
        self.details = self.details or found.dpd is not None
        sa = found.sa()
        key = f"{sa.connection_id} {sa.local} {sa.remote} {sa.fvrf} {sa.state}"
        if key in self.keys:
            self.doubts.append(Doubt(line=sa.line, text=f"tunnel-id {sa.connection_id} stands twice"))
        self.keys.add(key)
        return sa if all(found.ends) else None  # a row torn apart is said above, not shown as an SA without ends

    def _doubt(self, text: str, *, end: bool = False) -> None:
        self.doubts.append(Doubt(line=self.line, text=text, end=end))


class _Open:
    """An SA whose lines are still coming."""

    def __init__(self, row: Row, session: str) -> None:
        self.row = row
        self.session = session
        self.ends = [row.text("LOCAL"), row.text("REMOTE")]
        self.encr = self.children = 0
        self.life: tuple[timedelta, timedelta] | None = None
        self.dpd: timedelta | None = None
        self.nat: bool | None = None
        self.spis: list[tuple[Spi, Spi]] = []

    def add(self, row: Row, doubts: Doubts) -> None:
        """One more line of this SA; a line that an SA has once only must not come twice."""
        before = (self.encr if not self.children else 0, self.life, self.dpd, self.nat)
        if row.text("ENCR"):
            self.encr += not self.children
            twice = before[0] > 0
        elif row.text("LIFETIME"):
            self.life = (timedelta(seconds=int(row.text("LIFETIME"))), timedelta(seconds=int(row.text("AGE"))))
            twice = before[1] is not None
        elif row.text("DPD"):
            self.dpd = timedelta(seconds=int(row.text("DPD")))
            twice = before[2] is not None
        elif row.text("NAT"):
            self.nat = row.text("NAT") == "detected"
            twice = before[3] is not None
        else:
            twice = self._end_or_child(row)
        if twice:
            doubts.append(Doubt(line=row.line, text="a line that an SA has once comes twice"))

    def _end_or_child(self, row: Row) -> bool:
        if row.text("LOCAL") or row.text("REMOTE"):
            at = 0 if row.text("LOCAL") else 1
            twice = bool(self.ends[at])
            self.ends[at] = row.text("LOCAL") or row.text("REMOTE")
            return twice
        if row.text("CHILD"):
            self.children += 1
            return len(self.spis) != self.children - 1
        spi_in, spi_out = to_spi(row.text("SPI_IN")), to_spi(row.text("SPI_OUT"))
        if spi_in is not None and spi_out is not None:
            self.spis.append((spi_in, spi_out))
        return len(self.spis) != self.children

    def lacks(self, *, details: bool) -> Iterator[Doubt]:
        for end in self.ends:
            if end and end_and_port(end)[0] is None:
                yield Doubt(line=self.row.line, text=f"{end!r} is no address")
        if self.children and not self.session:
            yield Doubt(line=self.row.line, text="a child SA whose session line is missing")
        missing = [
            name
            for name, there in (
                ("local or remote address", all(self.ends)),
                ("`Encr` line", self.encr),
                ("`Life/Active Time` line", self.life),
                ("`DPD` line", self.dpd is not None or not details),
                ("`ESP spi` line of a child", len(self.spis) == self.children),
            )
            if not there
        ]
        if missing:
            yield Doubt(line=self.row.line, text=f"the SA has no {missing[0]}")

    def sa(self) -> IkeSa:
        (local, local_port), (remote, remote_port) = map(end_and_port, self.ends)
        lifetime, age = self.life or (None, None)
        status = self.row.text("STATUS")
        return IkeSa(
            line=self.row.line,
            version=2,
            local=local,
            remote=remote,
            oriented=True,
            state=status,
            status=self.session,
            live=status == "READY",
            connection_id=int(self.row.text("TUNNEL")),
            local_port=local_port,
            remote_port=remote_port,
            fvrf=_vrf(self.row.text("FVRF")),
            ivrf=_vrf(self.row.text("IVRF")),
            lifetime=lifetime,
            age=age,
            remaining=max(lifetime - age, timedelta()) if lifetime is not None and age is not None else None,
            dpd=None if self.dpd is None else self.dpd > timedelta(),
            dpd_interval=self.dpd or None,
            nat=self.nat,
            children=tuple(self.spis),
        )


def end_and_port(text: str) -> tuple[Address | None, int | None]:
    """`192.0.2.1/500`, `2001:DB8::1/500` -> address and port."""
    address, slash, port = text.rpartition("/")
    if not slash:
        return to_address(text), None
    return to_address(address), int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else None


def _vrf(text: str) -> str | None:
    return None if text in {"none", "None", "(none)", ""} else text


def begins_sa(line: str) -> bool:
    """A line (stripped) that begins an SA: a tunnel-id, then `fvrf/ivrf` last but one."""
    words = line.split()
    return len(words) in {3, 5} and words[0].isdigit() and "/" in words[-2] and words[-1][:1].isupper()
