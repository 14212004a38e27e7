"""Other people's captures of the crypto commands: nothing lost, nothing invented, the true reason where not whole.

The expected outputs beside them are their projects' opinion in their own field names: a walker gathers SPIs,
addresses, states and counters from both sides and compares the sets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest
import yaml
from conftest import corpus_folder

from collector.commands import read_capture, recognise
from collector.model import Capture, CaptureStatus, plain

# folder -> the line typed; folders of commands that we do not read are left out on purpose
COMMANDS = {
    "show_crypto_isakmp_sa": "show crypto isakmp sa",
    "show_crypto_isakmp_sa_detail": "show crypto isakmp sa detail",
    "show_crypto_ikev2_sa": "show crypto ikev2 sa",
    "show_crypto_ikev2_sa_detail": "show crypto ikev2 sa detailed",
    "show_crypto_ikev2_session": "show crypto ikev2 session detailed",
    "show_crypto_ipsec_sa": "show crypto ipsec sa",
    "show_crypto_ipsec_sa_detail": "show crypto ipsec sa detail",
    "show_crypto_session": "show crypto session",
    "show_crypto_session_detail": "show crypto session detail",
    "show_crypto_session_interface_tunnel10_detail": "show crypto session interface tunnel10 detail",
    "show_crypto_ipsec_spi_lookup_detail": "show crypto ipsec spi-lookup detail",
    "show_crypto_map": "show crypto map",
    "show_crypto_ipsec_profile": "show crypto ipsec profile",
    "show_crypto_gdoi": "show crypto gdoi",
}
# part of a file's name -> part of the reason why it cannot be read whole
NOT_WHOLE = {
    "SaInterface-golden_output_2": "'ekey has been disabled'",  # a line and a half are missing in the file
    "ntc-cisco_ios_show_crypto_ipsec_sa_detail": "SPI 0x4321DCBA is not 0987612345",  # edited numbers
    "isakmp_no_ipv4": "is no address",  # 100.0.10::2 is neither IPv4 nor IPv6
    "ShowCryptoIkev2Session": "'1.1.1::1/500' is no address",
    "empty_output": "the answer is empty",
}
# keys of the expected outputs that hold what our records leave out
LEFT_OUT = {
    "acl", "acl_downloaded_from_ks", "desc", "flow_id", "flow_id_val", "group_server_list", "handle", "hash",
    "local_id", "local_ident_mask", "local_selectors", "local_spi", "mask", "phase1_id", "pushed_ip", "remote_address",
    "remote_id", "remote_ident_mask", "remote_selectors", "remote_spi", "remote_subnets", "sibling_flags",
    "sa_sibling_flags", "traffic_selectors",
}  # fmt: skip
COUNTERS = {
    "pkts_encaps": "encaps",
    "pkts_decaps": "decaps",
    "pkts_invalid_sa_rcv": "invalid_sa_received",
    "pkts_invalid_sa": "invalid_sa_received",
    "inbound_pkts_decrypted": "inbound_decrypted",
    "outbound_pkts_encrypted": "outbound_encrypted",
    "inbound_pkts_drop": "inbound_dropped",
    "outbound_pkts_drop": "outbound_dropped",
    "conn_id": "connection_id",
    "sa_conn_id": "connection_id",
    "active_sas": "active_sas",
    "life_time": "lifetime",
    "active_time": "age",
    "activetime": "age",
    "dpd_configured_time": "dpd_interval",
}
STATES = {
    "QM_IDLE", "MM_NO_STATE", "READY", "ACTIVE(ACTIVE)", "UP-ACTIVE", "DOWN-NEGOTIATING", "UP-IDLE", "UP-NO-IKE",
    "ACTIVE", "Active", "Inactive",
}  # fmt: skip
SPI = re.compile(r"0[xX]([0-9A-Fa-f]{1,8})(?![0-9A-Fa-f])")
TOKEN = re.compile(r"[0-9A-Fa-f:.]{3,45}")

FOLDER = corpus_folder()
CAPTURES = sorted(FOLDER.glob("show_crypto_*/*.txt")) if FOLDER else []
READ = [file for file in CAPTURES if file.parent.name in COMMANDS]


def _text(file: Path) -> str:
    return file.read_bytes().decode("utf-8", "replace")


def _reading(file: Path):
    reading = read_capture(Capture(command=COMMANDS[file.parent.name], text=_text(file)))
    assert reading is not None
    return reading


def _expected(file: Path) -> object | None:
    for ending, load in ((".expected.json", json.loads), (".expected.yml", yaml.safe_load)):
        beside = file.with_name(file.stem + ending)
        if beside.is_file():
            return load(beside.read_text(encoding="utf-8"))
    return None


def _leaves(value: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every (key, text) of a tree; keys that are data (a peer, an SPI) come as texts too."""
    if isinstance(value, dict):
        for name, item in value.items():
            if str(name) not in LEFT_OUT:
                yield key, str(name)
                yield from _leaves(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, key)
    elif value is not None:
        yield key, str(value)


def _spis(value: object) -> set[int]:
    return {int(one, 16) for _, text in _leaves(value) for one in SPI.findall(text)} - {0}


def _addresses(text: str) -> set[str]:
    found = set()
    for token in TOKEN.findall(text):
        for form in (token, token.rstrip(".:")):
            try:
                found.add(str(ip_address(form)))
            except ValueError:
                continue
    return found


def _states(value: object) -> set[str]:
    return {text for _, text in _leaves(value) if text in STATES}


def _numbers(value: object, name: str) -> set[int]:
    return {int(text) for key, text in _leaves(value) if key == name and text.isdigit()}


@pytest.mark.skipif(FOLDER is None, reason="no corpus beside the checkout")
def test_every_folder_is_ours_or_of_a_command_that_we_do_not_read():
    unknown = {file.parent.name for file in CAPTURES} - set(COMMANDS)
    for folder in unknown:
        assert recognise(folder.replace("_", " ")) is None, folder
    assert len(READ) >= 40


@pytest.mark.parametrize("file", READ, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_whole_or_the_true_reason(file: Path):
    reading = _reading(file)
    wanted = next((reason for part, reason in NOT_WHOLE.items() if part in file.name), None)
    if wanted is None:
        assert (reading.status, reading.reason, reading.unparsed) == (CaptureStatus.PARSED, "", ())
        assert reading.records
    else:
        assert reading.status is not CaptureStatus.PARSED
        assert wanted in reading.reason


@pytest.mark.parametrize("file", READ, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_nothing_is_invented(file: Path):
    text, ours = _text(file), plain(_reading(file).records)
    raw = {int(one, 16) for one in re.findall(r"(?<![0-9A-Za-z])(?:0x)?([0-9A-Fa-f]{1,8})(?![0-9A-Fa-f])", text)}
    assert _spis(ours) <= raw
    assert {one for _, leaf in _leaves(ours) for one in _addresses(leaf) if _is_address(leaf)} <= _addresses(text)
    assert _states(ours) <= {state for state in STATES if state in text}


def _is_address(leaf: str) -> bool:
    try:
        ip_address(leaf)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(
    "file", [file for file in READ if _expected(file) is not None], ids=lambda file: f"{file.parent.name}/{file.stem}"
)
def test_nothing_is_lost(file: Path):
    expected, ours = _expected(file), plain(_reading(file).records)
    if "spi_lookup" in file.parent.name:
        tables = expected.values() if isinstance(expected, dict) else []
        assert sorted(int(spi, 16) for table in tables for spi in table["spi_entries"]) == sorted(
            int(row["spi"], 16) for row in ours
        )
        return
    assert _spis(expected) == _spis(ours) or "gdoi" in file.parent.name
    mine = {one for _, leaf in _leaves(ours) for one in _addresses(leaf)}
    theirs = {one for key, leaf in _leaves(expected) if "gdoi" not in file.parent.name for one in _addresses(leaf)}
    assert theirs <= mine
    assert {state for state in _states(expected) if state in _text(file)} <= _states(ours) | {
        word for state in _states(ours) for word in (state, state.split("(")[0])
    }
    counters = {**COUNTERS, **({"conn_id": "", "c_id": "connection_id"} if "isakmp" in file.parent.name else {})}
    for key, field in counters.items():
        if field:  # in the detail form of isakmp sa, `conn_id` is the engine's number
            missing = _numbers(expected, key) - _numbers(ours, field) - {0}
            assert not missing, f"{key}: {missing}"


@pytest.mark.parametrize("file", READ, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_blanks_lost_or_added_change_nothing(file: Path):
    """Tools strip leading blanks; some add a carriage return or trailing blanks."""
    plainly = _reading(file)
    for edited in (
        "\n".join(line.strip() for line in _text(file).splitlines()),
        "\r\n".join(f"{line}   " for line in _text(file).splitlines()),
    ):
        reading = read_capture(Capture(command=COMMANDS[file.parent.name], text=edited))
        assert reading is not None
        assert (reading.status, plain(reading.records)) == (plainly.status, plain(plainly.records))
