"""The same message twice: it comes back by a second reading, by a relay, by a second relay."""

from __future__ import annotations

from datetime import datetime, timedelta

from collector.model import NO_YEAR, InvalidSpi, LogMessage, RelatedEvent, Stamp

_SECOND = timedelta(seconds=1)
_Key = tuple[object, ...]


class Duplicates:
    """Remembers the events of one device. Its size is that of the events, not of the log.

    Two messages are one when their events are equal and either their stamps are, to the second or finer, or their
    sequence numbers are and the stamps do not contradict (numbers start again at a reload). Without stamp and number
    the relay's time has to do. Nothing else is proof: `3d05h` twice may be two messages.
    """

    def __init__(self) -> None:
        self._stamped: set[_Key] = set()
        self._numbered: dict[_Key, set[datetime | timedelta | None]] = {}

    def seen(self, message: LogMessage) -> bool:
        """Whether this message was here before; it is remembered."""
        if message.event is None:
            return False
        body = _body(message.event)
        moment = fine(message.stamp)
        before = False
        if moment is not None:
            before = (body, moment) in self._stamped
            self._stamped.add((body, moment))
        if message.sequence is not None:
            known = self._numbered.setdefault((body, message.sequence), set())
            before = before or (bool(known) and (moment in known or moment is None or None in known))
            known.add(moment)
        if moment is None and message.sequence is None and message.relay_time is not None:
            key = (body, message.relay_host, message.relay_time.replace(tzinfo=None))
            before = key in self._stamped
            self._stamped.add(key)
        return before


def fine(stamp: Stamp) -> datetime | timedelta | None:
    """The stamp as a key, where it is exact to the second; a year is left out, as relays strip it."""
    if stamp.kind == "datetime" and stamp.time is not None:
        return stamp.time.replace(year=NO_YEAR)
    if stamp.kind == "uptime" and stamp.resolution is not None and stamp.resolution <= _SECOND:
        return stamp.since_boot
    return None


def _body(event: InvalidSpi | RelatedEvent) -> _Key:
    if isinstance(event, InvalidSpi):
        return (event.destination_text, event.source_text, event.protocol, event.spi, event.spi_decimal)
    return (event.kind, event.source, event.destination, event.spi, event.detail)
