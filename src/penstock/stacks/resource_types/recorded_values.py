"""Identifiers and attributes in AWS's shape for a resource that is only recorded. Pure.

What a schema says of a property (its name, pattern, length, type) decides what its made-up value
looks like: `vpc-0123…`, an ARN of the right service, region and account, a UUID, a name.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from penstock import ids
from penstock.arns import arn
from penstock.stacks.handlers.handler import ResourceRequest
from penstock.stacks.handlers.physical_name import physical_name, suffix
from penstock.stacks.schemas import pattern_text, patterns
from penstock.stacks.schemas.resource_schema import PropertyPath, ResourceSchema

_EC2_PREFIXES = {
    "AWS::EC2::CustomerGateway": "cgw",
    "AWS::EC2::DHCPOptions": "dopt",
    "AWS::EC2::EIP": "eipalloc",
    "AWS::EC2::FlowLog": "fl",
    "AWS::EC2::Instance": "i",
    "AWS::EC2::InternetGateway": "igw",
    "AWS::EC2::LaunchTemplate": "lt",
    "AWS::EC2::NatGateway": "nat",
    "AWS::EC2::NetworkAcl": "acl",
    "AWS::EC2::NetworkInterface": "eni",
    "AWS::EC2::RouteTable": "rtb",
    "AWS::EC2::SecurityGroup": "sg",
    "AWS::EC2::SecurityGroupEgress": "sgr",
    "AWS::EC2::SecurityGroupIngress": "sgr",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::SubnetRouteTableAssociation": "rtbassoc",
    "AWS::EC2::TransitGateway": "tgw",
    "AWS::EC2::TransitGatewayAttachment": "tgw-attach",
    "AWS::EC2::VPC": "vpc",
    "AWS::EC2::VPCCidrBlockAssociation": "vpc-cidr-assoc",
    "AWS::EC2::VPCEndpoint": "vpce",
    "AWS::EC2::VPCPeeringConnection": "pcx",
    "AWS::EC2::VPNConnection": "vpn",
    "AWS::EC2::VPNGateway": "vgw",
    "AWS::EC2::Volume": "vol",
    "AWS::EFS::AccessPoint": "fsap",
    "AWS::EFS::FileSystem": "fs",
    "AWS::EFS::MountTarget": "fsmt",
}
_SERVICES = {
    "ApiGatewayV2": "apigateway",
    "ApplicationAutoScaling": "application-autoscaling",
    "CertificateManager": "acm",
    "CloudTrail": "cloudtrail",
    "ElasticLoadBalancingV2": "elasticloadbalancing",
    "EMR": "elasticmapreduce",
    "EFS": "elasticfilesystem",
    "OpenSearchService": "es",
    "ServiceDiscovery": "servicediscovery",
    "StepFunctions": "states",
}
"""Names in ARNs where they are not the type's own second part in lower case."""

_ARN_RESOURCES = {
    "AWS::ApplicationAutoScaling::ScalableTarget": "scalable-target/{id}",
    "AWS::AutoScaling::AutoScalingGroup": "autoScalingGroup:{uuid}:autoScalingGroupName/{name}",
    "AWS::CloudWatch::Alarm": "alarm:{name}",
    "AWS::DynamoDB::Table": "table/{name}",
    "AWS::EFS::FileSystem": "file-system/{id}",
    "AWS::Events::Rule": "rule/{name}",
    "AWS::IAM::InstanceProfile": "instance-profile/{name}",
    "AWS::IAM::ManagedPolicy": "policy/{name}",
    "AWS::Kinesis::Stream": "stream/{name}",
    "AWS::KMS::Key": "key/{id}",
    "AWS::Lambda::Function": "function:{name}",
    "AWS::RDS::DBCluster": "cluster:{lower}",
    "AWS::RDS::DBInstance": "db:{lower}",
    "AWS::RDS::DBSubnetGroup": "subgrp:{lower}",
    "AWS::SNS::Topic": "{name}",
    "AWS::SQS::Queue": "{name}",
    "AWS::StepFunctions::StateMachine": "stateMachine:{name}",
}
_FORMS = {
    ("AWS::SQS::Queue", "QueueUrl"): "https://sqs.{region}.amazonaws.com/{account}/{name}",
    ("AWS::SQS::Queue", "QueueName"): "{name}",
}
"""Values in a form of their own."""

_ARN_PARTS = 6
_DEEPEST = 6
_WITHOUT_REGION = frozenset({"cloudfront", "iam", "organizations", "route53", "s3"})
_WITHOUT_ACCOUNT = frozenset({"route53", "s3"})


def identifier(
    schema: ResourceSchema, request: ResourceRequest, attributes: Mapping[str, Any]
) -> str:
    """Return the physical id: the primary identifier, several parts joined by `|`."""
    parts = [_at(attributes, path) for path in schema.primary_identifier]
    if not parts or any(not isinstance(part, str) or not part for part in parts):
        return physical_name(request)
    return "|".join(parts)


def attributes(
    schema: ResourceSchema, request: ResourceRequest, before: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what Fn::GetAtt answers: the properties, and values of those that are read-only.

    A read-only value that `before` has (the attributes of an earlier success) stays.
    """
    found: dict[str, Any] = {
        name: value
        for name, value in request.properties.items()
        if (name,) not in schema.write_only
    }
    for path in sorted({*schema.primary_identifier, *schema.read_only}):
        if "*" in path or _at(found, path) is not None:
            continue
        value = _at(before, path)
        _put(found, path, _made_up(schema, request, path) if value is None else value)
    return found


def _made_up(schema: ResourceSchema, request: ResourceRequest, path: PropertyPath) -> Any:
    return _value(schema, request, path, _rule(schema, path), 0)


def _value(
    schema: ResourceSchema,
    request: ResourceRequest,
    path: PropertyPath,
    rule: Mapping[str, Any],
    depth: int,
) -> Any:
    """Return a value that `rule` takes, with no more in it than must be."""
    if "type" not in rule and depth < _DEEPEST:
        chosen = next((rule[each][0] for each in ("oneOf", "anyOf") if rule.get(each)), None)
        if chosen is not None:
            return _value(schema, request, path, _resolved(schema, chosen), depth + 1)
    stated = rule.get("type", "object" if "properties" in rule else "string")
    kind = stated[0] if isinstance(stated, list) else stated
    match kind:
        case "integer" | "number":
            return rule.get("minimum", 0)
        case "boolean":
            return False
        case "array":
            items = _resolved(schema, rule.get("items", {}))
            count = rule.get("minItems", 0) if depth < _DEEPEST else 0
            return [
                _value(schema, request, (*path, str(number)), items, depth + 1)
                for number in range(count)
            ]
        case "object":
            members = rule.get("properties", {}) if depth < _DEEPEST else {}
            return {
                name: _value(
                    schema, request, (*path, name), _resolved(schema, members[name]), depth + 1
                )
                for name in rule.get("required", ())
                if name in members
            }
        case _:
            return _text(schema, request, path, rule)


def _text(
    schema: ResourceSchema, request: ResourceRequest, path: PropertyPath, rule: Mapping[str, Any]
) -> str:
    for keyword in ("enum", "enumCaseInsensitive"):
        if rule.get(keyword):
            return str(rule[keyword][0])
    if rule.get("format") == "date-time":
        return _time(request)
    pattern, least, most = rule.get("pattern"), rule.get("minLength", 0), rule.get("maxLength", 255)
    if path[-1].lower().endswith("arn") or "arn:" in (pattern or ""):
        return _arn(schema, request, path, pattern)
    for candidate in _candidates(schema, request, path):
        if least <= len(candidate) <= most and _matches(pattern, candidate):
            return candidate
    seed = "\x1f".join((request.client_request_token, *path))
    made = pattern_text.text_of(pattern or ".*", seed, least, most)
    return made or ids.derived_uuid(request.client_request_token, *path)


def _time(request: ResourceRequest) -> str:
    return request.now.strftime("%Y-%m-%dT%H:%M:%SZ")


def _candidates(
    schema: ResourceSchema, request: ResourceRequest, path: PropertyPath
) -> Iterator[str]:
    """Yield what a value may look like, the likeliest first."""
    token = "\x1f".join((request.client_request_token, *path))
    name = path[-1].lower()
    form = _FORMS.get((schema.type_name, path[-1]))
    if form is not None:
        yield _formed(form, schema, request)
    prefix = _EC2_PREFIXES.get(schema.type_name)
    if prefix and path in schema.primary_identifier:
        yield _prefixed(prefix, request.client_request_token)
    if name.endswith(("name", "identifier")):
        yield physical_name(request)
        yield physical_name(request, lower=True)
    if name.endswith(("endpoint", "domainname", "dnsname", "address", "url")):
        service = _service(schema.type_name)
        host = physical_name(request, 63, lower=True)
        yield f"{host}.{service}.{request.region}.amazonaws.com"
    yield ids.derived_uuid(request.client_request_token, *path)
    yield suffix(token, 14).upper()
    yield suffix(token, 10).lower()
    yield _hexadecimal(token, 32)
    yield _hexadecimal(token, 17)


def _arn(
    schema: ResourceSchema, request: ResourceRequest, path: PropertyPath, pattern: str | None
) -> str:
    """Return the ARN in the form that is known, or that the schema's pattern says."""
    usual = _usual_arn(schema, request)
    if _matches(pattern, usual):
        return usual
    seed = "\x1f".join((request.client_request_token, *path))
    parts = (pattern_text.text_of(pattern or "", seed) or "").split(":", 5)
    if len(parts) == _ARN_PARTS and parts[0] == "arn":
        region = request.region if parts[3] else ""
        account = request.account_id if parts[4] else ""
        for service in (_service(schema.type_name), parts[2]):
            made = arn(service, region, account, parts[5])
            if _matches(pattern, made):
                return made
    return usual


def _formed(form: str, schema: ResourceSchema, request: ResourceRequest) -> str:
    name = next(_names(schema, request), None) or physical_name(request, 80)
    return form.format(region=request.region, account=request.account_id, name=name)


def _usual_arn(schema: ResourceSchema, request: ResourceRequest) -> str:
    service = _service(schema.type_name)
    region = "" if service in _WITHOUT_REGION else request.region
    account = "" if service in _WITHOUT_ACCOUNT else request.account_id
    name = next(_names(schema, request), None) or physical_name(request)
    prefix = _EC2_PREFIXES.get(schema.type_name)
    uuid = ids.derived_uuid(request.client_request_token)
    own = _prefixed(prefix, request.client_request_token) if prefix else uuid
    default = f"{schema.type_name.rpartition('::')[2].lower()}/{{name}}"
    form = _ARN_RESOURCES.get(schema.type_name, default)
    return arn(
        service, region, account, form.format(name=name, lower=name.lower(), id=own, uuid=uuid)
    )


def _names(schema: ResourceSchema, request: ResourceRequest) -> Iterator[str]:
    """Yield the names that the properties give the resource."""
    short = schema.type_name.rpartition("::")[2]
    for each in ("Name", f"{short}Name", f"{short}Identifier", *_identifying(schema)):
        value = request.properties.get(each)
        if isinstance(value, str) and value:
            yield value


def _identifying(schema: ResourceSchema) -> list[str]:
    return [path[-1] for path in schema.primary_identifier if path not in schema.read_only]


def _service(type_name: str) -> str:
    part = type_name.split("::")[1]
    return _SERVICES.get(part, part.lower())


def _prefixed(prefix: str, token: str) -> str:
    return f"{prefix}-0{_hexadecimal(token, 16)}"


def _hexadecimal(token: str, length: int) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:length]


def _matches(pattern: str | None, text: str) -> bool:
    return pattern is None or patterns.matches(pattern, text)


def _rule(schema: ResourceSchema, path: PropertyPath) -> Mapping[str, Any]:
    """Return what the schema says of the property at `path`."""
    rule: Mapping[str, Any] = {"properties": schema.properties}
    for part in path:
        rule = _resolved(schema, rule.get("properties", {}).get(part, {}))
    return rule


def _resolved(schema: ResourceSchema, rule: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Any = rule
    for _ in range(_DEEPEST):
        if not isinstance(found, Mapping) or "$ref" not in found:
            break
        family, _, name = str(found["$ref"]).partition("#/")[2].partition("/")
        source = schema.document.get("definitions", {})
        found = (source if family == "definitions" else schema.properties).get(name, {})
    return found if isinstance(found, Mapping) else {}


def _at(values: Mapping[str, Any], path: PropertyPath) -> Any:
    found: Any = values
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _put(values: dict[str, Any], path: PropertyPath, value: Any) -> None:
    place = values
    for part in path[:-1]:
        held = place.get(part)
        held = dict(held) if isinstance(held, Mapping) else {}
        place[part] = held
        place = held
    place[path[-1]] = value
