"""The commands that a router of the lab answers: a pattern, what it needs, and the function that prints it.

Patterns are written as typed in full; `<address>`, `<word>` and `<number>` stand for arguments. `needs` names features
of the platform, `level` the privilege. Commands that no router here has are not listed: the shell answers like IOS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from collector.lab.platforms import Platform
from collector.lab.render import basics, config, gdoi, ikev2, ipsec, isakmp, logging, maps, nhrp, qfp, session, version
from collector.lab.render.look import Lines, Look

__all__ = ["COMMANDS", "Command", "Lines", "Look"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One pattern of the exec grammar."""

    pattern: str
    render: Callable[[Look], Lines]
    level: int = 1
    needs: str = ""

    def exists_on(self, platform: Platform) -> bool:
        """Whether the image has it."""
        return (
            not self.needs
            or (self.needs == "ikev2" and platform.has_ikev2)
            or (self.needs == "xe" and platform.is_xe)
            or (self.needs == "xe16" and platform.is_xe and platform.era >= 2018)
        )


def _of(render: Callable[[Look], Lines], *patterns: str, level: int = 1, needs: str = "") -> tuple[Command, ...]:
    return tuple(Command(pattern=pattern, render=render, level=level, needs=needs) for pattern in patterns)


_QFP = "show platform hardware qfp active"
COMMANDS: tuple[Command, ...] = (
    *_of(version.show_version, "show version"),
    *_of(basics.show_clock, "show clock", "show clock detail"),
    *_of(basics.show_privilege, "show privilege"),
    *_of(basics.show_processes_cpu, "show processes cpu", "show processes cpu sorted"),
    *_of(basics.show_users, "show users"),
    *_of(basics.show_standby_brief, "show standby brief"),
    *_of(logging.show_logging, "show logging"),
    *_of(config.show_running_config, "show running-config", level=2),
    *_of(isakmp.show_isakmp_sa, "show crypto isakmp sa", "show crypto isakmp sa detail"),
    *_of(ikev2.show_ikev2_sa, "show crypto ikev2 sa", "show crypto ikev2 sa detailed", needs="ikev2"),
    *_of(ikev2.show_ikev2_session, "show crypto ikev2 session", needs="ikev2"),
    *_of(
        ipsec.show_ipsec_sa,
        "show crypto ipsec sa",
        "show crypto ipsec sa detail",
        "show crypto ipsec sa peer <address>",
        "show crypto ipsec sa peer <address> detail",
        "show crypto ipsec sa peer vrf <word> <address>",
        "show crypto ipsec sa interface <word>",
        "show crypto ipsec sa vrf <word>",
        "show crypto ipsec sa identity",
    ),
    *_of(ipsec.show_spi_lookup, "show crypto ipsec spi-lookup", "show crypto ipsec spi-lookup detail", needs="xe16"),
    *_of(ipsec.show_flowmib, "show crypto mib ipsec flowmib global"),
    *_of(
        session.show_session,
        "show crypto session",
        "show crypto session detail",
        "show crypto session remote <address>",
        "show crypto session remote <address> detail",
    ),
    *_of(maps.show_crypto_map, "show crypto map"),
    *_of(maps.show_dynamic_map, "show crypto dynamic-map"),
    *_of(maps.show_ipsec_profile, "show crypto ipsec profile"),
    *_of(gdoi.show_gdoi, "show crypto gdoi"),
    *_of(gdoi.show_gdoi_gm, "show crypto gdoi gm"),
    *_of(nhrp.show_nhrp, "show ip nhrp", "show ip nhrp detail"),
    *_of(nhrp.show_nhs, "show ip nhrp nhs", "show ip nhrp nhs detail"),
    *_of(nhrp.show_dmvpn, "show dmvpn", "show dmvpn detail"),
    *_of(
        qfp.datapath_drops,
        f"{_QFP} feature ipsec datapath drops",
        f"{_QFP} feature ipsec datapath drops all",
        level=15,
        needs="xe",
    ),
    *_of(qfp.statistics_drop, f"{_QFP} statistics drop", level=15, needs="xe"),
    *_of(qfp.statistics_drop_history, f"{_QFP} statistics drop history", level=15, needs="xe16"),
    *_of(qfp.show_drops, "show drops history qfp", level=15, needs="xe16"),
)
