"""Names from files made fit for a figure: no mathtext, no control characters, a known width."""

from __future__ import annotations

import functools
import unicodedata

from cytokit.figures.style import SMALL

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
ELLIPSIS = "…"


@functools.cache
def _font() -> tuple[str, frozenset[int]]:
    """File of the house's font, and the characters it can draw."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    path = findfont(FontProperties(family="DejaVu Sans"))
    return str(path), frozenset(get_font(path).get_charmap())


def plain(text: object) -> str:
    """A name as matplotlib may draw it: dollar signs, controls and strange glyphs made harmless."""
    known = _font()[1]
    kept = []
    for char in unicodedata.normalize("NFC", str(text)):
        if unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"}:
            kept.append(" ")
        else:
            kept.append(char if ord(char) in known else "\N{REPLACEMENT CHARACTER}")
    return " ".join("".join(kept).split()).replace("$", r"\$")


@functools.lru_cache(maxsize=4096)
def text_width(text: str, size: float = SMALL) -> float:
    """Width of one line in points, found without a renderer."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    line = text.replace(r"\$", "$")
    font = FontProperties(fname=_font()[0], size=size)
    width, _, _ = text_to_path.get_text_width_height_descent(line, font, ismath=False)
    return float(width)


def shorten(text: str, points: float, size: float = SMALL) -> str:
    """The text, or as much of it as fits in so many points, with an ellipsis."""
    if text_width(text, size) <= points:
        return text
    for end in range(len(text) - 1, 0, -1):
        short = text[:end].rstrip(" \\") + ELLIPSIS
        if text_width(short, size) <= points:
            return short
    return ELLIPSIS


def squeeze(text: str, points: float, size: float = SMALL) -> str:
    """The text, or its beginning and end with an ellipsis, as the end tells names apart."""
    if text_width(text, size) <= points:
        return text
    for kept in range(len(text) - 1, 2, -1):
        cut = len(text) - kept * 2 // 5
        cut += text[cut - 1] == "\\"  # an escaped sign is left out whole
        head = text[: kept - (len(text) - cut)].rstrip(" \\")
        short = head + ELLIPSIS + text[cut:].lstrip()
        if text_width(short, size) <= points:
            return short
    return ELLIPSIS


def wrap(text: str, points: float, size: float = SMALL, lines: int = 0) -> list[str]:
    """Break a text at spaces into lines of at most so many points."""
    done: list[str] = []
    line = ""
    for word in text.split(" "):
        trial = f"{line} {word}".strip()
        if line and text_width(trial, size) > points and (not lines or len(done) < lines - 1):
            done.append(line)
            line = word
        else:
            line = trial
    if line:
        done.append(line)
    return [squeeze(part, points, size) for part in done]


def number(value: float, *, powers: bool = False) -> str:
    """A tick's number: plain with thousands, or as a power of ten in full-size superscripts."""
    if value == 0:
        return "0"
    if not powers:
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    mantissa, exponent = f"{value:.2e}".split("e")
    power = "10" + str(int(exponent)).translate(_SUPERSCRIPT)
    short = f"{float(mantissa):g}"
    return power if short == "1" else f"{short}×{power}"
