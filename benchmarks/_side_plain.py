"""A plain SSH client for `visits`: types each line when the prompt of the last one is there, and nothing else."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import asyncssh
import yaml

from benchmarks._measure import Meter
from collector.lab.running import RunningLab

BEFORE = ("terminal length 0", "terminal width 511")


async def visit(host: str, port: int, lines: list[str]) -> dict[str, str]:
    user, password, _ = RunningLab.environment().values()
    async with asyncssh.connect(
        host, port, username=user, password=password, known_hosts=None, client_keys=None, agent_path=None, config=None
    ) as connection:
        stdin, stdout, _ = await connection.open_session(term_type="vt100")
        prompt = (await _until(stdout, "#")).rsplit("\n", 1)[-1]
        answers = {}
        for line in [*BEFORE, *lines]:
            stdin.write(line + "\n")
            answers[line] = await _until(stdout, "\n" + prompt)
        return {line: answers[line] for line in lines}


async def _until(stdout: asyncssh.SSHReader[str], end: str) -> str:
    text = ""
    while not text.endswith(end):
        text += await stdout.read(65536)
    return text


async def run(folder: Path, workers: int) -> dict[str, dict[str, str]]:
    commands: dict[str, list[str]] = json.loads((folder / "commands.json").read_text("utf-8"))
    hosts = yaml.safe_load((folder / "inventory.yaml").read_text("utf-8"))["hosts"]
    free = asyncio.Semaphore(workers)

    async def one(name: str) -> tuple[str, dict[str, str]]:
        async with free:
            return name, await visit(hosts[name]["hostname"], hosts[name]["port"], commands[name])

    return dict(await asyncio.gather(*(one(name) for name in commands)))


def main(folder: Path, workers: int) -> None:
    meter = Meter(0)
    meter.begin()
    meter.say(asyncio.run(run(folder, workers)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
