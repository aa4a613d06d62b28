"""Plain concentration tables, from any platform: tidy or wide, text or workbook (:mod:`.read`)."""

from cytokit.tables.read import ConcentrationTable, read_concentrations

__all__ = ["ConcentrationTable", "read_concentrations"]
