"""Plates judged: which rule, which plate, by which limits, and never by themselves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cytokit.errors import InputError, NothingToDoError, UsageError
from cytokit.qc.control import quality_control

# mean 100 and SD 0.1 of ln, exactly, over ten plates
GUIDE = list(100.0 * np.exp(0.1 * np.sqrt(9 / 10) * np.array([1.0, -1.0] * 5)))


def at_z(*z: float) -> list[float]:
    """Values that many SD from the guide's mean."""
    return [100.0 * float(np.exp(0.1 * value)) for value in z]


@pytest.fixture
def judged(write_fit, run_of):
    """The C1 rows of plates with these z, judged by the guide."""

    def judge(*z: float, lot_after: int = 10**6):
        guide = quality_control(write_fit("g", run_of(GUIDE))).guide_set(who="QA", why="test")
        plates = run_of(at_z(*z), start=20, lot_after=lot_after)
        return quality_control(write_fit("j", plates), guide=guide)

    return judge


def c1(result):
    return result.table[result.table["level"] == "C1"].reset_index(drop=True)


def test_limits_are_mean_and_sd_of_the_logarithm(judged):
    rows = c1(judged(0.0, 2.5, -3.5))
    assert rows["mean"].tolist() == pytest.approx([100.0] * 3)
    assert rows["sd"].tolist() == pytest.approx([0.1] * 3)
    assert rows["z"].tolist() == pytest.approx([0.0, 2.5, -3.5], abs=1e-9)
    assert rows["rules"].tolist() == ["", "1-2s", "1-2s 1-3s"]
    assert set(rows["guide_n"]) == {10}
    assert not rows["provisional"].any()


def test_a_finding_says_plate_rule_and_values(judged):
    result = judged(0.0, 2.5, 2.6)
    rows = result.flags[result.flags["rule"] == "2-2s"]
    assert rows[["plate", "series", "level", "analyte", "severity"]].values.tolist() == [
        ["P022", "control", "C1", "IL-6", "fail"]
    ]
    assert rows["z_values"].tolist() == ["2.50, 2.60"]
    assert rows["message"].tolist() == [
        "IL-6, control C1: two in a row beyond the same limit of 2 SD (z +2.5, +2.6)"
    ]
    assert not result.ok


def test_no_rule_runs_across_a_change_of_lot(judged):
    assert "2-2s" in c1(judged(0.0, 2.5, 2.6))["rules"][2]


def test_the_same_values_either_side_of_a_new_lot_break_nothing(judged):
    rows = c1(judged(0.0, 2.5, 2.6, lot_after=2))
    assert rows["rules"].tolist() == ["", "1-2s", "1-2s"]


def test_ten_on_one_side_are_counted_within_a_lot(judged):
    assert c1(judged(*[0.5] * 10))["rules"].tolist()[-1] == "10-x"


def test_ten_on_one_side_of_two_lots_are_none(judged):
    assert set(c1(judged(*[0.5] * 10, lot_after=5))["rules"]) == {""}


def test_r_4s_takes_two_controls_of_one_plate(write_fit, run_of, fake):
    guide_plates = [
        replace(one, controls={"C1": one.controls["C1"], "C2": (10.0 * value,)})
        for one, value in zip(run_of(GUIDE), GUIDE, strict=True)
    ]
    guide = quality_control(write_fit("g", guide_plates)).guide_set(who="QA", why="test")
    up, down = at_z(2.2, -2.2)
    apart = fake("X1", controls={"C1": (up,), "C2": (10 * down,)}, date="2025-01-01")
    beside = fake("X2", controls={"C1": (up,), "C2": (10 * up,)}, date="2025-01-03")
    result = quality_control(write_fit("j", [apart, beside]), guide=guide)
    rows = result.flags[result.flags["rule"] == "R-4s"]
    assert rows[["plate", "level", "severity"]].values.tolist() == [["X1", "C1 C2", "fail"]]
    assert "C1 +2.2, C2 -2.2" in rows["message"].iloc[0]


def test_members_of_the_guide_are_shown_and_not_judged(write_fit, run_of):
    plates = run_of(GUIDE)
    guide = quality_control(write_fit("g", plates)).guide_set(who="QA", why="test")
    more = run_of(at_z(5.0), start=20)
    result = quality_control(write_fit("both", [*plates, *more]), guide=guide)
    rows = c1(result)
    assert rows["role"].tolist() == ["guide"] * 10 + ["judged"]
    assert set(rows["rules"][:10]) == {""}
    assert [plate.name for plate in result.judged] == ["P020"]


def test_a_plate_of_the_same_name_and_another_file_is_no_member(write_fit, run_of):
    plates = run_of(GUIDE)
    guide = quality_control(write_fit("g", plates)).guide_set(who="QA", why="test")
    other = [replace(plates[0], facts={"sha256": "another file"})]
    assert len(quality_control(write_fit("j", other), guide=guide).judged) == 1


def test_a_plate_without_a_hash_is_judged_unless_the_guide_has_none_either(write_fit, run_of):
    known, unknown = run_of(GUIDE), [replace(one, facts={"sha256": ""}) for one in run_of(GUIDE)]
    guide = quality_control(write_fit("g", known)).guide_set(who="QA", why="test")
    assert len(quality_control(write_fit("j", unknown), guide=guide).judged) == 10
    nameless = quality_control(write_fit("u", unknown)).guide_set(who="QA", why="test")
    result = quality_control(write_fit("k", unknown[:1]), guide=nameless)
    assert result.judged == ()
    assert "qc_member_by_name" in set(result.flags["code"])


def test_some_plates_of_a_guide_do_not_pass_for_the_whole(write_fit, run_of):
    whole = quality_control(write_fit("g", run_of(GUIDE)))
    guide = whole.guide_set(who="QA", why="test")
    assert whole.judged_by(guide).own_guide
    some = quality_control(write_fit("s", run_of(GUIDE)[:4]), guide=guide)
    assert some.judged == ()
    assert not some.own_guide
    assert not whole.own_guide


def test_without_a_guide_no_plate_is_judged(write_fit, run_of):
    result = quality_control(write_fit("j", run_of(at_z(0, 9, -9))))
    assert set(result.table["role"]) == {"shown"}
    assert result.table[["mean", "sd", "z"]].isna().all().all()
    assert (result.table["rules"] == "").all()
    assert result.flags.empty
    assert result.ok


def test_eight_judged_plates_have_a_trend(judged):
    rising = np.linspace(-1.5, 1.5, 8)
    row = judged(*rising).drift.set_index("level").loc["C1"]
    assert row["slope"] == pytest.approx(3 / 7)
    assert row["n_plates"] == 8


def test_seven_judged_plates_have_no_trend(judged):
    assert judged(*np.linspace(-1.5, 1.5, 7)).drift.empty


def test_few_plates_make_provisional_limits(write_fit, run_of):
    guide = quality_control(write_fit("g", run_of(GUIDE[:9]))).guide_set(who="QA", why="test")
    result = quality_control(write_fit("j", run_of(at_z(8.0), start=20)), guide=guide)
    assert guide.provisional
    assert result.table["provisional"].all()
    codes = result.flags.set_index("code")["message"]
    assert "9 plates" in codes["qc_provisional"]
    assert codes["qc_1_3s"].endswith("provisional limits, 9 guide plates")


def test_ten_plates_are_enough(judged):
    assert "qc_provisional" not in set(judged(0.0).flags["code"])


def test_a_guide_of_two_lots_says_so(write_fit, run_of):
    guide = quality_control(write_fit("g", run_of(GUIDE, lot_after=4))).guide_set(who="a", why="b")
    result = quality_control(write_fit("j", run_of(at_z(0.0), start=20)), guide=guide)
    assert "qc_guide_lots" in set(result.flags["code"])


def test_values_that_do_not_differ_give_no_limits_and_a_reason(write_fit, run_of):
    guide = quality_control(write_fit("g", run_of([100.0] * 12))).guide_set(who="a", why="b")
    result = quality_control(write_fit("j", run_of([150.0], start=20)), guide=guide)
    rows = c1(result)
    assert rows["z"].isna().all()
    assert (rows["rules"] == "").all()
    flags = result.flags[result.flags["level"] == "C1"]
    assert flags["code"].tolist() == ["qc_no_limits"]
    assert "do not differ" in flags["message"].iloc[0]


@pytest.mark.parametrize("n", [0, 1])
def test_a_guide_with_none_or_one_value_judges_nothing(write_fit, run_of, fake, n):
    plates = [fake(f"G{i}", controls={"C2": (1000.0 + i,)}) for i in range(12)]
    plates[:n] = [replace(one, controls={"C1": (100.0,), "C2": (1000.0,)}) for one in plates[:n]]
    guide = quality_control(write_fit("g", plates)).guide_set(who="a", why="b")
    result = quality_control(write_fit("j", run_of([150.0], start=20)), guide=guide)
    assert c1(result)["z"].isna().all()
    messages = result.flags[result.flags["code"] == "qc_no_limits"]["message"]
    assert any(message.startswith("IL-6, control C1: the guide has") for message in messages)


def test_a_control_out_of_range_is_no_number_and_a_failure(write_fit, run_of, fake):
    guide = quality_control(write_fit("g", run_of(GUIDE))).guide_set(who="QA", why="test")
    plate = fake("X", controls={"C1": (100.0, "oor_high"), "C2": (1000.0,)}, date="2025-01-01")
    result = quality_control(write_fit("j", [plate]), guide=guide)
    row = c1(result).iloc[0]
    assert np.isnan(row["value"])
    assert row["reason"] == "1 of 2 wells: 1 oor_high"
    flag = result.flags[(result.flags["code"] == "qc_no_value") & (result.flags["level"] == "C1")]
    assert flag["severity"].tolist() == ["fail"]


def test_a_control_that_is_absent_is_named(write_fit, run_of, fake):
    guide = quality_control(write_fit("g", run_of(GUIDE))).guide_set(who="QA", why="test")
    result = quality_control(write_fit("j", [fake("X", controls={"C2": (1000.0,)})]), guide=guide)
    message = result.flags.set_index("code")["message"]["qc_no_value"]
    assert message == "1 series of the guide are not on this plate: IL-6, control C1"


def test_excluded_wells_do_not_count(write_fit, fake):
    plate = fake("X", controls={"C1": (100.0, "excluded"), "C2": ("not_measured",)})
    rows = quality_control(write_fit("j", [plate])).table.set_index("level")
    assert rows.loc["C1", ["value", "n_wells"]].tolist() == [pytest.approx(100.0), 1]
    assert rows.loc["C2", "reason"] == "not measured"


def test_what_has_no_logarithm_says_so(write_fit, fake):
    rows = quality_control(write_fit("j", [fake("X", blank=(0.0, 3.0))])).table
    blank = rows[rows["series"] == "blank_mfi"].iloc[0]
    assert np.isnan(blank["value"])
    assert blank["reason"] == "0 has no logarithm"


def test_a_failed_curve_has_no_parameters(write_fit, fake):
    plate = fake("X", verdict="failed", recovery="", parameters=dict.fromkeys("abcdefgh", ""))
    rows = quality_control(write_fit("j", [plate])).table.set_index("series")
    assert rows.loc["slope", "reason"] == "the curve failed"
    assert rows.loc["standard_recovery", "reason"].startswith("the level has no back-calculated")


def test_wells_are_averaged_on_the_logarithm(write_fit, fake):
    rows = quality_control(write_fit("j", [fake("X", controls={"C1": (50.0, 200.0)})])).table
    assert rows.set_index("series").loc["control", "value"] == pytest.approx(100.0)


def test_the_middle_standard_is_charted(write_fit, fake):
    rows = quality_control(write_fit("j", [fake("X")])).table.set_index("series")
    assert rows.loc["standard_mfi", ["level", "value", "unit"]].tolist() == [
        "S2", pytest.approx(200.0), "MFI",
    ]  # fmt: skip


def test_curve_parameters_warn_and_reject_nothing(write_fit, run_of):
    plates = run_of(GUIDE)
    guide = quality_control(write_fit("g", plates)).guide_set(who="QA", why="test")
    odd = replace(
        run_of([100.0], start=20)[0], parameters={**plates[0].parameters, "upper": 60000.0}
    )
    result = quality_control(write_fit("j", [odd]), guide=guide)
    flags = result.flags[result.flags["series"] == "upper"]
    assert dict(zip(flags["code"], flags["severity"], strict=True)) == {
        "qc_1_2s": "info", "qc_1_3s": "warn",
    }  # fmt: skip
    assert result.ok


@given(
    st.lists(st.floats(20.0, 500.0), min_size=4, max_size=4),
    st.integers(0, 3),
    st.floats(1e-3, 1e6),
)
@settings(
    deadline=None, derandomize=True, max_examples=4,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
def test_a_judged_plate_moves_no_limit_and_no_other_plate(
    tmp_path_factory, write_fit, run_of, values, which, changed
):
    name = tmp_path_factory.mktemp("p").name  # a folder of its own for each example
    guide = quality_control(write_fit(f"{name}/g", run_of(GUIDE))).guide_set(who="a", why="b")
    one = c1(quality_control(write_fit(f"{name}/a", run_of(values, start=20)), guide=guide))
    values = [*values[:which], changed, *values[which + 1 :]]
    two = c1(quality_control(write_fit(f"{name}/b", run_of(values, start=20)), guide=guide))
    for column in ("mean", "sd", "guide_n"):
        assert one[column].tolist() == two[column].tolist()
    rest = [i for i in range(4) if i != which]
    assert one["z"][rest].tolist() == two["z"][rest].tolist()


def test_a_guide_of_another_unit_is_refused(write_fit, run_of, fake):
    guide = quality_control(write_fit("g", run_of(GUIDE))).guide_set(who="a", why="b")
    with pytest.raises(InputError, match="CK-564: the guide is in pg/mL, the plates are in ng/mL"):
        quality_control(write_fit("j", [fake("X", unit="ng/mL")]), guide=guide)


def test_plates_in_two_units_are_refused(write_fit, fake):
    folder = write_fit("j", [fake("X", unit="ng/mL"), fake("Y")])
    with pytest.raises(InputError, match="CK-564: the analyte stands in several units: ng/mL, pg"):
        quality_control(folder)


def test_a_guide_of_another_panel_is_refused(write_fit, run_of):
    guide = quality_control(write_fit("g", run_of(GUIDE))).guide_set(who="a", why="b")
    other = replace(guide, limits={("control", "C1", "TNF"): guide.limits["control", "C1", "IL-6"]})
    with pytest.raises(InputError, match="CK-568: the guide and the plates have no control"):
        quality_control(write_fit("j", run_of(GUIDE, start=20)), guide=other)


def test_plates_without_anything_to_chart_are_refused(write_fit):
    with pytest.raises(InputError, match="CK-568: the fits hold no control, blank or curve"):
        quality_control(write_fit("j", []))


def test_what_is_no_fit_is_refused():
    with pytest.raises(UsageError, match="CK-571: 3 is no fit"):
        quality_control([3])  # type: ignore[list-item]
    with pytest.raises(NothingToDoError, match="CK-560: no fitted plates were given"):
        quality_control([])


def test_it_shows_itself(judged):
    result = judged(0.0, 4.0)
    assert repr(result) == "<QualityControl: 2 plates, 2 judged by a guide of 10, 1 rejections>"
    assert "1-3s" in result._repr_html_()
