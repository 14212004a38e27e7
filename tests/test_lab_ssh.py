"""The simulated routers over real SSH, met by clients that are not ours."""

import os
import re
import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime

import paramiko
import pytest
import yaml
from faulty import has_name
from servers.loopback import free_port

from collector.errors import UsageError
from collector.lab import scenario
from collector.lab.running import start, start_process
from collector.lab.server import host_key
from collector.lab.wire import Wire


@pytest.fixture(scope="module")
def lab():
    with start("demo") as running:
        yield running


def connect(address, **more):
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    options = {"username": "lab", "password": "lab", "look_for_keys": False, "allow_agent": False, "timeout": 100}
    client.connect(address.host, address.port, **(options | more))
    return client


def read(channel, end, limit=100):
    """Text up to `end`."""
    channel.settimeout(limit)
    text = ""
    while not text.endswith(end):
        got = channel.recv(65536)
        assert got, text
        text += got.decode()
    return text


def test_a_paramiko_client_sees_the_banner_the_prompt_and_answers(lab):
    client = connect(lab.addresses["hub-mad"])
    try:
        channel = client.invoke_shell()
        assert "Authorised users only" in read(channel, "\r\nhub-mad#")
        for line in ("terminal length 0", "terminal width 511", "show version", "show logging"):
            channel.send(line + "\n")
            answer = read(channel, "\r\nhub-mad#")
            assert answer.startswith(line + "\r\n")
        assert "srcaddr=198.51.100.3, input interface=GigabitEthernet0/0/0\r\n" in answer
    finally:
        client.close()


def test_a_second_channel_ends_the_connection(lab):
    client = connect(lab.addresses["br-001"])
    try:
        channel = client.invoke_shell()
        read(channel, "br-001#")
        with pytest.raises((paramiko.SSHException, EOFError)):
            client.get_transport().open_session(timeout=100)
        deadline = time.monotonic() + 100
        while client.get_transport().is_active() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not client.get_transport().is_active()
    finally:
        client.close()


def test_exit_ends_the_connection(lab):
    client = connect(lab.addresses["br-001"])
    try:
        channel = client.invoke_shell()
        read(channel, "br-001#")
        channel.send("exit\n")
        channel.settimeout(100)
        while channel.recv(1024):
            pass
        assert channel.recv_exit_status() == 0
    finally:
        client.close()


def test_an_exec_request_gets_one_answer(lab):
    client = connect(lab.addresses["br-003"])
    try:
        _, stdout, _ = client.exec_command("show privilege", timeout=100)
        assert "Current privilege level is 15" in stdout.read().decode()
    finally:
        client.close()


def test_a_wrong_password_is_refused_and_counted(lab):
    with pytest.raises(paramiko.AuthenticationException):
        connect(lab.addresses["br-004"], password="wrong")
    assert lab.rejected["br-004"] == 1
    assert lab.logins["br-004"] == 0


def test_an_unreachable_router_refuses_the_connection(lab):
    address = lab.addresses["br-009"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address.host, address.port), timeout=100)


def test_each_router_has_its_own_address_and_host_key_and_the_key_stays(lab):
    places = {(a.host, a.port) for a in lab.addresses.values()}
    assert len(places) == len(lab.addresses)
    client = connect(lab.addresses["br-001"])
    key = client.get_transport().get_remote_server_key().get_base64()
    client.close()
    assert key == host_key(115801, "br-001").export_public_key().decode().split()[1]
    assert host_key(115801, "br-001") != host_key(115801, "br-002")


def test_the_inventory_names_every_router_and_holds_no_password(lab):
    tree = yaml.safe_load(lab.inventory())
    assert set(tree["hosts"]) == {d.name for d in lab.world.network.devices}
    assert tree["hosts"]["hub-mad"]["platform"] == "cisco_xe"
    assert tree["hosts"]["hub-mad"]["groups"] == ["hubs"]
    assert tree["defaults"]["password"] == {"env": "SPI_LAB_PASSWORD"}
    assert set(lab.environment()) == {"SPI_LAB_USERNAME", "SPI_LAB_PASSWORD", "SPI_LAB_SECRET"}


def test_the_inventory_is_one_that_the_collector_loads(lab):
    from collector.inventory.load import from_text

    inventory = from_text(lab.inventory(), source="lab")
    device = inventory.device("hub-mad")
    assert device.host == lab.addresses["hub-mad"].host
    assert device.port == lab.addresses["hub-mad"].port


@pytest.mark.skipif(shutil.which("ssh") is None or not has_name(), reason="no OpenSSH client for this user")
def test_the_stock_openssh_client_logs_in_and_out(lab, tmp_path):
    address = lab.addresses["br-007"]
    ask = tmp_path / "askpass"
    ask.write_text("#!/bin/sh\necho lab\n")
    ask.chmod(0o700)
    done = subprocess.run(
        [
            "ssh",
            "-tt",
            "-F",
            "/dev/null",
            "-o",
            "StrictHostKeyChecking=accept-new",
            "-o",
            f"UserKnownHostsFile={tmp_path / 'known'}",
            "-o",
            "PreferredAuthentications=password",
            "-p",
            str(address.port),
            f"lab@{address.host}",
        ],
        input="show privilege\renable\rlab\rterminal length 0\rshow crypto isakmp sa\rexit\r",
        env={**os.environ, "SSH_ASKPASS": str(ask), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "Current privilege level is 1\n" in done.stdout.replace("\r\n", "\n"), done.stderr
    assert "br-007>enable" in done.stdout
    assert re.search(r"192\.0\.2\.2 +198\.51\.100\.7 +MM_NO_STATE +0 ACTIVE \(deleted\)", done.stdout)


def test_netmiko_reads_a_whole_answer(lab):
    from netmiko import ConnectHandler

    address = lab.addresses["br-002"]
    session = ConnectHandler(
        device_type="cisco_xe", host=address.host, port=address.port, username="lab", password="lab", fast_cli=True
    )
    try:
        text = session.send_command("show crypto ipsec sa")
        assert text.count("current_peer") == 3
        assert session.find_prompt() == "br-002#"
    finally:
        session.disconnect()


def test_the_round_trip_and_the_trickle_are_felt():
    with start("healthy", wire=Wire(rtt=0.1)) as far, start("healthy", wire=Wire(trickle=True)) as slow:
        for running, least, line in ((far, 0.09, "show clock"), (slow, 0.015, "show logging")):
            client = connect(running.addresses["hub-mad"])
            channel = client.invoke_shell()
            read(channel, "hub-mad#")
            channel.send("terminal length 0\n")
            read(channel, "hub-mad#")
            began = time.monotonic()
            channel.send(line + "\n")
            read(channel, "\r\nhub-mad#")
            assert time.monotonic() - began >= least
            client.close()


def test_a_lab_in_its_own_process_serves_and_ends():
    with start_process("healthy") as running:
        host = yaml.safe_load(running.inventory())["hosts"]["br-001"]
        with socket.create_connection((host["hostname"], host["port"]), timeout=100) as connection:
            assert connection.recv(64).startswith(b"SSH-2.0-Cisco")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host["hostname"], host["port"]), timeout=100)


def test_a_process_that_cannot_start_says_why():
    with pytest.raises(UsageError, match="did you mean 'demo'"):
        start_process("dmo")


def test_a_fixed_port_is_the_same_on_each_address():
    port = free_port()
    with start("healthy", base_port=port) as running:
        hosts = {address.host for address in running.addresses.values()}
        ports = {address.port for address in running.addresses.values()}
    assert (len(hosts), ports) == (5, {port}) or hosts == {"127.0.0.1"}


def test_five_hundred_routers_listen_in_one_process():
    """Quickly: a second of CPU; `make bench` holds the figures."""
    network = scenario.load("fleet:500", epoch=datetime(2026, 11, 24, tzinfo=UTC))
    began = time.process_time()
    with start(network) as running:
        took = time.process_time() - began
        client = connect(running.addresses["br-00400"])
        read(client.invoke_shell(), "br-00400#")
        client.close()
    assert took < 20


def test_the_inventory_of_faulty_servers_gives_the_enable_secret_where_it_is_the_point(monkeypatch):
    from collector.cli import lab as verb

    waited = []
    monkeypatch.setattr(verb, "_wait", lambda *arguments: waited.append(arguments))
    assert verb._faulty("enable-bad,priv1", 1, None, 0) == 0
    text, environment, count, *_ = waited[0]
    hosts = yaml.safe_load(text)["hosts"]
    assert hosts["enable-bad"]["secret"] == {"env": "SPI_LAB_SECRET"}
    assert "secret" not in hosts["priv1"]
    assert environment.keys() == {"SPI_LAB_USERNAME", "SPI_LAB_PASSWORD", "SPI_LAB_SECRET"}
    assert count == 2
