"""`parse "show ..." [FILE]`: the rows of one capture, with proof of coverage, for who writes templates."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from collector.commands import CATALOGUE, read_capture, recognise, rows_of, unused
from collector.errors import Exit, UsageError
from collector.inventory.load import near
from collector.model import CaptureStatus


def parse(
    command: Annotated[str, typer.Argument(help='The command as typed, for example "show crypto isakmp sa".')],
    file: Annotated[str, typer.Argument(help="A file with its output; - is stdin.")] = "-",
) -> int:
    """Print {"command", "status", "rows", "unparsed_lines"} of one capture as JSON."""
    from collector.snapshot import capture_of_file  # noqa: PLC0415 - only this verb reads bare captures

    typed = recognise(command)
    if typed is None and (known := unused(command)) is not None:
        raise UsageError(str(known))
    if typed is None:
        hint = near(command, [entry.name for entry in CATALOGUE])
        raise UsageError(f"{command!r} is no command of the catalogue" + (f" - {hint}" if hint else "; see `commands`"))
    if file == "-":
        capture = capture_of_file(command, None, sys.stdin.buffer)
    else:
        path = Path(file)
        if not path.is_file():
            raise UsageError(f"{file}: no such file")
        capture = capture_of_file(command, path)
    reading = read_capture(capture)
    assert reading is not None
    answer = {
        "command": reading.command,
        "status": reading.status.value,
        "reason": reading.reason,
        "rows": rows_of(reading),
        "unparsed_lines": [{"line": item.line, "text": item.text} for item in reading.unparsed],
    }
    sys.stdout.write(json.dumps(answer, indent=1) + "\n")
    return Exit.DONE if reading.status is CaptureStatus.PARSED else Exit.PARTIAL
