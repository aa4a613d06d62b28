"""Figures taken into a page: an SVG text is rebuilt from a list of what a drawing may hold.

Style attributes become presentation attributes, because the page's policy allows no inline style;
ids get a prefix, so that several figures can stand on one page; scripts, links, foreign objects
and anything else that does not draw is left out.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as Tree

from markupsafe import Markup

from cytokit.errors import OutputError, Problem

# fmt: off
_TAGS = frozenset((
    "svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text",
    "tspan", "defs", "use", "clipPath", "title", "desc", "image", "linearGradient", "stop",
))
_ATTRIBUTES = frozenset((
    "id", "d", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "r", "rx", "ry", "cx", "cy",
    "width", "height", "points", "transform", "viewBox", "offset", "preserveAspectRatio",
    "clipPathUnits", "gradientUnits", "gradientTransform", "fill", "fill-opacity", "fill-rule",
    "clip-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap", "stroke-linejoin",
    "stroke-dasharray", "stroke-dashoffset", "stroke-miterlimit", "opacity", "clip-path",
    "font-family", "font-size", "font-style", "font-weight", "text-anchor", "dominant-baseline",
    "stop-color", "stop-opacity",
))
# fmt: on
_FONT = re.compile(
    r"(?:(?P<style>italic|oblique)\s+)?(?:(?P<weight>bold|\d{3})\s+)?"
    r"(?P<size>[\d.]+(?:px|pt)?)\s+(?P<family>\S.*)"
)
_COORDINATES = frozenset(("d", "x", "y", "points", "transform"))
_LONG = re.compile(r"-?(?<!\d)\d+\.\d{3,}")
_OWN = re.compile(r"url\(#([^)]*)\)")
_PICTURE = "data:image/png;base64,"


def safe_svg(text: str, prefix: str, label: str) -> Markup:
    """A figure as inline SVG that can do nothing but be seen.

    Parameters
    ----------
    text : str
        The SVG file's text.
    prefix : str
        For its ids; another for each figure of a page.
    label : str
        What a screen reader says.

    Returns
    -------
    Markup

    Raises
    ------
    OutputError
        CK-552 if the text is no SVG.

    Examples
    --------
    >>> safe_svg('<svg xmlns="http://www.w3.org/2000/svg"><script>x()</script></svg>', "a", "none")
    Markup('<svg role="img" aria-label="none" />')
    """
    try:
        if "<!ENTITY" in text:
            raise Tree.ParseError("it defines entities")
        root = Tree.fromstring(text)
    except Tree.ParseError as error:
        raise OutputError(Problem("CK-552", f"a figure is no SVG: {error}", label)) from error
    drawn = _rebuilt(root, prefix)
    if drawn is None or drawn.tag != "svg":
        raise OutputError(Problem("CK-552", "a figure is no SVG: its root is another", label))
    for name in ("width", "height"):
        drawn.attrib.pop(name, None)
    _shorten(drawn, prefix)
    drawn.attrib = {"role": "img", "aria-label": label, **drawn.attrib}
    return Markup(Tree.tostring(drawn, encoding="unicode"))


def _shorten(drawn: Tree.Element, prefix: str) -> None:
    """Leave out what repeats: ids nobody refers to, one font family for all, long decimals."""
    texts = [value for element in drawn.iter() for value in element.attrib.values()]
    used = {name for text in texts for name in re.findall(rf"#({prefix}-[^)]+)", text)}
    families = {element.get("font-family") for element in drawn.iter("text")} - {None}
    for element in drawn.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
        if len(families) == 1:
            element.attrib.pop("font-family", None)
        for name in _COORDINATES & element.attrib.keys():
            element.set(name, _LONG.sub(_two_decimals, element.attrib[name]))
    for family in families if len(families) == 1 else ():
        drawn.set("font-family", str(family))


def _two_decimals(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")


def _local(name: str) -> str:
    return name.rsplit("}", 1)[-1]


def _rebuilt(element: Tree.Element, prefix: str) -> Tree.Element | None:
    """The element with what is allowed of it, None where it is not."""
    tag = _local(element.tag) if isinstance(element.tag, str) else ""
    if tag not in _TAGS:
        return None
    made = Tree.Element(tag)
    for name, value in element.attrib.items():
        if _local(name) == "href":
            _take_link(made, value, prefix)
        elif name == "style":
            made.attrib |= _presentation(value, prefix)
        elif name in _ATTRIBUTES:
            made.set(name, _with_prefix(name, value, prefix))
    made.text, made.tail = element.text, element.tail
    for child in element:
        kept = _rebuilt(child, prefix)
        if kept is not None:
            made.append(kept)
    return made


def _take_link(made: Tree.Element, value: str, prefix: str) -> None:
    """Only parts of the same figure and pictures that stand in it."""
    if value.startswith("#"):
        made.set("href", f"#{prefix}-{value[1:]}")
    elif value.startswith(_PICTURE):
        made.set("href", value)


def _with_prefix(name: str, value: str, prefix: str) -> str:
    if name == "id":
        return f"{prefix}-{value}"
    return _OWN.sub(lambda match: f"url(#{prefix}-{match[1]})", value)


def _presentation(style: str, prefix: str) -> dict[str, str]:
    """A style attribute as presentation attributes."""
    found: dict[str, str] = {}
    for part in style.split(";"):
        name, _, value = (piece.strip() for piece in part.partition(":"))
        if name == "font" and (match := _FONT.fullmatch(value)):
            found |= {f"font-{key}": text for key, text in match.groupdict().items() if text}
        elif name in _ATTRIBUTES:
            found[name] = _with_prefix(name, value, prefix)
    return found
