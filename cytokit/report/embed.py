"""How our own templates, scripts and data are put into one HTML file that trusts nobody.

Texts go through jinja2 with autoescape; data goes in as JSON whose ``<``, ``>`` and ``&`` are
escaped, so that no name can end the block; scripts and styles are admitted by their hash in a
Content-Security-Policy, so that nothing else runs even if something did get in.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from cytokit.errors import OutputError, Problem, place
from cytokit.schema import TABLES

_ESCAPES = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
_TABLE = str.maketrans(_ESCAPES)
_NO_NUMBER = {"nan": None, "inf": "inf", "-inf": "-inf"}


@lru_cache
def own_file(name: str) -> str:
    """The text of a template, script or style of this room."""
    return (files("cytokit.report") / name).read_text(encoding="utf-8")


def json_block(data: object) -> Markup:
    """Data as JSON that may stand inside ``<script type="application/json">``."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_TABLE))


def compact(values: Iterable[float], digits: int = 4) -> list[float | int | str | None]:
    """Numbers for the page: so many significant digits, null for NaN, ``"inf"`` for infinity."""
    form = f"%.{digits}g"
    listed = values.tolist() if isinstance(values, np.ndarray) else values
    return [_plain(form % value) for value in listed]


def _plain(text: str) -> float | int | str | None:
    """A number for JSON: whole ones without a point."""
    if text in _NO_NUMBER:
        return _NO_NUMBER[text]
    short = float(text)
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def render(template: str, *, style: str, script: str, values: Mapping[str, Any]) -> str:
    """One self-contained page."""
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    page = (
        _environment()
        .get_template(template)
        .render(
            policy=policy,
            style=Markup(style),
            script=Markup(script),
            **values,
        )
    )
    try:
        page.encode()
    except UnicodeEncodeError as error:
        problem = Problem(
            "CK-551",
            "a name holds half a character and cannot be written as UTF-8",
            mend="rename the file, or mend the name in the export or layout",
        )
        raise OutputError(problem) from error
    return page


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """Where templates are found and how they are read; each is compiled once."""
    return Environment(
        loader=FunctionLoader(own_file),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        lstrip_blocks=True,
    )


def write_html(page: str, path: str | Path) -> None:
    """Write a page as UTF-8 with LF line ends."""
    try:
        Path(path).write_bytes(page.encode())
    except OSError as error:
        what = f"the page cannot be written: {error.strerror or error}"
        mend = "check that the folder exists and that you may write there"
        raise OutputError(Problem("CK-550", what, place(path), mend)) from error


def short(value: float) -> str:
    """A number as the pages' tables show it: three significant digits, a dash for none."""
    if value != value:
        return "–"
    size = abs(value)
    if size == float("inf"):
        return "∞" if value > 0 else "−∞"
    if size and not 1e-4 <= size < 1e6:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{mantissa}e{int(exponent)}".replace("-", "−")
    return f"{value:.0f}" if size >= 1000 else f"{value:.3g}".replace("-", "−")


def explained(tables: tuple[str, ...]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """Tables with what their rows are and what their columns mean, for the page's last section."""
    return [
        (
            name,
            TABLES[name].meaning,
            [(column, words.explained()) for column, words in TABLES[name].columns.items()],
        )
        for name in tables
    ]


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return "sha256-" + base64.b64encode(digest).decode()
