"""What each command writes: tables, page, workbook, figures and the manifest, in one folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from cytokit.record.folder import OutputFolder
from cytokit.record.manifest import make_manifest


def write_trial(
    files: Mapping[str, bytes], goal: str | Path, *, options: Mapping[str, object], force: bool
) -> None:
    """Write a simulated trial's files and a manifest that names its seed.

    Parameters
    ----------
    files : mapping of str to bytes
        From :meth:`cytokit.simulate.SimulatedTrial.files`.
    goal : path-like
        The folder to make.
    options : mapping
        What the trial was simulated with, ``seed`` included.
    force : bool
        Replace an earlier run's files.
    """
    with OutputFolder(goal, force=force) as folder:
        for name, data in files.items():
            (folder.path / name).write_bytes(data)
        seed = options["seed"]
        folder.finish(
            make_manifest(
                "simulate", options=options, inputs=[], seed=seed if isinstance(seed, int) else None
            )
        )
