"""Acceptance profiles: which figures curves and plates are judged by, and their sources."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cytokit.arrays import Floats
from cytokit.schema import Verdict

_M10 = "ICH M10 (2022), section 4.2.3, ligand binding assays: calibration curve and range"
_M10_QC = "ICH M10 (2022), ligand binding assays, acceptance of an analytical run: QC samples"
_MILLIPLEX = "MILLIPLEX technical article, Equipment settings and data analysis, data analysis tips"
_BIOPLEX = "Bio-Plex Manager marks results outside the standards that recover 70-130 %"
_OURS = "cytokit's own choice for work without a regulator"


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a profile and its source."""

    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Profile:
    """Rules of acceptance, every figure with its source."""

    name: str
    recovery_pct: Figure
    end_recovery_pct: Figure
    min_levels: Figure
    min_pass_pct: Figure
    beads_fail: Figure
    beads_warn: Figure
    cv_warn_pct: Figure
    cv_fail_pct: Figure
    drop_failing: bool = False
    control_pct: Figure | None = None
    control_share_pct: Figure | None = None
    control_level_pct: Figure | None = None

    @property
    def sources(self) -> dict[str, str]:
        """Every figure in words, with its source."""
        figures = (
            ("recovery_pct", "standards recover within 100 +- {:g} %"),
            ("end_recovery_pct", "the lowest and highest within 100 +- {:g} %"),
            ("min_levels", "at least {:g} levels above zero"),
            ("min_pass_pct", "at least {:g} % of levels recover"),
            ("beads_fail", "a reading of fewer than {:g} beads fails"),
            ("beads_warn", "fewer than {:g} beads are remarked on"),
            ("cv_warn_pct", "replicates that differ by a CV over {:g} % are remarked on"),
            ("cv_fail_pct", "replicates that differ by a CV over {:g} % fail"),
            ("control_pct", "controls without a range read within {:g} % of nominal"),
            ("control_share_pct", "at least {:.1f} % of them"),
            ("control_level_pct", "at least {:g} % of them at each level"),
        )
        out = {}
        for name, text in figures:
            figure: Figure | None = getattr(self, name)
            if figure is None:
                continue
            out[name] = f"{text.format(figure.value)} ({figure.source})"
        return out


PROFILES: dict[str, Profile] = {
    "research": Profile(
        "research",
        recovery_pct=Figure(20.0, _MILLIPLEX),
        end_recovery_pct=Figure(20.0, _MILLIPLEX),
        min_levels=Figure(5, _OURS + ": a five-parameter curve needs five"),
        min_pass_pct=Figure(75.0, _M10 + ", taken over"),
        beads_fail=Figure(35, _MILLIPLEX + ": minimum per region"),
        beads_warn=Figure(50, _MILLIPLEX + ": recommended"),
        cv_warn_pct=Figure(20.0, _OURS),
        cv_fail_pct=Figure(30.0, _OURS + "; it warns, it never fails"),
    ),
    "kit": Profile(
        "kit",
        recovery_pct=Figure(20.0, _MILLIPLEX),
        end_recovery_pct=Figure(30.0, _BIOPLEX),
        min_levels=Figure(5, _OURS + ": a five-parameter curve needs five"),
        min_pass_pct=Figure(75.0, _M10 + ", taken over"),
        beads_fail=Figure(35, _MILLIPLEX + ": minimum per region"),
        beads_warn=Figure(50, _MILLIPLEX + ": recommended"),
        cv_warn_pct=Figure(15.0, _MILLIPLEX + ": intra-assay target"),
        cv_fail_pct=Figure(20.0, _MILLIPLEX + ": inter-assay target"),
    ),
    "m10": Profile(
        "m10",
        recovery_pct=Figure(20.0, _M10),
        end_recovery_pct=Figure(25.0, _M10),
        min_levels=Figure(6, _M10),
        min_pass_pct=Figure(75.0, _M10),
        beads_fail=Figure(35, _MILLIPLEX + ": minimum per region; M10 is silent on beads"),
        beads_warn=Figure(50, _MILLIPLEX + ": recommended; M10 is silent on beads"),
        cv_warn_pct=Figure(20.0, "ICH M10 (2022), ligand binding assays, precision"),
        cv_fail_pct=Figure(25.0, "ICH M10 (2022), ligand binding assays, precision at the LLOQ"),
        drop_failing=True,
        control_pct=Figure(20.0, _M10_QC),
        control_share_pct=Figure(200.0 / 3, _M10_QC),
        control_level_pct=Figure(50.0, _M10_QC),
    ),
}


def levels_that_pass(
    x: Floats, recovery_pct: Floats, used: NDArray[np.bool_], profile: Profile
) -> NDArray[np.bool_]:
    """Which standards recover within the profile's tolerance."""
    standing = np.flatnonzero(used & (x > 0))
    tolerance = np.full(len(x), profile.recovery_pct.value)
    tolerance[standing[[0, -1]] if len(standing) else standing] = profile.end_recovery_pct.value
    error = np.abs(np.where(np.isfinite(recovery_pct), recovery_pct, np.inf) - 100.0)
    return (x > 0) & used & (error <= tolerance)


def level_to_drop(
    x: Floats, recovery_pct: Floats, used: NDArray[np.bool_], n_planned: int, profile: Profile
) -> int | None:
    """The standard that M10's rule leaves out next: the worst failing one, within the cap."""
    standing = used & (x > 0)
    must_stay = max(profile.min_levels.value, profile.min_pass_pct.value / 100 * n_planned)
    if standing.sum() - 1 < must_stay:
        return None
    failing = standing & ~levels_that_pass(x, recovery_pct, used, profile)
    if not failing.any():
        return None
    error = np.abs(np.where(np.isfinite(recovery_pct), recovery_pct, np.inf) - 100.0)
    return int(np.where(failing, error, -1.0).argmax())


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict rests on."""

    n_levels: int
    n_pass: int
    signal: float
    has_range: bool
    converged: bool
    at_bound: bool
    p_fit: float


#: below this rise over the noise at the foot a curve is no curve
MIN_SIGNAL = 5.0
MISFIT_P = 1e-3


def judge(evidence: Evidence, profile: Profile, note: str = "") -> tuple[Verdict, str]:
    """Verdict on a curve and its reason in plain words."""
    if not evidence.signal >= MIN_SIGNAL:
        return Verdict.FAILED, (
            "the standards show no response: over their whole range the curve rises by "
            f"{evidence.signal:.1f} times the noise of one well"
        )
    reasons = [note] if note else []
    verdict = Verdict.GOOD
    share = evidence.n_pass / evidence.n_levels
    passed = (
        f"{evidence.n_pass} of {evidence.n_levels} standards recover within "
        f"{100 - profile.recovery_pct.value:g}-{100 + profile.recovery_pct.value:g} %"
    )
    if not evidence.has_range:
        verdict = Verdict.POOR
        reasons.append("no concentration is determined to the precision asked for")
    if share < 0.5:
        verdict = Verdict.POOR
        reasons.append(passed)
    elif share * 100 < profile.min_pass_pct.value:
        verdict = max(verdict, Verdict.USABLE, key=_RANK.__getitem__)
        reasons.append(passed)
    usable = (
        (
            evidence.n_levels < profile.min_levels.value,
            f"{evidence.n_levels} standard levels, the profile asks for "
            f"{profile.min_levels.value:g}",
        ),
        (not evidence.converged, "the fit did not settle"),
        (evidence.at_bound, "slope or asymmetry stopped at the edge of what is plausible"),
        (
            evidence.p_fit < MISFIT_P,
            "the standards scatter about the curve more than their replicates explain",
        ),
    )
    for applies, text in usable:
        if applies:
            verdict = max(verdict, Verdict.USABLE, key=_RANK.__getitem__)
            reasons.append(text)
    return verdict, "; ".join(reasons)


_RANK = {Verdict.GOOD: 0, Verdict.USABLE: 1, Verdict.POOR: 2, Verdict.FAILED: 3}
