"""The report for a terminal: devices and peers, then what is broken, with proof and what to type; the sum last.

Written for somebody who was woken up: the end of the output, which is what a terminal still shows, has the findings
with the errors first, and one line that says how much was seen. What many devices have in common is told once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from collector.model import Action, Evidence, Facts, Finding, Incident, Peer, Report, State
from collector.sinks.document import covered, device_status
from collector.sinks.render import one_line
from collector.sinks.unread import Group as Alike
from collector.sinks.unread import Unread, folded

STYLE = {
    "error": "bold red",
    "warning": "yellow",
    "note": "cyan",
    "yes": "green",
    "no": "red",
    "unproven": "yellow",
    "complete": "green",
    "partial": "yellow",
    "failed": "bold red",
    "persistent": "bold red",
    "up": "green",
}
QUIET_STATES = frozenset({State.TRANSIENT, State.HEALED, State.RESOLVED})
MAX_EVIDENCE = {"error": 6, "warning": 3, "note": 2}


def write(
    report: Report,
    *,
    version: str,
    width: int = 110,
    color: bool = False,
    every_peer: bool = True,
    concerned: Sequence[Facts] | None = None,
) -> Iterator[str]:
    """The report in pieces. every_peer: also peers without trouble (`audit`, `demo`); else only those with incidents.

    concerned: the only devices to show, where not all; the sum is of all.
    """
    devices = report.devices if concerned is None else concerned
    parts = _parts(report, devices, version=version, every_peer=every_peer)
    yield from (_text(part, width=width, color=color) for part in parts)


def _text(part: object, *, width: int, color: bool) -> str:
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=color,
        no_color=not color,
        color_system="standard" if color else None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    console.print(part, crop=False)
    return "\n".join(line.rstrip() for line in out.getvalue().split("\n"))


def _parts(report: Report, devices: Sequence[Facts], *, version: str, every_peer: bool) -> Iterator[object]:
    unread = Unread()
    rows = [(facts.device.name, _row(facts, unread)) for facts in devices]
    alike = unread.of_device()
    table = _devices(row for name, row in rows if name not in alike)
    if table.row_count:
        yield table
    for facts in devices:
        block = _device(facts, every_peer=every_peer) if facts.device.name not in alike else None
        if block is not None:
            yield block
    for group in unread.groups():
        yield _unread(group)
    last = sorted(report.findings, key=lambda finding: finding.state == "resolved")
    for item in folded(last, alike):
        yield finding_block(item) if isinstance(item, Finding) else _blind_block(*item)
    yield _summary(report, version)


def _unread(group: Alike) -> Group:
    """Many devices that failed alike."""
    body = [Text(line) for line in group.lines()]
    return Group(Text(group.heading(), STYLE["failed"]), Padding(Group(*body), (0, 0, 1, 2)))


def _blind_block(finding: Finding, many: int, group: Alike) -> Group:
    """What the blind spots of devices that failed alike have in common. finding: one of them."""
    head = Text()
    head.append(f"{finding.level.value.upper()} {finding.rule} ", STYLE[finding.level.value])
    head.append(f"{many} devices", "bold")
    head.append(f"  {finding.state}, {finding.verdict.value}", "dim")
    body = (
        Text(one_line(finding.title), "bold"),
        _wrapped("", f"Nothing was read of them: {group.code} {group.phase}, see above."),
        _wrapped("why: ", finding.why),
    )
    return Group(head, Padding(Group(*body), (0, 0, 1, 2)))


def finding_block(finding: Finding) -> Group:
    """One finding with its proof and what to type; one that is over in two lines, with nothing to type."""
    if finding.state == "resolved":
        return _resolved_block(finding)
    head = Text()
    head.append(f"{finding.level.value.upper()} {finding.rule} ", STYLE[finding.level.value])
    head.append(_flow(finding), "bold")
    head.append(f"  {finding.state}, {finding.verdict.value}, id {finding.id}", "dim")
    body: list[object] = [Text(one_line(finding.title), "bold"), _wrapped("", finding.message)]
    if finding.why:
        body.append(_wrapped("why: ", finding.why))
    most = MAX_EVIDENCE[finding.level.value]
    body += [_evidence(item) for item in finding.evidence[:most]]
    if len(finding.evidence) > most:
        body.append(Text(f"  ... and {len(finding.evidence) - most} more lines: --format json has all", "dim"))
    actions = [part for action in finding.actions for part in _action(action, flow=bool(finding.spis))]
    return Group(head, Padding(Group(*body), (0, 0, 0, 2)), *actions, Text(""))  # type: ignore[arg-type]


def _resolved_block(finding: Finding) -> Group:
    head = Text()
    head.append(f"RESOLVED {finding.rule} ", STYLE["complete"])
    head.append(_flow(finding), "bold")
    head.append(f"  was {finding.level.value}, id {finding.id}", "dim")
    seen = f" It was last seen {_moment(finding.last_seen)}." if finding.last_seen is not None else ""
    gone = f"Runs in a row proved it gone.{seen}"
    return Group(head, Padding(Group(Text(one_line(finding.title)), _wrapped("", gone)), (0, 0, 1, 2)))


def _flow(finding: Finding) -> str:
    peer = f" <- {finding.peer}" if finding.peer is not None else ""
    far = f" ({one_line(finding.far_device)})" if finding.far_device else ""
    return f"{one_line(finding.device)}{peer}{far}"


def _wrapped(label: str, text: str) -> Text:
    return Text.assemble((label, "dim"), one_line(text))


def _evidence(evidence: Evidence) -> Text:
    command = evidence.command.partition(" |")[0]
    where = ", ".join(filter(None, (evidence.device, command))) + (f" line {evidence.line}" if evidence.line else "")
    return Text.assemble((f"  {one_line(where)}: ", "dim"), one_line(evidence.text).strip())


def _action(action: Action, *, flow: bool) -> list[object]:
    """flow: a flow is dropped, and it matters which end the router is. A command is never wrapped: it is pasted."""
    side = "drops the packets" if action.side == "receiver" else "sends with the stale SA"
    role = (f" ({side})" if flow else "", "dim")
    lines: list[object] = [Padding(Text.assemble("on ", (one_line(action.on), "bold"), role, ":"), (0, 0, 0, 4))]
    lines += [
        Text("        " + one_line(command), "bold cyan", no_wrap=True, overflow="ignore")
        for command in action.commands
    ]
    if action.note:
        lines.append(Padding(Text(one_line(action.note), "dim"), (0, 0, 0, 8)))
    return lines


def _devices(rows: Iterable[Sequence[Text]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="Devices", title_justify="left", title_style="bold")
    for heading in ("device", "software", "recovery command", "peers", "trouble", "read"):
        table.add_column(heading, justify="right" if heading == "peers" else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _row(facts: Facts, unread: Unread) -> tuple[Text, ...]:
    status = device_status(facts)
    unread.take(facts, status)
    software = facts.software
    recovery = {True: "on", False: "absent", None: "not known"}[facts.recovery_configured]
    return (
        Text(one_line(facts.device.name)),
        Text(one_line(f"{software.family or ''} {software.version or ''}".strip()) if software else "not known"),
        Text(recovery, STYLE["unproven"] if recovery == "not known" else ""),
        Text("not known" if facts.peers is None else str(len(facts.peers))),
        _trouble(facts),
        Text(status, STYLE[status]),
    )


def _trouble(facts: Facts) -> Text:
    if facts.incidents is None:
        return Text("not known", STYLE["unproven"])
    states: dict[str, int] = {}
    for incident in facts.incidents:
        states[incident.state.value] = states.get(incident.state.value, 0) + 1
    if not states:
        return Text(
            "none seen" if not _blind(facts) else "none seen, partly blind", "" if not _blind(facts) else "yellow"
        )
    return Text(", ".join(f"{count} {state}" for state, count in sorted(states.items())))


def _blind(facts: Facts) -> bool:
    return any(spot.blocking for spot in facts.blind_spots) or device_status(facts) != "complete"


def _device(facts: Facts, *, every_peer: bool) -> Group | None:
    incidents = facts.incidents or ()
    peers = facts.peers or ()
    if not every_peer:
        troubled = {incident.peer.address for incident in incidents if incident.peer}
        peers = tuple(peer for peer in peers if peer.address in troubled)
    parts: list[object] = []
    if peers:
        parts.append(_peers(peers))
    shown = [incident for incident in incidents if every_peer or incident.state not in QUIET_STATES]
    if shown:
        parts.append(_incidents(shown))
    parts += [
        Text.assemble(
            (f"{failure.code.value} ", "yellow"),
            one_line(f"{failure.command or failure.phase}: {failure.message} - {failure.hint}"),
        )
        for failure in facts.failures
    ]
    nothing = bool(facts.failures) and device_status(facts) == "failed"  # that says it all
    if (every_peer or not peers) and not nothing:
        parts += [
            Text.assemble(("cannot see: " if spot.blocking else "note: ", "yellow"), one_line(spot.message))
            for spot in facts.blind_spots
            if every_peer or spot.blocking
        ]
    if not parts:
        return None
    title = Text.assemble((one_line(facts.device.name), "bold"), ("  " + one_line(facts.device.host), "dim"))
    return Group(title, Padding(Group(*parts), (0, 0, 1, 2)))  # type: ignore[arg-type]


def _peers(peers: Sequence[Peer]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("peer", "binding", "config type", "command helps", "IKE SA", "why"):
        table.add_column(heading, overflow="fold", ratio=3 if heading == "why" else None)
    for peer in peers:
        address = str(peer.address or peer.name or "any")
        binding = f"{peer.binding} vrf {peer.vrf}" if peer.vrf else peer.binding
        table.add_row(
            Text(one_line(address)),
            Text(one_line(binding)),
            Text(peer.config_type.value),
            Text(peer.recovery.value, STYLE.get(peer.recovery.value, "")),
            Text(peer.ike_sa, STYLE.get(peer.ike_sa, "")),
            Text(one_line(peer.why)),
        )
    return table


def _incidents(incidents: Sequence[Incident]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for heading in ("from", "to", "SPI", "state", "log lines", "last seen", "why"):
        table.add_column(heading, overflow="fold", ratio=3 if heading == "why" else None)
    for incident in incidents:
        spis = [str(key.spi) for key in incident.keys if key.spi is not None]
        table.add_row(
            Text(str(incident.source or one_line(incident.source_text) or "-")),
            Text(str(incident.destination or one_line(incident.destination_text) or "-")),
            Text(" ".join(spis[:4]) + (f" +{len(spis) - 4}" if len(spis) > 4 else "") or incident.counter or "-"),
            Text(incident.state.value, STYLE.get(incident.state.value, "")),
            Text(str(incident.messages)),
            Text(_moment(incident.last_seen)),
            Text(one_line(incident.why)),
        )
    return table


def _moment(time: datetime | None) -> str:
    """A time for a person: to the second, with its offset."""
    return time.strftime("%Y-%m-%d %H:%M:%S%z") if time is not None else "not known"


def _summary(report: Report, version: str) -> Text:
    devices = covered(report)["devices"]
    levels = [finding.level.value for finding in report.findings if finding.state != "resolved"]
    resolved = len(report.findings) - len(levels)
    counts = ", ".join(f"{levels.count(level)} {level}" for level in ("error", "warning", "note") if level in levels)
    seconds = (report.run.finished_at - report.run.started_at).total_seconds()
    muted = f", {len(report.muted)} muted" if report.muted else ""
    over = f", {resolved} resolved" if resolved else ""
    return Text.assemble(
        (_many(devices["total"], "device"), "bold"),
        f": {devices['complete']} complete, {devices['partial']} partial, {devices['failed']} failed.  ",
        (_many(len(levels), "finding"), "bold"),
        f"{': ' + counts if counts else ''}{over}{muted}.  {seconds:.1f} s, spi-collector {version}",
    )


def _many(count: int, word: str) -> str:
    return f"{count} {word}" + ("" if count == 1 else "s")
