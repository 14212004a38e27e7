"""Sinks: one file each, Report in, text out. A new format is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from collector.errors import InventoryError
from collector.model import Report

if TYPE_CHECKING:  # the ticket side loads jinja2 and urllib3: only for who has a tracker
    from collector.history.tickets import Limits
    from collector.session.secrets import Secrets
    from collector.sinks.delivery import Settings, TicketSink


def _table(report: Report, *, version: str) -> Iterator[str]:
    from collector.sinks import table  # noqa: PLC0415 - rich is loaded only for who reads tables

    return table.write(report, version=version)


def _json(report: Report, *, version: str) -> Iterator[str]:
    from collector.sinks import json  # noqa: PLC0415 - as above, kept alike

    return json.write(report, version=version)


def _jsonl(report: Report, *, version: str) -> Iterator[str]:
    from collector.sinks import jsonl  # noqa: PLC0415 - as above

    return jsonl.write(report, version=version)


def _csv(report: Report, *, version: str) -> Iterator[str]:
    from collector.sinks import csv  # noqa: PLC0415 - as above

    return csv.write(report, version=version)


def _markdown(report: Report, *, version: str) -> Iterator[str]:
    from collector.sinks import markdown  # noqa: PLC0415 - as above

    return markdown.write(report, version=version)


def _html(report: Report, *, version: str) -> Iterator[str]:
    from collector.sinks import html  # noqa: PLC0415 - jinja2 only for pages

    return html.write(report, version=version)


def _metrics(report: Report, *, version: str) -> Iterator[str]:
    from collector.sinks import metrics  # noqa: PLC0415 - prometheus-client only for metrics

    return metrics.write(report, version=version)


def ticket_sink(name: str, raw: Mapping[str, Any], secrets: Secrets) -> tuple[TicketSink, Limits]:
    """The ticket sink that an inventory's `sinks.NAME` describes. Raises InventoryError with the place."""
    from collector.sinks.delivery import check_keys, settings_of  # noqa: PLC0415 - tickets only

    settings = settings_of(name, raw, secrets)
    factory = TICKETS.get(settings.type)
    if factory is None:
        raise InventoryError(f"{settings.type!r} is no type: {', '.join(TICKETS)}", place=f"sinks.{name}.type")
    check_keys(settings)
    return factory(settings), settings.limits


def _alertmanager(settings: Settings) -> TicketSink:
    from collector.sinks.alertmanager import AlertmanagerSink  # noqa: PLC0415 - one sink a run

    return AlertmanagerSink(settings)


def _http(settings: Settings) -> TicketSink:
    from collector.sinks.http import HttpSink  # noqa: PLC0415 - one sink a run

    return HttpSink(settings)


def _command(settings: Settings) -> TicketSink:
    from collector.sinks.command import CommandSink  # noqa: PLC0415 - one sink a run

    return CommandSink(settings)


def _email(settings: Settings) -> TicketSink:
    from collector.sinks.email import EmailSink  # noqa: PLC0415 - one sink a run

    return EmailSink(settings)


TICKETS: dict[str, Callable[[Settings], TicketSink]] = {
    "alertmanager": _alertmanager,
    "http": _http,
    "command": _command,
    "email": _email,
}

FORMATS: dict[str, Callable[..., Iterator[str]]] = {
    "table": _table,
    "json": _json,
    "jsonl": _jsonl,
    "csv": _csv,
    "markdown": _markdown,
    "html": _html,
    "metrics": _metrics,
}

__all__ = ["FORMATS", "TICKETS", "ticket_sink"]
