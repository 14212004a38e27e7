"""show logging: the head of every release, what a cut head means, and other people's captures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from collector.commands import read_capture, rows_of
from collector.commands.show_logging import read, read_every
from collector.model import Capture, CaptureStatus, InvalidSpi, Log, LogHeader

OLD = """Syslog logging: enabled (12 messages dropped, 5 messages rate-limited,
                1 flushes, 2 overruns, xml disabled, filtering disabled)
    Console logging: level debugging, 60 messages logged, xml disabled,
                     filtering disabled
    Monitor logging: level debugging, 0 messages logged, xml disabled,
                     filtering disabled
        Logging to: vty2(0)
    Buffer logging: level warnings, 39 messages logged, xml disabled
    Logging Exception size (4096 bytes)
    Count and timestamp logging messages: disabled
    SNMP logging: disabled, retransmission after 30 seconds
No active filter modules.
    Trap logging: level informational, 66 message lines logged
        Logging to 192.0.2.9(global) (udp port 514, audit disabled, link up), 66 message lines logged, xml disabled,
               filtering disabled

Log Buffer (8192 bytes):
"""
NEW = """Syslog logging: enabled (0 messages dropped, 3 messages rate-limited, 0 flushes, 0 overruns, xml disabled, filtering disabled)

Active Message Discriminator:
NOISE           severity group drops 4
                mnemonics       drops    RECVD_PKT_INV_SPI

No Inactive Message Discriminator.

    Console logging: disabled
    Monitor logging: level debugging, 0 messages logged, xml disabled,
                     filtering disabled
    Buffer logging:  level debugging, 1566 messages logged, xml disabled,
                    filtering disabled, discriminator(NOISE),
                    0 messages rate-limited, 12 messages dropped-by-MD
    Exception Logging: size (4096 bytes)
    Count and timestamp logging messages: disabled
    File logging: disabled
    Persistent logging: enabled, url flash:/, disk space 214271590 bytes, file size 262144 bytes, batch size 4096 bytes, threshold capacity 5  , immediate , protected , notify

No active filter modules.

    Trap logging: level debugging, 65 message lines logged
        Logging to 192.0.2.9  (Mgmt-vrf) (tls port 6514, audit disabled,
              link down),
              0 message lines logged,
              0 message lines rate-limited,
              0 message lines dropped-by-MD,
              xml disabled, sequence number disabled
              filtering disabled
        Logging to 2001:db8::9  (udp port 514, audit disabled,
              authentication disabled, encryption disabled, link up),
              65 message lines logged,
              xml disabled, sequence number disabled
              filtering disabled
        Logging Source-Interface:       VRF Name:
        Loopback0
        GigabitEthernet0/0/0.100        Mgmt-vrf
    TLS Profiles:
        Profile Name: SECURE
          Ciphersuites: Default

Log Buffer (32000 bytes):
"""
MESSAGE = "*Mar 12 18:22:10.706: %SYS-5-CONFIG_I: Configured from console by netops on vty0 (192.0.2.9)\n"


def head(text: str, filtered: str | None = None) -> tuple[LogHeader | None, Log, CaptureStatus, str]:
    reading = read(text.splitlines(), filtered)
    (log,) = reading.records
    return log.header, log, reading.status, reading.reason


def test_the_head_of_an_old_release():
    header, log, status, reason = head(OLD + MESSAGE)
    assert (status, reason) == (CaptureStatus.PARSED, "")
    assert header == LogHeader(
        line=1, syslog_enabled=True, buffer_level="warnings", buffer_bytes=8192, messages_logged=39, dropped=12,
        rate_limited=5, overruns=2, trap_level="informational",
    )  # fmt: skip
    assert (log.total, log.messages[0].line) == (1, OLD.count("\n") + 1)


def test_the_head_of_a_new_release():
    header, log, status, reason = head(NEW)
    assert (status, reason) == (CaptureStatus.PARSED, "")
    assert header == LogHeader(
        line=1, syslog_enabled=True, buffer_level="debugging", buffer_bytes=32000, messages_logged=1566, dropped=0,
        rate_limited=3, overruns=0, discriminator="NOISE", trap_level="debugging", persistent=True,
    )  # fmt: skip
    assert log.total == 0


@pytest.mark.parametrize("text", [OLD, NEW])
def test_a_head_cut_at_any_line_is_never_parsed(text: str):
    lines = text.splitlines()
    for end in range(1, len(lines) - 1):
        if not "".join(lines[:end]).strip():
            continue
        assert read(lines[:end], None).status is CaptureStatus.INCOMPLETE, lines[end - 1]


@pytest.mark.parametrize("text", [OLD, NEW])
def test_a_head_that_begins_in_its_middle_is_never_parsed(text: str):
    lines = (text + MESSAGE).splitlines()
    for begin in range(2, text.count("\n") - 1):
        assert read(lines[begin:], None).status is CaptureStatus.INCOMPLETE, lines[begin]


def test_a_line_of_the_head_that_is_not_known_is_shown():
    reading = read((OLD.replace("No active filter modules.", "Something quite new: 7") + MESSAGE).splitlines(), None)
    assert reading.status is CaptureStatus.INCOMPLETE
    assert [(row.line, row.text) for row in reading.unparsed] == [(12, "Something quite new: 7")]


def test_buffer_off():
    text = NEW.replace("level debugging, 1566 messages logged, xml disabled", "disabled, xml disabled").split(
        "Log Buffer"
    )[0]
    header, _, status, _ = head(text)
    assert (header.buffer_level, header.buffer_bytes, status) == ("disabled", None, CaptureStatus.PARSED)


def test_filtered_and_bare_listings():
    assert head(MESSAGE, "include %SYS")[2] is CaptureStatus.PARSED
    assert read([], "include INV_SPI").status is CaptureStatus.PARSED
    assert read([], None).status is CaptureStatus.MISSING
    assert read(["nothing of the kind"], None).status is CaptureStatus.INCOMPLETE
    header, log, status, _ = head(MESSAGE)
    assert (header, log.total, status) == (None, 1, CaptureStatus.PARSED)


def test_the_first_line_of_a_wrapped_buffer_and_an_unread_message():
    text = OLD + "7:04: %LINEPROTO-5-UPDOWN: Line protocol on Interface Gi0/1, changed state to up\n" + MESSAGE
    assert read_every(text.splitlines(), None).records[0].total == 2
    text += "*Mar 12 18:22:10.706: %CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC pac\n"
    reading = read(text.splitlines(), None)
    assert reading.status is CaptureStatus.INCOMPLETE
    assert (reading.records[0].inv_spi_seen, reading.records[0].inv_spi_unparsed) == (1, 1)
    assert [row.line for row in reading.unparsed] == [text.count("\n")]


def test_facts_keep_events_and_a_listing_everything():
    inv = (
        "*Mar 12 18:22:11.706: %CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for "
        "destaddr=192.0.2.1, prot=50, spi=0x10(16), srcaddr=198.51.100.7\n"
    )
    dull = "*Mar 12 18:22:12.706: %LINK-3-UPDOWN: Interface Gi0/1, changed state to up\n"
    capture = Capture(command="sh logg", text=OLD + dull + inv + inv + dull)
    kept = read_capture(capture).records[0]
    assert [type(m.event) for m in kept.messages] == [InvalidSpi]
    assert (kept.total, kept.inv_spi_seen, kept.inv_spi_duplicates) == (4, 2, 1)
    assert (kept.first.time.second, kept.last.time.second) == (12, 12)
    every = read_capture(capture, every_row=True)
    assert len(every.records[0].messages) == every.records[0].total == 4
    assert [row["line"] for row in rows_of(every)] == [1, *range(OLD.count("\n") + 1, OLD.count("\n") + 5)]


def _texts(folder: Path) -> list[tuple[Path, object]]:
    result = []
    for file in sorted(folder.glob("*.txt")):
        for suffix in (".expected.json", ".expected.yml"):
            expected = file.with_name(file.stem + suffix)
            if expected.is_file():
                result.append((file, yaml.safe_load(expected.read_text()) if suffix.endswith("yml") else
                               json.loads(expected.read_text())))  # fmt: skip
    return result


def test_other_peoples_captures(corpus: Path):
    found = _texts(corpus / "show_logging")
    assert found
    for file, expected in found:
        reading = read_capture(Capture(command="show logging", text=file.read_text()), every_row=True)
        assert (reading.status, reading.reason) == (CaptureStatus.PARSED, ""), file.name
        (log,) = reading.records
        messages = [m.text for m in log.messages]
        if isinstance(expected, dict) and "parsed_sample" in expected:
            wanted = [f"%{r['facility']}-{r['severity']}-{r['mnemonic']}: {' '.join(r['message'])}"
                      for r in expected["parsed_sample"]]  # fmt: skip
        else:
            rows = expected.get("logs", [])
            wanted = [row if isinstance(row, str) else row["message"] for row in rows]
        squeezed = ["".join(text.split()) for text in messages]
        assert len(squeezed) == len(wanted), file.name
        for ours, theirs in zip(squeezed, wanted, strict=True):
            assert "".join(theirs.split()).endswith(ours), file.name
        size = expected.get("log_buffer_bytes", expected.get("log_buffer_size_bytes"))
        if size is not None:
            assert log.header.buffer_bytes == size, file.name
        counters = expected.get("syslog_logging", {}).get("enabled", {}).get("counters")
        if counters:
            assert (log.header.dropped, log.header.rate_limited, log.header.overruns) == (
                counters["messages_dropped"], counters["messages_rate_limited"], counters["overruns"]), file.name  # fmt: skip
        buffer = expected.get("logging", {}).get("buffer")
        if buffer:
            assert log.header.buffer_level == buffer.get("level", "disabled"), file.name
            assert log.header.messages_logged == buffer.get("messages_logged"), file.name
        trap = expected.get("logging", {}).get("trap")
        if trap:
            assert log.header.trap_level == trap.get("level", "disabled"), file.name


@pytest.mark.parametrize(
    ("line", "time", "relay_time"),
    [
        ("*Feb 29 10:00:00.123: ", "--02-29T10:00:00.123000", None),
        ("Nov 24 10:00:01 192.0.2.9 12: Nov 24 10:00:00: ", "--11-24T10:00:00", "--11-24T10:00:01"),
        ("Nov 24 2026 10:00:00: ", "2026-11-24T10:00:00", None),
        ("1d02h: ", None, None),
    ],
)
def test_a_row_shows_no_year_that_was_not_printed(line, time, relay_time):
    reading = read_capture(Capture(command="show logging", text=f"{line}%SYS-5-CONFIG_I: Configured\n"), every_row=True)
    assert reading is not None
    (row,) = rows_of(reading)
    assert (row["stamp"]["time"], row["relay_time"]) == (time, relay_time)
    assert "1904" not in json.dumps(row)
