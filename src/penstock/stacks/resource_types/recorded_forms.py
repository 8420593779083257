"""What identifiers and attributes look like on AWS, where a schema does not say it. Pure data.

Source: the examples under "Return values" of each type in CloudFormation's template reference.

A form is text with fields in braces (`recorded_values.py` fills them in): `region`, `account`,
`name` (the resource's own), `lower` (that in lower case), `id` and `arn` (the resource's own),
`uuid`, `number` (1 to 999), `ip`, `bus`; `hex8`, `digits3`, `lower10`, `upper13`, `alnum9` are so
many characters; `port` is that of the engine; `/A/B` is the property of that path (`/A|/B`: the
first that there is; `/A|=16`: 16 where there is none), and `last:/A` what follows its last colon
or slash. A property with a form is one that AWS chooses, and gives to Fn::GetAtt, where a template
leaves it out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ID_PREFIXES = {
    "AWS::EC2::CarrierGateway": "cagw",
    "AWS::EC2::ClientVpnEndpoint": "cvpn-endpoint",
    "AWS::EC2::CustomerGateway": "cgw",
    "AWS::EC2::DHCPOptions": "dopt",
    "AWS::EC2::EC2Fleet": "fleet",
    "AWS::EC2::EgressOnlyInternetGateway": "eigw",
    "AWS::EC2::FlowLog": "fl",
    "AWS::EC2::Host": "h",
    "AWS::EC2::Instance": "i",
    "AWS::EC2::InternetGateway": "igw",
    "AWS::EC2::LaunchTemplate": "lt",
    "AWS::EC2::NatGateway": "nat",
    "AWS::EC2::NetworkAcl": "acl",
    "AWS::EC2::NetworkInterface": "eni",
    "AWS::EC2::NetworkInterfaceAttachment": "eni-attach",
    "AWS::EC2::PrefixList": "pl",
    "AWS::EC2::RouteTable": "rtb",
    "AWS::EC2::SecurityGroup": "sg",
    "AWS::EC2::SecurityGroupEgress": "sgr",
    "AWS::EC2::SecurityGroupIngress": "sgr",
    "AWS::EC2::SpotFleet": "sfr",
    "AWS::EC2::Subnet": "subnet",
    "AWS::EC2::SubnetCidrBlock": "subnet-cidr-assoc",
    "AWS::EC2::SubnetNetworkAclAssociation": "aclassoc",
    "AWS::EC2::SubnetRouteTableAssociation": "rtbassoc",
    "AWS::EC2::TransitGateway": "tgw",
    "AWS::EC2::TransitGatewayAttachment": "tgw-attach",
    "AWS::EC2::TransitGatewayRouteTable": "tgw-rtb",
    "AWS::EC2::TransitGatewayVpcAttachment": "tgw-attach",
    "AWS::EC2::VPC": "vpc",
    "AWS::EC2::VPCCidrBlock": "vpc-cidr-assoc",
    "AWS::EC2::VPCEndpoint": "vpce",
    "AWS::EC2::VPCEndpointService": "vpce-svc",
    "AWS::EC2::VPCPeeringConnection": "pcx",
    "AWS::EC2::VPNConnection": "vpn",
    "AWS::EC2::VPNGateway": "vgw",
    "AWS::EC2::Volume": "vol",
    "AWS::EFS::AccessPoint": "fsap",
    "AWS::EFS::FileSystem": "fs",
    "AWS::EFS::MountTarget": "fsmt",
    "AWS::FSx::FileSystem": "fs",
}
"""Ids of the form `vpc-0123456789abcdef0`."""

SERVICES = {
    "ACMPCA": "acm-pca",
    "AmazonMQ": "mq",
    "ApiGatewayV2": "apigateway",
    "ApplicationAutoScaling": "application-autoscaling",
    "CertificateManager": "acm",
    "CodeStarConnections": "codestar-connections",
    "Cognito": "cognito-idp",
    "DirectoryService": "ds",
    "DocDB": "rds",
    "EFS": "elasticfilesystem",
    "EMR": "elasticmapreduce",
    "EMRServerless": "emr-serverless",
    "ElasticLoadBalancingV2": "elasticloadbalancing",
    "Elasticsearch": "es",
    "InspectorV2": "inspector2",
    "KinesisFirehose": "firehose",
    "MSK": "kafka",
    "Neptune": "rds",
    "NetworkFirewall": "network-firewall",
    "OpenSearchServerless": "aoss",
    "OpenSearchService": "es",
    "ResourceGroups": "resource-groups",
    "StepFunctions": "states",
    "VpcLattice": "vpc-lattice",
    "WAFRegional": "waf-regional",
}
"""Names in ARNs where they are not the type's own second part in lower case."""

ARN_RESOURCES = {
    "AWS::AppSync::ApiKey": "apis/{/ApiId}/apikey/{id}",
    "AWS::AppSync::GraphQLApi": "apis/{id}",
    "AWS::ApplicationAutoScaling::ScalableTarget": "scalable-target/{lower32}",
    "AWS::AutoScaling::AutoScalingGroup": "autoScalingGroup:{uuid}:autoScalingGroupName/{name}",
    "AWS::Backup::BackupPlan": "backup-plan:{id}",
    "AWS::Backup::BackupVault": "backup-vault:{name}",
    "AWS::CertificateManager::Certificate": "certificate/{uuid}",
    "AWS::CloudWatch::Alarm": "alarm:{name}",
    "AWS::Cognito::UserPool": "userpool/{id}",
    "AWS::Connect::Instance": "instance/{id}",
    "AWS::Detective::Graph": "graph:{hex32}",
    "AWS::DynamoDB::Table": "table/{name}",
    "AWS::EFS::AccessPoint": "access-point/{id}",
    "AWS::EFS::FileSystem": "file-system/{id}",
    "AWS::Events::EventBus": "event-bus/{name}",
    "AWS::Events::Rule": "rule/{bus/}{name}",
    "AWS::IAM::InstanceProfile": "instance-profile/{name}",
    "AWS::IAM::ManagedPolicy": "policy/{name}",
    "AWS::Kinesis::Stream": "stream/{name}",
    "AWS::ImageBuilder::Component": "component/{lower}/{/Version}/1",
    "AWS::ImageBuilder::ContainerRecipe": "container-recipe/{lower}/{/Version}",
    "AWS::ImageBuilder::DistributionConfiguration": "distribution-configuration/{lower}",
    "AWS::ImageBuilder::ImagePipeline": "image-pipeline/{lower}",
    "AWS::ImageBuilder::ImageRecipe": "image-recipe/{lower}/{/Version}",
    "AWS::ImageBuilder::InfrastructureConfiguration": "infrastructure-configuration/{lower}",
    "AWS::KMS::Key": "key/{id}",
    "AWS::Kinesis::StreamConsumer": "stream/{last:/StreamARN}/consumer/{name}:1767225600",
    "AWS::Lambda::Alias": "function:{last:/FunctionName}:{name}",
    "AWS::Lambda::Function": "function:{name}",
    "AWS::Lambda::LayerVersion": "layer:{/LayerName}:{number}",
    "AWS::Lambda::Version": "function:{last:/FunctionName}:{number}",
    "AWS::RDS::DBCluster": "cluster:{lower}",
    "AWS::RDS::DBInstance": "db:{lower}",
    "AWS::RDS::DBSubnetGroup": "subgrp:{lower}",
    "AWS::SNS::Topic": "{name}",
    "AWS::SQS::Queue": "{name}",
    "AWS::ServiceDiscovery::HttpNamespace": "namespace/{id}",
    "AWS::ServiceDiscovery::PrivateDnsNamespace": "namespace/{id}",
    "AWS::ServiceDiscovery::PublicDnsNamespace": "namespace/{id}",
    "AWS::ServiceDiscovery::Service": "service/{id}",
    "AWS::StepFunctions::StateMachine": "stateMachine:{name}",
    "AWS::WAFv2::WebACL": "regional/webacl/{name}/{id}",
}
"""What follows the account in the ARNs of a type; otherwise `type/name`, of EC2 `type/id`."""

LOWER_CASE = frozenset(
    {"DocDB", "ElastiCache", "MemoryDB", "Neptune", "OpenSearchService", "RDS", "Redshift"}
)
"""Services that keep names in lower case."""


@dataclass(frozen=True, slots=True)
class ForEachNode:
    """As many texts of a form as a cluster has nodes, `{index}` being 001, 002 and so on."""

    form: str
    count: str
    """The property that says how many; 1 where it is left out."""
    joined: bool = False
    """Whether they are one text, `[a, b]`, instead of a list."""


Form = str | Sequence[str] | ForEachNode

_NODE = "{lower}-{index}.{lower6}.0001.{region}.cache.amazonaws.com"
_NODES = "/NumCacheClusters"
_JOB_NAME: Mapping[str, Form] = {"JobDefinitionName": "{name}"}
_MESH_OWNER: Mapping[str, Form] = {"MeshOwner": "{account}"}

FORMS: Mapping[str, Mapping[str, Form]] = {
    "AWS::ApiGateway::ApiKey": {"APIKeyId": "{lower10}"},
    "AWS::ApiGateway::Authorizer": {"AuthorizerId": "{lower6}"},
    "AWS::ApiGateway::Deployment": {"DeploymentId": "{lower6}"},
    "AWS::ApiGateway::DocumentationPart": {"DocumentationPartId": "{lower6}"},
    "AWS::ApiGateway::RequestValidator": {"RequestValidatorId": "{lower6}"},
    "AWS::ApiGateway::Resource": {"ResourceId": "{lower6}"},
    "AWS::ApiGateway::RestApi": {"RestApiId": "{lower10}", "RootResourceId": "{lower10}"},
    "AWS::ApiGateway::UsagePlan": {"Id": "{lower6}"},
    "AWS::ApiGateway::VpcLink": {"VpcLinkId": "{lower6}"},
    "AWS::ApiGatewayV2::Api": {
        "ApiId": "{lower10}",
        "ApiEndpoint": "https://{id}.execute-api.{region}.amazonaws.com",
        "ExecuteApiArn": "arn:aws:execute-api:{region}:{account}:{id}",
    },
    "AWS::ApiGatewayV2::ApiMapping": {"ApiMappingId": "{lower6}"},
    "AWS::ApiGatewayV2::Authorizer": {"AuthorizerId": "{lower6}"},
    "AWS::ApiGatewayV2::Deployment": {"DeploymentId": "{lower6}"},
    "AWS::ApiGatewayV2::Integration": {"IntegrationId": "{lower7}"},
    "AWS::ApiGatewayV2::Route": {"RouteId": "{lower7}"},
    "AWS::ApiGatewayV2::VpcLink": {"VpcLinkId": "{lower6}"},
    "AWS::AppConfig::Application": {"ApplicationId": "{lower7}"},
    "AWS::AppConfig::ConfigurationProfile": {"ConfigurationProfileId": "{lower7}"},
    "AWS::AppConfig::DeploymentStrategy": {"Id": "{lower7}"},
    "AWS::AppConfig::Environment": {"EnvironmentId": "{lower7}"},
    "AWS::AppMesh::GatewayRoute": {"GatewayRouteName": "{name}", **_MESH_OWNER},
    "AWS::AppMesh::Mesh": {"MeshName": "{name}", **_MESH_OWNER},
    "AWS::AppMesh::Route": {"RouteName": "{name}", **_MESH_OWNER},
    "AWS::AppMesh::VirtualGateway": {"VirtualGatewayName": "{name}", **_MESH_OWNER},
    "AWS::AppMesh::VirtualNode": {"VirtualNodeName": "{name}", **_MESH_OWNER},
    "AWS::AppMesh::VirtualRouter": {"VirtualRouterName": "{name}", **_MESH_OWNER},
    "AWS::AppMesh::VirtualService": _MESH_OWNER,
    "AWS::AppSync::GraphQLApi": {"ApiId": "{lower26}"},
    "AWS::Cloud9::EnvironmentEC2": {"Name": "{name}"},
    "AWS::CloudFront::CloudFrontOriginAccessIdentity": {
        "Id": "E{upper13}",
        "S3CanonicalUserId": "{hex64}",
    },
    "AWS::CloudFront::Distribution": {
        "Id": "E{upper13}",
        "DomainName": "d{lower13}.cloudfront.net",
    },
    "AWS::Cognito::IdentityPool": {"Id": "{region}:{uuid}"},
    "AWS::Cognito::UserPool": {
        "UserPoolId": "{region}_{alnum9}",
        "ProviderName": "cognito-idp.{region}.amazonaws.com/{id}",
        "ProviderURL": "https://cognito-idp.{region}.amazonaws.com/{id}",
    },
    "AWS::Cognito::UserPoolClient": {"ClientId": "{lower26}"},
    "AWS::DocDB::DBCluster": {"Port": "{port}"},
    "AWS::DynamoDB::Table": {"StreamArn": "{arn}/stream/2026-01-01T00:00:00.000"},
    "AWS::EC2::EIP": {"AllocationId": "eipalloc-0{hex16}"},
    "AWS::EC2::Instance": {"AvailabilityZone": "{region}a"},
    "AWS::EC2::Route": {
        "CidrBlock": "{/DestinationCidrBlock|/DestinationIpv6CidrBlock|/DestinationPrefixListId}"
    },
    "AWS::EC2::SecurityGroup": {"GroupName": "{name}", "VpcId": "vpc-0{hex16}"},
    "AWS::EC2::Subnet": {
        "AvailabilityZone": "{region}a",
        "CidrBlock": "10.0.0.0/{/Ipv4NetmaskLength|=24}",
    },
    "AWS::EC2::VPC": {
        "DefaultNetworkAcl": "acl-0{hex16}",
        "DefaultSecurityGroup": "sg-0{hex16}",
        "CidrBlock": "10.0.0.0/{/Ipv4NetmaskLength|=16}",
    },
    "AWS::EC2::VPCGatewayAttachment": {"AttachmentType": "IGW"},
    "AWS::EFS::MountTarget": {"IpAddress": "10.0.{digits2}.{digits2}"},
    "AWS::EKS::Cluster": {
        "Endpoint": "https://{upper32}.gr7.{region}.eks.amazonaws.com",
        "OpenIdConnectIssuerUrl": "https://oidc.eks.{region}.amazonaws.com/id/{upper32}",
    },
    "AWS::EKS::Nodegroup": {"NodegroupName": "{name}"},
    "AWS::EMRContainers::VirtualCluster": {"Id": "{lower25}"},
    "AWS::ElastiCache::ReplicationGroup": {
        "ReplicationGroupId": "{lower}",
        "Port": "{port}",
        "ReadEndPoint.Addresses": ForEachNode(_NODE, _NODES, joined=True),
        "ReadEndPoint.AddressesList": ForEachNode(_NODE, _NODES),
        "ReadEndPoint.Ports": ForEachNode("{port}", _NODES, joined=True),
        "ReadEndPoint.PortsList": ForEachNode("{port}", _NODES),
    },
    "AWS::ElasticLoadBalancingV2::LoadBalancer": {
        "Name": "{name}",
        "SecurityGroups": ["sg-0{hex16}"],
    },
    "AWS::EventSchemas::Registry": {"RegistryName": "{name}"},
    "AWS::EventSchemas::Schema": {"SchemaName": "{name}"},
    "AWS::FSx::Volume": {"VolumeId": "fsvol-0{hex16}"},
    "AWS::GameLift::Build": {"BuildId": "build-{uuid}"},
    "AWS::Glue::Connection": {"Name": "{/ConnectionInput/Name}"},
    "AWS::Glue::Table": {"Name": "{/TableInput/Name}"},
    "AWS::Grafana::Workspace": {"Name": "{name}"},
    "AWS::Greengrass::Group": {"RoleArn": "arn:aws:iam::{account}:role/{name}"},
    "AWS::GuardDuty::Detector": {"Id": "{hex32}"},
    "AWS::ImageBuilder::ContainerRecipe": {"Name": "{name}"},
    "AWS::ImageBuilder::ImagePipeline": {"Name": "{name}"},
    "AWS::KMS::Key": {"KeyId": "{uuid}"},
    "AWS::Lambda::Url": {"FunctionUrl": "https://{lower32}.lambda-url.{region}.on.aws/"},
    "AWS::Lambda::Version": {"Version": "{number}"},
    "AWS::NetworkManager::CoreNetwork": {"CoreNetworkId": "core-network-0{hex16}"},
    "AWS::NetworkManager::GlobalNetwork": {"Id": "global-network-0{hex16}"},
    "AWS::OpenSearchServerless::Collection": {"Id": "{lower20}"},
    "AWS::OpenSearchService::Domain": {
        "DomainEndpoint": "search-{lower}-{lower26}.{region}.es.amazonaws.com"
    },
    "AWS::RDS::DBCluster": {
        "Endpoint.Address": "{lower}.cluster-{lower12}.{region}.rds.amazonaws.com",
        "ReadEndpoint.Address": "{lower}.cluster-ro-{lower12}.{region}.rds.amazonaws.com",
    },
    "AWS::RDS::DBInstance": {
        "DbiResourceId": "db-{upper26}",
        "Endpoint.Address": "{lower}.{lower12}.{region}.rds.amazonaws.com",
        "Port": "{port}",
    },
    "AWS::RedshiftServerless::Workgroup": {"Port": "{port}"},
    "AWS::RoboMaker::RobotApplication": {"Name": "{name}"},
    "AWS::RoboMaker::SimulationApplication": {"Name": "{name}"},
    "AWS::Route53::HostedZone": {
        "Id": "Z{upper20}",
        "NameServers": [
            "ns-{digits3}.awsdns-01.com",
            "ns-{digits3}.awsdns-02.net",
            "ns-{digits3}.awsdns-03.org",
            "ns-{digits3}.awsdns-04.co.uk",
        ],
    },
    "AWS::Route53Resolver::ResolverEndpoint": {"Name": "{name}"},
    "AWS::Route53Resolver::ResolverRule": {"Name": "{name}"},
    "AWS::Route53Resolver::ResolverRuleAssociation": {"Name": "{name}"},
    "AWS::SNS::Topic": {"TopicName": "{name}"},
    "AWS::SQS::Queue": {
        "QueueName": "{name}",
        "QueueUrl": "https://sqs.{region}.amazonaws.com/{account}/{name}",
    },
    "AWS::SSM::MaintenanceWindow": {"WindowId": "mw-0{hex16}"},
    "AWS::SageMaker::CodeRepository": {"CodeRepositoryName": "{name}"},
    "AWS::SageMaker::DataQualityJobDefinition": _JOB_NAME,
    "AWS::SageMaker::Endpoint": {"EndpointName": "{name}"},
    "AWS::SageMaker::EndpointConfig": {"EndpointConfigName": "{name}"},
    "AWS::SageMaker::Model": {"ModelName": "{name}"},
    "AWS::SageMaker::ModelBiasJobDefinition": _JOB_NAME,
    "AWS::SageMaker::ModelExplainabilityJobDefinition": _JOB_NAME,
    "AWS::SageMaker::ModelQualityJobDefinition": _JOB_NAME,
    "AWS::SageMaker::NotebookInstance": {"NotebookInstanceName": "{name}"},
    "AWS::SageMaker::NotebookInstanceLifecycleConfig": {
        "NotebookInstanceLifecycleConfigName": "{name}"
    },
    "AWS::SageMaker::Workteam": {"WorkteamName": "{name}"},
    "AWS::ServiceDiscovery::HttpNamespace": {"Id": "ns-{lower16}"},
    "AWS::ServiceDiscovery::PrivateDnsNamespace": {
        "Id": "ns-{lower16}",
        "HostedZoneId": "Z{upper20}",
    },
    "AWS::ServiceDiscovery::PublicDnsNamespace": {
        "Id": "ns-{lower16}",
        "HostedZoneId": "Z{upper20}",
    },
    "AWS::ServiceDiscovery::Service": {"Id": "srv-{lower16}", "Name": "{name}"},
}
"""Attributes by type and name; also of properties that AWS chooses where a template does not."""

IDS_OF_OTHERS = {
    "networkinterfaceid": "eni",
    "securitygroupid": "sg",
    "subnetid": "subnet",
    "vpcid": "vpc",
}
"""Prefixes by how an attribute's name ends, in lower case."""

PORTS = {
    "aurora-postgresql": 5432,
    "postgres": 5432,
    "oracle": 1521,
    "sqlserver": 1433,
    "db2": 50000,
    "redis": 6379,
    "valkey": 6379,
    "memcached": 11211,
    "DocDB": 27017,
    "ElastiCache": 6379,
    "MemoryDB": 6379,
    "Neptune": 8182,
    "RDS": 3306,
    "Redshift": 5439,
    "RedshiftServerless": 5439,
    "DAX": 8111,
}
"""Default ports by how an Engine begins, and by service where nothing names an engine."""
