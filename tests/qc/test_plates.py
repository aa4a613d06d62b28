"""Folders found, plates told apart and put in the order of their runs."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from cytokit.errors import InputError, NothingToDoError, UsageError
from cytokit.qc.control import quality_control
from cytokit.qc.series import find_fits


def names(result) -> list[str]:
    return [plate.name for plate in result.plates]


def test_plates_stand_in_the_order_of_their_dates(write_fit, fake):
    one = write_fit("a", [fake("late", date="2024-03-01T09:00:00")])
    two = write_fit(
        "b", [fake("early", date="2024-01-01T09:00:00"), fake("mid", date="2024-02-01")]
    )
    assert names(quality_control([one, two])) == ["early", "mid", "late"]


def test_plates_without_a_date_come_last_as_given_and_are_named(write_fit, fake):
    folder = write_fit("a", [fake("x"), fake("dated", date="2024-01-01"), fake("y")])
    result = quality_control(folder)
    assert names(result) == ["dated", "x", "y"]
    flags = result.flags[result.flags["code"] == "qc_no_date"]
    assert flags["plate"].tolist() == ["x", "y"]
    assert "states no date" in flags["message"].iloc[0]


def test_folders_of_earlier_releases_have_no_dates(write_fit, fake):
    result = quality_control(write_fit("a", [fake("x", date="2024-01-01")], with_facts=False))
    assert result.flags["code"].tolist() == ["qc_no_date"]
    assert result.table["date"].tolist()[0] == ""


def test_an_open_date_is_read_as_other_plates_of_the_instrument_show(write_fit, fake):
    clear = {"instrument": "M1", "date_order": "dmy", "date_text": "15/02/2024"}
    open_ = {"instrument": "M1", "date_text": "3/2/2024"}
    folder = write_fit("a", [fake("c", date="2024-02-15", facts=clear), fake("o", facts=open_)])
    result = quality_control(folder)
    assert names(result) == ["o", "c"]
    assert result.plates[0].facts.date == "2024-02-03T00:00:00"
    assert result.flags["code"].tolist() == ["qc_date_order"]


def test_an_open_date_of_a_lone_instrument_stays_open(write_fit, fake):
    folder = write_fit("a", [fake("o", facts={"instrument": "M1", "date_text": "3/2/2024"})])
    result = quality_control(folder)
    assert "may be either of two days" in result.flags["message"].iloc[0]
    told = quality_control(folder, date_order="mdy")
    assert told.plates[0].facts.date == "2024-03-02T00:00:00"
    assert "as told" in told.flags["message"].iloc[0]


def test_an_unknown_date_order_is_refused(write_fit, fake):
    with pytest.raises(UsageError, match=r"CK-569.*did you mean 'mdy'"):
        quality_control(write_fit("a", [fake("x")]), date_order="mdyy")


def test_plates_of_one_name_are_told_apart_by_their_folder(write_fit, fake):
    one = write_fit("week1", [fake("plate", facts={"sha256": "1"})])
    two = write_fit("week2", [fake("plate", facts={"sha256": "2"})])
    assert names(quality_control([one, two])) == ["week1/plate", "week2/plate"]


def test_a_plate_given_twice_is_refused(write_fit, fake):
    one, two = write_fit("a", [fake("p")]), write_fit("b", [fake("p")])
    with pytest.raises(InputError, match="CK-563: plate 'p' stands in two fits"):
        quality_control([one, two])


def test_the_same_name_in_folders_of_the_same_name_is_refused(write_fit, fake):
    one = write_fit("x/run", [fake("p", facts={"sha256": "1"})])
    two = write_fit("y/run", [fake("p", facts={"sha256": "2"})])
    with pytest.raises(InputError, match="CK-563: several plates are called run/p"):
        quality_control([one, two])


def test_a_lot_that_is_not_stated_is_a_stretch_of_its_own(write_fit, fake):
    plates = [fake(f"p{i}", date=f"2024-01-0{i + 1}", lots=lots)
              for i, lots in enumerate(({"Kit": "A"}, {}, {"Kit": "A"}))]  # fmt: skip
    result = quality_control(write_fit("a", plates))
    assert [plate.segment for plate in result.plates] == [0, 1, 2]
    assert result.steps.empty  # nobody says that the lot changed


def test_a_folder_of_folders_is_searched(write_fit, fake, tmp_path):
    write_fit("all/b", [fake("p2", date="2024-01-02")])
    write_fit("all/deep/a", [fake("p1", date="2024-01-01")])
    (tmp_path / "all" / ".hidden").mkdir()
    assert [path.name for path in find_fits([tmp_path / "all"])] == ["b", "a"]
    assert names(quality_control(tmp_path / "all")) == ["p1", "p2"]


def test_an_empty_folder_holds_nothing_to_do(tmp_path):
    with pytest.raises(NothingToDoError, match="CK-560: no fitted plates were found"):
        find_fits([tmp_path])


def test_all_wrong_folders_are_named_together(write_fit, tmp_path, fake):
    (tmp_path / "file.csv").write_text("x")
    other = write_fit("c", [fake("p")])
    manifest = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps({**manifest, "command": "compare"}))
    with pytest.raises(InputError) as caught:
        find_fits([tmp_path / "none", tmp_path / "file.csv", other])
    assert [problem.what for problem in caught.value.problems] == [
        "no such folder",
        "a file, not a folder",
        "a folder written by `cytokit compare`, not by `cytokit fit`",
    ]


@pytest.mark.parametrize("name", ["wells.csv", "standards.csv", "curves.csv", "samples.csv"])
def test_a_table_that_is_lost_or_changed_is_named(write_fit, fake, name):
    folder = write_fit("a", [fake("p")])
    (folder / name).write_text("plate\nP1\n")
    with pytest.raises(InputError, match=r"CK-595: ") as it:
        quality_control(folder)
    assert name in str(it.value)
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"CK-279: the folder has no {name}"):
        quality_control(folder)


def _sealed_again(folder, name, content):
    """Change a table and its hash: what a damaged disk or another release might leave."""
    from cytokit.folder import sha256_of

    (folder / name).write_bytes(content)
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["outputs"]:
        if entry["name"] == name:
            entry["sha256"] = sha256_of(folder / name)
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"plate,analyte\nP,IL-6\n", "the table lacks the columns level, expected"),
        (b"", "the table lacks the columns plate"),
        (b"\xff\xfe\x00", "the table is damaged"),
        (
            b"plate,analyte,level,expected,mfi,recovery_pct\nP,IL-6\n",
            "line 2 has not as many cells",
        ),
    ],
)
def test_a_damaged_table_is_named(write_fit, fake, content, said):
    folder = write_fit("a", [fake("p")])
    _sealed_again(folder, "standards.csv", content)
    with pytest.raises(InputError, match=f"CK-280: {said}"):
        quality_control(folder)


def test_a_folder_without_a_manifest_is_no_fit(write_fit, fake):
    from cytokit.qc.series import read_fit

    folder = write_fit("a", [fake("p")])
    (folder / "manifest.json").unlink()
    with pytest.raises(InputError, match="CK-561: not a finished folder of `cytokit fit`"):
        read_fit(folder)


def test_names_guarded_against_spreadsheets_come_back(write_fit, fake):
    plate = replace(fake("p"), controls={"'=C1": (5.0,)})
    assert "=C1" in set(quality_control(write_fit("a", [plate])).table["level"])
