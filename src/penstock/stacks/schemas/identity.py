"""Which properties a resource is told apart by: where one of them changes, it is another resource.

For types that are only recorded: where AWS says that a change may need a replacement, its handler
looks, and here there is none to look. Pure.
Sources: AWS::Events::Rule on another bus is replaced, as recorded (github.com/radkawar/stackd,
testdata/aws, eventbridge_rule_migration.json); RTB Fabric: the pattern of Arn in the types'
schemas, `…:gateway/ID/link/ID/routing-rule/ID`.
"""

from collections.abc import Mapping
from typing import Any

from penstock.stacks.schemas import resource_schema

_IN_ARNS: Mapping[str, frozenset[str]] = {
    "AWS::Events::Rule": frozenset({"EventBusName"}),
    "AWS::RTBFabric::InboundExternalLink": frozenset({"GatewayId"}),
    "AWS::RTBFabric::Link": frozenset({"GatewayId"}),
    "AWS::RTBFabric::LinkRoutingRule": frozenset({"GatewayId", "LinkId"}),
    "AWS::RTBFabric::OutboundExternalLink": frozenset({"GatewayId"}),
}
"""Properties that are a part of the resource's ARN."""
_WITHOUT = {"EventBusName": "default"}
"""What it means that such a property is not given."""


def is_another(resource_type: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether what the properties name is another resource afterwards."""
    schema = resource_schema.schema(resource_type)
    if schema is None:
        return False
    identifying = {
        path[0] for path in schema.primary_identifier if path not in schema.read_only
    } | _IN_ARNS.get(resource_type, frozenset())
    conditional = {path[0] for path in schema.conditional_create_only}
    return any(_named(before, each) != _named(after, each) for each in identifying & conditional)


def _named(properties: Mapping[str, Any], name: str) -> str:
    """Return what a property names: its name, where it is an ARN the last part."""
    value = str(properties.get(name, _WITHOUT.get(name, "")))
    return value.rpartition("/")[2] if value.startswith("arn:") else value
