"""show logging: the head, then what fits into the buffer."""

from __future__ import annotations

from datetime import timedelta

from collector.lab import events
from collector.lab.model import Device, Entry
from collector.lab.render.look import Lines, Look, age
from collector.lab.render.version import head

_UNSYNCHRONISED = timedelta(seconds=60)  # after a boot, until NTP has answered


def show_logging(look: Look) -> Lines:
    """Head and messages. Entries above the buffer's level are not kept; the oldest fall out of a full buffer."""
    device = look.device
    log = device.log
    produced = events.produced(look.network, device, look.now)
    level = events.LEVELS.index(log.level) if log.size and log.level in events.LEVELS else -1
    kept = produced.up_to(level)
    lines = _head(look, kept, produced.end - produced.start)
    if log.size:
        lines += ["", f"Log Buffer ({log.size} bytes):", "", *_buffer(look, produced, level, kept)]
    return lines


def _buffer(look: Look, produced: events.Produced, level: int, number: int) -> Lines:
    """What still fits, worked out from the newest message back; a message that fits in part keeps its last lines."""
    device = look.device
    room, cleared = device.log.size, device.log_cleared
    backwards: Lines = []
    for index in range(produced.end - 1, produced.start - 1, -1):
        entry = produced.whole[index]
        if entry.level > level:
            continue
        if cleared is not None and entry.time <= cleared:
            break
        for text in reversed(_whole(look, entry, number)):
            room -= len(text) + 2
            if room < 0:
                return backwards[::-1]
            backwards.append(text)
        number -= 1
    return backwards[::-1]


def _whole(look: Look, entry: Entry, number: int) -> Lines:
    """A message, stamped by the clock as it was then; the one of a restart goes on with the head of `show version`."""
    line = message(look.network.device(look.device.name, entry.time), entry, number)
    return [line, *head(look.device)] if "%SYS-5-RESTART" in line else [line]


def message(device: Device, entry: Entry, number: int) -> str:
    """One line of the buffer, stamped as `service timestamps` says."""
    stamps = device.stamps
    sequence = f"{number:06d}: " if stamps.sequence else ""
    if stamps.kind == "none":
        return sequence + entry.text
    if stamps.kind == "uptime":
        return f"{sequence}{age(entry.time - device.booted)}: {entry.text}"
    clock = device.clock
    moment = clock.local(entry.time) if stamps.localtime else clock.local(entry.time) - clock.offset
    text = f"{moment:%b} {moment.day:2d}"
    text += f" {moment.year}" if stamps.year else ""
    text += f" {moment:%H:%M:%S}"
    text += f".{moment.microsecond // 1000:03d}" if stamps.msec else ""
    if stamps.show_timezone:
        text += f" {clock.zone if stamps.localtime else 'UTC'}"
    mark = clock.mark if entry.time - device.booted > _UNSYNCHRONISED else "*"
    return f"{sequence}{mark}{text}: {entry.text}"


def _head(look: Look, buffered: int, produced: int) -> Lines:
    log = look.device.log
    dropped = f"{log.dropped} message{'' if log.dropped == 1 else 's'} dropped"
    modern = look.era >= 2012
    extra = ", filtering disabled" if look.era >= 2008 else ""
    lines = [
        f"Syslog logging: enabled ({dropped}, 2 messages rate-limited, 0 flushes, 0 overruns, xml disabled{extra})",
        "",
    ]
    if log.discriminator:
        lines += ["Active Message Discriminator:", f"{log.discriminator:<9} severity group drops 4", "", ""]
    else:
        lines += ["No Active Message Discriminator.", "", "", ""]
    lines += ["No Inactive Message Discriminator.", "", ""]
    buffer = (
        f"    Buffer logging:  level {log.level}, {buffered} messages logged, xml disabled,"
        if log.size
        else "    Buffer logging:  disabled, xml disabled,"
    )
    filtered = "                    filtering disabled"
    if log.discriminator and log.size:
        filtered += f", discriminator({log.discriminator})"
    lines += [
        "    Console logging: disabled"
        if modern
        else f"    Console logging: level debugging, {produced} messages logged, xml disabled,",
        *([] if modern else ["                     filtering disabled"]),
        "    Monitor logging: level debugging, 0 messages logged, xml disabled,",
        "                     filtering disabled",
        buffer,
        filtered,
    ]
    lines.append("    Exception Logging: size (4096 bytes)" if modern else "    Logging Exception size (4096 bytes)")
    lines.append("    Count and timestamp logging messages: disabled")
    lines += ["    Persistent logging: disabled", ""] if modern else ["    Persistent logging: disabled"]
    if modern:
        lines.append("No active filter modules.")
    lines += ["", f"    Trap logging: level informational, {produced + 4} message lines logged"]
    if modern:
        lines.append("        Logging Source-Interface:       VRF Name:")
    if look.era >= 2023:
        lines.append("    TLS Profiles: ")
    return lines
