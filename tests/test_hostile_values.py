"""Values made to crash: numbers without end, brackets without bottom, parts of another kind."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cytokit.errors import CytokitError, InputError, UsageError
from cytokit.folder import MANIFEST, make_manifest, read_manifest
from cytokit.qc.guide import Guide, GuideLimits, _seal, guide_bytes, read_guide
from cytokit.results.study_file import MAX_BYTES, read_study_file
from cytokit.results.verify import verify
from cytokit.sources.delimited import parse_json, parse_toml
from cytokit.sources.raw import RawFile
from cytokit.tables.cells import is_impossible, normal_day
from cytokit.tables.concentrations import read_concentrations
from cytokit.tables.designs import read_design
from cytokit.tables.lots import read_lots

Read = Callable[[Path], object]


def lots(file: Path) -> object:
    return read_lots(RawFile.open(file))


@pytest.mark.parametrize(
    ("name", "read", "code"),
    [
        ("design_day_1e400.csv", read_design, "CK-597"),
        ("design_overflow.csv", read_design, "CK-597"),
        ("table_day_1e400.csv", read_concentrations, "CK-597"),
        ("guide_deep.json", read_guide, "CK-565"),
        ("lots_short_row/kit_lots.csv", lots, "CK-598"),
        ("toml_bigint.toml", read_study_file, "CK-631"),
        ("toml_deep.toml", read_study_file, "CK-631"),
        ("toml_nul.toml", read_study_file, "CK-631"),
    ],
)
def test_each_case_has_an_error_with_place_and_mend(
    cases: Path, name: str, read: Read, code: str
) -> None:
    with pytest.raises(CytokitError) as error:
        read(cases / "hostile" / name)
    assert code in {problem.code for problem in error.value.problems}
    for problem in error.value.problems:
        assert Path(name).name in problem.where
        assert problem.mend


# --- study files


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"[fit]\nmax_cv_pct = {'9' * 5_000}\n", "a number has thousands of digits"),
        (f"a = {'[' * 3_000}", "it is nested too deep"),
        (f"a{'.a' * 60_000} = 1", "a key is nested too deep"),
        (f"a = {{ b{' . b' * 60_000} = 1 }}", "a key is nested too deep"),
        (f"[a{'.a' * 60_000}]", "a key is nested too deep"),
        (f"[fit]\nmax_cv_pct = 0x{'f' * 9_000}\n", "max_cv_pct = what stands there is not"),
        ("[compare]\nday = 99999999999999\n", "day = 99999999999999 is not"),
        ("[compare]\nday = 1e400\n", "day = inf is not"),
        ("[compare]\nseed = 0xffffffffffffffffffffffff\n", "seed = 79228162514264337593543950335"),
        ('[study]\nplates = ["a\\u0000b"]\n', "there is no file 'a\\x00b'"),
    ],
)
def test_study_files(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "study.toml"
    file.write_text(text)
    with pytest.raises((UsageError, InputError)) as error:
        read_study_file(file)
    assert message in str(error.value)


def test_a_study_file_has_an_end(tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(InputError, match=f"CK-630: the study file has more than {MAX_BYTES} bytes"):
        read_study_file(file)


def test_json_and_toml_that_are_sound_are_read() -> None:
    assert parse_toml('a."b.c" = [1.5, "1.2.3"]') == {"a": {"b.c": [1.5, "1.2.3"]}}
    with pytest.raises(ValueError, match="nested too deep"):
        parse_json("[" * 100_000)
    with pytest.raises(ValueError, match="digits"):
        parse_json("9" * 5_000)


# --- days


@pytest.mark.parametrize("day", ["1e400", "9" * 400, "D99999999", "-1e300", "1000001"])
def test_a_day_that_no_study_has(day: str) -> None:
    assert is_impossible(day)
    assert normal_day(day) == day.strip()
    rows = {"sample": ["a", "b"], "subject": ["S", "T"], "group": ["g", "h"], "day": ["0", day]}
    frame = pd.DataFrame(rows)
    with pytest.raises(CytokitError, match=r"CK-597: no study has a day .*") as error:
        read_design(frame)
    assert "days go to 1000000" in str(error.value)
    table = frame.assign(**{"IL-6": ["3", "4"]})
    with pytest.raises(InputError, match="CK-597"):
        read_concentrations(table)


def test_days_of_words_stay() -> None:
    assert not any(map(is_impossible, ("baseline", "6", "-7", "week 6", "", "nan", "1000000")))


# --- lots

_LOTS = "Lot,Analyte,Unit,St1,St2,ConA.lo,ConA.hi\n"


def test_a_lots_row_may_end_early_but_not_before_its_names(tmp_path: Path) -> None:
    file = tmp_path / "kit_lots.csv"
    file.write_text(f"{_LOTS}1,IL-6,pg/mL,3\n")
    assert dict(read_lots(RawFile.open(file)).lots["1", "IL-6"].levels) == {"St1": 3.0}
    file.write_text(f"{_LOTS}1\n2,,pg/mL\n3,TNF,pg/mL,4\n")
    with pytest.raises(InputError) as error:
        lots(file)
    assert [problem.what for problem in error.value.problems] == ["the row gives no analyte"] * 2
    assert [problem.where.rpartition(" ")[2] for problem in error.value.problems] == ["2", "3"]


# --- guides


def guide() -> dict[str, Any]:
    made = Guide(
        ({"name": "p", "sha256": "ab", "date": "2020-01-01", "lots": {}},),
        {("mfi", "S1", "IL-6"): GuideLimits("mfi", "S1", "IL-6", "MFI", 12, 3.0, math.nan, "why")},
        "kb",
        "because",
        "1.0",
    )
    content: dict[str, Any] = json.loads(guide_bytes(made))
    return content


def written(file: Path, content: dict[str, Any]) -> Path:
    text = json.dumps({**content, "seal": _seal(content)}, ensure_ascii=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_a_guide_is_read(tmp_path: Path) -> None:
    found = read_guide(written(tmp_path / "guide.json", guide()))
    assert found.limits["mfi", "S1", "IL-6"].n == 12


@pytest.mark.parametrize(
    "change",
    [
        {"who": 3}, {"plates": {}}, {"plates": [1]}, {"plates": [{"name": "p"}]},
        {"series": None}, {"series": [[]]}, {"series": [{"series": "mfi"}]}, {"cytokit": None},
        {"plates": [{"name": "p", "sha256": "a", "date": "", "lots": {"x": 1}}]},
    ],
)  # fmt: skip
def test_a_sealed_guide_of_another_form(tmp_path: Path, change: dict[str, Any]) -> None:
    file = written(tmp_path / "guide.json", {**guide(), **change})
    with pytest.raises(InputError, match="CK-565: parts of the guide are not as cytokit writes"):
        read_guide(file)


@pytest.mark.parametrize(
    "change",
    [{"mean": "x"}, {"n": 10**400}, {"sd": -1.0}, {"mean": 1e400}, {"n": True + 0.5}, {"unit": 1}],
)
def test_a_sealed_guide_with_odd_numbers(tmp_path: Path, change: dict[str, Any]) -> None:
    content = guide()
    content["series"][0].update(change)
    with pytest.raises(InputError, match="CK-565"):
        read_guide(written(tmp_path / "guide.json", content))


def test_a_guide_with_half_a_character(tmp_path: Path) -> None:
    file = tmp_path / "guide.json"
    file.write_text('{"schema": "cytokit-qc-guide-1", "who": "\\ud800", "seal": "x"}')
    with pytest.raises(InputError, match="CK-565: the guide cannot be read"):
        read_guide(file)


# --- manifests


def manifest(**changes: Any) -> dict[str, Any]:
    made = make_manifest("fit", options={"model": "5pl"}, inputs=[], exclusions=None)
    outputs = [{"name": "samples.csv", "sha256": "ab"}]
    return {**made, "outputs": outputs, **changes}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"command": 3}, "command"),
        ({"options": []}, "options"),
        ({"versions": None}, "versions"),
        ({"inputs": [{"name": "x"}]}, "inputs"),
        ({"inputs": 7, "excluded": "x"}, "excluded, inputs"),
        ({"outputs": [{"name": "../x", "sha256": "a"}]}, "outputs"),
        ({"outputs": [{"name": "/x", "sha256": "a"}]}, "outputs"),
        ({"outputs": [{"name": "a\0", "sha256": "a"}]}, "outputs"),
        ({"outputs": {"name": "x"}}, "outputs"),
    ],
)
def test_a_manifest_of_another_form(tmp_path: Path, changes: dict[str, Any], named: str) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps(manifest(**changes)))
    message = f"CK-599: parts of the manifest are not as cytokit writes them: {named}\n"
    with pytest.raises(InputError, match=message):
        read_manifest(tmp_path)
    with pytest.raises(InputError, match="CK-599"):
        verify(tmp_path)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5_000, "{", "\ufeff"])
def test_a_manifest_that_is_no_json(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="CK-511"):
        read_manifest(tmp_path)


def test_verify_reads_no_device_and_does_not_go_in_circles(tmp_path: Path) -> None:
    entry = {"name": "p", "path": "/dev/zero", "sha256": "ab", "role": "plate", "format": "x"}
    long = {**entry, "path": "x" * 5_000, "name": "\ud800"}
    (tmp_path / MANIFEST).write_text(json.dumps(manifest(inputs=[entry, long])))
    said = " ".join(verify(tmp_path).differences)
    assert "/dev/zero has changed" in said
    assert "is missing" in said
    circle = manifest(command="run", outputs=[{"name": MANIFEST, "sha256": "ab"}], failed=[3])
    (tmp_path / MANIFEST).write_text(json.dumps(circle))
    said = " ".join(verify(tmp_path).differences)
    assert "manifest.json is no folder of this run" in said
    assert "a plate failed in the run" in said


@pytest.mark.parametrize("command", ["fit", "compare", "qc", "simulate"])
@pytest.mark.parametrize("options", [{}, {"model": 3}, {"seed": "x", "format": []}])
def test_options_that_nobody_can_have_given(
    tmp_path: Path, command: str, options: dict[str, Any]
) -> None:
    (tmp_path / "samples.csv").write_text("")
    (tmp_path / MANIFEST).write_text(json.dumps(manifest(command=command, options=options)))
    found = verify(tmp_path)
    assert any("cannot be repeated" in one for one in found.differences)
