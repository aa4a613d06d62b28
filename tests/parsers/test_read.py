"""Files, folders and globs to plates; exactly one family; every refusal with its message."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from cytokit.errors import FormatError, InputError, NothingToDoError
from cytokit.parsers.read import distinct_names, find_plates, read_file, read_plate, read_plates
from cytokit.parsers.registry import PARSERS, Parser, parser, recognise
from cytokit.results.write import write_trial
from cytokit.schema import TABLES
from cytokit.simulate.trials import simulate_trial
from cytokit.sources.raw import RawFile

Write = Callable[..., str]
Save = Callable[..., Path]

DESIGN = "sample,subject,group,day\nP1,1,a,0\n"
LAYOUT = "well,sample,type\nA1,P1,unknown\n"


def test_two_families_of_one_name_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="two parsers are called 'xponent'"):
        parser("xponent", "Another", sniff=bool)


def test_a_file_of_no_family_says_what_was_looked_for(saved: Save) -> None:
    with pytest.raises(FormatError, match="CK-103: no known plate export") as caught:
        read_plate(saved("Dear reader,\nno plate here.\n", "letter.txt"))
    message = str(caught.value)
    assert "it begins with 'Dear reader,'" in message
    assert all(family.title in message for family in PARSERS.values())
    assert caught.value.exit_code == 3


def test_a_file_that_two_families_claim_is_refused(
    xponent: Write, saved: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Parser("other", "Other", sniff=bool, read=list)
    monkeypatch.setitem(PARSERS, "other", other)
    with pytest.raises(
        FormatError, match="CK-104: several families claim this file: xponent and oth"
    ):
        read_plate(saved(xponent()))


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"", "CK-101", "the file is empty"),
        (b"%PDF-1.4\n\x00\x01", "CK-102", "this is a PDF, not a plate export"),
        (b"\x89PNG\r\n\x1a\n\x00", "CK-102", "this is a PNG picture"),
        (DESIGN.encode(), "CK-103", "this is a study design, not a plate"),
        (LAYOUT.encode(), "CK-103", "this is a layout file, not a plate"),
    ],
)
def test_other_files_are_called_by_their_name(
    saved: Save, content: bytes, code: str, words: str
) -> None:
    with pytest.raises(FormatError, match=code) as caught:
        read_plate(saved(content))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("content", "what", "mend"),
    [
        (LAYOUT, "this is a layout file, not a plate", "give it with --layout"),
        (DESIGN, "this is a study design, not a plate", "give it with --design"),
        (
            "subject,group,day,IL-6\na1,drug,0,10\na1,drug,6,40\n",
            "this is probably a table of concentrations with its design, not a plate",
            "it goes to 'cytokit compare'; a design alone, to --design",
        ),
        ("sample,IL-6,TNF\nP1,5.2,<3\n", "this is probably a table of concentrations", "compare"),
        ("SampleID;OlinkID;Assay;NPX\nP1;OID1;IL6;1.2\n", "this is probably", "compare"),
        ('Location,Sample,IL-6\n"1(1,A1)",P1,5\n', "this is a table of an xPONENT", "export the"),
    ],
)
def test_a_file_that_is_known_is_told_where_it_goes_and_nothing_else(
    saved: Save, content: str, what: str, mend: str
) -> None:
    with pytest.raises(FormatError, match="CK-103") as caught:
        read_plate(saved(content, "other.csv"))
    (problem,) = caught.value.problems
    assert problem.what.startswith(what)
    assert mend in problem.mend
    assert "looked for" not in problem.mend


def reader(value: str, head: str = "", end: str = "") -> str:
    """A plate reader's grid, as text between tabs."""
    rows = ["\t".join(["", *map(str, range(1, 13))])]
    rows += ["\t".join([letter, *[value] * 12]) + end for letter in "ABCDEFGH"]
    return head + "\n".join(rows) + "\n"


MSD = "Plate Name,Sample,Assay,Well,Spot,Dilution,Concentration,Signal,Calc. Concentration\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (MSD + "Plate_1,S001,IL-6,A01,1,,2000,18789,2010\n", "MSD's Discovery Workbench"),
        ("Sample;Well;Assay;Signal\nU1;A1;IL-6;900\n", "MSD's Discovery Workbench"),
        (reader("0.05", "Software Version\t3.12\n"), "a plate reader's export"),
        (reader("0,05"), "a plate reader's export"),
        (reader("15234", "Fluorescence\n"), "a plate reader's export"),
        (reader("15234", "", "\t450"), "a plate reader's export"),
        ("Well,Sample,Absorbance\nA1,P1,0.4\n", "a plate reader's export"),
        ("EventNo,RID,RP1,CL1,CL2,DD\n1,12,500,3,4,9\n", "the beads of one well"),
        ("SampleID;OlinkID;Assay;NPX\nP1;OID1;IL6;1.2\n", "Olink's"),
        ('Location,Sample,IL-6\n"1(1,A1)",P1,5\n', "without its 'DataType' line"),
        ("sample,IL-6,TNF\nP1,5.2,<3\n", "a table of concentrations, not a plate"),
        ("subject,group,day,analyte,conc\n1,a,0,IL-6,5\n", "a table of concentrations"),
        ("Well,Sample,Concentration\nA1,P1,5\n", "a table of concentrations"),
    ],
)
def test_files_of_other_platforms_are_never_called_layouts(
    saved: Save, tmp_path: Path, content: str, words: str
) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    for line in content.splitlines():
        book.active.append(re.split(r"[\t;]", line) if "," not in line else line.split(","))
    book.save(tmp_path / "other.xlsx")
    files = [saved(content, "other.csv")]
    files += [] if "1(1" in content or "0,05" in content else [tmp_path / "other.xlsx"]
    for file in files:
        with pytest.raises(FormatError, match="CK-103: this is ") as caught:
            read_plate(file)
        assert words in str(caught.value)
        assert "layout" not in str(caught.value)
        if "Olink" in words or "MSD" in words or "table of" in words:
            assert "cytokit compare" in str(caught.value)


def test_the_cases_of_other_platforms(cases: Path) -> None:
    for name, words in (("msd_workbench.csv", "MSD"), ("gen5_elisa.txt", "plate reader")):
        with pytest.raises(FormatError, match="CK-103") as caught:
            read_plate(cases / "files" / name)
        assert words in str(caught.value)
        assert "cytokit compare" in str(caught.value)


def test_missing_files_and_folders(tmp_path: Path, xponent: Write, saved: Save) -> None:
    file = saved(xponent(), "plate_1.csv")
    with pytest.raises(InputError, match="CK-100: no such file") as caught:
        read_plate(tmp_path / "plate_11.csv")
    assert "did you mean 'plate_1.csv'?" in str(caught.value)
    with pytest.raises(InputError, match="CK-115: a folder, not a plate"):
        read_plate(tmp_path)
    (tmp_path / "manifest.json").write_text('{"command": "fit"}')
    for read in (read_plate, read_plates):
        with pytest.raises(InputError, match="CK-118: a folder of results"):
            read(tmp_path)
    assert [plate.name for plate in read_plates(file)] == ["batch 1"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("manifest.json", '{"command": "compare"}', "its manifest.json says 'cytokit compare'"),
        ("samples.csv", ",".join(TABLES["samples"].names), "it holds samples.csv"),
        ("comparisons.csv", ",".join(TABLES["comparisons"].names), "it holds comparisons.csv"),
    ],
)
def test_folders_of_results_are_refused(
    tmp_path: Path, xponent: Write, saved: Save, name: str, content: str, words: str
) -> None:
    saved(xponent(), "plate.csv")
    saved(content + "\n", name)
    with pytest.raises(InputError, match="CK-118: a folder of results") as caught:
        read_plates(tmp_path)
    assert words in str(caught.value)


@pytest.mark.parametrize("content", ["{}", "[]", '{"command": "simulate"}', "{", "\ufeff[" * 99])
def test_other_manifests_and_a_laboratorys_own_samples_are_no_results(
    tmp_path: Path, xponent: Write, saved: Save, content: str
) -> None:
    saved(xponent(), "plate.csv")
    saved(content, "manifest.json")
    saved("Nr,donor\n1,a\n", "samples.csv")
    assert len(read_plates(tmp_path)) == 1


def test_a_simulated_trial_is_a_folder_of_plates(tmp_path: Path) -> None:
    trial = simulate_trial(seed=3, subjects=4, analytes=["IL-6", "TNFa"])
    goal = tmp_path / "my_trial"
    write_trial(trial.files("xponent"), goal, options={"seed": 3}, force=False)
    assert read_plates(goal)
    reasons = {other.name: other.reason for other in find_plates(goal).others}
    assert reasons["manifest.json"] == "this is a JSON file, not a plate export"
    assert reasons["README.md"] == "this is a page of text (Markdown), not a plate export"
    assert reasons["design.csv"].startswith("a study design, not a plate")
    assert "it begins with 'analyte,unit,ratio'" in reasons["truth.csv"]


PAGE = """{start}Bio-Plex Manager writes `File Name:`, `Analyte:`, `DataType:` and `Std. Curve:`.

| Analyte | Type | Well | FI | FI - Bkgd | Obs Conc | Exp Conc |
|---------|------|------|----|-----------|----------|----------|
| IL-6 (19) | X1 | A1 | 12 | 10 | 3.5 | |

Analyte: IL-6 (19)
Std. Curve: FI = 1 + (2 - 1) / ((1 + (Conc / 3)^-1))^1
DataType:,Median
Location,Sample,IL-6
"""


@pytest.mark.parametrize(
    "text",
    [
        PAGE.format(start="# The formats\n\n"),
        PAGE.format(start=""),
        PAGE.format(start="").replace("|----", "|    ").replace("-", "\u2013"),
        "Exports\n\n```\nType\tWell\tFI\tObs Conc\nX1\tA1\t12\t3\n```\n",
        "The head is Type\tWell\tFI\tObs Conc, for example:\n\nType\tWell\tFI\tObs Conc\n"
        "and\tso on, see Analyte: and Std. Curve:\tabove\n",
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_documentation_that_quotes_exports_is_claimed_by_nobody(text: str, newline: str) -> None:
    raw = RawFile("FORMATS.md", text.replace("\n", newline).encode())
    with pytest.raises(FormatError, match=r"CK-10[23]"):
        recognise(raw)


def test_recognising_splits_only_the_head_of_a_file(
    xponent: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = RawFile("plate.csv", (xponent() + "tail,1\n" * 50_000).encode())
    monkeypatch.setattr(RawFile, "rows", property(lambda _: pytest.fail("the whole was split")))
    assert recognise(raw).name == "xponent"
    letter = RawFile("letter.txt", b'Dear "reader,"\nno plate,"here\n')
    with pytest.raises(FormatError, match="CK-103"):
        recognise(letter)


def test_folders_and_globs_are_expanded_and_others_are_listed(
    tmp_path: Path, xponent: Write, saved: Save, caplog: pytest.LogCaptureFixture
) -> None:
    saved(xponent(batch="one"), "b.csv")
    saved(xponent(batch="two"), "a.csv")
    saved(DESIGN, "design.csv")
    saved(LAYOUT, "layout.csv")
    saved("hello\n", "notes.txt")
    saved(xponent(), ".hidden.csv")
    with caplog.at_level(logging.WARNING, logger="cytokit"):
        plates = read_plates(tmp_path)
    assert [plate.name for plate in plates] == ["two", "one"]
    found = find_plates(tmp_path)
    assert [Path(file).name for file in found.files] == ["a.csv", "b.csv"]
    reasons = {other.name: other.reason for other in found.others}
    assert set(reasons) == {"design.csv", "layout.csv", "notes.txt", ".hidden.csv"}
    assert "study design" in reasons["design.csv"]
    assert "layout file" in reasons["layout.csv"]
    assert reasons[".hidden.csv"] == "a hidden or lock file"
    assert all(name in caplog.text for name in reasons)
    assert [p.name for p in read_plates(str(tmp_path / "[ab].csv"))] == ["two", "one"]
    both = [tmp_path / "b.csv", str(tmp_path / "*.csv")]
    assert [plate.name for plate in read_plates(both)] == ["one", "two"], "each file once"


def test_nothing_found_is_never_a_success(tmp_path: Path, saved: Save) -> None:
    saved("hello\n", "notes.txt")
    with pytest.raises(NothingToDoError, match="CK-119: no plate was found") as caught:
        read_plates(tmp_path)
    assert caught.value.exit_code == 4
    assert "notes.txt: no known plate export" in str(caught.value)
    assert "xPONENT blocks" in str(caught.value)
    with pytest.raises(NothingToDoError, match="CK-119"):
        read_plates(str(tmp_path / "*.xls"))
    with pytest.raises(NothingToDoError, match="no path was given"):
        read_plates([])


def test_all_damaged_plates_of_a_call_are_reported_together(
    tmp_path: Path, xponent: Write, saved: Save
) -> None:
    saved(xponent(), "good.csv")
    saved(xponent(footer=False), "cut_1.csv")
    saved(xponent(footer=False), "cut_2.csv")
    with pytest.raises(InputError) as caught:
        read_plates(tmp_path)
    assert str(caught.value).count("CK-120") == 2
    assert "cut_1.csv" in str(caught.value)
    with pytest.raises(InputError) as caught:
        read_plates([tmp_path / "no_1.csv", tmp_path / "no_2.csv"])
    assert str(caught.value).count("CK-100") == 2


def test_plates_of_one_name_get_their_files_stem(xponent: Write, saved: Save) -> None:
    first, second = saved(xponent(), "run_1.csv"), saved(xponent(footer=True), "run_2.csv")
    plates = read_plates([first, second])
    assert [plate.name for plate in plates] == ["batch 1 (run_1)", "batch 1 (run_2)"]
    twice = distinct_names([*read_file(first), *read_file(first)])
    assert [plate.name for plate in twice] == ["batch 1 (run_1)", "batch 1 (run_1) 2"]
    file = saved(xponent(samples=["B", "S"] + ["x"] * 6), "run_3.csv")
    renamed = distinct_names([*read_file(file), *read_file(second)])[0]
    assert {finding.plate for finding in renamed.findings} == {"batch 1 (run_3)"}


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\plates\\one", "a/b"])
def test_path_like_plate_names_are_only_names(
    xponent: Write, saved: Save, name: str, tmp_path: Path
) -> None:
    before = sorted(tmp_path.parent.iterdir())
    assert read_plate(saved(xponent(batch=name))).name == name
    assert sorted(tmp_path.parent.iterdir()) == before


def test_a_file_without_a_batch_name_is_called_by_its_stem(xponent: Write, saved: Save) -> None:
    assert read_plate(saved(xponent(batch=""), "tuesday.csv")).name == "tuesday"


def test_the_family_is_decided_by_content_not_by_ending(xponent: Write, saved: Save) -> None:
    assert read_plate(saved(xponent(), "plate.xls")).source.format == "xponent"
    raw = RawFile("x.xlsx", xponent().encode())
    assert recognise(raw).name == "xponent"
    program = ("Program", "xPONENT", "", "Intelliflex")
    assert recognise(RawFile("x", xponent(program=program).encode())).name == "intelliflex_blocks"


def test_bundled_plates_are_claimed_by_their_own_parser_alone() -> None:
    folder = Path(__file__).resolve().parents[2] / "example_plates"
    for file in sorted(folder.glob("plate_*.csv")):
        raw = RawFile.open(file)
        assert [one.name for one in PARSERS.values() if one.sniff(raw)] == ["xponent"]
