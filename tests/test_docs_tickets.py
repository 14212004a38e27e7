"""docs/inventory.md and docs/tickets.md: their YAML loads, their tables are those of the program."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
import yaml
from test_contrib import checked_command

from collector.history.tickets import Limits
from collector.inventory import from_text
from collector.inventory.importers import IMPORTERS
from collector.inventory.schema import ReferenceModel
from collector.model import Finding
from collector.session.secrets import Secrets
from collector.sinks import TICKETS, ticket_sink
from collector.sinks.delivery import LIMIT_KEYS
from collector.sinks.http import presets
from collector.sinks.transport import WHOLE_SECONDS

ROOT = Path(__file__).parent.parent
INVENTORY = (ROOT / "docs" / "inventory.md").read_text(encoding="utf-8")
TICKETS_PAGE = (ROOT / "docs" / "tickets.md").read_text(encoding="utf-8")


def fenced(page: str, language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```$", page)


def table(page: str, mark: str) -> list[list[str]]:
    """The rows below `<!-- tested: MARK -->`, without the heading."""
    after = page.partition(f"<!-- tested: {mark} -->\n")[2].splitlines()
    rows = []
    for line in after:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split(" | ")])
    assert len(rows) > 2, mark
    return [[cell.strip("| ") for cell in row] for row in rows[2:]]


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_every_yaml_of_the_pages_is_read():
    for text in fenced(INVENTORY, "yaml"):
        if "include:" in text:
            for entry in yaml.safe_load(text)["include"]:
                assert entry["type"] in IMPORTERS
            continue
        from_text(text, source="page")
    (text,) = fenced(TICKETS_PAGE, "yaml")
    sinks = from_text("hosts: {a: {}}\n" + text, source="page").sinks
    for name, raw in sinks.items():
        ticket_sink(name, raw, Secrets({}))
    assert {raw["type"] for raw in sinks.values()} == set(TICKETS)


def test_the_commands_with_sources_of_their_own_parse():
    for text in fenced(INVENTORY, "text"):
        for line in text.splitlines():
            checked_command(shlex.split(line.partition(" > ")[0]))


def test_references_importers_types_presets_and_limits_are_the_programs():
    kinds = [re.match(r"`\{(\w+):", row[0])[1] for row in table(INVENTORY, "the kinds of references")]
    assert kinds == list(ReferenceModel.model_fields)
    assert [code(row[0])[0] for row in table(INVENTORY, "importers")] == list(IMPORTERS)
    assert [code(row[0])[0] for row in table(TICKETS_PAGE, "types")] == list(TICKETS)
    rows = {code(row[0])[0]: row[1:] for row in table(TICKETS_PAGE, "presets")}
    assert rows == {name: [raw["about"], raw["tried"]] for name, raw in presets().items()}
    limits = {code(row[0])[0]: row[1] for row in table(TICKETS_PAGE, "limits")}
    assert set(limits) == LIMIT_KEYS
    defaults = {field.name: str(getattr(Limits(), field.name)) for field in fields(Limits)}
    assert {key: value for key, value in limits.items() if key != "bodies"} == {
        key: value for key, value in defaults.items() if key in LIMIT_KEYS
    }


def test_states_and_figures_are_the_programs():
    states = re.findall(r"(?m)^\| `(\w+)` \| ", TICKETS_PAGE.partition("## Sinks")[0])
    assert set(states) == set(get_args(Finding.__annotations__["state"]) or ("new", "ongoing", "reopened", "resolved"))
    assert f"{WHOLE_SECONDS:g} s in all" in TICKETS_PAGE


def test_the_arithmetic_of_the_ledger_adds_up():
    """The bytes themselves are measured in test_ledger_size.py."""
    total = 0.0
    for name, _, size, count, told in table(TICKETS_PAGE, "bytes"):
        megabytes = int(size.replace(",", "")) * int(count.replace(",", "")) / 1e6
        assert float(told) == pytest.approx(megabytes, rel=0.05, abs=0.06), name
        total += megabytes
    assert float(re.search(r"Together \*\*(\d+) MB\*\*", TICKETS_PAGE)[1]) == pytest.approx(total, rel=0.05)


def test_keys_of_an_importer_are_those_it_takes():
    for row in table(INVENTORY, "importers"):
        (kind,) = code(row[0])
        for key in code(row[2]):
            text = f"include: [{{type: {kind}, {key}: x, nonsense: y}}]"
            with pytest.raises(Exception, match=r"nonsense|`url`|`path`") as caught:
                from_text(text, source="page", folder=Path("/nowhere"))
            assert f".{key}: unknown" not in str(caught.value)
