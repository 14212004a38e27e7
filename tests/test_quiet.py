"""What lands in the mail of a cron job: what is new, once for each cause; nothing where nothing is."""

from __future__ import annotations

import itertools

from builders import facts

from collector.cli import _run
from collector.errors import ErrorCode
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
