"""The comparison of a study's plates: what it must rest on, and how it is made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import pandas as pd

from cytokit.errors import Problem, UsageError
from cytokit.findings import finding_lines
from cytokit.project.options import compare_options
from cytokit.project.paths import recorded
from cytokit.record import MANIFEST, read_manifest, sha256_of
from cytokit.record.manifest import versions
from cytokit.record.otherwise import read_otherwise
from cytokit.report.tables import write_table
from cytokit.stats import compare
from cytokit.stats.options import CompareOptions
from cytokit.stats.sensitivity import sensitivity
from cytokit.study import Study, read_design
from cytokit.study.fit_folder import read_fit_folder
from cytokit.vocabulary import DESIGN_COLUMNS, DESIGN_OPTIONAL, DesignStatus

FOLDER = "compare"
#: the design of a partial comparison, written beside its results
PARTIAL = "partial_design.csv"
_LOOK = ("style", "label", "summary")


@dataclass(frozen=True)
class Asked:
    """A comparison that a study asks for.

    Parameters
    ----------
    out : pathlib.Path
        The results' folder.
    folders : tuple of str
        The plates' folders in it.
    design : pathlib.Path
    mapping : mapping of str to str
    options : mapping
        Every option in force.
    pseudonyms : pathlib.Path or None
    partial : bool
        Samples of plates that failed count as missing.
    """

    out: Path
    folders: tuple[str, ...]
    design: Path
    mapping: Mapping[str, str]
    options: Mapping[str, Any]
    pseudonyms: Path | None = None
    partial: bool = False

    def expected(self) -> dict[str, Any]:
        """What the manifest of the finished folder says of it, as it comes back from JSON."""
        asked = {
            "options": dict(self.options),
            "map": dict(self.mapping),
            "design": self._file(self.design),
            "pseudonyms": self._file(self.pseudonyms),
            "partial": self.partial,
            "plates": {name: sha256_of(self.out / name / MANIFEST) for name in self.folders},
        }
        found: dict[str, Any] = json.loads(json.dumps({"versions": versions(), "study": asked}))
        return found

    def _file(self, path: Path | None) -> list[str] | None:
        return None if path is None else [recorded(path, self.out), sha256_of(path)]


def options_in_force(given: Mapping[str, Any]) -> dict[str, Any]:
    """All options of the comparison: those given, and the defaults of the others.

    Examples
    --------
    >>> options_in_force({"style": "lanzoni"})["gate"]
    False
    """
    found = {one.name: given.get(one.name, one.default) for one in compare_options()}
    if "gate" not in given:
        found["gate"] = found["style"] != "lanzoni"
    return found


def write_comparison_of(asked: Asked, draft: Path) -> tuple[str, ...]:
    """Compare, and write the folder.

    Parameters
    ----------
    asked : Asked
    draft : pathlib.Path
        The folder to write.

    Returns
    -------
    tuple of str
        Notes: samples that count as missing, what was noticed about the data, sentences that
        guard against misreading.

    Raises
    ------
    CytokitError
        As :class:`cytokit.study.Study` and :func:`cytokit.stats.compare`.
    """
    folders = [asked.out / name for name in asked.folders]
    options, notes = asked.options, []
    design, mapping = asked.design, asked.mapping
    if asked.partial:
        _refuse_private(asked)
        design, mapping = draft.parent / PARTIAL, {}
        lacking = _write_partial(asked, folders, design)
        notes.append(f"partial: {lacking} samples of plates that failed count as missing")
    read = Study(
        folders,
        design,
        mapping=mapping or None,
        censor=options["censor"],
        floors=options["floors"],
        pseudonyms=asked.pseudonyms,
        bridge=options["bridge_samples"] or options["bridge"],
        bridge_reference=options["bridge_reference"],
    )
    study = _located(read, asked)
    result = compare(
        study,
        baseline=None if options["baseline"] == "none" else options["baseline"],
        day=options["day"],
        reference=options["reference"],
        analytes=options["analytes"],
        **{one.name: options[one.name] for one in fields(CompareOptions)},
    )
    panel = None
    if options["sensitivity"]:
        others = read_otherwise(read)
        notes += [f"specification panel: {reason}" for reason in others.notes]
        panel = sensitivity(result, studies=others.studies)
    result.write(draft, **{name: options[name] for name in _LOOK}, sensitivity=panel)
    if asked.partial:
        design.replace(draft / PARTIAL)
    _add_request(draft, asked.expected()["study"])
    return (*notes, *finding_lines(result.findings), *result.guard)


def _located(study: Study, asked: Asked) -> Study:
    """The study with its paths as seen from the results' folder, so that it can be moved."""
    design = f"{FOLDER}/{PARTIAL}" if asked.partial else recorded(asked.design, asked.out)
    paths = [*asked.folders, design]
    if asked.pseudonyms is not None:
        paths.append(recorded(asked.pseudonyms, asked.out))
    return study.located(
        {entry.path: path for entry, path in zip(study.inputs, paths, strict=True)}
    )


def _refuse_private(asked: Asked) -> None:
    """The design of a partial comparison is written with its names, and these are secret."""
    if asked.pseudonyms is not None:
        what = "a partial comparison writes its design, whose names are to be kept out"
        mend = "mend the plates that failed, or leave them and their samples out of the study"
        raise UsageError(Problem("CK-652", what, str(asked.design), mend))


def _add_request(draft: Path, request: Mapping[str, Any]) -> None:
    """Record in the draft's manifest what was asked for: names and days as the file gives them."""
    manifest = {**read_manifest(draft), "study": request}
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (draft / MANIFEST).write_bytes(text.encode("utf-8", "backslashreplace"))


def _write_partial(asked: Asked, folders: Sequence[Path], goal: Path) -> int:
    """The design with the samples that no plate holds called missing; how many these are."""
    frames = [read_fit_folder(folder).samples[["plate", "sample"]] for folder in folders]
    data = pd.concat(frames, ignore_index=True)
    anywhere = set(data["sample"])
    on_plate = set(zip(data["plate"], data["sample"], strict=True))
    frame = read_design(asked.design, mapping=asked.mapping).frame
    absent = [
        row["status"] == str(DesignStatus.SAMPLED)
        and (
            (row["plate"], row["sample"]) not in on_plate
            if row["plate"]
            else row["sample"] not in anywhere
        )
        for row in frame.to_dict("records")
    ]
    status = frame["status"].mask(pd.Series(absent, index=frame.index), str(DesignStatus.MISSING))
    columns = [*DESIGN_COLUMNS, *DESIGN_OPTIONAL, "plate"]
    goal.parent.mkdir(parents=True, exist_ok=True)
    write_table(frame.assign(status=status)[columns], goal)
    return sum(absent)
