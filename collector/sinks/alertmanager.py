"""Prometheus Alertmanager v2: every open finding is an alert that lives until the next run is due.

An alert is a state, not a message: each run sends all of them again, `endsAt` three intervals ahead, so that a
collector that died lets its alerts end by themselves and a missed run does not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import urllib3

from collector.errors import InventoryError
from collector.history.tickets import Act, Step
from collector.inventory.units import duration
from collector.sinks.delivery import MASK, DeliveryError, Request, Settings, body, key_of, reference
from collector.sinks.document import finding_part

INTERVALS_AHEAD = 3


@dataclass(frozen=True, slots=True)
class AlertmanagerSink:
    """url: Alertmanager's own address; interval: how often runs are due (default 15m)."""

    settings: Settings

    def requests(self, step: Step) -> tuple[Request, ...]:
        """The one POST that tells this alert's state."""
        return (self._request(step, now=datetime.now(UTC), masked=True),)  # noqa: TID251 - endsAt is wall clock

    def deliver(self, step: Step) -> str | None:
        """POST it. Raises DeliveryError."""
        request = self._request(step, now=datetime.now(UTC), masked=False)  # noqa: TID251 - as above
        pool = urllib3.PoolManager(timeout=urllib3.Timeout(connect=5, read=20), retries=False)
        try:
            response = pool.request(
                request.method, request.url, headers=dict(request.headers), body=request.body.encode()
            )
        except urllib3.exceptions.HTTPError as error:
            raise DeliveryError(f"{urlsplit(request.url).netloc} did not answer ({type(error).__name__})") from None
        if response.status != 200:
            text = response.data[:300].decode("utf-8", "replace")
            raise DeliveryError(f"HTTP {response.status}: {text}", final=response.status == 400)
        return key_of(step.finding)

    def _request(self, step: Step, *, now: datetime, masked: bool) -> Request:
        return Request(
            method="POST",
            url=self.settings.text("url").rstrip("/") + "/api/v2/alerts",
            headers={"Content-Type": "application/json", **self._auth(masked=masked)},
            body=json.dumps([self.alert(step, now)]),
            purpose=step.act.value,
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
        ends = now if step.act is Act.CLOSE else now + INTERVALS_AHEAD * self._interval()
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
