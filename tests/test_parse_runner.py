"""The runner does what textfsm does, line for line, only faster and without stopping at what it does not know."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
import textfsm

from collector.commands import read_capture
from collector.errors import ParseError
from collector.model import Capture
from collector.parse.interruption import interrupts, log_line
from collector.parse.runner import LONGEST, Unparsed, run, table
from collector.parse.template import compiled, literal_beginning, load, source

HERE = Path(__file__).parent
CASES = sorted(
    file
    for file in (HERE / "captures").glob("*/*.txt")
    if (HERE.parent / "templates" / f"{file.parent.name}.textfsm").is_file()
)

SEVERAL = """\
Value Filldown GROUP (\\w+)
Value Required NAME (\\w+)
Value List PORT (\\d+)
Value NOTE (\\S+)

Start
  ^group ${GROUP}
  ^\\s*name: -> Continue.Record
  ^\\s*name: ${NAME}(?: note ${NOTE})?$$
  ^\\s*port ${PORT}
  ^other|^else -> Other
  ^reset -> Clearall
  ^drop -> Clear
  ^stop -> End
  ^last -> EOF
  ^\\s*$$
  ^. -> Error

Other
  ^back -> Start
  ^. -> Error
"""

TEXT = """group one
  name: a note x
  port 1
  port 2
name: b
group two
name: c
drop
port 9
else
back
name: d
"""


def _theirs(text: str, lines: list[str]) -> list[dict[str, object]]:
    """textfsm's own rows, lines that end it in an Error taken out one by one."""
    lines = list(lines)
    while True:
        fsm = textfsm.TextFSM(StringIO(text))
        for at, line in enumerate(lines):
            try:
                fsm._CheckLine(line)
            except textfsm.TextFSMError:
                del lines[at]
                break
            if fsm._cur_state_name in {"End", "EOF"}:
                lines = lines[: at + 1]
                break
        else:
            break
        if lines and fsm._cur_state_name in {"End", "EOF"}:
            break
    return textfsm.TextFSM(StringIO(text)).ParseTextToDicts("\n".join(lines))


def _ours(text: str, lines: list[str]) -> list[dict[str, object]]:
    return [row.values for row in run(compiled("test", text), lines, [])]


@pytest.mark.parametrize("file", CASES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_equals_textfsm_on_every_capture(file: Path):
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if len(line) <= LONGEST]
    text = source(file.parent.name)
    assert _ours(text, lines) == _theirs(text, lines)


@pytest.mark.parametrize("end", ["", "stop\nname: z\n", "last\nname: z\n", "reset\nname: e\n", "nonsense\nname: f"])
def test_equals_textfsm_in_all_operators(end: str):
    lines = (TEXT + end).splitlines()
    assert _ours(SEVERAL, lines) == _theirs(SEVERAL, lines)
    assert len(_ours(SEVERAL, lines)) >= 2


def test_an_empty_eof_state_drops_the_last_record():
    text = SEVERAL + "\nEOF\n"
    assert _ours(text, TEXT.splitlines()) == _theirs(text, TEXT.splitlines())
    assert len(_ours(text, TEXT.splitlines())) == 2


def test_a_row_knows_where_it_began():
    assert [row.line for row in run(compiled("test", SEVERAL), TEXT.splitlines(), [])] == [2, 5, 12]


@pytest.mark.parametrize(
    ("regex", "begins"),
    [
        (r"^\s*current_peer +(\S+)", "current_peer "),
        (r"^interface: (\S+)", "interface: "),
        (r"^\s+abc*d", "ab"),
        (r"^\s*abc+d", "abc"),
        (r"^\s*a\(b\)c", "a(b)c"),
        (r"^\s*\d+", None),
        (r"^\s*(?:in|out)bound", None),
        (r"^abc|^def", None),
        (r"^a[|]b(c|d)", "a"),
        (r"^(?i)abc", None),
        (r"^.", None),
        (r"^\s*$", ""),
        (r"^\s*(?P<A>abc (?:x|y)) z", "abc "),
        (r"^\s*(?:(a)b)c", "a"),
        (r"^\s*(?P<A>a|b)c", None),
        (r"^\s*(?P<A>ab)?c", None),
        (r"^\s*(?=ab)c", None),
        (r"^ abc", None),
        (r"abc", None),
        (r"^#pkts\sencaps", "#pkts"),
    ],
)
def test_literal_beginning(regex: str, begins: str | None):
    assert literal_beginning(regex) == begins


def test_a_line_too_long_is_set_aside_and_counted():
    left: list[Unparsed] = []
    rows = list(run(load("cisco_ios_show_privilege"), [" " * 100_000 + "x", "Current privilege level is 15"], left))
    assert [row.values["LEVEL"] for row in rows] == ["15"]
    assert [(one.line, len(one.text)) for one in left] == [(1, LONGEST)]


def test_keys_in_lines_left_over_are_masked(tmp_path: Path):
    file = tmp_path / "capture.txt"
    pem = "-----BEGIN RSA PRIVATE KEY-----\nTUlJRXBBSUJBQUtDQVFFQQ==\n-----END RSA PRIVATE KEY-----\n"
    file.write_text(f"crypto isakmp key S3cretKey address 192.0.2.1\n{pem}", encoding="utf-8")
    reading = read_capture(Capture(command="show crypto isakmp sa", text="", path=file))
    assert reading is not None
    assert len(reading.unparsed) == 4
    assert "S3cretKey" not in f"{reading.unparsed}{reading.reason}"
    assert "TUlJ" not in f"{reading.unparsed}"


def test_rows_come_before_the_text_ends():
    def lines():
        yield "Current privilege level is 7"
        yield "Current privilege level is 8"
        raise AssertionError("read ahead")

    rows = run(load("cisco_ios_show_privilege"), lines(), [])
    assert next(rows).values["LEVEL"] == "7"


@pytest.mark.parametrize(
    "line",
    [
        "*Mar  1 00:12:44.123: %SYS-5-CONFIG_I: Configured from console by vty0",
        "000123: .Sep  2 13:27:57.707 CEST: %CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd",
        "Jan 8 15:00:23.723 EDT: : %CRYPTO-4-IKMP_NO_SA: IKE message",
        "3d05h: %LINK-3-UPDOWN: Interface",
        "%HSRP-5-STATECHANGE: Vlan1 Grp 1 state Standby -> Active",
        "Nov 24 10:00:00.001: %IOSXE-3-PLATFORM: R0/0: cpp_cp: QFP:0.0",
    ],
)
def test_log_lines_are_set_aside(line: str):
    assert log_line(line)
    assert table("cisco_ios_show_privilege", [line, "Current privilege level is 15"]).unparsed == ()


@pytest.mark.parametrize(
    "line",
    ["192.0.2.1 198.51.100.1 QM_I*Mar  1 00:12:44.123: %SYS-5-CONFIG_I: Configured", "% Incomplete", "x: %A-9-B:"],
)
def test_a_row_before_a_log_message_is_not(line: str):
    assert not log_line(line)
    assert len(table("cisco_ios_show_privilege", [line]).unparsed) == 1


def test_echo_prompt_load_and_pager_lines_are_set_aside():
    text = [
        "hub1(config)#do show privilege",
        "Load for five secs: 5%/0%; one minute: 6%; five minutes: 6%",
        "Time source is NTP, 10:00:00.000 UTC Tue Nov 24 2026",
        "Current privilege level is 15",
        " --More-- ",
        "hub1#",
    ]
    assert table("cisco_ios_show_privilege", text).unparsed == ()
    assert [one.line for one in table("cisco_ios_show_privilege", [*text, "hub1#show clock"]).unparsed] == [7]
    assert not interrupts("show clock")


def test_a_wrapped_log_message_goes_on():
    text = ["*Mar  1 00:12:44.1: %CRYPTO-4-PKT_REPLAY_ERR: decrypt: replay check failed", "\tconnection id=5, sequence"]
    assert table("cisco_ios_show_privilege", text).unparsed == ()
    assert len(table("cisco_ios_show_privilege", text[1:]).unparsed) == 1


def test_templates_that_cannot_be_run_row_by_row_are_refused():
    with pytest.raises(ParseError, match="Fillup"):
        compiled("x", "Value Fillup A (a)\n\nStart\n  ^${A}\n  ^. -> Error\n")
    with pytest.raises(ParseError, match=r"A cannot be run"):
        compiled("x", "Value List A ((?P<b>a))\n\nStart\n  ^${A}\n  ^. -> Error\n")
    with pytest.raises(ParseError, match="wrong"):
        compiled("x", "Value A (a\n\nStart\n")
    with pytest.raises(ParseError, match="no template"):
        load("cisco_ios_show_nothing")


def test_endless_beginnings_do_not_fill_the_memory():
    template = compiled("x", SEVERAL)
    list(run(template, (f"{number:08d}" for number in range(5000)), []))
    assert len(template.states["Start"].memo) <= 2048
