"""Labels of versions.

Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-labels.html
"""

from penstock.aws.service import Call, Request, Response
from penstock.services.ssm.names import Reference
from penstock.services.ssm.parameter import is_label, with_labels, without_labels
from penstock.services.ssm.parameters import Parameters, StoredParameter


async def label_parameter_version(parameters: Parameters, call: Call, request: Request) -> Response:
    """Move labels to a version, the newest unless one is named; report what is no label."""
    asked = request["Labels"]
    valid = [label for label in asked if is_label(label)]
    number = request.get("ParameterVersion")
    selector = str(number) if number is not None else ""
    labelled = 0

    def change(stored: StoredParameter) -> StoredParameter:
        nonlocal labelled
        labelled = stored.parameter.select(Reference(request["Name"], selector)).number
        return StoredParameter(with_labels(stored.parameter, labelled, valid), stored.tags)

    await parameters.change(Reference(request["Name"]), change)
    return {
        "InvalidLabels": [label for label in asked if label not in valid],
        "ParameterVersion": labelled,
    }


async def unlabel_parameter_version(
    parameters: Parameters, call: Call, request: Request
) -> Response:
    """Take labels off a version; report those that it does not have."""
    asked, number = request["Labels"], request["ParameterVersion"]
    removed: list[str] = []

    def change(stored: StoredParameter) -> StoredParameter:
        version = stored.parameter.select(Reference(request["Name"], str(number)))
        removed[:] = [label for label in asked if label in version.labels]
        return StoredParameter(without_labels(stored.parameter, number, removed), stored.tags)

    await parameters.change(Reference(request["Name"]), change)
    return {
        "RemovedLabels": removed,
        "InvalidLabels": [label for label in asked if label not in removed],
    }
