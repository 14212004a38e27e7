"""The rules of the house that no linter knows. Those for commands and templates stand in test_house_commands.py."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from dataclasses import fields
from pathlib import Path
from shutil import which

import pytest

import collector.rules
import collector.sinks
from collector.cli.options import Format
from collector.errors import CODES, ErrorCode
from collector.model import Facts
from collector.parse import redact
from collector.rules import CATALOGUE
from collector.rules.module import SECTIONS, check

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "collector"
MODULES = sorted(PACKAGE.rglob("*.py"))
SOURCES = [
    *MODULES,
    *(file for folder in ("tests", "benchmarks", "docs") for file in sorted((ROOT / folder).rglob("*.py"))),
]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RULE_FILES = sorted((PACKAGE / "rules").glob("spi*.py"))


def tracked():
    """The files that git knows, else those that lie there (a copy without .git)."""
    if which("git"):
        known = ["git", "-c", "safe.directory=*", "ls-files", "-z"]  # whoever owns the checkout
        done = subprocess.run(known, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]
    return [file for file in ROOT.rglob("*") if file.is_file() and not any(map(made, file.relative_to(ROOT).parts))]


def made(part):
    """True for the folders that tools make beside the sources."""
    own = part.startswith(".") and part not in {".ci", ".gitignore"}
    return own or part in {"build", "dist", "__pycache__", "mutants"} or part.endswith(".egg-info")


def named(file):
    return str(file.relative_to(ROOT))


def tree(file):
    return ast.parse(file.read_text(encoding="utf-8"))


def room(file):
    """The room of a module: "rules", "errors", ..."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


# rules


def test_every_rule_file_is_in_the_catalogue_and_bears_its_name():
    assert [module.__name__.rsplit(".", 1)[-1] for module in CATALOGUE] == [file.stem for file in RULE_FILES]
    for module in CATALOGUE:
        stem = module.__name__.rsplit(".", 1)[-1]
        assert stem == f"{module.RULE.id.lower()}_{module.RULE.name.replace('-', '_')}"


@pytest.mark.parametrize("module", CATALOGUE, ids=lambda module: module.RULE.id)
def test_a_rule_has_its_sections_needs_facts_and_says_something(module):
    check(module, module.RULE.id)
    texts = re.split(r"^## (.+)$", module.__doc__, flags=re.MULTILINE)
    assert texts[1::2] == list(SECTIONS)
    assert all(len(text.split()) >= 3 for text in texts[2::2])
    assert set(module.RULE.needs) <= {field.name for field in fields(Facts)}
    assert module.RULE.title
    assert module.RULE.references


@pytest.mark.parametrize("module", CATALOGUE, ids=lambda module: module.RULE.id)
def test_a_rule_has_fail_pass_and_unknown_cases(module):
    folder = ROOT / "tests" / "cases" / module.RULE.id
    cases = [case for case in folder.iterdir() if case.is_dir()]
    assert {case.name.split("_")[0] for case in cases} == {"fail", "pass", "unknown"}
    for case in cases:
        assert (case / "expected.yaml").is_file(), named(case)
        assert list(case.glob("*/snapshot.json")), named(case)


def test_no_case_belongs_to_no_rule():
    ids = {module.RULE.id for module in CATALOGUE}
    assert {folder.name for folder in (ROOT / "tests" / "cases").iterdir()} <= ids


# sinks and codes


def test_every_format_has_its_sink_and_every_sink_its_format():
    assert list(collector.sinks.FORMATS) == [item.value for item in Format]
    writers = {
        file.stem
        for file in (PACKAGE / "sinks").glob("*.py")
        if any(isinstance(node, ast.FunctionDef) and node.name == "write" for node in tree(file).body)
    }
    assert writers == set(collector.sinks.FORMATS)


def test_every_code_has_its_facts():
    assert list(CODES) == list(ErrorCode)
    assert all(known.hint and known.phases for known in CODES.values())


# floors


def contracts():
    return {contract["name"].split(":")[0]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]}


def test_the_floors_stand_and_every_room_has_one():
    floors = contracts()["floors"]
    assert (floors["type"], floors["containers"], floors["exhaustive"]) == ("layers", ["collector"], True)
    on_floors = {name.strip() for floor in floors["layers"] for name in floor.split("|")}
    rooms = {room(file) for file in MODULES} - {"__init__"}
    assert on_floors | set(floors["exhaustive_ignores"]) == rooms | {"templates"}
    assert set(floors["exhaustive_ignores"]) == {"lab", "templates", "__main__"}


def test_the_other_contracts_stand():
    found = contracts()
    assert set(found) == {"floors", "rules are pure", "one door to the network", "the lab is a guest"}
    assert found["one door to the network"]["allowed_importers"] == ["collector.session"]
    assert found["the lab is a guest"]["allowed_importers"] == ["collector.cli"]
    assert {"netmiko", "textfsm", "yaml", "sqlite3", "time", "os"} <= set(found["rules are pure"]["forbidden_modules"])


def test_nothing_but_cli_speaks_of_the_lab():
    for file in MODULES:
        if room(file) not in {"lab", "cli"}:
            assert not re.search(r"\blabs?\b|simulat", file.read_text(encoding="utf-8"), re.IGNORECASE), named(file)


def test_the_lab_knows_nothing_of_the_rest():
    for file in MODULES:
        if room(file) != "lab":
            continue
        for node in ast.walk(tree(file)):
            module = node.module if isinstance(node, ast.ImportFrom) else ""
            names = [module] if module else [name.name for name in getattr(node, "names", ()) if hasattr(name, "name")]
            ours = {name.split(".")[1] for name in names if isinstance(name, str) and name.startswith("collector.")}
            assert ours <= {"lab", "model", "errors"}, named(file)


# time

ASK_THE_CLOCK = {"cli", "collect", "history", "lab", "session"}
DELIVER_NOW = {"sinks/alertmanager.py", "sinks/email.py", "sinks/transport.py"}  # a delivery has a date of its own


def test_the_clock_is_asked_where_it_may_be():
    wall = {("datetime", "now"), ("datetime", "today"), ("date", "today"), ("time", "time"), ("datetime", "utcnow")}
    for file in MODULES:
        if room(file) in ASK_THE_CLOCK or str(file.relative_to(PACKAGE)) in DELIVER_NOW:
            continue
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
                owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
                assert (owner, node.attr) not in wall, f"{named(file)}:{node.lineno}"


def test_no_randomness_where_two_runs_must_be_equal():
    dice = {"random", "secrets", "uuid"}
    allowed = {"cli", "collect", "history", "lab", "session", "snapshot", "sinks"}  # jitter, ids, temporary names
    for file in MODULES:
        if room(file) in allowed:
            continue
        for node in ast.walk(tree(file)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not dice & {*names, node.module if isinstance(node, ast.ImportFrom) else ""}, named(file)


# every file


def test_every_file_says_what_it_is():
    assert [named(file) for file in SOURCES if not ast.get_docstring(tree(file))] == []


def test_every_exception_from_a_lint_rule_has_its_reason():
    for file in MODULES:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            if "# noqa" in line:
                assert re.search(r"# noqa: [A-Z]+\d+(?:, [A-Z]+\d+)* - \S", line), f"{named(file)}:{number}"
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for line in text.partition("ignore = [\n")[2].partition("\n]")[0].splitlines():
        assert re.search(r'^    "[A-Z0-9]+", # \S', line), line


BROAD = {
    "cli/__init__.py",  # the last border: one line, never a traceback
    "collect/pool.py",  # raised again where the result is asked for
    "collect/visits.py",  # a defect costs one device, not the run
    "collect/worker.py",  # told to the run, which ends as if it had happened there
    "lab/running.py",  # handed to the thread that waits
    "rules/engine.py",  # a site's rule; one of ours goes up as it is
    "rules/site.py",  # a site's file
    "session/connection.py",  # whatever the library raises is classified
    "session/fetch.py",  # the same
    "session/jump.py",  # the same
    "session/secrets.py",  # a keyring's backends raise what they like
}


def test_broad_excepts_stand_at_borders_only():
    for file in MODULES:
        for node in ast.walk(tree(file)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = node.type.id if isinstance(node.type, ast.Name) else None if node.type else "everything"
            again = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in node.body)  # cleaning up
            if caught in {"Exception", "BaseException", "everything"} and not again:
                assert str(file.relative_to(PACKAGE)) in BROAD, f"{named(file)}:{node.lineno}"


MACHINE = re.compile(
    r"(?<![\w.])/(?:home|root|work|Users|mnt|workspace)/\w"
    r"|\bpypi\.[a-z]|pythonhosted\.|[-_]index[-_]url\s*[ =]\s*\S*http|artifactory|proxy\.golang|npmjs\.|docker\.io"
)


def test_no_file_knows_a_machine_or_a_registry():
    for file in tracked():
        if file == Path(__file__):
            continue
        text = file.read_bytes().decode("utf-8", "replace")
        found = MACHINE.search(text)
        assert found is None, f"{named(file)}: {found[0] if found else ''}"


def test_the_lock_file_holds_hashes_and_no_address():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    pinned = re.findall(r"^[a-zA-Z0-9_.-]+(?:\[[\w,]+\])?==", text, re.MULTILINE)
    assert len(pinned) > 30
    assert text.count("--hash=sha256:") >= len(pinned)


# captures

FOLDERS = ("captures", "cases", "configs", "sessions", "expected")
# what stands in captures where a key would, for tests of what is said around it
NO_KEYS = re.compile(
    r"EXAMPLE|addr|[\d.]+\.\d+|<(?:key|removed|masked|secret)>,?|(?:0123)?4?567(?:89)?|0123(?:456789)?|REDACTED|x{3,}|\*+",
    re.IGNORECASE,
)
PLANTED = {"s3cretKEY99"}  # keys made up to see them masked
CERTIFICATES = {"show-run-whole-paste.txt"}  # the first lines of a certificate, which is public


def texts():
    return [
        file
        for folder in FOLDERS
        for file in sorted((ROOT / "tests" / folder).rglob("*"))
        if file.suffix in {".txt", ".log"}
    ]


def unmasked(text):
    """(line, words) for the words that masking would take away."""
    for line, masked in zip(text.splitlines(), redact(text).splitlines(), strict=False):
        if line != masked:
            kept = masked.split()
            yield line, [word for word in line.split() if word not in kept and not NO_KEYS.fullmatch(word.strip('"'))]


def test_no_capture_holds_an_unmasked_key():
    assert texts()
    for file in texts():
        if file.name in CERTIFICATES:
            continue
        text = file.read_bytes().decode("utf-8", "backslashreplace")
        for line, words in unmasked(text):
            assert set(words) <= PLANTED, f"{named(file)}: {line.strip()}"


@pytest.mark.parametrize(
    "line",
    ["crypto isakmp key Sommer2026 address 192.0.2.1", " pre-shared-key 6 AbCdEfGhIjK", "enable secret 9 $9$abc$def"],
)
def test_a_key_would_be_seen(line):
    assert [words for _, words in unmasked(f"hostname R1\n{line}\nend\n") if words]
