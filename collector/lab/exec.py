"""The exec of one VTY: echo, prompts, enable, `terminal`, filters, the four kinds of mistake, `--More--`.

Pure and without waiting: `feed` takes what was typed, `write` gets what the router answers; the server does the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from ipaddress import IPv4Address

from collector.lab import events, grammar, pipes
from collector.lab.model import Device, Refusal
from collector.lab.platforms import PLATFORMS
from collector.lab.render import COMMANDS, Command, Lines, Look
from collector.lab.render.logging import message
from collector.lab.render.look import clock
from collector.lab.terminal import MORE, UNMORE, Editor, fold
from collector.lab.world import World

PASSWORD = "lab"
TRIES = 3
INVALID = "% Invalid input detected at '^' marker."


def _silent(_: Look) -> Lines:
    return []


def _load_lines(look: Look) -> Lines:
    source = "No time source" if look.device.clock.mark == "*" else "Time source is NTP"
    return [
        "Load for five secs: 2%/0%; one minute: 3%; five minutes: 3%",
        f"{source}, {look.device.clock.mark}{clock(look)}",
        "",
    ]


# What is not `show`: the method of Shell that does it. Level as Command.level.
_VERBS: dict[str, tuple[str, int]] = {
    "enable": ("_enable", 0),
    "enable <number>": ("_enable", 0),
    "disable": ("_disable", 0),
    "exit": ("_leave", 0),
    "logout": ("_leave", 0),
    "quit": ("_leave", 0),
    "terminal length <number>": ("_length", 0),
    "terminal width <number>": ("_width", 0),
    "terminal monitor": ("_monitor", 2),
    "terminal no monitor": ("_no_monitor", 2),
    "configure terminal": ("_configure", 15),
    "clear crypto sa": ("_clear", 15),
    "clear crypto sa peer <address>": ("_clear", 15),
    "clear crypto sa entry <address> esp <word>": ("_clear", 15),
    "clear crypto session remote <address>": ("_clear", 15),
    "clear crypto isakmp": ("_nothing", 15),
    "clear crypto isakmp <number>": ("_nothing", 15),
    "clear logging": ("_nothing", 15),
    "undebug all": ("_undebug", 15),
    "write memory": ("_write_memory", 15),
}
# Keywords of a real exec that no command here needs: they decide which abbreviations are ambiguous.
_OTHERS = (
    "show arp",
    "show access-lists",
    "show cdp neighbors",
    "show configuration",
    "show controllers",
    "show crypto ca certificates",
    "show crypto engine brief",
    "show crypto identity",
    "show history",
    "show hosts",
    "show interfaces",
    "show inventory",
    "show ip access-lists",
    "show ip interface brief",
    "show ip route",
    "show line",
    "show memory",
    "show ntp status",
    "show platform",
    "show policy-map",
    "show processes cpu",
    "show protocols",
    "show startup-config",
    "show tech-support",
    "show vrf",
    "debug all",
    "copy",
    "connect",
    "crypto",
    "ping",
    "reload",
    "resume",
    "ssh",
    "telnet",
    "traceroute",
    "where",
)


@cache
def exec_tree(platform: str, level: int) -> grammar.Node:
    """The grammar of a platform at a privilege level: what is above the level is not there at all."""
    verbs = tuple(Command(pattern=p, render=_silent, level=lv) for p, (_, lv) in _VERBS.items())
    others = tuple(Command(pattern=p, render=_silent) for p in _OTHERS)
    known = (*others, *verbs, *COMMANDS)
    return grammar.tree(c for c in known if c.level <= level and c.exists_on(PLATFORMS[platform]))


@dataclass(slots=True)
class _More:
    """Output that waits behind `--More--`."""

    lines: list[str] = field(default_factory=list)


class Shell:
    """One login. `mode` is what the next key means: line, enable (a password), more, closed."""

    def __init__(
        self, world: World, name: str, user: str, write: Callable[[str], None], close: Callable[[], None]
    ) -> None:
        self.world = world
        self.name = name
        self.user = user
        self.privilege = world.device(name).privilege
        self.mode = "line"
        self.config = ""  # "" exec, "config", "config-if"
        self.length = 24
        self.width = 80
        self.monitor = world.device(name).monitor
        self.asked = ""  # the line as typed, for the caret
        self.typed: list[str] = []  # every line entered, passwords left out
        self._write = write
        self._close = close
        self._out: list[str] = []
        self._more = _More()
        self._tries = 0
        self._wanted = 15
        self._seen = world.now()
        self._editor = Editor()

    # -- what the server calls -------------------------------------------------------------------------------------

    def start(self) -> None:
        """Banners and the first prompt."""
        device = self.device
        for banner in (device.banner, device.login_banner, device.exec_banner):
            if banner:
                self._put("\r\n" + banner.replace("\r", "").replace("\n", "\r\n") + "\r\n")
        self._put("\r\n")
        self._prompt()
        self._flush()

    def feed(self, text: str) -> None:
        """Keys typed."""
        for char in text:
            if self.mode == "closed":
                break
            if self.mode == "more":
                self._key(char)
            else:
                self._edit(char)
        self._flush()

    def tick(self) -> None:
        """Log messages that came since the last look, for a session with `terminal monitor`."""
        if self.mode != "closed":
            for line in self._news():
                self._put(f"\r\n{line}\r\n")
            self._flush()

    @property
    def device(self) -> Device:
        """The router as it is now."""
        return self.world.device(self.name)

    @property
    def prompt(self) -> str:
        """hostname, mode, `>` or `#`."""
        mode = f"({self.config})" if self.config else ""
        return f"{self.name}{mode}{'#' if self.privilege > 1 else '>'}"

    # -- the line --------------------------------------------------------------------------------------------------

    def _edit(self, char: str) -> None:
        secret = self.mode == "enable"
        prompt = "" if secret else self.prompt
        echo, line = self._editor.key(char, column=len(prompt), width=self.width, silent=secret)
        self._put(echo)
        if self._editor.wants:
            self._help(self._editor.wants)
            return
        if line is None:
            return
        if secret:
            self._password(line)
        else:
            self.typed.append(line)
            self._run(line)

    def _run(self, line: str) -> None:
        self.asked = line
        if not line.strip() or line.lstrip().startswith("!"):
            self._prompt()
            return
        if self.config:
            self._configured(line.strip())
            return
        command, bar, pipe = line.partition("|")
        parsed = grammar.parse(self._tree(), command.rstrip())
        if isinstance(parsed, grammar.Mistake):
            self._print(self._mistake(parsed, command))
            return
        refusal = self._refused(parsed.words, piped=bool(bar))
        if refusal is not None:
            self._print(self._refuse(refusal, parsed.words, command))
            return
        verb = _VERBS.get(parsed.command.pattern)
        if verb is not None:
            getattr(self, verb[0])(parsed.words)
            return
        self._show(parsed, pipe if bar else None)

    def _tree(self) -> grammar.Node:
        return exec_tree(self.device.platform.key, self.privilege)

    def _show(self, parsed: grammar.Parsed, pipe: str | None) -> None:
        world = self.world
        look = Look(
            network=world.network,
            device=self.device,
            now=world.now(),
            privilege=self.privilege,
            user=self.user,
            words=parsed.words,
        )
        load = _load_lines(look) if self.device.load_lines else []
        if pipe is None:
            self._print([*load, *parsed.command.render(look)])
            return
        word, _, regex = pipe.strip().partition(" ")
        how = pipes.keyword(word)
        if how in pipes.FILTERS:
            wanted = pipes.pattern(regex.strip())
            if not regex.strip():
                self._print(["% Incomplete command.", ""])
            elif wanted is None:
                self._print(["% Failed to compile regular expression", ""])
            else:
                self._print([*load, *pipes.FILTERS[how](parsed.command.render(look), wanted)])
        elif how is None:
            self._print(self._caret(self.asked.index("|") + 1 + (1 if pipe.startswith(" ") else 0)))
        else:
            self._print([])  # redirect, tee, append: there is no file system to write to

    def _mistake(self, mistake: grammar.Mistake, line: str) -> Lines:
        if mistake.kind == "ambiguous":
            return [f'% Ambiguous command:  "{line.strip()}"']
        if mistake.kind == "incomplete":
            return ["% Incomplete command.", ""]
        if mistake.kind == "unknown":
            return [
                f'Translating "{line.strip()}"',
                "% Unknown command or computer name, or unable to find computer address",
            ]
        return self._caret(mistake.column)

    def _caret(self, column: int) -> Lines:
        return [" " * (len(self.prompt) + column) + "^", INVALID, ""]

    def _refused(self, words: tuple[str, ...], *, piped: bool) -> Refusal | None:
        text = " ".join(words) + " "
        for refusal in self.device.refusals:
            if text.startswith(refusal.command + " ") and (piped or refusal.how != "pipe"):
                return refusal
        return None

    def _refuse(self, refusal: Refusal, words: tuple[str, ...], line: str) -> Lines:
        if refusal.how == "authorization":
            return ["Command authorization failed.", ""]
        if refusal.how == "pipe":
            return self._caret(self.asked.index("|"))
        matches = list(re.finditer(r"\S+", line))
        return self._caret(matches[min(len(refusal.command.split()), len(words)) - 1].start())

    # -- verbs -----------------------------------------------------------------------------------------------------

    def _enable(self, words: tuple[str, ...]) -> None:
        self._wanted = int(words[1]) if len(words) > 1 else 15
        if self.privilege >= self._wanted or self._wanted > 15:
            self.privilege = min(self.privilege, self._wanted)
            self._prompt()
            return
        self.mode = "enable"
        self._tries = 0
        self._put("Password: ")

    def _password(self, line: str) -> None:
        if line == PASSWORD:
            self.mode, self.privilege = "line", self._wanted
            self._prompt()
            return
        self._tries += 1
        if self._tries < TRIES:
            self._put("Password: ")
            return
        self.mode = "line"
        self._print(["% Bad secrets", ""])

    def _disable(self, _: tuple[str, ...]) -> None:
        self.privilege = 1
        self._prompt()

    def _leave(self, _: tuple[str, ...]) -> None:
        self.mode = "closed"
        self._flush()
        self._close()

    def _length(self, words: tuple[str, ...]) -> None:
        self.length = min(512, int(words[2]))
        self._prompt()

    def _width(self, words: tuple[str, ...]) -> None:
        self.width = min(512, int(words[2]))
        self._prompt()

    def _monitor(self, _: tuple[str, ...]) -> None:
        self.monitor, self._seen = True, self.world.now()
        self._prompt()

    def _no_monitor(self, _: tuple[str, ...]) -> None:
        self.monitor = False
        self._prompt()

    def _nothing(self, _: tuple[str, ...]) -> None:
        self._prompt()

    def _undebug(self, _: tuple[str, ...]) -> None:
        self._print(["All possible debugging has been turned off"])

    def _write_memory(self, _: tuple[str, ...]) -> None:
        self._print(["Building configuration...", "[OK]"])

    def _clear(self, words: tuple[str, ...]) -> None:
        address = next((word for word in words[3:] if word.count(".") == 3), None)
        self.world.clear(self.name, IPv4Address(address) if address else None)
        self._prompt()

    # -- configuration mode: the one command that this lab is about, and the way out ---------------------------------

    def _configure(self, _: tuple[str, ...]) -> None:
        self.config = "config"
        self._print(["Enter configuration commands, one per line.  End with CNTL/Z."])

    def _configured(self, line: str) -> None:
        words = " ".join(line.split())
        if words in {"end", "\x1a"}:
            self.config = ""
        elif words == "exit":
            self.config = "config" if self.config == "config-if" else ""
        elif words == "crypto isakmp invalid-spi-recovery":
            self.world.set_recovery(self.name, on=True)
        elif words == "no crypto isakmp invalid-spi-recovery":
            self.world.set_recovery(self.name, on=False)
        elif words.startswith("interface "):
            self.config = "config-if"
        elif match := re.fullmatch(r"crypto isakmp keepalive (\d+)(?: (\d+))?( periodic)?(?: on-demand)?", words):
            dpd = replace(
                self.device.dpd,
                mode="periodic" if match[3] else "on-demand",
                interval=int(match[1]),
                retry=int(match[2] or 2),
            )
            self.world.change(replace(self.device, dpd=dpd))
        else:
            self._print(self._caret(0))
            return
        self._prompt()

    # -- output ----------------------------------------------------------------------------------------------------

    def _put(self, text: str) -> None:
        self._out.append(text)

    def _flush(self) -> None:
        if self._out:
            self._write("".join(self._out))
            self._out.clear()

    def _prompt(self) -> None:
        self._put(self.prompt)

    def _print(self, lines: list[str]) -> None:
        folded = [part for line in lines for part in fold(line, self.width)]
        news = self._news() if len(folded) > 4 else []
        middle = len(folded) // 2
        self._page([*folded[:middle], *news, *folded[middle:]])

    def _page(self, lines: list[str]) -> None:
        room = self.length - 1 if self.length else len(lines)
        self._put("".join(line + "\r\n" for line in lines[: max(1, room)]))
        self._more.lines = lines[max(1, room) :]
        self._pause()

    def _pause(self) -> None:
        if self._more.lines:
            self.mode = "more"
            self._put(MORE)
        else:
            self.mode = "line"
            self._prompt()

    def _key(self, char: str) -> None:
        """SPACE: a page; ENTER: a line; anything else: enough."""
        self._put(UNMORE)
        lines = self._more.lines
        if char == " ":
            self._page(lines)
        elif char in "\r\n":
            self._put(lines[0] + "\r\n")
            self._more.lines = lines[1:]
            self._pause()
        else:
            self._more.lines = []
            self._pause()

    def _news(self) -> list[str]:
        if not self.monitor:
            return []
        now, seen = self.world.now(), self._seen
        self._seen = now
        fresh = [e for e in events.entries(self.world.network, self.device, now) if e.time > seen]
        return [message(self.device, entry, 0) for entry in fresh]

    def _help(self, key: str) -> None:
        """`?` lists what may follow; TAB completes a word that has one ending."""
        line = self._editor.text
        found = grammar.completions(self._tree(), line) if not self.config else []
        if key == "\t":
            if len(found) == 1:
                line = line[: len(line) - len(line.split(" ")[-1])] + found[0] + " "
            self._editor.text = line
            self._put("\r\n" + self.prompt + line)
            return
        self._put("?\r\n" + "".join(f"  {word}\r\n" for word in found) + "\r\n" + self.prompt + line)
