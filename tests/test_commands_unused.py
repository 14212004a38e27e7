"""Commands whose answers are known and not used: told as a remark, never as a gap, wherever they stand."""

from __future__ import annotations

import json

import pytest
from pages import ROOT
from printed import facts

from collector.cli import _run
from collector.commands import UNUSED, recognise, unused

COUNT = "Active ISAKMP SA's: 3\n\nStandby ISAKMP SA's: 0\n\nCurrently being negotiated ISAKMP SA's: 0\n\nDead ISAKMP SA's: 4\n"
TABLES = """Active SPI table
     SPI Prot Local Address            Type
  Handle VRF  Remote Address           IDB
  3A4AAE22 ipsec 192.0.2.1 type 40003352 0 198.51.100.7 566

Transient SPI table
     SPI   HANDLE R Time created
"""


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("show crypto isakmp sa count", "show crypto isakmp sa count"),
        ("sh cry isa sa nat", "show crypto isakmp sa nat"),
        ("sh crypto ips sa cou | i active", "show crypto ipsec sa count"),
        ("show crypto ipsec sa platform", "show crypto ipsec sa platform"),
        ("sh cry ips sa peer 198.51.100.7 plat", "show crypto ipsec sa peer <address> platform"),
        ("show crypto session summary", "show crypto session summary"),
        ("show crypto ipsec spi-lookup", "show crypto ipsec spi-lookup"),
    ],
)
def test_they_are_known_however_they_are_typed(typed, name):
    known = unused(typed)
    assert known is not None
    assert known.name == name
    assert recognise(known.instead) is not None


@pytest.mark.parametrize(
    "typed", ["show", "show crypto isakmp sa", "show crypto ipsec sa", "show ip route", "count", ""]
)
def test_nothing_else_is(typed):
    assert unused(typed) is None


@pytest.mark.parametrize(
    "spelling", [spelling for spelling, _ in UNUSED if "spi-lookup" not in spelling and "interface" not in spelling]
)
def test_none_of_them_is_read_as_something_else(spelling):
    """But for `interface <type> <number>`, whose last word may be any: what does not fit there is not used."""
    assert recognise(spelling.replace("<address>", "198.51.100.7")) is None


def test_in_a_paste_they_are_a_remark_and_no_gap():
    made = facts(
        ("show crypto isakmp sa count", COUNT), ("show crypto ipsec spi-lookup", "SPI up\n"), at=None, origin="paste"
    )
    told = [spot for spot in made.blind_spots if spot.code == "command-not-used"]
    assert [spot.message.split("`")[1] for spot in told] == [
        "show crypto isakmp sa count",
        "show crypto ipsec spi-lookup",
    ]
    assert not any(spot.blocking for spot in made.blind_spots)
    assert made.captures == ()
    assert made.isakmp_sas is None  # a count proves no absence


def test_where_the_short_form_prints_as_the_long_one_it_is_read():
    made = facts(("show crypto ipsec spi-lookup", TABLES))
    assert [str(row.spi) for row in made.spi_lookup or ()] == ["0x3A4AAE22"]
    assert not [spot for spot in made.blind_spots if spot.code == "command-not-used"]
    long = facts(("show crypto ipsec spi-lookup detail", "SPI up\n"))
    assert [note.status for note in long.captures] == ["incomplete"]


def test_a_show_tech_tells_them(tmp_path, capsys):
    file = tmp_path / "tech.txt"
    file.write_text(f"------------------ show crypto isakmp sa count ------------------\n\n{COUNT}\n")
    _run(["analyze", str(file), "-f", "json"])
    (device,) = json.loads(capsys.readouterr().out)["devices"]
    assert "command-not-used" in {spot["code"] for spot in device["blind_spots"]}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.txt", COUNT),
        ("hub_show_crypto_isakmp_sa_count.txt", "x\n"),
        ("b.txt", f"show crypto isakmp sa count\n{COUNT}"),
    ],
)
def test_alone_in_a_file_the_message_says_so(tmp_path, capsys, name, text):
    (tmp_path / name).write_text(text)
    assert _run(["analyze", str(tmp_path / name)]) == 2
    assert (
        "`show crypto isakmp sa count` is known and not used: it counts SAs and names no peer"
        in capsys.readouterr().err
    )


def test_a_template_author_is_told_too(tmp_path, capsys):
    (tmp_path / "a.txt").write_text(COUNT)
    assert _run(["parse", "sh cry isa sa cou", str(tmp_path / "a.txt")]) == 2
    assert "known and not used" in capsys.readouterr().err


def test_the_page_names_them_all():
    page = (ROOT / "docs" / "analyze.md").read_text(encoding="utf-8")
    for _, known in UNUSED:
        assert f"`{known.name}`" in page
        assert known.why in page
