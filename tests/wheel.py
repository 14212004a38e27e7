"""Builds the wheel, installs it beside the tests in a venv of its own, and runs the quick tests against it.

Without a `src/` folder the tests could import the checkout; here they cannot: they run in a copy without `collector/`.
The new venv borrows the libraries of the running one through a .pth file, so that nothing is downloaded twice.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
TESTS = ["test_captures.py", "test_inventory.py", "test_house_commands.py", "test_installed.py"]


def main() -> int:
    """Exit code of the tests."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = folder / "source"  # a copy: a stale build/ of the checkout must not get in
        for part in ("collector", "templates"):
            shutil.copytree(ROOT / part, source / part)
        for file in ("pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / file, source / file)
        subprocess.run(
            [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist"), str(source)],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        venv.create(folder / "venv", with_pip=True)
        python = folder / "venv" / "bin" / "python"
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", "--no-deps", *map(str, (folder / "dist").glob("*.whl"))],
            check=True,
            stderr=subprocess.DEVNULL,
        )
        site = folder / "venv" / Path(sysconfig.get_path("purelib")).relative_to(sys.prefix)
        libraries = Path(sysconfig.get_path("purelib"))
        borrowed = folder / "libraries"
        borrowed.mkdir()
        for entry in libraries.iterdir():  # all but the editable install of this project
            if not entry.name.startswith(("__editable__", "spi_collector", "_distutils", "distutils")):
                (borrowed / entry.name).symlink_to(entry)
        (site / "borrowed.pth").write_text(f"{borrowed}\n")
        shutil.copytree(ROOT / "tests", folder / "copy" / "tests")
        for file in ("pyproject.toml", "inventory.example.yaml", "README.md"):
            shutil.copy(ROOT / file, folder / "copy" / file)
        chosen = [f"tests/{test}" for test in TESTS if (ROOT / "tests" / test).exists()]
        done = subprocess.run([str(python), "-m", "pytest", "-q", *chosen], cwd=folder / "copy", check=False)
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())
