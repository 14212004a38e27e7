"""Mutes and maintenance windows: who answers for a finding, from when until when."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from builders import NOW, facts, found, incident, mute, peer, policy

from collector.cli import _run
from collector.errors import InventoryError
from collector.inventory import from_text
from collector.rules import applies, muted

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("since", "until", "inside"),
    [
        (None, NOW.date(), True),
        (None, NOW.date() - timedelta(days=1), False),
        (NOW.date(), NOW.date(), True),
        (NOW.date() + timedelta(days=1), NOW.date() + timedelta(days=2), False),
        (NOW - HOUR, NOW + HOUR, True),
        (NOW, NOW + HOUR, True),
        (NOW - HOUR, NOW, False),
        (NOW + HOUR, NOW + 2 * HOUR, False),
        (NOW - HOUR, NOW.date(), True),
    ],
)
def test_a_window_has_a_beginning_and_an_end(since, until, inside):
    assert mute(since=since, until=until).covers(NOW) is inside


def test_a_window_mutes_by_the_time_of_the_capture():
    far = peer()
    window = mute(peer=str(far.address), since=NOW - HOUR, until=NOW + HOUR)
    device = facts(incident(far), peers=(far,), policy=policy(mutes=(window,)))
    (ours,) = [one for one in found(device) if one.rule == "SPI001"]
    assert muted(device, ours) is window
    assert not applies(window, facts(incident(far), collected_at=NOW + HOUR), ours)
    assert not applies(window, facts(incident(far), collected_at=None, device_time=None), ours)


def window(text: str) -> str:
    return f"policy: {{mutes: [{{rule: SPI002, reason: change 42, owner: noc, {text}}}]}}"


def test_days_and_times_with_an_offset_are_read():
    (first,) = from_text(window("from: 2027-01-31T22:00+01:00, until: 2027-02-01"), source="i").policy.mutes
    assert first.since == datetime(2027, 1, 31, 21, 0, tzinfo=UTC)
    assert first.until == date(2027, 2, 1)
    (second,) = from_text(window("until: 2027-01-31T23:30:00Z"), source="i").policy.mutes
    assert second.until == datetime(2027, 1, 31, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("until: 2027-01-31T22:00", ["policy.mutes.0.until", "no offset"]),
        ("until: tomorrow", ["policy.mutes.0.until", "no date"]),
        ("until: 2027-02-30", ["no date"]),
        ("from: 2027-03-01, until: 2027-02-01", ["ends before it begins"]),
        ("form: 2027-03-01, until: 2027-02-01", ["did you mean `from`"]),
    ],
)
def test_what_is_no_window_is_refused_with_its_place(text, words):
    with pytest.raises(InventoryError) as caught:
        from_text(window(text), source="i.yaml")
    for word in words:
        assert word in str(caught.value)


def test_check_tells_what_is_over_and_what_has_not_begun(tmp_path, capsys):
    file = tmp_path / "inventory.yaml"
    file.write_text(
        "hosts: {r1: {username: u, password: {file: " + str(file) + "}}}\n"
        "policy:\n  mutes:\n"
        "  - {rule: SPI002, reason: long gone, owner: noc, until: 2001-01-31}\n"
        "  - {peer: 192.0.2.7, reason: not yet, owner: ops, from: 2999-01-01, until: 2999-01-02}\n"
        "  - {peer: 192.0.2.8, reason: holds, owner: ops, until: 2999-01-02}\n",
        encoding="utf-8",
    )
    assert _run(["inventory", "check", "-i", str(file)]) == 0
    said = capsys.readouterr().out
    assert "policy.mutes.0 (rule SPI002; long gone; noc) is over since 2001-01-31" in said
    assert "policy.mutes.1 (peer 192.0.2.7; not yet; ops) begins 2999-01-01" in said
    assert "holds" not in said
