"""The tracker: it takes what a ticket sink sends, sometimes is away, and remembers when it was told what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from collector.history.tickets import Act, Step
from collector.sinks.delivery import DeliveryError, Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that the tracker took."""

    at: datetime
    act: Act
    ticket: str
    rule: str
    device: str
    children: tuple[str, ...]
    why: str


@dataclass(slots=True, kw_only=True)
class Tracker:
    """A ticket sink. away: whether it answers at a moment. wrong: what no tracker should be asked to do."""

    now: Callable[[], datetime]
    away: Callable[[datetime], bool]
    told: list[Told] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    turned_away: int = 0
    lost_answers: int = 0

    def requests(self, step: Step) -> tuple[Request, ...]:
        """Nothing to show."""
        del step
        return ()

    def deliver(self, step: Step) -> str | None:
        """Take a step; while away nothing is taken, or it is and the answer is lost."""
        at = self.now()
        if self.away(at):
            self.turned_away += 1
            if self.turned_away % 5 == 0:
                self.lost_answers += 1
                self._take(step, at, again=True)
            raise DeliveryError("no answer", stop=True)
        self._take(step, at, again=self.lost_answers > 0)
        return f"T-{step.finding.id[:6]}"

    def _take(self, step: Step, at: datetime, *, again: bool) -> None:
        """A key that is there already is found again where an answer was lost; else nobody should ask for it."""
        key = step.finding.id
        state = self.states.get(key)
        if step.act is Act.CREATE and state is not None:
            if not again:
                self.wrong.append(f"{at:%d %H:%M} {key} {step.finding.rule}: created although it was {state}")
            if state == "open":
                return
        if step.act in {Act.UPDATE, Act.CLOSE} and state is None:
            self.wrong.append(f"{at:%d %H:%M} {key} {step.finding.rule}: {step.act} of what was never created")
        if step.act is Act.CLOSE and state == "closed":
            return
        self.states[key] = "closed" if step.act is Act.CLOSE else "open"
        self.told.append(
            Told(
                at=at,
                act=step.act,
                ticket=key,
                rule=step.finding.rule,
                device=step.finding.device,
                children=step.children,
                why=step.why,
            )
        )
