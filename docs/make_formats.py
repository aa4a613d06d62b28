"""Write docs/formats.md from the parsers that are registered, so that it cannot go stale.

Run ``python docs/make_formats.py`` after adding a parser; a test compares.
"""

from __future__ import annotations

from pathlib import Path

from cytokit.parsers.registry import PARSERS

HEAD = """# Exports that are read

A file is recognised by its content, never by its name. `format` is what `cytokit inspect` and the
manifest call a family; date and instrument are the first of these header lines that says anything;
`cytokit reconcile` fits again by the vendor's own weights. Written by `docs/make_formats.py`.

| format | recognised as | date of the run | instrument | vendor's weights | lots file |
|---|---|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    rows = [
        (
            f"`{one.name}`",
            one.title,
            ", ".join(one.run.date),
            ", ".join(one.run.instrument),
            one.weights,
            "with --layout, or beside the export" if one.takes_lots else "",
        )
        for _, one in sorted(PARSERS.items())
    ]
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    Path(__file__).with_name("formats.md").write_text(page(), encoding="utf-8")
