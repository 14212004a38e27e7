"""`python -m collector.lab demo`: print the inventory, serve until standard input ends."""

from __future__ import annotations

import argparse
import sys

from collector.errors import CollectorError
from collector.lab import inventory, running, scenario
from collector.lab.wire import Wire


def main() -> int:
    """Serve one scenario."""
    parser = argparse.ArgumentParser(prog="python -m collector.lab", description=__doc__)
    parser.add_argument("scenario", nargs="?", default="demo", help=", ".join(scenario.names()) + ", fleet:N or a file")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--base-port", type=int, default=0)
    parser.add_argument("--rtt", type=float, default=0.0, help="seconds")
    parser.add_argument("--trickle", action="store_true", help="1,400 bytes every 10 ms")
    given = parser.parse_args()
    try:
        lab = running.start(
            given.scenario,
            host=given.host,
            base_port=given.base_port,
            wire=Wire(rtt=given.rtt, trickle=given.trickle),
        )
    except (CollectorError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with lab:
        sys.stdout.write(lab.inventory() + inventory.READY + "\n")
        sys.stdout.flush()
        sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main())
