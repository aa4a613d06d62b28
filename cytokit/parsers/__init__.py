"""Export families: one file each, recognised by content."""
