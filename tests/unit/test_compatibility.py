"""docs/compatibility.md says what the operation tables say."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_up_to_date(tmp_path: Path) -> None:
    made = tmp_path / "compatibility.md"
    script = str(ROOT / "scripts" / "compatibility.py")
    subprocess.run([sys.executable, script, str(made)], check=True)
    page = (ROOT / "docs" / "compatibility.md").read_text()
    assert page == made.read_text(), "run: make compatibility"
