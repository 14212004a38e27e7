"""Several processes: every promise about the fleet stays one about the fleet, and none of them outlives the run."""

from __future__ import annotations

import os
import pickle
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from crews import Asking, alive, ran, wait_for, workers_of
from faulty import LINES, QUICK, device_of, literal
from promises import inventory_of, spi, starting, wait_until
from test_session_ways import Host

from collector.cli.signals import noted
from collector.collect import hands, processes_for
from collector.collect.crew import Crew, Office
from collector.collect.gate import Gate, Word
from collector.collect.hands import Job
from collector.collect.lock import device_lock
from collector.collect.messages import Matter, Question
from collector.errors import ErrorCode, StateError
from collector.lab.faults import FAULTS, OUTPUTS, PASSWORD, USERNAME, Faults
from collector.model import Device, Reference, SshSettings
from collector.session import Limits, Secrets, Trust


@pytest.fixture(scope="module")
def faults():
    with Faults() as running:
        yield running


def codes(run):
    return Counter(failure.code.value for row in run.rows.values() for failure in row.failures)


def devices_of(faults, *names, **more):
    return [device_of(faults.start(name, lifetime=600), f"{name}-{place}", **more) for place, name in enumerate(names)]


# -- the same as in one process ---------------------------------------------------------------------------------------


def without_times(document: bytes) -> str:
    """A report without run id, times and what is counted from them."""
    text = re.sub(r'"20\d\d-\d\d-\d\dT[^"]*"', '"-"', document.decode())
    text = re.sub(r'"id": "[0-9a-f]{12}", "mode"', '"id": "-", "mode"', re.sub(r",\s+", ", ", text))
    return re.sub(r"\d\d:\d\d:\d\d(\.\d+)?( UTC)?", "-", text)


def test_two_processes_print_what_one_prints(faults, tmp_path):
    names = (
        "none",
        "none",
        "more",
        "none",
        "drop-mid",
        "denied",
        "none",
        "enable-bad",
        "tcp-garbage",
        "prompt-in-output",
    )
    # what is said of stamps hangs on how far the router's clock is from the collector's: years, whenever this runs
    outputs = OUTPUTS | {"show clock": "12:00:00.123 UTC Fri Jan 3 2020\n"}
    servers = [
        (f"r{place}", faults.start(name, router=replace(FAULTS[name].router, outputs=outputs), lifetime=600))
        for place, name in enumerate(names)
    ]
    inventory = inventory_of(servers, tmp_path / "inventory.yaml")
    done = {
        count: spi(
            *("sweep", "-i", str(inventory), "--state", str(tmp_path / count), "--save", str(tmp_path / f"saved{count}")),
            *("--processes", count, "-f", "json"),
        )
        for count in ("1", "2")
    }  # fmt: skip
    assert done["1"].returncode == done["2"].returncode == 3, done["2"].stderr
    assert without_times(done["1"].stdout) == without_times(done["2"].stdout)
    assert b"in 2 processes" in done["2"].stderr
    for kind in ("known_hosts", "identities.json"):
        one, two = ((tmp_path / count / kind).read_text() for count in ("1", "2"))
        assert sorted(one.splitlines()) == sorted(two.splitlines())
    saved = [{str(file.relative_to(folder)) for file in folder.rglob("*.txt")} for folder in tmp_path.glob("saved*")]
    assert saved[0] == saved[1] != set()
    assert not list((tmp_path / "2").glob("run-*"))
    for file in (tmp_path / "saved2").rglob("*"):
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0


# -- promises about the fleet -----------------------------------------------------------------------------------------


def test_a_wrong_password_reaches_three_devices_of_all_processes(faults, tmp_path):
    servers = [faults.start("none") for _ in range(30)]
    devices = [device_of(server, f"r{number}", password="wrong") for number, server in enumerate(servers)]
    run = ran(devices, limits=QUICK, workers=20, state=tmp_path)
    assert sum(server.record.passwords for server in servers) == 3
    assert codes(run) == {"E_AUTH_REJECTED": 3, "E_AUTH_SKIPPED": 27}
    assert run.outcome.logins == 3


def test_both_processes_visit_at_one_pace_with_one_secret_and_one_trust(faults, tmp_path):
    asked = tmp_path / "asked"
    give = tmp_path / "give"
    give.write_text(f"#!/bin/sh\necho x >> {asked}\necho {PASSWORD}\n")
    give.chmod(0o700)
    servers = [faults.start("none") for _ in range(16)]
    command = Reference(kind="command", value=str(give))
    devices = [replace(device_of(server, f"r{n}"), password=command) for n, server in enumerate(servers)]
    rate, told, began = 4.0, [], time.monotonic()
    run = ran(
        devices,
        limits=QUICK,
        workers=16,
        logins_per_second=rate,
        secrets=Secrets(),
        trust=Trust(tmp_path),
        say=told.append,
    )
    assert run.outcome.complete == 16
    assert run.outcome.logins == 16  # each took its turn from the one bucket
    assert len(run.processes) == 2
    assert os.getpid() not in run.processes
    assert asked.read_text() == "x\n"
    assert sum("pinned the host key" in line for line in told) == 16
    assert (tmp_path / "known_hosts").read_text().count("\n") == 16
    for row in run.rows.values():
        assert [capture.text for capture in row.captures] == [OUTPUTS[line].rstrip("\n") + "\n" for line in LINES]
    moments = sorted(moment - began for server in servers for moment in server.record.logins)
    assert all(number <= rate + rate * moment for number, moment in enumerate(moments, 1))


def test_a_jump_host_sees_one_login_of_all_processes(faults):
    bastion = Host(faults)
    behind = [
        replace(each, ssh=SshSettings(jump=f"127.0.0.1:{bastion.port}")) for each in devices_of(faults, *["none"] * 4)
    ]
    direct = [replace(each, name=f"direct-{each.name}") for each in devices_of(faults, "none", "none", "none")]
    try:
        run = ran([*behind[:2], *direct, *behind[2:]], limits=QUICK, workers=7)
    finally:
        bastion.close()
    assert run.outcome.complete == 7
    assert len(run.processes) == 2
    assert (bastion.passwords, len(bastion.connections)) == (1, 1)
    assert run.outcome.logins == 8  # its own takes its turn too


def test_a_retry_waits_for_its_token_and_the_better_visit_counts(faults):
    lost, full = faults.start("drop-mid"), faults.start("tcp-close")
    devices = [device_of(lost, "lost"), device_of(full, "full"), device_of(faults.start("more"), "pager")]
    devices.append(replace(devices[-1], name="blind", password=Reference(kind="env", value="NOT_SET")))
    run = ran(devices, limits=QUICK, retries=True, later=0.3)
    assert (lost.record.connections, full.record.connections) == (2, 2)
    assert codes(run) == {"E_CONN_LOST": 1, "E_REFUSED_EARLY": 1, "E_PAGER": 1, "E_CREDENTIAL": 1}
    assert run.outcome.logins == 3
    assert run.rows["lost"].captures
    assert "NOT_SET" in run.rows["blind"].failures[0].message


def test_a_signal_ends_the_visits_of_all_processes_and_every_device_has_its_row(faults):
    slow = [faults.start("slow30", lifetime=600) for _ in range(3)]
    devices = [device_of(server, f"slow-{place}") for place, server in enumerate(slow)]
    devices += devices_of(faults, "none", "none")

    def end():
        wait_for(lambda: all(server.record.lines()[2:] for server in slow))
        os.kill(os.getpid(), signal.SIGHUP)

    ender = threading.Thread(target=end)
    ender.start()
    with noted() as caught:
        run = ran(devices, limits=Limits(), workers=3, stopped=lambda: caught.number)
    ender.join()
    assert run.outcome.interrupted == signal.SIGHUP
    assert codes(run) == {"E_DEADLINE": 3, "E_NOT_STARTED": 2}
    assert {name for name, row in run.rows.items() if row.captures} == {"slow-0", "slow-1", "slow-2"}


def test_a_process_that_dies_costs_its_devices_and_no_more(faults):
    held = faults.start("slow30", lifetime=600)
    devices = [*devices_of(faults, *["none"] * 4), device_of(held, "held"), *devices_of(faults, *["none"] * 4)]
    devices = [replace(device, name=f"r{place}") for place, device in enumerate(devices)]
    killed, rows = [], []

    def kill():
        wait_for(lambda: held.record.lines() and rows)  # its visit is under way, and the password has proven good
        killed.extend(workers_of(os.getpid()))
        for pid in killed:
            os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    run = ran(devices, limits=Limits(), workers=2, rows=rows)
    killer.join()
    assert len(killed) == 2
    assert set(codes(run)) == {"E_INTERNAL"}
    assert 1 <= codes(run)["E_INTERNAL"] <= 2
    assert "signal 9" in run.rows["r4"].failures[0].message
    assert run.outcome.complete >= 7  # the others, in processes that took their place


def test_what_cannot_be_kept_ends_the_run(faults):
    with pytest.raises(StateError, match="No space left"):
        ran(devices_of(faults, "none"), limits=QUICK, work=Asking(full=True))


# -- signals and sudden ends ------------------------------------------------------------------------------------------


@pytest.fixture
def hanging(faults, tmp_path):
    """A fleet of which two routers never answer: its inventory."""
    servers = [(f"r{n}", faults.start("none", lifetime=600)) for n in range(2)]
    servers += [(f"hung{n}", faults.start("kex-silent", lifetime=600)) for n in range(2)]
    return inventory_of(servers, tmp_path / "i.yaml", more="  timeout: {connect: 600, device: 600}\n")


def sweep_of(inventory, folder):
    return (
        *("sweep", "-i", str(inventory), "--state", str(folder / "state"), "--save", str(folder / "saved")),
        *("--processes", "2", "-f", "json", "-o", str(folder / "report.json")),
    )


def test_a_killed_run_leaves_no_process_and_no_lock(hanging, tmp_path):
    with starting(*sweep_of(hanging, tmp_path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        saved = tmp_path / "saved"
        wait_until(lambda: len(list(saved.glob("*/snapshot.json"))) == 2, process)
        workers = workers_of(process.pid)
        assert len(workers) == 2
        for pid in workers:
            shown = Path(f"/proc/{pid}/cmdline").read_bytes()
            assert PASSWORD.encode() not in shown
            assert USERNAME.encode() not in shown
            assert PASSWORD.encode() not in Path(f"/proc/{pid}/environ").read_bytes()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                os.kill(pid, number)  # a terminal or systemd sends them to all: only the run listens
        assert all(alive(pid) for pid in workers)
        process.kill()
        process.wait()
    wait_for(lambda: not any(alive(pid) for pid in workers))
    with device_lock(tmp_path / "state" / "locks", "hung0"):
        pass


# -- the parts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("devices", "workers", "rate", "count"),
    [
        (1, 20, 5, 1), (200, 100, 1000, 1), (20_000, 20, 5, 1), (20_000, 100, 100, 1), (500, 400, 100, 4),
        (20_000, 400, 1000, 4), (20_000, 200, 1000, 2), (20_000, 130, 1000, 2), (150, 1000, 5, 2), (300, 300, 10, 3),
    ],
)  # fmt: skip
def test_the_arithmetic_of_processes(devices, workers, rate, count):
    assert processes_for(devices, workers, rate, available=8) == count


def crew(count):
    return Crew(count, hello=None, office=None, brief=lambda _d: None)


def test_devices_behind_one_jump_host_share_a_process():
    many = crew(4)
    of = [Job(Device(name=f"r{n}", host="h", ssh=SshSettings(jump=f"j{n % 3}")), "key") for n in range(30)]
    slots = {}
    for job in of:
        slots.setdefault(job.device.ssh.jump, set()).add(many._slot(job))
    assert [len(found) for found in slots.values()] == [1, 1, 1]


def test_a_full_process_has_no_room(monkeypatch):
    class Full:
        alive = True
        jobs = dict.fromkeys(range(hands.MOST_THREADS))

    many = crew(2)
    job = Job(Device(name="r", host="h"), "key")
    many._slots = [Full(), None]
    assert many.room(job)
    many._slots = [Full(), Full()]
    assert not many.room(job)


def test_a_login_of_which_no_word_came_counts_as_one_that_may_have_been_rejected():
    gate = Gate()
    for name in ("r1", "r2"):
        gate.begins()
        gate.lost(name)
    assert gate.word(0) is Word.GO
    gate.begins()
    assert gate.word(0) is Word.WAIT
    gate.ended("r3", ErrorCode.AUTH_REJECTED, 0)
    assert gate.word(0) is Word.SKIP
    proven = Gate()
    proven.begins()
    proven.ended("r1", None, 0)
    for number in range(5):
        proven.begins()
        proven.lost(f"r{number}")
    assert proven.word(0) is Word.GO


def test_a_login_is_answered_with_its_turn_and_an_error_as_it_was():
    job = Job(Device(name="r", host="h"), "key")
    office = Office(secrets=Secrets({}), trust=Trust(), pace=lambda asked: 2.5 if asked is job else 0, told=str)
    assert office.answer(Question(number=1, matter=Matter.LOGIN, arguments=()), job).value == 2.5
    secret = Question(number=2, matter=Matter.SECRET, arguments=(Reference(kind="env", value="NOT_SET"), "password"))
    answer = office.answer(secret, None)
    error = pickle.loads(pickle.dumps(answer)).problem.error()
    assert (error.code, error.phase, "NOT_SET" in error.message) == (ErrorCode.CREDENTIAL, "credential", True)
    given = Question(number=3, matter=Matter.SECRET, arguments=(literal("s3cret"), "password"))
    answer = office.answer(given, None)
    assert answer.value == "s3cret"
    assert "s3cret" not in repr(answer)


def test_a_worker_without_a_run_leaves(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "collector.collect.worker"], stdin=subprocess.DEVNULL, timeout=60, check=False
    )
    assert done.returncode == 0
