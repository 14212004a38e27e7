"""What a small router prints, for the tests of facts and correlate: documentation addresses, every figure a parameter.

One hub R (192.0.2.1) and its peers; times are UTC and count from NOW, the moment of the visit.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from collector.facts import build, settle
from collector.model import Capture, Device, Facts, History, Incident, Peer, Policy, Snapshot, Spi, to_address

NOW = datetime(2026, 3, 9, 12, 0, 0, tzinfo=UTC)
R, S, S2, STRANGER = "192.0.2.1", "198.51.100.7", "198.51.100.8", "203.0.113.66"
SPI = 0x1DB73BBB

CLOCK, LOG, VERSION, PRIVILEGE = "show clock", "show logging", "show version", "show privilege"
CONFIG, IPSEC, ISAKMP, IKEV2 = (
    "show running-config",
    "show crypto ipsec sa",
    "show crypto isakmp sa",
    "show crypto ikev2 sa",
)
SESSION, NHRP = "show crypto session detail", "show ip nhrp"
DATAPATH = "show platform hardware qfp active feature ipsec datapath drops all"
GLOBAL = "show platform hardware qfp active statistics drop"


def clock(at: datetime = NOW, zone: str = "UTC", mark: str = "") -> str:
    return f"{mark}{at:%H:%M:%S}.{at.microsecond // 1000:03d} {zone} {at:%a %b} {at.day} {at.year}\n"


def stamp(age: float, *, now: datetime = NOW, year: bool = False, mark: str = "") -> str:
    at = now - timedelta(seconds=age)
    return f"{mark}{at:%b} {at.day:2d} {f'{at.year} ' if year else ''}{at:%H:%M:%S}.{at.microsecond // 1000:03d}"


def line(
    age: float, spi: int = SPI, src: str = S, dst: str = R, *, port: str = "", mark: str = "", now: datetime = NOW
) -> str:
    tail = f", input interface={port}" if port else ""
    return (
        f"{stamp(age, mark=mark, now=now)}: %CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for "
        f"destaddr={dst}, prot=50, spi=0x{spi:X}({spi}), srcaddr={src}{tail}"
    )


def other(age: float, *, now: datetime = NOW) -> str:
    return f"{stamp(age, now=now)}: %LINEPROTO-5-UPDOWN: Line protocol on Interface GigabitEthernet0/3, changed state to up"


def log(
    *lines: str,
    level: str = "informational",
    logged: int | None = None,
    size: int = 65536,
    head: str = "",
    dropped: int = 0,
) -> str:
    return (
        f"""Syslog logging: enabled (0 messages dropped, 0 messages rate-limited, 0 flushes, 0 overruns, xml disabled, filtering disabled)

No Active Message Discriminator.

No Inactive Message Discriminator.

    Console logging: disabled
    Monitor logging: level debugging, 0 messages logged, xml disabled,
                     filtering disabled
    Buffer logging:  level {level}, {len(lines) if logged is None else logged} messages logged, xml disabled,
                     filtering disabled
    Exception Logging: size (4096 bytes)
    Count and timestamp logging messages: disabled
    Persistent logging: disabled
    Trap logging: level informational, {len(lines)} message lines logged

Log Buffer ({size} bytes):

""".replace("(0 messages dropped", f"({dropped} messages dropped").replace(
            "No Active Message Discriminator.", head or "No Active Message Discriminator."
        )
        + "".join(f"{text}\n" for text in lines)
    )


def old(*lines: str) -> tuple[str, ...]:
    """Lines after an older one, so that the log covers what came before them."""
    return (other(86400), *lines)


STATIC = f"""crypto isakmp policy 10
 encryption aes
 authentication pre-share
crypto ipsec transform-set TS esp-aes esp-sha-hmac
crypto map VPN 10 ipsec-isakmp
 set peer {S}
 set transform-set TS
 match address 101
interface GigabitEthernet0/1
 ip address {R} 255.255.255.0
 crypto map VPN
"""

DYNAMIC = """crypto dynamic-map DYN 10
 set transform-set TS
crypto map VPN 65000 ipsec-isakmp dynamic DYN
"""


def config(
    body: str = STATIC,
    *,
    end: bool = True,
    hostname: str = "hub",
    stamps: str = "datetime msec localtime show-timezone",
) -> str:
    return (
        f"Building configuration...\n\nCurrent configuration : 4711 bytes\n!\nversion 15.7\nservice timestamps log {stamps}\n"
        f"hostname {hostname}\n!\n{body}!\n" + ("end\n" if end else "")
    )


def isakmp(*rows: tuple[str, str, str, str]) -> str:
    """Rows of (dst, src, state, status)."""
    text = "IPv4 Crypto ISAKMP SA\ndst             src             state          conn-id status\n"
    for number, (dst, src, state, status) in enumerate(rows, 1001):
        text += f"{dst:<15} {src:<15} {state:<17} {number if state == 'QM_IDLE' else 0} {status}\n"
    return text + "\nIPv6 Crypto ISAKMP SA\n\n"


NO_IKEV2 = " IPv4 Crypto IKEv2  SA \n\n IPv6 Crypto IKEv2  SA \n\n"
INVALID = "            ^\n% Invalid input detected at '^' marker.\n"


def flow(
    peer: str = S,
    *,
    local: str = R,
    inbound: Iterable[tuple[int, float]] = (),
    outbound: Iterable[tuple[int, float]] = (),
    current: int | None = None,
    tag: str = "VPN",
    interface: str = "GigabitEthernet0/1",
    decaps: int = 0,
    port: int = 500,
    heading: bool = True,
) -> str:
    """One block of show crypto ipsec sa. SAs are (SPI, seconds left); current: the outbound SPI, 0 for none."""
    outbound = tuple(outbound)
    now = current if current is not None else (outbound[-1][0] if outbound else 0)
    head = f"\ninterface: {interface}\n    Crypto map tag: {tag}, local addr {local}\n" if heading else ""
    return f"""{head}
   protected vrf: (none)
   local  ident (addr/mask/prot/port): (10.1.0.0/255.255.0.0/0/0)
   remote ident (addr/mask/prot/port): (10.2.0.0/255.255.0.0/0/0)
   current_peer {peer} port {port}
     PERMIT, flags={{origin_is_acl,}}
    #pkts encaps: 10, #pkts encrypt: 10, #pkts digest: 10
    #pkts decaps: {decaps}, #pkts decrypt: {decaps}, #pkts verify: {decaps}
    #pkts compressed: 0, #pkts decompressed: 0
    #pkts not compressed: 0, #pkts compr. failed: 0
    #pkts not decompressed: 0, #pkts decompress failed: 0
    #send errors 0, #recv errors 0

     local crypto endpt.: {local}, remote crypto endpt.: {peer}
     plaintext mtu 1438, path mtu 1500, ip mtu 1500, ip mtu idb (none)
     current outbound spi: 0x{now:X}({now})
     PFS (Y/N): N, DH group: none

     inbound esp sas:
{_sas(inbound, tag)}
     inbound ah sas:

     inbound pcp sas:

     outbound esp sas:
{_sas(outbound, tag)}
     outbound ah sas:

     outbound pcp sas:
"""


def _sas(sas: Iterable[tuple[int, float]], tag: str) -> str:
    return "".join(
        f"""      spi: 0x{spi:X}({spi})
        transform: esp-256-aes esp-sha-hmac ,
        in use settings ={{Tunnel, }}
        conn id: 2001, flow_id: SW:1, sibling_flags 80000040, crypto map: {tag}
        sa timing: remaining key lifetime (k/sec): (4608000/{round(left)})
        IV size: 16 bytes
        replay detection support: Y
        Status: ACTIVE(ACTIVE)
"""
        for spi, left in sas
    )


def session(
    status: str, peer: str = S, *, local: str = R, interface: str = "GigabitEthernet0/1", ike: str = "", up: str = ""
) -> str:
    """One session; ike: "Active", "Inactive" or ""; up: its uptime."""
    return (
        "Crypto session current status\n\nCode: C - IKE Configuration mode, D - Dead Peer Detection\n"
        "K - Keepalives, N - NAT-traversal, T - cTCP encapsulation\nX - IKE Extended Authentication, F - IKE Fragmentation\n\n"
        f"Interface: {interface}\n"
        + (f"Uptime: {up}\n" if up else "")
        + f"Session status: {status}\nPeer: {peer} port 500 fvrf: (none) ivrf: (none)\n      Desc: (none)\n"
        f"      Phase1_id: {peer}\n"
        + (
            f"  IKEv1 SA: local {local}/500 remote {peer}/500 {ike}\n          Capabilities:D connid:1001 lifetime:23:11:12\n"
            if ike
            else ""
        )
        + "  IPSEC FLOW: permit ip 10.1.0.0/255.255.0.0 10.2.0.0/255.255.0.0\n        Active SAs: 2, origin: crypto map\n"
        "        Inbound:  #pkts dec'ed 10 drop 0 life (KB/Sec) 4558190/3225\n"
        "        Outbound: #pkts enc'ed 10 drop 0 life (KB/Sec) 4559810/3225\n"
    )


def datapath(not_found: int, other_names: int = 0) -> str:
    return f"""------------------------------------------------------------------------
Drop Type  Name                                     Packets
------------------------------------------------------------------------
        1  IN_V4_PKT_HIT_INVALID_SA                                   {other_names}
        4  IN_US_V4_PKT_SA_NOT_FOUND_SPI                      {not_found}
        7  IN_TRANS_V4_IPSEC_PKT_NOT_FOUND_SPI                        0
       12  IN_US_V6_PKT_SA_NOT_FOUND_SPI                              0
"""


def version(text: str = "15.7(3)M8", hardware: str = "CISCO2911/K9", uptime: str = "6 weeks, 1 day, 6 minutes") -> str:
    software = "Cisco IOS Software, C2900 Software (C2900-UNIVERSALK9-M)"
    if hardware.startswith(("ASR", "C8")):
        software = "Cisco IOS Software, IOS-XE Software (PPC_LINUX_IOSD-ADVENTERPRISEK9-M)"
    return f"""{software}, Version {text}, RELEASE SOFTWARE (fc1)
Technical Support: http://www.cisco.com/techsupport
Copyright (c) 1986-2019 by Cisco Systems, Inc.
Compiled Wed 06-Nov-19 09:08 by prod_rel_team

ROM: System Bootstrap, Version 15.0(1r)M16, RELEASE SOFTWARE (fc1)

hub uptime is {uptime}
System returned to ROM by reload at 05:53:02 UTC Sun Jan 25 2026
System image file is "flash0:c2900-universalk9-mz.SPA.157-3.M8.bin"
Last reload reason: Reload Command

Cisco {hardware} (revision 1.0) with 487424K/36864K bytes of memory.
Processor board ID FTX0000A0AA
3 Gigabit Ethernet interfaces
255K bytes of non-volatile configuration memory.

Configuration register is 0x2102
"""


def snapshot(
    *printed: tuple[str, str] | Capture,
    name: str = "hub",
    at: datetime | None = NOW,
    origin: str = "visit",
    step: float = 0,
) -> Snapshot:
    """Captures in the order typed, `step` seconds apart; at=None: a paste without the collector's time."""
    captures = tuple(
        one
        if isinstance(one, Capture)
        else Capture(
            command=one[0], text=one[1], taken_at=None if at is None else at + timedelta(seconds=step * number)
        )
        for number, one in enumerate(printed)
    )
    return Snapshot(device=Device(name=name, host=name), captures=captures, hostname=name, origin=origin)


def facts(
    *printed: tuple[str, str] | Capture,
    name: str = "hub",
    at: datetime | None = NOW,
    origin: str = "visit",
    history: History = History(),
    policy: Policy = Policy(),
) -> Facts:
    return settle([build(snapshot(*printed, name=name, at=at, origin=origin), policy, history)])[0]


def fleet(*built: Facts) -> dict[str, Facts]:
    return {one.device.name: one for one in settle(built)}


def incident(made: Facts, src: str = S) -> Incident:
    found = [one for one in made.incidents or () if one.source == to_address(src)]
    assert len(found) == 1, f"{len(found)} incidents of {src}: {made.incidents}"
    return found[0]


def peer(made: Facts, address: str = S) -> Peer:
    found = [one for one in made.peers or () if one.address == to_address(address)]
    assert len(found) == 1, f"{len(found)} peers {address}: {made.peers}"
    return found[0]


def codes(made: Facts, *, blocking: bool | None = None) -> set[str]:
    return {spot.code for spot in made.blind_spots if blocking is None or spot.blocking is blocking}


def spi(value: int) -> Spi:
    return Spi(value)
