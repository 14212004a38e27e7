"""What happens in the month, drawn from a seed, and the truth about it: which tunnel was a black hole from when to when."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from ipaddress import IPv4Address

from collector.lab import seeds, state
from collector.lab.events import BOOT
from collector.lab.model import Change, Clock, Network, Refusal, Trouble
from collector.model import Mute
from month.network import UNMANAGED, key, managed

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SECOND = timedelta(seconds=1)
MARGIN = timedelta(minutes=4)  # between two things that happen to one link
DARK = timedelta(seconds=150)  # from the power going to the boot


@dataclass(frozen=True, slots=True, kw_only=True)
class Hole:
    """One black hole. keys: (receiver, source) of each direction that is broken."""

    link: str
    receiver: str
    kind: str
    since: datetime
    until: datetime
    keys: frozenset[tuple[str, str]]
    ends: frozenset[str]

    @property
    def length(self) -> timedelta:
        """How long packets were lost."""
        return self.until - self.since


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A time in which a router (or the tracker, or cron) is not itself."""

    kind: str
    device: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The network with all that happens to it, and the truth. counts: how many of each kind were drawn."""

    network: Network
    epoch: datetime
    end: datetime
    holes: tuple[Hole, ...]
    spells: tuple[Spell, ...]
    mutes: tuple[Mute, ...]
    counts: dict[str, int]

    def until(self, end: datetime) -> Script:
        """What was lived through by a moment: a hole that had hardly begun is left out."""
        holes = tuple(hole for hole in self.holes if hole.since < end - HOUR)
        return replace(self, end=end, holes=holes)

    def during(self, kind: str, device: str, at: datetime) -> bool:
        """Whether a spell of a kind covers a moment."""
        return any(s.kind == kind and s.device == device and s.since <= at < s.until for s in self.spells)


@dataclass(slots=True)
class _Draft:
    network: Network
    end: datetime
    random: random.Random
    troubles: list[Trouble] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)
    mutes: list[Mute] = field(default_factory=list)
    taken: dict[str, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def epoch(self) -> datetime:
        return self.network.epoch

    def moment(self, *, last: timedelta = HOUR) -> datetime:
        """Somewhere in the month, not at its very ends."""
        span = (self.end - last - self.epoch - HOUR).total_seconds()
        return self.epoch + HOUR + SECOND * round(self.random.uniform(0, span), 1)

    def span(self, least: timedelta, most: timedelta) -> timedelta:
        """A length of time: short ones are as frequent as long ones on a logarithmic scale."""
        low, high = least.total_seconds(), most.total_seconds()
        return SECOND * round(low * (high / low) ** self.random.random(), 1)

    def free(self, link: str, since: datetime, until: datetime) -> bool:
        """Whether nothing else happens to a link then; takes the time if so."""
        mine = self.taken.setdefault(link, [])
        if any(since - MARGIN < end and begin < until + MARGIN for begin, end in mine):
            return False
        mine.append((since, until))
        return True

    def count(self, kind: str, number: int = 1) -> None:
        self.counts[kind] = self.counts.get(kind, 0) + number


def write(network: Network, end: datetime, *, seed: int, density: float = 1.0) -> Script:
    """Draw a month. density: how much more often things happen than in a bad month."""
    draft = _Draft(network, end, random.Random(seed))
    days = (end - network.epoch) / DAY * density
    _reloads(draft, days)
    _holes(draft, days)
    _others(draft, days)
    draft.network = _applied(draft)
    holes = _truth(draft.network)
    _spells(draft, days, holes)
    draft.network = _applied(draft)
    _rekeys(draft, days)
    network = _applied(draft)
    assert _truth(network) == holes
    return Script(
        network=network,
        epoch=network.epoch,
        end=end,
        holes=holes,
        spells=tuple(draft.spells),
        mutes=tuple(draft.mutes),
        counts=dict(draft.counts),
    )


def _applied(draft: _Draft) -> Network:
    return replace(
        draft.network, troubles=tuple(draft.troubles), changes=tuple(draft.changes), horizon=draft.end + 2 * DAY
    )


def _truth(network: Network) -> tuple[Hole, ...]:
    found = []
    for trouble in network.troubles:
        link = network.link(trouble.link)
        if link is None or trouble.kind not in {*state.LOSING, "forwarding-plane"}:
            continue
        if trouble.kind == "forwarding-plane":
            assert trouble.until is not None
            until = trouble.until
        else:
            until = state.heals_at(network, link, trouble)
        far = link.far(trouble.receiver).device
        keys = {key(network, link.name, trouble.receiver)}
        keys |= {key(network, link.name, far)} if trouble.kind == "crossed" else set()
        kind = f"{trouble.kind}, reload" if trouble.cause == "reload" else trouble.kind
        found.append(
            Hole(
                link=link.name,
                receiver=trouble.receiver,
                kind=kind,
                since=trouble.since,
                until=until,
                keys=frozenset(keys),
                ends=frozenset({str(link.ends[0].local), str(link.ends[1].local)}),
            )
        )
    return tuple(sorted(found, key=lambda hole: hole.since))


def _reloads(draft: _Draft, days: float) -> None:
    """A reloaded router has lost all SAs: most tunnels are back within a minute, some far ends go on and on."""
    for name in managed(draft.network):
        for _ in range(_number(draft, days / 12)):
            off = draft.moment(last=6 * HOUR)
            booted = off + DARK
            first = booted + BOOT
            links = draft.network.links_of(name)
            lost = []
            for link in links:
                long = draft.random.random() < 0.35
                length = draft.span(10 * MINUTE, 4 * HOUR) if long else draft.span(5 * SECOND, 50 * SECOND)
                lost.append((link, length))
            if not all(draft.free(link.name, off, first + length) for link, length in lost):
                continue
            reason = draft.random.choice(("power-on", "Reload Command", "Critical process fault"))
            draft.changes += [
                Change(device=name, since=off, until=first + SECOND, fields={"unreachable": True}),
                Change(device=name, since=booted, fields={"booted": booted, "reload_reason": reason}),
            ]
            draft.spells.append(Spell(kind="unreachable", device=name, since=off, until=first + SECOND))
            draft.count("reload")
            for link, length in lost:
                draft.troubles.append(
                    Trouble(
                        kind="counts-only" if name == "asr-old" else "stale-sa",
                        receiver=name,
                        link=link.name,
                        since=first,
                        until=first + length,
                        cause="reload",
                        sender_ike=draft.random.random() < 0.7,
                    )
                )


def _kind(draft: _Draft, link: str, receiver: str) -> str:
    if link.startswith(
        "twin"
    ):  # two tunnels between two addresses share one IKE SA: it lives as long as one of them does
        return draft.random.choice(("ike-up-but-stale", "ike-up-but-stale", "crossed"))
    if receiver == "asr-old":
        return "counts-only"
    if draft.network.device(receiver).recovery:
        return draft.random.choice(("recovery-on-but-stuck", "ike-up-but-stale"))
    return draft.random.choice(
        ("stale-sa", "stale-sa", "stale-sa", "stale-sa", "ike-up-but-stale", "crossed", "forwarding-plane")
    )


def _holes(draft: _Draft, days: float) -> None:
    """Losses of all lengths at either end: cleared by somebody, healed by IKE, or left until the SA dies; some return."""
    for link in draft.network.links:
        for _ in range(_number(draft, days * 0.55)):
            receiver = draft.random.choice(link.ends).device
            kind = _kind(draft, link.name, receiver)
            if kind == "crossed" and {e.device for e in link.ends} & {*UNMANAGED, "asr-old"}:
                kind = "stale-sa"
            since = draft.moment(last=5 * HOUR)
            dice = draft.random.random()
            if dice < 0.3:
                length = draft.span(4 * SECOND, 50 * SECOND)
            elif dice < 0.45:
                length = draft.span(56 * SECOND, 9 * MINUTE)
            else:
                length = draft.span(10 * MINUTE, 5 * HOUR)
            again = draft.random.random() < 0.25
            if kind == "forwarding-plane" and length < MINUTE:
                kind = "stale-sa"
            for _turn in range(2 if again else 1):
                left = length > 2 * HOUR and kind != "forwarding-plane"  # until the SA dies
                if not draft.free(link.name, since, since + (link.lifetime if left else length)):
                    break
                until = None if left else since + length
                draft.troubles.append(
                    Trouble(
                        kind=kind,
                        receiver=receiver,
                        link=link.name,
                        since=since,
                        until=until,
                        sender_ike=draft.random.random() < 0.7,
                        ikmp_no_sa=kind != "forwarding-plane" and draft.random.random() < 0.2,
                    )
                )
                since = since + length + draft.span(6 * MINUTE, 3 * HOUR)


def _others(draft: _Draft, days: float) -> None:
    """Packets of nobody's SA."""
    for name in managed(draft.network):
        if name == "asr-old":
            continue  # it counts and does not log: whose packets they are nobody can tell
        for _ in range(_number(draft, days / 6)):
            since = draft.moment()
            sources = tuple(IPv4Address("203.0.113.100") + draft.random.randrange(100) for _ in range(4))
            spi = draft.random.randrange(0x1000, 0xF000) << 16
            draft.troubles.append(Trouble(kind="scan", receiver=name, since=since, sources=sources, spi=spi))
            draft.count("scan")
        for _ in range(_number(draft, days / 10)):
            since = draft.moment()
            source = IPv4Address("203.0.113.200") + draft.random.randrange(50)
            until = since + draft.span(3 * MINUTE, HOUR)
            draft.troubles.append(
                Trouble(kind="unknown-source", receiver=name, since=since, until=until, sources=(source,))
            )
            draft.count("unknown source")


def _spells(draft: _Draft, days: float, holes: tuple[Hole, ...]) -> None:
    """What keeps us from seeing; every second of these in the middle of a black hole."""
    kinds = (
        ("unreachable", 5.0, 15 * MINUTE, 8 * HOUR),
        ("refused", 10.0, HOUR, 6 * HOUR),
        ("busy log", 8.0, 15 * MINUTE, HOUR),
        ("log cleared", 5.0, MINUTE, MINUTE),
        ("counters cleared", 5.0, MINUTE, MINUTE),
    )
    for name in managed(draft.network):
        own = [hole for hole in holes if hole.receiver == name and hole.length > 10 * MINUTE]
        for kind, every, least, most in kinds:
            for _ in range(_number(draft, days / every)):
                since = draft.moment()
                if own and draft.random.random() < 0.5:
                    hole = draft.random.choice(own)
                    since = hole.since + hole.length * draft.random.random()
                _spell(draft, kind, name, since, since + draft.span(least, most))
    _clock_off(draft)
    _windows(draft, holes)
    for _ in range(_number(draft, days / 8)):
        since = draft.moment()
        draft.spells.append(
            Spell(kind="tracker away", device="", since=since, until=since + draft.span(20 * MINUTE, 5 * HOUR))
        )
        draft.count("tracker away")
    for _ in range(_number(draft, days * 1.2)):
        since = draft.moment()
        draft.spells.append(
            Spell(kind="no run", device="", since=since, until=since + draft.span(5 * MINUTE, 2 * HOUR))
        )
        draft.count("no run")


def _spell(draft: _Draft, kind: str, name: str, since: datetime, until: datetime) -> None:
    fields: dict[str, object] = {}
    if kind == "unreachable":
        fields = {"unreachable": True}
    elif kind == "refused":
        command = draft.random.choice(("show logging", "show logging", "show crypto", "show running-config"))
        kind = f"refused {command}"
        fields = {"refusals": (Refusal(command=command),)}
    elif kind == "log cleared":
        draft.changes.append(Change(device=name, since=since, fields={"log_cleared": since}))
    elif kind == "counters cleared":
        draft.changes.append(Change(device=name, since=since, fields={"counters_cleared": since}))
    else:
        draft.troubles.append(
            Trouble(kind="busy-log", receiver=name, since=since, until=until, interval=timedelta(seconds=2))
        )
    if fields:
        draft.changes.append(Change(device=name, since=since, until=until, fields=fields))
    draft.spells.append(Spell(kind=kind, device=name, since=since, until=until))
    draft.count(kind)


def _clock_off(draft: _Draft) -> None:
    """One router's clock loses its server and is set right again, once to each side."""
    name = "br-4" if any(d.name == "br-4" for d in draft.network.devices) else "br-1"
    third = (draft.end - draft.epoch) / 3
    for number, skew in enumerate((timedelta(minutes=-7), timedelta(minutes=11))):
        since = draft.epoch + third * number + third / 4
        until = since + third / 3
        draft.changes.append(
            Change(device=name, since=since, until=until, fields={"clock": Clock(skew=skew, mark=".")})
        )
        draft.spells.append(Spell(kind="clock off", device=name, since=since, until=until))
        draft.count("clock off")


def _windows(draft: _Draft, holes: tuple[Hole, ...]) -> None:
    """Maintenance: a router's findings are answered for while it lasts."""
    long = [hole for hole in holes if hole.length > 10 * MINUTE and hole.receiver not in UNMANAGED]
    for _ in range(max(1, _number(draft, (draft.end - draft.epoch) / DAY / 6))):
        if not long:
            return
        hole = draft.random.choice(long)
        since = hole.since - draft.span(2 * MINUTE, 20 * MINUTE)
        until = since + draft.span(40 * MINUTE, 4 * HOUR)
        draft.mutes.append(Mute(reason="change", owner="noc", device=hole.receiver, since=since, until=until))
        draft.spells.append(Spell(kind="maintenance", device=hole.receiver, since=since, until=until))
        draft.count("maintenance")


def _rekeys(draft: _Draft, days: float) -> None:
    """Each hour or so two ends agree on new SAs; one packet in flight meets the wrong one, sometimes a whole series."""
    network = draft.network
    for link in network.links:
        receivers = [end.device for end in link.ends if end.device not in UNMANAGED]
        for spell in state.spells(network, link):
            until = spell.trouble.since if spell.trouble is not None else draft.end
            period = link.lifetime - state.OVERLAP
            number = max(1, int((network.epoch - spell.base) / period) + 1)
            while (moment := spell.base + number * period) + 2 * MINUTE < until:
                if draft.random.random() < 0.12:
                    draft.troubles.append(
                        _late(draft, link, draft.random.choice(receivers), moment, spell.first + number)
                    )
                    draft.count("rekey with one late packet")
                number += 1
        for _ in range(_number(draft, days / 10)):
            moment, receiver = draft.moment(), draft.random.choice(receivers)
            for step in range(draft.random.randint(4, 8)):
                moment += timedelta(seconds=draft.random.uniform(61, 150))
                draft.troubles.append(
                    Trouble(
                        kind="rekey-transient",
                        receiver=receiver,
                        link=link.name,
                        since=moment,
                        spi=seeds.spi("storm", link.name, moment, step),
                    )
                )
            draft.count("storm of rekeys")


def _late(draft: _Draft, link, receiver: str, moment: datetime, number: int) -> Trouble:
    """A packet under the new SPI that came too early, or under the old one that came too late."""
    if draft.random.random() < 0.5:
        return Trouble(kind="rekey-transient", receiver=receiver, link=link.name, since=moment + SECOND / 3)
    return Trouble(
        kind="rekey-transient",
        receiver=receiver,
        link=link.name,
        since=moment + state.OVERLAP + SECOND,
        spi=state.incoming(link, receiver, number - 1),
    )


def _number(draft: _Draft, mean: float) -> int:
    """A whole number whose mean this is."""
    whole = int(mean)
    return whole + (draft.random.random() < mean - whole)
