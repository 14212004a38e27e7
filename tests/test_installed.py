"""What is installed is whole: every package folder is listed, templates are readable, and light verbs stay light."""

from __future__ import annotations

import importlib.resources
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import collector

ROOT = Path(__file__).parent.parent
PACKAGE = Path(collector.__file__).parent


def test_every_package_folder_is_in_the_packages_list():
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    folders = {".".join(file.parent.relative_to(PACKAGE.parent).parts) for file in PACKAGE.rglob("__init__.py")}
    assert folders | {"collector.templates"} == listed


def test_templates_are_read_as_a_package_resource():
    names = [item.name for item in importlib.resources.files("collector.templates").iterdir()]
    assert "cisco_ios_show_privilege.textfsm" in names


@pytest.mark.parametrize("arguments", [["--help"], ["rules"], ["commands"]])
def test_light_verbs_import_no_netmiko(arguments):
    program = (
        "import sys, json\nfrom collector.cli import _run\n"
        f"code = _run({arguments!r})\n"
        "heavy = [m for m in ('netmiko', 'paramiko', 'asyncssh', 'ntc_templates') if m in sys.modules]\n"
        "print(json.dumps([int(code), heavy]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]
