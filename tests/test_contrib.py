"""What stands in contrib/ names options, metrics and commands that exist; and the cron contract of `sweep`."""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import pytest
import typer
import yaml
from servers import stub
from servers.stub import Reply

from collector.cli import _run
from collector.cli.app import application
from collector.cli.heartbeat import beat, checked
from collector.commands import CATALOGUE
from collector.errors import UsageError
from collector.history import run_lock
from collector.inventory.units import duration

ROOT = Path(__file__).parent.parent
CONTRIB = ROOT / "contrib"
METRIC = re.compile(r"\bspi_collector_\w+")


def known_metrics() -> dict[str, set[str]]:
    """Metric -> its labels, as the sink really writes them."""
    text = (ROOT / "tests" / "golden" / "metrics.txt").read_text(encoding="utf-8")
    names = dict.fromkeys(re.findall(r"(?m)^# TYPE (\w+) gauge$", text))
    return {
        name: {label for line in re.findall(rf"(?m)^{name}\{{(.*)\}} ", text) for label in re.findall(r'(\w+)="', line)}
        for name in names
    }


def checked_command(words: list[str]) -> None:
    """`spi-collector VERB ...` parses: verb, options and the kinds of their values."""
    assert Path(words[0]).name == "spi-collector"
    command: click.Command = typer.main.get_command(application())
    rest = words[1:]
    while hasattr(command, "commands"):
        assert rest[0] in command.commands, rest
        command, rest = command.commands[rest[0]], rest[1:]
    command.make_context(words[0], list(rest))
    if "--max-runtime" in rest:
        assert duration(rest[rest.index("--max-runtime") + 1])


def test_the_systemd_units_name_real_options_and_agree_with_each_other():
    service = configparser.ConfigParser(strict=False, interpolation=None)
    service.optionxform = str
    assert service.read(CONTRIB / "systemd" / "spi-collector.service")
    assert set(service.sections()) == {"Unit", "Service", "Install"}
    for key in ("ExecStart", "ExecStartPost"):
        checked_command(shlex.split(service["Service"][key]))
    assert service["Service"]["Type"] == "oneshot"
    assert set(service["Service"]["SuccessExitStatus"].split()) == {"1", "3"}
    words = shlex.split(service["Service"]["ExecStart"])
    most = duration(words[words.index("--max-runtime") + 1])
    timer = configparser.ConfigParser(interpolation=None)
    timer.optionxform = str
    assert timer.read(CONTRIB / "systemd" / "spi-collector.timer")
    assert timer["Timer"]["OnCalendar"] == "*:0/15"
    assert most < duration("15m") <= duration(service["Service"]["TimeoutStartSec"].removesuffix("in"))
    if shutil.which("systemd-analyze"):
        done = subprocess.run(
            ["systemd-analyze", "calendar", timer["Timer"]["OnCalendar"]], capture_output=True, check=False
        )
        assert done.returncode == 0


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_units(tmp_path):
    for unit in (CONTRIB / "systemd").iterdir():  # only the program is not where they say
        text = unit.read_text().replace("/usr/local/bin/spi-collector", "/bin/true")
        (tmp_path / unit.name).write_text(text)
    units = sorted(tmp_path.iterdir())
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    assert not [line for line in done.stderr.splitlines() if "spi-collector" in line]


def test_the_textfile_of_the_unit_is_where_node_exporter_may_read_it():
    service = (CONTRIB / "systemd" / "spi-collector.service").read_text()
    (place,) = re.findall(r"--metrics %t/(\S+)/\S+\.prom", service)
    assert f"\nRuntimeDirectory={place}\n" in service
    assert "\nRuntimeDirectoryMode=0755\n" in service
    assert f"textfile.directory=/run/{place}\n" in service


def test_the_crontab_says_what_cron_does_not_know_and_runs_commands_that_exist():
    lines = [
        line for line in (CONTRIB / "crontab").read_text().splitlines() if line.strip() and not line.startswith("#")
    ]
    known = dict(line.split("=", 1) for line in lines[:-1])
    assert {"PATH", "SPI_STATE", "SPI_USERNAME"} <= set(known)
    assert "/usr/local/bin" in known["PATH"].split(":"), "cron looks in /usr/bin and /bin only"
    fields = lines[-1].split(None, 6)
    assert fields[:5] == ["*/15", "*", "*", "*", "*"]
    assert fields[5] == "spi-collector", "who runs it: the file is one for /etc/cron.d"
    assert "%" not in fields[6], "cron takes a % for a line break"
    for command in fields[6].split(";"):
        checked_command(shlex.split(command))


def typed() -> list[str]:
    """Every line of the catalogue, with some values filled in."""
    lines = ["terminal length 0", "terminal width 511", *(line for command in CATALOGUE for line in command.lines)]
    values = {"{peer}": ("192.0.2.1", "2001:db8::a1"), "{vrf}": ("CUST-A.1:b_2",), "{name}": ("M-1",)}
    for key, many in values.items():
        lines = [line.replace(key, value) for line in lines for value in (many if key in line else ("",))]
    return lines


def test_the_command_set_permits_every_line_that_is_typed_and_no_other():
    rules = [
        line.split(" ", 2)
        for line in (CONTRIB / "aaa" / "tacacs-command-set.txt").read_text().splitlines()
        if line.startswith("PERMIT ")
    ]

    def permitted(line: str) -> bool:
        verb, _, arguments = line.partition(" ")
        return any(word == verb and re.search(pattern, arguments) for _, word, pattern in rules)

    assert len(typed()) > 40
    assert [line for line in typed() if not permitted(line)] == []
    others = [
        line + more
        for line in typed()
        for more in (" clear", " | redirect flash:x", " | append flash:x", "!", " detail all")
    ]
    others += [
        "show running-config",
        "show tech-support",
        "show crypto isakmp key",
        "configure terminal",
        "clear crypto sa",
    ]
    assert [line for line in others if permitted(line)] == []


def test_the_view_includes_every_command_that_is_typed():
    text = (CONTRIB / "aaa" / "parser-view.txt").read_text()
    included = re.findall(r"(?m)^ commands exec include (?!all)(.+)$", text)
    for line in typed():
        words = line.partition(" |")[0]  # a view knows the command, not what a pipe does with its answer
        assert any(words == one or words.startswith(one + " ") for one in included), line


def expressions() -> dict[str, str]:
    rules = yaml.safe_load((CONTRIB / "prometheus" / "spi_collector.rules.yml").read_text())
    assert list(rules) == ["groups"]
    found = {}
    for group in rules["groups"]:
        assert set(group) == {"name", "rules"}
        for rule in group["rules"]:
            assert {"alert", "expr", "labels", "annotations"} <= set(rule) <= {
                "alert", "expr", "for", "labels", "annotations",
            }  # fmt: skip
            assert rule["labels"]["severity"] in {"critical", "warning", "info"}
            found[rule["alert"]] = rule["expr"]
    board = json.loads((CONTRIB / "grafana" / "spi-collector.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            found[panel["title"]] = target["expr"]
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            found[variable["name"]] = variable["query"]
    return found


def test_alert_rules_and_dashboard_ask_for_metrics_and_labels_that_are_written():
    known = known_metrics()
    found = expressions()
    assert any("time()" in text and "last_success" in text for text in found.values()), "no dead man's switch"
    for title, text in found.items():
        assert text.count("(") == text.count(")"), title
        names = METRIC.findall(text)
        assert names, title
        assert set(names) <= set(known), title
        for name, inside in re.findall(r"(spi_collector_\w+)\{([^}]*)\}", text):
            labels = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", inside))
            assert labels <= known[name], title
        for inside in re.findall(r"by \(([^)]*)\)", text):
            assert {one.strip() for one in inside.split(",")} <= set.union(*(known[name] for name in names)), title


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_accepts_the_rules():
    subprocess.run(["promtool", "check", "rules", CONTRIB / "prometheus" / "spi_collector.rules.yml"], check=True)


def test_a_heartbeat_touches_a_file_or_asks_a_url_and_tells_no_path(tmp_path):
    file = tmp_path / "alive"
    assert beat(str(file)) == ""
    os.utime(file, (1, 1))
    assert beat(str(file)) == ""
    assert file.stat().st_mtime > 1
    assert "could not touch" in beat(str(tmp_path / "none" / "x"))
    with stub.http(lambda told: Reply(200 if told.path == "/ping/secret" else 500)) as server:
        assert beat(f"{server.url}/ping/secret") == ""
        problem = beat(f"{server.url}/other-secret")
        assert [told.method for told in server.told] == ["GET", "GET"]
    assert "HTTP 500" in problem
    assert "secret" not in problem
    for text in ("ftp://x/y", "http://", str(tmp_path / "none" / "x")):
        with pytest.raises(UsageError, match="--heartbeat"):
            checked(text)


def inventory(folder: Path) -> Path:
    file = folder / "inventory.yaml"
    file.write_text(
        "defaults: {username: u, password: {env: SPI_TEST_PASSWORD}, timeout: {connect: 1}}\n"
        "hosts: {r1: {hostname: 127.0.0.1, port: 9}}\n"
    )
    return file


def test_a_run_that_read_nothing_sends_no_heartbeat(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPI_TEST_PASSWORD", "x")
    alive = tmp_path / "alive"
    state = str(tmp_path / "state")
    command = ["sweep", "-i", str(inventory(tmp_path)), "--state", state, "--quiet", "--heartbeat", str(alive)]
    assert _run(command) == 4
    assert not alive.exists()
    capsys.readouterr()


def test_two_sweeps_at_once_one_leaves_with_75(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPI_TEST_PASSWORD", "x")
    state = tmp_path / "state"
    state.mkdir()
    with run_lock(state):
        assert _run(["sweep", "-i", str(inventory(tmp_path)), "--state", str(state), "--quiet"]) == 75
    assert f"pid {os.getpid()}" in capsys.readouterr().err


def test_the_textfile_can_be_read_by_node_exporter(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPI_TEST_PASSWORD", "x")
    file = tmp_path / "spi.prom"
    state = str(tmp_path / "state")
    assert _run(["sweep", "-i", str(inventory(tmp_path)), "--state", state, "-q", "--metrics", str(file)]) == 4
    assert file.stat().st_mode & 0o777 == 0o644
    assert "last_success" not in file.read_text()
    capsys.readouterr()
