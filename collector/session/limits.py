"""How long each wait of a visit may last, and how much may come. The figures are those of FAULTS 2 and 4."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Phases:
    """Seconds that each step of a login may take."""

    handshake: float = 8.0
    auth: float = 15.0
    channel: float = 8.0
    shell: float = 20.0  # from the login on


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds and bytes that bound every read."""

    quiet: float = 0.12  # after a prompt, before it is believed
    prompt: float = 8.0  # without a byte, before the first prompt
    greeting: float = 25.0  # from shell to first prompt, however much comes
    idle: float = 10.0  # within an answer that has begun
    strange: float = 1.5  # without a byte, before another prompt than ours is believed
    over: float = 2.0  # without a byte, before a log message is taken to cover the prompt
    question: float = 0.6  # without a byte, before a password question or a pager is believed
    enable: float = 10.0  # from the secret to the router's word on it
    cap: int = 8 * MEBIBYTE
    cap_log: int = 32 * MEBIBYTE
    nap: float = 0.02  # between reads of a long answer: packets coalesce
