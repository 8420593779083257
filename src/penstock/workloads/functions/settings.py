"""What a request may say of a function, and what of it cannot be honoured: pure.

Nothing is dropped: a setting that would have no effect is refused, but for those that
docs/compatibility-notes.md lists as kept.
Source: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
"""

import re
from collections.abc import Mapping
from typing import Any

from penstock.workloads.functions.refusals import cannot_honour, invalid
from penstock.workloads.functions.runtimes import runtime

LONGEST_TIMEOUT_SECONDS = 900
MOST_MEMORY_MB = 10_240
_MOST_ENVIRONMENT_BYTES = 4_096
_VARIABLE = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
_RESERVED = frozenset({
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
    "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
})  # fmt: skip
_REFUSED = {
    "CapacityProviderConfig": "it runs in this server's container engine.",
    "CodeSigningConfigArn": "no code is signed here.",
    "DeadLetterConfig": "nothing takes what failed; look into the function's log.",
    "DurableConfig": "its invocations are at most 15 minutes.",
    "FileSystemConfigs": "there are no file systems to mount.",
    "ImageConfig": "give its code as a .zip file.",
    "KMSKeyArn": "its variables are encrypted with the server's own key.",
    "Layers": "put what it needs into its .zip file.",
    "RuntimeConfig": "it runs on what this server has.",
    "TenancyConfig": "there is one tenant.",
    "AcceleratorConfig": "there is no accelerator.",
}
_EMPTY: tuple[Any, ...] = (None, "", [], {})


def check_supported(request: Mapping[str, Any]) -> None:
    """Raise InvalidParameterValue for the first setting of a request that has no effect here."""
    for name, why in _REFUSED.items():
        if request.get(name) not in _EMPTY and request.get(name) != {"TargetArn": ""}:
            raise cannot_honour(name, why)
    if request.get("PackageType", "Zip") != "Zip":
        raise cannot_honour("the package type Image", "give its code as a .zip file.")
    if request.get("Publish") or request.get("PublishTo"):
        raise cannot_honour("a published version", "there is only $LATEST; leave Publish out.")
    if (request.get("SnapStart") or {}).get("ApplyOn", "None") != "None":
        raise cannot_honour("SnapStart", "each invocation starts a container.")
    logging = request.get("LoggingConfig") or {}
    if logging.get("LogFormat", "Text") != "Text":
        raise cannot_honour("LogFormat JSON", "its log is text.")
    for name in ("ApplicationLogLevel", "SystemLogLevel"):
        if logging.get(name):
            raise cannot_honour(name, "it needs LogFormat JSON, and its log is text.")


def changes(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a Function that a request gives, but for name, code and variables.

    Raises InvalidParameterValue.
    """
    check_supported(request)
    found: dict[str, Any] = {}
    for member, field in (
        ("Description", "description"),
        ("Handler", "handler"),
        ("MemorySize", "memory_mb"),
        ("Role", "role"),
        ("Timeout", "timeout_seconds"),
    ):
        if request.get(member) is not None:
            found[field] = request[member]
    if "Runtime" in request:
        found["runtime"] = runtime(request["Runtime"]).name
    if request.get("Architectures"):
        found["architecture"] = request["Architectures"][0]
    if request.get("TracingConfig"):
        found["tracing"] = request["TracingConfig"].get("Mode", "PassThrough")
    if request.get("EphemeralStorage"):
        found["ephemeral_mb"] = request["EphemeralStorage"]["Size"]
    if request.get("VpcConfig") is not None:
        used = {name: value for name, value in request["VpcConfig"].items() if value}
        found["vpc"] = used or None
    if request.get("LoggingConfig"):
        found["log_group"] = request["LoggingConfig"].get("LogGroup") or None
    _check_limits(found)
    return found


def variables(request: Mapping[str, Any]) -> dict[str, str] | None:
    """Return a request's environment variables, None where it says nothing of them.

    Raises InvalidParameterValue.
    """
    if "Environment" not in request:
        return None
    found: dict[str, str] = dict((request["Environment"] or {}).get("Variables") or {})
    reserved = sorted(_RESERVED & found.keys())
    if reserved:
        # https://github.com/serverless/serverless/issues/7155 quotes it
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment "
            "variables you have provided contains reserved keys that are currently not supported "
            f"for modification. Reserved keys used in this request: {', '.join(reserved)}"
        )
    for name in found:
        if not _VARIABLE.fullmatch(name):
            raise invalid(  # unverified
                f"Environment variables: expected names of the form {_VARIABLE.pattern}, found "
                f"{name!r}"
            )
    size = sum(len(name.encode()) + len(value.encode()) for name, value in found.items())
    if size > _MOST_ENVIRONMENT_BYTES:
        raise invalid(
            "Lambda was unable to configure your environment variables because the environment "
            "variables you have provided exceeded the 4KB limit."
        )
    return found


def _check_limits(fields: Mapping[str, Any]) -> None:
    """The model allows more than AWS does to functions that run as these do."""
    timeout = fields.get("timeout_seconds", 1)
    if timeout > LONGEST_TIMEOUT_SECONDS:
        raise invalid(
            f"1 validation error detected: Value '{timeout}' at 'timeout' failed to satisfy "
            f"constraint: Member must have value less than or equal to {LONGEST_TIMEOUT_SECONDS}"
        )
    memory = fields.get("memory_mb", 128)
    if memory > MOST_MEMORY_MB:
        raise invalid(
            f"'MemorySize' value failed to satisfy constraint: Member must have value less than "
            f"or equal to {MOST_MEMORY_MB}"
        )
