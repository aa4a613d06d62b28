"""What was done, with what, and whether it can be repeated: output folders and their manifests."""

from __future__ import annotations

from cytokit.record.folder import OutputFolder
from cytokit.record.manifest import MANIFEST, make_manifest, read_manifest, sha256_of

__all__ = ["MANIFEST", "OutputFolder", "make_manifest", "read_manifest", "sha256_of"]
