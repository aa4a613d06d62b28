"""Build wheel and sdist; install each into a clean environment; run the demo in an empty folder."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run(*words: str | Path, cwd: Path) -> None:
    """Run a command and stop with its output where it fails."""
    done = subprocess.run(list(map(str, words)), cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")


def try_package(package: Path, area: Path) -> None:
    """Install one package alone and run the main job with it."""
    name = "sdist" if package.suffix == ".gz" else "wheel"
    environment = area / f"env-{name}"
    venv.create(environment, with_pip=True)
    scripts = environment / ("Scripts" if sys.platform == "win32" else "bin")
    run(scripts / "python", "-m", "pip", "install", "--quiet", package, cwd=area)
    empty = area / f"empty-{name}"
    empty.mkdir()
    run(scripts / "cytokit", "demo", cwd=empty)
    if not (empty / "cytokit_demo" / "compare" / "panels.pdf").is_file():
        sys.exit(f"{package.name}: the demo wrote no panels")
    clash = "import importlib.util as u; assert u.find_spec('cli') is None, 'a top-level cli'"
    run(scripts / "python", "-c", clash, cwd=empty)
    print(f"{package.name}: installs and runs the demo")


def main() -> None:
    """Build, then try each."""
    area = Path(sys.argv[1])
    area.mkdir(parents=True)
    run(sys.executable, "-m", "build", "--outdir", area / "dist", ROOT, cwd=area)
    for package in sorted((area / "dist").iterdir()):
        try_package(package, area)


if __name__ == "__main__":
    main()
