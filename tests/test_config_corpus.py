"""Other people's configurations, classified as a VPN engineer reads them (tests/expected/running-config, one file each)."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from config_readings import same

from collector.config import classify
from collector.model import Capture, ConfigText
from collector.parse import redact

EXPECTED = sorted((Path(__file__).parent / "expected" / "running-config").glob("*.yaml"))


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
    same(config, expected)


def test_every_configuration_of_the_corpus_has_its_reading(corpus):
    read = {yaml.safe_load(file.read_text(encoding="utf-8"))["file"] for file in EXPECTED}
    there = {
        f"{folder}/{file.name}"
        for folder in ("running-config", "running-config-derived")
        for file in (corpus / folder).glob("*.txt")
    }
    assert there <= read
