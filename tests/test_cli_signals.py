"""What a signal does to a run: what came is judged and kept, what an earlier run saved stays, and the second one ends it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from collector import cli
from collector.cli import fleet, signals
from collector.cli.signals import TerminatedError, noted, raise_on_sigterm
from collector.collect import Outcome
from collector.errors import CODES, ErrorCode, Exit
from collector.model import Device, Failure, Policy
from collector.snapshot import read
from collector.snapshot.names import slug

SAID = read(
    next((Path(__file__).parent / "cases" / "SPI001" / "pass_one_line_of_a_rekey").glob("*/snapshot.json")).parent
)
DEVICES = [Device(name=f"r{number}", host=f"198.51.100.{number}") for number in range(3)]


@pytest.fixture(autouse=True)
def before():
    handlers = {number: signal.getsignal(number) for number in signals.WATCHED}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


def send(number):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGHUP, TerminatedError)])
def test_the_second_signal_ends_the_block_and_one_that_comes_doubled_does_not(monkeypatch, number, error):
    raise_on_sigterm()
    monkeypatch.setattr(signals, "MOMENT", 3600.0)
    with noted() as caught:
        send(number)
        send(signal.SIGTERM)  # `timeout` and shells: to the process, and to its group
        assert caught.number == number
        monkeypatch.setattr(signals, "MOMENT", 0.0)
        with pytest.raises(error):
            send(number)
    with pytest.raises(error):  # who heard them before hears them again
        send(number)


def test_in_another_thread_a_block_does_nothing():
    seen = []

    def inside():
        with noted() as caught:
            seen.append(caught.number)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join()
    assert seen == [None]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_the_program_loads_is_told_in_one_line(monkeypatch, capsys, number):
    class Finder:
        def find_spec(self, name, _path, _target=None):
            if name == "collector.cli.app":
                send(number)

    raise_on_sigterm()
    monkeypatch.delitem(sys.modules, "collector.cli.app", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    assert cli._run(["rules"]) == Exit.TERMINATED
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) == 1


def order_of(folder, codes, sent=None):
    """A run without a network: of each device what it said, or why nobody went there. sent: a signal in the middle."""

    def visits(devices, settings, on_snapshot, _on_progress):
        if sent is not None:
            send(sent)
        for device, code in zip(devices, codes, strict=True):
            if code is None:
                on_snapshot(replace(SAID, device=device))
            else:
                why = Failure(code=code, phase="run", message="so", hint=CODES[code].hint)
                on_snapshot(replace(SAID, device=device, captures=(), failures=(why,)))
        count = len(devices)
        return Outcome(rows=count, complete=0, partial=0, failed=count, logins=0, interrupted=settings.stopped())

    spool = folder / f"spool{len(list(folder.iterdir()))}"
    spool.mkdir()
    return fleet.Order(
        devices=DEVICES, policy=Policy(), mode="sweep", spool=spool, save=folder / "saved", visits=visits
    )


def captures_of(folder):
    return {
        device.name: len(read(folder / "saved" / slug(device.name)).captures)
        for device in DEVICES
        if (folder / "saved" / slug(device.name)).is_dir()
    }


def test_a_run_listens_by_itself_and_judges_what_came(tmp_path):
    visited = fleet.run(order_of(tmp_path, (None, ErrorCode.DEADLINE, ErrorCode.NOT_STARTED), signal.SIGINT))
    assert visited.interrupted == signal.SIGINT
    assert len(visited.report.devices) == 3
    visited = fleet.run(replace(order_of(tmp_path, (None,) * 3), stopped=lambda: 15))
    assert visited.interrupted == 15


def test_what_was_saved_of_a_device_to_which_nobody_went_stays(tmp_path):
    untried = (ErrorCode.NOT_STARTED, ErrorCode.AUTH_SKIPPED, ErrorCode.TIMEOUT_CONNECT)
    fleet.run(order_of(tmp_path, untried))
    assert captures_of(tmp_path) == {"r2": 0}  # the third was tried, and that is what can be told of it
    fleet.run(order_of(tmp_path, (None,) * 3))
    whole = len(SAID.captures)
    assert captures_of(tmp_path) == {"r0": whole, "r1": whole, "r2": whole}
    report = fleet.run(order_of(tmp_path, untried)).report
    assert captures_of(tmp_path) == {"r0": whole, "r1": whole, "r2": 0}
    assert [[failure.code for failure in facts.failures] for facts in report.devices] == [[code] for code in untried]
