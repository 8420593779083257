"""Names that a template gives its resources: two resources cannot have one at the same time. Pure.

Not every name is one of a kind: branches of two applications may both be `main`, and a new version
of a recipe keeps its name. What is one of a kind is told by the schema (the primary identifier, or
another identifier, where all of it is input), else by the table here, from each type's own page.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html
and, for the text, cloudtools/stacker#96.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from penstock.stacks.display import canonical
from penstock.stacks.schemas import resource_schema
from penstock.stacks.schemas.resource_schema import PropertyPath, ResourceSchema

_UNIQUE: Mapping[str, tuple[str, ...]] = {
    "AWS::AccessAnalyzer::Analyzer": ("AnalyzerName",),
    "AWS::AmazonMQ::Broker": ("BrokerName",),
    "AWS::Amplify::Branch": ("BranchName", "AppId"),
    "AWS::AppRunner::Service": ("ServiceName",),
    "AWS::AppSync::DataSource": ("Name", "ApiId"),
    "AWS::Batch::JobQueue": ("JobQueueName",),
    "AWS::Batch::QuotaShare": ("QuotaShareName", "JobQueue"),
    "AWS::CloudFormation::Macro": ("Name",),
    "AWS::CloudFront::Function": ("Name",),
    "AWS::CodeArtifact::Domain": ("DomainName",),
    "AWS::CodeArtifact::Repository": ("RepositoryName", "DomainName"),
    "AWS::CodeBuild::Project": ("Name",),
    "AWS::CodeBuild::ReportGroup": ("Name",),
    "AWS::DocDB::DBCluster": ("DBClusterIdentifier",),
    "AWS::DocDB::DBInstance": ("DBInstanceIdentifier",),
    "AWS::EC2::LaunchTemplate": ("LaunchTemplateName",),
    "AWS::EC2::SecurityGroup": ("GroupName", "VpcId"),
    "AWS::ECS::Service": ("ServiceName", "Cluster"),
    "AWS::EKS::Nodegroup": ("NodegroupName", "ClusterName"),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": ("Name",),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("Name",),
    "AWS::ElasticLoadBalancingV2::TrustStore": ("Name",),
    "AWS::Elasticsearch::Domain": ("DomainName",),
    "AWS::EventSchemas::Registry": ("RegistryName",),
    "AWS::EventSchemas::Schema": ("SchemaName", "RegistryName"),
    "AWS::Events::Rule": ("Name", "EventBusName"),
    "AWS::Glue::Registry": ("Name",),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName",),
    "AWS::IAM::SAMLProvider": ("Name",),
    "AWS::IoT::Policy": ("PolicyName",),
    "AWS::Lambda::Alias": ("Name", "FunctionName"),
    "AWS::MSK::Cluster": ("ClusterName",),
    "AWS::MSK::Configuration": ("Name",),
    "AWS::NetworkFirewall::Firewall": ("FirewallName",),
    "AWS::NetworkFirewall::FirewallPolicy": ("FirewallPolicyName",),
    "AWS::NetworkFirewall::RuleGroup": ("RuleGroupName", "Type"),
    "AWS::OpenSearchServerless::SecurityConfig": ("Name", "Type"),
    "AWS::SNS::Topic": ("TopicName",),
    "AWS::SQS::Queue": ("QueueName",),
    "AWS::SageMaker::Endpoint": ("EndpointName",),
    "AWS::SageMaker::EndpointConfig": ("EndpointConfigName",),
    "AWS::SageMaker::Model": ("ModelName",),
    "AWS::SageMaker::NotebookInstance": ("NotebookInstanceName",),
    "AWS::SecretsManager::Secret": ("Name",),
    "AWS::StepFunctions::Activity": ("Name",),
    "AWS::WAFv2::IPSet": ("Name", "Scope"),
    "AWS::WAFv2::RegexPatternSet": ("Name", "Scope"),
    "AWS::WAFv2::RuleGroup": ("Name", "Scope"),
    "AWS::WAFv2::WebACL": ("Name", "Scope"),
}
"""The name, then in what it is one of a kind: nothing, then it is in the account and region."""


def naming_properties(schema: ResourceSchema, given: Collection[str]) -> list[str]:
    """Return the properties of which no two resources have the same values together, the name
    first; none where the template, which gives `given`, leaves the name to AWS.

    Those after the first may be left out by the template where AWS has a default for them.
    """
    known = _UNIQUE.get(schema.type_name)
    if known is not None:
        return list(known) if known[0] in given else []
    for identifier in _identifiers(schema):
        names = [path[0] for path in identifier]
        if all(name in given for name in names):
            return names
    return []


def _identifiers(schema: ResourceSchema) -> Iterator[Sequence[PropertyPath]]:
    """Yield the schema's identifiers that are made of input properties alone."""
    primary = schema.primary_identifier
    inputs = [path for path in primary if path not in schema.read_only]
    if primary and len(inputs) == len(primary):
        yield primary
    elif not inputs:  # else the other identifiers are names within the primary's input part
        yield from (
            each
            for each in schema.additional_identifiers
            if all(path in schema.create_only and path not in schema.read_only for path in each)
        )


def refusal_to_replace(
    resource_type: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> str | None:
    """Return AWS's refusal of a replacement that would have the name of what it replaces.

    None where the replacement is called otherwise, is elsewhere, or may have the same name.
    """
    schema = resource_schema.schema(resource_type)
    names = naming_properties(schema, after) if schema is not None else []
    if not names or any(
        canonical(before.get(each)) != canonical(after.get(each)) for each in names
    ):
        return None
    own = names[:1] if resource_type in _UNIQUE else names
    name = "|".join(str(canonical(after[each])) for each in own)
    return (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. "
        f"Rename {name} and update the stack again."
    )
