"""Servers that the lab does not have: notices around questions, two factors, farewells, refusals at the last moment."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from datetime import timedelta
from types import SimpleNamespace

import paramiko
import pytest
from faulty import LINES, PATIENT, QUICK, client_threads, literal, once

from collector.errors import ErrorCode
from collector.lab.faults import OUTPUTS
from collector.model import Capture, Device, SshSettings, Timeouts
from collector.session import Secrets, Trust, visit
from collector.session.answer import Answer
from collector.session.visit import _attach_late
from collector.session.words import asks_new_password, is_pager, tells_password_change

USER, PASSWORD = "netops", "odd-Password-1"
ASK = (("Password: ", False),)
KI = "keyboard-interactive"


class Odd(paramiko.ServerInterface):
    """One server that goes its own way; subclasses say which. shown: passwords that came, by any method."""

    methods = "password"
    title = instructions = ""
    questions = ASK
    greeting = b"\r\n"
    key = None  # the user's key that is right

    def __init__(self, transport, shown):
        self.transport = transport
        self.shown = shown

    def get_allowed_auths(self, username):  # noqa: ARG002 - the library's signature, here and below
        return self.methods

    def check_auth_password(self, username, password):  # noqa: ARG002
        self.shown.append(password)
        return paramiko.AUTH_SUCCESSFUL if password == PASSWORD else paramiko.AUTH_FAILED

    def check_auth_interactive(self, username, submethods):  # noqa: ARG002
        return paramiko.InteractiveQuery(self.title, self.instructions, *self.questions)

    def check_auth_interactive_response(self, responses):
        self.shown.extend(responses)
        return paramiko.AUTH_SUCCESSFUL if responses == [PASSWORD] else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, chanid):  # noqa: ARG002
        return paramiko.OPEN_SUCCEEDED

    def check_channel_pty_request(self, *_more):
        return True

    def check_channel_shell_request(self, channel):
        threading.Thread(target=self.exec, args=(channel,), daemon=True).start()
        return True

    def exec(self, channel):
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            self.greet(channel)
            line = bytearray()
            while data := channel.recv(4096):
                for byte in data:
                    if byte in b"\r\n":
                        channel.sendall(b"\r\n")
                        self.answer(channel, line.decode())
                        line.clear()
                    else:
                        line.append(byte)
                        channel.sendall(bytes([byte]))

    def greet(self, channel):
        channel.sendall(self.greeting + b"R1#")

    def answer(self, channel, line):
        channel.sendall(OUTPUTS.get(line, "").replace("\n", "\r\n").encode() + b"R1#")

    def leave(self, code, words):
        """SSH_MSG_DISCONNECT (RFC 4253, 11.1)."""
        message = paramiko.Message()
        message.add_byte(b"\x01")
        message.add_int(code)
        message.add_string(words)
        message.add_string("")
        self.transport._send_message(message)
        self.transport.close()


HOST_KEY = paramiko.ECDSAKey.generate()


@contextlib.contextmanager
def serving(manner):
    """A server on loopback; the passwords that it was shown, and its port."""
    listener, shown, transports = socket.create_server(("127.0.0.1", 0)), [], []

    def accept():
        with contextlib.suppress(OSError):
            while True:
                transports.append(paramiko.Transport(listener.accept()[0]))
                transports[-1].add_server_key(HOST_KEY)
                with contextlib.suppress(paramiko.SSHException, EOFError):
                    transports[-1].start_server(server=manner(transports[-1], shown))

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], shown
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(60)
        for transport in transports:
            transport.close()


def see(manner, *, trust=None, lines=LINES, **ssh):
    """One visit: the snapshot, and the passwords shown."""
    with serving(manner) as (port, shown):
        device = Device(
            name="r",
            host="127.0.0.1",
            port=port,
            username=literal(USER),
            password=literal(PASSWORD),
            ssh=SshSettings(**ssh),
            timeout=Timeouts(
                connect=timedelta(seconds=60), command=timedelta(seconds=60), device=timedelta(seconds=110)
            ),
        )
        snapshot = visit(device, once(lines), secrets=Secrets(), trust=trust or Trust(), limits=QUICK, phases=PATIENT)
    assert PASSWORD not in repr((snapshot.failures, snapshot.captures))
    return snapshot, shown


def of(**more):
    return type("Manner", (Odd,), more)


def ended(snapshot):
    return [(failure.code, failure.phase) for failure in snapshot.failures]


# -- the questions ----------------------------------------------------------------------------------------------------

NOTICES = (
    "Welcome to the NEW data centre. By going on you accept the current policy; changes are logged.",
    "Change management: each login is recorded",
    "Your password will expire in 5 days.",
    "Sessions expire after 10 minutes",
    "Old and new systems are monitored. Do not share your password.",
)
DUE = (
    "Your password has expired",
    "You are required to change your password immediately (administrator enforced).",
    "Changing password for netops.",
    "Enter NEW password:",
    "(current) UNIX password:",
    "Retype your password:",
    "Password expired. Change it now.",
    "Password change required",
)


def test_a_notice_is_no_demand_for_a_new_password():
    for text in NOTICES:
        assert not tells_password_change(f"{text} Password: "), text
    for text in DUE:
        assert tells_password_change(text), text
    assert asks_new_password("Enter your new PIN:")


def test_the_look_at_a_notice_is_linear():
    def seconds(text):
        began = time.perf_counter()
        tells_password_change(text)
        return time.perf_counter() - began

    for piece in ("new ", "password ", "a", "password expire ", "new x "):
        once_, ten = (min(seconds(piece * count) for _ in range(2)) for count in (1_000, 10_000))
        assert ten < 100 * once_ + 0.5, piece


@pytest.mark.parametrize("where", ["title", "instructions"])
@pytest.mark.parametrize("text", [NOTICES[0], NOTICES[2]])
def test_a_notice_above_the_question_keeps_nobody_out(where, text):
    snapshot, shown = see(of(methods=KI, **{where: text}))
    assert ended(snapshot) == []
    assert shown == [PASSWORD]


def test_a_new_password_is_never_given():
    snapshot, shown = see(of(methods=KI, instructions=DUE[0]))
    assert ended(snapshot) == [(ErrorCode.PASSWORD_CHANGE, "auth")]
    assert shown == []


def test_a_server_that_refuses_before_it_asks_has_not_refused_the_password():
    snapshot, shown = see(of(methods=KI, questions=()))
    assert ended(snapshot) == [(ErrorCode.AUTH_METHOD, "auth")]
    assert "before it had asked" in snapshot.failures[0].message
    assert shown == []


@pytest.mark.parametrize("second", ["password", KI])
def test_a_key_and_then_the_password(tmp_path, second):
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(tmp_path / "id"))

    class Two(Odd):
        methods = "publickey"

        def check_auth_publickey(self, username, shown):  # noqa: ARG002
            if shown != key:
                return paramiko.AUTH_FAILED
            self.methods = second
            return paramiko.AUTH_PARTIALLY_SUCCESSFUL

    snapshot, shown = see(Two, keys=str(tmp_path / "id"))
    assert ended(snapshot) == []
    assert len(snapshot.captures) == len(LINES)
    assert shown == [PASSWORD]


def test_a_second_factor_that_is_not_the_password_is_named(tmp_path):
    key = paramiko.ECDSAKey.generate()
    key.write_private_key_file(str(tmp_path / "id"))

    class Two(Odd):
        methods = "publickey"

        def check_auth_publickey(self, username, shown):  # noqa: ARG002
            self.methods = "hostbased"
            return paramiko.AUTH_PARTIALLY_SUCCESSFUL

    snapshot, shown = see(Two, keys=str(tmp_path / "id"))
    assert ended(snapshot) == [(ErrorCode.AUTH_METHOD, "auth")]
    assert "hostbased" in snapshot.failures[0].message
    assert shown == []


# -- farewells --------------------------------------------------------------------------------------------------------


def leaving(where, code, words):
    """A server that says goodbye at one step."""

    def act(self, *_more):
        self.leave(code, words)
        return paramiko.AUTH_FAILED

    return of(**{where: act})


@pytest.mark.parametrize(
    ("where", "code", "words", "expected", "phase"),
    [
        ("check_auth_none", 2, "Too many authentication failures", ErrorCode.AUTH_TIMEOUT, "auth"),
        ("check_auth_none", 12, "Too many users", ErrorCode.AUTH_TIMEOUT, "auth"),
        ("check_auth_password", 11, "Account locked, call the NOC", ErrorCode.AUTH_TIMEOUT, "auth"),
        ("check_auth_password", 2, "Too many authentication failures", ErrorCode.AUTH_REJECTED, "auth"),
        ("check_channel_request", 11, "One session a user", ErrorCode.CONN_LOST, "setup"),
        ("greet", 12, "All lines are in use", ErrorCode.CONN_LOST, None),  # before or behind the reply to the request
    ],
)
def test_the_reason_for_which_a_server_leaves_is_told(where, code, words, expected, phase):
    snapshot, _ = see(leaving(where, code, words))
    assert ended(snapshot) == [(expected, phase or snapshot.failures[0].phase)]
    assert words in snapshot.failures[0].message
    assert client_threads() == []


def test_the_reason_is_told_in_the_middle_of_an_answer_too():
    class Leaves(Odd):
        def answer(self, channel, line):
            if line == "show logging":
                channel.sendall(b"Syslog logging: enabled\r\n")
                self.leave(11, "Idle: cleared by an administrator")
            else:
                super().answer(channel, line)

    snapshot, _ = see(Leaves)
    assert ended(snapshot) == [(ErrorCode.CONN_LOST, "command")]
    assert "cleared by an administrator" in snapshot.failures[0].message
    assert snapshot.captures[-1].failure == snapshot.failures[0]
    assert not snapshot.captures[-1].complete


def test_a_server_that_greets_names_itself_and_leaves_is_an_ssh_server():
    """Lines before the identification are allowed (RFC 4253, 4.2); a full router may leave behind them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def leave():
            connection = listener.accept()[0]
            connection.sendall(b"Authorised use only\r\nSSH-2.0-Cisco-1.25\r\n")
            connection.recv(1)
            connection.close()

        thread = threading.Thread(target=leave, daemon=True)
        thread.start()
        snapshot = visit(
            Device(name="r", host="127.0.0.1", port=listener.getsockname()[1], username=literal(USER)),
            once(LINES),
            secrets=Secrets(),
            trust=Trust(),
            phases=PATIENT,
        )
        thread.join(60)
    assert ended(snapshot) == [(ErrorCode.REFUSED_EARLY, "handshake")]
    assert "Authorised use only" in snapshot.failures[0].message


@pytest.mark.parametrize("request_", ["check_channel_pty_request", "check_channel_shell_request"])
def test_a_terminal_that_is_refused_is_no_lost_connection(request_):
    snapshot, _ = see(of(**{request_: lambda *_more: False}))
    assert ended(snapshot) == [(ErrorCode.TIMEOUT_SETUP, "setup")]
    assert "refused" in snapshot.failures[0].message


# -- in the shell -----------------------------------------------------------------------------------------------------


def test_what_comes_on_the_second_stream_is_part_of_the_answer():
    class Aside(Odd):
        def answer(self, channel, line):
            if line == "show crypto isakmp sa":
                channel.sendall_stderr(b"     ^\r\n% Invalid input detected at '^' marker.\r\n\r\n")
            elif line == "show logging":
                channel.sendall_stderr(OUTPUTS[line].replace("\n", "\r\n").encode())
            else:
                return super().answer(channel, line)
            return channel.sendall(b"R1#")

    snapshot, _ = see(Aside)
    assert [failure.code for failure in snapshot.failures] == [ErrorCode.CMD_INVALID]
    assert next(c for c in snapshot.captures if c.command == "show logging").text == OUTPUTS["show logging"]


def test_the_end_of_a_slow_banners_line_is_not_pinned_as_the_hostname(tmp_path):
    """`Unauthorised>` looks like a prompt for as long as the rest of its line does not come."""
    rest = threading.Event()

    class Slow(Odd):
        def greet(self, channel):
            channel.sendall(b"\r\nUnauthorised>")
            rest.wait(60)
            channel.sendall(b" access is prohibited\r\n\r\nR1#")

        def exec(self, channel):
            with contextlib.suppress(OSError, EOFError):
                threading.Thread(target=self.greet, args=(channel,), daemon=True).start()
                channel.recv(1)
                rest.set()
                while channel.recv(4096):
                    pass

    trust = Trust(tmp_path)
    snapshot, _ = see(Slow, trust=trust)
    assert ended(snapshot) == [(ErrorCode.ECHO, "command")]
    assert trust.identify("r", hostname="R1", pin=False) is False  # neither pinned nor contradicted
    snapshot, _ = see(Odd, trust=Trust())
    assert ended(snapshot) == []


def test_a_hostname_is_pinned_once_it_has_proved_to_be_one(tmp_path):
    trust = Trust(tmp_path)
    see(Odd, trust=trust, lines=())
    assert Trust(tmp_path).identify("r", hostname="R1", pin=False) is True


def test_a_wall_clock_that_leaps_while_a_visit_runs_changes_nothing(monkeypatch):
    leaps = itertools.cycle((1.8e9, 1.8e9 + 6e7, 1.8e9 - 6e7))  # two years on, two years back, at each look
    monkeypatch.setattr(time, "time", lambda: next(leaps))
    snapshot, _ = see(Odd)
    assert ended(snapshot) == []
    assert [capture.text for capture in snapshot.captures] == [OUTPUTS[line].rstrip("\n") + "\n" for line in LINES]


def test_a_pager_is_known_in_other_dress():
    for line in (
        " --More-- ",
        "--More--",
        "--more-- ",
        " --More-- (12%)",
        "---(more 12%)---",
        "-- MORE --",
        "<--- More --->",
    ):
        assert is_pager(line), line
    for line in ("more", "--More-- or less", "hub--More--", "12% more", "----"):
        assert not is_pager(line), line


def late(command, text, *notes, before=""):
    """The capture of `command` after `text` came behind its prompt."""
    state = SimpleNamespace(captures=[Capture(command=command, text=before)])
    _attach_late(state, SimpleNamespace(late=lambda: Answer(text=text, notes=notes)))
    return state.captures[0]


MESSAGE = "*Nov 24 12:00:01.123: %SYS-5-CONFIG_I: Configured from console by vty1 (198.51.100.8)\n"


@pytest.mark.parametrize(
    "text",
    [
        "CPU utilization for five seconds: 3%/0%; one minute: 4%; five minutes: 5%\n",
        "% Incomplete command.\n",
        "% Authorization failed.\n",
        MESSAGE + "IPSEC drops 5%\n",
    ],
)
def test_a_percent_sign_makes_no_log_message(text):
    capture = late("show processes cpu | include CPU utilization", text)
    assert not capture.complete
    assert capture.text == text


def test_a_log_message_behind_an_answer_is_noted():
    capture = late("show clock", MESSAGE, before="12:00\n")
    assert (capture.complete, capture.text) == (True, "12:00\n")
    assert "SYS-5-CONFIG_I" in capture.note


def test_messages_behind_the_prompt_of_a_log_may_be_the_rest_of_it():
    for capture in (
        late("show logging", MESSAGE, before="Log Buffer\n"),
        late("show logging", "", f"a log message came after the answer: {MESSAGE.strip()}", before="Log Buffer\n"),
    ):
        assert not capture.complete
        assert "SYS-5-CONFIG_I" in capture.text + capture.note
    assert late("show logging", "", "1 terminal control sequence(s) taken out").complete
