"""From bytes to cells: text and its encoding, workbooks, XML, and what one cell says."""
