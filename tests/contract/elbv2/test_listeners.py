"""Listeners and rules through boto3."""

import re
import socket
from typing import Any

import pytest
from botocore.exceptions import ClientError

FIXED = [
    {
        "Type": "fixed-response",
        "FixedResponseConfig": {"StatusCode": "404", "MessageBody": "nothing here"},
    }
]
PATH = [{"Field": "path-pattern", "Values": ["/img/*"]}]


def _create(elbv2: Any, balancer: str, port: int = 18081, **changes: Any) -> dict[str, Any]:
    request = {"Protocol": "HTTP", "Port": port, "DefaultActions": FIXED, **changes}
    made: dict[str, Any] = elbv2.create_listener(LoadBalancerArn=balancer, **request)["Listeners"][
        0
    ]
    return made


def test_a_listener_is_made_changed_and_deleted(elbv2: Any, balancer: str, group: str) -> None:
    made = _create(elbv2, balancer)
    assert re.fullmatch(
        r"arn:aws:elasticloadbalancing:us-east-1:123456789012:listener/app/web/"
        r"[0-9a-f]{16}/[0-9a-f]{16}",
        made["ListenerArn"],
    )
    arn = made["ListenerArn"]
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    changed = elbv2.modify_listener(ListenerArn=arn, Port=18082, DefaultActions=forward)
    assert changed["Listeners"][0]["Port"] == 18082
    (action,) = changed["Listeners"][0]["DefaultActions"]
    assert action["TargetGroupArn"] == group
    assert action["ForwardConfig"]["TargetGroups"] == [{"TargetGroupArn": group, "Weight": 1}]
    listed = elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"]
    assert listed == changed["Listeners"]
    elbv2.delete_listener(ListenerArn=arn)
    with pytest.raises(ClientError, match="One or more listeners not found"):
        elbv2.describe_listeners(ListenerArns=[arn])
    with pytest.raises(ClientError, match="not found") as error:
        elbv2.delete_listener(ListenerArn=arn)
    assert error.value.response["Error"]["Code"] == "ListenerNotFound"


def test_a_port_has_one_listener(elbv2: Any, balancer: str) -> None:
    _create(elbv2, balancer)
    with pytest.raises(ClientError, match="A listener already exists on this port") as error:
        _create(elbv2, balancer)
    assert error.value.response["Error"]["Code"] == "DuplicateListener"


def test_a_port_that_is_taken_is_refused(elbv2: Any, balancer: str) -> None:
    (found,) = elbv2.describe_load_balancers()["LoadBalancers"]
    address = found["DNSName"].partition(":")[0]
    with socket.socket() as taken:
        taken.bind((address, 18083))
        taken.listen()
        with pytest.raises(ClientError, match=r"Port 18083 of 127.* is taken on this machine"):
            _create(elbv2, balancer, 18083)
    _create(elbv2, balancer, 18083)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Protocol": "HTTPS"}, "listeners of protocol HTTP, without certificates; found HTTPS"),
        ({"DefaultActions": [{"Type": "authenticate-oidc"}]}, "found authenticate-oidc"),
        ({"DefaultActions": [{"Type": "forward"}]}, "A target group ARN must be specified"),
        (
            {"DefaultActions": [{"Type": "forward", "TargetGroupArn": "arn:none"}]},
            "Target groups 'arn:none' not found",
        ),
        (
            {"DefaultActions": [
                {"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301"}}
            ]},
            "creates a loop",
        ),
    ],
)  # fmt: skip
def test_what_listeners_are_refused(
    elbv2: Any, balancer: str, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=re.escape(message)):
        _create(elbv2, balancer, **changes)


def test_a_group_has_one_load_balancer(
    elbv2: Any, balancer: str, group: str, listener: str
) -> None:
    other = elbv2.create_load_balancer(Name="other", Subnets=["subnet-1", "subnet-2"])
    arn = other["LoadBalancers"][0]["LoadBalancerArn"]
    with pytest.raises(ClientError, match="cannot be associated with more than one") as error:
        _create(elbv2, arn, DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
    assert error.value.response["Error"]["Code"] == "TargetGroupAssociationLimit"


def test_rules_are_made_ordered_changed_and_deleted(elbv2: Any, listener: str, group: str) -> None:
    def create(priority: int) -> str:
        made = elbv2.create_rule(
            ListenerArn=listener, Priority=priority, Conditions=PATH, Actions=FIXED
        )
        arn: str = made["Rules"][0]["RuleArn"]
        return arn

    second, first = create(20), create(10)
    listed = elbv2.describe_rules(ListenerArn=listener)["Rules"]
    assert [one["Priority"] for one in listed] == ["10", "20", "default"]
    assert [one["IsDefault"] for one in listed] == [False, False, True]
    assert listed[0]["Conditions"] == [
        {"Field": "path-pattern", "Values": ["/img/*"], "PathPatternConfig": {"Values": ["/img/*"]}}
    ]
    with pytest.raises(ClientError, match="Priority '10' is currently in use") as error:
        create(10)
    assert error.value.response["Error"]["Code"] == "PriorityInUse"
    elbv2.set_rule_priorities(
        RulePriorities=[
            {"RuleArn": first, "Priority": 20}, {"RuleArn": second, "Priority": 10},
        ]
    )  # fmt: skip
    assert elbv2.describe_rules(RuleArns=[second])["Rules"][0]["Priority"] == "10"
    changed = elbv2.modify_rule(
        RuleArn=first, Conditions=[{"Field": "host-header", "Values": ["*.example.com"]}]
    )["Rules"][0]
    assert changed["Conditions"][0]["HostHeaderConfig"] == {"Values": ["*.example.com"]}
    elbv2.delete_rule(RuleArn=first)
    with pytest.raises(ClientError, match="One or more rules not found"):
        elbv2.describe_rules(RuleArns=[first])
    with pytest.raises(ClientError, match=r"Default rule '.*' cannot be deleted"):
        elbv2.delete_rule(RuleArn=listed[-1]["RuleArn"])


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ([], "A condition must be specified"),
        ([{"Field": "nonsense", "Values": ["x"]}], "Condition field 'nonsense' must be one of"),
        (PATH * 2, "Rule conditions of type 'path-pattern' can only be specified once"),
        (
            [{"Field": "path-pattern", "Values": [f"/{number}" for number in range(6)]}],
            "A rule can only have '5' condition values",
        ),
        (
            [{"Field": "source-ip", "SourceIpConfig": {"Values": ["10.0.0.1"]}}],
            "must be an IPv4 block in CIDR form",
        ),
        (
            [{"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["get"]}}],
            "The HTTP request method 'get'",
        ),
        (
            [{"Field": "http-header",
              "HttpHeaderConfig": {"HttpHeaderName": "a)b", "Values": ["x"]}}],
            "The HTTP header name",
        ),
    ],
)  # fmt: skip
def test_what_conditions_are_refused(
    elbv2: Any, listener: str, conditions: list[dict[str, Any]], message: str
) -> None:
    with pytest.raises(ClientError, match=re.escape(message)):
        elbv2.create_rule(ListenerArn=listener, Priority=1, Conditions=conditions, Actions=FIXED)
