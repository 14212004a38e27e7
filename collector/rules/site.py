"""A site's own rules: modules of the same shape, from the folder that the policy names, through the same checks."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import cast

from collector.errors import CollectorError, UsageError
from collector.rules.module import RuleModule, check


@lru_cache(maxsize=8)
def load(folder: str) -> tuple[RuleModule, ...]:
    """The rule modules (`*.py`, not `_*.py`) of `folder`, by file name. Raises UsageError that names the file."""
    place = Path(folder)
    if not place.is_dir():
        raise UsageError(f"policy.site_rules: {folder}: no such folder")
    modules: list[RuleModule] = []
    owners: dict[str, str] = {}
    for file in sorted(place.glob("[!_]*.py")):
        module = cast("RuleModule", _import(file))
        check(module, str(file))
        if module.RULE.id in owners:
            raise UsageError(f"{file}: rule id {module.RULE.id} is already taken by {owners[module.RULE.id]}")
        owners[module.RULE.id] = str(file)
        modules.append(module)
    return tuple(modules)


def _import(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"spi_collector_site_rules.{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UsageError(f"{file}: cannot be loaded as Python")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except CollectorError:
        raise
    except Exception as error:
        raise UsageError(f"{file}: {type(error).__name__}: {error}") from error
    module.SITE_FILE = str(file)  # type: ignore[attr-defined] # the engine names it when `judge` breaks
    return module
