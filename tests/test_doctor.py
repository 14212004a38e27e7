"""`doctor`: what became of each command, what to do about what was refused, once for each kind of refusal."""

from __future__ import annotations

import re

import pytest

from collector.cli import _run
from collector.lab.faults import PASSWORD, USERNAME, Faults


@pytest.fixture(scope="module")
def faults():
    with Faults() as running:
        yield running


@pytest.mark.parametrize(
    ("fault", "answer"),
    [
        ("denied", (3, ["E_CMD_DENIED, 1 command: privilege or an AAA rule is missing: see contrib/"])),
        ("no-echo", (4, ["E_ECHO, 1 command: no proof to which command this answer belongs", "1 command asked"])),
        ("pw-expired", (4, ["E_PASSWORD_CHANGE: ", "the account's password has expired", "0 commands asked"])),
        ("tcp-garbage", (4, ["E_SSH_PROTOCOL: ", "wrong port, or a console server?"])),
    ],
)
def test_each_refusal_is_told_once_with_what_to_do(faults, tmp_path, capsys, fault, answer):
    code, words = answer
    server = faults.start(fault)
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    file = tmp_path / "inventory.yaml"
    file.write_text(
        f"defaults: {{username: {USERNAME}, password: {{file: {secret}}}}}\n"
        f"hosts: {{r1: {{hostname: {server.host}, port: {server.port}}}}}\n"
    )
    assert _run(["doctor", "r1", "-i", str(file), "--state", str(tmp_path / "state")]) == code
    said = capsys.readouterr().out
    for word in words:
        assert said.count(word) == 1, said
    codes = re.findall(r"(?m)^  (E_\w+)", said)
    assert len(codes) == len(set(codes)) >= 1
