"""The documents hold true: commands in them run, tables equal the program, links lead somewhere, made pages are fresh."""

from __future__ import annotations

import calendar
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import jsonschema
import pytest
import typer
from pages import PAGES, ROOT, blocks, links, rows

from collector.cli.app import application
from collector.cli.options import Format
from collector.commands import CATALOGUE
from collector.errors import CODES, ErrorCode, Exit
from collector.facts.states import FLOW_ORDER, ROWS
from collector.inventory import load_policy
from collector.model import Outcome, State, Thresholds
from collector.rules import cards
from collector.session.allow import PREPARATION

README = ROOT / "README.md"
DOCS = ROOT / "docs"
SCENARIO = """\
name: pages
seed: 3
defaults: {dpd: off}
devices:
  br-001: {platform: c2911, wan: 198.51.100.1/24, lan: 10.31.1.1/24, groups: [branches]}
  hub-mad: {platform: c8300, wan: 192.0.2.1/24, lan: 10.10.0.1/24, groups: [hubs]}
links:
  - {name: tunnel, type: svti, between: [br-001, hub-mad], lifetime: 86400}
trouble:
  - {kind: stale-sa, link: tunnel, receiver: br-001, since: 6m}
"""
# a sink of each name that the pages speak of, on a port where nothing listens: told, tried, kept for later
SINKS = """\
sinks:
  noc: {type: alertmanager, url: "http://127.0.0.1:9"}
  helpdesk: {type: alertmanager, url: "http://127.0.0.1:9"}
"""
LAB = {"SPI_LAB_USERNAME": "lab", "SPI_LAB_PASSWORD": "lab", "SPI_LAB_SECRET": "lab"}
LONG = {"demo"}  # `make demo` and the whole way have tests of their own
LATER = {"performance.md"}  # under way
SESSION = ("show privilege", "show version", "show clock", "show logging", "show crypto isakmp sa")


def commands_of(pages):
    """(page, line) of each `spi-collector` command in a fenced block of shell, each line once."""
    found = {}
    for page in pages:
        for block in blocks(page):
            if block.language in {"sh", "bash", "shell"}:
                for line in block.text.replace("\\\n", " ").splitlines():
                    if line.strip().startswith("spi-collector "):
                        found.setdefault(line.strip(), page.name)
    return [pytest.param(line, id=f"{page}: {line[14:]}") for line, page in found.items()]


def spi(folder, *arguments, stdin=None):
    done = subprocess.run(
        [sys.executable, "-m", "collector", *arguments],
        stdin=stdin or subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment(folder),
        timeout=400,
        check=False,
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert "a defect of this program" not in done.stderr, done.stderr
    return done


def environment(folder):
    credentials = {"SPI_USERNAME": "lab", "SPI_PASSWORD": "lab"}
    return {**os.environ, **LAB, **credentials, "SPI_STATE": str(folder / "state"), "HOME": str(folder)}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder as the pages suppose it: inventory, captures of one sweep, a pasted session, one bare answer."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "pages.yaml").write_text(SCENARIO)
    with subprocess.Popen(
        [sys.executable, "-m", "collector", "lab", "pages.yaml", "-i", "inventory.yaml", "--seconds", "3000"],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as lab:
        assert lab.stderr is not None
        assert any(b"routers listen" in line for line in lab.stderr)
        inventory = folder / "inventory.yaml"
        inventory.write_text(inventory.read_text() + SINKS)
        assert spi(folder, "sweep", "--save", "captures").returncode == Exit.FINDINGS
        (visit,) = folder.glob("captures/br-001-*/snapshot.json")
        index = json.loads(visit.read_text())
        answers = {entry["command"]: (visit.parent / entry["file"]).read_text() for entry in index["captures"]}
        assert set(SESSION) <= set(answers)
        pasted = "".join(f"br-001#{line}\n{answers[line].strip(chr(10))}\n" for line in SESSION)
        (folder / "session.txt").write_text(pasted + "br-001#\n")
        (folder / "isakmp.txt").write_text(answers["show crypto isakmp sa"])
        yield folder
        lab.terminate()


@pytest.mark.parametrize("line", commands_of(PAGES))
def test_a_command_of_the_pages_runs(line, place):
    command, _, given = line.partition(" < ")
    words = shlex.split(command, comments=True)[1:]
    if words[0] in LONG:
        pytest.skip("long")
    with (place / given if given else Path(os.devnull)).open() as stdin:
        done = spi(place, *words, stdin=stdin)
    assert done.returncode in set(Exit) - {Exit.USAGE}, done.stderr
    assert done.stdout or done.stderr or {"--quiet", "-q", "--json"} & {*words}


def test_there_are_commands_to_run_and_a_wrong_one_would_be_seen(place):
    assert len(commands_of([README])) >= 8
    assert spi(place, "sweeep").returncode == Exit.USAGE
    assert spi(place, "analyze", "nothing.txt").returncode == Exit.USAGE


# the README


def test_the_readme_begins_with_the_answer_and_the_quick_start():
    text = README.read_text(encoding="utf-8")
    first, second = blocks(README)[:2]
    assert first.language == "text"
    assert second.before.rstrip().endswith("\n## Quick start")
    assert second.text.split("\n") == ["make demo", "make test", ""]
    assert text.index("```text") < text.index("## Quick start")


def test_the_output_in_the_readme_is_that_of_the_demo(tmp_path):
    """Its lines stand in a run of today in the same order; times and figures, which move with the clock, aside."""
    printed = spi(tmp_path, "demo").stdout

    def still(text):
        text = re.sub(rf"\b(?:{'|'.join(calendar.month_abbr[1:])})\b", "Mon", text)
        return " ".join(re.sub(r"\d+", "#", text).split())  # wrapped elsewhere where a figure is longer

    today = still(printed)
    for part in re.split(r"^  \.\.\.$", blocks(README)[0].text, flags=re.MULTILINE):
        assert still(part) in today


def test_the_exit_codes_are_those_of_the_program():
    table = rows(README.read_text(encoding="utf-8"), "| code | means |")
    assert [int(code) for code, _ in table] == [code.value for code in Exit]
    assert all(means for _, means in table)


def test_the_rules_are_those_of_the_catalogue():
    table = rows(README.read_text(encoding="utf-8"), "| id | level | what it flags |")
    shown = [(re.findall(r"\[(\w+)\]", identity)[0], level, title) for identity, level, title in table]
    assert shown == [(card.id, card.level + (" (opt-in)" if card.opt_in else ""), card.title) for card in cards()]


def test_the_formats_are_those_of_the_command_line():
    section = README.read_text(encoding="utf-8").partition("## Formats\n")[2].partition("\n## ")[0]
    named = re.findall(r"`([a-z]+)`", section)
    assert [name for name in named if name in set(Format)] == [item.value for item in Format]


def verbs():
    group = typer.main.get_command(application())
    for name, command in group.commands.items():
        below = getattr(command, "commands", None)
        if below:
            yield from (f"{name} {verb}" for verb in below)
        else:
            yield name


@pytest.mark.parametrize("verb", sorted(verbs()))
def test_every_verb_stands_in_the_pages(verb):
    texts = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.parent.name != "decisions")
    texts += README.read_text(encoding="utf-8")
    assert re.search(rf"(?:spi-collector |make |`){verb}\b", texts), verb


# what is made from the program


def generator():
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MADE = generator()


@pytest.mark.parametrize(("file", "text"), [pytest.param(*item, id=item[0].name) for item in MADE.pages().items()])
def test_a_made_page_is_fresh(file, text):
    assert file.read_text(encoding="utf-8") == text, f"{file.relative_to(ROOT)} is stale: make docs"


def test_no_made_page_is_left_over():
    made = {file.name for file in MADE.pages()}
    assert {file.name for folder in ("docs/rules", "contrib/aaa") for file in (ROOT / folder).iterdir()} <= made


def test_make_docs_renews_a_stale_block_and_only_that():
    text = "a\n<!-- rules: x -->\nold\n<!-- /rules -->\nb\n"
    assert MADE.filled(text, {"rules": "new\n"}) == "a\n<!-- rules: x -->\nnew\n<!-- /rules -->\nb\n"
    with pytest.raises(ValueError, match="types"):
        MADE.filled(text, {"types": ""})


def test_the_table_of_errors_is_the_closed_list():
    table = rows((DOCS / "errors.md").read_text(encoding="utf-8"), "| code | phase | tried again | what to do |")
    assert [ErrorCode(code) for code, *_ in table] == list(CODES)
    assert set(CODES) == set(ErrorCode)
    for code, phases, _, hint in table:
        assert (tuple(phases.split(", ")), hint) == (CODES[ErrorCode(code)].phases, CODES[ErrorCode(code)].hint)


def test_every_line_that_can_be_typed_is_told():
    (block,) = blocks(DOCS / "commands.md")
    assert block.text.splitlines() == [*PREPARATION, *(line for each in CATALOGUE for line in each.lines)]


def test_the_command_set_permits_the_catalogue_and_no_more():
    text = (ROOT / "contrib" / "aaa" / "tacacs-command-set.txt").read_text(encoding="utf-8")
    permitted = [line.split(" ", 2)[1:] for line in text.splitlines() if line.startswith("PERMIT ")]

    def allows(line):
        word, _, arguments = line.partition(" ")
        return any(word == command and re.match(pattern, arguments) for command, pattern in permitted)

    filled = [line.replace("{peer}", "192.0.2.1").replace("{vrf}", "RED") for each in CATALOGUE for line in each.lines]
    assert all(map(allows, [*PREPARATION, *filled]))
    bad = (
        "show running-config", "show crypto isakmp key", "show tech-support", "clear crypto sa", "configure terminal",
        "show crypto ipsec sa | redirect flash:x", "show crypto ipsec sa peer 192.0.2.1 | tee flash:x", "show logging x",
        "show platform hardware qfp active statistics drop clear", "terminal length 24",
    )  # fmt: skip
    assert not [line for line in bad if allows(line)]


def test_the_parser_view_admits_no_keyword_behind():
    text = (ROOT / "contrib" / "aaa" / "parser-view.txt").read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines() if line.startswith(" commands exec")]
    assert lines
    assert all(line.startswith("commands exec include ") and "include all" not in line for line in lines)
    assert not re.search(r"clear|running-config view|tech|key", "\n".join(lines))


# pages written by hand


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for link in links(page):
        target, _, anchor = link.partition("#")
        if "://" in target:
            continue
        found = (page.parent / target).resolve() if target else page
        assert found.exists() or found.name in LATER, link
        assert found.is_relative_to(ROOT), link
        if anchor:
            heads = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}, link


def test_every_page_is_reached_from_the_readme():
    reached, waiting = set(), [README]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in links(page):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.is_dir():
                waiting += target.glob("*.md")
            elif target.suffix == ".md" and target.is_file():
                waiting.append(target)
    assert {page for page in PAGES if page not in reached} == set()


def test_make_targets_named_in_the_pages_exist():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        named = re.findall(r"`make ([a-z ]+)`|^make ([a-z]+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert {word for pair in named for text in pair for word in text.split()} <= targets, page.name


def test_files_named_in_the_pages_exist():
    """Paths in backquotes that begin in a folder of ours."""
    named = re.compile(r"`((?:collector|tests|docs|contrib|templates|benchmarks)/[\w./-]+\.\w+)`")
    made_up = ("show_crypto_example", "sinks/ids.py")
    for page in PAGES:
        for path in named.findall(page.read_text(encoding="utf-8")):
            assert (ROOT / path).exists() or any(word in path for word in made_up), f"{page.name}: {path}"


def test_the_schema_is_a_schema():
    schema = json.loads((DOCS / "schema.json").read_text(encoding="utf-8"))
    jsonschema.validators.validator_for(schema).check_schema(schema)
    assert "$schema" in schema


def test_the_table_of_states_is_that_of_the_code():
    text = (DOCS / "how-it-decides.md").read_text(encoding="utf-8")
    table = rows(text, "| row | evidence | state |")
    assert [int(row) for row, *_ in table] == sorted([row for row, _ in ROWS] + [12])
    named = {name for *_, cell in table for name in re.findall(r"`([a-z-]+)`", cell)}
    assert named - {"persistent_span"} == {state.value for state in State}
    order = re.search(r"in this order: ([a-z,\s-]+)\.", text)
    assert order is not None
    told = [name.strip() for name in order[1].replace("\n", " ").split(",")]
    assert told == [state.value for state in FLOW_ORDER if state is not State.COUNTER_ONLY]


def test_the_table_of_outcomes_is_that_of_the_code():
    text = (DOCS / "how-it-decides.md").read_text(encoding="utf-8")
    table = rows(text, "| receiver has the SPI | sender has it | outcome |")
    named = {name for *_, cell in table for name in re.findall(r"`([a-z-]+)`", cell)}
    assert named == {outcome.value for outcome in Outcome}


def test_the_thresholds_can_be_copied_into_a_policy(tmp_path):
    table = rows((DOCS / "how-it-decides.md").read_text(encoding="utf-8"), "| threshold | default | means |")
    lines = [f"  {name.strip('`')}: {default}\n" for name, default, _ in table]
    file = tmp_path / "policy.yaml"
    file.write_text("thresholds:\n" + "".join(lines))
    assert load_policy(file).thresholds == Thresholds()
    assert {name.strip("`") for name, *_ in table} == {field.name for field in fields(Thresholds)}


def test_the_rooms_are_those_of_the_package():
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    table = rows(text, "| floor | room | answers |")
    named = {name for _, room, _ in table for name in re.findall(r"`([a-z]+)`", room)}
    rooms = {folder.parent.name for folder in (ROOT / "collector").glob("*/__init__.py")}
    assert named == rooms | {"errors"}
    for name in re.findall(
        r"`((?:cli|parse|rules|facts|config|correlate|session|collect|history|sinks|model|lab)/[\w/]*(?:\.py)?)`", text
    ):
        assert (ROOT / "collector" / name).exists(), name


def test_pages_hold_no_marketing():
    for page in [README, ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md")]:
        text = page.read_text(encoding="utf-8")
        assert not re.search(
            r"\b(?:powerful|seamless|blazing|cutting-edge|robust|state-of-the-art)\b", text, re.IGNORECASE
        )


def test_budgets_are_those_of_the_session():
    from collector.model import Timeouts
    from collector.session.limits import MEBIBYTE, Limits, Phases

    text = (DOCS / "ssh.md").read_text(encoding="utf-8")
    table = dict(rows(text, "| wait | at most |"))
    ours, phases, limits = Timeouts(), Phases(), Limits()
    assert table["connect"] == f"`timeout.connect`, {ours.connect.total_seconds():g} s"
    assert table["the whole visit"] == f"`timeout.device`, {ours.device.total_seconds():g} s"
    assert (
        table["one command"]
        == f"`timeout.command`, {ours.command.total_seconds():g} s; {limits.idle:g} s without a byte"
    )
    assert table["SSH handshake"] == f"{phases.handshake:g} s"
    assert table["authentication"] == f"{phases.auth:g} s"
    assert table["channel, then shell"] == f"{phases.channel:g} s, {phases.shell:g} s from the login on"
    assert table["first prompt"] == f"{limits.prompt:g} s without a byte"
    assert table["one answer"] == f"{limits.cap // MEBIBYTE} MiB, a log {limits.cap_log // MEBIBYTE} MiB"


def test_courtesy_is_that_of_the_gate():
    from collector.collect.gate import CANARIES, PAUSE, SILENCES
    from collector.collect.plan import MOST, MOST_AUDIT

    text = (DOCS / "ssh.md").read_text(encoding="utf-8")
    assert f"At most {CANARIES} visits at once with a credential" in text
    assert f"{CANARIES} rejections in a row" in text
    assert f"{SILENCES} logins in a row without an answer pause it for {PAUSE:g} s" in text
    assert f"at most {MOST} commands a visit, {MOST_AUDIT} in `audit`" in text
