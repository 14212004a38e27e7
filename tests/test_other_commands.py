"""The commands that are not about crypto under disturbance: foreign, doubled and hostile lines."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from cost import cheap
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.commands import read_capture, recognise
from collector.commands.show_running_config import INCLUDE, SECTION
from collector.model import Capture, CaptureStatus, plain
from collector.parse.duration import duration

TEMPLATES = (
    "cisco_ios_show_clock",
    "cisco_ios_show_version",
    "cisco_ios_show_ip_nhrp",
    "cisco_ios_show_ip_nhrp_nhs",
    "cisco_ios_show_dmvpn",
    "cisco_ios_show_crypto_mib_ipsec_flowmib_global",
    "cisco_ios_show_platform_hardware_qfp_active_statistics_drop",
    "cisco_ios_show_platform_hardware_qfp_active_feature_ipsec_datapath_drops",
    "cisco_ios_show_drops",
    "cisco_ios_show_standby_brief",
)
FOLDER = Path(__file__).parent / "captures"
HOSTILE = (
    " " * 4000 + "x",
    "1 " * 2000,
    "1.1 " * 1000,
    "1:" * 2000,
    "a" * 4000,
    "0" * 4000 + ".",
    "a-" * 2000 + " uptime is " + "1 week, " * 200,
    "Type: " * 600,
    "- " * 2000,
    "(" * 4000,
    "10.0.0.2/32 via " * 250,
    "cisco with " * 300,
)


def whole_captures() -> list[tuple[str, list[str], str]]:
    found = []
    for template in TEMPLATES:
        for file in sorted((FOLDER / template).glob("*.yaml")):
            expected = yaml.safe_load(file.read_text(encoding="utf-8"))
            if expected["status"] == "parsed" and "|" not in expected["command"]:
                found.append(
                    (expected["command"], file.with_suffix(".txt").read_text(encoding="utf-8").splitlines(), template)
                )
    return found


WHOLE = whole_captures()
FOREIGN = [line for _, lines, _ in WHOLE for line in lines if line.strip()]


def rows(command: str, lines: list[str]) -> tuple[CaptureStatus, list[dict]]:
    reading = read_capture(Capture(command=command, text="\n".join(lines) + "\n"))
    assert reading is not None
    return reading.status, [without_lines(plain(record)) for record in reading.records]


def without_lines(value):
    if isinstance(value, dict):
        return {key: without_lines(item) for key, item in value.items() if key != "line"}
    return [without_lines(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_foreign_line_anywhere_is_seen_or_harmless(data):
    """Lines of other commands: what they print must not be taken for a row, nor hide one."""
    command, lines, template = data.draw(st.sampled_from(WHOLE))
    own = {line for other, text, name in WHOLE if name == template for line in text}
    stray = data.draw(st.sampled_from([line for line in FOREIGN if line not in own]))
    at = data.draw(st.integers(0, len(lines)))
    before = rows(command, lines)
    after = rows(command, [*lines[:at], stray, *lines[at:]])
    if "qfp" in template or "drops" in template:  # these tables hold each other's rows: any reason by name
        return
    if template.endswith("flowmib_global") and re.fullmatch(r"\s*[\w -]+: +\d+", stray):  # a counter of any name
        return
    if template.endswith("nhrp_nhs") and "priority =" in stray:  # `show dmvpn detail` prints the very same row
        return
    assert after[0] is not CaptureStatus.PARSED or after == before, stray


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_doubled_line_changes_no_row_silently(data):
    command, lines, _ = data.draw(st.sampled_from(WHOLE))
    at = data.draw(st.integers(0, max(0, len(lines) - 1)))
    before = rows(command, lines)
    after = rows(command, [*lines[: at + 1], *lines[at:]])
    if after[0] is CaptureStatus.PARSED:
        assert [row for row in before[1] if row not in after[1]] == []
        assert [row for row in after[1] if row not in before[1]] == []


@pytest.mark.parametrize("template", TEMPLATES)
def test_two_answers_in_one_are_two_or_told(template: str):
    command, lines, _ = next(item for item in WHOLE if item[2] == template and item[1])
    before = rows(command, lines)
    after = rows(command, [*lines, *lines])
    assert after[0] is not CaptureStatus.PARSED or len(after[1]) == 2 * len(before[1])


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: line[:12].strip())
def test_a_hostile_line_costs_little(template: str, line: str):
    command, lines, _ = next(item for item in WHOLE if item[2] == template and item[1])
    assert cheap(lambda: rows(command, [*lines, line]), 0.25)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("sh ver", "show version"),
        ("sh clo det", "show clock"),
        ("sh run", "show running-config"),
        ("show running-config view full", "show running-config"),
        ("sh run int tu0", "show running-config"),
        ("sh run int tunnel 0", "show running-config"),
        ("sh start", "show running-config"),
        ("show derived-config interface Virtual-Access1", "show running-config"),
        (INCLUDE, "show running-config"),
        (SECTION, "show running-config"),
        ("sh ip nhrp", "show ip nhrp"),
        ("sh ipv6 nhrp", "show ip nhrp"),
        ("sh ip nhrp br", "show ip nhrp"),
        ("sh ip nhrp vrf BLUE", "show ip nhrp"),
        ("sh ip nhrp 10.0.0.2", "show ip nhrp"),
        ("sh ip nhrp nhs", "show ip nhrp nhs"),
        ("sh ip nhrp nhs det", "show ip nhrp nhs"),
        ("sh ip nhrp nhs tunnel 100", "show ip nhrp nhs"),
        ("sh dmvpn", "show dmvpn"),
        ("sh dmvpn det", "show dmvpn"),
        ("sh dmvpn peer nbma 192.0.2.1 det", "show dmvpn"),
        ("sh dmvpn int tunnel 0 static", "show dmvpn"),
        ("sh cry ipsec sa peer vrf INET 192.0.2.1 det", "show crypto ipsec sa"),
        ("sh cry map int gigabitEthernet 0/0", "show crypto map"),
        ("sh cry sess loc 192.0.2.1 rem 198.51.100.1 det", "show crypto session"),
        ("sh cry sess fvrf INET br | i UA", "show crypto session brief"),
        ("sh run vrf INET", "show running-config"),
        ("sh cry mib ips flow glo", "show crypto mib ipsec flowmib global"),
        ("sh plat hard qfp act stat drop | i Ipsec", "show platform hardware qfp active statistics drop"),
        (
            "show platform hardware qfp active statistics drop clear",
            "show platform hardware qfp active statistics drop",
        ),
        ("sh pla har qfp act fea ips dat drop all", "show platform hardware qfp active feature ipsec datapath drops"),
        ("show drops history qfp", "show drops"),
        ("sh stand br", "show standby brief"),
    ],
)
def test_typed_forms(typed: str, name: str):
    found = recognise(typed)
    assert found is not None
    assert found.command.name == name


def test_nothing_that_clears_is_ever_typed():
    from collector.commands import CATALOGUE

    lines = [line for command in CATALOGUE for line in command.lines]
    assert INCLUDE in lines
    assert not [line for line in lines if "clear" in line]
    assert not [line for line in lines if line.startswith("show running-config") and "|" not in line]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:02:27", 147),
        ("1d02h", 93_600),
        ("10w2d", 6_220_800),
        ("1y3w", 33_350_400),
        ("36m 56s", 2_216),
        ("1 hours, 10 mins", 4_200),
        ("2 years, 1 week, 1 minute", 63_676_860),
        ("never", None),
        ("", None),
        ("12 parsecs", None),
        ("99999999999999999999 years", None),
    ],
)
def test_durations(text: str, seconds: int | None):
    found = duration(text)
    assert (None if found is None else found.total_seconds()) == seconds
