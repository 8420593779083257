"""What has to be listed by hand in pyproject.toml is listed."""

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_file_of_the_examples_is_packaged():
    """A new example file that is not listed is missing from `penstock demo` once installed."""
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    listed = {
        f"{directory.removeprefix('share/penstock/')}/{Path(name).name}"
        for directory, names in pyproject["tool"]["setuptools"]["data-files"].items()
        for name in names
    }
    tracked = subprocess.run(
        ["git", "ls-files", "examples"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert listed == set(tracked.stdout.split())


def test_the_lock_files_name_no_host():
    for name in ("requirements.lock", "requirements-dev.lock"):
        text = (ROOT / name).read_text()
        assert "://" not in text
        assert "--hash=sha256:" in text


def test_every_dependency_is_locked():
    """A dependency that is declared and not locked is missing after `make venv`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for lock, wanted in {
        "requirements.lock": project["dependencies"],
        "requirements-dev.lock": project["dependencies"] + project["optional-dependencies"]["dev"],
    }.items():
        locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / lock).read_text(), re.MULTILINE))
        names = {re.split("[><=]", name)[0].lower().replace("_", "-") for name in wanted}
        assert names <= locked, f"run: make lock ({lock} lacks {names - locked})"
