"""Measurements: `python -m benchmarks` runs all, one after another, `python -m benchmarks NAME ...` one with its options.

Each runs in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """0 where every measurement ran and met its goals."""
    names = sorted(file.stem for file in Path(__file__).parent.glob("[!_]*.py"))
    wanted, options = (sys.argv[1:2], sys.argv[2:]) if len(sys.argv) > 1 else (names, [])
    if not set(wanted) <= set(names):
        sys.stderr.write(f"no measurement {wanted[0]!r}; have {', '.join(names)}\n")
        return 2
    failed = 0
    for name in wanted:
        print(f"== {name}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=False).returncode
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
