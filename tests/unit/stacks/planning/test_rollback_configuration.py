"""Which rollback configurations are taken: those without triggers."""

from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.planning import rollback_configuration

ALARM = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors"


@pytest.mark.parametrize(
    "configuration",
    [{}, {"RollbackTriggers": []}, {"MonitoringTimeInMinutes": 0}, {"MonitoringTimeInMinutes": 5}],
)
def test_without_triggers_they_are_taken(configuration: dict[str, Any]) -> None:
    rollback_configuration.check(configuration)


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        (
            {"RollbackTriggers": [{"Type": "AWS::SNS::Topic", "Arn": ALARM}]},
            "Rollback Trigger Type not supported",
        ),
        (
            {"RollbackTriggers": [{"Type": "AWS::CloudWatch::Alarm", "Arn": "errors"}]},
            "RelativeId of a Rollback Trigger's ARN is incorrect",
        ),
        (
            {"RollbackTriggers": [{"Type": "AWS::CloudWatch::Alarm", "Arn": ALARM}]},
            f"Penstock has no CloudWatch, so the alarm {ALARM} could never trigger a rollback. ",
        ),
    ],
)
def test_the_rest_is_refused(configuration: dict[str, Any], said: str) -> None:
    with pytest.raises(ServiceError) as caught:
        rollback_configuration.check(configuration)
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("configuration", "before", "minutes"),
    [(None, 0, 0), (None, 5, 5), ({}, 5, 0), ({"MonitoringTimeInMinutes": 7}, 5, 7)],
)
def test_a_request_that_says_nothing_keeps_what_the_stack_has(
    configuration: dict[str, Any] | None, before: int, minutes: int
) -> None:
    assert rollback_configuration.monitoring_minutes(configuration, before) == minutes
