"""Both ends of every tunnel tell one story, and time passes in it."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from collector.errors import UsageError
from collector.lab import events, render_snapshot, scenario, state
from collector.lab.ends import MAPS
from collector.lab.render import COMMANDS
from collector.lab.world import World

EPOCH = datetime(2026, 3, 28, 22, 30, tzinfo=UTC)
SCENARIOS = scenario.names()
SPI = re.compile(r"spi: 0x([0-9A-F]+)\((\d+)\)")


def network(name="demo"):
    return scenario.load(name, epoch=EPOCH)


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("later", [0, 37, 1800, 7200])
def test_what_one_end_receives_the_other_sends_unless_a_trouble_says_otherwise(name, later):
    net = network(name)
    now = EPOCH + timedelta(seconds=later)
    for link in net.links:
        first, second = (state.holding(net, link, end.device, now) for end in link.ends)
        trouble = state.trouble_at(net, link, now)
        if trouble is None:
            assert [sa.spi for sa in first.inbound] == [sa.spi for sa in second.outbound]
            assert [sa.spi for sa in second.inbound] == [sa.spi for sa in first.outbound]
            assert [sa.remaining(now) for sa in first.inbound] == [sa.remaining(now) for sa in second.outbound]
            assert first.inbound
            continue
        receiver, sender = (first, second) if first.end.device == trouble.receiver else (second, first)
        assert receiver.inbound == receiver.outbound == ()
        assert sender.current.spi == state.stale_spi(net, link, trouble, trouble.receiver)
        assert 0 < sender.current.remaining(now) <= link.lifetime.total_seconds()


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_two_sas_of_a_network_share_an_spi_but_for_group_keys(name):
    net = network(name)
    seen = [
        sa.spi
        for device in net.devices
        for held in state.device_holdings(net, device, EPOCH)
        for sa in held.inbound
        if held.end.kind != "getvpn"
    ]
    assert len(seen) == len(set(seen))
    assert all(0x1000 <= spi < 0xFF000000 and spi & 0xFFFF for spi in seen)


def test_the_logged_spi_is_the_senders_outbound_and_absent_at_the_receiver():
    net = network()
    for trouble in net.troubles:
        if trouble.kind != "stale-sa":
            continue
        link = next(ln for ln in net.links if ln.name == trouble.link)
        sender = link.far(trouble.receiver).device
        asked = ["show logging", "show crypto ipsec sa"]
        at_receiver = render_snapshot(net, trouble.receiver, asked, privilege=15)
        at_sender = render_snapshot(net, sender, asked, privilege=15)
        source, destination = link.end(trouble.receiver).remote, link.end(trouble.receiver).local
        lines = re.findall(
            rf"INV_SPI.*destaddr={destination}, prot=50, spi=0x([0-9A-F]+)\((\d+)\), srcaddr={source}\b",
            at_receiver["show logging"],
        )
        assert len(lines) >= 3
        (hexadecimal, decimal), *rest = set(lines)
        assert not rest
        assert int(hexadecimal, 16) == int(decimal)
        outbound = at_sender["show crypto ipsec sa"].split("outbound esp sas:")[1:]
        assert any(f"0x{hexadecimal}(" in part.split("ah sas")[0] for part in outbound)
        assert hexadecimal not in at_receiver["show crypto ipsec sa"]


@pytest.mark.parametrize(
    ("row", "receiver", "word"),
    [
        ("static-crypto-map", "right", "set peer 198.51.100.10"),
        ("dynamic-crypto-map", "hub", "crypto map VPN 65000 ipsec-isakmp dynamic BRANCH-DYN"),
        ("gre-tunnel-protection", "right", "tunnel destination 198.51.100.10"),
        ("mgre-static-nhrp", "spoke-1", "ip nhrp map 172.16.0.3 192.0.2.10"),
        ("mgre-dynamic-nhrp", "hub", "tunnel mode gre multipoint"),
        ("svti", "left", "tunnel mode ipsec ipv4"),
        ("ezvpn-client", "client", "crypto ipsec client ezvpn EZHQ"),
    ],
)
def test_each_row_of_the_table_has_a_scenario_with_that_configuration_at_the_receiver(row, receiver, word):
    net = network(row)
    assert net.troubles[0].receiver == receiver
    link = net.links_of(receiver)[0]
    assert link.end(receiver).kind == row
    seen = render_snapshot(net, receiver, ["show running-config", "show logging", "show crypto isakmp sa"])
    assert f" {word}" in seen["show running-config"] or f"\n{word}" in seen["show running-config"]
    assert seen["show logging"].count("RECVD_PKT_INV_SPI") >= 3
    assert str(link.end(receiver).remote) not in seen["show crypto isakmp sa"]


def test_the_demo_has_every_row_and_the_odd_ones_out():
    net = network()
    rows = {
        next(ln for ln in net.links if ln.name == t.link).end(t.receiver).kind
        for t in net.troubles
        if t.kind == "stale-sa"
    }
    assert rows == {
        "static-crypto-map",
        "dynamic-crypto-map",
        "gre-tunnel-protection",
        "mgre-static-nhrp",
        "mgre-dynamic-nhrp",
        "svti",
        "ezvpn-client",
    }
    assert {t.kind for t in net.troubles} >= {"rekey-transient", "recovery-on-but-stuck", "counts-only"}
    assert any(d.unreachable for d in net.devices)
    assert any(d.refusals for d in net.devices)
    assert len(net.devices) >= 8


def test_the_last_line_of_a_persistent_trouble_is_seconds_old_and_lines_are_a_minute_apart():
    net = network()
    for later in (0, 29, 600):
        now = EPOCH + timedelta(seconds=later)
        lines = [e for e in events.entries(net, net.device("br-004"), now) if "INV_SPI" in e.text]
        assert timedelta(0) <= now - lines[-1].time < timedelta(seconds=63)
        gaps = {round((b.time - a.time).total_seconds()) for a, b in pairwise(lines)}
        assert gaps <= {61, 62}


def test_a_limiter_of_the_box_lets_one_line_a_minute_pass_whatever_the_flow():
    tree = {
        "devices": {"hub": {"log": {"limiter": "device"}}, "a": None, "b": None},
        "links": [{"type": "gre", "between": ["a", "hub"]}, {"type": "gre", "between": ["b", "hub"]}],
        "trouble": [
            {"kind": "stale-sa", "link": "a--hub", "receiver": "hub", "since": "9m"},
            {"kind": "stale-sa", "link": "b--hub", "receiver": "hub", "since": "8m"},
        ],
    }
    net = scenario.load(tree, epoch=EPOCH)
    lines = [e.time for e in events.entries(net, net.device("hub"), EPOCH) if "INV_SPI" in e.text]
    assert min(b - a for a, b in pairwise(lines)) >= timedelta(minutes=1)


def test_log_stamps_fit_the_clock_of_the_router():
    text = render_snapshot("demo", "hub-mad", ["show clock", "show logging"], epoch=EPOCH)
    assert text["show clock"] == "23:30:00.000 CET Sat Mar 28 2026\n"
    stamps = re.findall(r"^(\w{3} +\d+ \d{4} [\d:.]+) CET: %CRYPTO", text["show logging"], re.MULTILINE)
    last = datetime.strptime(stamps[-1], "%b %d %Y %H:%M:%S.%f").replace(tzinfo=UTC)
    assert timedelta(0) <= datetime(2026, 3, 28, 23, 30, tzinfo=UTC) - last < timedelta(seconds=63)


def test_without_localtime_the_log_is_in_utc_beside_a_local_clock():
    tree = {
        "devices": {"r": {"clock": {"zone": "CEST", "offset": 120}, "stamps": {"localtime": False}, "uptime": "2h"}}
    }
    text = render_snapshot(tree, "r", ["show clock", "show logging"], epoch=EPOCH)
    assert "00:30:00.000 CEST Sun Mar 29 2026" in text["show clock"]
    stamps = re.findall(r"^\*?(\w{3} \d\d \d\d:\d\d):\d\d\.\d{3} UTC: %", text["show logging"], re.MULTILINE)
    assert stamps[0] == "Mar 28 20:30"
    assert stamps == sorted(stamps)
    assert stamps[-1] <= "Mar 28 22:30"


@pytest.mark.parametrize(
    ("stamps", "clock", "form"),
    [
        ({}, {"mark": "*"}, r"\*Mar 2[78] \d\d:\d\d:\d\d\.\d{3} UTC: %"),
        ({"msec": False, "show_timezone": False}, {"mark": "."}, r"\.Mar 2[78] \d\d:\d\d:\d\d: %"),
        ({"year": True, "sequence": True}, {}, r"\d{6}: Mar 2[78] 2026 \d\d:\d\d:\d\d\.\d{3} UTC: %"),
        ({"kind": "uptime"}, {}, r"\d+w\dd: %"),
        ({"kind": "none"}, {}, r"%"),
    ],
)
def test_stamps_follow_the_service_lines(stamps, clock, form):
    tree = {"devices": {"r": {"stamps": stamps, "clock": clock, "uptime": "30d"}}}
    text = render_snapshot(tree, "r", ["show logging"], epoch=EPOCH)["show logging"]
    lines = [line for line in text.split("bytes):\n\n")[1].splitlines() if ": %" in line or line.startswith("%")]
    assert len(lines) > 50
    assert all(re.match(form, line) for line in lines[-3:])
    assert "%SYS-5-RESTART: System restarted --\nCisco IOS Software, C2900" in text
    assert f"level informational, {len(lines)} messages logged" in text


def test_lifetimes_run_down_and_counters_rise():
    net = network()
    asked = "show crypto ipsec sa peer 192.0.2.2"  # at the sender of row 1
    looks = [render_snapshot(net, "partner-1", [asked], at=EPOCH + timedelta(seconds=s))[asked] for s in (0, 10)]
    left = [int(re.search(r"\(k/sec\): \(\d+/(\d+)\)", look)[1]) for look in looks]
    encaps = [int(re.search(r"#pkts encaps: (\d+)", look)[1]) for look in looks]
    decaps = [int(re.search(r"#pkts decaps: (\d+)", look)[1]) for look in looks]
    assert left[0] - left[1] == 10
    assert encaps[1] > encaps[0]
    assert decaps[1] == decaps[0]


def test_the_unknown_spi_counter_of_an_old_asr_rises_without_a_line():
    net = network()
    drops = "show platform hardware qfp active feature ipsec datapath drops all"
    counts = []
    for seconds in (0, 60):
        text = render_snapshot(net, "asr-old", [drops, "show logging"], at=EPOCH + timedelta(seconds=seconds))
        assert "INV_SPI" not in text["show logging"]
        counts.append(int(re.search(r"IN_US_V4_PKT_SA_NOT_FOUND_SPI +(\d+)", text[drops])[1]))
    link = next(ln for ln in net.links if ln.name == "lisbon")
    assert counts[1] - counts[0] == 60 * link.rate


def test_a_stale_sa_that_dies_is_replaced_at_both_ends():
    net = network("static-crypto-map")
    (link,), (trouble,) = net.links, net.troubles
    end = state.heals_at(net, link, trouble)
    before = state.holding(net, link, "right", end - timedelta(seconds=1))
    after = state.holding(net, link, "right", end + timedelta(seconds=1))
    assert not before.inbound
    assert after.inbound[0].spi != state.stale_spi(net, link, trouble, "right")
    assert after.live_ike is not None
    quiet = [e for e in events.entries(net, net.device("right"), end + timedelta(hours=1)) if "INV_SPI" in e.text]
    assert all(e.time <= end for e in quiet)


def test_a_transient_line_names_an_spi_that_the_receiver_has_now():
    net = network()
    text = render_snapshot(net, "hub-bcn", ["show logging", "show crypto ipsec sa peer 198.51.100.1"], epoch=EPOCH)
    (spi,) = re.findall(r"spi=0x([0-9A-F]+)\(\d+\), srcaddr=198\.51\.100\.1,", text["show logging"])
    inbound = text["show crypto ipsec sa peer 198.51.100.1"].split("inbound esp sas:")[1].split("inbound ah")[0]
    assert f"0x{spi}(" in inbound


def test_clearing_at_the_sender_heals_and_at_the_receiver_does_not():
    now = [EPOCH]
    world = World(network("static-crypto-map"), lambda: now[0])
    link = world.network.links[0]
    world.clear("right", link.end("right").remote)
    assert world.network.troubles[0].until is None
    world.clear("left", link.end("left").remote)
    now[0] += timedelta(seconds=5)
    assert state.holding(world.network, link, "right", now[0]).inbound


@pytest.mark.parametrize(
    ("name", "helps"),
    [("static-crypto-map", True), ("svti", True), ("dynamic-crypto-map", False), ("ezvpn-client", False)],
)
def test_recovery_heals_only_where_the_document_says_yes(name, helps):
    world = World(network(name), lambda: EPOCH)
    world.set_recovery(world.network.troubles[0].receiver, on=True)
    assert (world.network.troubles[0].until is not None) is helps


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_command_answers_on_every_router_and_twice_the_same(name):
    net = network(name)
    for device in net.devices:
        lines = [
            c.pattern.replace("<address>", str(link.end(device.name).remote)).replace("<word>", device.platform.wan)
            for c in COMMANDS
            if c.exists_on(device.platform)
            for link in net.links_of(device.name)[:1]
        ]
        first = render_snapshot(net, device.name, lines, privilege=15)
        assert first == render_snapshot(net, device.name, lines, privilege=15)
        refused = {r.command for r in device.refusals}
        assert all("% Invalid" not in text for line, text in first.items() if line not in refused)


def test_keys_of_the_configuration_are_canaries_and_nothing_else_prints_them():
    net = network("zoo")
    for device in net.devices:
        lines = [c.pattern for c in COMMANDS if c.exists_on(device.platform) and "<" not in c.pattern]
        for line, text in render_snapshot(net, device.name, lines, privilege=15).items():
            assert ("cisco-lab-" in text) is (line == "show running-config")


def test_a_map_is_applied_and_names_its_peers():
    net = network()
    for device in net.devices:
        kinds = {link.end(device.name).kind for link in net.links_of(device.name)}
        config = render_snapshot(net, device.name, ["show running-config"], privilege=15)["show running-config"]
        assert ("\n crypto map VPN\n" in config) is bool(kinds & MAPS)
        assert config.rstrip().endswith("\nend")
        assert f"\nhostname {device.name}\n" in config


@pytest.mark.parametrize(
    ("tree", "place"),
    [
        ({"devices": {"r": {"plattform": "c2911"}}}, r"devices\.r\.plattform: unknown key; did you mean 'platform'"),
        ({"devices": {"r": {"platform": "c29"}}}, r"devices\.r\.platform"),
        ({"devices": {"r": {"wan": "300.1.1.1"}}}, r"devices\.r\.wan"),
        ({"devices": {"r": {"uptime": "long"}}}, r"no duration"),
        ({"devices": {"r": None}, "links": [{"type": "gre", "between": ["r", "s"]}]}, r"links\.0\.between"),
        ({"devices": {"r": None}, "trouble": [{"kind": "stale", "receiver": "r"}]}, r"did you mean 'stale-sa'"),
        ({"devices": {"r": None}, "trouble": [{"kind": "stale-sa", "receiver": "r", "link": "x"}]}, r"no link 'x'"),
    ],
)
def test_a_wrong_scenario_is_refused_with_its_place(tree, place):
    with pytest.raises(UsageError, match=place):
        scenario.load(tree, epoch=EPOCH)


def test_a_missing_scenario_names_a_near_one():
    with pytest.raises(UsageError, match="did you mean 'demo'"):
        scenario.load("dmo", epoch=EPOCH)


def test_a_fleet_has_the_size_asked_for_and_unique_addresses():
    net = scenario.load("fleet:300", epoch=EPOCH)
    assert len(net.devices) == 300
    assert len({d.wan.ip for d in net.devices}) == 300
    assert net.troubles


def test_a_front_door_vrf_stands_wherever_the_router_shows_it():
    asked = ["show running-config", "show crypto ipsec sa", "show crypto session detail", "show crypto ikev2 sa"]
    hub = render_snapshot("front-vrf", "hub", asked)
    config = hub["show running-config"]
    assert "vrf definition INET\n" in config
    assert " vrf forwarding CORP\n ip address 172.16.0.1" in config
    assert " tunnel vrf INET\n tunnel protection" in config
    assert "crypto keyring FRONT vrf INET" in config
    assert "crypto isakmp key" not in config
    assert hub["show crypto ipsec sa"].count("protected vrf: CORP") == 3
    assert "fvrf: INET ivrf: CORP" in hub["show crypto session detail"]
    assert " INET/CORP " in hub["show crypto ikev2 sa"]
    classic = render_snapshot("front-vrf", "spoke-2", ["show running-config"])["show running-config"]
    assert "\nip vrf INET\n" in classic
    assert "\n ip vrf forwarding INET\n ip address 198.51.100.42" in classic


def test_nhrp_of_old_images_stands_on_one_line():
    tree = {
        "devices": {"old": {"platform": "c1841"}, "hub": {"platform": "c2911"}},
        "links": [{"type": "dmvpn", "between": ["old", "hub"]}],
    }
    assert re.match(
        r"172\.16\.0\.2/32 via 172\.16\.0\.2, Tunnel100 created ",
        render_snapshot(tree, "old", ["show ip nhrp"])["show ip nhrp"],
    )
    assert re.match(
        r"172\.16\.0\.1/32 via 172\.16\.0\.1\n   Tunnel100 created ",
        render_snapshot(tree, "hub", ["show ip nhrp"])["show ip nhrp"],
    )


def test_nothing_is_counted_where_nothing_is_wrong():
    drops = "show platform hardware qfp active feature ipsec datapath drops"
    assert "NOT_FOUND" not in render_snapshot("healthy", "hub-mad", [drops])[drops]
    assert re.search(r"SA_NOT_FOUND_SPI +3\n", render_snapshot("chatty", "right", [drops])[drops])


def test_the_routers_know_every_line_that_the_catalogue_types():
    from collector.commands import CATALOGUE

    unknown = {
        "show drops history crypto",  # no output of it is known to us
        "show crypto session brief",  # read from pastes; no plan types it
        "show crypto ipsec sa address",  # as above
    }
    lines = [line.format(peer="192.0.2.20", vrf="CORP") for command in CATALOGUE for line in command.lines]
    answers = render_snapshot("front-vrf", "flex", lines)
    assert {line for line, text in answers.items() if "% Invalid" in text} <= unknown
    assert "current_peer 192.0.2.20" in answers["show crypto ipsec sa vrf CORP"]
    assert "esp sas" not in answers["show crypto ipsec sa identity"]


def test_a_map_encrypts_gre_names_a_backup_and_resolves_a_peer():
    asked = ["show running-config", "show crypto map", "show crypto ipsec sa"]
    dialin, v2 = (render_snapshot("zoo", name, asked) for name in ("dialin", "v2"))
    assert "permit gre host 198.51.100.21 host 198.51.100.23" in dialin["show running-config"]
    assert " tunnel destination 198.51.100.23\n!" in dialin["show running-config"]
    assert "(198.51.100.23/255.255.255.255/47/0)" in dialin["show crypto ipsec sa"]
    assert " set peer vpn.example.net dynamic\n" in dialin["show running-config"]
    assert " set peer 192.0.2.12 default\n set peer 192.0.2.99\n" in v2["show running-config"]
    assert "\tPeer = 192.0.2.12 (default)\n\tPeer = 192.0.2.99\n" in v2["show crypto map"]
