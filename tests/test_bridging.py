"""Bridging: plate effects with honest intervals, applied to everything or refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import cytokit as ck
from cytokit.errors import DesignError, NothingToDoError, UsageError
from cytokit.results.verify import verify
from cytokit.simulate.trials import simulate_trial
from cytokit.trial.bridging import linked, plate_effects

SCALED = ["value", "lower", "upper", "ci_low", "ci_high", "lod", "lloq", "uloq", "given"]


def simulate_readings(rng, effects, samples, sd):
    """Samples on all plates: indices and ln concentrations."""
    plate, sample = np.meshgrid(np.arange(len(effects)), np.arange(samples))
    plate, sample = plate.ravel(), sample.ravel()
    levels = rng.normal(5.0, 1.0, samples)
    y = levels[sample] + np.asarray(effects)[plate] + rng.normal(0.0, sd, len(plate))
    return sample, plate, y


@pytest.mark.parametrize("reference", [None, 1])
def test_intervals_cover_as_they_say(reference):
    from scipy import special

    rng = np.random.default_rng(20)
    truth = np.array([0.0, 0.2, -0.3, 0.1])
    wanted = truth - (truth.mean() if reference is None else truth[reference])
    hits, n = np.zeros(4), 1000
    for _ in range(n):
        sample, plate, y = simulate_readings(rng, truth, 3, 0.1)
        keep = rng.permutation(12) != 0  # one reading is out of range
        found = plate_effects(sample[keep], plate[keep], y[keep], 4, reference)
        half = special.stdtrit(found.df, 0.975) * found.se
        hits += np.abs(found.effect - wanted) <= half + 1e-12
    others = hits if reference is None else np.delete(hits, reference)
    assert ((others / n > 0.93) & (others / n < 0.97)).all()


def test_effects_are_those_of_least_squares():
    import statsmodels.formula.api as smf

    rng = np.random.default_rng(2)
    sample, plate, y = simulate_readings(rng, [0.0, 0.3, -0.1], 4, 0.2)
    keep = np.arange(len(y)) != 5
    found = plate_effects(sample[keep], plate[keep], y[keep], 3, reference=0)
    frame = pd.DataFrame({"y": y, "s": sample, "p": plate})[keep]
    theirs = smf.ols("y ~ C(s) + C(p)", frame).fit()
    assert found.effect[1:] == pytest.approx(theirs.params.filter(like="C(p)").to_numpy())
    assert found.se[1:] == pytest.approx(theirs.bse.filter(like="C(p)").to_numpy())
    assert found.df == theirs.df_resid
    assert (found.effect[0], found.se[0]) == (pytest.approx(0.0), pytest.approx(0.0, abs=1e-6))


def test_a_chain_of_samples_links_plates():
    assert linked(["1", "2", "2", "3"], ["a", "a", "b", "b"], ["1", "2", "3"]) == [["1", "2", "3"]]
    assert linked(["1", "2", "3", "4"], ["a", "a", "b", "b"], list("1234")) == [
        ["1", "2"], ["3", "4"],
    ]  # fmt: skip


@pytest.fixture(scope="module")
def trial():
    return simulate_trial(seed=5, subjects=24, analytes=["IL-6", "TNFa"])


@pytest.fixture(scope="module")
def fits(trial):
    return [ck.fit(plate) for plate in trial.plates]


def test_controls_bridge_the_plates_of_a_trial(fits):
    found = ck.bridge(fits)
    assert found.samples == ("Control1", "Control2")
    assert list(found.table["plate"].unique()) == ["plate_1", "plate_2", "plate_3"]
    means = found.table.groupby("analyte")["effect"].sum()
    assert means.to_numpy() == pytest.approx([0.0, 0.0])
    assert (found.table["ratio_low"] < found.table["ratio"]).all()
    assert set(found.table["df"]) == {2}
    assert repr(found) == "<Bridge of 3 plates by Control1, Control2: 2 of 2 analytes>"


def test_nothing_is_normalised_by_default(fits, trial):
    plain = ck.Study(fits, trial.design)
    assert plain.bridge is None
    assert ck.bridge(plain).table.equals(ck.bridge(fits).table)


def test_every_number_of_a_reading_is_divided_by_its_plates_effect(fits, trial):
    plain, bridged = (ck.Study(fits, trial.design, bridge=on) for on in (False, True))
    factor = bridged.bridge.table.set_index(["plate", "analyte"])["ratio"]
    keys = pd.MultiIndex.from_frame(plain.values[["plate", "analyte"]])
    expected = factor.reindex(keys).to_numpy()
    for name in SCALED:
        before, after = plain.values[name].to_numpy(float), bridged.values[name].to_numpy(float)
        known = np.isfinite(before) & (before != 0)
        assert known.any()
        assert (before[known] / after[known]) == pytest.approx(expected[known]), name
    assert (plain.values["state"] == bridged.values["state"]).all()
    assert len(plain.subjects) == len(bridged.subjects)


def test_bridging_takes_a_plates_shift_out(fits, trial):
    wells = trial.plates[1].wells
    # standards weaker than their label: everything on the plate reads high by 1 / 0.75
    weak = wells["expected"].where(wells["well_type"] != "standard", wells["expected"] / 0.75)
    shifted = ck.fit(replace(trial.plates[1], wells=wells.assign(expected=weak)))
    before = ck.bridge(fits, reference="plate_1").table.set_index(["plate", "analyte"])["ratio"]
    found = ck.bridge([fits[0], shifted, fits[2]], reference="plate_1")
    after = found.table.set_index(["plate", "analyte"])["ratio"]
    assert (after / before)["plate_2"].to_numpy() == pytest.approx([1 / 0.75] * 2, rel=0.03)
    assert after["plate_1"].to_numpy() == pytest.approx([1.0, 1.0])


def pools(plates=("P1", "P2", "P3"), ratio=(1.0, 1.2, 0.9)) -> pd.DataFrame:
    """Two pools on every plate, and a subject's sample on the first."""
    rows = [
        {"plate": plate, "sample": pool, "IL-6 (pg/mL)": value * factor}
        for plate, factor in zip(plates, ratio, strict=True)
        for pool, value in (("pool A", 100.0), ("pool B", 20.0 * 1.01 ** len(plate)))
    ]
    rows += [{"plate": p, "sample": f"s{i}", "IL-6 (pg/mL)": 50.0} for i, p in enumerate(plates)]
    return pd.DataFrame(rows)


DESIGN = pd.DataFrame(
    {"sample": ["s0", "s1", "s2"], "subject": ["a", "b", "c"],
     "group": ["treated", "control", "control"], "day": 6}
)  # fmt: skip


def test_samples_named_by_the_user_bridge_and_are_no_subjects():
    study = ck.Study(pools(), DESIGN, bridge=["pool A", "pool B"], bridge_reference="P1")
    assert study.values["value"].tolist() == pytest.approx([50.0, 50 / 1.2, 50 / 0.9])
    assert "sample_not_in_design" not in {one.code for one in study.findings}
    plain = ck.Study(pools(), DESIGN)
    assert plain.values["value"].tolist() == [50.0] * 3
    assert "sample_not_in_design" in {one.code for one in plain.findings}


def test_one_name_may_be_given_as_text():
    study = ck.Study(pools(), DESIGN, bridge="pool A", bridge_reference="P1")
    assert study.bridge.samples == ("pool A",)
    # one sample leaves no residual: an effect, and no interval
    assert study.bridge.table["ratio_low"].isna().all()
    assert study.bridge.table["reason"].str.contains("no interval").all()


def test_readings_out_of_range_are_left_out_and_counted():
    table = pools()
    cells = table["IL-6 (pg/mL)"].map("{:.6g}".format)
    table["IL-6 (pg/mL)"] = cells.mask(
        (table["plate"] == "P2") & (table["sample"] == "pool B"), "<1"
    )
    found = ck.bridge(table.assign(group="g", subject="x", day=0), samples=["pool A", "pool B"])
    rows = found.table.set_index("plate")
    assert rows.loc["P2", ["n_readings", "n_left_out"]].tolist() == [1, 1]
    assert rows["ratio"].notna().all()
    assert [one.code for one in found.findings] == ["bridge_left_out"]
    assert "1 of 6 readings" in found.findings[0].message


def test_an_analyte_that_cannot_be_bridged_stays_as_measured_on_all_plates():
    table = pools().assign(**{"TNFa (pg/mL)": "10"})
    out = (table["plate"] == "P3") & table["sample"].str.startswith("pool")
    table["TNFa (pg/mL)"] = table["TNFa (pg/mL)"].mask(out, ">5000")
    study = ck.Study(table, DESIGN, bridge=["pool A", "pool B"], bridge_reference="P1")
    assert study.bridge.applicable == ("IL-6",)
    values = study.values.set_index("analyte")["value"]
    assert values["TNFa"].tolist() == [10.0] * 3
    assert values["IL-6"].tolist() == pytest.approx([50.0, 50 / 1.2, 50 / 0.9])
    messages = {one.code: one.message for one in study.findings}
    assert "links P3 to the other plates" in messages["bridge_not_applied"]


@pytest.mark.parametrize(
    ("change", "options", "error", "said"),
    [
        (lambda t: t.assign(plate=t["plate"].mask(t["plate"] == "P3", "P4")), {}, DesignError, ""),
        (lambda t: t[~((t["plate"] == "P3") & t["sample"].str.startswith("pool"))], {},
         DesignError, "CK-572: no bridge sample links P3 to the other 2 plates"),
        (lambda t: t, {"bridge": ["pool C"]}, DesignError,
         r"CK-573: bridge sample 'pool C' does not stand on several.*did you mean 'pool"),
        (lambda t: t, {"bridge": ["s0"]}, DesignError, "CK-573: bridge sample 's0' does not"),
        (lambda t: t, {"bridge": True}, DesignError, "CK-574: no control stands on more than"),
        (lambda t: t[t["plate"] == "P1"], {}, NothingToDoError,
         r"CK-574: there is one plate \(P1\)"),
        (lambda t: t, {"bridge_reference": "P9"}, UsageError,
         "CK-576: there is no plate 'P9'"),
        (lambda t: t, {"bridge": False, "bridge_reference": "P1"}, UsageError,
         "CK-576: a reference plate, 'P1', but nothing is bridged"),
        (lambda t: t.drop(columns="plate"), {}, DesignError, "CK-578: the data do not say on"),
    ],
)  # fmt: skip
def test_what_cannot_be_bridged_is_refused_with_its_reason(change, options, error, said):
    given = {"bridge": ["pool A", "pool B"], **options}
    if not said:  # a plate of another name is bridged all the same
        assert len(ck.Study(change(pools()), DESIGN, **given).bridge.table) == 3
        return
    with pytest.raises(error, match=said):
        ck.Study(change(pools()), DESIGN, **given)


def test_fluorescence_cannot_be_bridged(fits, trial):
    with pytest.raises(UsageError, match="CK-577: quantity='mfi' cannot be bridged"):
        ck.Study(fits, trial.design, quantity="mfi", bridge=True)


def test_two_plates_of_one_name_cannot_be_told_apart(fits):
    with pytest.raises(DesignError, match="CK-575: several plates are called plate_1"):
        ck.bridge([*fits, fits[0]])


def test_a_comparison_says_that_plates_were_bridged(fits, trial):
    study = ck.Study(fits, trial.design, bridge=True, bridge_reference="plate_2")
    result = ck.compare(study, reference="control", analytes=["IL-6"])
    assert "effect relative to plate plate_2, estimated from the controls" in result.methods
    assert "Plates were bridged: 2 analytes were divided by their plate's effect" in result.methods
    assert "own uncertainty is not carried" in result.methods
    assert result.table["flags"].str.contains("plates_bridged: the controls").all()
    assert "plates_bridged" in {one.code for one in result.findings}


def test_a_bridged_study_is_not_read_with_other_curves(fits, trial):
    from cytokit.results.verify import refit_study

    others = refit_study(ck.Study(fits, trial.design, bridge=True))
    assert others.studies == {}
    assert "plates were bridged" in others.notes[0]


@pytest.mark.slow
def test_a_bridged_comparison_is_written_and_verified(fits, trial, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, one in enumerate(fits):
        one.write(f"run{number}")
    trial.design.to_csv("design.csv", index=False)
    study = ck.Study([f"run{n}" for n in range(3)], "design.csv", bridge=True)
    ck.compare(study, reference="control", analytes=["IL-6"]).write("out")
    assert len(pd.read_csv("out/bridge.csv")) == 6
    assert verify("out").identical


def test_a_recensored_study_stays_bridged(fits, trial):
    study = ck.Study(fits, trial.design, bridge=True)
    other = study.recensored("lloq")
    assert other.bridge is study.bridge
    assert other.values["value"].dropna().isin(study.values["value"]).all()
