"""The whole chain against the truth: do the reported intervals hold the true ratios?"""

from __future__ import annotations

import pandas as pd
import pytest

from cytokit.curves.platefit import fit
from cytokit.simulate.trials import simulate_trial
from cytokit.trial.compare import compare
from cytokit.trial.study import Study

SEEDS = 200


def intervals(seed: int) -> pd.DataFrame:
    """The between-group rows of one simulated trial beside the true ratios."""
    trial = simulate_trial(seed=seed)
    study = Study([fit(trial.plates)], trial.design)
    result = compare(study, baseline=0, day=6, reference="control")
    merged = result.between.merge(trial.truth, on="analyte", suffixes=("", "_true"))
    inside = merged["ratio_low"].le(merged["ratio_true"]) & merged["ratio_high"].ge(
        merged["ratio_true"]
    )
    return merged.assign(seed=seed, inside=inside)


@pytest.mark.slow
def test_the_true_ratios_lie_inside_the_intervals_at_the_stated_rate() -> None:
    """200 trials of six analytes, plates and all.

    The analytes are independent, so 1,200 intervals at 95 % have a standard error of .0063; four
    of them, .925 to .975, is what chance allows once in some 16,000 runs. The seeds are fixed, so
    this can only fail when the code changes. Analytes that the censoring rules leave without a
    ratio have no interval; they must be few, and none of the four that read in range.
    """
    table = pd.concat([intervals(seed) for seed in range(SEEDS)], ignore_index=True)
    with_ratio = table[table["ratio"].notna()]
    assert len(with_ratio) >= 0.95 * len(table)
    in_range = table[table["analyte"].isin(["IFNg", "IL-6", "TNFa", "PDGF-BB"])]
    assert in_range["ratio"].notna().all()
    assert 0.925 <= with_ratio["inside"].mean() <= 0.975
    # per analyte: 200 intervals, standard error .0154, four of them
    per_analyte = with_ratio.groupby("analyte")["inside"].mean()
    assert (per_analyte > 0.95 - 4 * 0.0154).all(), per_analyte
