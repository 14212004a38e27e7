"""The other side of `visits`: nornir and nornir-netmiko, one task a router, raw text kept or parsed by ntc-templates.

Runs in the venv of requirements-nornir.txt, where the collector is not.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

from nornir import InitNornir
from nornir.core.task import Result, Task
from nornir_netmiko.tasks import netmiko_send_command

from benchmarks._measure import Meter


def parsed(line: str, text: str) -> str:
    """The rows where a template reads it, else the text, as netmiko's `use_textfsm` gives it."""
    from ntc_templates.parse import parse_output

    try:
        return json.dumps(parse_output(platform="cisco_ios", command=line, data=text))
    except Exception:  # noqa: BLE001 - whatever a template raises
        return text


def main(folder: Path, workers: int, hold: int, *, parse: bool) -> None:
    logging.disable(logging.CRITICAL)
    commands: dict[str, list[str]] = json.loads((folder / "commands.json").read_text("utf-8"))
    nornir = InitNornir(
        inventory={
            "plugin": "SimpleInventory",
            "options": {f"{kind}_file": str(folder / f"nornir-{kind}.yaml") for kind in ("host", "group", "defaults")},
        },
        runner={"plugin": "threaded", "options": {"num_workers": workers}},
        logging={"enabled": False},
    )
    nornir = nornir.filter(filter_func=lambda host: host.name in commands)
    texts: dict[str, dict[str, str]] = {}
    meter = Meter(hold)

    def ask(task: Task) -> Result:
        answers = {}
        for line in commands[task.host.name]:
            text = task.run(netmiko_send_command, command_string=line, read_timeout=60)[0].result
            answers[line] = text if not parse else parsed(line, text)
        meter.last_command()
        task.host.close_connections()
        texts[task.host.name] = answers
        return Result(host=task.host)

    meter.begin()
    result = nornir.run(task=ask)
    for name, failed in result.failed_hosts.items():
        print(f"{name}: {failed[-1].exception!r}", file=sys.stderr)
    meter.say(texts)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), parse=sys.argv[4] == "parse")
