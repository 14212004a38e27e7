"""Each format prints every verdict, level, state and hostile text: golden files, properties, and that they import.

`SPI_GOLDEN=write pytest tests/test_sinks_formats.py` writes the golden files anew; look at the difference.
"""

from __future__ import annotations

import csv as csv_module
import html.parser
import io
import json as json_module
import os
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from builders import FAR, NOW, SPI, counter, facts, incident, join, key, peer, proof
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import ErrorCode
from collector.model import (
    Action,
    BlindSpot,
    CaptureNote,
    CaptureStatus,
    ConfigType,
    Device,
    Failure,
    Finding,
    Level,
    Recovery,
    Report,
    Run,
    State,
    Verdict,
)
from collector.sinks import FORMATS, csv, markdown
from collector.sinks.render import one_line, safe

GOLDEN = Path(__file__).parent / "golden"
HOSTILE = (
    "\x1b[31mred\x1b]0;title\x07 \u202eright\u202c \u200bzero \x9bC1 <script>alert(1)</script><img src=x onerror=y> "
    "{code} {noformat} @all [a](javascript:x) ``` `tick` | cell | # head\r\nforged line\n- item &amp; $x$ \U000e0041"
)
FORMULAS = ("=cmd|'/c calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\0=1", "\n=1")
UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")


def a_finding(number: int, level: Level, verdict: Verdict, **changes) -> Finding:
    base = Finding(
        id=f"{number:016x}",
        rule=f"SPI{number % 15 + 1:03}",
        level=level,
        verdict=verdict,
        device="hub1",
        peer=FAR,
        title=f"One {level.value} that is {verdict.value}",
        message="hub1 drops what comes from 203.0.113.9",
        why="three lines",
        evidence=(proof("%CRYPTO-4-RECVD_PKT_INV_SPI: decaps", line=3),),
        actions=(Action(on="spoke9", side="sender", commands=("clear crypto sa peer 192.0.2.1",), note="then look"),),
        references=("Cisco TAC 115801",),
        first_seen=NOW - timedelta(hours=1),
        last_seen=NOW,
        spis=(SPI,),
        far_device="spoke9",
    )
    return replace(base, **changes)


def the_report() -> Report:
    """Three devices (whole, in part, not read), every config type, state, level and verdict, one hostile finding."""
    kinds = list(ConfigType)
    peers = tuple(
        peer(f"203.0.113.{n}", kind, recovery=list(Recovery)[n % 4], vrf="red" if n == 2 else None)
        for n, kind in enumerate(kinds, start=10)
    )
    states = tuple(
        incident(peers[n % len(peers)], state=state, keys=(key(state=state),)) for n, state in enumerate(State)
    )
    whole = facts(incident(peers[0], join=join()), *states, peers=peers, counters=(counter(),))
    part = facts(
        device=Device(name=HOSTILE, host="192.0.2.2"),
        hostname=HOSTILE,
        software=None,
        recovery_configured=None,
        peers=(peer("2001:db8::9", name=HOSTILE, why=HOSTILE, binding=HOSTILE),),
        blind_spots=(BlindSpot(code="log-buffer-wrapped", message=HOSTILE, need="log"),),
        captures=(CaptureNote(command="show logging", status=CaptureStatus.INCOMPLETE, rows=3, unparsed_lines=1),),
        failures=(
            Failure(code=ErrorCode.TIMEOUT_READ, phase="command", message=HOSTILE, command="show logging", hint="wait"),
        ),
    )
    lost = facts(
        device=Device(name="br-2", host="198.51.100.2"),
        peers=None,
        incidents=None,
        captures=(),
        counters=None,
        collected_at=None,
        failures=(Failure(code=ErrorCode.TIMEOUT_CONNECT, phase="connect", message="no answer", hint="routing"),),
    )
    findings = [
        a_finding(n, level, verdict) for n, (level, verdict) in enumerate((lv, v) for lv in Level for v in Verdict)
    ]
    findings += [
        a_finding(40 + n, Level.ERROR, Verdict.FAIL, state=state, runs_seen=n + 1)
        for n, state in enumerate(("new", "ongoing", "reopened", "resolved"))
    ]
    findings.append(
        a_finding(
            50,
            Level.ERROR,
            Verdict.FAIL,
            device=HOSTILE,
            far_device=HOSTILE,
            title=HOSTILE,
            message=HOSTILE,
            why=HOSTILE,
            evidence=(proof(HOSTILE, device=HOSTILE),),
            actions=(Action(on=HOSTILE, side="receiver", commands=("show clock", HOSTILE), note=HOSTILE),),
            references=(HOSTILE,),
        )
    )
    findings += [
        a_finding(60 + n, Level.NOTE, Verdict.UNKNOWN, message=text, peer=None, first_seen=None, last_seen=None)
        for n, text in enumerate(FORMULAS)
    ]
    run = Run(id="0123456789ab", mode="sweep", started_at=NOW, finished_at=NOW + timedelta(seconds=9))
    return Report(run=run, devices=(whole, part, lost), findings=tuple(findings), muted=(findings[0],))


def printed(name: str) -> str:
    return "".join(FORMATS[name](the_report(), version="9.9.9"))


def test_every_format_has_a_golden_file():
    assert {path.stem for path in GOLDEN.iterdir()} == set(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_prints_what_it_printed(name):
    file = GOLDEN / f"{name}.txt"
    text = printed(name)
    if os.environ.get("SPI_GOLDEN") == "write":
        GOLDEN.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
    with file.open(encoding="utf-8", newline="") as kept:
        assert text == kept.read()


@pytest.mark.parametrize("name", FORMATS)
def test_no_control_escape_bidi_or_zero_width_gets_out(name):
    text = printed(name)
    found = UNSAFE.search(text.replace("\r\n", "\n") if name == "csv" else text)
    assert found is None, repr(text[max(0, found.start() - 40) : found.end() + 40])


@pytest.mark.parametrize("name", ["table", "markdown", "html", "csv", "json", "jsonl"])
def test_every_level_verdict_state_and_type_is_printed(name):
    text = unescape(printed(name)).replace("\\", "")
    wanted = [level.value for level in Level] + [verdict.value for verdict in Verdict]
    wanted += ["new", "ongoing", "reopened", "resolved"]
    if name not in {"markdown", "csv"}:
        wanted += [kind.value for kind in ConfigType] + [state.value for state in State]
    squeezed = re.sub(r"\s+", "", text.lower())
    folded = [word for word in wanted if word not in squeezed and word[:8] not in squeezed]
    assert not folded


def test_no_line_is_forged():
    for name in ("table", "markdown", "csv"):
        assert not [line for line in printed(name).splitlines() if line.strip().startswith("forged line")], name
    assert [json_module.loads(line)["kind"] for line in printed("jsonl").splitlines()][:4] == [
        "run",
        "device",
        "device",
        "device",
    ]


class Tags(html.parser.HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, attrs))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_runs_nothing_fetches_nothing_and_is_well_formed():
    page = printed("html")
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert not {tag for tag, _ in tags.seen} & {"script", "img", "link", "iframe", "a", "object", "form"}
    names = {name for _, attrs in tags.seen for name, _ in attrs}
    assert not [name for name in names if name.startswith("on") or name in {"src", "href", "style"}]
    assert "default-src 'none'" in page


def test_csv_imports_whole_and_no_cell_is_a_formula():
    rows = list(csv_module.DictReader(io.StringIO(printed("csv"), newline="")))
    report = the_report()
    assert [row["id"] for row in rows] == [finding.id for finding in report.findings]
    assert tuple(rows[0]) == csv.COLUMNS
    for row in rows:
        for text in row.values():
            assert not text.startswith(("=", "+", "-", "@", "\t", "\r", "\0"))
            assert "\n" not in text
    assert [row["message"][0] for row in rows if row["id"].endswith(("3c", "3d", "3e", "3f"))] == ["'"] * 4


def test_json_and_jsonl_say_the_same():
    document = json_module.loads(printed("json"))
    lines = [json_module.loads(line) for line in printed("jsonl").splitlines()]
    for kind, key_ in (("device", "devices"), ("finding", "findings")):
        assert [{k: v for k, v in one.items() if k != "kind"} for one in lines if one["kind"] == kind] == document[key_]


def test_a_markdown_fence_is_longer_than_any_inside():
    text = printed("markdown")
    lengths = [len(match[0]) for match in re.finditer(r"(?m)^`{3,}", text)]
    assert lengths
    assert len(lengths) % 2 == 0
    block = markdown.fenced(("a ````` b",))
    assert block.startswith("``````\n")
    assert block.endswith("\n``````\n")


@given(st.text())
def test_what_is_rendered_is_printable_or_lf_or_tab(text):
    clean = safe(text)
    assert not UNSAFE.search(clean)
    assert safe(clean) == clean
    assert "\n" not in one_line(text)
    assert clean.encode("utf-8").decode("utf-8") == clean


@given(st.text(alphabet="\t\r\n\0=+-@ '\"a,;\u200b") | st.text())
def test_a_cell_never_starts_a_formula_and_comes_back_as_one_cell(text):
    made = csv.cell(text)
    assert not made.startswith(("=", "+", "-", "@", "\t", "\r", "\0"))
    stripped = made.lstrip(" ")
    assert not stripped.startswith(("=", "+", "-", "@")), "a spreadsheet trims blanks"
    (row,) = csv_module.reader(io.StringIO(csv._line((made, "b")), newline=""))
    assert row == [made, "b"]


@given(st.text(alphabet="\\`*_{}[]<>()#+!|~@$&\nab1-=.:/ ") | st.text())
def test_escaped_markdown_leaves_no_mark_up(text):
    made = markdown.escaped(text)
    assert "\n" not in made
    bare = re.sub(r"\\[\\`*_{}\[\]<>()#+!|~@$&]", "", made)
    assert not re.search(r"[`*_{}\[\]<>()#+!|~@$&]", bare)


@given(st.lists(st.text(alphabet="`ab\n "), min_size=1, max_size=4))
def test_nothing_closes_a_fence_early(lines):
    block = markdown.fenced(tuple(lines)).splitlines()
    fence = block[0]
    assert set(fence) == {"`"}
    assert block[-1] == fence
    assert not [line for line in block[1:-1] if line.strip().startswith(fence)]
