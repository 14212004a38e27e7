"""Which SAs, IKE SAs and counters each router holds at a moment.

R chooses the SPI of what it receives, so the pair number k of a link has two SPIs: `incoming(link, device, k)` for each
end. In good times both ends hold the pair that `base` and the lifetime give; two pairs for the seconds between a rekey
and the hard expiry. A trouble takes SAs away from one end only, and that is all there is to a stale SA.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collector.lab import seeds
from collector.lab.model import Device, Holding, Ike, Link, Network, Sa, Trouble

OVERLAP = timedelta(seconds=45)  # a new pair is negotiated this long before the old one dies
LOSING = frozenset(
    {"stale-sa", "recovery-on-but-stuck", "ike-up-but-stale", "healing", "healed", "counts-only", "crossed"}
)
RENEWED = 1000  # pair numbers after the n-th recovery start at n times this: new SPIs


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A time of good service of a link. base, first: birth and number of its first pair. since: when the tunnel came up.

    trouble: what ended it, `None` for the one that lasts. lost: the pair that one end goes on using.
    """

    base: datetime
    first: int
    since: datetime
    trouble: Trouble | None = None
    lost: Sa | None = None


def spells(network: Network, link: Link) -> tuple[Spell, ...]:
    """The times of good service of a link, one after each loss."""
    key = ("spells", link.name)
    if key not in network.memo:
        network.memo[key] = tuple(_spells(network, link))
    found: tuple[Spell, ...] = network.memo[key]
    return found


def _spells(network: Network, link: Link) -> Iterator[Spell]:
    base, since, number = link.base, link.since, 0
    for trouble in network.troubles_of(link.name):
        if trouble.kind not in LOSING:
            continue
        lost = pair_at(link, trouble.since, base, number * RENEWED)[0]
        yield Spell(base=base, first=number * RENEWED, since=since, trouble=trouble, lost=lost)
        base = since = _replaced(link, trouble, lost)
        number += 1
    yield Spell(base=base, first=number * RENEWED, since=since)


def _replaced(link: Link, trouble: Trouble, lost: Sa) -> datetime:
    """When a lost SA is replaced: when somebody acted, else when the sender's SA dies."""
    expiry = lost.born + link.lifetime
    return min(trouble.until, expiry) if trouble.until is not None else expiry


def spell_at(network: Network, link: Link, moment: datetime) -> Spell:
    """The last spell that began by a moment: it may have ended in a trouble by then."""
    found = spells(network, link)
    return found[max(0, bisect_right(found, moment, key=lambda spell: spell.base) - 1)]


def trouble_at(network: Network, link: Link, moment: datetime) -> Trouble | None:
    """The loss that a link suffers from at a moment."""
    trouble = spell_at(network, link, moment).trouble
    return trouble if trouble is not None and trouble.since <= moment else None


def holding(network: Network, link: Link, device: str, now: datetime) -> Holding:
    """What a router holds of a link."""
    held = _held(network, link, device, now)
    cleared = network.device(device, now).counters_cleared
    if cleared is None or held.up_since is None or not held.up_since < cleared <= now:
        return held
    before = _held(network, link, device, cleared)
    return replace(held, encaps=max(0, held.encaps - before.encaps), decaps=max(0, held.decaps - before.decaps))


def _held(network: Network, link: Link, device: str, now: datetime) -> Holding:
    spell = spell_at(network, link, now)
    trouble = trouble_at(network, link, now)
    if trouble is None:
        return _healthy(link, device, now, spell)
    if device == trouble.receiver:
        return _bereft(link, device, spell, now)
    return _deceived(link, device, spell, now)


def heals_at(network: Network, link: Link, trouble: Trouble) -> datetime:
    """When a loss is over: when somebody acted, else when the sender's SA dies."""
    return _replaced(link, trouble, _lost(network, link, trouble))


def stale_spi(network: Network, link: Link, trouble: Trouble, device: str) -> int:
    """The SPI that the far end goes on using and `device` does not have."""
    number = _lost(network, link, trouble).number
    return incoming(link, device, number if device == trouble.receiver else number + 1)


def _lost(network: Network, link: Link, trouble: Trouble) -> Sa:
    found = next((s.lost for s in spells(network, link) if s.trouble == trouble), None)
    assert found is not None, "only a trouble of LOSING has one"
    return found


def incoming(link: Link, device: str, number: int) -> int:
    """SPI of what a router receives in pair `number`. In GETVPN the key server gives all members one."""
    if link.kind == "getvpn":
        return seeds.spi(link.psk, link.name, "group", number)
    return seeds.spi(link.psk, link.name, device, number)


def pair_at(link: Link, moment: datetime, base: datetime | None = None, first: int = 0) -> list[Sa]:
    """The pair in use and, during a rekey, the one before it. SPIs are filled in per end: here they are 0."""
    start = link.base if base is None else base
    period = link.lifetime - OVERLAP
    k = max(0, (moment - start) // period)
    pairs = [Sa(spi=0, born=start + k * period, lifetime=link.lifetime, number=first + k)]
    if k and moment - pairs[0].born < OVERLAP:
        pairs.append(
            Sa(spi=0, born=start + (k - 1) * period, lifetime=link.lifetime, number=first + k - 1, current=False)
        )
    return pairs


def pair_in_use(network: Network, link: Link, moment: datetime) -> Sa:
    """The pair that both ends agree upon at a moment of good service."""
    spell = spell_at(network, link, moment)
    return pair_at(link, moment, spell.base, spell.first)[0]


def device_holdings(network: Network, device: Device, now: datetime) -> tuple[Holding, ...]:
    """All of a router's links."""
    return tuple(holding(network, link, device.name, now) for link in network.links_of(device.name))


def _with_spi(link: Link, device: str, sas: list[Sa]) -> tuple[Sa, ...]:
    return tuple(
        Sa(
            spi=incoming(link, device, sa.number),
            born=sa.born,
            lifetime=sa.lifetime,
            number=sa.number,
            current=sa.current,
        )
        for sa in sas
    )


def _healthy(link: Link, device: str, now: datetime, spell: Spell) -> Holding:
    pairs = pair_at(link, now, spell.base, spell.first)
    far = link.far(device).device
    since = spell.since
    packets = int((now - since).total_seconds()) * link.rate
    return Holding(
        link=link,
        end=link.end(device),
        inbound=_with_spi(link, device, pairs),
        outbound=_with_spi(link, far, pairs),
        ike=(_ike(link, device, now, since),),
        encaps=packets - seeds.number(40, link.name, device),
        decaps=packets - seeds.number(40, link.name, far),
        up_since=since,
    )


def _ike(link: Link, device: str, now: datetime, base: datetime) -> Ike:
    age = (now - base) % link.ike_lifetime
    number = (now - base) // link.ike_lifetime
    far = link.far(device).device
    return Ike(
        born=now - age,
        lifetime=link.ike_lifetime,
        connection=connection(link, device, number),
        local_cookie=seeds.number(2**64, "cookie", link.psk, link.name, device, number),
        remote_cookie=seeds.number(2**64, "cookie", link.psk, link.name, far, number),
    )


def connection(link: Link, device: str, number: int = 0) -> int:
    """conn-id of an IKE SA: small for IKEv2's tunnel-id, from 1001 for ISAKMP."""
    return link.number + number if link.ike == 2 else 1000 + link.number + 7 * number + seeds.number(900, device)


def _bereft(link: Link, device: str, spell: Spell, now: datetime) -> Holding:
    """R: it lost the IPsec SAs, and the IKE SA too unless the trouble says that this one lives."""
    trouble, lost = spell.trouble, spell.lost
    assert trouble is not None
    assert lost is not None
    up = trouble.kind in {"ike-up-but-stale", "crossed"}
    ike: tuple[Ike, ...] = ()
    if up:
        ike = (_ike(link, device, now, spell.since),)
    elif trouble.kind == "healing":
        ike = (_ike(link, device, now, max(trouble.since, now - timedelta(seconds=9))),)
    elif trouble.kind == "recovery-on-but-stuck":
        dead = Ike(born=now, lifetime=link.ike_lifetime, connection=0, live=False)
        ike = (dead,)
    # crossed: the far end never heard of the pair that this end holds
    ahead = [replace(lost, born=trouble.since, number=lost.number + 1)] if trouble.kind == "crossed" else []
    return Holding(
        link=link,
        end=link.end(device),
        inbound=_with_spi(link, device, ahead),
        outbound=_with_spi(link, link.far(device).device, ahead),
        ike=ike,
        encaps=0,
        decaps=0,
        up_since=spell.since if up else None,
    )


def _deceived(link: Link, device: str, spell: Spell, now: datetime) -> Holding:
    """S: it holds what both held at the loss, sends on, and gets nothing back."""
    trouble, lost = spell.trouble, spell.lost
    assert trouble is not None
    assert lost is not None
    whole = _healthy(link, device, trouble.since, spell)
    return Holding(
        link=link,
        end=whole.end,
        inbound=_with_spi(link, device, [lost]),
        outbound=_with_spi(link, link.far(device).device, [lost]),
        ike=(_ike(link, device, now, spell.since),) if trouble.sender_ike else (),
        encaps=whole.encaps + int((now - trouble.since).total_seconds()) * link.rate,
        decaps=whole.decaps,
        up_since=whole.up_since,
    )
