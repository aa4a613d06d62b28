"""A standard curve as a notebook shows it."""

from __future__ import annotations

from base64 import b64encode
from html import escape

from cytokit.curves.curve import StandardCurve
from cytokit.curves.model import equation


def curve_html(curve: StandardCurve) -> str:
    """Equation, limits, plot and recovery table as HTML; the reason where there is no curve."""
    title = f"<p><b>{escape(curve.analyte)}</b> on {escape(curve.plate)}: {curve.verdict}"
    title += f" ({escape(curve.reason)})</p>" if curve.reason else "</p>"
    if not curve.ok:
        return title
    sign = 1 if curve.orientation == "+" else -1
    formula = (
        f"<p><code>{escape(equation(sign, curve.model))}</code>, a = {curve.lower:.4g}, "
        f"d = {curve.upper:.4g}, c = {curve.inflection:.4g}, b = {curve.slope:.4g}"
    )
    formula += "</p>" if curve.model == "4pl" else f", g = {curve.asymmetry:.4g}</p>"
    unit = escape(curve.unit)
    limits = (
        f"<p>LOD {curve.lod:.4g} {unit}; by precision {curve.lloq:.4g} to {curve.uloq:.4g} "
        f"{unit}; by recovery {curve.lloq_recovery:.4g} to {curve.uloq_recovery:.4g} {unit}</p>"
    )
    columns = ["level", "expected", "n_wells", "mfi", "back_calculated", "recovery_pct"]
    table = curve.standards[[*columns, "reason"]].to_html(
        index=False, float_format=lambda value: f"{value:.4g}"
    )
    return title + formula + limits + _plot(curve) + table


def _plot(curve: StandardCurve) -> str:
    """The curve as a picture of its own document, so that ids of several do not meet."""
    from cytokit.figures.curves import curve_figure
    from cytokit.figures.style import figure_bytes

    picture = b64encode(figure_bytes(curve_figure(curve), "svg")).decode("ascii")
    words = escape(f"standard curve of {curve.analyte} on {curve.plate}", quote=True)
    return f'<p><img alt="{words}" src="data:image/svg+xml;base64,{picture}"></p>'
