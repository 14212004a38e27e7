"""A snapshot as a folder: snapshot.json and one text a capture. Written by `sweep --save`, read by `analyze`.

Nothing is written in place: texts get names that are not in use, snapshot.json is replaced last, then what it no longer
names goes. Killed at any point, the folder holds the old visit or the new one, whole. Texts are redacted on the way in
and on the way out, and otherwise come back octet for octet. Files 0600, folders 0700, links are not followed.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from collector.errors import ErrorCode, StateError
from collector.model import Capture, Device, Failure, Snapshot, plain
from collector.parse import redact, redact_lines, redact_quoted
from collector.snapshot.names import INDEX, capture_file, is_plain_name, slug
from collector.snapshot.text import LARGE

FORMAT = 1
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def write(snapshot: Snapshot, folder: Path) -> Path:
    """Write `snapshot` into its own subfolder of `folder` and return that. StateError where the disk refuses."""
    home = folder / slug(snapshot.device.name)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if home.is_symlink():
            raise NotADirectoryError(20, "a link stands where the device's folder belongs")
        home.mkdir(mode=0o700, exist_ok=True)
        taken = {entry.name for entry in home.iterdir()}
        files: list[str] = []
        for number, capture in enumerate(snapshot.captures, 1):
            name = capture_file(number, capture.command, taken | set(files))
            _write_whole(home / name, _octets(capture))
            files.append(name)
        index = json.dumps(_index(snapshot, files), indent=1, ensure_ascii=True, sort_keys=False) + "\n"
        _write_whole(home / INDEX, [index.encode("ascii")])
        _forget(home, {INDEX, *files})
        _sync(home)
    except OSError as error:
        raise StateError(f"{home}: cannot be written: {error.strerror or error}") from None
    return home


def read(path: Path) -> Snapshot:
    """The snapshot in the folder `path` (or beside the snapshot.json that it names). StateError where it is damaged."""
    home = path.parent if path.name == INDEX else path
    index = read_index(home)
    try:
        return Snapshot(
            device=_device(index["device"]),
            captures=tuple(_capture(home, entry) for entry in index["captures"]),
            failures=tuple(_failure(entry) for entry in index["failures"]),
            hostname=index.get("hostname"),
            started_at=_time(index.get("started_at")),
            finished_at=_time(index.get("finished_at")),
            origin=str(index.get("origin", "visit")),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StateError(f"{home / INDEX}: not a snapshot of this program ({type(error).__name__}: {error})") from None


def read_index(home: Path) -> dict[str, Any]:
    """The content of snapshot.json, texts not looked at."""
    file = home / INDEX
    try:
        index = json.loads(_read_octets(file))
    except OSError as error:
        raise StateError(f"{file}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError):
        raise StateError(f"{file}: not a snapshot of this program (no JSON)") from None
    if not isinstance(index, dict) or not isinstance(index.get("device"), dict):
        raise StateError(f"{file}: not a snapshot of this program (it names no device)")
    if index.get("format") != FORMAT:
        raise StateError(
            f"{file}: written by another version (format {index.get('format')!r}, this one reads {FORMAT})"
        )
    return index


def _index(snapshot: Snapshot, files: Iterable[str]) -> dict[str, Any]:
    device = snapshot.device
    return {
        "format": FORMAT,
        "device": {
            "name": device.name,
            "host": device.host,
            "platform": device.platform,
            "port": device.port,
            "groups": list(device.groups),
            "data": plain(device.data),
        },
        "hostname": snapshot.hostname,
        "origin": snapshot.origin,
        "started_at": plain(snapshot.started_at),
        "finished_at": plain(snapshot.finished_at),
        "failures": [_plain_failure(failure) for failure in snapshot.failures],
        "captures": [
            {
                "command": capture.command,
                "file": file,
                "taken_at": plain(capture.taken_at),
                "complete": capture.complete,
                "note": redact(capture.note),
                "failure": _plain_failure(capture.failure) if capture.failure else None,
            }
            for capture, file in zip(snapshot.captures, files, strict=True)
        ],
    }


def _plain_failure(failure: Failure) -> dict[str, Any]:
    values: dict[str, Any] = plain(failure)
    values["message"] = redact_quoted(failure.message)
    del values["cause"]  # the message says it
    return values


def _device(entry: Mapping[str, Any]) -> Device:
    return Device(
        name=_text(entry["name"]),
        host=_text(entry["host"]),
        platform=_text(entry.get("platform", "cisco_ios")),
        port=int(entry.get("port", 22)),
        groups=tuple(_text(group) for group in entry.get("groups", ())),
        data=dict(entry.get("data") or {}),
    )


def _capture(home: Path, entry: Mapping[str, Any]) -> Capture:
    name = entry["file"]
    if not isinstance(name, str) or not is_plain_name(name):
        raise StateError(f"{home / INDEX}: {name!r} is no file of this folder")
    file = home / name
    failure = entry.get("failure")
    try:
        large = file.stat(follow_symlinks=False).st_size > LARGE and not file.is_symlink()
        text = "" if large else _decode(_read_octets(file))
    except OSError as error:
        raise StateError(f"{file}: cannot be read: {error.strerror or error}") from None
    return Capture(
        command=_text(entry["command"]),
        text=redact(text),
        taken_at=_time(entry.get("taken_at")),
        complete=bool(entry.get("complete", True)),
        note=_text(entry.get("note", "")),
        failure=_failure(failure) if failure else None,
        source=name,
        path=file if large else None,
        span=None,
    )


def _failure(entry: Mapping[str, Any]) -> Failure:
    command = entry.get("command")
    return Failure(
        code=ErrorCode(entry["code"]),
        phase=_text(entry["phase"]),
        message=_text(entry["message"]),
        command=None if command is None else _text(command),
        hint=_text(entry.get("hint", "")),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _time(value: object) -> datetime | None:
    return None if value is None else datetime.fromisoformat(_text(value))


def _octets(capture: Capture) -> Iterator[bytes]:
    if capture.path is None:
        yield redact(capture.text).encode("utf-8", "surrogatepass")
        return
    for line in redact_lines(capture.lines()):
        yield f"{line}\n".encode("utf-8", "surrogatepass")


def _decode(octets: bytes) -> str:
    try:
        return octets.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return octets.decode("utf-8", "backslashreplace")


def _read_octets(file: Path) -> bytes:
    with open(os.open(file, os.O_RDONLY | _NO_FOLLOW), "rb") as opened:  # noqa: PTH123 - a descriptor, links refused
        return opened.read()


def _write_whole(file: Path, octets: Iterable[bytes]) -> None:
    """The whole file or none: temporary file beside it, synced, then renamed over."""
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(6)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW, 0o600)
    try:
        with open(descriptor, "wb") as opened:  # noqa: PTH123 - a descriptor, made with its mode
            opened.writelines(octets)
            opened.flush()
            os.fsync(opened.fileno())
        temporary.replace(file)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _forget(home: Path, kept: set[str]) -> None:
    """Remove what earlier visits left: texts that no index names, and temporary files."""
    for entry in home.iterdir():
        if entry.name not in kept and (entry.suffix == ".txt" or entry.name.startswith(".")) and entry.is_file():
            entry.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
