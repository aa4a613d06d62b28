"""The guide: locked once, sealed, read back to the letter."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from cytokit.errors import InputError, OutputError, UsageError
from cytokit.qc.control import quality_control
from cytokit.qc.guide import chance_beyond, lock_guide, read_guide

VALUES = [95.0, 101.0, 99.0, 104.0]


@pytest.fixture
def guide(write_fit, run_of):
    return quality_control(write_fit("g", run_of(VALUES))).guide_set(
        who="A. Müller", why="plates of the validation"
    )


def test_a_locked_guide_reads_back_the_same(guide, tmp_path):
    locked = lock_guide(guide, tmp_path / "guide.json")
    again = read_guide(tmp_path / "guide.json")
    assert again == locked
    assert again.sha256 == locked.sha256
    assert (again.who, again.why) == ("A. Müller", "plates of the validation")
    assert [plate["name"] for plate in again.plates] == ["P000", "P001", "P002", "P003"]
    assert {plate["sha256"] for plate in again.plates} >= {"hash of P000"}
    assert again.plates[0]["lots"] == {"Kit": "A"}
    assert again.limits["control", "C1", "IL-6"].n == 4


def test_it_is_never_overwritten(guide, tmp_path):
    path = tmp_path / "guide.json"
    lock_guide(guide, path)
    before = path.read_bytes()
    with pytest.raises(UsageError, match="CK-566: the guide exists"):
        lock_guide(guide, path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.glob(".cytokit-*")] == []


def test_a_name_taken_meanwhile_is_not_replaced(guide, tmp_path, monkeypatch):
    path = tmp_path / "guide.json"
    seen = []

    def late(goal):
        seen.append(goal)
        if len(seen) == 1:
            goal.write_text("another's")
            return
        raise UsageError(*_problem())

    def _problem():
        from cytokit.errors import Problem

        return (Problem("CK-566", "the guide exists"),)

    monkeypatch.setattr("cytokit.qc.guide.refuse_existing", late)
    with pytest.raises(UsageError, match="CK-566"):
        lock_guide(guide, path)
    assert path.read_text() == "another's"


def test_a_disk_without_links_takes_a_guide_too(guide, tmp_path, monkeypatch):
    def no_links(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    lock_guide(guide, tmp_path / "guide.json")
    assert read_guide(tmp_path / "guide.json").limits == guide.limits
    assert [one.name for one in tmp_path.glob(".cytokit-*")] == []


def test_a_folder_that_is_not_there_is_named(guide, tmp_path):
    with pytest.raises(OutputError, match="CK-570: the guide cannot be written: No such file"):
        lock_guide(guide, tmp_path / "none" / "guide.json")


@pytest.mark.parametrize(("who", "why", "said"), [("", "b", "who"), ("a", "  ", "why")])
def test_who_and_why_must_be_said(write_fit, run_of, who, why, said):
    result = quality_control(write_fit("g", run_of(VALUES)))
    with pytest.raises(UsageError, match=f"CK-567: a guide is locked without saying {said}"):
        result.guide_set(who=who, why=why)


def test_a_guide_that_was_changed_is_refused(guide, tmp_path):
    path = tmp_path / "guide.json"
    lock_guide(guide, path)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["series"][0]["sd"] = 9.0
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match="CK-565: the guide was changed after it was locked"):
        read_guide(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "it is no JSON"),
        (b"{", "it is no JSON"),
        (b"[]", "not a guide of the form"),
        (b'{"schema": "cytokit-manifest-1"}', "not a guide of the form"),
    ],
)
def test_a_file_that_is_no_guide_is_refused(tmp_path, content, said):
    path = tmp_path / "guide.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"CK-565.*{said}"):
        read_guide(path)


def test_no_such_guide(tmp_path):
    with pytest.raises(InputError, match="CK-565: the guide cannot be read: no such file"):
        read_guide(tmp_path / "none.json")


def test_it_shows_what_it_is(guide):
    assert repr(guide) == "<provisional Guide of 4 plates, 13 series>"


def test_false_alarms_of_a_small_guide_are_as_many_as_it_says():
    rng = np.random.default_rng(8)
    for n in (5, 12):
        guides = rng.standard_normal((20_000, n))
        z = (rng.standard_normal(20_000) - guides.mean(axis=1)) / guides.std(axis=1, ddof=1)
        for times in (2.0, 3.0):
            assert (np.abs(z) > times).mean() == pytest.approx(chance_beyond(n, times), abs=0.005)


@pytest.mark.parametrize(
    ("change", "levels"),
    [
        ({"lots": {"C1": "B"}}, ["C1 (lot A)", "C1 (lot B)"]),
        ({"nominal": 250.0}, ["C1 (lot A, nominal 100)", "C1 (lot A, nominal 250)"]),
        ({"facts": {"panel": "Rat"}}, ["C1 (lot A, panel Human)", "C1 (lot A, panel Rat)"]),
    ],
)
def test_controls_of_other_materials_are_not_joined_and_make_no_guide(
    write_fit, fake, change, levels
) -> None:
    plain = {"lots": {"C1": "A"}, "nominal": 100.0, "facts": {"panel": "Human"}}
    plates = [fake(f"P{n}", **plain) for n in range(3)]
    plates += [fake(f"P{n}", **{**plain, **change}) for n in range(3, 6)]
    result = quality_control(write_fit("mixed", plates))
    controls = result.table[result.table["series"] == "control"]
    found = controls[controls["level"].str.startswith("C1")]
    assert list(dict.fromkeys(found["level"])) == levels
    assert found.groupby("level").size().tolist() == [3, 3]
    with pytest.raises(InputError, match="CK-528") as caught:
        result.guide_set(who="QA", why="all of them")
    assert f"C1 is several materials on these plates: {', '.join(levels)}" in str(caught.value)
    assert "lock a guide for each lot and panel" in str(caught.value)


def test_a_name_with_brackets_is_a_name(write_fit, fake) -> None:
    controls = {"QC (low)": (100.0,), "QC (high)": (1000.0,)}
    plates = [fake(f"P{n}", controls=controls, nominal=5.0) for n in range(3)]
    guide = quality_control(write_fit("named", plates)).guide_set(who="QA", why="sound")
    assert ("control", "QC (low)", "IL-6") in guide.limits


def test_another_lot_of_a_control_is_not_judged_by_the_guides(write_fit, fake) -> None:
    old = [fake(f"P{n}", lots={"C1": "A"}, controls={"C1": (100.0 + n,)}) for n in range(3)]
    guide = quality_control(write_fit("old", old)).guide_set(who="QA", why="sound")
    new = [fake("P9", lots={"C1": "B"}, controls={"C1": (900.0,)})]
    result = quality_control(write_fit("new", new), guide=guide)
    row = result.table[result.table["series"] == "control"].iloc[0]
    assert row["level"] == "C1 (lot B)"
    assert pd.isna(row["z"])
    assert "qc_no_limits" in set(result.flags["code"])
