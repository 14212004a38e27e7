"""FAULTS G1 at full size and with the real limits: 40 faults among 200 routers. `make soak`."""

from __future__ import annotations

import json
import random
import resource
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from crews import alive, workers_of
from faulty import LINES, client_threads, device_of, lasting, look, once
from promises import inventory_of, starting, wait_until
from test_promises_bounds import files_open_by_clients
from test_session_faults import CASES

from collector.collect import Settings, sweep
from collector.lab.faults import OUTPUTS, PASSWORD, Faults
from collector.session import Limits, Phases, Secrets, Trust

HEALTHY, FAULTY = 160, 40
# code, and how long it may take with the limits that users have
REAL = {
    "tcp-silent": ("E_TIMEOUT_HANDSHAKE", 8), "tcp-black-hole": ("E_TIMEOUT_CONNECT", 8), "kex-silent": ("E_TIMEOUT_HANDSHAKE", 8),
    "tcp-slow-ident": ("E_TIMEOUT_HANDSHAKE", 8), "tcp-pre-ident": ("E_TIMEOUT_HANDSHAKE", 8), "auth-hang": ("E_AUTH_TIMEOUT", 15),
    "channel-silent": ("E_TIMEOUT_SETUP", 8), "pty-silent": ("E_TIMEOUT_SETUP", 20), "shell-silent": ("E_TIMEOUT_SETUP", 20),
    "no-prompt": ("E_TIMEOUT_READ", 8), "motd-slow": (None, 9), "pw-expired": ("E_PASSWORD_CHANGE", 1), "more": ("E_PAGER", 2),
    "no-echo": ("E_ECHO", 1.5), "rename": ("E_PROMPT_CHANGED", 3), "hang-mid": ("E_TIMEOUT_READ", 11.5),
    "drop-mid": ("E_CONN_LOST", 1.5), "endless-slow": ("E_TIMEOUT_READ", 62), "endless-fast": ("E_OUTPUT_TOO_BIG", 5),
    "slow30": (None, 33), "huge20": (None, 20), "huge5": (None, 6), "enable-bad": ("E_ENABLE_REJECTED", 3),
}  # fmt: skip

pytestmark = pytest.mark.soak


def test_forty_faults_among_two_hundred_routers(tmp_path, monkeypatch):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    tmp_path /= "state"
    names = [case.fault for case in CASES if case.fault not in {"none", "slow3"}]
    chosen = random.Random(7).sample(names, FAULTY)
    with Faults() as faults:
        servers = [faults.start("none") for _ in range(HEALTHY)] + [faults.start(name) for name in chosen]
        devices = [
            device_of(server, f"{server.fault}-{number}", seconds=30, secret=server.fault.startswith("enable"))
            for number, server in enumerate(servers)
        ]
        devices = [device for pair in zip(devices, reversed(devices), strict=True) for device in pair]
        devices = list({device.name: device for device in devices}.values())
        rows = []
        began = time.monotonic()
        outcome = sweep(
            devices,
            Settings(
                secrets=Secrets({}),
                trust=Trust(tmp_path),
                plan=lambda _device: once(LINES),
                workers=20,
                logins_per_second=100,
                retries=False,
                state=tmp_path,
            ),
            rows.append,
        )
        took = time.monotonic() - began
        print(f"{took:.1f} s, {outcome}")
        assert Counter(row.device.name for row in rows) == Counter(device.name for device in devices)
        for row in rows:
            if row.device.name.startswith("none"):
                assert row.failures == ()
                assert [capture.text for capture in row.captures] == [
                    OUTPUTS[line].rstrip("\n") + "\n" for line in LINES
                ]
            else:
                assert len(row.failures) <= 1  # some faults a session copes with
                assert (row.finished_at - row.started_at).total_seconds() <= 31
        assert not any(failure.code == "E_INTERNAL" for row in rows for failure in row.failures)
        assert PASSWORD not in repr([(row.captures, row.failures) for row in rows])
        assert took <= 45
        assert client_threads() == []
        assert lasting(lambda: files_open_by_clients(servers)) == []
        assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("visit")]
        assert list(temporary.iterdir()) == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 400 * 1024
    assert {path.name for path in Path(tmp_path).iterdir()} <= {
        "known_hosts", ".known_hosts.lock", "identities.json", ".identities.json.lock", "locks", "refused.json", ".refused.json.lock",
    }  # fmt: skip


def test_every_fault_with_the_limits_that_users_have():
    with Faults() as faults, ThreadPoolExecutor(24) as pool:
        look(faults.start("none"))
        runs = {}
        for fault in REAL:
            server = faults.start(fault)
            runs[fault] = pool.submit(
                look,
                server,
                limits=Limits(),
                phases=Phases(),
                secret=fault.startswith("enable"),
                settings={"seconds": 90, "connect": 8, "command": 30},
            )
        for fault, (code, seconds) in REAL.items():
            seen = runs[fault].result()
            assert seen.codes == ([code] if code else []), fault
            assert seen.seconds <= seconds + 2, fault
    assert client_threads() == []
    assert not [thread for thread in threading.enumerate() if thread.name == "visit-watchdog"]


def test_a_wrong_password_across_two_hundred_devices():
    with Faults() as faults:
        servers = [faults.start("none") for _ in range(200)]
        devices = [device_of(server, f"r{number}", password="wrong") for number, server in enumerate(servers)]
        rows = []
        sweep(
            devices,
            Settings(secrets=Secrets({}), trust=Trust(), workers=50, logins_per_second=200),
            rows.append,
        )
        assert len(rows) == 200
        assert sum(server.record.passwords for server in servers) <= 3


def test_two_hundred_routers_in_two_processes(tmp_path):
    """The same fleet through the command: complete, nothing left, and what the run itself holds stays small."""
    names = [case.fault for case in CASES if case.fault not in {"none", "slow3"}]
    chosen = random.Random(11).sample(names, FAULTY)
    with Faults() as faults:
        servers = [(f"ok{number}", faults.start("none", lifetime=900)) for number in range(HEALTHY)]
        servers += [(f"bad{number}-{name}", faults.start(name, lifetime=900)) for number, name in enumerate(chosen)]
        inventory = inventory_of(servers, tmp_path / "inventory.yaml", more="  timeout: {device: 30}\n")
        words = (
            *("sweep", "-i", str(inventory), "--state", str(tmp_path / "state"), "--save", str(tmp_path / "saved")),
            *("--processes", "2", "--workers", "60", "-f", "json", "-o", str(tmp_path / "report.json")),
        )
        with starting(*words) as process:
            wait_until(lambda: len(workers_of(process.pid)) == 2, process)
            workers = workers_of(process.pid)
            _, err = process.communicate(timeout=900)
        assert process.returncode == 3, err
        assert not any(alive(pid) for pid in workers)
        document = json.loads((tmp_path / "report.json").read_text())
        codes = {device["name"]: [each["code"] for each in device["failures"]] for device in document["devices"]}
        assert codes.keys() == {name for name, _ in servers}
        assert not [name for name, found in codes.items() if "E_INTERNAL" in found]
        healthy = [device for device in document["devices"] if device["name"].startswith("ok")]
        assert not [device["name"] for device in healthy if {"E_DEADLINE", "E_CONN_LOST"} & set(codes[device["name"]])]
        first = {note["command"]: note["status"] for note in healthy[0]["captures"]}
        assert all({note["command"]: note["status"] for note in each["captures"]} == first for each in healthy)
        assert len(list((tmp_path / "saved").glob("*/snapshot.json"))) >= HEALTHY
        assert PASSWORD not in (tmp_path / "report.json").read_text()
        assert PASSWORD.encode() not in err
    assert not list((tmp_path / "state").glob("run-*"))
