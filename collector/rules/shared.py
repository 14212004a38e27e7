"""Protected tunnels that have one source and do not say `shared`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from collector.model import Address, Binding, ConfigType, Facts

_GRE = frozenset({ConfigType.GRE_TUNNEL_PROTECTION, ConfigType.MGRE_STATIC_NHRP, ConfigType.MGRE_DYNAMIC_NHRP})
_MGRE = frozenset({ConfigType.MGRE_STATIC_NHRP, ConfigType.MGRE_DYNAMIC_NHRP})
_TUNNELS = _GRE | {ConfigType.SVTI}


@dataclass(frozen=True, slots=True, kw_only=True)
class Clash:
    """Tunnels of one source and outer VRF. lacking: those without `shared`; unsure: those of which it is not known."""

    source: str
    tunnels: tuple[Binding, ...]
    lacking: tuple[Binding, ...]
    unsure: tuple[Binding, ...]


def clashes(facts: Facts) -> Iterator[Clash]:
    """Each source on two or more protected tunnels, where one is multipoint GRE or two go to the same destination."""
    if facts.config is None:
        return
    by_source: dict[tuple[str, str], list[Binding]] = defaultdict(list)
    named = {interface.name: interface.addresses for interface in facts.config.interfaces}
    for binding in facts.config.bindings:
        if binding.config_type in _TUNNELS and binding.applied and not binding.shutdown:
            source = _source(binding, named)
            if source:
                by_source[source, binding.fvrf or ""].append(binding)
    for (source, _), found in sorted(by_source.items()):
        tunnels = sorted({binding.interface or binding.name: binding for binding in found}.values(), key=_name)
        if len(tunnels) > 1 and _collide(tunnels):
            yield Clash(
                source=source,
                tunnels=tuple(tunnels),
                lacking=tuple(tunnel for tunnel in tunnels if tunnel.shared is False),
                unsure=tuple(tunnel for tunnel in tunnels if tunnel.shared is None),
            )


def unshared_at(facts: Facts, address: Address | None) -> bool:
    """Whether the tunnels whose outer address is `address` lack `shared`."""
    return any(clash.lacking and any(address in tunnel.local for tunnel in clash.tunnels) for clash in clashes(facts))


def _source(binding: Binding, named: dict[str, tuple[Address, ...]]) -> str:
    """One word for the source, whether it was written as interface or address."""
    if binding.local:
        return str(binding.local[0])
    addresses = named.get(binding.source_interface or "")
    return str(addresses[0]) if addresses else binding.source_interface or ""


def _collide(tunnels: list[Binding]) -> bool:
    gre = [tunnel for tunnel in tunnels if tunnel.config_type in _GRE]
    if len(gre) > 1 and any(tunnel.config_type in _MGRE for tunnel in gre):
        return True
    targets = sorted(spec.text for tunnel in tunnels if tunnel.config_type not in _MGRE for spec in tunnel.peers)
    return any(one == other for one, other in pairwise(targets))


def _name(binding: Binding) -> str:
    return binding.interface or binding.name
