"""Pasted sessions: whose answer it is, where it ends, and what stands between answers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.commands import read_capture
from collector.model import Capture, CaptureStatus, Log, Snapshot
from collector.snapshot import read_paths
from collector.snapshot.prompts import joined, scrolled, shown

INV_SPI = (
    "%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for destaddr=192.0.2.1, prot=50, "
    "spi=0x0A0B0C0D(168496141), srcaddr=198.51.100.9"
)
CLOCK = "14:05:09.123 CET Mon Nov 24 2025"
NHRP = """10.0.0.2/32 via 10.0.0.2
   Tunnel0 created 1d02h, expire 00:02:27
   Type: dynamic, Flags: unique registered
   NBMA address: 198.51.100.2
"""


def pasted(tmp_path, text: str, name: str = "paste.txt") -> list[Snapshot]:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return list(read_paths([str(file)]))


def one(tmp_path, text: str) -> tuple[Capture, ...]:
    (snapshot,) = pasted(tmp_path, text)
    return snapshot.captures


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("R1#", "R1"),
        ("R1>", "R1"),
        ("R1# ", "R1"),
        ("  R1#", "R1"),
        ("hub1-mad.example.net#", "hub1-mad.example.net"),
        ("R1(config)#do ", "R1"),
        ("R1(config-if)# do ", "R1"),
        ("R1(vrf:MGMT)#", "R1"),
        ("RP/0/RSP0/CPU0:edge9#", "edge9"),
        ("admin@R1#", "R1"),
        ("br_017/2#", "br_017/2"),
        ("7206-A+#", "7206-A+"),
    ],
)
def test_prompts_of_any_router(tmp_path, prompt: str, name: str):
    (snapshot,) = pasted(tmp_path, f"{prompt}show clock\n{CLOCK}\n{prompt.replace('do ', '')}\n")
    assert (snapshot.device.name, snapshot.hostname, snapshot.origin) == (name, name, "paste")
    (capture,) = snapshot.captures
    assert (capture.command, capture.text, capture.complete) == ("show clock", f"{CLOCK}\n", True)


def test_many_commands_keep_their_order_and_their_words(tmp_path):
    text = f"R1#term len 0\nR1#sh clo\n{CLOCK}\nR1#sh ip nhrp | i NBMA\n   NBMA address: 198.51.100.2\nR1#sh clo\n14:07:00.000 CET Mon Nov 24 2025\nR1#exit\n"
    captures = one(tmp_path, text)
    assert [capture.command for capture in captures] == ["sh clo", "sh ip nhrp | i NBMA", "sh clo"]
    assert [capture.first_line for capture in captures] == [3, 5, 7]
    assert all(capture.complete for capture in captures)
    assert captures[0].text != captures[2].text


def test_a_paste_cut_before_its_last_prompt(tmp_path):
    first, last = one(tmp_path, f"R1#show clock\n{CLOCK}\nR1#show ip nhrp\n{NHRP}")
    assert first.complete
    assert (last.complete, last.note) == (False, "the text ends before the next prompt")
    reading = read_capture(last)
    assert reading is not None
    assert (reading.status, len(reading.records)) == (CaptureStatus.INCOMPLETE, 1)


def test_two_routers_in_one_file_are_two_devices(tmp_path):
    text = f"R1#show clock\n{CLOCK}\nR1#\nR2>show ip nhrp\n{NHRP}R2>show clock\n{CLOCK}\nR1#show privilege\nCurrent privilege level is 15\nR1#\n"
    first, second = pasted(tmp_path, text)
    assert [(found.device.name, [one.command for one in found.captures]) for found in (first, second)] == [
        ("R1", ["show clock", "show privilege"]),
        ("R2", ["show ip nhrp", "show clock"]),
    ]
    assert [capture.complete for capture in second.captures] == [True, False]
    assert "another router" in second.captures[1].note


def test_table_text_that_looks_like_a_prompt_is_none(tmp_path):
    text = "R1#show version\nDevice#   PID     SN\nfoo>bar show this\nConfiguration register is 0x2102\nR1#\n"
    (capture,) = one(tmp_path, text)
    assert capture.text.count("\n") == 3


@pytest.mark.parametrize("delimiter", ["^C", "#", "@"])
def test_a_prompt_in_a_banner_is_text(tmp_path, delimiter: str):
    config = f"hostname R1\nbanner motd {delimiter}\nR1>show clock\nR1>show version is not allowed\n{delimiter}\ninterface Tunnel0\nend\n"
    (capture,) = one(tmp_path, f"R1#show running-config\n{config}R1#\n")
    assert capture.text == config


def test_a_banner_without_end_does_not_swallow_the_session(tmp_path):
    text = "R1#show running-config\nhostname R1\nbanner motd ^C\nwelcome\nend\nR1#show clock\n" + CLOCK + "\nR1#\n"
    assert [capture.command for capture in one(tmp_path, text)] == ["show running-config", "show clock"]


def test_log_lines_amid_prompts_and_answers_are_gathered(tmp_path):
    text = (
        f"*Nov 24 14:00:00.000: {INV_SPI}\nR1#\n*Nov 24 14:01:00.000: {INV_SPI}\nR1#show ip nhrp\n"
        + NHRP.replace("   Type", f"*Nov 24 14:02:00.000: {INV_SPI}\n   Type")
        + f"R1#*Nov 24 14:03:00.000: {INV_SPI}\nR1#show clock\n{CLOCK}\nR1#\n"
    )
    log, nhrp, clock = one(tmp_path, text)  # where its first line stands: the clock was typed after that
    assert [capture.command for capture in (log, nhrp, clock)] == ["show logging", "show ip nhrp", "show clock"]
    reading = read_capture(nhrp)
    assert reading is not None
    assert reading.status is CaptureStatus.PARSED
    assert log.text.count("INV_SPI") == 4
    lines = text.splitlines()
    for number, line in enumerate(log.text.splitlines(), log.first_line):
        assert not line or line in lines[number - 1]


def test_a_wrapped_message_is_gathered_whole(tmp_path):
    wrapped = INV_SPI.replace("packet has", "packet\n\nhas").replace("spi=0x", "\nspi=0x").replace("50.100", "50.\n100")
    (_, log) = one(tmp_path, f"R1#show clock\n{CLOCK}\nR1#\nNov 24 14:00:00: {wrapped}\nsome words after it\nR1#\n")
    reading = read_capture(log)
    assert reading is not None
    (record,) = reading.records
    assert isinstance(record, Log)
    assert (record.inv_spi_events, record.inv_spi_unparsed) == (1, 0)
    assert "some words" not in log.text


def test_stray_lines_stand_before_a_real_log_which_is_the_last_word(tmp_path):
    text = (
        f"R1#show clock\n{CLOCK}\nR1#show logging\n*Nov 24 14:00:00: {INV_SPI}\nR1#\n*Nov 24 14:09:00: {INV_SPI}\nR1#\n"
    )
    captures = one(tmp_path, text)
    assert [capture.command for capture in captures] == ["show clock", "show logging", "show logging"]
    assert [capture.text.strip()[:19] for capture in captures[1:]] == ["*Nov 24 14:09:00: %", "*Nov 24 14:00:00: %"]


def test_a_log_and_a_configuration_are_left_alone(tmp_path):
    config = f"hostname R1\nalias exec x show logging | i {INV_SPI}\nend\n"
    captures = one(tmp_path, f"R1#show logging\n*Nov 24 14:00:00: {INV_SPI}\nR1#show running-config\n{config}R1#\n")
    assert [capture.command for capture in captures] == ["show logging", "show running-config"]


def test_keys_are_masked(tmp_path):
    text = "R1#show running-config\nhostname R1\ncrypto isakmp key SPI-SECRET address 192.0.2.9\nend\nR1#\n"
    assert "SPI-SECRET" not in one(tmp_path, text)[0].text


def test_help_and_other_words_at_a_prompt_are_no_capture(tmp_path):
    text = f"R1#show clock ?\n  detail  Display detailed information\nR1#ping 192.0.2.9\n!!!!!\nR1#conf t\nR1(config)#end\nR1#show clock\n{CLOCK}\nR1#\n"
    assert [capture.command for capture in one(tmp_path, text)] == ["show clock"]


def test_configuration_files_count_as_the_command(tmp_path):
    (capture,) = one(
        tmp_path,
        "R1#more system:running-config\nhostname R1\nend\nR1#show clock\n".removesuffix("R1#show clock\n") + "R1#\n",
    )
    assert capture.command == "show running-config"


def test_a_tech_support_within_a_session(tmp_path):
    text = (
        f"R1#show tech-support\n\n------------------ show clock ------------------\n\n{CLOCK}\n"
        f"------------------ show interfaces ------------------\nx\n------------------ show ip nhrp ------------------\n{NHRP}R1#show clock\n{CLOCK}\nR1#\n"
    )
    captures = one(tmp_path, text)
    assert [(capture.command, capture.complete) for capture in captures] == [
        ("show clock", True),
        ("show ip nhrp", True),
        ("show clock", True),
    ]
    assert text.splitlines()[captures[1].first_line - 1].startswith("10.0.0.2/32")


def test_an_echo_that_wrapped_or_scrolled():
    long = "show platform hardware qfp active feature ipsec datapath drops all"
    line = f"a-router-with-a-long-name#{long[:50]}"
    assert joined(long[:50], line, long[50:]) == long
    assert joined("show clock", "R1#show clock", "14:05:09") is None
    assert scrolled("$are qfp active feature ipsec datapath drops all") == long
    assert scrolled("$are qfp active feature ipsec datapath drops all | i SPI") == f"{long} | i SPI"
    assert shown("$all") is None


def test_wrapped_echo_in_a_session(tmp_path):
    long = "show platform hardware qfp active feature ipsec datapath drops all"
    text = f"a-router-with-a-long-name#{long[:50]}\n{long[50:]}\n4 IN_US_V4_PKT_SA_NOT_FOUND_SPI 7\na-router-with-a-long-name#show clock\n{CLOCK}\na-router-with-a-long-name#\n"
    first, _ = one(tmp_path, text)
    assert (first.command, first.text) == (long, "4 IN_US_V4_PKT_SA_NOT_FOUND_SPI 7\n")


def test_backspaces_and_pager_remains(tmp_path):
    back = "\x08" * 9
    text = f"R1#shoe\x08w ip nhrp\r\n{NHRP}".replace("   Type", f" --More-- {back}        {back}   Type") + "R1#\r\n"
    (capture,) = one(tmp_path, text)
    assert (capture.command, capture.text) == ("show ip nhrp", NHRP)


def test_prose_behind_an_answer_costs_no_row(tmp_path):
    text = (
        "As the examples show:\n\nRouter# show platform hardware qfp active feature ipsec datapath drops all | in SPI\n\n"
        "4 IN_US_V4_PKT_SA_NOT_FOUND_SPI 64574 <======\n\n7 IN_TRANS_V4_IPSEC_PKT_NOT_FOUND_SPI 0\n\n"
        f"It is important to know that this message is limited to one per minute.\n\nSep  2 13:27:57.707: {INV_SPI}\n"
    )
    drops, log = one(tmp_path, text)
    reading = read_capture(drops)
    assert reading is not None
    assert (reading.status, reading.unparsed, len(reading.records)) == (CaptureStatus.INCOMPLETE, (), 1)
    assert log.text.count("INV_SPI") == 1


NAMES = st.from_regex(re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,30}", re.ASCII), fullmatch=True)
COMMANDS = st.sampled_from(
    ["show clock", "show ip nhrp", "sh ver", "show crypto isakmp sa", "show foo bar", "ping 192.0.2.9"]
)
LINES = st.lists(
    st.sampled_from([*NHRP.splitlines(), CLOCK, "", f"Nov 24 14:00:00: {INV_SPI}", "x#y", "a>b", " --More-- "]),
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(
    name=NAMES,
    mark=st.sampled_from("#>"),
    visits=st.lists(st.tuples(COMMANDS, LINES), min_size=1, max_size=5),
    cut=st.floats(0, 1),
)
def test_random_sessions_cut_anywhere_never_crash_and_never_overstate(tmp_path_factory, name, mark, visits, cut):
    session = "".join(f"{name}{mark}{command}\n" + "".join(f"{line}\n" for line in lines) for command, lines in visits)
    session += f"{name}{mark}\n"
    text = session[: int(len(session) * cut)]
    folder = tmp_path_factory.mktemp("paste")
    try:
        snapshots = pasted(folder, f"{name}{mark}show privilege\nCurrent privilege level is 15\n{text}")
    except Exception as error:
        raise AssertionError(text) from error
    assert [snapshot.device.name for snapshot in snapshots] == [name]
    asked = [command for command, _ in visits if command.startswith("sh")]
    answers = [capture for capture in snapshots[0].captures if not capture.note.startswith("log messages")][1:]
    assert len(answers) <= len(asked)
    if cut < 1 and answers and len(answers) == len(asked) and not text.endswith((f"{name}{mark}", f"{name}{mark}\n")):
        assert not answers[-1].complete or f"\n{name}{mark}" in text[text.rfind(answers[-1].command) :]
    for capture in snapshots[0].captures:
        read_capture(capture)


def test_a_line_that_tab_completed_was_asked_once(tmp_path):
    captures = one(tmp_path, f"R1#sh clo\nR1#sh clock \n{CLOCK}\nR1#show ip nhrp\nR1#show ip nhrp\n{NHRP}R1#\n")
    assert [(capture.command, capture.complete) for capture in captures] == [
        ("sh clock", True),
        ("show ip nhrp", True),  # asked twice: the same words are no completion
        ("show ip nhrp", True),
    ]


def test_what_was_answered_is_not_taken_for_a_tab(tmp_path):
    captures = one(tmp_path, f"R1#show ip nhrp\n{NHRP}R1#show ip nhrp detail\n{NHRP}R1#\n")
    assert [capture.command for capture in captures] == ["show ip nhrp", "show ip nhrp detail"]


CONFIGURATION = """Building configuration...

Current configuration : 2163 bytes
!
version 15.2
hostname R1
!
interface Tunnel1
 tunnel destination 198.51.100.9
!
end
"""


@pytest.mark.parametrize(
    "typed", ["show running-config", "sh run", "wr t", "write terminal", "more system:running-config"]
)
def test_a_configuration_at_the_end_of_the_text_is_whole_by_its_own_end(tmp_path, typed):
    (capture,) = one(tmp_path, f"R1#{typed}\n{CONFIGURATION}\n")
    reading = read_capture(capture)
    assert (capture.complete, reading.status, reading.records[0].whole) == (True, CaptureStatus.PARSED, True)


@pytest.mark.parametrize("typed", ["show running-config", "show running-config | section ^interface"])
def test_a_configuration_cut_before_its_end_is_not_whole(tmp_path, typed):
    cut = CONFIGURATION.removesuffix("end\n")
    (capture,) = one(tmp_path, f"R1#{typed}\n{cut}")
    assert (capture.complete, read_capture(capture).status) == (False, CaptureStatus.INCOMPLETE)


def test_the_second_title_may_be_missing_where_a_prompt_follows(tmp_path):
    table = "IPv4 Crypto ISAKMP SA\ndst src state conn-id status\n192.0.2.1 198.51.100.9 QM_IDLE 1001 ACTIVE\n"
    (whole,) = one(tmp_path, f"R1#show crypto isakmp sa\n{table}R1#\n")
    assert read_capture(whole).status is CaptureStatus.PARSED
    for text in (f"R1#show crypto isakmp sa\n{table}", table):
        (cut,) = one(tmp_path, text)
        assert read_capture(cut).status is CaptureStatus.INCOMPLETE


def test_show_crypto_tech_support_is_cut_into_its_sections(tmp_path):
    title = "------------------ show crypto ipsec sa ------------------"
    (capture,) = one(tmp_path, f"R1#show crypto tech-support\n\n{title}\n\n\nNo SAs found\n\nR1#\n")
    assert (capture.command, read_capture(capture).status) == ("show crypto ipsec sa", CaptureStatus.PARSED)


@pytest.mark.parametrize(
    ("opens", "closes"), [("```", "```"), ("~~~ text", "~~~"), ("[code]", "[/code]"), ("<pre>", "</pre>")]
)
def test_a_block_of_code_ends_the_answer_and_prose_belongs_to_none(tmp_path, opens, closes):
    prose = "As you can see here, nothing of all this has anything to do with the router in Madrid."
    text = (
        f"# A page\n{opens}\nR1#show ip nhrp\n{NHRP}{closes}\n\n{prose}\n\n{opens}\nR2#show clock\n{CLOCK}\n{closes}\n"
    )
    first, second = pasted(tmp_path, text)
    for snapshot, rows in ((first, 1), (second, 1)):
        (capture,) = snapshot.captures
        reading = read_capture(capture)
        assert (capture.complete, capture.bare, reading.status) == (True, True, CaptureStatus.PARSED)
        assert len(reading.records) == rows


def test_a_block_of_code_that_ends_within_an_answer_does_not_make_it_whole(tmp_path):
    table = "IPv4 Crypto ISAKMP SA\ndst src state conn-id status\n192.0.2.1 198.51.100.9 QM_IDLE 1001 ACTIVE\n"
    (capture,) = one(tmp_path, f"```\nR1#show crypto isakmp sa\n{table}```\nR1#\n")
    assert read_capture(capture).status is CaptureStatus.INCOMPLETE


def test_a_fence_in_a_banner_is_text(tmp_path):
    text = CONFIGURATION.replace("interface", "banner motd ^C\n```\nwelcome\n```\n^C\ninterface")
    (capture,) = one(tmp_path, f"R1#show running-config\n{text}R1#\n")
    assert "tunnel destination" in capture.text


def test_a_file_that_is_one_block_of_code(tmp_path):
    (config,) = one(tmp_path, f"```\n{CONFIGURATION}```\n")
    assert read_capture(config).records[0].whole
    (table,) = one(tmp_path, f"```text\n{NHRP}```\n")
    assert read_capture(table).status is CaptureStatus.PARSED


@pytest.mark.parametrize(
    "prefix",
    [
        "> ",
        ">> ",
        "  > ",
        "[2025-11-24 14:05:09.123] ",
        "[24/11/2025 14:05:09] ",
        "14:05:09.123 ",
        "2025-11-24 14:05:09: ",
        "    ",
        "\t",
        " ",
    ],
)
def test_a_session_that_is_quoted_or_stamped_line_by_line(tmp_path, prefix):
    session = f"R1#show clock\n{CLOCK}\nR1#show ip nhrp\n{NHRP}R1#\n"
    captures = one(tmp_path, "\n".join(prefix + line for line in session.splitlines()) + "\n")
    assert [(capture.command, capture.first_line) for capture in captures] == [("show clock", 2), ("show ip nhrp", 4)]
    assert {read_capture(capture).status for capture in captures} == {CaptureStatus.PARSED}


def test_the_stamps_of_a_syslog_file_are_no_prefix(tmp_path):
    (snapshot,) = pasted(tmp_path, f"2025-11-24 14:05:09 hub1 7: *Nov 24 14:05:09.001: {INV_SPI}\n" * 4)
    assert snapshot.device.name == "hub1"


def test_zero_width_characters_of_a_page_are_no_text(tmp_path):
    session = f"R1#show clock\n{CLOCK}\nR1#show ip nhrp\n{NHRP}R1#\n"
    captures = one(tmp_path, session.replace("\n", "\u200b\n").replace("show", "\u2060show"))
    assert {read_capture(capture).status for capture in captures} == {CaptureStatus.PARSED}
