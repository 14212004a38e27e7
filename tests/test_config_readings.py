"""Configurations of our own as an engineer reads them: tests/configs, a text and its reading beside it.

Each text goes the whole way of `analyze`: file, captures, classifier.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from config_readings import same

from collector.facts import build
from collector.model import Policy
from collector.snapshot import read_paths

FILES = sorted((Path(__file__).parent / "configs").glob("*.txt"))


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_as_an_engineer_reads_it(file):
    expected = yaml.safe_load(file.with_suffix(".yaml").read_text(encoding="utf-8"))
    (snapshot,) = read_paths([str(file)])
    config = build(snapshot, Policy()).config
    assert config is not None
    same(config, expected)


def test_every_text_has_its_reading_and_no_reading_is_alone():
    folder = Path(__file__).parent / "configs"
    assert {file.stem for file in folder.glob("*.yaml")} == {file.stem for file in FILES}
