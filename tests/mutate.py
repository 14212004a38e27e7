"""Small mutation runner: breaks one operator, number or truth value at a time and sees whether a test notices.

    python tests/mutate.py rules                        all mutants of a room; survivors are printed, the score last
    python tests/mutate.py config --most 100            a sample, spread evenly over the room; more are the same and more
    python tests/mutate.py rules --module spi002        modules whose name holds the word
    python tests/mutate.py rules --seconds 600          stops after ten minutes and says how far it came
    python tests/mutate.py rules --at spi007_drops_without_log:97   the mutants of one line

A mutant is a code object put in the place of one function's own, in a forked child that then runs the room's tests: so
every reference to the function sees it, and nothing is written to disk. Strings, tables at module level, docstrings,
annotations and defaults of parameters are left alone.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import pkgutil
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from math import gcd
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

import hypothesis  # noqa: F401 - loaded once, not in each child
import pytest

TESTS = Path(__file__).parent
PATIENCE = 5  # a mutant that needs so many times what the sound code needs loops, and is a dead one
ROOMS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    # package, modules left out (text for people), tests in the order in which they find most
    "rules": (
        "collector.rules",
        ("pages", "sources"),
        (
            "test_rules_cascade.py",
            "test_rules_premature.py",
            "test_rules_actions.py",
            "test_rules_each.py",
            "test_rules_words.py",
            "test_cases.py",
            "test_rules_engine.py",
        ),
    ),
    "config": (
        "collector.config",
        (),
        (
            "test_config_details.py",
            "test_config_types.py",
            "test_config_cases.py",
            "test_config_recovery.py",
            "test_config_runtime.py",
            "test_config_readings.py",
            "test_config_text.py",
            "test_cases.py",
        ),
    ),
}
OPTIONS = (
    "-x",
    "-q",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
    "-m",
    "not soak",
    "-k",
    "not linear and not pages_are",
)
_COMPARE = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


Change = Callable[[ast.AST], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One broken function: where, what is done, and how: the node's number in a walk of the module's tree, and the change."""

    module: str
    function: str
    line: int
    what: str
    node: int
    change: Change


@cache  # read once, whatever is edited meanwhile; only a child changes it
def _tree(module: str) -> ast.Module:
    return ast.parse(Path(sys.modules[module].__file__ or "").read_text(encoding="utf-8"))


def mutants(module: ModuleType) -> Iterator[Mutant]:
    """Every mutant of the functions of one module, function by function."""
    tree = _tree(module.__name__)
    numbers = {id(node): number for number, node in enumerate(ast.walk(tree))}
    for name, function in _functions(tree):
        for node in _live(function):
            for what, change in _changes(node):
                yield Mutant(
                    module=module.__name__,
                    function=name,
                    line=getattr(node, "lineno", 0),
                    what=what,
                    node=numbers[id(node)],
                    change=change,
                )


def _live(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """What runs when the function does: no default of a parameter (made once, with the function), no annotation."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        waiting += (
            child
            for name, value in ast.iter_fields(node)
            if name not in {"annotation", "returns"}
            for child in (value if isinstance(value, list) else [value])
            if isinstance(child, ast.AST)
        )


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for top in tree.body:
        if isinstance(top, ast.FunctionDef):
            yield top.name, top
        elif isinstance(top, ast.ClassDef):
            yield from ((f"{top.name}.{inner.name}", inner) for inner in top.body if isinstance(inner, ast.FunctionDef))


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Compare):
        for index, operator in enumerate(node.ops):
            other = _COMPARE.get(type(operator))
            if other is not None:
                yield (
                    f"{type(operator).__name__} -> {other.__name__}",
                    lambda n, i=index, o=other: n.ops.__setitem__(i, o()),
                )
    elif isinstance(node, ast.BoolOp):
        other = ast.Or if isinstance(node.op, ast.And) else ast.And
        yield f"{type(node.op).__name__} -> {other.__name__}", lambda n: setattr(n, "op", other())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not x -> not not x", lambda n: setattr(n, "operand", ast.UnaryOp(op=ast.Not(), operand=n.operand))
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"{node.value} -> {not node.value}", lambda n: setattr(n, "value", not n.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield f"{node.value} -> {node.value + 1}", lambda n: setattr(n, "value", n.value + 1)
    elif isinstance(node, ast.IfExp):
        yield "if/else swapped", _swap


def _swap(node: ast.AST) -> None:
    assert isinstance(node, ast.IfExp)
    node.body, node.orelse = node.orelse, node.body


def _code(code: CodeType, path: list[str]) -> CodeType:
    """The code object of a function by its dotted name."""
    if not path:
        return code
    inner = next(item for item in code.co_consts if isinstance(item, CodeType) and item.co_name == path[0])
    return _code(inner, path[1:])


def plant(mutant: Mutant) -> None:
    """Put the broken code in the place of the function's own."""
    target: object = importlib.import_module(mutant.module)
    for part in mutant.function.split("."):
        target = getattr(target, part)
    function = target.fget if isinstance(target, property) else target
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    assert isinstance(function, FunctionType)
    tree = _tree(mutant.module)
    mutant.change(next(islice(ast.walk(tree), mutant.node, None)))
    compiled = compile(ast.fix_missing_locations(tree), f"<mutant of {mutant.module}>", "exec")
    function.__code__ = _code(compiled, mutant.function.split("."))


def passes(mutant: Mutant | None, tests: tuple[str, ...], seconds: int) -> bool:
    """Whether all tests pass, in a forked child; no mutant: with the sound code."""
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        code = 1
        try:
            if mutant:
                plant(mutant)
            # one file after the other: most mutants are dead before the slow ones are collected
            code = next((code for test in tests if (code := int(pytest.main([*OPTIONS, str(TESTS / test)])))), 0)
        finally:
            os._exit(min(code, 125))
    _, status = os.waitpid(child, 0)
    return status == 0


def of_room(room: str, word: str = "") -> list[Mutant]:
    """The mutants of a room, in the order of its modules."""
    package, left_out, _ = ROOMS[room]
    found: list[Mutant] = []
    home = importlib.import_module(package)
    for info in sorted(pkgutil.iter_modules(home.__path__), key=lambda item: item.name):
        if info.name not in left_out and word in info.name:
            found += mutants(importlib.import_module(f"{package}.{info.name}"))
    return found if word else [*found, *mutants(home)]


def spread(found: list[Mutant]) -> list[Mutant]:
    """The same mutants, so that each beginning of the list is an even sample: steps of the golden ratio, no chance."""
    size = len(found)
    step = next((step for step in range(int(size * 0.618), size) if gcd(step, size) == 1), 1)
    return [found[number * step % size] for number in range(size)]


def run(chosen: list[Mutant], tests: tuple[str, ...], seconds: float) -> tuple[int, list[Mutant]]:
    """(mutants tried, survivors). RuntimeError where the tests fail without a mutant, before or after: kills would be lies."""
    start = time.monotonic()
    _sound(tests)
    patience = 10 + PATIENCE * int(time.monotonic() - start)
    survivors = []
    tried = 0
    for mutant in chosen:
        if time.monotonic() - start > seconds:
            break
        tried += 1
        if passes(mutant, tests, patience):
            survivors.append(mutant)
            print(f"[{tried}/{len(chosen)}] survived: {place(mutant)}", flush=True)
    _sound(tests)
    return tried, survivors


def _sound(tests: tuple[str, ...]) -> None:
    if not passes(None, tests, 600):
        message = f"the tests fail without a mutant: pytest {shlex.join(OPTIONS)} {' '.join(tests)}"
        raise RuntimeError(message)


def spot(mutant: Mutant) -> str:
    """Module and line."""
    return f"{mutant.module.rpartition('.')[2]}:{mutant.line}"


def place(mutant: Mutant) -> str:
    """Where a mutant sits and what it changes."""
    path = Path(sys.modules[mutant.module].__file__ or "").relative_to(TESTS.parent)
    return f"{path}:{mutant.line} {mutant.function}: {mutant.what}"


def main(arguments: list[str]) -> int:
    """0 where nothing survived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("room", choices=ROOMS)
    parser.add_argument("--most", type=int, default=None)
    parser.add_argument("--module", default="", metavar="WORD")
    parser.add_argument("--at", action="append", default=[], metavar="MODULE:LINE")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    asked = parser.parse_args(arguments)
    found = of_room(asked.room, asked.module)
    chosen = spread([item for item in found if not asked.at or spot(item) in asked.at])[: asked.most]
    start = time.monotonic()
    tried, survivors = run(chosen, ROOMS[asked.room][2], asked.seconds)
    print(
        f"{asked.room}: {tried - len(survivors)} of {tried} mutants killed, {len(survivors)} survived, "
        f"{len(found)} in all, {time.monotonic() - start:.0f} s"
        + (f"; stopped: {len(chosen) - tried} of the sample were not tried" if tried < len(chosen) else "")
    )
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.path.insert(0, str(TESTS))
    sys.exit(main(sys.argv[1:]))
