"""RollbackConfiguration of a request: its triggers validated as on AWS, and refused, since there
are no alarms here that could trigger a rollback; its time to wait. Pure.

Without triggers CloudFormation waits that time all the same, after everything is made, before it
cleans up: who looks at the stack meanwhile may cancel the operation.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_RollbackConfiguration.html
Texts of bad triggers: recorded on AWS.
"""

import re
from collections.abc import Mapping
from typing import Any

from penstock.stacks.template.errors import invalid

_TYPES = frozenset({"AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"})
_ALARM = re.compile(r"arn:[a-z-]+:cloudwatch:[a-z0-9-]*:\d*:alarm:.+", re.DOTALL)


def check(configuration: Mapping[str, Any]) -> None:
    """Raise ValidationError for triggers, bad ones in AWS's words."""
    triggers = configuration.get("RollbackTriggers") or ()
    for trigger in triggers:
        if trigger["Type"] not in _TYPES:
            raise invalid("Rollback Trigger Type not supported")
        if not _ALARM.fullmatch(trigger["Arn"]):
            raise invalid("RelativeId of a Rollback Trigger's ARN is incorrect")
    if triggers:
        raise invalid(
            f"Penstock has no CloudWatch, so the alarm {triggers[0]['Arn']} could never trigger a "
            "rollback. Leave out RollbackTriggers; with MonitoringTimeInMinutes alone the "
            "operation waits before it cleans up, and can be cancelled."
        )


def monitoring_minutes(configuration: Mapping[str, Any] | None, before: int) -> int:
    """Return how long an operation waits once everything is made; a request that says nothing of
    its rollback keeps what the stack has (of triggers documented, of the time unverified)."""
    if configuration is None:
        return before
    return int(configuration.get("MonitoringTimeInMinutes") or 0)


def described(minutes: int) -> dict[str, Any]:
    """Return RollbackConfiguration as a stack or a change set describes it."""
    return {"MonitoringTimeInMinutes": minutes} if minutes else {}
