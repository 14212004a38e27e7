"""What remembering a run costs: time and memory by fleet size, the file's size, and `findings` afterwards."""

from __future__ import annotations

import platform
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collector.history import entries, open_ledger, remember
from collector.model import (
    CaptureNote,
    CaptureStatus,
    Counter,
    Device,
    Evidence,
    Facts,
    Finding,
    Level,
    LogView,
    Report,
    Run,
    Verdict,
    to_address,
)

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
LINE = "%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for destaddr=192.0.2.1, prot=50"


class Fleet(Sequence):
    """Facts made when asked for, as a sweep reads them back from disk."""

    def __init__(self, count: int, at: datetime) -> None:
        self.count, self.at = count, at

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number):
        if number >= self.count:
            raise IndexError(number)
        return Facts(
            device=Device(name=f"r{number:05d}", host="192.0.2.1"),
            collected_at=self.at,
            log=LogView(
                header=None,
                covers_since=START - timedelta(days=9),
                newest=None,
                total=9,
                inv_spi_seen=0,
                inv_spi_unparsed=0,
            ),
            sightings=(),
            incidents=(),
            counters=tuple(Counter(name=f"COUNTER_{n}", packets=number, delta=0) for n in range(4)),
            captures=(CaptureNote(command="show logging", status=CaptureStatus.PARSED, rows=9, unparsed_lines=0),),
        )


def finding(number: int) -> Finding:
    peer = to_address(f"10.{number // 65536}.{number // 256 % 256}.{number % 256}")
    line = Evidence(device=f"r{number:05d}", command="show logging", line=3, text=LINE, taken_at=START)
    return Finding(
        id=f"{number:016x}",
        rule="SPI002",
        level=Level.ERROR,
        verdict=Verdict.FAIL,
        device=f"r{number:05d}",
        peer=peer,
        title="A black-holed tunnel",
        message="drops",
        why="lines",
        evidence=(line,) * 5,
        actions=(),
        references=(),
        first_seen=START,
        last_seen=START,
    )


def run_of(devices: int, findings: int, number: int) -> Report:
    at = START + number * timedelta(minutes=15)
    run = Run(id=f"run{number:06d}", mode="sweep", started_at=at, finished_at=at)
    found = tuple(replace(finding(n), last_seen=at) for n in range(findings))
    return Report(run=run, devices=Fleet(devices, at), findings=found)  # type: ignore[arg-type]


def main() -> None:
    print(f"Python {platform.python_version()}, SQLite on the folder of temporary files, 3 runs each")
    print(
        "| devices | open findings | remember, s (1st, 2nd, 3rd) | all findings unseen, s | findings, s | file, MB | peak, MB |"
    )
    print("|---|---|---|---|---|---|---|")
    for devices, findings in ((1_250, 125), (5_000, 500), (20_000, 2_000)):
        with tempfile.TemporaryDirectory() as folder, open_ledger(Path(folder)) as ledger:
            seconds = []
            for number in range(4):
                report = run_of(devices, findings if number < 3 else 0, number)
                started = time.perf_counter()
                remember(ledger, report, exit_code=0, status_of=lambda _facts: "complete")
                seconds.append(time.perf_counter() - started)
            started = time.perf_counter()
            assert sum(1 for _ in entries(ledger, state="open")) == findings
            listed = time.perf_counter() - started
            size = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
        took = ", ".join(f"{one:.2f}" for one in seconds[:3])
        print(f"| {devices:,} | {findings:,} | {took} | {seconds[3]:.2f} | {listed:.2f} | {size:.0f} | {peak:.0f} |")


if __name__ == "__main__":
    main()
