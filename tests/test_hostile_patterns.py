"""Every regular expression of the package is fed its own characters by the hundred thousand.

The patterns are found in the source, so that a new one is tried without being listed here. Each is
called as the source calls it (a pattern only ever asked for a full match is not searched with).
"""

from __future__ import annotations

import ast
import builtins
import importlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from re import _constants as opcodes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from types import ModuleType
from typing import Any

import pytest

import cytokit
import cytokit_cli

LENGTH = 100_000
SECONDS = 1.0
METHODS = ("match", "search", "fullmatch", "sub", "split", "finditer", "findall", "subn")
#: One character of each class that a pattern may name.
CLASSES = {
    "CATEGORY_DIGIT": "7",
    "CATEGORY_SPACE": " ",
    "CATEGORY_WORD": "a",
    "CATEGORY_NOT_DIGIT": "a",
    "CATEGORY_NOT_SPACE": "a",
    "CATEGORY_NOT_WORD": " ",
}


def _modules() -> Iterator[tuple[ModuleType, ast.Module]]:
    for package in (cytokit, cytokit_cli):
        (folder,) = package.__path__
        for file in sorted(Path(folder).rglob("*.py")):
            inside = file.relative_to(folder).with_suffix("").parts
            name = ".".join((package.__name__, *inside)).removesuffix(".__init__")
            tree = ast.parse(file.read_text())
            if any(isinstance(node, ast.Name) and node.id == "re" for node in ast.walk(tree)):
                yield importlib.import_module(name), tree


def _calls(module: ModuleType, tree: ast.Module) -> Iterator[tuple[str, str, int, str | bytes]]:
    """Place, method, flags and pattern of each use of a regular expression in one module."""
    compiled = {
        name: value for name, value in vars(module).items() if isinstance(value, re.Pattern)
    }
    asked: dict[str, set[str]] = {name: set() for name in compiled}
    anonymous = set()
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner, method = node.func.value, node.func.attr
        where = f"{module.__name__}:{node.lineno}"
        if isinstance(owner, ast.Name) and owner.id == "re":
            if method == "escape":
                continue
            words = ast.unparse(node.args[0])
            if method == "compile":
                flags = [
                    ast.unparse(word)
                    for word in (*node.args[1:], *(k.value for k in node.keywords))
                ]
                if node.col_offset and not any(
                    value.pattern == _evaluated(node.args[0], module) for value in compiled.values()
                ):
                    anonymous.add((where, words, " | ".join(flags) or "0"))
                continue
            pattern = _evaluated(node.args[0], module)
            assert pattern is not None, f"{where}: the pattern {words} cannot be tried by a test"
            flags = [ast.unparse(word) for word in node.args[2:]] + [
                ast.unparse(k.value) for k in node.keywords if k.arg == "flags"
            ]
            at = [flag for flag in flags if "re." in flag]
            yield where, method, eval(at[0], {"re": re}) if at else 0, pattern
        elif isinstance(owner, ast.Name) and owner.id in asked and method in METHODS:
            asked[owner.id].add(method)
    for name, value in compiled.items():
        for method in asked[name] or ("match", "fullmatch"):
            yield f"{module.__name__}:{name}", method, value.flags, value.pattern
    for where, words, flags in anonymous:
        pattern = _evaluated(ast.parse(words, mode="eval").body, module)
        assert pattern is not None, f"{where}: the pattern {words} cannot be tried by a test"
        for method in ("match", "fullmatch"):
            yield where, method, eval(flags, {"re": re}), pattern


def _evaluated(node: ast.expr, module: ModuleType) -> str | bytes | None:
    """A pattern's text; what an f-string takes from a function stands for any name."""
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    scope: dict[str, Any] = dict(vars(module))
    scope.update(
        {name: "name" for name in names if name not in scope and not hasattr(builtins, name)}
    )
    try:
        return eval(compile(ast.Expression(node), "pattern", "eval"), scope)
    except Exception:  # whatever it is, the caller fails the test with the pattern's place
        return None


def own_characters(pattern: str | bytes, flags: int) -> list[str]:
    """Each literal of the pattern and one character of each class, and one of no class."""
    found: set[str] = {"\x01", "a", "7", " ", "_", ",", "\n"}

    def walk(items: Any) -> None:
        for operation, argument in items:
            if operation in (opcodes.LITERAL, opcodes.NOT_LITERAL):
                found.add(chr(argument))
            elif operation is opcodes.RANGE:
                found.update(map(chr, argument))
            elif operation is opcodes.CATEGORY:
                found.add(CLASSES[str(argument)])
            elif operation is opcodes.IN:
                walk(argument)
            elif operation is opcodes.BRANCH:
                for branch in argument[1]:
                    walk(branch)
            elif isinstance(argument, (tuple, list)):
                for part in argument:
                    if isinstance(part, parser.SubPattern):
                        walk(part)

    walk(parser.parse(pattern, flags & ~re.DEBUG))
    return sorted(found)


def texts(pattern: str | bytes, flags: int) -> Iterator[tuple[str, str]]:
    """What begins a text and what goes on in it: a character alone, after others, in turn."""
    every = own_characters(pattern, flags)
    for one in every:
        for start in ("", "a", "7"):
            yield start, one
        yield "", "a" + one * 500
    # letters behave alike in turn; signs, blanks and digits do not
    letters = [one for one in every if one.isalpha()]
    others = [one for one in every if not one.isalpha()] + letters[:2]
    for one in others:
        for other in others:
            if one != other:
                yield "", one + other


EVERY = sorted(
    {call for module, tree in _modules() for call in _calls(module, tree)}, key=lambda c: c[:2]
)


def test_the_patterns_are_found() -> None:
    assert len(EVERY) > 80
    assert any(where.startswith("cytokit.sources.numbers") for where, *_ in EVERY)


@pytest.mark.parametrize(
    ("where", "method", "flags", "pattern"), EVERY, ids=[f"{c[0]}-{c[1]}" for c in EVERY]
)
def test_a_hundred_kilobytes_of_its_own_characters_do_not_hold_a_pattern(
    where: str, method: str, flags: int, pattern: str | bytes
) -> None:
    compiled = re.compile(pattern, flags)
    for start, again in texts(pattern, flags):
        # what grows faster than its text shows it in a short one and is not waited for
        for size in (1_000, 10_000, LENGTH) if len(again) == 1 else (2_000,):
            text = start + again * (size // len(again)) + ("\x01" if size > 1_000 else "\n\x01")
            data: Any = text.encode() if isinstance(pattern, bytes) else text
            begun = time.process_time()
            call = getattr(compiled, method)
            result = call("", data) if method in ("sub", "subn") else call(data)
            if method == "finditer":
                list(result)
            took = time.process_time() - begun
            allowed = max(0.03, SECONDS * size / LENGTH)
            assert took < allowed, f"{where} {method}: {took:.2f} s on {size} of {text[:6]!r}..."
