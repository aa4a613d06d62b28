"""Every complaint of the kernels about their input, with its message."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cytokit.errors import UsageError
from cytokit.trial.composite import tipping_point, worst_rank
from cytokit.trial.mixed import mixed_model
from cytokit.trial.multiplicity import Family, adjust
from cytokit.trial.permutation import max_t
from cytokit.trial.ranks import brunner_munzel, fisher, gehan, hodges_lehmann, rank_sum, signed_rank
from cytokit.trial.tobit import tobit

INF, NAN = math.inf, math.nan
ARMS = np.array([True, True, True, False, False, False])
VALUES = np.arange(12.0).reshape(6, 2)
PAIRS = {"subject": [1, 1, 2, 2, 3, 3], "design": [[1, 0], [1, 1]] * 3, "contrast": [0, 1]}
Y = [1.0, 2.0, 1.5, 2.4, 0.8, 2.1]


def complaint(call: Callable[[], Any]) -> str:
    """The text of the UsageError that the call raises."""
    with pytest.raises(UsageError) as caught:
        call()
    assert caught.value.exit_code == 2
    return str(caught.value)


CASES: list[tuple[str, str, str, Callable[[], Any]]] = [
    ("nan", "CK-450", "treated[1] = nan", lambda: rank_sum([1, NAN], [2])),
    ("infinite", "CK-450", "control[0] = inf", lambda: hodges_lehmann([1], [INF])),
    ("nan pair", "CK-450", "leave out missing values", lambda: signed_rank([NAN])),
    ("nan bm", "CK-450", "1 value(s)", lambda: brunner_munzel([1, 2], [NAN, 1])),
    ("design nan", "CK-450", "design[1]", lambda: tobit([1, 2], [1, 2], [[1, NAN], [1, 0]])),
    ("deaths nan", "CK-450", "deaths of treated", lambda: _worst(deaths_t=[NAN])),
    ("inf matrix", "CK-450", "row 0, column 1", lambda: max_t([[1, INF]] * 6, ARMS)),
    ("outcome inf", "CK-450", "outcome[0]", lambda: tipping_point([INF] * 6, ARMS)),
    ("two-dim", "CK-451", "one-dimensional", lambda: rank_sum([[1, 2]], [2])),
    ("limits", "CK-451", "1 lower and 2 upper", lambda: gehan([1], [1, 2], [1], [1])),
    ("rows", "CK-451", "treated has 3", lambda: max_t(VALUES, ARMS[:3])),
    ("strata", "CK-451", "strata has 2", lambda: max_t(VALUES, ARMS, strata=[1, 2])),
    ("vector", "CK-451", "subjects x analytes", lambda: max_t(VALUES[:, 0], ARMS)),
    ("design", "CK-451", "shape (2,) for 2", lambda: tobit([1, 2], [1, 2], [1, 1])),
    (
        "contrast",
        "CK-451",
        "contrast has 3",
        lambda: mixed_model(Y, **{**PAIRS, "contrast": [0] * 3}),
    ),
    ("subject", "CK-451", "subject has 1", lambda: mixed_model(Y, **{**PAIRS, "subject": [1]})),
    (
        "mixed X",
        "CK-451",
        "the design has shape",
        lambda: mixed_model(Y, **{**PAIRS, "design": [[1]]}),
    ),
    ("test", "CK-451", "contrast has 1", lambda: tobit([1, 2], [1, 2], np.ones((2, 2))).test([1])),
    ("outcome", "CK-451", "outcome has 2", lambda: tipping_point([1, 2], ARMS)),
    ("covariates", "CK-451", "n x k", lambda: tipping_point(Y, ARMS, np.ones((6, 1, 1)))),
    ("reversed", "CK-452", "2.0 .. 1.0", lambda: gehan([2], [1], [1], [1])),
    ("no limit", "CK-452", "one open end at most", lambda: tobit([-INF], [INF], [[1]])),
    ("missing", "CK-452", "nan", lambda: tobit([NAN], [1], [[1]])),
    (
        "zeros",
        "CK-453",
        "did you mean 'pratt'?",
        lambda: signed_rank([1], zero_method="prat"),
    ),
    ("method", "CK-453", "did you mean 'holm'?", lambda: adjust([0.1], "hollm")),
    ("statistic", "CK-453", "use one of welch", lambda: max_t(VALUES, ARMS, statistic="wald")),
    ("step", "CK-453", "maxt, minp", lambda: max_t(VALUES, ARMS, step="up")),
    (
        "covariance",
        "CK-453",
        "did you mean",
        lambda: mixed_model(Y, **PAIRS, covariance="interccept"),
    ),
    ("df", "CK-453", "kenward-roger", lambda: mixed_model(Y, **PAIRS, df="wald")),
    (
        "law",
        "CK-453",
        "did you mean",
        lambda: tobit([1, 2], [1, 2], [[1], [1]]).test([1], law="norm"),
    ),
    ("worse", "CK-453", "high, low", lambda: _worst(worse="up")),
    ("arm", "CK-453", "treated, control, both", lambda: tipping_point(Y, ARMS, arm="none")),
    ("p", "CK-454", "p[1] = 1.5", lambda: adjust([0.1, 1.5], "holm")),
    ("count", "CK-455", "5 of 4", lambda: fisher(5, 4, 1, 2)),
    ("count c", "CK-455", "control arm", lambda: fisher(1, 4, -1, 2)),
    ("draws", "CK-456", "draws is 0", lambda: gehan([1], [1], [1], [1], draws=0)),
    ("seed", "CK-456", "seed is -1", lambda: brunner_munzel([1], [1], seed=-1)),
    ("draws true", "CK-456", "draws is True", lambda: max_t(VALUES, ARMS, draws=True)),
    ("level", "CK-456", "level is 95", lambda: hodges_lehmann([1], [2], 95)),
    ("alpha", "CK-456", "alpha is 0", lambda: tipping_point(Y, ARMS, alpha=0)),
    ("imputations", "CK-456", "2 or more", lambda: tipping_point(Y, ARMS, imputations=1)),
    ("interval", "CK-456", "level is 1", lambda: mixed_model(Y, **PAIRS).interval(1)),
    ("labels", "CK-457", "array of <U", lambda: max_t(VALUES, ["a"] * 6)),
    ("labels 2", "CK-457", "one boolean", lambda: tipping_point(Y, [0, 1, 2, 0, 1, 1])),
    ("member", "CK-458", "IL-6 more than once", lambda: Family("F1", ("IL-6", "TNF", "IL-6"))),
    ("family", "CK-458", "2 members", lambda: Family("F1", ("a", "b")).adjust([0.1], "holm")),
    ("baseline", "CK-459", "'ancova'", lambda: max_t(VALUES, ARMS, baseline=VALUES)),
    (
        "baseline shape",
        "CK-459",
        "shape (6, 1)",
        lambda: max_t(VALUES, ARMS, baseline=VALUES[:, :1], statistic="ancova"),
    ),
    (
        "visits",
        "CK-460",
        "needs to know",
        lambda: mixed_model(Y, **PAIRS, covariance="unstructured"),
    ),
    (
        "repeated",
        "CK-460",
        "3 visit(s) are repeated",
        lambda: mixed_model(Y, **PAIRS, covariance="unstructured", visit=[1] * 6),
    ),
]


def _worst(**changed: Any) -> Any:
    """A worst-rank test with one argument changed."""
    return worst_rank([1], [1], [2], [2], **{"deaths_t": [], "deaths_c": [], **changed})


@pytest.mark.parametrize(
    ("code", "said", "call"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_the_message_says_what_is_wrong(code: str, said: str, call: Callable[[], Any]) -> None:
    text = complaint(call)
    assert text.startswith(f"error {code}: ")
    assert said in text
    assert "mend:" in text


def test_labels_may_be_zeros_and_ones() -> None:
    assert max_t(VALUES, ARMS.astype(int)).p_raw.tolist() == max_t(VALUES, ARMS).p_raw.tolist()
