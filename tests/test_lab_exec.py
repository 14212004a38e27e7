"""The exec of a simulated router, key by key, without SSH."""

from datetime import UTC, datetime, timedelta

import pytest

from collector.lab import pipes, scenario
from collector.lab.exec import Shell
from collector.lab.terminal import MORE
from collector.lab.world import World

EPOCH = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
INVALID = "% Invalid input detected at '^' marker."


class Login:
    """A Shell and what it wrote."""

    def __init__(self, tree="demo", name="br-001", **settings):
        self.now = EPOCH
        self.written = []
        self.closed = False
        self.world = World(scenario.load(tree, epoch=EPOCH), lambda: self.now)
        self.shell = Shell(self.world, name, "lab", self.written.append, self.close)
        for key, value in settings.items():
            setattr(self.shell.screen, key, value)

    def close(self):
        self.closed = True

    def type(self, text):
        self.written.clear()
        self.shell.feed(text)
        return "".join(self.written)

    def ask(self, line):
        return self.type(line + "\r")


@pytest.fixture
def login():
    return Login(length=0, width=0)


def test_keys_are_echoed_as_typed_and_the_answer_follows_the_return(login):
    assert login.type("sho") == "sho"
    assert login.type("w clock") == "w clock"
    assert login.type("\r") == "\r\n10:00:00.000 UTC Tue Nov 24 2026\r\nbr-001#"


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_any_line_end_ends_a_line_once(login, end):
    assert login.type("show privilege" + end) == "show privilege\r\nCurrent privilege level is 15\r\nbr-001#"


def test_the_first_prompt_stands_on_a_line_of_its_own_after_the_banner():
    one = Login(name="hub-mad")
    one.shell.start()
    text = "".join(one.written)
    assert text.endswith("\r\nhub-mad#")
    assert "Authorised users only" in text
    assert "\n" not in text.replace("\r\n", "")


@pytest.mark.parametrize("short", ["sh clo", "SHOW CLOCK", "  show   clock  ", "sho cloc"])
def test_unique_prefixes_are_enough(login, short):
    assert "10:00:00.000 UTC" in login.ask(short)


def test_backspace_and_control_keys_edit_the_line(login):
    assert "10:00:00" in login.ask("show clox\x7fck")
    assert "10:00:00" in login.ask("nonsense\x15show clock")
    assert "10:00:00" in login.ask("show nonsense\x17clock")
    assert login.type("abc\x03") == "abc\r\nbr-001#"
    assert "10:00:00" in login.ask("show\x1b[D clock")


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("show crypto isakmp xa", "xa"),
        ("show zebra", "zebra"),
        ("show ip nhrp 7", "7"),
        ("show crypto ipsec sa peer 1.2.3", "1.2.3"),
        ("show clock detail now", "now"),
    ],
)
def test_the_caret_stands_under_the_first_wrong_character(login, line, wrong):
    echo, caret, message, blank, prompt = login.ask(line).split("\r\n")
    assert echo == line
    assert (message, blank, prompt) == (INVALID, "", "br-001#")
    assert caret.strip() == "^"
    assert len(caret) - 1 == len("br-001#") + line.index(wrong)


def test_a_word_that_begins_well_is_marked_where_it_goes_wrong(login):
    caret = login.ask("show verzion").split("\r\n")[1]
    assert len(caret) - 1 == len("br-001#") + "show verzion".index("z")


def test_ambiguous_incomplete_and_unknown_words(login):
    assert login.ask("show c") == 'show c\r\n% Ambiguous command:  "show c"\r\nbr-001#'
    assert login.ask("show crypto isakmp") == "show crypto isakmp\r\n% Incomplete command.\r\n\r\nbr-001#"
    assert login.ask("frobnicate").startswith(
        'frobnicate\r\nTranslating "frobnicate"\r\n% Unknown command or computer name'
    )
    assert login.ask("") == "\r\nbr-001#"
    assert login.ask("! a remark") == "! a remark\r\nbr-001#"


def test_more_stops_a_page_before_the_screen_and_is_erased_by_backspaces():
    one = Login()
    first = one.ask("show version")
    assert first.endswith(MORE)
    assert first.count("\r\n") == 24  # the echo's and a page of 23
    page = one.type(" ")
    assert page.startswith("\x08" * 9 + " " * 8 + "\x08" * 9)
    assert page.count("\r\n") == 23
    line = one.type("\r")
    assert line.count("\r\n") == 1
    assert line.endswith(MORE)
    assert one.type("q").endswith("br-001#")
    assert "10:00:00" in one.ask("show clock")


def test_terminal_length_zero_ends_more():
    one = Login()
    assert one.ask("terminal length 0") == "terminal length 0\r\nbr-001#"
    text = one.ask("show version")
    assert "--More--" not in text
    assert text.endswith("Configuration register is 0x2102\r\n\r\nbr-001#")


def test_long_lines_of_output_are_folded_at_the_width():
    one = Login(length=0)
    lines = one.ask("show logging").split("\r\n")
    assert max(map(len, lines)) == 80
    assert "RECVD_PKT_INV_SPI" not in lines[-2]
    one.ask("terminal width 511")
    assert any(len(line) > 150 for line in one.ask("show logging").split("\r\n"))


def test_a_long_line_typed_at_80_columns_is_scrolled_and_still_read_whole():
    one = Login(length=0)
    line = "show running-config | include ^hostname|" + "x" * 90
    echo = one.type(line)
    assert "$" in echo
    assert "\x08" in echo
    assert "hostname br-001" in one.type("\r")
    assert "$" not in Login(width=511).type(line)


def test_enable_asks_without_echo_and_takes_only_the_right_word():
    one = Login(name="br-007", length=0)
    assert one.ask("show privilege").endswith("level is 1\r\nbr-007>")
    assert INVALID in one.ask("show running-config")
    assert one.ask("enable") == "enable\r\nPassword: "
    assert one.ask("wrong") == "\r\nPassword: "
    assert one.ask("wrong") == "\r\nPassword: "
    assert one.ask("wrong") == "\r\n% Bad secrets\r\n\r\nbr-007>"
    one.ask("enable")
    assert one.type("lab") == ""
    assert one.type("\r") == "\r\nbr-007#"
    assert "hostname br-007" in one.ask("show running-config")
    assert "lab" not in one.world.typed["br-007"]
    assert "enable" in one.world.typed["br-007"]
    assert one.ask("disable").endswith("br-007>")


def test_a_level_between_shows_next_to_nothing_of_the_configuration():
    one = Login(tree="zoo", name="quiet", length=0)
    text = one.ask("show running-config")
    assert "hostname" not in text
    assert "crypto" not in text
    assert text.endswith("end\r\n\r\nquiet#")


def test_a_command_that_the_image_lacks_is_invalid_input():
    assert INVALID in Login(name="partner-1").ask("show crypto ikev2 sa")
    assert INVALID in Login(name="br-001").ask("show platform hardware qfp active statistics drop")
    assert INVALID not in Login(name="hub-mad").ask("show platform hardware qfp active statistics drop")


def refusing(how):
    return {"devices": {"r": {"refuses": [{"command": "show running-config", "how": how}]}}}


def test_refusals_by_authorization_by_view_and_of_the_pipe_only():
    denied = Login(tree=refusing("authorization"), name="r")
    assert denied.ask("sh run") == "sh run\r\nCommand authorization failed.\r\n\r\nr#"
    hidden = Login(tree=refusing("view"), name="r").ask("show running-config")
    assert hidden.split("\r\n")[1].index("^") == len("r#show ")
    unpiped = Login(tree=refusing("pipe"), name="r", length=0)
    assert "hostname r" in unpiped.ask("show running-config")
    assert INVALID in unpiped.ask("show running-config | include hostname")


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("show running-config | include ^hostname|^version", ["version 15.7", "hostname br-001"]),
        ("sh run | i ^hostname", ["hostname br-001"]),
        ("show ver | inc uptime|register", None),
        ("show running-config | count ^interface", ["Number of lines which match regexp = 4"]),
        ("show running-config | begin ^line vty", None),
        ("show running-config | exclude .", []),
    ],
)
def test_filters_are_really_applied(login, line, wanted):
    lines = login.ask(line).split("\r\n")[1:-1]
    if wanted is not None:
        assert [line for line in lines if line] == wanted
    assert "Building configuration..." not in lines
    assert lines


def test_section_prints_headings_with_their_children(login):
    text = login.ask("show running-config | section ^interface Tunnel100")
    lines = text.split("\r\n")[1:-1]
    assert lines[0] == "interface Tunnel100"
    assert all(line.startswith(" ") for line in lines[1:])
    assert " tunnel mode gre multipoint" in lines
    alone = login.ask("show running-config | section tunnel mode").split("\r\n")[1:-1]
    assert alone == [" tunnel mode gre multipoint"]


def test_a_filter_without_text_and_an_unknown_one(login):
    assert "% Incomplete command." in login.ask("show version | include")
    assert INVALID in login.ask("show version | frob x")


def test_ios_expressions_are_not_pythons():
    assert pipes.pattern(r"_10_").search("neighbor 10 up")
    assert pipes.pattern(r"_10_").search("10")
    assert pipes.pattern(r"current_peer").search("   current_peer 192.0.2.1 port 500")
    assert not pipes.pattern(r"_10_").search("100")
    assert pipes.pattern(r"10\.0").search("10.0")
    assert not pipes.pattern(r"10\.0").search("1010")
    assert not pipes.pattern(r"\d").search("7")
    assert pipes.pattern("[^a-c]").search("d")
    assert pipes.pattern("(unclosed") is None


def test_log_messages_arrive_in_the_middle_for_a_monitoring_session():
    one = Login(name="br-004", length=0, width=0)
    one.ask("terminal monitor")
    one.now += timedelta(seconds=70)
    one.written.clear()
    one.shell.tick()
    assert "".join(one.written).startswith("\r\n")
    assert "RECVD_PKT_INV_SPI" in "".join(one.written)
    one.now += timedelta(seconds=70)
    lines = one.ask("show version").split("\r\n")
    at = next(i for i, line in enumerate(lines) if "RECVD_PKT_INV_SPI" in line)
    assert 3 < at < len(lines) - 4
    one.ask("terminal no monitor")
    one.now += timedelta(seconds=70)
    assert "INV_SPI" not in one.ask("show version")


def test_load_lines_stand_before_each_answer():
    text = Login(tree="zoo", name="edge", length=0).ask("show clock")
    assert text.split("\r\n")[1].startswith("Load for five secs: ")
    assert text.split("\r\n")[2].startswith("Time source is NTP, 10:00:00.000 UTC")


def test_configuration_mode_turns_recovery_on_and_off(login):
    assert login.ask("configure terminal").endswith("End with CNTL/Z.\r\nbr-001(config)#")
    assert login.ask("crypto isakmp invalid-spi-recovery").endswith("br-001(config)#")
    assert INVALID in login.ask("frob")
    assert login.type("\x1a").endswith("br-001#")
    assert "\r\ncrypto isakmp invalid-spi-recovery\r\n" in login.ask("show run | i recovery")
    assert "! Last configuration change at 10:00:00 UTC" in login.ask("show run | i ^! Last")
    assert "10:00:00.000 UTC: %SYS-5-CONFIG_I" in login.ask("show logging | i CONFIG_I")
    login.ask("conf t")
    login.ask("no crypto isakmp invalid-spi-recovery")
    login.ask("end")
    assert login.ask("show run | i recovery") == "show run | i recovery\r\nbr-001#"


def test_exit_and_logout_end_the_session(login):
    login.ask("exit")
    assert login.closed
    assert login.type("show clock\r") == ""


def test_help_lists_what_may_follow_and_tab_completes(login):
    text = login.type("show crypto i?")
    assert "  isakmp\r\n" in text
    assert text.endswith("br-001#show crypto i")
    assert login.type("\x15show vers\t").endswith("br-001#show version ")


def test_chatter_arrives_at_terminals_that_monitor_by_default():
    one = Login(tree="chatty", name="left", length=0, width=0)
    one.now += timedelta(seconds=3)
    lines = one.ask("show version").split("\r\n")
    assert sum("%LINEPROTO-5-UPDOWN" in line for line in lines) == 3
    assert lines[-1] == "left#"
