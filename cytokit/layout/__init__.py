"""A user's plate map: what each well holds, where the export names nothing but ``Unknown1..96``.

A layout is a long table (one row per well) or 8 x 12 / 16 x 24 grids (one property each), in .csv
or .xlsx. It is merged with what the export says; where both speak and disagree, a finding names
both and the layout is followed. Wells the export does not hold stay missing.
"""

from cytokit.layout.lots import describes_lots
from cytokit.layout.merging import apply_layout
from cytokit.layout.plan import Layout, WellPlan, likely_type
from cytokit.layout.reading import describes_layout, read_layout
from cytokit.layout.template import unclear_types, write_layout_template

__all__ = [
    "Layout",
    "WellPlan",
    "apply_layout",
    "describes_layout",
    "describes_lots",
    "likely_type",
    "read_layout",
    "unclear_types",
    "write_layout_template",
]
