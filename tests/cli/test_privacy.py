"""--pseudonyms: no byte of any output holds a sample's real name."""

from __future__ import annotations

import json
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from cytokit.plate import Plate
from cytokit.report.tables import table_bytes
from cytokit.results.verify import verify
from cytokit.schema import WellType
from cytokit.simulate.exports import WRITERS
from cytokit.simulate.trials import SimulatedTrial, simulate_trial
from cytokit.trial.compare import compare
from cytokit.trial.study import Study

#: stands in every real name of the trial below and nowhere else
FAMILY = "Quackenbush"


@pytest.fixture(scope="module")
def trial() -> SimulatedTrial:
    """A small trial whose samples and subjects have people's names."""
    made = simulate_trial(seed=3, subjects=8, analytes=["IL-6", "TNFa"], deaths=(0, 1))
    design = made.design.assign(
        subject=FAMILY + " " + made.design["subject"],
        sample=[f"{FAMILY} {name}" if name else "" for name in made.design["sample"]],
    )
    return replace(made, plates=tuple(map(_named, made.plates)), design=design)


def _named(plate: Plate) -> Plate:
    wells = plate.wells
    unknown = wells["well_type"] == "unknown"
    return replace(
        plate,
        wells=wells.assign(sample=wells["sample"].mask(unknown, FAMILY + " " + wells["sample"])),
    )


@pytest.fixture
def study(trial: SimulatedTrial, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the pseudonyms and the design."""
    names = [*trial.design["sample"], *trial.design["subject"]]
    real = [name for name in dict.fromkeys(names) if name]
    codes = [f"P{number:03d}" for number in range(len(real))]
    pd.DataFrame({"sample": real, "pseudonym": codes}).to_csv(tmp_path / "names.csv", index=False)
    trial.design.to_csv(tmp_path / "design.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_plates(trial: SimulatedTrial, export_format: str) -> list[str]:
    """The words of a command line that name the plates."""
    writer = WRITERS[export_format]
    words = []
    for plate in trial.plates:
        file = Path(f"{plate.name}.{writer.suffix}")
        file.write_bytes(writer.write(plate))
        words.append(str(file))
    for companion in writer.companions:
        Path(companion.name).write_bytes(companion.write(trial.plates))
    if writer.companions:
        words += ["--layout", writer.companions[-1].name]
    return words


def contents(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file, every member of every zip, every stream of every PDF."""
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        data = file.read_bytes()
        yield file.name, data
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                yield from (
                    (f"{file.name}/{name}", archive.read(name)) for name in archive.namelist()
                )
        if data.startswith(b"%PDF"):
            for part in data.split(b"stream\n")[1::2]:
                try:
                    yield f"{file.name}, a stream", zlib.decompress(part.split(b"\nendstream")[0])
                except zlib.error:
                    continue  # not compressed: the file itself was looked through


def holding(folder: Path, word: str = FAMILY) -> list[str]:
    """Where a word stands, in any of the encodings our files have."""
    spelled = [word.casefold().encode(code) for code in ("utf-8", "utf-16-le", "utf-16-be")]
    return [name for name, data in contents(folder) if any(one in data.lower() for one in spelled)]


@pytest.mark.parametrize(
    "export_format",
    [
        "xponent",
        "bioplex",
        "is23",
        pytest.param("intelliflex", marks=pytest.mark.slow),
        pytest.param("intelliflex-wide", marks=pytest.mark.slow),
        pytest.param("bioplex-statistic", marks=pytest.mark.slow),
    ],
)
def test_no_output_of_fit_holds_a_real_name(
    run, study: Path, trial: SimulatedTrial, export_format: str
) -> None:
    words = write_plates(trial, export_format)
    outcome = run("fit", *words, "--out", "run1", "--pseudonyms", "names.csv")
    assert outcome.code == 0, outcome.err
    assert holding(study / "run1") == []
    samples = pd.read_csv(study / "run1/samples.csv")
    assert (
        samples["sample"].str.fullmatch(r"P\d{3}").sum() == 2 * (trial.design["sample"] != "").sum()
    )
    assert FAMILY not in outcome.out + outcome.err


def test_without_pseudonyms_the_names_are_there(run, study: Path, trial: SimulatedTrial) -> None:
    """What makes the test above worth something."""
    assert run("fit", *write_plates(trial, "xponent"), "--out", "run1").code == 0
    found = holding(study / "run1")
    assert {"samples.csv", "wells.csv", "report.html"} <= set(found)
    assert any(name.startswith("results.xlsx/") for name in found)


def test_no_output_of_compare_holds_a_real_name(run, study: Path, trial: SimulatedTrial) -> None:
    words = write_plates(trial, "xponent")
    assert run("fit", *words, "--out", "run1", "--pseudonyms", "names.csv").code == 0
    outcome = run("compare", "run1", "--design", "design.csv", "--pseudonyms", "names.csv")
    assert outcome.code == 0, outcome.err
    assert holding(study / "cytokit_compare") == []
    listed = json.loads((study / "cytokit_compare/manifest.json").read_text())["inputs"]
    assert [entry["role"] for entry in listed] == ["fit folder", "design", "pseudonyms"]


@pytest.mark.slow
def test_a_comparison_verifies(run, study: Path, trial: SimulatedTrial) -> None:
    assert run("fit", *write_plates(trial, "xponent"), "--out", "run1").code == 0
    assert run("compare", "run1", "--design", "design.csv", "--pseudonyms", "names.csv").code == 0
    assert verify("cytokit_compare").identical
    shutil.move(study / "names.csv", study / "elsewhere.csv")
    assert verify("cytokit_compare").differences == ("input names.csv is missing",)


def test_a_fit_verifies_with_its_pseudonyms(run, study: Path, trial: SimulatedTrial) -> None:
    words = write_plates(trial, "xponent")
    assert run("fit", *words, "--out", "run1", "--pseudonyms", "names.csv").code == 0
    assert verify("run1").identical
    shutil.move(study / "names.csv", study / "elsewhere.csv")
    assert verify("run1").differences == ("input names.csv is missing",)
    (study / "names.csv").write_text("sample,pseudonym\nA,B\n")
    assert verify("run1").differences == ("input names.csv has changed since the run",)


@pytest.mark.slow
def test_a_fit_with_names_is_compared_with_pseudonyms(
    run, study: Path, trial: SimulatedTrial
) -> None:
    assert run("fit", *write_plates(trial, "xponent"), "--out", "run1").code == 0
    words = ["run1", "--design", "design.csv", "--pseudonyms", "names.csv"]
    assert run("compare", *words).code == 0
    assert holding(study / "cytokit_compare") == []
    # the same study, named otherwise: the same numbers
    named = compare(Study("run1", "design.csv"), reference="control")
    assert table_bytes(named.table) == Path("cytokit_compare/comparisons.csv").read_bytes()
    assert table_bytes(named.summary) == Path("cytokit_compare/summary.csv").read_bytes()


@pytest.mark.slow
def test_the_specification_panel(run, study: Path, trial: SimulatedTrial) -> None:
    """It reads the plates anew, with the pseudonyms that the comparison was given."""
    assert run("fit", *write_plates(trial, "xponent"), "--out", "run1").code == 0
    words = ["--design", "design.csv", "--pseudonyms", "names.csv", "--sensitivity"]
    outcome = run("compare", "run1", *words)
    assert outcome.code == 0, outcome.err
    assert holding(study / "cytokit_compare") == []
    assert "MFI" in set(pd.read_csv("cytokit_compare/sensitivity.csv")["data"])


def test_another_pseudonyms_file_than_the_fits(run, study: Path, trial: SimulatedTrial) -> None:
    words = write_plates(trial, "xponent")
    assert run("fit", *words, "--out", "run1", "--pseudonyms", "names.csv").code == 0
    table = pd.read_csv("names.csv")
    table.assign(pseudonym=table["pseudonym"].tolist()[::-1]).to_csv("other.csv", index=False)
    outcome = run("compare", "run1", "--design", "design.csv", "--pseudonyms", "other.csv")
    assert outcome.code == 3
    assert "CK-588: it was made with another pseudonyms file than other.csv" in outcome.err


@pytest.mark.slow
def test_a_plain_table(run, study: Path, trial: SimulatedTrial) -> None:
    truth = trial.true_concentrations.assign(
        sample=FAMILY + " " + trial.true_concentrations["sample"]
    )
    truth.loc[0, "concentration"] = float("nan")
    text = truth.to_csv(index=False).replace(",IL-6,\n", f",IL-6,see {FAMILY}\n")
    Path("table.csv").write_text(text)
    words = ["--design", "design.csv", "--pseudonyms", "names.csv"]
    outcome = run("compare", "table.csv", *words)
    assert outcome.code == 0, outcome.err
    assert holding(study / "cytokit_compare") == []


def test_convert(run, study: Path, trial: SimulatedTrial) -> None:
    words = write_plates(trial, "xponent")
    (study / "tidy").mkdir()
    for goal in ("tidy/tidy.csv", "tidy/tidy.xlsx"):
        assert run("convert", *words, "--to", goal, "--pseudonyms", "names.csv").code == 0
    assert holding(study / "tidy") == []


def test_names_that_are_not_listed_stop_everything(run, study: Path, trial: SimulatedTrial) -> None:
    pd.read_csv("names.csv").iloc[4:].to_csv("few.csv", index=False)
    words = write_plates(trial, "xponent")
    outcome = run("fit", *words, "--out", "run1", "--pseudonyms", "few.csv")
    assert outcome.code == 3
    assert "CK-585: 4 names have no pseudonym in few.csv: well " in outcome.err
    assert "and 1 more" in outcome.err
    assert FAMILY not in outcome.err
    assert not (study / "run1").exists()


def test_a_name_in_the_plates_file_is_refused(run, study: Path, trial: SimulatedTrial) -> None:
    (words,) = write_plates(trial, "xponent")
    file = f"{FAMILY} S01-D0.csv"
    shutil.move(words, file)
    outcome = run("fit", file, "--out", "run1", "--pseudonyms", "names.csv")
    assert outcome.code == 3
    assert "CK-596: the path of the plate's file holds the real name of 'P000'" in outcome.err
    assert FAMILY not in outcome.err
    assert not (study / "run1").exists()


@pytest.mark.parametrize("spelled", ["{0} S01-D0", "{0}  s01-d0", "x_{0}-S01_D0", "\u00e9 {0} S01"])
def test_a_name_in_the_header_reaches_nothing(
    run, study: Path, trial: SimulatedTrial, spelled: str
) -> None:
    """Serial number, batch lines, lots, operator, protocol: all that the manifest records."""
    (words,) = write_plates(trial, "xponent")
    text = Path(words).read_text()
    name = spelled.format(FAMILY)
    lines = ("SN", "Operator", "ProtocolName", "Standard Lot", "PanelName", "BatchStartTime")
    added = "".join(f'"{line}","{name}"\n' for line in (*lines, "Control Lot"))
    Path(words).write_text(text.replace('"Operator",""\n', added, 1), encoding="utf-8")
    assert run("fit", words, "--out", "plain").code == 0
    assert "manifest.json" in holding(study / "plain")
    outcome = run("fit", words, "--out", "run1", "--pseudonyms", "names.csv")
    assert outcome.code == 0, outcome.err
    assert holding(study / "run1") == []
    flags = pd.read_csv("run1/flags.csv").query("code == 'header_left_out'")
    assert "lines of the export's header hold a listed name" in flags["message"].item()


def test_a_reason_that_names_a_sample(run, study: Path, trial: SimulatedTrial) -> None:
    words = write_plates(trial, "xponent")
    Path("out.csv").write_text(
        f"plate,well,analyte,reason,who\n,C3,,bubble,kb\n,C4,,{FAMILY} S01-D0 spilled it,kb\n"
    )
    outcome = run("fit", *words, "--exclude", "out.csv", "--pseudonyms", "names.csv")
    assert outcome.code == 3
    assert "CK-587: a reason names a sample" in outcome.err
    assert "out.csv, line 3" in outcome.err


def test_what_the_export_says_in_its_own_words(run, study: Path, trial: SimulatedTrial) -> None:
    """Operator, description, warnings, damaged cells, and names that the layout replaced."""
    (words,) = write_plates(trial, "xponent")
    text = Path(words).read_text()
    wells = trial.plates[0].of_type(WellType.UNKNOWN).drop_duplicates("well")
    first = next(line for line in text.splitlines() if f"{FAMILY} S01-D0" in line)
    cells = first.split(",")
    warnings = f'"Warnings/Errors"\n"Location","Status","Message"\n"1,A1","Warning","{FAMILY} ran"'
    for old, new in (
        (first, ",".join([*cells[:-2], f'"{FAMILY} again"', cells[-1]])),
        ('"Operator",""', f'"Operator","{FAMILY}"\n"BatchDescription","of {FAMILY} S01-D0"'),
        ('"Warnings/Errors"', warnings),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    Path(words).write_text(text)
    layout = wells[["well", "sample"]].assign(sample=[f"T{n}" for n in range(len(wells))])
    layout.to_csv("layout.csv", index=False)
    names = layout.assign(pseudonym=[f"Q{n}" for n in range(len(wells))])
    names.to_csv("names.csv", index=False)
    outcome = run("fit", words, "--layout", "layout.csv", "--out", "plain")
    assert outcome.code == 0, outcome.err
    assert "flags.csv" in holding(study / "plain")
    outcome = run(
        "fit", words, "--layout", "layout.csv", "--out", "run1", "--pseudonyms", "names.csv"
    )
    assert outcome.code == 0, outcome.err
    assert holding(study / "run1") == []
    flags = pd.read_csv("run1/flags.csv")
    assert flags["code"].tolist().count("layout_conflict") == len(wells)
    assert (
        "a cell that is neither a number nor a known flag; more was said, in words from the file"
        in set(flags["message"])
    )
