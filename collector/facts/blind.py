"""Blind spots: what could not be seen, which fact that takes away, and whether trouble may hide there.

A refused or cut command, and one that a visit never got to, blind the rules that need it. A command that nobody pasted
is a remark, unless an incident stands there that cannot be judged without it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collector.commands import unused
from collector.facts.clock import DeviceClock
from collector.facts.looks import Look, Looks
from collector.facts.tables import sound
from collector.facts.trains import logs_invalid_spi
from collector.model import (
    BlindSpot,
    CaptureStatus,
    CpuLoad,
    CryptoConfig,
    Failure,
    Incident,
    Peer,
    Recovery,
    State,
    Version,
)

# The fact behind each command; those that are asked everywhere first.
NEED: dict[str, str] = {
    "show logging": "log",
    "show running-config": "config",
    "show clock": "device_time",
    "show version": "software",
    "show privilege": "privilege",
    "show platform hardware qfp active feature ipsec datapath drops": "counters",
    "show platform hardware qfp active statistics drop": "counters",
    "show drops": "counters",
    "show crypto isakmp sa": "isakmp_sas",
    "show crypto ikev2 sa": "ikev2_sas",
    "show crypto ikev2 session": "ikev2_sas",
    "show crypto ipsec sa": "flows",
    "show crypto session": "sessions",
    "show ip nhrp": "nhrp",
    "show crypto ipsec spi-lookup": "spi_lookup",
}
_EVERYWHERE = ("show logging", "show running-config", "show clock", "show version")


def captures(looks: Looks) -> Iterator[BlindSpot]:
    """Refused, cut and not understood answers: the last look at each command decides."""
    latest: dict[tuple[str, str], Look] = {}
    for look in looks.all:
        latest[look.name, look.capture.command] = look
    for (name, command), look in latest.items():
        status = look.reading.status
        if look.parsed and not all(sound(record) for record in look.reading.records):
            yield BlindSpot(
                code="sa-lists-mixed",
                message=f"`{command}`: SAs stand under another interface or direction than they say, a heading is missing",
                need=NEED.get(name, ""),
            )
        if status is CaptureStatus.PARSED or name == "show logging":  # the log speaks for itself
            continue
        unknown_image = status is CaptureStatus.REFUSED and look.reading.code == "E_CMD_INVALID"
        optional = unknown_image and name not in _EVERYWHERE
        yield BlindSpot(
            code=f"command-{status}",
            message=f"`{command}` {_words(status)}: {look.reading.reason or status}",
            need=NEED.get(name, ""),
            blocking=name in NEED and not optional,
        )


def not_used(looks: Looks) -> Iterator[BlindSpot]:
    """What somebody pasted in good faith and no rule asks for: a remark, once a command."""
    for text in dict.fromkeys(str(known) for one in looks.unread if (known := unused(one.command)) is not None):
        yield BlindSpot(code="command-not-used", message=text, blocking=False)


def _words(status: CaptureStatus) -> str:
    return {"refused": "was refused", "incomplete": "was not read whole", "missing": "gave no answer"}.get(
        status, status
    )


def visit(looks: Looks, failures: Iterable[Failure], origin: str) -> Iterator[BlindSpot]:
    """What the visit never got to, and what nobody pasted."""
    known = {look.capture.command for look in looks.all}
    for failure in failures:
        if failure.command is None or failure.command not in known:
            what = f"`{failure.command}`: " if failure.command else ""
            yield BlindSpot(code="visit-failed", message=f"{what}{failure.message} ({failure.code})", need="captures")
    for name in _EVERYWHERE:
        if not looks.of(name):
            yield BlindSpot(
                code="command-missing",
                message=f"`{name}` was not read",
                need=NEED[name],
                blocking=origin == "visit",
            )


def guard(looks: Looks, limit: int, origin: str) -> Iterator[BlindSpot]:
    """What a busy router was not asked: the visit reads the CPU only where whole tables come next."""
    look = looks.last("show processes cpu")
    loads = [record for record in look.reading.records if isinstance(record, CpuLoad)] if look is not None else []
    if look is None or origin != "visit" or not loads or loads[-1].one_minute < limit:
        return
    left_out = [name for name in ("show crypto ipsec sa", "show crypto session") if not looks.of(name)]
    if left_out:
        yield BlindSpot(
            code="cpu-guard",
            message=f"the CPU was at {loads[-1].one_minute} % over one minute: {' and '.join(f'`{n}`' for n in left_out)} "
            f"not asked (`cpu_guard` is {limit} %); look again when the router is calmer",
            need=NEED[left_out[0]],
            evidence=(look.evidence(loads[-1].line),),
        )


def clock(own: DeviceClock) -> Iterator[BlindSpot]:
    """What the router's clock takes away: only comparison with other routers, ages are its own."""
    if own.mark == "*":
        message = (
            "the router's clock was never synchronised (`*`): times compare inside this router only; configure NTP"
        )
        yield BlindSpot(code="clock-unsynchronised", message=message, need="device_time", blocking=False)
    elif own.mark == ".":
        message = "the router's clock lost its synchronisation (`.`): compare its times with other routers with care"
        yield BlindSpot(code="clock-unsynchronised", message=message, need="device_time", blocking=False)
    elif own.mark == "" and not own.offset_known:
        message = f"what the zone {own.zone or '(none)'} means is not known: times compare inside this router only"
        yield BlindSpot(code="clock-zone", message=message, need="device_time", blocking=False)


def config(crypto: CryptoConfig | None, privilege: int | None) -> Iterator[BlindSpot]:
    """A configuration that was not readable as a whole."""
    if crypto is None:
        return
    below = f" at privilege {privilege}: 15 is needed" if privilege is not None and privilege < 15 else ""
    if crypto.readable in {"lines", "none"}:
        message = (
            f"the crypto configuration is not proven whole{below}: what is not in it may only be cut off"
            if crypto.bindings
            else f"the crypto configuration was not read{below}; without it peers have no type"
        )
        yield BlindSpot(
            code="config-unreadable",
            message=message,
            need="config",
            blocking=crypto.readable == "none" or bool(below),
        )
    if crypto.recovery is None:
        yield BlindSpot(
            code="recovery-unknown",
            message=f"whether `crypto isakmp invalid-spi-recovery` is configured could not be read{below}",
            need="recovery_configured",
        )
    for note in crypto.notes:
        yield BlindSpot(code="config-note", message=note, need="config", blocking=False)


def platform(version: Version | None, *, logged: bool) -> Iterator[BlindSpot]:
    """Old ASR software does not log the message at all."""
    if version is None:
        return
    if logs_invalid_spi(version.version, version.hardware) is False and not logged:
        yield BlindSpot(
            code="log-not-implemented",
            message=f"{version.hardware or 'an ASR 1000'} with {version.version} does not log RECVD_PKT_INV_SPI "
            "(ASR from 12.2(33)XNC2 = IOS XE 2.3.2 on): silence proves nothing, look at the QFP counters",
            need="log",
        )


def judging(incidents: Iterable[Incident], peers: Iterable[Peer], looks: Looks) -> Iterator[BlindSpot]:
    """Facts that an incident at hand needs and that nobody read."""
    told: set[str] = set()
    waiting = [one for one in incidents if one.state in {State.PERSISTENT, State.INSUFFICIENT_DATA, State.PENDING}]
    for incident in sorted(waiting, key=lambda one: one.state is State.PENDING):
        peer, judged = incident.peer, incident.state is not State.PENDING  # a pending one asks nobody for anything yet
        if not looks.of("show running-config") and "config" not in told:
            told.add("config")
            yield BlindSpot(
                code="config-not-read",
                message="the crypto configuration was not read: what recovery can do for this peer is not known",
                need="config",
                blocking=judged,
            )
        if peer is not None and peer.ike_sa == "unknown" and str(peer.address) not in told and _has_ike(peer):
            told.add(str(peer.address))
            yield BlindSpot(
                code="ike-sa-unknown",
                message=f"whether an IKE SA with {peer.address or peer.binding} is up could not be read",
                need="isakmp_sas" if peer.ike_version != 2 else "ikev2_sas",
                evidence=peer.ike_evidence,
                # with no or not applicable recovery is out of the question anyway
                blocking=judged and peer.recovery in {Recovery.YES, Recovery.UNPROVEN},
            )
    if any(peer.nat_traversal for peer in peers):
        yield BlindSpot(
            code="log-nat-t",
            message="some peers use NAT-T: by older copies of TAC 115801 (CSCsq59183) the message may not be logged then",
            need="log",
            blocking=False,
        )


def _has_ike(peer: Peer) -> bool:
    return peer.config_type not in {"getvpn", "sd-wan", "manual-ipsec"}
