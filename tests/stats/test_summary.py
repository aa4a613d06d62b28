"""What was measured: the geometric mean's interval, and where there is none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from cytokit.schema import TABLES
from cytokit.trial.compare import compare
from cytokit.trial.study import Study
from cytokit.trial.summary import summarise

BASIC = {"baseline": 0, "day": 6, "reference": "control"}


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_the_interval_is_students_on_ln(trial, alpha):
    study = trial(n_treated=9, n_control=7, effect=-1.0)
    table = compare(study, **BASIC, alpha=alpha).summary
    assert list(table.columns) == TABLES["summary"].names
    for row in table.to_dict("records"):
        mine = (study.values["group"] == row["group"]) & (study.values["day"] == row["day"])
        ln = np.log(study.values.loc[mine, "value"].to_numpy(float))
        low, high = stats.t.interval(1 - alpha, len(ln) - 1, ln.mean(), stats.sem(ln))
        assert row["gm_low"] == pytest.approx(np.exp(low), rel=1e-12)
        assert row["gm_high"] == pytest.approx(np.exp(high), rel=1e-12)
        assert row["gm_low"] < row["geometric_mean"] < row["gm_high"]


def test_there_is_none_with_values_out_of_range(floored):
    study = floored(0.2, n_treated=12, n_control=12)
    table = summarise(study, study.analytes, study.days)
    censored = table["n_below"] > 0
    assert censored.any()
    assert not censored.all() or table["geometric_mean"].notna().any()
    for name in ("gm_low", "gm_high"):
        assert table.loc[censored, name].isna().all()
        assert table.loc[~censored, name].notna().all()


def test_one_value_and_no_value_have_none_and_equal_values_a_point():
    rows = [("a", "t", 0, 5.0), ("b", "c", 0, 2.0), ("c", "c", 0, 2.0), ("d", "u", 6, 1.0)]
    frame = pd.DataFrame(rows, columns=["subject", "group", "day", "value"]).assign(analyte="x")
    study = Study(frame)
    table = summarise(study, ["x"], [0]).set_index("group")
    assert table.loc[["t", "u"], ["gm_low", "gm_high"]].isna().all(axis=None)
    assert table.loc["c", ["gm_low", "geometric_mean", "gm_high"]].tolist() == pytest.approx(
        [2.0] * 3
    )
