"""Credentials by reference: resolved late, by the process that runs the sweep, and never shown.

A `Secret` prints as `********`, cannot be pickled, copied or compared by accident; `reveal()` is called at the one
place that sends it. A `command` and a `prompt` are asked once a run.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import shlex
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NoReturn

from collector.errors import ErrorCode, SessionError
from collector.model import Device, Reference

COMMAND_SECONDS = 30
MASK = "********"


class Secret:
    """A value that no text, log, pickle or traceback shows."""

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    def reveal(self) -> str:
        """The value itself, for the wire."""
        return self.__value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a secret is not copied")

    __copy__ = __reduce__


class Secrets:
    """Resolves references. Shared by all workers of a process; commands and prompts are asked once."""

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        ask: Callable[[str], str] | None = None,
        hidden: Iterable[str] = (),
    ) -> None:
        self._environment = os.environ if environment is None else environment
        self._ask = ask
        self._hidden = set(hidden)  # variables that hold secrets: a command that gives one inherits none of them
        self._kept: dict[tuple[Reference, str], Secret | SessionError] = {}
        self._lock = threading.Lock()

    def username(self, device: Device) -> str:
        """Who logs in; SessionError E_CREDENTIAL where nothing is given."""
        if device.username is None:
            raise _nothing("username", "no username is given for this device")
        return self.resolve(device.username, "username").reveal()

    def ask_ahead(self, devices: Iterable[Device]) -> None:
        """Ask all prompts now, in this thread: later there is a progress bar, and a worker that holds a VTY.

        A prompt that gives nothing is remembered and fails the devices that need it.
        """
        named = {
            (reference, purpose): None
            for device in devices
            for purpose, reference in (
                ("username", device.username),
                ("password", device.password),
                ("secret", device.secret),
            )
            if reference is not None
        }
        self._hidden |= {
            reference.value for reference, purpose in named if reference.kind == "env" and purpose != "username"
        }
        for reference, purpose in (each for each in named if each[0].kind == "prompt"):
            with contextlib.suppress(SessionError):
                self.resolve(reference, purpose)

    def resolve(self, reference: Reference, purpose: str) -> Secret:
        """The secret behind `reference`. `purpose` (username, password, secret) only goes into messages.

        SessionError E_CREDENTIAL names the reference (variable, file, command and its status), never a value.
        """
        if reference.kind in {"command", "prompt", "keyring"}:
            key = (reference, purpose if reference.kind == "prompt" else "")  # a prompt says what it asks for
            with self._lock:
                if key not in self._kept:
                    try:
                        self._kept[key] = self._look(reference, purpose)
                    except SessionError as error:
                        self._kept[key] = error
                kept = self._kept[key]
            if isinstance(kept, SessionError):
                raise _nothing(purpose, kept.message.partition(": ")[2]) from None
            return kept
        return self._look(reference, purpose)

    def _look(self, reference: Reference, purpose: str) -> Secret:
        value = reference.value
        match reference.kind:
            case "literal":
                return Secret(value)
            case "env":
                return self._from_environment(value, purpose)
            case "file":
                return _from_file(Path(value).expanduser(), purpose)
            case "systemd":
                folder = self._environment.get("CREDENTIALS_DIRECTORY")
                if not folder or "/" in value or value in {"", ".", ".."}:
                    raise _nothing(purpose, f"no systemd credential {value!r} (is CREDENTIALS_DIRECTORY set?)")
                return _from_file(Path(folder) / value, purpose)
            case "command":
                inherited = {name: text for name, text in self._environment.items() if name not in self._hidden}
                return _from_command(value, purpose, inherited)
            case "keyring":
                return _from_keyring(value, purpose)
            case "prompt":
                return self._from_prompt(purpose)

    def _from_environment(self, name: str, purpose: str) -> Secret:
        if purpose != "username":
            self._hidden.add(name)
        found = self._environment.get(name)
        if not found:
            raise _nothing(purpose, f"the variable {name} is {'empty' if found == '' else 'not set'}")
        return Secret(found)

    def _from_prompt(self, purpose: str) -> Secret:
        if self._ask is None and not sys.stdin.isatty():
            raise _nothing(purpose, "it is to be asked for, and there is no terminal")
        try:
            found = (self._ask or getpass.getpass)(f"{purpose}: ")
        except (EOFError, OSError):
            found = ""
        if not found:
            raise _nothing(purpose, "nothing was typed")
        return Secret(found)


def _nothing(purpose: str, why: str) -> SessionError:
    return SessionError(ErrorCode.CREDENTIAL, f"{purpose}: {why}", phase="credential")


def _first_line(text: str, purpose: str, where: str) -> Secret:
    line = text.splitlines()[0] if text else ""
    if not line:
        raise _nothing(purpose, f"{where} gave nothing")
    return Secret(line)


def _from_file(path: Path, purpose: str) -> Secret:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_IMODE(mode) & 0o077:
                raise _nothing(
                    purpose, f"the file {path} can be read by others (mode {stat.S_IMODE(mode):04o}): chmod 600"
                )
            raw = file.read(65_537)
    except OSError as error:
        raise _nothing(purpose, f"the file {path}: {error.strerror}") from None
    return _first_line(raw[:65_536].decode("utf-8", "replace"), purpose, f"the file {path}")


def _from_command(command: str, purpose: str, environment: dict[str, str]) -> Secret:
    try:
        words = shlex.split(command)
        ended = subprocess.run(  # noqa: S603 - the inventory's own command, without a shell
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            check=False,
            env=environment,
        )
    except (OSError, ValueError, IndexError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise _nothing(purpose, f"the command `{command}` could not be run: {reason}") from None
    except subprocess.TimeoutExpired:
        raise _nothing(purpose, f"the command `{command}` gave no answer in {COMMAND_SECONDS} s") from None
    if ended.returncode:
        raise _nothing(purpose, f"the command `{command}` ended with status {ended.returncode}")
    return _first_line(ended.stdout.decode("utf-8", "replace"), purpose, f"the command `{command}`")


def _from_keyring(name: str, purpose: str) -> Secret:
    try:
        import keyring  # type: ignore[import-not-found,unused-ignore]  # noqa: PLC0415 - an extra
    except ImportError:
        raise _nothing(purpose, "the keyring extra is not installed: pip install spi-collector[keyring]") from None
    service, _, user = name.rpartition("/")
    try:
        found = keyring.get_password(service or name, user)
    except Exception as error:  # noqa: BLE001 - a keyring's backends raise what they like
        raise _nothing(purpose, f"the keyring entry {name}: {type(error).__name__}") from None
    if not found:
        raise _nothing(purpose, f"the keyring has no entry {name}")
    return Secret(found)
