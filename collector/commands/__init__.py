"""The catalogue of show commands: one file each, one line here.

`recognise` finds the command behind a typed line (abbreviated, filtered), `read_capture` reads a capture with it.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from collector.commands import (
    show_clock,
    show_crypto_dynamic_map,
    show_crypto_gdoi,
    show_crypto_ikev2_sa,
    show_crypto_ikev2_session,
    show_crypto_ipsec_profile,
    show_crypto_ipsec_sa,
    show_crypto_ipsec_sa_address,
    show_crypto_ipsec_sa_identity,
    show_crypto_ipsec_spi_lookup,
    show_crypto_isakmp_sa,
    show_crypto_map,
    show_crypto_mib_ipsec_flowmib_global,
    show_crypto_session,
    show_crypto_session_brief,
    show_dmvpn,
    show_drops,
    show_ip_nhrp,
    show_ip_nhrp_nhs,
    show_logging,
    show_platform_hardware_qfp_active_feature_ipsec_datapath_drops,
    show_platform_hardware_qfp_active_statistics_drop,
    show_privilege,
    show_processes_cpu,
    show_running_config,
    show_standby_brief,
    show_version,
)
from collector.commands.command import Command, Reading
from collector.commands.recognise import Typed
from collector.commands.recognise import recognise as _recognise
from collector.commands.unused import UNUSED, Unused, unused
from collector.errors import ErrorCode
from collector.model import Capture, CaptureStatus, Log, plain, to_address
from collector.parse import LOOK, redact, redact_lines, refusal

CATALOGUE: tuple[Command[object], ...] = (
    show_privilege.COMMAND,
    show_version.COMMAND,
    show_clock.COMMAND,
    show_logging.COMMAND,
    show_processes_cpu.COMMAND,
    show_running_config.COMMAND,
    show_platform_hardware_qfp_active_feature_ipsec_datapath_drops.COMMAND,
    show_platform_hardware_qfp_active_statistics_drop.COMMAND,
    show_drops.COMMAND,
    show_ip_nhrp.COMMAND,
    show_ip_nhrp_nhs.COMMAND,
    show_dmvpn.COMMAND,
    show_standby_brief.COMMAND,
    show_crypto_mib_ipsec_flowmib_global.COMMAND,
    show_crypto_isakmp_sa.COMMAND,
    show_crypto_ikev2_sa.COMMAND,
    show_crypto_ikev2_session.COMMAND,
    show_crypto_ipsec_sa.COMMAND,
    show_crypto_session.COMMAND,
    show_crypto_session_brief.COMMAND,
    show_crypto_ipsec_sa_identity.COMMAND,
    show_crypto_ipsec_sa_address.COMMAND,
    show_crypto_ipsec_spi_lookup.COMMAND,
    show_crypto_map.COMMAND,
    show_crypto_dynamic_map.COMMAND,
    show_crypto_ipsec_profile.COMMAND,
    show_crypto_gdoi.COMMAND,
)

__all__ = [
    "CATALOGUE",
    "UNUSED",
    "Command",
    "Reading",
    "Typed",
    "Unused",
    "read_capture",
    "recognise",
    "rows_of",
    "unused",
]


@lru_cache(maxsize=1024)
def recognise(line: str) -> Typed | None:
    """The command behind a typed line, or `None` for one that the catalogue does not have."""
    return _recognise(line, CATALOGUE)


def read_capture(capture: Capture, *, every_row: bool = False) -> Reading[object] | None:
    """The typed records of one capture with their proof of coverage; `None` for a command we do not read.

    A refused command is `refused`; an answer whose end is not proven is never `parsed`. every_row: for a listing; a
    log then holds all its messages, not only those that facts are made of.
    """
    typed = recognise(capture.command)
    if typed is None:
        return None
    name = typed.command.name
    if capture.failure is not None and capture.failure.code.startswith("E_CMD_"):
        return Reading(
            command=name,
            status=CaptureStatus.REFUSED,
            records=(),
            reason=capture.failure.message,
            code=capture.failure.code,
        )
    # a streamed text was not masked at the door; a template takes no key into a record, and masks what it leaves
    streamed = capture.path is not None and typed.command.template is None
    lines = redact_lines(capture.lines()) if streamed else capture.lines()
    head = list(islice(lines, LOOK))  # a large capture is streamed: its text is not at hand
    refused = refusal("\n".join(head))
    if refused is not None:
        return Reading(
            command=name, status=CaptureStatus.REFUSED, records=(), reason=redact(refused.text), code=refused.code
        )
    scoped = any(to_address(argument) is not None for argument in typed.arguments)
    read = (every_row and typed.command.read_every) or (scoped and typed.command.read_scoped) or typed.command.read
    reading = read(chain(head, lines), typed.filtered)
    if capture.complete and reading.open_end and not capture.bare:
        return replace(reading, status=CaptureStatus.PARSED, reason="", code=None)
    if capture.complete or reading.status is not CaptureStatus.PARSED:
        return reading
    return Reading(
        command=name,
        status=CaptureStatus.INCOMPLETE,
        records=reading.records,
        reason=capture.note or "the end of the answer was not seen",
        code=capture.failure.code if capture.failure else ErrorCode.PARSE,
    )


def rows_of(reading: Reading[object]) -> list[dict[str, Any]]:
    """The records of a reading as plain rows; a log gives its head (if any), then a row for each message."""
    rows: list[object] = []
    for record in reading.records:
        if isinstance(record, Log):
            rows += [*([record.header] if record.header else []), *record.messages]
        else:
            rows.append(record)
    return [plain(row) for row in rows]
