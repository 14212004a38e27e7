"""Bytes of any origin become text as the screen showed it, or are refused by name."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from cost import cheap
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import UsageError
from collector.snapshot.text import LARGE, clean, decode, document, open_document

PLAIN = "R1#show clock\n14:05:09.123 CET Mon Nov 24 2025\nR1#\n"


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("utf-8", PLAIN.encode()),
        ("utf-8 with a mark", b"\xef\xbb\xbf" + PLAIN.encode()),
        ("utf-16 little", b"\xff\xfe" + PLAIN.encode("utf-16-le")),
        ("utf-16 big", b"\xfe\xff" + PLAIN.encode("utf-16-be")),
        ("utf-16 little, no mark", PLAIN.encode("utf-16-le")),
        ("utf-16 big, no mark", PLAIN.encode("utf-16-be")),
        ("utf-32", b"\xff\xfe\x00\x00" + PLAIN.encode("utf-32-le")),
        ("gzip", gzip.compress(PLAIN.encode(), mtime=0)),
        ("CRLF", PLAIN.replace("\n", "\r\n").encode()),
        ("CR CR LF", PLAIN.replace("\n", "\r\r\n").encode()),
        ("LF CR", PLAIN.replace("\n", "\n\r").encode()),
        ("CR alone", PLAIN.replace("\n", "\r").encode()),
        ("NUL from telnet", PLAIN.replace("\n", "\r\x00\n").replace("\r\x00\n", "\r\n\x00").encode()),
        ("colour", PLAIN.replace("R1#", "\x1b[1;32mR1#\x1b[0m").encode()),
        ("window title", b"\x1b]0;R1\x07" + PLAIN.encode()),
        ("bell", PLAIN.replace("14:", "\x0714:").encode()),
        ("typing error", PLAIN.replace("show", "shw\x08ow").encode()),
        ("erased word", PLAIN.replace("show", "shut\x08 \x08\x08 \x08ow").encode()),
        (
            "pager with backspaces",
            PLAIN.replace(
                "14:", " --More-- \x08\x08\x08\x08\x08\x08\x08\x08\x08        \x08\x08\x08\x08\x08\x08\x08\x08\x0814:"
            ).encode(),
        ),
        ("pager with return", PLAIN.replace("14:", " --More--\r         \r14:").encode()),
        ("pager, backspaces lost", PLAIN.replace("14:", " --More--         14:").encode()),
        ("pager erased by escape", PLAIN.replace("14:", "--More--\x1b[2K\r14:").encode()),
    ],
)
def test_reads_as_the_plain_text(name: str, octets: bytes):
    text = document(octets, name).text
    assert text is not None
    assert [line.rstrip() for line in text.splitlines() if line.strip()] == PLAIN.splitlines()


def test_the_blanks_of_the_line_behind_a_pager_stay():
    back = "\x08" * 9
    assert clean(f"a\n --More-- {back}        {back}   current_peer") == "a\n   current_peer"
    assert clean("a\n --More--            current_peer") == "a\n   current_peer"


def test_a_return_within_a_line_loses_nothing():
    assert clean("one\rtwo\nthree") == "one\ntwo\nthree"


def test_windows_letters():
    assert decode("description Málaga – sede".encode("cp1252"), "x") == "description Málaga – sede"
    assert decode("description Málaga".encode(), "x") == "description Málaga"
    assert "\\xff" in decode("description Málaga ".encode() + b"\xff and more text behind it", "x")


@pytest.mark.parametrize(
    ("octets", "told"),
    [
        (b"", "empty"),
        (b"\n\r\n \t\n", "empty"),
        (b"PK\x03\x04" + b"x" * 99, "zip"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x7fELF\x02\x01", "program"),
        (b"\xd4\xc3\xb2\xa1\x02\x00", "packet capture"),
        (bytes(range(256)) * 40, "binary"),
        (b"abc\x00\x01\x02\x03\x04" * 500, "binary"),
        (b"\x1f\x8b\x08\x00 no gzip at all", "damaged"),
    ],
)
def test_what_is_no_text_is_refused_by_name(octets: bytes, told: str):
    with pytest.raises(UsageError, match=told) as raised:
        document(octets, "captures/core.bin")
    assert "captures/core.bin" in str(raised.value)


def test_a_file_that_cannot_be_opened(tmp_path: Path):
    with pytest.raises(UsageError, match="cannot be read"):
        open_document(tmp_path / "nothing")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_large_plain_file_is_streamed(tmp_path: Path, end: str):
    file = tmp_path / "big.txt"
    body = f"some text with ümlauts 0123456789{end}" * (LARGE // 30)
    file.write_bytes((f"R1#show version{end}" + body + f"R1#{end}").encode())
    found = open_document(file)
    assert found.text is None
    lines = list(found.lines())
    assert lines[0][2] == "R1#show version"
    assert lines[-1][2] == "R1#"
    capture = found.capture("show version", lines[1][0], lines[-1][0], first_line=2)
    assert (capture.text, capture.path) == ("", file)
    assert list(capture.lines()) == ["some text with ümlauts 0123456789"] * (LARGE // 30)


def test_a_line_end_across_two_pieces(tmp_path: Path):
    file = tmp_path / "big.txt"
    line = b"x" * 15 + b"\r\n"  # 17 octets divide 2 ** 20 + 1: a piece ends between CR and LF
    file.write_bytes(line * (2 * LARGE // len(line)))
    assert file.read_bytes()[LARGE - 1 : LARGE + 1] == b"\r\n"
    assert open_document(file).text is None


@pytest.mark.parametrize("spoiler", [b"\x1b[0m", b"\x00", b"a\rb", b" --More-- ", b"\xff\xff", b"\x08"])
def test_a_large_file_that_needs_cleaning_is_held(tmp_path: Path, spoiler: bytes):
    file = tmp_path / "big.txt"
    file.write_bytes(b"some text 0123456789\n" * (LARGE // 20) + spoiler + b"\n")
    assert open_document(file).text is not None


@given(st.binary(max_size=600))
def test_any_bytes_are_text_or_refused(octets: bytes):
    try:
        found = document(octets, "x")
    except UsageError:
        return
    assert found.text is not None
    assert not set(found.text) & set(map(chr, (*range(9), *range(11, 32), 127)))


@given(st.text(alphabet=st.sampled_from(" ab\x08\r\n\x1b[m-More"), max_size=300))
def test_cleaning_is_done_once(text: str):
    once = clean(text)
    assert "\r" not in once
    assert "\x08" not in once


@pytest.mark.parametrize(
    "text", ["\x1b[" * 50_000, " --More-- " * 20_000, "\x08" * 100_000, "\x1b]0;" * 50_000, " \x08" * 50_000]
)
def test_hostile_text_is_cleaned_in_linear_time(text: str):
    assert cheap(lambda: clean(text), 5)
