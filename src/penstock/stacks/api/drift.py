"""Drift: detecting it, and telling what was found."""

from collections.abc import Mapping
from typing import Any

from penstock.aws.service import Call, Request, Response
from penstock.stacks.api.lookup import invalid, page, present, stack_of
from penstock.stacks.drift.comparison import DriftStatus
from penstock.stacks.drift.detections import DriftDetections
from penstock.stacks.stacks import Stacks
from penstock.storage.stack_drifts import DetectionRow, ResourceDriftRow
from penstock.storage.stacks import ResourceRow

_MOST_DRIFTS = 100


async def detect_stack_drift(stacks: Stacks, call: Call, request: Request) -> Response:
    """Begin to look at a stack's resources."""
    row = await stack_of(stacks, request["StackName"])
    wanted = request.get("LogicalResourceIds") or ()
    return {"StackDriftDetectionId": await stacks.drift.begin(row, call.principal, wanted)}


async def detect_stack_resource_drift(stacks: Stacks, call: Call, request: Request) -> Response:
    """Look at one resource, and answer what was found."""
    row = await stack_of(stacks, request["StackName"])
    found = await stacks.drift.of_resource(row, request["LogicalResourceId"], call.principal)
    return {"StackResourceDrift": _described(stacks.drift, found)}


async def describe_stack_drift_detection_status(
    stacks: Stacks, call: Call, request: Request
) -> Response:
    """Say how far a detection is, and what it came to."""
    detection_id = request["StackDriftDetectionId"]
    found = await stacks.drift.detection(detection_id)
    if found is None:  # unverified
        raise invalid(f"Drift detection with id {detection_id} does not exist")
    return present(
        {
            "StackId": found.stack_id,
            "StackDriftDetectionId": found.id,
            "StackDriftStatus": found.drift_status,
            "DetectionStatus": found.status,
            "DetectionStatusReason": found.reason,
            "DriftedStackResourceCount": found.drifted,
            "Timestamp": found.started_at,
        }
    )


async def describe_stack_resource_drifts(stacks: Stacks, call: Call, request: Request) -> Response:
    """Tell what was last found of each resource that was checked."""
    row = await stack_of(stacks, request["StackName"])
    wanted = request.get("StackResourceDriftStatusFilters")
    there = {each.logical_id for each in await stacks.resources(row.id)}
    found = [
        each
        for each in await stacks.drift.resources(row.id)
        if each.logical_id in there and (not wanted or each.status in wanted)
    ]
    size = request.get("MaxResults", _MOST_DRIFTS)
    shown, token = page(found, request.get("NextToken"), size)
    drifts = [_described(stacks.drift, each) for each in shown]
    return present({"StackResourceDrifts": drifts, "NextToken": token})


def of_stack(found: DetectionRow | None) -> dict[str, Any]:
    """Return DriftInformation of a stack, by the newest detection since it was deployed to."""
    if found is None or found.drift_status is None:
        return {"StackDriftStatus": DriftStatus.NOT_CHECKED}
    return {"StackDriftStatus": found.drift_status, "LastCheckTimestamp": found.started_at}


def of_resource(row: ResourceRow, found: Mapping[str, ResourceDriftRow]) -> dict[str, Any]:
    """Return DriftInformation of a resource, NOT_CHECKED where it was changed since."""
    drift = found.get(row.logical_id)
    if drift is None or drift.checked_at < row.updated_at:
        return {"StackResourceDriftStatus": DriftStatus.NOT_CHECKED}
    return {"StackResourceDriftStatus": drift.status, "LastCheckTimestamp": drift.checked_at}


OPERATIONS = {
    "DescribeStackDriftDetectionStatus": describe_stack_drift_detection_status,
    "DescribeStackResourceDrifts": describe_stack_resource_drifts,
    "DetectStackDrift": detect_stack_drift,
    "DetectStackResourceDrift": detect_stack_resource_drift,
}


def _described(drifts: DriftDetections, row: ResourceDriftRow) -> dict[str, Any]:
    found = drifts.drift(row)
    deleted = found.status == DriftStatus.DELETED
    return present(
        {
            "StackId": row.stack_id,
            "LogicalResourceId": row.logical_id,
            "PhysicalResourceId": row.physical_id,
            "ResourceType": row.type,
            "ExpectedProperties": None if row.reason else found.expected,
            "ActualProperties": None if row.reason or deleted else found.actual,
            "PropertyDifferences": [
                {
                    "PropertyPath": each.path,
                    "ExpectedValue": each.expected,
                    "ActualValue": each.actual,
                    "DifferenceType": each.kind,
                }
                for each in found.differences
            ],
            "StackResourceDriftStatus": row.status,
            "DriftStatusReason": row.reason,
            "Timestamp": row.checked_at,
        }
    )
