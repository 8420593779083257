"""The physical id of a resource that is only recorded, which is also what Ref gives. Pure.

A schema's primary identifier is what Cloud Control takes. Types that are older than it kept their
physical ids: the child's own part, without that of its parent.
Sources: the types' pages ("Return values"); read from real stacks: go-to-k/cdk-real-drift#47
(ApiGatewayV2), #48 and #348 (AppConfig), #104 (ApiGateway, Cognito), #344 (Logs), #663
(VPCCidrBlock), #1101 (mappings), go-to-k/cdkd#1667 and #1681, pulumi/pulumi-cdk#173.
"""

from collections.abc import Mapping
from typing import Any

from penstock.stacks.handlers.handler import ResourceRequest
from penstock.stacks.handlers.physical_name import physical_name
from penstock.stacks.resource_types import recorded_values
from penstock.stacks.schemas.resource_schema import PropertyPath, ResourceSchema

_JOINED = "|"
_WITHOUT_PARENTS = frozenset(
    {
        "ApiGateway",
        "ApiGatewayV2",
        "AppConfig",
        "ApplicationAutoScaling",
        "AutoScaling",
        "Budgets",
        "Cognito",
        "EC2",
        "ECS",
        "EMR",
        "ElasticBeanstalk",
        "Glue",
        "GuardDuty",
        "SES",
        "SSM",
    }
)
"""Services whose types have the part that AWS makes up as their id, where there is one."""

_PARTS: Mapping[str, tuple[str, ...]] = {
    "AWS::ApiGateway::BasePathMapping": ("DomainName",),
    "AWS::ApiGateway::Model": ("Name",),
    "AWS::ApiGateway::Stage": ("StageName",),
    "AWS::ApiGatewayV2::Stage": ("StageName",),
    "AWS::AppSync::ApiKey": ("Arn",),
    "AWS::AutoScaling::LifecycleHook": ("LifecycleHookName",),
    "AWS::CodeDeploy::DeploymentGroup": ("DeploymentGroupName",),
    "AWS::Cognito::UserPoolDomain": ("Domain",),
    "AWS::Cognito::UserPoolGroup": ("GroupName",),
    "AWS::Cognito::UserPoolIdentityProvider": ("ProviderName",),
    "AWS::Cognito::UserPoolResourceServer": ("Identifier",),
    "AWS::Cognito::UserPoolUser": ("Username",),
    "AWS::EC2::EIP": ("PublicIp",),
    "AWS::EC2::Route": ("RouteTableId", "CidrBlock"),  # unverified
    "AWS::EC2::VPCGatewayAttachment": ("AttachmentType", "VpcId"),  # unverified
    "AWS::Glue::Table": ("Name",),
    "AWS::Logs::LogStream": ("LogStreamName",),
    "AWS::Logs::MetricFilter": ("FilterName",),
    "AWS::Logs::SubscriptionFilter": ("FilterName",),
    "AWS::Route53::RecordSet": ("Name",),
    "AWS::S3Tables::Namespace": ("Namespace",),
    "AWS::ServiceDiscovery::Instance": ("InstanceId",),
}
"""What makes up the physical ids of a type that follow no rule."""

_FORMS = {
    "AWS::Events::Rule": "{bus|}{name}",  # recorded: the name, or bus and name
}


def identifier(
    schema: ResourceSchema, request: ResourceRequest, attributes: Mapping[str, Any]
) -> str:
    """Return the physical id: the primary identifier, several parts joined by `|`, or of older
    types the part that is the resource's own."""
    form = _FORMS.get(schema.type_name)
    if form is not None:
        return recorded_values.formed(schema, request, form)
    parts = [_at(attributes, path) for path in _paths(schema)]
    if not parts or any(isinstance(part, Mapping | list) or not part for part in parts):
        return physical_name(request)
    return _JOINED.join(str(part) for part in parts)


def _paths(schema: ResourceSchema) -> list[PropertyPath]:
    if schema.type_name in _PARTS:
        return [(name,) for name in _PARTS[schema.type_name]]
    own = [path for path in schema.primary_identifier if path in schema.read_only]
    if own and schema.type_name.split("::")[1] in _WITHOUT_PARENTS:
        return own
    return list(schema.primary_identifier)


def _at(values: Mapping[str, Any], path: PropertyPath) -> Any:
    found: Any = values
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
