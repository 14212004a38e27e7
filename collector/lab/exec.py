"""The exec of one VTY: echo, prompts, enable, `show` with filters, and the ways in which a line can be wrong.

Pure and without waiting: `feed` takes what was typed, `write` gets what the router answers; the server does the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from collector.lab import events, grammar, pipes, refusals
from collector.lab.configure import configure
from collector.lab.model import Device
from collector.lab.platforms import PLATFORMS
from collector.lab.render import COMMANDS, Lines, Look
from collector.lab.render.logging import message
from collector.lab.render.look import clock
from collector.lab.terminal import Editor, Screen
from collector.lab.verbs import VERBS, commands
from collector.lab.world import World

PASSWORD = "lab"
TRIES = 3


@cache
def exec_tree(platform: str, level: int) -> grammar.Node:
    """The grammar of a platform at a privilege level: what is above the level is not there at all."""
    known = (*commands(), *COMMANDS)
    return grammar.tree(c for c in known if c.level <= level and c.exists_on(PLATFORMS[platform]))


class Shell:
    """One login. config: "" at the exec, else the mode in the prompt. screen: length, width and what is written."""

    def __init__(
        self, world: World, name: str, user: str, write: Callable[[str], None], close: Callable[[], None]
    ) -> None:
        self.world = world
        self.name = name
        self.user = user
        self.privilege = world.device(name).privilege
        self.config = ""
        self.screen = Screen(write)
        self.watching = world.device(name).monitor
        self._close = close
        self._editor = Editor()
        self._closed = False
        self._wanted = 0  # privilege that is asked a password for
        self._tries = 0
        self._seen = world.now()

    # what the server calls

    def start(self) -> None:
        """Banners and the first prompt."""
        device = self.device
        for banner in (device.banner, device.login_banner, device.exec_banner):
            if banner:
                self.screen.put("\r\n" + banner.replace("\r", "").replace("\n", "\r\n") + "\r\n")
        self.screen.put("\r\n" + self.prompt)
        self.screen.flush()

    def feed(self, text: str) -> None:
        """Keys typed."""
        for char in text:
            if self._closed:
                break
            if self.screen.waiting:
                self.screen.key(char)
                self._ready()
            else:
                self._edit(char)
        self.screen.flush()

    def said(self, line: str) -> str:
        """A whole line entered at once at the exec: what it prints, without echo, folds and pages."""
        self.world.typed[self.name].append(line)
        return "".join(text + "\n" for text in self._answer(line))

    def tick(self) -> None:
        """Log messages that came since the last look, for a session with `terminal monitor`."""
        if not self._closed:
            for line in self._news():
                self.screen.put(f"\r\n{line}\r\n")
            self.screen.flush()

    # what verbs do

    @property
    def device(self) -> Device:
        """The router as it is now."""
        return self.world.device(self.name)

    @property
    def prompt(self) -> str:
        """hostname, mode, `>` or `#`."""
        mode = f"({self.config})" if self.config else ""
        return f"{self.name}{mode}{'#' if self.privilege > 1 else '>'}"

    def ask_secret(self, level: int) -> None:
        """`enable`: down is free, up needs the password."""
        if self.privilege >= level:
            self.privilege = level
        elif level <= 15:
            self._wanted, self._tries = level, 0

    def watch(self, *, on: bool) -> None:
        """`terminal [no] monitor`."""
        self.watching, self._seen = on, self.world.now()

    def end(self) -> None:
        """The line is hung up."""
        self._closed = True
        self.screen.flush()
        self._close()

    # the line

    def _edit(self, char: str) -> None:
        secret = bool(self._wanted)
        column = 0 if secret else len(self.prompt)
        echo, line = self._editor.key(char, column=column, width=self.screen.width, silent=secret)
        self.screen.put(echo)
        if self._editor.wants:
            self._help(self._editor.wants)
        elif line is not None and secret:
            self._password(line)
        elif line is not None:
            self.world.typed[self.name].append(line)
            self._print(self._answer(line))

    def _answer(self, line: str) -> Lines:
        if not line.strip() or line.lstrip().startswith("!"):
            return []
        if self.config:
            mode = configure(self.world, self.name, self.config, line)
            if mode is None:
                return refusals.caret(self.prompt, 0)
            self.config = mode
            return []
        command, bar, pipe = line.partition("|")
        parsed = grammar.parse(self._tree(), command.rstrip())
        if isinstance(parsed, grammar.Mistake):
            return refusals.words(parsed, command, self.prompt)
        refusal = refusals.refusal_of(self.device, parsed.words, piped=bool(bar))
        if refusal is not None:
            return refusals.refuse(refusal, line, self.prompt)
        if parsed.command.pattern in VERBS:
            return VERBS[parsed.command.pattern][0](self, parsed.words)
        look = self._look(parsed.words)
        if not bar:
            return [*self._load(look), *parsed.command.render(look)]
        return self._filtered(look, parsed.command.render, pipe, line.index("|") + 1)

    def _filtered(self, look: Look, render: Callable[[Look], Lines], pipe: str, column: int) -> Lines:
        word, _, regex = pipe.strip().partition(" ")
        how = pipes.keyword(word)
        if how is None:
            return refusals.caret(self.prompt, column + (len(pipe) - len(pipe.lstrip())))
        if how not in pipes.FILTERS:
            return []  # redirect, tee, append: there is no file system to write to
        if not regex.strip():
            return refusals.INCOMPLETE
        wanted = pipes.pattern(regex.strip())
        if wanted is None:
            return ["% Failed to compile regular expression", ""]
        return [*self._load(look), *pipes.FILTERS[how](render(look), wanted)]

    def _look(self, words: tuple[str, ...]) -> Look:
        world = self.world
        return Look(
            network=world.network,
            device=self.device,
            now=world.now(),
            privilege=self.privilege,
            user=self.user,
            words=words,
        )

    def _load(self, look: Look) -> Lines:
        """`exec prompt timestamp`."""
        if not look.device.load_lines:
            return []
        mark = look.device.clock.mark
        source = "No time source" if mark == "*" else "Time source is NTP"
        return ["Load for five secs: 2%/0%; one minute: 3%; five minutes: 3%", f"{source}, {mark}{clock(look)}", ""]

    def _tree(self) -> grammar.Node:
        return exec_tree(self.device.platform.key, self.privilege)

    def _password(self, line: str) -> None:
        self._tries += 1
        if line == PASSWORD:
            self.privilege, self._wanted = self._wanted, 0
            self._print([])
        elif self._tries < TRIES:
            self._ready()
        else:
            self._wanted = 0
            self._print(["% Bad secrets", ""])

    def _print(self, lines: Lines) -> None:
        if not self._closed:
            self.screen.show(lines, self._news() if len(lines) > 4 else [])
            self._ready()

    def _ready(self) -> None:
        """Ask for the next line, unless a page or the hang-up comes first."""
        if not self.screen.waiting:
            self.screen.put("Password: " if self._wanted else self.prompt)

    def _news(self) -> list[str]:
        if not self.watching:
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
            self.screen.put("\r\n" + self.prompt + line)
            return
        self.screen.put("?\r\n" + "".join(f"  {word}\r\n" for word in found) + "\r\n" + self.prompt + line)
