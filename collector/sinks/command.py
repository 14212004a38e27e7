"""A command of the user's: one JSON object on its stdin for each act, no shell; exit 0 means taken.

What it prints on its first line becomes the ticket's reference.
"""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import dataclass

from collector.errors import InventoryError
from collector.history.tickets import Step
from collector.session.environment import minimal
from collector.sinks.delivery import DeliveryError, Request, Settings, body, context

SECONDS = 60


@dataclass(frozen=True, slots=True)
class CommandSink:
    """command: words as a shell would split them; device text is never among them. environment: names of variables that
    it inherits beside the usual ones.
    """

    settings: Settings

    def requests(self, step: Step) -> tuple[Request, ...]:
        """The command and its stdin."""
        self._words()
        self._names()
        return (
            Request(method="RUN", url=self.settings.text("command"), body=self._stdin(step), purpose=step.act.value),
        )

    def deliver(self, step: Step) -> str | None:
        """Run it. Raises DeliveryError."""
        words = self._words()
        try:
            done = subprocess.run(  # noqa: S603 - the inventory's own command, without a shell
                words,
                input=self._stdin(step),
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=SECONDS,
                check=False,
                env=minimal(also=self._names()),
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DeliveryError(f"{words[0]}: {type(error).__name__}") from None
        if done.returncode:
            raise DeliveryError(f"{words[0]} ended with status {done.returncode}: {done.stderr[:200].strip()}")
        lines = done.stdout.splitlines()
        return lines[0].strip()[:200] if lines and lines[0].strip() else step.reference

    def _words(self) -> list[str]:
        try:
            return shlex.split(self.settings.text("command"))
        except ValueError as error:
            raise InventoryError(f"is no command: {error}", place=f"sinks.{self.settings.name}.command") from None

    def _names(self) -> list[str]:
        names = self.settings.options.get("environment", [])
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            raise InventoryError("is no list of names of variables", place=f"sinks.{self.settings.name}.environment")
        return names

    def _stdin(self, step: Step) -> str:
        return json.dumps({**context(step), "reference": step.reference, "text": body(step, self.settings.bodies)})
