"""Small mutation runner: breaks one operator, number or truth value at a time and sees whether a test notices.

    python tests/mutate.py rules [EVERY]      every EVERYth mutant of a room; survivors are printed, the score last
    python tests/mutate.py config [EVERY]
    python tests/mutate.py rules 1 spi002     modules whose name holds the word

A mutant is a code object put in the place of one function's own, in a forked child that then runs the room's tests: so
every reference to the function sees it, and nothing is written to disk. Strings, tables at module level and docstrings
are left alone.
"""

from __future__ import annotations

import ast
import copy
import importlib
import os
import pkgutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType, ModuleType

TESTS = Path(__file__).parent
SECONDS = 120  # a mutant that loops is a dead one
ROOMS: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    # package, modules left out (text for people), tests in the order in which they find most
    "rules": (
        "collector.rules",
        ("pages", "sources"),
        (
            "test_rules_cascade.py",
            "test_rules_actions.py",
            "test_rules_each.py",
            "test_rules_words.py",
            "test_rules_engine.py",
            "test_cases.py",
        ),
    ),
    "config": (
        "collector.config",
        (),
        ("test_config_types.py", "test_config_text.py", "test_config_cases.py", "test_cases.py"),
    ),
}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One broken function: where, what was done, and the tree of its module."""

    module: str
    function: str
    line: int
    what: str
    tree: ast.Module


def mutants(module: ModuleType) -> Iterator[Mutant]:
    """Every mutant of the functions of one module, in the order of its text."""
    source = Path(module.__file__ or "").read_text(encoding="utf-8")
    tree = ast.parse(source)
    for top in tree.body:
        if isinstance(top, ast.FunctionDef):
            yield from _of_function(module, tree, top, top.name)
        elif isinstance(top, ast.ClassDef):
            for inner in top.body:
                if isinstance(inner, ast.FunctionDef):
                    yield from _of_function(module, tree, inner, f"{top.name}.{inner.name}")


def _of_function(module: ModuleType, tree: ast.Module, function: ast.FunctionDef, name: str) -> Iterator[Mutant]:
    inside = list(ast.walk(function))
    places = [node for node in ast.walk(tree) if node in inside and node is not function]
    for node in places:
        for what, change in _changes(node):
            number = list(ast.walk(tree)).index(node)
            broken = copy.deepcopy(tree)
            change(list(ast.walk(broken))[number])
            ast.fix_missing_locations(broken)
            yield Mutant(module=module.__name__, function=name, line=getattr(node, "lineno", 0), what=what, tree=broken)


def _changes(node: ast.AST):
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
    compiled = compile(mutant.tree, f"<mutant of {mutant.module}>", "exec")
    function.__code__ = _code(compiled, mutant.function.split("."))


def killed(mutant: Mutant, tests: tuple[str, ...]) -> bool:
    """Whether a test notices, in a forked child."""
    child = os.fork()
    if child == 0:
        import pytest

        signal.alarm(SECONDS)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        code = 1
        try:
            plant(mutant)
            code = int(
                pytest.main(
                    [
                        "-x",
                        "-q",
                        "-p",
                        "no:cacheprovider",
                        "-m",
                        "not soak",
                        "-k",
                        "not linear and not pages_are",
                    ]
                    + [str(TESTS / test) for test in tests]
                )
            )
        finally:
            os._exit(min(code, 125))
    _, status = os.waitpid(child, 0)
    return status != 0


def run(room: str, every: int = 1, word: str = "") -> tuple[int, list[Mutant]]:
    """(mutants tried, survivors)."""
    package, left_out, tests = ROOMS[room]
    found: list[Mutant] = []
    home = importlib.import_module(package)
    for info in sorted(pkgutil.iter_modules(home.__path__), key=lambda item: item.name):
        if info.name not in left_out and word in info.name:
            found += mutants(importlib.import_module(f"{package}.{info.name}"))
    found += mutants(home) if not word else ()
    chosen = found[::every]
    tests = tuple(test for test in tests if (TESTS / test).is_file())
    survivors = []
    for number, mutant in enumerate(chosen, 1):
        if not killed(mutant, tests):
            survivors.append(mutant)
            print(f"[{number}/{len(chosen)}] survived: {place(mutant)}", flush=True)
    return len(chosen), survivors


def place(mutant: Mutant) -> str:
    """Where a mutant sits and what it changes."""
    return f"{mutant.module}:{mutant.line} {mutant.function}: {mutant.what}"


def main(arguments: list[str]) -> int:
    """0 where nothing survived."""
    start = time.monotonic()
    every, word = int(arguments[1]) if len(arguments) > 1 else 1, arguments[2] if len(arguments) > 2 else ""
    tried, survivors = run(arguments[0], every, word)
    spent = time.monotonic() - start
    print(
        f"{arguments[0]}: {tried - len(survivors)} of {tried} mutants killed, {len(survivors)} survived, {spent:.0f} s"
    )
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.path.insert(0, str(TESTS))
    sys.exit(main(sys.argv[1:]))
