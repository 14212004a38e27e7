"""Whole terminal sessions as routers print them, through `analyze`, against what a VPN engineer must be told.

tests/sessions/<case>/*.txt: what somebody pasted, one file a router; expected.yaml beside it:

    says          what the case is about, in a sentence
    exit          exit code of `analyze`
    devices       name -> fields of the device; `peers` by address, name or binding; `incidents` by "source > destination";
                  `blind` / `not_blind` codes
    findings      rule, level, verdict, device, peer, `says` / `never` (pieces of its text), `acts` (side, on, commands
                  that must be among those typed), `notes` (pieces of the notes), `no_acts`; all findings are listed
    aside         rules whose findings this case does not speak about
    never         pieces that no command may hold
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import jsonschema
import pytest
import yaml

from collector.cli import pipeline
from collector.model import Policy
from collector.sinks.document import document
from collector.snapshot import read_paths

ROOT = Path(__file__).parent / "sessions"
CASES = sorted(path.parent.name for path in ROOT.glob("*/expected.yaml"))
SCHEMA = json.loads((Path(__file__).parent.parent / "docs" / "schema.json").read_text(encoding="utf-8"))
VALID = jsonschema.validators.validator_for(SCHEMA)(SCHEMA)
RECOVER = "crypto isakmp invalid-spi-recovery"
START = datetime(2026, 11, 1, tzinfo=UTC)
ASIDE = {"peers", "peer_count", "incidents", "blind", "not_blind", "captures"}
BARE = re.compile(r"clear crypto (?:sa|isakmp|session|ikev2 sa)\s*$|clear dmvpn session\s*$")


def analyzed(paths):
    """(exit code, JSON document) of `analyze PATHS`."""
    report = pipeline.report_of(read_paths([str(path) for path in paths]), Policy(), mode="analyze", started_at=START)
    return int(pipeline.exit_code(report, Policy().fail_on)), document(report, version="0")


@cache
def case(name):
    expected = yaml.safe_load((ROOT / name / "expected.yaml").read_text(encoding="utf-8"))
    paths = [path for path in sorted((ROOT / name).iterdir()) if path.name != "expected.yaml"]
    code, told = analyzed(paths)
    return expected, code, told


def holds(wanted, got, where):
    """Every field of `wanted` is in `got`; keys that end in ~ are pieces of a text."""
    for key, value in wanted.items():
        if key.endswith("~"):
            pieces = [value] if isinstance(value, str) else value
            assert all(piece in str(got[key[:-1]]) for piece in pieces), (where, key, got[key[:-1]])
        elif isinstance(value, dict):
            assert got[key] is not None, (where, key)
            holds(value, got[key], f"{where}.{key}")
        else:
            assert got[key] == value, (where, key, got[key], got.get("why"))


def peers_named(device, name):
    return [peer for peer in device["peers"] if name in {peer["address"], peer["name"], peer["binding"]}]


@pytest.mark.parametrize("name", CASES)
def test_session(name):
    expected, code, told = case(name)
    devices = {device["name"]: device for device in told["devices"]}
    for device_name, wanted in (expected.get("devices") or {}).items():
        _device(wanted, devices[device_name])
    _findings(expected, told["findings"], next(iter(devices)))
    typed = [line for finding in told["findings"] for action in finding["actions"] for line in action["commands"]]
    for piece in expected.get("never") or ():
        assert not [line for line in typed if piece in line], piece
    assert code == expected["exit"]


def _device(wanted, device):
    for name, fields in (wanted.get("peers") or {}).items():
        found = peers_named(device, name)
        assert len(found) == (0 if fields is None else fields.get("count", 1)), (name, binding_names(device))
        for peer in found:
            holds({key: value for key, value in fields.items() if key != "count"}, peer, f"{device['name']}.{name}")
    if "peer_count" in wanted:
        assert len(device["peers"]) == wanted["peer_count"], binding_names(device)
    if "incidents" in wanted:
        flows = {f"{one['source'] or '?'} > {one['destination'] or '?'}": one for one in device["incidents"]}
        assert set(flows) == set(wanted["incidents"]), {flow: one["state"] for flow, one in flows.items()}
        for flow, fields in wanted["incidents"].items():
            holds(fields, flows[flow], f"{device['name']}.{flow}")
    codes = {spot["code"] for spot in device["blind_spots"]}
    assert set(wanted.get("blind", ())) <= codes, device["blind_spots"]
    assert not set(wanted.get("not_blind", ())) & codes, device["blind_spots"]
    statuses = {capture["command"]: capture["status"] for capture in device["captures"]}
    assert {**statuses, **wanted.get("captures", {})} == statuses
    holds({key: value for key, value in wanted.items() if key not in ASIDE}, device, device["name"])


def binding_names(device):
    return [(peer["address"], peer["binding"], peer["config_type"]) for peer in device["peers"]]


def _findings(expected, told, first):
    """All findings of the rules that the case speaks about, and no other."""
    found = [finding for finding in told if finding["rule"] not in (expected.get("aside") or ())]
    wanted = [{"device": first, "peer": None, **one} for one in expected.get("findings") or ()]

    def key(one):
        return one["rule"], one["device"], one["peer"]

    assert sorted(map(str, map(key, found))) == sorted(map(str, map(key, wanted))), [
        (f["rule"], f["level"], f["verdict"], f["device"], f["peer"], f["message"], f["why"]) for f in found
    ]
    for one in wanted:
        _finding(one, next(finding for finding in found if key(finding) == key(one)))


def _finding(wanted, got):
    text = f"{got['title']} {got['message']} {got['why']}"
    for key in ("level", "verdict", "far_device"):
        if key in wanted:
            assert got[key] == wanted[key], (key, text)
    for piece in wanted.get("says") or ():
        assert piece in text, (piece, text)
    for piece in wanted.get("never") or ():
        assert piece not in text, (piece, text)
    if wanted.get("no_acts"):
        assert got["actions"] == []
    for act in wanted.get("acts") or ():
        fits = [
            action
            for action in got["actions"]
            if action["side"] == act["side"]
            and action["on"] == act.get("on", action["on"])
            and all(line in action["commands"] for line in act["commands"])
        ]
        assert fits, (act, got["actions"])
    notes = " ".join(action["note"] for action in got["actions"])
    for piece in wanted.get("notes") or ():
        assert piece in notes, (piece, notes)
    commands = [line for action in got["actions"] for line in action["commands"]]
    for piece in wanted.get("never_typed") or ():
        assert not [line for line in commands if piece in line], commands


@pytest.mark.parametrize("name", CASES)
def test_what_holds_in_every_session(name):
    _, _, told = case(name)
    VALID.validate(told)
    peers = {(device["name"], peer["address"]): peer for device in told["devices"] for peer in device["peers"]}
    devices = {device["name"]: device for device in told["devices"]}
    for finding in told["findings"]:
        typed = [line for action in finding["actions"] for line in action["commands"]]
        assert not [line for line in typed if BARE.match(line.strip())]
        assert not [line for line in typed if line.rstrip().endswith("clear") or "show tech" in line]
        assert finding["evidence"]
        if finding["verdict"] == "unknown":
            assert finding["actions"] == []
            assert finding["level"] != "error"
        for action in finding["actions"]:
            if any(line.startswith("clear ") for line in action["commands"]):
                assert action["side"] == "sender"
                assert action["on"] != finding["device"]
            if RECOVER in action["commands"]:
                assert finding["rule"] in {"SPI001", "SPI013"}
                assert (action["side"], action["on"]) == ("receiver", finding["device"])
                assert "denial of service" in action["note"]
                assert devices[finding["device"]]["recovery_configured"] is False
                if finding["rule"] == "SPI001":
                    assert peers[finding["device"], finding["peer"]]["recovery"] == "yes"
                    assert peers[finding["device"], finding["peer"]]["ike_sa"] == "none"
    for device in told["devices"]:
        for incident in device["incidents"]:
            if incident["peer"] is not None:
                assert peers_named(device, incident["peer"]), incident["peer"]


@pytest.mark.parametrize("name", CASES)
def test_two_runs_are_equal(name):
    paths = [path for path in sorted((ROOT / name).iterdir()) if path.name != "expected.yaml"]
    again = analyzed(paths)[1]
    first = case(name)[2]
    assert again["devices"] == first["devices"]
    assert again["findings"] == first["findings"]
    turned = analyzed(list(reversed(paths)))[1]

    def told(document):
        return [
            (one["rule"], one["level"], one["verdict"], one["peer"], one["actions"]) for one in document["findings"]
        ]

    assert told(turned) == told(first)
