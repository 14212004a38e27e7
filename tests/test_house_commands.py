"""The house rules for commands and templates (STYLE 4): a command is one module, one template, captures, one line."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest
import yaml

import collector.commands
from collector.commands import CATALOGUE, read_capture, recognise
from collector.commands.command import Command
from collector.model import Capture, CaptureStatus
from collector.parse.template import source

CAPTURES = Path(__file__).parent / "captures"
UNHAPPY = ("refused_", "cut_", "garbage_", "empty_")
TEMPLATES = sorted(
    file.name.removesuffix(".textfsm")
    for file in files("collector.templates").iterdir()
    if file.name.endswith(".textfsm")
)
NO_COMMAND = {"command", "reading", "recognise"}
REFUSAL = "             ^\n% Invalid input detected at '^' marker.\n\n"
GARBAGE = "The quick brown fox\njumps over 13 lazy dogs 0xDEADBEEF\n<html><body>502 Bad Gateway</body></html>\n"


def _named(command: Command[object]) -> str:
    return command.name


def _typed(command: Command[object]) -> str:
    """A line that a person may type for it."""
    line = command.lines[0]
    for word, value in (("{peer}", "192.0.2.1"), ("{vrf}", "RED"), ("{name}", "VPN")):
        line = line.replace(word, value)
    return line


def test_every_template_belongs_to_a_command():
    assert TEMPLATES
    assert set(TEMPLATES) == {command.template for command in CATALOGUE if command.template}


def test_every_module_is_in_the_catalogue():
    folder = Path(collector.commands.__file__).parent
    modules = {file.stem for file in folder.glob("show_*.py")}
    listed = {command.read.__module__.rsplit(".", 1)[-1] for command in CATALOGUE}
    assert modules <= listed | NO_COMMAND
    assert len({command.name for command in CATALOGUE}) == len(CATALOGUE)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_state_ends_in_error(template: str):
    states: dict[str, list[str]] = {}
    state = ""
    for line in source(template).splitlines():
        if line[:1].isalpha() and not line.startswith("Value "):
            state = line.strip()
            states[state] = []
        elif line.startswith((" ^", "  ^", "\t^")):
            states[state].append(line.strip())
    assert "Start" in states
    for name, rules in states.items():
        if name == "EOF":
            assert not rules
        else:
            assert rules[-1] == "^. -> Error", f"state {name} of {template}"


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_has_a_happy_and_an_unhappy_capture(template: str):
    names = [file.stem for file in (CAPTURES / template).glob("*.txt")]
    assert [name for name in names if not name.startswith(UNHAPPY)], "no happy capture"
    assert [name for name in names if name.startswith(UNHAPPY)], "no unhappy capture"
    for file in (CAPTURES / template).glob("*.txt"):
        case = yaml.safe_load(file.with_suffix(".yaml").read_text(encoding="utf-8"))
        typed = recognise(case["command"])
        assert typed is not None
        assert typed.command.template == template, file.name
        if file.stem.startswith(("refused_", "garbage_", "cut_")):
            assert case["status"] != "parsed", file.name


@pytest.mark.parametrize("folder", sorted(CAPTURES.iterdir()), ids=lambda folder: folder.name)
def test_no_folder_and_no_file_is_forgotten(folder: Path):
    texts, cases = ({file.stem for file in folder.glob(f"*.{end}")} for end in ("txt", "yaml"))
    assert texts == cases
    assert texts


@pytest.mark.parametrize("command", CATALOGUE, ids=_named)
def test_a_refusal_is_refused(command: Command[object]):
    for text in (REFUSAL, f"r1#{_typed(command)}\n{REFUSAL}r1#", "Command authorization failed.\n"):
        reading = read_capture(Capture(command=_typed(command), text=text))
        assert reading is not None
        assert (reading.command, reading.status, reading.records) == (command.name, CaptureStatus.REFUSED, ())
        assert reading.code is not None
        assert reading.code.startswith("E_CMD_")


@pytest.mark.parametrize("command", [one for one in CATALOGUE if one.template], ids=_named)
def test_garbage_is_never_parsed(command: Command[object]):
    reading = read_capture(Capture(command=_typed(command), text=GARBAGE))
    assert reading is not None
    assert reading.status is CaptureStatus.INCOMPLETE
    assert reading.unparsed
    assert "The quick brown fox" in reading.reason


@pytest.mark.parametrize("command", CATALOGUE, ids=_named)
def test_its_own_lines_find_it(command: Command[object]):
    assert command.about
    assert command.platforms
    for line in command.lines:
        filled = line.replace("{peer}", "192.0.2.1").replace("{vrf}", "RED").replace("{name}", "VPN")
        typed = recognise(filled)
        assert typed is not None
        assert typed.command is command
        assert len(filled) < 200  # DOMAIN 3.3
        assert filled.startswith("show ")
        assert "clear" not in filled
