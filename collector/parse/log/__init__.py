"""Syslog messages of IOS and IOS XE, read from whatever they were copied into.

scan(lines) -> LogMessage, one by one: re-joined where a terminal or a mail wrapped them, cut where two stand on one
line. scan_file(path) -> (device, LogMessage) for files of a syslog relay.
Grammar and samples: Cisco TAC 115801, 116005, 221607, RFC 3164, RFC 5424, public captures.
"""

from __future__ import annotations

from collector.parse.log.duplicates import Duplicates
from collector.parse.log.scan import Tally, begins_message, scan

__all__ = ["Duplicates", "Tally", "begins_message", "scan"]
