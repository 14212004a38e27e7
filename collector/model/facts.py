"""Facts: one device's typed truth, joined from its captures. `None` = not known; never zero, never False."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from collector.model.capture import CaptureStatus, Failure
from collector.model.config import Binding, ConfigType, CryptoConfig, Dpd
from collector.model.device import Device
from collector.model.policy import Policy
from collector.model.records import (
    DropTable,
    IkeSa,
    InvalidSpi,
    IpsecFlow,
    LogHeader,
    NhrpEntry,
    RelatedEvent,
    Session,
    SpiLookup,
    Version,
)
from collector.model.values import Address, Spi


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The router's own line. `line` is 1-based in the capture of `command` (0: no single line)."""

    device: str
    command: str
    line: int
    text: str
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureNote:
    """How one capture was read."""

    command: str
    status: CaptureStatus
    rows: int
    unparsed_lines: int
    reason: str = ""
    taken_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindSpot:
    """Something that could not be seen, and that may hide trouble. `need`: the fact it takes away."""

    code: str  # "log-buffer-wrapped", "config-unreadable", "command-refused", "clock-unsynchronised", ...
    message: str
    need: str = ""
    evidence: tuple[Evidence, ...] = ()
    blocking: bool = True  # False: a remark that takes nothing away


class Recovery(StrEnum):
    """Whether `crypto isakmp invalid-spi-recovery` can help with this peer."""

    YES = "yes"
    NO = "no"
    NOT_APPLICABLE = "not-applicable"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """One far end of one binding on this device.

    ike_sa: up | none | unknown, by DOMAIN's rule for "none". ike_since: when the live IKE SA came up (device time).
    session_since: since when its session is up, with an IKE SA in it (device time).
    inbound, outbound: SPIs of the SAs now installed; `None` when the table could not be read.
    seen: explicit (configured), runtime (learnt), acceptor (an unbound group such as a GDOI group).
    """

    address: Address | None
    name: str | None = None  # FQDN, where the configuration names the peer so
    local_address: Address | None = None
    vrf: str | None = None
    interface: str | None = None
    binding: str
    config_type: ConfigType
    ike_version: Literal[1, 2] | None = None
    recovery: Recovery
    why: str
    ike_sa: Literal["up", "none", "unknown"] = "unknown"
    ike_since: datetime | None = None
    session_since: datetime | None = None
    ike_evidence: tuple[Evidence, ...] = ()
    inbound: tuple[Spi, ...] | None = None
    outbound: tuple[Spi, ...] | None = None
    sa_remaining: timedelta | None = None
    dpd: Dpd = Dpd(mode="unknown")
    dpd_negotiated: bool | None = None
    nat_traversal: bool | None = None
    session_status: str | None = None
    seen: Literal["explicit", "runtime", "acceptor"] = "explicit"
    source: Binding | None = None
    evidence: tuple[Evidence, ...] = ()


class State(StrEnum):
    """State of an incident (DOMAIN 7.2)."""

    TRANSIENT = "transient"
    PENDING = "pending"
    RECURRING_REKEY = "recurring-rekey"
    PERSISTENT = "persistent"
    RESOLVED = "resolved"
    COUNTER_ONLY = "counter-only"
    SCAN = "scan"
    UNKNOWN_SOURCE = "unknown-source"
    HEALED = "healed"
    INSUFFICIENT_DATA = "insufficient-data"


class Outcome(StrEnum):
    """What the join of both ends found."""

    STALE_CONFIRMED = "stale-confirmed"
    DRAINING = "draining"
    HEALED = "healed"
    OTHER_SENDER = "other-sender"
    REKEY_RACE = "rekey-race"
    FORWARDING_PLANE = "forwarding-plane"
    WRONG_ENDPOINT = "wrong-endpoint"
    FAR_END_UNKNOWN = "far-end-unknown"
    LOOK_AGAIN = "look-again"  # within the guard: both ends need a second look
    AMBIGUOUS = "ambiguous"  # several senders fit: list, confirm none


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """Which run last read a router, and when: on the collector's clock, aware."""

    device: str
    run: str
    taken_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """The other end of an incident. `device`: S's name in the inventory. chance: of a match by accident (spi-only).

    why: the outcome's reason in a sentence. spi: the key that was joined. remembered: where S was not read in this run,
    and the ledger's picture of it stands for it; one that confirms nothing leaves `device` None, so that no action is
    earned or withheld by it.
    """

    device: str | None
    grade: Literal["exact", "nat", "spi-only"] | None
    outcome: Outcome
    heals_at_latest: datetime | None = None
    sa_remaining: timedelta | None = None
    sender_ike_sa: Literal["up", "none", "unknown"] = "unknown"
    sender_dpd: Dpd = Dpd(mode="unknown")
    sender_seen_as: Address | None = None  # {dst}: R as S sees it (S's remote end)
    sender_vrf: str | None = None  # VRF of the outer packets at S
    sender_local: Address | None = None  # S's own end, as S has it (behind NAT: not what R sees)
    candidates: tuple[str, ...] = ()
    chance: float | None = None
    why: str = ""
    spi: Spi | None = None
    evidence: tuple[Evidence, ...] = ()
    remembered: Remembered | None = None

    @property
    def named(self) -> str | None:
        """S by name: `device`, or as an earlier run knew it."""
        return self.device or (self.remembered.device if self.remembered is not None else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One INV_SPI message of this device, placed in time. at: aware device time, `None` without usable stamp.

    age: before the log was read, `None` when not known.
    """

    event: InvalidSpi
    at: datetime | None
    age: timedelta | None
    evidence: Evidence
    sequence: int | None = None


def last_age_of(sightings: Sequence[Sighting]) -> timedelta | None:
    """Age of the last of them, `None` where one has no age, as it may be the last."""
    ages = [s.age for s in sightings if s.age is not None]
    return min(ages) if ages and len(ages) == len(sightings) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """One correlated message, placed in time."""

    event: RelatedEvent
    at: datetime | None
    evidence: Evidence


@dataclass(frozen=True, slots=True, kw_only=True)
class SpiState:
    """One key of a flow: an SPI with its sightings and its state (DOMAIN 7.2). row: the row of that table that decided."""

    spi: Spi | None
    sightings: tuple[Sighting, ...]
    state: State
    why: str
    row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One (device, vrf, source, destination, protocol) flow in trouble.

    messages: log lines, a lower bound, never a packet count. binding: how the source was bound to a peer
    (explicit, runtime, nat, acceptor, none). why: the state's reason in a sentence.
    """

    source: Address | None
    destination: Address | None
    source_text: str = ""
    destination_text: str = ""
    protocol: str | None
    vrf: str | None = None
    interface: str | None = None
    keys: tuple[SpiState, ...]
    state: State
    why: str
    first_seen: datetime | None
    last_seen: datetime | None
    last_age: timedelta | None = None
    messages: int
    peer: Peer | None = None
    bound: Literal["explicit", "runtime", "nat", "acceptor", "none"] = "none"
    join: Join | None = None
    installed: Spi | None = None  # the logged SPI that R itself holds inbound (rows a, 2, 3 of the tables)
    counter: str | None = None  # name of the QFP counter of a counter-only incident
    counter_packets: int | None = None
    rate_per_hour: float | None = None
    preceded_by: Related | None = None  # reload, failover or switchover within the window before the first line
    related: tuple[Related, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A drop counter as printed in JSON. delta: since the sample before (`None`: no earlier sample, or reset)."""

    name: str
    packets: int
    delta: int | None = None
    delta_seconds: float | None = None
    reset: bool = False
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """What runs on the router. train: comparable text such as "12.2(33)XNC", "15.4(3)M", "16.9"."""

    family: Literal["ios", "ios-xe"] | None
    version: str | None
    train: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogView:
    """What the log can and cannot show. window: from its first to its last stamp, aware.

    covers_since: from here on, silence proves that nothing was logged; `None` when nothing is proven. covers: the
    same as a length back from `read_at`, known even where the year is not.
    read_at: when the router printed it (device time); ages of sightings count back from here. clockless: neither
    `show clock` nor the uptime (for stamps that count from boot) tells that, so its own last line stands for now.
    """

    header: LogHeader | None
    covers_since: datetime | None
    newest: datetime | None
    total: int
    inv_spi_seen: int
    inv_spi_unparsed: int
    wrapped: bool | None = None
    read_at: datetime | None = None
    covers: timedelta | None = None
    clockless: bool = False
    lost_until: datetime | None = None  # collector's time up to which the drop counts are known to have grown
    missing: int | None = None  # messages that were logged and do not stand here, where the head tells


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSample:
    """A counter as an earlier run saw it (from the ledger)."""

    name: str
    packets: int
    at: datetime
    uptime: timedelta | None = None
    last_clearing: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLog:
    """The losses that the head of the log showed at the last visit that read it. at: the collector's time.

    lost_until: the latest visit that saw them grow: silence before it proves nothing. `None`: none did since the boot.
    missing: messages that were logged and did not stand there; more of them later were lost in between.
    """

    at: datetime
    dropped: int | None = None
    rate_limited: int | None = None
    overruns: int | None = None
    lost_until: datetime | None = None
    missing: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What the ledger remembers of this device: lets the state of recurring things be judged. Empty on a first run."""

    counters: tuple[PastSample, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    rising_runs: Mapping[str, int] = field(default_factory=dict)  # counter name -> runs in a row that saw it rise
    persistent_before: tuple[tuple[Address, Spi, datetime], ...] = ()
    log: PastLog | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One device's typed truth. A field that is `None` could not be established; the engine then answers `unknown`."""

    device: Device
    policy: Policy = Policy()
    hostname: str | None = None
    hardware: str | None = None
    serial: str | None = None
    software: Software | None = None
    version: Version | None = None
    uptime: timedelta | None = None
    privilege: int | None = None
    collected_at: datetime | None = None  # collector's time (aware)
    device_time: datetime | None = None  # router's time at collection (aware)
    clock_mark: str | None = None
    config: CryptoConfig | None = None
    recovery_configured: bool | None = None
    peers: tuple[Peer, ...] | None = None
    log: LogView | None = None
    sightings: tuple[Sighting, ...] | None = None
    related: tuple[Related, ...] = ()
    isakmp_sas: tuple[IkeSa, ...] | None = None
    ikev2_sas: tuple[IkeSa, ...] | None = None
    flows: tuple[IpsecFlow, ...] | None = None
    flows_taken_at: datetime | None = None  # collector's time
    flows_device_time: datetime | None = None  # the router's own time of the same capture
    outbound_lines: Mapping[Spi, Evidence] = field(default_factory=dict)  # the lines of the outbound SAs, for joins
    flows_filter: str | None = None  # the peer when only `show crypto ipsec sa peer A` was asked
    sessions: tuple[Session, ...] | None = None
    nhrp: tuple[NhrpEntry, ...] | None = None
    spi_lookup: tuple[SpiLookup, ...] | None = None  # only a whole table: an SPI that is not in it is not held here
    datapath_drops: DropTable | None = None
    global_drops: DropTable | None = None
    counters: tuple[Counter, ...] | None = None
    incidents: tuple[Incident, ...] | None = None
    blind_spots: tuple[BlindSpot, ...] = ()
    captures: tuple[CaptureNote, ...] = ()
    failures: tuple[Failure, ...] = ()
    history: History = History()
    lacking: bool = False  # captures that a person handed over leave an event unjudged for want of a fact

    def sas_read(self, peer: Address | None) -> bool:
        """Whether the IPsec SAs were read so that the absence of one with `peer` is proven."""
        if self.flows is None:
            return False
        return self.flows_filter is None or (peer is not None and str(peer) in self.flows_filter.split(", "))
