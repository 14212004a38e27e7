"""Anything that a person may hand over: what it is, whose it is, what belongs together, what is refused."""

from __future__ import annotations

import gzip
import io
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import corpus_folder
from cost import cheap
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.commands import read_capture
from collector.errors import StateError, UsageError
from collector.facts import looks
from collector.model import Capture, CaptureStatus, ConfigText, Device, DropTable, Log, Snapshot
from collector.snapshot import capture_of_file, read_paths, write

INV_SPI = (
    "%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for destaddr=192.0.2.1, prot=50, "
    "spi=0x0A0B0C0D(168496141), srcaddr=198.51.100.9"
)
CLOCK = "14:05:09.123 CET Mon Nov 24 2025\n"
CONFIG = "!\nversion 15.4\nhostname br-017\n!\ncrypto isakmp policy 10\n!\ninterface Tunnel0\n!\nend\n"
AT = datetime(2025, 11, 24, 14, tzinfo=UTC)


def put(folder: Path, files: dict[str, str | bytes]) -> Path:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def found(*paths: Path | str, stdin: bytes | None = None) -> list[Snapshot]:
    return list(read_paths([str(path) for path in paths], io.BytesIO(stdin) if stdin is not None else None))


def said(snapshots: list[Snapshot]) -> dict[str, list[str]]:
    return {snapshot.device.name: [capture.command for capture in snapshot.captures] for snapshot in snapshots}


def test_saved_folders_at_any_depth(tmp_path):
    for name in ("hub1", "br-017"):
        captures = (Capture(command="show clock", text=CLOCK, taken_at=AT),)
        write(Snapshot(device=Device(name=name, host="192.0.2.1"), captures=captures), tmp_path / "a" / "b")
    assert said(found(tmp_path)) == {"br-017": ["show clock"], "hub1": ["show clock"]}
    assert [one.origin for one in found(tmp_path)] == ["visit", "visit"]


def test_a_saved_folder_or_its_index_named_by_itself(tmp_path):
    home = write(Snapshot(device=Device(name="hub1", host="192.0.2.1"), captures=()), tmp_path)
    assert said(found(home)) == said(found(home / "snapshot.json")) == {"hub1": []}


def test_one_damaged_folder_among_others_is_a_failed_device(tmp_path):
    for name in ("hub1", "br-017"):
        write(
            Snapshot(device=Device(name=name, host="192.0.2.1"), captures=(Capture(command="show clock", text=CLOCK),)),
            tmp_path,
        )
    damaged = next(tmp_path.glob("hub1-*"))
    (damaged / "snapshot.json").write_text("{")
    failed = [one for one in found(tmp_path) if one.failures]
    assert [one.device.name for one in failed] == [damaged.name]
    assert "snapshot.json" in failed[0].failures[0].message
    with pytest.raises(StateError):
        found(damaged)


def test_a_text_lost_from_a_saved_folder_is_a_failed_device_too(tmp_path):
    for name in ("hub1", "br-017"):
        write(
            Snapshot(device=Device(name=name, host="192.0.2.1"), captures=(Capture(command="show clock", text=CLOCK),)),
            tmp_path,
        )
    next(tmp_path.glob("hub1-*/*.txt")).unlink()
    assert sorted(bool(one.failures) for one in found(tmp_path)) == [False, True]


def test_the_same_name_is_the_same_device_in_the_order_given(tmp_path):
    put(
        tmp_path,
        {
            "1.txt": f"R1#show clock\n{CLOCK}R1#\n",
            "2.txt": f"R1#show privilege\nCurrent privilege level is 15\nR1#\nR2#show clock\n{CLOCK}R2#\n",
        },
    )
    assert said(found(tmp_path / "2.txt", tmp_path / "1.txt")) == {
        "R1": ["show privilege", "show clock"],
        "R2": ["show clock"],
    }


def test_saved_visits_merge_by_time(tmp_path):
    for folder, when, text in (("b", AT, "early"), ("a", AT + timedelta(minutes=2), "late")):
        captures = (Capture(command="show clock", text=text, taken_at=when),)
        device = Device(name="hub1", host="192.0.2.1")
        write(Snapshot(device=device, captures=captures, started_at=when, finished_at=when), tmp_path / folder)
    (one,) = found(tmp_path)
    assert [capture.text for capture in one.captures] == ["early", "late"]
    assert (one.started_at, one.finished_at) == (AT, AT + timedelta(minutes=2))


def test_a_paste_joins_the_saved_device_with_that_hostname(tmp_path):
    write(Snapshot(device=Device(name="hub1-mad", host="192.0.2.1"), captures=(), hostname="HUB1"), tmp_path / "saved")
    put(
        tmp_path,
        {
            "p.txt": f"HUB1#show clock\n{CLOCK}HUB1#\n",
            "relay.log": f"Nov 24 14:00:00 192.0.2.1 7: Nov 24 14:00:00 CET: {INV_SPI}\n",
        },
    )
    assert said(found(tmp_path)) == {"hub1-mad": ["show clock", "show logging"]}


def test_two_saved_devices_with_one_hostname_are_not_confused(tmp_path):
    for name in ("a", "b"):
        write(
            Snapshot(device=Device(name=name, host=f"192.0.2.{len(name)}"), captures=(), hostname="Router"),
            tmp_path / "saved",
        )
    put(tmp_path, {"p.txt": f"Router#show clock\n{CLOCK}Router#\n"})
    assert set(said(found(tmp_path))) == {"a", "b", "Router"}


def test_show_tech_is_cut_into_sections_and_named(tmp_path):
    tech = (
        "\n------------------ show clock ------------------\n\n"
        + CLOCK
        + "\n------------------ show running-config ------------------\n\n"
    )
    tech += CONFIG + "\n------------------ show stacks ------------------\nx\n"
    (one,) = found(put(tmp_path, {"tech.txt": tech}))
    assert (one.device.name, one.origin) == ("br-017", "tech-support")
    assert [capture.command for capture in one.captures] == ["show clock", "show running-config"]
    assert one.captures[0].first_line == 3
    assert all(reading.status is CaptureStatus.PARSED for capture in one.captures if (reading := read_capture(capture)))


def test_log_lines_in_other_sections_of_a_tech_stand_before_its_log(tmp_path):
    tech = f"------------------ show stacks ------------------\n*Nov 24 14:00:00: {INV_SPI}\n------------------ show logging ------------------\n"
    tech += f"Log Buffer (8192 bytes):\n*Nov 24 14:01:00: {INV_SPI}\n------------------ show clock ------------------\n{CLOCK}"
    (one,) = found(put(tmp_path, {"tech.txt": tech}))
    assert [(capture.command, "14:01" in capture.text) for capture in one.captures[:2]] == [
        ("show logging", False),
        ("show logging", True),
    ]


@pytest.mark.parametrize(
    "head",
    [
        "",
        "Building configuration...\n\nCurrent configuration : 99 bytes\n",
        "Using 99 out of 262136 bytes\n",
        "! Last configuration change at 10:00:00\n",
    ],
)
def test_a_bare_configuration(tmp_path, head: str):
    (one,) = found(put(tmp_path, {"some-file.cfg": head + CONFIG}))
    assert (one.device.name, one.hostname, one.origin) == ("br-017", "br-017", "running-config")
    reading = read_capture(one.captures[0])
    assert reading is not None
    assert isinstance(reading.records[0], ConfigText)
    assert (reading.status, reading.records[0].whole) == (CaptureStatus.PARSED, True)


def test_a_piece_of_configuration_is_named_by_its_file_and_not_whole(tmp_path):
    (one,) = found(
        put(tmp_path, {"br-99.cfg": "crypto map VPN 10 ipsec-isakmp\n set peer 192.0.2.1\ninterface Tunnel0\n"})
    )
    assert one.device.name == "br-99"
    reading = read_capture(one.captures[0])
    assert reading is not None
    assert reading.status is CaptureStatus.INCOMPLETE


def test_rancid(tmp_path):
    text = (
        "!RANCID-CONTENT-TYPE: cisco\n!\n!Chassis type: ISR\n!\n!Command: show version\n!br-017 uptime is 2 days\n!\n"
        + CONFIG
    )
    (one,) = found(
        put(tmp_path, {"configs/br-017.example.net": text, "router.db": "br-017:cisco:up\n", "CVS/Entries": "D"})
    )
    assert (one.device.name, one.origin) == ("br-017", "running-config")
    assert [(capture.command, capture.complete) for capture in one.captures] == [
        ("show version", False),
        ("show running-config", True),
    ]
    assert one.captures[0].text.startswith("br-017 uptime is 2 days\n")


def test_oxidized(tmp_path):
    text = "! Cisco IOS Software, C2900 Software, Version 15.4(3)M\n! \n! Image: flash0:c2900.bin\n" + CONFIG
    tree = put(
        tmp_path, {"branches/br-017": text, ".git/config": "[core]\n", "README.md": "A tree of configurations.\n"}
    )
    assert said(found(tree)) == {"br-017": ["show running-config"]}


@pytest.mark.parametrize(
    ("name", "text", "device", "command"),
    [
        ("x.txt", "IPv4 Crypto ISAKMP SA\ndst             src             state          conn-id status\n", "x", "show crypto isakmp sa"),
        ("hub1.txt", "interface: Tunnel0\n    Crypto map tag: Tunnel0-head-0, local addr 192.0.2.1\n", "hub1", "show crypto ipsec sa"),
        ("hub1_show_clock.txt", CLOCK, "hub1", "show clock"),
        ("hub1/show_clock.txt", CLOCK, "hub1", "show clock"),
        ("hub1/03_show_clock.txt", CLOCK, "hub1", "show clock"),
        ("hub1/sh clock.log", CLOCK, "hub1", "sh clock"),
        ("spi.txt", "Active SPI table\n     SPI Prot Local Address            Type\n", "spi", "show crypto ipsec spi-lookup detail"),
        ("y.txt", "show clock\n" + CLOCK, "y", "show clock"),
        ("drops.txt", "4 IN_US_V4_PKT_SA_NOT_FOUND_SPI 64574\n", "drops", "show platform hardware qfp active feature ipsec datapath drops | include _"),
    ],
)  # fmt: skip
def test_one_answer_without_a_prompt(tmp_path, name: str, text: str, device: str, command: str):
    assert said(found(put(tmp_path, {name: text}))) == {device: [command]}


def test_a_version_names_its_router(tmp_path):
    text = "Cisco IOS XE Software, Version 16.09.05\nCisco IOS Software [Fuji], ASR1000 Software (X86_64_LINUX_IOSD-UNIVERSALK9-M), Version 16.9.5, RELEASE\nhub1 uptime is 2 days\n"
    (one,) = found(put(tmp_path, {"x.txt": text}))
    assert (one.device.name, one.device.platform) == ("hub1", "cisco_xe")


RELAY = f"""Nov 24 14:00:00 br-017 31: *Nov 24 14:00:00.001 CET: %SYS-5-CONFIG_I: Configured from console by noc
Nov 24 14:00:01 srv1 sshd[77]: Accepted publickey for noc
Nov 24 14:00:02 br-018 31: 000031: Nov 24 14:00:02.001 CET: {INV_SPI}
Nov 24 14:00:03 br-017 32: Nov 24 14:00:03.001 CET: {INV_SPI}
Nov 24 14:00:03 br-017 last message repeated 3 times
Nov 24 14:00:04 br-017 33: Nov 24 14:00:04.001 CET: %LINK-3-UPDOWN: Interface Serial0, changed state to down
Nov 24 14:00:05 br-017 34: Nov 24 14:00:05.001 CET: %LINK-3-UPDOWN: Interface Serial0, changed state to up
<189>2025-11-24T14:00:06+01:00 192.0.2.7 12: hub1: Nov 24 14:00:06.001 CET: {INV_SPI}
"""


def test_a_relay_file_is_told_apart_by_router(tmp_path):
    one = {snapshot.device.name: snapshot for snapshot in found(put(tmp_path, {"relay.log": RELAY}))}
    assert set(one) == {"br-017", "br-018", "hub1"}
    assert {snapshot.origin for snapshot in one.values()} == {"syslog"}
    text = one["br-017"].captures[0].text.splitlines()
    lines = RELAY.splitlines()
    assert [number for number, line in enumerate(text, 1) if line] == [1, 4, 5, 7]
    assert all(line in {"", lines[number]} for number, line in enumerate(text))


def test_a_relay_file_where_servers_talk_most(tmp_path):
    servers = "".join(
        f"Nov 24 13:00:{number % 60:02d} srv{number % 3} sshd[{number}]: session closed\n" for number in range(3_000)
    )
    relay = put(tmp_path, {"relay.log": servers + RELAY})
    assert set(said(found(relay))) == {"br-017", "br-018", "hub1"}


def test_server_lines_are_not_handed_to_the_only_router(tmp_path):
    lines = RELAY.splitlines(keepends=True)
    (one,) = found(put(tmp_path, {"relay.log": lines[0] + lines[1] + lines[3]}))
    assert one.captures[0].text == lines[0] + "\n" + lines[3]


def test_a_relay_file_without_a_router(tmp_path, caplog):
    put(tmp_path, {"servers.log": "Nov 24 13:00:00 srv1 sshd[77]: session closed\n" * 5})
    with pytest.raises(UsageError, match="no message of a router"):
        found(tmp_path / "servers.log")
    put(tmp_path, {"r1.txt": f"R1#show clock\n{CLOCK}R1#\n"})
    assert set(said(found(tmp_path))) == {"R1"}
    assert "servers.log" in caplog.text


def test_a_relay_file_of_one_router_is_handed_on_whole(tmp_path):
    text = "".join(line + "\n" for line in RELAY.splitlines() if "br-017 3" in line)
    (one,) = found(put(tmp_path, {"relay.log": text}))
    assert (one.device.name, one.captures[0].text) == ("br-017", text)


def test_a_log_that_names_nobody_is_the_files(tmp_path):
    (one,) = found(put(tmp_path, {"br-020.log": f"*Nov 24 14:00:00.001: {INV_SPI}\n" * 3}))
    assert (one.device.name, one.origin) == ("br-020", "syslog")


def test_a_buffer_with_its_head_is_one_router(tmp_path):
    text = (
        "Syslog logging: enabled (0 messages dropped)\nLog Buffer (8192 bytes):\n\n"
        + f"*Nov 24 14:00:00.001: {INV_SPI}\n" * 20
    )
    assert said(found(put(tmp_path, {"br-020.log": text}))) == {"br-020": ["show logging"]}


def test_a_large_relay_file_of_many_routers_keeps_what_is_needed(tmp_path):
    noise = "Nov 24 14:00:{:02d} br-{:03d} {}: Nov 24 14:00:00.001 CET: %SEC-6-IPACCESSLOGP: list 101 denied tcp 192.0.2.1(1) -> 192.0.2.2(22), 1 packet\n"
    lines = [noise.format(number % 60, number % 7, number) for number in range(12_000)]
    lines[6_003] = f"Nov 24 14:00:03 br-004 6003: Nov 24 14:00:03.001 CET: {INV_SPI}\n"
    (relay,) = [put(tmp_path, {"relay.log": "".join(lines)})]
    devices = {one.device.name: one.captures[0] for one in found(relay)}
    assert len(devices) == 7
    assert devices["br-004"].text.count("\n") == 3
    assert "6003:" in devices["br-004"].text
    assert devices["br-000"].text.count("\n") == 2
    for capture in devices.values():  # evidence names the line of the file
        assert [lines[number - 1] for number in capture.numbers] == capture.text.splitlines(keepends=True)


def test_a_large_log_of_one_router_keeps_the_lines_that_count(tmp_path):
    dull = "*Nov 24 14:{:02d}:{:02d}.001: %LINK-3-UPDOWN: Interface Serial0, changed state to up\n"
    lines = [dull.format(number // 60 % 60, number % 60) for number in range(20_000)]
    lines[9_000] = f"*Nov 24 14:30:00.001: {INV_SPI}\n"
    put(tmp_path, {"br-020.log": "".join(lines)})
    (one,) = found(tmp_path / "br-020.log")
    (capture,) = one.captures
    assert (one.device.name, capture.numbers) == ("br-020", (1, 9_001, 20_000))
    (log,) = read_capture(capture).records
    look = next(iter(looks.read(one).all))
    (event,) = log.messages
    assert look.evidence(event.line).line == 9_001
    assert look.evidence(event.line).text == lines[9_000].rstrip()


def test_a_large_file_of_one_router_is_streamed(tmp_path):
    text = (
        f"R1#show ip nhrp\n{'10.0.0.2/32 via 10.0.0.2' + chr(10):s}" * 1
        + "   NBMA address: 198.51.100.2\n" * 60_000
        + f"R1#show clock\n{CLOCK}R1#\n"
    )
    (one,) = found(put(tmp_path, {"p.txt": text.replace("\n", "\r\n")}))
    first, second = one.captures
    assert (first.text, first.complete, first.span is not None) == ("", True, True)
    assert sum(1 for _ in first.lines()) == 60_001
    assert second.text == CLOCK


def test_stdin(tmp_path):
    assert said(found("-", stdin=f"R1#show clock\n{CLOCK}R1#\n".encode())) == {"R1": ["show clock"]}
    with pytest.raises(UsageError, match="stdin: the file is empty"):
        found("-", stdin=b"")
    with pytest.raises(UsageError, match="stdin"):
        found("-")


@pytest.mark.parametrize(
    ("files", "path", "told"),
    [
        ({}, "nothing.txt", "no such file"),
        ({"a.txt": ""}, "a.txt", "empty"),
        ({"a.bin": bytes(range(256)) * 9}, "a.bin", "binary"),
        ({"a.txt": "Dear colleague,\nplease find the minutes of the meeting attached.\n"}, "a.txt", "no router's text"),
        ({"f/a.txt": "", "f/b.md": "# Notes\n"}, "f", "no captures"),
        ({"f/.hidden": "x"}, "f", "no captures"),
    ],
)
def test_what_is_refused_is_named(tmp_path, files: dict, path: str, told: str):
    put(tmp_path, files)
    with pytest.raises(UsageError, match=told) as raised:
        found(tmp_path / path)
    assert path in str(raised.value)


def test_a_foreign_file_in_a_folder_is_told_and_passed_over(tmp_path, caplog):
    put(tmp_path, {"r1.txt": f"R1#show clock\n{CLOCK}R1#\n", "notes.md": "# Notes\nnothing here\n", "empty.txt": ""})
    assert said(found(tmp_path)) == {"R1": ["show clock"]}
    assert "notes.md" in caplog.text
    assert "empty.txt" in caplog.text


def test_utf16_and_gzip_pastes(tmp_path):
    paste = f"R1#show clock\r\n{CLOCK}R1#\r\n"
    put(
        tmp_path,
        {
            "a.txt": b"\xff\xfe" + paste.encode("utf-16-le"),
            "b.txt.gz": gzip.compress(paste.replace("R1", "R2").encode()),
        },
    )
    assert said(found(tmp_path)) == {"R1": ["show clock"], "R2": ["show clock"]}


def test_prose_with_messages_and_no_prompt(tmp_path):
    (one,) = found(
        put(tmp_path, {"mail.txt": f"Hello,\n\nsince Monday we see\n\nNov 24 14:00:00.001: {INV_SPI}\n\nWhat is it?\n"})
    )
    assert (one.device.name, [capture.command for capture in one.captures]) == ("mail", ["show logging"])


def test_the_source_document(seed_text, tmp_path):
    (one,) = found(put(tmp_path, {"doc.txt": seed_text}))
    records = [record for capture in one.captures if (reading := read_capture(capture)) for record in reading.records]
    (log,) = [record for record in records if isinstance(record, Log)]
    assert [str(message.event.spi) for message in log.messages] == ["0xB761863E", "0x1DB73BBB", "0x1DB73BBB"]
    assert log.inv_spi_unparsed == 0
    counters = {
        counter.name: counter.packets
        for record in records
        if isinstance(record, DropTable)
        for counter in record.counters
    }
    assert counters["IN_US_V4_PKT_SA_NOT_FOUND_SPI"] == 64574
    assert counters["IpsecInput"] == 0


def test_capture_of_file_takes_the_answer_out_of_a_paste(tmp_path):
    put(
        tmp_path,
        {"p.txt": f"R1#show clock\n{CLOCK}R1#show ip nhrp\n10.0.0.2/32 via 10.0.0.2\nR1#\n", "bare.txt": CLOCK},
    )
    assert capture_of_file("show clock", tmp_path / "p.txt").text == CLOCK
    assert capture_of_file("show clock", tmp_path / "bare.txt").text == CLOCK
    assert capture_of_file("show clock", None, io.BytesIO(CLOCK.encode())).text == CLOCK


CORPUS = sorted(corpus_folder().glob("*/*.txt")) if corpus_folder() else []


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_other_peoples_files_are_read_or_refused(file: Path):
    try:
        snapshots = found(file)
    except UsageError as error:
        assert str(file) in str(error)  # noqa: PT017 - either way is right, silence is not
        return
    for snapshot in snapshots:
        assert snapshot.captures
        for capture in snapshot.captures:
            read_capture(capture)


@settings(max_examples=80, deadline=None)
@given(
    octets=st.binary(max_size=2000),
    tail=st.sampled_from([b"", b"\nR1#show clock\n", b"\nhostname R1\n", INV_SPI.encode()]),
)
def test_any_file_is_read_or_refused(tmp_path_factory, octets: bytes, tail: bytes):
    file = tmp_path_factory.mktemp("any") / "f"
    file.write_bytes(octets + tail)
    try:
        for snapshot in found(file):
            for capture in snapshot.captures:
                read_capture(capture)
    except UsageError as error:
        assert str(file) in str(error)  # noqa: PT017 - either way is right, a crash is not


@settings(max_examples=40, deadline=None)
@given(cut=st.floats(0, 1), data=st.data())
def test_a_saved_index_cut_anywhere_is_refused_or_whole(tmp_path_factory, cut: float, data):
    folder = tmp_path_factory.mktemp("cut")
    home = write(
        Snapshot(device=Device(name="hub1", host="192.0.2.1"), captures=(Capture(command="show clock", text=CLOCK),)),
        folder,
    )
    index = (home / "snapshot.json").read_text()
    (home / "snapshot.json").write_text(index[: int(len(index) * cut)])
    try:
        (one,) = found(home)
    except StateError:
        return
    assert json.loads(index)["device"]["name"] == one.device.name


@pytest.mark.parametrize(
    "text",
    ["\n" * 300_000, " " * 300_000, "\n \n" * 90_000, "R1#" * 90_000, "-" * 300_000, "show " * 60_000, "R1#show " * 40_000, "%A-1-B:" * 40_000,
     "interface: x\n" * 25_000, "1.1 " * 80_000, "a" * 70_000 + ">", "R1#show clock\n" * 20_000, "(" * 300_000, "banner motd #\n" * 20_000],
    ids=lambda text: repr(text[:12]),
)  # fmt: skip
def test_hostile_documents_cost_linear_time(tmp_path, text: str):
    file = put(tmp_path, {"x.txt": f"x\n{text}\nx\n"}) / "x.txt"

    def read_all() -> None:
        with suppress(UsageError):
            assert all(found(file))

    assert cheap(read_all, 10)


@pytest.mark.parametrize("dull", [0, 7000])
@pytest.mark.parametrize(
    "shape",
    [
        "{host}.log-20251124.gz:Nov 24 14:0{n}:00 {host} {n}: Nov 24 14:0{n}:00.001: {text}",
        "/var/log/messages-20251124:{n}:Nov 24 14:0{n}:00 {host} {n}: Nov 24 14:0{n}:00.001: {text}",
        '{{"timestamp":"2025-11-24T14:0{n}:00Z","host":"{host}","message":"{n}: Nov 24 14:0{n}:00.001: {text}"}}',
        '{{"message":"{n}: Nov 24 14:0{n}:00.001: {text}","host": {{"type": "router", "name": "{host}"}}}}',
    ],
    ids=["grep", "grep -n", "json", "json, host as an object"],
)
def test_a_log_that_grep_or_a_collector_wrote_is_told_apart_by_router(tmp_path, shape, dull):
    rows = [shape.format(n=n % 10, host=host, text=INV_SPI) for n in range(3) for host in ("hub1", "br-2")]
    quiet = "%LINK-3-UPDOWN: Interface GigabitEthernet0/0, changed state to up " + "x" * 100
    rows += [shape.format(n=n % 10, host="br-3", text=quiet) for n in range(dull)]
    devices = {one.device.name: one for one in found(put(tmp_path, {"relay.log": "\n".join(rows) + "\n"}))}
    assert set(devices) == {"hub1", "br-2"} | ({"br-3"} if dull else set())
    reading = read_capture(devices["br-2"].captures[0])
    assert (reading.records[0].inv_spi_events, reading.records[0].inv_spi_unparsed) == (3, 0)
