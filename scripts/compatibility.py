"""Write docs/compatibility.md: every operation of every service, from the operation tables.

python scripts/compatibility.py docs/compatibility.md
"""

import sys
from importlib import import_module
from pathlib import Path
from typing import cast

import botocore.session

from penstock.aws.in_process import InProcess
from penstock.clock import utc_now
from penstock.stacks.registration import handlers
from penstock.stacks.resource_types.own_types import own_handlers
from penstock.stacks.resource_types.refused_policy import RefusedPolicy
from penstock.stacks.responses.addresses import Responses
from penstock.stacks.stacks import Stacks
from penstock.stacks.transforms.macro_registry import Macros

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
    "sns": "penstock.services.sns.api",
    "codestar-connections": "penstock.services.codeconnections.api",
    "codeconnections": "penstock.services.codeconnections.api",
    "cloudformation": "penstock.stacks.api",
    "ecs": "penstock.workloads.ecs.api",
    "elbv2": "penstock.workloads.load_balancing.api",
    "lambda": "penstock.workloads.functions.api",
}

HEAD = """\
# Compatibility

Made by `make compatibility` from the tables of operations; don't edit. Where behaviour differs:
[compatibility-notes.md](compatibility-notes.md).

An operation that is not listed answers that it is not implemented, and names those that are.

| Service | Operations here | Of |
|---|---|---|
"""

TYPES = """\
## CloudFormation's resource types

Running: real containers or processes. Kept: all there is to it is state. Every other type that
has a schema is recorded: checked, given ids and attributes, and nothing runs behind it, which its
event says.

| | Types |
|---|---|
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
    page = HEAD + "\n".join(rows) + "\n\n" + "\n".join(sections)
    return f"{page}\n{_resource_types()}"


def _resource_types() -> str:
    """Return the section on CloudFormation's resource types, by what stands behind them."""
    nowhere = InProcess(list, _nobody, "", "", utc_now, "")
    by_support: dict[str, list[str]] = {}
    own = own_handlers(nowhere, cast(Responses, None), cast(Macros, None))
    for name, handler in {**handlers(nowhere, cast(Stacks, None)), **own}.items():
        if not isinstance(handler, RefusedPolicy):
            by_support.setdefault(handler.support.value, []).append(name)
    rows = [f"| {support} | {', '.join(sorted(by_support[support]))} |" for support in by_support]
    return TYPES + "\n".join(sorted(rows, reverse=True)) + "\n"


async def _nobody(*_: object, **__: object) -> None:
    """Allow nothing: nothing is called."""
    raise PermissionError


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(operations()), encoding="utf-8")
