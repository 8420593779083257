"""Write the one revision that makes the whole schema, from the tables as they are now.

Until the first release it is regenerated whenever a table changes:
`python scripts/make_initial_migration.py`. After it, changes get revisions of their own.
"""

import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa
from alembic import command

from penstock.storage import migrate

_VERSIONS = Path(migrate.__file__).with_name("migrations") / "versions"


def main() -> None:
    """Replace the revision 0001 and print its path."""
    for old in _VERSIONS.glob("0001_*.py"):
        old.unlink()
    with sa.create_engine("sqlite://").begin() as connection:
        command.revision(
            migrate.configuration(connection),
            message="The whole schema",
            autogenerate=True,
            rev_id="0001",
        )
    (made,) = _VERSIONS.glob("0001_*.py")
    made = made.rename(_VERSIONS / "0001_initial.py")
    for arguments in (["format", "--quiet"], ["check", "--fix", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *arguments, str(made)], check=True)
    print(made)


if __name__ == "__main__":
    main()
