"""Keys and identities that let a tunnel come up from one side only: warnings, no verdicts.

Source: Cisco 117259, "ISAKMP profiles and keyrings": with several keyrings or profiles that fit one peer, initiator and
responder may choose different ones. Told only where keyrings can be read at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collector.config.known import Known
from collector.config.router import Keyring
from collector.model import Address, ConfigLine, PeerSpec


def key_warnings(
    known: Known, peers: Iterable[PeerSpec], *, local: tuple[Address, ...], fvrf: str | None, isakmp_profile: str | None
) -> tuple[tuple[str, ...], tuple[ConfigLine, ...]]:
    """Sentences and their lines for the explicit peers of an IKEv1 binding."""
    if not known.keys_readable:
        return (), ()
    explicit = tuple(peers)
    found = [*_overlaps(known, explicit, local, fvrf), *_profiles(known, explicit, isakmp_profile)]
    found += _modes(known, explicit, isakmp_profile)
    if fvrf is not None and _vrf_without_keyring(known, fvrf):
        found.append((f"the outer VRF is {fvrf}, and no keyring is bound to it: this end may not authenticate", ()))
    return tuple(text for text, _ in found), tuple(line for _, lines in found for line in lines)


_Found = tuple[str, tuple[ConfigLine, ...]]


def _overlaps(
    known: Known, peers: tuple[PeerSpec, ...], local: tuple[Address, ...], fvrf: str | None
) -> Iterator[_Found]:
    """Keyrings of the outer VRF (none without `vrf`), for this local address, that all hold a key for one peer."""
    for peer in peers:
        if peer.address is None:
            continue
        rings = [known.router.keyrings[name] for name in known.keys.covering(peer.address)]
        rings = [ring for ring in rings if ring.vrf == fvrf and _ours(known, ring, local)]
        if len(rings) > 1:
            names = ", ".join(ring.name or "the global keys" for ring in rings)
            yield (
                f"{len(rings)} keyrings hold a key for {peer.text} ({names}): it may come up from one side only",
                tuple(ring.head.proof() for ring in rings if ring.head is not None),
            )


def _profiles(known: Known, peers: tuple[PeerSpec, ...], named: str | None) -> Iterator[_Found]:
    """ISAKMP profiles that match one peer, where the configuration does not choose between them."""
    for peer in peers if named is None else ():
        if peer.address is None:
            continue
        fitting = [known.router.isakmp_profiles[name] for name in known.identities.covering(peer.address)]
        if len(fitting) > 1:
            yield (
                f"{len(fitting)} ISAKMP profiles match {peer.text} ({', '.join(one.name for one in fitting)})",
                tuple(one.head.proof() for one in fitting),
            )


def _modes(known: Known, peers: tuple[PeerSpec, ...], named: str | None) -> Iterator[_Found]:
    router = known.router
    profile = router.isakmp_profiles.get(named or "")
    for peer in peers:
        if (line := router.aggressive_peers.get(peer.text)) is not None:
            yield f"aggressive mode with a key of its own for {peer.text}", (line.proof(),)
    if profile is not None and profile.aggressive is not None:
        yield f"ISAKMP profile {profile.name} initiates in aggressive mode", (profile.aggressive.proof(),)
    identity = profile.hostname_identity if profile is not None else None
    identity = identity or router.identity
    if identity is not None:
        yield "this end identifies itself by host name: the far end must know it so", (identity.proof(),)


def _vrf_without_keyring(known: Known, fvrf: str) -> bool:
    """Keys of `crypto isakmp key` serve the global VRF only; certificates need no keyring."""
    router = known.router
    return router.pre_shared is not None and all(ring.vrf != fvrf for ring in router.keyrings.values())


def _ours(known: Known, ring: Keyring, local: tuple[Address, ...]) -> bool:
    """False for a keyring that is bound to another local address or interface."""
    bound = known.ends.of_source(ring.local_address)
    return not bound or not local or not set(bound).isdisjoint(local)
