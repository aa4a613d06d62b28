"""Bytes to text, text to lines: the encoding and the delimiter come from the file's own structure.

Statistical guessers read a short header with a micro sign or an umlaut as a code page nobody
uses; the order here (BOM, NUL pattern, strict UTF-8, cp1252) is deterministic, and the choice is
recorded with the plate.
"""

from __future__ import annotations

import codecs
import itertools
import json
import re
import tomllib
from typing import Any

from cytokit.errors import FormatError, Problem, UsageError, place

DELIMITERS = ("\t", ";", ",", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: How much of a text decides the delimiter.
_GUESS_CHARACTERS = 100_000
_GUESS_LINES = 150
#: Parts of a dotted key; what cannot stand in one.
_MOST_DOTS = 100
_NO_KEY = re.compile(r"[^\w.\-]")
#: Excel's line; a spreadsheet that shows it pads it with empty cells.
_SEP_LINE = re.compile(r'"?sep=([\t;,| :])"?[\t;,|]{0,999}', re.IGNORECASE)


def parse_json(text: str) -> Any:
    """The value of a JSON text; whatever is wrong with it is a ValueError.

    Raises
    ------
    ValueError
        No JSON, nested too deep to be read, or a number too long to be one.

    Examples
    --------
    >>> parse_json('{"a": [1]}')
    {'a': [1]}
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def parse_toml(text: str) -> dict[str, Any]:
    """The document of a TOML text; whatever is wrong with it is a ValueError.

    Raises
    ------
    ValueError
        No TOML (then a :class:`tomllib.TOMLDecodeError`), nested too deep, a number too long.

    Examples
    --------
    >>> parse_toml("a.b = 1")
    {'a': {'b': 1}}
    """
    # tomllib takes a time that grows with the square of a dotted key's length
    together = text.replace(" ", "").replace("\t", "")
    if any(token.count(".") > _MOST_DOTS for token in _NO_KEY.split(together)):
        raise ValueError("a key is nested too deep")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def guess_encoding(data: bytes) -> str:
    """The encoding by BOM, NUL pattern, strict UTF-8, then cp1252.

    Examples
    --------
    >>> guess_encoding("µ".encode("utf-8")), guess_encoding("µ".encode("cp1252"))
    ('utf-8', 'cp1252')
    >>> guess_encoding("IL-6".encode("utf-16-le"))
    'utf-16-le'
    """
    for bom, name in _BOMS:
        if data.startswith(bom):
            return name
    head = data[:4096]
    if head:
        even, odd = head[0::2].count(0), head[1::2].count(0)
        half = len(head) / 2
        if odd > 0.6 * half and even < 0.1 * half:
            return "utf-16-le"
        if even > 0.6 * half and odd < 0.1 * half:
            return "utf-16-be"
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def decode(data: bytes, encoding: str, file: str) -> str:
    """Decode strictly; a byte that has no meaning is an error with its line.

    Raises
    ------
    UsageError
        CK-114, if no such encoding exists.
    FormatError
        CK-106, if the bytes are not text of this encoding.
    """
    try:
        return data.decode(encoding)
    except LookupError:
        mend = "use a name such as utf-8, cp1252, utf-16, shift_jis or gbk"
        raise UsageError(
            Problem("CK-114", f"no encoding is called {encoding!r}", place(file), mend)
        ) from None
    except UnicodeError as error:
        start = getattr(error, "start", 0)
        line = data[:start].count(b"\n") + 1
        what = f"the text cannot be decoded as {encoding}: {getattr(error, 'reason', error)}"
        mend = "name the encoding (--encoding, encoding=), for example shift_jis, gbk or cp1250"
        raise FormatError(Problem("CK-106", what, place(file, line=line), mend)) from None


def split_lines(text: str) -> list[str]:
    r"""The lines of a text; CRLF, LF and CR alike, and nothing else (``str.splitlines`` has more).

    Examples
    --------
    >>> split_lines("a\r\nb\rc\nd")
    ['a', 'b', 'c', 'd']
    """
    lines = text.split("\n")
    if "\r" in text:
        lines[:-1] = [line[:-1] if line[-1:] == "\r" else line for line in lines[:-1]]
        if any("\r" in line for line in lines):
            return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines


def named_delimiter(line: str) -> str:
    r"""The delimiter that a first line names for Excel; empty where it is a line of the table.

    Examples
    --------
    >>> named_delimiter("sep=;"), named_delimiter("sep=\t"), named_delimiter("sep,a,b")
    (';', '\t', '')
    """
    match = _SEP_LINE.fullmatch(line.strip(" \r\n"))
    return match[1] if match else ""


def guess_delimiter(text: str) -> str:
    r"""The delimiter whose number per line agrees best from line to line; empty if none does.

    Parameters
    ----------
    text : str
        The whole text; its beginning and a sample of the rest decide.

    Examples
    --------
    >>> guess_delimiter("a;b;c\n1,5;2;3\n1;2,25;3")
    ';'
    """
    lines = [line for line in split_lines(text[:_GUESS_CHARACTERS]) if line.strip()]
    if lines and (named := named_delimiter(lines[0])):
        return named
    # quoted parts are every second piece between quotation marks
    bare = ["".join(line.split('"')[::2]) for line in lines[:_GUESS_LINES]]
    best, best_score = "", 0
    for delimiter in DELIMITERS:
        counts = [line.count(delimiter) for line in bare]
        agreeing = sum(a for a, b in itertools.pairwise(counts) if a == b)
        score = 2 * agreeing + sum(1 for count in counts if count)
        if score > best_score:
            best, best_score = delimiter, score
    return best
