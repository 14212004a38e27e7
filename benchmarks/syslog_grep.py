"""The syslog file reader against `grep -c INV_SPI` on the same file, cold and warm.

    python -m benchmarks.syslog_grep [MEGABYTES]

Writes a mixed syslog of that size (default 64) into a temporary folder and removes it. Each round runs A B B A; the
figure is the median of the rounds' ratios. The floor is what the file costs when it is only read, and when one byte
of each cache line is touched: bytes / bandwidth.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from collector.parse.log import excerpts, scan_file

ROUNDS = 3
GOAL = 4.0
ROUTERS = 300
TEXTS = (
    "%LINEPROTO-5-UPDOWN: Line protocol on Interface GigabitEthernet{a}/0/{b}, changed state to up",
    "%LINK-3-UPDOWN: Interface GigabitEthernet{a}/0/{b}, changed state to down",
    "%SYS-6-LOGOUT: User netops has exited tty session {a}(192.0.2.{b})",
    "%SEC-6-IPACCESSLOGP: list 101 denied tcp 198.51.100.{b}({a}433) -> 10.0.0.9(22), 1 packet",
    "%BGP-5-ADJCHANGE: neighbor 203.0.113.{b} Up",
    "%OSPF-5-ADJCHG: Process 1, Nbr 10.0.{a}.{b} on Tunnel{a} from LOADING to FULL, Loading Done",
    "%SYS-5-CONFIG_I: Configured from console by netops on vty0 (192.0.2.{b})",
    "%CRYPTO-5-SESSION_STATUS: Crypto tunnel is UP. Peer 203.0.113.{b}:500 Id: 203.0.113.{b}",
    "%HSRP-5-STATECHANGE: GigabitEthernet0/{a} Grp {b} state Standby -> Active",
)
WEIGHTS = (300, 200, 100, 200, 50, 130, 10, 8, 2)
INV_SPI = (
    "%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for destaddr=192.0.2.1, prot=50, "
    "spi=0x{spi:08X}({spi}), srcaddr=198.51.100.{b}, input interface=GigabitEthernet0/0/{a}"
)


def write(path: Path, megabytes: int) -> None:
    """A mixed syslog of 300 routers: one line in 2,000 says INV_SPI, one in 50 is related or nearly."""
    rng = random.Random(1)
    block: list[str] = []
    for number in range(200_000):
        second = number // 40
        clock = f"{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        text = INV_SPI if rng.random() < 0.0005 else rng.choices(TEXTS, WEIGHTS)[0]
        text = text.format(a=rng.randrange(4), b=rng.randrange(1, 250), spi=rng.randrange(1 << 32))
        router = f"edge{rng.randrange(ROUTERS):03d}"
        block.append(f"Mar 12 {clock} {router} {number}: Mar 12 {clock}.{rng.randrange(1000):03d}: {text}\n")
    data = "".join(block).encode()
    with path.open("wb") as file:
        for _ in range(max(1, megabytes * 1_000_000 // len(data))):
            file.write(data)
        file.flush()
        os.fsync(file.fileno())


def cool(path: Path) -> None:
    """Out of the page cache."""
    fd = os.open(path, os.O_RDONLY)
    os.fsync(fd)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def timed(run: Callable[[], object], path: Path, *, cold: bool) -> float:
    if cold:
        cool(path)
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def only_read(path: Path) -> None:
    buffer = bytearray(1 << 20)
    with path.open("rb", buffering=0) as file:
        while file.readinto(buffer):
            pass


def main(megabytes: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mixed.log"
        write(path, megabytes)
        size = path.stat().st_size

        def grep() -> None:
            subprocess.run(
                ["grep", "-c", "INV_SPI", str(path)], check=True, capture_output=True
            )  # /dev/null: it would stop early

        def ours() -> None:
            for _ in scan_file(path):
                pass

        lines = int(subprocess.run(["grep", "-c", "INV_SPI", str(path)], check=True, capture_output=True).stdout)
        kept = sum("INV_SPI" in line for router in excerpts(path).values() for _, line in router)
        assert kept == lines, (kept, lines)
        print(
            f"{size / 1e6:,.0f} MB, {lines:,} lines say INV_SPI; {os.cpu_count()} cores, Python {sys.version.split()[0]}"
        )
        worst = 0.0
        for name, cold in (("cold", True), ("warm", False)):
            ratios, ours_, grep_ = [], [], []
            for _ in range(ROUNDS):
                first = timed(grep, path, cold=cold), timed(ours, path, cold=cold)
                second = timed(ours, path, cold=cold), timed(grep, path, cold=cold)
                grep_ += [first[0], second[1]]
                ours_ += [first[1], second[0]]
                ratios.append((first[1] + second[0]) / (first[0] + second[1]))
            floor = min(timed(lambda: only_read(path), path, cold=cold) for _ in range(3))
            ratio = statistics.median(ratios)
            worst = ratio if cold else worst
            print(
                f"{name}: ours {statistics.median(ours_):.2f} s ({size / statistics.median(ours_) / 1e9:.2f} GB/s), grep "
                f"{statistics.median(grep_):.2f} s, ratio {ratio:.2f} (goal cold <= {GOAL:g}); floor: only reading "
                f"{floor:.2f} s ({size / floor / 1e9:.2f} GB/s)"
            )
    return 0 if worst <= GOAL else 1


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 64))
