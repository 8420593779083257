"""Which rollback configurations are taken: those that ask for nothing."""

from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.planning import rollback_configuration

ALARM = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors"


@pytest.mark.parametrize(
    "configuration", [{}, {"RollbackTriggers": []}, {"MonitoringTimeInMinutes": 0}]
)
def test_what_asks_for_nothing_is_taken(configuration: dict[str, Any]) -> None:
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
            "could never trigger a rollback; leave out RollbackTriggers.",
        ),
        ({"MonitoringTimeInMinutes": 5}, "leave out MonitoringTimeInMinutes"),
    ],
)
def test_the_rest_is_refused(configuration: dict[str, Any], said: str) -> None:
    with pytest.raises(ServiceError) as caught:
        rollback_configuration.check(configuration)
    assert said in caught.value.message
