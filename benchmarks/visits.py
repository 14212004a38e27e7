"""The fleet run against nornir + nornir-netmiko: the same lab routers, the same commands, each at its best concurrency.

    python -m benchmarks visits [--devices 40] [--rounds 2] [--workers 50,100,200] [--profile burst,trickle] [--mix fleet,busy]

Rounds of A B B A, medians of the paired ratios. A side's best concurrency is the one with the most routers a second, of
those in `--workers` (ours: at most 100, the threads of one process); equal numbers of workers are told beside it.

`visits` is what the visits alone cost, raw text kept by both; imports are not in it. `sweep` is a whole process each:
ours judges and writes the JSON document, theirs parses with ntc-templates where it has a template. The mixes: `fleet` is
the lab's own, a few routers in trouble; in `busy` every branch has logged unknown SPIs for half a day, so that there is
more text and the sweep asks for more: the visits alone, lines beside the first. The routers run in a process of their
own. The other side lives in `.venv-bench`, made from requirements-nornir.txt when it is not there.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

import yaml

from benchmarks._measure import FIRST
from collector.collect.hands import MOST_THREADS
from collector.lab import fleet, inventory
from collector.lab.running import RunningLab

HERE = Path(__file__).parent
VENV = HERE.parent / ".venv-bench"
RTT = 0.05
FAR = 0.25  # the round trips are what a visit's time grows by per second of distance
HELD = 40  # sessions open at once when memory is measured
GOALS = {"burst": 3.0, "trickle": 2.0}  # CPU of the visits, theirs / ours
RATE_GOAL, SWEEP_GOAL, TRIPS_GOAL, MEMORY_GOAL = 3.0, 2.0, 1.1, 0.3

Said = dict[str, Any]


class Lab:
    """The routers."""

    def __init__(self, scenario: str, *, rtt: float, trickle: bool) -> None:
        command = [sys.executable, "-m", "benchmarks._lab", scenario, "--rtt", str(rtt)]
        self.process = subprocess.Popen(
            command + ["--trickle"] * trickle, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        lines = []
        while (line := self.process.stdout.readline()).strip() != inventory.READY:
            if not line:
                raise SystemExit("the lab did not start")
            lines.append(line)
        self.inventory = yaml.safe_load("".join(lines))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate(timeout=30)

    def ask(self, word: str) -> Any:
        """`typed` or `cpu`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


class Bench:
    """One profile: a lab, and the files that both sides read."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab, self.folder = lab, folder
        self.environment = os.environ | RunningLab.environment()
        tree = lab.inventory
        tree["defaults"]["logins_per_second"] = 1000  # courtesy is not what is measured
        (folder / "inventory.yaml").write_text(yaml.safe_dump(tree), "utf-8")
        user, password, secret = RunningLab.environment().values()
        options = {"netmiko_options": {"extras": {"secret": secret}}}
        hosts = {
            name: {
                "hostname": host["hostname"],
                "port": host["port"],
                "platform": host["platform"],
                "username": user,
                "password": password,
                "connection_options": {"netmiko": options["netmiko_options"]},
            }
            for name, host in tree["hosts"].items()
        }
        for kind, content in (("host", hosts), ("group", {}), ("defaults", {})):
            (folder / f"nornir-{kind}.yaml").write_text(yaml.safe_dump(content), "utf-8")

    def learn(self) -> int:
        """What our sweep asks each router is what everybody asks; the number of commands."""
        self.sweep(50)
        typed: dict[str, list[str]] = self.lab.ask("typed")
        commands = {
            name: list(dict.fromkeys(line for line in lines if line.startswith("show ")))
            for name, lines in typed.items()
        }
        self.put(commands)
        return sum(map(len, commands.values()))

    def put(self, commands: dict[str, list[str]]) -> None:
        (self.folder / "commands.json").write_text(json.dumps(commands), "utf-8")

    def commands(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = json.loads((self.folder / "commands.json").read_text("utf-8"))
        return found

    def ours(self, workers: int, hold: int = 0) -> Said:
        return self._run(sys.executable, "-m", "benchmarks._side_ours", self.folder, workers, hold)

    def theirs(self, workers: int, hold: int = 0, kind: str = "raw") -> Said:
        return self._run(VENV / "bin" / "python", "-m", "benchmarks._side_nornir", self.folder, workers, hold, kind)

    def plain(self, workers: int) -> Said:
        return self._run(sys.executable, "-m", "benchmarks._side_plain", self.folder, workers)

    def sweep(self, workers: int) -> Said:
        """The verb itself; processor seconds of the whole process."""
        with tempfile.TemporaryDirectory() as state:
            command = [sys.executable, "-m", "collector", "sweep", "-i", self.folder / "inventory.yaml"]
            command += ["--workers", workers, "--format", "json", "-o", Path(state) / "out.json"]
            command += ["--state", self.folder / "state"]
            before = os.times()
            ended = subprocess.run(
                [str(word) for word in command], env=self.environment, check=False, capture_output=True, text=True
            )
            after = os.times()
            if ended.returncode not in {0, 1, 3} or not (Path(state) / "out.json").exists():
                raise SystemExit(ended.stderr)
            report = json.loads((Path(state) / "out.json").read_text("utf-8"))
        used = after.children_user + after.children_system - before.children_user - before.children_system
        return {
            "whole_cpu": used,
            "wall": after.elapsed - before.elapsed,
            "devices": report["coverage"]["devices"]["complete"],
        }

    def _run(self, *command: object) -> Said:
        ended = subprocess.run(
            [str(word) for word in command],
            cwd=HERE.parent,
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
        )
        if ended.returncode or not ended.stdout:
            raise SystemExit(ended.stderr)
        if ended.stderr:
            print(ended.stderr.strip()[:400], file=sys.stderr)
        said: Said = json.loads(ended.stdout.splitlines()[-1])
        return said


def make_venv() -> None:
    """nornir, in a venv of its own."""
    ready = VENV / ".ready"
    wanted = (HERE / "requirements-nornir.txt").read_text("utf-8")
    if ready.exists() and ready.read_text("utf-8") == wanted:
        return
    print("making .venv-bench", flush=True)
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    install = [VENV / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*install, "--requirement", HERE / "requirements-nornir.txt"], check=True)
    ready.write_text(wanted, "utf-8")


def best(run: Callable[[int], Said], candidates: list[int]) -> int:
    """The number of workers with the most devices a second; the fewest processor seconds are not asked for."""
    if len(candidates) == 1:
        return candidates[0]
    return min(candidates, key=lambda workers: min(run(workers)["wall"] for _ in range(2)))


def paired(
    ours: Callable[[], Said], theirs: Callable[[], Said], rounds: int, *keys: str
) -> tuple[dict[str, list[float]], list[Said], list[Said]]:
    """key -> ratios theirs / ours, of A B B A."""
    ratios: dict[str, list[float]] = {key: [] for key in keys}
    all_ours: list[Said] = []
    all_theirs: list[Said] = []
    for _ in range(rounds):
        first, second = (theirs(), ours()), (ours(), theirs())
        for b, a in (first, (second[1], second[0])):
            all_ours.append(a)
            all_theirs.append(b)
            for key in keys:
                ratios[key].append(b[key] / b["devices"] / (a[key] / a["devices"]))
    return ratios, all_ours, all_theirs


def middle(said: list[Said], key: str) -> float:
    return statistics.median(each[key] / each["devices"] for each in said)


def show(name: str, ratio: float, goal: float, *, at_most: bool = False) -> bool:
    met = ratio <= goal if at_most else ratio >= goal
    print(
        f"  {name}: {ratio:.2f} (goal {'at most' if at_most else 'at least'} {goal:g}){'' if met else '  MISSED'}",
        flush=True,
    )
    return met


def scenario(mix: str, size: int, folder: Path) -> str:
    """What the lab is to play."""
    if mix == "fleet":
        return f"fleet:{size}"
    tree = fleet.tree(size, trouble=100)
    for trouble in tree["trouble"]:
        trouble |= {"since": "12h", "receiver": trouble["link"]}  # a link bears the name of its branch
    path = folder / "busy.yaml"
    path.write_text(yaml.safe_dump(tree), "utf-8")
    return str(path)


def measure(profile: str, mix: str, given: argparse.Namespace) -> bool:
    """One profile on one mix of routers; True where its goals are met."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Lab(scenario(mix, given.devices, Path(folder)), rtt=RTT, trickle=profile == "trickle") as lab,
    ):
        bench = Bench(lab, Path(folder))
        asked = bench.learn()
        candidates = sorted({min(workers, given.devices) for workers in given.workers})
        own = best(bench.ours, sorted({min(workers, MOST_THREADS) for workers in candidates}))
        other = best(bench.theirs, candidates)
        print(
            f"-- {profile}, {mix}: {given.devices} routers, RTT {RTT * 1000:g} ms, {asked / given.devices:.1f} commands each; "
            f"workers: {own} ours, {other} theirs",
            flush=True,
        )
        lab.ask("typed")
        ratios, a, b = paired(lambda: bench.ours(own), lambda: bench.theirs(other), given.rounds, "cpu", "wall")
        assert {each["answers"] for each in (*a, *b)} == {asked}, "an answer is missing"
        print(f"  text: {middle(a, 'bytes') / 1000:.1f} KB a router ours, {middle(b, 'bytes') / 1000:.1f} KB theirs")
        for name, said in (("ours", a), ("theirs", b)):
            used = middle(said, "cpu")
            print(
                f"  {name}: {used * 1000:.1f} ms CPU a router = {1 / used:.1f} routers a second and core; "
                f"{1 / middle(said, 'wall'):.1f} routers a second here"
            )
        met = show("visits, CPU, theirs / ours", statistics.median(ratios["cpu"]), GOALS[profile])
        met &= show("visits, routers a second and core, ours / theirs", statistics.median(ratios["cpu"]), RATE_GOAL)
        print(f"  single pairs: {min(ratios['cpu']):.2f} to {max(ratios['cpu']):.2f}")
        print(f"  routers a second as it came out here, ours / theirs: {statistics.median(ratios['wall']):.2f}")
        if own != other:
            equal, _, same = paired(lambda: bench.ours(own), lambda: bench.theirs(own), given.rounds, "cpu", "wall")
            print(
                f"  with {own} workers on both sides: CPU {statistics.median(equal['cpu']):.2f} "
                f"({min(equal['cpu']):.2f} to {max(equal['cpu']):.2f}), theirs {middle(same, 'cpu') * 1000:.1f} ms; "
                f"routers a second {statistics.median(equal['wall']):.2f}"
            )
        if mix != "fleet":
            return met
        ratios, a, b = paired(
            lambda: bench.sweep(own), lambda: bench.theirs(other, 0, "parse"), given.rounds, "whole_cpu"
        )
        for name, said in (("ours", a), ("theirs", b)):
            print(f"  whole sweep, {name}: {middle(said, 'whole_cpu') * 1000:.1f} ms CPU a router, imports included")
        return show("whole sweep, CPU, theirs / ours", statistics.median(ratios["whole_cpu"]), SWEEP_GOAL) and met


def memory_and_lines() -> bool:
    """Sessions open at once; and what each side typed."""
    with tempfile.TemporaryDirectory() as folder, Lab(f"fleet:{HELD}", rtt=0.0, trickle=False) as lab:
        bench = Bench(lab, Path(folder))
        asked = bench.learn()
        typed = {}
        for name, run in (("ours", bench.ours), ("theirs", bench.theirs)):
            lab.ask("typed")
            run(20)
            typed[name] = sum(map(len, lab.ask("typed").values()))
        print(f"-- {HELD} routers, {asked} commands: typed {typed['ours']} lines ours, {typed['theirs']} theirs")
        extra = (typed["ours"] - asked) / HELD
        met = show("lines typed beside the commands, a router", extra, 2, at_most=True)
        held = HELD - FIRST
        growth = {
            name: run(HELD, held)["growth"] / held for name, run in (("ours", bench.ours), ("theirs", bench.theirs))
        }
        print(f"  {HELD} sessions open: {growth['theirs']:.2f} MB a session theirs")
        return show("MB a session, ours", growth["ours"], MEMORY_GOAL, at_most=True) and met


def round_trips() -> bool:
    """A visit's time at two distances; constant waits cancel out."""
    walls: dict[str, list[float]] = {"plain": [], "ours": [], "theirs": []}
    for rtt in (RTT, FAR):
        with tempfile.TemporaryDirectory() as folder, Lab("fleet:4", rtt=rtt, trickle=False) as lab:
            bench = Bench(lab, Path(folder))
            bench.learn()
            name, lines = next(iter(bench.commands().items()))
            bench.put({name: lines})
            for side, run in (("plain", bench.plain), ("ours", bench.ours), ("theirs", bench.theirs)):
                walls[side].append(min(run(1)["wall"] for _ in range(3)))
    trips = {side: (far - near) / (FAR - RTT) for side, (near, far) in walls.items()}
    print("-- round trips of a visit: " + ", ".join(f"{count:.1f} {side}" for side, count in trips.items()))
    return show("round trips, ours / plain client", trips["ours"] / trips["plain"], TRIPS_GOAL, at_most=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks visits")
    parser.add_argument("--devices", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=lambda text: [int(word) for word in text.split(",")], default=[50, 100, 200])
    parser.add_argument("--profile", type=lambda text: text.split(","), default=["burst", "trickle"])
    parser.add_argument("--mix", type=lambda text: text.split(","), default=["fleet", "busy"])
    given = parser.parse_args()
    make_venv()
    theirs = dict(
        line.split("==") for line in (HERE / "requirements-nornir.txt").read_text().splitlines() if "==" in line
    )
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; ours: netmiko "
        f"{version('netmiko')}, paramiko {version('paramiko')}; theirs: nornir {theirs['nornir']}, nornir-netmiko "
        f"{theirs['nornir-netmiko']}, netmiko {theirs['netmiko']}, paramiko {theirs['paramiko']}; cryptography "
        f"{version('cryptography')} ours, {theirs['cryptography']} theirs",
        flush=True,
    )
    met = [measure(profile, mix, given) for mix in given.mix for profile in given.profile]
    met += [memory_and_lines(), round_trips()]
    print(f"load at the end {os.getloadavg()[0]:.1f}")
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
