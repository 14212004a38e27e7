"""Sinks: one file each, Report in, text out. A new format is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from collector.model import Report


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


FORMATS: dict[str, Callable[..., Iterator[str]]] = {
    "table": _table,
    "json": _json,
    "jsonl": _jsonl,
    "csv": _csv,
    "markdown": _markdown,
    "html": _html,
}

__all__ = ["FORMATS"]
