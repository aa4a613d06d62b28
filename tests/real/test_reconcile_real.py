"""On real exports our fit under the vendor's rule is the vendor's optimum, or a better one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cytokit.curves.reconcile import reconcile
from cytokit.parsers.read import read_plates

pytestmark = pytest.mark.real

WITH_RESULTS = (
    "xponent/magpix_a549.csv",
    "xponent/magpix_rle6tn.csv",
    "bioplex_per_analyte/bama_02_14A22.xls",
    "bioplex_per_analyte/biorad_27plex.xls",
    "bioplex_per_analyte/raw_and_summary.xlsx",
    "bioplex_per_analyte/rnd22plex_20180906_3.txt",
    "bioplex_per_statistic/decimal_comma_3plex.xlsx",
    "bioplex_per_statistic/decimal_comma_11plex.xlsx",
    "is23/luminex100_is23.csv",
)


@pytest.fixture(scope="module")
def tables(real: Path) -> dict[str, pd.DataFrame]:
    return {name: reconcile(read_plates(real / "plates" / name)).table for name in WITH_RESULTS}


@pytest.mark.parametrize("name", WITH_RESULTS)
def test_our_residual_is_never_larger_than_the_vendors(
    tables: dict[str, pd.DataFrame], name: str
) -> None:
    table = tables[name]
    excess = table["residual_ours"] / table["residual_vendor"] - 1
    assert (excess.dropna() <= 1e-6).all(), table[excess > 1e-6]


@pytest.mark.parametrize("name", ["xponent/magpix_a549.csv", "xponent/magpix_rle6tn.csv"])
def test_xponent_concentrations_agree_within_one_per_cent(
    tables: dict[str, pd.DataFrame], name: str
) -> None:
    table = tables[name]
    assert (table["n_compared"] >= 14).all()
    assert (table["median_difference_pct"] < 1.0).all()


@pytest.mark.parametrize("name", WITH_RESULTS)
def test_concentrations_agree_where_the_vendor_reached_the_optimum(
    tables: dict[str, pd.DataFrame], name: str
) -> None:
    """Where the vendor's own residual is over 1 % larger than ours, it stopped elsewhere."""
    table = tables[name]
    reached = table["residual_vendor"] <= 1.01 * table["residual_ours"]
    assert (table.loc[reached, "median_difference_pct"] < 2.0).all()
