"""Whose turn it is: no credential holds up another, and no dead site the rest of the fleet."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

from faulty import LINES, QUICK, device_of, once

from collector.collect import Settings, sweep
from collector.collect.hands import Job
from collector.collect.turns import LIKELY, Turn, Turns, likely
from collector.lab.faults import Faults
from collector.model import Device
from collector.session import Secrets, Trust

NOW = datetime(2026, 11, 24, tzinfo=UTC)


def never(_device):
    return None


def jobs_of(count, key="key", start=0):
    return [Job(Device(name=f"{key}-{number}", host="192.0.2.1"), key) for number in range(start, start + count)]


def taken(turns, *, unless=lambda _job: None):
    """The order in which jobs are taken in one round."""
    order = []

    def asked(job):
        said = unless(job)
        if said is None:
            order.append(job.device.name)
            return Turn.TAKEN
        return said

    turns.go_round(asked)
    return order


def test_the_order_is_that_of_the_list_behind_a_few_from_all_over_it():
    jobs = jobs_of(100)
    turns = Turns(jobs, never)
    assert len(turns) == 100
    order = taken(turns)
    assert not turns
    first, rest = order[:LIKELY], order[LIKELY:]
    assert rest == [job.device.name for job in jobs if job.device.name not in first]
    places = sorted(int(name.split("-")[1]) for name in first[:3])
    assert places[0] < 33 <= places[1] < 66 <= places[2]
    assert len(set(first)) == LIKELY


def test_a_small_fleet_is_there_once_each():
    for count in range(30):
        jobs = jobs_of(count)
        assert sorted(taken(Turns(jobs, never))) == sorted(job.device.name for job in jobs)


def test_those_that_were_read_in_the_last_run_go_first():
    jobs = jobs_of(40)
    read = {f"key-{number}": NOW - timedelta(seconds=number) for number in (31, 35, 39)}
    read["key-2"] = NOW - timedelta(hours=2)
    assert {job.device.name for job in likely(jobs, lambda device: read.get(device.name))} == {
        "key-31",
        "key-35",
        "key-39",
    }


def test_a_credential_that_waits_holds_up_no_other():
    turns = Turns([*jobs_of(500, "a"), *jobs_of(5, "b")], never)
    order = taken(turns, unless=lambda job: Turn.LINE_WAITS if job.key == "a" else None)
    assert sorted(order) == [f"b-{number}" for number in range(5)]
    assert len(turns) == 500
    assert len(taken(turns)) == 500


def test_credentials_take_turns_by_the_list():
    mixed = [job for pair in zip(jobs_of(30, "a"), jobs_of(30, "b"), strict=True) for job in pair]
    turns = Turns(mixed, never)
    order = taken(turns)[2 * LIKELY :]
    assert order == [job.device.name for job in mixed if job.device.name in order]


def test_what_has_no_room_keeps_its_place():
    jobs = jobs_of(400)
    turns = Turns(jobs, never)
    whole = taken(Turns(jobs, never))
    assert taken(turns, unless=lambda job: None if int(job.device.name[4:]) % 4 == 0 else Turn.PASSED)
    left = [name for name in whole if name in {job.device.name for job in turns}]
    assert [job.device.name for job in turns] == left
    assert taken(turns) == left


def test_all_wait_leaves_all_as_it_was_and_a_retry_stands_last():
    jobs = jobs_of(20)
    turns = Turns(jobs, never)
    assert taken(turns, unless=lambda _job: Turn.ALL_WAIT) == []
    turns.add(late := jobs_of(1, start=99)[0])
    assert taken(turns)[-1] == late.device.name
    turns.add(late)
    assert taken(turns) == [late.device.name]


def test_a_dead_site_at_the_head_of_the_inventory_holds_up_nobody():
    with Faults() as faults:
        dead = [device_of(faults.start("tcp-silent"), f"dead-{number:02}") for number in range(20)]
        alive = [device_of(faults.start("none"), f"ok-{number:02}") for number in range(10)]
        read: set[str] = set()

        def came(snapshot):
            if snapshot.captures:
                read.add(snapshot.device.name)

        settings = Settings(
            secrets=Secrets({}),
            trust=Trust(),
            plan=lambda _device: once(LINES),
            logins_per_second=1000.0,
            workers=40,
            retries=False,
            jitter=0.0,
            limits=QUICK,
            max_runtime=timedelta(seconds=20),  # what three silent servers take is longer
            stopped=lambda: signal.SIGINT if len(read) == len(alive) else None,  # the dead are not waited for
        )
        sweep([*dead, *alive], settings, came)
    assert read == {device.name for device in alive}
