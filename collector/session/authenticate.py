"""How we show who we are: one password, once, to the question that means it.

The methods on offer are asked for first (as OpenSSH does), so that no attempt is wasted on one that is not there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko

from collector.errors import ErrorCode, SessionError
from collector.session.classify import left
from collector.session.secrets import Secret
from collector.session.words import asks_new_password, tells_password_change

_TYPED = frozenset({"password", "keyboard-interactive"})
_QUESTIONS = frozenset({"password:", "passcode:"})


@dataclass(slots=True, kw_only=True)
class Credentials:
    """keys: "agent", the path of a key file, or `None`. The passphrase of a key file is never the password."""

    username: str
    password: Secret | None = None
    keys: str | None = None


@dataclass(slots=True)
class Login:
    """An `auth_strategy` of the SSH library: `authenticate` raises SessionError or returns with the login done.

    before: called before anything is shown to the server. sent: how often a password left us (0 or 1).
    """

    credentials: Credentials
    before: Callable[[], None] = lambda: None
    sent: int = 0
    _problem: SessionError | None = field(default=None, repr=False)

    def authenticate(self, transport: Any) -> list[str]:
        """Log in over a transport whose host key has been checked."""
        user = self.credentials.username
        try:
            transport.auth_none(user)
        except paramiko.BadAuthenticationType as refused:
            methods = [str(method) for method in refused.allowed_types]
        except (paramiko.SSHException, EOFError):
            if transport.goodbye is None:
                raise
            raise SessionError(  # whatever its words: no password and no key was refused
                ErrorCode.AUTH_TIMEOUT, f"the server left before the login{left(transport)}", phase="auth"
            ) from None
        else:
            return []
        if self.credentials.keys and "publickey" in methods:
            more = self._with_keys(transport, user)
            if more == []:
                return []
            if more is not None:
                return self._with_more(transport, user, more)
        if self.credentials.password is None:
            raise SessionError(
                ErrorCode.AUTH_REJECTED if self.credentials.keys and "publickey" in methods else ErrorCode.AUTH_METHOD,
                f"no key was accepted for {user}"
                if self.credentials.keys
                else f"no password is given; {_wants(methods)}",
                phase="auth",
            )
        return self._with_what_it_takes(transport, user, methods)

    def _with_more(self, transport: Any, user: str, methods: list[str]) -> list[str]:
        """The key was right, and the server asks for one thing more: the password, if that is it."""
        if self.credentials.password is None or not _TYPED & set(methods):
            raise SessionError(ErrorCode.AUTH_METHOD, f"after the key: {_wants(methods)}", phase="auth")
        return self._with_what_it_takes(transport, user, methods)

    def _with_what_it_takes(self, transport: Any, user: str, methods: list[str]) -> list[str]:
        if "password" in methods:
            return self._with_password(transport, user)
        if "keyboard-interactive" in methods:
            return self._with_questions(transport, user)
        raise SessionError(ErrorCode.AUTH_METHOD, _wants(methods), phase="auth")

    def _with_keys(self, transport: Any, user: str) -> list[str] | None:
        """What the server wants beside an accepted key, `[]` for nothing; `None` where no key was accepted."""
        with _keys(self.credentials.keys or "") as keys:
            for key in keys:
                with contextlib.suppress(paramiko.AuthenticationException):
                    return [str(method) for method in transport.auth_publickey(user, key) or ()]
        return None

    def _with_password(self, transport: Any, user: str) -> list[str]:
        assert self.credentials.password is not None
        self.sent += 1
        try:
            more = transport.auth_password(user, self.credentials.password.reveal(), fallback=False)
        except paramiko.BadAuthenticationType as refused:
            raise SessionError(ErrorCode.AUTH_METHOD, _wants(refused.allowed_types), phase="auth") from None
        except paramiko.AuthenticationException as error:
            raise self._refused(error, transport, user) from None
        except paramiko.SSHException as error:
            if "info request" in str(error).lower():  # message 60 in password mode is PASSWD_CHANGEREQ (RFC 4252, 8)
                raise SessionError(
                    ErrorCode.PASSWORD_CHANGE, "the server wants a new password before it lets us in", phase="auth"
                ) from None
            raise
        return self._whole(more)

    def _with_questions(self, transport: Any, user: str) -> list[str]:
        try:
            more = transport.auth_interactive(user, self._answer)
        except (paramiko.SSHException, EOFError) as error:
            if self._problem is not None:
                raise self._problem from None
            if isinstance(error, paramiko.AuthenticationException):
                raise self._refused(error, transport, user) from None
            raise
        return self._whole(more)

    def _whole(self, more: list[str] | None) -> list[str]:
        if more:
            raise SessionError(ErrorCode.AUTH_METHOD, f"after the password: {_wants(more)}", phase="auth")
        return []

    def _refused(self, error: Exception, transport: Any, user: str) -> BaseException:
        if "EOF" in str(error) or "imeout" in str(error) or not transport.is_active():
            return EOFError("closed while authenticating")
        if not self.sent:  # a server whose own questions fail, not a wrong password
            return SessionError(
                ErrorCode.AUTH_METHOD, "the server refused before it had asked for a password", phase="auth"
            )
        return SessionError(ErrorCode.AUTH_REJECTED, f"the password of {user} was refused", phase="auth")

    def _answer(self, title: str, instructions: str, prompts: list[tuple[str, bool]]) -> list[str]:
        """Answer one question for the password, echo off. Runs in the transport's thread."""
        assert self.credentials.password is not None
        if not prompts:
            return []
        shown = ", ".join(repr(str(text).strip()[:60]) for text, _ in prompts)
        around = f"{str(title)[:1000]} {str(instructions)[:1000]}"
        asked = " ".join(str(text)[:200] for text, _ in prompts[:10])
        (text, echo), *others = prompts
        if asks_new_password(asked) or tells_password_change(f"{around} {asked}"):
            self._problem = SessionError(ErrorCode.PASSWORD_CHANGE, f"the server asks {shown}", phase="auth")
        elif others or echo or str(text).strip().lower() not in _QUESTIONS:
            self._problem = SessionError(ErrorCode.AUTH_METHOD, f"the server asks {shown}", phase="auth")
        elif self.sent:
            self._problem = SessionError(
                ErrorCode.AUTH_REJECTED,
                f"the password of {self.credentials.username} was refused (asked again)",
                phase="auth",
            )
        if self._problem is not None:
            raise paramiko.AuthenticationException("not answered")
        self.sent += 1
        return [self.credentials.password.reveal()]


def _wants(methods: list[str]) -> str:
    return f"the server offers {', '.join(methods) or 'no method'}"


@contextlib.contextmanager
def _keys(where: str) -> Iterator[list[Any]]:
    """The agent's keys while it is connected, or the one of a file."""
    if where != "agent":
        yield [_key_of(where)]
        return
    agent = paramiko.Agent()
    try:
        yield list(agent.get_keys())
    finally:
        agent.close()


def _key_of(where: str) -> Any:
    path = Path(where).expanduser()
    try:
        return paramiko.PKey.from_path(path)
    except OSError as error:
        raise SessionError(ErrorCode.CREDENTIAL, f"key file {path}: {error.strerror}", phase="credential") from None
    except (TypeError, ValueError, paramiko.SSHException) as error:
        why = (
            "it is encrypted: use the agent" if "assw" in str(error) or "crypted" in str(error) else "not a private key"
        )
        raise SessionError(ErrorCode.CREDENTIAL, f"key file {path}: {why}", phase="credential") from None
