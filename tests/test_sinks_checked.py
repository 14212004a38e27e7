"""What is off in `sinks:` is told by `inventory check` and by `tickets`, before the night in which it is needed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from collector.cli import _run
from collector.errors import InventoryError
from collector.session.secrets import Secrets
from collector.sinks import TICKETS, ticket_sink
from collector.sinks.delivery import AUTH_KEYS, KEYS, LIMIT_KEYS, NEEDED

PAGE = (Path(__file__).parent.parent / "docs" / "tickets.md").read_text(encoding="utf-8")
HEAD = "defaults: {username: u, password: {env: SPI_TEST_PASSWORD}}\nhosts: {r1: {hostname: 192.0.2.1}}\nsinks:\n"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ({"type": "http", "url": "https://t.example", "presett": "jira"}, "sinks.x.presett: unknown key - did you mean `preset`?"),
        ({"type": "http", "url": "https://t.example", "auth": {"tokn": {"env": "T"}}}, "sinks.x.auth.tokn: unknown key - did you mean `token`?"),
        ({"type": "http", "url": "https://t.example", "auth": {"token": "plain"}}, "sinks.x.auth.token: say where the secret is"),
        ({"type": "http", "url": "https://t.example", "auth": "plain"}, "sinks.x.auth: wants {user, password, token}"),
        ({"type": "alertmanager", "url": "http://a.example", "auth": {"user": "u"}}, "sinks.x.auth.user: unknown key"),
        ({"type": "command"}, "sinks.x.command: is missing"),
        ({"type": "email", "host": "mx.example", "from": "a@example.net"}, "sinks.x.to: is missing"),
        ({"type": "email", "host": "mx.example", "from": "a@e.net", "to": "b@e.net", "min_levl": "error"}, "did you mean `min_level`?"),
    ],
)  # fmt: skip
def test_a_key_that_is_off_is_refused_with_its_place(raw, words):
    with pytest.raises(InventoryError, match=re.escape(words)):
        ticket_sink("x", raw, Secrets({}))


def test_the_keys_of_a_type_are_those_of_the_page():
    assert set(KEYS) == set(NEEDED) == set(TICKETS)
    for kind, keys in KEYS.items():
        (row,) = re.findall(rf"(?m)^\| `{kind}` \| (.*) \|$", PAGE)
        for key in (*keys, *AUTH_KEYS.get(kind, ())):
            assert re.search(rf"\b{key}\b", row), (kind, key)
    for key in LIMIT_KEYS:
        assert f"| `{key}` |" in PAGE


def test_check_names_what_is_off_in_every_sink_and_secrets_that_are_nowhere(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SPI_TEST_PASSWORD", "x")
    file = tmp_path / "i.yaml"
    file.write_text(
        HEAD
        + "  noc: {type: alertmanger, url: 'http://a.example'}\n"
        + "  jira: {type: http, preset: jirra, url: 'https://j.example'}\n"
        + "  desk: {type: http, url: 'https://d.example', auth: {user: spi, password: {env: SPI_TEST_NOT_SET}}}\n"
    )
    assert _run(["inventory", "check", "-i", str(file)]) == 2
    said = capsys.readouterr().err
    assert "sinks.noc.type: 'alertmanger' is no type" in said
    assert "sinks.jira.preset: no preset 'jirra'" in said
    assert "sinks.desk.auth.password: the environment variable SPI_TEST_NOT_SET is not set" in said
    file.write_text(
        HEAD + "  desk: {type: http, url: 'https://d.example', auth: {user: spi, password: {env: SPI_TEST_PASSWORD}}}\n"
    )
    assert _run(["inventory", "check", "-i", str(file)]) == 0
    assert "1 sinks" in capsys.readouterr().out
