"""Figures in a page: what draws stays, everything else goes."""

from __future__ import annotations

import io

import pytest

from cytokit.errors import OutputError
from cytokit.report.comparison_page import safe_svg

XMLNS = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def test_nothing_that_acts_is_kept():
    text = f"""<svg {XMLNS} onload="x()" viewBox="0 0 1 1">
      <script>x()</script><style>*{{}}</style>
      <foreignObject><b xmlns="http://www.w3.org/1999/xhtml">b</b></foreignObject>
      <a xlink:href="javascript:x()"><text>inside a link</text></a>
      <image xlink:href="https://example.invalid/x.png"/>
      <use xlink:href="https://example.invalid/x.svg#a"/>
      <rect onclick="x()" width="1" style="fill: #ff0000; background: url(https://e.invalid)"/>
    </svg>"""
    made = str(safe_svg(text, "f1", "Panels"))
    for word in ("script", "style", "foreignObject", "javascript", "onload", "onclick", "invalid"):
        assert word not in made
    assert '<rect width="1" fill="#ff0000" />' in made
    assert 'aria-label="Panels"' in made


def test_names_become_text_and_label_is_escaped():
    made = str(safe_svg(f"<svg {XMLNS}><text>&lt;img&gt;</text></svg>", "f1", '"><img src=x>'))
    assert "<text>&lt;img&gt;</text>" in made
    assert 'aria-label="&quot;&gt;&lt;img src=x&gt;"' in made


def test_ids_of_several_figures_do_not_meet():
    text = (
        f'<svg {XMLNS}><defs><clipPath id="p"><rect/></clipPath><path id="m" d="M0 0"/></defs>'
        '<g id="unused" clip-path="url(#p)"><use xlink:href="#m" style="clip-path: url(#p)"/></g>'
        "</svg>"
    )
    made = str(safe_svg(text, "f2", "x"))
    assert 'id="f2-p"' in made
    assert 'href="#f2-m"' in made
    assert made.count("url(#f2-p)") == 2
    assert "unused" not in made


def test_font_shorthand_and_long_decimals():
    text = (
        f'<svg {XMLNS}><text style="font: italic bold 8px \'Arial\', sans-serif" x="1.23456"/>'
        '<path d="M -0.1234567 2.5"/></svg>'
    )
    made = str(safe_svg(text, "f1", "x"))
    assert 'font-style="italic" font-weight="bold" font-size="8px" x="1.23"' in made
    assert "font-family=\"'Arial', sans-serif\"" in made
    assert 'd="M -0.12 2.5"' in made


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no svg", "CK-552: a figure is no SVG: syntax error"),
        ("<html/>", "CK-552: a figure is no SVG: its root is another"),
        ('<!DOCTYPE svg [<!ENTITY a "b">]><svg/>', "CK-552: a figure is no SVG: it defines"),
    ],
)
def test_what_is_no_svg_is_refused(text, message):
    with pytest.raises(OutputError, match=message):
        safe_svg(text, "f1", "Panels")


def test_a_matplotlib_figure_survives():
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 2))
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], "o-", label="µ <b>")
    axes.legend()
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    text = stream.getvalue()
    made = str(safe_svg(text, "f1", "x"))
    assert made.count("<path") == text.count("<path")
    assert made.count("<use") == text.count("<use")
    assert "style" not in made
