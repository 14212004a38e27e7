"""Other people's configurations, classified as a VPN engineer reads them (tests/expected/running-config, one file each)."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from collector.config import classify, recovery_of
from collector.model import Capture, ConfigText
from collector.parse import redact

EXPECTED = sorted((Path(__file__).parent / "expected" / "running-config").glob("*.yaml"))


def seen(config):
    return sorted(
        (
            {
                "name": binding.name,
                "type": str(binding.config_type),
                "interface": binding.interface,
                "local": [str(address) for address in binding.local],
                "ike": binding.ike_version,
                "acceptor": str(binding.acceptor_type) if binding.acceptor_type else None,
                "fvrf": binding.fvrf,
                "ivrf": binding.ivrf,
                "applied": binding.applied,
                "shutdown": binding.shutdown,
                "shared": bool(binding.shared),
                "peers": {
                    peer.text: str(recovery_of(binding, peer, ike_version=binding.ike_version)[0])
                    for peer in binding.peers
                },
            }
            for binding in config.bindings
        ),
        key=lambda row: (row["name"], row["interface"] or ""),
    )


def wanted(expected):
    blank = {
        "interface": None,
        "acceptor": None,
        "fvrf": None,
        "ivrf": None,
        "applied": True,
        "shutdown": False,
        "shared": False,
    }
    rows = [{**blank, **{key: value for key, value in row.items() if key != "dpd"}} for row in expected["bindings"]]
    return sorted(rows, key=lambda row: (row["name"], row["interface"] or ""))


@pytest.mark.parametrize("file", EXPECTED, ids=[file.stem for file in EXPECTED])
def test_as_an_engineer_reads_it(file, corpus):
    expected = yaml.safe_load(file.read_text(encoding="utf-8"))
    source = corpus / expected["file"]
    if not source.is_file():
        pytest.skip(f"{expected['file']} is not in this corpus")
    text = redact(source.read_text(encoding="utf-8", errors="backslashreplace"))
    lines = tuple(enumerate(text.splitlines(), 1))
    config = classify(
        [(Capture(command="show running-config", text=text), ConfigText(line=1, lines=lines, whole=True))]
    )
    assert seen(config) == wanted(expected)
    assert config.recovery is expected["recovery_configured"]
    assert config.dpd.mode == expected["keepalive"]
    dpd = {row["name"]: row["dpd"] for row in expected["bindings"] if "dpd" in row}
    assert {one.name: one.dpd.mode for one in config.bindings if one.name in dpd} == dpd


def test_every_configuration_of_the_corpus_has_its_reading(corpus):
    read = {yaml.safe_load(file.read_text(encoding="utf-8"))["file"] for file in EXPECTED}
    there = {
        f"{folder}/{file.name}"
        for folder in ("running-config", "running-config-derived")
        for file in (corpus / folder).glob("*.txt")
    }
    assert there <= read
