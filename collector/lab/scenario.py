"""A scenario file -> Network. The schema, with examples in `scenarios/`:

    name, description, seed
    defaults:  device keys for all
    devices:   NAME: {platform, wan, lan, uptime, reload_reason, recovery, dpd, clock, stamps, log, privilege, refuses,
               unreachable, standby, standby_state, monitor, banner, login_banner, exec_banner, groups, data,
               extra, load_lines, chatter, stray, front_vrf, cpu}
    links:     [{name, type, between: [initiator, responder], ike, lifetime, ike_lifetime, rate, nat, shared, cloud,
               peer_text, responder_only, up, vrf, backup}]
    trouble:   [{kind, receiver, link, since, until, cause, sources, spi, lines, interval, sender_ike,
               ikmp_no_sa}]

Durations are `90`, `90s`, `6m`, `3h`, `41d`. Raises UsageError with the place of the mistake.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import resources
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Any, TypeVar

import yaml

from collector.errors import UsageError
from collector.lab import ends, fleet, seeds
from collector.lab.model import Clock, Device, Dpd, Link, LogSettings, Network, Refusal, Stamps, Trouble
from collector.lab.platforms import PLATFORMS

T = TypeVar("T")
_SETTLED = timedelta(minutes=2)  # from a reload to the first tunnels
KINDS = (
    "stale-sa",
    "recovery-on-but-stuck",
    "ike-up-but-stale",
    "crossed",
    "healing",
    "healed",
    "counts-only",
    "rekey-transient",
    "recurring-rekey",
    "forwarding-plane",
    "scan",
    "unknown-source",
    "busy-log",
)
_OPEN = frozenset({"dynamic-map", "dmvpn", "dmvpn-phase1", "dmvpn-spokes", "dvti"})  # one key for all comers
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DEVICE_KEYS = _keys(
    "platform wan lan uptime reload_reason recovery dpd clock stamps log privilege refuses unreachable standby "
    "standby_state monitor banner login_banner exec_banner groups data extra load_lines chatter stray front_vrf cpu"
)
_LINK_KEYS = _keys(
    "name type between ike lifetime ike_lifetime rate nat shared cloud peer_text responder_only up vrf backup"
)
_TROUBLE_KEYS = _keys("kind receiver link since until cause sources spi lines interval sender_ike ikmp_no_sa")


def names() -> tuple[str, ...]:
    """The scenarios that come with the lab."""
    folder = resources.files("collector.lab") / "scenarios"
    return tuple(sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")))


def load(scenario: str | Path | Mapping[str, Any], *, epoch: datetime) -> Network:
    """A network from the name of a scenario of the lab, `fleet:500`, a file, or a mapping of the same shape."""
    if isinstance(scenario, Mapping):
        return build(scenario, epoch=epoch)
    name = str(scenario)
    if match := re.fullmatch(r"fleet:(\d+)", name):
        return build(fleet.tree(int(match[1])), epoch=epoch)
    if name in names():
        text = (resources.files("collector.lab") / "scenarios" / f"{name}.yaml").read_text("utf-8")
    else:
        try:
            text = Path(name).read_text("utf-8")
        except OSError as error:
            hint = near(name, names())
            raise UsageError(
                f"no scenario {name!r}: {error.strerror}; {hint or 'have: ' + ', '.join(names())}"
            ) from None
    tree = yaml.safe_load(text)
    if not isinstance(tree, dict):
        raise UsageError(f"scenario {name}: is no mapping")
    return build(tree, epoch=epoch)


def build(tree: Mapping[str, Any], *, epoch: datetime) -> Network:
    """A mapping of the schema above -> Network."""
    seed = int(tree.get("seed", 1))
    _known(tree, {"name", "description", "seed", "defaults", "devices", "links", "trouble"}, "")
    defaults = tree.get("defaults") or {}
    _known(defaults, _DEVICE_KEYS, "defaults")
    devices = tuple(
        _device(name, number, {**defaults, **(body or {})}, epoch)
        for number, (name, body) in enumerate((tree.get("devices") or {}).items(), start=1)
    )
    by_name = {device.name: device for device in devices}
    troubles = tuple(_trouble(i, body, by_name, epoch) for i, body in enumerate(tree.get("trouble") or ()))
    by_link = {trouble.link: trouble for trouble in troubles if trouble.link}
    ground = _Ground(devices=by_name, troubles=by_link, plan=ends.Plan(), seed=seed, epoch=epoch)
    links = tuple(_link(number, body, ground) for number, body in enumerate(tree.get("links") or (), start=1))
    for trouble in troubles:
        if trouble.link and trouble.link not in {link.name for link in links}:
            raise UsageError(f"trouble: no link {trouble.link!r}; {near(trouble.link, [ln.name for ln in links])}")
    return Network(
        name=str(tree.get("name", "scenario")),
        description=str(tree.get("description", "")),
        seed=seed,
        epoch=epoch,
        devices=_reloaded(devices, troubles),
        links=links,
        troubles=troubles,
    )


def duration(value: object, place: str = "") -> timedelta:
    """`90`, `90s`, `6m`, `3h`, `41d`."""
    match = re.fullmatch(r"(\d+)([smhdw]?)", str(value))
    if match is None:
        raise UsageError(f"{place}: {value!r} is no duration; write 90s, 6m, 3h or 41d")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def near(word: str, words: Iterable[str]) -> str:
    """A hint naming the closest word, or ""."""
    close = difflib.get_close_matches(word, list(words), n=1)
    return f"did you mean {close[0]!r}?" if close else ""


def _known(body: Mapping[str, Any], keys: Iterable[str], place: str) -> None:
    if not isinstance(body, Mapping):
        raise UsageError(f"{place}: is no mapping")
    for key in body:
        if key not in keys:
            raise UsageError(
                f"{place}.{key}: unknown key; {near(str(key), keys) or 'known: ' + ', '.join(sorted(keys))}"
            )


def _try(make: Callable[[], T], place: str) -> T:
    try:
        return make()
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError(f"{place}: {error}") from None


def _device(name: str, number: int, body: Mapping[str, Any], epoch: datetime) -> Device:
    place = f"devices.{name}"
    _known(body, _DEVICE_KEYS, place)
    key = body.get("platform", "c2911")
    if key not in PLATFORMS:
        raise UsageError(f"{place}.platform: no platform {key!r}; have {', '.join(PLATFORMS)}")
    usual = f"{20 * 86400 + seeds.number(200 * 86400, name, 'uptime')}s"
    uptime = duration(body.get("uptime", usual), place)
    return Device(
        name=name,
        number=number,
        platform=PLATFORMS[key],
        wan=_try(lambda: IPv4Interface(body.get("wan", f"198.51.100.{number % 250 + 1}/24")), place + ".wan"),
        lan=_try(lambda: IPv4Interface(body.get("lan", f"10.{number // 250 + 1}.{number % 250}.1/24")), place + ".lan"),
        booted=epoch - uptime,
        reload_reason=str(body.get("reload_reason", "Reload Command")),
        recovery=bool(body.get("recovery", False)),
        dpd=_dpd(body.get("dpd", "periodic"), place),
        clock=_clock(body.get("clock") or {}, place),
        stamps=_try(lambda: Stamps(**(body.get("stamps") or {})), place + ".stamps"),
        log=_try(lambda: LogSettings(**(body.get("log") or {})), place + ".log"),
        privilege=int(body.get("privilege", 15)),
        cpu=int(body.get("cpu", 4)),
        refusals=tuple(_try(lambda r=r: Refusal(**r), place + ".refuses") for r in body.get("refuses") or ()),  # type: ignore[misc]
        unreachable=bool(body.get("unreachable", False)),
        standby=IPv4Address(body["standby"]) if body.get("standby") else None,
        standby_state=body.get("standby_state", "Active"),
        monitor=bool(body.get("monitor", False)),
        load_lines=bool(body.get("load_lines", False)),
        chatter=duration(body["chatter"], place) if body.get("chatter") else None,
        stray=int(body.get("stray", 0)),
        front_vrf=str(body.get("front_vrf", "")),
        banner=str(body.get("banner", "")),
        login_banner=str(body.get("login_banner", "")),
        exec_banner=str(body.get("exec_banner", "")),
        groups=tuple(body.get("groups") or ()),
        data={str(k): str(v) for k, v in (body.get("data") or {}).items()},
        extra=tuple(str(line) for line in body.get("extra") or ()),
    )


def _dpd(value: object, place: str) -> Dpd:
    if isinstance(value, Mapping):
        return _try(lambda: Dpd(**value), place + ".dpd")
    mode = "off" if value is False else str(value)  # YAML reads a bare `off` as False
    if mode not in {"off", "on-demand", "periodic"}:
        raise UsageError(f"{place}.dpd: {mode!r} is none of off, on-demand, periodic")
    return Dpd(mode=mode)  # type: ignore[arg-type]  # checked above


def _clock(body: Mapping[str, Any], place: str) -> Clock:
    _known(body, {"zone", "offset", "mark", "skew"}, place + ".clock")
    return Clock(
        zone=str(body.get("zone", "UTC")),
        offset=timedelta(minutes=int(body.get("offset", 0))),
        mark=str(body.get("mark", "")),
        skew=timedelta(seconds=int(body.get("skew", 0))),
    )


def _trouble(index: int, body: Mapping[str, Any], devices: Mapping[str, Device], epoch: datetime) -> Trouble:
    place = f"trouble.{index}"
    _known(body, _TROUBLE_KEYS, place)
    kind = str(body.get("kind", ""))
    if kind not in KINDS:
        raise UsageError(f"{place}.kind: no kind {kind!r}; {near(kind, KINDS) or 'have ' + ', '.join(KINDS)}")
    receiver = str(body.get("receiver", ""))
    if receiver not in devices:
        raise UsageError(f"{place}.receiver: no device {receiver!r}; {near(receiver, devices)}")
    return Trouble(
        kind=kind,
        receiver=receiver,
        link=str(body.get("link", "")),
        since=epoch - duration(body.get("since", "6m"), place),
        until=epoch - duration(body["until"], place) if body.get("until") is not None else None,
        cause=body.get("cause", ""),
        sources=tuple(_try(lambda s=s: IPv4Address(s), place) for s in body.get("sources") or ()),  # type: ignore[misc]
        spi=int(body["spi"]) if body.get("spi") is not None else None,
        lines=int(body.get("lines", 0)),
        interval=duration(body.get("interval", "61s"), place),
        sender_ike=bool(body.get("sender_ike", True)),
        ikmp_no_sa=bool(body.get("ikmp_no_sa", False)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What every link is built on."""

    devices: Mapping[str, Device]
    troubles: Mapping[str, Trouble]
    plan: ends.Plan
    seed: int
    epoch: datetime


def _link(number: int, body: Mapping[str, Any], ground: _Ground) -> Link:
    place = f"links.{number - 1}"
    _known(body, _LINK_KEYS, place)
    pair: list[str] = list(body.get("between") or ())
    if len(pair) != 2 or any(name not in ground.devices for name in pair):
        raise UsageError(f"{place}.between: {pair} are not two devices of this scenario")
    kind = str(body.get("type", ""))
    if kind not in ends.TYPES:
        raise UsageError(f"{place}.type: no type {kind!r}; {near(kind, ends.TYPES) or 'have ' + ', '.join(ends.TYPES)}")
    first, second = ground.devices[pair[0]], ground.devices[pair[1]]
    name = str(body.get("name") or f"{first.name}--{second.name}")
    lifetime = duration(body.get("lifetime", 3600), place)
    up = duration(body.get("up", "9d"), place)
    up += timedelta(seconds=seeds.number(int(up.total_seconds()) // 3 + 1, ground.seed, name, "up"))
    since = max(ground.epoch - up, first.booted + _SETTLED, second.booted + _SETTLED)
    base = _base(name, lifetime, ground)
    order = ends.Order(
        kind=kind,
        cloud=int(body.get("cloud", 100)),
        nat=IPv4Address(body["nat"]) if body.get("nat") else None,
        shared=bool(body.get("shared", False)),
        peer_text=str(body.get("peer_text", "")),
        backup=IPv4Address(body["backup"]) if body.get("backup") else None,
        responder_only=bool(body.get("responder_only", False)),
    )
    return Link(
        name=name,
        kind=kind,
        number=number,
        ends=_try(lambda: ground.plan.pair(order, first, second), place),
        ike=2 if int(body.get("ike", 1)) == 2 else 1,
        lifetime=lifetime,
        ike_lifetime=duration(body.get("ike_lifetime", 86400), place),
        rate=int(body.get("rate", 8 + seeds.number(30, name))),
        natted=order.nat is not None,
        shared=order.shared,
        vrf=str(body.get("vrf", "")),
        psk="cisco-lab-psk-any" if kind in _OPEN else f"cisco-lab-psk-{number}",
        base=base,
        since=min(since, base),
    )


def _base(name: str, lifetime: timedelta, ground: _Ground) -> datetime:
    """When the SA pair 0 was born: some time ago; with a trouble so that the SA was young when the trouble came."""
    seconds = int(lifetime.total_seconds())
    trouble = ground.troubles.get(name)
    if trouble is None:
        age = seconds // 20 + seeds.number(seconds * 7 // 10, ground.seed, name, "age")
        return ground.epoch - timedelta(seconds=age)
    if trouble.kind in {"rekey-transient", "recurring-rekey"}:
        return trouble.since
    return trouble.since - timedelta(seconds=20 + seeds.number(max(1, seconds // 12), ground.seed, name, "age"))


def _reloaded(devices: tuple[Device, ...], troubles: tuple[Trouble, ...]) -> tuple[Device, ...]:
    """A receiver that lost its state in a reload has booted then."""
    boots = {trouble.receiver: trouble.since for trouble in troubles if trouble.cause == "reload"}
    return tuple(
        replace(device, booted=boots[device.name] - timedelta(seconds=95)) if device.name in boots else device
        for device in devices
    )
