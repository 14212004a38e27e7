"""Whether one more login with a credential is wise: canaries first, then breakers. FAULTS section 6.

An expired service password x 500 routers x cron is a locked account at night.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from hashlib import sha256

from collector.errors import ErrorCode
from collector.model import Device

CANARIES = 3  # visits at once before a credential has worked; also the rejections in a row that stop it
SILENCES = 5  # logins in a row without an answer that pause it
PAUSE = 60.0  # seconds
ENABLE = "enable "  # begins the key of an enable secret

# What says nothing of the password: it came before the login, or may have; the last two, unless captures came, too.
_BEFORE_LOGIN = frozenset(
    {
        ErrorCode.CREDENTIAL, ErrorCode.DNS, ErrorCode.TCP_REFUSED, ErrorCode.TIMEOUT_CONNECT, ErrorCode.JUMP,
        ErrorCode.REFUSED_EARLY, ErrorCode.SSH_PROTOCOL, ErrorCode.TIMEOUT_HANDSHAKE, ErrorCode.SSH_ALGO,
        ErrorCode.HOSTKEY_UNKNOWN, ErrorCode.HOSTKEY_CHANGED, ErrorCode.AUTH_METHOD, ErrorCode.AUTH_SKIPPED,
        ErrorCode.NOT_STARTED, ErrorCode.INTERNAL, ErrorCode.PASSWORD_CHANGE, ErrorCode.DEADLINE,
    }
)  # fmt: skip


class Word(Enum):
    """May a visit with this credential begin?"""

    GO = auto()
    WAIT = auto()
    SKIP = auto()


def key_of(device: Device) -> str:
    """What is one credential: user, password source and keys; a fingerprint, as a literal may stand among them."""
    parts = [f"{each.kind} {each.value}" if each else "-" for each in (device.username, device.password)]
    return sha256("\n".join([*parts, device.ssh.keys or "-"]).encode()).hexdigest()[:16]


def enable_key_of(device: Device) -> str | None:
    """The same of an enable secret; None where the device has none."""
    secret = device.secret
    return ENABLE + sha256(f"{secret.kind} {secret.value}".encode()).hexdigest()[:16] if secret is not None else None


@dataclass(slots=True)
class Gate:
    """One credential, or one enable secret: then its rejections are those of the secret, and `name` says so.

    canaries: how many may be tried before it has worked once (1 after a run that it stopped).
    """

    canaries: int = CANARIES
    name: str = "it"
    proven: bool = False
    running: int = 0
    rejected: list[str] = field(default_factory=list)  # devices in a row
    unheard: list[str] = field(
        default_factory=list
    )  # devices whose login went out before it was proven, and no word of it
    silent: int = 0
    paused_until: float | None = None
    stopped: str = ""  # why no more logins, in words

    def word(self, now: float) -> Word:
        """Whether one more visit may begin at `now` (monotonic seconds)."""
        if self.stopped:
            return Word.SKIP
        if self.paused_until is not None:
            return Word.GO if now >= self.paused_until and self.running == 0 else Word.WAIT
        if self.proven:
            return Word.GO
        return Word.GO if self.running + len(self.rejected) + len(self.unheard) < self.canaries else Word.WAIT

    def begins(self) -> None:
        """A visit starts."""
        self.running += 1

    def lost(self, device: str) -> None:
        """A visit went with its process after its login was let through: it may have been rejected."""
        self.running -= 1
        if not self.proven and device not in self.unheard:
            self.unheard.append(device)
            if len({*self.rejected, *self.unheard}) >= self.canaries:
                self.stopped = f"no word came of its first logins, on {', '.join(self.unheard)}"

    def ended(self, device: str, code: ErrorCode | None, now: float, *, captured: bool = False) -> None:
        """A visit ended with `code` (None: no failure). captured: it brought an answer, so that the login went through."""
        self.running -= 1
        if code is ErrorCode.AUTH_REJECTED:
            if device not in self.rejected:
                self.rejected.append(device)
            if len(self.rejected) + len(self.unheard) >= (CANARIES if self.proven else self.canaries):
                self.stopped = f"{self.name} was refused by {', '.join(self.rejected)}"
        elif code is ErrorCode.AUTH_TIMEOUT:
            self.silent += 1
            if self.paused_until is not None and now >= self.paused_until:
                self.stopped = "the AAA server gave no answer, nor after a pause"
            elif self.silent >= SILENCES and self.paused_until is None:
                self.paused_until = now + PAUSE
        elif captured or code is None or code not in _BEFORE_LOGIN:
            self.proven = True
            self.rejected.clear()
            self.unheard.clear()
            self.silent = 0
            self.paused_until = None
