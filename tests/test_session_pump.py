"""The transport without a thread: what it leans on is there, its waits end, and the library's thread is a way back."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace

import asyncssh
import paramiko
import pytest
from faulty import LINES, PATIENT, QUICK, assert_harmless, client_threads, device_of, literal, look, once
from paramiko.packet import Packetizer

from collector.lab.faults import OUTPUTS, Faults, Router
from collector.model import Device
from collector.session import Secrets, Trust, connection, hooks, packets, visit
from collector.session.packets import PumpedPacketizer, TimeIsUpError
from collector.session.pump import PumpedTransport
from collector.session.transport import NotSsh, Transport

LONG = OUTPUTS["show logging"] + "".join(f"Nov 24 12:00:00.{number:06}: %SYS-5-X: a line\n" for number in range(8000))


@pytest.fixture(scope="module")
def faults():
    with Faults() as running:
        yield running


def test_the_library_has_all_that_the_pump_leans_on():
    assert hooks.missing() == (), "a new version of paramiko: read its changes before this test"
    assert connection.TRANSPORT is PumpedTransport


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Packetizer, "read_message"),
        (paramiko.transport.ServiceRequestingTransport, "_send_kex_init"),
        (paramiko.Channel, "recv_ready"),
    ],
)
def test_what_a_version_does_not_have_is_named(monkeypatch, owner, name):
    base = next(each for each in owner.__mro__ if name in vars(each))
    monkeypatch.delattr(base, name)
    assert [each for each in hooks.missing() if each.endswith(name)]


SHORT = replace(PATIENT, handshake=1)
WITH_A_THREAD = (
    ("none", None, {}),
    ("cipher-ctr", None, {}),
    ("tcp-silent", "E_TIMEOUT_HANDSHAKE", {"phases": SHORT}),
    ("tcp-pre-ident", "E_TIMEOUT_HANDSHAKE", {"phases": SHORT}),
    ("kex-group1", "E_SSH_ALGO", {}),
    ("kbdint-again", "E_AUTH_REJECTED", {}),
    ("kbdint-one", None, {}),
    ("auth-hang", "E_AUTH_TIMEOUT", {"phases": replace(PATIENT, auth=1)}),
    ("channel-silent", "E_TIMEOUT_SETUP", {"phases": replace(PATIENT, channel=1)}),
    ("pty-silent", "E_TIMEOUT_SETUP", {"phases": replace(PATIENT, shell=1)}),
    ("hang-mid", "E_TIMEOUT_READ", {"limits": replace(QUICK, idle=1.5)}),
    ("drop-mid", "E_CONN_LOST", {}),
)


def test_with_the_library_s_thread_a_fault_ends_in_the_same_code(faults, monkeypatch):
    monkeypatch.setattr(connection, "TRANSPORT", Transport)
    with ThreadPoolExecutor(len(WITH_A_THREAD)) as pool:
        runs = [pool.submit(look, faults.start(fault), **more) for fault, _, more in WITH_A_THREAD]
        for (fault, code, _), run in zip(WITH_A_THREAD, runs, strict=True):
            seen = run.result()
            assert (fault, seen.codes) == (fault, [code] if code else [])
            assert_harmless(seen)
    assert client_threads() == []


def test_a_visit_has_no_thread_of_its_own(faults):
    running: list[str] = []

    def plan(captures):
        running.extend(type(thread).__name__ for thread in threading.enumerate() if isinstance(thread, Transport))
        running.extend(thread.name for thread in threading.enumerate() if thread.name == "visit-watchdog")
        return () if captures else LINES

    from collector.session import Secrets, Trust, visit

    snapshot = visit(device_of(faults.start("none")), plan, secrets=Secrets(), trust=Trust())
    assert not snapshot.failures
    assert running == []


@pytest.mark.parametrize("fault", ["none", "cipher-ctr"])
def test_keys_are_renewed_within_a_visit(faults, monkeypatch, fault):
    """By us after 3 kB received; the answers stay whole."""
    renewed: list[bool] = []
    negotiate = PumpedTransport._negotiate_keys
    monkeypatch.setattr(PumpedPacketizer, "REKEY_BYTES", 3000)
    monkeypatch.setattr(
        PumpedTransport, "_negotiate_keys", lambda self, message: (renewed.append(True), negotiate(self, message))[1]
    )
    seen = look(faults.start(fault, router=Router(outputs={"show logging": LONG})))
    assert seen.codes == []
    assert seen.capture("show logging").text == LONG
    assert len(renewed) > 2


def test_the_server_renews_keys_within_a_visit(faults, monkeypatch):
    monkeypatch.setattr(asyncssh.connection, "_DEFAULT_REKEY_BYTES", 3000)
    renewed: list[bool] = []
    negotiate = PumpedTransport._negotiate_keys
    monkeypatch.setattr(
        PumpedTransport, "_negotiate_keys", lambda self, message: (renewed.append(True), negotiate(self, message))[1]
    )
    seen = look(faults.start("none", router=Router(outputs={"show logging": LONG})))
    assert seen.codes == []
    assert seen.capture("show logging").text == LONG
    assert len(renewed) > 2


@contextlib.contextmanager
def cut_after(port: int, octets: int) -> Iterator[int]:
    """A port behind which a server's bytes stop coming after `octets` of them, the connection open."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def carry() -> None:
            with contextlib.suppress(OSError):
                near = stack.enter_context(listener.accept()[0])
                far = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                threading.Thread(target=forth, args=(near, far), daemon=True).start()
                left = octets
                while left and (data := far.recv(min(left, 4096))):
                    near.sendall(data)
                    left -= len(data)

        def forth(near: socket.socket, far: socket.socket) -> None:
            with contextlib.suppress(OSError):
                while data := near.recv(4096):
                    far.sendall(data)

        threading.Thread(target=carry, daemon=True).start()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("fault", ["none", "cipher-ctr"])  # with the length of a packet in the clear, and encrypted
def test_a_packet_that_does_not_end_ends_the_visit(faults, monkeypatch, fault):
    monkeypatch.setattr(packets, "_STALLED", 1.0)
    server = faults.start(fault, router=Router(outputs={"show logging": LONG}))
    with cut_after(server.port, 100_001) as port:
        seen = look(server, replace(device_of(server), port=port), limits=replace(QUICK, idle=2))
    assert seen.codes == ["E_TIMEOUT_READ"], seen.snapshot.failures
    last = seen.snapshot.captures[-1]
    assert (last.command, last.complete) == ("show logging", False)
    assert 60_000 < len(last.text) < 100_001
    assert LONG.startswith(last.text[:-200])


def test_the_device_s_time_ends_a_wait_within_a_packet(faults):
    server = faults.start("cipher-ctr", router=Router(outputs={"show logging": LONG}))
    with cut_after(server.port, 100_001) as port:
        seen = look(server, replace(device_of(server, seconds=2), port=port))
    assert seen.codes[0] in {"E_DEADLINE", "E_TIMEOUT_READ"}
    assert seen.seconds < 2 + 30


def test_packets_without_end_are_no_answer():
    """A server that greets and then only sends SSH_MSG_IGNORE: the handshake's time is over all the same."""
    ours, theirs = socket.socketpair()
    ended = threading.Event()

    def flood() -> None:
        with contextlib.suppress(OSError):
            theirs.sendall(b"SSH-2.0-x\r\n")
            while not ended.is_set():
                theirs.sendall((b"\0\0\0\x0c\x0a\x02\0\0\0\0" + bytes(6)) * 100)

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    transport = PumpedTransport(ours, profile="modern", pinned=())
    began = time.monotonic()
    transport.until = began + 0.5
    late = began + 30
    try:
        with pytest.raises((TimeIsUpError, paramiko.SSHException)):
            transport.start_client()
        assert time.monotonic() < late
    finally:
        ended.set()
        transport.close_hard()
        theirs.close()
        thread.join()


def test_a_packet_is_read_when_it_is_whole():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        queue = PumpedPacketizer(ours)
        packet = b"\0\0\0\x0c\x0a\x02\0\0\0\0" + bytes(6)
        theirs.sendall(packet[:10])
        assert not queue.ready(time.monotonic())
        theirs.sendall(packet[10:] + packet + packet[:1])
        assert queue.ready(time.monotonic() + 60)
        assert [queue.read_message()[0] for _ in range(2)] == [2, 2]
        assert not queue.whole()
        queue.until = time.monotonic() - 1
        with pytest.raises(TimeIsUpError):
            queue.read_all(2)
        assert queue.out_of_time


def test_nobody_waits_for_a_peer_that_does_not_read(monkeypatch):
    monkeypatch.setattr(packets, "_STALLED", 0.2)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        queue = PumpedPacketizer(ours)
        with pytest.raises(TimeIsUpError):
            queue.write_all(bytes(50_000_000))
        assert queue.out_of_time
        theirs.close()
        with pytest.raises(EOFError):
            queue.write_all(b"x")


@pytest.mark.parametrize(
    ("kind", "strings", "entry"),
    [(7, 0, 9), (60, 3, 5)],
    ids=["EXT_INFO", "INFO_REQUEST"],
)
def test_a_count_that_its_packet_does_not_hold_is_not_believed(monkeypatch, kind, strings, entry):
    """The library would go round four thousand million times, in the visit's own thread (RFC 8308 2.3, RFC 4256 3.2)."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        transport = PumpedTransport(ours, profile="modern", pinned=())
        transport.auth_handler = handler = transport.get_auth_handler()
        seen = []
        monkeypatch.setattr(paramiko.Transport, "_parse_ext_info", lambda _self, message: seen.append(message))
        base = type(handler).__mro__[2]
        monkeypatch.setattr(base, "_parse_userauth_info_request", lambda _self, message: seen.append(message))
        for count, size, held in ((2**32 - 1, 100, False), (3, 2 * 5 - 1, False), (2, 2 * entry, True), (0, 0, True)):
            message = paramiko.Message()
            for _ in range(strings):
                message.add_string("words")
            message.add_int(count)
            message.add_bytes(bytes(size))
            message = paramiko.Message(message.asbytes())
            if held:
                transport._hand_out(kind, message)
                assert seen.pop().get_remainder() == message.asbytes()
            else:
                with pytest.raises(NotSsh):
                    transport._hand_out(kind, message)
        assert not seen


@pytest.mark.parametrize("reader", ["packets", "shell"])
def test_a_wait_on_a_channel_of_the_library_goes_by_a_clock_that_nobody_sets(monkeypatch, reader):
    """Through a jump host: the library's own waits would be longer by what the wall clock went back."""
    channel = paramiko.Channel(0)
    holder = SimpleNamespace(remote_conn=channel)
    wire = packets._Timed(channel) if reader == "packets" else connection.Wire(holder)
    began = time.monotonic()
    monkeypatch.setattr(time, "time", lambda: 2e9 - min(30, (time.monotonic() - began) * 1000))
    if reader == "packets":
        with pytest.raises(TimeoutError):
            wire.recv(10, 0.05, whole=False)
    else:
        assert wire.read(0.05) is None
    assert time.monotonic() - began < 15
    channel.in_buffer.feed(b"12345")
    assert (wire.recv(3, 60, whole=False) if reader == "packets" else wire.read(60)[:3]) == b"123"
    if reader == "packets":
        assert wire.recv(3, 60, whole=False) == b"45"
    channel.in_buffer.close()
    assert (wire.recv(3, 60, whole=False) if reader == "packets" else wire.read(60)) == b""


def test_a_server_whose_window_is_smaller_than_a_line_gets_it_in_pieces():
    line = "show processes cpu | include CPU utilization"

    async def shell(process):
        process.stdout.write(b"\r\nR1#")
        while data := await process.stdin.read(1):
            process.stdout.write(data if data not in b"\r\n" else b"\r\nR1#")

    class Door(asyncssh.SSHServer):
        def begin_auth(self, _username):
            return False

    async def start():
        key = asyncssh.generate_private_key("ssh-ed25519")
        return await asyncssh.create_server(
            Door,
            "127.0.0.1",
            0,
            server_host_keys=[key],
            process_factory=shell,
            encoding=None,
            line_editor=False,
            window=32,
        )

    with running_loop() as run:
        server = run(start())
        device = Device(
            name="r", host="127.0.0.1", port=server.get_port(), username=literal("u"), password=literal("p")
        )
        snapshot = visit(device, once((line,)), secrets=Secrets(), trust=Trust(), phases=PATIENT)

        async def stop():
            server.close()
            await server.wait_closed()

        run(stop())
    assert snapshot.failures == ()
    assert [capture.text for capture in snapshot.captures] == [""]


@contextlib.contextmanager
def running_loop():
    """An event loop in a thread; what is yielded runs a coroutine in it and waits for the result."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield lambda work: asyncio.run_coroutine_threadsafe(work, loop).result(60)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
