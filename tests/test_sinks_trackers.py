"""Ticket sinks against servers of our own on loopback: what leaves, what comes back, how it fails, and no secret told.

Jira, ServiceNow and PagerDuty are answered in the shape of their published references; none was tried live.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import ipaddress
import json
import ssl
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import jsonschema
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from servers import jira, stub
from servers.stub import Reply
from test_tickets import entry, finding, write

from collector.cli import _run
from collector.errors import InventoryError
from collector.history import open_ledger
from collector.history.ledger import transaction
from collector.history.tickets import Act, Step, digest_of
from collector.model import Evidence
from collector.session.secrets import Secrets
from collector.sinks import TICKETS, ticket_sink, transport
from collector.sinks.alertmanager import AlertmanagerSink
from collector.sinks.delivery import DeliveryError
from collector.sinks.email import EmailSink
from collector.sinks.http import presets

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY = f"spi-collector-{1:016x}"
SECRET = "hunter2-canary-0123456789abcdef!"
HOSTILE = (
    "\x1b[31m\u202e<script>alert(1)</script> {code} {noformat} [code]<b>x</b>[/code] @all =cmd() `x` {{ token }} \r\nX"
)


def step(act: Act = Act.CREATE, **changes) -> Step:
    found = finding(1, **changes)
    return Step(act=act, finding=found, why="a new finding", digest=digest_of(found))


def sink(secret: str = SECRET, **options):
    return ticket_sink("desk", options, Secrets({"T": secret, "P": secret}))[0]


def raw(text: str) -> Evidence:
    return Evidence(device="hub1", command="show logging", line=3, text=text)


# --- PagerDuty: https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ (fields, enumerations, lengths)

PAGERDUTY = {
    "type": "object",
    "required": ["routing_key", "event_action"],
    "additionalProperties": False,
    "properties": {
        "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "maxLength": 255},
        "client": {"type": "string"},
        "client_url": {"type": "string"},
        "links": {"type": "array"},
        "images": {"type": "array"},
        "payload": {
            "type": "object",
            "required": ["summary", "source", "severity"],
            "additionalProperties": False,
            "properties": {
                "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
                "source": {"type": "string", "minLength": 1},
                "severity": {"enum": ["critical", "error", "warning", "info"]},
                "timestamp": {"type": "string"},
                "component": {"type": "string"},
                "group": {"type": "string"},
                "class": {"type": "string"},
                "custom_details": {"type": "object"},
            },
        },
    },
    "allOf": [
        {
            "if": {"properties": {"event_action": {"const": "trigger"}}},
            "then": {"required": ["payload"]},
            "else": {"required": ["dedup_key"]},
        }
    ],
}


@pytest.mark.parametrize("act", [Act.CREATE, Act.UPDATE, Act.REOPEN, Act.CLOSE])
def test_pagerduty_payloads_validate_against_the_published_schema(act):
    with stub.http(lambda _: Reply(202, {"status": "success", "dedup_key": KEY})) as server:
        target = sink(type="http", preset="pagerduty", url=server.url, auth={"token": {"env": "T"}})
        target.deliver(step(act, evidence=(raw(HOSTILE),)))
        (told,) = server.told
    jsonschema.validate(told.json, PAGERDUTY)
    assert told.path == "/v2/enqueue"
    assert len(told.body) < 512 * 1024
    assert told.json["routing_key"] == SECRET
    assert told.json["event_action"] == ("resolve" if act is Act.CLOSE else "trigger")
    assert told.json["dedup_key"] == KEY
    assert "Authorization" not in told.headers


def test_a_routers_text_never_becomes_the_token():
    for preset, more in (("pagerduty", {}), ("webhook", {}), ("rt", {}), ("servicenow-event", {})):
        with stub.http(lambda _: Reply(201, {"id": 7, "items": []})) as server:
            target = sink(type="http", preset=preset, url=server.url, auth={"token": {"env": "T"}}, **more)
            told = replace(target.requests(step(evidence=(raw(HOSTILE),)))[-1])
            with contextlib.suppress(DeliveryError):
                target.deliver(step(evidence=(raw(HOSTILE),)))
            for request in server.told:
                assert request.body.count(SECRET) == (1 if preset == "pagerduty" else 0)
                if request.method == "POST":
                    assert "{{ token }}" in request.body
        assert SECRET not in str(told)


# --- Jira: https://developer.atlassian.com/cloud/jira/platform/rest/v2/ (search, issue, comment, transitions)


def jira_sink(url: str):
    return sink(type="http", preset="jira", url=url, auth={"token": {"env": "T"}}, variables=jira.VARIABLES)


def test_jira_search_create_comment_transition():
    tracker = jira.Jira()
    with stub.http(tracker) as server:
        target = jira_sink(server.url)
        reference = target.deliver(step(evidence=(raw(HOSTILE),)))
        assert reference == "NET-1"
        assert target.deliver(step()) == "NET-1"  # found by its label, not doubled
        for act in (Act.UPDATE, Act.CLOSE, Act.REOPEN):
            target.deliver(replace(step(act), reference=reference))
        assert {told.headers["Authorization"] for told in server.told} == {"Bearer " + SECRET}
    (issue,) = tracker.issues.values()
    assert set(issue["fields"]) == {"project", "issuetype", "summary", "description", "labels"}
    assert len(issue["comments"]) == 3
    assert issue["transitions"] == [jira.DONE, jira.REOPENED]
    description = issue["fields"]["description"]
    assert description.count("{noformat") == 2
    assert description.startswith("{noformat}\n")
    assert description.endswith("\n{noformat}")


def test_jira_data_center_is_asked_where_it_answers():
    with stub.http(lambda _: Reply(201, {"issues": [], "key": "NET-1"})) as server:
        variables = {**jira.VARIABLES, "search": "search"}
        options = {"type": "http", "preset": "jira", "url": server.url, "auth": {"token": {"env": "T"}}}
        sink(**options, variables=variables).deliver(step())
        assert urlsplit(server.told[0].path).path == "/rest/api/2/search"


def test_what_is_sent_again_is_found_by_its_mark_and_what_stands_is_left_alone():
    tracker = jira.Jira()
    with stub.http(tracker) as server:
        target = jira_sink(server.url)
        reference = target.deliver(step())
        closing = replace(step(Act.CLOSE), reference=reference, at=NOW)
        for tries in range(3):  # each time killed before it could be noted
            target.deliver(replace(closing, tries=tries, decided_at=NOW, at=NOW + timedelta(minutes=tries)))
        (issue,) = tracker.issues.values()
        assert (len(issue["comments"]), issue["transitions"]) == (1, [jira.DONE])
        target.deliver(replace(closing, decided_at=NOW + timedelta(days=1)))  # another close, of another run
        assert len(issue["comments"]) == 2
    assert closing.mark != replace(closing, act=Act.REOPEN).mark != replace(closing, digest="").mark


def test_a_ticket_that_another_ledger_closed_is_reopened_not_taken_for_open():
    tracker = jira.Jira()
    with stub.http(tracker) as server:
        target = jira_sink(server.url)
        reference = target.deliver(step())
        target.deliver(replace(step(Act.CLOSE), reference=reference))
        assert target.deliver(step()) == reference
    (issue,) = tracker.issues.values()
    assert not issue["done"]
    assert "It is back" in issue["comments"][-1]


# --- ServiceNow Table API and Event Management, as docs.servicenow.com describes them


class Incidents:
    """Rows of the table `incident`; journal fields show all entries with sysparm_display_value."""

    def __init__(self) -> None:
        self.rows: list[dict] = []

    def __call__(self, told: stub.Told) -> Reply:
        parts = urlsplit(told.path)
        query = parse_qs(parts.query)
        assert told.headers["Authorization"].startswith("Basic ")
        if told.method == "GET" and "sysparm_query" in query:
            wanted, ended = query["sysparm_query"][0].split("^")[:2]
            assert ended == "stateNOT IN7,8"
            found = [r for r in self.rows if f"correlation_id={r['correlation_id']}" == wanted]
            return Reply(200, {"result": [r for r in reversed(found) if r["state"] not in {"7", "8"}][:1]})
        if told.method == "POST":
            self.rows.append({"sys_id": f"{len(self.rows):032x}", "state": "1", "work_notes": "", **told.json})
            return Reply(201, {"result": self.rows[-1]})
        row = next(r for r in self.rows if r["sys_id"] == parts.path.rpartition("/")[2])
        if told.method == "GET":
            return Reply(200, {"result": {"work_notes": row["work_notes"]}})
        notes = row["work_notes"] + told.json.get("work_notes", "")
        row.update({**told.json, "work_notes": notes})
        return Reply(200, {"result": row})


def test_servicenow_incident_search_create_note_reopen_close():
    table = Incidents()
    with stub.http(table) as server:
        target = sink(
            type="http", preset="servicenow-incident", url=server.url, auth={"user": "bot", "password": {"env": "P"}}
        )
        reference = target.deliver(step())
        assert target.deliver(step()) == reference
        noting = replace(step(Act.UPDATE, evidence=(raw(HOSTILE),)), reference=reference)
        target.deliver(noting)
        target.deliver(replace(noting, tries=1))
        (row,) = table.rows
        assert row["work_notes"].count(noting.mark) == 1
        assert "[code]" not in row["work_notes"].lower()  # a journal field would render what stands inside
        target.deliver(replace(step(Act.CLOSE), reference=reference))
        assert (row["state"], row["close_code"]) == ("6", "Resolved by caller")
        target.deliver(replace(step(Act.REOPEN), reference=reference))
        assert row["state"] == "2"
        row["state"] = "7"  # closed for good, as ServiceNow does after some days
        assert target.deliver(replace(step(Act.CLOSE), reference=reference)) is None
        again = target.deliver(replace(step(Act.REOPEN), reference=reference))
    assert [(r["sys_id"], r["state"]) for r in table.rows] == [(reference, "7"), (again, "1")]
    assert set(row) >= {"correlation_id", "short_description", "description", "urgency", "impact"}


def test_servicenow_events_are_one_alert_by_message_key_and_clear_with_severity_0():
    with stub.http(lambda _: Reply(200, {"Default Bulk Endpoint": "1 events were inserted"})) as server:
        target = sink(
            type="http", preset="servicenow-event", url=server.url, auth={"user": "bot", "password": {"env": "P"}}
        )
        target.deliver(step())
        target.deliver(step(Act.CLOSE))
        records = [told.json["records"][0] for told in server.told]
    assert [(one["message_key"], one["severity"]) for one in records] == [(KEY, "2"), (KEY, "0")]


# --- how a delivery fails


@pytest.mark.parametrize(
    ("reply", "retry_after", "final", "stop"),
    [
        (Reply(429, {}, {"Retry-After": "120"}), 120, False, True),
        (Reply(503, {}, {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}), 1, False, True),
        (Reply(500), None, False, False),
        (Reply(400, {"error": "bad"}), None, True, False),
        (Reply(404), None, True, False),
        (Reply(401), None, False, True),
        (Reply(302, None, {"Location": "http://127.0.0.1:1/"}), None, True, False),
    ],
)
def test_each_answer_is_tried_again_or_not(reply, retry_after, final, stop):
    with stub.http(lambda _: reply) as server:
        target = sink(type="http", preset="webhook", url=server.url, auth={"token": {"env": "T"}})
        with pytest.raises(DeliveryError) as caught:
            target.deliver(step())
        assert len(server.told) == 1
    assert (caught.value.retry_after, caught.value.final, caught.value.stop) == (retry_after, final, stop)
    assert SECRET not in caught.value.message


def test_retry_after_as_a_date_and_nonsense():
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert transport.retry_after("Thu, 01 Jan 2026 00:02:00 GMT", at) == 120
    assert transport.retry_after("999999999", at) == 24 * 3600
    for text in ("soon", "", None, "-5", "Thu, 99 Jan"):
        assert transport.retry_after(text, at) is None


def test_a_server_that_drips_is_cut_off(monkeypatch):
    monkeypatch.setattr(transport.send, "__kwdefaults__", {"ok": (), "seconds": 0.4})
    with stub.http(lambda _: Reply(200, {"a": "x" * 200}, drip=0.3)) as server:
        target = sink(type="http", preset="webhook", url=server.url)
        started = time.monotonic()
        with pytest.raises(DeliveryError, match=r"longer than 0.4 s"):
            target.deliver(step())
        assert time.monotonic() - started < 40  # the whole body takes 60


def test_a_dead_port_says_so_and_stops():
    target = sink(type="http", preset="webhook", url="http://127.0.0.1:9")
    with pytest.raises(DeliveryError, match="did not answer") as caught:
        target.deliver(step())
    assert caught.value.stop


def certificate(folder):
    """A certificate of our own for 127.0.0.1, and the context of a server that shows it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)  # noqa: TID251 - a certificate is valid now
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, secret = folder / "ca.pem", folder / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return file, context


def test_a_private_authority_is_named_by_ca_file_and_no_other_is_believed(tmp_path):
    authority, context = certificate(tmp_path)
    with stub.http(lambda _: Reply(200, {}), tls=context) as server:
        sink(type="http", preset="webhook", url=server.url, ca_file=str(authority)).deliver(step())
        told = len(server.told)
        with pytest.raises(DeliveryError, match="CERTIFICATE_VERIFY_FAILED"):
            sink(type="http", preset="webhook", url=server.url, auth={"token": {"env": "T"}}).deliver(step())
        assert len(server.told) == told
    with pytest.raises(InventoryError, match=r"sinks.desk.ca_file"):
        sink(type="http", preset="webhook", url=server.url, ca_file=str(tmp_path / "none.pem"))


# --- command, mail, Alertmanager


def test_a_command_gets_json_on_stdin_and_nothing_in_its_words(tmp_path):
    script = tmp_path / "take.py"
    script.write_text(
        "import json, sys\ntold = json.load(sys.stdin)\n"
        f"open({str(tmp_path / 'told.json')!r}, 'w').write(json.dumps([sys.argv, told]))\nprint('REF-9')\n"
    )
    target = sink(type="command", command=f"{sys.executable} {script} 'two words'")
    assert target.deliver(step(evidence=(raw(HOSTILE),))) == "REF-9"
    words, told = json.loads((tmp_path / "told.json").read_text())
    assert words == [str(script), "two words"]
    assert (told["act"], told["key"], told["finding"]["id"]) == ("create", KEY, finding(1).id)
    assert "\x1b" not in json.dumps(told, ensure_ascii=False)


def test_a_command_inherits_what_it_needs_and_what_is_named(monkeypatch):
    monkeypatch.setattr(
        "os.environ", {"PATH": "/usr/bin:/bin", "TZ": "UTC", "SPI_PASSWORD": "no", "DESK": "7", "TOKEN": "no"}
    )
    shown = sink(type="command", command="sh -c 'echo $(env | cut -d= -f1)'", environment=["DESK", "MISSING"])
    names = set((shown.deliver(step()) or "").split())
    assert names - {"PWD", "SHLVL", "_", "OLDPWD"} == {"PATH", "TZ", "DESK"}  # a shell adds some of its own
    with pytest.raises(InventoryError, match=r"sinks.desk.environment"):
        sink(type="command", command="true", environment="DESK").requests(step())


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.stderr.buffer.write(b'\\xff no'); sys.exit(7)", "status 7"),
        ("raise SystemExit(1)", "status 1"),
    ],
)
def test_a_command_that_fails_is_told(code, words):
    with pytest.raises(DeliveryError, match=words):
        sink(type="command", command=f'{sys.executable} -c "{code}"').deliver(step())
    with pytest.raises(DeliveryError, match="FileNotFoundError"):
        sink(type="command", command="no-such-program-here").deliver(step())
    with pytest.raises(InventoryError, match=r"sinks.desk.command"):
        sink(type="command", command="'unclosed").requests(step())


def mail(box, **more):
    options = {"type": "email", "host": "127.0.0.1", "port": str(box.port), "from": "spi@example.net"}
    return sink(**{**options, "to": "noc@example.net", **more})


def test_mail_is_threaded_by_the_findings_key_and_forges_no_header():
    with stub.smtp() as box:
        target = mail(box)
        assert isinstance(target, EmailSink)
        target.deliver(step(device="hub1\r\nBcc: all@example.net", evidence=(raw(HOSTILE),)))
        target.deliver(step(Act.CLOSE))
    first, second = (email.message_from_string(text, policy=email.policy.default) for text in box.messages)
    assert first["Message-ID"] == second["In-Reply-To"] == f"<{KEY}@spi-collector.invalid>"
    assert first["Bcc"] is None
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Date"] is not None
    assert second["Subject"].startswith("Re: ")
    assert "\x1b" not in first.get_content()
    assert "<script>" in first.get_content()
    assert first.get_content_type() == "text/plain"
    assert "rcpt to:<noc@example.net>" in [line.lower() for line in box.lines]


def test_a_mail_password_goes_over_verified_tls_only(tmp_path):
    authority, context = certificate(tmp_path)
    auth = {"user": "bot", "password": {"env": "P"}}
    with stub.smtp(tls=context) as box:
        mail(box, starttls="true", ca_file=str(authority), auth=auth).deliver(step())
        assert len(box.messages) == 1
        assert any(line.startswith("AUTH PLAIN") for line in box.lines)
        with pytest.raises(DeliveryError, match="SSLCertVerificationError"):
            mail(box, starttls="true", auth=auth).deliver(step())
        with pytest.raises(InventoryError, match="TLS only"):
            mail(box, auth=auth).deliver(step())
    assert len([line for line in box.lines if line.startswith("AUTH")]) == 1


@pytest.mark.parametrize(
    ("refuse", "final", "stop"),
    [
        ({"RCPT": "550 no such user"}, True, False),
        ({"RCPT": "450 later"}, False, False),
        ({"MAIL": "451 later"}, False, True),
    ],
)
def test_mail_that_is_refused(refuse, final, stop):
    with stub.smtp(refuse=refuse) as box, pytest.raises(DeliveryError) as caught:
        mail(box).deliver(step())
    assert (caught.value.final, caught.value.stop) == (final, stop)


def test_a_mail_server_that_says_nothing_is_bounded(monkeypatch):
    monkeypatch.setattr("collector.sinks.email.WHOLE_SECONDS", 0.4)
    started = time.monotonic()
    with stub.smtp(mute=True) as box, pytest.raises(DeliveryError, match="longer than"):
        mail(box).deliver(step())
    assert time.monotonic() - started < 40  # the server would hold it for 60


def test_alertmanagers_alert_ends_by_the_run_that_saw_it_not_by_the_sending():
    target = sink(type="alertmanager", url="http://127.0.0.1:9", interval="10m")
    assert isinstance(target, AlertmanagerSink)
    later = NOW + timedelta(days=2)
    assert target.alert(replace(step(), at=NOW), later)["endsAt"] == (NOW + timedelta(minutes=30)).isoformat()
    assert target.alert(replace(step(Act.CLOSE), at=NOW), later)["endsAt"] == later.isoformat()
    labels = target.alert(step(spis=(), evidence=(raw("0xB761863E"),)), later)["labels"]
    assert "0x" not in json.dumps(labels)


# --- what is shown and what is not


def test_a_plan_shows_every_sink_with_its_secrets_masked(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("T", SECRET)
    monkeypatch.setenv("P", SECRET)
    sinks = {
        "pd": "{type: http, preset: pagerduty, url: 'https://events.example.net', auth: {token: {env: T}}}",
        "jira": "{type: http, preset: jira, url: 'https://jira.example.net', auth: {token: {env: T}},"
        " variables: {project: NET, done_transition: '3', reopen_transition: '1'}}",
        "snow": "{type: http, preset: servicenow-incident, url: 'https://snow.example.net',"
        " auth: {user: bot, password: {env: P}}}",
        "snev": "{type: http, preset: servicenow-event, url: 'https://snow.example.net',"
        " auth: {user: bot, password: {env: P}}}",
        "rt": "{type: http, preset: rt, url: 'https://rt.example.net', auth: {token: {env: T}}}",
        "round": "{type: http, preset: roundup, url: 'https://r.example.net', auth: {user: a, password: {env: P}}}",
        "hook": "{type: http, url: 'https://hook.example.net/x', auth: {token: {env: T}}}",
        "am": "{type: alertmanager, url: 'https://am.example.net', auth: {token: {env: T}}}",
        "cmd": "{type: command, command: /usr/local/bin/take}",
        "mail": "{type: email, host: mx.example.net, from: a@example.net, to: b@example.net, starttls: true,"
        " auth: {user: bot, password: {env: P}}}",
    }
    assert {"http", "alertmanager", "command", "email"} == set(TICKETS)
    assert set(presets()) <= {
        "pagerduty",
        "jira",
        "servicenow-incident",
        "servicenow-event",
        "rt",
        "roundup",
        "webhook",
    }
    file = tmp_path / "inventory.yaml"
    file.write_text("hosts: {a: {}}\nsinks:\n" + "".join(f"  {name}: {text}\n" for name, text in sinks.items()))
    write(tmp_path / "state", entry(1, evidence=(raw(HOSTILE),)))
    for name in sinks:
        assert _run(["tickets", "plan", "--sink", name, "-i", str(file), "--state", str(tmp_path / "state")]) == 0
        said = capsys.readouterr()
        assert KEY in said.out, name
        assert SECRET not in said.out + said.err
        assert "\x1b" not in said.out
        assert "1 to do" in said.out


def test_an_address_that_holds_a_key_is_given_by_reference_and_never_shown():
    with stub.http(lambda _: Reply(200, {})) as server:
        target = sink(f"{server.url}/services/{KEY}-canary", type="http", url={"env": "T"})
        (shown,) = target.requests(step())
        target.deliver(step())
        assert server.told[0].path == f"/services/{KEY}-canary"
    assert "canary" not in str(shown)
    assert shown.url == "********"
    broken = sink("ftp://canary", type="http", url={"env": "T"})
    with pytest.raises(InventoryError, match=r"sinks\.desk\.url") as raised:
        broken.deliver(step())
    assert "canary" not in str(raised.value)
    with pytest.raises(InventoryError, match=r"sinks\.desk\.url"):
        sink(type="http", url={"envy": "T"})


def test_a_tracker_that_asks_to_wait_is_left_alone_until_then(tmp_path, capsys):
    replies = [Reply(429, {}, {"Retry-After": "600"})]
    with stub.http(lambda _: replies.pop() if replies else Reply(200, {})) as server:
        file = tmp_path / "inventory.yaml"
        file.write_text(f"hosts: {{a: {{}}}}\nsinks: {{hook: {{type: http, url: '{server.url}'}}}}\n")
        write(tmp_path / "state", entry(1), entry(2), entry(3))
        command = ["tickets", "apply", "--sink", "hook", "-i", str(file), "--state", str(tmp_path / "state")]
        assert _run(command) == 3
        assert "2 more wait" in capsys.readouterr().err
        assert _run(command) == 0
        assert len(server.told) == 1  # nothing before the 600 s are over
        with open_ledger(tmp_path / "state") as ledger, transaction(ledger) as db:
            db.execute("UPDATE outbox SET not_before = NULL")
        assert _run(command) == 0
        assert len(server.told) == 4


def test_a_template_of_the_users_is_used_and_a_broken_one_named(tmp_path):
    (tmp_path / "ticket.txt.j2").write_text("OURS {{ finding.device }} {{ key }}")
    with stub.http(lambda _: Reply(200, {})) as server:
        sink(type="http", url=server.url, bodies=str(tmp_path)).deliver(step())
        assert server.told[0].json["text"] == f"OURS hub1 {KEY}"
    (tmp_path / "ticket.txt.j2").write_text("{{ finding.devise }}")
    with pytest.raises(InventoryError, match=r"ticket.txt.j2"):
        sink(type="http", url="http://127.0.0.1:9", bodies=str(tmp_path)).requests(step())
