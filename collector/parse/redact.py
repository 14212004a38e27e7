"""Masks keys, passwords and communities in a router's text; everything else stays letter for letter.

Read as words, not as one great pattern: a trigger word (`key`, `secret`, `pre-shared-key`, ...) says which of the words
after it are a value. So it works inside a prompt (`R1(config)#key 7 0822`), inside a log line that repeats what was
typed (`%PARSER-5-CFGLOG_LOGGEDCMD`) and in a filtered configuration alike, and costs one pass. Type digits (`0`, `5`,
`7`), SPIs, key numbers, addresses and names stay. Where it is not plain whether a word is a secret, it is masked.

Forms: FAULTS.md section 8 and the IOS command reference; the table in tests/test_redact.py has one line for each.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

MASK = "<masked>"
_WORD = re.compile(r"\S+")
# A line that holds one of these, in any case, is read word by word ...
_SUSPICIOUS = (
    "key", "pass", "secret", "pwd", "communit", "authent", "psk", "pmk", "hmac", "://", "pkcs12", "syscon", "snmp",
    "environment", "token", "-----begin", "certificate", "-- text", "tacacs", "radius", "nt-encrypted", "nthash",
    "aaa-server", "-pin ", "mail server", "mail-server",
)  # fmt: skip
# ... and one that holds one of these where the pattern says so too: `spi` alone stands in half of a VPN router's lines.
_WITHIN = {
    "spi": re.compile(r"ipsec\s{1,8}spi"),
    "pem": re.compile(r"\bpem\b"),
    "aaa": re.compile(r"aaa\s"),
    "isakmp": re.compile(r"isakmp\sclient"),
}
_SOUGHT: tuple[tuple[str, re.Pattern[str] | None], ...] = (*((word, None) for word in _SUSPICIOUS), *_WITHIN.items())
_BLOCK = 4096  # lines that are searched at once
_LEAD = re.compile(r"[#>:]")  # what may be glued before the first word of a typed line
_LOG_HEAD = re.compile(r"%[A-Z][A-Z0-9_]*-(?:[A-Z0-9_]+-)?[0-7]-")
_DIGITS = re.compile(r"\d+")
_HEX_WORD = re.compile(r"[0-9A-Fa-f]{1,16}")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+")
_IN_WORD = re.compile(r"(?i)(?:^|[?&;,\"':_-])(?:[a-z_-]{0,32}pass(?:word|wd|phrase)?|pwd|secret|token|psk|key)=")
_CERTIFICATE = re.compile(r"[+<>| -]{0,8}(?:[^\s#>]{1,64}[#>])?\s*certificate(?:\s|$)", re.IGNORECASE)
_KEY_TABLE = re.compile(r"keyring\s{1,40}hostname", re.IGNORECASE)
_PROMPT = re.compile(r"[A-Za-z0-9._/:@-]{1,63}(?:\([^()\s]{1,32}\))?[#>]")

_TYPES = frozenset("0456789")
_PASSWORDS = frozenset(
    (
        "password", "passwd", "secret", "passphrase", "pass-phrase", "area-password", "domain-password",
        "tunnel-password", "root-password", "password-string", "passcode", "pwd", "radius-common-pw",
    )
)  # fmt: skip
_ENDINGS = (
    "-password",
    "_password",
    "-passwd",
    "-passphrase",
    "-secret",
    "_secret",
    "-pin",
)  # of what is a password too
_PRE_SHARED = frozenset(("pre-shared-key", "preshared-key", "pre-share-key"))
_KEY_OWNERS = frozenset(
    (
        "tacacs-server", "radius-server", "tacacs", "radius", "server", "server-private", "group", "pre-share", "ppk",
        "pac", "rsvp", "map-server", "etr", "ezvpn", "wpa", "client", "pre-shared-key", "preshared-key", "failover",
        "cluster", "nas", "mobile", "automate-tester",
    )
)  # fmt: skip
_FIRST_HOP = frozenset(("nhrp", "standby", "vrrp", "glbp"))
_KEPT_AFTER_SPI = frozenset(
    (
        "md5", "sha1", "sha", "esp", "ah", "null", "des", "3des", "aes-cbc", "aes", "128", "192", "256", "0", "7",
        "authentication", "cipher", "authenticator", "encryption",
    )
)  # fmt: skip
_SNMP_CIPHERS = frozenset(("des", "des56", "3des", "aes", "aes-128", "aes-192", "aes-256"))
_SNMP_HOST_WORDS = frozenset(
    ("traps", "trap", "informs", "inform", "version", "1", "2c", "3", "auth", "noauth", "priv")
)
_WIDTHS = (72, 80, 100, 120, 132)  # of terminals that nobody widened, and where mail and forms break lines
_KEYWORD = re.compile("[A-Za-z][a-z-]{0,30}")
_CUT_VALUE = re.compile(r"\s{0,8}(?:[0-9]\s{1,8})?(\S+)")  # a type digit may stand before it
_BEFORE_VALUES = (
    _PASSWORDS | _PRE_SHARED | {"key", "key-string", "community", "local", "remote", "server-key", "authentication"}
)
_SNMP_LENGTHS = frozenset(("224", "256", "384", "512"))  # of `auth sha-2`, where the image wants one
_KEY_TYPES = frozenset(("local", "remote", "hex", "ascii", "ascii-text", "hexadecimal", "encrypted", "clear"))
_PEM_CIPHERS = frozenset(("3des", "des", "aes", "password"))
_SECRET_NAME = re.compile("pass|secret|key|psk|communit|token|pwd|pw$|cred")
_PEM_HEADER = re.compile(r"(?:Proc-Type|DEK-Info|Content-Domain|Key-Info|Comment)\s{0,8}:", re.IGNORECASE)
_MAIL = re.compile(r"[\"']?[^\s:@\"'/]{1,64}:([^\s@]{1,128})@[A-Za-z0-9\[]")
_QUOTE = re.compile(r"(?<![A-Za-z0-9])['\"]")  # that opens; not the one of "the device's"
_CLOSING = {"'": re.compile(r"(?:[^'\\]|\\.)*+'"), '"': re.compile(r'(?:[^"\\]|\\.)*+"')}
_TYPED = re.compile(r"(cmd|cmd-arg|command)=[\"']?(?=.)")  # of an accounting record, lower case


@dataclass(slots=True)
class _State:
    """What earlier lines mean for this one."""

    chain: bool | None = None  # under `key chain`: `key 5` is a number; under a server: a secret; None: neither seen
    blob: bool = False  # hexadecimal lines of a certificate or key
    pem: bool = False
    cut: bool = False  # the line before was broken at a terminal's edge, within a value or right before it
    key_table: str = ""  # "head" after the heading, then "rows" of `show crypto isakmp key`

    @property
    def holds(self) -> bool:
        """True where the next line may be a secret whatever words it has."""
        return self.blob or self.pem or self.cut or bool(self.key_table)


@dataclass(slots=True)
class _Line:
    """The words of one line, and which of them are to be masked."""

    text: str
    words: list[str]
    spans: list[tuple[int, int]]
    low: list[str]  # lower case, without prompt, quotes and end punctuation
    led: list[bool]  # the word begins a typed line
    hidden: list[tuple[int, int]] = field(default_factory=list)  # character spans

    def after(self, index: int, offset: int = 1) -> str:
        return self.low[index + offset] if index + offset < len(self.low) else ""

    def before(self, index: int) -> Sequence[str]:
        return self.low[max(0, index - 24) : index]

    def hide(self, first: int, last: int | None = None) -> int:
        """Masks the words first..last (to the end of the line by default, or up to a glued log message)."""
        end = len(self.words) if last is None else min(last + 1, len(self.words))
        if first >= end:
            return end
        self.hidden.append((self.spans[first][0], self.spans[end - 1][1]))
        return end


def redact(text: str) -> str:
    """`text` with its secrets replaced by `<masked>`: same number of lines, same line ends, idempotent, one pass."""
    lines = text.splitlines(keepends=True)
    state = _State()
    masked: list[str] = []
    for at in range(0, len(lines), _BLOCK):
        masked += _block(lines[at : at + _BLOCK], state)
    return "".join(masked)


def _block(lines: list[str], state: _State) -> list[str]:
    """As `redact_lines`; what is looked for is looked for in all of the lines at once."""
    text = "".join(lines)
    folded = text.casefold()
    if len(folded) != len(text):  # a letter that became two: places differ
        return list(_line_by_line(lines, state))
    suspects = _suspects(folded, list(accumulate(map(len, lines), initial=0)))
    masked: list[str] = []
    at = 0
    for suspect in (*suspects, len(lines)):
        while at < suspect and state.holds:
            masked.append(_redact_line(lines[at], state))
            at += 1
        if at < suspect:
            plain = lines[at:suspect]
            if state.chain is not None:
                for line in plain:
                    _leave_section(state, line)
            masked += plain
        if suspect < len(lines):
            masked.append(_redact_line(lines[suspect], state))
        at = suspect + 1
    return masked


def _suspects(folded: str, starts: list[int]) -> list[int]:
    """The lines that hold a suspicious word, in their order. starts: where each line begins, and the end of the last."""
    found: set[int] = set()
    for word, pattern in _SOUGHT:
        place = folded.find(word)
        while place >= 0:
            line = bisect_right(starts, place) - 1
            if pattern is None or pattern.search(folded, starts[line], starts[line + 1]):
                found.add(line)
            place = folded.find(word, starts[line + 1])
    return sorted(found)


def redact_quoted(message: str) -> str:
    """A message of ours with the secrets masked in what it quotes of a router (as `repr` does); our own words stay.

    "the password of netops was refused" shows none; "... the last line is 'key 7 08224F'" does.
    """
    parts: list[str] = []
    at = 0
    while opening := _QUOTE.search(message, at):
        mark, start = opening[0], opening.end()
        closing = _CLOSING[mark].match(message, start)
        end = closing.end() if closing else len(message)  # one that was cut off is quoted to the end
        parts += [message[at:start], redact(message[start : end - 1]) + mark if closing else redact(message[start:])]
        at = end
    return "".join([*parts, message[at:]])


def redact_lines(lines: Sequence[str] | Iterator[str]) -> Iterator[str]:
    """As `redact`, line by line for large texts. A line may carry its end."""
    return _line_by_line(lines, _State())


def _line_by_line(lines: Iterable[str], state: _State) -> Iterator[str]:
    for line in lines:
        if not state.holds and not _suspect(line.casefold()):
            _leave_section(state, line)
            yield line
            continue
        yield _redact_line(line, state)


def _suspect(folded: str) -> bool:
    for word, pattern in _SOUGHT:  # noqa: SIM110 - any() costs twice as much, and this is asked of every line
        if word in folded and (pattern is None or pattern.search(folded)):
            return True
    return False


def _leave_section(state: _State, line: str) -> None:
    if state.chain is not None and line[:1] not in " \t\r\n!" and not line.startswith(("address", "timeout", "port")):
        state.chain = None


def _redact_line(raw: str, state: _State) -> str:
    if state.cut:
        return _rest_of_cut(raw, state)
    if (whole := _within_block(raw, state)) is not None:
        return whole
    line = _words(raw)
    if not line.words:
        return raw
    _sections(line, raw, state)
    index = 0
    while index < len(line.words):
        handler = _HANDLERS.get(line.low[index]) or (_password if line.low[index].endswith(_ENDINGS) else None)
        end = handler(line, index, state) if handler else None
        if end is None:
            _inside_word(line, index)
        index = max(index + 1, end or 0)
    state.cut = _is_cut(line)
    return _masked(raw, line.hidden)


def _is_cut(line: _Line) -> bool:
    """Whether a terminal, or a form, of such a width broke the line in its secret, or between the word for it and the secret."""
    width = line.spans[-1][1]
    if width not in _WIDTHS and len(line.text.rstrip("\r\n")) not in _WIDTHS:
        return False
    if any(end == width for _, end in line.hidden):
        return line.words[-1] != MASK
    last = -2 if line.low[-1] in _TYPES and len(line.low) > 1 else -1
    return line.low[last] in _BEFORE_VALUES


def _rest_of_cut(raw: str, state: _State) -> str:
    """The line behind a broken one: its first word is the rest of a secret, unless it looks like a line of its own."""
    state.cut = False
    first = _CUT_VALUE.match(raw)
    if first is None or first[1][0] in "!%*<" or _PROMPT.match(raw) or _KEYWORD.fullmatch(first[1]):
        return _redact_line(raw, state)
    return raw[: first.start(1)] + MASK + _redact_line(raw[first.end(1) :], state)


def _masked(raw: str, hidden: list[tuple[int, int]]) -> str:
    parts: list[str] = []
    at = 0
    for start, end in sorted(hidden):
        if start < at:
            continue
        parts += [raw[at:start], MASK]
        at = end
    return "".join([*parts, raw[at:]])


def _words(raw: str) -> _Line:
    line = _Line(text=raw, words=[], spans=[], low=[], led=[])
    lead = True
    for match in _WORD.finditer(raw):
        word = match.group()
        bare = word.strip("\"',;:=").lstrip("+<!") or word
        if bare[0] == "-" and not bare.startswith("--"):  # a line that a diff took away
            bare = bare[1:] or word
        parts = _LEAD.split(bare) if len(bare) < 200 and "://" not in bare else [bare]
        low = (parts[-1] or bare).lower().strip("\"'")
        typed = _TYPED.match(low)
        if typed is not None:
            low = low[typed.end() :]
        line.words.append(word)
        line.spans.append(match.span())
        line.low.append(low)
        line.led.append(lead or len(parts) > 1 or (typed is not None and typed[1] != "cmd-arg"))
        lead = (
            (word[-1] in "#>|" and not word.endswith(MASK))
            or low in {"no", "default", "+", "-", "do"}
            or word.endswith("command:")
        )
    return line


def _sections(line: _Line, raw: str, state: _State) -> None:
    """Remembers whether a bare `key 5` would be a number or a secret."""
    first = next((number for number, led in enumerate(line.led) if led), 0)
    head, second = line.low[first], line.after(first)
    if head == "key" and second == "chain":
        state.chain = True
    elif (head in {"tacacs", "radius"} and second == "server") or (
        head in {"aaa", "crypto"} and {"server", "client"} & set(line.low[first : first + 4])
    ):
        state.chain = False
    elif raw[:1] not in " \t" and head not in {"key", "key-string", "address", "send-lifetime", "accept-lifetime"}:
        state.chain = None
    if _CERTIFICATE.match(raw):
        state.blob = True


def _within_block(raw: str, state: _State) -> str | None:
    """The line as masked where it belongs to a block of key material or a table of keys; `None` for other lines."""
    body = raw.strip()
    if "-----BEGIN" in raw or "-----END" in raw:
        state.pem = "-----BEGIN" in raw
        return raw
    plain = body.lstrip("+-<>| ") if body != MASK else ""  # as a comparison or a quotation shows it
    if state.pem:
        return _pem_line(raw, body, plain, state)
    if state.blob:
        if plain and all(map(_HEX_WORD.fullmatch, plain.split())):
            return _all_hidden(raw, body)
        if body and body != MASK:
            state.blob = False
        return raw if body == MASK else None
    if state.key_table:
        return _key_row(raw, body, state)
    if _KEY_TABLE.match(body):
        state.key_table = "head"
        return raw
    return None


def _pem_line(raw: str, body: str, plain: str, state: _State) -> str | None:
    if body == MASK or _PEM_HEADER.match(plain):  # headers stand in a key under a passphrase; its lines follow
        return raw
    if plain and not all(map(_BASE64.fullmatch, plain.split())):
        state.pem = False
        return None
    return _all_hidden(raw, body)


def _key_row(raw: str, body: str, state: _State) -> str | None:
    """A row of `show crypto isakmp key`: keyring, host, key."""
    if _PROMPT.match(body) or (not body and state.key_table == "rows"):
        state.key_table = ""
        return None
    if not body:
        return raw
    state.key_table = "rows"
    words = [match.span() for match in _WORD.finditer(raw)]
    if len(words) < 2:
        return _all_hidden(raw, body)
    keep = 2 if len(words) > 2 else 1
    return _masked(raw, [(words[keep][0], words[-1][1])])


def _all_hidden(raw: str, body: str) -> str:
    return raw.replace(body, MASK, 1) if body else raw


def _skip_type(line: _Line, index: int) -> int:
    """Past a type digit, when a value still follows it."""
    return index + 1 if line.after(index, 0) in _TYPES and index + 1 < len(line.words) else index


def _rest(line: _Line, index: int, *stops: str) -> int:
    """Masks from `index` to the end, but not past one of `stops` or a log message glued to the line."""
    end = index
    while end < len(line.words) and not (
        end > index and (line.low[end] in stops or _LOG_HEAD.match(line.words[end]) or line.low[end] in _PASSWORDS)
    ):
        end += 1
    return line.hide(index, end - 1) if end > index else index


def _password(line: _Line, index: int, _state: _State) -> int | None:
    start = index + 1
    if line.after(index) in {"encryption", "min-length", "policy", "expired", "change", "authentication"}:
        return None
    if line.after(index) == "level":
        start += 2
    if line.after(index) == "peer":  # ip msdp password peer ADDRESS
        start += 2
    return _rest(line, _skip_type(line, start), "realm", "nsr", "privilege")


def _pre_shared_key(line: _Line, index: int, _state: _State) -> int | None:
    start = index + 1
    if line.after(index) in {"address", "hostname", "identity", "key-chain", "ipv6"}:
        return None  # `key` follows, or the name of a chain
    while line.after(start, 0) in _KEY_TYPES and start + 1 < len(line.words):
        start += 1
    return _rest(line, _skip_type(line, start), "local", "remote")


def _key_string(line: _Line, index: int, state: _State) -> int | None:
    if index + 1 == len(line.words):
        state.blob = True  # the lines of a public key follow, up to `quit`
        return None
    start = index + 2 if line.after(index) in {"encrypted", "hex", "ascii", "text"} else index + 1
    return _rest(line, _skip_type(line, start), "timeout")


def _key(line: _Line, index: int, state: _State) -> int | None:  # noqa: PLR0911 - one branch a meaning of `key`
    previous = line.low[index - 1] if index else ""
    following = line.after(index)
    if not following or previous in {"tunnel", "crypto", "show"} or following in {"chain", "chain:"}:
        return None
    if following == "config-key":
        start = index + 2
        return _rest(line, start + 1 if line.after(start, 0).startswith("password-encrypt") else start)
    if previous == "isakmp":
        return _isakmp_key(line, index)
    before = line.before(index)
    if (
        line.words[index] == "key:" and following != "," and {"cipher", "auth", "spi"}.intersection(before)
    ):  # show crypto map: of a manual SA
        return line.hide(index + 1, index + 1)
    prose = line.words[index] == "Key" and (index == 0 or not line.led[index])  # Key Management Path, Key Exchange
    if prose or "ntp" in before:  # the latter: the number of a key
        return None
    if "encryption" in before and (previous == "encryption" or line.after(index, 2) == "size"):
        # encryption [vlan 5] key 1 size 128bit 7 HEX transmit-key
        return _hide_others(line, index + 2, {"size", "40bit", "128bit", "transmit-key", *_TYPES})
    if line.led[index]:
        return _leading_key(line, index, state)
    if _KEY_OWNERS.intersection(before) or (index > 2 and line.low[index - 3 : index - 1] == ["psk", "id"]):
        start = index + 2 if following in {"hex", "ascii"} and line.after(index, 2) else index + 1
        return _rest(line, _skip_type(line, start))
    if following in _TYPES and len(line.after(index, 2)) >= 4:
        return _rest(line, index + 2)
    return None


def _leading_key(line: _Line, index: int, state: _State) -> int | None:
    """A line that begins with `key`: of a server, of a client group, or a number in a key chain."""
    following = line.after(index)
    if index + 2 == len(line.words) and _DIGITS.fullmatch(following):
        number = state.chain is True or (state.chain is None and len(following) < 4)
        return None if number else line.hide(index + 1)
    if state.chain is True and _HEX_WORD.fullmatch(following) and index + 2 == len(line.words):
        return None  # MACsec chains number their keys in hexadecimal
    if line.after(index, 2) == "--":  # show key chain: key 1 -- text "..."
        return None
    return _rest(line, _skip_type(line, index + 1))


def _isakmp_key(line: _Line, index: int) -> int:
    """As in `crypto isakmp key [0|6] KEY (address|hostname) PEER [mask] [no-xauth]`."""
    start = index + 1
    ends = [at for at in range(start + 1, min(start + 12, len(line.words))) if line.low[at] in {"address", "hostname"}]
    if ends:  # a key may hold the word itself
        end = next((at for at in ends if line.after(at)[:1].isdigit() or line.after(at) == "ipv6"), ends[0])
        first = start + 1 if line.low[start] in _TYPES and end > start + 1 else start
        return line.hide(first, end - 1)
    return _rest(line, _skip_type(line, start))


def _hide_others(line: _Line, start: int, kept: set[str] | frozenset[str]) -> int:
    """Masks each word from `start` that is not one of `kept`."""
    for index in range(start, len(line.words)):
        if line.low[index] not in kept:
            line.hide(index, index)
    return len(line.words)


def _spi(line: _Line, index: int, _state: _State) -> int | None:
    """OSPFv3: ipsec spi N md5 [0|7] KEY, ipsec spi N esp aes-cbc 128 KEY sha1 KEY. The SPI stays."""
    if index and line.low[index - 1] == "ipsec":
        return _hide_others(line, index + 2, _KEPT_AFTER_SPI)
    return None


def _session_key(line: _Line, index: int, _state: _State) -> int | None:
    """As in `set session-key inbound esp SPI cipher KEY authenticator KEY`. The SPI stays."""
    if line.after(index) not in {"inbound", "outbound"}:
        return None
    return _hide_others(line, index + 4, _KEPT_AFTER_SPI)


def _authentication(line: _Line, index: int, _state: _State) -> int | None:
    """NHRP, HSRP, VRRP and GLBP: `authentication WORD`, `authentication text WORD`; Authentication text, string "x"."""
    if line.after(index) == "text" and line.after(index, 2) == "string":
        return _rest(line, index + 3)
    if line.after(index) == "text":
        return _rest(line, _skip_type(line, index + 2))
    if line.after(index) in {"0", "7"} and len(line.after(index, 2)) >= 4:
        return _rest(line, index + 2)
    if index and line.low[index - 1] == "url":  # of IP phones: url authentication URL USER PASSWORD
        return _rest(line, index + 3)
    if not _FIRST_HOP.intersection(line.before(index)) or not line.after(index):
        return None
    if line.after(index) in {"md5", "mode", "key-chain", "disabled", "none"}:
        return None
    return _rest(line, _skip_type(line, index + 1))


def _numbered_key(line: _Line, index: int, _state: _State) -> int | None:
    """message-digest-key N md5 [7] KEY; ntp authentication-key N md5 KEY [7]; ip ospf authentication-key [7] KEY."""
    start = index + 1
    if _DIGITS.fullmatch(line.after(start, 0)) and start + 2 < len(line.words) and not line.after(start).isdigit():
        start += 2 if line.after(start).startswith(("md5", "hmac", "sha", "cmac")) else 0
    end = len(line.words) - 1
    start = _skip_type(line, start)
    if "ntp" in line.before(index) and end > start and line.low[end] in _TYPES:
        end -= 1
    return line.hide(start, end)


def _community(line: _Line, index: int, _state: _State) -> int | None:
    if index and line.low[index - 1] == "snmp-server":
        start = index + 1
        return (
            line.hide(_skip_type(line, start) if len(line.after(start)) > 2 else start, None)
            if (start + 1 == len(line.words))
            else line.hide(_community_at(line, start), _community_at(line, start))
        )
    if line.after(index) in {"name", "string"} and line.words[index][:1].isupper():
        return line.hide(index + 2)
    return None


def _community_at(line: _Line, start: int) -> int:
    """Past a type digit: `snmp-server community 7 0822455D RO`, but not in `community 7 RO`."""
    typed = line.after(start, 0) in _TYPES and line.after(start) not in {"ro", "rw", "view", "ipv6"}
    return start + 1 if typed and not line.after(start).isdigit() else start


def _snmp_server(line: _Line, index: int, _state: _State) -> int | None:
    """snmp-server host, mib community-map: the community; snmp-server user: both keys."""
    if line.after(index) == "host":
        at = index + 3
        if "community" in line.low[at:]:  # an ASA's: host INTERFACE ADDRESS [poll] community [8] WORD
            at = line.low.index("community", at) + 1
        while line.after(at, 0) in _SNMP_HOST_WORDS | {"vrf"} and at + 1 < len(line.words):
            at += 2 if line.after(at, 0) == "vrf" else 1
        at = _skip_type(line, at)
        return line.hide(at, at)
    if line.after(index, 2) == "community-map":
        return line.hide(index + 3, index + 3)
    if line.after(index) == "user":
        for word in range(index + 3, len(line.words) - 1):
            if line.low[word] == "auth":
                at = word + (3 if line.after(word, 2) in _SNMP_LENGTHS and line.after(word, 3) else 2)
                line.hide(at, at)
            elif line.low[word] == "priv":
                at = word + (2 if line.after(word) in _SNMP_CIPHERS else 1)
                at += 1 if line.after(at, 0) in {"128", "192", "256"} else 0
                line.hide(at, at)
        return len(line.words)
    return None


def _keyed(line: _Line, index: int, _state: _State) -> int | None:
    """Words that are always followed by [ascii|hex] [type] KEY."""
    start = index + 1
    if line.after(index) in {"ascii", "hex", "encrypted"}:
        start += 1
    stops = ("mode-list", "cryptographic-algorithm", "message-auth-code-key", "format")
    return _rest(line, _skip_type(line, start), *stops) if start < len(line.words) else None


def _one_word(line: _Line, index: int, _state: _State) -> int | None:
    """Words that are always followed by a secret of one word: license smart trust idtoken WORD, auth_key: HEX."""
    return line.hide(index + 1, index + 1) if line.after(index) not in {"", ","} else None


def _psk(line: _Line, index: int, _state: _State) -> int | None:
    """As in `wpa psk ascii 7 WORD`, `PSK: WORD`; elsewhere it names a method."""
    if line.after(index) in {"ascii", "hex"} or line.words[index].endswith((":", "=")):
        return _keyed(line, index, _state)
    return None


def _encrypted(line: _Line, index: int, _state: _State) -> int | None:
    """As in `tacacs-server host ADDRESS encrypted WORD`."""
    return _rest(line, index + 1) if {"tacacs-server", "radius-server"}.intersection(line.before(index)) else None


def _aaa_server(line: _Line, index: int, _state: _State) -> int | None:
    """An ASA's `aaa-server TAG (INTERFACE) host ADDRESS [WORD] [timeout N]`."""
    if "host" not in line.low[index : index + 5]:
        return None
    at = line.low.index("host", index) + 2
    return line.hide(at, at) if line.after(at, 0) not in {"", "timeout"} else None


def _wep(line: _Line, index: int, _state: _State) -> int:
    """As in `security static-wep-key encryption 104 ascii 0 WORD 1`."""
    return _hide_others(line, index + 1, _TYPES | {"encryption", "authentication", "40", "104", "128", "ascii", "hex"})


def _hmac(line: _Line, index: int, _state: _State) -> int | None:
    """EIGRP: authentication mode hmac-sha-256 [0|7] KEY."""
    if index and line.low[index - 1] == "mode" and line.after(index):
        return _rest(line, _skip_type(line, index + 1))
    return None


def _pkcs12(line: _Line, index: int, _state: _State) -> int | None:
    start = index + 2
    if start == len(line.words) and line.after(index) != "terminal" and ":" not in line.after(index):
        return line.hide(index + 1)  # an ASA's: the passphrase alone
    return _rest(line, start + 1 if line.after(start, 0) == "password" else start)


def _pem_place(line: _Line, index: int, _state: _State) -> int | None:
    """As in `crypto key import rsa NAME pem terminal PASSPHRASE`, `... pem url PLACE PASSPHRASE`."""
    before = line.before(index)
    start = index + (2 if line.low[index] == "url" else 1)
    if not ({"pem", "exportable"}.intersection(before) and {"import", "export"}.intersection(before)):
        return None
    return None if line.after(start, 0) in _PEM_CIPHERS else _rest(line, start)


def _pem_cipher(line: _Line, index: int, _state: _State) -> int | None:
    """As in `crypto key export rsa NAME pem terminal 3des PASSPHRASE`."""
    if "pem" in line.before(index) and {"export", "import"} & set(line.before(index)):
        return _rest(line, index + 1)
    return None


def _pass(line: _Line, index: int, _state: _State) -> int | None:
    """EzVPN: `username NAME pass WORD`."""
    return _rest(line, index + 1) if "username" in line.before(index) else None


def _syscon(line: _Line, index: int, _state: _State) -> int | None:
    """As in `syscon address ADDRESS WORD`."""
    return _rest(line, index + 3) if line.after(index) == "address" else None


def _option(line: _Line, index: int, _state: _State) -> int | None:
    """An agent's command line: `--token WORD`."""
    return line.hide(index + 1, index + 1) if index + 1 < len(line.words) else None


def _environment(line: _Line, index: int, _state: _State) -> int | None:
    """As in `event manager environment _password VALUE`."""
    name = line.after(index)
    if index and line.low[index - 1] == "manager" and _SECRET_NAME.search(name):
        return _rest(line, index + 2)
    return None


def _set(line: _Line, index: int, _state: _State) -> int | None:
    """A variable of an applet: `action 1.0 set _password "WORD"`."""
    if "action" in line.before(index) and _SECRET_NAME.search(line.after(index)):
        return _rest(line, index + 2)
    return None


def _text(line: _Line, index: int, _state: _State) -> int | None:
    """As in `show key chain: key 1 -- text "KEY"`."""
    return _rest(line, index + 1) if index and line.words[index - 1] == "--" else None


def _inside_word(line: _Line, index: int) -> None:
    """A URL with user and password, `password=...`."""
    word, (start, end) = line.words[index], line.spans[index]
    if (scheme := word.find("://")) >= 0:
        _url(line, word, start, scheme + 3)
    elif "@" in word and (user := _MAIL.match(word)):
        line.hidden.append((start + user.start(1), start + user.end(1)))
    if "=" in word and (match := _IN_WORD.search(word[:4096])) and match.end() < len(word):
        stop = min((at for at in (word.find(mark, match.end()) for mark in "&;,") if at > 0), default=len(word))
        line.hidden.append((start + match.end(), min(start + stop, end)))


def _url(line: _Line, word: str, start: int, authority: int) -> None:
    """scheme://user:password@host: the password; it may hold a slash or an at sign."""
    at = word.rfind("@")
    colon = word.find(":", authority)
    if colon < 0 or at < colon:
        return
    slash = word.find("/", authority)
    if 0 <= slash < at and word[colon + 1 : slash].isdigit():
        return  # host:port/path@...
    line.hidden.append((start + colon + 1, start + at))


_Handler = Callable[[_Line, int, _State], int | None]
_HANDLERS: dict[str, _Handler] = {
    **dict.fromkeys(_PASSWORDS, _password),
    **dict.fromkeys(_PRE_SHARED, _pre_shared_key),
    **dict.fromkeys(("key-string", "keystring"), _key_string),
    **dict.fromkeys(("authentication-key", "message-digest-key"), _numbered_key),
    **dict.fromkeys(
        (
            "wpa-psk",
            "set-key",
            "pmk",
            "server-key",
            "shared-secret",
            "auth-key",
            "shared-key",
            "secret-key",
            "api-key",
            "encrypted-key",
            "encryption-key",
            "message-auth-code-key",
            "key-octet-string",
            "nthash",
            "nt-encrypted",
        ),
        _keyed,
    ),
    **dict.fromkeys(("idtoken", "auth-token", "access-token", "auth_key"), _one_word),
    **dict.fromkeys(("hmac-sha-256", "hmac-sha-1"), _hmac),
    **dict.fromkeys(("3des", "des", "aes"), _pem_cipher),
    "key": _key,
    "spi": _spi,
    "session-key": _session_key,
    "authentication": _authentication,
    "community": _community,
    "snmp-server": _snmp_server,
    "pkcs12": _pkcs12,
    "environment": _environment,
    "pass": _pass,
    "syscon": _syscon,
    **dict.fromkeys(("--token", "--password", "--passwd", "--secret", "--api-key", "--key"), _option),
    "text": _text,
    "psk": _psk,
    "encrypted": _encrypted,
    "aaa-server": _aaa_server,
    "static-wep-key": _wep,
    "terminal": _pem_place,
    "url": _pem_place,
    "set": _set,
}
