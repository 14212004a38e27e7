"""Pins of a large fleet: a line a router, whole after a kill at any octet, read by OpenSSH, old files still read."""

from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

from collector.errors import SessionError, StateError
from collector.session import HostKey, Trust, files, identities
from collector.session import trust as trust_module

PINNING = """
import base64, itertools, sys
from pathlib import Path
from collector.session import HostKey, Trust
trust = Trust(Path(sys.argv[1]))
for number in itertools.count(int(sys.argv[2])):
    raw = b"\\0\\0\\0\\x0bssh-ed25519\\0\\0\\0\\x20" + number.to_bytes(32, "big")
    trust.check(f"r{number}.example", 22, HostKey(type="ssh-ed25519", blob=base64.b64encode(raw).decode()), "accept-new")
    trust.identify(f"r{number}", hostname=f"R{number}", serial=f"FTX{number}")
    print(number, flush=True)
"""


def key(number: int) -> HostKey:
    raw = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + number.to_bytes(32, "big")
    return HostKey(type="ssh-ed25519", blob=base64.b64encode(raw).decode())


def pin(trust: Trust, numbers) -> None:
    for number in numbers:
        assert trust.check(f"r{number}.example", 22, key(number), "accept-new") is True
        trust.identify(f"r{number}", hostname=f"R{number}")
        trust.identify(f"r{number}", serial=f"FTX{number}")


def assert_pinned(trust: Trust, number: int) -> None:
    assert trust.keys(f"r{number}.example", 22) == (key(number),)
    with pytest.raises(SessionError):
        trust.identify(f"r{number}", hostname="other")
    with pytest.raises(SessionError):
        trust.identify(f"r{number}", serial="other")


def test_a_first_run_writes_and_reads_each_file_whole_only_now_and_then(tmp_path, monkeypatch):
    written, read = [], []
    replace, index = files.replace_file, trust_module._index
    for module in (identities, trust_module):
        monkeypatch.setattr(module, "replace_file", lambda path, text: written.append(len(text)) or replace(path, text))
    monkeypatch.setattr(trust_module, "_index", lambda lines: read.append(len(lines)) or index(lines))
    monkeypatch.setattr("os.fsync", lambda _descriptor: None)
    trust = Trust(tmp_path)
    pin(trust, range(64))
    small = sum(written)
    pin(trust, range(64, 1000))
    trust.settle()
    size = (tmp_path / "identities.json").stat().st_size
    assert sum(written) - small < 20 * size  # it was 1,900 times
    assert sum(read) == 0  # the index grows with the file
    for number in (0, 63, 64, 999):
        assert_pinned(Trust(tmp_path), number)
    assert (tmp_path / "known_hosts").read_text().count("\n") == 1000
    assert len(json.loads((tmp_path / "identities.json").read_text())) == 1000
    assert {path.name for path in tmp_path.iterdir()} == {
        "known_hosts", "identities.json", ".known_hosts.lock", ".identities.json.lock",
    }  # fmt: skip
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_known_hosts_cut_at_any_octet_costs_at_most_its_last_line(tmp_path):
    pin(Trust(tmp_path), range(2))
    file = tmp_path / "known_hosts"
    whole = file.read_bytes()
    for end in range(whole.index(b"\n") + 1, len(whole)):
        file.write_bytes(whole[:end])
        trust = Trust(tmp_path)
        assert trust.keys("r0.example", 22) == (key(0),)
        assert trust.keys("r1.example", 22) in {(), (key(1),)}
        trust.check("r1.example", 22, key(1), "accept-new")  # never taken for a changed key
        trust.check("r2.example", 22, key(2), "accept-new")
        again = Trust(tmp_path)
        assert [again.keys(f"r{number}.example", 22) for number in range(3)] == [(key(n),) for n in range(3)]


@pytest.mark.parametrize("old", [False, True])
def test_the_journal_cut_at_any_octet_costs_at_most_its_last_line(tmp_path, monkeypatch, old):
    if old:  # a file of before there was a journal
        (tmp_path / "identities.json").write_text('{\n "old": {\n  "hostname": "OLD"\n }\n}\n')
    monkeypatch.setattr(identities, "SMALL", -1)
    monkeypatch.setattr(identities, "SHARE", 0)
    trust = Trust(tmp_path)
    trust.identify("r0", hostname="R0", serial="FTX0")
    trust.forget_identity("r0")
    trust.identify("r0", hostname="R0", serial="FTX1")
    trust.identify("r1", hostname="R1")
    file = tmp_path / "identities.journal"
    whole = file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for end in range(whole.rindex(b"\n", 0, -1) + 1, len(whole)):
        file.write_bytes(whole[:end])
        trust = Trust(tmp_path)
        with pytest.raises(SessionError):
            trust.identify("r0", serial="FTX0")
        trust.identify("r1", hostname="R1")
        trust.identify("r2", hostname="R2")
        for name in ("r1", "r2", *(["old"] if old else [])):
            with pytest.raises(SessionError):
                Trust(tmp_path).identify(name, hostname="other")
    Trust(tmp_path).settle()
    assert not file.exists()
    assert json.loads((tmp_path / "identities.json").read_text()).keys() - {"old"} == {"r0", "r1", "r2"}


def test_a_journal_that_was_folded_and_not_removed_changes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(identities, "SMALL", -1)
    monkeypatch.setattr(identities, "SHARE", 0)
    trust = Trust(tmp_path)
    trust.identify("r0", hostname="R0", serial="FTX0")
    trust.forget_identity("r0")
    trust.identify("r0", hostname="R9")
    journal = (tmp_path / "identities.journal").read_bytes()
    trust.settle()
    (tmp_path / "identities.journal").write_bytes(journal)
    Trust(tmp_path).settle()
    assert json.loads((tmp_path / "identities.json").read_text()) == {"r0": {"hostname": "R9"}}


def test_a_disk_that_takes_half_a_line_keeps_none_of_it(tmp_path, monkeypatch):
    trust = Trust(tmp_path)
    pin(trust, range(1))
    before = (tmp_path / "known_hosts").read_bytes()
    real = os.pwrite

    def full(descriptor, octets, place):
        if place > len(before):
            raise OSError(28, "No space left on device")
        return real(descriptor, octets[:20], place)

    with monkeypatch.context() as patch:
        patch.setattr("os.pwrite", full)
        with pytest.raises(StateError, match="No space left"):
            trust.check("r1.example", 22, key(1), "accept-new")
    assert (tmp_path / "known_hosts").read_bytes() == before
    assert trust.keys("r1.example", 22) == ()
    assert trust.check("r1.example", 22, key(1), "accept-new") is True


def test_what_another_process_pins_is_seen_at_once(tmp_path):
    one, other = Trust(tmp_path), Trust(tmp_path)
    pin(one, range(1))
    assert other.check("r0.example", 22, key(0), "strict") is False
    other.pin("r0.example", 22, key(7))
    with pytest.raises(SessionError):
        one.check("r0.example", 22, key(0), "accept-new")
    other.forget_identity("r0")
    one.identify("r0", hostname="NEW")
    assert (tmp_path / "known_hosts").read_text() == f"r0.example ssh-ed25519 {key(7).blob}\n"


def test_killed_while_it_pins_nothing_that_was_told_is_lost(tmp_path):
    start, told = 0, []
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", PINNING, str(tmp_path), str(start)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            told += [int(process.stdout.readline()) for _ in range(40)]
            process.kill()
            told += [int(line) for line in process.stdout.read().split(b"\n")[:-1]]
        start = told[-1] + 2  # one more may stand there, untold
    trust = Trust(tmp_path)
    for number in told:
        assert_pinned(trust, number)
    for line in (tmp_path / "known_hosts").read_text().splitlines():
        assert len(line.split()) == 3
    json.loads((tmp_path / "identities.json").read_text())


@pytest.mark.skipif(which("ssh-keygen") is None, reason="no ssh-keygen on this machine")
def test_openssh_reads_a_file_that_grew_and_one_that_was_cut(tmp_path):
    pin(Trust(tmp_path), range(5))
    file = tmp_path / "known_hosts"
    file.write_bytes(file.read_bytes()[:-20])
    Trust(tmp_path).check("r5.example", 22, key(5), "accept-new")
    for number in (0, 3, 5):
        found = subprocess.run(
            ["ssh-keygen", "-l", "-F", f"r{number}.example", "-f", str(file)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert key(number).fingerprint in found.stdout
    assert Path(file).read_text().count("\n") == 6
