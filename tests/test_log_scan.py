"""The log scanner: bodies, neighbours, duplicates, hostile text, and the tally that always adds up."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address

import pytest
from cost import cheap
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from log_renderer import STYLES, WRAPS, Line

from collector.model import InvalidSpi, LogMessage, RelatedEvent
from collector.parse.log import Tally, scan

AT = datetime(2024, 3, 12, 18, 22, 10, 706000)  # noqa: DTZ001 - a router's wall clock
WORDS = "decaps: rec'd IPSEC packet has invalid spi for"


def run(text: str, *, every: bool = True) -> tuple[list[LogMessage], Tally]:
    tally = Tally()
    messages = list(scan(text.splitlines(), every=every, tally=tally))
    assert tally.seen == tally.events + tally.duplicates + tally.unparsed
    return messages, tally


def only(text: str) -> InvalidSpi:
    messages, tally = run(text)
    events = [m.event for m in messages if isinstance(m.event, InvalidSpi)]
    assert (len(events), tally.events, tally.unparsed) == (1, 1, 0), (messages, tally)
    return events[0]


def inv(rest: str, head: str = "Mar 12 18:22:10.706: %CRYPTO-4-RECVD_PKT_INV_SPI: ") -> str:
    return f"{head}{WORDS} {rest}"


@pytest.mark.parametrize(
    ("text", "spi", "source", "interface"),
    [
        (inv("destaddr=192.0.2.1, prot=50, spi=0x22642f0c(576990988), srcaddr=198.51.100.7"), 0x22642F0C,
         "198.51.100.7", None),
        (inv("destaddr=192.0.2.1, prot=50, spi=22642f0c, srcaddr=198.51.100.7"), 0x22642F0C, "198.51.100.7", None),
        (inv("destaddr=192.0.2.1, prot=50, spi=0x44A4038(71974968), srcaddr=198.51.100.7"), 0x44A4038,
         "198.51.100.7", None),
        (inv("destaddr= Z.Z.Z.Z , prot=50, spi=0x430A8C9C(1124764828), srcaddr= X.X.X.X ,  input interface = Vlan20"),
         0x430A8C9C, "X.X.X.X", "Vlan20"),
        (inv("destaddr=2001:db8::1, prot=51, spi=0x10(16), srcaddr=2001:db8::7, input interface=Tunnel0",
             "%CRYPTO-SW1-4-RECVD_PKT_INV_SPI: "), 0x10, "2001:db8::7", "Tunnel0"),
        (inv("destaddr=192.0.2.1, prot=50, spi=0x10(16), srcaddr=198.51.100.7", "%IPSEC-3-RECVD_PKT_INV_SPI: "), 0x10,
         "198.51.100.7", None),
        (inv("destaddr=192.0.2.1, prot=50, spi=0x10(16), srcaddr=198.51.100.7, input interface=Gi0/0/0",
             "*Mar 12 18:22:10.706: %IOSXE-3-PLATFORM: R0/0: cpp_cp: QFP:0.0 Thread:001 TS:00000000432841 "
             "%IPSEC-3-RECVD_PKT_INV_SPI: "), 0x10, "198.51.100.7", "Gi0/0/0"),
        (inv("destaddr=192.0.2.1, prot=50, spi=0x10(16), srcaddr=198.51.100.7.").replace("rec'd", "rec’d"), 0x10,
         "198.51.100.7", None),
        (inv("destaddr=192.0.2.1, prot=50, spi=0x10(16), srcaddr=198.51.100.7").replace("decaps: rec'd", "decaps rec`d"),
         0x10, "198.51.100.7", None),
        ('{"m":"' + inv("destaddr=192.0.2.1, prot=50, spi=0x10(16), srcaddr=198.51.100.7") + '","host":"edge1"}', 0x10,
         "198.51.100.7", None),
        (("Mar 12 18:22:10.706: %CRYPTO-4-RECVD_PKT_INV_SPI: srcaddr=198.51.100.7, spi=0x10(16), prot=50, "
         "destaddr=192.0.2.1"), 0x10, "198.51.100.7", None),
        ("> " + inv("destaddr=192.0.2.1, prot=50, spi=0x10(16), srcaddr=198.51.100.7").replace("%", "%>"), 0x10,
         "198.51.100.7", None),
        ("Mar 12 18:22:10.706: %\n>" + inv("destaddr=192.0.2.1, prot=50, spi=0x10(16), srcaddr=198.51.100.7",
                                            "CRYPTO-4-RECVD_PKT_INV_SPI: "), 0x10, "198.51.100.7", None),
        ("R1#" + inv("destaddr=192.0.2.1, prot=50, spi=0x10(16), srcaddr=198.51.100.7") + "\nR1#show users", 0x10,
         "198.51.100.7", None),
    ],
)  # fmt: skip
def test_bodies(text: str, spi: int, source: str, interface: str | None):
    event = only(text)
    assert (event.spi, event.source_text, event.interface) == (spi, source, interface)
    assert event.consistent


def test_hex_and_decimal_that_disagree_are_both_kept():
    event = only(inv("destaddr=192.0.2.1, prot=50, spi=0x215EBFF1(605998893), srcaddr=198.51.100.7"))
    assert (event.spi, event.spi_decimal, event.consistent) == (0x215EBFF1, 605998893, False)


@pytest.mark.parametrize(
    "text",
    [
        f"Mar 12 18:22:10: %PIX-4-402101: {WORDS} destaddr=192.0.2.1, prot=50, spi=0x10(16)",
        "R1#show logging | include INV_SPI",
        "see %CRYPTO-4-RECVD_PKT_INV_SPI in the manual",
        "*Mar 12 18:22:10: %PARSER-5-CFGLOG_LOGGEDCMD: User:netops  logged command:no logging INV_SPI",
    ],
)
def test_what_only_mentions_it_is_no_event(text: str):
    assert run(text)[1].seen == 0


@pytest.mark.parametrize(
    "rest",
    [
        "",
        "destaddr=192.0.2.1",
        "destaddr=192.0.2.1, prot=50, spi=0x10(16),",
        "destaddr=192.0.2.1, prot=50, spi=0x10(16), srcaddr=",
        "destaddr=192.0.2.1, prot=50, spi=0x10(16), srcaddr=198.51.",
        "destaddr=192.0.2.1, prot=50, spi=0x10(16), srcaddr=198.51.100.7, input inter",
        "destaddr=192.0.2.1, prot=50, spi=0x10(16), srcaddr=198.51.100.7, input interface=Gi0/",
        "something else altogether",
    ],
)
def test_a_cut_message_is_kept_and_counted(rest: str):
    messages, tally = run(inv(rest) + "\nMar 12 18:22:11.706: %SYS-5-RESTART: System restarted --", every=False)
    assert (tally.seen, tally.unparsed) == (1, 1)
    assert messages[0].unread


RELATED = [
    ("CRYPTO-4-IKMP_NO_SA: IKE message from 198.51.100.7      has no SA and is not an initialization offer",
     "ikmp-no-sa", "198.51.100.7", None, None, ""),
    (("CRYPTO-4-RECVD_PKT_NOT_IPSEC: Rec'd packet not an IPSEC packet. (ip) vrf/dest_addr= /192.0.2.1, "
     "src_addr= 198.51.100.7, prot= 132"), "not-ipsec", "198.51.100.7", "192.0.2.1", None, "prot=132"),
    (("CRYPTO-4-RECVD_PKT_NOT_IPSEC: Rec'd packet not an IPSEC packet. (ip) vrf/dest_addr= RED/192.0.2.1, "
     "src_addr= 198.51.100.7, prot= 47"), "not-ipsec", "198.51.100.7", "192.0.2.1", None, "vrf=RED prot=47"),
    (("CRYPTO-4-RECVD_PKT_MAC_ERR: decrypt: mac verify failed for connection id=2989 local=192.0.2.1 "
     "remote=198.51.100.7 spi=999CD43B seqno=00000001"), "mac-error", "198.51.100.7", "192.0.2.1", 0x999CD43B,
     "connection id=2989"),
    ("CRYPTO-4-PKT_REPLAY_ERR: decrypt: replay check failed\n        connection id=529, sequence number=12",
     "replay-error", None, None, None, "connection id=529"),
    (("IOSXE-3-PLATFORM: R0/0: cpp_cp: QFP:0.0 Thread:001 TS:00000000432841 %IPSEC-3-HMAC_ERROR: IPSec SA receives HMAC "
     "error, DP Handle 3, src_addr 198.51.100.7, dest_addr 192.0.2.1, SPI 0x293"), "mac-error", "198.51.100.7",
     "192.0.2.1", 0x293, "HMAC_ERROR"),
    (("IOSXE-3-PLATFORM: SIP0: cpp_cp: QFP:0.0 Thread:001 TS:00000000432841\n%IPSEC-3-REPLAY_ERROR: IPSec SA receives "
     "anti-replay error, DP Handle 3, src_addr 198.51.100.7, dest_addr 192.0.2.1, SPI 0x293"), "replay-error",
     "198.51.100.7", "192.0.2.1", 0x293, "REPLAY_ERROR"),
    ("HSRP-5-STATECHANGE: GigabitEthernet0/0 Grp 1 state Standby -> Active", "hsrp", None, None, None,
     "GigabitEthernet0/0 Grp 1 state Standby -> Active"),
    ("SYS-5-RESTART: System restarted --", "restart", None, None, None, "System restarted --"),
    ("SYS-5-RELOAD: Reload requested by netops on vty0 (192.0.2.9). Reload Reason: Reload Command.", "restart", None,
     None, None, "Reload requested by netops on vty0 (192.0.2.9). Reload Reason: Reload Command."),
    ("REDUNDANCY-3-SWITCHOVER: RP switchover (PEER_NOT_PRESENT)", "switchover", None, None, None,
     "RP switchover (PEER_NOT_PRESENT)"),
    ("CRYPTO-5-SELF_TEST_START: Crypto algorithms release (Rel5b), Entropy release", "self-test", None, None, None,
     "SELF_TEST_START"),
    ("SYS-5-CONFIG_I: Configured from console by netops on vty0 (192.0.2.9)", "config", None, None, None,
     "Configured from console by netops on vty0 (192.0.2.9)"),
    ("CRYPTO-6-IKMP_MODE_FAILURE: Processing of Informational mode failed with peer at 198.51.100.7", "ike-failure",
     "198.51.100.7", None, None, "IKMP_MODE_FAILURE"),
    ("CRYPTO-4-IKMP_BAD_MESSAGE: IKE message from 198.51.100.7 failed its sanity check or is malformed", "ike-failure",
     "198.51.100.7", None, None, "IKMP_BAD_MESSAGE"),
    ("CRYPTO-6-IKMP_NOT_ENCRYPTED: IKE packet from 198.51.100.7 was not encrypted and it should've been.",
     "ike-failure", "198.51.100.7", None, None, "IKMP_NOT_ENCRYPTED"),
    ("CRYPTO-6-IKMP_SA_NOT_AUTH: Cannot accept Quick mode exchange from 198.51.100.7 if SA is not authenticated!",
     "ike-failure", "198.51.100.7", None, None, "IKMP_SA_NOT_AUTH"),
    ("CRYPTO-5-IKMP_AG_MODE_DISABLED: Unable to initiate or respond to Aggressive Mode while disabled", "ike-failure",
     None, None, None, "IKMP_AG_MODE_DISABLED"),
    ("CRYPTO-5-SESSION_STATUS: Crypto tunnel is UP  .  Peer 198.51.100.7:500       Id: 198.51.100.7", "crypto-other",
     "198.51.100.7", None, None, "SESSION_STATUS"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "kind", "source", "destination", "spi", "detail"), RELATED)
def test_related(  # noqa: PLR0917 - a row of the table
    text: str, kind: str, source: str | None, destination: str | None, spi: int | None, detail: str
):
    messages, _ = run(f"*Mar 12 18:22:10.706: %{text}\n*Mar 12 18:22:11.706: %LINK-3-UPDOWN: Interface Gi0/1, down")
    event = messages[0].event
    assert event == RelatedEvent(
        kind=kind,
        source=ip_address(source) if source else None,
        destination=ip_address(destination) if destination else None,
        spi=spi,
        detail=detail,
    )
    assert len(messages) == 2
    assert messages[1].event is None


def test_a_standby_that_only_reports_is_no_switchover():
    assert (
        run("Mar 12 18:22:10: %REDUNDANCY-5-PEER_MONITOR_EVENT: Active detected a standby insertion")[0][0].event
        is None
    )


class TestDuplicates:
    A = Line(spi=0x10, at=AT)

    def tally(self, *texts: str) -> tuple[int, int]:
        tally = run("\n".join(texts), every=False)[1]
        return tally.events, tally.duplicates

    def test_by_stamp(self):
        line = "Mar 12 18:22:10.706: " + self.A.body
        assert self.tally(line, line) == (1, 1)

    def test_by_relay_and_buffer(self):
        line = "*Mar 12 18:22:10.706: " + self.A.body
        assert self.tally(line, "Mar 12 18:22:12 edge1 91: " + line, "Mar 12 18:22:12 edge1 77: " + line) == (1, 2)

    def test_by_sequence(self):
        assert self.tally("000091: " + self.A.body, "000091: " + self.A.body, "000092: " + self.A.body) == (2, 1)

    def test_a_sequence_that_came_back_after_a_reload(self):
        assert self.tally("000091: Mar 12 18:22:10: " + self.A.body, "000091: Mar 12 19:40:10: " + self.A.body) == (
            2,
            0,
        )

    def test_other_times_other_bodies_and_coarse_stamps_stay(self):
        assert self.tally("Mar 12 18:22:10: " + self.A.body, "Mar 12 18:23:10: " + self.A.body) == (2, 0)
        other = Line(spi=0x11, at=AT)
        assert self.tally("Mar 12 18:22:10: " + self.A.body, "Mar 12 18:22:10: " + other.body) == (2, 0)
        assert self.tally("3d05h: " + self.A.body, "3d05h: " + self.A.body) == (2, 0)

    def test_a_relay_that_counts(self):
        text = "Mar 12 18:22:12 edge1 " + self.A.body + "\nMar 12 18:25:12 edge1 last message repeated 3 times"
        messages, _ = run(text, every=False)
        assert [(m.event.kind, m.event.detail, m.event.spi) for m in messages[1:]] == [("repeated", "3", 0x10)]

    def test_a_relay_that_counts_something_else(self):
        between = "\nMar 12 18:23:12 edge1 %LINK-3-UPDOWN: Interface Gi0/1, changed state to up"
        text = (
            "Mar 12 18:22:12 edge1 " + self.A.body + between + "\nMar 12 18:25:12 edge1 last message repeated 3 times"
        )
        assert len(run(text, every=False)[0]) == 1


def test_the_source_document(seed_text: str):
    messages, tally = run(seed_text, every=False)
    assert [m.event.spi for m in messages] == [0xB761863E, 0x1DB73BBB, 0x1DB73BBB]
    assert (tally.seen, tally.unparsed) == (3, 0)
    assert [m.stamp.time.strftime("%H:%M:%S") for m in messages] == ["13:27:57", "13:36:47", "13:37:48"]


def test_prompts_remarks_and_debug_between():
    first, second = Line(spi=0x10, at=AT), Line(spi=0x11, at=AT)
    text = "\n".join((
        "Load for five secs: 1%/0%; one minute: 1%; five minutes: 1%",
        "Time source is NTP, 18:22:10.706 UTC Tue Mar 12 2024",
        "*Mar 12 18:22:10.706: ISAKMP:(1001): processing HASH payload. message ID = 12",
        f"*Mar 12 18:22:10.706: {first.body}",
        "hub1#", "hub1#show crypto isakmp sa", "dst             src             state          conn-id status",
        "192.0.2.1       198.51.100.7    QM_IDLE           1001 ACTIVE",
        f"hub1#*Mar 12 18:22:11.706: {second.body}",
        "*Mar 12 18:22:12.706: IPSEC(key_engine): got a queue event with 1 KMI message(s)",
    ))  # fmt: skip
    messages, tally = run(text)
    assert [m.event.spi for m in messages if m.event] == [0x10, 0x11]
    assert tally.total == 4


LINES = st.lists(
    st.tuples(st.integers(1, 0xFFFFFFFF), st.integers(0, 3000), st.sampled_from([None, "Vlan20", "GigabitEthernet0/1"])),
    min_size=1, max_size=5, unique_by=(lambda t: t[0], lambda t: t[1]),
)  # fmt: skip


def rendered(rows: list[tuple[int, int, str | None]], wrap: str) -> tuple[str, list[int]]:
    style = next(s for s in STYLES if s.name == "msec")
    lines = [Line(spi=spi, at=AT.replace(hour=minute // 60 % 24, minute=minute % 60), interface=ifc, sequence=i)
             for i, (spi, minute, ifc) in enumerate(sorted(rows, key=lambda t: t[1]))]  # fmt: skip
    return WRAPS[wrap]([style.render(m) + m.body for m in lines]), [m.spi for m in lines]


WRAP_NAMES = st.sampled_from(["one-line", "columns-80", "columns-61", "words-70", "mail-quoted"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES, WRAP_NAMES, st.data())
def test_mangled_lines_give_the_right_events_or_say_so(rows, wrap, data):
    text, spis = rendered(rows, wrap)
    lines = text.split("\n")
    how = data.draw(st.sampled_from(["cut", "double", "drop", "swap", "noise"]))
    at = data.draw(st.integers(0, len(lines) - 1))
    mangled = {
        "cut": lines[: at + 1],
        "double": [*lines[: at + 1], *lines[at:]],
        "drop": lines[:at] + lines[at + 1 :],
        "swap": [*lines[:at], *reversed(lines[at : at + 2]), *lines[at + 2 :]],
        "noise": [*lines[:at], "*Mar 12 18:22:10.706: %SYS-5-CONFIG_I: Configured from console", *lines[at:]],
    }[how]
    messages, tally = run("\n".join(mangled), every=False)
    events = [m.event for m in messages if isinstance(m.event, InvalidSpi) and not m.unread]
    if not tally.unparsed:
        assert all(event.spi in spis and event.consistent for event in events)
        assert len(events) + tally.duplicates >= sum("INV_SPI:" in line for line in mangled if wrap == "one-line")


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(LINES, st.sampled_from(list(WRAPS)))
def test_random_messages_come_back_from_any_wrap(rows, wrap):
    text, spis = rendered(rows, wrap)
    messages, tally = run(text)
    assert [m.event.spi for m in messages if isinstance(m.event, InvalidSpi)] == spis
    assert tally.unparsed == 0


PIECES = st.sampled_from(
    ["%CRYPTO-4-RECVD_PKT_INV_SPI: ", "decaps: rec'd IPSEC packet has invalid spi for ", "destaddr=", "192.0.2.1", ", prot=50, ",
     "spi=0x10(16)", "srcaddr=", ", input interface=", "Gi0/0", "\n", " ", "\x1b[0m", "\x00", "%", ">", "<189>", "1: ",
     "Mar 12 18:22:10: ", "*", ".", "3d05h: ", "Feb 30 25:61:61: ", "2024-02-31T00:00:00Z ", "edge1 ", "R1#", "last message repeated 9 times",
     "%IOSXE-3-PLATFORM: ", "\ufeff", "²", "\u2028"]
)  # fmt: skip
HOSTILE = st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=60).map("".join))


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(HOSTILE, st.booleans())
def test_hostile_text_does_not_crash(text: str, every: bool):  # noqa: FBT001 - drawn
    run(text, every=every)


@pytest.mark.soak
@settings(max_examples=300_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(HOSTILE, st.booleans())
def test_fuzz(text: str, every: bool):  # noqa: FBT001 - drawn
    run(text, every=every)


HEAD = "Mar 12 18:22:10: %CRYPTO-4-RECVD_PKT_INV_SPI: "


@pytest.mark.parametrize("piece", [
    " ", ",", "srcaddr=", "%", "1: ", "<1>", "%CRYPTO-4-RECVD_PKT_INV_SPI: ", "%A-1-BB: x ", "s ", "Mar 12 18:22:10: ", "> ",
    "spi=0x", "(", "destaddr=,", "12:00:00: ", "a-", "[", "- ", "Mar 12 18:22:10 r1 ",
])  # fmt: skip
@pytest.mark.parametrize("lead", ["", HEAD, "*"])
def test_time_is_linear(piece: str, lead: str):
    text = lead + piece * (100_000 // len(piece))
    assert cheap(lambda: list(scan([text, text])), 3)
