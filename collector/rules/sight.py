"""Whether a device could be seen well enough for silence to mean something."""

from __future__ import annotations

from collector.model import Facts, State

# What each fact is and where it comes from; a rule's `needs` name these.
FACT = {
    "config": "the crypto configuration (show running-config, privilege 15)",
    "peers": "the peers (running-config, or show crypto map and profiles)",
    "recovery_configured": "whether `crypto isakmp invalid-spi-recovery` is configured",
    "log": "the log (show logging)",
    "sightings": "the INV_SPI messages of the log",
    "incidents": "the flows in trouble (show logging, show clock)",
    "counters": "the QFP drop counters (show platform hardware qfp active ...)",
    "software": "software family and version (show version)",
    "isakmp_sas": "the IKEv1 SAs (show crypto isakmp sa)",
    "ikev2_sas": "the IKEv2 SAs (show crypto ikev2 sa)",
    "flows": "the IPsec SAs (show crypto ipsec sa)",
    "sessions": "the sessions (show crypto session)",
    "ike_sa": "whether an IKE SA with the peer is up (show crypto isakmp sa, show crypto ikev2 sa)",
    "ike_since": "how old the IKE SA is (show crypto session detail)",
    "ike_version": "the IKE version of the peer (show running-config)",
    "device_time": "the router's clock (show clock)",
}


def counted(facts: Facts) -> bool:
    """Whether the counters of unknown SPIs were read (`IpsecInput` alone sums up too much to clear anybody)."""
    return any("NOT_FOUND_SPI" in counter.name for counter in facts.counters or ())


def uncountable(facts: Facts) -> bool:
    """Classic IOS: it has no such counter that is proven."""
    return facts.software is not None and facts.software.family == "ios"


def unseen(facts: Facts) -> tuple[str, str] | None:
    """The first fact for want of which "nothing was logged" proves nothing, with a sentence; `None`: all was seen."""
    for spot in facts.blind_spots:
        if spot.blocking:
            return spot.need or spot.code, spot.message
    if facts.log is None or facts.log.covers_since is None:
        return "log", "the log does not prove its own silence (off, wrapped, level, or not read)"
    if facts.log.inv_spi_unparsed:
        return "log", f"{facts.log.inv_spi_unparsed} INV_SPI messages could not be read"
    if facts.software is None and not facts.sightings:
        return "software", "whether this software logs the message at all was not read (show version)"
    if not counted(facts) and not uncountable(facts):
        return "counters", "the QFP drop counters were not read, and a log line is not a packet"
    unclear = [item for item in facts.incidents or () if item.state is State.INSUFFICIENT_DATA]
    if unclear:
        return "log", unclear[0].why
    return None
