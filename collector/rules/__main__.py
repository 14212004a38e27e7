"""`python -m collector.rules FOLDER`: writes the rules' pages there (docs/rules by default)."""

from __future__ import annotations

import sys
from pathlib import Path

from collector.rules import CATALOGUE
from collector.rules.pages import files


def main(folder: str) -> None:
    """Write each page whose text changed."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    for name, text in files(CATALOGUE):
        file = place / name
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "docs/rules")
