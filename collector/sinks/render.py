"""Device text made harmless (CWE-150): what is not printable becomes a visible escape. Each sink then escapes its own.

No sink prints device text that did not pass here.
"""

from __future__ import annotations

import re

# C0 but LF and TAB, DEL, C1, soft hyphen, zero-width and bidi controls, line and paragraph separators, BOM, tags
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def safe(text: str) -> str:
    """`text` with every control, escape, bidi and zero-width character made visible; LF and TAB stay."""
    return _UNSAFE.sub(_escape, text)


def one_line(text: str) -> str:
    """As `safe`, on one line."""
    return safe(text).replace("\n", "\\n").replace("\t", " ")
