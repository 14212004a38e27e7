"""Records: the typed rows of the show commands. `line` is the 1-based line of the capture where the row begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from collector.model.values import Address, Spi


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """show version. `uptime` as printed (minutes are the finest unit)."""

    line: int
    family: Literal["ios", "ios-xe"] | None
    version: str | None  # "15.1(4)M12", "17.9.4a", "12.2(33)XNC2"
    image: str | None = None
    hardware: str | None = None  # "ASR1001-X", "C8300-1N1S-4T2X", "2911"
    hostname: str | None = None
    serial: str | None = None
    uptime: timedelta | None = None
    restarted: str | None = None  # "System restarted at ..." as printed
    reload_reason: str | None = None
    returned: str | None = None  # "System returned to ROM by ..." as printed: reload, power-on, SSO Switchover


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """show clock. Local time of the router, zone as printed; mark `*` never synchronised, `.` synchronisation lost."""

    line: int
    time: datetime  # naive, the router's local time
    zone: str | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Privilege:
    """show privilege. view: of role-based CLI; level 0 in one (what it hides is not known), 15 in the view `root`."""

    line: int
    level: int
    view: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CpuLoad:
    """show processes cpu. Percent, averaged over each span; interrupts: the part of five_seconds that they took."""

    line: int
    five_seconds: int
    one_minute: int
    five_minutes: int
    interrupts: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """The router's own timestamp of one log message.

    kind: datetime (`year` may be missing: `time.year` is then 1904, a leap year, and `has_year` False),
    uptime (`age_of_boot` since boot, `resolution` the unit that it was printed in), none.
    """

    kind: Literal["datetime", "uptime", "none"]
    time: datetime | None = None  # naive, in `zone`
    has_year: bool = False
    zone: str | None = None
    since_boot: timedelta | None = None
    resolution: timedelta | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvalidSpi:
    """%CRYPTO-4-RECVD_PKT_INV_SPI and its kin. `spi_decimal` as printed in parentheses; hex = decimal is a checksum."""

    destination: Address | None
    destination_text: str
    source: Address | None
    source_text: str
    protocol: str  # as printed, "50"
    spi: Spi | None
    spi_decimal: int | None
    interface: str | None

    @property
    def consistent(self) -> bool:
        """False where hex and decimal differ: then neither is joined on."""
        return self.spi is not None and (self.spi_decimal is None or self.spi_decimal == int(self.spi))


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedEvent:
    """A message that explains or contradicts an invalid SPI.

    kind: ikmp-no-sa, not-ipsec, mac-error, replay-error, hsrp, restart, switchover, config, self-test, ike-failure,
    crypto-other, repeated (a relay's `last message repeated N times` behind an event; N is the detail).
    """

    kind: str
    source: Address | None = None
    destination: Address | None = None
    spi: Spi | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogMessage:
    """One syslog message, re-joined. `line`..`last_line` are lines of the capture.

    unread: it says INV_SPI and could not be read whole; `event` is then what could be read of it, or `None`.
    """

    line: int
    last_line: int
    text: str  # from `%` to the end, wraps undone
    mnemonic: str  # "CRYPTO-4-RECVD_PKT_INV_SPI"; "" for text without one
    stamp: Stamp
    sequence: int | None = None
    origin: str | None = None  # origin-id
    relay_host: str | None = None
    relay_time: datetime | None = None
    event: InvalidSpi | RelatedEvent | None = None
    unread: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHeader:
    """The head of `show logging`: what this log can NOT show. `None`: not printed."""

    line: int
    syslog_enabled: bool | None = None
    buffer_level: str | None = None  # "debugging"; "disabled"
    buffer_bytes: int | None = None  # of "Log Buffer (N bytes):"
    messages_logged: int | None = None
    dropped: int | None = None  # "N messages dropped"
    rate_limited: int | None = None
    overruns: int | None = None
    discriminator: str | None = None  # active on the buffer
    trap_level: str | None = None
    persistent: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """One reading of a log: its head, the messages worth keeping, and the tally that proves nothing was lost.

    messages: every message when read by `parse`, only those with an event otherwise.
    mnemonics_seen = events + duplicates + unparsed, always (for INV_SPI).
    first, last: stamps of the first and the last message of any kind: the window that the buffer covers.
    """

    line: int
    header: LogHeader | None
    messages: tuple[LogMessage, ...]
    total: int  # messages of any kind
    inv_spi_seen: int
    inv_spi_events: int
    inv_spi_duplicates: int
    inv_spi_unparsed: int
    first: Stamp | None
    last: Stamp | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IkeSa:
    """One row of `show crypto isakmp sa [detail]` or `show crypto ikev2 sa [detailed]`.

    oriented: `local`/`remote` are really these ends; else (IKEv1 brief) they are src and dst in unknown roles.
    live: QM_IDLE + ACTIVE (not deleted), or READY.
    age: since established, `None` where the form does not show it.
    """

    line: int
    version: Literal[1, 2]
    local: Address | None
    remote: Address | None
    oriented: bool
    state: str  # "QM_IDLE", "MM_NO_STATE", "READY"
    status: str  # "ACTIVE", "ACTIVE (deleted)", "STDBY", ""
    live: bool
    connection_id: int | None = None
    local_port: int | None = None
    remote_port: int | None = None
    fvrf: str | None = None  # None: not shown or none
    ivrf: str | None = None
    lifetime: timedelta | None = None
    age: timedelta | None = None
    remaining: timedelta | None = None
    dpd: bool | None = None  # capability D, or DPD seconds > 0
    dpd_interval: timedelta | None = None
    nat: bool | None = None
    children: tuple[tuple[Spi, Spi], ...] = ()  # `ikev2 session`: ESP spi in/out


@dataclass(frozen=True, slots=True, kw_only=True)
class Sa:
    """One IPsec SA inside `show crypto ipsec sa`.

    remaining: `None` where not shown; `timed` False where the router says "not applicable" (manual keys).
    """

    line: int
    direction: Literal["in", "out"]
    protocol: Literal["esp", "ah", "pcp"]
    spi: Spi
    remaining: timedelta | None = None
    remaining_kilobytes: int | None = None
    timed: bool = True
    status: str = ""  # "ACTIVE", "ACTIVE(ACTIVE)", "STANDBY"
    transform: str = ""
    settings: str = ""  # "Tunnel UDP-Encaps, "
    udp_encaps: bool = False
    connection_id: int | None = None
    map_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IpsecFlow:
    """One proxy-identity block (`local ident` ... `current_peer`) of `show crypto ipsec sa`. A row even without SAs.

    outbound_spi: `current outbound spi`; `None` for 0x0, which is no SA and never joined.
    """

    line: int
    interface: str | None
    map_tag: str | None  # "Tunnel0-head-0", "VPN"
    local_address: Address | None  # "local addr"
    vrf: str | None  # protected vrf; None for (none)
    local_ident: str | None
    remote_ident: str | None
    peer: Address | None
    peer_text: str | None
    peer_port: int | None
    local_endpoint: Address | None
    remote_endpoint: Address | None
    outbound_spi: Spi | None
    inbound: tuple[Sa, ...] = ()
    outbound: tuple[Sa, ...] = ()
    encaps: int | None = None
    decaps: int | None = None
    invalid_sa_received: int | None = None  # detail form; a hint, never required


@dataclass(frozen=True, slots=True, kw_only=True)
class SpiLookup:
    """One row of `show crypto ipsec spi-lookup [detail]` (IOS XE): SPIs that the control plane accepts now."""

    line: int
    spi: Spi
    destination: Address | None
    protocol: str | None
    vrf: str | None
    table: str  # "active" | "transient" as the heading says
    interface: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionIke:
    """One IKE SA line of `show crypto session [detail]` or `show dmvpn detail`."""

    line: int
    version: Literal[1, 2]
    local: Address | None
    local_port: int | None
    remote: Address | None
    remote_port: int | None
    state: str  # "Active", "Inactive"
    capabilities: str = ""  # letters: D (DPD), N (NAT), K, X, ...; "(none)" -> ""
    connection_id: int | None = None
    lifetime: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFlow:
    """One IPSEC FLOW of `show crypto session [detail]` or `show dmvpn detail`.

    outbound_spi, transform: of `show dmvpn detail` only; an SPI of 0 there is no SA, `None` here.
    """

    line: int
    flow: str  # "permit 47 host 1.1.1.1 host 2.2.2.2"
    active_sas: int | None = None
    origin: str | None = None
    inbound_decrypted: int | None = None
    inbound_dropped: int | None = None
    outbound_encrypted: int | None = None
    outbound_dropped: int | None = None
    outbound_spi: Spi | None = None
    transform: str | None = None  # "esp-aes esp-sha-hmac"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One block of `show crypto session [detail]`. status: UP-ACTIVE, UP-IDLE, UP-NO-IKE, DOWN, DOWN-NEGOTIATING.

    local: of a session made of `show dmvpn detail`; the others tell it in their IKE SAs.
    """

    line: int
    interface: str | None
    status: str
    peer: Address | None
    peer_text: str | None
    peer_port: int | None
    local: Address | None = None
    profile: str | None = None
    uptime: timedelta | None = None
    fvrf: str | None = None
    ivrf: str | None = None
    phase1_id: str | None = None
    ike: tuple[SessionIke, ...] = ()
    flows: tuple[SessionFlow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NhrpEntry:
    """One mapping of `show ip nhrp` / `show ipv6 nhrp`. type: static | dynamic | incomplete, as printed.

    flags: as printed, `no-socket` among them; `local` marks an entry about this router itself, which is no peer.
    """

    line: int
    target: str  # "10.0.0.1/32"
    interface: str | None
    nbma: Address | None
    type: str
    vrf: str | None = None
    via: Address | None = None
    flags: tuple[str, ...] = ()
    claimed_nbma: Address | None = None  # behind NAT
    created: timedelta | None = None
    expires: timedelta | None = None  # None: never


@dataclass(frozen=True, slots=True, kw_only=True)
class NhsEntry:
    """One row of `show ip nhrp nhs [detail]`."""

    line: int
    interface: str | None
    nhs: Address | None
    nbma: Address | None = None
    nbma_name: str | None = None  # where the NBMA is configured by name
    flags: str = ""  # "RE"
    priority: int | None = None
    cluster: int | None = None
    vrf: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DmvpnPeer:
    """One peer row of `show dmvpn [detail]`. attributes: D dynamic, S static, ..."""

    line: int
    interface: str | None
    role: str | None  # "Hub", "Spoke"
    nbma: Address | None
    tunnel_address: Address | None
    state: str
    since: str = ""
    attributes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DmvpnSession:
    """One crypto session of `show dmvpn detail`. local, peer: the ends of its IKE SA, else the hosts of its flow.

    status: as in Session. pending: printed under `Pending DMVPN Sessions`.
    """

    line: int
    interface: str
    status: str
    local: Address | None
    peer: Address | None
    fvrf: str | None = None
    phase1_id: str | None = None
    socket: str | None = None  # "Open", "Closed"
    pending: bool = False
    ike: tuple[SessionIke, ...] = ()
    flows: tuple[SessionFlow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CryptoMapEntry:
    """One entry of `show crypto map` / `show crypto dynamic-map`.

    kind: ipsec-isakmp, dynamic (the sequence points to `dynamic_map`), dynamic-template, dynamic-instance
    (a temporary entry born of one), gdoi, manual, tunnel (made by tunnel protection).
    """

    line: int
    name: str
    sequence: int | None
    kind: str
    peers: tuple[str, ...] = ()  # as printed: addresses or names
    interfaces: tuple[str, ...] = ()  # that use the map
    access_list: str | None = None
    dynamic_map: str | None = None
    isakmp_profile: str | None = None
    ikev2_profile: str | None = None
    responder_only: bool | None = None
    local_address_interface: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IpsecProfile:
    """One entry of `show crypto ipsec profile`."""

    line: int
    name: str
    ikev2_profile: str | None = None
    isakmp_profile: str | None = None
    responder_only: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GdoiGroup:
    """One group of `show crypto gdoi [gm]`: enough to recognise GETVPN."""

    line: int
    name: str
    identity: str | None = None
    role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StandbyGroup:
    """One row of `show standby brief`."""

    line: int
    interface: str
    group: int | None
    state: str
    active: str | None = None
    standby: str | None = None
    virtual: Address | None = None


UNKNOWN_SPI = (  # the QFP drop reasons for an SPI without an SA; keyed by name, as numbers differ by platform
    "IN_US_V4_PKT_SA_NOT_FOUND_SPI",
    "IN_TRANS_V4_IPSEC_PKT_NOT_FOUND_SPI",
    "IN_US_V6_PKT_SA_NOT_FOUND_SPI",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropCounter:
    """One drop reason, keyed by name: numbers differ by platform."""

    line: int
    name: str
    packets: int
    octets: int | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTable:
    """One of the QFP drop tables, or `flowmib` counters. With `zeros_shown` an absent name is a true zero.

    last_clearing: as printed ("never", a date, "36m 56s ago"); cleared_ago where it can be told.
    """

    line: int
    counters: tuple[DropCounter, ...]
    zeros_shown: bool
    all_zero: bool = False  # "The Global drop stats were all zero"
    last_clearing: str | None = None
    cleared_ago: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigText:
    """A running-config (whole, a section of it, or filtered lines), as an ordered tuple of numbered lines.

    whole: both `hostname` (or a config head) and `end` were seen. filtered: made by `| include` or `| section`.
    """

    line: int
    lines: tuple[tuple[int, str], ...]
    whole: bool
    filtered: str | None = None  # the text after the pipe
