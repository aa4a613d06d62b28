"""The tables, the self-contained page and the workbook."""
