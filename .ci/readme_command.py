"""Print a command of the README: the shell block that follows ``<!-- command: NAME -->``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

text = (Path(__file__).resolve().parents[1] / "README.md").read_text(encoding="utf-8")
found = re.search(rf"<!-- command: {sys.argv[1]} -->\n```sh\n(.*?)\n```", text, flags=re.DOTALL)
if found is None:
    sys.exit(f"README.md has no command named {sys.argv[1]}")
print(found[1])
