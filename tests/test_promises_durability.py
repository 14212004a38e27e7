"""FAULTS G6: killed at any moment, a full disk, a reader that left: every earlier file whole, no stale lock."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from promises import inventory_of, spi, starting, wait_until

from collector.cli.scratch import passing, scratch
from collector.lab.faults import Faults
from collector.snapshot import read

DEVICES = 6
HOLDER = """
import sys, pathlib
from collector.cli.scratch import scratch
with scratch(pathlib.Path(sys.argv[1])) as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """Healthy servers; the inventory that names them."""
    with Faults() as faults:
        servers = [(f"r{number}", faults.start("none", lifetime=3600)) for number in range(DEVICES)]
        yield inventory_of(servers, tmp_path_factory.mktemp("fleet") / "inventory.yaml")


def sweep(fleet, folder):
    return (
        *("sweep", "-i", str(fleet), "--state", str(folder / "state"), "--save", str(folder / "saved"), "-f", "json"),
        *("-o", str(folder / "report.json")),
    )


def ledger_rows(state: Path) -> list[str]:
    """Everything in the ledger; asserts that it is whole."""
    with sqlite3.connect(state / "ledger.sqlite3") as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = list(db.iterdump())
    db.close()
    return rows


def assert_whole(folder: Path) -> set[str]:
    """Every file under state and saved folder can be read; the devices saved."""
    state, saved = folder / "state", folder / "saved"
    if (state / "ledger.sqlite3").exists() and (state / "ledger.sqlite3").stat().st_size:
        ledger_rows(state)
    for line in (state / "known_hosts").read_text().splitlines() if (state / "known_hosts").exists() else ():
        assert len(line.split()) == 3, line
    for name in ("identities.json", "refused.json"):
        if (state / name).exists():
            json.loads((state / name).read_text())
    names = {home.name for home in saved.glob("*") if (home / "snapshot.json").exists()}
    for name in names:
        assert read(saved / name).captures
    if (folder / "report.json").exists():
        json.loads((folder / "report.json").read_text())
    return names


def killed(fleet, folder: Path, seconds: float, *more: str) -> None:
    """Start a sweep and kill it so long after it took its lock (or let it end, where it is quicker)."""
    lock = folder / "state" / "run.lock"
    lock.unlink(missing_ok=True)
    with starting(*sweep(fleet, folder), *more, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not lock.exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(seconds)
        process.kill()


def kill_again_and_again(fleet, folder: Path, times: int, seed: int, *more: str) -> None:
    rng = random.Random(seed)
    before: set[str] = set()
    for number in range(times):  # from the first moment to the last, somewhere in each part
        killed(fleet, folder, (1.6 + len(more)) * (number + rng.random()) / times, *more)
        now = assert_whole(folder)
        assert before <= now  # what was saved stays
        before = now
    done = spi(*sweep(fleet, folder))  # no stale lock
    assert done.returncode in {0, 1, 3}, done.stderr
    assert len(assert_whole(folder)) == DEVICES
    left = [entry.name for entry in (folder / "state").iterdir()]
    assert not [name for name in left if name.startswith("run-") or ".spi-new-" in name], left
    for file in folder.rglob("*"):
        assert file.stat().st_mode & (0o077 if file.is_dir() else 0o177) == 0, file


def test_a_sweep_that_is_killed_leaves_every_earlier_file_whole(fleet, tmp_path):
    kill_again_and_again(fleet, tmp_path, 8, 1)


@pytest.mark.soak
def test_two_hundred_kills(tmp_path):
    for number in range(10):
        with Faults() as own:
            servers = [(f"r{place}", own.start("none", lifetime=3600)) for place in range(DEVICES)]
            folder = tmp_path / str(number)
            folder.mkdir(mode=0o700)
            more = ("--processes", "2") if number % 2 else ()
            kill_again_and_again(inventory_of(servers, tmp_path / f"{number}.yaml"), folder, 20, number, *more)


def test_what_dead_runs_left_goes_and_what_lives_stays(tmp_path):
    dead = tmp_path / "run-dead"
    dead.mkdir()
    (dead / "000000.facts").write_bytes(b"x")
    (tmp_path / "run.lock").touch()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run-link").symlink_to(tmp_path / "elsewhere")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with holder:
        assert holder.stdout is not None
        other = Path(holder.stdout.readline().decode().strip())
        with scratch(tmp_path) as own:
            assert own.stat().st_mode & 0o777 == 0o700
            assert other.is_dir()
            assert not dead.exists()
        assert not own.exists()
        assert (tmp_path / "run-link").is_symlink()
        holder.kill()
        holder.wait()
    with scratch(tmp_path):
        assert not other.exists()
    assert {entry.name for entry in tmp_path.iterdir()} == {"run.lock", "run-link", "elsewhere"}


def test_what_a_killed_demo_left_goes_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOLDER.replace("scratch(pathlib.Path(sys.argv[1]))", "passing()").replace(" scratch\n", " passing\n"),
        ],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        other = Path(holder.stdout.readline().decode().strip())
        (other / "000000.snapshot").write_bytes(b"x")
        (tmp_path / "spi-demo-link").symlink_to(other)
        with passing() as own:
            assert own.stat().st_mode & 0o777 == 0o700
            assert other.is_dir()
        assert not own.exists()
        holder.kill()
        holder.wait()
    with passing():
        assert not other.exists()
    assert [entry.name for entry in tmp_path.iterdir()] == ["spi-demo-link"]


@pytest.fixture(scope="module")
def once(fleet, tmp_path_factory):
    """A folder after one good sweep."""
    folder = tmp_path_factory.mktemp("once")
    assert spi(*sweep(fleet, folder)).returncode in {0, 1, 3}
    return folder


def one_line(stderr: bytes) -> str:
    """The one complaint; no traceback."""
    assert b"Traceback" not in stderr, stderr.decode()
    complaints = [line for line in stderr.decode().splitlines() if line.startswith("spi-collector:")]
    assert len(complaints) == 1, stderr.decode()
    assert "defect" not in complaints[0]
    return complaints[0]


@pytest.mark.parametrize("most", [0, 2_000, 30_000])  # bytes a file; the last ends in the middle of the ledger's write
def test_a_disk_that_takes_no_more_leaves_the_old_state_whole(fleet, once, most):
    before = ledger_rows(once / "state")
    pinned = (once / "state" / "known_hosts").read_bytes()
    saved = assert_whole(once)
    report = (once / "report.json").read_bytes()
    done = spi(
        *sweep(fleet, once),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY)),
    )
    assert done.returncode == 2, done.stderr
    one_line(done.stderr)
    assert ledger_rows(once / "state") == before
    assert (once / "state" / "known_hosts").read_bytes() == pinned
    assert assert_whole(once) == saved
    assert (once / "report.json").read_bytes() == report
    assert not list((once / "state").glob("run-*"))


def test_a_small_disk_that_fills_up(fleet, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k,mode=0700", "tmpfs", str(disk)], capture_output=True, check=False
    ).returncode:
        pytest.skip("no right to mount a small disk")
    try:
        (disk / "state").mkdir(mode=0o700)
        (disk / "state" / "known_hosts").write_text("")
        done = spi(*sweep(fleet, disk))
        assert done.returncode == 2, done.stderr
        one_line(done.stderr)
        assert_whole(disk)
        assert not list((disk / "state").glob("run-*"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("verb", [["commands"], ["rules"], ["explain", "SPI001"]])
def test_stdout_on_a_full_disk_is_one_line_and_exit_2(verb):
    with Path("/dev/full").open("wb") as full:
        done = spi(*verb, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2, done.stderr
    assert "No space left" in one_line(done.stderr)


def test_a_report_that_cannot_be_printed_is_remembered_all_the_same(fleet, once):
    before = len(ledger_rows(once / "state"))
    with Path("/dev/full").open("wb") as full:
        done = spi("sweep", "-i", str(fleet), "--state", str(once / "state"), stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 2
    assert "No space left" in one_line(done.stderr)
    assert len(ledger_rows(once / "state")) > before


@pytest.mark.parametrize("verb", [["commands"], ["explain", "SPI001"], ["findings"]])
def test_a_reader_that_left_is_no_complaint(verb, once):
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        done = spi(*verb, env={"SPI_STATE": str(once / "state")}, stdout=write_end, stderr=subprocess.PIPE)
    finally:
        os.close(write_end)
    assert done.stderr == b""
    assert done.returncode == 0


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_nobody_reading_the_messages_does_not_end_a_run(fleet, once, unbuffered):
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        env = {"PYTHONUNBUFFERED": unbuffered}
        done = spi(*sweep(fleet, once), env=env, stdout=subprocess.PIPE, stderr=write_end)
    finally:
        os.close(write_end)
    assert done.returncode in {0, 1, 3}
    document = json.loads((once / "report.json").read_text())
    assert document["coverage"]["devices"]["failed"] == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 143)])
def test_a_signal_in_the_middle_saves_what_came(tmp_path, number, code):
    with Faults() as faults:
        hung = faults.start("kex-silent", lifetime=600)
        servers = [(f"r{n}", faults.start("none", lifetime=600)) for n in range(3)] + [("hung", hung)]
        patient = "  timeout: {connect: 600, device: 600}\n"  # so that the hung one ends by the signal alone
        inventory = inventory_of(servers, tmp_path / "i.yaml", more=patient)
        with starting(*sweep(inventory, tmp_path)) as process:
            saved = tmp_path / "saved"
            wait_until(lambda: hung.record.connections and len(list(saved.glob("*/snapshot.json"))) == 3, process)
            process.send_signal(number)
            _, err = process.communicate(timeout=200)  # nobody waits for the hung one
    assert process.returncode == code, err
    document = json.loads((tmp_path / "report.json").read_text())
    codes = {device["name"]: [failure["code"] for failure in device["failures"]] for device in document["devices"]}
    assert codes["hung"] == ["E_DEADLINE"]
    assert len(codes) == 4
    rows = ledger_rows(tmp_path / "state")
    assert any("INSERT INTO" in row and "r1" in row for row in rows)
    assert not list((tmp_path / "state").glob("run-*"))
