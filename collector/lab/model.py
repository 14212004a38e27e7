"""The nouns of the lab: ONE network, from which every router prints its part.

Nothing here is a state that somebody has to keep in step: which SAs a router holds, what its clock shows and what its
log says are functions of the network and the moment (`state`, `events`), so both ends of a tunnel always agree.
All times are aware and in UTC; what a router prints is its own local time (`Clock`).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface
from typing import Any, Literal

from collector.lab.platforms import Platform


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """The router's clock. mark: `*` never synchronised, `.` synchronisation lost. skew: how far it is off."""

    zone: str = "UTC"
    offset: timedelta = timedelta(0)
    mark: str = ""
    skew: timedelta = timedelta(0)

    def local(self, moment: datetime) -> datetime:
        """What this clock shows at a moment (naive)."""
        return (moment + self.offset + self.skew).replace(tzinfo=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """`service timestamps log ...` and `service sequence-numbers`."""

    kind: Literal["datetime", "uptime", "none"] = "datetime"
    msec: bool = True
    localtime: bool = True
    show_timezone: bool = True
    year: bool = False
    sequence: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSettings:
    """`logging buffered`. size 0: off. limiter: whether the one-a-minute limit of INV_SPI counts per flow or per box."""

    size: int = 65536
    level: str = "informational"
    limiter: Literal["flow", "device"] = "flow"
    discriminator: str = ""
    dropped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A command that this account may not use.

    how: authorization (TACACS+ says no), view (a parser view hides it: invalid input), pipe (refused with a filter only).
    """

    command: str
    how: Literal["authorization", "view", "pipe"] = "authorization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dpd:
    """`crypto isakmp keepalive`. mode off: no line."""

    mode: Literal["off", "on-demand", "periodic"] = "periodic"
    interval: int = 10
    retry: int = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One router: its make, its two ports, what is configured beside the tunnels, and how it treats a login.

    load_lines: `exec prompt timestamp`: the load and the time stand before each answer. chatter: a log message every so
    often from the epoch on. stray: packets under unknown SPIs that were counted long ago. front_vrf: of the outside port.
    number: position in the scenario, from 1. booted: last reload. changed: when its configuration was typed
    at, `None` for some time before the epoch. extra: configuration lines of the scenario, printed before `end`.
    log_cleared, counters_cleared: when somebody typed `clear logging`; `clear crypto sa counters` and the `clear` of the QFP tables.
    """

    name: str
    number: int
    platform: Platform
    wan: IPv4Interface
    lan: IPv4Interface
    booted: datetime
    reload_reason: str = "Reload Command"
    recovery: bool = False
    dpd: Dpd = Dpd()
    clock: Clock = Clock()
    stamps: Stamps = Stamps()
    log: LogSettings = LogSettings()
    privilege: int = 15
    cpu: int = 4  # percent
    refusals: tuple[Refusal, ...] = ()
    unreachable: bool = False
    standby: IPv4Address | None = None
    standby_state: Literal["Active", "Standby"] = "Active"
    monitor: bool = False
    load_lines: bool = False
    chatter: timedelta | None = None
    stray: int = 0
    front_vrf: str = ""
    changed: datetime | None = None
    banner: str = ""
    login_banner: str = ""
    exec_banner: str = ""
    groups: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    log_cleared: datetime | None = None
    counters_cleared: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is otherwise on a router from a moment on: a reload, a refused command, a clock that is off.

    until: when it is as before again, `None` for good. fields: of Device, by name.
    """

    device: str
    since: datetime
    until: datetime | None = None
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """One end of a link, as its router has it.

    kind: config_type of DESIGN 4. interface: heading in `show crypto ipsec sa`. tag: crypto map tag. local, remote:
    outer addresses as THIS end sees them (they differ from the far end's own behind NAT). idents: "addr/mask/prot/port".
    role: initiator or responder of IKE. peer_text: a name in the configuration instead of an address.
    backup: a second `set peer`, which makes the first one the default.
    """

    device: str
    kind: str
    role: Literal["initiator", "responder"]
    interface: str
    tag: str
    sequence: int = 0
    local: IPv4Address
    remote: IPv4Address
    local_ident: str
    remote_ident: str
    profile: str = ""
    tunnel: int | None = None
    tunnel_address: IPv4Interface | None = None
    far_tunnel_address: IPv4Address | None = None
    peer_text: str = ""
    backup: IPv4Address | None = None
    responder_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One tunnel between two routers.

    base: birth of the SA pair number 0. since: when the tunnel came up. rate: packets a second, each way. vrf: the inside
    VRF, at both ends.
    """

    name: str
    kind: str
    number: int
    ends: tuple[End, End]
    ike: Literal[1, 2] = 1
    lifetime: timedelta = timedelta(seconds=3600)
    ike_lifetime: timedelta = timedelta(seconds=86400)
    rate: int = 12
    natted: bool = False
    shared: bool = False
    vrf: str = ""
    psk: str = ""
    base: datetime
    since: datetime

    def end(self, device: str) -> End:
        """The end on a router."""
        return self.ends[0] if self.ends[0].device == device else self.ends[1]

    def far(self, device: str) -> End:
        """The end that is not on a router."""
        return self.ends[1] if self.ends[0].device == device else self.ends[0]

    @property
    def port(self) -> int:
        """UDP port of IKE: 4500 once NAT was detected."""
        return 4500 if self.natted else 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Something that went wrong; the kinds are listed in `scenario`.

    receiver: the router that meets packets it cannot decrypt (R). until: when somebody put an end to it.
    cause: what R logged at the loss. sources: of foreign packets. spi: of those, or of the late packet of a rekey-transient
    where it is not the new one. lines: at most so many, 0 for no end.
    sender_ike: whether the sender still holds the IKE SA (else its session is UP-NO-IKE). ikmp_no_sa: whether it uses it, so that R
    logs an IKE message of no SA now and then.
    """

    kind: str
    receiver: str
    link: str = ""
    since: datetime
    until: datetime | None = None
    cause: Literal["", "reload", "failover"] = ""
    sources: tuple[IPv4Address, ...] = ()
    spi: int | None = None
    lines: int = 0
    interval: timedelta = timedelta(seconds=61)
    sender_ike: bool = True
    ikmp_no_sa: bool = False


@dataclass(frozen=True, kw_only=True)
class Network:
    """Everything. epoch: the moment that the scenario's times are told from. Looking things up costs no search.

    changes: how routers change with time. horizon: nobody looks later than this; what a router logs until then is made once.
    """

    name: str
    seed: int
    epoch: datetime
    devices: tuple[Device, ...]
    links: tuple[Link, ...]
    troubles: tuple[Trouble, ...]
    description: str = ""
    changes: tuple[Change, ...] = ()
    horizon: datetime | None = None

    def device(self, name: str, at: datetime | None = None) -> Device:
        """The router of a name, as it is at a moment (before all changes without one); KeyError otherwise."""
        phases = self._phases.get(name)
        if at is None or phases is None:
            return self._devices[name]
        moments, devices = phases
        return devices[bisect_right(moments, at)]

    def boots(self, name: str) -> tuple[datetime, ...]:
        """When a router came up, the first time and each later one."""
        _, devices = self._phases.get(name, ((), (self._devices[name],)))
        return tuple(sorted({device.booted for device in devices}))

    def link(self, name: str) -> Link | None:
        """The link of a name."""
        return self._links.get(name)

    def links_of(self, device: str) -> tuple[Link, ...]:
        """The links that end on a router, in the scenario's order."""
        return tuple(self._ends.get(device, ()))

    def troubles_of(self, link: str) -> tuple[Trouble, ...]:
        """All that goes wrong with a link, in the order of time."""
        return tuple(self._troubles.get(link, ()))

    def troubles_at(self, device: str) -> tuple[Trouble, ...]:
        """What a router meets as the receiver."""
        return tuple(self._receivers.get(device, ()))

    @cached_property
    def _devices(self) -> dict[str, Device]:
        return {device.name: device for device in self.devices}

    @cached_property
    def _links(self) -> dict[str, Link]:
        return {link.name: link for link in self.links}

    @cached_property
    def _ends(self) -> dict[str, list[Link]]:
        found: dict[str, list[Link]] = {}
        for link in self.links:
            for end in link.ends:
                found.setdefault(end.device, []).append(link)
        return found

    @cached_property
    def memo(self) -> dict[Any, Any]:
        """What was worked out once of this network, by whoever worked it out."""
        return {}

    @cached_property
    def _phases(self) -> dict[str, tuple[tuple[datetime, ...], tuple[Device, ...]]]:
        """Of each router that changes: the moments, and the router before the first of them and after each."""
        found = {}
        for name in {change.device for change in self.changes}:
            own = sorted((c for c in self.changes if c.device == name), key=lambda c: c.since)
            moments = sorted({m for c in own for m in (c.since, c.until) if m is not None})
            devices = [self._devices[name]]
            for moment in moments:
                device = self._devices[name]
                for change in own:
                    if change.since <= moment and (change.until is None or moment < change.until):
                        device = replace(device, **change.fields)
                devices.append(device)
            found[name] = (tuple(moments), tuple(devices))
        return found

    @cached_property
    def _troubles(self) -> dict[str, list[Trouble]]:
        found: dict[str, list[Trouble]] = {}
        for trouble in sorted(self.troubles, key=lambda trouble: trouble.since):
            if trouble.link:
                found.setdefault(trouble.link, []).append(trouble)
        return found

    @cached_property
    def _receivers(self) -> dict[str, list[Trouble]]:
        found: dict[str, list[Trouble]] = {}
        for trouble in self.troubles:
            found.setdefault(trouble.receiver, []).append(trouble)
            link = self._links.get(trouble.link)
            if trouble.kind == "crossed" and link is not None:  # both ends meet packets that they cannot decrypt
                found.setdefault(link.far(trouble.receiver).device, []).append(trouble)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Sa:
    """One IPsec SA as one router holds it. current: the one that its sender uses."""

    spi: int
    born: datetime
    lifetime: timedelta
    number: int
    current: bool = True

    def remaining(self, now: datetime) -> int:
        """Seconds left."""
        return max(0, int((self.born + self.lifetime - now).total_seconds()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ike:
    """One IKE SA as one router holds it. live: established; a dead one is shown as deleted."""

    born: datetime
    lifetime: timedelta
    connection: int
    live: bool = True
    local_cookie: int = 0
    remote_cookie: int = 0

    def remaining(self, now: datetime) -> int:
        """Seconds left."""
        return max(0, int((self.born + self.lifetime - now).total_seconds()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What one router holds of one link at one moment."""

    link: Link
    end: End
    inbound: tuple[Sa, ...]
    outbound: tuple[Sa, ...]
    ike: tuple[Ike, ...]
    encaps: int
    decaps: int
    up_since: datetime | None

    @property
    def current(self) -> Sa | None:
        """The outbound SA in use."""
        return next((sa for sa in self.outbound if sa.current), None)

    @property
    def live_ike(self) -> Ike | None:
        """The established IKE SA."""
        return next((ike for ike in self.ike if ike.live), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One log message. level: syslog severity 0-7."""

    time: datetime
    level: int
    text: str
