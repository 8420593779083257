"""Every type that AWS has deploys, at least recorded: a physical id, and attributes in AWS's shape.

The properties are the smallest that each schema takes (tests/minimal_properties.py).
"""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from tests.minimal_properties import Minimal

from penstock.aws.principals import root
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded
from penstock.stacks.resource_types.recorded import recorded_handler
from penstock.stacks.schemas import property_rules, resource_schema
from penstock.stacks.schemas.resource_schema import PropertyPath, ResourceSchema
from penstock.stacks.template import evaluate
from penstock.stacks.template.evaluate import ResourceValues, Scope
from penstock.stacks.template.load import load_template

REGION, ACCOUNT = "us-east-1", "123456789012"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
ARN = re.compile(r"arn:aws:[a-z0-9.-]+:(us-east-1)?:(123456789012|aws)?:\S.*")

MSK = "arn:aws:kafka:us-east-1:123456789012:cluster/c/11111111-2222-3333-4444-555555555555-1"

BY_HAND: dict[str, dict[str, Any]] = {
    "AWS::BillingConductor::BillingGroup": {
        "Name": "n",
        "AccountGrouping": {"LinkedAccountIds": ["123456789012"]},
        "ComputationPreference": {
            "PricingPlanArn": "arn:aws:billingconductor::aws:pricingplan/BasicPricingPlan"
        },
        "PrimaryAccountId": "123456789012",
    },
    "AWS::Lambda::ResourcePolicy": {
        "ResourceArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        "PolicyDocument": {},
    },
    "AWS::MSK::Replicator": {
        "ReplicatorName": "n",
        "ReplicationInfoList": [
            {
                "TopicReplication": {"TopicsToReplicate": ["t"]},
                "ConsumerGroupReplication": {"ConsumerGroupsToReplicate": []},
                "TargetCompressionType": "NONE",
            }
        ],
        "KafkaClusters": [
            {"VpcConfig": {"SubnetIds": [one, "s"]}, "AmazonMskCluster": {"MskClusterArn": MSK}}
            for one in ("a", "b")
        ],
        "ServiceExecutionRoleArn": "arn:aws:iam::123456789012:role/name",
    },
}
"""What the schemas combine in ways that nothing finds by itself."""


def request_of(type_name: str, properties: dict[str, Any]) -> ResourceRequest:
    return ResourceRequest(
        "stack-id", "shop", REGION, ACCOUNT, "Thing", type_name, properties, {}, None, {}, {},
        "token", False, root(ACCOUNT), NOW,
    )  # fmt: skip


def rule_at(schema: ResourceSchema, path: PropertyPath) -> dict[str, Any]:
    rule: Any = {"properties": schema.properties}
    for part in path:
        rule = rule.get("properties", {}).get(part, {})
        while "$ref" in rule:
            family, _, name = rule["$ref"].partition("#/")[2].partition("/")
            source = (
                schema.document["definitions"] if family == "definitions" else (schema.properties)
            )
            rule = source.get(name, {})
    return dict(rule)


def wrong_with(schema: ResourceSchema, made: Succeeded) -> Iterator[str]:
    """Yield what is wrong with the attributes that AWS gives."""
    attributes = {"Thing": ResourceValues(made.physical_resource_id, made.attributes)}
    template = load_template(json.dumps({"Resources": {"Thing": {"Type": schema.type_name}}}))
    scope = Scope(template, {}, REGION, ACCOUNT, "stack-id", "shop", resources=attributes)
    for path in sorted(schema.read_only):
        if "*" in path:
            continue
        name = ".".join(path)
        value = evaluate.evaluated(scope, {"Fn::GetAtt": ["Thing", name]})
        stated = rule_at(schema, path).get("type")
        kinds = [stated] if isinstance(stated, str) else list(stated or ())
        if kinds and not any(is_a(kind, value) for kind in kinds):
            yield f"{name}: {value!r} is no {kinds}"
        is_arn = isinstance(value, str) and path[-1].lower().endswith("arn")
        if is_arn and not ARN.fullmatch(value):
            yield f"{name}: {value!r} is no ARN of {REGION} and {ACCOUNT}"


def is_a(kind: str, value: Any) -> bool:
    if kind in {"integer", "number"}:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(
        value, {"string": str, "boolean": bool, "array": list, "object": dict}.get(kind, object)
    )


async def test_every_type_deploys_recorded() -> None:
    wrong: dict[str, list[str]] = {}
    for type_name in resource_schema.type_names():
        schema, handler = resource_schema.schema(type_name), recorded_handler(type_name)
        assert schema is not None
        assert handler is not None
        properties = BY_HAND.get(type_name) or Minimal(schema).properties()
        if found := property_rules.problems(schema, properties):
            wrong[type_name] = found
            continue
        made = await handler.create(request_of(type_name, properties), None)
        again = await handler.create(request_of(type_name, properties), None)
        assert isinstance(made, Succeeded), f"{type_name}: {made}"
        assert made == again, f"{type_name}: a repeated step makes the same"
        assert made.physical_resource_id, type_name
        if found := list(wrong_with(schema, made)):
            wrong[type_name] = found
    assert wrong == {}
    assert len(resource_schema.type_names()) > 1500
