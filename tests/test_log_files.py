"""Syslog files of many routers: the same events as a full reading, the right line numbers, flat memory."""

from __future__ import annotations

import random
import tracemalloc
from importlib import import_module
from pathlib import Path

import pytest

from collector.model import InvalidSpi
from collector.parse.log import census, excerpts, files, scan, scan_file

DULL = "%LINK-3-UPDOWN: Interface GigabitEthernet0/{n}, changed state to up"
INV = (
    "%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for destaddr=192.0.2.1, prot=50, "
    "spi=0x{n:08X}({n}), srcaddr=198.51.100.7"
)


def line(router: str, second: int, text: str) -> str:
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    return f"Mar 12 {clock} {router} {second}: *Mar 12 {clock}.123: {text}"


def mixed(count: int, seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    rows = []
    for second in range(count):
        text = INV if rng.random() < 0.02 else DULL
        rows.append(line(f"edge{rng.randrange(20):02d}", second, text.format(n=second)))
    return rows


@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_the_same_events_as_a_full_reading(tmp_path: Path, end: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "_PIECE", 4096)  # lines over the edges of pieces
    rows = mixed(3000)
    path = tmp_path / "mixed.log"
    path.write_bytes(((end or "\n").join(rows) + end).encode())
    whole = {(m.relay_host, m.line, m.event.spi) for m in scan(rows, every=False) if isinstance(m.event, InvalidSpi)}
    found = {(name, m.line, m.event.spi) for name, m in scan_file(path) if isinstance(m.event, InvalidSpi)}
    assert found == whole
    assert found
    for name, kept in excerpts(path).items():
        assert [rows[number - 1] for number, _ in kept] == [text for _, text in kept]
        own = [number for number, text in enumerate(rows, 1) if f" {name} " in text]
        assert (kept[0][0], kept[-1][0]) == (own[0], own[-1])


def test_neighbours_repeats_wraps_and_what_is_left_out(tmp_path: Path):
    rows = [
        line("edge1", 1, "%SYS-5-CONFIG_I: Configured from console by netops"),
        line("edge1", 2, "%SYS-5-CONFIG_I: Configured from console by netops again"),
        line("edge2", 3, "%SYS-5-RESTART: System restarted --"),
        line("edge1", 4, "%HSRP-5-STATECHANGE: Gi0/0 Grp 1 state Standby -> Active"),
        line("edge1", 5, "%CRYPTO-5-SESSION_STATUS: Crypto tunnel is UP.  Peer 198.51.100.7:500"),
        line("edge1", 6, INV.format(n=16)[:70]),
        INV.format(n=16)[70:],
        "Mar 12 00:00:09 edge1 last message repeated 4 times",
        line(
            "edge3",
            7,
            "%CRYPTO-4-IKMP_NO_SA: IKE message from 198.51.100.9 has no SA and is not an initialization offer",
        ),
        line("edge1", 8, "%CRYPTO-4-PKT_REPLAY_ERR: decrypt: replay check failed"),
        "  connection id=529, sequence number=12",
        (
            "Mar 12 00:00:12 edge4 CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for "
            "destaddr=192.0.2.1, prot=50, spi=0x11(17), srcaddr=198.51.100.7"
        ),
        line("edge1", 13, DULL.format(n=1)),
    ]
    path = tmp_path / "relay.log"
    path.write_text("\n".join(rows) + "\n")
    got = {}
    for name, message in scan_file(path):
        got.setdefault(name, []).append((message.line, getattr(message.event, "kind", "inv-spi")))
    # line 1 is kept as the router's first
    assert got["edge1"] == [
        (1, "config"),
        (2, "config"),
        (4, "hsrp"),
        (6, "inv-spi"),
        (8, "repeated"),
        (10, "replay-error"),
    ]
    assert got["edge3"] == [(9, "ikmp-no-sa")]
    assert "edge2" not in got
    assert [kind for rows_ in (got.get("edge4"), got.get(None)) for _, kind in rows_ or ()] == ["inv-spi"]


def test_a_file_without_any(tmp_path: Path):
    path = tmp_path / "dull.log"
    path.write_text("\n".join(line("edge1", n, DULL.format(n=n)) for n in range(100)))
    assert excerpts(path) == {}
    path.write_bytes(b"")
    assert excerpts(path) == {}


@pytest.mark.parametrize("seed", range(20))
def test_hostile_bytes(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "_PIECE", 512)
    rng = random.Random(seed)
    pieces = [
        b"RECVD_PKT_INV_SPI",
        b"%CRYPTO-4-",
        b": ",
        b"\n",
        b"\xff\x00",
        b"spi=",
        b"x" * 600,
        b"IKMP_NO_SA",
        b"Mar 12 00:00:09 edge1 ",
    ]
    path = tmp_path / "bad.log"
    path.write_bytes(b"".join(rng.choice(pieces) for _ in range(400)))
    list(scan_file(path))


def test_memory_does_not_grow_with_the_file(tmp_path: Path):
    block = "\n".join(line(f"edge{n % 20:02d}", n, DULL.format(n=n)) for n in range(20_000)) + "\n"
    peaks = []
    for times in (1, 8):
        path = tmp_path / f"{times}.log"
        with path.open("w") as file:
            file.write(line("edge00", 1, INV.format(n=1)) + "\n")
            file.writelines(block for _ in range(times))
        tracemalloc.start()
        assert sum(1 for _ in scan_file(path)) == 1
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1_000_000


def test_census_names_every_router_and_its_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(import_module("collector.parse.log.census"), "_PIECE", 4096)  # lines over the edges of pieces
    rows = mixed(2000, seed=3)
    rows[7] = "Mar 12 00:00:07 srv1 sshd[77]: 50% of the sessions are closed"
    rows[8] = "Mar 12 00:00:08 srv2 last message repeated 3 times"
    rows[700] = "<189>2026-03-12T00:11:40+01:00 192.0.2.7 12: hub1: Mar 12 00:11:40.001 CET: " + DULL.format(n=1)
    rows[900] = "x" * 10_000
    rows[1999] = "*Mar 12 00:33:19.123: " + DULL.format(n=2)
    for end in ("\n", "\r\n"):
        path = tmp_path / "relay.log"
        path.write_bytes(end.join(rows).encode())
        found = census(path)
        own: dict[str | None, list[int]] = {}
        for number, row in enumerate(rows, 1):
            if "%LINK" in row or "%CRYPTO" in row:
                name = "hub1" if "hub1" in row else None if row.startswith("*") else row.split()[3]
                own.setdefault(name, []).append(number)
        assert {name: (first[0], last[0]) for name, (first, last) in found.items()} == {
            name: (numbers[0], numbers[-1]) for name, numbers in own.items()
        }
        assert all(rows[number - 1] == line for ends in found.values() for number, line in ends)


def test_census_of_nothing(tmp_path: Path):
    path = tmp_path / "empty.log"
    path.write_bytes(b"")
    assert census(path) == {}
    path.write_bytes(b"z" * 3_000_000 + b"\n\n" + b"%" * 2_000_000)  # lines longer than a piece, in linear time
    assert census(path) == {}
