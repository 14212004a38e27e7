"""Renews every page and table that is made from the program: `make docs`. tests/test_docs.py tells when one is stale.

Whole pages: docs/rules/*, docs/errors.md, docs/commands.md, contrib/aaa/*. Blocks between `<!-- NAME: ... -->` and
`<!-- /NAME -->` in pages written by hand: rules in README.md; thresholds, types, cascade in docs/how-it-decides.md.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import fields
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from textwrap import dedent

from collector.commands import CATALOGUE
from collector.config.recovery import recovery_of
from collector.errors import CODES, Retry
from collector.model import Binding, ConfigType, PeerSpec, Thresholds
from collector.rules import CATALOGUE as RULES
from collector.rules import cards, persistent
from collector.rules.pages import files
from collector.session.allow import PREPARATION

ROOT = Path(__file__).parent.parent
MADE = "Made by `make docs` from the program; changes here are lost."

RETRY = {
    Retry.ONCE: "once, after a moment",
    Retry.LATER: "at the end of the run",
    Retry.NEXT: "next run",
    Retry.NO: "no",
}
KNOBS = {
    "persistent_span": "two lines of one SPI this far apart are no rekey race any more",
    "pending_age": "a lone line younger than this is `pending`: too young to tell",
    "active_window": "a flow whose last line is older is not running; times the flows logged in it, 30 min at most, as "
    "they may share one rate limiter",
    "relook_after": "when a second look is worth it",
    "recurring_min": "so many SPIs of one flow, one line each, a lifetime apart, are `recurring-rekey`",
    "recurring_warn": "above so many a day SPI008 is a warning",
    "lifetime_tolerance": "how far the distance of rekeys may be off the lifetime",
    "scan_same_spi_sources": "one SPI from so many unbound sources is a scan",
    "scan_same_spi_window": "within this time",
    "scan_sources": "so many unbound sources are a scan, whatever their SPIs",
    "counter_noise": "unknown-SPI drops an hour that are not worth a finding",
    "counter_runs": "after so many runs of rising counters SPI007 is an error",
    "frequent_spis": "so many SPIs of one peer a day, each a black hole, are SPI011",
    "frequent_peers": "so many peers black-holed at once are SPI011",
    "failover_window": "a reload or failover this long before the first line is named as its cause",
    "join_guard": "an SA with less left, or younger, is looked at again before the other end counts as proof",
    "join_max_age": "captures of both ends further apart prove nothing together",
    "resolved_max_age": "a black hole that ended longer ago is history only",
    "dpd_many_peers": "with more peers periodic DPD is not advised",
    "full_log_max": "a larger log buffer is read through a filter",
    "cpu_guard": "percent of CPU over one minute from which whole SA tables are not asked for; 101: never",
    "close_runs": "clean runs in a row before a finding is resolved",
    "retention": "how long the ledger keeps runs and findings",
}
PER = {"recurring_warn": "/day", "counter_noise": "/h", "frequent_spis": "/day"}
MEBIBYTE = 1 << 20


def pages() -> dict[Path, str]:
    """Every file that `make docs` is answerable for, with the text that it should have."""
    made = {ROOT / "docs/rules" / name: text for name, text in files(RULES)}
    made[ROOT / "docs/errors.md"] = errors_page()
    made[ROOT / "docs/commands.md"] = commands_page()
    made[ROOT / "contrib/aaa/parser-view.txt"] = parser_view()
    made[ROOT / "contrib/aaa/tacacs-command-set.txt"] = command_set()
    for place, blocks in {
        "README.md": {"rules": rules_table()},
        "docs/how-it-decides.md": {"thresholds": thresholds(), "types": types(), "cascade": cascade()},
    }.items():
        made[ROOT / place] = filled((ROOT / place).read_text(encoding="utf-8"), blocks)
    return made


def filled(text: str, blocks: dict[str, str]) -> str:
    """The page with each named block renewed. Raises ValueError where a page has lost its marks."""
    for name, block in blocks.items():
        mark = re.compile(rf"(<!-- {name}: [^\n]* -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        if not mark.search(text):
            raise ValueError(f"no <!-- {name}: ... --> block")
        text = mark.sub(lambda found, block=block: f"{found[1]}{block}{found[2]}", text)
    return text


def table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    """A Markdown table; bars inside a cell are escaped."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def rules_table() -> str:
    """The README's table of rules."""
    return table(
        ("id", "level", "what it flags"),
        (
            (f"[{card.id}](docs/rules/{card.id}.md)", card.level + (" (opt-in)" if card.opt_in else ""), card.title)
            for card in cards()
        ),
    )


def errors_page() -> str:
    """The closed list of codes."""
    rows = table(
        ("code", "phase", "tried again", "what to do"),
        ((code.value, ", ".join(known.phases), RETRY[known.retry], known.hint) for code, known in CODES.items()),
    )
    return (
        f"# Error codes\n\n{MADE}\n\n"
        "A visit, or one command of it, that ends early has exactly one of these codes. It stands in `failures[].code` of\n"
        "the JSON document, with the phase, what was seen, and a hint; `retryable` there is true unless the third column\n"
        "says no. `E_CMD_*` leaves the command `refused` and the visit goes on. The list is closed: a new code needs a page\n"
        f"in [decisions/](decisions/).\n\n{rows}"
    )


def commands_page() -> str:
    """What is typed, where, and why."""
    typed = "\n".join([*PREPARATION, *(line for command in CATALOGUE for line in command.lines)])
    rows = table(
        ("command", "platforms", "privilege", "why it is asked"),
        ((f"`{each.name}`", ", ".join(each.platforms), str(each.privilege), each.about) for each in CATALOGUE),
    )
    return (
        f"# What is typed\n\n{MADE} `spi-collector commands` prints the same catalogue.\n\n{rows}\n"
        "Privilege is the level at which Cisco documents the command; images and AAA rules differ.\n\n"
        "## The lines, exactly\n\n"
        "Nothing else reaches a router, but for `enable` and its secret where a device has one, and one empty line where a\n"
        "log message covers the prompt. `{peer}` is an address; `{vrf}` and `{name}` are of letters, digits, `._:-`.\n\n"
        f"```text\n{typed}\n```\n"
    )


def stems() -> tuple[str, ...]:
    """Each command without filter and without what is filled in, once."""
    return tuple(dict.fromkeys(line.split(" |")[0].split(" {")[0] for each in CATALOGUE for line in each.lines))


def parser_view() -> str:
    """An IOS parser view that holds the catalogue."""
    lines = [
        "! Parser view for spi-collector, made by `make docs` from the command catalogue. UNTESTED ON HARDWARE.",
        "! Read docs/least-privilege.md first. Needs `aaa new-model`; made from the root view (`enable view`).",
        "! What a view does with `| include` and with arguments (an address behind `peer`) differs by image: try it.",
        "parser view SPI-COLLECTOR",
        " secret 9 <hash>",
        " commands exec include terminal length",
        " commands exec include terminal width",
        *(f" commands exec include {stem}" for stem in stems()),
        "! not `include all`: it admits every keyword behind, `clear` too",
        "username spi-collector view SPI-COLLECTOR secret 9 <hash>",
    ]
    return "\n".join(lines) + "\n"


def command_set() -> str:
    """A TACACS+ command set in the words that ISE uses: action, command, arguments as a regular expression."""
    lines = [
        "# TACACS+ command set for spi-collector, made by `make docs` from the command catalogue. UNTESTED ON HARDWARE.",
        "# Read docs/least-privilege.md first. Whatever is not matched: DENY.",
        "# Router: aaa authorization commands 1 default group tacacs+ local, the same for 15.",
        "# Whether the server sees what follows a pipe differs by image, and some servers get `<cr>` behind the arguments.",
        "PERMIT terminal ^length 0$",
        "PERMIT terminal ^width 511$",
        *(f"PERMIT show ^{_pattern(line)}$" for each in CATALOGUE for line in each.lines),
        "DENY configure .*",
        "DENY clear .*",
        "DENY debug .*",
        "DENY copy .*",
        "DENY write .*",
        "DENY reload .*",
        "DENY show ^tech-support.*",
    ]
    return "\n".join(lines) + "\n"


def _pattern(line: str) -> str:
    """The arguments of a `show` line as a regular expression."""
    text = re.sub(r"([.^$*+?()\[\]|\\])", r"\\\1", line.removeprefix("show "))
    return text.replace("{peer}", "[0-9A-Fa-f.:]+").replace("{vrf}", "[A-Za-z0-9._:-]+")


def thresholds() -> str:
    """The knobs of `policy.thresholds` with their defaults."""
    ours = Thresholds()
    return table(
        ("threshold", "default", "means"),
        ((f"`{knob.name}`", _figure(knob.name, getattr(ours, knob.name)), KNOBS[knob.name]) for knob in fields(ours)),
    )


def _figure(name: str, value: object) -> str:
    """As a policy writes it."""
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
            if seconds % size == 0 and (seconds >= 2 * size or unit != "d"):
                return f"{seconds // size}{unit}"
        return f"{seconds}s"
    if name == "lifetime_tolerance":
        return f"{value:.0%}"
    if name == "full_log_max" and isinstance(value, int) and value % MEBIBYTE == 0:
        return f"{value // MEBIBYTE}MiB"
    return f"{value:g}{PER.get(name, '')}"


def types() -> str:
    """What the command can do for each kind of tunnel, with an explicit IPv4 peer over IKEv1 and nothing in the way."""
    peer = PeerSpec(text="192.0.2.1", address=ip_address("192.0.2.1"))

    def row(kind: ConfigType) -> tuple[str, ...]:
        recovery, why = recovery_of(Binding(config_type=kind, name="", interface=None), peer, ike_version=1)
        return f"`{kind}`", recovery.value, why

    return table(("config type", "command helps", "why"), map(row, ConfigType))


def cascade() -> str:
    """The cascade as its module draws it."""
    assert persistent.__doc__ is not None
    drawn = [line for line in persistent.__doc__.splitlines() if line.startswith("    ")]
    return "```text\n" + dedent("\n".join(drawn)) + "\n```\n"


def main() -> int:
    """Write each file whose text changed; name it."""
    for file, text in pages().items():
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{file.relative_to(ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
