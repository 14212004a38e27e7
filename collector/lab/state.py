"""Which SAs, IKE SAs and counters each router holds at a moment.

R chooses the SPI of what it receives, so the pair number k of a link has two SPIs: `incoming(link, device, k)` for each
end. In good times both ends hold the pair that `base` and the lifetime give; two pairs for the seconds between a rekey
and the hard expiry. A trouble takes SAs away from one end only, and that is all there is to a stale SA.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from collector.lab import seeds
from collector.lab.model import Device, Holding, Ike, Link, Network, Sa, Trouble

OVERLAP = timedelta(seconds=45)  # a new pair is negotiated this long before the old one dies
LOSING = frozenset({"stale-sa", "recovery-on-but-stuck", "ike-up-but-stale", "healing", "healed", "counts-only"})
RENEWED = 1000  # pair numbers after a recovery start here: new SPIs


def holding(network: Network, link: Link, device: str, now: datetime) -> Holding:
    """What a router holds of a link."""
    trouble = network.trouble_of(link.name)
    if trouble is None or trouble.kind not in LOSING or now < trouble.since:
        return _healthy(link, device, now, link.base, 0)
    end = heals_at(link, trouble)
    if now >= end:
        return _healthy(link, device, now, end, RENEWED)
    if device == trouble.receiver:
        return _bereft(link, device, trouble, now)
    return _deceived(link, device, trouble, now)


def heals_at(link: Link, trouble: Trouble) -> datetime:
    """When a lost SA is replaced: when somebody acted, else when the sender's SA dies."""
    born = pair_at(link, trouble.since)[0].born
    expiry = born + link.lifetime
    return min(trouble.until, expiry) if trouble.until is not None else expiry


def stale_spi(link: Link, trouble: Trouble) -> int:
    """The SPI that the sender goes on using and the receiver no longer has."""
    number = pair_at(link, trouble.since)[0].number
    return incoming(link, trouble.receiver, number)


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


def _healthy(link: Link, device: str, now: datetime, base: datetime, first: int) -> Holding:
    pairs = pair_at(link, now, base, first)
    far = link.far(device).device
    since = link.since if first == 0 else base
    packets = int((now - since).total_seconds()) * link.rate
    return Holding(
        link=link,
        end=link.end(device),
        inbound=_with_spi(link, device, pairs),
        outbound=_with_spi(link, far, pairs),
        ike=(_ike(link, device, now, since if first == 0 else base),),
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


def _bereft(link: Link, device: str, trouble: Trouble, now: datetime) -> Holding:
    """R: it lost the IPsec SAs, and the IKE SA too unless the trouble says that this one lives."""
    ike: tuple[Ike, ...] = ()
    if trouble.kind == "ike-up-but-stale":
        ike = (_ike(link, device, now, link.since),)
    elif trouble.kind == "healing":
        ike = (_ike(link, device, now, max(trouble.since, now - timedelta(seconds=9))),)
    elif trouble.kind == "recovery-on-but-stuck":
        dead = Ike(born=now, lifetime=link.ike_lifetime, connection=0, live=False)
        ike = (dead,)
    return Holding(
        link=link,
        end=link.end(device),
        inbound=(),
        outbound=(),
        ike=ike,
        encaps=0,
        decaps=0,
        up_since=link.since if trouble.kind == "ike-up-but-stale" else None,
    )


def _deceived(link: Link, device: str, trouble: Trouble, now: datetime) -> Holding:
    """S: it holds what both held at the loss, sends on, and gets nothing back."""
    whole = _healthy(link, device, min(now, trouble.since), link.base, 0)
    pairs = pair_at(link, trouble.since)[:1]
    return Holding(
        link=link,
        end=whole.end,
        inbound=_with_spi(link, device, pairs),
        outbound=_with_spi(link, link.far(device).device, pairs),
        ike=(_ike(link, device, now, link.since),) if trouble.sender_ike else (),
        encaps=whole.encaps + int((now - trouble.since).total_seconds()) * link.rate,
        decaps=whole.decaps,
        up_since=whole.up_since,
    )
