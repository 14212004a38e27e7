"""Template + text -> rows, with proof of coverage.

TextFSM (the library) reads the templates; the lines are run here, so that each row knows where it stands and a line
that no rule knows is kept and counted instead of ending the parse. The last rule of every state is `^. -> Error`:
here it means "not understood", never "stop and show nothing".
"""

from __future__ import annotations

from collector.parse.marks import is_fence, unmarked
from collector.parse.redact import MASK, redact, redact_lines, redact_quoted
from collector.parse.refusal import LOOK, Refusal, refusal
from collector.parse.runner import Row, Table, Unparsed, stream, table

__all__ = [
    "LOOK",
    "MASK",
    "Refusal",
    "Row",
    "Table",
    "Unparsed",
    "is_fence",
    "redact",
    "redact_lines",
    "redact_quoted",
    "refusal",
    "stream",
    "table",
    "unmarked",
]
