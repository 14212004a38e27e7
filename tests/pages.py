"""Markdown pages as tests read them: fenced blocks with the text before, links, tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")))
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the words between it and the block before."""

    language: str
    text: str
    before: str

    @property
    def file(self):
        """The last path in backquotes before it, which is where it belongs."""
        paths = re.findall(r"`([\w./-]+/[\w./-]+\.\w+)`", self.before)
        return paths[-1] if paths else None


def blocks(page):
    """The fenced blocks of a page, in order."""
    found, end = [], 0
    text = page.read_text(encoding="utf-8")
    for fence in _FENCE.finditer(text):
        found.append(Block(fence[1], fence[2], text[end : fence.start()]))
        end = fence.end()
    return found


def links(page):
    """The targets of its links outside of fenced blocks."""
    return _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8")))


def rows(text, head):
    """The cells of the table under the heading row `head`, backquotes off."""
    lines = text.splitlines()
    start = lines.index(head) + 2
    cells = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        cells.append([cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return cells
