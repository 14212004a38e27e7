"""Dead peer detection: `crypto isakmp keepalive`, `keepalive` of a profile, `crypto ikev2 dpd`, `dpd` of a profile."""

from __future__ import annotations

from typing import Literal

from collector.config.line import Line, is_number
from collector.model import Dpd


def to_dpd(rest: tuple[str, ...], line: Line) -> Dpd | None:
    """From the words behind the keyword: `10 [retry] [3] [periodic|on-demand]`; `None` where no number stands there.

    Without a keyword IOS probes on demand (Cisco, "IPsec Dead Peer Detection").
    """
    if line.negated:
        return Dpd(mode="off", evidence=(line.proof(),))
    numbers = [int(word) for word in rest if is_number(word) and len(word) < 7]
    if not numbers:
        return None
    mode: Literal["periodic", "on-demand"] = "on-demand"
    if any("periodic".startswith(word.lower()) for word in rest):
        mode = "periodic"
    return Dpd(mode=mode, interval=numbers[0], retry=numbers[1] if len(numbers) > 1 else None, evidence=(line.proof(),))
