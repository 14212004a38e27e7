"""Ways in: jump hosts, keys, the agent, ssh_config; and OpenSSH on either side, where it is installed."""

from __future__ import annotations

import asyncio
import os
import pwd
import socket
import subprocess
import threading
from dataclasses import replace
from pathlib import Path
from shutil import which

import asyncssh
import pytest
from faulty import LINES, client_threads, device_of, has_name, lasting, literal, look
from servers.loopback import free_port

from collector.collect import Settings, sweep
from collector.errors import ErrorCode, SessionError
from collector.lab.faults import ENABLE, PASSWORD, USERNAME, Faults
from collector.model import SshSettings
from collector.session import Secrets, Trust
from collector.session.jump import close_jumps

SSHD = which("sshd") or ("/usr/sbin/sshd" if Path("/usr/sbin/sshd").exists() else None)


@pytest.fixture(scope="module")
def faults():
    with Faults() as running:
        yield running


class Bastion(asyncssh.SSHServer):
    """A jump host: one password, forwards what it is asked to."""

    def __init__(self, owner):
        self.owner = owner

    def connection_made(self, conn):
        self.owner.connections.append(conn)

    def password_auth_supported(self):
        return True

    def validate_password(self, username, password):
        self.owner.passwords += 1
        return (username, password) == (USERNAME, self.owner.password)

    def public_key_auth_supported(self):
        return self.owner.key is not None

    def validate_public_key(self, username, key):  # noqa: ARG002 - the library's signature
        self.owner.keys += 1
        return key == self.owner.key

    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):  # noqa: ARG002 - the same
        self.owner.targets.append((dest_host, dest_port))
        if self.owner.forbids:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "no")
        return True


class Host:
    def __init__(self, faults, *, password=PASSWORD, key=None, forbids=False):
        self.connections, self.targets = [], []
        self.passwords = self.keys = 0
        self.password, self.key, self.forbids = password, key, forbids
        loop = faults._loop

        async def listen():
            return await asyncssh.create_server(
                lambda: Bastion(self), "127.0.0.1", 0, server_host_keys=[asyncssh.generate_private_key("ssh-ed25519")]
            )

        self.listener = asyncio.run_coroutine_threadsafe(listen(), loop).result(60)
        self.port = self.listener.get_port()
        self.loop = loop

    def close(self):
        async def close():
            self.listener.close()
            for connection in self.connections:
                connection.abort()
            await asyncio.sleep(0.05)

        asyncio.run_coroutine_threadsafe(close(), self.loop).result(60)


@pytest.fixture
def bastion(faults):
    host = Host(faults)
    yield host
    close_jumps()
    host.close()


def through(server, host, **more):
    return device_of(server, ssh=SshSettings(jump=f"127.0.0.1:{host.port}", **more))


def test_through_a_jump_host_with_one_login_for_many_routers(faults, bastion):
    servers = [faults.start("none") for _ in range(3)]
    trust = Trust()
    for server in servers:
        seen = look(server, through(server, bastion), trust=trust)
        assert seen.codes == []
        assert len(seen.snapshot.captures) == len(LINES)
    assert bastion.passwords == 1
    assert len(bastion.connections) == 1
    assert bastion.targets == [("127.0.0.1", server.port) for server in servers]
    assert trust.keys("127.0.0.1", bastion.port)  # its key is pinned as the routers' are
    close_jumps()
    assert client_threads() == []


def test_many_routers_at_once_share_the_jump_host(faults, bastion):
    servers = [faults.start("none") for _ in range(6)]
    results, paced = [], []
    trust = Trust()
    threads = [
        threading.Thread(
            target=lambda s=server: results.append(
                look(s, through(s, bastion), trust=trust, before_login=lambda: paced.append(1))
            )
        )
        for server in servers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [seen.codes for seen in results] == [[]] * 6
    assert len(paced) == 7  # the jump host's own login takes its turn too
    assert bastion.passwords == 1


def test_the_jump_hosts_failures_are_its_own(faults):
    server = faults.start("none")
    refusing = Host(faults, password="another")
    for _ in range(3):
        failure = look(server, through(server, refusing)).snapshot.failures[0]
        assert failure.code is ErrorCode.JUMP
        assert "E_AUTH_REJECTED" in failure.message
        assert "127.0.0.1" in failure.message
    assert refusing.passwords == 1  # asked once, not for every router behind it
    forbidding = Host(faults, forbids=True)
    failure = look(server, through(server, forbidding)).snapshot.failures[0]
    assert failure.code is ErrorCode.JUMP
    assert "administratively prohibited" in failure.message
    for jump in ("a,b", "-oProxyCommand=x", "x y", "user@", "h:99999999"):
        failure = look(server, device_of(server, ssh=SshSettings(jump=jump))).snapshot.failures[0]
        assert failure.code is ErrorCode.JUMP, jump
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        device = device_of(server, ssh=SshSettings(jump=f"127.0.0.1:{unused.getsockname()[1]}"))
        failure = look(server, device).snapshot.failures[0]
    assert failure.code is ErrorCode.JUMP
    assert "E_TCP_REFUSED" in failure.message
    assert server.record.connections == 0
    close_jumps()
    refusing.close()
    forbidding.close()


def test_behind_the_jump_host_the_router_is_to_blame(faults, bastion):
    server = faults.start("tcp-garbage")
    assert look(server, through(server, bastion)).codes == ["E_SSH_PROTOCOL"]
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        device = replace(through(server, bastion), port=unused.getsockname()[1])
        assert look(server, device).codes == ["E_TCP_REFUSED"]
    wrong = replace(through(faults.start("none"), bastion), name="w")
    lost = look(faults.start("drop-mid"), replace(wrong, port=faults.servers[-1].port))
    assert lost.codes == ["E_CONN_LOST"]


def test_a_changed_key_behind_a_jump_host_gets_nothing(faults, bastion):
    server = faults.start("none")
    trust = Trust()
    look(server, through(server, bastion), trust=trust)
    key = trust.keys("127.0.0.1", server.port)[0]
    trust.pin("127.0.0.1", server.port, replace(key, blob=key.blob[:-8] + "AAAAAAAA"))
    before = server.record.passwords
    assert look(server, through(server, bastion), trust=trust).codes == ["E_HOSTKEY_CHANGED"]
    assert server.record.passwords == before


@pytest.fixture
def key_server(faults, tmp_path):
    """A server that takes one key, and the file of that key."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    host = Host(faults, key=key.convert_to_public())
    path = tmp_path / "id"
    key.write_private_key(str(path))
    path.chmod(0o600)
    yield host, path, key
    close_jumps()
    host.close()


def test_a_key_file_is_used_only_when_asked(faults, key_server):
    host, path, _ = key_server
    server = faults.start("none")
    seen = look(server, through(server, host, keys=str(path)))
    assert seen.codes == []
    assert (host.keys > 0, host.passwords) == (True, 0)
    close_jumps()
    host.keys = 0
    assert look(server, through(server, host)).codes == []
    assert (host.keys, host.passwords) == (0, 1)


def test_key_files_that_cannot_be_used_are_named(faults, key_server, tmp_path):
    host, _, key = key_server
    server = faults.start("none")
    locked = tmp_path / "locked"
    key.write_private_key(str(locked), passphrase="x")
    junk = tmp_path / "junk"
    junk.write_text("no key\n")
    for path, words in ((locked, "encrypted"), (junk, "not a private key"), (tmp_path / "none", "No such file")):
        failure = look(server, through(server, host, keys=str(path))).snapshot.failures[0]
        assert failure.code is ErrorCode.JUMP
        assert words in failure.message
        close_jumps()
    assert host.passwords == 0


@pytest.mark.skipif(which("ssh-agent") is None or not has_name(), reason="no ssh-agent for this user")
def test_the_agent_is_asked_only_when_asked_for(faults, key_server, tmp_path, monkeypatch):
    host, path, _ = key_server
    sock = tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(sock)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert not lasting(lambda: [] if sock.exists() else ["no agent"])
        monkeypatch.setenv("SSH_AUTH_SOCK", str(sock))
        subprocess.run(["ssh-add", str(path)], check=True, capture_output=True)
        server = faults.start("none")
        assert look(server, through(server, host)).codes == []
        assert host.keys == 0  # no probe
        close_jumps()
        host.passwords = 0
        assert look(server, through(server, host, keys="agent")).codes == []
        assert (host.keys > 0, host.passwords) == (True, 0)
    finally:
        agent.terminate()
        agent.wait(60)


def test_a_jump_host_is_judged_by_each_devices_rule_and_credential(faults, bastion, tmp_path):
    server, trust = faults.start("none"), Trust(tmp_path)
    open_to_all = through(server, bastion)
    assert look(server, open_to_all, trust=trust).codes == []
    own = tmp_path / "own"  # knows the router, not the jump host
    own.write_text(
        "\n".join(x for x in (tmp_path / "known_hosts").read_text().split("\n") if str(bastion.port) not in x)
    )
    strict = through(server, bastion, host_key="strict", known_hosts=str(own))
    seen = look(server, strict, trust=trust)
    assert seen.codes == ["E_JUMP"]
    assert "E_HOSTKEY_UNKNOWN" in seen.snapshot.failures[0].message
    wrong = replace(open_to_all, password=literal("wrong"))
    for device, codes, passwords in (
        (wrong, ["E_JUMP"], 2),  # it does not ride on another's login
        (wrong, ["E_JUMP"], 2),  # refused once is refused
        (open_to_all, [], 2),  # and another's refusal is not this one's
    ):
        assert look(server, device, trust=trust).codes == codes
        assert bastion.passwords == passwords


def swept(devices, state):
    rows = []
    settings = Settings(secrets=Secrets({}), trust=Trust(), logins_per_second=100, state=state, jitter=0, retries=False)
    sweep(devices, settings, rows.append)
    assert len(rows) == len(devices)
    return [row.failures[0].code.value for row in rows]


def test_jump_hosts_that_refuse_the_password_stop_it_as_routers_do(faults, tmp_path):
    """Each would count a rejection a run: eight of them, every quarter of an hour, lock any account."""
    server = faults.start("none")
    hosts = [Host(faults, password="another") for _ in range(6)]
    try:
        devices = [replace(through(server, host), name=f"r{at}-{n}") for n in range(2) for at, host in enumerate(hosts)]
        codes = swept(devices, tmp_path)
        assert sum(host.passwords for host in hosts) <= 3
        assert set(codes) == {"E_JUMP", "E_AUTH_SKIPPED"}
        before = sum(host.passwords for host in hosts)
        swept(devices, tmp_path)
        assert sum(host.passwords for host in hosts) == before + 1
        assert server.record.passwords == 0
    finally:
        close_jumps()
        for host in hosts:
            host.close()


def test_one_jump_host_that_refuses_the_password_is_one_rejection(faults):
    """However many routers are behind it; those that are not are visited."""
    server, host = faults.start("none"), Host(faults, password="another")
    try:
        behind = [replace(through(server, host), name=f"behind-{n}") for n in range(5)]
        beside = [device_of(server, f"beside-{n}") for n in range(3)]
        rows = []
        settings = Settings(secrets=Secrets({}), trust=Trust(), logins_per_second=100, jitter=0)
        outcome = sweep([*behind, *beside], settings, rows.append)
        assert dict(outcome.codes).keys() == {"E_JUMP", "E_CMD_INVALID"}
        assert dict(outcome.codes)["E_JUMP"] == 5
        assert host.passwords == 1
    finally:
        close_jumps()
        host.close()


def test_a_fleet_too_small_for_the_breaker_is_remembered_too(faults, tmp_path):
    servers = [faults.start("none") for _ in range(2)]
    devices = [device_of(server, f"r{n}", password="wrong") for n, server in enumerate(servers)]
    assert swept(devices, tmp_path) == ["E_AUTH_REJECTED"] * 2
    for later in (1, 2):
        assert sorted(swept(devices, tmp_path)) == ["E_AUTH_REJECTED", "E_AUTH_SKIPPED"]
        assert sum(server.record.passwords for server in servers) == 2 + later


def test_an_ssh_config_file_gives_the_way_when_asked(faults, bastion, tmp_path, monkeypatch):
    monkeypatch.setenv("LOGNAME", "me")
    server = faults.start("none")
    config = tmp_path / "config"
    config.write_text(
        f"Host edge\n HostName 127.0.0.1\n Port {server.port}\n User {USERNAME}\n ProxyJump 127.0.0.1:{bastion.port}\n"
        "Host evil\n ProxyCommand touch pwned\n"
    )
    base = device_of(server, ssh=SshSettings(config_file=str(config)))
    seen = look(server, replace(base, host="edge", port=22, username=None))
    assert seen.codes == []
    assert bastion.passwords == 1
    refused = look(server, replace(base, host="evil")).snapshot.failures[0]
    assert refused.code is ErrorCode.JUMP
    assert "ProxyCommand" in refused.message
    assert not Path("pwned").exists()
    missing = look(server, replace(base, ssh=SshSettings(config_file=str(tmp_path / "none")))).snapshot.failures[0]
    assert missing.code is ErrorCode.CREDENTIAL


@pytest.mark.parametrize(
    "line",
    [
        'Match exec "touch {}"',
        'Match host 127.0.0.1 exec "touch {}"',
        'match !exec "touch {}"',
        'MATCH = "exec" "touch {}"',
        "  Match final exec 'touch {}'",
    ],
)
def test_no_program_is_run_to_find_a_host_in_an_ssh_config_file(faults, tmp_path, monkeypatch, line):
    """The library would run it in a shell, while it looks the host up."""
    monkeypatch.setenv("LOGNAME", "me")
    trace = tmp_path / "ran"
    (tmp_path / "config").write_text(f"Host other\n User x\n{line.format(trace)}\n User me\n")
    server = faults.start("none")
    seen = look(server, device_of(server, ssh=SshSettings(config_file=str(tmp_path / "config"))))
    assert seen.codes == ["E_CREDENTIAL"]
    assert "Match exec" in seen.snapshot.failures[0].message
    assert not trace.exists()
    assert server.record.connections == 0


@pytest.mark.parametrize("port", ["0", "65536", "99999", "-1", "ssh"])
def test_a_port_that_is_none_is_a_typed_failure(faults, tmp_path, monkeypatch, port):
    monkeypatch.setenv("LOGNAME", "me")
    (tmp_path / "config").write_text(f"Host *\n Port {port}\n")
    server = faults.start("none")
    seen = look(server, device_of(server, ssh=SshSettings(config_file=str(tmp_path / "config"))))
    assert seen.codes == ["E_CREDENTIAL"]
    assert look(server, device_of(server, ssh=SshSettings(jump=f"127.0.0.1:{port}"))).codes == ["E_JUMP"]


def test_a_user_without_a_name_is_told_so(faults, tmp_path, monkeypatch):
    (tmp_path / "config").write_text("Host *\n User me\n")

    def unknown(_number):
        raise KeyError

    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    server = faults.start("none")
    seen = look(server, device_of(server, ssh=SshSettings(config_file=str(tmp_path / "config"))))
    assert seen.codes == ["E_CREDENTIAL"]
    assert "LOGNAME" in seen.snapshot.failures[0].message


def test_no_password_and_no_key_is_a_method_failure(faults):
    server = faults.start("none")
    failure = look(server, device_of(server, password=None)).snapshot.failures[0]
    assert failure.code is ErrorCode.AUTH_METHOD
    assert server.record.passwords == 0


@pytest.mark.skipif(which("ssh") is None or not has_name(), reason="no OpenSSH client for this user")
def test_the_stock_client_gets_along_with_the_servers(faults, tmp_path):
    """A lab and a client by one hand share their mistakes: here the client is another's."""
    server = faults.start("none")
    ask = tmp_path / "ask"
    ask.write_text(f"#!/bin/sh\necho '{PASSWORD}'\n")
    ask.chmod(0o700)
    ended = subprocess.run(
        [
            "ssh", "-tt", "-p", str(server.port), "-o", "StrictHostKeyChecking=no", "-o", f"UserKnownHostsFile={tmp_path}/k",
            "-o", "PreferredAuthentications=password", "-o", "LogLevel=ERROR", f"{USERNAME}@127.0.0.1",
        ],
        input=b"show clock\nnonsense\n", capture_output=True, timeout=200, check=False,
        env={**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"},
    )  # fmt: skip
    said = ended.stdout.decode()
    assert "R1#show clock\r\n12:00:00.123 UTC Tue Nov 24 2026\r\n" in said
    assert "% Invalid input detected at '^' marker." in said
    assert ENABLE not in said


def answers(port):
    """True where somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def sshd(tmp_path):
    """An OpenSSH server for the user who runs the tests, by key; its shell is a small script that plays a router."""
    if SSHD is None:
        pytest.skip("no OpenSSH server on this machine (package openssh-server)")
    if not has_name():
        pytest.skip("the user who runs the tests has no name here")
    for kind in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / kind)], check=True)
    router = tmp_path / "router"
    router.write_text(ROUTER)
    router.chmod(0o700)
    (tmp_path / "authorized").write_text((tmp_path / "user.pub").read_text())
    port = free_port()
    config = tmp_path / "sshd_config"
    config.write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nPidFile {tmp_path}/pid\nStrictModes no\n"
        f"AuthorizedKeysFile {tmp_path}/authorized\nPasswordAuthentication no\nUsePAM no\nAllowTcpForwarding yes\n"
        f"ForceCommand {router}\nPrintMotd no\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(parents=True, exist_ok=True)
    server = subprocess.Popen([SSHD, "-D", "-e", "-f", str(config)], stderr=subprocess.DEVNULL)
    try:
        if lasting(lambda: [] if answers(port) else ["silent"]):
            pytest.skip("the OpenSSH server did not start here")
        yield port, tmp_path / "user"
    finally:
        server.terminate()
        server.wait(60)


ROUTER = r"""#!/bin/sh
printf '\r\nR1#'
while IFS= read -r line; do
  case "$line" in
    "show clock") printf '12:00:00.123 UTC Tue Nov 24 2026\r\n' ;;
  esac
  printf 'R1#'
done
"""


def test_an_openssh_server_as_target_and_as_jump_host(faults, sshd):
    port, key = sshd
    me = pwd.getpwuid(os.geteuid()).pw_name
    server = faults.start("none")
    base = device_of(server, "r1")
    target = replace(
        base, port=port, username=replace(base.username, value=me), password=None, ssh=SshSettings(keys=str(key))
    )
    seen = look(server, target, lines=("show clock",))
    assert seen.codes == []
    assert seen.snapshot.captures[0].text == "12:00:00.123 UTC Tue Nov 24 2026\n"
    jump = replace(base, ssh=SshSettings(jump=f"{me}@127.0.0.1:{port}", keys=str(key)))
    through_it = look(server, jump)
    assert through_it.codes == []
    assert len(through_it.snapshot.captures) == len(LINES)
    close_jumps()


@pytest.mark.parametrize(
    ("fault", "reached"),
    [
        ("tcp-silent", lambda record: record.connections),
        ("kex-silent", lambda record: record.connections),
        ("auth-hang", lambda record: record.passwords),
        ("channel-silent", lambda record: record.channels),
        ("pty-silent", lambda record: record.channels),
        ("shell-silent", lambda record: record.channels),
        ("no-prompt", lambda record: record.channels),
        ("slow30", lambda record: "show logging" in record.lines()),
    ],
)
def test_cancel_closes_open_visits_at_once(faults, fault, reached):
    from collector.session import Cancel

    cancel, server = Cancel(), faults.start(fault)

    def fire():
        lasting(lambda: [] if reached(server.record) else ["not yet"])
        cancel.fire()

    threading.Thread(target=fire).start()
    seen = look(server, cancel=cancel)
    assert reached(server.record)
    assert seen.codes == ["E_DEADLINE"]
    assert seen.seconds < 25  # an answer comes after 30, the limits after 60
    late = look(faults.start("none"), cancel=cancel)
    assert late.codes == ["E_DEADLINE"]
    assert client_threads() == []


def test_fetching_a_key_shows_no_name_and_no_password(faults):
    from collector.session.fetch import fetch

    server = faults.start("none")
    key = fetch(device_of(server))
    assert key.type == "ssh-ed25519"
    assert key.fingerprint.startswith("SHA256:")
    assert (server.record.passwords, server.record.channels) == (0, 0)
    with pytest.raises(SessionError) as caught:
        fetch(device_of(faults.start("tcp-close")))
    assert caught.value.code is ErrorCode.REFUSED_EARLY
