"""`analyze` on large files: processor time, and resident memory at its peak beside that of a small file.

    python -m benchmarks analyze [MEGABYTES]

A mixed syslog of that size (default 100) and of 30 MB, and a paste of `show crypto ipsec sa detail` of 10 MB and of 1 MB.
What memory grows by is the results: the document that is written stands beside it. Floor: the file only read.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.ipsec_sa import text
from benchmarks.syslog_grep import only_read, write

# the verb, and then what it took: a parent's peak would be inherited by getrusage, not by VmHWM
_RUN = """
import re, resource, sys
from collector.cli import main
try:
    main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
    print(used.ru_utime + used.ru_stime, peak)
"""


def analyzed(path: Path) -> tuple[float, float, float]:
    """(processor seconds, peak resident MB, MB of the JSON document) of the verb in a process of its own."""
    out = path.with_suffix(".json")
    command = [sys.executable, "-c", _RUN, "analyze", str(path), "--format", "json", "-o", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode not in {0, 1, 3}:
        raise SystemExit(ended.stderr)
    cpu, peak = ended.stdout.split()[-2:]
    return float(cpu), int(peak) / 1000, out.stat().st_size / 1e6


def paste(path: Path, megabytes: int) -> Path:
    answer = text(megabytes * 1_000_000)
    path.write_text(
        f"hub1#show clock\n*14:00:00.001 UTC Tue Nov 24 2026\nhub1#show crypto ipsec sa detail\n{answer}\nhub1#\n"
    )
    return path


def syslog(path: Path, megabytes: int) -> Path:
    write(path, megabytes)
    return path


def main(megabytes: int) -> int:
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = (
            syslog(folder / "small.log", 30),
            syslog(folder / "large.log", megabytes),
            paste(folder / "small.txt", 1),
            paste(folder / "large.txt", 10),
        )
        for path in files:
            cpu, peak, document = analyzed(path)
            begin = time.perf_counter()
            only_read(path)
            floor = time.perf_counter() - begin
            print(
                f"{path.name}: {path.stat().st_size / 1e6:5.1f} MB, {cpu:5.2f} s CPU, {peak:5.1f} MB at the peak; the "
                f"document {document:.2f} MB; floor: only reading {floor:.3f} s",
                flush=True,
            )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
