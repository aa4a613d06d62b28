"""The fit page as text: whole, small, the same every time, and closed to hostile names."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import math
import re
import subprocess
import sys
from html.parser import HTMLParser

import pandas as pd
import pytest

from cytokit.errors import OutputError
from cytokit.flags import FLAGS
from cytokit.options import FitOptions
from cytokit.plate import SourceInfo
from cytokit.report.embed import compact, json_block
from cytokit.report.page import fit_page, refit_words, write_page
from cytokit.schema import STATUSES, TABLES


class Tags(HTMLParser):
    """All elements with their attributes, and the text of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {}
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.inside.setdefault(self._open[-1], []).append(data)
        else:
            self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def data_of(html: str) -> dict:
    return json.loads(Tags(html).inside["script"][0])


def policy_of(tags: Tags) -> str:
    return next(
        str(meta["content"])
        for meta in tags.of("meta")
        if meta.get("http-equiv") == "Content-Security-Policy"
    )


def test_the_page_is_one_file_that_asks_nothing(small_fit):
    html = fit_page(small_fit)
    tags = Tags(html)
    assert [link["href"] for link in tags.of("link")] == ["data:,"]
    assert all("src" not in script for script in tags.of("script"))
    addresses = [a["href"] for a in tags.of("a")]
    assert all(address.startswith("#") for address in addresses)
    assert set(re.findall(r"https?://[^\s\"'<]+", html)) == {"http://www.w3.org/2000/svg"}
    assert "@import" not in html
    assert "url(" not in html


def test_scripts_and_styles_are_admitted_by_hash_alone(small_fit):
    tags = Tags(fit_page(small_fit))
    policy = policy_of(tags)
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    for kind, texts in (("script", tags.inside["script"][1:]), ("style", tags.inside["style"])):
        assert len(texts) == 1
        digest = base64.b64encode(hashlib.sha256(texts[0].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    handlers = [name for _, attributes in tags.found for name in attributes if name[:2] == "on"]
    assert handlers == []
    assert [attributes for _, attributes in tags.found if "style" in attributes] == []


def test_a_50_plex_plate_stays_under_1_mb(fit_of):
    fit = fit_of(analytes=[f"Analyte {number}" for number in range(50)])
    assert len(fit_page(fit).encode()) < 1_000_000


def test_the_same_fit_gives_the_same_bytes(fit_of):
    assert fit_page(fit_of()) == fit_page(fit_of())


def test_the_page_says_what_the_fit_says(small_fit):
    html = fit_page(small_fit)
    tags = Tags(html)
    words = " ".join(" ".join(tags.words).split())
    assert (
        "Hold this plate until its failures are settled: 4 of 6 curves are good or usable, "
        "1 poor (RANTES), 1 failed (GM-CSF); 107 of 222 sample results are in range" in words
    )
    rows = [attributes for attributes in tags.of("tr") if "data-analyte" in attributes]
    assert [row["data-verdict"] for row in rows] == [
        *("good", "good", "usable", "poor", "failed", "good")
    ]
    plate = data_of(html)["plates"][0]
    assert plate["analytes"] == ["IFNg", "IL-6", "TNFα", "RANTES", "GM-CSF", "PDGF-BB"]
    wells = small_fit.wells[small_fit.wells["analyte"] == "IL-6"].reset_index()
    reading = plate["readings"][1]
    assert reading["bead_count"] == wells["bead_count"].astype(int).tolist()
    assert reading["mfi"] == pytest.approx(wells["mfi"].tolist(), rel=1e-4)
    assert [slot[0] for slot in plate["slots"]] == wells["well"].tolist()
    curve = plate["curves"][1]
    assert len(curve["y"]) == len(curve["low"]) == len(curve["high"]) == 72
    assert curve["lloq"] == 3
    assert plate["curves"][4]["verdict"] == "failed"
    assert "y" not in plate["curves"][4]
    assert len(plate["flags"]) == len(small_fit.flags)


def test_words_come_from_the_dictionary(small_fit):
    html = fit_page(small_fit)
    words = " ".join(Tags(html).words)
    for word in STATUSES.values():
        assert word.meaning in words
    for table in ("samples", "wells", "curves", "standards", "flags", "exclusions"):
        for column, word in TABLES[table].columns.items():
            assert column in words
            assert word.meaning in words
    codes = {entry[0]: entry[1:] for entry in data_of(html)["codes"]}
    assert set(codes) == {"low_count", "curve_failed"}
    for code, (title, meaning, action) in codes.items():
        text = FLAGS[code]
        assert (title, meaning, action) == (text.title, text.meaning, text.action)


def test_hostile_names_stay_text(hostile_fit):
    html = fit_page(hostile_fit.fit)
    tags = Tags(html)
    assert len(tags.of("script")) == 2
    assert tags.of("img") == []
    assert "<img src=x" not in html
    assert "{{ 7*7 }}" in html
    data = data_of(html)
    assert data["plates"][0]["analytes"] == list(hostile_fit.names)
    assert data["exclusions"] == hostile_fit.fit.exclusions.to_numpy().tolist()
    assert set(hostile_fit.names) <= set(data["plates"][0]["names"])


def test_json_cannot_end_its_block():
    block = json_block({"</script>": "<!--", "a": "\u2028 & \u2029"})
    assert not set("<>&\u2028\u2029") & set(block)
    assert json.loads(block) == {"</script>": "<!--", "a": "\u2028 & \u2029"}


def test_compact_numbers_stay_valid_json():
    values = [1234567.0, 1e-12, math.nan, math.inf, -math.inf, 0.0, 1e300]
    assert compact(values, 3) == [1230000, 1e-12, None, "inf", "-inf", 0, 1e300]
    json.loads(json.dumps(compact(values), allow_nan=False))


def test_half_a_character_is_named(fit_of):
    with pytest.raises(OutputError, match="CK-551: a name holds half a character"):
        fit_page(fit_of(analytes=["IL\ud800"]))


def test_a_folder_that_is_not_there_is_named(small_fit, tmp_path):
    with pytest.raises(OutputError, match="CK-550: the page cannot be written: No such file"):
        write_page(small_fit, tmp_path / "none" / "report.html")
    write_page(small_fit, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes().endswith(b"</html>\n")


def test_a_plate_without_any_result_is_shown(fit_of):
    fit = fit_of(analytes=["IL-6"])
    empty = type(fit)(
        fit.plates,
        type(fit.curves)(),
        fit.wells,
        fit.samples.iloc[:0],
        fit.flags.iloc[:0],
        fit.exclusions,
    )
    object.__setattr__(empty, "curves", _NoCurves())
    html = fit_page(empty)
    assert "Nothing of this plate can be reported: no standard curve was fitted." in html
    assert data_of(html)["plates"][0]["curves"] == [None]


class _NoCurves(dict):
    """A CurveSet of a plate without standards."""

    table = pd.DataFrame(columns=["plate", "analyte", "verdict"])
    standards = pd.DataFrame(columns=["plate", "analyte", "level"])


def test_the_page_needs_no_plotting_and_no_statistics():
    code = (
        "import sys, cytokit.report.page, cytokit.report.workbook\n"
        "heavy = {'matplotlib', 'pingouin', 'seaborn', 'statsmodels', 'lmfit', 'scipy.stats'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.real
@pytest.mark.parametrize(
    "name",
    [
        "xponent/magpix_a549.csv",
        pytest.param("bioplex_per_analyte/biorad_27plex.xls", marks=pytest.mark.slow),
    ],
)
def test_real_plates_make_pages_and_workbooks(real, name):
    import cytokit as ck
    from cytokit.report.workbook import fit_workbook

    fit = ck.fit(ck.read_plate(real / "plates" / name))
    html = fit_page(fit)
    assert len(html.encode()) < 600_000
    assert data_of(html)["plates"][0]["analytes"] == fit.plates[0].analyte_names
    assert fit_workbook(fit) == fit_workbook(fit)
    tables = {
        "wells": fit.wells,
        "samples": fit.samples,
        "standards": fit.curves.standards,
        "curves": fit.curves.table,
        "flags": fit.flags,
    }
    for name, table in tables.items():
        assert list(table.columns) == list(TABLES[name])


@pytest.mark.parametrize(
    "options",
    [
        FitOptions(),
        FitOptions(
            model="4pl",
            weights="1/y2",
            prior="none",
            pool=True,
            robust=False,
            profile="m10",
            limits="recovery",
            max_cv_pct=25.0,
            dilution_error_pct=5.0,
            unit="ng/mL",
        ),
    ],
)
def test_the_command_of_the_page_repeats_the_run(small_fit, options, monkeypatch):
    """The command line reads from it what the run was done with, second files included."""
    from cytokit_cli import fit_command

    plate = small_fit.plates[0]
    others = tuple(
        SourceInfo(path, "0", role, "utf-8", ",", ".")
        for path, role in (("my plan.xlsx", "layout"), ("names.csv", "pseudonyms"))
    )
    source = dataclasses.replace(plate.source, path="-odd name.csv")
    plate = dataclasses.replace(plate, source=source, companions=others)
    words = refit_words([plate], options)
    assert words[:2] == ["cytokit", "fit"]
    context = fit_command.command.make_context("fit", words[2:])
    given = context.params
    assert given["plates"] == ("./-odd name.csv",)
    assert given["layout"] == "my plan.xlsx"
    assert given["pseudonyms"] == "names.csv"
    assert given["exclude"] == "exclusions.csv"
    assert given["out"] == "-odd name_refit"
    assert {name: given[name] for name in dataclasses.asdict(options)} == dataclasses.asdict(
        options
    )


def test_lots_found_beside_the_export_need_no_option(small_fit):
    plate = small_fit.plates[0]
    lots = SourceInfo("kit/lots.csv", "0", "lots", "utf-8", ",", ".")
    far = dataclasses.replace(plate, companions=(lots,))
    assert "--layout kit/lots.csv" in " ".join(refit_words([far], FitOptions()))
    source = dataclasses.replace(plate.source, path="kit/plate.csv")
    near = dataclasses.replace(far, source=source)
    assert "lots" not in " ".join(refit_words([near], FitOptions()))


def test_a_curve_is_drawn_from_the_lowest_to_the_highest_level_that_was_read(small_fit):
    """Neither the blank nor a level without a reading moves the ends of the drawn curve."""
    from cytokit.report.page import _curve_data

    curve = small_fit.curves["Plate", "IFNg"]
    expected = curve.standards["expected"]
    lowest, highest = expected[expected > 0].min(), expected.max()
    whole = _curve_data(curve, {})
    assert whole["ends"] == pytest.approx([lowest / 4, highest * 4], rel=1e-5)
    standards = curve.standards.copy()
    unread = standards["expected"].isin([lowest, highest])
    standards.loc[unread, "mfi"] = float("nan")
    inner = expected[(expected > lowest) & (expected < highest)]
    part = _curve_data(dataclasses.replace(curve, standards=standards), {})
    assert part["ends"] == pytest.approx([inner.min() / 4, inner.max() * 4], rel=1e-5)
    standards["mfi"] = float("nan")
    assert "ends" not in _curve_data(dataclasses.replace(curve, standards=standards), {})
