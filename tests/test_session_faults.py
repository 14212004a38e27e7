"""FAULTS section 2 against servers that go wrong: code, phase, time, what the server saw, threads left, no secret."""

from __future__ import annotations

import io
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import paramiko
import pytest
from faulty import LINES, PATIENT, QUICK, Seen, assert_harmless, client_threads, device_of, lasting, look

from collector.errors import CODES, ErrorCode, Retry
from collector.lab.faults import ENABLE, FAULTS, OUTPUTS, PASSWORD, Faults, Router
from collector.model import SshSettings
from collector.session import Limits, Phases, allow


@dataclass(frozen=True)
class Case:
    """What a fault must come to. captures: how many; typed: how many lines the server saw; passwords: how many.

    seconds: how long it takes on an idle machine. more: for the visit, among it the one limit that has to fire.
    """

    fault: str
    code: str | None
    phase: str = ""
    seconds: float = 2.5
    captures: int | None = None
    typed: int | None = None
    passwords: int | None = None
    more: dict[str, Any] = field(default_factory=dict)


ALL = len(LINES)
WHOLE = ALL + 2
SLACK = 30.0  # seconds, for busy machines; the limits that should not fire are twice as long


def phase(**seconds):
    """A visit in which one phase of the login is short."""
    return {"phases": replace(PATIENT, **seconds)}


def limit(**seconds):
    """A visit in which one wait is short."""
    return {"limits": replace(QUICK, **seconds)}


CASES = (
    Case("none", None, captures=ALL, typed=WHOLE, passwords=1),
    Case("tcp-silent", "E_TIMEOUT_HANDSHAKE", "handshake", passwords=0, more=phase(handshake=1)),
    Case("tcp-slow-ident", "E_TIMEOUT_HANDSHAKE", "handshake", more=phase(handshake=1)),
    Case("tcp-pre-ident", "E_TIMEOUT_HANDSHAKE", "handshake", more=phase(handshake=1)),
    Case("tcp-reset", "E_REFUSED_EARLY", "handshake", 1.0),
    Case("tcp-close", "E_REFUSED_EARLY", "handshake", 1.0),
    Case("ident-close", "E_REFUSED_EARLY", "handshake", 1.0),
    Case("tcp-garbage", "E_SSH_PROTOCOL", "handshake", 1.0),
    Case("tcp-http", "E_SSH_PROTOCOL", "handshake", 1.0),
    Case("ssh1", "E_SSH_PROTOCOL", "handshake", 1.0),
    Case("kex-silent", "E_TIMEOUT_HANDSHAKE", "handshake", more=phase(handshake=1)),
    Case("kex-group1", "E_SSH_ALGO", "handshake", 1.0, passwords=0),
    Case("kex-group14-sha1", "E_SSH_ALGO", "handshake", 1.0, passwords=0),
    Case("hostkey-ssh-rsa", "E_SSH_ALGO", "handshake", 2.0, passwords=0),
    Case("cipher-3des", "E_SSH_ALGO", "handshake", 1.0, passwords=0),
    Case("cipher-ctr", None, captures=ALL, typed=WHOLE),
    Case("auth-hang", "E_AUTH_TIMEOUT", "auth", 6, passwords=1, more=phase(auth=5)),
    Case("auth-close", "E_AUTH_TIMEOUT", "auth", passwords=1),
    Case("kbdint-one", None, captures=ALL, passwords=1),
    Case("kbdint-two", "E_AUTH_METHOD", "auth", 1.0, passwords=0),
    Case("kbdint-new", "E_PASSWORD_CHANGE", "auth", 1.0, passwords=0),
    Case("kbdint-echo", "E_AUTH_METHOD", "auth", 1.0, passwords=0),
    Case("kbdint-again", "E_AUTH_REJECTED", "auth", 1.0, passwords=1),
    Case("password-change", "E_PASSWORD_CHANGE", "auth", 1.0, passwords=1),
    Case("banner-big", None, captures=ALL),
    Case("banner-huge", "E_SSH_PROTOCOL", "handshake", 2.0),
    Case("channel-silent", "E_TIMEOUT_SETUP", "setup", passwords=1, more=phase(channel=0.6)),
    Case("channel-refused", "E_TIMEOUT_SETUP", "setup"),
    Case("pty-silent", "E_TIMEOUT_SETUP", "setup", typed=0, more=phase(shell=1)),
    Case("shell-silent", "E_TIMEOUT_SETUP", "setup", typed=0, more=phase(shell=1)),
    Case("no-prompt", "E_TIMEOUT_READ", "prompt", typed=0, more=limit(prompt=1)),
    Case("motd-hash", None, captures=ALL, typed=WHOLE),
    Case("pw-expired", "E_PASSWORD_CHANGE", "prompt", 1.5, typed=0),
    Case("priv1", None, captures=ALL, typed=WHOLE),
    Case("enable-good", None, captures=ALL, typed=WHOLE + 2, more={"secret": True}),
    Case("enable-bad", "E_ENABLE_REJECTED", "enable", 2.0, typed=2, more={"secret": True}),
    Case("enable-error", "E_ENABLE_REJECTED", "enable", 2.0, typed=1, more={"secret": True}),
    Case("enable-trap", "E_TIMEOUT_READ", "prompt", 6, typed=1, more={"secret": True, **limit(prompt=5)}),
    Case("config-mode", "E_PROMPT_CHANGED", "prompt", typed=0),
    Case("rename", "E_PROMPT_CHANGED", "command", captures=3),
    Case("log-after-prompt", None, captures=ALL, typed=WHOLE, seconds=4),
    Case("log-in-prompt", None, captures=ALL, typed=WHOLE, seconds=4),
    Case("log-arrow", None, captures=ALL, typed=WHOLE, seconds=4),
    Case("late-prompt", "E_ECHO", "command"),
    Case("random-delays", None, captures=ALL, typed=WHOLE, seconds=4),
    Case("more", "E_PAGER", "command", captures=3, typed=5),
    Case("no-width", None, captures=ALL, typed=WHOLE),
    Case("no-echo", "E_ECHO", "command", typed=1),
    Case("hang-mid", "E_TIMEOUT_READ", "command", captures=3, seconds=6, more=limit(idle=5)),
    Case("drop-mid", "E_CONN_LOST", "command", captures=3),
    Case("close-mid", "E_CONN_LOST", "command", captures=3),
    Case("endless-slow", "E_TIMEOUT_READ", "command", captures=3, seconds=8, more={"settings": {"command": 3}}),
    Case("ask-in-command", "E_PROMPT_CHANGED", "command", captures=3, typed=5),
    Case("ansi", None, captures=ALL),
    Case("non-utf8", None, captures=ALL),
    Case("slow3", None, captures=ALL, seconds=6),
)


@pytest.fixture(scope="module")
def faults():
    with Faults() as running:
        yield running


@pytest.fixture(scope="module")
def visited(faults):
    """Every case visited once, side by side: most of them only wait. With the debug log of all of it."""
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    loggers = [logging.getLogger(name) for name in ("", "paramiko", "netmiko")]
    levels = [logger.level for logger in loggers]
    look(faults.start("none"))  # imports what is imported lazily
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    try:
        with ThreadPoolExecutor(16) as pool:
            servers = [(case, faults.start(case.fault)) for case in CASES]
            servers.sort(key=lambda one: -one[0].seconds)  # the long waits first, side by side with all the rest
            runs = {case.fault: pool.submit(look, server, **dict(case.more)) for case, server in servers}
            seen = {fault: run.result() for fault, run in runs.items()}
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
    return seen, log.getvalue()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_a_fault_ends_in_its_code(visited, case):
    seen = visited[0][case.fault]
    assert seen.codes == ([case.code] if case.code else []), seen.snapshot.failures
    if case.code:
        failure = seen.snapshot.failures[0]
        assert failure.phase == case.phase
        assert failure.phase in CODES[failure.code].phases
        assert failure.message
        assert failure.hint
    assert seen.seconds <= case.seconds + SLACK
    for expected, found in (
        (case.captures, len(seen.snapshot.captures)),
        (case.typed, len(seen.server.record.lines())),
        (case.passwords, seen.server.record.passwords),
    ):
        assert expected is None or expected == found
    assert seen.server.record.channels <= 1
    assert_harmless(seen)


def test_no_debug_log_holds_a_secret_and_no_thread_stays(visited):
    log = visited[1]
    assert "paramiko" in log or "kex" in log  # it is on
    assert PASSWORD not in log
    assert ENABLE not in log
    assert client_threads() == []
    names = lasting(lambda: [thread.name for thread in threading.enumerate() if thread.name == "visit-watchdog"])
    assert names == []


def test_the_limits_are_those_promised():
    limits, phases = Limits(), Phases()
    assert (phases.handshake, phases.auth, phases.channel, phases.shell) == (8.0, 15.0, 8.0, 20.0)
    assert (limits.quiet, limits.prompt, limits.idle, limits.over) == (0.12, 8.0, 10.0, 2.0)
    assert (limits.cap, limits.cap_log) == (8 << 20, 32 << 20)
    assert phases != PATIENT


def test_every_fault_has_a_case():
    slow = {"tcp-black-hole", "motd-slow", "slow30", "huge5", "huge20", "endless-fast"}  # in the soak, or below
    below = {"long-hostname", "prompt-in-output", "invalid", "ambiguous", "incomplete", "denied", "strange-percent"}
    assert {case.fault for case in CASES} | slow | below == set(FAULTS)


def test_answers_are_byte_complete(visited):
    for fault in ("none", "random-delays", "no-width", "cipher-ctr", "log-after-prompt", "log-in-prompt", "log-arrow"):
        seen = visited[0][fault]
        for capture in seen.snapshot.captures:
            assert capture.text == OUTPUTS[capture.command].rstrip("\n") + "\n", (fault, capture.command)
            assert capture.complete
            assert capture.taken_at is not None


def test_prompt_text_inside_the_output_cuts_nothing(faults):
    text = look(faults.start("prompt-in-output")).capture("show logging").text
    assert text.startswith("Syslog logging: enabled")
    assert "user typed R1# show run\nR1#\n" in text
    assert text.rstrip().endswith("(198.51.100.7)")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("invalid", "E_CMD_INVALID"),
        ("ambiguous", "E_CMD_AMBIGUOUS"),
        ("incomplete", "E_CMD_INCOMPLETE"),
        ("denied", "E_CMD_DENIED"),
        ("strange-percent", "E_CMD_INVALID"),
    ],
)
def test_a_refused_command_is_typed_and_the_visit_goes_on(faults, fault, code):
    seen = look(faults.start(fault))
    assert seen.codes == []
    assert [capture.failure.code.value for capture in seen.snapshot.captures if capture.failure] == [code]
    assert seen.capture("show logging").failure.command == "show logging"
    assert seen.snapshot.failures == (seen.capture("show logging").failure,)
    assert len(seen.snapshot.captures) == ALL


def test_the_part_of_a_broken_answer_is_evidence_and_never_complete(visited):
    for fault in ("hang-mid", "drop-mid", "more", "endless-slow", "rename"):
        capture = visited[0][fault].capture("show logging")
        assert capture.text.strip()
        assert not capture.complete
        assert capture.failure is not None
        assert capture.note.startswith("cut: ")


def test_an_answer_that_comes_after_its_prompt_makes_the_capture_doubtful(visited):
    seen = visited[0]["late-prompt"]
    assert not seen.capture("show logging").complete
    assert seen.capture("show crypto isakmp sa").text == ""


def test_bytes_that_are_no_utf8_are_kept_and_counted(visited):
    capture = visited[0]["non-utf8"].capture("show logging")
    assert "caf\\xe9 \\xff\\xfe and café" in capture.text
    assert "3 byte(s) are not UTF-8" in capture.note


def test_terminal_steering_is_taken_out_and_counted(visited):
    capture = visited[0]["ansi"].capture("show logging")
    assert capture.text == OUTPUTS["show logging"]
    assert "terminal control" in capture.note


def test_endless_output_ends_at_the_cap(faults):
    seen = look(faults.start("endless-fast"), limits=Limits(cap=1 << 20))
    assert seen.codes == ["E_OUTPUT_TOO_BIG"]
    assert len(seen.capture("show crypto isakmp sa").text) < 5 << 20


def test_five_megabytes_of_honest_log_come_whole(faults):
    seen = look(faults.start("huge5"))
    assert seen.codes == []
    row = "Nov 24 11:59:01.200: %SYS-5-CONFIG_I: Configured from console by vty0 (198.51.100.7)\n"
    assert seen.capture("show logging").text == row * ((1 << 20) // (len(row) + 1)) * 5


def test_the_whole_name_is_the_hostname(faults):
    assert look(faults.start("long-hostname")).snapshot.hostname == "a-router-with-a-long-name-in-a-far-place"


def test_the_device_deadline_ends_everything_and_names_what_is_missing(faults):
    for seconds in (2, 6, 20):  # until it suffices for the login and two commands on this machine
        seen = look(faults.start("slow30"), settings={"seconds": seconds})
        if "show logging" in seen.server.record.lines():
            break
    assert seen.codes == ["E_DEADLINE"]
    assert "show crypto isakmp sa" in seen.snapshot.failures[0].message
    assert seen.seconds < 25  # the answer comes after 30
    hung = look(faults.start("tcp-silent"), settings={"seconds": 1})
    assert hung.codes == ["E_DEADLINE"]
    assert hung.seconds < 25


def test_no_server_no_name_no_grammar(faults, monkeypatch):
    def unknown(*_arguments, **_more):
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    server = faults.start("none")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = device_of(server)
        closed = type(closed)(name="r", host="127.0.0.1", port=unused.getsockname()[1], username=closed.username)
        assert look(server, closed).codes == ["E_TCP_REFUSED"]
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    for host in ("router.invalid", "-oProxyCommand=x", "a b", "x;y", "", "a" * 300):
        bad = type(closed)(name="r", host=host, port=22, username=closed.username)
        seen = look(server, bad)
        assert seen.codes == ["E_DNS"], host


def test_a_resolver_that_says_again_may_be_retried(faults, monkeypatch):
    def again(*_arguments, **_more):
        raise socket.gaierror(socket.EAI_AGAIN, "again")

    monkeypatch.setattr(socket, "getaddrinfo", again)
    closed = device_of(faults.start("none"))
    seen = look(faults.start("none"), type(closed)(name="r", host="r1.example", username=closed.username))
    assert seen.codes == ["E_DNS"]
    from collector.collect.visits import again as again_of

    assert again_of(seen.snapshot.failures, last=False) is Retry.ONCE
    assert again_of(seen.snapshot.failures, last=True) is Retry.NO


@pytest.mark.parametrize("fault", ["kex-group1", "kex-group14-sha1", "cipher-3des", "hostkey-ssh-rsa"])
@pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")
def test_legacy_reaches_old_ios_and_modern_names_the_setting(faults, fault):
    old = int(paramiko.__version__.split(".")[0]) < 5
    if not old and fault == "hostkey-ssh-rsa":
        pytest.skip("paramiko 5 cannot play such a server either")
    server = faults.start(fault)
    refused = look(server).snapshot.failures[0]
    assert refused.code is ErrorCode.SSH_ALGO
    assert "profile: legacy" in refused.hint
    assert any(name in refused.message for name in ("sha1", "3des", "ssh-rsa"))
    seen = look(server, settings={"ssh": SshSettings(profile="legacy")})
    if not old and fault != "cipher-3des":  # it has none of these any more
        assert seen.codes == ["E_SSH_ALGO"]
        assert "netmiko[par4]" in seen.snapshot.failures[0].hint
        return
    assert seen.codes == []
    assert len(seen.snapshot.captures) == ALL


def test_gcm_is_preferred(faults, monkeypatch):
    from collector.session.transport import Transport

    ciphers = []
    monkeypatch.setattr(Transport, "open_session", _spy(Transport.open_session, ciphers))
    look(faults.start("none"))
    look(faults.start("cipher-ctr"))
    assert ciphers == ["aes128-gcm@openssh.com", "aes256-ctr"]


def _spy(original, seen):
    def open_session(self, *arguments, **more):
        seen.append(self.local_cipher)
        return original(self, *arguments, **more)

    return open_session


def test_keys_in_an_answer_are_masked_before_it_leaves_the_session(faults):
    secret = "S3cretPresharedKey"
    config = f"hostname R1\ncrypto isakmp key {secret} address 192.0.2.9\nusername x password 7 0822455D0A16\n"
    line = next(line for line in allow.catalogue() if line.startswith("show running-config | include"))
    log = (
        OUTPUTS["show logging"]
        + f"Nov 24 12:00:00.1: %PARSER-5-CFGLOG_LOGGEDCMD: logged command:crypto isakmp key {secret} address 192.0.2.9\n"
    )
    server = faults.start("none", router=Router(outputs={line: config, "show logging": log}))
    seen = look(server, lines=(line, "show logging"))
    shown = repr(seen.snapshot)
    assert secret not in shown
    assert "0822455D0A16" not in shown
    assert [len(capture.text.splitlines()) for capture in seen.snapshot.captures] == [3, len(log.splitlines())]


def test_an_unprivileged_login_goes_on_without_a_secret_and_says_so(faults):
    seen: Seen = look(
        faults.start("none", router=Router(sign=">", outputs={"show privilege": "Current privilege level is 1\n"})),
        lines=("show privilege", "show clock"),
    )
    assert seen.codes == []
    assert "level is 1" in seen.snapshot.captures[0].text
    assert seen.snapshot.captures[1].failure.code is ErrorCode.CMD_INVALID


PLANTED = "Zq9CANARYx7"
QUOTED = (
    f"crypto isakmp key {PLANTED} address 192.0.2.1",
    f"  pre-shared-key {PLANTED}",
    f" key {PLANTED}",
    f"*Nov 24 12:00:01.123: %PARSER-5-CFGLOG_LOGGEDCMD: User:ops  logged command:key 7 {PLANTED}",
)


@pytest.mark.parametrize("fault", ["hang-mid", "close-mid"])
@pytest.mark.parametrize("line", QUOTED)
def test_a_failure_that_quotes_the_last_line_shows_no_key(faults, fault, line):
    outputs = {**OUTPUTS, "show logging": OUTPUTS["show logging"] + f"{line}\n" * 400}
    server = faults.start(fault, router=Router(outputs=outputs))
    seen = look(server, limits=replace(QUICK, idle=1))
    assert seen.codes
    assert "the last line is" in seen.snapshot.failures[-1].message
    assert PLANTED not in repr(seen.snapshot)


def test_a_log_message_behind_an_answer_shows_no_key(faults, monkeypatch):
    monkeypatch.setattr("collector.lab.faults_scripts.LOG_LINE", f"\r\n{QUOTED[-1]}\r\n".encode())
    seen = look(faults.start("log-after-prompt"))
    assert any("a log message" in capture.note for capture in seen.snapshot.captures)
    assert PLANTED not in repr(seen.snapshot)
