"""``cytokit reconcile``: our numbers against the vendor's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cytokit.options import ReadOptions

from ._shared import click_options, examples, print_json, print_table, short, speech_options

if TYPE_CHECKING:
    from cytokit.curves.reconcile import Reconciliation


@click.command(
    "reconcile",
    epilog=examples(
        "cytokit reconcile vendor_plate.csv", "cytokit reconcile vendor_plate.csv --json"
    ),
)
@click.argument("plates", nargs=-1, required=True, metavar="PLATE...")
@click.option("--layout", type=click.Path(), metavar="FILE", help="Plate map, .csv or .xlsx.")
@click_options(ReadOptions)
@speech_options
def command(plates: Sequence[str], layout: str | None, decimal: str | None, as_json: bool) -> None:
    """Compare with the vendor's numbers: under the vendor's own rule, and with our default fit.

    Differences are over the wells that the vendor reports inside the span of the standards.
    """
    from cytokit.curves.reconcile import reconcile
    from cytokit.parsers.read import read_plates

    result = reconcile(read_plates(plates, layout=layout, decimal=decimal))
    if as_json:
        print_json("cytokit-reconcile-1", {"analytes": result.table.to_dict("records")})
    else:
        _show(result)


def _show(result: Reconciliation) -> None:
    table = result.table
    several = bool((table["plate"] != table["plate"].iloc[0]).any())
    header = [*(["plate"] if several else []), "analyte", "wells", "median %", "worst %"]
    header += ["default median %", "status differs", "residual ours", "vendor", "smaller"]
    rows = []
    for row in table.to_dict("records"):
        cells = [row["analyte"], str(row["n_compared"])]
        cells += [short(row[f"{name}_difference_pct"]) for name in ("median", "worst", "default")]
        cells += [str(row["n_status_differ"])]
        cells += [short(row["residual_ours"]), short(row["residual_vendor"])]
        cells += [row["smaller_residual"] or "-"]
        rows.append([row["plate"], *cells] if several else cells)
    print_table(header, rows, right=range(1 + several, len(header) - 1))
