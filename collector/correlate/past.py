"""The far end as an earlier run saw it, where this run did not: a picture of the ledger instead of a capture.

A picture confirms a stale SA only within `join_max_age` and outside `join_guard`, with what has run down since then taken
off, and only where R holds no SA of that peer that could be the rekey it missed. Whatever else it shows is a hint: who S
is, what it held and when. It never proves that an SA is gone, so it heals and resolves nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from collector.correlate.ask import Ask, least_age, owner_of, senders, told, with_peer
from collector.correlate.fleet import Hit
from collector.model import Dpd, FarEnd, FarPeer, Join, Outcome, Remembered


def join(ask: Ask, live: Join) -> Join:
    """What the ledger knows of the far end that this run did not see (`live`), else `live` itself."""
    grade, found = senders(ask, ask.past)
    hits = [hit for hit in found if grade in {"exact", "nat"} and not _seen_now(ask, hit.end)]
    names = tuple(sorted({hit.end.name for hit in hits}))
    if len({(hit.device, hit.flow.interface, hit.local, hit.remote) for hit in hits}) > 1:
        why = f"several routers ({', '.join(names)}) sent with {ask.spi} when they were last read: none is confirmed"
        return replace(live, device=None, grade=grade, outcome=Outcome.AMBIGUOUS, candidates=names, why=why)
    if hits:
        return _sent(ask, hits[0], told(ask, ask.past, hits[0], grade))
    return _owned(ask, live)


def _seen_now(ask: Ask, end: FarEnd) -> bool:
    """Whether this run itself read the SAs that a picture shows: then the picture is out of date."""
    place = ask.fleet.names.get(end.name)
    return place is not None and ask.fleet.shows(place, ask.incident.destination)


def _sent(ask: Ask, sender: Hit, found: Join) -> Join:
    """S had the SPI outbound when it was last read."""
    seen, there, here = sender.end.seen, sender.end.flows_at, ask.fleet.flows_at(ask.device)
    assert seen is not None
    left = found.sa_remaining
    if left is not None and there is not None and here is not None:
        left -= max(here - there, timedelta())
    doubt = _doubt(ask, sender, left)
    verb = "sent with" if sender.current else f"still had, but sent with {sender.flow.outbound_spi} rather than"
    then = f", {_seconds(found.sa_remaining)} left then" if found.sa_remaining is not None else ""
    what = f"{found.device} {verb} {ask.spi} at {_moment(seen)}{then} (run {seen.run})"
    if doubt:
        why = f"{what}, but {doubt}: look at both ends again"
        return _hint(replace(found, outcome=Outcome.LOOK_AGAIN, why=why, remembered=seen, sa_remaining=None))
    why = f"{what}, and {ask.facts.device.name} has no such inbound SA"
    heals = here + left if here is not None and left is not None else None
    return replace(
        found, outcome=Outcome.STALE_CONFIRMED, why=why, remembered=seen, sa_remaining=left, heals_at_latest=heals
    )


def _doubt(ask: Ask, sender: Hit, left: timedelta | None) -> str:
    """Why the picture confirms nothing, or "". left: of the SA, now."""
    limits, source = ask.facts.policy.thresholds, ask.incident.source
    there, here = sender.end.flows_at, ask.fleet.flows_at(ask.device)
    if not ask.fleet.shows(ask.device, source):
        return f"the SAs of {ask.facts.device.name} itself were not read"
    if there is None or here is None:
        return "the times of both captures do not compare"
    if abs(here - there) > limits.join_max_age:
        return f"that is {_seconds(abs(here - there))} from the reading of {ask.facts.device.name}"
    if not sender.current:
        return "an SA that is draining may be gone by now"
    if left is not None and left < limits.join_guard:
        return f"that SA has {_seconds(left)} left by now" if left > timedelta() else "that SA has ended since then"
    if any(flow.inbound for flow in ask.facts.flows or () if source in {flow.peer, flow.remote_endpoint}):
        return f"{ask.facts.device.name} holds other SAs of {source}: a rekey since then is not excluded"
    first = ask.line(last=False)
    age = max(least_age(sender, _printed(sender)), there - first if first is not None else timedelta())
    if _timed(sender) and (age < limits.join_guard or there - age > here):
        return f"that SA may have been only {_seconds(max(age, timedelta()))} old"
    return ""


def _printed(sender: Hit) -> timedelta | None:
    return sender.sa.remaining if sender.sa is not None else None


def _timed(sender: Hit) -> bool:
    return sender.sa is None or sender.sa.timed


def _owned(ask: Ask, live: Join) -> Join:
    """No picture has the SPI: whose address is the source, and did it have a tunnel to this router?"""
    incident = ask.incident
    places = ask.past.owners.get(incident.source, ()) if incident.source is not None else ()
    ends = [ask.past.devices[place] for place in places]
    known = [end for end in ends if end.name != ask.facts.device.name and not _seen_now(ask, end)]
    if live.device is not None:  # this run knows whose address it is and could not read it
        known = [end for end in known if end.name == live.device]
    if not known:
        return live
    if len(known) > 1:
        names = tuple(sorted(end.name for end in known))
        why = f"{live.why}; {', '.join(names)} had {incident.source} when they were last read"
        return replace(live, outcome=Outcome.AMBIGUOUS, candidates=names, why=why)
    end = known[0]
    assert end.seen is not None
    peer = next((peer for peer in end.peers if peer.address == incident.destination), None)
    when = f"at {_moment(end.seen)} (run {end.seen.run})"
    if peer is None:
        why = f"{live.why}; {end.name} had {incident.source} {when}, and no tunnel to {incident.destination} is known of it"
        return replace(live, why=why)
    read = f"and no SA {ask.spi} then" if end.sas_read(incident.destination) else "and its IPsec SAs were not read then"
    why = f"{end.name} had {incident.source} and a tunnel to {incident.destination} {when}, {read}{_knew(peer)}"
    return _hint(with_peer(owner_of(replace(live, why=why, remembered=end.seen), end.name, incident), peer))


def _knew(peer: FarPeer) -> str:
    """What S knew of its IKE SA and its DPD with R, for a reader."""
    words = [f"an IKE SA with it was {peer.ike_sa}"] if peer.ike_sa == "up" else []
    words += [f"its DPD was {peer.dpd.mode}"] if peer.dpd.mode != "unknown" else []
    return f"; {' and '.join(words)}" if words else ""


def _hint(found: Join) -> Join:
    """What an old picture says of S, its IKE SA and its DPD is for a reader; no rule builds on it."""
    return replace(found, device=None, sender_ike_sa="unknown", sender_dpd=Dpd(mode="unknown"))


def _moment(seen: Remembered) -> str:
    return seen.taken_at.isoformat(sep=" ", timespec="seconds")


def _seconds(span: timedelta | None) -> str:
    return f"{round(span.total_seconds())} s" if span is not None else "an unknown time"
