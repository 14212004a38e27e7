"""The join of both ends of an incident (DOMAIN section 6), key by key.

Grades: exact (SPI and both ends), nat (SPI and one end, or NAT-T), spi-only (the SPI alone, with its chance of an
accident). Outcomes say what both tables together prove. Snapshots are not simultaneous: near a rekey, or with captures
far apart, both ends must be looked at again before anything is confirmed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from collector.correlate import past
from collector.correlate.ask import Ask, least_age, owner_of, senders, told, with_peer
from collector.correlate.fleet import Hit, byte_swapped, fleet
from collector.model import Facts, FarEnd, Join, Outcome, SpiState, State

_DPD_TRIES, _DPD_RETRY = 5, 2  # IOS probes five times more before it gives up; 2 s is its default between them


def joins(
    devices: Sequence[Facts], windows: Sequence[timedelta], remembered: Sequence[FarEnd] = ()
) -> dict[tuple[int, int], tuple[Join | None, ...]]:
    """Joins by (place of the device, place of its incident), one a key; `None` for a key that is never joined.

    windows: per device, how old the last line of a running flow may be. remembered: routers as earlier runs saw them,
    asked where this run did not see the far end.
    """
    wanted = {key.spi for facts in devices for incident in facts.incidents or () for key in incident.keys if key.spi}
    if not wanted:
        return {}
    index = fleet([FarEnd.of(facts) for facts in devices], wanted | {byte_swapped(spi) for spi in wanted})
    earlier = fleet(remembered, wanted)
    found: dict[tuple[int, int], tuple[Join | None, ...]] = {}
    for number, facts in enumerate(devices):
        for place, incident in enumerate(facts.incidents or ()):
            if incident.state is State.COUNTER_ONLY or incident.source is None:
                continue
            asks = (Ask(number, facts, incident, key, index, earlier, windows[number]) for key in incident.keys)
            found[number, place] = tuple(_join(ask) if _joinable(ask.key) else None for ask in asks)
    return found


def _joinable(key: SpiState) -> bool:
    """Altered SPIs and 0x0 are never joined on."""
    return bool(key.spi) and bool(key.sightings) and all(s.event.consistent for s in key.sightings)


def _join(ask: Ask) -> Join:
    found = _of_this_run(ask)
    if found.outcome is not Outcome.FAR_END_UNKNOWN or not ask.past.devices:
        return found
    return past.join(ask, found)


def _of_this_run(ask: Ask) -> Join:
    grade, hits = senders(ask, ask.fleet)
    mine = [hit for hit in ask.fleet.inbound.get(ask.spi, ()) if hit.device == ask.device]
    if grade is None and not mine:
        return _without_sender(ask)
    if len({(hit.device, hit.flow.interface, hit.local, hit.remote) for hit in hits}) > 1:
        names = tuple(sorted({hit.end.name for hit in hits}))
        why = f"several SAs carry {ask.spi} towards this router ({', '.join(names)}): none is confirmed"
        return Join(device=None, grade=grade, outcome=Outcome.AMBIGUOUS, candidates=names, why=why, spi=ask.spi)
    sender = hits[0] if hits else None
    join = told(ask, ask.fleet, sender, grade)
    if mine:
        return _held_here(ask, mine[0], join)
    assert sender is not None
    if not ask.fleet.shows(ask.device, ask.incident.source):
        why = f"{join.device} holds {ask.spi} outbound, but the SAs of {ask.facts.device.name} itself were not read"
        return replace(join, outcome=Outcome.LOOK_AGAIN, why=why)
    if not sender.current:
        now = sender.flow.outbound_spi
        why = f"{join.device} still has {ask.spi}, but sends with {now}: it is draining"
        return replace(join, outcome=Outcome.DRAINING, why=why)
    doubt = _doubt(ask, sender)
    if doubt:
        why = f"{join.device} sends with {ask.spi}, but {doubt}: look at both ends again"
        return replace(join, outcome=Outcome.LOOK_AGAIN, why=why)
    left = f", {round(join.sa_remaining.total_seconds())} s left" if join.sa_remaining is not None else ""
    why = f"{join.device} sends with {ask.spi} (outbound SA{left}) and {ask.facts.device.name} has no such inbound SA"
    return replace(join, outcome=Outcome.STALE_CONFIRMED, why=why, heals_at_latest=_heals(ask, sender, join))


def _held_here(ask: Ask, mine: Hit, join: Join) -> Join:
    """R itself holds the SPI inbound."""
    incident = ask.incident
    where = mine.flow.interface or mine.flow.map_tag or "a flow"
    elsewhere = _elsewhere(ask, mine)
    if elsewhere:
        why = f"{ask.spi} is installed here for {elsewhere}, the packets come to {incident.destination}"
        return replace(join, outcome=Outcome.WRONG_ENDPOINT, why=why)
    read = ask.fleet.flows_at(ask.device)
    last = ask.line(last=True)
    if len(ask.key.sightings) > 1 and ask.later_than(read):
        why = f"{ask.spi} is installed here ({where}) and packets with it were dropped after that was read"
        return replace(join, outcome=Outcome.FORWARDING_PLANE, why=why)
    if ask.stopped() and read is not None and last is not None and last <= read:
        why = f"{ask.spi} is installed here ({where}) and the lines have stopped: a rekey race"
        return replace(join, outcome=Outcome.REKEY_RACE, why=why)
    why = f"{ask.spi} is installed here ({where}); whether the drops go on must be looked at again"
    return replace(join, outcome=Outcome.LOOK_AGAIN, why=why)


def _elsewhere(ask: Ask, mine: Hit) -> str:
    """The other local address or VRF for which the SPI is installed, or ""."""
    incident = ask.incident
    if mine.local and incident.destination is not None and incident.destination not in mine.local:
        return f"local address {min(str(address) for address in mine.local)}"
    here = ask.fleet.peer(ask.device, mine.flow.peer, mine.flow.interface)
    bound = incident.peer
    if here is not None and bound is not None and here.address == bound.address and here.vrf != bound.vrf:
        return f"VRF {here.vrf or '(global)'}"
    return ""


def _without_sender(ask: Ask) -> Join:
    """Nobody in the run sends with this SPI: who owns the source, and was it read?"""
    incident = ask.incident
    owners = [n for n in ask.fleet.owners.get(incident.source, ()) if n != ask.device] if incident.source else []
    unknown = Join(device=None, grade=None, outcome=Outcome.FAR_END_UNKNOWN, spi=ask.spi)
    if not owners:
        swapped = _swapped(ask)
        why = f"{incident.source} belongs to no device of this run{swapped}"
        return replace(unknown, why=why)
    if len(owners) > 1:
        names = tuple(sorted(ask.fleet.devices[n].name for n in owners))
        why = f"several devices have {incident.source}: {', '.join(names)}"
        return replace(unknown, outcome=Outcome.AMBIGUOUS, candidates=names, why=why)
    owner = owners[0]
    name = ask.fleet.devices[owner].name
    peer = ask.fleet.peer(owner, incident.destination, None)
    known = with_peer(owner_of(unknown, name, incident), peer)
    if not ask.fleet.shows(owner, incident.destination):
        return replace(known, why=f"{name} has {incident.source}, but its IPsec SAs were not read{_swapped(ask)}")
    if not ask.fleet.shows(ask.device, incident.source):
        why = f"{name} does not send with {ask.spi}, but the SAs of {ask.facts.device.name} itself were not read"
        return replace(known, outcome=Outcome.LOOK_AGAIN, why=why)
    if ask.later_than(ask.fleet.flows_at(owner)):
        why = f"{name} has no SA {ask.spi}, and lines came after that was read: another sender, NAT or forged packets"
        return replace(known, outcome=Outcome.OTHER_SENDER, why=why + _swapped(ask))
    if ask.stopped():
        why = f"neither {name} nor {ask.facts.device.name} has {ask.spi} any more, and the lines have stopped"
        return replace(known, outcome=Outcome.HEALED, why=why)
    why = f"neither end has {ask.spi} any more; whether the lines have stopped must be looked at again"
    return replace(known, outcome=Outcome.LOOK_AGAIN, why=why)


def _swapped(ask: Ask) -> str:
    """An SPI that fits only byte by byte in reverse is told and never joined."""
    for hit in ask.fleet.outbound.get(byte_swapped(ask.spi), ()):
        if hit.device != ask.device and ask.incident.destination in hit.remote:
            return (
                f"; {hit.end.name} sends with {hit.spi}, the same bytes in reverse order: ASA debugs print them so "
                "(CSCvx23833), which is no proof"
            )
    return ""


def _doubt(ask: Ask, sender: Hit) -> str:
    """Why a stale SA is not confirmed yet, or ""."""
    limits = ask.facts.policy.thresholds
    here, there = ask.fleet.flows_at(ask.device), ask.fleet.flows_at(sender.device)
    if here is None or there is None:
        return "the times of both captures do not compare"
    if abs(here - there) > limits.join_max_age:
        return f"the captures are {round(abs(here - there).total_seconds())} s apart"
    remaining = sender.sa.remaining if sender.sa is not None else None
    if remaining is not None and remaining < limits.join_guard:
        return f"its SA has {round(remaining.total_seconds())} s left"
    if sender.sa is not None and not sender.sa.timed:
        return ""
    first = ask.line(last=False)
    age = max(least_age(sender, remaining), there - first if first is not None else timedelta())
    if age < limits.join_guard or there - age > here:
        return f"its SA may be only {max(0, round(age.total_seconds()))} s old"
    return ""


def _heals(ask: Ask, sender: Hit, join: Join) -> datetime | None:
    """An upper bound: S's SA ends, or S's DPD tears it down (only where S holds an IKE SA that R does not)."""
    at = ask.fleet.flows_at(sender.device)
    if at is None or join.sa_remaining is None:
        return None
    bounds = [at + join.sa_remaining]
    dpd, peer = join.sender_dpd, ask.incident.peer
    dead_here = peer is not None and peer.ike_sa == "none"
    if dead_here and join.sender_ike_sa == "up" and dpd.mode in {"periodic", "on-demand"} and dpd.interval is not None:
        teardown = timedelta(seconds=dpd.interval + _DPD_TRIES * (dpd.retry or _DPD_RETRY))
        first, last = ask.line(last=False), ask.line(last=True)
        if first is None or last is None or last - first <= teardown:  # else it would have acted by now
            bounds.append(at + teardown)
    return min(bounds)
