"""A tracker over HTTP, driven by a YAML preset: search, create, update, reopen, close.

A preset is data: for each act a list of requests whose paths, headers and bodies are Jinja2 texts over the ticket's
names (`collector.sinks.delivery.context`), and paths into the JSON answers that are kept for the next request.
Before it creates, `search` looks for our key, and what is sent again looks for its mark (`unless`): after a crash in the
middle nothing is doubled. A ticket that `search` finds closed is reopened; where the tracker lets none be reopened
(`ends`), it is not found and made anew.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml
from jinja2 import Environment, Template, TemplateError

from collector.errors import InventoryError
from collector.history.tickets import Act, Step
from collector.sinks.delivery import MASK, DeliveryError, Request, Settings, body, context, environment, reference
from collector.sinks.transport import base_url, pool_of, send

ACTS = ("search", "create", "update", "reopen", "close")


def presets() -> dict[str, dict[str, Any]]:
    """Our presets by name."""
    folder = files("collector.sinks") / "presets"
    return {
        entry.name.removesuffix(".yaml"): yaml.safe_load(entry.read_text(encoding="utf-8"))
        for entry in sorted(folder.iterdir(), key=lambda item: item.name)
        if entry.name.endswith(".yaml")
    }


class HttpSink:
    """One tracker. url: its base; auth: {user, password} or {token}; variables: what the preset asks for."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        base_url(settings, masked=True)
        self.preset = _preset(settings)
        self.variables = _variables(settings, self.preset)
        self.jinja = environment(settings.bodies)
        self.pool = pool_of(settings)

    def requests(self, step: Step) -> tuple[Request, ...]:
        """What would be sent, secrets masked; values that only an answer can give stand as `<name>`."""
        known = _Known({"reference": step.reference or "<reference>"})
        acts = ["search", step.act.value] if step.act is Act.CREATE and self.preset.get("search") else [step.act.value]
        return tuple(
            self._request(raw, step, known, act, masked=True) for act in acts for raw in _steps(self.preset, act)
        )

    def deliver(self, step: Step) -> str | None:
        """Send the requests of one step; the reference of the ticket. Raises DeliveryError."""
        step = self._found(step)
        if step.act is Act.NOTHING:
            return step.reference
        known: dict[str, Any] = {"reference": step.reference}
        for raw in _steps(self.preset, step.act.value):
            if self._needless(raw, step, known):
                continue
            answer = self._send(self._request(raw, step, known, step.act.value, masked=False), raw)
            for name, path in (raw.get("save") or {}).items():
                known[name] = _dig(answer, path)
                if known[name] is None:
                    raise DeliveryError(f"the answer to {step.act.value} has no {path}")
        found = known.get("reference")
        return str(found) if found is not None else None

    def _found(self, step: Step) -> Step:
        """The step with the ticket that stands in the tracker, and what is left to do about it."""
        searched = bool(self.preset.get("search")) and (step.reference is None or bool(self.preset.get("ends")))
        if searched:
            reference, closed = self._search(step)
            step = replace(step, reference=reference)
            if step.act is Act.CREATE and reference is not None:  # a run that died made it, or one of another ledger
                return replace(step, act=Act.REOPEN if closed else Act.NOTHING)
        if step.reference is not None or self.preset.get("keyed") or step.act is Act.CREATE:
            return step
        if step.act is Act.CLOSE:
            return replace(step, act=Act.NOTHING)  # nothing of ours is there to close
        if self.preset.get("ends"):
            return replace(step, act=Act.CREATE)
        raise DeliveryError(f"the ticket of {step.finding.id} is not there any more", final=True)

    def _search(self, step: Step) -> tuple[str | None, bool]:
        """The newest ticket with our key, and whether it is closed."""
        for raw in _steps(self.preset, "search"):
            answer = self._send(self._request(raw, step, {"reference": None}, "search", masked=False), raw)
            found = _dig(answer, raw["found"])
            if isinstance(found, list) and found:
                value = _dig(found[0], raw["reference"]) if raw.get("reference") else found[0]
                return str(value), self._is(found[0], raw.get("closed"))
        return None, False

    def _is(self, answer: Any, state: Mapping[str, Any] | None) -> bool:
        """Whether `answer` has at `at` one of the texts of `in`."""
        if state is None:
            return False
        return str(_dig(answer, state["at"])) in [self._render(text, self.variables) for text in state["in"]]

    def _needless(self, raw: Mapping[str, Any], step: Step, known: dict[str, Any]) -> bool:
        """Whether the tracker has it already: the state (`at`, `in`), or, when sent again, the mark of this act."""
        look = raw.get("unless")
        if look is None or ("at" not in look and not step.tries):
            return False
        answer = self._send(self._request(look, step, known, "look", masked=False), look)
        if "at" in look:
            return self._is(answer, look)
        if "contains" in look:
            return self._render(look["contains"], context(step)) in json.dumps(answer)
        found = _dig(answer, look["found"])
        if not isinstance(found, list) or not found:
            return False
        known.update({name: _dig(found[0], path) for name, path in (look.get("save") or {}).items()})
        return True

    def _request(
        self, raw: Mapping[str, Any], step: Step, known: Mapping[str, Any], purpose: str, *, masked: bool
    ) -> Request:
        names = {
            **context(step),
            **self.variables,
            **known,
            "known": known,
            "text": body(step, self.settings.bodies),
        }
        if self.preset.get("auth") == "body":  # a value of the preset's templates; text of a device is never one
            names["token"] = self._token(masked=masked)
        headers = {**(self.preset.get("headers") or {}), **(raw.get("headers") or {})}
        rendered = {key: self._render(value, names) for key, value in headers.items()}
        rendered.update(self._auth(masked=masked))
        text = ""
        if raw.get("body") is not None:
            text = json.dumps(self._tree(raw["body"], names))
            rendered.setdefault("Content-Type", "application/json")
        elif raw.get("form") is not None:
            text = urlencode(self._tree(raw["form"], names))
            rendered.setdefault("Content-Type", "application/x-www-form-urlencoded")
        return Request(
            method=raw.get("method", "POST"),
            url=base_url(self.settings, masked=masked) + self._render(raw.get("path", ""), names),
            headers=rendered,
            body=text,
            purpose=purpose,
        )

    def _render(self, text: Any, names: Mapping[str, Any]) -> str:
        try:
            return compiled(self.jinja, str(text)).render(**names)
        except TemplateError as error:
            raise InventoryError(f"{text!r}: {error}", place=f"sinks.{self.settings.name}.preset") from None

    def _tree(self, value: Any, names: Mapping[str, Any]) -> Any:
        if isinstance(value, str):
            return self._render(value, names)
        if isinstance(value, dict):
            return {key: self._tree(item, names) for key, item in value.items()}
        if isinstance(value, list):
            return [self._tree(item, names) for item in value]
        return value

    def _auth(self, *, masked: bool) -> dict[str, str]:
        auth = self.settings.options.get("auth") or {}
        place = f"sinks.{self.settings.name}.auth"
        if "token" in auth and self.preset.get("auth") != "body":
            form = self.preset.get("token_header", "Authorization: Bearer {}")
            name, _, value = form.partition(": ")
            return {name: value.format(MASK if masked else self._token(masked=False))}
        if "user" in auth:
            user = auth["user"] if isinstance(auth["user"], str) else self._secret(auth["user"], f"{place}.user")
            if masked:
                return {"Authorization": f"Basic {MASK}"}
            password = self._secret(auth.get("password"), f"{place}.password")
            pair = base64.b64encode(f"{user}:{password}".encode()).decode()
            return {"Authorization": f"Basic {pair}"}
        return {}

    def _token(self, *, masked: bool) -> str:
        auth = self.settings.options.get("auth") or {}
        if "token" not in auth:
            raise InventoryError("`token` is missing", place=f"sinks.{self.settings.name}.auth")
        return MASK if masked else self._secret(auth["token"], f"sinks.{self.settings.name}.auth.token")

    def _secret(self, value: object, place: str) -> str:
        return self.settings.secrets.resolve(reference(value, place), place).reveal()

    def _send(self, request: Request, raw: Mapping[str, Any]) -> Any:
        return _answer(send(self.pool, request, ok=tuple(raw.get("ok") or ())).data)


@lru_cache(maxsize=512)
def compiled(jinja: Environment, text: str) -> Template:
    """A preset's text, compiled once."""
    return jinja.from_string(text)


class _Known(dict[str, Any]):
    """In a plan, a value that only an answer gives is shown as `<name>`."""

    def __missing__(self, key: str) -> str:
        return f"<{key}>"


def _answer(data: bytes) -> Any:
    try:
        return json.loads(data) if data.strip() else {}
    except ValueError:
        return {"text": data.decode("utf-8", "replace")}


def _dig(value: Any, path: str) -> Any:
    """`data.collection.0.id` into nested dicts and lists; `None` where it ends early."""
    for part in path.split(".") if path else ():
        if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        elif isinstance(value, dict) and part in value:
            value = value[part]
        else:
            return None
    return value


def _steps(preset: Mapping[str, Any], act: str) -> Sequence[Mapping[str, Any]]:
    found = preset.get(act) or (preset.get("update") if act == "reopen" else None) or ()
    return [found] if isinstance(found, dict) else list(found)


def _preset(settings: Settings) -> dict[str, Any]:
    chosen = settings.text("preset", "webhook")
    if chosen.endswith((".yaml", ".yml")):
        path = Path(chosen).expanduser()
        try:
            found = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError) as error:
            why = getattr(error, "strerror", None) or error
            raise InventoryError(f"{path} cannot be read: {why}", place=f"sinks.{settings.name}.preset") from None
    else:
        found = presets().get(chosen)
        if found is None:
            raise InventoryError(
                f"no preset {chosen!r}: {', '.join(presets())}, or the path of a YAML file",
                place=f"sinks.{settings.name}.preset",
            )
    if not isinstance(found, dict) or not found.get("create"):
        raise InventoryError("the preset has no `create`", place=f"sinks.{settings.name}.preset")
    return found


def _variables(settings: Settings, preset: Mapping[str, Any]) -> dict[str, Any]:
    given = settings.options.get("variables") or {}
    wanted: Mapping[str, Any] = preset.get("variables") or {}
    unknown = sorted(set(given) - set(wanted))
    if unknown:
        raise InventoryError(
            f"unknown: {unknown[0]}; the preset takes {', '.join(wanted) or 'none'}",
            place=f"sinks.{settings.name}.variables",
        )
    missing = sorted(name for name, default in wanted.items() if default is None and name not in given)
    if missing:
        raise InventoryError("is missing", place=f"sinks.{settings.name}.variables.{missing[0]}")
    return {**wanted, **given}
