"""Configuration mode: the one command that this lab is about, dead peer detection, and the way out."""

from __future__ import annotations

import re
from dataclasses import replace

from collector.lab.model import Dpd
from collector.lab.world import World

_RECOVERY = "crypto isakmp invalid-spi-recovery"
_KEEPALIVE = re.compile(r"crypto isakmp keepalive (\d+)(?: (\d+))?( periodic)?(?: on-demand)?")


def configure(world: World, name: str, mode: str, line: str) -> str | None:
    """The mode after a line ("" is the exec), or `None` for a line that is not understood."""
    words = " ".join(line.split())
    if words == "end":
        return ""
    if words == "exit":
        return "config" if mode == "config-if" else ""
    if words.startswith("interface "):
        return "config-if"
    device = world.device(name)
    if words in {_RECOVERY, "no " + _RECOVERY}:
        world.set_recovery(name, on=words == _RECOVERY)
    elif words == "no crypto isakmp keepalive":
        world.change(replace(device, dpd=replace(device.dpd, mode="off")))
    elif match := _KEEPALIVE.fullmatch(words):
        dpd = Dpd(mode="periodic" if match[3] else "on-demand", interval=int(match[1]), retry=int(match[2] or 2))
        world.change(replace(device, dpd=dpd))
    else:
        return None
    return mode
