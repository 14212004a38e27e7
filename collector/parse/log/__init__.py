"""Syslog messages of IOS and IOS XE, read from whatever they were copied into.

scan(lines) -> LogMessage, one by one: re-joined where a terminal or a mail wrapped them, cut where two stand on one
line. excerpts(path), scan_file(path) -> the same by router, for files of a syslog relay of any size; census(path) ->
every router's first and last message there.
Grammar and samples: Cisco TAC 115801, 116005, 221607, RFC 3164, RFC 5424, public captures.
"""

from __future__ import annotations

from collector.parse.log.census import census
from collector.parse.log.duplicates import Duplicates
from collector.parse.log.files import excerpts, scan_file
from collector.parse.log.scan import Tally, begins_message, scan, scan_numbered

__all__ = ["Duplicates", "Tally", "begins_message", "census", "excerpts", "scan", "scan_file", "scan_numbered"]
