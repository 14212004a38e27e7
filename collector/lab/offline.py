"""What routers would print, without SSH: for tests and for captures on paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from collector.lab import scenario
from collector.lab.exec import Shell
from collector.lab.model import Network
from collector.lab.world import World, wall_clock


def render_snapshot(
    name: str | Path | Mapping[str, Any] | Network,
    device: str,
    lines: Iterable[str],
    *,
    epoch: datetime | None = None,
    at: datetime | None = None,
    privilege: int | None = None,
) -> dict[str, str]:
    """Typed line -> what the router answers, echo and prompt taken off, in the order typed.

    epoch: the moment that the scenario's times count from (now); at: the moment of the look (the epoch). Same scenario,
    epoch and at, same text. privilege: as if logged in at that level. `terminal length 0` and `width 511` are set.
    """
    start = epoch or wall_clock()
    network = name if isinstance(name, Network) else scenario.load(name, epoch=start)
    world = World(network, lambda: at or network.epoch)
    typed = list(lines)
    return dict(zip(typed, answers(world, device, typed, privilege=privilege), strict=True))


def answers(world: World, device: str, lines: Iterable[str], *, privilege: int | None = None) -> list[str]:
    """The answers of one session to some lines."""
    written: list[str] = []
    shell = Shell(world, device, "lab", written.append, lambda: None)
    shell.screen.length, shell.screen.width = 0, 511
    if privilege is not None:
        shell.privilege = privilege
    found = []
    for line in lines:
        written.clear()
        shell.feed(line + "\r")
        text = "".join(written).replace("\r\n", "\n")
        found.append(text.removeprefix(line + "\n").removesuffix(shell.prompt))
    return found
