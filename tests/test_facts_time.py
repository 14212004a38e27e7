"""Stamps against the router's clock: zones, marks, years, leap days, uptime, and texts without a clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from printed import (
    CLOCK,
    CONFIG,
    LOG,
    NOW,
    SPI,
    VERSION,
    clock,
    codes,
    config,
    facts,
    incident,
    line,
    log,
    old,
    other,
    stamp,
    version,
)

from collector.facts import build
from collector.facts.clock import DeviceClock, zone_offset
from collector.facts.place import Frame, place
from collector.model import GATHERED, Capture, Device, Policy, Snapshot, Stamp, State

HOUR = timedelta(hours=1)


def at(text: str, *, year: bool = False, zone: str | None = None, mark: str = "") -> Stamp:
    time = datetime.strptime(text if year else f"1904 {text}", "%Y %b %d %H:%M:%S")  # noqa: DTZ007 - a stamp has no zone
    return Stamp(kind="datetime", time=time, has_year=year, zone=zone, mark=mark)


def booted(seconds: float, resolution: float = 1) -> Stamp:
    return Stamp(kind="uptime", since_boot=timedelta(seconds=seconds), resolution=timedelta(seconds=resolution))


def naive(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - a router's local time


def ages(of: list[Stamp], now: str | None, **more) -> list[float | None]:
    own = more.pop("clock", DeviceClock(mark="", zone="UTC", offset_known=True))
    frame = Frame(clock=own, now=naive(now) if now else None, **more)
    return [p.age.total_seconds() if p.age is not None else None for p in place(of, frame).placed]


@pytest.mark.parametrize(
    ("stamp_", "now", "seconds"),
    [
        ("Dec 31 23:59:50", "2026-01-01 00:00:10", 20),
        ("Feb 29 12:00:00", "2025-03-01 12:00:00", 366 * 86400),
        ("Feb 29 12:00:00", "2024-02-29 12:00:30", 30),
        ("Feb 28 23:59:00", "2024-03-01 00:00:00", 86460),
        ("Mar 9 11:59:00", "2026-03-09 12:00:00", 60),
        ("Mar 9 12:00:01", "2026-03-09 12:00:00", 0),
        ("Mar 9 12:30:00", "2026-03-09 12:00:00", None),
        ("Jan 1 00:00:01", "2025-12-31 23:59:59", 0),
    ],
)
def test_year_and_leap_day_against_the_clock(stamp_, now, seconds):
    assert ages([at(stamp_)], now) == [seconds]


def test_buffer_order_is_authoritative_over_years():
    found = ages(
        [at("Mar 1 00:00:00"), at("Jun 1 00:00:00"), at("Mar 1 00:00:00"), at("Mar 9 00:00:00")], "2026-03-09 00:00:10"
    )
    assert [round((age or 0) / 86400) for age in found] == [373, 281, 8, 0]


def test_a_printed_year_is_believed():
    assert ages([at("2024 Mar 9 12:00:00", year=True)], "2026-03-09 12:00:00") == [730 * 86400]


@pytest.mark.parametrize(
    ("zone", "stamp_zone", "offset", "age"),
    [
        ("CET", "CET", 1, 3600),
        ("CET", "UTC", 1, 0),
        ("EDT", "EST", -4, 0),
        ("XYZ", "XYZ", 5, 3600),
        ("CET", "+0000", 1, 0),
    ],
)
def test_zones_of_stamps(zone, stamp_zone, offset, age):
    own = DeviceClock(mark="", zone=zone, offset=HOUR * offset, offset_known=True)
    assert ages([at("Mar 9 11:00:00", zone=stamp_zone)], "2026-03-09 12:00:00", clock=own) == [age]


def test_stamps_without_zone_follow_the_configuration():
    own = DeviceClock(mark="", zone="CET", offset=HOUR, offset_known=True)
    for words, age in (("datetime msec localtime", 3600), ("datetime msec", 0)):
        assert ages([at("Mar 9 11:00:00")], "2026-03-09 12:00:00", clock=own, stamps=words) == [age]


def test_without_the_configuration_the_younger_reading_is_taken():
    east = DeviceClock(mark="", zone="CET", offset=HOUR, offset_known=True)
    assert ages([at("Mar 9 10:58:00"), at("Mar 9 10:59:30")], "2026-03-09 12:00:00", clock=east) == [120, 30]
    west = DeviceClock(mark="", zone="EST", offset=-5 * HOUR, offset_known=True)
    assert ages([at("Mar 9 16:59:30")], "2026-03-09 12:00:00", clock=west) == [30]
    assert ages([at("Mar 9 11:59:30")], "2026-03-09 12:00:00", clock=west) == [30]


def test_a_star_before_the_clock_was_set_is_not_comparable():
    assert ages([at("Mar 9 11:00:00", mark="*"), at("Mar 9 11:59:00")], "2026-03-09 12:00:00") == [None, 60]
    never = DeviceClock(mark="*", zone="UTC")
    assert ages([at("Mar 9 11:59:00", mark="*")], "2026-03-09 12:00:00", clock=never) == [60]


def test_uptime_stamps_need_a_minute_or_better():
    found = ages(
        [booted(1000), booted(1060), booted(86400, 3600)], "2026-03-09 12:00:00", uptime=timedelta(seconds=1090)
    )
    assert found == [90, 30, None]
    assert ages([booted(1000), booted(1060)], None) == [60, 0]


def test_without_a_clock_now_is_the_last_stamp_of_a_paste_but_not_of_a_visit():
    stamps = [at("Sep 2 13:36:47"), at("Sep 2 13:37:48")]
    assert ages(stamps, None) == [61, 0]
    assert ages(stamps, None, last_is_now=False) == [None, None]


def test_no_year_gives_no_date_but_an_age():
    placed = place([at("Sep 2 13:36:47"), at("Sep 2 13:37:48")], Frame(clock=DeviceClock())).placed
    assert [one.at for one in placed] == [None, None]
    assert [one.age for one in placed] == [timedelta(seconds=61), timedelta()]


@given(
    now=st.datetimes(naive("2020-01-02 00:00:00"), naive("2032-12-30 00:00:00")),
    back=st.lists(st.integers(0, 300 * 86400), min_size=1, max_size=8),
)
@settings(max_examples=200, deadline=None)
def test_never_a_wrong_year_and_never_a_negative_age(now, back):
    now = now.replace(microsecond=0)
    times = [now - timedelta(seconds=seconds) for seconds in sorted(back, reverse=True)]
    stamps = [Stamp(kind="datetime", time=time.replace(year=1904)) for time in times]
    placed = place(stamps, Frame(clock=DeviceClock(mark="", offset_known=True), now=now)).placed
    assert [one.age for one in placed] == [now - time for time in times]
    assert [one.at.year for one in placed if one.at] == [time.year for time in times]


def test_zone_names():
    assert zone_offset("CET") == HOUR
    assert zone_offset("+0530") == timedelta(hours=5, minutes=30)
    assert zone_offset("-03:00") == -3 * HOUR
    assert zone_offset("CST") is None  # Chicago or Shanghai
    assert zone_offset(None) is None


# a visit


def test_a_live_clock_tells_its_offset_by_the_collectors():
    local = NOW + timedelta(hours=5, minutes=30, seconds=3)
    made = facts(
        (CLOCK, clock(local, "XYZ")),
        (LOG, log(f"{stamp(40, now=local)}: %SYS-5-CONFIG_I: Configured from console by x")),
    )
    assert made.device_time is not None
    assert made.device_time.utcoffset() == timedelta(hours=5, minutes=30)
    assert made.device_time.replace(tzinfo=None) == local.replace(tzinfo=None)
    assert "clock-zone" not in codes(made)


def test_an_unsynchronised_clock_is_a_remark_and_its_ages_hold():
    then = datetime(1993, 3, 1, 0, 40, tzinfo=UTC)
    lines = [line(100, mark="*", now=then), line(30, mark="*", now=then)]
    made = facts((CLOCK, clock(then, mark="*")), (LOG, log(*lines)))
    assert incident(made).state is State.PERSISTENT
    assert made.clock_mark == "*"
    assert "clock-unsynchronised" in codes(made, blocking=False)


def test_a_visit_without_a_clock_gives_no_age():
    made = facts((LOG, log(*old(line(100), line(40)))))
    assert incident(made).state is State.INSUFFICIENT_DATA
    assert "log-clock" in codes(made, blocking=True)
    assert "log-stamps" not in codes(made)


def test_two_clocks_in_one_paste_the_nearest_before_counts():
    later = NOW + timedelta(minutes=10)
    made = facts(
        (CLOCK, clock(NOW)),
        (LOG, log(*old(line(30)))),
        (CLOCK, clock(later)),
        (LOG, log(*old(line(30)))),
        at=None,
        origin="paste",
    )
    found = incident(made)
    assert found.messages == 1
    assert found.last_age == timedelta(minutes=10, seconds=30)
    assert found.state is State.TRANSIENT


def test_stamps_in_utc_while_the_clock_is_local():
    local = NOW.astimezone(timezone(HOUR)).replace(tzinfo=UTC)  # what show clock prints, one hour ahead
    made = facts(
        (CLOCK, clock(local, "CET")), (CONFIG, config(stamps="datetime msec")), (LOG, log(*old(line(100), line(40))))
    )
    assert incident(made).state is State.PERSISTENT
    assert incident(made).last_seen == NOW - timedelta(seconds=40)


def from_boot() -> str:
    return log(
        *(
            f"{stamp_}: %CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for destaddr=192.0.2.1, prot=50, "
            f"spi=0x{SPI:X}({SPI}), srcaddr=198.51.100.7"
            for stamp_ in ("02:10:02", "02:11:03")
        )
    )


def test_stamps_from_boot_need_no_clock_where_the_uptime_was_read():
    paste = {"at": None, "origin": "paste"}
    timed = facts((VERSION, version(uptime="2 hours, 14 minutes")), (LOG, from_boot()), **paste)
    assert timed.log is not None
    assert not timed.log.clockless
    assert incident(timed).last_age == timedelta(seconds=177)
    for printed in (((LOG, from_boot()),), ((VERSION, version()), (LOG, log(line(70), line(10))))):
        alone = facts(*printed, **paste)
        assert alone.log is not None
        assert alone.log.clockless  # its last line stands for now
        assert incident(alone).last_age == timedelta()


def test_gathered_lines_prove_no_silence_until_the_clock_and_never_a_pass():
    gathered = Capture(command=LOG, text=line(600) + "\n" + other(300) + "\n", note=GATHERED)
    typed = replace(gathered, note="")
    clocked = facts((CLOCK, clock()), gathered, at=None, origin="paste")
    assert incident(clocked).state is State.INSUFFICIENT_DATA
    assert incident(facts((CLOCK, clock()), typed, at=None, origin="paste")).state is State.TRANSIENT
    quoted = facts(gathered, at=None, origin="paste")  # among each other they tell which came later
    assert incident(quoted).state is State.TRANSIENT
    assert quoted.log is not None
    assert quoted.log.covers_since is None


def test_uptime_stamps_of_a_visit():
    text = from_boot()
    made = facts((CLOCK, clock()), (VERSION, version(uptime="2 hours, 11 minutes")), (LOG, text))
    assert incident(made).state is State.PERSISTENT
    assert incident(made).last_age == timedelta()


# what the log cannot show


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (log(line(600), other(5), level="errors"), "log-level-low"),
        (
            log(line(600), other(5)).replace(
                "filtering disabled\n    Exception", "filtering disabled, discriminator(QUIET)\n    Exception"
            ),
            "log-discriminator",
        ),
        (log(line(600), other(5), dropped=900), "log-dropped"),
        (log(line(600), other(5), logged=3), "log-lines-missing"),
    ],
)
def test_a_blind_log_proves_no_silence(text, code):
    made = facts((CLOCK, clock()), (LOG, text))
    assert code in codes(made, blocking=True), made.captures
    assert made.log is not None
    assert made.log.covers_since is None
    assert incident(made).state is State.INSUFFICIENT_DATA


def test_a_few_drops_from_boot_are_a_remark():
    made = facts((CLOCK, clock()), (LOG, log(line(600), other(5), dropped=2)))
    assert "log-dropped" in codes(made, blocking=False)
    assert incident(made).state is State.TRANSIENT
    grew = facts(
        (CLOCK, clock()), (LOG, log(line(600), other(5), dropped=2)), (LOG, log(line(600), other(5), dropped=9))
    )
    assert "log-dropped" in codes(grew, blocking=True)


def test_a_filtered_log_proves_silence_only_by_the_last_visits_line():
    command = f"{LOG} | include CRYPTO"
    made = facts((CLOCK, clock()), (command, line(600) + "\n"))
    assert incident(made).state is State.INSUFFICIENT_DATA


def test_a_relay_without_a_year_dates_nothing():
    line = (
        "Nov 24 10:01:00 rtr-a 12: Nov 24 10:00:59.123 CET: %CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has "
        "invalid spi for destaddr=192.0.2.1, prot=50, spi=0x1DB73BBB(498547643), srcaddr=198.51.100.7"
    )
    snapshot = Snapshot(device=Device(name="a", host="a"), captures=(Capture(command="show logging", text=line),))
    (incident,) = build(snapshot, Policy()).incidents or ()
    assert (incident.first_seen, incident.state) == (None, State.PENDING)
