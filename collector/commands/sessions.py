"""What `show crypto session [detail]` and `show dmvpn detail` have in common: the lines of an IKE SA and of a flow."""

from __future__ import annotations

from dataclasses import replace

from collector.commands.ikev2 import end_and_port
from collector.model import SessionFlow, SessionIke
from collector.parse import Row
from collector.parse.duration import lifetime


def ike_line(row: Row) -> SessionIke:
    """A row with VERSION, LOCAL, REMOTE, IKE_STATE."""
    local, local_port = end_and_port(row.text("LOCAL"))
    remote, remote_port = end_and_port(row.text("REMOTE"))
    return SessionIke(
        line=row.line,
        version=2 if row.text("VERSION") == "v2" else 1,  # before IKEv2 it read `IKE SA:`
        local=local,
        local_port=local_port,
        remote=remote,
        remote_port=remote_port,
        state=row.text("IKE_STATE"),
    )


def with_capabilities(ike: SessionIke, row: Row) -> SessionIke:
    """`ike` with a row of CAPABILITIES, CONN_ID, LIFETIME."""
    letters = row.text("CAPABILITIES")
    return replace(
        ike,
        capabilities="" if letters == "(none)" else letters,
        connection_id=int(row.text("CONN_ID")),
        lifetime=lifetime(row.text("LIFETIME")),
    )


def with_counts(flow: SessionFlow, row: Row) -> SessionFlow:
    """`flow` with a row of ACTIVE_SAS and ORIGIN, IN_PACKETS and IN_DROP, or OUT_PACKETS and OUT_DROP."""
    match row.first:
        case "ACTIVE_SAS":
            return replace(flow, active_sas=int(row.text("ACTIVE_SAS")), origin=row.text("ORIGIN"))
        case "IN_PACKETS":
            return replace(
                flow, inbound_decrypted=int(row.text("IN_PACKETS")), inbound_dropped=int(row.text("IN_DROP"))
            )
        case _:
            return replace(
                flow, outbound_encrypted=int(row.text("OUT_PACKETS")), outbound_dropped=int(row.text("OUT_DROP"))
            )


def named(text: str) -> str | None:
    """A VRF or identity as printed; `(none)` is none."""
    return None if text in {"(none)", ""} else text
