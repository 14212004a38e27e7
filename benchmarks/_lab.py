"""The routers of `visits`, in a process of their own: prints the inventory, then answers one word a line on stdin.

typed: what was typed since last asked, as JSON: router -> lines. cpu: the seconds that this process has used.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys

from collector.lab import inventory, running
from collector.lab.wire import Wire


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario")
    parser.add_argument("--rtt", type=float, default=0.0)
    parser.add_argument("--trickle", action="store_true")
    given = parser.parse_args()
    with running.start(given.scenario, wire=Wire(rtt=given.rtt, trickle=given.trickle)) as lab:
        print(lab.inventory() + inventory.READY, flush=True)
        for line in sys.stdin:
            if line.strip() == "typed":
                print(json.dumps({name: list(lines) for name, lines in lab.world.typed.items()}), flush=True)
                lab.world.typed.clear()
            elif line.strip() == "cpu":
                used = resource.getrusage(resource.RUSAGE_SELF)
                print(used.ru_utime + used.ru_stime, flush=True)


if __name__ == "__main__":
    main()
