"""Shared fixtures. Other people's captures lie beside the checkout; tests that read them skip where they are not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent

# `make test` draws the same examples each time, however slow the machine; `make soak` explores (--hypothesis-profile=soak)
settings.register_profile(
    "same", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("soak", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("same")


def corpus_folder() -> Path | None:
    """The corpus of other people's captures, or None."""
    folder = Path(os.environ.get("SPI_CORPUS") or HERE.parent.parent / "shared" / "corpus")
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def corpus() -> Path:
    folder = corpus_folder()
    if folder is None:
        pytest.skip("no corpus beside the checkout")
    return folder


@pytest.fixture(scope="session")
def seed_text(corpus: Path) -> str:
    file = corpus.parent / "seed" / "cisco-tac-115801-es.txt"
    if not file.is_file():
        pytest.skip("no source document beside the checkout")
    return file.read_text(encoding="utf-8")
