"""Prometheus Alertmanager v2: every open finding is an alert that lives until the next run is due.

An alert is a state, not a message: each run sends all of them again, `endsAt` three intervals ahead, so that a
collector that died lets its alerts end by themselves and a missed run does not. The count starts at the run that saw
the trouble, not at the sending: who sends an old ledger again keeps no alert alive.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from collector.errors import InventoryError
from collector.history.tickets import Act, Step
from collector.inventory.units import duration
from collector.sinks.delivery import MASK, Request, Settings, body, key_of, reference
from collector.sinks.document import finding_part
from collector.sinks.transport import base_url, pool_of, send

INTERVALS_AHEAD = 3
BATCH_ALERTS = 200
BATCH_BYTES = 512 * 1024


class AlertmanagerSink:
    """url: Alertmanager's own address; interval: how often runs are due (default 15m)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.pool = pool_of(settings)

    def requests(self, step: Step) -> tuple[Request, ...]:
        """The POST that tells this alert's state, alone."""
        return (self.batch_request((step,)),)

    def deliver(self, step: Step) -> str | None:
        """POST it alone. Raises DeliveryError."""
        return self.deliver_batch((step,))[0]

    def batches(self, steps: Sequence[Step]) -> Iterator[tuple[Step, ...]]:
        """As many as go into one POST: proxies before Alertmanager take a megabyte."""
        together: list[Step] = []
        size = 0
        for step in steps:
            length = len(json.dumps(self.alert(step, _now())))
            if together and (len(together) == BATCH_ALERTS or size + length > BATCH_BYTES):
                yield tuple(together)
                together, size = [], 0
            together.append(step)
            size += length
        if together:
            yield tuple(together)

    def batch_request(self, steps: Sequence[Step]) -> Request:
        """The POST that tells the state of these alerts, secrets masked."""
        return self._request(steps, masked=True)

    def deliver_batch(self, steps: Sequence[Step]) -> tuple[str | None, ...]:
        """POST them. Raises DeliveryError: of an array with one bad alert Alertmanager takes the others and says 400."""
        send(self.pool, self._request(steps, masked=False), ok=(200,))
        return tuple(key_of(step.finding) for step in steps)

    def _request(self, steps: Sequence[Step], *, masked: bool) -> Request:
        now = _now()
        return Request(
            method="POST",
            url=base_url(self.settings, masked=masked) + "/api/v2/alerts",
            headers={"Content-Type": "application/json", **self._auth(masked=masked)},
            body=json.dumps([self.alert(step, now) for step in steps]),
            purpose=steps[0].act.value if len(steps) == 1 else f"{len(steps)} alerts",
        )

    def alert(self, step: Step, now: datetime) -> dict[str, object]:
        """The alert as Alertmanager's OpenAPI schema wants it. Labels are its identity: no SPI, no time."""
        finding = finding_part(step.finding)
        labels = {
            "alertname": "IPsecSaOutOfStep",
            "finding": finding["id"],
            "rule": finding["rule"],
            "severity": {"error": "critical", "warning": "warning", "note": "info"}[finding["level"]],
            "device": finding["device"],
            "peer": finding["peer"] or "",
        }
        ends = now if step.act is Act.CLOSE else (step.at or now) + INTERVALS_AHEAD * self._interval()
        return {
            "labels": {key: value for key, value in labels.items() if value},
            "annotations": {"summary": finding["title"], "description": body(step, self.settings.bodies)},
            "startsAt": finding["first_seen"] or now.isoformat(),
            "endsAt": ends.isoformat(),
        }

    def _interval(self) -> timedelta:
        text = self.settings.text("interval", "15m")
        try:
            return duration(text)
        except ValueError as error:
            raise InventoryError(str(error), place=f"sinks.{self.settings.name}.interval") from None

    def _auth(self, *, masked: bool) -> dict[str, str]:
        auth = self.settings.options.get("auth")
        if not isinstance(auth, dict) or "token" not in auth:
            return {}
        place = f"sinks.{self.settings.name}.auth.token"
        token = MASK if masked else self.settings.secrets.resolve(reference(auth["token"], place), place).reveal()
        return {"Authorization": f"Bearer {token}"}


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - endsAt is wall clock
