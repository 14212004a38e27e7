"""What to type, and where: printed for a person, never sent to a router.

`commands` of an action can be pasted whole; stronger forms, rollbacks and removals stand in `note`. The stale SA is
cleared at the sender, recovery is switched on at the receiver; a flow that is neither bound to a peer nor joined with
its other end earns no action at all. Where it is too early to change anything (`premature`), what only looks is left.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from collector.model import Action, ConfigType, Facts, Incident
from collector.rules.ends import Ends, ends_of, safe_name
from collector.rules.premature import Doubt, doubts
from collector.rules.words import lasting, moment

DOS = (
    "The command is off by default because of denial of service: ESP with a forged source makes this router start IKE. "
    "Let ESP in only from known peers (ACL), police IKE and ESP to the control plane (CoPP), and consider "
    "`crypto call admission limit`."
)
_LOOK = (
    "Look first: is the current outbound SPI the logged one, and how many flows will reset? "
    "Sibling SAs of the same peer go too."
)
# Where the receiver's own keepalive is a lever too; elsewhere it is the client's or the initiator's, or not known.
_BOTH_ENDS = frozenset(
    {
        ConfigType.STATIC_CRYPTO_MAP,
        ConfigType.GRE_TUNNEL_PROTECTION,
        ConfigType.MGRE_STATIC_NHRP,
        ConfigType.MGRE_DYNAMIC_NHRP,
        ConfigType.SVTI,
    }
)
_NO_DPD = frozenset({ConfigType.GETVPN, ConfigType.SD_WAN, ConfigType.MANUAL_IPSEC, ConfigType.EZVPN_CLIENT})

Block = Callable[[Facts, Incident, Ends], tuple[Action, ...]]


def actions(facts: Facts, incident: Incident, *blocks: Block) -> tuple[Action, ...]:
    """The blocks' actions for one flow, in order; () where the other end is not known.

    Where it is too early, the looks that come first stand in place of the blocks that change something.
    """
    ends = ends_of(facts, incident)
    if ends is None:
        return ()
    early = doubts(facts, incident)
    wanted = tuple(block for block in blocks if block not in _CHANGING) if early else blocks
    told = (action for block in wanted for action in block(facts, incident, ends))
    return (*(_look_first(facts, doubt) for doubt in early), *told)


def _look_first(facts: Facts, doubt: Doubt) -> Action:
    note = f"Before anything is cleared or configured: {doubt.reason}; {doubt.meaning}."
    return Action(on=facts.device.name, side="receiver", commands=doubt.look, note=note)


def clear(_: Facts, incident: Incident, ends: Ends) -> tuple[Action, ...]:
    """CLEAR, at the sender only: look first, then one narrowest clear."""
    command = f"clear crypto sa peer {ends.dst}"
    if ends.sender_vrf:
        command = f"clear crypto sa peer vrf {ends.sender_vrf} {ends.dst}"
    elif ends.spi is not None:
        command = f"clear crypto sa entry {ends.dst} {ends.protocol} {ends.spi}"
    note = [_LOOK]
    if not ends.managed:
        note.append(_told(incident, ends))
    if not ends.dst_certain:
        note.append(f"NAT stands between: if {ends.sender} knows this router by another address, use that one.")
    if ends.spi is not None and not ends.sender_vrf:
        note.append(
            f"Where the image spells the entry otherwise: `clear crypto sa peer {ends.dst}` "
            f"(outer packets in a VRF there: `clear crypto sa peer vrf NAME {ends.dst}`)."
        )
    note.append(f"Only if it returns: {_stronger(incident, ends)}.")
    look = f"show crypto ipsec sa peer {ends.dst}"
    return (Action(on=ends.sender, side="sender", commands=(look, command), note=" ".join(note)),)


def _told(incident: Incident, ends: Ends) -> str:
    spi = str(ends.spi) if ends.spi is not None else "the logged SPIs"
    return (
        f"For the owner of {ends.src}: your router still encrypts to {ends.dst} with {spi}, which is unknown there; "
        f"logged from {moment(incident.first_seen)} to {moment(incident.last_seen)}."
    )


def _stronger(incident: Incident, ends: Ends) -> str:
    ike2 = f"`clear crypto ikev2 sa remote {ends.dst}`"
    ike1 = (
        f"`show crypto isakmp sa` for the connection id of {ends.dst}, then `clear crypto isakmp CONN-ID`, "
        f"or `clear crypto session remote {ends.dst}`"
    )
    forms = [{1: ike1, 2: ike2}.get(ends.ike_version or 0, f"{ike1} (IKEv2: {ike2})")]
    peer = incident.peer
    if peer is not None and peer.config_type in {ConfigType.MGRE_STATIC_NHRP, ConfigType.MGRE_DYNAMIC_NHRP}:
        forms.append(f"DMVPN: `clear dmvpn session peer nbma {ends.dst}`")
    return "; ".join(forms)


def recover(facts: Facts, *, after_acl: bool) -> Action:
    """RECOVER, at the receiver only: one global command."""
    late = " There is a scan or an unknown source on this router: only after the ACL." if after_acl else ""
    return Action(
        on=facts.device.name,
        side="receiver",
        commands=(
            "configure terminal",
            "crypto isakmp invalid-spi-recovery",
            "end",
            "show running-config | include invalid-spi-recovery",
        ),
        note=f"{DOS}{late} Rollback: `no crypto isakmp invalid-spi-recovery`. Save the configuration only when content. "
        "On both ends is sensible: either may be the one that reloads.",
    )


def dpd(facts: Facts, incident: Incident, ends: Ends) -> tuple[Action, ...]:
    """DPD, sender first: of the peer's IKE version, in the mode that fits side and scale."""
    peer = incident.peer
    if peer is None or ends.ike_version is None or peer.config_type in _NO_DPD:
        return ()
    found = []
    if _sender_lacks(incident):
        found.append(_dpd_sender(facts, incident, ends))
    if peer.config_type in _BOTH_ENDS and peer.dpd.mode == "off" and few_peers(facts):
        found.append(_dpd_receiver(facts, incident, ends))
    return tuple(found)


def _sender_lacks(incident: Incident) -> bool:
    """Off at the sender, or a sender that nobody reads here; one that was read but not for this is left alone."""
    join = incident.join
    if join is None or join.device is None:
        return True
    return join.sender_dpd.mode == "off"


def _may_be_read(incident: Incident) -> bool:
    """Whether a sender that was not found may be a router that is read here: NAT hides who it is."""
    unfound = incident.join is None or incident.join.device is None
    return unfound and (incident.bound == "nat" or (incident.peer is not None and incident.peer.nat_traversal is True))


def few_peers(facts: Facts) -> bool:
    """Whether periodic probes are affordable here; not where the number of peers is not known."""
    return facts.peers is not None and len(facts.peers) <= facts.policy.thresholds.dpd_many_peers


def _dpd_sender(facts: Facts, incident: Incident, ends: Ends) -> Action:
    peer = incident.peer
    hub = peer is not None and peer.config_type is ConfigType.MGRE_STATIC_NHRP
    mode = "periodic" if few_peers(facts) and not hub else "on-demand"
    why = {
        "periodic": "Periodic probes find a dead peer without traffic; with many peers there, use `on-demand`.",
        "on-demand": "On-demand probes only while sending without an answer: enough for the sender, cheap with many peers.",
    }[mode]
    look, line = f"show crypto session remote {ends.dst} detail", _keepalive(ends, mode)
    if _may_be_read(incident):
        return Action(
            on=ends.sender,
            side="sender",
            commands=(look,),
            note=f"NAT hides which router this is. Without the letter D there: `{line}`. {why} {_dpd_note(ends)}",
        )
    return Action(
        on=ends.sender,
        side="sender",
        commands=("configure terminal", line, "end", look),
        note=f"If it is not there already. {why} {_dpd_note(ends)}",
    )


def _dpd_receiver(facts: Facts, incident: Incident, ends: Ends) -> Action:
    source = incident.peer.source if incident.peer else None
    profile = safe_name(source.ikev2_profile if source else None)
    lines = (f"crypto ikev2 profile {profile}", "dpd 10 3 periodic") if profile else (_keepalive(ends, "periodic"),)
    return Action(
        on=facts.device.name,
        side="receiver",
        commands=("configure terminal", *lines, "end", f"show crypto session remote {ends.src} detail"),
        note="Periodic: on-demand never probes on a router that only receives. " + _dpd_note(ends),
    )


def _keepalive(ends: Ends, mode: str) -> str:
    return f"crypto ikev2 dpd 10 3 {mode}" if ends.ike_version == 2 else f"crypto isakmp keepalive 10 3 {mode}"


def _dpd_note(ends: Ends) -> str:
    undo = "no crypto ikev2 dpd" if ends.ike_version == 2 else "no crypto isakmp keepalive"
    both = (
        "A profile's own `dpd` goes before it."
        if ends.ike_version == 2
        else "IKEv1 needs it on both ends; `keepalive` in an ISAKMP profile goes before it."
    )
    return (
        f"{both} The letter D among the session's capabilities shows it at work; IKE SAs that stand may keep the old "
        f"setting until they are made anew. Rollback: the former line, else `{undo}`."
    )


_CHANGING: tuple[Block, ...] = (clear, dpd)


def debug(facts: Facts, _: Incident, ends: Ends) -> tuple[Action, ...]:
    """DEBUG on both routers, narrowed to the peer."""
    family = facts.software.family if facts.software else None
    return (
        _debug(ends.receiver, "receiver", ends.src, ends, kmi=family == "ios-xe"),
        _debug(ends.sender, "sender", ends.dst, ends, kmi=False),
    )


def _debug(on: str, side: str, address: object, ends: Ends, *, kmi: bool) -> Action:
    ike = "debug crypto ikev2" if ends.ike_version == 2 else "debug crypto isakmp"
    family = "ipv6" if ends.src.version == 6 else "ipv4"
    return Action(
        on=on,
        side="receiver" if side == "receiver" else "sender",
        commands=(
            f"debug crypto condition peer {family} {address}",
            ike,
            "debug crypto ipsec",
            *(("debug crypto kmi",) if kmi else ()),
        ),
        note="Set the condition first and see that it was taken; debug without it can load the router. "
        "End: `undebug all`, `debug crypto condition reset`.",
    )


def eem(facts: Facts, _: Incident, ends: Ends) -> tuple[Action, ...]:
    """An applet that only collects, made for this flow, at the receiver (it is the one that logs)."""
    if ends.src.version == 6:
        return ()  # the text of the message for IPv6 is not established
    pattern = re.sub(r"\.", r"\\.", str(ends.src))
    version = "ikev2 sa detailed" if ends.ike_version == 2 else "isakmp sa detail"
    shows = (
        "show clock",
        f"show crypto {version}",
        f"show crypto ipsec sa peer {ends.src} detail",
        "show logging",
    )
    collect = (f'action 2.{number} cli command "{line} | append flash:spi.txt"' for number, line in enumerate(shows))
    return (
        Action(
            on=facts.device.name,
            side="receiver",
            commands=(
                "configure terminal",
                "event manager applet SPI_CAPTURE",
                f'event syslog pattern "RECVD_PKT_INV_SPI.*srcaddr={pattern}" ratelimit 300 maxrun 60',
                'action 1.0 cli command "enable"',
                *collect,
                "end",
            ),
            note="Collects only; untested on hardware; needs EEM 3.0, 12.4(22)T or later. Longer addresses that begin so "
            "match too. Where AAA authorizes commands: `event manager session cli username NAME` or `authorization "
            "bypass`. Remove: `no event manager applet SPI_CAPTURE`, `delete flash:spi.txt`.",
        ),
    )


def verify(facts: Facts, _: Incident, ends: Ends) -> tuple[Action, ...]:
    """How to see, at the receiver, that it is over."""
    quiet = lasting(facts.policy.thresholds.active_window)
    family = facts.software.family if facts.software else None
    qfp = ("show platform hardware qfp active feature ipsec datapath drops all",) if family == "ios-xe" else ()
    return (
        Action(
            on=facts.device.name,
            side="receiver",
            commands=(
                "show logging | include INV_SPI",
                f"show crypto ipsec sa peer {ends.src} | include decaps|outbound spi",
                *qfp,
            ),
            note=f"Verify: no new INV_SPI line for {quiet}, decaps rising"
            + (", the NOT_FOUND_SPI counters flat." if qfp else "."),
        ),
    )
