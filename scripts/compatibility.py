"""Write docs/compatibility.md: every operation of every service, from the operation tables.

python scripts/compatibility.py docs/compatibility.md
"""

import sys
from importlib import import_module
from pathlib import Path

import botocore.session

APIS = {
    "codecommit": "penstock.repositories.api",
    "codepipeline": "penstock.pipelines.api",
    "codebuild": "penstock.builds.api",
    "s3": "penstock.services.s3.api",
    "ecr": "penstock.services.ecr.api",
    "iam": "penstock.services.iam.api",
    "sts": "penstock.services.sts.api",
    "secretsmanager": "penstock.services.secretsmanager.api",
    "ssm": "penstock.services.ssm.api",
    "logs": "penstock.services.logs.api",
}

HEAD = """\
# Compatibility

Made by `make compatibility` from the tables of operations; don't edit. Where behaviour differs:
[compatibility-notes.md](compatibility-notes.md).

An operation that is not listed answers that it is not implemented, and names those that are.

| Service | Operations here | Of |
|---|---|---|
"""


def operations() -> dict[str, list[str]]:
    """Return each service's operations that exist here, in order of name."""
    return {name: sorted(import_module(path).OPERATIONS) for name, path in APIS.items()}


def render(here: dict[str, list[str]]) -> str:
    """Return the page; raise ValueError for an operation that AWS's model does not have."""
    session = botocore.session.get_session()
    rows, sections = [], []
    for service, names in here.items():
        model = session.get_service_model(service)
        known = set(model.operation_names)
        if unknown := set(names) - known:
            raise ValueError(f"{service} has no operation {', '.join(sorted(unknown))}")
        title = model.metadata.get("serviceAbbreviation") or model.metadata["serviceFullName"]
        rows.append(f"| {title} (`{service}`) | {len(names)} | {len(known)} |")
        sections.append(f"## {title}\n\n{', '.join(names)}\n")
    return HEAD + "\n".join(rows) + "\n\n" + "\n".join(sections)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(operations()), encoding="utf-8")
