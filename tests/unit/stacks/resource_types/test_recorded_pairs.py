"""What one recorded resource hands to another fits it: usual pairs, deployed for real.

Each is a value (a Ref or an attribute) and a usual place of it, with its form on AWS, from the
types' pages in CloudFormation's template reference ("Return values" and "Examples"). The referent
is deployed, then an update adds what uses it: planned and executed, the value fits the schema.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.stack_world import World, template

from penstock.stacks.resource_types import recorded_identifiers
from penstock.stacks.schemas import property_rules, resource_schema

ID = "0[0-9a-f]{16}"
UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ARN = "arn:aws:%s:us-east-1:123456789012:"
VALUE = object()
"""Where the value goes in the properties of what uses it."""

ROLE = "arn:aws:iam::123456789012:role/r"
FUNCTION = {"Code": {"ZipFile": "x"}, "Handler": "i.h", "Runtime": "python3.13", "Role": ROLE}
ASSUMED = {"Version": "2012-10-17", "Statement": []}


def resource(type_name: str, **properties: Any) -> dict[str, Any]:
    return {"Type": type_name, "Properties": properties}


@dataclass(frozen=True)
class Pair:
    """`value` is `Ref` or the name of an attribute of `given`; `form` its form on AWS."""

    given: dict[str, Any]
    value: str
    form: str
    used: dict[str, Any]

    def __str__(self) -> str:
        short, used = self.given["Type"][5:], self.used["Type"][5:]
        return f"{short}.{self.value} in {used}"


def rule(**more: Any) -> dict[str, Any]:
    properties = {"IpProtocol": "tcp", "GroupId": "sg-1", "CidrIp": "10.0.0.0/8"}
    return resource("AWS::EC2::SecurityGroupIngress", **{**properties, "ToPort": 1, **more})


VPC = resource("AWS::EC2::VPC", CidrBlock="10.0.0.0/16")
GROUP = resource("AWS::EC2::SecurityGroup", GroupDescription="g")
SUBNET = resource("AWS::EC2::Subnet", VpcId="vpc-1", CidrBlock="10.0.0.0/24")
POOL = resource("AWS::Cognito::UserPool")
API = resource("AWS::ApiGateway::RestApi", Name="api")
HTTP_API = resource("AWS::ApiGatewayV2::Api", Name="api", ProtocolType="HTTP")
ADDRESS = resource("AWS::EC2::EIP", Domain="vpc")
KEY = resource("AWS::KMS::Key")
FILES = resource("AWS::EFS::FileSystem")
TEMPLATE = resource("AWS::EC2::LaunchTemplate", LaunchTemplateData={})
QUEUE = resource("AWS::SQS::Queue")
MACHINE = resource("AWS::StepFunctions::StateMachine", RoleArn=ROLE, StateMachineName="flow")
DISTRIBUTION = resource(
    "AWS::CloudFront::Distribution",
    DistributionConfig={
        "Enabled": True,
        "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "allow-all"},
        "Origins": [{"Id": "o", "DomainName": "x.org", "S3OriginConfig": {}}],
    },
)
ZONE = resource("AWS::Route53::HostedZone", Name="example.org.")
DATABASE = resource(
    "AWS::RDS::DBInstance", DBInstanceClass="db.t3.micro", Engine="postgres", AllocatedStorage="20"
)
CLUSTER = resource("AWS::RDS::DBCluster", Engine="aurora-mysql")


def record(kind: str = "A", **more: Any) -> dict[str, Any]:
    properties = {"Name": "a.example.org.", "Type": kind, "HostedZoneId": "Z123", **more}
    return resource("AWS::Route53::RecordSet", **properties)


def method(**more: Any) -> dict[str, Any]:
    properties = {"RestApiId": "abc", "ResourceId": "def", "HttpMethod": "GET", **more}
    return resource("AWS::ApiGateway::Method", **properties)


PAIRS = [
    # A user pool, its client, its domain
    Pair(POOL, "Ref", r"us-east-1_[0-9a-zA-Z]{9}",
         resource("AWS::Cognito::UserPoolClient", UserPoolId=VALUE)),
    Pair(POOL, "Ref", r"us-east-1_\w{9}",
         resource("AWS::Cognito::UserPoolDomain", UserPoolId=VALUE, Domain="shop")),
    Pair(POOL, "Arn", (ARN % "cognito-idp") + r"userpool/us-east-1_\w{9}",
         resource("AWS::ApiGateway::Authorizer", RestApiId="abc", Name="a",
                  Type="COGNITO_USER_POOLS", ProviderARNs=[VALUE])),
    Pair(POOL, "ProviderName", r"cognito-idp\.us-east-1\.amazonaws\.com/us-east-1_\w{9}",
         resource("AWS::Cognito::IdentityPool", AllowUnauthenticatedIdentities=False,
                  CognitoIdentityProviders=[{"ClientId": "abc", "ProviderName": VALUE}])),
    Pair(resource("AWS::Cognito::UserPoolClient", UserPoolId="us-east-1_abcdefghi"), "Ref",
         "[0-9a-z]{26}",
         resource("AWS::Cognito::IdentityPool", AllowUnauthenticatedIdentities=False,
                  CognitoIdentityProviders=[{"ClientId": VALUE, "ProviderName": "cognito"}])),
    Pair(resource("AWS::Cognito::IdentityPool", AllowUnauthenticatedIdentities=True), "Ref",
         f"us-east-1:{UUID}",
         resource("AWS::Cognito::IdentityPoolRoleAttachment", IdentityPoolId=VALUE)),
    # A network
    Pair(VPC, "Ref", f"vpc-{ID}", {**SUBNET, "Properties": {"VpcId": VALUE,
                                                          "CidrBlock": "10.0.0.0/24"}}),
    Pair(VPC, "CidrBlock", "10.0.0.0/16", rule(CidrIp=VALUE)),
    Pair(VPC, "DefaultSecurityGroup", f"sg-{ID}",
         resource("AWS::EC2::Instance", ImageId="ami-1", SecurityGroupIds=[VALUE])),
    Pair(VPC, "DefaultNetworkAcl", f"acl-{ID}",
         resource("AWS::EC2::SubnetNetworkAclAssociation", SubnetId="subnet-1",
                  NetworkAclId=VALUE)),
    Pair(GROUP, "GroupId", f"sg-{ID}",
         resource("AWS::Lambda::Function",
                  **FUNCTION, VpcConfig={"SecurityGroupIds": [VALUE], "SubnetIds": ["subnet-1"]})),
    Pair(GROUP, "GroupId", f"sg-{ID}",
         resource("AWS::EFS::MountTarget", FileSystemId="fs-01234567", SubnetId="subnet-01234567",
                  SecurityGroups=[VALUE])),
    Pair(GROUP, "Ref", f"sg-{ID}", rule(SourceSecurityGroupId=VALUE)),
    Pair(SUBNET, "Ref", f"subnet-{ID}",
         resource("AWS::RDS::DBSubnetGroup", DBSubnetGroupDescription="d",
                  SubnetIds=[VALUE, "subnet-2"])),
    Pair(SUBNET, "AvailabilityZone", "us-east-1[a-f]",
         resource("AWS::EC2::Volume", AvailabilityZone=VALUE, Size=1)),
    Pair(ADDRESS, "AllocationId", f"eipalloc-{ID}",
         resource("AWS::EC2::NatGateway", AllocationId=VALUE, SubnetId="subnet-1")),
    Pair(ADDRESS, "Ref", r"\d+\.\d+\.\d+\.\d+", record(TTL="60", ResourceRecords=[VALUE])),
    Pair(ADDRESS, "PublicIp", r"\d+\.\d+\.\d+\.\d+",
         resource("AWS::EC2::CustomerGateway", IpAddress=VALUE, Type="ipsec.1", BgpAsn=65000)),
    Pair(resource("AWS::EC2::RouteTable", VpcId="vpc-1"), "Ref", f"rtb-{ID}",
         resource("AWS::EC2::Route", RouteTableId=VALUE, DestinationCidrBlock="0.0.0.0/0")),
    Pair(resource("AWS::EC2::InternetGateway"), "Ref", f"igw-{ID}",
         resource("AWS::EC2::VPCGatewayAttachment", VpcId="vpc-1", InternetGatewayId=VALUE)),
    Pair(resource("AWS::EC2::Instance", ImageId="ami-1"), "PrivateIp", r"10\.\d+\.\d+\.\d+",
         record(TTL="60", ResourceRecords=[VALUE])),
    Pair(resource("AWS::EC2::Instance", ImageId="ami-1"), "AvailabilityZone", "us-east-1[a-f]",
         resource("AWS::EC2::Volume", AvailabilityZone=VALUE, Size=1)),
    Pair(TEMPLATE, "LatestVersionNumber", "1",
         resource("AWS::AutoScaling::AutoScalingGroup", MinSize="1", MaxSize="1",
                  LaunchTemplate={"LaunchTemplateId": "lt-1", "Version": VALUE})),
    Pair(TEMPLATE, "Ref", f"lt-{ID}",
         resource("AWS::AutoScaling::AutoScalingGroup", MinSize="1", MaxSize="1",
                  LaunchTemplate={"LaunchTemplateId": VALUE, "Version": "1"})),
    # Ports and hosts of what is stored
    Pair(DATABASE, "Endpoint.Port", "5432", rule(FromPort=VALUE)),
    Pair(DATABASE, "Endpoint.Address", r"[a-z0-9-]+\.[a-z0-9]+\.us-east-1\.rds\.amazonaws\.com",
         record("CNAME", TTL="60", ResourceRecords=[VALUE])),
    Pair(CLUSTER, "Endpoint.Port", "3306", rule(FromPort=VALUE)),
    Pair(CLUSTER, "Ref", "[a-z][a-z0-9-]+",
         resource("AWS::RDS::DBInstance", DBInstanceClass="db.t3.small", Engine="aurora-mysql",
                  DBClusterIdentifier=VALUE)),
    Pair(resource("AWS::ElastiCache::ReplicationGroup", ReplicationGroupDescription="d",
                  Engine="redis", CacheNodeType="cache.t3.micro"),
         "PrimaryEndPoint.Port", "6379", rule(FromPort=VALUE)),
    Pair(resource("AWS::ElastiCache::CacheCluster", CacheNodeType="cache.t3.micro", Engine="redis",
                  NumCacheNodes=1),
         "RedisEndpoint.Port", "6379", rule(FromPort=VALUE)),
    Pair(resource("AWS::Redshift::Cluster", ClusterType="single-node", DBName="db",
                  MasterUsername="u", NodeType="ra3.large", Port=5440),
         "Endpoint.Port", "5440", rule(FromPort=VALUE)),
    Pair(FILES, "Ref", f"fs-{ID}",
         resource("AWS::EFS::MountTarget", FileSystemId=VALUE, SubnetId="subnet-01234567",
                  SecurityGroups=["sg-01234567"])),
    Pair(resource("AWS::EFS::AccessPoint", FileSystemId="fs-01234567"), "Arn",
         (ARN % "elasticfilesystem") + f"access-point/fsap-{ID}",
         resource("AWS::Lambda::Function", **FUNCTION,
                  FileSystemConfigs=[{"Arn": VALUE, "LocalMountPath": "/mnt/x"}])),
    Pair(resource("AWS::DynamoDB::Table", TableName="orders",
                  KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                  AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}]),
         "StreamArn", (ARN % "dynamodb") + r"table/orders/stream/[0-9T:.-]+",
         resource("AWS::Lambda::EventSourceMapping", FunctionName="f", EventSourceArn=VALUE,
                  StartingPosition="LATEST")),
    Pair(KEY, "Arn", (ARN % "kms") + f"key/{UUID}",
         resource("AWS::Logs::LogGroup", KmsKeyId=VALUE)),
    Pair(KEY, "Ref", UUID,
         resource("AWS::KMS::Alias", AliasName="alias/k", TargetKeyId=VALUE)),
    # Functions, queues, schedules
    Pair(resource("AWS::Lambda::Version", FunctionName="f"), "Version", "[0-9]+",
         resource("AWS::Lambda::Alias", FunctionName="f", Name="live", FunctionVersion=VALUE)),
    Pair(resource("AWS::Lambda::LayerVersion", LayerName="deps",
                  Content={"S3Bucket": "bucket", "S3Key": "k"}),
         "Ref", (ARN % "lambda") + "layer:deps:[0-9]+",
         resource("AWS::Lambda::Function", **FUNCTION, Layers=[VALUE])),
    Pair(resource("AWS::Lambda::Alias", FunctionName="f", Name="live", FunctionVersion="1"), "Ref",
         (ARN % "lambda") + "function:f:live",
         resource("AWS::Lambda::Permission", Action="lambda:InvokeFunction", FunctionName=VALUE,
                  Principal="events.amazonaws.com")),
    Pair(QUEUE, "Arn", (ARN % "sqs") + ".+",
         resource("AWS::Lambda::EventSourceMapping", FunctionName="f", EventSourceArn=VALUE)),
    Pair(QUEUE, "Ref", r"https://sqs\.us-east-1\.amazonaws\.com/123456789012/.+",
         resource("AWS::SQS::QueuePolicy", Queues=[VALUE], PolicyDocument=ASSUMED)),
    Pair(MACHINE, "Name", "flow",
         resource("AWS::CloudWatch::Alarm", ComparisonOperator="GreaterThanThreshold",
                  EvaluationPeriods=1, Dimensions=[{"Name": "StateMachine", "Value": VALUE}])),
    Pair(MACHINE, "Ref", (ARN % "states") + "stateMachine:flow",
         resource("AWS::Events::Rule", ScheduleExpression="rate(1 day)",
                  Targets=[{"Id": "t", "Arn": VALUE, "RoleArn": ROLE}])),
    Pair(resource("AWS::Events::Rule", Name="nightly", ScheduleExpression="rate(1 day)"), "Arn",
         (ARN % "events") + "rule/nightly",
         resource("AWS::Lambda::Permission", Action="lambda:InvokeFunction", FunctionName="f",
                  Principal="events.amazonaws.com", SourceArn=VALUE)),
    Pair(resource("AWS::Kinesis::Stream", Name="clicks"), "Arn",
         (ARN % "kinesis") + "stream/clicks",
         resource("AWS::Lambda::EventSourceMapping", FunctionName="f", EventSourceArn=VALUE,
                  StartingPosition="LATEST")),
    # Interfaces and what is before them
    Pair(API, "Ref", "[0-9a-z]{10}",
         resource("AWS::ApiGateway::Resource", RestApiId=VALUE, ParentId="p", PathPart="x")),
    Pair(API, "RootResourceId", "[0-9a-z]{10}",
         resource("AWS::ApiGateway::Resource", RestApiId="abc", ParentId=VALUE, PathPart="x")),
    Pair(resource("AWS::ApiGateway::Resource", RestApiId="abc", ParentId="p", PathPart="x"), "Ref",
         "[0-9a-z]{6}", method(ResourceId=VALUE)),
    Pair(resource("AWS::ApiGateway::Deployment", RestApiId="abc"), "Ref", "[0-9a-z]{6}",
         resource("AWS::ApiGateway::Stage", RestApiId="abc", StageName="prod",
                  DeploymentId=VALUE)),
    Pair(resource("AWS::ApiGateway::Stage", RestApiId="abc", StageName="prod"), "Ref", "prod",
         resource("AWS::ApiGateway::BasePathMapping", DomainName="x.org", RestApiId="abc",
                  Stage=VALUE)),
    Pair(resource("AWS::ApiGateway::Authorizer", RestApiId="abc", Name="a", Type="TOKEN"), "Ref",
         "[0-9a-z]{6}", method(AuthorizationType="CUSTOM", AuthorizerId=VALUE)),
    Pair(HTTP_API, "Ref", "[0-9a-z]{10}",
         resource("AWS::ApiGatewayV2::Stage", ApiId=VALUE, StageName="$default")),
    Pair(resource("AWS::ApiGatewayV2::Integration", ApiId="abc", IntegrationType="HTTP_PROXY"),
         "Ref", "[0-9a-z]{7}",
         resource("AWS::ApiGatewayV2::Route", ApiId="abc", RouteKey="$default",
                  Target={"Fn::Join": ["/", ["integrations", VALUE]]})),
    Pair(DISTRIBUTION, "DomainName", r"d[0-9a-z]+\.cloudfront\.net",
         record(AliasTarget={"DNSName": VALUE, "HostedZoneId": "Z2FDTNDATAQYW2"})),
    Pair(ZONE, "Ref", "Z[0-9A-Z]+", record(TTL="60", HostedZoneId=VALUE)),
    Pair(resource("AWS::CertificateManager::Certificate", DomainName="example.org"), "Ref",
         (ARN % "acm") + f"certificate/{UUID}",
         resource("AWS::ElasticLoadBalancingV2::Listener",
                  LoadBalancerArn="arn:aws:elasticloadbalancing:us-east-1:123456789012:"
                                  "loadbalancer/app/x/1",
                  DefaultActions=[], Certificates=[{"CertificateArn": VALUE}])),
    Pair(resource("AWS::CloudFront::CloudFrontOriginAccessIdentity",
                  CloudFrontOriginAccessIdentityConfig={"Comment": "c"}),
         "S3CanonicalUserId", "[0-9a-f]{64}",
         resource("AWS::S3::BucketPolicy", Bucket="bucket",
                  PolicyDocument={"Statement": [{"Principal": {"CanonicalUser": VALUE}}]})),
    # Names of services, scaling, configuration
    Pair(resource("AWS::ServiceDiscovery::PrivateDnsNamespace", Name="local", Vpc="vpc-1"), "Ref",
         "ns-[0-9a-z]{16}",
         resource("AWS::ServiceDiscovery::Service", NamespaceId=VALUE, Name="web")),
    Pair(resource("AWS::ServiceDiscovery::Service", Name="web"), "Arn",
         (ARN % "servicediscovery") + "service/srv-[0-9a-z]{16}",
         resource("AWS::ECS::Service", TaskDefinition="t",
                  ServiceRegistries=[{"RegistryArn": VALUE}])),
    Pair(resource("AWS::ApplicationAutoScaling::ScalableTarget", MinCapacity=1, MaxCapacity=2,
                  ResourceId="service/c/s", ScalableDimension="ecs:service:DesiredCount",
                  ServiceNamespace="ecs"),
         "Ref", r"service/c/s\|ecs:service:DesiredCount\|ecs",
         resource("AWS::ApplicationAutoScaling::ScalingPolicy", PolicyName="p",
                  PolicyType="TargetTrackingScaling", ScalingTargetId=VALUE)),
    Pair(resource("AWS::AppConfig::Application", Name="a"), "Ref", "[0-9a-z]{7}",
         resource("AWS::AppConfig::Environment", ApplicationId=VALUE, Name="e")),
    Pair(resource("AWS::AppConfig::Environment", ApplicationId="abcdefg", Name="e"), "Ref",
         "[0-9a-z]{7}",
         resource("AWS::AppConfig::Deployment", ApplicationId="abcdefg", EnvironmentId=VALUE,
                  ConfigurationProfileId="abcdefg", ConfigurationVersion="1",
                  DeploymentStrategyId="abcdefg")),
    Pair(resource("AWS::Backup::BackupPlan",
                  BackupPlan={"BackupPlanName": "p", "BackupPlanRule": []}),
         "Ref", UUID,
         resource("AWS::Backup::BackupSelection", BackupPlanId=VALUE,
                  BackupSelection={"SelectionName": "s", "IamRoleArn": ROLE})),
    Pair(resource("AWS::WAFv2::WebACL", Name="acl", Scope="REGIONAL", DefaultAction={"Allow": {}},
                  VisibilityConfig={"SampledRequestsEnabled": True, "MetricName": "m",
                                    "CloudWatchMetricsEnabled": True}),
         "Arn", (ARN % "wafv2") + f"regional/webacl/acl/{UUID}",
         resource("AWS::WAFv2::WebACLAssociation", WebACLArn=VALUE,
                  ResourceArn="arn:aws:apigateway:us-east-1::/restapis/abc/stages/prod")),
    Pair(resource("AWS::AppSync::GraphQLApi", Name="a", AuthenticationType="API_KEY"), "ApiId",
         "[0-9a-z]{26}", resource("AWS::AppSync::ApiKey", ApiId=VALUE)),
    Pair(resource("AWS::Glue::Table", CatalogId="123456789012", DatabaseName="d",
                  TableInput={"Name": "orders"}),
         "Ref", "orders",
         resource("AWS::LakeFormation::TagAssociation",
                  LFTags=[{"CatalogId": "123456789012", "TagKey": "k", "TagValues": ["v"]}],
                  Resource={"Table": {"CatalogId": "123456789012", "DatabaseName": "d",
                                      "Name": VALUE}})),
    Pair(resource("AWS::EC2::NetworkInterface", SubnetId="subnet-1"), "Ref", f"eni-{ID}",
         resource("AWS::EC2::EIPAssociation", NetworkInterfaceId=VALUE)),
    Pair(resource("AWS::EC2::TransitGateway"), "Ref", f"tgw-{ID}",
         resource("AWS::EC2::TransitGatewayAttachment", TransitGatewayId=VALUE, VpcId="vpc-1",
                  SubnetIds=["subnet-1"])),
    Pair(resource("AWS::SSM::MaintenanceWindow", Name="nightly", AllowUnassociatedTargets=True,
                  Cutoff=1, Duration=2, Schedule="rate(1 day)"),
         "Ref", "mw-[0-9a-f]{17}",
         resource("AWS::SSM::MaintenanceWindowTarget", WindowId=VALUE, ResourceType="INSTANCE",
                  Targets=[{"Key": "k", "Values": ["v"]}])),
    Pair(resource("AWS::GuardDuty::Detector", Enable=True), "Ref", "[0-9a-f]{32}",
         resource("AWS::GuardDuty::Filter", DetectorId=VALUE, Name="f",
                  FindingCriteria={"Criterion": {}})),
    Pair(resource("AWS::EC2::TransitGateway"), "TransitGatewayArn",
         (ARN % "ec2") + f"transit-gateway/tgw-{ID}",
         resource("AWS::NetworkManager::TransitGatewayRegistration", GlobalNetworkId="global-1",
                  TransitGatewayArn=VALUE)),
    Pair(resource("AWS::ImageBuilder::ImageRecipe", Name="Base", Version="1.0.0",
                  ParentImage="ami-1"),
         "Ref", (ARN % "imagebuilder") + "image-recipe/base/1.0.0",
         resource("AWS::ImageBuilder::ImagePipeline", Name="nightly", ImageRecipeArn=VALUE,
                  InfrastructureConfigurationArn="arn:aws:imagebuilder:us-east-1:123456789012:"
                                                 "infrastructure-configuration/i")),
]  # fmt: skip


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    await made.start()
    yield made
    await made.close()


def put(node: Any, value: Any) -> Any:
    """Return a node with the value in its place."""
    if node is VALUE:
        return value
    if isinstance(node, dict):
        return {key: put(each, value) for key, each in node.items()}
    return [put(each, value) for each in node] if isinstance(node, list) else node


@pytest.mark.parametrize("pair", PAIRS, ids=str)
async def test_a_pair_deploys(world: World, pair: Pair) -> None:
    name = pair.value
    reference = {"Ref": "Given"} if name == "Ref" else {"Fn::GetAtt": ["Given", name]}
    used = put(pair.used, reference)
    assert await world.create(template({"Given": pair.given})) == "CREATE_COMPLETE", (
        await world.events()
    )
    body = template(
        {"Given": pair.given, "Used": used},
        Outputs={"Value": {"Value": reference}},
    )
    plan = await world.planned(body)
    assert plan.invalid_properties == {}
    assert await world.update(body) == "UPDATE_COMPLETE", await world.events()
    state = await world.stacks.state("app")
    assert state is not None
    assert re.fullmatch(pair.form, state.outputs["Value"]), state.outputs["Value"]
    made = state.resources["Used"]
    schema = resource_schema.schema(made.resource_type)
    assert schema is not None
    assert property_rules.problems(schema, made.properties) == []


FINDER = resource("AWS::GuardDuty::Detector", Enable=True)  # its id is no file system's


def mount(file_system: Any) -> dict[str, Any]:
    return resource(
        "AWS::EFS::MountTarget", FileSystemId=file_system, SubnetId="subnet-01234567",
        SecurityGroups=["sg-01234567"],
    )  # fmt: skip


async def test_a_made_up_value_that_does_not_fit_is_not_held_against_the_author(
    world: World,
) -> None:
    before = template({"Finder": FINDER})
    after = template({"Finder": FINDER, "Mount": mount({"Ref": "Finder"})})
    assert await world.create(before) == "CREATE_COMPLETE"
    assert (await world.planned(after)).invalid_properties == {}
    assert await world.update(after) == "UPDATE_COMPLETE"


async def test_neither_is_what_another_stack_exports(world: World) -> None:
    exported = {"Id": {"Value": {"Ref": "Finder"}, "Export": {"Name": "finder"}}}
    await world.create(template({"Finder": FINDER}, Outputs=exported), "network")
    body = template({"Mount": mount({"Fn::ImportValue": "finder"})})
    assert await world.create(body) == "CREATE_COMPLETE"


async def test_what_the_author_writes_is(world: World) -> None:
    body = template({"Finder": FINDER, "Mount": mount("a")})
    assert await world.create(body) == "ROLLBACK_COMPLETE"
    reasons = [reason for name, _, reason in await world.events() if name == "Mount"]
    assert any("#/FileSystemId: failed validation constraint" in str(each) for each in reasons)
    handed_on = resource("AWS::SSM::Document", Content={}, Name="a")
    body = template({"Given": handed_on, "Mount": mount({"Fn::GetAtt": ["Given", "Name"]})})
    assert await world.create(body, "second") == "ROLLBACK_COMPLETE"


async def test_the_type_of_a_made_up_value_counts(world: World) -> None:
    body = template({"Finder": FINDER, "Rule": rule(FromPort={"Ref": "Finder"})})
    assert await world.create(body) == "ROLLBACK_COMPLETE"
    reasons = [reason for name, _, reason in await world.events() if name == "Rule"]
    assert any("#/FromPort: expected type: Integer" in str(each) for each in reasons)


API_CHILD = {"RestApiId": "abc"}
HTTP_CHILD = {"ApiId": "abc"}
POOL_CHILD = {"UserPoolId": "us-east-1_abcdefghi"}
CONFIGURED = {"ApplicationId": "abcdefg"}


@pytest.mark.parametrize(
    ("declared", "physical_id"),
    [
        # The child's own part (each read from real stacks, see recorded_identifiers.py)
        (resource("AWS::ApiGateway::Resource", **API_CHILD, ParentId="p", PathPart="x"), r"\w{6}"),
        (resource("AWS::ApiGateway::Deployment", **API_CHILD), r"\w{6}"),
        (resource("AWS::ApiGateway::Stage", **API_CHILD, StageName="prod"), "prod"),
        (resource("AWS::ApiGateway::Model", **API_CHILD, Name="Order"), "Order"),
        (resource("AWS::ApiGateway::RequestValidator", **API_CHILD), r"\w{6}"),
        (resource("AWS::ApiGateway::BasePathMapping", DomainName="x.org", BasePath="v1"), "x.org"),
        (resource("AWS::ApiGatewayV2::Stage", **HTTP_CHILD, StageName="prod"), "prod"),
        (resource("AWS::ApiGatewayV2::Route", **HTTP_CHILD, RouteKey="$default"), r"\w{7}"),
        (resource("AWS::Cognito::UserPoolClient", **POOL_CHILD), r"\w{26}"),
        (resource("AWS::Cognito::UserPoolDomain", **POOL_CHILD, Domain="shop"), "shop"),
        (resource("AWS::Cognito::UserPoolGroup", **POOL_CHILD, GroupName="admins"), "admins"),
        (resource("AWS::Cognito::UserPoolResourceServer", **POOL_CHILD, Identifier="api",
                  Name="n"), "api"),
        (resource("AWS::AppConfig::HostedConfigurationVersion", **CONFIGURED, Content="c",
                  ConfigurationProfileId="abcdefg", ContentType="t"), "1"),
        (resource("AWS::CodeDeploy::DeploymentGroup", ApplicationName="a", ServiceRoleArn=ROLE,
                  DeploymentGroupName="g"), "g"),
        (resource("AWS::Logs::MetricFilter", LogGroupName="g", FilterName="f", FilterPattern="",
                  MetricTransformations=[{"MetricName": "m", "MetricNamespace": "n",
                                          "MetricValue": "1"}]), "f"),
        (resource("AWS::EC2::VPCCidrBlock", VpcId="vpc-1", CidrBlock="10.1.0.0/16"),
         f"vpc-cidr-assoc-{ID}"),
        (ADDRESS, r"203\.0\.113\.\d+"),
        (record(), r"a\.example\.org\."),
        # A name, alone or after its bus
        (resource("AWS::Events::Rule", Name="r", ScheduleExpression="rate(1 day)"), "r"),
        (resource("AWS::Events::Rule", Name="r", EventBusName="orders", EventPattern={}),
         r"orders\|r"),
        # All parts
        (method(), r"abc\|def\|GET"),
        (resource("AWS::WAFv2::IPSet", Name="s", Scope="REGIONAL", IPAddressVersion="IPV4",
                  Addresses=[]), rf"s\|{UUID}\|REGIONAL"),
        (resource("AWS::VerifiedPermissions::PolicyTemplate", PolicyStoreId="store",
                  Statement="s"), r"store\|[^|]+"),
    ],
    ids=lambda each: each["Type"][5:] if isinstance(each, dict) else "",
)  # fmt: skip
async def test_physical_ids_are_awss(
    world: World, declared: dict[str, Any], physical_id: str
) -> None:
    assert await world.create(template({"Thing": declared})) == "CREATE_COMPLETE", (
        await world.events()
    )
    state = await world.stacks.state("app")
    assert state is not None
    found = state.resources["Thing"].physical_resource_id
    assert re.fullmatch(physical_id, found), found


async def test_a_resource_that_was_deployed_with_another_identifier_keeps_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = resource("AWS::ApiGateway::Stage", **API_CHILD, StageName="prod")
    outputs = {"Outputs": {"Stage": {"Value": {"Ref": "Stage"}}}}
    with monkeypatch.context() as patched:
        patched.setattr(recorded_identifiers, "identifier", lambda *_: "abc|prod")
        await world.create(template({"Stage": stage}, **outputs))
    unchanged = await world.planned(template({"Stage": stage}, **outputs))
    assert (list(unchanged.changes), unchanged.outputs_changed) == ([], False)
    changed = resource("AWS::ApiGateway::Stage", **stage["Properties"], Description="d")
    assert await world.update(template({"Stage": changed}, **outputs)) == "UPDATE_COMPLETE"
    state = await world.stacks.state("app")
    assert state is not None
    assert state.resources["Stage"].physical_resource_id == "abc|prod"
    assert state.outputs["Stage"] == "abc|prod"
    assert await world.delete() == "DELETE_COMPLETE"
