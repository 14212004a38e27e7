"""The whole way as a user goes it: a lab in another process, sweep, audit, analyze, explain; and bad input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

ROOT = Path(__file__).parent.parent
SCHEMA = json.loads((ROOT / "docs" / "schema.json").read_text())
LAB = {"SPI_LAB_USERNAME": "lab", "SPI_LAB_PASSWORD": "lab", "SPI_LAB_SECRET": "lab"}


def spi(*arguments: str, cwd: Path | None = None, env: dict | None = None, stdin: bytes = b""):
    """Run the command; (exit code, stdout, stderr)."""
    done = subprocess.run(
        [sys.executable, "-m", "collector", *arguments],
        input=stdin,
        capture_output=True,
        cwd=cwd,
        env={**os.environ, **LAB, **(env or {})},
        timeout=400,
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The demo fleet in another process; the inventory's path."""
    folder = tmp_path_factory.mktemp("lab")
    file = folder / "inventory.yaml"
    with subprocess.Popen(
        [sys.executable, "-m", "collector", "lab", "demo", "-i", str(file), "--seconds", "3000"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if b"routers listen" in line:
                break
        yield file
        process.terminate()


@pytest.fixture(scope="module")
def swept(lab):
    """One sweep: its folder, exit code, document and messages."""
    folder = lab.parent
    code, out, err = spi(
        *("sweep", "-i", str(lab), "--state", str(folder / "state"), "--save", str(folder / "captures")),
        *("--format", "json", "--html", str(folder / "page.html"), "--metrics", str(folder / "m.prom")),
    )
    return folder, code, json.loads(out), err


@pytest.fixture
def state(swept, tmp_path):
    """The options that name a state folder as the sweep left it, whatever other tests add to theirs."""
    return "--state", str(shutil.copytree(swept[0] / "state", tmp_path / "state"))


def short(finding: dict) -> tuple:
    return finding["rule"], finding["level"], finding["verdict"], finding["device"], finding["peer"]


def test_a_sweep_names_every_row_of_the_table_and_validates(swept):
    _folder, code, document, _err = swept
    jsonschema.validate(document, SCHEMA, format_checker=jsonschema.FormatChecker())
    assert code == 3  # one router is unreachable and one refuses a command
    assert document["coverage"]["devices"]["failed"] == 1
    persistent = {
        peer["config_type"]
        for device in document["devices"]
        for incident in device["incidents"]
        if incident["state"] == "persistent"
        for peer in device["peers"]
        if peer["address"] == incident["peer"]
    }
    rows = {
        "static-crypto-map",
        "dynamic-crypto-map",
        "gre-tunnel-protection",
        "mgre-static-nhrp",
        "mgre-dynamic-nhrp",
        "svti",
        "ezvpn-client",
    }
    assert rows <= persistent
    states = {incident["state"] for device in document["devices"] for incident in device["incidents"]}
    assert {"persistent", "transient", "counter-only"} <= states
    assert {"SPI001", "SPI002", "SPI003", "SPI007", "SPI015"} <= {finding["rule"] for finding in document["findings"]}


def test_only_rows_that_recovery_helps_are_told_to_enable_it(swept):
    document = swept[2]
    kinds = {
        (device["name"], peer["address"]): peer["config_type"]
        for device in document["devices"]
        for peer in device["peers"]
    }
    for finding in document["findings"]:
        typed = [line for action in finding["actions"] for line in action["commands"]]
        if "crypto isakmp invalid-spi-recovery" in typed:
            assert finding["rule"] == "SPI001"
            assert kinds[finding["device"], finding["peer"]] in {
                "static-crypto-map",
                "gre-tunnel-protection",
                "mgre-static-nhrp",
                "svti",
            }
        assert "clear crypto sa" not in [line.strip() for line in typed]
        for action in finding["actions"]:
            if any(line.startswith("clear") for line in action["commands"]):
                assert action["side"] == "sender"
                assert action["on"] != finding["device"]


def test_analyze_of_what_was_saved_gives_the_same_findings(swept):
    folder, code, document, _err = swept
    again, out, _ = spi("analyze", str(folder / "captures"), "--format", "json")
    offline = json.loads(out)
    assert again == code
    assert offline["findings"] == document["findings"]
    assert offline["devices"] == document["devices"]
    assert offline["coverage"] == document["coverage"]
    assert (
        spi("analyze", str(folder / "captures"), "-f", "jsonl")[1].splitlines()[1:]
        == (spi("analyze", str(folder / "captures"), "-f", "jsonl")[1].splitlines()[1:])
    )


@pytest.mark.parametrize("name", ["br-001", "hub-mad"])
def test_an_audit_gives_the_findings_of_the_sweep(lab, swept, tmp_path, name):
    code, out, _ = spi("audit", name, "-i", str(lab), "--state", str(tmp_path / "s"), "-f", "json")
    document = json.loads(out)
    jsonschema.validate(document, SCHEMA)
    assert code == 1
    assert {short(f) for f in document["findings"]} == {short(f) for f in swept[2]["findings"] if f["device"] == name}


def joined(document: dict, device: str = "br-001") -> dict:
    """The one join of a device."""
    (found,) = (one["incidents"] for one in document["devices"] if one["name"] == device)
    return found[0]["join"]


def told(document: dict) -> list[tuple[str, tuple[str, ...], str]]:
    """What is typed, and where, for the black hole of br-001."""
    (found,) = (one for one in document["findings"] if (one["rule"], one["device"]) == ("SPI001", "br-001"))
    return [(one["on"], tuple(one["commands"]), one["side"]) for one in found["actions"]]


def test_a_run_over_some_routers_asks_the_ledger_for_the_far_end(lab, swept, state):
    code, out, _ = spi("sweep", "-i", str(lab), *state, "--limit", "br-001", "-f", "json")
    document = json.loads(out)
    jsonschema.validate(document, SCHEMA)
    assert (code, [device["name"] for device in document["devices"]]) == (1, ["br-001"])
    join = joined(document)
    assert join["remembered"]["run"] == swept[2]["run"]["id"]
    assert join["device"] == "hub-mad"
    assert join["outcome"] in {"stale-confirmed", "look-again"}  # by `join_max_age`, on a machine that is slow
    assert told(document) == told(swept[2])
    _, out, _ = spi("audit", "br-001", "-i", str(lab), *state, "--no-far-ends", "-f", "json")
    assert joined(json.loads(out))["remembered"]["run"] == swept[2]["run"]["id"]


def test_captures_are_joined_with_the_ledger_only_where_it_is_named(swept, state):
    capture = str(next((swept[0] / "captures").glob("br-001*")))
    alone = json.loads(spi("analyze", capture, "-f", "json", env={"SPI_STATE": state[1]})[1])
    assert (joined(alone)["outcome"], joined(alone)["remembered"]) == ("far-end-unknown", None)
    found = json.loads(spi("analyze", capture, *state, "-f", "json")[1])
    assert (joined(found)["device"], joined(found)["remembered"]["device"]) == ("hub-mad", "hub-mad")
    code, _, err = spi("analyze", capture, "--state", str(swept[0] / "captures"))
    assert (code, "no ledger there" in one_line(err)) == (2, True)


def test_an_audit_visits_the_far_end_that_the_ledger_knows(lab, swept, state):
    code, out, err = spi("audit", "br-001", "-i", str(lab), *state, "-f", "json")
    document = json.loads(out)
    assert (code, [device["name"] for device in document["devices"]]) == (1, ["br-001"])
    assert "the far end is looked at too: hub-mad" in err
    assert (joined(document)["outcome"], joined(document)["remembered"]) == ("stale-confirmed", None)
    assert told(document) == told(swept[2])


def test_an_audit_does_without_a_broken_ledger(tmp_path):
    (tmp_path / "ledger.sqlite3").write_bytes(b"not a database" * 100)
    code, _, err = spi(
        "audit", "--host", "nowhere.invalid", "-u", "me", "--state", str(tmp_path), env={"SPI_PASSWORD": "x"}
    )
    assert code == 4
    assert "this audit goes on without it" in err


def test_no_secret_of_a_router_or_of_ours_is_in_any_output(swept):
    folder = swept[0]
    for file in folder.rglob("*"):
        if file.is_file() and file.name != "inventory.yaml":
            text = file.read_bytes()
            assert b"cisco-lab-psk" not in text, file
            assert b"cisco-lab" not in text, file
            open_to = 0o133 if file.suffix == ".prom" else 0o177  # node_exporter is another user
            assert file.stat().st_mode & open_to == 0, file


def test_the_ledger_lists_explains_and_reports(swept, state):
    folder, _, document, _ = swept
    code, out, _ = spi("findings", *state)
    assert code == 0
    error = next(finding for finding in document["findings"] if finding["rule"] == "SPI001")
    assert error["id"] in out
    code, out, _ = spi("explain", error["id"], *state)
    assert (code, "Rules that did not" in out) == (0, True)
    code, out, _ = spi("explain", error["id"], str(folder / "captures"))
    assert (code, "Rules that did not" in out) == (0, True)
    code, _, _ = spi("report", "-o", str(folder / "again.html"), *state)
    assert code == 0
    assert error["id"] in (folder / "again.html").read_text()
    assert "<script" not in (folder / "page.html").read_text()
    assert "spi_collector_last_success_timestamp_seconds" in (folder / "m.prom").read_text()


def test_a_quiet_second_sweep_prints_only_what_is_new_and_a_held_lock_is_75(lab, state):
    code, out, err = spi("sweep", "-i", str(lab), *state, "--quiet", "--limit", "br-001", "--limit", "hub-mad")
    assert (code, out, err) == (1, "", "")
    import fcntl

    with (Path(state[1]) / "run.lock").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        code, out, err = spi("sweep", "-i", str(lab), *state)
    assert (code, out) == (75, "")
    assert "lock" in err


# -- bad input: one clear line, the right exit code ----------------------------------------------------------------


def one_line(err: str) -> str:
    lines = [line for line in err.splitlines() if line.startswith("spi-collector:")]
    assert lines, err
    return lines[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hosts: {a: {hostnam: 192.0.2.1}}\n", ["hosts.a.hostnam", "`hostname`"]),
        ("hosts: [\n", ["line"]),
        ("hosts: {}\n", ["no hosts"]),
    ],
)
def test_a_broken_inventory_is_exit_2_with_its_place(tmp_path, text, words):
    file = tmp_path / "i.yaml"
    file.write_text(text)
    code, out, err = spi("sweep", "-i", str(file), "--state", str(tmp_path / "s"))
    assert (code, out) == (2, "")
    for word in words:
        assert word in one_line(err)


def test_a_missing_credential_is_named_and_the_run_is_exit_4(tmp_path):
    file = tmp_path / "i.yaml"
    file.write_text("hosts: {a: {hostname: 127.0.0.1, username: me, password: {env: NOT_THERE_AT_ALL}}}\n")
    code, out, _ = spi("sweep", "-i", str(file), "--state", str(tmp_path / "s"), "-f", "json")
    assert code == 4
    (failure,) = json.loads(out)["devices"][0]["failures"]
    assert failure["code"] == "E_CREDENTIAL"
    assert "NOT_THERE_AT_ALL" in failure["message"]
    assert spi("inventory", "check", "-i", str(file))[0] == 2


def test_an_unreachable_host_is_one_row_and_exit_4(tmp_path):
    file = tmp_path / "i.yaml"
    file.write_text("hosts: {a: {hostname: 127.0.0.1, port: 1, username: me, password: {env: P}}}\n")
    code, out, _ = spi("sweep", "-i", str(file), "--state", str(tmp_path / "s"), "-f", "json", env={"P": "x"})
    assert code == 4
    assert [f["code"] for f in json.loads(out)["devices"][0]["failures"]] == ["E_TCP_REFUSED"]


def test_a_wrong_password_is_tried_once(lab, tmp_path):
    env = {"SPI_LAB_PASSWORD": "wrong"}
    code, out, _ = spi(
        *("sweep", "-i", str(lab), "--state", str(tmp_path / "s"), "-f", "json", "--limit", "br-001"), env=env
    )
    assert code == 4
    assert [f["code"] for f in json.loads(out)["devices"][0]["failures"]] == ["E_AUTH_REJECTED"]
    assert "wrong" not in out


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("binary.bin", b"\x7fELF\x00\x01\x02" * 50, "binary.bin"),
        ("empty.txt", b"", "empty"),
    ],
)
def test_a_file_that_holds_no_capture_is_named(tmp_path, name, data, word):
    file = tmp_path / name
    file.write_bytes(data)
    code, out, err = spi("analyze", str(file))
    assert code == 2
    assert out == ""
    assert word in one_line(err)


def test_a_folder_without_captures_and_a_missing_one_are_exit_2(tmp_path):
    for target in (tmp_path, tmp_path / "nothing"):
        code, out, err = spi("analyze", str(target))
        assert (code, out) == (2, "")
        assert one_line(err)


def test_a_truncated_capture_is_partial_and_says_so(swept, tmp_path):
    text = "R1#show crypto isakmp sa\nIPv4 Crypto ISAKMP SA\ndst             src             state          conn-id st"
    file = tmp_path / "cut.txt"
    file.write_text(text)
    code, out, _ = spi("analyze", str(file), "-f", "json")
    assert code == 3
    (capture,) = json.loads(out)["devices"][0]["captures"]
    assert capture["status"] == "incomplete"


def test_stdin_and_a_pipe_that_closes_early():
    session = b"R1#show privilege\nCurrent privilege level is 15\nR1#\n"
    code, out, _ = spi("analyze", "-", "-f", "json", stdin=session)
    assert code == 0
    assert json.loads(out)["devices"][0]["name"] == "R1"
    done = subprocess.run(
        f"{sys.executable} -m collector commands | head -1", shell=True, capture_output=True, check=False, cwd=ROOT
    )
    assert done.stderr == b""


def test_parse_answers_rows_and_unparsed_lines(tmp_path):
    file = tmp_path / "p.txt"
    file.write_text("Current privilege level is 15\nwhat is this\n")
    code, out, _ = spi("parse", "show privilege", str(file))
    answer = json.loads(out)
    assert code == 3
    assert (answer["command"], answer["status"]) == ("show privilege", "incomplete")
    assert [(row["line"], row["level"]) for row in answer["rows"]] == [(1, 15)]
    assert answer["unparsed_lines"] == [{"line": 2, "text": "what is this"}]
    assert spi("parse", "show priviledge", str(file))[0] == 2


def test_the_source_document_in_one_go(seed_text, tmp_path):
    file = tmp_path / "115801.txt"
    file.write_text(seed_text)
    _code, out, _ = spi("analyze", str(file), "-f", "json")
    (device,) = json.loads(out)["devices"]
    states = {
        entry["spi"]: (entry["messages"], entry["state"])
        for incident in device["incidents"]
        for entry in incident["spi_states"]
    }
    assert states["0xB761863E"] == (1, "transient")
    assert states["0x1DB73BBB"] == (2, "persistent")
    counters = {counter["name"]: counter["packets"] for counter in device["counters"]}
    assert counters["IN_US_V4_PKT_SA_NOT_FOUND_SPI"] == 64574


def test_saved_captures_make_the_ledger_that_the_sweep_made(swept, tmp_path):
    def known(state: Path) -> set[tuple]:
        lines = spi("findings", "--json", "--state", str(state))[1].splitlines()
        return {(one["id"], one["rule"], one["state"], one["last_seen"]) for one in map(json.loads, lines)}

    arguments = ("analyze", str(swept[0] / "captures"), "--remember", "--state", str(tmp_path), "-f", "json")
    code, out, err = spi(*arguments)
    unread = [one["name"] for one in swept[2]["devices"] if not one["captures"]]
    assert code == swept[1]
    assert (
        err == f"not remembered, no time of their own: {'; '.join(f'{n} (nothing of it was read)' for n in unread)}\n"
    )
    assert {one["state"] for one in json.loads(out)["findings"]} == {"new"}
    read = {one["id"] for one in swept[2]["findings"] if one["device"] not in unread}
    assert known(tmp_path) == {one for one in known(swept[0] / "state") if one[0] in read}
    code, out, err = spi(*arguments)
    assert code == swept[1]
    assert "not remembered, in the ledger already: " in err
    assert len(known(tmp_path)) == len(read)
