"""Our side of `visits`: the fleet run with a fixed list of commands a router, raw text kept."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks._measure import Meter
from collector.collect import Settings, sweep
from collector.inventory import load
from collector.model import Capture, Device, Snapshot
from collector.session import Plan, Secrets, Trust


def main(folder: Path, workers: int, hold: int) -> None:
    from collector.session import opening  # noqa: F401 - what a visit imports is imported before the clock starts

    commands: dict[str, list[str]] = json.loads((folder / "commands.json").read_text("utf-8"))
    devices = [device for device in load(folder / "inventory.yaml").devices if device.name in commands]
    texts: dict[str, dict[str, str]] = {device.name: {} for device in devices}
    meter = Meter(hold)

    def plan_of(device: Device) -> Plan:
        lines = tuple(commands[device.name])

        def plan(captures: tuple[Capture, ...]) -> tuple[str, ...]:
            if not captures:
                return lines
            meter.last_command()
            return ()

        return plan

    def keep(snapshot: Snapshot) -> None:
        for failure in snapshot.failures:
            print(f"{snapshot.device.name}: {failure.message}", file=sys.stderr)
        texts[snapshot.device.name] = {capture.command: capture.text for capture in snapshot.captures}

    settings = Settings(
        secrets=Secrets(), trust=Trust(folder / "state"), plan=plan_of, workers=workers, logins_per_second=10_000
    )
    meter.begin()
    sweep(devices, settings, keep)
    meter.say(texts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
