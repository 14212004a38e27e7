"""Snapshot -> Facts: every capture read once, then joined: clock, configuration, tables, peers, log, counters, incidents.

Nothing here reads a clock: all ages count back from what the captures say. What was refused, cut or never asked leaves
its field `None`, and a blind spot.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from collector.config import classify
from collector.facts import blind, clock, counters, incidents, log, looks, peers, tables, trains
from collector.facts.looks import Look, Looks
from collector.model import (
    BlindSpot,
    ConfigText,
    CryptoConfig,
    CryptoMapEntry,
    Facts,
    History,
    IkeSa,
    IpsecProfile,
    Policy,
    Privilege,
    Snapshot,
    Software,
    StandbyGroup,
    Version,
)

R = TypeVar("R")

_NO_HISTORY = History()


def build(snapshot: Snapshot, policy: Policy, history: History = _NO_HISTORY) -> Facts:
    """One device's Facts; incidents are joined with the far ends by `settle`."""
    read = looks.read(snapshot)
    own_clock = clock.of(read)
    version = _latest(read, "show version", Version)
    privilege = _latest(read, "show privilege", Privilege)
    level = privilege[0].level if privilege is not None else None
    config = _config(read, level)
    state = tables.read(read, own_clock)
    ground = peers.Ground(
        device=snapshot.device.name,
        config=config,
        tables=state,
        clock=own_clock,
        taken={look.capture.command: look.taken_at for look in read.of("show running-config", "show crypto map")},
    )
    all_peers = peers.build(ground)
    seen = log.build(read, own_clock, config=config, version=version, history=history, origin=snapshot.origin)
    drops = counters.build(read, own_clock, version[0].uptime if version is not None else None, history)
    found = incidents.build(seen, all_peers or (), ground, drops, limits=policy.thresholds, past=history)
    return Facts(
        device=snapshot.device,
        policy=policy,
        hostname=snapshot.hostname or (config.hostname if config is not None else None) or _hostname(version),
        hardware=version[0].hardware if version is not None else None,
        serial=version[0].serial if version is not None else None,
        software=_software(version),
        version=version[0] if version is not None else None,
        uptime=version[0].uptime if version is not None else None,
        privilege=level,
        collected_at=_collected(snapshot),
        device_time=_device_time(read, own_clock, seen),
        clock_mark=own_clock.mark,
        config=config,
        recovery_configured=config.recovery if config is not None else None,
        peers=peers.with_accepted(all_peers, found or ()),
        log=seen.view,
        sightings=seen.sightings,
        related=seen.related,
        isakmp_sas=_ike(state.isakmp),
        ikev2_sas=_ike(state.ikev2),
        flows=state.flows.records if state.flows.whole or state.flows.peers else None,
        flows_taken_at=state.flows_taken_at,
        flows_device_time=state.flows_at,
        outbound_lines={
            sa.spi: seen_flow.look.evidence(sa.line)
            for seen_flow in state.flows.rows
            for sa in seen_flow.record.outbound
            if sa.spi
        },
        flows_filter=_filter(state),
        sessions=state.sessions.records if state.sessions.known else None,
        nhrp=state.nhrp.records if state.nhrp.known else None,
        spi_lookup=state.lookup.records if state.lookup.whole else None,
        datapath_drops=drops.datapath,
        global_drops=drops.globally,
        counters=drops.counters,
        incidents=found,
        blind_spots=tuple(
            _once(
                (
                    *seen.blind,
                    *blind.captures(read),
                    *blind.not_used(read),
                    *blind.visit(read, snapshot.failures, snapshot.origin),
                    *blind.guard(read, policy.thresholds.cpu_guard, snapshot.origin),
                    *blind.clock(own_clock),
                    *blind.config(config, level),
                    *blind.platform(version[0] if version is not None else None, logged=bool(seen.sightings)),
                    *blind.judging(found or (), all_peers or (), read),
                )
            )
        ),
        captures=looks.notes(read, snapshot.failures),
        failures=snapshot.failures,
        history=history,
    )


def _latest(read: Looks, name: str, kind: type[R]) -> tuple[R, Look] | None:
    """The last look's record, only where it was read whole."""
    look = read.last(name)
    if look is None or not look.parsed:
        return None
    return next(((record, look) for record in look.reading.records if isinstance(record, kind)), None)


def _records(read: Looks, name: str, kind: type[R]) -> tuple[R, ...] | None:
    look = read.last(name)
    if look is None or not look.parsed:
        return None
    return tuple(record for record in look.reading.records if isinstance(record, kind))


def _config(read: Looks, privilege: int | None) -> CryptoConfig | None:
    """The classifier's word; `None` where no configuration and no crypto map was read."""
    texts = [
        (look.capture, record)
        for look in read.of("show running-config")
        for record in look.reading.records
        if isinstance(record, ConfigText)
    ]
    maps = _records(read, "show crypto map", CryptoMapEntry)
    if not texts and maps is None:
        return None
    return classify(
        texts,
        maps=maps,
        dynamic_maps=_records(read, "show crypto dynamic-map", CryptoMapEntry),
        profiles=_records(read, "show crypto ipsec profile", IpsecProfile),
        standby=_records(read, "show standby brief", StandbyGroup),
        privilege=privilege,
    )


def _software(version: tuple[Version, Look] | None) -> Software | None:
    if version is None:
        return None
    train = trains.parse(version[0].version)
    return Software(
        family=version[0].family, version=version[0].version, train=train.name if train is not None else None
    )


def _hostname(version: tuple[Version, Look] | None) -> str | None:
    return version[0].hostname if version is not None else None


def _collected(snapshot: Snapshot) -> datetime | None:
    taken = [capture.taken_at for capture in snapshot.captures if capture.taken_at is not None]
    return max(taken, default=snapshot.finished_at)


def _device_time(read: Looks, own: clock.DeviceClock, seen: log.LogFacts) -> datetime | None:
    """The router's time at its last capture; without its clock, at the last line of its log."""
    times = [at for look in read.all if (at := own.at(look)) is not None]
    if times:
        return max(times)
    return seen.view.read_at if seen.view is not None else None


def _ike(table: tables.IkeTable) -> tuple[IkeSa, ...] | None:
    return table.table.records if table.readable else None


def _filter(state: tables.Tables) -> str | None:
    if state.flows.whole or not state.flows.peers:
        return None
    return ", ".join(sorted(str(peer) for peer in state.flows.peers))


def _once(spots: Sequence[BlindSpot]) -> list[BlindSpot]:
    return list({(spot.code, spot.message): spot for spot in spots}.values())
