"""FAULTS G4: planted secrets, the routers' and our own, in every output, file, log and process list: none.

Routers of the lab answer as usual, with one line of each form of key that a router may print planted into every answer;
our own password, enable secret and tracker token come from variable, file and command.
"""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import sys
import threading
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import pytest
from promises import CREDENTIALS, command, environment
from servers import stub
from test_redact import FORMS, TO_THE_END

from collector.cli import _run
from collector.lab import offline, scenario
from collector.lab.faults import ENABLE, PASSWORD, Faults, Router
from collector.lab.world import World

PLANTED = "Zk{:03d}qCANARYq7"
MARK = b"qCANARYq7"
TOKEN = "tracker-qCANARYq7"
HEARTBEAT = "beat-qCANARYq7"
OURS = (PASSWORD.encode(), ENABLE.encode(), MARK)
NOW = datetime.now(UTC)  # noqa: TID251 - what the routers of this module take for now
LINES = [form.replace("{}", PLANTED.format(number)) for number, form in enumerate((*FORMS, *TO_THE_END))]
LOGGED = [
    f"*{NOW:%b %e %H:%M:%S}.123: %PARSER-5-CFGLOG_LOGGEDCMD: User:ops  logged command:{line.strip()}"
    for line in LINES
    if "%PARSER" not in line and "#" not in line and "--" not in line and not line.strip()[0].isupper()  # is typed
]
SITE = """
import logging, os
logging.basicConfig(level=logging.DEBUG, filename=os.environ["SPI_P_LOG"])
for name in ("paramiko", "paramiko.transport", "netmiko", "urllib3", "asyncio"):
    logging.getLogger(name).setLevel(logging.DEBUG)
"""


# a command that gives a password, but not before the process list was looked at while it ran (or nobody looks)
SLOW = """
import os, sys, time
end = time.monotonic() + 15
while not os.path.exists(sys.argv[1]) and time.monotonic() < end:
    time.sleep(0.02)
print(open(sys.argv[2]).read())
"""


class Planted(Mapping[str, str]):
    """What a router of the lab answers, with the forms planted: all of them in configuration and log, one elsewhere."""

    def __init__(self, name: str) -> None:
        self.world = World(scenario.load("static-crypto-map", epoch=NOW), lambda: NOW)
        self.name = name
        self.count = 0

    def __contains__(self, line: object) -> bool:
        return isinstance(line, str) and line.startswith("show ")

    def __getitem__(self, line: str) -> str:
        (text,) = offline.answers(self.world, self.name, [line])
        text = text.rstrip("\n") + "\n"
        self.count += 1
        if line.startswith("show running-config"):
            return text.replace("end\n", "") + "\n".join(LINES) + "\nend\n"
        if line.startswith("show logging"):
            return text + "\n".join(LOGGED) + "\n"
        if line.startswith(("show version", "show clock", "show privilege")):
            return text
        return text + LINES[self.count % len(LINES)] + "\n"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1


BANNER = f"\nenable secret 5 {PLANTED.format(900)}\n* the password is {PLANTED.format(901)} *\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Routers, a tracker, an inventory; and what every run of this module printed."""
    folder = tmp_path_factory.mktemp("secrets")
    keys = folder / "keys"
    keys.mkdir(mode=0o700)
    for name, value in (("password", PASSWORD), ("wrong", "wrong-qCANARYq7"), ("token", TOKEN)):
        (keys / name).write_text(value + "\n")
        (keys / name).chmod(0o600)
    (keys / "sitecustomize.py").write_text(SITE)
    with Faults() as faults, stub.http(lambda _told: stub.Reply(201, {"id": 7})) as tracker:
        routers = {
            "left": faults.start(
                "none", router=Router(hostname="left", greeting=BANNER, outputs=Planted("left")), lifetime=3600
            ),
            "right": faults.start(
                "none",
                router=Router(hostname="right", sign=">", enable=ENABLE, greeting=BANNER, outputs=Planted("right")),
                lifetime=3600,
            ),
            "wrong": faults.start("none", lifetime=3600),
            "asks": faults.start("ask-in-command", lifetime=3600),
            "enable": faults.start("enable-bad", lifetime=3600),
        }
        slow = f"{sys.executable} -S {keys / 'slow.py'} {keys / 'looked'} {keys / 'password'}"
        (keys / "slow.py").write_text(SLOW)
        more = {
            "left": f"password: {{command: '{slow}'}}",
            "right": f"password: {{file: {keys / 'password'}}}",
            "wrong": f"password: {{file: {keys / 'wrong'}}}",
            "asks": "password: {env: SPI_P_PASSWORD}",
            "enable": "password: {env: SPI_P_PASSWORD}",
        }
        hosts = "".join(
            f"  {name}: {{hostname: {server.host}, port: {server.port}, platform: cisco_xe, {more[name]}}}\n"
            for name, server in routers.items()
        )
        inventory = folder / "inventory.yaml"
        inventory.write_text(
            f"version: 1\ndefaults:\n  username: {USERNAME_REFERENCE}\n  secret: {{env: SPI_P_ENABLE}}\n"
            f"  logins_per_second: 50\nhosts:\n{hosts}sinks:\n"
            f"  hook: {{type: http, preset: webhook, url: '{tracker.url}', min_level: note,"
            f" auth: {{token: {{file: {keys / 'token'}}}}}}}\n"
            f"  hook2: {{type: http, preset: webhook, url: '{tracker.url}', min_level: note,"
            " auth: {user: u, password: {env: SPI_P_TOKEN}}}\n"
        )
        inventory.chmod(0o600)
        yield folder, inventory, tracker, f"{tracker.url}/{HEARTBEAT}"


USERNAME_REFERENCE = "{env: SPI_P_USER}"
SETTINGS = {"SPI_DEBUG": "1", "SPI_P_TOKEN": TOKEN}


class Watch:
    """Looks at the processes below one: command lines of all, the environment of its children."""

    def __init__(self, parent: int, looked: Path) -> None:
        self.parent = parent
        self.looked = looked
        self.seen: dict[str, bytes] = {}
        self.children = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.is_set():
            for pid in self._family():
                with suppress(OSError):
                    self.seen[f"cmdline of {pid}"] = Path(f"/proc/{pid}/cmdline").read_bytes()
                    if pid != self.parent:
                        words = Path(f"/proc/{pid}/environ").read_bytes()
                        if Path(f"/proc/{pid}/cmdline").read_bytes() != self.seen[f"cmdline of {self.parent}"]:
                            self.seen[f"environment of {pid}"] = words  # between fork and exec it is still the parent's
                            self.children += 1
                            self.looked.touch()
            time.sleep(0.02)

    def _family(self) -> list[int]:
        family = [self.parent]
        for pid in family:
            with suppress(OSError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    family += [int(child) for child in (task / "children").read_text().split()]
        return family


@pytest.fixture(scope="module")
def swept(place):
    """One sweep with everything on. (exit code, stdout, stderr, what the process list showed)."""
    import subprocess

    folder, inventory, _, beat = place
    words = command(
        *("sweep", "-i", str(inventory), "--state", str(folder / "state"), "--save", str(folder / "saved")),
        *("--format", "json", "--html", str(folder / "page.html"), "--metrics", str(folder / "m.prom")),
        python=("-X", "dev"),
    )
    env = environment(
        {**SETTINGS, "PYTHONPATH": str(folder / "keys"), "SPI_P_LOG": str(folder / "debug.log"), "SPI_HEARTBEAT": beat}
    )
    with (
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as process,
        Watch(process.pid, folder / "keys" / "looked") as watch,
    ):
        out, err = process.communicate(timeout=400)
    return process.returncode, out, err, watch


def assert_none(data: bytes, where: object) -> None:
    for secret in OURS:
        at = data.find(secret)
        assert at < 0, f"{where}: {data[max(0, at - 120) : at + 40]!r}"


def pieces(file: Path) -> Iterator[bytes]:
    """A file's bytes, and what is compressed in it."""
    raw = file.read_bytes()
    yield raw
    if raw.startswith(b"SQLite format 3"):
        with sqlite3.connect(file) as db:
            for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
                for row in db.execute(f"select * from {table}"):
                    for value in row:
                        yield str(value).encode()
                        if isinstance(value, bytes):
                            yield zlib.decompress(value)
        db.close()


def test_what_was_planted_was_seen_by_the_run(swept):
    """The other tests prove nothing where the lines did not arrive."""
    code, out, err, watch = swept
    assert code == 3, err
    document = json.loads(out)
    devices = {device["name"]: device for device in document["devices"]}
    for name in ("left", "right"):
        asked = {capture["command"].split(" |")[0] for capture in devices[name]["captures"]}
        assert {"show running-config", "show logging", "show crypto isakmp sa"} <= asked
    assert [failure["code"] for failure in devices["wrong"]["failures"]] == ["E_AUTH_REJECTED"]
    assert {f["code"] for name in ("asks", "enable") for f in devices[name]["failures"]} & {"E_ENABLE_REJECTED"}
    assert document["findings"]
    assert watch.children
    assert len(LINES) >= 60


def test_stdout_stderr_and_the_process_list(swept):
    _, out, err, watch = swept
    assert_none(out, "stdout")
    assert_none(err, "stderr")
    assert b"Traceback" not in err
    assert b"ResourceWarning" not in err, err.decode()
    for where, data in watch.seen.items():
        assert_none(data, where)


def test_every_file_of_a_run(place, swept):
    folder = place[0]
    masked = 0
    files = [
        file
        for file in folder.rglob("*")
        if file.is_file() and "keys" not in file.parts and file.name != "inventory.yaml"
    ]
    assert {"ledger.sqlite3", "known_hosts", "page.html", "m.prom", "debug.log", "snapshot.json"} <= {
        f.name for f in files
    }
    for file in files:
        for piece in pieces(file):
            assert_none(piece, file)
            masked += piece.count(b"<masked>")
        public = file.suffix == ".prom" or file.name == "debug.log"  # node_exporter's, and of this test
        assert public or stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert masked > 2 * len(LINES)
    for entry in (folder / "state", folder / "saved", *(folder / "saved").iterdir()):
        assert stat.S_IMODE(entry.stat().st_mode) == 0o700, entry


def verbs(folder: Path, inventory: Path, finding: str) -> list[list[str]]:
    at = ["-i", str(inventory), "--state", str(folder / "state")]
    state = ["--state", str(folder / "state")]
    saved = str(folder / "saved")
    raw = str(folder / "keys" / "paste.txt")
    return [
        ["audit", "right", *at, "-f", "table", "--html", str(folder / "audit.html")],
        ["doctor", "left", *at],
        ["trust", "left", "right", "--show", *at],
        ["trust", "left", *at],
        *(["analyze", saved, "-f", form] for form in ("table", "json", "jsonl", "csv", "markdown")),
        ["analyze", raw, "-f", "json"],
        ["analyze", raw, "-o", str(folder / "raw.html"), "-f", "table"],
        ["parse", "show logging", str(folder / "keys" / "log.txt")],
        ["parse", "show running-config", str(folder / "keys" / "config.txt")],
        ["parse", "show crypto isakmp sa", str(folder / "keys" / "log.txt")],
        ["explain", finding, *state],
        ["explain", finding, saved],
        ["findings", *state, "--json"],
        ["report", *state, "-o", str(folder / "report.html")],
        ["inventory", "show", "-i", str(inventory)],
        ["inventory", "check", "-i", str(inventory)],
        ["tickets", "plan", "--sink", "hook", *at],
        ["tickets", "plan", "--sink", "hook2", *at],
        ["tickets", "apply", "--sink", "hook", *at],
        ["tickets", "apply", "--sink", "hook2", *at],
    ]


def test_every_other_verb(place, swept, capsys, monkeypatch):
    folder, inventory, tracker, _ = place
    keys = folder / "keys"
    paste = Planted("left")
    typed = ["show running-config | section ^crypto", "show logging", "show crypto map"]
    (keys / "paste.txt").write_text("".join(f"left#{line}\n{paste[line]}" for line in typed) + "left#\n")
    (keys / "log.txt").write_text(paste["show logging"])
    (keys / "config.txt").write_text(paste["show running-config | section ^crypto"])
    finding = json.loads(swept[1])["findings"][0]["id"]

    for name, value in {**CREDENTIALS, **SETTINGS}.items():
        monkeypatch.setenv(name, value)
    before = os.umask(0o077)
    capsys.readouterr()
    try:
        for words in verbs(folder, inventory, finding):
            code = _run(words)
            out, err = capsys.readouterr()
            assert code in {0, 1, 3}, (words, err)
            assert out or "-o" in words, (words, err)
            assert_none(out.encode(), words)
            assert_none(err.encode(), words)
    finally:
        os.umask(before)
    posted = [told for told in tracker.told if told.method != "GET"]
    assert posted
    assert any(TOKEN in value for told in posted for value in told.headers.values())  # it was used where it belongs
    for told in posted:
        assert_none(told.body.encode(), "ticket")
        assert_none(told.path.encode(), "ticket")


def test_every_file_after_all_verbs(place, swept):
    test_every_file_of_a_run(place, swept)


def test_a_defect_shows_no_secret_even_with_a_traceback(place, tmp_path):
    """SPI_DEBUG=1 prints the traceback of a defect; a credential that was resolved is not in it."""
    _, inventory, _, _ = place
    script = (
        "import sys, traceback\n"
        "import collector.session.shell as shell\n"
        "import collector.facts.build as build\n"
        "from collector import facts\n"
        "def broken(*_a, **_k): raise RuntimeError('planted defect')\n"
        "facts.build = broken\n"
        "from collector.cli import _run\n"
        "try:\n    _run(sys.argv[1:])\n"
        "except RuntimeError:\n"
        "    print(''.join(traceback.TracebackException(*sys.exc_info(), capture_locals=True).format()))\n"
    )
    import subprocess

    done = subprocess.run(
        [sys.executable, "-c", script, "sweep", "-i", str(inventory), "--limit", "right", "--state", str(tmp_path)],
        capture_output=True,
        env=environment(SETTINGS),
        timeout=400,
        check=False,
    )
    assert b"planted defect" in done.stdout, done.stderr
    assert_none(done.stdout, "traceback with locals")
    assert_none(done.stderr, "stderr")
