"""Credentials by reference: resolved late, never shown, refused where others can read them."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import sys
import threading
import traceback
from shutil import which

import pytest

from collector.errors import ErrorCode, SessionError
from collector.model import Device, Reference
from collector.session.secrets import MASK, Secret, Secrets

CANARY = "s3cret-canary-4711"


def ref(kind, value=""):
    return Reference(kind=kind, value=value)


def test_a_secret_shows_nowhere(caplog):
    secret = Secret(CANARY)
    logging.getLogger("x").warning("%s %r %s", secret, secret, {"a": [secret]})
    shown = f"{secret} {secret!r} {secret:>20} {[secret]} " + caplog.text
    assert CANARY not in shown
    assert MASK in shown
    for way in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            way(secret)
    assert not hasattr(secret, "__dict__")
    assert secret.reveal() == CANARY
    assert bool(secret)
    assert not Secret("")


def test_a_traceback_with_locals_shows_no_secret():
    def inner(value):
        held = Secret(value.reveal())
        raise RuntimeError(f"with {held}")

    try:
        inner(Secret(CANARY))
    except RuntimeError:
        text = "".join(traceback.TracebackException(*sys.exc_info(), capture_locals=True).format())
    assert CANARY not in text
    assert f"value = {MASK}" in text
    assert f"held = {MASK}" in text


def test_each_kind_gives_its_value(tmp_path, monkeypatch):
    file = tmp_path / "password"
    file.write_text(CANARY + "\n")
    file.chmod(0o600)
    environment = {"P": CANARY, "CREDENTIALS_DIRECTORY": str(tmp_path)}
    secrets = Secrets(environment, ask=lambda _prompt: CANARY)
    for reference in (
        ref("env", "P"),
        ref("file", str(file)),
        ref("systemd", "password"),
        ref("command", f"{sys.executable} -c \"print('{CANARY}')\""),
        ref("prompt"),
        ref("literal", CANARY),
    ):
        assert secrets.resolve(reference, "password").reveal() == CANARY


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        (ref("env", "NOT_THERE"), "the variable NOT_THERE is not set"),
        (ref("file", "/nowhere/at/all"), "the file /nowhere/at/all"),
        (ref("systemd", "x"), "systemd credential"),
        (ref("systemd", "../etc/passwd"), "systemd credential"),
        (ref("command", "false"), "`false` ended with status 1"),
        (ref("command", "no-such-program-here"), "could not be run"),
        (ref("command", "true"), "gave nothing"),
        (ref("command", "'"), "could not be run"),
        (ref("command", ""), "could not be run"),
        (ref("keyring", "svc/user"), "keyring"),
    ],
)
def test_what_gives_nothing_is_named(reference, words):
    with pytest.raises(SessionError, match=words) as caught:
        Secrets({}).resolve(reference, "password")
    assert caught.value.code is ErrorCode.CREDENTIAL
    assert caught.value.phase == "credential"
    assert caught.value.__cause__ is None


def test_a_file_that_others_can_read_is_refused(tmp_path):
    file = tmp_path / "password"
    file.write_text(CANARY)
    for mode in (0o640, 0o604, 0o644, 0o660):
        file.chmod(mode)
        with pytest.raises(SessionError, match="can be read by others") as caught:
            Secrets({}).resolve(ref("file", str(file)), "password")
        assert CANARY not in str(caught.value)


def test_commands_and_prompts_are_asked_once_a_run(tmp_path):
    count = tmp_path / "count"
    command = f"{sys.executable} -c \"open('{count}','a').write('x'); print('{CANARY}')\""
    asked = []
    secrets = Secrets({}, ask=lambda prompt: asked.append(prompt) or CANARY)
    threads = [
        threading.Thread(
            target=lambda: [secrets.resolve(ref(k, v), "secret") for k, v in (("command", command), ("prompt", ""))]
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count.read_text() == "x"
    assert asked == ["secret: "]


def test_prompts_for_different_things_are_different_and_asked_ahead():
    asked = []

    def ask(prompt):
        asked.append(prompt)
        return f"typed for {prompt}"

    secrets = Secrets({}, ask=ask)
    prompt = ref("prompt", "true")
    devices = [
        Device(name=f"r{n}", host="192.0.2.1", username=prompt, password=prompt, secret=prompt) for n in range(3)
    ]
    secrets.ask_ahead(devices)
    assert asked == ["username: ", "password: ", "secret: "]
    assert secrets.resolve(prompt, "password").reveal() == "typed for password: "
    assert secrets.username(devices[0]) == "typed for username: "
    assert len(asked) == 3


def test_a_failing_command_is_not_run_for_every_device(tmp_path):
    count = tmp_path / "count"
    command = f"{sys.executable} -c \"open('{count}','a').write('x'); raise SystemExit(3)\""
    secrets = Secrets({})
    for _ in range(3):
        with pytest.raises(SessionError, match="status 3"):
            secrets.resolve(ref("command", command), "password")
    assert count.read_text() == "x"


def test_without_a_terminal_a_prompt_is_a_typed_failure(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(SessionError, match="no terminal"):
        Secrets({}).resolve(ref("prompt"), "password")


def test_no_username_is_a_credential_failure():
    with pytest.raises(SessionError, match="no username"):
        Secrets({}).username(Device(name="r", host="192.0.2.1"))


def test_a_command_inherits_no_variable_that_holds_a_secret():
    secrets = Secrets({"P": CANARY, "T": CANARY, "HOME": "/h", "GNUPGHOME": "/g", "U": "me"}, hidden={"T"})
    secrets.ask_ahead([Device(name="r", host="192.0.2.1", username=ref("env", "U"), password=ref("env", "P"))])
    shown = secrets.resolve(ref("command", f"{which('env')} -0"), "secret").reveal()
    assert sorted(shown.strip("\0").split("\0")) == ["GNUPGHOME=/g", "HOME=/h", "U=me"]
