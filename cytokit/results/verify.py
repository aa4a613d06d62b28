"""Recompute an output folder from its inputs and say whether it is identical."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cytokit.errors import CytokitError, InputError, Problem
from cytokit.folder import files_in, read_manifest, sha256_of, versions
from cytokit.options import CompareOptions, FitOptions, options_in
from cytokit.schema import TABLES
from cytokit.tables.pseudonyms import ROLE, Pseudonyms, pseudonymise, read_pseudonyms
from cytokit.trial.study import Study

if TYPE_CHECKING:
    from cytokit.curves.platefit import PlateFit


# Run a recorded command again from its manifest, into another folder.


Rerun = Callable[[Mapping[str, Any], Mapping[str, Path], Path], None]


def refit(
    manifest: Mapping[str, Any], found: Mapping[str, Path], pseudonyms: Pseudonyms | None = None
) -> PlateFit:
    """Fit the same plates with the same options."""
    from cytokit.curves.platefit import fit
    from cytokit.parsers.read import distinct_names, read_file

    inputs = manifest["inputs"]
    layouts = [found[entry["path"]] for entry in inputs if entry["role"] == "layout"]
    lots = [found[entry["path"]] for entry in inputs if entry["role"] == "lots"]
    plates = [
        replace(plate, source=replace(plate.source, path=entry["path"]))
        for entry in inputs
        if entry["role"] == "plate"
        for plate in read_file(
            found[entry["path"]],
            layout=_companion(entry, found[entry["path"]], layouts, lots),
            decimal=entry.get("decimal"),
        )
    ]
    table = pseudonyms or _pseudonyms(manifest, found)
    if table is not None:
        plates = [pseudonymise(plate, table) for plate in plates]
    excluded = pd.DataFrame(manifest["excluded"], columns=TABLES["exclusions"].names, dtype="str")
    return fit(
        distinct_names(plates),
        FitOptions(**options_in(manifest["options"], FitOptions)),
        exclusions=excluded if len(excluded) else None,
    )


def _pseudonyms(manifest: Mapping[str, Any], found: Mapping[str, Path]) -> Pseudonyms | None:
    """The table that the earlier run was given, under the path it was given."""
    for entry in manifest["inputs"]:
        if entry["role"] == ROLE:
            return replace(read_pseudonyms(found[entry["path"]]), path=entry["path"])
    return None


def _companion(
    entry: Mapping[str, str], export: Path, layouts: list[Path], lots: list[Path]
) -> Path | None:
    """What was given with --layout: a plate map, or the kit's lots for a family that takes them.

    Lots that lie beside the export are found by the parser itself, as in the first run.
    """
    from cytokit.parsers.registry import PARSERS

    if layouts:
        return layouts[0]
    family = PARSERS.get(entry["format"])
    if family is not None and family.takes_lots and lots and lots[0].parent != export.parent:
        return lots[0]
    return None


def rerun_fit(manifest: Mapping[str, Any], found: Mapping[str, Path], goal: Path) -> None:
    """Fit again as :func:`refit` does, and write the folder ``goal``."""
    from cytokit.results.write import write_fit

    write_fit(refit(manifest, found), goal, pages=manifest.get("pages", True))


def rerun_compare(manifest: Mapping[str, Any], found: Mapping[str, Path], goal: Path) -> None:
    """Compare the same inputs with the same options; parameters as :func:`rerun_fit`."""
    from cytokit.trial.compare import compare
    from cytokit.trial.sensitivity import sensitivity
    from cytokit.trial.study import Study

    options = manifest["options"]
    designs = [found[e["path"]] for e in manifest["inputs"] if e["role"] == "design"]
    sources = [found[e["path"]] for e in manifest["inputs"] if e["role"] not in ("design", ROLE)]
    read = Study(
        sources,
        designs[0] if designs else None,
        mapping=options["mapping"] or None,
        censor=options["censor"],
        # folders of earlier releases took every number on a floor as measured
        floors=options.get("floors", "keep"),
        quantity=options["quantity"],
        scale=options.get("scale"),
        decimal=options.get("decimal"),  # folders of earlier versions name neither
        nd=options.get("nd"),
        **_bridging(options),
        pseudonyms=_pseudonyms(manifest, found),
    )
    study = read.located({str(path): recorded for recorded, path in found.items()})
    chosen = options_in(options, CompareOptions)
    result = compare(
        study,
        baseline=options["baseline"],
        day=options["day"],
        reference=options["reference"],
        analytes=options["analytes"],
        **chosen,
    )
    asked = options["sensitivity"]
    panel = sensitivity(result, studies=refit_study(read).studies) if asked else None
    look = {name: options[name] for name in ("style", "label", "summary")}
    result.write(goal, **look, sensitivity=panel)


def rerun_simulate(manifest: Mapping[str, Any], _found: Mapping[str, Path], goal: Path) -> None:
    """Simulate the same trial; parameters as :func:`rerun_fit`."""
    from cytokit.results.write import write_trial
    from cytokit.simulate.trials import PlatePlan, simulate_trial

    options = dict(manifest["options"])
    export_format = options.pop("format")
    plan = PlatePlan(size=options.pop("wells", 96))
    files = simulate_trial(**options, plan=plan).files(export_format)
    write_trial(files, goal, options=manifest["options"], force=False)


def _bridging(options: Mapping[str, Any]) -> dict[str, Any]:
    """How plates were bridged; folders of the first releases do not say, and were not."""
    asked = options.get("bridge")
    if asked is None:
        return {}
    return {"bridge": asked["samples"] or True, "bridge_reference": asked["reference"]}


def rerun_qc(manifest: Mapping[str, Any], found: Mapping[str, Path], goal: Path) -> None:
    """Chart and judge the same fits by the same guide; parameters as :func:`rerun_fit`."""
    from cytokit.qc.control import quality_control

    options = manifest["options"]
    folders = [found[e["path"]] for e in manifest["inputs"] if e["role"] == "fit folder"]
    guides = [found[e["path"]] for e in manifest["inputs"] if e["role"] == "guide"]
    result = quality_control(
        folders, guide=guides[0] if guides else None, date_order=options["date_order"]
    )
    if options["lock"] is not None:
        lock = options["lock"]
        result = result.judged_by(result.guide_set(who=lock["who"], why=lock["why"]))
    result.write(goal, all_charts=options["all_charts"])


#: by the command that the manifest names
RERUNS: Mapping[str, Rerun] = {
    "fit": rerun_fit,
    "compare": rerun_compare,
    "qc": rerun_qc,
    "simulate": rerun_simulate,
}


#: what a manifest gives rise to whose options were written by somebody else
_NOT_OPTIONS = (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError)
#: what stands for a folder of results among the inputs of a comparison
FOLDER_FILE = "samples.csv"


@dataclass(frozen=True, slots=True)
class Verification:
    """What :func:`verify` found."""

    folder: str
    differences: tuple[str, ...]
    notes: tuple[str, ...]
    checked: tuple[str, ...]

    @property
    def identical(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


def verify(folder: str | Path) -> Verification:
    """Recompute every output of a folder written by cytokit and compare byte for byte.

    Inputs are looked for where the manifest says, then beside the folder, so that a study that
    was moved as a whole can still be verified.
    """
    folder = Path(folder)
    manifest = read_manifest(folder)
    if manifest.get("command") == "run":
        return _verify_run(folder, manifest)
    rerun = RERUNS.get(str(manifest.get("command")))
    if rerun is None:
        raise InputError(
            Problem(
                "CK-513",
                f"the manifest's command {manifest.get('command')!r} cannot be run again",
                str(folder),
                f"verify knows folders of {', '.join(RERUNS)}, run",
            )
        )
    notes = _version_notes(manifest["versions"])
    differences = list(_changed_outputs(folder, manifest["outputs"]))
    found, troubles = find_inputs(folder, manifest["inputs"])
    differences += troubles
    names = tuple(str(entry["name"]) for entry in manifest["outputs"])
    if troubles:
        return Verification(str(folder), tuple(differences), notes, ())
    with tempfile.TemporaryDirectory(prefix="cytokit-verify-") as area:
        again = Path(area) / "again"
        try:
            rerun(manifest, found, again)
        except CytokitError as error:
            differences.append(f"the run cannot be repeated: {error.problems[0].what}")
            return Verification(str(folder), tuple(differences), notes, ())
        except _NOT_OPTIONS as error:
            differences.append(
                "the run cannot be repeated: the manifest's options are not those of its command "
                f"({type(error).__name__}: {str(error)[:200]})"
            )
            return Verification(str(folder), tuple(differences), notes, ())
        differences += _compared(manifest["outputs"], again)
    return Verification(str(folder), tuple(differences), notes, names)


def _verify_run(folder: Path, manifest: Mapping[str, Any]) -> Verification:
    """Every folder of a study's run, each by its own manifest, and what the run says of them."""
    differences = list(_changed_outputs(folder, manifest["outputs"]))
    differences += find_inputs(folder, manifest["inputs"])[1]
    failed = manifest.get("failed")
    for entry in failed if isinstance(failed, list) else ():
        files = entry.get("files") if isinstance(entry, dict) else None
        names = ", ".join(map(str, files)) if isinstance(files, list) else "a plate"
        differences.append(f"{names} failed in the run: it has no results to verify")
    notes: dict[str, None] = {}
    checked: list[str] = []
    for entry in manifest["outputs"]:
        name = Path(entry["name"]).parent.as_posix()
        if name == ".":
            differences.append(f"{entry['name']} is no folder of this run")
            continue
        try:
            found = verify(folder / name)
        except InputError as error:
            differences.append(f"{name}: {error.problems[0].what}")
            continue
        differences += [f"{name}: {sentence}" for sentence in found.differences]
        notes.update(dict.fromkeys(found.notes))
        checked += [f"{name}/{output}" for output in found.checked]
    return Verification(str(folder), tuple(differences), tuple(notes), tuple(checked))


def find_inputs(
    folder: Path, inputs: Iterable[Mapping[str, str]]
) -> tuple[dict[str, Path], list[str]]:
    """Where each input lies now, by the path the manifest gives; and what is wrong with them."""
    entries = list(inputs)
    by_hash = {entry["sha256"]: entry["path"] for entry in entries}
    found: dict[str, Path] = {}
    troubles = []
    for entry in entries:
        if entry["sha256"] == "":
            troubles.append(f"input {entry['name']} was never a file and cannot be read again")
            continue
        present = [path for path in _candidates(folder, entry) if _is_there(path)]
        same = next((path for path in present if _hash(path) == entry["sha256"]), None)
        if same is not None:
            found[entry["path"]] = same
        elif not present:
            troubles.append(f"input {entry['path']} is missing")
        else:
            other = by_hash.get(_hash(present[0]))
            troubles.append(
                f"input {entry['path']} was swapped: it now holds what {other} held"
                if other is not None
                else f"input {entry['path']} has changed since the run"
            )
    return found, troubles


def _candidates(folder: Path, entry: Mapping[str, str]) -> list[Path]:
    """As given; then relative to the folder's neighbourhood."""
    given = Path(entry["path"])
    near = [folder.parent / given, folder.parent / entry["name"], folder / entry["name"]]
    return [given, *near]


def _is_there(path: Path) -> bool:
    """Whether something lies there; a path that no disk can hold leads nowhere."""
    try:
        return path.exists()
    except (OSError, ValueError):  # too long, or with half a character
        return False


def _hash(path: Path) -> str:
    if path.is_dir():
        path = path / FOLDER_FILE
    # never a device or a pipe, which has no end
    return sha256_of(path) if path.is_file() else ""


def _changed_outputs(folder: Path, outputs: Iterable[Mapping[str, str]]) -> Iterable[str]:
    for entry in outputs:
        path = folder / entry["name"]
        if not (_is_there(path) and path.is_file()):
            yield f"output {entry['name']} is missing"
        elif sha256_of(path) != entry["sha256"]:
            yield f"output {entry['name']} was changed after the run"


def _compared(outputs: Iterable[Mapping[str, str]], again: Path) -> Iterable[str]:
    made = set(files_in(again))
    for entry in outputs:
        if entry["name"] not in made:
            yield f"recomputed: {entry['name']} is no longer written"
        elif sha256_of(again / entry["name"]) != entry["sha256"]:
            yield f"recomputed: {entry['name']} differs"


def _version_notes(recorded: Mapping[str, Any]) -> tuple[str, ...]:
    now = versions()
    return tuple(
        f"{name} was {recorded[name]}, is {now.get(name, 'not installed')}"
        for name in recorded
        if now.get(name) != recorded[name]
    )


# The plates behind a study read otherwise: other curves, or fluorescence without any curve.


@dataclass(frozen=True)
class Refits:
    """What :func:`refit_study` found."""

    studies: Mapping[str, Study]
    notes: tuple[str, ...] = ()


def refit_study(study: Study) -> Refits:
    """Fit the plates of a study's folders otherwise, as far as they are still there."""
    from cytokit.trial.sensitivity import refitted_studies

    if study.bridge is not None:
        note = "plates were bridged: other curves would have other plate effects; none is tried"
        return Refits({}, (note,))
    folders = [Path(entry.path) for entry in study.inputs if entry.kind == "fit folder"]
    designs = [entry.path for entry in study.inputs if entry.kind == "design"]
    tables = [entry for entry in study.inputs if entry.kind not in ("fit folder", "design", ROLE)]
    if tables or not designs or not Path(designs[0]).is_file():
        note = "only folders written by fit, with a design file, can be read with other curves"
        return Refits({}, (note,))
    mapping = dict(study.mapping) or None
    fits, troubles = [], []
    for folder in folders:
        manifest = read_manifest(folder)
        found, missing = find_inputs(folder, manifest["inputs"])
        troubles += [f"{folder}: {trouble}; no other curves are tried" for trouble in missing]
        if not troubles:
            fits.append(refit(manifest, found, study.pseudonyms))
    if troubles:
        mfi = Study(
            folders, designs[0], mapping=mapping, quantity="mfi", pseudonyms=study.pseudonyms
        )
        return Refits({"MFI": mfi}, tuple(troubles))
    studies = refitted_studies(
        fits, designs[0], mapping=mapping, censor=study.censor, pseudonyms=study.pseudonyms
    )
    return Refits(studies)
