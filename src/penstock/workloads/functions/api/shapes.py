"""A function as the API shows it.

Source: https://docs.aws.amazon.com/lambda/latest/api/API_FunctionConfiguration.html
"""

from collections.abc import Mapping
from typing import Any

from penstock.workloads.functions.function import LATEST, Function


def configuration(
    function: Function, environment: Mapping[str, str], *, qualified: bool = False
) -> dict[str, Any]:
    """Return a function's FunctionConfiguration; its ARN with the version when `qualified`."""
    shown: dict[str, Any] = {
        "FunctionName": function.name,
        "FunctionArn": f"{function.arn}:{LATEST}" if qualified else function.arn,
        "Runtime": function.runtime,
        "Role": function.role,
        "Handler": function.handler,
        "CodeSize": function.code.size,
        "CodeSha256": function.code.sha256,
        "Description": function.description,
        "Timeout": function.timeout_seconds,
        "MemorySize": function.memory_mb,
        "LastModified": function.modified_at,
        "Version": LATEST,
        "TracingConfig": {"Mode": function.tracing},
        "RevisionId": function.revision_id,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": [function.architecture],
        "EphemeralStorage": {"Size": function.ephemeral_mb},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": function.logs_to},
    }
    if function.vpc:
        shown["VpcConfig"] = function.vpc
    if environment:
        shown["Environment"] = {"Variables": dict(environment)}
    return shown
