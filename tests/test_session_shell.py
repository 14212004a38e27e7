"""The shell's reading, on a scripted wire: however the bytes are cut, the answers are the same."""

from __future__ import annotations

import random
import time

import pytest

from collector.errors import ErrorCode, SessionError
from collector.session.answer import Proof, cut, decode, prove
from collector.session.limits import Limits
from collector.session.secrets import Secret
from collector.session.shell import BrokenAnswerError, Shell
from collector.session.words import asks_password, is_log, is_pager, to_prompt, without_steering

LIMITS = Limits(quiet=0.12, prompt=8, idle=10, strange=1.5, over=2.0, question=0.6, nap=0.0)


class Wire:
    """A router in miniature time: each typed line releases its script, in pieces, each with its delay."""

    def __init__(self, greeting, answers):
        self.clock = 0.0
        self.queue = list(greeting)
        self.answers = answers
        self.written = []

    def now(self):
        return self.clock

    def read(self, seconds):
        if not self.queue:
            self.clock += max(seconds, 0.0) + 1e-6
            return None
        delay, data = self.queue[0]
        if delay > seconds:
            self.queue[0] = (delay - seconds, data)
            self.clock += max(seconds, 0.0) + 1e-6
            return None
        self.queue.pop(0)
        self.clock += delay
        return data

    def write(self, data):
        self.written.append(data)
        self.queue += self.answers(data)


def pieces(data, rng, most=30, delay=0.05):
    """`data` cut anywhere."""
    out = []
    while data:
        size = rng.randint(1, most)
        out.append((rng.random() * delay, data[:size]))
        data = data[size:]
    return out


OUTPUT = {
    "show clock": "12:00:00.123 UTC Tue Nov 24 2026\n",
    "show logging": "Syslog logging: enabled\n\nhub#1 said R1#\nR1#x\n% not a refusal here\n*Nov 24 12:00:00: %SYS-5-X: y\n",
    "show privilege": "Current privilege level is 15\n",
    "show crypto isakmp sa": "",
}


def shell_on(wire, **more):
    return Shell(wire, deadline=more.pop("deadline", 500.0), limits=more.pop("limits", LIMITS), now=wire.now, **more)


def honest(rng, width=511, delay=0.05):
    def answer(data):
        line = data.decode().rstrip("\n")
        echo = "".join(c + ("\r\n" if (i + 3) % width == 0 else "") for i, c in enumerate(line, 1))
        raw = (echo + "\r\n" + OUTPUT.get(line, "").replace("\n", "\r\n") + "R1#").encode()
        return pieces(raw, rng, delay=delay)

    return answer


def test_however_the_bytes_are_cut_the_answers_are_the_same():
    for seed in range(150):
        rng = random.Random(seed)
        wire = Wire(pieces(b"\r\nbanner # > \r\n\r\nR1#", rng), honest(rng, width=rng.choice([20, 80, 511])))
        shell = shell_on(wire)
        assert shell.login().hostname == "R1"
        assert shell.prepare() == ()
        for line in [*OUTPUT, "show clock"]:
            assert shell.ask(line).text == OUTPUT[line].rstrip("\n") + ("\n" if OUTPUT[line] else ""), (seed, line)
        assert len(wire.written) == len(OUTPUT) + 3


def fenced(shell):
    """True where the session learns, at the next line, that the last answer was not whole."""
    try:
        shell.ask("show clock")
    except SessionError:
        return True
    return shell.late() is not None


def test_answers_never_shift_under_random_delays():
    """Pieces come later than any limit allows: an answer is right, or the visit ends; never another's answer."""
    ended = 0
    for seed in range(200):
        rng = random.Random(seed)
        wire = Wire([(0.0, b"\r\nR1#")], honest(rng, delay=rng.choice([0.05, 0.3, 1.0])))
        shell = shell_on(wire)
        try:
            shell.login()
            shell.prepare()
            for line, output in OUTPUT.items():
                text = shell.ask(line).text
                if text != (output.rstrip("\n") + "\n" if output else ""):
                    # cut where the prompt itself stood in the text: the next line's echo, or what came late, must tell
                    assert output.startswith(text.rstrip("\n"))
                    assert fenced(shell)
                    ended += 1
                    break
        except SessionError as error:
            assert error.code in {ErrorCode.ECHO, ErrorCode.TIMEOUT_READ, ErrorCode.PROMPT_CHANGED}  # noqa: PT017
            ended += 1
    assert ended < 190


@pytest.mark.parametrize(
    ("greeting", "code"),
    [
        (b"", ErrorCode.TIMEOUT_READ),
        (b"\r\nEnter new password: ", ErrorCode.PASSWORD_CHANGE),
        (b"\r\nPassword: ", ErrorCode.AUTH_METHOD),
        (b"\r\nUsername: ", ErrorCode.TIMEOUT_READ),
        (b"\r\nR1(config)#", ErrorCode.PROMPT_CHANGED),
        (b"\r\n*Nov 24 12:00:00.1: %SEC-6-X: a(1) -> b(2)\r\n", ErrorCode.PROMPT_CHANGED),
    ],
)
def test_without_a_prompt_nothing_is_typed_but_one_empty_line(greeting, code):
    wire = Wire([(0.1, greeting)] if greeting else [], lambda _data: [])
    with pytest.raises(SessionError) as caught:
        shell_on(wire).login()
    assert caught.value.code is code
    assert wire.written in ([], [b"\n"])
    assert wire.clock < 26
    if code is not ErrorCode.PROMPT_CHANGED:
        assert wire.written == []


def enabling(script):
    """A shell at `R1>` whose `enable` answers with `script`, a list of byte strings by typed line."""
    said = list(script)
    wire = Wire([(0.0, b"\r\nR1>")], lambda _data: [(0.01, said.pop(0) if said else b"")])
    shell = shell_on(wire)
    shell.login()
    return wire, shell


@pytest.mark.parametrize(
    ("script", "code", "sent"),
    [
        ([b"enable\r\nPassword: ", b"\r\nR1#"], None, 2),
        ([b"enable\r\nR1#"], None, 1),
        ([b"enable\r\nPassword: ", b"\r\nPassword: "], ErrorCode.ENABLE_REJECTED, 2),
        ([b"enable\r\nPassword: ", b"\r\n% Access denied\r\n\r\nR1>"], ErrorCode.ENABLE_REJECTED, 2),
        ([b"enable\r\n% Error in authentication.\r\n\r\nR1>"], ErrorCode.ENABLE_REJECTED, 1),
        ([b"enable\r\n% No password set\r\nR1>"], ErrorCode.ENABLE_REJECTED, 1),
        ([b"enable\r\nEnter old password: "], ErrorCode.PASSWORD_CHANGE, 1),
        ([b"enable\r\n*Nov 24: %AAA-4-X: the password: was bad\r\n"], ErrorCode.TIMEOUT_READ, 1),
        ([b"enable\r\nyour Password: "], ErrorCode.PROMPT_CHANGED, 1),
        ([b"enable\r\nPassword for console: "], ErrorCode.PROMPT_CHANGED, 1),
        ([b"enable\r\nPassword: ", b"\r\n"], ErrorCode.TIMEOUT_READ, 2),
    ],
)
def test_the_enable_secret_goes_out_once_at_its_own_question(script, code, sent):
    wire, shell = enabling(script)
    if code is None:
        shell.enable(Secret("the-secret"))
        assert shell.prompt.text == "R1#"
    else:
        with pytest.raises(SessionError) as caught:
            shell.enable(Secret("the-secret"))
        assert caught.value.code is code
        assert "the-secret" not in str(caught.value)
    assert len(wire.written) == sent
    assert wire.written.count(b"the-secret\n") == sent - 1


def test_bytes_between_prompt_and_next_line_belong_to_the_answer_before():
    script = {
        b"show privilege\n": [(0.0, b"show privilege\r\nR1#"), (0.5, b"Current privilege level is 15\r\nR1#")],
        b"show clock\n": [(0.0, b"show clock\r\n12:00\r\nR1#")],
    }
    wire = Wire([(0.0, b"\r\nR1#")], lambda data: script[data])
    shell = shell_on(wire)
    shell.login()
    assert shell.ask("show privilege").text == ""
    wire.clock += 1
    wire.queue = [(0.0, data) for _, data in wire.queue]
    assert shell.ask("show clock").text == "12:00\n"
    assert shell.late().text == "Current privilege level is 15\n"


def test_a_question_that_comes_late_stops_the_typing():
    wire = Wire([(0.0, b"\r\nR1#")], lambda _data: [])
    shell = shell_on(wire)
    shell.login()
    wire.queue = [(0.0, b"\r\nEnter new password: ")]
    with pytest.raises(SessionError) as caught:
        shell.ask("show clock")
    assert caught.value.code is ErrorCode.PASSWORD_CHANGE
    assert wire.written == []


def test_a_lost_connection_keeps_the_part():
    wire = Wire([(0.0, b"R1#")], lambda _data: [(0.0, b"show clock\r\n12:0"), (0.0, b"")])
    shell = shell_on(wire)
    shell.login()
    with pytest.raises(BrokenAnswerError) as caught:
        shell.ask("show clock")
    assert caught.value.code is ErrorCode.CONN_LOST
    assert caught.value.part.text == "12:0"


@pytest.mark.parametrize(
    ("text", "line", "proof"),
    [
        ("show clock\r\n12", "show clock", Proof.PROVEN),
        ("show cl", "show clock", Proof.PENDING),
        ("show clock", "show clock", Proof.PENDING),
        ("\r\nshow clock\r\n", "show clock", Proof.PROVEN),
        ("R1#show clock\r\n", "show clock", Proof.PROVEN),
        ("show c\x08 \x08clock\r\n", "show clock", Proof.FAILED),
        ("show cl\r\nock\r\n", "show clock", Proof.PROVEN),
        ("*Nov 24: %SYS-5-X: y\r\nR1#\r\nR1#show clock\r\n", "show clock", Proof.PROVEN),
        ("show cl\r\n*Nov 24: %SYS-5-X: y\r\nR1#show clock\r\n", "show clock", Proof.PROVEN),
        ("Current privilege level is 15\r\n", "show clock", Proof.FAILED),
        ("show clock detail\r\n", "show clock", Proof.FAILED),
        ("show version\r\n", "show clock", Proof.FAILED),
        ("show run" + "\x08" * 11 + "$ running-config | include x          " + "\x08" * 10 + "\r\n",
         "show running-config | include x", Proof.PROVEN),
        ("", "show clock", Proof.PENDING),
        ("R1", "show clock", Proof.PENDING),
        ("x\r\n" * 100, "show clock", Proof.FAILED),
    ],
)  # fmt: skip
def test_the_echo_proves_whose_answer_it_is(text, line, proof):
    found, end = prove(text, line, "R1#")
    assert found is proof
    if proof is Proof.PROVEN:
        assert text[:end].endswith("\n")


def test_prompts_questions_pagers_and_log_lines_by_their_grammar():
    for line in ("R1#", "R1>", "hub1-mad# ", "a.b_c-d/e:f@g#", "R1(config)#", "R1(rp-standby)>", "x" * 63 + "#"):
        assert to_prompt(line), line
    for line in (
        "", "#", ">", "R 1#", "R1# x", "R1", "x" * 64 + "#", "*Nov 23 22:00:01.1: list 101 denied a(1) ->", "<ACME>", "R1##",
    ):  # fmt: skip
        assert to_prompt(line) is None, line
    for line in ("Password: ", "Password:", "Enter new password:", "user@host's password: ", "PASSCODE:"):
        assert asks_password(line), line
    for line in ("password", "bad password: x", "Passwords are long", "the password is: abc"):
        assert not asks_password(line), line
    assert is_pager(" --More-- ")
    assert is_pager("<--- More --->")
    assert not is_pager("--More-- or less")
    assert is_log("*Nov 24 12:00:00.123 UTC: %CRYPTO-4-RECVD_PKT_INV_SPI: decaps")
    assert not is_log("50% of-4-all: x")


def test_hostile_text_costs_linear_time():
    began = time.process_time()
    for text in (
        "\x1b[" * 50_000,
        "\x1b]" + "a" * 100_000,
        " " * 100_000,
        "-" * 100_000,
        "%A-" * 30_000,
        "R1#" * 30_000,
    ):
        without_steering(text)
        to_prompt(text)
        asks_password(text)
        is_pager(text)
        is_log(text)
        prove(text, "show clock", "R1#")
        cut(text, to_prompt("R1#"))
        decode(text.encode())
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("text", "answer", "notes"),
    [
        ("12:00\r\nR1#", "12:00\n", 0),
        ("12:00\r\n\r\nR1#\r\nR1#", "12:00\n", 0),
        ("R1#", "", 0),
        ("12:00\r\nR1#\r\n*Nov 24: %SYS-5-X: y\r\n*Nov 24: %SYS-5-X: z\r\nR1#", "12:00\n", 2),
        ("12:00\r\nR1#*Nov 24: %SYS-5-X: y\r\n\r\nR1#", "12:00\n", 1),
        ("12:00\r\nR\r\n*Nov 24: %SYS-5-X: y\r\n1#\r\nR1#", "12:00\n", 1),
        ("*Nov 24: %SYS-5-X: y\r\n*Nov 24: %SYS-5-X: z\r\nR1#", "*Nov 24: %SYS-5-X: y\n*Nov 24: %SYS-5-X: z\n", 0),
        ("a\r\nR1#\r\nb\r\nR1#", "a\nR1#\nb\n", 0),
        ("a\rb\r\r\nc\r\nR1#", "a\nb\nc\n", 0),
    ],
)
def test_the_answer_ends_before_its_prompt_and_log_lines_behind_it_are_notes(text, answer, notes):
    found = cut(text, to_prompt("R1#"))
    assert found.text == answer
    assert len(found.notes) == notes


def test_decoding_is_done_once_and_says_what_it_kept():
    text, notes = decode(b"caf\xc3\xa9 \xff\\xff")
    assert text == "café \\xff\\xff"
    assert notes == ("1 byte(s) are not UTF-8 and stand as \\xNN",)


# -- what stands around an answer ------------------------------------------------------------------------------------

MESSAGE = (
    "Nov 24 11:20:01.100: %CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for "
    "destaddr=192.0.2.1, prot=50, spi=0x1DB73BBB(498547643), srcaddr=198.51.100.1\n"
)


def typed(data, text):
    """The echo of what was typed, and `text`."""
    return [(0.0, data.rstrip() + b"\r\n" + text.replace("\n", "\r\n").encode())]


def logged_in(greeting, answers):
    wire = Wire([(0.0, greeting)], answers)
    shell = shell_on(wire)
    shell.login()
    return shell, wire


def test_log_messages_before_the_next_echo_belong_to_the_log_before():
    script = {
        b"show logging\n": [(0.0, b"show logging\r\nLog Buffer (65536 bytes):\r\n\r\nR1#")],
        b"show clock\n": [(0.0, (MESSAGE * 2).replace("\n", "\r\n").encode() + b"R1#show clock\r\n12:00\r\nR1#")],
    }
    shell, _ = logged_in(b"\r\nR1#", lambda data: script[data])
    shell.ask("show logging")
    assert shell.late() is None
    assert shell.ask("show clock").text == "12:00\n"
    late = shell.late()
    assert late is not None
    assert late.text == MESSAGE * 2


def test_a_message_within_the_echo_belongs_to_nobody():
    said = [(0.0, b"show cl"), (0.1, b"\r\n" + MESSAGE.encode() + b"R1#show clock\r\n12:00\r\nR1#")]
    shell, _ = logged_in(b"\r\nR1#", lambda _data: said)
    assert shell.ask("show clock").text == "12:00\n"
    assert shell.late() is None


def test_messages_behind_a_line_that_is_the_prompt_stay_in_a_log():
    text = "Log Buffer (65536 bytes):\n\nNov 24 11:10:00.000: %SYS-6-X: User said:\nR1#\n" + MESSAGE * 2
    shell, _ = logged_in(b"\r\nR1#", lambda data: typed(data, text + "R1#"))
    assert shell.ask("show logging").text == text


def test_the_enable_secret_needs_the_echo_of_enable():
    """A banner's fragment was taken for the prompt; the `Password:` is that of a login."""
    said = [b" access is prohibited\r\n\r\nUsername: enable\r\nPassword: ", b"\r\n% Login invalid\r\n\r\nUsername: "]
    shell, wire = logged_in(b"\r\nUnauthorised>", lambda _data: [(0.01, said.pop(0))])
    with pytest.raises(SessionError) as raised:
        shell.enable(Secret("the-secret"))
    assert raised.value.code is ErrorCode.ECHO
    assert b"the-secret\n" not in wire.written


def test_a_prompt_before_an_answer_hides_no_refusal():
    def answer(data):
        return [*typed(data, "R1#"), (0.05, b"Command authorization failed.\r\n\r\nR1#")]

    shell, _ = logged_in(b"\r\nR1#", answer)
    told = shell.ask("show crypto isakmp sa")
    assert told.text == "Command authorization failed.\n"
    assert told.notes == ("a prompt stood before the answer",)


def test_configuration_mode_behind_enable_is_told_at_once():
    said = [b"enable\r\nPassword: ", b"\r\nR1(config)#"]
    shell, wire = logged_in(b"\r\nR1>", lambda _data: [(0.01, said.pop(0))])
    with pytest.raises(SessionError) as raised:
        shell.enable(Secret("the-secret"))
    assert raised.value.code is ErrorCode.PROMPT_CHANGED
    assert wire.clock < 5
