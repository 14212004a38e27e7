"""What a router has logged by a moment: the messages of its troubles among everyday ones.

RECVD_PKT_INV_SPI is limited to one a minute (TAC 115801); whether the limit counts per flow or per box is open, so the
scenario chooses (`log.limiter`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address

from collector.lab import seeds, state
from collector.lab.model import Device, Entry, Network, Trouble

MINUTE = timedelta(seconds=60)
LEVELS = ("emergencies", "alerts", "critical", "errors", "warnings", "notifications", "informational", "debugging")
_TYPED = "%SYS-5-CONFIG_I: Configured from console by lab on vty0 (10.0.0.25)"
_FIRST = timedelta(seconds=2)  # from the loss of the SA to the first packet that meets nothing
BOOT = timedelta(seconds=95)  # from the boot to the first packets


@dataclass(frozen=True, slots=True)
class Produced:
    """What a router produced since its boot, oldest first: `whole[start:end]`. levels: how many of each level before each."""

    whole: Sequence[Entry]
    start: int
    end: int
    levels: Sequence[tuple[int, ...]]

    def up_to(self, level: int) -> int:
        """How many messages are of a level or a graver one."""
        return sum(self.levels[self.end][: level + 1]) - sum(self.levels[self.start][: level + 1])


def entries(network: Network, device: Device, now: datetime) -> list[Entry]:
    """Every message that the router has produced by now, oldest first, whatever its log keeps of them."""
    found = produced(network, device, now)
    return list(found.whole[found.start : found.end])


def produced(network: Network, device: Device, now: datetime) -> Produced:
    """The same without a copy. Until the network's horizon it is worked out once."""
    until = now if network.horizon is None else max(now, network.horizon)
    key = ("produced", device.name, until)
    made = network.memo.get(key)
    if made is None:
        made = _made(network, device, until)
        if network.horizon is not None:
            network.memo[key] = made
    whole, times, levels = made
    return Produced(whole, bisect_left(times, device.booted), bisect_right(times, now), levels)


def _made(
    network: Network, device: Device, until: datetime
) -> tuple[list[Entry], list[datetime], list[tuple[int, ...]]]:
    found = list(_noise(network, device, until))
    found += _chatter(network, device, until)
    found += _limited(_invalid_spi(network, device, until), device)
    for trouble in network.troubles_at(device.name):
        found += _around(network, device, trouble, until)
    whole = sorted((e for e in set(found) if e.time <= until), key=lambda e: (e.time, e.text))
    levels = [(0,) * len(LEVELS)]
    for entry in whole:
        counts = list(levels[-1])
        counts[entry.level] += 1
        levels.append(tuple(counts))
    return whole, [entry.time for entry in whole], levels


def body(destination: IPv4Address, spi: int, source: IPv4Address, interface: str, *, era: int = 2016) -> str:
    """The message, as images of an era print it: the input interface came with 15.x."""
    tail = f", input interface={interface}" if era >= 2013 else ""
    return (
        "%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for "
        f"destaddr={destination}, prot=50, spi=0x{spi:X}({spi}), srcaddr={source}{tail}"
    )


def _invalid_spi(network: Network, device: Device, now: datetime) -> Iterator[tuple[str, Entry]]:
    """(flow, message) for each minute of each trouble, before the limiter of the box."""
    if not device.platform.logs_inv_spi:
        return
    for trouble in network.troubles_at(device.name):
        destination, interface = _destination(network, trouble, device), _input(network, trouble, device)
        for flow, moment, spi, source in _shots(network, trouble, device.name, now):
            text = body(destination, spi, source, interface, era=device.platform.era)
            yield flow, Entry(time=moment, level=4, text=text)


def _destination(network: Network, trouble: Trouble, device: Device) -> IPv4Address:
    link = network.link(trouble.link)
    if link is not None and link.kind == "getvpn":  # the header is preserved: hosts, not peers
        return device.lan.network[20]
    return link.end(device.name).local if link is not None else device.wan.ip


def _input(network: Network, trouble: Trouble, device: Device) -> str:
    link = network.link(trouble.link)
    return link.end(device.name).interface if link is not None and link.kind == "sd-wan" else device.platform.wan


def _shots(
    network: Network, trouble: Trouble, receiver: str, now: datetime
) -> Iterator[tuple[str, datetime, int, IPv4Address]]:
    """(flow, time, SPI, source) of each packet worth a line."""
    if trouble.kind in {"scan", "unknown-source"}:
        yield from _foreign(trouble, now)
        return
    if trouble.kind == "busy-log":
        return
    link = network.link(trouble.link)
    assert link is not None
    far = link.far(receiver)
    source = link.end(receiver).remote
    if link.kind == "getvpn":
        source = network.device(far.device).lan.network[30]
    if trouble.kind == "rekey-transient":
        number = state.pair_in_use(network, link, trouble.since).number
        spi = trouble.spi if trouble.spi is not None else state.incoming(link, receiver, number)
        yield link.name, trouble.since, spi, source
    elif trouble.kind == "recurring-rekey":
        for number in range((now - link.base) // (link.lifetime - state.OVERLAP) + 1):
            moment = link.base + number * (link.lifetime - state.OVERLAP) + timedelta(milliseconds=340)
            yield link.name, moment, state.incoming(link, receiver, number), source
    elif trouble.kind == "forwarding-plane":
        end = now if trouble.until is None else min(now, trouble.until)
        for moment in _minutes(trouble, link.name, end):
            pair = state.pair_in_use(network, link, moment)
            yield link.name, moment, state.incoming(link, receiver, pair.number), source
    else:
        end = min(now, state.heals_at(network, link, trouble))
        for moment in _minutes(trouble, link.name, end):
            yield link.name, moment, state.stale_spi(network, link, trouble, receiver), source


def _foreign(trouble: Trouble, now: datetime) -> Iterator[tuple[str, datetime, int, IPv4Address]]:
    """Packets of nobody's SA: one source after the other, three seconds apart, or one source that goes on."""
    for number, source in enumerate(trouble.sources):
        spi = trouble.spi if trouble.spi is not None else seeds.spi(trouble.receiver, source)
        start = trouble.since + number * timedelta(seconds=3)
        end = now if trouble.until is None else min(now, trouble.until)
        moments = [start] if trouble.kind == "scan" else list(_minutes(trouble, str(source), end))
        for moment in moments:
            yield str(source), moment, spi, source


def _minutes(trouble: Trouble, name: str, end: datetime) -> Iterator[datetime]:
    """A line as soon as the limiter lets one pass: an interval, and the gap to the next packet."""
    moment = trouble.since + _FIRST
    number = 0
    while moment <= end and not (trouble.lines and number >= trouble.lines):
        yield moment
        number += 1
        moment += trouble.interval + timedelta(milliseconds=seeds.number(700, name, number))


def _limited(messages: Iterator[tuple[str, Entry]], device: Device) -> list[Entry]:
    last: dict[str, datetime] = {}
    kept = []
    for flow, entry in sorted(messages, key=lambda pair: pair[1].time):
        scope = flow if device.log.limiter == "flow" else ""
        if scope in last and entry.time - last[scope] < MINUTE:
            continue
        last[scope] = entry.time
        kept.append(entry)
    return kept


def _around(network: Network, device: Device, trouble: Trouble, now: datetime) -> Iterator[Entry]:
    """What the router logged beside it: why the state was lost, and what IKE said."""
    if trouble.cause == "reload":
        yield Entry(
            time=trouble.since - BOOT + timedelta(seconds=74),
            level=6,
            text="%CRYPTO-6-ISAKMP_ON_OFF: ISAKMP is ON",
        )
    elif trouble.cause == "failover":
        yield Entry(
            time=trouble.since - timedelta(seconds=3),
            level=5,
            text=f"%HSRP-5-STATECHANGE: {device.platform.wan} Grp 1 state Standby -> Active",
        )
    if trouble.kind == "busy-log":
        for number, moment in enumerate(_every(trouble.since, trouble.interval, min(now, trouble.until or now))):
            yield _everyday(device, number, moment)
    link = network.link(trouble.link)
    if link is None:
        return
    peer = link.end(device.name).remote
    if trouble.kind == "recovery-on-but-stuck":
        text = f"%CRYPTO-6-IKMP_MODE_FAILURE: Processing of Main mode failed with peer at {peer}"
        for moment in _every(trouble.since + timedelta(seconds=64), timedelta(seconds=130), now):
            yield Entry(time=moment, level=6, text=text)
    if trouble.ikmp_no_sa:
        text = f"%CRYPTO-4-IKMP_NO_SA: IKE message from {peer} has no SA and is not an initialization offer"
        for moment in _every(
            trouble.since + timedelta(seconds=41),
            timedelta(seconds=300),
            min(now, state.heals_at(network, link, trouble)),
        ):
            yield Entry(time=moment, level=4, text=text)


def _every(start: datetime, step: timedelta, end: datetime) -> Iterator[datetime]:
    while start <= end:
        yield start
        start += step


def last_change(network: Network, device: Device) -> datetime:
    """When the configuration was last typed at (SYS-5-CONFIG_I), or read at the boot: what the configuration heads with."""
    if device.changed is not None:
        return device.changed
    back = timedelta(
        hours=9 + seeds.number(300, network.seed, device.name, "change"), seconds=seeds.number(3600, device.name)
    )
    return max(device.booted + timedelta(seconds=4), network.epoch - back)


def _noise(network: Network, device: Device, now: datetime) -> Iterator[Entry]:
    """Everyday messages since each boot: some hundred of them, however long ago the first was."""
    boots = network.boots(device.name)
    for booted, end in zip(boots, (*boots[1:], now), strict=True):
        yield from _life(network, network.device(device.name, max(booted, network.epoch)), min(end, now))


def _life(network: Network, device: Device, now: datetime) -> Iterator[Entry]:
    """From one boot to the next."""
    yield Entry(time=device.booted + timedelta(seconds=47), level=5, text="%SYS-5-RESTART: System restarted --")
    typed = last_change(network, device)
    if typed - device.booted > timedelta(hours=1):
        yield Entry(time=typed, level=5, text=_TYPED)
    usual = max(timedelta(minutes=50), (network.epoch - device.booted) / 100)
    moment = device.booted + timedelta(seconds=95)
    number = 0
    while moment < now:
        yield _everyday(device, number, moment)
        number += 1
        moment += usual * (40 + seeds.number(121, network.seed, device.name, number)) / 100


def _chatter(network: Network, device: Device, now: datetime) -> Iterator[Entry]:
    """A flapping port: something to arrive in the middle of an answer."""
    if device.chatter is not None:
        for moment in _every(network.epoch, device.chatter, now):
            state_word = "up" if (moment - network.epoch) // device.chatter % 2 else "down"
            text = (
                f"%LINEPROTO-5-UPDOWN: Line protocol on Interface {device.platform.lan}, changed state to {state_word}"
            )
            yield Entry(time=moment, level=5, text=text)


def _everyday(device: Device, number: int, moment: datetime) -> Entry:
    lan = device.platform.lan
    level, text = (
        (5, f"%OSPF-5-ADJCHG: Process 1, Nbr {device.lan.ip + 1} on {lan} from LOADING to FULL, Loading Done"),
        (3, f"%LINK-3-UPDOWN: Interface {lan}, changed state to up"),
        (5, f"%LINEPROTO-5-UPDOWN: Line protocol on Interface {lan}, changed state to up"),
        (6, "%SYS-6-LOGOUT: User lab has exited tty session 2(10.0.0.25)"),
        (5, "%SEC_LOGIN-5-LOGIN_SUCCESS: Login Success [user: lab] [Source: 10.0.0.25] [localport: 22]"),
    )[(number + seeds.number(5, device.name)) % 5]
    return Entry(time=moment + timedelta(milliseconds=seeds.number(1000, device.name, number)), level=level, text=text)
