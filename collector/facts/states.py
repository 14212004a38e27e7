"""The state of one key (source, destination, protocol, SPI): the table of DOMAIN 7.2, the first row that matches.

Each row answers with a sentence that names its figures, or with nothing. Ages count back from the reading of the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from collector.model import CryptoConfig, Sighting, Spi, SpiState, State, Thresholds, last_age_of

# A flow takes the first of its keys' states in this order.
FLOW_ORDER = (
    State.PERSISTENT,
    State.PENDING,
    State.SCAN,
    State.UNKNOWN_SOURCE,
    State.RECURRING_REKEY,
    State.INSUFFICIENT_DATA,
    State.RESOLVED,
    State.HEALED,
    State.TRANSIENT,
    State.COUNTER_ONLY,
)

_CAP = timedelta(minutes=30)  # of the active window, however many flows share the limiter
DEFAULT_LIFETIME = timedelta(hours=1)  # of an IPsec SA, where the configuration names none
_AT_MOST_SHOWN = 3


def lifetime_of(config: CryptoConfig | None) -> timedelta:
    """How long this router's IPsec SAs live: as configured, else the default."""
    return (config.lifetime if config is not None else None) or DEFAULT_LIFETIME


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What all keys of a device share.

    active: how old the last line of a running flow may be. covers: how far back the log proves silence. flows_age: how
    long before the last reading of the log the IPsec SAs were read (below zero: after it). trend: of the unknown-SPI
    counters between two looks. after: the first of these looks is after the SAs were read too. clockless: the router's
    clock was not read, and the log's own last line stands for now. hidden: why the log proves less, with its figures.
    cut: the log was not read whole, so that one line may be one of many. lifetime: of this router's IPsec SAs.
    """

    limits: Thresholds
    active: timedelta
    covers: timedelta | None = None
    flows_age: timedelta | None = None
    trend: Literal["flat", "rose"] | None = None
    after: bool = False
    clockless: bool = False
    cut: bool = False
    hidden: str = ""
    lifetime: timedelta = DEFAULT_LIFETIME


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What is known of one key. sightings: in the order of the log.

    installed: where the SPI stands among this router's own ("inbound SA of Tunnel0"), "" where it does not.
    reborn: the sentence that proves a younger, working SA of that peer. scan, stranger, recurring: sentences, or "".
    runs: the sightings as `races` parts them, which `decide` does once for all rows.
    """

    spi: Spi | None
    sightings: tuple[Sighting, ...]
    installed: str = ""
    reborn: str = ""
    scan: str = ""
    stranger: str = ""
    recurring: str = ""
    runs: tuple[tuple[Sighting, ...], ...] = ()

    @property
    def count(self) -> int:
        """Log lines: a lower bound of the packets."""
        return len(self.sightings)

    @property
    def last_age(self) -> timedelta | None:
        """Age of the last line, `None` where a line has none."""
        return last_age_of(self.sightings)

    @property
    def span(self) -> timedelta | None:
        """From the first line to the last, `None` where a line could not be placed."""
        return span_of(self.sightings)


def span_of(sightings: Sequence[Sighting]) -> timedelta | None:
    """From the first line to the last, `None` where a line could not be placed."""
    if len(sightings) == 1:
        return timedelta()
    times = [s.at for s in sightings if s.at is not None]
    if len(times) == len(sightings):
        return max(times) - min(times)
    ages = [s.age for s in sightings if s.age is not None]
    return max(ages) - min(ages) if len(ages) == len(sightings) else None


def races(sightings: Sequence[Sighting], lifetime: timedelta, limits: Thresholds) -> tuple[tuple[Sighting, ...], ...]:
    """The lines of one SPI, as two where they part a lifetime from each other, else as one.

    An SPI may race when its SA is born and again when it dies, a lifetime (+- tolerance) later; with nothing between and
    each race within persistent_span these lines span no hole. Any other spacing, or a third line apart, is one run.
    """
    placed = sorted(((s.at, s) for s in sightings if s.at is not None), key=lambda pair: pair[0])
    if len(placed) != len(sightings):
        return (tuple(sightings),)
    slack = lifetime * limits.lifetime_tolerance
    ordered, times = tuple(s for _, s in placed), [at for at, _ in placed]
    for at in range(1, len(times)):
        if abs(times[at] - times[at - 1] - lifetime) <= slack:
            short = max(times[at - 1] - times[0], times[-1] - times[at]) < limits.persistent_span
            return (ordered[:at], ordered[at:]) if short else (ordered,)
    return (ordered,)


def active_window(last_ages: Iterable[timedelta | None], limits: Thresholds) -> timedelta:
    """active_window times the flows that were logged in it, at most 30 minutes: they may share one limiter."""
    flows = sum(age is not None and age < limits.active_window for age in last_ages)
    return max(limits.active_window, min(_CAP, limits.active_window * flows))


def decide(key: Key, scene: Scene) -> SpiState:
    """The state of `key`."""
    key = replace(key, runs=races(key.sightings, scene.lifetime, scene.limits))
    for row, state_of in ROWS:
        found = state_of(key, scene)
        if found is not None:
            return SpiState(spi=key.spi, sightings=key.sightings, state=found[0], why=found[1], row=row)
    raise AssertionError("row 13 takes whatever is left")


def flow_state(keys: Sequence[SpiState]) -> SpiState:
    """The key that speaks for its flow: the first state in FLOW_ORDER, the latest line among equals."""
    return min(keys, key=lambda key: (FLOW_ORDER.index(key.state), _last(key), key.spi or 0))


def _last(key: SpiState) -> timedelta:
    return min((s.age for s in key.sightings if s.age is not None), default=timedelta.max)


Answer = tuple[State, str] | None


def _row1(key: Key, _: Scene) -> Answer:
    event = key.sightings[0].event
    if any(not s.event.consistent for s in key.sightings):
        texts = f"{event.spi or 'not readable'} and {event.spi_decimal}"
        return State.INSUFFICIENT_DATA, f"hexadecimal and decimal SPI differ ({texts}): the line was altered"
    if event.source is None:
        return State.INSUFFICIENT_DATA, f"the source ({event.source_text or 'none'}) is no address"
    if key.last_age is None and not key.installed:
        return State.INSUFFICIENT_DATA, f"{_lines(key)} without a usable time, and no SA or other end that proves more"
    return None


def _row2(key: Key, scene: Scene) -> Answer:
    if not key.installed:
        return None
    if key.count == 1 and not scene.cut:
        return State.TRANSIENT, f"one line only, and this router holds the SPI ({key.installed}): a rekey race"
    read = scene.flows_age
    quiet = (
        read is not None
        and read >= scene.limits.relook_after
        and scene.covers is not None
        and scene.covers >= read
        and key.last_age is not None
        and key.last_age > read
    )
    if quiet and scene.trend == "flat":
        text = f"this router holds the SPI ({key.installed}); no line and flat counters in the {_seconds(read)} since"
        return State.TRANSIENT, text
    return None


def _row3(key: Key, scene: Scene) -> Answer:
    if not key.installed or key.count == 1 or key.span is None or key.last_age is None:
        return None
    limits, read = scene.limits, scene.flows_age
    held = f"although this router holds the SPI ({key.installed})"
    if _lasted(key.runs[-1], scene) and key.last_age < scene.active:
        return State.PERSISTENT, f"{_spread(key)}, {_fresh(key, scene)}, {held}"
    if read is not None and key.last_age < read:
        return (
            State.PERSISTENT,
            f"{_lines(key)}, the last {_seconds(read - key.last_age)} after the SAs were read, {held}",
        )
    if scene.trend == "rose" and scene.after:
        return State.PERSISTENT, f"{_lines(key)}, and the unknown-SPI counters rose after the SAs were read, {held}"
    if key.span < limits.persistent_span and key.last_age < limits.pending_age:
        return State.PENDING, f"{_lines(key)} within {_seconds(key.span)}, {held}: a race so far, look again"
    return None


def _row4(key: Key, scene: Scene) -> Answer:
    if key.count < 2 or not key.reborn or key.last_age is None:
        return None
    if key.last_age < scene.limits.persistent_span or not _silent(key, scene):
        return None
    return State.HEALED, f"{_lines(key)}, silence for {_seconds(key.last_age)}, and {key.reborn}"


def _row5(key: Key, _: Scene) -> Answer:
    return (State.SCAN, key.scan) if key.scan else None


def _row6(key: Key, _: Scene) -> Answer:
    return (State.UNKNOWN_SOURCE, key.stranger) if key.stranger else None


def _lasted(run: Sequence[Sighting], scene: Scene) -> bool:
    span = span_of(run)
    return len(run) >= 2 and span is not None and span >= scene.limits.persistent_span


def _row7(key: Key, scene: Scene) -> Answer:
    if not _lasted(key.runs[-1], scene) or key.last_age is None or key.last_age >= scene.active:
        return None
    text = f"{_spread(key)} (from {_seconds(scene.limits.persistent_span)} on), {_fresh(key, scene)}"
    return State.PERSISTENT, text


def _row8(key: Key, scene: Scene) -> Answer:
    if not _lasted(key.runs[-1], scene) or key.last_age is None or not _silent(key, scene):
        return None
    return State.RESOLVED, f"{_spread(key)}, and none for {_seconds(key.last_age)}, which the log covers"


def _once(key: Key, scene: Scene) -> bool:
    """Whether the last line stands alone, or almost."""
    span = span_of(key.runs[-1])
    return span is not None and span < scene.limits.persistent_span


def _row9(key: Key, scene: Scene) -> Answer:
    if not _once(key, scene) or key.last_age is None or key.last_age >= scene.limits.pending_age:
        return None
    text = f"{_lines(key)}{_within(key)}, {_seconds(key.last_age)} old: too young to tell, look again"
    return State.PENDING, text


def _row10(key: Key, _: Scene) -> Answer:
    return (State.RECURRING_REKEY, key.recurring) if key.recurring else None


def _row11(key: Key, scene: Scene) -> Answer:
    if not _once(key, scene) or key.last_age is None or not _silent(key, scene):
        return None
    text = (
        f"{_lines(key)}{_within(key)}, and none in the {_seconds(key.last_age)} since, which the log covers "
        f"({_seconds(scene.limits.pending_age)} are enough)"
    )
    return State.TRANSIENT, text


def _row13(key: Key, scene: Scene) -> Answer:
    if key.last_age is None:
        reason = "a line could not be placed in time"
    elif scene.covers is None:
        why = scene.hidden or "wrapped, filtered, cut, level, drops, or not read whole"
        reason = f"the log does not prove its own silence ({why})"
    else:
        reason = f"the last line is {_seconds(key.last_age)} old, the log covers {_seconds(scene.covers)} only"
        reason += f" ({scene.hidden})" if scene.hidden else ""
    return State.INSUFFICIENT_DATA, f"{_lines(key)}, and {reason}"


ROWS: tuple[tuple[int, Callable[[Key, Scene], Answer]], ...] = (
    (1, _row1),
    (2, _row2),
    (3, _row3),
    (4, _row4),
    (5, _row5),
    (6, _row6),
    (7, _row7),
    (8, _row8),
    (9, _row9),
    (10, _row10),
    (11, _row11),
    (13, _row13),  # row 12 has no line: see incidents
)


def _silent(key: Key, scene: Scene) -> bool:
    """Whether the log proves that nothing came since the last line."""
    return scene.covers is not None and key.last_age is not None and scene.covers >= key.last_age


def _lines(key: Key) -> str:
    return "1 line" if key.count == 1 else f"{key.count} lines"


def _within(key: Key) -> str:
    if key.count == 1 or key.span is None:
        return ""
    if len(key.runs) == 1:
        return f" within {_seconds(key.span)}"
    return f" a lifetime apart ({_seconds(key.span)}), as at the birth and at the death of an SA"


def _spread(key: Key) -> str:
    return f"{_lines(key)} with one SPI over {_seconds(key.span)}"


def _fresh(key: Key, scene: Scene) -> str:
    until = "the log's own last line, as no `show clock` stands before it" if scene.clockless else "the log was read"
    return f"the last {_seconds(key.last_age)} before {until} (running below {_seconds(scene.active)})"


def _seconds(length: timedelta | None) -> str:
    """A length for a reader: "61 s", "14 min", "3 h", "12 d"."""
    if length is None:
        return "an unknown time"
    seconds = round(length.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if (seconds >= 2 * size and size > 60) or seconds >= 10 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
