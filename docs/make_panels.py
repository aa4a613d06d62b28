"""Draw docs/panels.png, the README's picture, from the bundled simulated trial."""

from __future__ import annotations

from pathlib import Path

import cytokit as ck
from cytokit.figures.style import house_style

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Fit the bundled plates, compare the arms, keep the panels at the page's size."""
    plates = ROOT / "example_plates"
    fit = ck.fit(ck.read_plates(sorted(plates.glob("plate_*.csv"))))
    study = ck.Study([fit], design=plates / "design.csv")
    result = ck.compare(study, baseline=0, day=6, reference="control")
    with house_style():
        result.figure().savefig(ROOT / "docs" / "panels.png", dpi=150, metadata={"Software": None})


if __name__ == "__main__":
    main()
