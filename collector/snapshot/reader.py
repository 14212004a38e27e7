"""Any files and folders -> snapshots, one a device: what each file is, whose it is, and which belong together."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from collector.errors import ErrorCode, StateError, UsageError
from collector.model import Capture, Device, Failure, Snapshot
from collector.snapshot import bare, configuration, paste, prompts, store, syslog, techsupport
from collector.snapshot.names import INDEX
from collector.snapshot.stray import Stray
from collector.snapshot.text import Document, document, open_document, outdented, unprefixed

_LOG = logging.getLogger("collector.snapshot")
_UPTIME = re.compile(r"^[ \t]{0,8}(\S{1,63}) uptime is \d", re.MULTILINE)
_XE = re.compile(r"IOS[ -]XE|LINUX_IOSD|hardware qfp active", re.IGNORECASE)
_NOT_OURS = frozenset({"CVS", "__pycache__", "router.db"})
STDIN = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Saved:
    """A saved folder. named: it was asked for by its own path, so that its damage is the caller's to hear of."""

    home: Path
    named: bool


@dataclass(slots=True)
class _Found:
    """What is known of one device: saved folders, read when asked for, and snapshots of other origin, in order."""

    name: str
    parts: list[_Saved | Snapshot] = field(default_factory=list)


@dataclass(slots=True)
class _Devices:
    """Devices by name; a saved device also answers to its hostname and its address."""

    found: list[_Found] = field(default_factory=list)
    names: dict[str, _Found] = field(default_factory=dict)
    aliases: dict[str, _Found | None] = field(default_factory=dict)  # None: two devices answer to it

    def parts(self) -> int:
        """How many snapshots were found."""
        return sum(len(device.parts) for device in self.found)

    def add(self, name: str, part: _Saved | Snapshot, aliases: Sequence[str] = ()) -> None:
        device = self.names.get(name.casefold()) or self.aliases.get(name.casefold())
        if device is None:
            device = _Found(name)
            self.found.append(device)
            self.names[name.casefold()] = device
        device.parts.append(part)
        for alias in aliases:
            key = alias.casefold()
            self.aliases[key] = device if self.aliases.get(key, device) is device else None


def read_paths(paths: Sequence[str], stdin: BinaryIO | None = None) -> Iterator[Snapshot]:
    """Snapshots of everything in `paths`, one a device, in the order in which the devices were first met.

    A path is a saved folder, a folder of such or of files, a file, or `-` (stdin). UsageError for what was named and
    cannot be read; within a folder such a file is told in the log and passed over, as long as another one is good.
    """
    devices = _Devices()
    later: list[_Item] = []
    for path in paths:
        if path == STDIN:
            later.append(_classified(document(_all_of(stdin), "stdin")))
        else:
            _collect(Path(path), devices, later)
    for item in later:
        snapshots = list(_snapshots_of(item))
        for snapshot in snapshots:
            devices.add(snapshot.device.name, snapshot)
        if not snapshots:
            _LOG.warning("passed over: %s: no message of a router in it", item.document.source)
    if not devices.found:
        raise UsageError(f"{', '.join(paths)}: no message of a router in it")
    for device in devices.found:
        yield _merged([_loaded(part) if isinstance(part, _Saved) else part for part in device.parts])


def _loaded(saved: _Saved) -> Snapshot:
    """The snapshot of a saved folder; a damaged one among others is a device that failed, not the end of the run."""
    try:
        return store.read(saved.home)
    except StateError as error:
        if saved.named:
            raise
        return _damaged(saved.home, error)


def _damaged(home: Path, error: StateError) -> Snapshot:
    failure = Failure(code=ErrorCode.PARSE, phase="parse", message=str(error), hint="save this device again")
    return Snapshot(device=Device(name=home.name, host=home.name), captures=(), failures=(failure,))


def _all_of(stdin: BinaryIO | None) -> bytes:
    if stdin is None:
        raise UsageError("stdin: nothing to read there")
    return stdin.read()


def _collect(path: Path, devices: _Devices, later: list[_Item]) -> None:
    """Sort `path` into saved folders (into `devices`) and documents (into `later`)."""
    if not path.exists():
        raise UsageError(f"{path}: no such file or folder")
    if path.name == INDEX:
        path = path.parent
    if not path.is_dir():
        later.append(_classified(open_document(path)))
        return
    before = devices.parts() + len(later)
    refused = _walk(path, devices, later)
    if devices.parts() + len(later) == before:
        reason = f"; {refused[0]}" if refused else ""
        raise UsageError(f"{path}: no captures in this folder{reason}")


def _walk(top: Path, devices: _Devices, later: list[_Item]) -> list[str]:
    """Everything below `top`; what was passed over, and why."""
    refused: list[str] = []
    for folder, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _NOT_OURS)
        home = Path(folder)
        if INDEX in files:
            _add_saved(home, devices, named=home == top)
            folders.clear()
            continue
        for name in sorted(files):
            if name.startswith(".") or name in _NOT_OURS:
                continue
            try:
                later.append(_classified(open_document(home / name)))
            except UsageError as error:
                refused.append(str(error))
    for reason in refused:
        _LOG.warning("passed over: %s", reason)
    return refused


def _add_saved(home: Path, devices: _Devices, *, named: bool) -> None:
    try:
        index = store.read_index(home)
    except StateError as error:
        if named:
            raise
        devices.add(home.name, _damaged(home, error))
        return
    device = index["device"]
    aliases = [str(name) for name in (index.get("hostname"), device.get("host")) if name]
    devices.add(str(device.get("name")), _Saved(home=home, named=named), aliases)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """A document, what it is, and the prompt words in it."""

    document: Document
    kind: str
    hosts: frozenset[str]


def _classified(item: Document) -> _Item:
    """What a document is; the surest sign first. UsageError where it is nothing that a router printed."""
    item, known = _prompted(item)
    kind = "paste" if known else _kind(item)
    if kind is None and (other := bare.not_used(item)) is not None:
        raise UsageError(f"{item.source}: {other}")
    if kind is None:
        raise UsageError(
            f"{item.source}: no router's text is recognised: no prompt with a show command, no show tech section, no "
            "configuration, no log message, and no heading of a known command"
        )
    return _Item(document=item, kind=kind, hosts=known)


def _prompted(item: Document) -> tuple[Document, frozenset[str]]:
    """The document and the prompt words in it; quoted or stamped line by line, it is told by its prompts alone."""
    known = prompts.hosts(item)
    plain = unprefixed(item) if not known else None
    found = prompts.hosts(plain) if plain is not None else frozenset()
    if plain is not None and found:
        return plain, found
    return (outdented(item), known) if known else (item, known)


def _kind(item: Document) -> str | None:
    head = item.head()
    if techsupport.has_titles(head):
        return "tech-support"
    if syslog.is_log(head) and not bare.is_buffer(head):
        return "syslog"
    if configuration.is_configuration(head):
        return "running-config"
    if bare.command_of(item) is not None:
        return "bare"
    return "prose" if _messages(item) is not None else None


def _messages(item: Document) -> Capture | None:
    """The log messages in free text."""
    stray = Stray()
    for number, (_, _, line) in enumerate(item.lines(), 1):
        stray.look(number, line)
    return stray.capture(item.source)


def _snapshots_of(found: _Item) -> Iterator[Snapshot]:
    """The devices in one document."""
    item = found.document
    match found.kind:
        case "paste":
            for name, captures in paste.sessions(item, found.hosts).items():
                yield _snapshot(name, captures, "paste", hostname=name)
        case "tech-support":
            yield _named(item, tuple(techsupport.sections(item)), "tech-support")
        case "running-config":
            yield _named(item, configuration.captures(item), "running-config")
        case "syslog":
            for name, capture in syslog.routers(item).items():
                yield _snapshot(name or item.stem, (capture,), "syslog")
        case "bare":
            command = bare.command_of(item) or ""
            yield _named(item, (item.capture(command, 0, None, first_line=1, bare=True),), "paste")
        case _:
            messages = _messages(item)
            yield _snapshot(item.stem, (messages,) if messages else (), "paste")


def _named(item: Document, captures: tuple[Capture, ...], origin: str) -> Snapshot:
    """A snapshot whose device is named by its text: `hostname X`, `X uptime is`, else by the file."""
    hostname = next((name for capture in captures if (name := _hostname(capture))), None)
    return _snapshot(hostname or bare.device_of(item) or item.stem, captures, origin, hostname=hostname)


def _hostname(capture: Capture) -> str | None:
    """The hostname that a configuration or a version says."""
    if capture.command.split()[:2] != ["show", "running-config"] and not capture.command.startswith("show ver"):
        return None
    text = capture.text
    if capture.path is not None:
        text = "\n".join(line for line, _ in zip(capture.lines(), range(5000), strict=False))
    match = configuration.HOSTNAME.search(text) or _UPTIME.search(text)
    return match[1] if match else None


def _snapshot(name: str, captures: tuple[Capture, ...], origin: str, hostname: str | None = None) -> Snapshot:
    xe = any(_XE.search(capture.command) or _XE.search(capture.text[:4096]) for capture in captures)
    device = Device(name=name, host=name, platform="cisco_xe" if xe else "cisco_ios")
    return Snapshot(device=device, captures=captures, hostname=hostname, origin=origin)


def _merged(parts: list[Snapshot]) -> Snapshot:
    """One snapshot of several of the same device, by time where all have one, else in the order given."""
    if len(parts) == 1:
        return parts[0]
    times = [part.started_at for part in parts]
    if all(time is not None for time in times):
        parts = sorted(parts, key=lambda part: part.started_at.timestamp() if part.started_at else 0.0)
    origins = {part.origin for part in parts}
    starts = [time for time in times if time is not None]
    ends = [part.finished_at for part in parts if part.finished_at is not None]
    return Snapshot(
        device=parts[0].device,  # saved folders come before documents
        captures=tuple(capture for part in parts for capture in part.captures),
        failures=tuple(failure for part in parts for failure in part.failures),
        hostname=next((part.hostname for part in parts if part.hostname), None),
        started_at=min(starts, default=None),
        finished_at=max(ends, default=None),
        origin=origins.pop() if len(origins) == 1 else "paste",
    )


def capture_of_file(command: str, path: Path | None, stdin: BinaryIO | None = None) -> Capture:
    """A file (or stdin) as the answer to `command`; of a pasted session the last answer to that command in it."""
    from collector.commands import recognise  # noqa: PLC0415 - the catalogue is needed by this verb's caller anyway

    item = document(_all_of(stdin), "stdin") if path is None else open_document(path)
    asked = recognise(command)
    item, known = _prompted(item)
    if asked is not None and known:
        captures = [capture for found in paste.sessions(item, known).values() for capture in found]
        same = [one for one in captures if (typed := recognise(one.command)) and typed.command is asked.command]
        if same:
            return same[-1]
    return item.capture(command, 0, None, first_line=1, bare=True)
