"""Quality rules: one function per rule, one row of flags.csv per finding.

Thresholds come from the acceptance profile, each with its source in
:mod:`cytokit.curves.profiles`. Under ``research`` a rule warns; under ``kit`` and ``m10`` the
rules that name a bad result fail.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cytokit.curves.forensics import standard_findings
from cytokit.curves.options import FitOptions
from cytokit.curves.profiles import PROFILES, Profile
from cytokit.curves.signals import signal_findings, signal_levels
from cytokit.curves.wells import possible_reading
from cytokit.findings import Finding, formula_findings
from cytokit.plate import Plate, has_name, replicates
from cytokit.sources.numbers import NAN
from cytokit.vocabulary import RangeStatus, Severity, WellType

#: only what this share of a plate's samples has in common is usual on it
_USUAL_SHARE = 0.6


def quality_findings(
    plates: Sequence[Plate], samples: pd.DataFrame, options: FitOptions
) -> list[Finding]:
    """All findings of all rules.

    Parameters
    ----------
    plates : sequence of Plate
        What was read.
    samples : pandas.DataFrame
        Columns as samples.csv.
    options : FitOptions
        Its profile decides thresholds and severity.

    Returns
    -------
    list of Finding
        Plate by plate; what concerns them together last.
    """
    found: list[Finding] = []
    for plate in plates:
        found += plate_quality(plate, samples[samples["plate"] == plate.name], options)
    return found + signal_findings([signal_levels(plate) for plate in plates])


def plate_quality(plate: Plate, samples: pd.DataFrame, options: FitOptions) -> list[Finding]:
    """All findings on one plate for itself.

    Parameters
    ----------
    plate : Plate
    samples : pandas.DataFrame
        Its samples, columns as samples.csv.
    options : FitOptions

    Returns
    -------
    list of Finding
    """
    rules = PROFILES[options.profile]
    return [
        *formula_findings(
            [plate.name, *plate.wells["sample"].astype(str), *plate.analyte_names],
            plate=plate.name,
        ),
        *standard_findings(plate),
        *reading_findings(plate),
        *bead_findings(plate, rules),
        *control_findings(plate, samples, rules),
        *nameless_findings(plate),
        *repeated_sample_findings(plate),
        *replicate_findings(samples, rules),
    ]


def reading_findings(plate: Plate) -> list[Finding]:
    """Readings that no instrument gives.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    list of Finding
        ``impossible_reading``: the fit takes it as not measured.
    """
    mfi = plate.wells["mfi"].to_numpy(dtype=float)
    rows = plate.wells[~np.isnan(mfi) & ~possible_reading(mfi)]
    return [
        Finding(
            "impossible_reading",
            f"{row['mfi']:g} MFI is no reading: taken as not measured",
            plate.name,
            row["well"],
            row["sample"],
            row["analyte"],
        )
        for row in rows.to_dict("records")
    ]


def bead_findings(plate: Plate, rules: Profile) -> list[Finding]:
    """Readings on too few beads; an absent count is not a low one.

    Parameters
    ----------
    plate : Plate
    rules : Profile

    Returns
    -------
    list of Finding
        ``low_count`` under ``beads_fail``, ``few_beads`` under ``beads_warn`` and under what the
        protocol asked for.
    """
    wells = plate.wells
    asked = wells["analyte"].map(plate.analytes.set_index("analyte")["min_beads"])
    warn = np.fmin(asked.astype("float64"), rules.beads_warn.value)
    low = wells["bead_count"] < rules.beads_fail.value
    few = (wells["bead_count"] < warn) & ~low
    found = []
    for row in wells.assign(least=warn)[low | few].to_dict("records"):
        failed = row["bead_count"] < rules.beads_fail.value
        least = rules.beads_fail.value if failed else row["least"]
        found.append(
            Finding(
                "low_count" if failed else "few_beads",
                f"{row['bead_count']:g} beads, fewer than {least:g}",
                plate.name,
                row["well"],
                row["sample"],
                row["analyte"],
                _gate(rules) if failed else None,
            )
        )
    return found


def replicate_findings(samples: pd.DataFrame, rules: Profile) -> list[Finding]:
    """Samples and controls in range whose replicates differ too much.

    Parameters
    ----------
    samples : pandas.DataFrame
        Columns as samples.csv; ``cv_pct`` is that of the concentrations. Of means that the export
        prints, ``mfi_cv_pct`` takes its place.
    rules : Profile

    Returns
    -------
    list of Finding
        ``replicate_cv``.
    """
    warn, fail = rules.cv_warn_pct.value, rules.cv_fail_pct.value
    in_range = samples["status"] == str(RangeStatus.IN_RANGE)
    # of printed means the intensities' spread alone is known
    printed = samples["cv_pct"].isna() & (samples["n_wells"] > 1)
    cv_pct = samples["cv_pct"].mask(printed, samples["mfi_cv_pct"]).astype("float64")
    found = []
    judged = samples.assign(cv_pct=cv_pct, printed=printed)
    for row in judged[in_range & (cv_pct > warn)].to_dict("records"):
        failed = row["cv_pct"] > fail
        of = " (of their MFI)" if row["printed"] else ""
        found.append(
            Finding(
                "replicate_cv",
                f"CV of the replicates{of} {row['cv_pct']:.1f} %, more than "
                f"{fail if failed else warn:g} %",
                row["plate"],
                "",
                row["sample"],
                row["analyte"],
                _gate(rules) if failed else Severity.WARN,
            )
        )
    return found


def _gate(rules: Profile) -> Severity:
    """How a result that breaks a rule counts: research never fails a plate."""
    return Severity.WARN if rules.name == "research" else Severity.FAIL


def control_findings(plate: Plate, samples: pd.DataFrame, rules: Profile) -> list[Finding]:
    """Quality controls outside their range, or far from a nominal value that has none.

    Parameters
    ----------
    plate : Plate
    samples : pandas.DataFrame
        Columns as samples.csv.
    rules : Profile

    Returns
    -------
    list of Finding
        ``control_out_of_range``; a control without a number is outside too.
        ``control_off_nominal``, and ``controls_rejected`` where more controls of an analyte lie far
        from nominal than the profile lets pass.
        ``control_not_judged``: neither the file nor the profile says how far it may be off.
    """
    wells = plate.wells.assign(sample=replicates(plate.wells).name)
    controls = wells[wells["well_type"] == str(WellType.CONTROL)]
    told = {(row["sample"], row["analyte"]): row for row in controls.to_dict("records")}
    mine = samples[
        (samples["plate"] == plate.name) & (samples["well_type"] == str(WellType.CONTROL))
    ]
    found: list[Finding] = []
    nominal: dict[str, list[tuple[float, bool]]] = {}
    silent: dict[str, list[str]] = {}
    for row in mine.to_dict("records"):
        sample, analyte = row["sample"], row["analyte"]
        allowed = _allowed(told[sample, analyte], rules, row["dilution_factor"])
        if row["status"] in _SILENT:
            continue
        if allowed is None:
            silent.setdefault(sample, []).append(analyte)
            continue
        read = row["concentration"]
        inside = bool(allowed.low <= read <= allowed.high)
        if allowed.level is not None:
            nominal.setdefault(analyte, []).append((allowed.level, inside))
        if inside:
            continue
        number = "no number" if np.isnan(read) else f"{read:.4g}"
        message = f"reads {number} ({row['status']}), expected {allowed.words} {row['unit']}"
        by_range = allowed.level is None
        found.append(
            Finding(
                "control_out_of_range" if by_range else "control_off_nominal",
                message.rstrip(),
                plate.name,
                "",
                sample,
                analyte,
                _gate(rules) if by_range else None,
            )
        )
    for analyte, seen in nominal.items():
        if why := _rejected(seen, rules):
            found.append(Finding("controls_rejected", why, plate.name, analyte=analyte))
    return found + [
        Finding("control_not_judged", "no range is known: not judged", plate.name, "", sample, name)
        for sample, analytes in silent.items()
        for name in ([""] if len(analytes) == len(plate.analytes) else analytes)
    ]


@dataclass(frozen=True, slots=True)
class _Allowed:
    """What a control may read: by a range, or, of a `level`, by the profile's tolerance."""

    low: float
    high: float
    words: str
    level: float | None = None


def _allowed(told: dict[Hashable, Any], rules: Profile, factor: float) -> _Allowed | None:
    """The range of a control; None where nothing says one.

    A range of no width is a nominal value that was entered twice. Where one end is missing the
    other one counts.
    """
    low, high, level = told["expected_low"], told["expected_high"], told["expected"] * factor
    if low == high:
        level = low if np.isnan(level) else level
    elif not (np.isnan(low) and np.isnan(high)):
        if np.isnan(high):
            return _Allowed(low, np.inf, f"at least {low:g}")
        if np.isnan(low):
            return _Allowed(-np.inf, high, f"at most {high:g}")
        return _Allowed(low, high, f"{low:g} to {high:g}")
    if rules.control_pct is None or not level > 0:
        return None
    share = rules.control_pct.value / 100
    words = f"within {rules.control_pct.value:g} % of {level:g}"
    return _Allowed(level * (1 - share), level * (1 + share), words, level)


def _rejected(seen: Sequence[tuple[float, bool]], rules: Profile) -> str:
    """Why the controls of an analyte reject it; empty where they do not."""
    if rules.control_share_pct is None or rules.control_level_pct is None:
        return ""
    inside = sum(good for _, good in seen)
    by_level: dict[float, list[bool]] = {}
    for level, good in seen:
        by_level.setdefault(level, []).append(good)
    bad = [
        f"{sum(good)} of {len(good)} at {level:g}"
        for level, good in by_level.items()
        if 100 * sum(good) < rules.control_level_pct.value * len(good)
    ]
    # the share of two thirds is exact: 2 of 3 are enough
    few = 100 * inside < rules.control_share_pct.value * len(seen) - 1e-6
    if not few and not bad:
        return ""
    parts = [f"{inside} of {len(seen)} controls read near their nominal value", *bad]
    return (
        f"{', '.join(parts)}; {rules.control_share_pct.value:.1f} % are asked for, and "
        f"{rules.control_level_pct.value:g} % at each level"
    )


#: a control without curve or reading has a finding of its own already
_SILENT = {
    str(RangeStatus.NO_CURVE),
    str(RangeStatus.NOT_MEASURED),
    str(RangeStatus.EXCLUDED),
}


def repeated_sample_findings(plate: Plate) -> list[Finding]:
    """Unknowns of one name in more wells, or at other dilutions, than is usual on the plate.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    list of Finding
        ``repeated_sample``: the wells are treated as one sample, and this says so.
    """
    unknowns = plate.of_type(WellType.UNKNOWN).drop_duplicates("well")
    unknowns = unknowns[unknowns["sample"].map(has_name).astype(bool)]
    if unknowns.empty:
        return []
    same = replicates(unknowns)
    wells: dict[str, list[str]] = {}
    factors: dict[str, set[float]] = {}
    for name, well, factor in zip(same.name, unknowns["well"], same.factor, strict=True):
        wells.setdefault(name, []).append(well)
        factors.setdefault(name, set()).add(float(factor) if factor == factor else NAN)
    sizes = Counter(len(places) for places in wells.values())
    usual, share = sizes.most_common(1)[0]
    if share < _USUAL_SHARE * len(wells):
        usual = len(unknowns)
    planned, series = Counter(map(frozenset, factors.values())).most_common(1)[0]
    planned = planned if series >= _USUAL_SHARE * len(wells) and len(wells) > 1 else frozenset()
    found = []
    for name, places in wells.items():
        some = ", ".join(places[:8]) + (f" and {len(places) - 8} more" if places[8:] else "")
        where = f"{name!r} stands in {len(places)} wells ({some})"
        if len(factors[name]) > 1 and factors[name] != planned:
            known = [f"{factor:g}" for factor in sorted(factors[name]) if factor == factor]
            dilutions = ", ".join(known + ["unknown"] * (len(factors[name]) - len(known)))
            message = f"{where} with the dilution factors {dilutions}: taken as one sample"
        elif len(places) > usual:
            message = f"{where}, most samples in {usual}: taken as one sample, or are they two?"
        else:
            continue
        found.append(Finding("repeated_sample", message, plate.name, "", name))
    return found


def nameless_findings(plate: Plate) -> list[Finding]:
    """Wells of samples and controls without a name.

    Parameters
    ----------
    plate : Plate

    Returns
    -------
    list of Finding
        ``no_sample_name``, one for all of them: each is a sample of its own.
    """
    kinds = (str(WellType.UNKNOWN), str(WellType.CONTROL))
    rows = plate.wells[plate.wells["well_type"].isin(kinds)].drop_duplicates("well")
    bare = [well for well, name in zip(rows["well"], rows["sample"], strict=True)
            if not has_name(name)]  # fmt: skip
    if not bare:
        return []
    some = ", ".join(bare[:12]) + (f" and {len(bare) - 12} more" if len(bare) > 12 else "")
    what = "1 well has" if len(bare) == 1 else f"{len(bare)} wells have"
    message = f"{what} no sample name ({some}): each is a sample of its own, called by its well"
    return [Finding("no_sample_name", message, plate.name)]
