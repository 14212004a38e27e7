"""show version: train, uptime, reload reason. Gates what an old ASR can log and tells a reset of counters.

The version is the one of the IOS line ("15.1(4)M12", "16.9.5"), on IOS XE too; where a filter left only the line
`Cisco IOS XE Software, Version 16.09.05`, that release. The last line of every release is the configuration register:
an unfiltered answer without it is cut.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from collector.commands.command import Command, Reading
from collector.commands.reading import read_table
from collector.errors import ErrorCode
from collector.model import CaptureStatus, Version
from collector.parse import Row
from collector.parse.duration import duration

_ONCE = ("onfiguration register is", " uptime is ", "System image file is")
_XE = ("ios-xe", "ios xe", "linux_iosd", "iosxe")


def records(rows: tuple[Row, ...]) -> tuple[Version, ...]:
    """Rows with XE_RELEASE, SOFTWARE, VERSION, HOSTNAME, UPTIME, ... -> Version."""
    return tuple(
        Version(
            line=row.line,
            family=_family(row),
            version=row.text("VERSION") or row.text("XE_RELEASE") or None,
            image=row.text("IMAGE") or None,
            hardware=row.text("HARDWARE") or None,
            hostname=row.text("HOSTNAME") or None,
            serial=row.text("SERIAL") or None,
            uptime=duration(row.text("UPTIME")),
            restarted=row.text("RESTARTED") or None,
            reload_reason=row.text("REASON") or row.text("RETURNED") or None,
            returned=row.text("RETURNED") or None,
        )
        for row in rows
    )


def _family(row: Row) -> Literal["ios", "ios-xe"] | None:
    software = row.text("SOFTWARE")
    if row.text("XE_RELEASE") or any(word in software.lower() for word in _XE):
        return "ios-xe"
    return "ios" if software else None


def read(lines: Iterable[str], filtered: str | None) -> Reading[Version]:
    """One record. Unfiltered it needs a version, an uptime and the configuration register, each once."""
    seen = dict.fromkeys(_ONCE, 0)
    reading = read_table(COMMAND, _watch(lines, seen), records)
    if reading.status is not CaptureStatus.PARSED:
        return reading
    record = reading.records[0]
    lacking = [name for name, value in (("version", record.version), ("uptime", record.uptime)) if value is None]
    if filtered is not None:
        lacking = lacking if len(lacking) == 2 else []
    elif not seen["onfiguration register is"]:
        lacking.append("last line (configuration register)")
    reason = f"{' and '.join(lacking)} not found" if lacking else ""
    if max(seen.values()) > 1:
        reason = "the text of more than one answer"
    if not reason:
        return reading
    return Reading(
        command=COMMAND.name,
        status=CaptureStatus.INCOMPLETE,
        records=reading.records,
        reason=reason,
        code=ErrorCode.PARSE,
    )


def _watch(lines: Iterable[str], seen: dict[str, int]) -> Iterator[str]:
    for line in lines:
        for words in seen:
            seen[words] += words in line
        yield line


COMMAND: Command[Version] = Command(
    name="show version",
    lines=("show version",),
    read=read,
    template="cisco_ios_show_version",
    about="train, uptime and reload reason",
)
