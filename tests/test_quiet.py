"""What lands in the mail of a cron job: what is new, once for each cause; nothing where nothing is."""

from __future__ import annotations

import itertools

import pytest
from builders import facts

from collector.cli import _run
from collector.cli.sweep import few_of
from collector.errors import ErrorCode, StateError
from collector.lab.faults import PASSWORD, USERNAME, Faults
from collector.model import Device, Failure
from collector.sinks.unread import ALIKE, NAMED, Unread


def inventory(folder, *names):
    """Routers whose password is nowhere: no login, no network, E_CREDENTIAL for each."""
    file = folder / "inventory.yaml"
    hosts = "".join(f"  {name}: {{hostname: 192.0.2.1}}\n" for name in names)
    file.write_text("defaults: {username: u, password: {env: SPI_NOT_SET}, logins_per_second: 1000}\nhosts:\n" + hosts)
    return str(file)


def swept(folder, capsys, *names):
    code = _run(["sweep", "-i", inventory(folder, *names), "--state", str(folder / "state"), "--quiet"])
    said = capsys.readouterr()
    assert said.err == ""
    return code, said.out


def test_a_mail_is_about_what_is_new_and_of_no_other_device(tmp_path, capsys):
    code, first = swept(tmp_path, capsys, "old-1", "old-2")
    assert code == 4
    assert "old-1" in first
    assert "old-2" in first
    assert swept(tmp_path, capsys, "old-1", "old-2") == (4, "")
    code, third = swept(tmp_path, capsys, "old-1", "old-2", "late")
    assert code == 4
    assert "late" in third
    assert "old-" not in third
    assert "3 devices: 0 complete, 0 partial, 3 failed.  1 finding: 1 warning." in third


def test_one_cause_is_one_paragraph_however_many_routers_it_takes(tmp_path, capsys):
    names = [f"br-{number:03}" for number in range(200)]
    _, mail = swept(tmp_path, capsys, *names)
    assert mail.count("E_CREDENTIAL") == 2
    assert mail.count("SPI_NOT_SET") == 1
    assert "200 devices were not read: E_CREDENTIAL credential" in mail
    assert "WARNING SPI015 200 devices  new, fail" in mail
    assert "200 findings: 200 warning" in mail
    assert f"and {200 - NAMED} more" in mail
    assert len(mail.splitlines()) < 25


def failed(name, code=ErrorCode.TCP_REFUSED, message="refused"):
    return facts(
        device=Device(name=name, host="192.0.2.1"),
        failures=(Failure(code=code, command=None, phase="connect", message=message, hint="look"),),
    )


def test_few_that_fail_alike_are_told_one_by_one():
    for many in range(1, 2 * ALIKE):
        unread = Unread()
        for number in range(many):
            unread.take(failed(f"r{number}"), "failed")
        assert bool(unread.groups()) is (many >= ALIKE)


def test_an_example_stands_for_words_that_differ_and_only_for_devices_of_which_nothing_was_read():
    unread = Unread()
    for number in range(6):
        unread.take(failed(f"r{number}", message=f"192.0.2.{number}: refused"), "failed")
        unread.take(failed(f"s{number}", code=ErrorCode.DNS), "failed")
        unread.take(failed(f"p{number}"), "partial")
    refused, dns = unread.groups()
    assert refused.names == [f"r{number}" for number in range(6)]
    assert next(iter(refused.lines())) == "r0: 192.0.2.0: refused - look"
    assert next(iter(dns.lines())) == "refused - look"
    assert set(unread.of_device()) == {f"{letter}{number}" for letter, number in itertools.product("rs", range(6))}


@pytest.mark.parametrize(("lines", "printed"), [(0, 0), (20, 20), (21, 21), (2000, 21)])
def test_pinned_keys_are_told_also_when_quiet_but_not_by_the_thousand(capsys, lines, printed):
    with few_of("host keys were pinned: known_hosts") as told:
        for number in range(lines):
            told(f"pinned {number}")
    said = capsys.readouterr().err.splitlines()
    assert len(said) == printed
    if lines > 20:
        assert said[-1] == f"{lines - 20} more host keys were pinned: known_hosts"


def test_a_quiet_sweep_tells_which_key_it_pinned_and_only_once(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SPI_TEST_PASSWORD", PASSWORD)
    with Faults() as faults:
        server = faults.start("none")
        file = tmp_path / "inventory.yaml"
        file.write_text(
            f"defaults: {{username: {USERNAME}, password: {{env: SPI_TEST_PASSWORD}}}}\n"
            f"hosts: {{r1: {{hostname: {server.host}, port: {server.port}}}}}\n"
        )
        words = ["sweep", "-i", str(file), "--state", str(tmp_path / "state"), "--quiet"]
        _run(words)
        assert f"pinned the host key of {server.host} port {server.port}: ssh-" in capsys.readouterr().err
        _run(words)
        assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("option", ["--metrics", "--html", "-o"])
def test_a_file_that_cannot_be_written_is_told_before_the_first_login(tmp_path, capsys, option):
    words = ["sweep", "-i", inventory(tmp_path, "r1"), "--state", str(tmp_path / "state"), "--quiet"]
    assert _run([*words, option, str(tmp_path / "none" / "x")]) == 2
    assert "is no folder: cannot write x there" in capsys.readouterr().err
    assert _run([*words, option, str(tmp_path)]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert _run(words) == 4
    assert "r1  new, fail" in capsys.readouterr().out  # nothing was taken for told


def test_what_is_new_is_told_also_where_the_textfile_fails_at_the_end(tmp_path, capsys, monkeypatch):
    """The ledger has it already: no later run would tell it again."""

    def full(*_arguments, **_more):
        raise StateError("cannot write spi.prom: No space left on device")

    monkeypatch.setattr("collector.cli.sweep.write_whole", full)
    words = ["sweep", "-i", inventory(tmp_path, "r1"), "--state", str(tmp_path / "state"), "--quiet"]
    assert _run([*words, "--metrics", str(tmp_path / "spi.prom")]) == 2
    said = capsys.readouterr()
    assert "r1  new, fail" in said.out
    assert "No space left" in said.err
