"""`python -m month [--days 30] [--runs 5000] [--seed 1] [--small]`: live through it and print the table."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from month import drive, network, script, verdict

EPOCH = datetime(2026, 3, 2, tzinfo=UTC)


def live(
    *,
    days: float = 30,
    runs: int = 5000,
    seed: int = 1,
    density: float = 1.0,
    only: frozenset[str] | None = None,
    told: bool = False,
    seconds: float = float("inf"),
) -> tuple[script.Script, drive.Diary, verdict.Verdict, str]:
    """One month, or less; after so many seconds of the wall clock what was lived through by then. The last item is the table."""
    span = timedelta(days=days)
    period = span / runs
    written = script.write(network.build(EPOCH, seed=seed, only=only), EPOCH + span, seed=seed, density=density)
    begin, started = time.process_time(), time.monotonic()

    def tell(run: drive.Run) -> None:
        if told and run.at.hour % 6 == 0 and run.at.minute * 60 < period.total_seconds():
            sys.stderr.write(f"{run.at:%d %H:%M} after {time.process_time() - begin:.0f} s\n")

    with tempfile.TemporaryDirectory(prefix="month-") as folder:
        diary = drive.through(
            written, Path(folder), period=period, on_run=tell, enough=lambda: time.monotonic() - started > seconds
        )
    if diary.runs[-1].at < written.end - timedelta(hours=3):
        written = written.until(diary.runs[-1].at)
    judged = verdict.judge(written, diary, period)
    return written, diary, judged, verdict.table(written, diary, judged, time.process_time() - begin)


def main() -> int:
    """Print the table; 1 where something is wrong."""
    parser = argparse.ArgumentParser(prog="month", description=__doc__)
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--density", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="stop after so long and judge what was")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--acts", action="store_true", help="also print what the tracker was told")
    words = parser.parse_args()
    runs = words.runs or round(words.days * 5000 / 30)
    only = network.SMALL if words.small else None
    _, diary, judged, text = live(
        days=words.days, runs=runs, seed=words.seed, density=words.density, only=only, told=True, seconds=words.seconds
    )
    for told in diary.tracker.told if words.acts else ():
        finding = diary.findings.get(told.ticket)
        where = f"{told.device} <- {finding.peer if finding else ''}"
        sys.stdout.write(f"{told.at:%d %H:%M:%S} {told.act.value:<7} {told.rule} {where} {told.ticket} {told.why}\n")
    sys.stdout.write(text)
    return 0 if judged.sound else 1


if __name__ == "__main__":
    sys.exit(main())
