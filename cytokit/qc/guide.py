"""The guide set: mean and SD of every series from plates chosen beforehand, locked in a file.

Limits never come from the plates that are judged: a plate that is off would widen them. All series
are positive and their errors grow with their size, so mean and SD are those of the natural
logarithm (the SD with n - 1): a limit is a factor, and 2 SD up is as far as 2 SD down.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cytokit.errors import InputError, OutputError, Problem, UsageError, place
from cytokit.qc.series import CONTROL, ChartPlate, control_name
from cytokit.sources.delimited import parse_json
from cytokit.sources.raw import RawFile

SCHEMA = "cytokit-qc-guide-1"
#: with fewer plates the limits are provisional (CLSI C24 asks for at least ten runs, better twenty)
ENOUGH = 10
_KEY = ("series", "level", "analyte")

SeriesKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class GuideLimits:
    """What a guide says of one series, on the ln scale."""

    series: str
    level: str
    analyte: str
    unit: str
    n: int
    mean: float
    sd: float
    reason: str = ""


@dataclass(frozen=True)
class Guide:
    """A locked guide set."""

    plates: tuple[Mapping[str, Any], ...]
    limits: Mapping[SeriesKey, GuideLimits]
    who: str
    why: str
    made_with: str
    path: str = ""
    sha256: str = ""

    @property
    def provisional(self) -> bool:
        """Whether it has fewer plates than limits should rest on."""
        return len(self.plates) < ENOUGH

    def holds(self, plate: ChartPlate) -> bool:
        """Whether a plate is a member, by the hash of its export and its name in it."""
        return any(plate.identity == (member["sha256"], member["name"]) for member in self.plates)

    def __repr__(self) -> str:
        kind = "provisional " if self.provisional else ""
        return f"<{kind}Guide of {len(self.plates)} plates, {len(self.limits)} series>"


def chance_beyond(n: int, times: float) -> float:
    """How often a sound plate lies beyond so many SD of a guide of ``n`` plates.

    The guide's own mean and SD are estimates: (value - mean) / SD is Student's t with n - 1 degrees
    of freedom times the square root of 1 + 1/n, so that a small guide raises more false alarms.
    """
    from scipy import special

    return 2.0 * float(special.stdtr(n - 1, -times / math.sqrt(1.0 + 1.0 / n)))


def make_guide(table: pd.DataFrame, plates: Sequence[ChartPlate], *, who: str, why: str) -> Guide:
    """Mean and SD of every series over these plates."""
    missing = [name for name, text in (("who", who), ("why", why)) if not text.strip()]
    if missing:
        what = f"a guide is locked without saying {' and '.join(missing)}"
        mend = "give --who NAME and --why TEXT: the limits will be asked about"
        raise UsageError(Problem("CK-567", what, mend=mend))
    _refuse_mixed(table)
    limits: dict[SeriesKey, GuideLimits] = {}
    for key, rows in table.groupby(list(_KEY), sort=False):
        series, level, analyte = map(str, key)
        units = [unit for unit in dict.fromkeys(rows["unit"]) if unit]
        values = rows["value"].dropna().to_numpy(float)
        mean, sd, reason = _spread(np.log(values))
        limits[series, level, analyte] = GuideLimits(
            series, level, analyte, units[0] if units else "", len(values), mean, sd, reason
        )
    members = tuple(
        {
            "name": plate.facts.name,
            "sha256": plate.facts.sha256,
            "date": plate.facts.date,
            "lots": dict(plate.facts.lots),
        }
        for plate in plates
    )
    return Guide(members, limits, who.strip(), why.strip(), version("cytokit-luminex"))


def _refuse_mixed(table: pd.DataFrame) -> None:
    """One control's name, several lots, nominal values or panels: no common mean or SD."""
    controls = table[table["series"] == CONTROL]
    problems = []
    for analyte, rows in controls.groupby("analyte", sort=False):
        materials: dict[str, list[str]] = {}
        for level in dict.fromkeys(rows["level"]):
            materials.setdefault(control_name(str(level)), []).append(str(level))
        for name, levels in materials.items():
            if len(levels) > 1:
                what = f"{name} is several materials on these plates: {', '.join(levels)}"
                mend = "lock a guide for each lot and panel, from its own plates"
                problems.append(Problem("CK-528", what, place(analyte=str(analyte)), mend))
    if problems:
        raise InputError(*problems)


def lock_guide(guide: Guide, path: str | Path) -> Guide:
    """Write a guide; a file that exists is never replaced."""
    goal = Path(path)
    refuse_existing(goal)
    data = guide_bytes(guide)
    try:
        with tempfile.NamedTemporaryFile(dir=goal.parent, prefix=".cytokit-", delete=False) as file:
            draft = Path(file.name)
            file.write(data)
    except OSError as error:
        raise _refused(goal, error) from error
    try:
        draft.chmod(0o644)
        os.link(draft, goal)  # unlike a rename, this fails where the name has been taken meanwhile
    except FileExistsError:
        refuse_existing(goal)
    except OSError:  # a disk that knows no links
        _write_new(goal, data)
    finally:
        draft.unlink(missing_ok=True)
    return _located(guide, goal, data)


def refuse_existing(goal: Path) -> None:
    """Refuse to lock a guide where a file stands."""
    if goal.exists():
        mend = "choose another name: a guide that plates were judged by must stay what it was"
        raise UsageError(Problem("CK-566", "the guide exists", place(goal), mend))


def read_guide(path: str | Path) -> Guide:
    """Read a locked guide."""
    try:
        data = RawFile.open(path).data
        content = parse_json(data.decode("utf-8"))
        sealed = isinstance(content, dict) and content.get("seal") == _seal(content)
    except (InputError, ValueError, RecursionError) as error:
        why = error.problems[0].what if isinstance(error, InputError) else "it is no JSON"
        mend = "give the file that --lock-guide wrote"
        what = f"the guide cannot be read: {why}"
        raise InputError(Problem("CK-565", what, place(path), mend)) from error
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        mend = "give the file that --lock-guide wrote"
        raise InputError(Problem("CK-565", f"not a guide of the form {SCHEMA}", str(path), mend))
    if not sealed:
        mend = "take the file as it was locked from your records, or lock a new guide"
        what = "the guide was changed after it was locked"
        raise InputError(Problem("CK-565", what, place(path), mend))
    if not _is_whole(content):
        mend = "give the file that --lock-guide wrote"
        what = "parts of the guide are not as cytokit writes them"
        raise InputError(Problem("CK-565", what, place(path), mend))
    limits = [
        GuideLimits(**{**entry, **{name: _number(entry[name]) for name in ("mean", "sd")}})
        for entry in content["series"]
    ]
    guide = Guide(
        tuple(content["plates"]),
        {(entry.series, entry.level, entry.analyte): entry for entry in limits},
        content["who"],
        content["why"],
        content["cytokit"],
    )
    return _located(guide, Path(path), data)


def guide_bytes(guide: Guide) -> bytes:
    """A guide as the bytes of its file: no time in it, the same plates give the same bytes."""
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "cytokit": guide.made_with,
        "who": guide.who,
        "why": guide.why,
        "scale": "mean and sd are of the natural logarithm; sd has n - 1",
        "plates": [dict(plate) for plate in guide.plates],
        "series": [
            {name: _plain(value) for name, value in asdict(entry).items()}
            for entry in guide.limits.values()
        ],
    }
    sealed = {**content, "seal": _seal(content)}
    return (json.dumps(sealed, indent=1, ensure_ascii=False) + "\n").encode()


def _spread(logs: Any) -> tuple[float, float, str]:
    """Mean and SD of logarithms, or the reason why there is no SD."""
    if not len(logs):
        return math.nan, math.nan, "no guide plate has a value"
    mean = float(np.mean(logs))
    if len(logs) < 2:
        return mean, math.nan, "one guide plate has a value: no spread can be told"
    sd = float(np.std(logs, ddof=1))
    # equal values may differ in the last digit after the logarithm
    if sd <= 1e-12 * max(1.0, abs(mean)):
        return mean, math.nan, "the guide's values do not differ: there is no SD to divide by"
    return mean, sd, ""


def _seal(content: Mapping[str, Any]) -> str:
    """A hash of everything but itself: it does not prove who wrote it, it shows a slip."""
    rest = {name: value for name, value in content.items() if name != "seal"}
    text = json.dumps(rest, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _is_whole(content: Mapping[str, Any]) -> bool:
    """Whether every part is there and of its kind; a seal says who changed it, not that it fits."""
    texts = all(isinstance(content.get(name), str) for name in ("who", "why", "cytokit"))
    series, plates = content.get("series"), content.get("plates")
    return (
        texts
        and isinstance(series, list)
        and isinstance(plates, list)
        and all(map(_is_series, series))
        and all(map(_is_member, plates))
    )


def _is_series(entry: object) -> bool:
    if not isinstance(entry, dict) or set(entry) != {field.name for field in fields(GuideLimits)}:
        return False
    texts = all(isinstance(entry[name], str) for name in (*_KEY, "unit", "reason"))
    n = entry["n"]
    return (
        texts
        and isinstance(n, int)
        and 0 <= n < 2**31
        and all(map(_is_logarithm, (entry["mean"], entry["sd"])))
        and (entry["sd"] is None or entry["sd"] >= 0)
    )


def _is_logarithm(value: object) -> bool:
    """Empty, or a number that a logarithm of a measurement may be."""
    if value is None:
        return True
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1000


def _is_member(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and all(isinstance(entry.get(name), str) for name in ("name", "sha256", "date"))
        and isinstance(entry.get("lots"), dict)
        and all(isinstance(lot, str) for lot in entry["lots"].values())
    )


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _write_new(goal: Path, data: bytes) -> None:
    """Write under a name that must be free; half a file is no JSON, and is refused when read."""
    try:
        with goal.open("xb") as file:
            file.write(data)
    except FileExistsError:
        refuse_existing(goal)
    except OSError as error:
        raise _refused(goal, error) from error


def _located(guide: Guide, path: Path, data: bytes) -> Guide:
    return Guide(
        guide.plates,
        guide.limits,
        guide.who,
        guide.why,
        guide.made_with,
        str(path),
        hashlib.sha256(data).hexdigest(),
    )


def _refused(goal: Path, error: OSError) -> OutputError:
    what = f"the guide cannot be written: {error.strerror or error}"
    mend = "check that its folder exists and may be written to"
    return OutputError(Problem("CK-570", what, place(goal), mend))
