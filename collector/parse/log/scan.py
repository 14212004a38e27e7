"""Lines -> messages: re-joined where they were wrapped, cut where two stand on one line.

A line begins a message when it starts as one (PRI, mark, sequence, stamp, relay) or holds `%FAC-n-MNEM:` behind a
header; anything else continues the message before it. A prompt or a router's own remark ends it. INV_SPI messages
take exactly the lines that their grammar needs; all others are free text and take what follows.

Every line that says INV_SPI like a message is counted: seen = events + duplicates + unparsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from collector.model import InvalidSpi, LogMessage, RelatedEvent
from collector.parse.log import body
from collector.parse.log.duplicates import Duplicates
from collector.parse.log.header import REACH, Header, read_header
from collector.parse.log.plain import PLAIN, RELAY_PREFIX, Plain, Tally, plain_stamp
from collector.parse.log.related import interesting, read_related
from collector.parse.log.stamp import DATE, ISO, UPTIME

_MNEMONIC = re.compile(
    r"%(?:> ?)?([A-Za-z][A-Za-z0-9_]{1,40}(?:-[A-Za-z0-9_]{1,40}){0,2}?-[0-7]-[A-Za-z0-9_]{2,60}) ?(:|(?=\s)|$)"
)
_START = re.compile(
    rf"<\d{{1,3}}>(?:1 )?\S|[*.]?(?:\d{{1,10}}: ?){{0,2}}(?:[A-Za-z0-9_][\w.\-]{{0,62}}: )?(?:\d{{1,10}}: ?)?[*.]?"
    rf"(?:{DATE}|{ISO}|(?:{UPTIME})(?= ?:(?: |$)))|\d{{6,10}}: \S"
)
_INNER_START = re.compile(
    rf"(?<= )(?:<\d{{1,3}}>(?:1 )?|[*.]?(?:\d{{1,10}}: )?[*.]?(?:{DATE}|{ISO}))[^%]{{0,200}}%?[\w\-]{{0,60}}$"
)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0e-\x1b\x7f]")
_QUOTE = re.compile(r"(?:> ?)+(?=\S)")
_PROMPT = re.compile(r"[A-Za-z0-9][\w.\-/:@+]{0,62}(?:\([\w\-./ ]{1,40}\))?[#>] ?(?:[a-z?|!].*)?$")
_PROMPT_BEFORE = re.compile(r"[A-Za-z0-9][\w.\-/:@+]{0,62}(?:\([\w\-./ ]{1,40}\))?[#>]$")
_REMARK = re.compile(r"Load for five secs|Time source is ")
_REPEATED = re.compile(r"(?:last )?message repeated (\d{1,9}) times?", re.IGNORECASE)
_INV = re.compile(r"(?:CRYPTO|IPSEC)(?:-[A-Z0-9_]+)?-[0-7]-RECVD_PKT_INV_SPI")
_INV_ANYWHERE = re.compile(r"%(?:>)?(?:CRYPTO|IPSEC)(?:-[A-Z0-9_]{1,30})?-[0-7]-RECVD_PKT_INV_SPI")
_LIKE_A_MESSAGE = ("spi=", "destaddr=", "decaps")

_MAX_WRAPS = 12  # lines of one INV_SPI message: 200 characters at 20 columns
_MAX_LINES = 64  # lines of a free text kept, a traceback for instance
_WIDTHS = frozenset({80, 132, 511, 512})  # at which terminals break a word

_Kind = Literal["", "young", "wrapper", "inv", "free", "dull"]


@dataclass(slots=True, kw_only=True)
class _Open:
    """The message being read."""

    kind: _Kind
    line: int
    last_line: int
    header: Header | None
    mnemonic: str
    parts: list[str]  # from the `%` on; of a young message the whole line
    lengths: list[int] = field(default_factory=list)


def scan(
    lines: Iterable[str], *, every: bool = True, tally: Tally | None = None, start: int = 1
) -> Iterator[LogMessage]:
    """The messages of `lines`, in their order; memory does not grow with the text but for its INV_SPI events.

    every: all messages, duplicates included; else only those with an event (and INV_SPI that could not be read), each
    once. tally: filled on the way. start: the number of the first line. A relay's `last message repeated N times`
    behind an event is a RelatedEvent of kind "repeated", N its detail: a lower bound, by the relay's word.
    """
    return scan_numbered(enumerate(lines, start), every=every, tally=tally)


def scan_numbered(
    lines: Iterable[tuple[int, str]], *, every: bool = True, tally: Tally | None = None
) -> Iterator[LogMessage]:
    """As `scan`, of lines that bring their numbers: an excerpt of a file."""
    tally = Tally() if tally is None else tally
    machine = _Machine(tally, every=every)
    for number, line in lines:
        relay = None
        match = PLAIN.match(line)
        if match is None and (relay := RELAY_PREFIX.match(line)) is not None:
            match = PLAIN.match(line, relay.end())
        if match is None or machine.young or line.find("%", match.end()) >= 0:
            yield from machine.feed(number, line)
            continue
        if machine.waiting is not None:
            yield machine.plain_message()
        elif machine.open is not None:
            yield from machine.flush()
        plain = Plain(match, relay)
        if interesting(match[12]):
            machine.begin_plain(number, line, plain)
            continue
        tally.pass_by(match)
        machine.dull = not every
        if machine.last:
            machine.last.pop(relay[2] if relay else None, None)
        if every:
            machine.waiting = number, line, plain
    if machine.waiting is not None:
        yield machine.plain_message()
    yield from machine.flush()


def begins_message(text: str) -> bool:
    """Whether a line (blanks squeezed) begins a message or holds one."""
    return _START.match(text) is not None or _MNEMONIC.search(text) is not None


class _Machine:
    """The state between two lines."""

    def __init__(self, tally: Tally, *, every: bool) -> None:
        self.tally = tally
        self.every = every
        self.open: _Open | None = None
        self.dull = False  # the message before is of no interest: its further lines are not either
        self.plain: Plain | None = None
        self.waiting: tuple[int, str, Plain] | None = None  # a plain message that may have further lines
        self.duplicates = Duplicates()
        self.last: dict[str | None, InvalidSpi | RelatedEvent] = {}

    @property
    def young(self) -> bool:
        """Whether the open message has no complete mnemonic yet."""
        return self.open is not None and self.open.kind == "young"

    def begin_plain(self, number: int, line: str, plain: Plain) -> None:
        """A line of the plain form."""
        match = plain.match
        mnemonic = match[12]
        kind: _Kind = "inv" if _INV.fullmatch(mnemonic) else "wrapper" if mnemonic.endswith("-PLATFORM") else "free"
        text = line[match.start(11) :]
        if kind != "free" or "  " in text or not text.isprintable():
            text = " ".join(_CONTROL.sub("", text).split())
        self.dull = False
        self.plain = plain
        self.open = _Open(
            kind=kind,
            line=number,
            last_line=number,
            header=None,
            mnemonic=mnemonic,
            parts=[text.rstrip()],
            lengths=[len(line)],
        )

    def plain_message(self) -> LogMessage:
        """The plain message that waits; no further line belongs to it, and it was counted when it came."""
        assert self.waiting is not None
        number, line, plain = self.waiting
        match = plain.match
        self.waiting = None
        text = line[match.start(11) :]
        if "  " in text or not text.isprintable():
            text = " ".join(_CONTROL.sub("", text).split())
        if plain.relay is not None:
            header = plain.header
            return LogMessage(
                line=number,
                last_line=number,
                text=text.rstrip(),
                mnemonic=match[12],
                stamp=header.stamp,
                sequence=header.sequence,
                relay_host=header.relay_host,
                relay_time=header.relay_time,
            )
        return LogMessage(
            line=number,
            last_line=number,
            text=text.rstrip(),
            mnemonic=match[12],
            stamp=plain_stamp(match),
            sequence=int(match[1]) if match[1] else None,
        )

    def feed(self, number: int, line: str) -> Iterator[LogMessage]:
        """A line of any other form."""
        if self.waiting is not None:
            before, self.waiting = self.waiting, None
            self.tally.total -= 1  # it is counted again when it is done
            self.begin_plain(*before)
        text = line if line.isprintable() else _CONTROL.sub("", line)
        text = " ".join(text.split())
        if text.startswith(">"):
            text = _QUOTE.sub("", text, count=1)
        if not text or text == ">":
            return
        if _REMARK.match(text) or _PROMPT.match(text):
            yield from self.flush()
            self.dull = False
            return
        for piece, header, mark in self._pieces(text):
            if mark is None and header is None:
                yield from self._carry(number, piece, len(line))
            else:
                yield from self.flush()
                self._begin(number, piece, header, mark, len(line))

    # --- cutting

    def _pieces(self, text: str) -> Iterator[tuple[str, Header | None, re.Match[str] | None]]:
        """(text, header, mnemonic) of each message that begins in the line; both `None`: continues what is open.

        The mnemonic's match stands in the piece, whose header is cut off.
        """
        begin = 0
        header: Header | None = None
        mark: re.Match[str] | None = None
        before: re.Match[str] | None = None
        for found in _MNEMONIC.finditer(text) if "%" in text else ():
            cut, own = self._cut(text, begin, before, found)
            if cut is None:
                before = before or found
                continue
            if (junk := text[begin:cut].strip()) and not _PROMPT_BEFORE.match(junk):
                yield from self._leftover(junk, header, mark)
            elif mark is not None:
                yield text[begin:cut], header, mark
            begin, header, mark, before = found.start(), own, found, found
        rest = text[begin:].strip()
        if mark is None:
            inner = _INNER_START.search(rest) if self.open is not None and self.open.kind == "inv" else None
            if inner is not None and not _START.match(rest):
                yield rest[: inner.start()].rstrip(), None, None
                rest = rest[inner.start() :]
            yield from self._leftover(rest, None, None)
        else:
            yield rest, header, mark

    def _leftover(
        self, text: str, header: Header | None, mark: re.Match[str] | None
    ) -> Iterator[tuple[str, Header | None, re.Match[str] | None]]:
        if mark is None and _START.match(text):
            header = _leading(text)
        yield text, header, mark

    def _cut(
        self, text: str, begin: int, before: re.Match[str] | None, found: re.Match[str]
    ) -> tuple[int | None, Header | None]:
        """Where the message of the mnemonic `found` begins, and its header; `None` where it begins none."""
        base = max(before.end() if before else begin, found.start() - REACH)
        region = text[base : found.start()]
        if before is None:
            joined = self._head_over_two_lines(region) if base == 0 else None
            if joined is not None:
                return 0, joined
        header = read_header(region) if region or before is None else None
        strong = header is not None and _is_strong(header)
        if (
            header is not None
            and (strong or before is None)
            and (strong or not self._belongs_to_open(header, region, found[1]))
        ):
            return base + header.start, header
        inv = _INV.fullmatch(found[1]) is not None
        if before is None:
            return (None, None) if self._wraps(found[1]) else (found.start(), Header(start=0))
        if before[1].endswith("-PLATFORM") or not (inv or _INV.fullmatch(before[1])):
            return None, None
        if header is not None:
            return base + header.start, header
        return found.start(), Header(start=0)

    def _wraps(self, mnemonic: str) -> bool:
        """Whether the open message is one of the platform that has still to say what it passes on."""
        message = self.open
        if message is None or message.kind != "wrapper" or not mnemonic.startswith(("IPSEC-", "CRYPTO-")):
            return False
        return sum(part.count("%") for part in message.parts) == 1

    def _belongs_to_open(self, header: Header, region: str, mnemonic: str) -> bool:
        """A lone word before the `%` may be the end of the message before, not a name."""
        if self._wraps(mnemonic):
            return True
        if self.open is None or not region or self.open.kind != "inv" or header.sequence is not None:
            return False
        if body.progress(self.open.parts) == "closed":
            return False
        return not body.reached_source(self.open.parts) or body.goes_on(self.open.parts, region.strip())

    def _head_over_two_lines(self, region: str) -> Header | None:
        """The header that began on the line before and ends here, if so; it is taken from what is open."""
        message = self.open
        if message is None or len(message.parts) > _MAX_WRAPS:
            return None
        begun = (" ".join(message.parts) if message.kind == "young" else message.parts[-1])[-REACH:]
        alone = read_header(region)
        found = [header for glue in (" ", "") if (header := read_header(begun + glue + region)) is not None]
        for header in sorted(found, key=_weight, reverse=True):
            if header.start >= len(begun):
                continue
            if message.kind == "young" and header.start == 0 and len(message.parts) <= 3:
                self.open = None
                return header
            if not _is_strong(header) or (alone is not None and _weight(header) <= _weight(alone)):
                continue
            if message.kind == "inv" or (message.kind == "free" and not _has_date(alone) and _has_date(header)):
                kept = message.parts[-1][: len(message.parts[-1]) - len(begun) + header.start].rstrip()
                if message.kind == "inv" and not body.complete([*message.parts[:-1], kept]):
                    continue
                message.parts[-1] = kept
                return header
        return None

    # --- growing

    def _begin(self, number: int, text: str, header: Header | None, mark: re.Match[str] | None, length: int) -> None:
        self.dull = False
        self.plain = None
        mnemonic = mark[1] if mark else ""
        kind: _Kind = "young"
        if mark is not None and (mark[2] == ":" or mark.end() < len(mark.string)):
            kind = "inv" if _INV.fullmatch(mnemonic) else "wrapper" if mnemonic.endswith("-PLATFORM") else "free"
        line = number
        self.open = _Open(
            kind=kind,
            line=line,
            last_line=number,
            header=header,
            mnemonic=mnemonic,
            parts=[text],
            lengths=[length],
        )
        self._settle()

    def _settle(self) -> None:
        """A young message or a wrapper learns what it is."""
        message = self.open
        assert message is not None
        if message.kind == "wrapper":
            if _INV_ANYWHERE.search(body.squeeze("".join(message.parts))[:1000]):
                message.kind = "inv"
        elif message.kind == "young" and len(message.parts) > 1:
            for glue in ("", " "):
                text = glue.join(message.parts)
                found = _MNEMONIC.search(text[:600])
                if found is None or not found[2]:
                    continue
                header = message.header if message.mnemonic else read_header(text[: found.start()])
                if header is None and _INV.fullmatch(found[1]) is None:
                    continue
                message.header = header or message.header
                message.mnemonic = found[1]
                message.parts = [text[found.start() :]]
                message.lengths = message.lengths[-1:]
                message.kind = "inv" if _INV.fullmatch(found[1]) else "free"
                self._settle()
                return

    def _carry(self, number: int, text: str, length: int) -> Iterator[LogMessage]:
        """A line, or the beginning of one, that begins no message."""
        message = self.open
        if message is not None and message.kind == "inv":
            progress = body.progress(message.parts)
            reached = progress == "may-go-on" or (progress == "open" and body.reached_source(message.parts))
            if progress == "closed" or len(message.parts) >= _MAX_WRAPS:
                takes = False
            else:
                takes = body.goes_on(message.parts, text) if reached else True
            if not takes:
                yield from self.flush()
                message = None
        if message is None:
            if body.NAME in text and any(word in text for word in _LIKE_A_MESSAGE):
                self._begin(number, text, None, None, length)
                assert self.open is not None
                self.open.kind = "inv"
            return
        message.last_line = number
        if len(message.parts) < _MAX_LINES:
            message.parts.append(text)
            message.lengths.append(length)
            if message.kind in {"young", "wrapper"}:
                self._settle()

    # --- building

    def flush(self) -> Iterator[LogMessage]:
        """The open message, done."""
        message, self.open = self.open, None
        if message is None:
            return
        built = self._build(message)
        if built is not None:
            yield built

    def _build(self, message: _Open) -> LogMessage | None:
        if message.kind == "inv" or (
            message.kind == "young" and body.NAME in "".join(message.parts) and _says_keys(message.parts)
        ):
            return self._build_inv(message)
        header = self._header(message)
        event: RelatedEvent | None = None
        if message.mnemonic and interesting(message.mnemonic):
            event = read_related(message.mnemonic, message.parts)
        elif not message.mnemonic and self.last and (again := _REPEATED.search(message.parts[0])):
            return self._build_repeated(message, header, again[1])
        if body.NAME in message.mnemonic and header.stamp.kind == "none" and not message.parts[0].startswith("%"):
            return None
        if not message.mnemonic and len(message.parts) == 1 and not _WORD.search(message.parts[0]):
            return None  # a header cut in two
        self.tally.pass_by(header.stamp)
        built = self._message(message, header, event)
        self._remember(header.relay_host, event)
        if self.every:
            return built
        return built if event is not None and not self.duplicates.seen(built) else None

    def _build_inv(self, message: _Open) -> LogMessage | None:
        header = self._header(message)
        read = body.read_body(message.parts)
        bare = header.stamp.kind == "none" and header.sequence is None and header.relay_host is None
        if read.event is None and bare and not _MESSAGE_COLON.search(body.squeeze("".join(message.parts))[:200]):
            return None  # prose about the message
        self.tally.pass_by(header.stamp)
        self.tally.seen += 1
        unread = read.event is None or not read.whole
        built = self._message(message, header, read.event, unread=unread)
        if unread:
            self.tally.unparsed += 1
            return built
        self._remember(header.relay_host, read.event)
        if self.duplicates.seen(built):
            self.tally.duplicates += 1
            return built if self.every else None
        self.tally.events += 1
        return built

    def _build_repeated(self, message: _Open, header: Header, times: str) -> LogMessage | None:
        self.tally.pass_by(header.stamp)
        said = self.last.get(header.relay_host)
        event = None
        if said is not None:
            event = RelatedEvent(
                kind="repeated", source=said.source, destination=said.destination, spi=said.spi, detail=times
            )
        built = self._message(message, header, event)
        return built if self.every or event is not None else None

    def _remember(self, host: str | None, event: InvalidSpi | RelatedEvent | None) -> None:
        if event is not None:
            if len(self.last) > 10_000:
                self.last.clear()
            self.last[host] = event
        elif self.last:
            self.last.pop(host, None)

    def _header(self, message: _Open) -> Header:
        if self.plain is not None:
            plain, self.plain = self.plain, None
            return plain.header
        if message.header is not None:
            return message.header
        return Header(start=0)

    def _message(
        self, message: _Open, header: Header, event: InvalidSpi | RelatedEvent | None, *, unread: bool = False
    ) -> LogMessage:
        text = message.parts[0] if len(message.parts) == 1 else _joined(message)
        return LogMessage(
            line=message.line,
            last_line=message.last_line,
            text=text,
            mnemonic=message.mnemonic,
            stamp=header.stamp,
            sequence=header.sequence,
            origin=header.origin,
            relay_host=header.relay_host,
            relay_time=header.relay_time,
            event=event,
            unread=unread,
        )


def _is_strong(header: Header) -> bool:
    """Whether it says when, or who relayed it."""
    return header.stamp.kind != "none" or header.relay_host is not None


def _weight(header: Header) -> tuple[bool, ...]:
    """Of two readings of one header, the one that says more."""
    stamp = header.stamp
    return (
        stamp.kind == "datetime",
        stamp.kind != "none",
        bool(stamp.mark),
        stamp.zone is not None,
        header.sequence is not None,
        header.relay_host is not None,
    )


def _has_date(header: Header | None) -> bool:
    return header is not None and header.stamp.kind == "datetime"


_WORD = re.compile(r"[A-Za-z]{2}")
_MESSAGE_COLON = re.compile(r"-RECVD_PKT_INV_SPI:")


def _says_keys(parts: list[str]) -> bool:
    text = body.squeeze("".join(parts))
    return any(word in text for word in _LIKE_A_MESSAGE)


def _leading(text: str) -> Header:
    """The header of a message without a mnemonic: up to the colon behind its stamp."""
    best = Header(start=0)
    at = 0
    for _ in range(8):
        at = text.find(":", at, 240) + 1
        if not at:
            break
        if text[at : at + 1] not in {"", " "}:
            continue
        header = read_header(text[: at + 1] if at < len(text) else text + " ")
        if header is not None and header.start == 0:
            best = header
            if header.stamp.kind != "none":
                break
    if best.stamp.kind == "none" and best.relay_host is None and (match := _RELAY_ONLY.match(text)):
        return read_header(match.group()) or best
    return best


_RELAY_ONLY = re.compile(rf"(?:<\d{{1,3}}>(?:1 )?)?(?:{DATE}|{ISO}) [\w.\-]{{1,64}} ")


_WORDS = re.compile(r"decaps:?rec(.{0,7}?)dIPSECpackethasinvalidspifor", re.IGNORECASE)


def _joined(message: _Open) -> str:
    """The text with its wraps undone."""
    if message.kind == "inv":
        text = _WORDS.sub(r"decaps: rec\1d IPSEC packet has invalid spi for ", body.squeeze("".join(message.parts)))
        text = (
            text.replace("INV_SPI:decaps", "INV_SPI: decaps")
            .replace(",", ", ")
            .replace("inputinterface", "input interface")
        )
        return text.strip()
    uniform = len(message.lengths) > 2 and len(set(message.lengths[:-1])) == 1
    text = message.parts[0]
    for length, part in zip(message.lengths, message.parts[1:], strict=False):
        text += ("" if uniform or length in _WIDTHS else " ") + part
    return text


__all__ = ["Tally", "begins_message", "scan", "scan_numbered"]
