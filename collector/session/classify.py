"""From what the SSH library raised to one code of the closed list, by the innermost cause."""

from __future__ import annotations

import paramiko

from collector.errors import CollectorError, ErrorCode, SessionError
from collector.session.transport import ClosedEarly, NotSsh, Transport

KEY_EXCHANGE_FAILED, NO_MORE_METHODS = 3, 14  # reason codes of SSH_MSG_DISCONNECT, RFC 4253 section 11.1
_BUSY = ("maxstartups", "not allowed", "refused", "too many", "all lines", "% ")


def innermost(error: BaseException) -> BaseException:
    """The exception at the bottom of the chain: the library around it calls everything a timeout."""
    seen = {id(error)}
    while True:
        below = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if below is None or id(below) in seen:
            return error
        seen.add(id(below))
        error = below


def classify(error: BaseException, *, phase: str, expired: str | None, transport: Transport | None) -> SessionError:
    """The typed failure for what ended `phase` (handshake, auth, setup). expired: the phase that ran out of time."""
    if isinstance(error, SessionError):
        return error
    cause = innermost(error)
    if isinstance(cause, SessionError):
        return cause
    if isinstance(cause, CollectorError):  # the state folder, of all things
        return SessionError(ErrorCode.INTERNAL, str(cause), phase="any", hint="see to the state folder")
    if expired is not None:
        return _expired(expired, transport)
    match phase:
        case "handshake":
            return _handshake(cause, transport)
        case "auth":
            return _auth(cause, transport)
        case _:
            return _setup(cause, transport)


def _expired(phase: str, transport: Transport | None) -> SessionError:
    match phase:
        case "handshake":
            return SessionError(
                ErrorCode.TIMEOUT_HANDSHAKE, f"no key exchange in time: {_came_to(transport)}", phase="handshake"
            )
        case "auth":
            return SessionError(ErrorCode.AUTH_TIMEOUT, "no answer to the login in time", phase="auth")
        case "shell":
            return SessionError(ErrorCode.TIMEOUT_SETUP, "no answer to the request for a terminal", phase="setup")
        case "device":
            return SessionError(ErrorCode.DEADLINE, "the device's time was over before it gave a prompt", phase="run")
        case _:
            return SessionError(ErrorCode.TIMEOUT_SETUP, "no answer to the request for a channel", phase="setup")


def _came_to(transport: Transport | None) -> str:
    """How far a server came that did not get through the handshake."""
    if transport is not None and transport.server_ident:
        return f"it said {transport.server_ident!r}, no keys followed"
    if transport is not None and transport.heard:
        return f"it said {transport.heard!r}, which is no SSH identification"
    return "it accepted the connection and did not identify itself"


def left(transport: Transport | None) -> str:
    """The reason that the server gave for leaving, as the end of a sentence; nothing where it gave none."""
    return f"; its reason: {transport.goodbye[1]!r}" if transport is not None and transport.goodbye else ""


def _handshake(cause: BaseException, transport: Transport | None) -> SessionError:
    heard = transport.heard if transport else ""
    if isinstance(cause, NotSsh):
        return SessionError(ErrorCode.SSH_PROTOCOL, f"not an SSH server: {cause}", phase="handshake")
    if isinstance(cause, paramiko.ssh_exception.IncompatiblePeer):
        return _no_common_algorithm(cause, transport)
    if transport is not None and transport.goodbye is not None:
        code, text = transport.goodbye
        kind = ErrorCode.SSH_ALGO if code == KEY_EXCHANGE_FAILED else ErrorCode.REFUSED_EARLY
        return SessionError(kind, f"the server left before login: {text!r}", phase="handshake")
    if isinstance(cause, ClosedEarly | EOFError | ConnectionError):
        named = transport is not None and transport.server_ident is not None  # an SSH server, whatever it said before
        if heard and not named and not any(word in heard.lower() for word in _BUSY):
            return SessionError(ErrorCode.SSH_PROTOCOL, f"not an SSH server: it said {heard!r}", phase="handshake")
        said = f" after saying {heard!r}" if heard else ""
        return SessionError(
            ErrorCode.REFUSED_EARLY, f"the server closed the connection before login{said}", phase="handshake"
        )
    return SessionError(ErrorCode.SSH_PROTOCOL, f"the handshake failed: {cause}"[:300], phase="handshake")


def _no_common_algorithm(cause: BaseException, transport: Transport | None) -> SessionError:
    offer = transport.offer if transport else {}
    words = str(cause).lower()
    kinds = {"kex": "key exchange", "host key": "host key", "cipher": "cipher", "mac": "MAC"}
    kind = next((name for word, name in kinds.items() if word in words), None)
    shown = {kind: offer[kind]} if kind in offer else offer
    text = "; ".join(f"{name}: {', '.join(names[:8]) or 'none'}" for name, names in shown.items())
    message = f"no common algorithm; the server offers only {text}" if text else f"no common algorithm: {cause}"
    return SessionError(ErrorCode.SSH_ALGO, message[:400], phase="handshake")


def _auth(cause: BaseException, transport: Transport | None) -> SessionError:
    goodbye = transport.goodbye if transport is not None else None
    if goodbye is not None and (goodbye[0] == NO_MORE_METHODS or "authenticat" in goodbye[1].lower()):
        return SessionError(ErrorCode.AUTH_REJECTED, f"the server left: {goodbye[1]!r}", phase="auth")
    if isinstance(cause, paramiko.BadAuthenticationType):
        return SessionError(ErrorCode.AUTH_METHOD, f"the server offers {', '.join(cause.allowed_types)}", phase="auth")
    if isinstance(cause, EOFError | ConnectionError | paramiko.AuthenticationException):
        return SessionError(
            ErrorCode.AUTH_TIMEOUT,
            f"the server closed the connection without an answer to the login{left(transport)}",
            phase="auth",
        )
    if isinstance(cause, NotSsh):
        return SessionError(ErrorCode.SSH_PROTOCOL, f"the server sent {cause}", phase="handshake")
    return SessionError(ErrorCode.AUTH_METHOD, f"the login failed: {cause}"[:300], phase="auth")


def _setup(cause: BaseException, transport: Transport | None) -> SessionError:
    if isinstance(cause, paramiko.ChannelException):
        return SessionError(ErrorCode.TIMEOUT_SETUP, f"logged in, but no channel: {cause}"[:200], phase="setup")
    if isinstance(cause, paramiko.SSHException) and transport is not None and transport.is_active():
        return SessionError(ErrorCode.TIMEOUT_SETUP, "the request for a terminal was refused", phase="setup")
    return SessionError(
        ErrorCode.CONN_LOST, f"the connection ended before a terminal was given{left(transport)}", phase="setup"
    )
