"""`show logging`: our reading against ntc-templates' on the same text.

    python -m benchmarks.logging [LINES]

Rounds of A B B A; the figure is the median of the rounds' ratios (theirs / ours). Ours is given the plain form of
line that their template reads without loss.
"""

from __future__ import annotations

import random
import statistics
import sys
import time
from collections.abc import Callable
from importlib.metadata import version

from ntc_templates.parse import parse_output

from benchmarks.syslog_grep import INV_SPI, TEXTS, WEIGHTS
from collector.commands.show_logging import read, read_every

ROUNDS = 5
GOAL = 15.0
HEAD = """Syslog logging: enabled (0 messages dropped, 3 messages rate-limited, 0 flushes, 0 overruns, xml disabled)
    Buffer logging:  level debugging, {lines} messages logged, xml disabled,
                    filtering disabled
Log Buffer (1000000 bytes):
"""


def text(lines: int) -> str:
    rng = random.Random(1)
    out = []
    for number in range(lines):
        body = INV_SPI if rng.random() < 0.01 else rng.choices(TEXTS, WEIGHTS)[0]
        body = body.format(a=rng.randrange(4), b=rng.randrange(1, 250), spi=rng.randrange(1 << 32))
        second = number // 10
        clock = f"{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{rng.randrange(1000):03d}"
        out.append(f"{number:06d}: Mar 12 {clock}: {body}")
    return HEAD.format(lines=lines) + "\n".join(out) + "\n"


def timed(run: Callable[[], int]) -> tuple[float, int]:
    start = time.perf_counter()
    rows = run()
    return time.perf_counter() - start, rows


def main(lines: int) -> int:
    sample = text(lines)

    def theirs() -> int:
        return len(parse_output(platform="cisco_ios", command="show logging", data=sample))

    def facts() -> int:
        return read(iter(sample.splitlines()), None).records[0].total

    def listing() -> int:
        return len(read_every(iter(sample.splitlines()), None).records[0].messages)

    print(f"{lines:,} messages, {len(sample) / 1e6:.1f} MB; ntc-templates {version('ntc-templates')}, "
          f"textfsm {version('textfsm')}, Python {sys.version.split()[0]}")  # fmt: skip
    reached = 0.0
    for name, ours in (("read", facts), ("read_every", listing)):
        ratios, speed = [], []
        for _ in range(ROUNDS):
            runs = [timed(run) for run in (theirs, ours, ours, theirs)]
            assert {rows for _, rows in runs} == {lines}, runs
            ratios.append((runs[0][0] + runs[3][0]) / (runs[1][0] + runs[2][0]))
            speed.append(len(sample) / min(runs[1][0], runs[2][0]) / 1e6)
        ratio = statistics.median(ratios)
        reached = reached or ratio
        print(f"{name}: {ratio:.1f} times the throughput of ntc-templates; {statistics.median(speed):.0f} MB/s")
    floor = min(timed(lambda: sum(1 for line in sample.splitlines() if line[:1] == "%"))[0] for _ in range(ROUNDS))
    copy = min(timed(lambda: len(bytearray(sample.encode())))[0] for _ in range(ROUNDS))
    print(
        f"floor: each line looked at once {len(sample) / floor / 1e6:.0f} MB/s; the bytes copied once "
        f"{len(sample) / copy / 1e6:.0f} MB/s"
    )
    print(f"goal: read >= {GOAL:g}")
    return 0 if reached >= GOAL else 1


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000))
