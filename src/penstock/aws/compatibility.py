"""The table in docs/compatibility.md: what of each service's API exists here."""

from collections.abc import Sequence

from penstock.aws import models
from penstock.aws.service import Service

_HEAD = """\
# Compatibility

Generated from the registered services by `make docs`; do not edit.

An operation that is not listed answers with the error `NotImplemented` (HTTP 400, so that no
SDK retries it), naming what is implemented. Requests are checked against AWS's own service
models: every constraint of every listed operation is enforced.
"""


def render(services: Sequence[Service]) -> str:
    """Return the page as Markdown: per service the count and the list of operations."""
    rows = ["| Service | API version | Protocol | Implemented |", "|---|---|---|---|"]
    details = []
    for service in sorted(services, key=lambda service: service.name):
        model = models.load(service.name)
        title = str(model.service.metadata.get("serviceFullName", service.name))
        total = len(model.operation_names)
        rows.append(
            f"| [{title}](#{service.name}) | {model.api_version} | {model.protocol} | "
            f"{len(service.operations)} of {total} |"
        )
        listed = ", ".join(f"`{name}`" for name in sorted(service.operations))
        details.append(f'## <a id="{service.name}"></a>{title}\n\n{listed or "None yet."}\n')
    return "\n".join((_HEAD, *rows, "", *details))
