"""Target groups and their targets through boto3."""

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock.workloads.container_instance import ec2_instance_id

GROUP = {"Name": "app", "Protocol": "HTTP", "Port": 8080, "VpcId": "vpc-1", "TargetType": "ip"}


def test_a_group_has_aws_defaults(elbv2: Any) -> None:
    made = elbv2.create_target_group(Name="app", Protocol="HTTP", Port=80, VpcId="vpc-1")
    (group,) = made["TargetGroups"]
    assert re.fullmatch(
        r"arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/app/[0-9a-f]{16}",
        group.pop("TargetGroupArn"),
    )
    # https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateTargetGroup.html
    assert group == {
        "TargetGroupName": "app",
        "Protocol": "HTTP",
        "ProtocolVersion": "HTTP1",
        "Port": 80,
        "VpcId": "vpc-1",
        "TargetType": "instance",
        "IpAddressType": "ipv4",
        "HealthCheckEnabled": True,
        "HealthCheckProtocol": "HTTP",
        "HealthCheckPort": "traffic-port",
        "HealthCheckPath": "/",
        "HealthCheckIntervalSeconds": 30,
        "HealthCheckTimeoutSeconds": 5,
        "HealthyThresholdCount": 5,
        "UnhealthyThresholdCount": 2,
        "Matcher": {"HttpCode": "200"},
        "LoadBalancerArns": [],
    }


def test_a_group_is_changed_and_deleted(elbv2: Any, group: str) -> None:
    changed = elbv2.modify_target_group(
        TargetGroupArn=group,
        HealthCheckPath="/health",
        HealthCheckIntervalSeconds=10,
        Matcher={"HttpCode": "200-299,301"},
    )["TargetGroups"][0]
    assert changed["HealthCheckPath"] == "/health"
    assert elbv2.describe_target_groups(Names=["app"])["TargetGroups"] == [changed]
    assert elbv2.create_target_group  # the same request with other settings:
    with pytest.raises(
        ClientError,
        match="A target group with the same name 'app' exists, but with different settings",
    ):
        elbv2.create_target_group(**GROUP)
    elbv2.delete_target_group(TargetGroupArn=group)
    with pytest.raises(ClientError, match="One or more target groups not found"):
        elbv2.describe_target_groups(Names=["app"])


def test_the_same_request_finds_the_same_group(elbv2: Any, group: str) -> None:
    again = elbv2.create_target_group(**GROUP)["TargetGroups"][0]
    assert again["TargetGroupArn"] == group


def test_a_group_in_use_stays(elbv2: Any, group: str, balancer: str, listener: str) -> None:
    (found,) = elbv2.describe_target_groups(LoadBalancerArn=balancer)["TargetGroups"]
    assert found["LoadBalancerArns"] == [balancer]
    with pytest.raises(ClientError, match="is currently in use by a listener or a rule") as error:
        elbv2.delete_target_group(TargetGroupArn=group)
    assert error.value.response["Error"]["Code"] == "ResourceInUse"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Protocol": "TCP"}, "protocol HTTP; found TCP"),
        ({"TargetType": "lambda"}, "type instance and ip; found lambda"),
        ({"ProtocolVersion": "GRPC"}, "ProtocolVersion HTTP1 only"),
        ({"HealthCheckTimeoutSeconds": 30}, "interval must be greater than the timeout"),
        ({"HealthCheckPath": "health"}, "must start with '/'"),
        ({"HealthCheckPath": "/a b"}, "must start with '/' and hold no spaces"),
        ({"HealthCheckPort": "x"}, "must be in range"),
        ({"Matcher": {"HttpCode": "700"}}, "must be within '200-499'"),
        ({"HealthCheckEnabled": False}, "Health check enabled must be true"),
        ({"VpcId": ""}, "A VPC ID must be specified"),
    ],
)
def test_what_is_refused(elbv2: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=re.escape(message)):
        elbv2.create_target_group(**{**GROUP, **changes})


def test_attributes(elbv2: Any, group: str) -> None:
    before = elbv2.describe_target_group_attributes(TargetGroupArn=group)["Attributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "300"} in before
    after = elbv2.modify_target_group_attributes(
        TargetGroupArn=group,
        Attributes=[{"Key": "deregistration_delay.timeout_seconds", "Value": "5"}],
    )["Attributes"]
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "5"} in after
    for key, value in (("stickiness.enabled", "true"), ("slow_start.duration_seconds", "30")):
        with pytest.raises(ClientError, match=f"Penstock does not offer {key}"):
            elbv2.modify_target_group_attributes(
                TargetGroupArn=group, Attributes=[{"Key": key, "Value": value}]
            )


def _health(elbv2: Any, group: str, **arguments: Any) -> dict[tuple[str, int], tuple[str, str]]:
    found = elbv2.describe_target_health(TargetGroupArn=group, **arguments)
    return {
        (one["Target"]["Id"], one["Target"]["Port"]): (
            one["TargetHealth"]["State"],
            one["TargetHealth"]["Reason"],
        )
        for one in found["TargetHealthDescriptions"]
    }


def test_targets_come_and_go(elbv2: Any, group: str, listener: str) -> None:
    targets = [{"Id": "10.0.0.1"}, {"Id": "10.0.0.1", "Port": 81}]
    elbv2.register_targets(TargetGroupArn=group, Targets=targets)
    registering = ("initial", "Elb.RegistrationInProgress")
    assert _health(elbv2, group) == {
        ("10.0.0.1", 8080): registering,
        ("10.0.0.1", 81): registering,
    }
    assert _health(elbv2, group, Targets=[{"Id": "10.9.9.9"}]) == {
        ("10.9.9.9", 8080): ("unused", "Target.NotRegistered")
    }
    elbv2.deregister_targets(TargetGroupArn=group, Targets=[{"Id": "10.0.0.1"}])
    draining = ("draining", "Target.DeregistrationInProgress")
    assert set(_health(elbv2, group).values()) == {draining}
    elbv2.register_targets(TargetGroupArn=group, Targets=targets[:1])
    assert _health(elbv2, group)["10.0.0.1", 8080] == registering


def test_targets_of_a_group_without_listener_are_unused(elbv2: Any, group: str) -> None:
    targets = [{"Id": "10.0.0.1"}]
    elbv2.register_targets(TargetGroupArn=group, Targets=targets)
    assert _health(elbv2, group) == {("10.0.0.1", 8080): ("unused", "Target.NotInUse")}
    elbv2.deregister_targets(TargetGroupArn=group, Targets=targets)
    assert _health(elbv2, group) == {}


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.64.0.1", "169.254.169.254", "0.0.0.0", "8.8.8.8", "224.0.0.1"]
)
def test_no_target_is_this_hosts_own_loopback_or_public(
    elbv2: Any, group: str, address: str
) -> None:
    with pytest.raises(ClientError, match="and can"):
        elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": address, "Port": 4600}])
    assert _health(elbv2, group) == {}


def test_no_target_is_penstock_itself(elbv2: Any) -> None:
    made = elbv2.create_target_group(Name="hosts", Protocol="HTTP", Port=80, VpcId="vpc-1")
    hosts = made["TargetGroups"][0]["TargetGroupArn"]
    targets = [{"Id": ec2_instance_id("test"), "Port": 4600}]
    with pytest.raises(ClientError, match="Port 4600 of this host is Penstock's own"):
        elbv2.register_targets(TargetGroupArn=hosts, Targets=targets)


def test_which_targets_a_group_takes(elbv2: Any, group: str) -> None:
    with pytest.raises(ClientError, match="is not a valid IPv4 address"):
        elbv2.register_targets(TargetGroupArn=group, Targets=[{"Id": "i-0123456789abcdef0"}])
    made = elbv2.create_target_group(Name="hosts", Protocol="HTTP", Port=80, VpcId="vpc-1")
    hosts = made["TargetGroups"][0]["TargetGroupArn"]
    elbv2.register_targets(
        TargetGroupArn=hosts, Targets=[{"Id": ec2_instance_id("test"), "Port": 32768}]
    )
    with pytest.raises(ClientError, match="not in a running state") as error:
        elbv2.register_targets(TargetGroupArn=hosts, Targets=[{"Id": "i-0123456789abcdef0"}])
    assert error.value.response["Error"]["Code"] == "InvalidTarget"
    with pytest.raises(ClientError, match="Target groups 'arn:none' not found"):
        elbv2.describe_target_health(TargetGroupArn="arn:none")
