"""From the texts of one router's running-config to its CryptoConfig."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, dropwhile, islice
from typing import Literal

from collector.config.agree import with_runtime
from collector.config.coverage import Reach, reach
from collector.config.dpd import to_dpd
from collector.config.known import Known
from collector.config.line import Line
from collector.config.local import add_standby
from collector.config.maps import map_bindings
from collector.config.others import ezvpn_bindings, ospf_bindings, template_bindings
from collector.config.router import Router
from collector.config.runtime import runtime_bindings
from collector.config.statements import read_sections
from collector.config.text import Cleaned, clean
from collector.config.tree import sections
from collector.config.tunnels import tunnel_bindings
from collector.model import (
    Binding,
    Capture,
    ConfigLine,
    ConfigText,
    CryptoConfig,
    CryptoMapEntry,
    Dpd,
    IpsecProfile,
    StandbyGroup,
)

_RECOVERY = "crypto isakmp invalid-spi-recovery"
_KEEPALIVE = "crypto isakmp keepalive 10 3"
_IKEV2_DPD = "crypto ikev2 dpd 10 2 on-demand"
_KEYRING = "crypto keyring K"
_INTERFACES = tuple(
    f"interface {name}" for name in ("Tunnel0", "GigabitEthernet0/0", "FastEthernet0", "Serial0", "Vlan1", "Dialer1")
)
_MOST = 50_000  # bindings: entries x interfaces can be made to explode
_TYPES = (
    *_INTERFACES,
    "crypto map M 10 ipsec-isakmp",
    "crypto dynamic-map D 10",
    "crypto ipsec profile P",
    "crypto isakmp profile P",
    "crypto ikev2 profile P",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    """One capture, read."""

    reach: Reach
    router: Router
    cleaned: Cleaned
    command: str


def classify(
    texts: Sequence[tuple[Capture, ConfigText]],
    *,
    maps: Sequence[CryptoMapEntry] | None = None,
    dynamic_maps: Sequence[CryptoMapEntry] | None = None,  # noqa: ARG001 - part of the contract: templates hold no peers
    profiles: Sequence[IpsecProfile] | None = None,
    standby: Sequence[StandbyGroup] | None = None,
    privilege: int | None = None,
) -> CryptoConfig:
    """What the running-config says of the router's crypto.

    texts: the running-config captures of one device in the order taken, whole or filtered; of the same command the last
    one counts. maps, dynamic_maps, profiles, standby: records of the show commands, `None` where not asked or refused.
    privilege: as `show privilege` said; below 15 no absent line proves anything.
    """
    read = [_read(capture, text, privilege) for capture, text in texts]
    read = [text for at, text in enumerate(read) if all(text.command != later.command for later in read[at + 1 :])]
    router = _merged(read)
    add_standby(router, standby)
    recovery, proof = _recovery(read)
    known = Known(
        router=router,
        keys_readable=any(text.reach.shows_sections(_KEYRING) for text in read),
        interfaces_readable=all(any(text.reach.shows_sections(head) for text in read) for head in _INTERFACES),
        dpd=_global_dpd(read, router.keepalive, _KEEPALIVE),
        dpd_ikev2=_global_dpd(read, router.ikev2_dpd, _IKEV2_DPD),
    )
    interfaces = known.ends.interfaces()
    bindings = _bindings(known)
    notes: tuple[str, ...] = ()
    readable = _readable(read, bindings, maps)
    if readable == "runtime" and maps is not None:
        bindings = tuple(runtime_bindings(maps, interfaces))
    else:
        bindings, notes = with_runtime(bindings, interfaces, maps, profiles)
    return CryptoConfig(
        readable=readable,
        hostname=router.hostname,
        recovery=recovery,
        recovery_evidence=proof,
        dpd=known.dpd,
        dpd_ikev2=known.dpd_ikev2,
        interfaces=interfaces,
        bindings=bindings,
        lifetime=router.lifetime,
        last_change=next((text.cleaned.last_change for text in reversed(read) if text.cleaned.last_change), None),
        stamps=router.stamps,
        notes=(
            *notes,
            *_notes(read, privilege),
            *((f"only the first {_MOST} bindings",) if len(bindings) == _MOST else ()),
        ),
    )


def _read(capture: Capture, text: ConfigText, privilege: int | None) -> _Text:
    cleaned = clean(capture, text)
    known = reach(capture, text, cleaned, privilege)
    if known.structural:
        lines = cleaned.lines
        if known.filter is not None and known.filter.kind == "begin":  # the first section may lack its head
            lines = list(dropwhile(lambda line: line.indent > 0, lines))
        found = list(sections(lines))
        router = read_sections(
            found if capture.complete else found[:-1]
        )  # a cut section tells half, its last line less
    else:  # lines without their sections: only what stands alone at the margin counts
        alone = [line for line in cleaned.lines if line.indent == 0]
        router = _global_only(read_sections(section for line in alone for section in sections([line])))
    return _Text(reach=known, router=router, cleaned=cleaned, command=capture.command)


def _global_only(router: Router) -> Router:
    return Router(
        hostname=router.hostname,
        recovery=router.recovery,
        keepalive=router.keepalive,
        ikev2_dpd=router.ikev2_dpd,
        lifetime=router.lifetime,
        stamps=router.stamps,
    )


def _merged(read: Iterable[_Text]) -> Router:
    """Later texts over earlier ones; a whole configuration over everything before it."""
    router = Router()
    for text in read:
        router = text.router if text.reach.filter is None and text.reach.whole else text.router.over(router)
    return router


def _recovery(read: Iterable[_Text]) -> tuple[bool | None, tuple[ConfigLine, ...]]:
    """True where the line stands, False where it is proven absent or negated; the last text that tells decides."""
    answer: bool | None = None
    proof: tuple[ConfigLine, ...] = ()
    for text in read:
        line = text.router.recovery
        if line is not None:
            answer, proof = not line.negated, (line.proof(),)
        elif text.reach.proves_absent(_RECOVERY):
            answer, proof = False, text.reach.proof
    return answer, proof


def _global_dpd(read: Iterable[_Text], line: Line | None, absent: str) -> Dpd:
    if line is not None:
        return to_dpd(line.words[3:], line) or Dpd(mode="unknown")
    proving = [text for text in read if text.reach.proves_absent(absent)]
    return Dpd(mode="off", evidence=proving[-1].reach.proof) if proving else Dpd(mode="unknown")


def _bindings(known: Known) -> tuple[Binding, ...]:
    readers = (map_bindings, tunnel_bindings, template_bindings, ezvpn_bindings, ospf_bindings)
    return tuple(islice(chain.from_iterable(reader(known) for reader in readers), _MOST))


def _readable(
    read: Sequence[_Text], bindings: tuple[Binding, ...], maps: Sequence[CryptoMapEntry] | None
) -> Literal["full", "lines", "runtime", "none"]:
    if all(any(text.reach.shows_sections(head) for text in read) for head in _TYPES):
        return "full"
    if maps is not None and not bindings:
        return "runtime"
    return "lines" if any(text.cleaned.lines for text in read) else "none"


def _notes(read: Sequence[_Text], privilege: int | None) -> tuple[str, ...]:
    notes = []
    if privilege is not None and privilege < 15:
        notes.append(f"read at privilege {privilege}: what is absent may only be hidden")
    for text in read:
        if text.cleaned.too_long:
            notes.append(f"{text.cleaned.too_long} line(s) of `{text.command[:80]}` were too long to be configuration")
        if not text.cleaned.closed:
            notes.append(
                f"a banner in `{text.command[:80]}` does not end: the rest of it was not read as configuration"
            )
        if text.reach.filter is None and not text.reach.whole and text.cleaned.lines:
            lacks = (
                "has no crypto line: what is absent may only be hidden"
                if text.reach.hostname is not None and text.reach.ended
                else "does not run from `hostname` to `end`: what is absent may only be cut off"
            )
            notes.append(f"`{text.command[:80]}` {lacks}")
    return tuple(dict.fromkeys(notes))
