"""Too early to change anything: what must be looked at first, before a stale SA is cleared or a setting is touched.

A row of the cascade may be right about the command and still be no reason to act. Three things are asked of every flow:
may this router itself hold the logged SPI (row a), does it go on at all (without the router's time the log's own last
line stands for now), and may the tunnel be healing (row d)? What was not read leaves a doubt; a flow with a doubt gets no
CLEAR, no DPD and no RECOVER, so that lost data earns no action.
"""

from __future__ import annotations

from dataclasses import dataclass

from collector.model import NO_IKE, Facts, Incident, Outcome, Peer

IKE_NOT_READ = "whether an IKE SA with this peer is up could not be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Why it is too early. missing: the fact that was not there; meaning: why it matters; look: what to type here."""

    missing: str
    reason: str
    meaning: str
    look: tuple[str, ...]

    @property
    def commands(self) -> str:
        """As in "`show clock`, then `show logging`"."""
        return ", then ".join(f"`{line}`" for line in self.look)

    @property
    def advice(self) -> str:
        """As two sentences, the last without its full stop."""
        return f"{self.meaning}. Look first at {self.commands} on this router"


def doubts(facts: Facts, incident: Incident) -> tuple[Doubt, ...]:
    """What makes a change premature for this flow; () where nothing does."""
    found = (_own_sas(facts, incident), _still(facts, incident), _healing(incident))
    return tuple(doubt for doubt in found if doubt is not None)


def _own_sas(facts: Facts, incident: Incident) -> Doubt | None:
    """Row a could not be excluded: this router's own inbound SAs were not read, or not whole."""
    if held_here(incident) or facts.sas_read(incident.source) or facts.spi_lookup is not None:
        return None
    return Doubt(
        missing="flows",
        reason="whether this router itself holds the logged SPI was not read",
        meaning="if it does, both ends agree and it is another case (SPI009, SPI010)",
        look=(f"show crypto ipsec sa peer {incident.source}" if incident.source else "show crypto ipsec sa",),
    )


def held_here(incident: Incident) -> bool:
    """Whether this router itself holds the logged SPI: row a."""
    elsewhere = {Outcome.FORWARDING_PLANE, Outcome.WRONG_ENDPOINT}
    return incident.installed is not None or (incident.join is not None and incident.join.outcome in elsewhere)


def _still(facts: Facts, incident: Incident) -> Doubt | None:
    """The router's time was not read: the lines may be old, and the trouble long over."""
    if facts.log is None or not facts.log.clockless or incident.last_age is None:
        return None
    return Doubt(
        missing="device_time",
        reason="no `show clock` stands before the log, so that its own last line stands for now",
        meaning="what came after that line is not known, and so not whether it still goes on",
        look=("show clock", "show logging"),
    )


def _healing(incident: Incident) -> Doubt | None:
    """An IKE SA that came up after the last line is a tunnel that heals; one of unknown age, or not read, may be that."""
    peer = incident.peer
    if peer is None or peer.config_type in NO_IKE or peer.ike_sa == "none":
        return None
    if held_here(incident) or _placed(peer, incident):
        return None
    far = peer.address or incident.source
    look = f"show crypto session remote {far} detail" if far else "show crypto session detail"
    up = peer.ike_sa == "up"
    return Doubt(
        missing="ike_since" if up else "ike_sa",
        reason="whether the IKE SA came up before the last line could not be told" if up else IKE_NOT_READ,
        meaning="if the session's uptime is shorter than the time since the last line, wait: it may be healing"
        + ("" if up else "; if it is longer, see SPI004"),
        look=(look,),
    )


def _placed(peer: Peer, incident: Incident) -> bool:
    """Whether it is known on which side of the last line the IKE SA came up: by its age, or by a session older than that."""
    if peer.ike_sa != "up" or incident.last_seen is None:
        return False
    return peer.ike_since is not None or (peer.session_since is not None and peer.session_since <= incident.last_seen)
