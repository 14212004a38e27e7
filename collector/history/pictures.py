"""Pictures of routers as the far ends of joins: one a device, the newest, for runs that do not visit it themselves.

A picture is what `correlate` reads of a sender: addresses, peers, outbound SAs with what was left of them, and when. Of
its inbound SAs no join asks, and they stay behind. What was configured and what SAs ran are kept apart: a visit that
read no SAs leaves those of an earlier one, with their own run and time.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from collector.history.ledger import Ledger
from collector.model import (
    Address,
    ConfigType,
    Dpd,
    Evidence,
    Facts,
    FarEnd,
    FarPeer,
    IpsecFlow,
    Remembered,
    Sa,
    Spi,
    plain,
    to_address,
)

# Bounds of one picture: some 150 kB for the largest hub.
KEPT_ADDRESSES = 64
KEPT_PEERS = 2000
KEPT_FLOWS = 2000
KEPT_OWNERS = 9  # of one address or SPI: two are as ambiguous as a hundred

_ADDRESSES = ("far_addresses", "address")
_SPIS = ("far_spis", "spi")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Whose pictures a run asks for. sources, destinations: of its incidents' flows; spis: that they were logged with."""

    sources: frozenset[Address] = frozenset()
    destinations: frozenset[Address] = frozenset()
    spis: frozenset[Spi] = frozenset()


def keep(db: sqlite3.Connection, facts: Facts, run: str, at: str) -> None:
    """Take what this visit read of a device into its picture. at: when, ISO 8601, UTC.

    SAs of which nobody knows when they were read stay out: a picture must not be younger than it is.
    """
    if facts.config is None and facts.flows is None:
        return
    end = FarEnd.of(facts)
    row = db.execute("SELECT number, body, sas FROM far_ends WHERE device = ?", (end.name,)).fetchone()
    if row is None:
        cursor = db.execute(
            "INSERT INTO far_ends (device, run_id, taken_at, body) VALUES (?,?,?,?)", (end.name, run, at, b"")
        )
        number, old_body, old_sas = cursor.lastrowid, b"", None
    else:
        number, old_body, old_sas = row
        db.execute("UPDATE far_ends SET run_id = ?, taken_at = ? WHERE number = ?", (run, at, number))
    assert number is not None
    whole = facts.config is not None and facts.config.readable == "full"
    if (whole or not old_body) and (body := _body(end)) != old_body:
        db.execute("UPDATE far_ends SET body = ? WHERE number = ?", (body, number))
        _index(db, _ADDRESSES, number, _read(old_body).get("addresses", ()), _addresses(end))
    if end.flows is not None and (end.flows_at is not None or facts.collected_at is not None):
        sas = _sas(end)
        db.execute(
            "UPDATE far_ends SET sas_run_id = ?, sas_taken_at = ?, sas = ? WHERE number = ?",
            (run, plain(end.flows_at) or at, sas, number),
        )
        _index(db, _SPIS, number, _spis_of(old_sas), _spis_of(sas))


def forget(db: sqlite3.Connection, before: str) -> None:
    """Drop the pictures of devices that no run has read since."""
    db.execute("DELETE FROM far_ends WHERE taken_at < ?", (before,))


def far_ends_of(ledger: Ledger, wanted: Wanted) -> tuple[FarEnd, ...]:
    """Routers as earlier runs saw them that may be the far end of an incident; only what it asks of them."""
    return tuple(far_ends(ledger.connection, wanted)) if wanted.sources or wanted.spis else ()


def devices_at(ledger: Ledger, address: Address) -> tuple[str, ...]:
    """Which devices were last seen with `address` as an end of their own, the first of many."""
    return owners(ledger.connection, address)


def far_ends(db: sqlite3.Connection, wanted: Wanted) -> Iterator[FarEnd]:
    """The pictures of routers that own one of the sources or sent with one of the SPIs, by name; of each only what
    the wanted flows ask: SAs with their SPIs, peers at their destinations.
    """
    names: set[str] = set()
    for address in wanted.sources:
        names.update(owners(db, address))
    query = "SELECT device FROM far_spis JOIN far_ends USING (number) WHERE spi = ? ORDER BY number LIMIT ?"
    for spi in wanted.spis:
        names.update(row[0] for row in db.execute(query, (int(spi), KEPT_OWNERS)))
    for name in sorted(names):
        yield _picture(db.execute("SELECT * FROM far_ends WHERE device = ?", (name,)).fetchone(), wanted)


def owners(db: sqlite3.Connection, address: Address) -> tuple[str, ...]:
    """Devices with `address` as an end of their own, by name, KEPT_OWNERS at most."""
    query = "SELECT device FROM far_addresses JOIN far_ends USING (number) WHERE address = ? ORDER BY number LIMIT ?"
    return tuple(sorted(row[0] for row in db.execute(query, (str(address), KEPT_OWNERS))))


# -- to bytes -------------------------------------------------------------------------------------------------------


def _packed(value: Mapping[str, object]) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":")).encode(), 6)


def _read(blob: bytes | None) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(zlib.decompress(blob)) if blob else {}
    return found


def _addresses(end: FarEnd) -> list[str]:
    return [str(address) for address in end.addresses[:KEPT_ADDRESSES]]


def _body(end: FarEnd) -> bytes:
    return _packed(
        {
            "addresses": _addresses(end),
            "lifetime": plain(end.lifetime),
            "peers": [
                [
                    str(peer.address),
                    peer.config_type.value,
                    peer.interface,
                    plain(peer.local_address),
                    peer.vrf,
                    peer.ike_sa,
                    [peer.dpd.mode, peer.dpd.interval, peer.dpd.retry],
                ]
                for peer in end.peers[:KEPT_PEERS]
            ],
        }
    )


def _sas(end: FarEnd) -> bytes:
    commands: dict[str, int] = {}
    holding = [flow for flow in end.flows or () if flow.outbound or flow.outbound_spi is not None]
    flows = [_flow(flow, end.lines, commands) for flow in holding[:KEPT_FLOWS]]
    return _packed({"filter": end.flows_filter, "flows": flows, "commands": list(commands)})


def _flow(flow: IpsecFlow, lines: Mapping[Spi, Evidence], commands: dict[str, int]) -> list[object]:
    sas = []
    for sa in flow.outbound:
        line = lines.get(sa.spi)
        place = commands.setdefault(line.command, len(commands)) if line is not None else None
        proof = [place, line.line, line.text.strip()] if line is not None else None
        sas.append([int(sa.spi), plain(sa.remaining), sa.timed, sa.udp_encaps, proof])
    return [
        flow.interface,
        flow.map_tag,
        *map(plain, (flow.local_address, flow.local_endpoint, flow.peer, flow.remote_endpoint)),
        flow.peer_port,
        int(flow.outbound_spi) if flow.outbound_spi is not None else None,
        sas,
    ]


def _spis_of(blob: bytes | None) -> set[int]:
    found: set[int] = set()
    for flow in _read(blob).get("flows", ()):
        found.update(sa[0] for sa in flow[8])
        if flow[7] is not None:
            found.add(flow[7])
    return found


def _index(
    db: sqlite3.Connection, of: tuple[str, str], number: int, old: Iterable[str | int], new: Collection[str | int]
) -> None:
    """Only what changed is written: most routers keep their addresses for years. of: table and column."""
    table, column = of
    before, after = set(old), set(new)
    db.executemany(
        f"DELETE FROM {table} WHERE {column} = ? AND number = ?",  # noqa: S608 - names are ours
        ((key, number) for key in before - after),
    )
    db.executemany(
        f"INSERT OR IGNORE INTO {table} VALUES (?,?)",  # noqa: S608 - names are ours
        ((key, number) for key in after - before),
    )


# -- and back -------------------------------------------------------------------------------------------------------


def _picture(row: sqlite3.Row, wanted: Wanted) -> FarEnd:
    body, sas = _read(row["body"]), _read(row["sas"])
    read_sas = row["sas"] is not None
    run, taken_at = (row["sas_run_id"], row["sas_taken_at"]) if read_sas else (row["run_id"], row["taken_at"])
    seen = Remembered(device=row["device"], run=run, taken_at=datetime.fromisoformat(taken_at))
    commands = [f"ledger, run {run}: {command}" for command in sas.get("commands", ())]
    held = [
        flow for flow in sas.get("flows", ()) if any(sa[0] in wanted.spis for sa in flow[8]) or flow[7] in wanted.spis
    ]
    return FarEnd(
        name=row["device"],
        addresses=tuple(_known(map(to_address, body.get("addresses", ())))),
        peers=tuple(_peers_of(body, wanted)),
        flows=tuple(_flow_of(flow) for flow in held) if read_sas else None,
        flows_filter=sas.get("filter"),
        flows_at=seen.taken_at if read_sas else None,
        lines={
            Spi(spi): Evidence(
                device=row["device"], command=commands[proof[0]], line=proof[1], text=proof[2], taken_at=seen.taken_at
            )
            for flow in held
            for spi, *_, proof in flow[8]
            if proof is not None
        },
        lifetime=_span(body.get("lifetime")),
        seen=seen,
    )


def _peers_of(body: Mapping[str, Any], wanted: Wanted) -> Iterator[FarPeer]:
    for text, kind, interface, local, vrf, ike_sa, (mode, interval, retry) in body.get("peers", ()):
        address = to_address(text)
        if address in wanted.destinations and address is not None:
            yield FarPeer(
                address=address,
                config_type=ConfigType(kind),
                interface=interface,
                local_address=to_address(local),
                vrf=vrf,
                ike_sa=ike_sa,
                dpd=Dpd(mode=mode, interval=interval, retry=retry),
            )


def _flow_of(raw: list[Any]) -> IpsecFlow:
    interface, tag, local, local_endpoint, peer, remote_endpoint, port, current, sas = raw
    return IpsecFlow(
        line=0,
        interface=interface,
        map_tag=tag,
        local_address=to_address(local),
        vrf=None,
        local_ident=None,
        remote_ident=None,
        peer=to_address(peer),
        peer_text=peer,
        peer_port=port,
        local_endpoint=to_address(local_endpoint),
        remote_endpoint=to_address(remote_endpoint),
        outbound_spi=Spi(current) if current is not None else None,
        outbound=tuple(
            Sa(
                line=proof[1] if proof is not None else 0,
                direction="out",
                protocol="esp",
                spi=Spi(spi),
                remaining=_span(left),
                timed=timed,
                udp_encaps=udp,
            )
            for spi, left, timed, udp, proof in sas
        ),
    )


def _known(found: Iterable[Address | None]) -> Iterator[Address]:
    return (address for address in found if address is not None)


def _span(seconds: float | None) -> timedelta | None:
    return timedelta(seconds=seconds) if seconds is not None else None
