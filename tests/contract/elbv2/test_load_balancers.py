"""Load balancers through boto3."""

import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

SUBNETS = ["subnet-1", "subnet-2"]


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    code: str = error.value.response["Error"]["Code"]
    return code


def test_a_load_balancer_is_made_described_and_deleted(elbv2: Any) -> None:
    made = elbv2.create_load_balancer(
        Name="web", Subnets=SUBNETS, SecurityGroups=["sg-1"], Scheme="internal"
    )["LoadBalancers"][0]
    assert re.fullmatch(
        r"arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/[0-9a-f]{16}",
        made["LoadBalancerArn"],
    )
    assert re.fullmatch(r"127\.\d+\.\d+\.\d+(:\d+)?", made["DNSName"])
    assert made["CanonicalHostedZoneId"] == "Z35SXDOTRQ7X7K"
    assert (made["Type"], made["Scheme"], made["IpAddressType"]) == (
        "application", "internal", "ipv4",
    )  # fmt: skip
    assert made["State"] == {"Code": "provisioning"}
    assert [zone["SubnetId"] for zone in made["AvailabilityZones"]] == SUBNETS
    assert elbv2.describe_load_balancers(Names=["web"])["LoadBalancers"] == [made]
    arns = [made["LoadBalancerArn"]]
    assert elbv2.describe_load_balancers(LoadBalancerArns=arns)["LoadBalancers"] == [made]
    for _ in range(2):  # deleting one that is gone is no error on AWS either
        elbv2.delete_load_balancer(LoadBalancerArn=arns[0])
    with pytest.raises(ClientError, match=r"Load balancers '\[web\]' not found") as error:
        elbv2.describe_load_balancers(Names=["web"])
    assert _code(error) == "LoadBalancerNotFound"
    with pytest.raises(ClientError, match="One or more load balancers not found"):
        elbv2.describe_load_balancers(LoadBalancerArns=arns)


def test_the_same_request_finds_the_same_load_balancer(elbv2: Any) -> None:
    first = elbv2.create_load_balancer(Name="web", Subnets=SUBNETS)["LoadBalancers"][0]
    again = elbv2.create_load_balancer(Name="web", Subnets=SUBNETS)["LoadBalancers"][0]
    assert again == first
    with pytest.raises(
        ClientError,
        match="A load balancer with the same name 'web' exists, but with different settings",
    ) as error:
        elbv2.create_load_balancer(Name="web", Subnets=SUBNETS, Scheme="internal")
    assert _code(error) == "DuplicateLoadBalancerName"


def test_each_load_balancer_has_an_address_of_its_own(elbv2: Any) -> None:
    names = {
        elbv2.create_load_balancer(Name=f"web-{number}", Subnets=SUBNETS)["LoadBalancers"][0][
            "DNSName"
        ].partition(":")[0]
        for number in range(5)
    }
    assert len(names) == 5
    pages = elbv2.get_paginator("describe_load_balancers").paginate(
        PaginationConfig={"PageSize": 2}
    )
    assert [len(page["LoadBalancers"]) for page in pages] == [2, 2, 1]


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        ({"Name": "a" * 33}, "cannot be longer than '32' characters"),
        ({"Name": "a_b"}, "can only contain characters that are alphanumeric"),
        ({"Name": "-a"}, "cannot begin or end with a hyphen"),
        ({"Name": "internal-a"}, "cannot start with 'internal-'"),
        ({"Name": "a", "Subnets": []}, "At least two subnets"),
        ({"Name": "a", "Type": "network"}, "of type application; found network"),
        ({"Name": "a", "IpAddressType": "dualstack"}, "IpAddressType ipv4 only"),
        ({"Name": "a", "Tags": [{"Key": "aws:x", "Value": ""}]}, "cannot start with 'aws:'"),
    ],
)
def test_what_is_refused(elbv2: Any, request_: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=re.escape(message)):
        elbv2.create_load_balancer(**{"Subnets": SUBNETS, **request_})


def test_attributes_are_honoured_or_refused(elbv2: Any, balancer: str) -> None:
    changed = elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=balancer,
        Attributes=[
            {"Key": "idle_timeout.timeout_seconds", "Value": "120"},
            {"Key": "deletion_protection.enabled", "Value": "true"},
        ],
    )["Attributes"]
    found = elbv2.describe_load_balancer_attributes(LoadBalancerArn=balancer)["Attributes"]
    assert found == changed
    assert {"Key": "idle_timeout.timeout_seconds", "Value": "120"} in found
    with pytest.raises(ClientError, match="deletion protection is enabled") as error:
        elbv2.delete_load_balancer(LoadBalancerArn=balancer)
    assert _code(error) == "OperationNotPermitted"
    for key, value, message in (
        ("access_logs.s3.enabled", "true", "Penstock does not offer access_logs.s3.enabled"),
        ("nonsense", "1", "attribute key 'nonsense' is not recognized"),
        ("idle_timeout.timeout_seconds", "0", "attribute value '0' is not valid"),
    ):
        with pytest.raises(ClientError, match=message):
            elbv2.modify_load_balancer_attributes(
                LoadBalancerArn=balancer, Attributes=[{"Key": key, "Value": value}]
            )
    with pytest.raises(ClientError, match="Load balancer 'arn:none' not found"):
        elbv2.describe_load_balancer_attributes(LoadBalancerArn="arn:none")


def test_subnets_and_security_groups_are_kept(elbv2: Any, balancer: str) -> None:
    answer = elbv2.set_security_groups(LoadBalancerArn=balancer, SecurityGroups=["sg-2"])
    assert answer["SecurityGroupIds"] == ["sg-2"]
    zones = elbv2.set_subnets(LoadBalancerArn=balancer, Subnets=["subnet-3", "subnet-4"])
    assert [zone["SubnetId"] for zone in zones["AvailabilityZones"]] == ["subnet-3", "subnet-4"]
    (found,) = elbv2.describe_load_balancers()["LoadBalancers"]
    assert found["SecurityGroups"] == ["sg-2"]
    with pytest.raises(ClientError, match="Load balancer 'arn:none' not found"):
        elbv2.set_security_groups(LoadBalancerArn="arn:none", SecurityGroups=["sg-2"])


def test_tags(elbv2: Any, balancer: str, listener: str) -> None:
    elbv2.add_tags(
        ResourceArns=[balancer, listener], Tags=[{"Key": "a", "Value": "1"}, {"Key": "b"}]
    )
    elbv2.remove_tags(ResourceArns=[balancer], TagKeys=["b", "none"])
    described = elbv2.describe_tags(ResourceArns=[balancer, listener])["TagDescriptions"]
    assert [one["Tags"] for one in described] == [
        [{"Key": "a", "Value": "1"}],
        [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}],
    ]
    with pytest.raises(ClientError, match="not found") as error:
        elbv2.describe_tags(ResourceArns=[balancer.replace("/web/", "/other/")])
    assert _code(error) == "LoadBalancerNotFound"
    with pytest.raises(ClientError, match="is not a valid load balancing ARN"):
        elbv2.describe_tags(ResourceArns=["nonsense"])
