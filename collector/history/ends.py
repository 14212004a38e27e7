"""Which findings are of one tunnel: both ends of it, told apart by their outer addresses, not by the routers' names.

Two routers may have several tunnels between them. What pairs two findings is what a join knows: the far router, its own
address, this router as it is seen there. So NAT between the ends does no harm; the VRF joins in only where one router has
two findings with the same addresses.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from collector.model import Address, Finding

_End = tuple[str, Address | None, Address | None]  # device, its own address, the far one as it sees it


def tunnels(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Findings of at least two routers that are ends of one tunnel, group by group, in the order given."""
    found = list(findings)
    group = list(range(len(found)))
    for one, other in _pairs(found):
        _join(group, one, other)
    together: dict[int, list[Finding]] = defaultdict(list)
    for number, finding in enumerate(found):
        together[_root(group, number)].append(finding)
    return [members for members in together.values() if len({finding.device for finding in members}) > 1]


def _pairs(found: Sequence[Finding]) -> Iterable[tuple[int, int]]:
    """Places of findings that are of one tunnel: one names the other's end."""
    own: dict[_End, list[int]] = defaultdict(list)
    for number, finding in enumerate(found):
        if finding.ends is not None:
            own[finding.device, finding.ends.local, finding.ends.remote].append(number)
    for number, finding in enumerate(found):
        ends = finding.ends
        if ends is None or ends.far_device is None or ends.far_device == finding.device:
            continue
        here = own[finding.device, ends.local, ends.remote]
        there = own.get((ends.far_device, ends.far_local, ends.far_remote), [])
        if len(here) > 1 or len(there) > 1:
            there = _same_vrf(found, there, ends.far_vrf)
        yield from ((number, other) for other in there)
    yield from _by_name(found)


def _same_vrf(found: Sequence[Finding], places: Sequence[int], vrf: str | None) -> list[int]:
    return [place for place in places if (ends := found[place].ends) is not None and ends.vrf == vrf]


def _by_name(found: Sequence[Finding]) -> Iterable[tuple[int, int]]:
    """What an earlier version wrote down without addresses: by the routers' names, where that leaves no choice."""
    pairs: dict[frozenset[str], list[int]] = defaultdict(list)
    for number, finding in enumerate(found):
        if finding.far_device is not None and finding.far_device != finding.device:
            pairs[frozenset((finding.device, finding.far_device))].append(number)
    for places in pairs.values():
        if len(places) == 2 and any(found[place].ends is None for place in places):
            yield places[0], places[1]


def _root(group: list[int], number: int) -> int:
    while group[number] != number:
        group[number] = group[group[number]]
        number = group[number]
    return number


def _join(group: list[int], one: int, other: int) -> None:
    first, second = sorted((_root(group, one), _root(group, other)))
    group[second] = first
