"""What the binding readers share: the router's statements and how far they can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from collector.config.router import IkeProfile, Router
from collector.model import Dpd

Ike = Literal[1, 2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """keys_readable: keyrings and keys stand in the text (a whole configuration, not a listing that leaves them out).

    interfaces_readable: an interface that is not in the text is not on the router.
    """

    router: Router
    keys_readable: bool
    interfaces_readable: bool
    dpd: Dpd
    dpd_ikev2: Dpd

    def dpd_of(self, version: Ike | None, isakmp_profile: str | None, ikev2_profile: str | None) -> Dpd:
        """DPD of one binding: the profile's own setting over the global one (Cisco, "IPsec Dead Peer Detection")."""
        if version == 2:
            return _dpd(self.router.ikev2_profiles, ikev2_profile, self.dpd_ikev2)
        if version == 1:
            return _dpd(self.router.isakmp_profiles, isakmp_profile, self.dpd)
        return Dpd(mode="unknown")

    def ike_of(self, isakmp_profile: str | None, ikev2_profile: str | None, *, default: Ike | None) -> Ike | None:
        """The IKE version that named profiles tell; `default` where none is named."""
        if ikev2_profile is not None:
            return 2
        return 1 if isakmp_profile is not None else default


def _dpd(profiles: dict[str, IkeProfile], name: str | None, general: Dpd) -> Dpd:
    if name is None:
        return general
    profile = profiles.get(name)
    if profile is None:
        return Dpd(mode="unknown")
    return profile.dpd or general
