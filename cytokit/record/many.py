"""The folder of many plates: what it has beside its growing tables, and its manifest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from cytokit.curves.options import FitOptions
from cytokit.findings import Finding
from cytokit.record.folder import OutputFolder
from cytokit.record.manifest import make_manifest
from cytokit.record.parts import (
    EXCLUDED_CODE,
    SHARED_CODES,
    PartsFolder,
    plate_pages,
    whole_part,
)
from cytokit.report.tables import write_table
from cytokit.vocabulary import VERDICTS_COLUMNS

if TYPE_CHECKING:
    from cytokit.platefit import PlateFit
    from cytokit.report.overview import PlateLine


@dataclass(frozen=True)
class Manner:
    """How many plates are fitted and written.

    Parameters
    ----------
    options : FitOptions
    exclusions : pandas.DataFrame
    pages : bool
        Whether each plate gets a page of its own.
    """

    options: FitOptions
    exclusions: pd.DataFrame
    pages: bool = True


def write_many(fit: PlateFit, folder: OutputFolder, *, pages: bool) -> None:
    """Fill the folder of many plates that are all in memory.

    Parameters
    ----------
    fit : PlateFit
    folder : OutputFolder
    pages : bool
        Whether each plate gets a page of its own.
    """
    late = (*SHARED_CODES, EXCLUDED_CODE)
    own = [one for one in fit.findings if one.code not in late]
    shared = [one for one in fit.findings if one.code in late]
    with PartsFolder(folder.path) as parts:
        parts.add(whole_part(fit, own))
        for line, page in plate_pages(fit, 1, pages=pages):
            parts.add_plate(line, page)
        finish_many(folder, parts, shared, Manner(fit.options, fit.exclusions, pages))


def finish_many(
    folder: OutputFolder, parts: PartsFolder, shared: Sequence[Finding], manner: Manner
) -> list[PlateLine]:
    """Add overview, workbook and manifest to the tables and pages that the parts made.

    Parameters
    ----------
    folder : OutputFolder
    parts : PartsFolder
        With every plate's part.
    shared : sequence of Finding
        What concerns several plates, and the exclusions.
    manner : Manner

    Returns
    -------
    list of PlateLine
        Each with what the other plates say of it.
    """
    from cytokit.report._embed import write_html
    from cytokit.report.many import write_many_workbook
    from cytokit.report.overview import beside_others, lines_table, overview_page

    flags = parts.add_shared(shared)
    said: dict[str, list[Finding]] = {}
    for one in shared:
        if one.code in SHARED_CODES:
            said.setdefault(one.plate, []).append(one)
    lines = [beside_others(line, said.get(line.plate, ())) for line in parts.lines]
    table = lines_table(lines)
    write_table(table, folder.path / "plates.csv")
    page = overview_page(lines, parts.summary, flags, manner.options)
    write_html(page, folder.path / "report.html")
    write_many_workbook(folder.path, table, manner.exclusions, parts.counts, manner.options.limits)
    manifest = manifest_of(manner.options, parts.inputs, parts.facts, manner.exclusions, table)
    folder.finish({**manifest, "pages": manner.pages})
    return lines


def manifest_of(
    options: FitOptions,
    inputs: Sequence[Mapping[str, str]],
    facts: Sequence[Mapping[str, Any]],
    exclusions: pd.DataFrame,
    verdicts: pd.DataFrame,
) -> dict[str, Any]:
    """The manifest of a fit, without its outputs.

    Parameters
    ----------
    options : FitOptions
    inputs : sequence of mapping
        Made with :func:`cytokit.record.manifest.describe_input`.
    facts : sequence of mapping
        What each plate's export says of its run.
    exclusions : pandas.DataFrame
    verdicts : pandas.DataFrame
        With the columns ``VERDICTS_COLUMNS``.

    Returns
    -------
    dict
    """
    manifest = make_manifest(
        "fit", options=asdict(options), inputs=once(inputs), exclusions=exclusions
    )
    told = verdicts[list(VERDICTS_COLUMNS)].to_dict("records")
    return {**manifest, "plates": list(facts), "verdicts": told}


def once(inputs: Sequence[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Each input once, in the order of first use."""
    return list({(entry["path"], entry["sha256"]): entry for entry in inputs}.values())
