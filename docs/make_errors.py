"""Write docs/errors.md from the problems that the source raises, so that it cannot go stale.

Run ``python docs/make_errors.py`` after adding an error; a test compares.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from cytokit.errors import map_text, option_text

#: the functions that spell an option
OPTIONS = {"map_text": map_text, "option_text": option_text}
ROOT = Path(__file__).resolve().parents[1]
CODE = re.compile(r"CK-\d{3}")
STAGES = {
    "1": "Reading plates",
    "2": "Layouts, designs and tables",
    "3": "Standard curves",
    "4": "Comparisons",
    "5": "Output",
    "6": "Usage and simulation",
    "9": "Bugs",
}
HEAD = """# Errors

Every error says what is wrong, where, and how to mend it. This page lists them by code; `…` stands
for what is named in the case at hand. It is written by `docs/make_errors.py` from the source.
"""


def text_of(node: ast.expr | None, names: dict[str, ast.expr]) -> str:
    """Give the words of an expression; what is only known at run time becomes an ellipsis."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = [
            part.value if isinstance(part, ast.FormattedValue) else part for part in node.values
        ]
        known = (ast.Constant, ast.Call)
        return "".join(text_of(part, {}) if isinstance(part, known) else "…" for part in parts)
    if isinstance(node, ast.Name) and node.id in names:
        return text_of(names[node.id], {})
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text_of(node.left, names) + text_of(node.right, names)
    if isinstance(node, ast.IfExp):
        return " / ".join(filter(None, (text_of(node.body, names), text_of(node.orelse, names))))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OPTIONS:
        return OPTIONS[node.func.id](*map(_given, node.args)).replace("'…'", "…")
    return "" if node is None else "…"


def _given(argument: ast.expr) -> object:
    """The value of an argument, an ellipsis where it is only known at run time."""
    try:
        return ast.literal_eval(argument)
    except ValueError:
        return "…"


def problems(path: Path) -> Iterator[tuple[str, str, str]]:
    """(code, what, mend) of every call in a file whose first words are a code."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    loose = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    for function in (*functions, *loose):
        given = [
            (statement.lineno, target.id, statement.value)
            for statement in ast.walk(function)
            if isinstance(statement, ast.Assign)
            for target in statement.targets
            if isinstance(target, ast.Name)
        ]
        for call in ast.walk(function):
            if isinstance(call, ast.Call):
                # the words nearest above the call are the ones it means
                before = sorted(entry[:2] for entry in given if entry[0] <= call.lineno)
                values = {entry[:2]: entry[2] for entry in given}
                yield from _of_call(call, {name: values[line, name] for line, name in before})


def _of_call(call: ast.Call, names: dict[str, ast.expr]) -> Iterator[tuple[str, str, str]]:
    words = [text_of(argument, names) for argument in call.args]
    named = {word.arg: text_of(word.value, names) for word in call.keywords if word.arg}
    code = next((word for word in (*words, *named.values()) if CODE.fullmatch(word)), "")
    if not code:
        return
    is_problem = isinstance(call.func, ast.Name) and call.func.id == "Problem"
    # helpers that make a Problem take its words in an order of their own: the first is what
    others = [word for word in words if word not in {code, "", "…"} and " " in word]
    if is_problem:
        others = words[1:2]
    what = named.get("what") or (others[0] if others else "")
    mend = named.get("mend") or (words[3] if is_problem and len(words) > 3 else "")
    yield code, _clean(what), _clean(mend)


def _clean(words: str) -> str:
    folded = re.sub(r"\s+", " ", words).strip()
    return folded.replace("|", "\\|").replace("<", "&lt;")


def page() -> str:
    """The whole page."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for folder in ("cytokit", "cli"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            for code in CODE.findall(text):
                found[code]
            for code, what, mend in problems(path):
                if (what, mend) not in found[code]:
                    found[code].append((what, mend))
    lines = [HEAD]
    for stage, title in STAGES.items():
        codes = sorted(code for code in found if code[3] == stage)
        if not codes:
            continue
        lines += [f"## {title}", "", "| code | what is wrong | how to mend it |", "|---|---|---|"]
        for code in codes:
            entries = [entry for entry in found[code] if entry[0] not in {"", "…"}]
            for what, mend in entries or found[code][:1]:
                lines.append(f"| {code} | {what} | {mend} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    (ROOT / "docs" / "errors.md").write_text(page(), encoding="utf-8")
