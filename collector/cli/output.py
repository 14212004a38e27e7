"""Where a report goes: stdout in pieces, or a file written whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from importlib.metadata import version as package_version
from pathlib import Path
from tempfile import NamedTemporaryFile

from collector.cli.options import Format
from collector.errors import StateError, UsageError
from collector.model import Facts, Report
from collector.sinks import FORMATS

BY_SUFFIX = {
    ".json": Format.JSON,
    ".jsonl": Format.JSONL,
    ".csv": Format.CSV,
    ".md": Format.MARKDOWN,
    ".html": Format.HTML,
}


def tool_version() -> str:
    """The version of spi-collector that runs."""
    return package_version("spi-collector")


def emit(
    report: Report,
    *,
    wanted: Format | None,
    output: Path | None,
    every_peer: bool,
    concerned: Sequence[Facts] | None = None,
) -> None:
    """Print `report`, or write it to `output`; the file's ending chooses the format where none is given.

    concerned: the only devices that a table is to show, where not all.
    """
    chosen = wanted or (BY_SUFFIX.get(output.suffix, Format.TABLE) if output else Format.TABLE)
    pieces = _pieces(report, chosen, to_file=output is not None, every_peer=every_peer, concerned=concerned)
    if output is None:
        for piece in pieces:
            sys.stdout.write(piece)
        sys.stdout.flush()
        return
    write_whole(output, pieces)


def _pieces(
    report: Report, chosen: Format, *, to_file: bool, every_peer: bool, concerned: Sequence[Facts] | None
) -> Iterator[str]:
    if chosen is not Format.TABLE:
        return FORMATS[chosen.value](report, version=tool_version())
    from collector.sinks import table  # noqa: PLC0415 - rich only for tables

    terminal = sys.stdout.isatty() and not to_file
    return table.write(
        report,
        version=tool_version(),
        width=max(80, shutil.get_terminal_size((110, 40)).columns) if terminal else 110,
        color=terminal and not os.environ.get("NO_COLOR"),
        every_peer=every_peer,
        concerned=concerned,
    )


def placeable(path: Path) -> None:
    """Whether a file can be put there, as far as can be told before. Raises UsageError."""
    folder = path.parent
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder: cannot write {path.name} there")
    if path.is_dir():
        raise UsageError(f"{path} is a folder: name a file")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{folder}: permission denied: cannot write {path.name} there")


def write_whole(path: Path, pieces: Iterable[str], *, mode: int = 0o600) -> None:
    """`pieces` as the file `path` with `mode`, replaced in one step. Raises UsageError, StateError."""
    placeable(path)
    folder = path.parent
    temporary: Path | None = None
    try:
        with NamedTemporaryFile(
            "w", encoding="utf-8", newline="", dir=folder, prefix=f".{path.name}.", delete=False
        ) as file:
            temporary = Path(file.name)
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise StateError(f"cannot write {path}: {error.strerror}; what stood there before is untouched") from None
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def tell(message: str) -> None:
    """One line for the person, on stderr; nobody there to read it is no reason to end a run."""
    with suppress(OSError):
        sys.stderr.write(message + "\n")
