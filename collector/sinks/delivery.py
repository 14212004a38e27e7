"""What all ticket sinks share: settings, the texts of a ticket, requests as data, and how a delivery can fail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
    TemplateNotFound,
)

from collector.errors import InventoryError
from collector.history.tickets import Act, Limits, Step
from collector.inventory import near
from collector.model import Finding, Level, Reference
from collector.session.secrets import Secrets
from collector.sinks.document import finding_part
from collector.sinks.render import one_line, safe

MASK = "********"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it will leave: for `tickets plan`, with secrets masked, and for sending, with them."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    purpose: str = ""  # search, create, comment, close ...


class DeliveryError(Exception):
    """A delivery failed; `retry_after` seconds where the server said so, `final` where trying again is useless.

    stop: it is not about this ticket, the tracker itself is away, full or refuses us: the others wait too.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, final: bool = False, stop: bool = False
    ) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after
        self.final = final
        self.stop = stop


class TicketSink(Protocol):
    """A place where tickets live."""

    def requests(self, step: Step) -> tuple[Request, ...]:
        """What `deliver` would send for `step`, secrets masked."""

    def deliver(self, step: Step) -> str | None:
        """Send; the ticket's reference where the tracker gives one. Raises DeliveryError."""


@runtime_checkable
class BatchSink(Protocol):
    """A place that takes many at once. Each step is noted by itself all the same."""

    def batches(self, steps: Sequence[Step]) -> Iterator[tuple[Step, ...]]:
        """The steps in their order, as many at a time as go into one request."""

    def batch_request(self, steps: Sequence[Step]) -> Request:
        """What `deliver_batch` would send, secrets masked."""

    def deliver_batch(self, steps: Sequence[Step]) -> tuple[str | None, ...]:
        """Send; the reference of each. Raises DeliveryError, and then none counts as sent."""


def batches(target: TicketSink, steps: Sequence[Step]) -> Iterator[tuple[Step, ...]]:
    """The steps as they are sent: together where the sink takes many at once, else one by one."""
    yield from target.batches(steps) if isinstance(target, BatchSink) else ((step,) for step in steps)


def requests_of(target: TicketSink, steps: Sequence[Step]) -> tuple[Request, ...]:
    """What would be sent for one of `batches`, secrets masked."""
    if isinstance(target, BatchSink):
        return (target.batch_request(steps),)
    return tuple(request for step in steps for request in target.requests(step))


def deliver(target: TicketSink, steps: Sequence[Step]) -> tuple[str | None, ...]:
    """Send one of `batches`; the reference of each. Raises DeliveryError."""
    if isinstance(target, BatchSink):
        return target.deliver_batch(steps)
    return tuple(target.deliver(step) for step in steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One entry of the inventory's `sinks:`. options: the keys of its type."""

    name: str
    type: str
    options: Mapping[str, Any]
    secrets: Secrets
    limits: Limits = Limits()
    bodies: Path | None = None  # a folder whose templates replace ours

    def text(self, key: str, default: str | None = None) -> str:
        """An option that must be text. Raises InventoryError with its place."""
        value = self.options.get(key, default)
        if not isinstance(value, str) or not value:
            raise InventoryError("is missing or no text", place=f"sinks.{self.name}.{key}")
        return value


STATE_LIKE = frozenset({"alertmanager"})  # these group and silence by themselves, and forget what is not told again
UNLIMITED = 1_000_000
LIMIT_KEYS = frozenset({"min_level", "cap", "parent_from", "open_runs", "bodies"})
KEYS = {  # of each type, beside those
    "alertmanager": ("url", "interval", "auth", "ca_file"),
    "http": ("url", "preset", "auth", "variables", "ca_file"),
    "command": ("command", "environment"),
    "email": ("host", "port", "from", "to", "starttls", "ca_file", "auth"),
}
NEEDED = {"alertmanager": ("url",), "http": ("url",), "command": ("command",), "email": ("host", "from", "to")}
AUTH_KEYS = {"alertmanager": ("token",), "http": ("user", "password", "token"), "email": ("user", "password")}


def settings_of(name: str, raw: Mapping[str, Any], secrets: Secrets) -> Settings:
    """The checked common part of a sink's entry. Raises InventoryError with the place."""
    place = f"sinks.{name}"
    kind = raw.get("type")
    if not isinstance(kind, str):
        raise InventoryError("`type` is missing", place=place)
    state_like = kind in STATE_LIKE
    numbers = {"cap": UNLIMITED, "parent_from": UNLIMITED} if state_like else {}
    for key in ("cap", "parent_from", "open_runs"):
        if key in raw:
            if not str(raw[key]).isdecimal() or int(raw[key]) < 1:
                raise InventoryError(f"{raw[key]!r} is no whole number above 0", place=f"{place}.{key}")
            numbers[key] = int(raw[key])
    level = raw.get("min_level", "error")
    if level not in {item.value for item in Level}:
        raise InventoryError(f"{level!r} is no level: error, warning or note", place=f"{place}.min_level")
    bodies = raw.get("bodies")
    return Settings(
        name=name,
        type=kind,
        options={key: value for key, value in raw.items() if key not in {"type", *LIMIT_KEYS}},
        secrets=secrets,
        limits=Limits(min_level=Level(level), refresh=state_like, **numbers),
        bodies=Path(bodies).expanduser() if isinstance(bodies, str) else None,
    )


def reference(value: object, place: str) -> Reference:
    """A secret by reference, as in the inventory: {env: NAME}, {file: PATH}, ... Raises InventoryError."""
    kinds = ("env", "file", "command", "systemd", "keyring")
    if isinstance(value, dict) and len(value) == 1:
        kind, text = next(iter(value.items()))
        if kind in kinds and isinstance(text, str) and text:
            return Reference(kind=kind, value=text)
    raise InventoryError("say where the secret is: {env: NAME}, {file: PATH} or {command: ...}", place=place)


def check_keys(settings: Settings) -> None:
    """Refuse a key that nobody reads (a misspelt one would be as if it were not there) and want those that must be there.

    Raises InventoryError with the place.
    """
    place = f"sinks.{settings.name}"
    known = (*KEYS[settings.type], *LIMIT_KEYS, "type")
    for key in settings.options:
        if key not in known:
            raise InventoryError("unknown key", place=f"{place}.{key}", hint=near(str(key), known))
    for key in NEEDED[settings.type]:
        if not (key == "url" and isinstance(settings.options.get(key), dict)):
            settings.text(key)
    auth = settings.options.get("auth", {})
    wanted = AUTH_KEYS.get(settings.type, ())
    if not isinstance(auth, dict):
        raise InventoryError(f"wants {{{', '.join(wanted)}}}", place=f"{place}.auth")
    for key in auth:
        if key not in wanted:
            raise InventoryError("unknown key", place=f"{place}.auth.{key}", hint=near(str(key), wanted))
    references(settings)


def references(settings: Settings) -> tuple[tuple[str, Reference], ...]:
    """The secrets that a sink will want, each with its place. A user's name, and an address, may stand as they are.

    Raises InventoryError.
    """
    auth = settings.options.get("auth")
    wanted = {f"auth.{key}": value for key, value in auth.items()} if isinstance(auth, dict) else {}
    wanted["url"] = settings.options.get("url")
    return tuple(
        (f"sinks.{settings.name}.{key}", reference(value, f"sinks.{settings.name}.{key}"))
        for key, value in wanted.items()
        if (key != "auth.user" or not isinstance(value, str)) and (key != "url" or isinstance(value, dict))
    )


def key_of(finding: Finding) -> str:
    """What a ticket of ours is found by in a tracker: stable, and unlikely in anybody else's text."""
    return f"spi-collector-{finding.id}"


def mark_of(step: Step) -> str:
    """What one act is known by, at each try of it: a tracker that has it has what is about to be sent again."""
    return f"{key_of(step.finding)}.{step.mark}"


def summary(step: Step) -> str:
    """A ticket's title, on one line, at most 200 characters."""
    finding = step.finding
    peer = f" <- {finding.peer}" if finding.peer else ""
    return one_line(f"[{finding.rule}] {finding.device}{peer}: {finding.title}")[:200]


@lru_cache(maxsize=8)
def environment(bodies: Path | None) -> Environment:
    """Jinja2 for ticket bodies: plain text, unknown names are errors; the user's folder comes before ours."""
    loaders: list[BaseLoader] = [] if bodies is None else [FileSystemLoader(bodies)]
    made = Environment(  # noqa: S701 - bodies are plain text, each sink escapes as its target needs
        loader=ChoiceLoader([*loaders, _Ours()]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["broken"] = broken
    return made


def broken(text: str, *words: str) -> str:
    """A filter: `text` with a blank after the first character of each of `words`, so that they are no mark-up."""
    for word in words:
        text = re.sub(re.escape(word), lambda match: f"{match[0][0]} {match[0][1:]}", text, flags=re.IGNORECASE)
    return text


class _Ours(BaseLoader):
    def get_source(self, environment: Environment, template: str) -> tuple[str, str | None, Any]:
        del environment
        file = files("collector.sinks") / "bodies" / template
        if "/" in template or not file.is_file():
            raise TemplateNotFound(template)
        return file.read_text(encoding="utf-8"), None, lambda: True


def body(step: Step, bodies: Path | None, *, template: str = "") -> str:
    """The text of a ticket or of its next comment, from a Jinja2 template (`ticket.txt.j2`, `closed.txt.j2`)."""
    name = template or ("closed.txt.j2" if step.act is Act.CLOSE else "ticket.txt.j2")
    try:
        return safe(environment(bodies).get_template(name).render(**context(step)))
    except TemplateError as error:
        raise InventoryError(f"{type(error).__name__}: {error}", place=f"{bodies or 'bodies'}: {name}") from None


def context(step: Step) -> dict[str, Any]:
    """The names that templates and presets may use."""
    return {
        "finding": finding_part(step.finding),
        "key": key_of(step.finding),
        "summary": summary(step),
        "act": step.act.value,
        "why": safe(step.why),
        "children": list(step.children),
        "mark": mark_of(step),
    }
