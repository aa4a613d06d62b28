"""The plates behind a study read otherwise: other curves, or fluorescence without any curve."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cytokit.pseudonyms import ROLE
from cytokit.record.manifest import read_manifest
from cytokit.record.rerun import refit
from cytokit.record.verify import find_inputs
from cytokit.study import Study


@dataclass(frozen=True)
class Otherwise:
    """What :func:`read_otherwise` found.

    Parameters
    ----------
    studies : mapping of str to Study
        By what is different, for :func:`cytokit.stats.sensitivity.sensitivity`.
    notes : tuple of str
        Why readings are lacking; empty where none is.
    """

    studies: Mapping[str, Study]
    notes: tuple[str, ...] = ()


def read_otherwise(study: Study) -> Otherwise:
    """Fit the plates of a study's folders otherwise, as far as they are still there.

    Parameters
    ----------
    study : Study
        Of folders written by ``fit``, with a design file.

    Returns
    -------
    Otherwise
        With the plates at hand the other model, the other robustness, both, and ``MFI``; without
        them ``MFI`` alone; of plain tables, and of plates that were bridged,
        nothing.

    Raises
    ------
    InputError, UsageError
        As reading the plates and :func:`cytokit.stats.sensitivity.refitted_studies`.
    """
    from cytokit.stats.sensitivity import refitted_studies

    if study.bridge is not None:
        note = "plates were bridged: other curves would have other plate effects; none is tried"
        return Otherwise({}, (note,))
    folders = [Path(entry.path) for entry in study.inputs if entry.kind == "fit folder"]
    designs = [entry.path for entry in study.inputs if entry.kind == "design"]
    tables = [entry for entry in study.inputs if entry.kind not in ("fit folder", "design", ROLE)]
    if tables or not designs or not Path(designs[0]).is_file():
        note = "only folders written by fit, with a design file, can be read with other curves"
        return Otherwise({}, (note,))
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
        return Otherwise({"MFI": mfi}, tuple(troubles))
    studies = refitted_studies(
        fits, designs[0], mapping=mapping, censor=study.censor, pseudonyms=study.pseudonyms
    )
    return Otherwise(studies)
