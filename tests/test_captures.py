"""Every capture under tests/captures gives exactly the rows written beside it.

captures/<template>/<case>.txt is what a router prints (no echo, no prompt); <case>.yaml says
    command: the line as typed
    status: parsed | incomplete | refused | missing
    unparsed_lines: a number (0 when left out)
    rows: [ {field: value, ...} ]  each named field must be equal; fields left out are not compared
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from collector.commands import read_capture
from collector.model import Capture, plain

CASES = sorted((Path(__file__).parent / "captures").glob("*/*.txt"))


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_capture(file: Path):
    expected = yaml.safe_load(file.with_suffix(".yaml").read_text(encoding="utf-8"))
    text = file.read_text(encoding="utf-8")
    reading = read_capture(Capture(command=expected["command"], text=text, bare=expected.get("bare", True)))
    assert reading is not None, f"no command recognises {expected['command']!r}"
    assert (reading.status.value, reading.reason) == (expected["status"], expected.get("reason", reading.reason))
    assert len(reading.unparsed) == expected.get("unparsed_lines", 0)
    rows = [plain(record) for record in reading.records]
    assert len(rows) == len(expected.get("rows", []))
    for row, wanted in zip(rows, expected.get("rows", []), strict=True):
        assert _cut(row, wanted) == wanted


def _cut(row: object, wanted: object) -> object:
    """`row` reduced to the fields that `wanted` names, at any depth."""
    if isinstance(row, dict) and isinstance(wanted, dict):
        return {key: _cut(row.get(key, "<no such field>"), value) for key, value in wanted.items()}
    if isinstance(row, list) and isinstance(wanted, list) and len(row) == len(wanted):
        return [_cut(one, other) for one, other in zip(row, wanted, strict=True)]
    return row
