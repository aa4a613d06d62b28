"""``cytokit qc`` as a user runs it: exports, fits, a guide, plates judged, verified."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cytokit.simulate.exports import WRITERS
from cytokit.simulate.trials import CYTOKINES, PlatePlan, simulate_plate

LOT = (
    '"AssayLotInfo:"\r\n"KitName","LotNumber","ExpirationDate","Manufacturer"\r\n'
    '"Panel","{lot}","1/31/2030","Maker"\r\n\r\n"Samples"'
)
PAIR = ["--who", "A. Miller", "--why", "plates of the validation"]


def export(folder, number: int, *, off: float = 1.0, lot: str = "A") -> None:
    """An xPONENT export of the given day, its controls off by a factor."""
    plan = PlatePlan(controls=(0.02 * off, 0.1 * off))
    rng = np.random.default_rng([9, number])
    plate = simulate_plate(CYTOKINES[:1], {}, rng=rng, plan=plan, name=f"P{number:02d}")
    wells = plate.wells.copy()
    label = ["expected", "expected_low", "expected_high"]
    stated = wells.loc[wells["well_type"] == "control", label]
    wells.loc[stated.index, label] = stated / off  # the label does not know what is in the well
    text = WRITERS["xponent"].write(replace(plate, wells=wells)).decode()
    text = text.replace("1/15/2021 10:00:00 AM", f"2/{number + 1}/2023 10:00:00 AM")
    text = text.replace('"Samples"', LOT.format(lot=lot), 1)
    folder.mkdir(exist_ok=True)
    (folder / f"P{number:02d}.csv").write_text(text, encoding="utf-8", newline="")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """Folders of fits: ten plates for a guide, and four of which the last two are off."""
    from cytokit.curves.platefit import fit
    from cytokit.parsers.read import read_plates

    base = tmp_path_factory.mktemp("qc")
    for number in range(10):
        export(base / "first", number)
    for number in range(12, 16):
        off = number >= 14
        export(base / "later", number, off=1.6 if off else 1.0, lot="B" if off else "A")
    for name in ("first", "later"):
        fit(read_plates([base / name])).write(base / "fits" / name)
    return base


@pytest.fixture
def at_work(fitted, tmp_path, monkeypatch):
    """A working folder beside the fits."""
    monkeypatch.chdir(tmp_path)
    return fitted / "fits"


@pytest.fixture
def quick_charts(monkeypatch):
    """Charts as PDF only: pictures of 600 dpi are tested elsewhere."""
    from cytokit.figures import style

    save = style.save_figure
    monkeypatch.setattr(
        style, "save_figure", lambda figures, stem, _: save(figures, stem, ("pdf",))
    )


@pytest.fixture
def no_charts(monkeypatch):
    """Tables and manifest alone, where a test is about what the command says."""
    from cytokit.figures import style

    monkeypatch.setattr(style, "save_figure", lambda *_: ())


@pytest.mark.usefixtures("quick_charts")
def test_a_guide_is_locked_plates_are_judged_and_verified(run, at_work, tmp_path):
    first = run("qc", at_work / "first", "--lock-guide", "guide.json", *PAIR, "--out", "g")
    assert first.code == 0
    assert "locked: guide.json (10 plates" in first.err
    assert (tmp_path / "g" / "guide.json").read_bytes() == (tmp_path / "guide.json").read_bytes()
    # a folder that holds the folders; the guide's own plates are shown beside
    judged = run("qc", at_work, "--guide", "guide.json", "--out", "j", "--strict")
    assert judged.code == 1
    lines = {line.split()[0]: line for line in judged.out.splitlines()[2:]}
    assert list(lines) == ["P12", "P13", "P14", "P15"]
    assert "in control" in lines["P12"] or "warning" in lines["P12"]
    for name in ("P14", "P15"):
        assert "rejected" in lines[name]
        assert "1-3s" in lines[name]
    assert "4 plates judged by a guide of 10" in judged.err
    for name in ("qc_series.csv", "qc_flags.csv", "qc_drift.csv", "qc_steps.csv", "manifest.json"):
        assert (tmp_path / "j" / name).is_file()
    assert run("verify", "j").out.startswith("identical")
    # a guide that is swapped is named
    (tmp_path / "guide.json").write_text("{}")
    swapped = run("verify", "j")
    assert swapped.code == 1
    assert "guide.json has changed since the run" in swapped.out


@pytest.mark.usefixtures("no_charts")
def test_without_a_guide_it_says_how_to_lock_one(run, at_work, tmp_path):
    outcome = run("qc", at_work / "later", "--strict")
    assert outcome.code == 0
    assert "4 plates, none judged: lock a guide" in outcome.err
    assert " parameters of curves are not charted" in outcome.err
    assert "--all-charts draws them" in outcome.err
    header = (tmp_path / "cytokit_qc" / "qc_series.csv").read_text().splitlines()[0]
    assert header.startswith("plate,date,lot,series,level,analyte,unit,value,mean,sd,z,guide_n")


@pytest.mark.usefixtures("no_charts")
def test_json_is_one_document(run, at_work, tmp_path):
    outcome = run("qc", at_work / "later", "--json", "--all-charts")
    document = json.loads(outcome.out)
    assert document["schema"] == "cytokit-qc-1"
    assert document["plates"] == ["P12", "P13", "P14", "P15"]
    assert document["guide"] is None
    assert document["judged"] == []
    assert "not charted" not in outcome.err
    manifest = json.loads((tmp_path / "cytokit_qc" / "manifest.json").read_text())
    assert manifest["options"]["all_charts"] is True


def test_a_dry_run_writes_nothing(run, at_work, tmp_path):
    outcome = run("qc", at_work, "--lock-guide", "g.json", *PAIR, "--dry-run")
    assert outcome.code == 0
    assert "first" in outcome.err
    assert "would lock: g.json" in outcome.err
    assert "would write to: cytokit_qc" in outcome.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--guide", "a.json", "--lock-guide", "b.json"], 2, "CK-567: --guide and --lock-guide"),
        (["--who", "me"], 2, "CK-567: --who and --why are words for a guide"),
        (["--lock-guide", "b.json", "--who", "me"], 2, "CK-567: a guide is locked without saying"),
        (["--lock-guide", "there.json", *PAIR], 2, "CK-566: the guide exists"),
        (["--guide", "none.json"], 3, "CK-565: the guide cannot be read"),
        (["--guide", "there.json"], 3, "CK-565: not a guide"),
        (["--date-order", "mdyy"], 2, "did you mean 'mdy'"),
        (["--out", "full"], 2, "CK-501"),
    ],
)
def test_wrong_usage_is_named_before_anything_is_written(run, at_work, tmp_path, words, code, said):
    (tmp_path / "there.json").write_text("{}")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    outcome = run("qc", at_work / "first", *words)
    assert outcome.code == code
    assert said in outcome.err
    assert not (tmp_path / "cytokit_qc").exists()


@pytest.mark.parametrize(
    ("folder", "code", "said"),
    [("none", 3, "CK-561: no such folder"), (".", 4, "CK-560: no fitted plates were found")],
)
def test_no_plates_is_never_success(run, at_work, folder, code, said):
    outcome = run("qc", folder)
    assert outcome.code == code
    assert said in outcome.err


@pytest.mark.slow
def test_a_folder_with_its_guide_and_all_charts_verifies(run, at_work, tmp_path):
    assert run("qc", at_work / "first", "--lock-guide", "guide.json", *PAIR, "--out", "g").code == 0
    assert {one.suffix for one in (tmp_path / "g").glob("levey_jennings*")} == {
        ".pdf", ".svg", ".png",
    }  # fmt: skip
    assert run("verify", "g").out.startswith("identical")


def test_help_shows_how_to_lock_and_to_judge(run):
    outcome = run("qc", "--help")
    assert "--lock-guide guide.json" in outcome.out
    assert "cytokit qc run2 --guide guide.json" in outcome.out
