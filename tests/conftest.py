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

# Whole files go to a worker (--dist loadfile), the long ones first, so that none is left over at the end.
LONG = (
    "test_promises_durability.py",
    "test_docs.py",
    "test_end_to_end.py",
    "test_sessions.py",
    "test_collect_crew.py",
    "test_promises_secrets.py",
    "test_promises_bounds.py",
    "test_rules_engine.py",
    "test_collect_sweep.py",
    "test_session_faults.py",
    "test_contributing.py",
    "test_tickets.py",
    "test_properties_crypto.py",
    "test_log_matrix.py",
    "test_facts_loss.py",
    "test_house.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first; otherwise in their order."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONG)))


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
