"""study.toml: what is wrong is said with key, line and near miss, all of it at once."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cytokit.errors import CytokitError, InputError, NothingToDoError, OutputError, UsageError
from cytokit.options import COMPARE_SECTION, FIT_SECTION, options_of
from cytokit.results.study_file import (
    KEYS,
    key_lines,
    line_of,
    read_study_file,
    study_text,
    toml_value,
    write_study_file,
)
from cytokit.simulate.trials import simulate_trial

GOOD = '[study]\nplates = ["plate_1.csv"]\n'


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return simulate_trial(seed=1, subjects=4, analytes=["IL-6"]).files()


@pytest.fixture
def bench(files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(text: str, **overrides: object) -> list[str]:
    Path("study.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        read_study_file("study.toml", overrides=overrides)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "code", "what", "where"),
    [
        (GOOD + "[fti]\n", "CK-632", "no key 'fti' (did you mean 'fit'?)", "line 3, fti"),
        ("colour = 1\n" + GOOD, "CK-632", "no key 'colour'", "line 1, colour"),
        (GOOD + "plate = 3\n", "CK-632", "of [study] (did you mean 'plates'?)", "line 3"),
        (
            GOOD + '[compare]\n\ncensr = "lod"\n',
            "CK-632",
            "no key 'censr' of [compare] (did you mean 'censor'?)",
            "study.toml, line 5, compare.censr",
        ),
        (GOOD + '[design.map]\ndya = "visit"', "CK-632", "did you mean 'day'?", "line 4"),
        (GOOD + "[output]\nfolders = 'x'", "CK-632", "did you mean 'folder'?", "line 4"),
        ("[study]\nplates = 'plate_1.csv'", "CK-633", "not a list of texts in quotes", "line 2"),
        (GOOD + "name = 3", "CK-633", "name = 3 is not a text in quotes", "line 3, study.name"),
        (GOOD + "layout = true", "CK-633", "layout = true is not a text in quotes", "line 3"),
        (GOOD + "[design]\nmap = 'day'", "CK-633", "map = 'day' is not a table", "line 4"),
        ("fit = 3\n" + GOOD, "CK-633", "fit = 3 is not a table", "line 1, fit"),
        ("output = 'x'\n" + GOOD, "CK-633", "output = 'x' is not a table", "line 1, output"),
        (GOOD + "[fit]\nrobust = 1", "CK-633", "robust = 1 is not true or false", "line 4"),
        (GOOD + "[fit]\nmax_cv_pct = true", "CK-633", "is not a number", "line 4"),
        (GOOD + "[fit]\nmodel = 5", "CK-633", "is not one of 5pl, 4pl", "line 4"),
        (GOOD + "[compare]\nseed = 1.5", "CK-633", "is not a whole number", "line 4"),
        (GOOD + "[compare]\nanalytes = []", "CK-633", "is not a list of texts in quotes", "line 4"),
        (GOOD + "[compare]\nbaseline = [0]", "CK-633", "is not a day", "line 4"),
        (GOOD + "[compare]\nday = [6, true]", "CK-633", "or a list of days", "line 4"),
        (GOOD + "[fit]\nmodel = '5PL'", "CK-634", "no choice (did you mean '5pl'?)", "line 4"),
        (GOOD + "[fit]\nmax_cv_pct = 0", "CK-634", "is not allowed", "line 4, fit.max_cv_pct"),
        (GOOD + "[compare]\nalpha = 0.7", "CK-634", "not between 0 and 0.5", "compare.alpha"),
        (GOOD + "[compare]\ndraws = 3", "CK-634", "is not allowed: not 100 or more", "line 4"),
        ("[study]\nname = 'x'", "CK-635", "names no plates", "line 1, study.plates"),
        ("", "CK-635", "names no plates", "study.toml, study.plates"),
        ("[study]\nplates = []", "CK-635", "names no plates", "line 2"),
        (
            "[study]\nplates = [\n  'plate_11.csv',\n]",
            "CK-636",
            "no file 'plate_11.csv' (did you mean 'plate_1.csv'?)",
            "line 2, study.plates",
        ),
        (GOOD + "design = 'desing.csv'", "CK-636", "did you mean 'design.csv'?", "line 3"),
        (GOOD + "design = '.'", "CK-636", "'.' is a folder", "line 3"),
        (GOOD + "pseudonyms = 'p.csv'", "CK-636", "no file 'p.csv'", "line 3, study.pseudonyms"),
        (GOOD + f"[output]\nfolder = '{'x' * 300}'", "CK-634", "not allowed: File name too", "4"),
        (GOOD + '[output]\nfolder = "a\\u0000"', "CK-634", "embedded null byte", "line 4"),
        (GOOD + "[exclusions]\nfile = 'gone/x.csv'", "CK-636", "no file 'gone/x.csv'", "line 4"),
        (GOOD + "[study.layout]\n'plate_1.csv' = 'l.xlsx'", "CK-636", "no file", "line 4"),
        (GOOD + "leave_out = ['x.csv']", "CK-636", "no file 'x.csv'", "line 3"),
    ],
)
def test_a_mistake_is_said_with_its_place(
    bench: Path, text: str, code: str, what: str, where: str
) -> None:
    (said,) = problems(text)
    assert said.startswith(f"error {code}: ")
    assert what in said
    assert where in said.splitlines()[1]
    assert "mend:" in said


def test_all_mistakes_are_said_together(bench: Path) -> None:
    said = problems(
        '[study]\nplates = ["gone.csv"]\nlayot = "x"\n[fit]\nweights = "y2"\n[nonsense]\n',
        between="welsh",
    )
    assert [one[6:12] for one in said] == ["CK-632", "CK-632", "CK-636", "CK-634", "CK-634"]
    assert "flags, compare.between" in said[-1]
    assert "did you mean 'welch'?" in said[-1]


@pytest.mark.parametrize(
    ("overrides", "what"),
    [
        ({"wieghts": "1/y2"}, "CK-640: there is no option 'wieghts' to override"),
        ({"weights": "1/y3"}, "CK-634: weights = '1/y3' is no choice"),
        ({"design": "gone.csv"}, "CK-636: there is no file 'gone.csv'"),
        ({"map": {"dya": "visit"}}, "CK-632: there is no key 'dya' of [map]"),
        ({"out": 3}, "CK-633: out = 3 is not a text in quotes"),
        ({"layout": Path("gone.csv")}, "CK-636"),
        ({"exclude": "gone.csv"}, "CK-636"),
        ({"pseudonyms": "gone.csv"}, "CK-636"),
    ],
)
def test_a_wrong_override_names_the_flag(
    bench: Path, overrides: dict[str, object], what: str
) -> None:
    (said,) = problems(GOOD, **overrides)
    assert what in said
    assert "where: flags" in said


def test_overrides_count_in_place_of_the_file(bench: Path) -> None:
    Path("study.toml").write_text(GOOD + "[fit]\nweights = '1/y'\nmodel = '4pl'\n")
    study = read_study_file("study.toml", overrides={"weights": "1/y2", "out": "other", "day": 3})
    assert study.fit == {"weights": "1/y2", "model": "4pl"}
    assert study.compare == {"day": 3}
    assert study.folder == Path("other")
    assert study.overridden == ("day", "out", "weights")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"[study]\nplates = [\xff]\n", r"CK-630: the study file is not UTF-8 \(byte 18\)"),
        (b'[study]\nplates = ["a.csv"\nname = 3\n', r"CK-631.*no TOML.*\n  where: .*line 3"),
        (b"[study]\n[study]\n", r"CK-631.*\n  where: study.toml, line 2"),
        (b"plates = plate_1.csv\n", r"CK-631"),
    ],
)
def test_a_file_that_is_no_toml(bench: Path, data: bytes, message: str) -> None:
    Path("study.toml").write_bytes(data)
    with pytest.raises(InputError, match=message):
        read_study_file("study.toml")


def test_a_file_that_is_not_there(bench: Path) -> None:
    with pytest.raises(InputError, match=r"CK-630: the study file cannot be read: No such file"):
        read_study_file("gone.toml")


def test_an_editor_may_add_a_byte_order_mark_and_crlf(bench: Path) -> None:
    Path("study.toml").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert read_study_file("study.toml").plates == ("plate_1.csv",)


def test_lines_of_keys_in_every_form() -> None:
    text = '# x = 1\n[a]\n"b c" = 1\nd.e = 2\n[ a . f ]\n g = [\n "h = 1",\n]\n'
    lines = key_lines(text)
    assert lines["a", "b c"] == 3
    assert lines["a", "d", "e"] == 4
    assert line_of(lines, ("a", "f", "g", "unknown")) == 6
    assert line_of(lines, ("nowhere",)) is None


def test_what_init_writes_is_read_as_it_is(bench: Path) -> None:
    write_study_file("study.toml", ["plate_1.csv"], design="design.csv")
    study = read_study_file("study.toml")
    assert (study.fit, study.compare, study.overridden) == ({}, {}, ())
    assert study.name == bench.name
    assert study.folder == Path("results")


def test_paths_are_seen_from_the_folder_of_the_file(bench: Path) -> None:
    write_study_file("trial/study.toml", ["plate_1.csv", "*.csv"], design=bench / "design.csv")
    text = Path("trial/study.toml").read_text()
    assert '    "../plate_1.csv",\n    "../*.csv",\n' in text
    assert f'design = "{bench.as_posix()}/design.csv"' in text
    assert read_study_file("trial/study.toml").plates[0] == "trial/../plate_1.csv"


def test_names_that_toml_must_quote(bench: Path) -> None:
    name = 'a "b" \\ µ\t.csv'
    Path("plate_1.csv").rename(name)
    write_study_file("study.toml", [name])
    assert read_study_file("study.toml").plates == (name,)


def test_init_never_overwrites_unless_told(bench: Path) -> None:
    Path("study.toml").write_text("mine")
    with pytest.raises(UsageError, match=r"CK-644: the study file exists"):
        write_study_file("study.toml")
    assert Path("study.toml").read_text() == "mine"
    write_study_file("study.toml", force=True)
    assert Path("study.toml").read_text() == study_text(name=bench.name)
    with pytest.raises(UsageError, match=r"CK-644: the study file is a folder"):
        write_study_file(".", force=True)


def test_init_names_what_is_not_there(bench: Path) -> None:
    with pytest.raises(UsageError, match=r"(?s)CK-636: .*'plate_9.csv'.*no file 'd.csv'"):
        write_study_file("study.toml", ["plate_1.csv", "plate_9.csv"], design="d.csv")
    with pytest.raises(NothingToDoError, match=r"CK-119"):
        write_study_file("study.toml", ["gone/*.csv"])
    assert not Path("study.toml").exists()


def test_init_below_a_file_is_refused(bench: Path) -> None:
    with pytest.raises(OutputError, match=r"CK-645: the study file cannot be written"):
        write_study_file("design.csv/study.toml")
    with pytest.raises(OutputError, match=r"CK-645.*File name too long"):
        write_study_file("x" * 300)


@given(st.text(st.characters(exclude_categories=["Cs"])))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_any_text_comes_back_from_the_file(text: str) -> None:
    assert tomllib.loads(f"x = {toml_value(text)}")["x"] == text
    assert tomllib.loads(study_text([text], name=text))["study"] == {"name": text, "plates": [text]}


ODD = [
    *("1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "nan", "-inf", "1e400", "-1", "0", "true"),
    *('""', '" "', '"\\u0000"', "[]", "{}", "[[1], [2]]", '[""]', "{ a = { b = 1 } }", "9" * 400),
    *("'x' * 3", '"' + "long" * 500 + '"'),
]


@pytest.mark.parametrize("value", ODD)
def test_odd_values_are_mistakes_and_never_bugs(bench: Path, value: str) -> None:
    keys = {
        **{table: list(names) for table, names in KEYS.items()},
        "fit": [option.name for option in options_of(*FIT_SECTION)],
        "compare": [option.name for option in options_of(*COMPARE_SECTION)],
    }
    lines = []
    for table, names in keys.items():
        lines += [f"[{table}]", *(f"{name} = {value}" for name in names)]
    Path("study.toml").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(CytokitError) as caught:
        read_study_file("study.toml")
    assert len(caught.value.problems) > 10 or caught.value.problems[0].code == "CK-631"
