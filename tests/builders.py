"""Hand-made Facts for the rules' tests: one hub, documentation addresses, everything overridable."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from ipaddress import ip_address

from collector.model import (
    Binding,
    BlindSpot,
    CaptureNote,
    CaptureStatus,
    ConfigLine,
    ConfigType,
    Counter,
    CryptoConfig,
    Device,
    Dpd,
    Evidence,
    Facts,
    Finding,
    Incident,
    InvalidSpi,
    Join,
    Judgement,
    LogView,
    Mute,
    Outcome,
    Peer,
    PeerSpec,
    Policy,
    Recovery,
    Related,
    RelatedEvent,
    Sighting,
    Software,
    Spi,
    SpiState,
    State,
    Verdict,
)
from collector.rules import judge, to_findings

NOW = datetime(2026, 3, 14, 12, 0, 0, tzinfo=UTC)
HUB = ip_address("192.0.2.1")
FAR = ip_address("203.0.113.9")
SPI = Spi(0x1DB73BBB)
LOG = "show logging"
CONFIG = "show running-config"

OFF = Dpd(mode="off", evidence=(ConfigLine(line=9, text="no crypto isakmp keepalive", command=CONFIG),))
ON = Dpd(mode="periodic", interval=10)

RECOVERY = {
    ConfigType.STATIC_CRYPTO_MAP: Recovery.YES,
    ConfigType.GRE_TUNNEL_PROTECTION: Recovery.YES,
    ConfigType.MGRE_STATIC_NHRP: Recovery.YES,
    ConfigType.SVTI: Recovery.YES,
    ConfigType.DYNAMIC_CRYPTO_MAP: Recovery.NO,
    ConfigType.MGRE_DYNAMIC_NHRP: Recovery.NO,
    ConfigType.DVTI: Recovery.NO,
    ConfigType.EZVPN_SERVER: Recovery.NO,
    ConfigType.EZVPN_CLIENT: Recovery.NOT_APPLICABLE,
    ConfigType.GETVPN: Recovery.NOT_APPLICABLE,
    ConfigType.SD_WAN: Recovery.NOT_APPLICABLE,
    ConfigType.MANUAL_IPSEC: Recovery.NOT_APPLICABLE,
    ConfigType.UNKNOWN: Recovery.UNPROVEN,
}


def proof(text, *, line=1, command=LOG, device="hub1"):
    return Evidence(device=device, command=command, line=line, text=text, taken_at=NOW)


def peer(address=FAR, config_type=ConfigType.STATIC_CRYPTO_MAP, **changes):
    base = Peer(
        address=ip_address(str(address)) if address is not None else None,
        local_address=HUB,
        interface="GigabitEthernet0/0",
        binding="VPN 10",
        config_type=config_type,
        ike_version=1,
        recovery=RECOVERY[config_type],
        why=f"{config_type} with {address}",
        ike_sa="none",
        dpd=OFF,
        evidence=(proof(f" set peer {address}", line=40, command=CONFIG),),
    )
    return replace(base, **changes)


def binding(name="VPN 10", config_type=ConfigType.STATIC_CRYPTO_MAP, **changes):
    base = Binding(
        config_type=config_type,
        name=name,
        interface="GigabitEthernet0/0",
        local=(HUB,),
        evidence=(ConfigLine(line=30, text=f"crypto map {name} ipsec-isakmp", command=CONFIG),),
    )
    return replace(base, **changes)


def tunnel(name, config_type=ConfigType.GRE_TUNNEL_PROTECTION, *, to=None, **changes):
    peers = (PeerSpec(text=str(to), address=ip_address(str(to))),) if to else ()
    base = Binding(
        config_type=config_type,
        name=name,
        interface=name,
        local=(HUB,),
        source_interface="GigabitEthernet0/0",
        peers=peers,
        acceptor=config_type in {ConfigType.MGRE_DYNAMIC_NHRP, ConfigType.MGRE_STATIC_NHRP},
        ipsec_profile="VPNPROF",
        shared=False,
        evidence=(ConfigLine(line=50, text=f"interface {name}", command=CONFIG),),
    )
    return replace(base, **changes)


def config(*bindings, readable="full", recovery=False, **changes):
    base = CryptoConfig(readable=readable, hostname="hub1", recovery=recovery, bindings=bindings)
    return replace(base, **changes)


def sighting(spi=SPI, *, age=60, source=FAR, destination=HUB, line=1, decimal=None, interface=None):
    event = InvalidSpi(
        destination=destination,
        destination_text=str(destination),
        source=source,
        source_text=str(source),
        protocol="50",
        spi=spi,
        spi_decimal=int(spi) if decimal is None else decimal,
        interface=interface,
    )
    text = f"%CRYPTO-4-RECVD_PKT_INV_SPI: destaddr={destination}, prot=50, spi={spi}({int(spi)}), srcaddr={source}"
    return Sighting(
        event=event, at=NOW - timedelta(seconds=age), age=timedelta(seconds=age), evidence=proof(text, line=line)
    )


def key(spi=SPI, state=State.PERSISTENT, ages=(140, 80, 20), **where):
    lines = tuple(sighting(spi, age=age, line=100 + index, **where) for index, age in enumerate(ages))
    return SpiState(spi=spi, sightings=lines, state=state, why=f"{len(lines)} lines")


def incident(of=None, *, state=State.PERSISTENT, keys=None, source=None, destination=HUB, **changes):
    """A flow from peer `of` (or from `source`) with one persistent key of three lines, the last 20 s ago."""
    source = ip_address(str(source)) if source else (of.address if of is not None else FAR)
    keys = keys if keys is not None else (key(state=state, source=source or FAR, destination=destination),)
    times = [line.at for one in keys for line in one.sightings if line.at]
    base = Incident(
        source=source,
        destination=destination,
        source_text=str(source or ""),
        destination_text=str(destination),
        protocol="50",
        keys=keys,
        state=state,
        why="three lines of one SPI over two minutes",
        first_seen=min(times, default=None),
        last_seen=max(times, default=None),
        last_age=NOW - max(times) if times else None,
        messages=sum(len(one.sightings) for one in keys),
        peer=of,
        bound="explicit" if of is not None else "none",
        evidence=tuple(line.evidence for one in keys for line in one.sightings),
    )
    return replace(base, **changes)


def join(outcome=Outcome.STALE_CONFIRMED, device="spoke9", grade="exact", **changes):
    base = Join(
        device=device,
        grade=grade,
        outcome=outcome,
        sender_seen_as=HUB,
        evidence=(
            proof("current outbound spi: 0x1DB73BBB(498547643)", command="show crypto ipsec sa", device="spoke9"),
        ),
    )
    return replace(base, **changes)


def facts(*incidents, peers=None, bindings=None, **changes):
    """A hub of which everything was read: config, log, counters, clock; recovery absent."""
    known = tuple(dict.fromkeys(item.peer for item in incidents if item.peer is not None))
    base = Facts(
        device=Device(name="hub1", host=str(HUB)),
        hostname="hub1",
        software=Software(family="ios", version="15.1(4)M12", train="15.1(4)M"),
        privilege=15,
        collected_at=NOW,
        device_time=NOW,
        config=config(*(bindings if bindings is not None else (binding(),))),
        recovery_configured=False,
        peers=peers if peers is not None else known,
        log=LogView(
            header=None, covers_since=NOW - timedelta(days=1), newest=NOW, total=50, inv_spi_seen=3, inv_spi_unparsed=0
        ),
        sightings=(),
        isakmp_sas=(),
        ikev2_sas=(),
        flows=(),
        sessions=(),
        nhrp=(),
        counters=(),
        incidents=incidents,
        captures=(CaptureNote(command=LOG, status=CaptureStatus.PARSED, rows=50, unparsed_lines=0),),
    )
    return replace(base, **changes)


def related(kind, *, age=400, source=None, detail=""):
    text = f"%SYS-5-RESTART: {detail or kind}"
    return Related(
        event=RelatedEvent(kind=kind, source=source, detail=detail),
        at=NOW - timedelta(seconds=age),
        evidence=proof(text, line=3),
    )


def counter(packets=5000, delta=300, **changes):
    name = "IN_US_V4_PKT_SA_NOT_FOUND_SPI"
    base = Counter(
        name=name,
        packets=packets,
        delta=delta,
        delta_seconds=900.0,
        evidence=(proof(f"4 {name} {packets}", command="show platform hardware qfp ... drops all"),),
    )
    return replace(base, **changes)


def counter_only(rate=1200.0, **changes):
    base = Incident(
        source=None,
        destination=None,
        protocol=None,
        keys=(),
        state=State.COUNTER_ONLY,
        why="the counter rose by 300 in 900 s without a line",
        first_seen=None,
        last_seen=NOW,
        messages=0,
        counter="IN_US_V4_PKT_SA_NOT_FOUND_SPI",
        counter_packets=5000,
        rate_per_hour=rate,
        evidence=counter().evidence,
    )
    return replace(base, **changes)


def blind(need="log", message="the log buffer has wrapped", code="log-buffer-wrapped"):
    return BlindSpot(code=code, message=message, need=need, evidence=(proof("Log Buffer (4096 bytes):", line=12),))


def said(device: Facts, rule: str) -> tuple[Judgement, ...]:
    """The judgements of one rule."""
    return tuple(item for item in judge(device) if item.rule == rule)


def verdicts(device: Facts, rule: str) -> set[Verdict]:
    return {item.verdict for item in said(device, rule)}


def found(device: Facts) -> tuple[Finding, ...]:
    return to_findings(device, judge(device))


def fired(device: Facts) -> dict[str, Verdict]:
    """Rule -> verdict of the findings, without the hygiene of SPI012 and the blind spots of SPI015."""
    return {item.rule: item.verdict for item in found(device) if item.rule not in {"SPI012", "SPI015"}}


def only(device: Facts, rule: str) -> Finding:
    """The one finding of `rule`."""
    (finding,) = [item for item in found(device) if item.rule == rule]
    return finding


def commands(finding: Finding | Judgement, side: str | None = None) -> list[str]:
    return [line for action in finding.actions if side in {None, action.side} for line in action.commands]


def policy(**changes) -> Policy:
    return replace(Policy(), **changes)


def mute(**changes) -> Mute:
    return replace(Mute(reason="partner router, CHG0042", owner="noc", until=date(2026, 3, 31)), **changes)
