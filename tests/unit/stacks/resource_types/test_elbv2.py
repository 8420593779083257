"""The four types of Elastic Load Balancing, upon the service itself, without an engine."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest
from tests.databases import opened_database

from penstock.aws.in_process import InProcess
from penstock.aws.principals import root
from penstock.aws.service import Principal
from penstock.clock import utc_now
from penstock.stacks.display import Secrets
from penstock.stacks.drift.comparison import compare
from penstock.stacks.handlers.handler import (
    Comparable,
    Failed,
    ResourceRequest,
    Succeeded,
    Support,
)
from penstock.stacks.registration import handlers
from penstock.stacks.schemas import resource_schema
from penstock.stacks.stacks import Stacks
from penstock.workloads.load_balancing import addresses
from penstock.workloads.load_balancing.api import service
from penstock.workloads.load_balancing.load_balancing import LoadBalancing

ACCOUNT, REGION = "123456789012", "us-east-1"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/dev/11111111-2222-3333-4444-555555555555"
ROOT = root(ACCOUNT, "AKIAROOTROOTROOTROOT")
BALANCER = {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroups": ["sg-1"]}
GROUP = {"Port": "8080", "Protocol": "HTTP", "VpcId": "vpc-1", "TargetType": "ip"}


async def _allowed(principal: Principal, action: str, resource: str, context: Any = None) -> None:
    pass


class Types:
    def __init__(self, in_process: InProcess) -> None:
        self.in_process = in_process
        self.handlers = handlers(in_process, Mock(spec=Stacks))

    async def call(self, operation: str, **parameters: Any) -> Mapping[str, Any]:
        return await self.in_process.call(ROOT, "elbv2", operation, parameters)

    def request(self, type: str, properties: Mapping[str, Any], **changes: Any) -> ResourceRequest:
        logical = changes.pop("logical", type)
        base = ResourceRequest(
            stack_id=STACK,
            stack_name="dev",
            region=REGION,
            account_id=ACCOUNT,
            logical_resource_id=logical,
            resource_type=f"AWS::ElasticLoadBalancingV2::{type}",
            properties=properties,
            previous_properties={},
            physical_resource_id=None,
            tags={
                "aws:cloudformation:stack-id": STACK,
                "aws:cloudformation:logical-id": logical,
            },
            previous_tags={},
            client_request_token=f"token of {logical}",
            resumed=False,
            principal=ROOT,
            now=utc_now(),
        )
        return msgspec.structs.replace(base, **changes)

    async def create(self, request: ResourceRequest) -> Succeeded:
        made = await self.handlers[request.resource_type].create(request, None)
        assert isinstance(made, Succeeded), made
        return made

    async def made(self, type: str, properties: Mapping[str, Any], **changes: Any) -> Succeeded:
        return await self.create(self.request(type, properties, **changes))

    async def update(
        self, type: str, made: Succeeded, before: Mapping[str, Any], after: Mapping[str, Any]
    ) -> Succeeded:
        request = self.request(type, after, previous_properties=before,
                               physical_resource_id=made.physical_resource_id,
                               attributes=made.attributes)  # fmt: skip
        request = msgspec.structs.replace(request, previous_tags=request.tags)
        updated = await self.handlers[request.resource_type].update(request, None)
        assert isinstance(updated, Succeeded), updated
        return updated

    async def drift(
        self, type: str, made: Succeeded, properties: Mapping[str, Any]
    ) -> list[tuple[str, str]]:
        request = self.request(
            type, properties, physical_resource_id=made.physical_resource_id,
            attributes=made.attributes,
        )  # fmt: skip
        handler = self.handlers[request.resource_type]
        assert isinstance(handler, Comparable)
        actual = await handler.actual_properties(request)
        schema = resource_schema.schema(request.resource_type)
        found = compare(properties, actual, schema, Secrets(frozenset()))
        told = [(each.path, each.kind) for each in found.differences]
        return [("", "DELETED")] if actual is None else told

    async def delete(self, type: str, made: Succeeded, properties: Mapping[str, Any]) -> None:
        request = self.request(
            type, properties, physical_resource_id=made.physical_resource_id,
            attributes=made.attributes,
        )  # fmt: skip
        handler = self.handlers[request.resource_type]
        for _ in range(2):
            assert isinstance(await handler.delete(request, None), Succeeded)
            assert await handler.read(request) is None


@pytest.fixture
async def types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Types]:
    monkeypatch.setattr(addresses, "is_free", lambda address, port: True)
    with opened_database(tmp_path) as database:
        domain = LoadBalancing(
            database, utc_now, account_id=ACCOUNT, region=REGION, instance_id="test"
        )
        yield Types(
            InProcess(
                services=lambda: [service(domain)],
                authorize=_allowed,
                account_id=ACCOUNT,
                region=REGION,
                clock=utc_now,
                endpoint_url="http://127.0.0.1:4600",
            )
        )


async def test_a_stack_of_all_four(types: Types) -> None:
    balancer = await types.made("LoadBalancer", BALANCER)
    attributes = balancer.attributes
    assert attributes["LoadBalancerArn"] == balancer.physical_resource_id
    assert attributes["LoadBalancerName"].startswith("dev-LoadBalancer-")
    assert len(attributes["LoadBalancerName"]) <= 32
    assert attributes["LoadBalancerFullName"].startswith("app/dev-LoadBalancer-")
    assert attributes["DNSName"].startswith("127.")
    assert attributes["SecurityGroups"] == ["sg-1"]
    group = await types.made("TargetGroup", GROUP)
    assert group.attributes["TargetGroupFullName"].startswith("targetgroup/dev-TargetGroup-")
    forward = [{"Type": "forward", "TargetGroupArn": group.physical_resource_id}]
    listening = {
        "LoadBalancerArn": balancer.physical_resource_id, "Port": "80", "Protocol": "HTTP",
        "DefaultActions": forward,
    }  # fmt: skip
    listener = await types.made("Listener", listening)
    ruling = {
        "ListenerArn": listener.physical_resource_id, "Priority": "7", "Actions": forward,
        "Conditions": [{"Field": "path-pattern", "Values": ["/api/*"]}],
    }  # fmt: skip
    rule = await types.made("ListenerRule", ruling)
    assert rule.attributes["IsDefault"] is False
    changed = {**ruling, "Priority": 8, "Conditions": [{"Field": "path-pattern", "Values": ["/"]}]}
    await types.update("ListenerRule", rule, ruling, changed)
    (found,) = (await types.call("DescribeRules", RuleArns=[rule.physical_resource_id]))["Rules"]
    assert (found["Priority"], found["Conditions"][0]["Values"]) == ("8", ["/"])
    await types.update("Listener", listener, listening, {**listening, "Port": 81})
    (there,) = (
        await types.call("DescribeListeners", LoadBalancerArn=balancer.physical_resource_id)
    )["Listeners"]
    assert there["Port"] == 81
    await types.delete("ListenerRule", rule, changed)
    await types.delete("Listener", listener, listening)
    await types.delete("TargetGroup", group, GROUP)
    await types.delete("LoadBalancer", balancer, BALANCER)


async def test_settings_and_targets_follow_the_template(types: Types) -> None:
    before = {
        **GROUP,
        "HealthCheckPath": "/a",
        "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": 30}],
        "Targets": [{"Id": "10.0.0.1", "Port": "81"}],
    }
    made = await types.made("TargetGroup", before)
    arn = made.physical_resource_id
    after = {
        **before, "HealthCheckPath": "/b", "Matcher": {"HttpCode": "200-299"},
        "Targets": [{"Id": "10.0.0.2"}],
    }  # fmt: skip
    await types.update("TargetGroup", made, before, after)
    (group,) = (await types.call("DescribeTargetGroups", TargetGroupArns=[arn]))["TargetGroups"]
    assert (group["HealthCheckPath"], group["Matcher"]) == ("/b", {"HttpCode": "200-299"})
    attributes = await types.call("DescribeTargetGroupAttributes", TargetGroupArn=arn)
    delay = {"Key": "deregistration_delay.timeout_seconds", "Value": "30"}
    assert delay in attributes["Attributes"]
    health = await types.call("DescribeTargetHealth", TargetGroupArn=arn)
    targets = [one["Target"] for one in health["TargetHealthDescriptions"]]
    assert targets == [{"Id": "10.0.0.2", "Port": 8080}]


@pytest.mark.parametrize(
    ("type", "properties", "text"),
    [
        ("LoadBalancer", {**BALANCER, "Name": "named"}, "A load balancer"),
        ("TargetGroup", {**GROUP, "Name": "named"}, "A target group"),
    ],
)
async def test_a_name_that_is_taken_is_left_alone(
    types: Types, type: str, properties: Mapping[str, Any], text: str
) -> None:
    await types.made(type, properties)
    other = types.request(type, properties, logical="Other")
    refused = await types.handlers[other.resource_type].create(other, None)
    assert isinstance(refused, Failed)
    assert refused.message.startswith(
        f"{text} with the same name 'named' exists, but with different settings"
    )
    assert refused.physical_resource_id is None


async def test_what_was_made_before_a_crash_is_found(types: Types) -> None:
    balancer = await types.made("LoadBalancer", BALANCER)
    group = await types.made("TargetGroup", GROUP)
    fixed = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
    listening = {
        "LoadBalancerArn": balancer.physical_resource_id, "Port": 80, "Protocol": "HTTP",
        "DefaultActions": fixed,
    }  # fmt: skip
    listener = await types.made("Listener", listening)
    ruling = {
        "ListenerArn": listener.physical_resource_id, "Priority": 7, "Actions": fixed,
        "Conditions": [{"Field": "path-pattern", "Values": ["/api/*"]}],
    }  # fmt: skip
    rule = await types.made("ListenerRule", ruling)
    for type, properties, made in (
        ("LoadBalancer", BALANCER, balancer),
        ("TargetGroup", GROUP, group),
        ("Listener", listening, listener),
        ("ListenerRule", ruling, rule),
    ):
        again = await types.made(type, properties, resumed=True)
        assert again.physical_resource_id == made.physical_resource_id


async def test_drift_of_load_balancers_and_target_groups(types: Types) -> None:
    tags = [{"Key": "own", "Value": "1"}]
    balancing = {
        **BALANCER, "Name": "web", "Scheme": "internal", "Type": "application", "Tags": tags,
        "LoadBalancerAttributes": [{"Key": "idle_timeout.timeout_seconds", "Value": 30}],
    }  # fmt: skip
    balancer = await types.made("LoadBalancer", balancing)
    grouping = {
        **GROUP, "HealthCheckPath": "/a", "HealthCheckIntervalSeconds": "10", "Tags": tags,
        "Matcher": {"HttpCode": "200"},
        "TargetGroupAttributes": [{"Key": "deregistration_delay.timeout_seconds", "Value": 30}],
        "Targets": [{"Id": "10.0.0.1", "Port": "81"}, {"Id": "10.0.0.2"}],
    }  # fmt: skip
    group = await types.made("TargetGroup", grouping)
    assert await types.drift("LoadBalancer", balancer, balancing) == []
    assert await types.drift("TargetGroup", group, grouping) == []
    arn = group.physical_resource_id
    other = [{"Id": "10.0.0.3", "Port": 81}]
    await types.call("RegisterTargets", TargetGroupArn=arn, Targets=other)
    assert await types.drift("TargetGroup", group, grouping) == [], "others' targets are no drift"
    gone = [{"Id": "10.0.0.1", "Port": 81}]
    await types.call("DeregisterTargets", TargetGroupArn=arn, Targets=gone)
    await types.call("ModifyTargetGroup", TargetGroupArn=arn, HealthCheckPath="/b")
    await types.call("RemoveTags", ResourceArns=[arn], TagKeys=["own"])
    assert await types.drift("TargetGroup", group, grouping) == [
        ("/HealthCheckPath", "NOT_EQUAL"), ("/Tags/0", "REMOVE"), ("/Targets/0", "REMOVE"),
    ]  # fmt: skip
    arn = balancer.physical_resource_id
    longer = [{"Key": "idle_timeout.timeout_seconds", "Value": "60"}]
    await types.call("ModifyLoadBalancerAttributes", LoadBalancerArn=arn, Attributes=longer)
    await types.call("SetSubnets", LoadBalancerArn=arn, Subnets=["subnet-1", "subnet-3"])
    assert await types.drift("LoadBalancer", balancer, balancing) == [
        ("/LoadBalancerAttributes/0/Value", "NOT_EQUAL"), ("/Subnets/1", "REMOVE"),
        ("/Subnets/1", "ADD"),
    ]  # fmt: skip
    await types.delete("TargetGroup", group, grouping)
    await types.delete("LoadBalancer", balancer, balancing)
    assert await types.drift("TargetGroup", group, grouping) == [("", "DELETED")]
    assert await types.drift("LoadBalancer", balancer, balancing) == [("", "DELETED")]


async def test_drift_of_listeners_and_rules(types: Types) -> None:
    balancer = await types.made("LoadBalancer", BALANCER)
    groups = [await types.made("TargetGroup", GROUP, logical=f"G{n}") for n in (1, 2)]
    first, second = (one.physical_resource_id for one in groups)
    listening = {
        "LoadBalancerArn": balancer.physical_resource_id, "Port": "80", "Protocol": "HTTP",
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": first}],
    }  # fmt: skip
    listener = await types.made("Listener", listening)
    weights = [
        {"TargetGroupArn": first, "Weight": "3"}, {"TargetGroupArn": second, "Weight": "1"},
    ]  # fmt: skip
    actions: list[Any] = [
        [{"Type": "forward", "ForwardConfig": {"TargetGroups": weights}}],
        [{"Type": "redirect", "RedirectConfig": {"StatusCode": "HTTP_301", "Path": "/b"}}],
        [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
    ]
    conditions: list[Any] = [
        [{"Field": "path-pattern", "Values": ["/a"]}, {"Field": "host-header", "Values": ["b"]}],
        [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/a", "/b"]}}],
        [{"Field": "http-header",
          "HttpHeaderConfig": {"HttpHeaderName": "X-A", "Values": ["1"]}}],
    ]  # fmt: skip
    made = []
    for priority, (action, condition) in enumerate(zip(actions, conditions, strict=True), 1):
        ruling = {
            "ListenerArn": listener.physical_resource_id, "Priority": str(priority),
            "Actions": action, "Conditions": condition,
        }  # fmt: skip
        rule = await types.made("ListenerRule", ruling, logical=f"Rule{priority}")
        assert await types.drift("ListenerRule", rule, ruling) == []
        made.append((rule, ruling))
    assert await types.drift("Listener", listener, listening) == []
    listener_arn, (rule, ruling) = listener.physical_resource_id, made[2]
    await types.call("ModifyListener", ListenerArn=listener_arn, DefaultActions=[
        {"Type": "forward", "TargetGroupArn": second}
    ])  # fmt: skip
    pair = {"RuleArn": rule.physical_resource_id, "Priority": 9}
    await types.call("SetRulePriorities", RulePriorities=[pair])
    [(path, kind)] = await types.drift("Listener", listener, listening)
    assert (path, kind) == ("/DefaultActions/0/TargetGroupArn", "NOT_EQUAL")
    assert await types.drift("ListenerRule", rule, ruling) == [("/Priority", "NOT_EQUAL")]
    await types.delete("Listener", listener, listening)
    assert await types.drift("Listener", listener, listening) == [("", "DELETED")]
    assert await types.drift("ListenerRule", rule, ruling) == [("", "DELETED")]


async def test_they_run(types: Types) -> None:
    names = [name for name in types.handlers if name.startswith("AWS::ElasticLoadBalancingV2::")]
    assert len(names) == 4
    assert {types.handlers[name].support for name in names} == {Support.RUNNING}
