"""Host keys and identities: pinned on disk, a changed key gets nothing, strict means strict."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import multiprocessing
import stat
import subprocess
import time
from shutil import which

import asyncssh
import pytest
from faulty import device_of, has_name, look

from collector.cli import _run
from collector.errors import ErrorCode, SessionError, StateError
from collector.inventory import load
from collector.lab.faults import Faults, Router
from collector.model import SshSettings
from collector.session import HostKey, Trust
from collector.session.trust import entry_name, replace_file

KEY = HostKey(type="ssh-ed25519", blob="AAAAC3NzaC1lZDI1NTE5AAAAIMh1S/lfQ5qKpQGBBBxlVt9LzSbWnc1mJ2nZ1vzQGZ0p")
OTHER = HostKey(type="ssh-ed25519", blob="AAAAC3NzaC1lZDI1NTE5AAAAIIv9mYb0oH3zJxq4BxSgQ2vP4xJ6b2y1m8b3m0T2QF0F")


@pytest.fixture(scope="module")
def faults():
    with Faults() as running:
        yield running


def restart(faults, server):
    """The same address and port with another key."""
    server.stop()
    for _ in range(500):
        try:
            return faults.start("none", key=asyncssh.generate_private_key("ssh-ed25519"), port=server.port)
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the port did not come free")


def test_the_first_key_is_pinned_told_and_kept(faults, tmp_path):
    server = faults.start("none")
    seen = look(server, trust=Trust(tmp_path))
    assert len(seen.told) == 1
    assert "SHA256:" in seen.told[0]
    file = tmp_path / "known_hosts"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().startswith(f"[127.0.0.1]:{server.port} ssh-ed25519 ")
    again = look(server, trust=Trust(tmp_path))
    assert again.told == []
    assert again.codes == []


def test_a_changed_key_gets_no_authentication(faults, tmp_path):
    server = faults.start("none")
    look(server, trust=Trust(tmp_path))
    swapped = restart(faults, server)
    seen = look(swapped, trust=Trust(tmp_path))
    assert seen.codes == ["E_HOSTKEY_CHANGED"]
    assert swapped.record.passwords == 0
    assert swapped.record.bytes_typed() == b""
    message = seen.snapshot.failures[0].message
    assert message.count("SHA256:") == 2
    assert not seen.snapshot.failures[0].retryable


def test_strict_takes_only_pinned_keys(faults, tmp_path):
    server = faults.start("none")
    strict = {"ssh": SshSettings(host_key="strict", known_hosts=str(tmp_path / "own"))}
    seen = look(server, trust=Trust(tmp_path), settings=strict)
    assert seen.codes == ["E_HOSTKEY_UNKNOWN"]
    assert server.record.passwords == 0
    assert not (tmp_path / "own").exists()
    shown = seen.snapshot.failures[0].message
    from collector.session.fetch import fetch

    key = fetch(device_of(server))
    assert key.fingerprint in shown
    Trust(tmp_path).pin("127.0.0.1", server.port, key, str(tmp_path / "own"))
    assert look(server, trust=Trust(tmp_path), settings=strict).codes == []
    assert server.record.passwords == 1


def test_another_hostname_or_serial_attaches_nothing(faults, tmp_path):
    server = faults.start("none")
    device = device_of(server, "edge-1")
    assert look(server, device, trust=Trust(tmp_path)).codes == []
    pinned = json.loads((tmp_path / "identities.json").read_text())
    assert pinned == {"edge-1": {"hostname": "R1", "serial": "FTX0000A1B2"}}
    renamed = faults.start("none", router=Router(hostname="R2"))
    seen = look(renamed, device_of(renamed, "edge-1"), trust=Trust(tmp_path))
    assert seen.codes == ["E_IDENTITY"]
    assert seen.snapshot.captures == ()
    assert renamed.record.lines() == []
    from collector.lab.faults import OUTPUTS

    swapped = faults.start(
        "none",
        router=Router(outputs={**OUTPUTS, "show version": OUTPUTS["show version"].replace("FTX0000A1B2", "FTX9")}),
    )
    seen = look(swapped, device_of(swapped, "edge-1"), trust=Trust(tmp_path))
    assert seen.codes == ["E_IDENTITY"]
    assert seen.snapshot.captures == ()
    Trust(tmp_path).forget_identity("edge-1")
    assert look(renamed, device_of(renamed, "edge-1"), trust=Trust(tmp_path)).codes == []


def test_hashed_revoked_and_foreign_lines_are_read_and_kept(tmp_path):
    name = entry_name("r1.example", 22)
    salt = b"0123456789abcdefghij"
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    hashed = f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()} {KEY.type} {KEY.blob}"
    foreign = "# a comment\nother.example ssh-rsa AAAA\n@cert-authority *.example ssh-rsa AAAA\n"
    file = tmp_path / "known"
    file.write_text(f"{foreign}{hashed}\n@revoked r2.example {OTHER.type} {OTHER.blob}\n")
    trust = Trust()
    assert trust.keys("r1.example", 22, str(file)) == (KEY,)
    assert trust.check("R1.example", 22, KEY, "strict", str(file)) is False
    with pytest.raises(SessionError) as caught:
        trust.check("r2.example", 22, OTHER, "accept-new", str(file))
    assert caught.value.code is ErrorCode.HOSTKEY_CHANGED
    assert trust.check("r3.example", 2222, KEY, "accept-new", str(file)) is True
    text = file.read_text()
    assert text.startswith(foreign)
    assert hashed in text
    assert f"[r3.example]:2222 {KEY.type} {KEY.blob}\n" in text


@pytest.mark.parametrize(
    ("names", "host", "port"),
    [
        ("*", "r1.example", 22),
        ("*", "r1.example", 2222),
        ("*.example", "R1.example", 22),
        ("a.example,192.0.2.?", "192.0.2.7", 22),
        ("[*.example]:2222", "r1.example", 2222),
        ("!r2.example,*.example", "r1.example", 22),
    ],
)
def test_wildcards_name_a_server_as_openssh_has_it(tmp_path, names, host, port):
    file = tmp_path / "known"
    file.write_text(f"{names} {KEY.type} {KEY.blob}\n@revoked {names} {OTHER.type} {OTHER.blob}\n")
    assert Trust().check(host, port, KEY, "strict", str(file)) is False
    for line in (f"{names} {KEY.type} {KEY.blob}\n", f"@revoked {names} {OTHER.type} {OTHER.blob}\n"):
        file.write_text(line)
        with pytest.raises(SessionError) as caught:
            Trust().check(host, port, OTHER, "accept-new", str(file))
        assert caught.value.code is ErrorCode.HOSTKEY_CHANGED
        assert file.read_text() == line


@pytest.mark.parametrize(
    "names", ["!r1.example,*.example", "*.example,!r1.*", "r?.example.net", "*.example.", "[*]:22"]
)
def test_wildcards_name_no_other_server(tmp_path, names):
    file = tmp_path / "known"
    file.write_text(f"{names} {KEY.type} {KEY.blob}\n")
    assert Trust().keys("r1.example", 22, str(file)) == ()


def test_a_new_pin_leaves_the_other_names_of_a_line_what_they_had(tmp_path):
    file = tmp_path / "known"
    salt = b"0123456789abcdefghij"
    digest = base64.b64encode(hmac.new(salt, b"r1.example", hashlib.sha1).digest()).decode()
    hashed = f"|1|{base64.b64encode(salt).decode()}|{digest}"
    key = f"{KEY.type} {KEY.blob}"
    for before, after in (
        (f"r1.example,r2.example {key} a comment", f"r2.example {key} a comment"),
        (f"r2.example,R1.example {key}", f"r2.example {key}"),
        (f"*.example {key}", f"*.example,!r1.example {key}"),
        (f"r1.example,*.example {key}", f"*.example,!r1.example {key}"),
        (f"{hashed},r2.example {key}", f"r2.example {key}"),
        (f"{hashed} {key}\nr2.example {key}", f"r2.example {key}"),
    ):
        file.write_text(f"{before}\n@revoked r1.example ssh-rsa AAAA\n")
        trust = Trust()
        trust.pin("r1.example", 22, OTHER, str(file))
        new = f"r1.example {OTHER.type} {OTHER.blob}"
        assert file.read_text() == f"{after}\n@revoked r1.example ssh-rsa AAAA\n{new}\n"
        assert Trust().keys("r1.example", 22, str(file)) == (OTHER,)
        assert Trust().keys("r2.example", 22, str(file)) == (KEY,)
        trust.pin("r1.example", 22, KEY, str(file))
        assert Trust().keys("r1.example", 22, str(file)) == (KEY,)


def test_pinning_replaces_and_memory_only_works():
    trust = Trust()
    assert trust.check("192.0.2.1", 22, KEY, "accept-new") is True
    with pytest.raises(SessionError):
        trust.check("192.0.2.1", 22, OTHER, "accept-new")
    trust.pin("192.0.2.1", 22, OTHER)
    assert trust.keys("192.0.2.1", 22) == (OTHER,)


def _pin(folder, number):
    trust = Trust(folder)
    for index in range(10):
        trust.check(f"r{number}-{index}.example", 22, KEY, "accept-new")
        trust.identify(f"r{number}-{index}", hostname="x")


def test_many_processes_lose_no_pin(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_pin_by_path, args=(str(tmp_path), number)) for number in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len((tmp_path / "known_hosts").read_text().splitlines()) == 20
    assert len(json.loads((tmp_path / "identities.json").read_text())) == 20
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"known_hosts", "identities.json", ".known_hosts.lock", ".identities.json.lock"}


def _pin_by_path(folder, number):
    from pathlib import Path

    _pin(Path(folder), number)


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "known_hosts"
    file.write_text("old\n")

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Exception, match="No space left"):
        replace_file(file, "new\n" * 1000)
    assert file.read_text() == "old\n"
    assert [path.name for path in tmp_path.iterdir()] == ["known_hosts"]


@pytest.mark.skipif(which("ssh-keygen") is None or not has_name(), reason="no ssh-keygen for this user")
def test_openssh_reads_our_file_and_agrees_on_the_fingerprint(tmp_path):
    trust = Trust(tmp_path)
    key = asyncssh.generate_private_key("ssh-ed25519")
    kind, blob = key.export_public_key().decode().split()[:2]
    ours = HostKey(type=kind, blob=blob)
    trust.pin("192.0.2.7", 2222, ours)
    found = subprocess.run(
        ["ssh-keygen", "-l", "-F", "[192.0.2.7]:2222", "-f", str(tmp_path / "known_hosts")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ours.fingerprint in found.stdout


def test_trust_pins_under_the_name_that_a_visit_looks_for(faults, tmp_path, monkeypatch, capsys):
    """An ssh_config file may give another name and port; and a router that was only renamed shows the key it had."""
    from collector.session.sshconfig import route

    monkeypatch.setenv("LOGNAME", "me")
    server = faults.start("none")
    config = tmp_path / "config"
    config.write_text(f"Host edge-1\n HostName 127.0.0.1\n Port {server.port}\n")
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text(f"version: 1\nhosts:\n  edge-1: {{ssh: {{config_file: {config}, host_key: strict}}}}\n")
    state = tmp_path / "state"
    words = ["edge-1", "-i", str(inventory), "--state", str(state)]
    device = load(inventory).device("edge-1")
    assert _run(["trust", *words]) == 0
    assert (state / "known_hosts").read_text().startswith(f"[127.0.0.1]:{server.port} ")
    way = route(device)
    assert len(Trust(state).keys(way.host, way.port)) == 1
    Trust(state).identify("edge-1", hostname="old-name")
    assert _run(["trust", "--show", *words]) == 0
    with pytest.raises(SessionError):
        Trust(state).identify("edge-1", hostname="new-name")
    assert _run(["trust", *words]) == 0
    assert "pinned already" in capsys.readouterr().out
    Trust(state).identify("edge-1", hostname="new-name")


def test_a_state_folder_that_others_can_write_to_is_told_once(tmp_path, capsys):
    from collector.cli import state

    for mode, told in ((0o700, 0), (0o755, 0), (0o775, 1), (0o777, 1), (0o1777, 1)):
        folder = tmp_path / f"{mode:o}"
        folder.mkdir()
        folder.chmod(mode)
        assert state.folder(folder) == state.folder(folder) == folder
        assert capsys.readouterr().err.count("others can write") == told, oct(mode)


def test_a_lock_that_is_a_link_is_refused(tmp_path):
    (tmp_path / ".known_hosts.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StateError):
        Trust(tmp_path).check("192.0.2.1", 22, KEY, "accept-new")
    assert not (tmp_path / "elsewhere").exists()


def test_the_verb_lets_a_renamed_router_in_again_and_says_what_it_forgot(faults, tmp_path, capsys):
    """`trust NAME` is what E_IDENTITY names as the way out, also where the key is the pinned one."""
    server = faults.start("none")
    state = tmp_path / "state"
    state.mkdir()
    assert look(server, device_of(server, "edge-1"), trust=Trust(state)).codes == []
    Trust(state).forget_identity("edge-1")
    Trust(state).identify("edge-1", hostname="BEFORE", serial="FTX1")
    seen = look(server, device_of(server, "edge-1"), trust=Trust(state))
    assert seen.codes == ["E_IDENTITY"]
    assert "`trust NAME`" in seen.snapshot.failures[0].hint
    inventory = tmp_path / "inventory.yaml"
    hosts = f"hosts: {{edge-1: {{hostname: {server.host}, port: {server.port}}}}}\n"
    inventory.write_text("defaults: {username: u, password: {env: X}}\n" + hosts)
    words = ["trust", "edge-1", "-i", str(inventory), "--state", str(state)]
    assert _run([*words, "--show"]) == 0
    assert "pinned already  (hostname BEFORE, serial FTX1)" in capsys.readouterr().out
    assert look(server, device_of(server, "edge-1"), trust=Trust(state)).codes == ["E_IDENTITY"]
    assert _run(words) == 0
    assert "hostname BEFORE, serial FTX1 forgotten" in capsys.readouterr().out
    assert look(server, device_of(server, "edge-1"), trust=Trust(state)).codes == []
    assert _run(words) == 0
    assert "BEFORE" not in capsys.readouterr().out
