"""A lab network over time: losses one after the other, reloads, clears, refusals and clocks that come and go."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from collector.lab import events, render_snapshot, scenario, state
from collector.lab.exec import Shell
from collector.lab.model import Change, Clock, Refusal, Trouble
from collector.lab.offline import answers
from collector.lab.world import World

EPOCH = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DROPS = "show platform hardware qfp active feature ipsec datapath drops all"


def network(**fields):
    tree = {
        "name": "pair",
        "defaults": {"dpd": "off", "log": {"size": 8192}},
        "devices": {"hub": {"platform": "c8300"}, "spoke": {"platform": "c2911"}},
        "links": [{"name": "tunnel", "type": "svti", "between": ["spoke", "hub"]}],
    }
    return replace(scenario.build(tree, epoch=EPOCH), horizon=EPOCH + 240 * HOUR, **fields)


def loss(hours, minutes, kind="stale-sa", receiver="hub"):
    since = EPOCH + hours * HOUR
    return Trouble(kind=kind, receiver=receiver, link="tunnel", since=since, until=since + timedelta(minutes=minutes))


def change(hours, until=None, **fields):
    end = None if until is None else EPOCH + until * HOUR
    return Change(device="hub", since=EPOCH + hours * HOUR, until=end, fields=fields)


def both(net, now):
    (link,) = net.links
    return tuple(state.holding(net, link, name, now) for name in ("hub", "spoke"))


def spis(sas):
    return [sa.spi for sa in sas]


def test_losses_of_one_link_follow_each_other_and_both_ends_agree_between_them():
    net = network(troubles=(loss(2, 10), loss(30, 5), loss(50, 20)))
    stale = set()
    for trouble in net.troubles:
        before, within, after = (
            both(net, moment)
            for moment in (trouble.since - HOUR, trouble.since + timedelta(minutes=1), trouble.until + HOUR)
        )
        for hub, spoke in (before, after):
            assert spis(hub.inbound) == spis(spoke.outbound)
            assert hub.inbound
        assert within[0].inbound == ()
        assert within[1].current.spi == state.stale_spi(net, net.links[0], trouble, "hub")
        stale.add(within[1].current.spi)
        assert within[1].current.spi not in spis(after[0].inbound)
    assert len(stale) == 3
    lines = [e for e in events.entries(net, net.device("hub"), EPOCH + 200 * HOUR) if "INV_SPI" in e.text]
    assert len(lines) == 10 + 5 + 20
    assert len({re.search(r"spi=(\w+)", e.text)[1] for e in lines}) == 3


def test_what_was_logged_by_a_moment_does_not_change_later():
    net = network(troubles=(loss(2, 10), loss(30, 5)))
    hub = net.device("hub")
    whole = events.entries(net, hub, EPOCH + 100 * HOUR)
    for hours in (1, 2, 3, 31):
        now = EPOCH + hours * HOUR + timedelta(minutes=3)
        assert events.entries(net, hub, now) == [entry for entry in whole if entry.time <= now]


def test_crossed_both_ends_send_what_the_other_does_not_have():
    net = network(troubles=(loss(2, 10, kind="crossed"),))
    now = EPOCH + 2 * HOUR + timedelta(minutes=5)
    hub, spoke = both(net, now)
    assert not set(spis(hub.inbound)) & set(spis(spoke.outbound))
    assert not set(spis(spoke.inbound)) & set(spis(hub.outbound))
    assert hub.live_ike is not None
    for name, far in (("hub", spoke), ("spoke", hub)):
        logged = render_snapshot(net, name, ["show logging"], at=now)["show logging"]
        assert {int(spi) for spi in re.findall(r"spi=0x\w+\((\d+)\)", logged)} == {far.current.spi}


def test_a_reload_empties_the_log_and_the_counters():
    booted = EPOCH + 10 * HOUR
    net = network(
        troubles=(loss(2, 10),),
        changes=(change(10, booted=booted, reload_reason="power-on"), change(9, 10, unreachable=True)),
    )
    before, after = (
        render_snapshot(net, "hub", ["show version", "show logging", DROPS], at=EPOCH + hours * HOUR)
        for hours in (9, 11)
    )
    assert "INV_SPI" in before["show logging"]
    assert "INV_SPI" not in after["show logging"]
    assert "uptime is 1 hour\n" in after["show version"]
    assert "System restarted" in after["show logging"]
    counted = [int(re.search(r"SA_NOT_FOUND_SPI +(\d+)", text[DROPS])[1]) for text in (before, after)]
    assert counted[0] > 0
    assert counted[1] == 0
    assert [net.device("hub", EPOCH + n * HOUR).unreachable for n in (8, 9, 10)] == [False, True, False]


def test_clearing_the_log_and_the_counters_hides_what_was_there():
    at = EPOCH + 5 * HOUR
    net = network(troubles=(loss(2, 10),), changes=(change(5, log_cleared=at, counters_cleared=at),))
    statistics = "show platform hardware qfp active statistics drop"
    text = render_snapshot(net, "hub", ["show logging", DROPS, statistics], at=at + timedelta(minutes=1))
    assert "INV_SPI" not in text["show logging"]
    assert re.search(r"SA_NOT_FOUND_SPI +0\b", text[DROPS])
    assert "Last clearing of QFP drops statistics : Sun Mar  1 17:00:00 2026" in text[statistics]
    before, after = (both(net, at + shift)[0] for shift in (timedelta(0), HOUR))
    assert after.decaps == net.links[0].rate * 3600
    assert before.up_since == after.up_since


def test_a_refusal_lasts_as_long_as_it_lasts():
    net = network(changes=(change(3, 4, refusals=(Refusal(command="show logging"),)),))
    said = [
        render_snapshot(net, "hub", ["show logging"], at=EPOCH + timedelta(minutes=minutes))["show logging"]
        for minutes in (170, 190, 250)
    ]
    assert ["authorization failed" in text for text in said] == [False, True, False]


def test_a_line_keeps_the_stamp_of_the_clock_that_made_it():
    skewed = Clock(skew=timedelta(minutes=-20), mark=".")
    net = network(troubles=(loss(2, 3), loss(6, 3)), changes=(change(4, 8, clock=skewed),))
    logged = render_snapshot(net, "hub", ["show logging"], at=EPOCH + 9 * HOUR)["show logging"]
    stamps = [line.split(" UTC:")[0] for line in logged.splitlines() if "INV_SPI" in line]
    assert stamps[0].startswith("Mar  1 14:00:02")
    assert stamps[-3].startswith(".Mar  1 17:40:02")


def test_a_busy_log_pushes_the_lines_out():
    since = EPOCH + 3 * HOUR
    busy = Trouble(kind="busy-log", receiver="hub", since=since, until=since + HOUR, interval=timedelta(seconds=5))
    net = network(troubles=(loss(2, 10), busy))
    early, late = (render_snapshot(net, "hub", ["show logging"], at=at)["show logging"] for at in (since, since + HOUR))
    assert "INV_SPI" in early
    assert "INV_SPI" not in late


def test_a_line_entered_at_once_is_answered_as_one_that_is_typed():
    world = World(network(troubles=(loss(2, 10),)), lambda: EPOCH + 3 * HOUR)
    lines = [
        "show version",
        "show logging",
        "show crypto ipsec sa",
        "show runn | include ^crypto|^hostname",
        "show nothing",
    ]
    shell = Shell(world, "hub", "lab", lambda _text: None, lambda: None)
    assert [shell.said(line) for line in lines] == answers(world, "hub", lines)
