"""CONTRIBUTING.md holds true: its command, rule and sink are built from the page's own blocks and pass the house's tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from builders import facts, peer
from pages import ROOT, blocks, rows

from collector import rules
from collector.model import Policy, Verdict

PAGE = ROOT / "CONTRIBUTING.md"
NAME = "show_crypto_example"
BLOCKS = blocks(PAGE)
PYTEST = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")


def of(ending):
    """The one block that belongs to a file of this ending."""
    (found,) = [block for block in BLOCKS if block.file and block.file.endswith(ending) and block.language != "diff"]
    return found


def patched(text, diff):
    """`text` with a diff of context and added lines put in; the context must stand there once."""
    lines = diff.splitlines()
    before = "".join(f"{line[1:]}\n" for line in lines if line[0] == " ")
    after = "".join(f"{line[1:]}\n" for line in lines)
    assert all(line[0] in " +" for line in lines)
    assert text.count(before) == 1
    return text.replace(before, after)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the checkout in which the page was followed, and the files that it touched."""
    folder = tmp_path_factory.mktemp("copy")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "collector", folder / "collector", ignore=ignored)
    shutil.copytree(ROOT / "templates", folder / "collector" / "templates", ignore=ignored)  # as the wheel has them
    (folder / "tests").mkdir()
    for test in ("test_house_commands.py", "test_captures.py", "conftest.py"):
        shutil.copy(ROOT / "tests" / test, folder / "tests" / test)
    shutil.copytree(ROOT / "tests" / "captures", folder / "tests" / "captures")
    shutil.copy(ROOT / "pyproject.toml", folder)
    touched = []
    for block in BLOCKS:
        if block.file is None or NAME not in block.file or block.language == "diff":
            continue
        touched.append(block.file)
        place = folder / (f"collector/{block.file}" if block.file.startswith("templates/") else block.file)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(block.text, encoding="utf-8")
    catalogue = folder / "collector" / "commands" / "__init__.py"
    text = catalogue.read_text(encoding="utf-8")
    for block in BLOCKS:
        if block.language == "diff":
            text = patched(text, block.text)
    catalogue.write_text(text, encoding="utf-8")
    return folder, touched


def run(folder, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def test_a_command_is_one_module_one_template_captures_and_one_catalogue_line(copy):
    _, touched = copy
    assert sorted(touched) == [
        f"collector/commands/{NAME}.py",
        f"templates/cisco_ios_{NAME}.textfsm",
        *(
            f"tests/captures/cisco_ios_{NAME}/{name}"
            for name in ("cut_line.txt", "cut_line.yaml", "two_peers.txt", "two_peers.yaml")
        ),
    ]
    added = [line for block in BLOCKS if block.language == "diff" for line in block.text.splitlines() if line[0] == "+"]
    assert len(added) == 2  # its import, and the line


def test_the_house_tests_take_the_new_command(copy):
    folder, _ = copy
    done = run(folder, *PYTEST, "tests", "-k", "house_commands or example")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_house_tests_refuse_it_where_something_is_forgotten(copy, tmp_path):
    folder, _ = copy
    shutil.copytree(folder, tmp_path / "forgetful")
    template = tmp_path / "forgetful" / "collector" / "templates" / f"cisco_ios_{NAME}.textfsm"
    template.write_text(template.read_text().replace("  ^. -> Error\n", ""))
    (tmp_path / "forgetful" / "tests" / "captures" / f"cisco_ios_{NAME}" / "cut_line.txt").unlink()
    done = run(
        tmp_path / "forgetful",
        *PYTEST,
        "tests/test_house_commands.py",
        "-k",
        "example or forgotten",
    )
    assert done.returncode == 1
    for test in ("every_state_ends_in_error", "no_folder_and_no_file", "a_happy_and_an_unhappy", "garbage_is_never"):
        assert test in done.stdout, test


def test_parse_reads_the_new_command_abbreviated(copy):
    folder, _ = copy
    capture = folder / "tests" / "captures" / f"cisco_ios_{NAME}" / "two_peers.txt"
    done = run(folder, "-m", "collector", "parse", "sh crypto exam", str(capture))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["command"], answer["status"], answer["unparsed_lines"]) == ("show crypto example", "parsed", [])
    assert [row["peer"] for row in answer["rows"]] == ["192.0.2.1", "198.51.100.7"]
    listed = run(folder, "-m", "collector", "commands")
    assert "show crypto example" in listed.stdout
    none = folder / "none.txt"
    none.write_text("There are no examples\n")
    assert json.loads(run(folder, "-m", "collector", "parse", "show crypto example", str(none)).stdout) == {
        "command": "show crypto example", "status": "parsed", "reason": "", "rows": [], "unparsed_lines": [],
    }  # fmt: skip


@pytest.mark.parametrize("ending", [f"{NAME}.py", "noc001_ikev1_left.py", "sinks/ids.py"])
def test_the_code_has_the_house_style(ending, tmp_path):
    file = tmp_path / Path(of(ending).file).name
    file.write_text(of(ending).text, encoding="utf-8")
    for arguments in (("check", "--ignore", "INP001"), ("format", "--check")):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "ruff",
                *arguments,
                "--no-cache",
                "--config",
                str(ROOT / "pyproject.toml"),
                str(file),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_site_rule_loads_from_a_folder_and_judges(tmp_path):
    block = of("noc001_ikev1_left.py")
    (tmp_path / Path(block.file).name).write_text(block.text, encoding="utf-8")
    policy = Policy(site_rules=str(tmp_path))
    assert {card.id for card in rules.cards(policy)} > {"NOC001", "SPI001"}

    def verdicts(device):
        return {item.verdict for item in rules.judge(replace(device, policy=policy)) if item.rule == "NOC001"}

    assert verdicts(facts(peers=(peer(),))) == {Verdict.FAIL}
    assert verdicts(facts(peers=(peer(ike_version=2),))) == {Verdict.PASS}
    assert verdicts(facts(peers=(peer(ike_version=None),))) == {Verdict.UNKNOWN}
    assert verdicts(replace(facts(), peers=None)) == {Verdict.UNKNOWN}
    device = replace(facts(peers=(peer(),)), policy=policy)
    (finding,) = [item for item in rules.to_findings(device, rules.judge(device)) if item.rule == "NOC001"]
    assert (finding.title, finding.level.value) == ("IKE version 1 is in use", "note")
    assert rules.page("NOC001", policy).startswith("# NOC001 ikev1-left")


def test_the_sink_prints_findings_and_renders_them_harmless():
    place = {"__name__": "ids"}
    exec(compile(of("sinks/ids.py").text, "ids.py", "exec"), place)
    device = facts(peers=(peer(),))
    found = rules.to_findings(device, rules.judge(device))
    assert found
    hostile = replace(found[0], device="hub\x1b[2J\nforged line")
    report = type("Report", (), {"findings": (hostile, *found[1:])})()
    lines = "".join(place["write"](report, version="0"))
    assert lines.count("\n") == len(found)
    assert "\x1b" not in lines
    assert found[0].id in lines


def test_the_targets_named_are_those_of_the_makefile():
    import re

    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = [row[0] for row in rows(PAGE.read_text(encoding="utf-8"), "| target | does |")]
    assert {f"`make {target}`" for target in targets} == set(named)
