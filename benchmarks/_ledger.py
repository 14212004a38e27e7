"""A ledger as it stands after months of runs, made in minutes: seeded, by the product's own functions.

The last runs are remembered one by one, as a sweep does. What earlier runs leave behind - rows of runs, SPIs, findings and
their lives - is written at once: the same rows, which tests/test_ledger_size.py compares with a ledger that lived it all.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

from collector.history import Entry, keep_snapshots, life, pictures, remember
from collector.history.codec import utc_text
from collector.history.findings import write
from collector.history.ledger import Ledger, transaction
from collector.history.past import keep_samples, keep_spis
from collector.history.proof import absence
from collector.history.runs import KEPT_COVERAGE, write_run
from collector.model import (
    UNKNOWN_SPI,
    Action,
    CaptureNote,
    CaptureStatus,
    ConfigType,
    Counter,
    CryptoConfig,
    Device,
    Evidence,
    Facts,
    Finding,
    Incident,
    Interface,
    InvalidSpi,
    Level,
    LogView,
    Peer,
    Policy,
    Recovery,
    Report,
    Run,
    Sighting,
    Spi,
    SpiState,
    State,
    TunnelEnds,
    Verdict,
    plain,
    to_address,
)

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
READ = (CaptureNote(command="show logging", status=CaptureStatus.PARSED, rows=9, unparsed_lines=0),)
LIVED = 3  # runs that are remembered one by one
CLOSE_RUNS = Policy().thresholds.close_runs
LINE = "Nov 24 12:00:{:02d}.114: %CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for destaddr={}, prot=50, spi=0x{:X}({}), srcaddr={}, input interface=GigabitEthernet0/0/0"  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trouble:
    """One flow of one device that runs `first` to `last` (excluded) report. hole: a black hole, with a finding."""

    device: int
    peer: int
    spi: int
    first: int
    last: int
    hole: bool


@dataclass(frozen=True)
class Story:
    """What happens in a fleet. open: black holes at its end; closed: those that came and went; rekeys: single lines of a
    race, which the log shows for `shown` runs. Every hundredth device is a hub of 200 peers, the others have 2.
    """

    devices: int = 10_000
    days: int = 90
    minutes: int = 15
    open: int = 2_000
    closed: int = 9_000
    rekeys: int = 90_000
    shown: int = 20
    blob: int = 10_000  # bytes of what a router said, compressed
    seed: int = 1
    blobs: bool = True

    @property
    def runs(self) -> int:
        return self.days * 24 * 60 // self.minutes

    @cached_property
    def all(self) -> tuple[Trouble, ...]:
        """Seeded; one black hole at a time on a device."""
        rng = random.Random(self.seed)
        found = []
        for number in range(self.open):
            first = rng.randrange(self.runs * 2 // 3, self.runs - 1) if number % 4 else rng.randrange(self.runs // 2)
            found.append(self._trouble(rng, number, first, self.runs, hole=True))
        others = self.devices - self.open
        rounds = -(-self.closed // others)
        long = self.runs // max(rounds, 1)
        for number in range(self.closed):
            begin = number // others * long
            lasts = rng.randrange(2, max(3, min(96, long // 2)))
            first = begin + rng.randrange(max(1, long - lasts - CLOSE_RUNS - 1))
            found.append(self._trouble(rng, self.open + number % others, first, first + lasts, hole=True))
        for _ in range(self.rekeys):
            first = rng.randrange(self.runs)
            found.append(self._trouble(rng, rng.randrange(self.devices), first, first + self.shown, hole=False))
        return tuple(found)

    def _trouble(self, rng, device, first, last, *, hole):
        return Trouble(device, rng.randrange(2**20), rng.randrange(0x1000, 2**32), first, min(last, self.runs), hole)

    @cached_property
    def of_device(self) -> dict[int, list[Trouble]]:
        found: dict[int, list[Trouble]] = {}
        for trouble in self.all:
            found.setdefault(trouble.device, []).append(trouble)
        return found

    @cached_property
    def holes_at(self) -> list[int]:
        """How many findings each run reports."""
        change = [0] * (self.runs + 1)
        for trouble in self.all:
            if trouble.hole:
                change[trouble.first] += 1
                change[trouble.last] -= 1
        total, found = 0, []
        for one in change:
            total += one
            found.append(total)
        return found

    def at(self, run: int) -> datetime:
        return START + run * timedelta(minutes=self.minutes)

    def name(self, device: int) -> str:
        return f"{'hub' if device % 100 == 0 else 'br'}-{device:05d}"

    def run(self, run: int) -> Run:
        return Run(
            id=f"{run:012x}", mode="sweep", started_at=self.at(run) - timedelta(seconds=200), finished_at=self.at(run)
        )

    def report(self, run: int) -> Report:
        return Report(run=self.run(run), devices=_Devices(self, run), findings=tuple(self.findings(run)))

    def findings(self, run: int) -> Iterator[Finding]:
        for trouble in self.all:
            if trouble.hole and trouble.first <= run < trouble.last:
                yield self.finding(trouble, run)

    # -- one device, one flow ---------------------------------------------------------------------------------------

    def local(self, device: int):
        return to_address(f"100.{64 + device // 65536}.{device // 256 % 256}.{device % 256}")

    def facts(self, device: int, run: int) -> Facts:
        at = self.at(run)
        mine = [one for one in self.of_device.get(device, ()) if one.first <= run < one.last]
        since = next((run - one.first + 1 for one in mine if one.hole), 0)
        names = (*sorted(UNKNOWN_SPI), "IpsecInput")
        local = self.local(device)
        peers = [
            to_address(f"10.{device // 256 % 256}.{device % 256}.{n + 1}")
            for n in range(200 if device % 100 == 0 else 2)
        ]
        return Facts(
            device=Device(name=self.name(device), host=str(local)),
            collected_at=at,
            device_time=at,
            uptime=timedelta(days=400) + (at - START),
            config=CryptoConfig(
                readable="full", interfaces=(Interface(name="GigabitEthernet0/0/0", addresses=(local,)),)
            ),
            peers=tuple(
                Peer(
                    address=address,
                    local_address=local,
                    binding=f"VPN {10 * (n + 1)}",
                    config_type=ConfigType.STATIC_CRYPTO_MAP,
                    recovery=Recovery.YES,
                    why="static",
                )
                for n, address in enumerate(peers)
            ),
            log=LogView(
                header=None,
                covers_since=START - timedelta(days=9),
                newest=at,
                total=90,
                inv_spi_seen=0,
                inv_spi_unparsed=0,
            ),
            sightings=(),
            incidents=tuple(self.incident(one, run) for one in mine),
            counters=tuple(
                Counter(name=name, packets=1000 * since, delta=1000 if since else 0, delta_seconds=60.0 * self.minutes)
                for name in names
            )
            if device % 2
            else (),
            captures=READ,
        )

    def incident(self, trouble: Trouble, run: int) -> Incident:
        begin = self.at(trouble.first) - timedelta(seconds=140)
        times = [begin, self.at(run) - timedelta(seconds=80), self.at(run) - timedelta(seconds=20)]
        state = State.PERSISTENT if trouble.hole else State.TRANSIENT
        source, destination, spi = self.peer(trouble), self.local(trouble.device), Spi(trouble.spi)
        event = InvalidSpi(
            destination=destination,
            destination_text=str(destination),
            source=source,
            source_text=str(source),
            protocol="50",
            spi=spi,
            spi_decimal=int(spi),
            interface=None,
        )
        line = Evidence(device=self.name(trouble.device), command="show logging", line=3, text="")
        seen = tuple(
            Sighting(event=event, at=at, age=None, evidence=line) for at in (times if trouble.hole else times[:1])
        )
        return Incident(
            source=source,
            destination=destination,
            protocol="50",
            keys=(SpiState(spi=spi, sightings=seen, state=state, why=""),),
            state=state,
            why="",
            first_seen=times[0],
            last_seen=seen[-1].at,
            messages=len(seen),
        )

    def peer(self, trouble: Trouble):
        return to_address(f"203.{trouble.peer >> 16}.{trouble.peer >> 8 & 255}.{trouble.peer & 255}")

    def finding(self, trouble: Trouble, run: int) -> Finding:
        """About as large as those of the lab: 6.4 kB."""
        name, peer, local = self.name(trouble.device), self.peer(trouble), self.local(trouble.device)
        seen = self.at(run) - timedelta(seconds=20)
        lines = [LINE.format(n * 4, local, trouble.spi, trouble.spi, peer) for n in range(12)]
        return Finding(
            id=f"{trouble.device:04x}{trouble.peer:05x}{trouble.first:07x}",
            rule="SPI002",
            level=Level.ERROR,
            verdict=Verdict.FAIL,
            device=name,
            peer=peer,
            title="A black-holed tunnel that invalid SPI recovery cannot help",
            message=f"{name} drops what comes from {peer} to {local} under SPI {Spi(trouble.spi)}: 12 lines over 4 minutes. "
            * 2,
            why=f"dynamic crypto map of {name}: the peer {peer} is not configured. " * 5,
            evidence=tuple(
                Evidence(device=name, command="show logging", line=n + 40, text=text, taken_at=self.at(trouble.first))
                for n, text in enumerate(lines)
            ),
            actions=(
                Action(
                    on="br-1", side="sender", commands=(f"clear crypto sa peer {local}",), note="ends the stale SA " * 6
                ),
                Action(on=name, side="receiver", commands=("show crypto ipsec sa",), note="then look again " * 6),
            ),
            references=("Cisco TAC 115801", "Cisco TAC 116005"),
            first_seen=self.at(trouble.first) - timedelta(seconds=140),
            last_seen=seen,
            far_device="br-1",
            spis=(Spi(trouble.spi),),
            ends=TunnelEnds(local=local, remote=peer),
        )

    def path(self, finding: Finding) -> str:
        """A decision path of about 5.5 kB."""
        rng = random.Random(finding.id)
        rows = (
            f"row {n % 9}: {finding.peer} is asked for; no IKE SA {rng.randrange(10**6)} since {rng.randrange(10**5)} s"
            for n in range(76)
        )
        return "\n".join(rows)

    def said(self, device: int, run: int) -> bytes:
        """What a router said, as incompressible as what was compressed."""
        return random.Random(device * 100_003 + run).randbytes(self.blob)


class _Devices(Sequence):
    """Facts made when asked for, as a sweep reads them back from disk."""

    def __init__(self, story: Story, run: int) -> None:
        self.story, self.number = story, run

    def __len__(self) -> int:
        return self.story.devices

    def __getitem__(self, number):
        if number >= len(self):
            raise IndexError(number)
        return self.story.facts(number, self.number)


def lived(opened: Ledger, story: Story, first: int, last: int) -> None:
    """Runs `first` to `last` (excluded) as a sweep remembers them."""
    for number in range(first, last):
        report = story.report(number)
        paths = {finding.id: story.path(finding) for finding in report.findings}
        remember(opened, report, exit_code=1, status_of=lambda _facts: "complete", paths=paths)
        if story.blobs:
            names = range(story.devices)
            keep_snapshots(opened, report.run.id, ((story.name(n), story.said(n, number)) for n in names))


def at_once(opened: Ledger, story: Story, runs: int) -> None:
    """What runs 0 to `runs` (excluded) leave behind, where the story goes on to its end."""
    with transaction(opened) as db:
        for number in range(runs):
            write_run(db, Report(run=story.run(number), devices=_Devices(story, number), findings=()), 1)
        db.executemany(
            "UPDATE runs SET findings = ? WHERE id = ?",
            [(story.holes_at[number], story.run(number).id) for number in range(runs)],
        )
        for trouble in story.all:
            if trouble.first < runs:
                _spi(db, story, trouble, runs)
                if trouble.hole:
                    _life(db, story, trouble, runs)
        for number in range(max(0, story.runs - KEPT_COVERAGE), runs):
            at = plain(story.at(number))
            db.executemany(
                "INSERT INTO coverage VALUES (?,?,'complete',?,'[]')",
                [(story.run(number).id, story.name(device), at) for device in range(story.devices)],
            )
        before = story.run(runs - 1)
        for device in range(story.devices):
            facts = story.facts(device, runs - 1)
            at = utc_text(story.at(runs - 1))
            db.execute("INSERT OR REPLACE INTO looks VALUES (?,?,?)", (facts.device.name, at, at))
            keep_samples(db, facts, story.at(runs - 1))
            pictures.keep(db, facts, before.id, utc_text(story.at(runs - 1)))
            since = [
                runs - one.first for one in story.of_device.get(device, ()) if one.hole and one.first < runs <= one.last
            ]
            if since:
                db.execute("UPDATE samples SET rising = min(?, 1000) WHERE device = ?", (since[0], facts.device.name))


def _spi(db, story: Story, trouble: Trouble, runs: int) -> None:
    """The row of a flow that was seen from its first run to its last."""
    last = min(trouble.last, runs) - 1
    device = Facts(device=Device(name=story.name(trouble.device), host=""), incidents=(story.incident(trouble, last),))
    keep_spis(db, device, story.run(last).id)
    db.execute(
        "UPDATE spis SET runs_seen = ? WHERE device = ? AND spi = ?",
        (last + 1 - trouble.first, device.device.name, trouble.spi),
    )


def _life(db, story: Story, trouble: Trouble, runs: int) -> None:
    """The life of a finding: seen in run after run, then proven gone."""
    last = min(trouble.last, runs) - 1
    entry = life.seen(None, story.finding(trouble, trouble.first), story.run(trouble.first).id)
    if last > trouble.first:
        entry = life.seen(entry, story.finding(trouble, last), story.run(last).id)
        entry = replace(entry, finding=replace(entry.finding, runs_seen=last + 1 - trouble.first))
    for number in range(trouble.last, min(trouble.last + CLOSE_RUNS, runs)):
        said = absence(entry.finding, story.facts(trouble.device, number), looked_before=story.at(number - 1))
        assert said.proven, said
        entry = life.unseen(entry, said, close_runs=CLOSE_RUNS, at=story.at(number))
    write(db, entry, story.path(entry.finding))
    if entry.finding.state != "resolved" and story.blobs:
        for run in {entry.opened_run, entry.last_run}:
            blob = story.said(trouble.device, int(run, 16))
            db.execute("INSERT OR REPLACE INTO snapshots VALUES (?,?,?)", (run, entry.finding.device, blob))


def filled(opened: Ledger, story: Story) -> None:
    """The ledger after all runs of the story."""
    early = story.runs - LIVED
    at_once(opened, story, early)
    lived(opened, story, early, story.runs)


__all__ = ["Entry", "Story", "at_once", "filled", "lived"]
