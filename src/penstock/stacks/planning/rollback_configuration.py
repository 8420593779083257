"""RollbackConfiguration of a request: validated as on AWS, and refused where it would do something,
since there are no alarms here that could trigger a rollback. Pure.

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
    """Raise ValidationError for triggers, bad ones in AWS's words, and for a time to wait.

    An empty configuration, and a time of 0, ask for nothing.
    """
    triggers = configuration.get("RollbackTriggers") or ()
    for trigger in triggers:
        if trigger["Type"] not in _TYPES:
            raise invalid("Rollback Trigger Type not supported")
        if not _ALARM.fullmatch(trigger["Arn"]):
            raise invalid("RelativeId of a Rollback Trigger's ARN is incorrect")
    if triggers:
        raise invalid(
            f"Penstock has no CloudWatch alarms, so {triggers[0]['Arn']} could never trigger a "
            "rollback; leave out RollbackTriggers."
        )
    if configuration.get("MonitoringTimeInMinutes"):
        raise invalid(
            "Penstock does not wait before it cleans up; leave out MonitoringTimeInMinutes, or "
            "give 0."
        )
