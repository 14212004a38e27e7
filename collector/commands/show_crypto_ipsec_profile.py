"""show crypto ipsec profile: which IKE profile tunnels use, and whether a profile may only respond."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from collector.commands.blocks import Count, Doubt, Doubts, Empty, read_blocks
from collector.commands.command import Command, Reading
from collector.model import IpsecProfile
from collector.parse import Row


def fold(rows: Iterable[Row], doubts: Doubts) -> Iterator[IpsecProfile]:
    """Rows -> profiles. Doubts: a profile without its list of transform sets, a line twice, a profile twice."""
    profile: IpsecProfile | None = None
    kinds: list[str] = []
    names: set[str] = set()
    for row in rows:
        if row.first == "NAME":
            if profile is not None:
                doubts.extend(_close(profile, kinds, names))
                yield profile
            profile, kinds = IpsecProfile(line=row.line, name=row.text("NAME")), []
        elif row.first != "NONE":
            if profile is None or row.first in kinds or "CLOSED" in kinds:
                doubts.append(Doubt(line=row.line, text=f"{row.first.lower()}: out of order"))
            else:
                profile = _with(profile, row)
            if row.first not in kinds:  # the list stays as short as there are kinds of lines
                kinds.append(row.first)
    if profile is not None:
        doubts.extend(_close(profile, kinds, names))
        yield profile


def _with(profile: IpsecProfile, row: Row) -> IpsecProfile:
    match row.first:
        case "ISAKMP_PROFILE":
            return replace(profile, isakmp_profile=row.text("ISAKMP_PROFILE"))
        case "IKEV2_PROFILE":
            return replace(profile, ikev2_profile=row.text("IKEV2_PROFILE"))
        case "RESPONDER":
            return replace(profile, responder_only=row.text("RESPONDER") == "Y")
        case _:
            return profile


def _close(profile: IpsecProfile, kinds: list[str], names: set[str]) -> Iterator[Doubt]:
    if [kind for kind in kinds if kind in {"OPEN", "CLOSED"}] != ["OPEN", "CLOSED"]:
        yield Doubt(line=profile.line, text=f"profile {profile.name} has no whole list of transform sets: cut?")
    if profile.name in names:
        yield Doubt(line=profile.line, text=f"profile {profile.name} stands twice")
    names.add(profile.name)


def read(lines: Iterable[str], filtered: str | None) -> Reading[IpsecProfile]:
    """Whole when each `IPSEC profile` is a record that ends. Old images without one print nothing."""
    return read_blocks(
        COMMAND,
        lines,
        fold,
        counts=(Count(what="profile", starts=("IPSEC profile",)),),
        empty=Empty(wordings=("No ", "There are no", "There is no"), silent=True),
        filtered=filtered,
    )


COMMAND: Command[IpsecProfile] = Command(
    name="show crypto ipsec profile",
    lines=("show crypto ipsec profile",),
    read=read,
    template="cisco_ios_show_crypto_ipsec_profile",
    spellings=("show crypto ipsec profile <name>", "show crypto ipsec profile tag <name>"),
    about="IKE profile and Responder-Only, where the configuration is not readable",
)
