"""The fleet run: one row a device always, few rejected logins, no hung run."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from faulty import LINES, QUICK, client_threads, device_of, lasting, literal, once

from collector.cli.signals import noted
from collector.collect import Progress, Settings, arithmetic, sweep
from collector.collect.gate import key_of
from collector.collect.lock import device_lock
from collector.errors import ErrorCode, SessionError
from collector.lab.faults import ENABLE, OUTPUTS, PASSWORD, Faults
from collector.model import Device, Reference
from collector.session import HostKey, Secrets, Trust, ending

OTHER_KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIIv9mYb0oH3zJxq4BxSgQ2vP4xJ6b2y1m8b3m0T2QF0F"


@pytest.fixture(scope="module")
def faults():
    with Faults() as running:
        yield running


def settings(**more):
    base = {
        "secrets": Secrets({}),
        "trust": Trust(),
        "plan": lambda _device: once(LINES),
        "logins_per_second": 100.0,
        "retries": False,
        "jitter": 0.0,
        "limits": QUICK,
        "lock_patience": 0.3,
    }
    return Settings(**(base | more))


def run(devices, setting):
    rows = []
    outcome = sweep(devices, setting, rows.append)
    assert Counter(row.device.name for row in rows) == Counter(device.name for device in devices)
    assert outcome.rows == len(devices) == outcome.complete + outcome.partial + outcome.failed
    return {row.device.name: row for row in rows}, outcome


def codes(rows):
    return Counter(failure.code.value for row in rows.values() for failure in row.failures)


QUICK_FAULTS = (
    "tcp-reset", "tcp-garbage", "kex-group1", "kbdint-two", "kbdint-new", "pw-expired", "more", "no-echo", "drop-mid", "denied",
)  # fmt: skip


def test_twenty_healthy_routers_among_ten_faulty_ones(faults):
    devices = [device_of(faults.start("none"), f"ok-{number}") for number in range(20)]
    devices[5:5] = [device_of(faults.start(fault), f"bad-{fault}") for fault in QUICK_FAULTS]
    rows, outcome = run(devices, settings(workers=15))
    for name, row in rows.items():
        if name.startswith("ok"):
            assert [capture.text for capture in row.captures] == [OUTPUTS[line].rstrip("\n") + "\n" for line in LINES]
            assert row.failures == ()
        else:
            assert len(row.failures) == 1
    assert outcome.complete == 20
    assert outcome.partial + outcome.failed == 10
    assert ErrorCode.INTERNAL.value not in codes(rows)
    assert client_threads() == []


def test_a_wrong_password_reaches_three_devices_at_most(faults, tmp_path):
    servers = [faults.start("none") for _ in range(30)]
    devices = [device_of(server, f"r{number}", password="wrong") for number, server in enumerate(servers)]
    rows, _ = run(devices, settings(workers=20, state=tmp_path))
    assert sum(server.record.passwords for server in servers) == 3
    assert codes(rows) == {"E_AUTH_REJECTED": 3, "E_AUTH_SKIPPED": 27}
    rows, _ = run(devices, settings(workers=20, state=tmp_path))  # the next run: one canary
    assert sum(server.record.passwords for server in servers) == 4
    assert codes(rows) == {"E_AUTH_REJECTED": 1, "E_AUTH_SKIPPED": 29}
    good = [replace(device, password=literal(PASSWORD)) for device in devices]
    rows, _ = run(good, settings(workers=20, state=tmp_path))  # another credential is not in doubt
    assert codes(rows) == {}


def test_a_success_forgets_the_doubt(faults, tmp_path):
    server = faults.start("none")
    device = device_of(server, "r1")
    for text in (f'["{key_of(device)}", "other"]\n', f'{{"{key_of(device)}": ["r1"], "other": []}}\n'):
        (tmp_path / "refused.json").write_text(text)
        run([device], settings(state=tmp_path))
        assert (tmp_path / "refused.json").read_text() == '{"other": []}\n'


def test_a_refused_enable_secret_is_tried_as_carefully_as_a_password(faults, tmp_path):
    """Three canaries, however many visits are under way; one in the next run, on another router; a success forgets."""
    servers = [faults.start("enable-bad") for _ in range(12)]
    devices = [device_of(server, f"r{number}", secret=True) for number, server in enumerate(servers)]

    def sent():
        return sum(server.record.lines().count(ENABLE) for server in servers)

    rows, _ = run(devices, settings(workers=12, state=tmp_path))
    assert codes(rows) == {"E_ENABLE_REJECTED": 3, "E_AUTH_SKIPPED": 9}
    assert "the enable secret was refused by" in next(
        row.failures[0].message for row in rows.values() if row.failures[0].code == "E_AUTH_SKIPPED"
    )
    assert sent() == 3
    rows, _ = run(devices, settings(workers=12, state=tmp_path))
    assert codes(rows) == {"E_ENABLE_REJECTED": 1, "E_AUTH_SKIPPED": 11}
    assert {server.record.lines().count(ENABLE) for server in servers} == {0, 1}
    good = device_of(faults.start("enable-good"), "good", secret=True)
    rows, _ = run([good], settings(state=tmp_path))
    assert codes(rows) == {}
    assert (tmp_path / "refused.json").read_text() == "{}\n"


def test_routers_that_do_not_know_the_account_do_not_keep_it_from_the_others(faults, tmp_path):
    """The canary of the next run is another router: not the same one, for ever, at the head of the inventory."""
    server = faults.start("none")
    bad = [device_of(faults.start("kbdint-again"), f"bad{number}") for number in range(4)]
    fleet = [*bad, *(device_of(server, f"good{number}") for number in range(2))]
    rows, _ = run(fleet, settings(state=tmp_path))
    assert codes(rows) == {"E_AUTH_REJECTED": 3, "E_AUTH_SKIPPED": 3}
    first = {name for name, row in rows.items() if ending(row.failures).code == "E_AUTH_REJECTED"}
    rows, _ = run(fleet, settings(state=tmp_path))  # the fourth's turn
    assert codes(rows) == {"E_AUTH_REJECTED": 1, "E_AUTH_SKIPPED": 5}
    assert {name for name, row in rows.items() if ending(row.failures).code == "E_AUTH_REJECTED"} == {
        f"bad{number}" for number in range(4)
    } - first
    rows, outcome = run(fleet, settings(state=tmp_path))
    assert outcome.complete == 2


def test_an_unreachable_canary_proves_nothing_and_blocks_nobody(faults):
    dead = [device_of(faults.start("tcp-close"), f"dead-{number}") for number in range(6)]
    alive = [device_of(faults.start("none"), f"ok-{number}") for number in range(6)]
    rows, outcome = run([*dead, *alive], settings(workers=10))
    assert outcome.complete == 6
    assert codes(rows) == {"E_REFUSED_EARLY": 6}


def test_canaries_that_are_not_who_they_were_prove_the_password_and_nothing_else(faults, tmp_path):
    trust = Trust(tmp_path)
    trust.identify("c0", hostname="OTHER")
    trust.identify("c1", serial="OTHER")
    trust.identify("c2", hostname="R1", serial="OTHER")
    pinned = (tmp_path / "identities.json").read_bytes()
    servers = {name: faults.start("none") for name in ("c0", "c1", "c2", "r3", "r4", "r5")}
    devices = [device_of(server, name) for name, server in servers.items()]
    rows, outcome = run(devices, settings(workers=3, trust=trust, state=tmp_path, retries=True))
    assert codes(rows) == {"E_IDENTITY": 3}
    assert outcome.complete == 3  # the login itself went through: the rest of the fleet is visited
    for name in ("c0", "c1", "c2"):
        assert rows[name].failures[0].code is ErrorCode.IDENTITY
        assert rows[name].captures == ()  # what it said is attached to nobody
        assert servers[name].record.connections == 1
    assert servers["c0"].record.lines() == []  # the prompt told it: nothing was typed
    (tmp_path / "refused.json").write_text(json.dumps([key_of(devices[0])]))  # as if the last run had stopped it
    run(devices[:1], settings(trust=trust, state=tmp_path))
    assert (tmp_path / "refused.json").read_text() == "{}\n"
    for name, said in json.loads(pinned).items():
        assert said.items() <= json.loads((tmp_path / "identities.json").read_text())[name].items()


def test_canaries_with_a_changed_key_prove_nothing_and_block_nobody(faults):
    trust = Trust()
    servers = [faults.start("none") for _ in range(6)]
    for server in servers[:3]:
        trust.pin(server.host, server.port, HostKey(type="ssh-ed25519", blob=OTHER_KEY))
    devices = [device_of(server, f"r{number}") for number, server in enumerate(servers)]
    rows, outcome = run(devices, settings(workers=3, trust=trust))
    assert codes(rows) == {"E_HOSTKEY_CHANGED": 3}
    assert [server.record.passwords for server in servers] == [0, 0, 0, 1, 1, 1]
    assert outcome.complete == 3


def test_a_refused_enable_secret_stops_too(faults):
    servers = [faults.start("enable-bad") for _ in range(8)]
    devices = [device_of(server, f"r{number}", secret=True) for number, server in enumerate(servers)]
    rows, _ = run(devices, settings(workers=1))
    assert codes(rows) == {"E_ENABLE_REJECTED": 3, "E_AUTH_SKIPPED": 5}


def test_logins_are_paced_on_the_servers_clock(faults):
    servers = [faults.start("none") for _ in range(16)]
    devices = [device_of(server, f"r{number}") for number, server in enumerate(servers)]
    rate = 5.0
    began = time.monotonic()
    run(devices, settings(workers=16, logins_per_second=rate))
    moments = sorted(moment - began for server in servers for moment in server.record.logins)
    assert len(moments) == 16
    for number, moment in enumerate(
        moments, 1
    ):  # one second's worth at once, then one by one; a busy machine only delays
        assert number <= rate + rate * moment


def test_retries_happen_once_and_take_a_token(faults):
    lost, full = faults.start("drop-mid"), faults.start("tcp-close")
    devices = [device_of(lost, "lost"), device_of(full, "full"), device_of(faults.start("more"), "pager")]
    rows, outcome = run(devices, settings(retries=True, later=0.5))
    assert (lost.record.connections, full.record.connections) == (2, 2)
    assert codes(rows) == {"E_CONN_LOST": 1, "E_REFUSED_EARLY": 1, "E_PAGER": 1}
    assert outcome.logins == 3


def test_the_run_ends_in_its_time_and_names_what_is_missing(faults):
    for seconds in (2, 6, 20):  # until it suffices on this machine for three logins and two commands
        servers = [faults.start("slow30") for _ in range(3)]
        devices = [device_of(server, f"slow-{number}") for number, server in enumerate(servers)]
        devices += [device_of(faults.start("none"), f"later-{number}") for number in range(3)]
        began = time.monotonic()
        rows, _ = run(devices, settings(workers=3, max_runtime=timedelta(seconds=seconds)))
        assert time.monotonic() - began < seconds + 25  # a slow answer takes 30
        if all("show logging" in server.record.lines() for server in servers):
            break
    assert codes(rows) == {"E_DEADLINE": 3, "E_NOT_STARTED": 3}
    assert all(row.captures for name, row in rows.items() if name.startswith("slow"))  # what came is kept
    assert client_threads() == []


def test_a_hung_worker_is_not_waited_for(faults):
    hung, released = threading.Event(), threading.Event()

    def plan(_device):
        def hang(_captures):
            hung.set()
            released.wait(100)
            return ()

        return hang

    try:
        for seconds in (1, 4, 16):  # until it suffices on this machine for the login
            began = time.monotonic()
            device = device_of(faults.start("none"), "r1")
            rows, _ = run([device], settings(plan=plan, max_runtime=timedelta(seconds=seconds)))
            assert time.monotonic() - began < seconds + 50
            assert codes(rows) == {"E_DEADLINE": 1}
            if hung.is_set():
                break
        assert hung.is_set()
    finally:
        released.set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_run_with_every_row(faults, number):
    slow = [faults.start("slow30") for _ in range(2)]
    devices = [device_of(server, f"slow-{index}") for index, server in enumerate(slow)]
    devices += [device_of(faults.start("none"), f"later-{index}") for index in range(4)]
    before = signal.getsignal(number)

    def interrupt():
        lasting(lambda: [server.fault for server in slow if "show logging" not in server.record.lines()])
        os.kill(os.getpid(), number)

    threading.Thread(target=interrupt).start()
    with noted() as caught:
        rows, outcome = run(devices, settings(workers=2, stopped=lambda: caught.number))
    assert outcome.interrupted == number
    assert set(codes(rows)) <= {"E_DEADLINE", "E_NOT_STARTED"}
    assert codes(rows)["E_DEADLINE"] == 2
    assert signal.getsignal(number) is before


def test_a_defect_costs_one_device(faults):
    def plan(device):
        if device.name == "r1":
            raise ZeroDivisionError
        return once(LINES)

    devices = [device_of(faults.start("none"), f"r{number}") for number in range(3)]
    rows, outcome = run(devices, settings(plan=plan))
    assert codes(rows) == {"E_INTERNAL": 1}
    assert outcome.complete == 2


def test_a_line_that_may_not_be_typed_is_our_defect_and_nothing_goes_out(faults):
    server = faults.start("none")
    rows, _ = run([device_of(server, "r1")], settings(plan=lambda _d: once(("show clock", "clear crypto sa"))))
    assert codes(rows) == {"E_INTERNAL": 1}
    assert "clear" not in " ".join(server.record.lines())
    assert rows["r1"].captures[0].text == OUTPUTS["show clock"]


def test_a_missing_credential_is_no_login(faults):
    server = faults.start("none")
    device = replace(device_of(server, "r1"), password=Reference(kind="env", value="NOT_SET"))
    rows, _ = run([device], settings())
    assert codes(rows) == {"E_CREDENTIAL": 1}
    assert server.record.connections == 0
    assert "NOT_SET" in rows["r1"].failures[0].message


def test_resume_does_not_log_in_again(faults):
    server = faults.start("none")
    devices = [device_of(server, "done"), device_of(faults.start("none"), "new")]
    first, _ = run(devices, settings())
    before = server.record.connections
    rows, outcome = run(devices, settings(saved=lambda device: first["done"] if device.name == "done" else None))
    assert server.record.connections == before
    assert outcome.resumed == 1
    assert rows["done"] is first["done"]


def test_one_session_a_device_at_a_time(faults, tmp_path):
    server = faults.start("none")
    device = device_of(server, "r1")
    with device_lock(tmp_path / "locks", "r1"):
        rows, _ = run([device], settings(state=tmp_path))
        with pytest.raises(SessionError), device_lock(tmp_path / "locks", "r1", patience=0.1):
            pass
    assert codes(rows) == {"E_NOT_STARTED": 1}
    assert server.record.connections == 0
    rows, _ = run([device], settings(state=tmp_path))
    assert codes(rows) == {}


def test_the_arithmetic_is_told_before_the_first_login(faults):
    said = []
    sweep([device_of(faults.start("none"), "r1")], settings(say=said.append, logins_per_second=5.0), lambda _row: None)
    assert said[0].startswith("1 devices / 5 logins per second = 0 s at least")
    assert arithmetic(500, settings(logins_per_second=5.0)).startswith(
        "500 devices / 5 logins per second = 100 s at least; 20 workers"
    )
    assert "4000 s at least" in arithmetic(20_000, settings(logins_per_second=5.0))
    short = arithmetic(500, settings(logins_per_second=5.0, max_runtime=timedelta(seconds=60)))
    assert "will not suffice" in short


def test_where_time_will_not_suffice_the_longest_unvisited_go_first():
    from collector.collect.settings import in_turn

    devices = [Device(name=f"r{number}", host="192.0.2.1") for number in range(50)]
    seen = {f"r{number}": datetime(2026, 11, 24, tzinfo=UTC) - timedelta(hours=number) for number in range(49)}
    short = settings(max_runtime=timedelta(seconds=0.1), last_visit=lambda device: seen.get(device.name))
    assert [device.name for device in in_turn(devices, short)][:2] == ["r49", "r48"]
    assert in_turn(devices, settings()) == devices


def test_progress_reaches_the_total(faults):
    seen: list[Progress] = []
    devices = [device_of(faults.start("none"), f"r{number}") for number in range(3)]
    sweep(devices, settings(), lambda _row: None, seen.append)
    assert (seen[-1].done, seen[-1].total, seen[-1].running) == (3, 3, 0)
    assert all(before.done <= after.done for before, after in pairwise(seen))
