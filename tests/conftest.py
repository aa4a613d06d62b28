"""Shared fixtures: where the real data lie."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def real_data() -> Path | None:
    """The folder of real plates and tables, or None."""
    folder = Path(os.environ.get("CYTOKIT_REAL_DATA", ROOT.parent / "shared" / "real"))
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def real() -> Path:
    """The real data's folder; the test is skipped, with the reason, where it is absent."""
    folder = real_data()
    if folder is None:
        if os.environ.get("CYTOKIT_REQUIRE_REAL"):
            pytest.fail("CYTOKIT_REQUIRE_REAL is set but the real data are not there")
        pytest.skip("real data not found at ../shared/real nor at CYTOKIT_REAL_DATA")
    return folder
