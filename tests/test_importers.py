"""Inventories of other tools: `inventory import` prints one of ours, `include:` reads them; no password ever passes."""

from __future__ import annotations

import json
import sys
import types
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import stub
from servers.stub import Reply

from collector.cli import _run
from collector.errors import InventoryError
from collector.inventory import from_text, load
from collector.inventory.importers import IMPORTERS, Order, import_tree

SECRET = "hunter2-canary"

ANSIBLE_INI = f"""\
# a comment
[hubs]
hub1 ansible_host=192.0.2.1 ansible_user=netops ansible_password={SECRET}
hub2 ansible_host=192.0.2.2 ansible_port=2222 ansible_user="net ops" # inline

[branches]
br[01:03] ansible_network_os=ios
198.51.100.9:2022

[servers]
web1 ansible_host=192.0.2.80

[servers:vars]
ansible_network_os=linux

[wan:children]
hubs
branches

[wan:vars]
ansible_network_os=cisco.ios.ios
ansible_become_password="{{{{ lookup('env', 'ENABLE') }}}}"
"""

ANSIBLE_YAML = f"""\
all:
  vars: {{ansible_user: netops, ansible_password: !vault "$ANSIBLE_VAULT;1.1;AES256 3132"}}
  children:
    wan:
      vars: {{ansible_network_os: cisco.ios.ios}}
      children:
        hubs:
          vars: {{ansible_port: 22}}
          hosts:
            hub1: {{ansible_host: 192.0.2.1, ansible_port: 2222, snmp_community: {SECRET}}}
            hub2:
"""

ANSIBLE_LIST = {
    "_meta": {"hostvars": {"hub1": {"ansible_host": "192.0.2.1", "ansible_network_os": "ios"}}},
    "all": {"children": ["ungrouped", "hubs"]},
    "hubs": {"hosts": ["hub1"]},
}

NETMIKO = f"""\
__meta__: {{encryption: true}}
hub1: {{device_type: cisco_xe, host: 192.0.2.1, username: netops, password: {SECRET}, secret: {SECRET}}}
nx1: {{device_type: cisco_nxos, host: 192.0.2.9, username: netops, password: {SECRET}}}
br1: {{device_type: cisco_ios, host: 198.51.100.1, username: netops, password: {SECRET}, port: 2222}}
hubs: [hub1]
"""

CSV = f"""\
Name;IP-Address;Platform;User;Password;Groups;Site;snmp_community
hub1;192.0.2.1;ios-xe;netops;{SECRET};hubs, core;madrid;{SECRET}
br1;2001:db8::1;ios;netops;;branches;;

fw1;192.0.2.7;asa;netops;;;;
"""


@pytest.fixture
def sources(tmp_path) -> dict[str, Path]:
    """One source of each kind, written down."""
    files = {"hosts.ini": ANSIBLE_INI, "all.yml": ANSIBLE_YAML, "netmiko.yml": NETMIKO, "routers.csv": CSV}
    made = {}
    for name, text in files.items():
        made[name] = tmp_path / name
        made[name].write_text(text, encoding="utf-8")
    made["list.json"] = tmp_path / "list.json"
    made["list.json"].write_text(json.dumps(ANSIBLE_LIST))
    nornir = tmp_path / "nornir"
    nornir.mkdir()
    (nornir / "hosts.yaml").write_text(
        "hub1: {hostname: 192.0.2.1, groups: [hubs], data: {site: madrid, vpn_psk: " + SECRET + "}}\n"
        "br1: {hostname: 198.51.100.1, platform: ios, port: 2222, groups: [branches]}\n"
        "sw1: {hostname: 192.0.2.30, platform: eos}\n"
    )
    (nornir / "groups.yaml").write_text(
        "hubs: {platform: iosxe, groups: [wan], data: {role: hub}}\nbranches: {groups: [wan]}\n"
        "wan: {username: netops, connection_options: {netmiko: {extras: {secret: " + SECRET + "}}}}\n"
    )
    (nornir / "defaults.yaml").write_text(f"password: {SECRET}\nusername: other\n")
    made["nornir"] = nornir
    return made


def imported(capsys, *words: str):
    assert _run(["inventory", "import", *words]) == 0, capsys.readouterr()
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err
    inventory = from_text(said.out, source="printed")
    return {device.name: device for device in inventory.devices}, said


def test_ansible_ini(sources, capsys):
    devices, said = imported(capsys, "--from", "ansible", str(sources["hosts.ini"]))
    assert list(devices) == ["hub1", "hub2", "br01", "br02", "br03", "198.51.100.9"]
    hub1, hub2 = devices["hub1"], devices["hub2"]
    assert (hub1.host, hub1.platform, hub1.groups) == ("192.0.2.1", "cisco_ios", ("hubs", "wan"))
    assert (hub2.port, hub2.username.value) == (2222, "net ops")
    assert devices["198.51.100.9"].port == 2022
    assert (hub1.password.kind, hub1.password.value) == ("env", "SPI_PASSWORD")
    assert (hub1.secret.kind, hub1.secret.value) == ("env", "ENABLE")
    assert "platform linux is not ours: left out (1 host)" in said.err
    assert "was not copied" in said.err


def test_ansible_yaml_with_vault_and_group_vars(sources, capsys):
    folder = sources["all.yml"].parent
    (folder / "group_vars").mkdir()
    (folder / "group_vars" / "hubs.yml").write_text("ansible_user: from-file\n")
    (folder / "host_vars").mkdir()
    (folder / "host_vars" / "hub2").write_text("ansible_host: 192.0.2.2\n")
    devices, _ = imported(capsys, "--from", "ansible", str(sources["all.yml"]))
    assert {name: (d.host, d.port, d.username.value) for name, d in devices.items()} == {
        "hub1": ("192.0.2.1", 2222, "from-file"),
        "hub2": ("192.0.2.2", 22, "from-file"),
    }
    assert devices["hub1"].password.value == "SPI_PASSWORD"


def test_ansible_list_json_groups_and_programs(sources, capsys):
    devices, _ = imported(capsys, "--from", "ansible", str(sources["list.json"]))
    assert [(d.name, d.host, d.groups) for d in devices.values()] == [("hub1", "192.0.2.1", ("hubs",))]
    devices, _ = imported(capsys, "--from", "ansible", str(sources["hosts.ini"]), "--group", "branches")
    assert list(devices) == ["br01", "br02", "br03", "198.51.100.9"]
    assert _run(["inventory", "import", "--from", "ansible", str(sources["hosts.ini"]), "--group", "brunches"]) == 2
    program = sources["list.json"].parent / "dynamic"
    program.write_text("#!/bin/sh\nexit 1\n")
    assert _run(["inventory", "import", "--from", "ansible", str(program)]) == 2
    assert "ansible-inventory --list" in capsys.readouterr().err


def test_nornir(sources, capsys):
    devices, said = imported(capsys, "--from", "nornir", str(sources["nornir"]))
    hub, branch = devices.values()
    assert (hub.host, hub.platform, hub.username.value) == ("192.0.2.1", "cisco_xe", "netops")
    assert hub.groups == ("hubs", "wan")
    assert dict(hub.data) == {"site": "madrid", "role": "hub"}
    assert (branch.port, branch.platform, branch.secret.value) == (2222, "cisco_ios", "SPI_SECRET")
    assert "platform eos is not ours" in said.err
    assert "data.vpn_psk may be a secret" in said.err


def test_netmiko(sources, capsys):
    devices, said = imported(capsys, "--from", "netmiko", str(sources["netmiko.yml"]))
    assert [(d.name, d.platform, d.port, d.groups) for d in devices.values()] == [
        ("hub1", "cisco_xe", 22, ("hubs",)),
        ("br1", "cisco_ios", 2222, ()),
    ]
    assert "cisco_nxos" in said.err


def test_csv(sources, capsys):
    devices, said = imported(capsys, "--from", "csv", str(sources["routers.csv"]))
    assert [(d.name, d.host, d.platform, d.groups) for d in devices.values()] == [
        ("hub1", "192.0.2.1", "cisco_xe", ("hubs", "core")),
        ("br1", "2001:db8::1", "cisco_ios", ("branches",)),
    ]
    assert dict(devices["hub1"].data) == {"site": "madrid"}
    assert "platform asa is not ours" in said.err


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        ("csv", "foo,bar\n1,2\n", "no column is called name"),
        ("csv", "name,ip\na,1,2\n", "line 2: 3 cells under 2"),
        ("csv", "name,port\na,22x\n", "no port"),
        ("csv", "name,ip\na,-oProxyCommand=x\n", "neither a host name nor an address"),
        ("csv", "name\na\na\n", "stands twice"),
        ("csv", "name,platform\na,asa\n", "no IOS router"),
        ("ansible", "[x\nhost 'unclosed\n", "line"),
        ("ansible", "[a:children]\na\n", "no IOS router"),
        ("ansible", "r[1:999999]\n", "more than"),
        ("ansible", "r[a:99]\n", "no such range"),
        ("netmiko", "- a\n- b\n", "keys are wanted"),
        ("netmiko", "a: [", "line 1"),
        ("netmiko", "a: !!python/object/apply:os.system [x]\n", "no YAML"),
        ("nornir", "a: {port: 99999}\n", "port"),
    ],
)
def test_what_is_off_is_named(kind, text, words, tmp_path, capsys):
    file = tmp_path / "source"
    file.write_text(text)
    assert _run(["inventory", "import", "--from", kind, str(file)]) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert said.out == ""
    assert "defect" not in said.err


def test_missing_files_are_named(tmp_path, capsys):
    for kind in ("ansible", "nornir", "netmiko", "csv"):
        assert _run(["inventory", "import", "--from", kind, str(tmp_path / "none")]) == 2
        assert "none cannot be read: No such file" in capsys.readouterr().err


def test_loops_and_alias_bombs_end(tmp_path):
    file = tmp_path / "hosts.yml"
    rows = ["a: &a {hosts: {h: {}}}"] + [
        f"g{n}: &g{n} {{children: {{x: *{'a' if n == 0 else f'g{n - 1}'}, y: *{'a' if n == 0 else f'g{n - 1}'}}}}}"
        for n in range(19)
    ]
    for text in ("\n".join(rows), "a: &a {children: {b: *a}}", "[" * 3000):
        file.write_text(text)
        with pytest.raises(InventoryError):
            import_tree(Order(kind="ansible", source=str(file), place="x"), standalone=True)


def test_include_puts_hosts_below_the_files_own_words(sources, capsys, monkeypatch):
    monkeypatch.setenv("SPI_PASSWORD", "x")
    monkeypatch.setenv("ENABLE", "x")
    file = sources["hosts.ini"].parent / "inventory.yaml"
    file.write_text(
        "defaults: {username: ours, password: {env: SPI_PASSWORD}}\n"
        "groups: {branches: {port: 2200}}\n"
        "hosts: {hub1: {port: 2222}, own: {hostname: 192.0.2.50}}\n"
        "include:\n  - {type: ansible, path: hosts.ini, group: wan}\n  - {type: csv, path: routers.csv}\n"
    )
    inventory = load(file)
    devices = {device.name: device for device in inventory.devices}
    assert list(devices) == ["hub1", "own", "hub2", "br01", "br02", "br03", "198.51.100.9", "br1"]
    hub1 = devices["hub1"]
    assert (hub1.host, hub1.port, hub1.username.value, hub1.password.value) == (
        "192.0.2.1", 2222, "netops", "SPI_PASSWORD",
    )  # fmt: skip
    assert devices["br01"].port == 2200
    assert devices["br01"].username.value == "ours"
    origins = inventory.origins["hub1"]
    assert origins["port"] == "hosts.hub1"
    assert origins["hostname"] == "include.0 (ansible hosts.ini)"
    assert inventory.origins["br1"]["hostname"] == "include.1 (csv routers.csv)"
    assert _run(["inventory", "show", "hub1", "-i", str(file)]) == 0
    shown = capsys.readouterr().out
    assert "include.0 (ansible hosts.ini)" in shown
    assert _run(["inventory", "check", "-i", str(file)]) == 0
    said = capsys.readouterr().out
    assert "8 hosts" in said
    assert "a password stands in the source and is not read" in said
    assert SECRET not in said + shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("include: [{path: x}]", ["include.0", "`type` is missing"]),
        ("include: [{type: puppet, path: x}]", ["include.0", "no kind"]),
        ("include: [{type: csv}]", ["include.0", "`path` is missing"]),
        ("include: [{type: netbox, path: x}]", ["include.0", "`url` is missing"]),
        ("include: [{type: ansible, path: x, grup: y}]", ["include.0.grup", "did you mean `group`"]),
        ("include: [{type: csv, path: nowhere.csv}]", ["include.0", "No such file"]),
        ("include: [{type: netbox, url: 'ftp://x'}]", ["include.0.url"]),
    ],
)
def test_an_include_that_is_off_is_named(text, words, tmp_path):
    with pytest.raises(InventoryError) as caught:
        from_text(text, source="i.yaml", folder=tmp_path)
    for word in words:
        assert word in str(caught.value)


# --- NetBox

PAGE = {
    "count": 2,
    "next": None,
    "previous": None,
    "results": [
        {
            "id": 1,
            "url": "http://x/api/dcim/devices/1/",
            "name": "hub1",
            "platform": {"id": 1, "url": "http://x/api/dcim/platforms/1/", "name": "IOS XE", "slug": "ios-xe"},
            "primary_ip": {"id": 1, "url": "http://x/api/ipam/ip-addresses/1/", "address": "192.0.2.1/24"},
            "site": {"id": 1, "url": "http://x/api/dcim/sites/1/", "name": "Madrid", "slug": "madrid"},
            "role": {"id": 1, "url": "http://x/api/dcim/device-roles/1/", "name": "Hub", "slug": "hub"},
            "tenant": None,
        },
        {
            "id": 2,
            "url": "http://x/api/dcim/devices/2/",
            "name": "sw1",
            "platform": {"id": 2, "url": "http://x/api/dcim/platforms/2/", "name": "EOS", "slug": "eos"},
            "primary_ip": None,
        },
    ],
}


def netbox(told: stub.Told) -> Reply:
    if told.headers.get("Authorization") not in {f"Token {SECRET}", f"Bearer {SECRET}"}:
        return Reply(403, {"detail": "Invalid token"})
    query = parse_qs(urlsplit(told.path).query)
    assert query["status"] == ["active"]
    assert query["role"] == ["hub"]
    return Reply(200, PAGE, {"API-Version": "4.2"})


def test_netbox_through_pynetbox(capsys, monkeypatch):
    pytest.importorskip("pynetbox", reason="the netbox extra is not installed")
    monkeypatch.setenv("NB", SECRET)
    with stub.http(netbox) as server:
        words = ["--from", "netbox", server.url, "--filter", "role=hub", "--token-env", "NB"]
        devices, said = imported(capsys, *words)
        assert [(d.name, d.host, d.platform, dict(d.data)) for d in devices.values()] == [
            ("hub1", "192.0.2.1", "cisco_xe", {"site": "madrid", "role": "hub"})
        ]
        assert "platform eos is not ours" in said.err
        monkeypatch.setenv("NB", "wrong")
        assert _run(["inventory", "import", *words]) == 2
        assert "HTTP 403" in capsys.readouterr().err
    assert _run(["inventory", "import", "--from", "netbox", "http://127.0.0.1:9"]) == 2
    assert "127.0.0.1:9" in capsys.readouterr().err


def test_netbox_with_a_stand_in_for_pynetbox(capsys, monkeypatch):
    """Its records are mappings of what the list said, where the extra is not installed."""
    asked = {}

    def api(url, token):
        asked.update(url=url, token=token)
        found = types.SimpleNamespace(filter=lambda **query: asked.update(query) or PAGE["results"])
        return types.SimpleNamespace(dcim=types.SimpleNamespace(devices=found), http_session=None)

    stand_in = types.SimpleNamespace(api=api, RequestError=KeyError, ContentError=KeyError)
    session = types.SimpleNamespace(Session=lambda: types.SimpleNamespace(request=print), RequestException=OSError)
    monkeypatch.setitem(sys.modules, "pynetbox", stand_in)
    monkeypatch.setitem(sys.modules, "requests", session)
    monkeypatch.setenv("NETBOX_TOKEN", SECRET)
    devices, _ = imported(capsys, "--from", "netbox", "https://netbox.example.net")
    assert list(devices) == ["hub1"]
    assert asked == {"url": "https://netbox.example.net", "token": SECRET, "status": "active"}


def test_without_the_extra_it_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pynetbox", None)
    assert _run(["inventory", "import", "--from", "netbox", "https://netbox.example.net"]) == 2
    assert "spi-collector[netbox]" in capsys.readouterr().err


@given(st.sampled_from([kind for kind in IMPORTERS if kind != "netbox"]), st.text(max_size=200))
def test_any_text_is_an_import_or_a_typed_error(tmp_path_factory, kind, text):
    file = tmp_path_factory.mktemp("any") / "source"
    file.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        import_tree(Order(kind=kind, source=str(file), place="x"), standalone=True)
    except InventoryError:
        return
