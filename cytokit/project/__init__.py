"""A study as a file: written by ``init``, carried through and resumed by ``run``."""

from __future__ import annotations

from cytokit.project.plan import StudyPlan
from cytokit.project.run import StudyRun, plan_study, run_study
from cytokit.project.study_file import StudyFile, read_study_file
from cytokit.project.template import study_text, write_study_file

__all__ = [
    "StudyFile",
    "StudyPlan",
    "StudyRun",
    "plan_study",
    "read_study_file",
    "run_study",
    "study_text",
    "write_study_file",
]
