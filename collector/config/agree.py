"""The configuration beside the running state: what only one of them shows is added, what they contradict is noted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from collector.config.names import interface_name
from collector.config.runtime import runtime_bindings
from collector.model import Binding, ConfigType, CryptoMapEntry, Interface, IpsecProfile

_BORN = frozenset(("dynamic-instance", "dynamic-template", "tunnel"))  # made by the router, no entries of their own


def with_runtime(
    bindings: tuple[Binding, ...],
    interfaces: tuple[Interface, ...],
    maps: Sequence[CryptoMapEntry] | None,
    profiles: Sequence[IpsecProfile] | None,
) -> tuple[tuple[Binding, ...], tuple[str, ...]]:
    """Bindings with `Responder-Only`, interfaces and whole entries that only the running state shows, and notes."""
    entries = [entry for entry in maps or () if entry.kind not in _BORN and not entry.name.endswith("-head-0")]
    by_key = {(entry.name, entry.sequence): entry for entry in entries}
    held = {profile.name for profile in profiles or () if profile.responder_only}
    notes: dict[str, None] = {}
    shown = [binding for binding in bindings if not _unseen(binding)]
    done = [_joined(binding, by_key.get((binding.map_name or "", binding.sequence)), held, notes) for binding in shown]
    known = {(binding.map_name, binding.sequence) for binding in shown}
    missing = [entry for entry in entries if (entry.name, entry.sequence) not in known]
    for entry in missing:
        notes[
            f"crypto map {entry.name} {entry.sequence} stands in `show crypto map`, not in the configuration read"
        ] = None
    done += runtime_bindings(missing, interfaces)
    names = {entry.name for entry in missing}
    done += (binding for binding in bindings if _unseen(binding) and binding.map_name not in names)
    return tuple(done), tuple(notes)


def _unseen(binding: Binding) -> bool:
    """A map on an interface whose entries the text does not show."""
    return binding.config_type is ConfigType.UNKNOWN and binding.map_name is not None and binding.sequence is None


def _joined(binding: Binding, entry: CryptoMapEntry | None, held: set[str], notes: dict[str, None]) -> Binding:
    if (binding.ipsec_profile or "") in held or (entry is not None and entry.responder_only):
        binding = replace(binding, responder_only=True)
    if entry is None:
        return binding
    notes |= dict.fromkeys(_contradictions(binding, entry))
    if entry.interfaces and not binding.applied and binding.interface is None:
        return replace(binding, applied=True, interface=interface_name(entry.interfaces[0]))
    return binding


def _contradictions(binding: Binding, entry: CryptoMapEntry) -> Iterator[str]:
    """Differences between one entry as configured and as `show crypto map` has it."""
    names = tuple(map(interface_name, entry.interfaces))
    if names and binding.interface is None:
        yield f"`show crypto map` has {binding.name} on {', '.join(names)}; the configuration read does not show it"
    elif names and binding.interface not in names:
        yield f"{binding.interface} carries {binding.name} by configuration, not by `show crypto map`"
    explicit = {peer.text for peer in binding.peers}
    if entry.kind == "ipsec-isakmp" and entry.peers and explicit and explicit.isdisjoint(entry.peers):
        yield f"{binding.name} has other peers in `show crypto map` ({', '.join(entry.peers[:5])}) than configured"
