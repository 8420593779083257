"""A function as it is kept, and by what names it is called: pure.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from penstock.arns import arn
from penstock.workloads.functions.refusals import invalid, not_found

LATEST = "$LATEST"
_NAME = re.compile(
    r"(?:arn:aws:lambda:)?(?:(?P<region>[a-z]{2}(?:-[a-z]+)+-\d):)?"
    r"(?:(?P<account>\d{12}):)?(?:function:)?(?P<name>[a-zA-Z0-9-_]+)"
    r"(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?"
)


class Code(msgspec.Struct, frozen=True):
    """A function's code: where it stands, unpacked, and what its .zip file was."""

    blob_id: str
    size: int
    """Of the .zip file, in bytes."""
    sha256: str
    """Of the .zip file, in base64."""


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """A function. `sealed_environment` is its variables, encrypted."""

    name: str
    arn: str
    generation: str
    """Another for each function that is made under the name."""
    runtime: str
    role: str
    handler: str
    code: Code
    description: str = ""
    timeout_seconds: int = 3
    memory_mb: int = 128
    sealed_environment: str | None = None
    tracing: str = "PassThrough"
    architecture: str = "x86_64"
    ephemeral_mb: int = 512
    log_group: str | None = None
    vpc: dict[str, Any] | None = None
    """Its subnets and security groups: kept, without effect."""
    revision_id: str
    modified_at: str
    """ISO 8601, as the API shows it."""
    statements: tuple[dict[str, Any], ...] = ()
    """Of its policy, which is kept and not asked (ADR 0038)."""

    @property
    def logs_to(self) -> str:
        """The log group that its output goes to."""
        return self.log_group or f"/aws/lambda/{self.name}"


@dataclass(frozen=True, slots=True)
class Reference:
    """A function as a request names it: `qualifier` is a version or an alias."""

    name: str
    arn: str
    """Without the qualifier."""
    qualifier: str | None = None


def reference(text: str, place: Mapping[str, str], qualifier: str | None = None) -> Reference:
    """Read a function's name, partial ARN or ARN; `place` has `region` and `account_id`.

    Raises InvalidParameterValue where it is none, ResourceNotFound for another place or a version
    other than $LATEST: none is ever published here.
    """
    match = _NAME.fullmatch(text)
    if match is None or len(match["name"]) > 64:
        raise invalid(f"Invalid function name: expected a name, a partial ARN or an ARN of a "
                      f"function, found {text!r}")  # fmt: skip
    named = match["qualifier"]
    if named and qualifier and named != qualifier:
        # moto awslambda/responses.py
        raise invalid(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    found = Reference(
        match["name"],
        function_arn(
            match["name"],
            match["region"] or place["region"],
            match["account"] or place["account_id"],
        ),
        named or qualifier,
    )
    if found.arn != function_arn(match["name"], place["region"], place["account_id"]):
        raise not_found(found.arn)
    if found.qualifier not in (None, LATEST):
        raise not_found(f"{found.arn}:{found.qualifier}")
    return found


def function_arn(name: str, region: str, account_id: str) -> str:
    """Return the ARN of a function of that name."""
    return arn("lambda", region, account_id, f"function:{name}")
