"""Makes tests/cases: snapshot folders of routers that never existed, each with the verdict that it must get.

Run by hand (`python tests/make_cases.py`) after a change here; the captures and expected.yaml are committed. Verdicts are
declared in `CASES`, never copied from what the program said.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from collector.commands.show_running_config import INCLUDE, SECTION
from collector.errors import ErrorCode
from collector.model import Capture, Device, Failure, Snapshot
from collector.snapshot import write

ROOT = Path(__file__).parent / "cases"
NOW = datetime(2026, 3, 14, 12, 0, 0, tzinfo=UTC)
HUB, FAR, SPI = "192.0.2.1", "203.0.113.9", 0x1DB73BBB
ISAKMP, IKEV2, IPSEC = "show crypto isakmp sa", "show crypto ikev2 sa", "show crypto ipsec sa"
SESSION, NHRP = "show crypto session detail", "show ip nhrp"
DATAPATH = "show platform hardware qfp active feature ipsec datapath drops all"
STATISTICS = "show platform hardware qfp active statistics drop"
LOG = "show logging"

KEEPALIVE = "crypto isakmp keepalive 10 3 periodic"
RECOVERY = "crypto isakmp invalid-spi-recovery"
OUTSIDE = f"""interface GigabitEthernet0/0
 ip address {HUB} 255.255.255.0"""
STATIC = f"""crypto map VPN 10 ipsec-isakmp
 set peer {FAR}
 set transform-set TS
 match address 110
{OUTSIDE}
 crypto map VPN"""
DYNAMIC = f"""crypto dynamic-map DYN 10
 set transform-set TS
crypto map VPN 65535 ipsec-isakmp dynamic DYN
{OUTSIDE}
 crypto map VPN"""
BOTH = f"""crypto dynamic-map DYN 10
 set transform-set TS
crypto map VPN 10 ipsec-isakmp
 set peer {FAR}
 set transform-set TS
 match address 110
crypto map VPN 65535 ipsec-isakmp dynamic DYN
{OUTSIDE}
 crypto map VPN"""
IKEV2_TUNNEL = f"""crypto ikev2 profile V2
 match identity remote address {FAR} 255.255.255.255
 authentication remote pre-share
 authentication local pre-share
crypto ipsec profile P
 set ikev2-profile V2
interface Tunnel1
 ip address 10.0.1.1 255.255.255.252
 tunnel source GigabitEthernet0/0
 tunnel mode ipsec ipv4
 tunnel destination {FAR}
 tunnel protection ipsec profile P
{OUTSIDE}"""
SVTI = f"""crypto ipsec profile P
 set transform-set TS
interface Tunnel1
 ip address 10.0.1.1 255.255.255.252
 tunnel source GigabitEthernet0/0
 tunnel mode ipsec ipv4
 tunnel destination {FAR}
 tunnel protection ipsec profile P
{OUTSIDE}"""
GRE = SVTI.replace(" tunnel mode ipsec ipv4\n", "")
SPOKE = f"""crypto ipsec profile P
 set transform-set TS
interface Tunnel0
 ip address 10.0.0.2 255.255.255.0
 ip nhrp map 10.0.0.1 {FAR}
 ip nhrp map multicast {FAR}
 ip nhrp nhs 10.0.0.1
 ip nhrp network-id 1
 tunnel source GigabitEthernet0/0
 tunnel mode gre multipoint
 tunnel protection ipsec profile P
{OUTSIDE}"""
GETVPN = f"""crypto gdoi group G1
 identity number 100
 server address ipv4 203.0.113.1
crypto map GET 10 gdoi
 set group G1
{OUTSIDE}
 crypto map GET"""
SDWAN = f"""interface Tunnel10001
 ip unnumbered GigabitEthernet0/0
 tunnel source GigabitEthernet0/0
 tunnel mode sdwan
{OUTSIDE}"""
TWO_TUNNELS = f"""crypto ipsec profile P
 set transform-set TS
interface Tunnel0
 ip address 10.0.0.1 255.255.255.0
 ip nhrp network-id 1
 tunnel source GigabitEthernet0/0
 tunnel mode gre multipoint
 tunnel protection ipsec profile P
interface Tunnel1
 ip address 10.0.1.1 255.255.255.252
 tunnel source GigabitEthernet0/0
 tunnel destination {FAR}
 tunnel protection ipsec profile P
{OUTSIDE}"""
EMPTY_ISAKMP = """IPv4 Crypto ISAKMP SA
dst             src             state          conn-id status

IPv6 Crypto ISAKMP SA
"""


def isakmp(peer: str = FAR, state: str = "QM_IDLE", status: str = "ACTIVE") -> str:
    row = f"{HUB:<16}{peer:<16}{state:<18}1042 {status}\n"
    return EMPTY_ISAKMP.replace("status\n", f"status\n{row}", 1)


def ipsec(
    *spis: int,
    peer: str = FAR,
    tag: str = "VPN",
    interface: str = "GigabitEthernet0/0",
    remaining: int = 3100,
    decaps: int = 4112,
) -> str:
    """One flow with a pair of SAs a given inbound SPI; outbound SPIs are the inbound ones plus one."""
    inbound = "".join(_sa(spi, tag, 2001 + 2 * n, remaining) for n, spi in enumerate(spis))
    outbound = "".join(_sa(spi + 1, tag, 2002 + 2 * n, remaining) for n, spi in enumerate(spis))
    current = spis[-1] + 1 if spis else 0
    return f"""
interface: {interface}
    Crypto map tag: {tag}, local addr {HUB}

   protected vrf: (none)
   local  ident (addr/mask/prot/port): (10.1.0.0/255.255.0.0/0/0)
   remote ident (addr/mask/prot/port): (10.9.0.0/255.255.0.0/0/0)
   current_peer {peer} port 500
     PERMIT, flags={{origin_is_acl,}}
    #pkts encaps: 4981, #pkts encrypt: 4981, #pkts digest: 4981
    #pkts decaps: {decaps}, #pkts decrypt: {decaps}, #pkts verify: {decaps}
    #pkts compressed: 0, #pkts decompressed: 0
    #pkts not compressed: 0, #pkts compr. failed: 0
    #pkts not decompressed: 0, #pkts decompress failed: 0
    #send errors 0, #recv errors 0

     local crypto endpt.: {HUB}, remote crypto endpt.: {peer}
     plaintext mtu 1438, path mtu 1500, ip mtu 1500, ip mtu idb GigabitEthernet0/0
     current outbound spi: 0x{current:X}({current})
     PFS (Y/N): N, DH group: none

     inbound esp sas:
{inbound}
     inbound ah sas:

     inbound pcp sas:

     outbound esp sas:
{outbound}
     outbound ah sas:

     outbound pcp sas:
"""


def _sa(spi: int, tag: str, connection: int, remaining: int) -> str:
    return f"""      spi: 0x{spi:X}({spi})
        transform: esp-256-aes esp-sha-hmac ,
        in use settings ={{Tunnel, }}
        conn id: {connection}, flow_id: Onboard VPN:{connection % 100}, sibling_flags 80000046, crypto map: {tag}
        sa timing: remaining key lifetime (k/sec): (4607999/{remaining})
        IV size: 16 bytes
        replay detection support: Y
        Status: ACTIVE(ACTIVE)
"""


def session(status: str, *, uptime: str = "", ike: str = "", peer: str = FAR) -> str:
    return (
        "Crypto session current status\n\n"
        "Code: C - IKE Configuration mode, D - Dead Peer Detection     \n"
        "K - Keepalives, N - NAT-traversal, T - cTCP encapsulation     \n"
        "X - IKE Extended Authentication, F - IKE Fragmentation\n\n"
        "Interface: GigabitEthernet0/0\n"
        + (f"Uptime: {uptime}\n" if uptime else "")
        + f"Session status: {status}     \n"
        f"Peer: {peer} port 500 fvrf: (none) ivrf: (none)\n"
        "      Desc: (none)\n"
        f"      Phase1_id: {peer if ike else '(none)'}\n"
        + (
            f"  {ike}: local {HUB}/500 remote {peer}/500 Active \n          Capabilities:D connid:1042 lifetime:20:41:36\n"
            if ike
            else ""
        )
        + "  IPSEC FLOW: permit ip 10.1.0.0/255.255.0.0 10.9.0.0/255.255.0.0 \n"
        "        Active SAs: 2, origin: crypto map\n"
        "        Inbound:  #pkts dec'ed 0 drop 0 life (KB/Sec) 4607363/1100\n"
        "        Outbound: #pkts enc'ed 921 drop 0 life (KB/Sec) 4607363/1100\n"
    )


def qfp(not_found: int) -> str:
    rule = "-" * 72
    rows = (
        (1, "IN_V4_PKT_HIT_INVALID_SA", 0),
        (4, "IN_US_V4_PKT_SA_NOT_FOUND_SPI", not_found),
        (7, "IN_TRANS_V4_IPSEC_PKT_NOT_FOUND_SPI", 0),
        (12, "IN_US_V6_PKT_SA_NOT_FOUND_SPI", 0),
    )
    lines = (f"{number:>9}  {name:<45}{count:>14}" for number, name, count in rows)
    return "\n".join((rule, "Drop Type  Name                                     Packets", rule, *lines)) + "\n"


def inv_spi(
    age: float, spi: int = SPI, source: str = FAR, destination: str = HUB, interface: str = ""
) -> tuple[float, str]:
    tail = f", input interface={interface}" if interface else ""
    body = (
        f"%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for destaddr={destination}, "
        f"prot=50, spi=0x{spi:X}({spi}), srcaddr={source}{tail}"
    )
    return age, body


HOLE = tuple(inv_spi(age) for age in (142, 81, 20))


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """One router as its captures show it. more: further captures; refused, cut: commands; out: not asked."""

    name: str = "hub1"
    config: str = STATIC
    commands: tuple[str, ...] = (KEEPALIVE,)
    log: tuple[tuple[float, str], ...] = ()
    wrapped: bool = False
    level: str = "debugging"
    xe: bool = False
    image: str = ""  # `show version` of another image
    privilege: int = 15
    not_found: int = 0
    more: tuple[tuple[str, str], ...] = ((ISAKMP, EMPTY_ISAKMP), (IPSEC, ipsec()))
    refused: frozenset[str] = frozenset()
    cut: frozenset[str] = frozenset()
    out: frozenset[str] = frozenset()
    host: str = HUB
    paste: bool = False

    def snapshot(self) -> Snapshot:
        captures = [self._capture(command, text, n) for n, (command, text) in enumerate(self._texts())]
        return Snapshot(
            device=Device(name=self.name, host=self.host, platform="cisco_xe" if self.xe else "cisco_ios"),
            captures=tuple(captures),
            hostname=self.name,
            started_at=NOW - timedelta(seconds=2),
            finished_at=NOW + timedelta(seconds=2),
            origin="paste" if self.paste else "visit",
        )

    def _capture(self, command: str, text: str, number: int) -> Capture:
        at = NOW + timedelta(milliseconds=40 * number)
        if command in self.refused:
            text = "                ^\n% Invalid input detected at '^' marker.\n\n"
            failure = Failure(
                code=ErrorCode.CMD_INVALID,
                phase="command",
                message="% Invalid input detected at '^' marker.",
                command=command,
            )
            return Capture(command=command, text=text, taken_at=at, failure=failure)
        if command in self.cut:
            failure = Failure(
                code=ErrorCode.CONN_LOST, phase="command", message="the connection was lost", command=command
            )
            return Capture(
                command=command, text=text[: len(text) // 2], taken_at=at, complete=False, note="lost", failure=failure
            )
        return Capture(command=command, text=text, taken_at=at)

    def _texts(self) -> Iterable[tuple[str, str]]:
        whole = self._config()
        texts = [
            ("show privilege", f"Current privilege level is {self.privilege}\n"),
            ("show version", self._version()),
            (INCLUDE, _include(whole, INCLUDE.split("include ", 1)[1]) if self.privilege == 15 else ""),
            ("show clock", "12:00:00.031 UTC Sat Mar 14 2026\n"),
            (LOG, self._log()),
            *(((DATAPATH, qfp(self.not_found)), (STATISTICS, _statistics(self.not_found))) if self.xe else ()),
            (SECTION, _section(whole, SECTION.split("section ", 1)[1]) if self.privilege == 15 else ""),
            *self.more,
        ]
        return [(command, text) for command, text in texts if command not in self.out]

    def _config(self) -> str:
        return "\n".join(
            (
                "! Last configuration change at 09:11:12 UTC Mon Mar 2 2026 by admin",
                "service timestamps log datetime msec localtime show-timezone year",
                f"hostname {self.name}",
                "logging buffered 512000",
                *self.commands,
                self.config,
                "end",
            )
        )

    def _version(self) -> str:
        if self.image:
            return self.image
        if self.xe:
            return (
                "Cisco IOS XE Software, Version 16.09.05\n"
                "Cisco IOS Software [Fuji], ASR1000 Software (X86_64_LINUX_IOSD-UNIVERSALK9-M), Version 16.9.5, "
                "RELEASE SOFTWARE (fc1)\n\n"
                f"{self.name} uptime is 3 weeks, 1 day, 2 hours, 10 minutes\n"
                "System returned to ROM by Reload Command\n"
                "Last reload reason: Reload Command\n\n"
                "cisco ASR1001-X (1NG) processor (revision 1NG) with 3700000K/6147K bytes of memory.\n"
                "Processor board ID FXS2000Q0AB\n\nConfiguration register is 0x2102\n"
            )
        return (
            "Cisco IOS Software, C2900 Software (C2900-UNIVERSALK9-M), Version 15.4(3)M5, RELEASE SOFTWARE (fc1)\n\n"
            "ROM: System Bootstrap, Version 15.0(1r)M16, RELEASE SOFTWARE (fc1)\n\n"
            f"{self.name} uptime is 3 weeks, 1 day, 2 hours, 10 minutes\n"
            "System returned to ROM by power-on\n"
            'System image file is "flash0:c2900-universalk9-mz.SPA.154-3.M5.bin"\n\n'
            "Cisco CISCO2911/K9 (revision 1.0) with 483328K/40960K bytes of memory.\n"
            "Processor board ID FTX1600A0AB\n\nConfiguration register is 0x2102\n"
        )

    def _log(self) -> str:
        old = ((86400.0 * 12, "%SYS-5-CONFIG_I: Configured from console by admin on vty0 (198.51.100.250)"),)
        entries = self.log if self.wrapped else (*old, *self.log)
        lines = [f"{_stamp(age)}: {body}" for age, body in sorted(entries, reverse=True)]
        logged = len(lines) + (900 if self.wrapped else 0)
        size = 4096 if self.wrapped else 512000
        filler = self.wrapped and [
            f"{_stamp(300 - n)}: %SEC_LOGIN-5-LOGIN_SUCCESS: Login Success [user: admin{n}] [Source: 198.51.100.250]"
            for n in range(30)
        ]
        lines = [*filler, *lines] if filler else lines
        buffer = (
            f"    Buffer logging:  level {self.level}, {logged} messages logged, xml disabled,\n"
            "                    filtering disabled\n"
            if self.level != "disabled"
            else "    Buffer logging:  disabled, xml disabled,\n                    filtering disabled\n"
        )
        head = (
            "Syslog logging: enabled (0 messages dropped, 0 messages rate-limited, 0 flushes, 0 overruns, xml disabled, "
            "filtering disabled)\n\n"
            "No Active Message Discriminator.\n\n\n"
            "No Inactive Message Discriminator.\n\n\n"
            f"    Console logging: level critical, 0 messages logged, xml disabled,\n                     filtering disabled\n"
            "    Monitor logging: level debugging, 0 messages logged, xml disabled,\n                     filtering disabled\n"
            f"{buffer}"
            "    Exception Logging: size (4096 bytes)\n"
            "    Count and timestamp logging messages: disabled\n"
            "    Persistent logging: disabled\n\n"
            "No active filter modules.\n\n"
            f"    Trap logging: level informational, {logged} message lines logged\n\n"
        )
        body = "\n".join(lines) + "\n" if self.level != "disabled" else ""
        return head + (f"Log Buffer ({size} bytes):\n\n{body}" if self.level != "disabled" else "")


def _stamp(age: float) -> str:
    at = NOW - timedelta(seconds=age)
    return f"{at:%b} {at.day:>2} {at:%Y %H:%M:%S}.{at.microsecond // 1000:03d} UTC"


def _include(text: str, pattern: str) -> str:
    return "".join(f"{line}\n" for line in text.splitlines() if re.search(pattern, line))


def _section(text: str, pattern: str) -> str:
    kept, inside = [], False
    for line in text.splitlines():
        if not line.startswith(" "):
            inside = re.search(pattern, line) is not None
        if inside:
            kept.append(f"{line}\n")
    return "".join(kept)


def _statistics(packets: int) -> str:
    rule = "-" * 73
    row = f"IpsecInput{packets:>39}{packets * 140:>24}\n" if packets else "   The Global drop stats were all zero\n"
    head = f"{rule}\nGlobal Drop Stats                         Packets                  Octets\n{rule}\n"
    return f"Last clearing of QFP drops statistics : never\n\n{head}{row}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one folder must give. verdict: of `rule`; findings: all of them, rule -> verdict."""

    rule: str
    verdict: str
    name: str
    routers: tuple[Router, ...]
    findings: dict[str, str] = field(default_factory=dict)
    peers: dict[str, tuple[str, str]] = field(default_factory=dict)  # address -> (config type, recovery)


def fail(rule: str, name: str, *routers: Router, **more: object) -> Case:
    return _case(rule, "fail", name, routers, {"findings": {rule: "fail"}, **more})


def well(rule: str, name: str, *routers: Router, **more: object) -> Case:
    return _case(rule, "pass", name, routers, more)


def dark(rule: str, name: str, *routers: Router, **more: object) -> Case:
    return _case(rule, "unknown", name, routers, {"findings": {"SPI015": "fail"}, **more})


def _case(rule: str, verdict: str, name: str, routers: tuple[Router, ...], more: dict) -> Case:
    return Case(rule=rule, verdict=verdict, name=name, routers=routers or (Router(),), **more)


def on_tunnel(number: int) -> str:
    return ipsec(tag=f"Tunnel{number}-head-0", interface=f"Tunnel{number}")


TUNNEL1 = ((ISAKMP, EMPTY_ISAKMP), (IPSEC, on_tunnel(1)))
UP = isakmp()
HELD = ipsec(SPI)
OLD_ASR = """Cisco IOS Software, IOS-XE Software (PPC_LINUX_IOSD-ADVENTERPRISEK9-M), Version 12.2(33)XNB3, RELEASE SOFTWARE (fc1)

ROM: IOS-XE ROMMON
hub1 uptime is 3 weeks, 1 day, 22 hours, 41 minutes
System returned to ROM by reload
System image file is "bootflash:asr1000rp1-adventerprisek9.02.02.03.122-33.XNB3.bin"
Last reload reason: PowerOn
cisco ASR1004 (RP1) processor with 1710000K/6147K bytes of memory.
Configuration register is 0x2102
"""
SCAN = tuple(inv_spi(300 - 20 * n, 0x77B40000, f"198.51.100.{10 + n}") for n in range(4))
REKEYS = tuple(inv_spi(3600 * n + 700, 0x10000001 + n) for n in range(4))
FIVE = tuple(
    line for n in range(5) for line in (inv_spi(7200 * n + 85, 0x20000001 + n), inv_spi(7200 * n + 20, 0x20000001 + n))
)
PEERS = tuple(f"203.0.113.{n}" for n in (9, 10, 11))
THREE = "\n".join(
    (
        *(
            f"crypto map VPN {10 + n} ipsec-isakmp\n set peer {peer}\n set transform-set TS\n match address {110 + n}"
            for n, peer in enumerate(PEERS)
        ),
        OUTSIDE,
        " crypto map VPN",
    )
)
NO_CONFIG = frozenset({INCLUDE, SECTION})
ON = (KEEPALIVE, RECOVERY)
NHRP_STATIC = f"""10.0.0.1/32 via 10.0.0.1
   Tunnel0 created 3w1d, never expire
   Type: static, Flags: used
   NBMA address: {FAR}
"""
SENDER = Router(
    name="branch9",
    host=FAR,
    config=STATIC.replace(HUB, "A.A.A.A").replace(FAR, HUB).replace("A.A.A.A", FAR),
    more=((ISAKMP, EMPTY_ISAKMP), (IPSEC, "")),
)


def sender_ipsec(outbound: int, remaining: int) -> str:
    """The far end's table: its current outbound SPI is the one that the hub no longer has."""
    text = ipsec(outbound - 1, peer="P", remaining=remaining).replace(f"local addr {HUB}", f"local addr {FAR}")
    return (
        text.replace(f"endpt.: {HUB}", f"endpt.: {FAR}")
        .replace("endpt.: P", f"endpt.: {HUB}")
        .replace("current_peer P", f"current_peer {HUB}")
    )


def healed(kind: str, commands: tuple[str, ...] = (KEEPALIVE,)) -> Router:
    """Dropped until two hours ago, silent since."""
    lines = tuple(inv_spi(7200 + age) for age in (180, 120, 60, 0))
    return Router(config=kind, commands=commands, log=lines, more=((ISAKMP, UP), (IPSEC, ipsec(0x2AAA0001))))


FAR_END = replace(SENDER, more=((ISAKMP, EMPTY_ISAKMP), (IPSEC, sender_ipsec(SPI, 2400))))
BLIND = {"SPI015": "fail"}

CASES = (
    fail("SPI001", "static_map", Router(log=HOLE), peers={FAR: ("static-crypto-map", "yes")}),
    fail("SPI001", "svti", Router(log=HOLE, config=SVTI, more=TUNNEL1), peers={FAR: ("svti", "yes")}),
    fail("SPI001", "gre", Router(log=HOLE, config=GRE, more=TUNNEL1), peers={FAR: ("gre-tunnel-protection", "yes")}),
    fail(
        "SPI001",
        "spoke_to_hub",
        Router(log=HOLE, config=SPOKE, more=((ISAKMP, EMPTY_ISAKMP), (IPSEC, on_tunnel(0)), (NHRP, NHRP_STATIC))),
        peers={FAR: ("mgre-static-nhrp", "yes")},
    ),
    fail(
        "SPI001",
        "deleted_ike_sa",
        Router(log=HOLE, more=((ISAKMP, isakmp(state="MM_NO_STATE", status="ACTIVE (deleted)")), (IPSEC, ipsec()))),
    ),
    fail("SPI001", "up_no_ike", Router(log=HOLE, more=((IPSEC, ipsec()), (SESSION, session("UP-NO-IKE"))))),
    fail("SPI001", "mixed_hub", Router(log=HOLE, config=BOTH), peers={FAR: ("static-crypto-map", "yes")}),
    fail("SPI001", "both_ends", Router(log=HOLE), FAR_END),
    well("SPI001", "one_line_of_a_rekey", Router(log=(inv_spi(900),))),
    dark(
        "SPI001",
        "ike_table_refused",
        Router(log=HOLE, refused=frozenset({ISAKMP})),
        findings={"SPI001": "unknown", **BLIND},
    ),
    fail(
        "SPI002",
        "dynamic_map",
        Router(log=HOLE, config=DYNAMIC, more=((ISAKMP, EMPTY_ISAKMP), (IPSEC, ipsec(0x2AAA0001)))),
        peers={FAR: ("dynamic-crypto-map", "no")},
    ),
    fail(
        "SPI002",
        "dynamic_map_command_on",
        Router(log=HOLE, config=DYNAMIC, commands=ON, more=((ISAKMP, EMPTY_ISAKMP), (IPSEC, ipsec(0x2AAA0001)))),
    ),
    fail(
        "SPI002",
        "responder_only",
        Router(log=HOLE, config=STATIC.replace(" match", " responder-only\n match")),
        peers={FAR: ("static-crypto-map", "no")},
    ),
    well("SPI002", "dynamic_map_quiet", Router(config=DYNAMIC)),
    Case(
        rule="SPI002",
        verdict="unknown",
        name="dynamic_map_without_a_trace",
        routers=(
            Router(log=HOLE, config=DYNAMIC, more=((ISAKMP, EMPTY_ISAKMP), (IPSEC, ipsec(peer="203.0.113.200")))),
        ),
        findings={"SPI002": "unknown"},
    ),
    fail("SPI003", "on_and_still_black_holed", Router(log=HOLE, commands=ON)),
    well("SPI003", "on_and_healed", healed(STATIC, ON)),
    dark("SPI003", "wrapped_log", Router(commands=ON, wrapped=True, log=(inv_spi(240),))),
    fail(
        "SPI004",
        "ike_sa_up_for_hours",
        Router(
            log=HOLE,
            more=(
                (ISAKMP, UP),
                (IPSEC, ipsec(0x2AAA0001)),
                (SESSION, session("UP-ACTIVE", uptime="05:12:40", ike="IKEv1 SA")),
            ),
        ),
    ),
    fail("SPI004", "ike_sa_of_unknown_age", Router(log=HOLE, more=((ISAKMP, UP), (IPSEC, ipsec(0x2AAA0001))))),
    well("SPI004", "ike_sa_up_and_quiet", Router(more=((ISAKMP, UP), (IPSEC, HELD)))),
    dark("SPI004", "log_refused", Router(refused=frozenset({LOG}))),
    fail(
        "SPI005",
        "ikev2",
        Router(log=HOLE, config=IKEV2_TUNNEL, more=((IKEV2, ""), (IPSEC, on_tunnel(1)))),
        findings={"SPI005": "fail", "SPI012": "fail"},
        peers={FAR: ("svti", "unproven")},
    ),
    fail(
        "SPI005",
        "name_that_moved",
        Router(
            log=HOLE,
            config=STATIC.replace(FAR, "branch9.example.net dynamic"),
            more=((ISAKMP, EMPTY_ISAKMP), (IPSEC, ipsec(0x2AAA0001))),
        ),
    ),
    well(
        "SPI005",
        "ikev2_quiet",
        Router(
            config=IKEV2_TUNNEL,
            commands=(KEEPALIVE, "crypto ikev2 dpd 10 3 periodic"),
            more=((IKEV2, ""), (IPSEC, on_tunnel(1))),
        ),
    ),
    dark("SPI005", "privilege_1", Router(log=HOLE, privilege=1), findings={"SPI005": "unknown", **BLIND}),
    fail("SPI006", "scan", Router(log=SCAN)),
    fail("SPI006", "lone_source", Router(log=tuple(inv_spi(age, source="198.51.100.66") for age in (142, 81, 20)))),
    well("SPI006", "only_peers", Router(log=(inv_spi(4000),))),
    dark("SPI006", "scan_without_configuration", Router(log=SCAN, refused=NO_CONFIG)),
    fail("SPI007", "counter_without_a_line", Router(xe=True, not_found=64574)),
    fail("SPI007", "old_asr", Router(xe=True, image=OLD_ASR, not_found=64574), findings={"SPI007": "fail", **BLIND}),
    well("SPI007", "noise", Router(xe=True, not_found=100)),
    dark("SPI007", "counters_refused", Router(xe=True, refused=frozenset({DATAPATH, STATISTICS, LOG}))),
    fail("SPI008", "at_every_rekey", Router(log=REKEYS)),
    well("SPI008", "two_rekeys", Router(log=REKEYS[:2])),
    dark("SPI008", "log_off", Router(level="disabled")),
    fail(
        "SPI009",
        "installed_0xff",
        Router(
            log=tuple(inv_spi(age, 0xFF00A001) for age in (142, 81, 20)),
            more=((ISAKMP, UP), (IPSEC, ipsec(0xFF00A001))),
        ),
    ),
    well("SPI009", "quiet_0xff", Router(more=((ISAKMP, UP), (IPSEC, ipsec(0xFF00A001))))),
    dark("SPI009", "log_cut", Router(log=HOLE[:1], cut=frozenset({LOG}))),
    fail("SPI010", "installed", Router(log=HOLE, more=((ISAKMP, UP), (IPSEC, HELD)))),
    well("SPI010", "rekey_race", Router(log=(inv_spi(3000),), more=((ISAKMP, UP), (IPSEC, HELD)))),
    dark("SPI010", "log_level_errors", Router(level="errors")),
    fail("SPI011", "five_spis_in_a_day", Router(log=FIVE), findings={"SPI001": "fail", "SPI011": "fail"}),
    fail(
        "SPI011",
        "three_peers_at_once",
        Router(
            config=THREE,
            log=tuple(inv_spi(age, SPI + n, peer) for n, peer in enumerate(PEERS) for age in (140, 80, 20)),
        ),
        findings={"SPI001": "fail", "SPI011": "fail"},
    ),
    well("SPI011", "one_hole_that_closed", healed(STATIC, ON)),
    dark("SPI011", "wrapped_log", Router(wrapped=True, log=(inv_spi(240),))),
    fail("SPI012", "no_keepalive", Router(commands=())),
    well("SPI012", "on_demand_in_the_profile", Router(commands=("crypto isakmp keepalive 30",))),
    dark("SPI012", "configuration_refused", Router(refused=NO_CONFIG)),
    fail("SPI013", "closed_two_hours_ago", healed(STATIC)),
    well("SPI013", "command_on", Router(commands=ON)),
    dark("SPI013", "privilege_1", Router(privilege=1)),
    fail("SPI014", "two_tunnels", Router(config=TWO_TUNNELS, more=TUNNEL1)),
    well("SPI014", "shared", Router(config=TWO_TUNNELS.replace("profile P\n", "profile P shared\n"), more=TUNNEL1)),
    dark("SPI014", "configuration_refused", Router(config=TWO_TUNNELS, refused=NO_CONFIG, more=TUNNEL1)),
    fail("SPI015", "counters_refused_on_xe", Router(xe=True, refused=frozenset({"show privilege", INCLUDE, SECTION}))),
    well("SPI015", "everything_read"),
    Case(
        rule="SPI015",
        verdict="unknown",
        name="only_the_log_pasted",
        routers=(Router(out=frozenset({"show privilege", "show version", INCLUDE, SECTION}), more=(), paste=True),),
    ),
)


def make(case: Case) -> None:
    """Write the case's folder anew."""
    folder = ROOT / case.rule / f"{case.verdict}_{case.name}"
    shutil.rmtree(folder, ignore_errors=True)
    for router in case.routers:
        write(router.snapshot(), folder)
    expected = {
        "rule": case.rule,
        "verdict": case.verdict,
        "findings": dict(sorted(case.findings.items())),
        "peers": {peer: {"config_type": kind, "recovery": recovery} for peer, (kind, recovery) in case.peers.items()},
    }
    (folder / "expected.yaml").write_text(yaml.safe_dump(expected, sort_keys=False), encoding="utf-8")


if __name__ == "__main__":
    shutil.rmtree(ROOT, ignore_errors=True)
    for one in CASES:
        make(one)
