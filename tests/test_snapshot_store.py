"""Saved folders: what is written comes back, nothing escapes its folder, nothing is half written."""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.errors import ErrorCode, StateError
from collector.model import Capture, Device, Failure, Snapshot
from collector.snapshot import read, write
from collector.snapshot.names import capture_file, is_plain_name, slug
from collector.snapshot.text import LARGE

AT = datetime(2025, 11, 24, 14, 5, 9, tzinfo=timezone(timedelta(hours=1)))
DEVICE = Device(
    name="hub1-mad", host="192.0.2.1", platform="cisco_xe", groups=("hubs",), data={"site": "madrid", "rack": 4}
)


def snapshot(*captures: Capture, device: Device = DEVICE) -> Snapshot:
    return Snapshot(device=device, captures=captures, hostname="HUB1", started_at=AT, finished_at=AT)


def files_of(home: Path) -> dict[str, str]:
    return {file.name: file.read_text(encoding="utf-8") for file in home.iterdir()}


def test_everything_comes_back(tmp_path: Path):
    failure = Failure(code=ErrorCode.CMD_DENIED, phase="command", message="denied", command="show ip nhrp", hint="ask")
    before = Snapshot(
        device=DEVICE,
        captures=(
            Capture(command="show clock", text="14:05:09.123 CET Mon Nov 24 2025\n", taken_at=AT),
            Capture(command="show ip nhrp", text="", taken_at=AT, failure=failure),
            Capture(command="show clock", text="14:07", complete=False, note="cut", taken_at=AT),
        ),
        failures=(failure,),
        hostname="HUB1",
        started_at=AT,
        finished_at=AT + timedelta(seconds=3),
        origin="visit",
    )
    after = read(write(before, tmp_path))
    assert (after.device, after.hostname, after.failures) == (before.device, "HUB1", (failure,))
    assert (after.started_at, after.finished_at, after.origin) == (AT, AT + timedelta(seconds=3), "visit")
    assert [(one.command, one.text, one.taken_at, one.complete, one.note, one.failure) for one in after.captures] == [
        (one.command, one.text, one.taken_at, one.complete, one.note, one.failure) for one in before.captures
    ]


def test_modes_are_private_whatever_the_umask(tmp_path: Path):
    old = os.umask(0)
    try:
        home = write(snapshot(Capture(command="show clock", text="x\n")), tmp_path / "saved")
    finally:
        os.umask(old)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert stat.S_IMODE(home.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in home.iterdir()} == {0o600}


def test_no_secret_is_written(tmp_path: Path):
    text = "crypto isakmp key SPI-SECRET-1 address 192.0.2.9\n"
    home = write(
        snapshot(Capture(command="show running-config", text=text, note="enable secret 5 SPI-SECRET-2")), tmp_path
    )
    assert "SPI-SECRET" not in "".join(files_of(home).values())


def test_a_secret_put_there_by_hand_does_not_come_back(tmp_path: Path):
    home = write(snapshot(Capture(command="show running-config", text="x\n")), tmp_path)
    next(home.glob("*.txt")).write_text("crypto isakmp key SPI-SECRET-1 address 192.0.2.9\n", encoding="utf-8")
    assert "SPI-SECRET" not in read(home).captures[0].text


def test_the_password_references_of_a_device_are_not_written(tmp_path: Path):
    home = write(snapshot(), tmp_path)
    assert set(json.loads((home / "snapshot.json").read_text())["device"]) == {
        "name", "host", "platform", "port", "groups", "data",
    }  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(st.characters(codec="utf-8"), max_size=200), max_size=4),
    name=st.text(min_size=1, max_size=80),
)
def test_any_text_and_name_comes_back_octet_for_octet(tmp_path: Path, texts: list[str], name: str):
    captures = [Capture(command=f"show x{number}", text=text) for number, text in enumerate(texts)]
    home = write(snapshot(*captures, device=Device(name=name, host="192.0.2.1")), tmp_path)
    assert home.parent == tmp_path
    assert home.is_dir()
    again = read(home)
    from collector.parse import redact

    assert [one.text for one in again.captures] == [redact(text) for text in texts]
    assert again.device.name == name


@pytest.mark.parametrize(
    "name",
    ["..", "../../etc/passwd", "/etc/passwd", "a/b", "a\\b", "\x00", "-rf", ".hidden", "con", "x" * 500, "é ü", "a\nb"],
)
def test_hostile_names_stay_in_the_folder(tmp_path: Path, name: str):
    home = write(snapshot(device=Device(name=name, host="192.0.2.1")), tmp_path)
    assert home.parent == tmp_path
    assert is_plain_name(home.name)
    assert len(home.name) < 80
    assert read(home).device.name == name


def test_two_names_that_read_alike_do_not_share_a_folder():
    assert slug("a/b") != slug("a b")
    assert slug("R1") != slug("r1")


def test_hostile_commands_give_harmless_file_names():
    assert capture_file(1, "show logging | include ../../x", set()) == "01_show_logging_include_.._.._x.txt"
    assert is_plain_name(capture_file(2, "/..\x00", set()))
    assert capture_file(3, "show clock", {"03_show_clock.txt"}) == "03_show_clock.2.txt"


def test_a_second_visit_replaces_the_first_and_leaves_nothing_behind(tmp_path: Path):
    write(
        snapshot(Capture(command="show clock", text="one\n"), Capture(command="show version", text="two\n")), tmp_path
    )
    home = write(snapshot(Capture(command="show clock", text="three\n")), tmp_path)
    assert [one.text for one in read(home).captures] == ["three\n"]
    assert len(files_of(home)) == 2


def test_killed_before_the_index_the_old_visit_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    home = write(snapshot(Capture(command="show clock", text="one\n")), tmp_path)
    replace = Path.replace

    def dying(self: Path, target: Path) -> Path:
        if target.name == "snapshot.json":
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", dying)
    with pytest.raises(StateError, match="No space left"):
        write(snapshot(Capture(command="show clock", text="two\n")), tmp_path)
    assert [one.text for one in read(home).captures] == ["one\n"]
    assert not list(home.glob(".*"))


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    saved = tmp_path / "saved"
    saved.mkdir()
    (saved / slug("hub1-mad")).symlink_to(elsewhere)
    with pytest.raises(StateError, match="a link"):
        write(snapshot(), saved)
    assert not list(elsewhere.iterdir())


def test_a_link_in_place_of_a_text_is_not_followed(tmp_path: Path):
    home = write(snapshot(Capture(command="show clock", text="x\n")), tmp_path)
    file = next(home.glob("*.txt"))
    file.unlink()
    secret = tmp_path / "secret"
    secret.write_text("s")
    file.symlink_to(secret)
    with pytest.raises(StateError):
        read(home)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda index: index["captures"][0].update(file="../../secret"), "no file of this folder"),
        (lambda index: index["captures"][0].update(file=7), "no file of this folder"),
        (lambda index: index.update(format=99), "another version"),
        (lambda index: index.pop("device"), "names no device"),
        (lambda index: index.pop("captures"), "captures"),
        (lambda index: index["captures"][0].update(taken_at="yesterday"), "yesterday"),
        (lambda index: index["captures"][0].update(failure={"code": "E_NONSENSE"}), "E_NONSENSE"),
    ],
)
def test_a_damaged_index_is_refused_by_name(tmp_path: Path, change, told: str):
    home = write(snapshot(Capture(command="show clock", text="x\n")), tmp_path)
    index = json.loads((home / "snapshot.json").read_text())
    change(index)
    (home / "snapshot.json").write_text(json.dumps(index))
    with pytest.raises(StateError, match=told) as raised:
        read(home)
    assert "snapshot.json" in str(raised.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "\x00\xff"])
def test_no_json_is_refused(tmp_path: Path, text: str):
    home = write(snapshot(), tmp_path)
    (home / "snapshot.json").write_text(text, encoding="utf-8")
    with pytest.raises(StateError, match=r"snapshot\.json"):
        read(home)


def test_a_missing_text_is_refused(tmp_path: Path):
    home = write(snapshot(Capture(command="show clock", text="x\n")), tmp_path)
    next(home.glob("*.txt")).unlink()
    with pytest.raises(StateError, match="cannot be read"):
        read(home)


def test_a_large_text_is_written_and_read_without_being_held(tmp_path: Path):
    line = "100.64.0.1/32 via 100.64.0.1 crypto isakmp key SPI-SECRET address 192.0.2.9\n"
    big = tmp_path / "big.txt"
    big.write_text(line * (2 * LARGE // len(line)))
    capture = Capture(command="show ip nhrp", text="", path=big, span=(0, big.stat().st_size))
    again = read(write(snapshot(capture), tmp_path / "saved")).captures[0]
    assert (again.text, again.path is not None) == ("", True)
    lines = list(again.lines())
    assert len(lines) == 2 * LARGE // len(line)
    assert not any("SPI-SECRET" in one for one in lines)


def test_times_keep_their_offset(tmp_path: Path):
    late = datetime(2025, 10, 26, 2, 30, tzinfo=UTC)
    home = write(snapshot(Capture(command="show clock", text="", taken_at=late)), tmp_path)
    assert read(home).captures[0].taken_at == late
    assert '"2025-11-24T14:05:09+01:00"' in (home / "snapshot.json").read_text()
