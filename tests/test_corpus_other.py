"""Other people's captures of the commands that are not about crypto: nothing lost, nothing invented.

Beside many of them lies what their project makes of them. Names of fields differ, so values are compared: each address,
counter, version or time that stands in the expected output must stand in a record, and each record's in the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import corpus_folder

from collector.commands import read_capture
from collector.model import Capture, CaptureStatus, plain

COMMANDS = {
    "show_ip_nhrp": "show ip nhrp",
    "show_ip_nhrp_detail": "show ip nhrp detail",
    "show_ip_nhrp_nhs": "show ip nhrp nhs",
    "show_ip_nhrp_nhs_detail": "show ip nhrp nhs detail",
    "show_dmvpn": "show dmvpn",
    "show_drops": "show drops history qfp",
    "show_platform_hardware_qfp_active_statistics_drop": "show platform hardware qfp active statistics drop",
    "show_platform_hardware_qfp_active_statistics_drop_history": "show platform hardware qfp active statistics drop history",
    "show_platform_hardware_qfp_active_feature_ipsec_datapath_drops": (
        "show platform hardware qfp active feature ipsec datapath drops all"
    ),
    "show_version": "show version",
}
# keys of expected outputs whose values a record of ours holds
COMPARED = re.compile(
    r"nbma_addr|nbma_address|tunnel_addr|nhs_ip|peer_nbma|peer_tunnel|^packets$|^octets$|hostname|^version$|returned_to_rom_by"
    r"|system_restarted_at|^restarted$|drop_type|^attrib|^attribute|priority|cluster"
)
CASES = [
    file for folder in COMMANDS for file in sorted(((corpus_folder() or Path("/nonexistent")) / folder).glob("*.txt"))
]


def text_of(file: Path) -> str:
    return file.read_bytes().decode("utf-8", "backslashreplace")


def expected_of(file: Path) -> object:
    for ending, load in ((".expected.json", json.loads), (".expected.yml", yaml.safe_load)):
        beside = file.with_name(file.stem + ending)
        if beside.is_file():
            return load(beside.read_text(encoding="utf-8"))
    return None


def leaves(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, key)
    elif value not in (None, ""):
        yield key, str(value)


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().lower()


def test_the_corpus_is_there_or_this_is_skipped(corpus: Path):
    assert CASES, f"no captures for these commands in {corpus}"


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_read_whole_or_said_why(file: Path):
    reading = read_capture(Capture(command=COMMANDS[file.parent.name], text=text_of(file)))
    assert reading is not None
    assert not reading.unparsed, [item.text for item in reading.unparsed]
    assert reading.records
    if reading.status is not CaptureStatus.PARSED:
        assert reading.reason == "last line (configuration register) not found"
        assert "onfiguration register" not in text_of(file)


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_no_value_is_missing(file: Path):
    expected = expected_of(file)
    if expected is None:
        pytest.skip("no expected output beside it")
    reading = read_capture(Capture(command=COMMANDS[file.parent.name], text=text_of(file)))
    assert reading is not None
    ours = {squeezed(value) for record in reading.records for _, value in leaves(plain(record))}
    wanted = {(key, squeezed(value)) for key, value in leaves(expected) if COMPARED.search(key)}
    text = squeezed(text_of(file))
    missing = {
        (key, value)
        for key, value in wanted
        if value not in ours and value in text and not any(value in one for one in ours)
    }
    assert not missing


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_no_value_is_invented(file: Path):
    reading = read_capture(Capture(command=COMMANDS[file.parent.name], text=text_of(file)))
    assert reading is not None
    text = squeezed(text_of(file))
    shown = {"name", "packets", "octets", "number", "nbma", "target", "version", "hostname", "serial", "state", "since"}
    for record in reading.records:
        for key, value in leaves(plain(record)):
            if key in shown:
                assert squeezed(value) in text, (key, value)


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_cut_after_any_line_is_never_more_and_the_rest_is_never_whole(file: Path):
    """Rows of a cut text are rows of the whole; a line cut in its middle is never read as a whole one's value."""
    command, text = COMMANDS[file.parent.name], text_of(file)
    whole = read_capture(Capture(command=command, text=text))
    assert whole is not None
    names = {
        value for record in whole.records for key, value in leaves(plain(record)) if key in {"nbma", "name", "target"}
    }
    lines = text.splitlines(keepends=True)
    for end in range(0, len(lines), max(1, len(lines) // 25)):
        reading = read_capture(Capture(command=command, text="".join(lines[:end]), complete=False, note="cut"))
        assert reading is not None
        assert reading.status is not CaptureStatus.PARSED
        found = {
            value
            for record in reading.records
            for key, value in leaves(plain(record))
            if key in {"nbma", "name", "target"}
        }
        assert found <= names
