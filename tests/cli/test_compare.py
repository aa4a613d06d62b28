"""``cytokit compare``: its options reach the library, and the specification panel is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cytokit import options
from cytokit_cli.compare_command import command

QUICK = ("--force", "--json")


def table(path: Path, *, days: tuple[int, ...] = (0, 3, 6), groups: str = "tc") -> None:
    """Nine subjects per group in two strata, one analyte, an effect on all but the last group."""
    rng = np.random.default_rng(5)
    rows = []
    for group in groups:
        for number in range(9):
            own = rng.normal(3, 0.5)
            for day in days:
                shift = -1.5 if day > 0 and group != groups[-1] else 0.0
                value = float(np.exp(own + shift + rng.normal(0, 0.2)))
                stratum = "young" if number % 2 else "old"
                rows.append((f"{group}{number}", group, day, stratum, value))
    names = ["subject", "group", "day", "stratum", "IL-6 (pg/mL)"]
    pd.DataFrame(rows, columns=names).to_csv(path, index=False)


@pytest.fixture
def trial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a trial's table."""
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "trial.csv")
    return tmp_path


def manifest(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "cytokit_compare/manifest.json").read_text())[
        "options"
    ]
    return found


def test_every_option_of_the_library_can_be_given() -> None:
    ours = {one.name for one in command.params}
    assert set(options.CompareOptions().as_dict()) <= ours


def test_options_reach_the_comparison(run, trial: Path) -> None:
    words = ["--no-strata", "--no-mixed", "--worse", "low", "--draws", "500", "--seed", "3"]
    outcome = run("compare", "trial.csv", "--reference", "c", *words, *QUICK)
    assert outcome.code == 0, outcome.err
    used = manifest(trial)
    assert (used["strata"], used["worse"], used["draws"], used["seed"]) == (False, "low", 500, 3)
    assert used["mixed"] is False


def test_the_family_of_chosen_analytes_is_that_of_all(run, trial: Path) -> None:
    two = pd.read_csv("trial.csv")
    two.assign(**{"IL-8 (pg/mL)": two["IL-6 (pg/mL)"] ** 1.1}).to_csv("trial.csv", index=False)
    asked = ("compare", "trial.csv", "--reference", "c", "--analytes", "IL-8", *QUICK)
    for words, size in (((), 2), (("--family-of-these",), 1)):
        outcome = run(*asked, *words)
        assert outcome.code == 0, outcome.err
        rows = json.loads(outcome.out)["comparisons"]
        assert {row["analyte"] for row in rows} == {"IL-8"}
        assert rows[0]["family_size"] == size
        assert manifest(trial)["family_of_these"] == bool(words)
        again = run("verify", trial / "cytokit_compare")
        assert again.code == 0, again.err


def test_floors_count_as_asked_and_the_folder_is_made_again_alike(run, trial: Path) -> None:
    frame = pd.read_csv(trial / "trial.csv")
    low = frame["IL-6 (pg/mL)"].quantile(0.3)
    frame["IL-6 (pg/mL)"] = frame["IL-6 (pg/mL)"].clip(lower=low)
    frame.to_csv(trial / "trial.csv", index=False)
    found = {}
    for words in ((), ("--floors", "keep"), ("--floors", "censor")):
        outcome = run("compare", "trial.csv", "--reference", "c", "--force", *words)
        assert outcome.code == 0, outcome.err
        asked = words[1] if words else None
        assert manifest(trial)["floors"] == asked
        found[asked] = pd.read_csv(trial / "cytokit_compare/summary.csv")["n_below"].sum()
        methods = (trial / "cytokit_compare/methods.md").read_text(encoding="utf-8")
        counted = "measured, as asked" if asked == "keep" else "below it"
        assert f"they count as {counted}" in methods
        assert run("verify", "cytokit_compare").code == 0
    assert found["keep"] == 0
    assert found[None] == found["censor"] == 9


def test_a_scale_is_asked_for_recorded_and_verified(run, trial: Path) -> None:
    frame = pd.read_csv(trial / "trial.csv")
    logs = np.log2(frame.pop("IL-6 (pg/mL)"))
    frame.assign(**{"IL-6": logs}).to_csv("trial.csv", index=False)
    found = {}
    for words in ((), ("--scale", "log2")):
        outcome = run("compare", "trial.csv", "--reference", "c", *words, *QUICK)
        assert outcome.code == 0, outcome.err
        assert manifest(trial)["scale"] == (words[1] if words else None)
        found[words] = json.loads(outcome.out)["comparisons"][0]["ratio"]
        again = run("verify", "cytokit_compare")
        assert again.code == 0, again.err
    assert found["--scale", "log2"] < 0.3 < found[()]
    methods = (trial / "cytokit_compare/methods.md").read_text(encoding="utf-8")
    assert "IL-6 is given as log2 (as asked)" in methods
    near = run("compare", "trial.csv", "--reference", "c", "--scale", "log1", *QUICK)
    assert "did you mean" in near.err


def test_the_terminal_gives_p_raw_and_adjusted(run, trial: Path) -> None:
    asked = ("compare", "trial.csv", "--reference", "c", "--force")
    lines = run(*asked).out.splitlines()
    assert lines[0].endswith("  adjusted p")
    assert "ratio (95 % CI)" in lines[0]
    rows = {line.split()[1]: line.split() for line in lines[2:]}
    assert rows["between_day6"][-2:] == ["<0.001", "<0.001"]
    # no family, no adjustment
    assert rows["difference_in_change"][-2:] == ["<0.001", "-"]
    plain = run(*asked, "--adjust", "none", "--alpha", "0.1").out.splitlines()
    assert plain[0].endswith("  p")
    assert "ratio (90 % CI)" in plain[0]


def test_without_a_baseline_the_groups_alone_are_compared(run, trial: Path) -> None:
    outcome = run("compare", "trial.csv", "--reference", "c", "--no-baseline", *QUICK)
    assert outcome.code == 0, outcome.err
    rows = json.loads(outcome.out)["comparisons"]
    assert [row["contrast"] for row in rows] == ["between_day6"]
    assert manifest(trial)["baseline"] is None


def test_several_days_are_averaged(run, trial: Path) -> None:
    outcome = run("compare", "trial.csv", "--reference", "c", "--day", "3, 6", *QUICK)
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["comparisons"][0]["contrast"] == "between_day3+6"
    assert manifest(trial)["day"] == [3, 6]


def test_a_mixed_model_takes_all_days(run, trial: Path) -> None:
    outcome = run("compare", "trial.csv", "--reference", "c", "--between", "mixed", *QUICK)
    assert outcome.code == 0, outcome.err
    assert "mixed" in json.loads(outcome.out)["comparisons"][0]["method"].lower()


@pytest.mark.parametrize(("versus", "pairs"), [("reference", 2), ("all", 3)])
def test_pairs_of_three_groups(run, trial: Path, versus: str, pairs: int) -> None:
    table(trial / "three.csv", days=(0, 6), groups="abc")
    outcome = run("compare", "three.csv", "--reference", "c", "--versus", versus, *QUICK)
    assert outcome.code == 0, outcome.err
    rows = json.loads(outcome.out)["comparisons"]
    assert sum(row["contrast"].startswith("between") for row in rows) == pairs


def test_three_groups_name_their_pair_and_what_ratios_are_over(run, cases: Path, tmp_path) -> None:
    file = cases / "more/15_three_groups/t.csv"
    words = ("compare", file, "--reference", "Zeta", "--versus", "all", "--out", tmp_path / "o")
    outcome = run(*words)
    assert outcome.code == 0, outcome.err
    pairs = ("Alpha / Zeta", "Mid / Zeta", "Alpha / Mid")
    for contrast in ("between_day6", "difference_in_change"):
        assert sum(f"{contrast} {pair} " in outcome.out for pair in pairs) == 3
    assert "within_treated Mid " in outcome.out
    methods = (tmp_path / "o/methods.md").read_text()
    assert "ratios are Alpha over Mid, Alpha over Zeta, Mid over Zeta" in methods
    assert "each pair with the data of its two groups alone" in methods


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--baseline", "0", "--no-baseline"], "--baseline and --no-baseline contradict"),
        (["--day", "3,"], "'3,' has nothing between two commas, or none at its end"),
        (["--analytes", "IL-6,,x"], "'IL-6,,x' has nothing between two commas"),
        (["--draws", "5"], "--draws 5 is not 100 or more"),
        (["--versus", "al"], "did you mean 'all'?"),
        (["--no-baseline", "--between", "change"], "needs a baseline"),
    ],
)
def test_options_that_cannot_be(run, trial: Path, words: list[str], said: str) -> None:
    outcome = run("compare", "trial.csv", "--reference", "c", *words)
    assert outcome.code == 2
    assert said in outcome.err
    assert not (trial / "cytokit_compare").exists()


@pytest.mark.parametrize(
    ("header", "words", "said"),
    [
        (
            "subject,group,day,IL-6",
            ["--reference", "x", "--no-baseline"],
            "where: option --reference",
        ),
        ("subject,group,day,IL-6", ["--day", "9"], "where: option --day"),
        ("subject,group,day,IL-6", ["--no-baseline"], "name it: --reference GROUP"),
        ("subject,group,day,IL-6", [], "where there is no baseline: --no-baseline"),
        ("subject,group,visit,IL-6", ["--design", "d.csv"], "map it: --map day=COLUMN"),
        ("name,group,day,IL-6", [], "say what is what, as in --map sample=COLUMN"),
        (
            "subject,group,day,IL-6",
            ["--reference", "a", "--no-baseline", "--between", "change"],
            "--between change needs a baseline",
        ),
        (
            "subject,group,day,IL-6",
            ["--reference", "a", "--no-baseline", "--adjust", "maxt", "--between", "mixed"],
            "--adjust maxt has no permutation test",
        ),
        (
            "subject,group,day,IL-6",
            ["--reference", "a", "--between", "mixed", "--no-mixed"],
            "--between mixed and --no-mixed contradict each other",
        ),
        ("subject,group,day,IL-6", ["--alpha", "0.7"], "--alpha 0.7 is not between 0 and 0.5"),
        ("subject,group,day,stratum,IL-6", ["--reference", "a"], "--no-strata"),
    ],
)
def test_errors_speak_the_command_lines_language(
    run, trial: Path, header: str, words: list[str], said: str
) -> None:
    """And Python's in Python, where the same mistakes are made."""
    columns = header.split(",")
    rows = []
    for number in range(14):
        cells = {"group": "ab"[number % 2], "day": "6", "visit": "6", "stratum": f"{30 + number}"}
        rows.append([cells.get(name, f"{number + 1}") for name in columns])
    pd.DataFrame(rows, columns=columns).to_csv("t.csv", index=False)
    if "--design" in words:
        pd.DataFrame(rows, columns=columns).assign(sample="s").to_csv("d.csv", index=False)
    outcome = run("compare", "t.csv", *words)
    assert outcome.code in (2, 3), outcome.err
    assert said in outcome.err
    assert "mapping=" not in outcome.err
    assert "reference=" not in outcome.err


def test_errors_speak_python_in_python(trial: Path) -> None:
    from cytokit.errors import CytokitError
    from cytokit.trial.compare import compare
    from cytokit.trial.study import Study

    study = Study("trial.csv")
    for asked, said in (
        ({}, "name it: reference=GROUP"),
        ({"reference": "x"}, "option reference"),
        ({"reference": "c", "baseline": None, "between": "change"}, "between='change' needs"),
    ):
        with pytest.raises(CytokitError) as error:
            compare(study, **asked)
        assert said in str(error.value)
        assert "--" not in str(error.value)


def test_the_panel_of_a_table(run, trial: Path) -> None:
    outcome = run("compare", "trial.csv", "--reference", "c", "--sensitivity")
    assert outcome.code == 0, outcome.err
    folder = trial / "cytokit_compare"
    assert {f"sensitivity.{end}" for end in ("csv", "pdf", "svg", "png")} <= {
        path.name for path in folder.iterdir()
    }
    rows = pd.read_csv(folder / "sensitivity.csv")
    assert rows["between"].tolist() == ["ancova", "welch", "ranks", "change"]
    assert rows["main"].tolist() == [True, False, False, False]
    assert "IL-6, lower: the same in 3 of 3 other analyses" in outcome.err
    assert "only folders written by fit" in outcome.err
    again = run("verify", folder)
    assert again.code == 0, again.err
    assert "identical" in again.out + again.err


@pytest.mark.slow
def test_the_panel_of_fits_tries_other_curves(run, bench: Path) -> None:
    assert run("fit", "plate_1.csv", "plate_2.csv", "plate_3.csv", "--out", "run1").code == 0
    words = ["compare", "run1", "--design", "design.csv", "--reference", "control"]
    words += ["--analytes", "IL-6", "--sensitivity", "--json"]
    outcome = run(*words, "--out", "one")
    assert outcome.code == 0, outcome.err
    rows = pd.read_csv(bench / "one/sensitivity.csv")
    assert list(rows["data"].unique()) == [
        "as analysed", "4PL", "not robust", "4PL, not robust", "MFI",
    ]  # fmt: skip
    (holds,) = json.loads(outcome.out)["sensitivity"]
    distinct = rows["same_as"].isna()
    assert distinct.sum() < len(rows)  # no value is out of range: ways to treat one are the same
    assert holds["specifications"] == distinct.sum() - 1  # the main analysis is none of them
    (bench / "plate_2.csv").rename(bench / "gone.csv")
    outcome = run(*words, "--out", "two")
    assert outcome.code == 0, outcome.err
    assert list(pd.read_csv(bench / "two/sensitivity.csv")["data"].unique()) == [
        "as analysed", "MFI",
    ]  # fmt: skip
    assert "input plate_2.csv is missing; no other curves are tried" in outcome.err


@pytest.mark.slow
def test_bridge_is_applied_said_and_recorded(run, bench):
    assert run("fit", "plate_1.csv", "plate_2.csv", "plate_3.csv", "--out", "run1").code == 0
    words = ["compare", "run1", "--design", "design.csv", "--reference", "control"]
    words += ["--analytes", "IL-6"]
    done = run(*words, "--bridge", "--bridge-reference", "plate_2", "--out", "bridged")
    assert done.code == 0
    assert "Plates were bridged" in (bench / "bridged" / "methods.md").read_text()
    options = json.loads((bench / "bridged" / "manifest.json").read_text())["options"]
    assert options["bridge"] == {"samples": [], "reference": "plate_2"}
    assert (bench / "bridged" / "bridge.csv").is_file()
    refused = run(*words, "--bridge-samples", "S01-D0", "--out", "none")
    assert refused.code == 3
    assert "CK-573" in refused.err
    assert not (bench / "none").exists()


def test_marks_and_words_are_decided_by_options_and_the_folder_is_made_again_alike(
    run, trial: Path
) -> None:
    frame = pd.read_csv("trial.csv")
    name = frame.columns[-1]
    values = [f"{1000 * value:,.0f}" for value in frame[name]]
    frame[name] = ["ND" if at in (3, 6) else value for at, value in enumerate(values)]
    frame.to_csv("odd.csv", index=False)
    asked = run("compare", "odd.csv", *QUICK)
    assert asked.code == 3
    assert "CK-245" in asked.err
    assert "--decimal comma or --decimal point" in asked.err
    asked = run("compare", "odd.csv", "--decimal", "point", *QUICK)
    assert asked.code == 3
    assert "CK-221: 2 readings are 'ND'" in asked.err
    assert "--nd below or --nd missing" in asked.err
    for nd, below in (("below", 2), ("missing", 0)):
        done = run(
            "compare", "odd.csv", "--decimal", "point", "--nd", nd, "--reference", "c", *QUICK
        )
        assert done.code == 0, done.err
        found = manifest(trial)
        assert (found["decimal"], found["nd"]) == ("point", nd)
        summary = pd.read_csv("cytokit_compare/summary.csv")
        assert summary["n_below"].sum() == below
        assert summary["max"].max() > 1000
        flags = pd.read_csv("cytokit_compare/flags.csv")
        read_as = "below range" if nd == "below" else "missing"
        said = flags.set_index("code")["message"]
        assert f"2 readings are 'ND': read as {read_as}" in said["words_read"]
        assert "were read with a decimal point, as asked" in said["decimal_asked"]
        assert run("verify", "cytokit_compare").code == 0


def test_small_tables_that_went_wrong_are_refused_by_the_command(run, cases: Path) -> None:
    refused = {
        "tables/2_thousands_read_as_decimals.csv": "CK-245",
        "tables/1b_one_zero_comma.csv": "CK-246",
        "tables/4_nd.csv": "CK-221",
        "files/long_unknown_analyte_column.csv": "CK-220",
    }
    for name, code in refused.items():
        done = run("compare", cases / name, "--reference", "control", "--no-baseline")
        assert done.code == 3, name
        assert code in done.err


def test_readings_that_contradict_each_other_reach_the_comparison(
    run, cases: Path, trial: Path
) -> None:
    folder = cases / "more" / "05_warnings_never_shown"
    done = run("compare", folder / "dup.csv", "--reference", "control", *QUICK)
    assert done.code == 0, done.err
    flags = pd.read_csv("cytokit_compare/flags.csv").set_index("code")["message"]
    assert (
        "they contradict each other (20): 20 to inf holds them all" in flags["readings_contradict"]
    )
    summary = pd.read_csv("cytokit_compare/summary.csv")
    assert summary["n_above"].sum() == 1
