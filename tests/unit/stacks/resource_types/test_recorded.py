"""Resources that are only recorded: validated, named in AWS's way, the same at every repetition."""

import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from penstock.aws.principals import root
from penstock.stacks.handlers.handler import ResourceRequest, Succeeded, Support
from penstock.stacks.resource_types.recorded import recorded_handler
from penstock.stacks.schemas import resource_schema

ACCOUNT = "123456789012"


def request(type_name: str, token: str = "token", **properties: Any) -> ResourceRequest:
    return ResourceRequest(
        stack_id="arn:aws:cloudformation:eu-west-1:123456789012:stack/shop/1",
        stack_name="shop",
        region="eu-west-1",
        account_id=ACCOUNT,
        logical_resource_id="Thing",
        resource_type=type_name,
        properties=properties,
        previous_properties={},
        physical_resource_id=None,
        tags={},
        previous_tags={},
        client_request_token=token,
        resumed=False,
        principal=root(ACCOUNT),
        now=datetime(2026, 1, 1, tzinfo=UTC),
    )


async def made(type_name: str, **properties: Any) -> Succeeded:
    handler = recorded_handler(type_name)
    assert handler is not None
    assert handler.support is Support.RECORDED
    found = await handler.create(request(type_name, **properties), None)
    assert isinstance(found, Succeeded), found
    return found


@pytest.mark.parametrize(
    ("type_name", "properties", "physical_id"),
    [
        ("AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/16"}, r"vpc-0[0-9a-f]{16}"),
        ("AWS::EC2::Subnet", {"VpcId": "vpc-1"}, r"subnet-0[0-9a-f]{16}"),
        ("AWS::RDS::DBInstance", {}, r"shop-thing-\w{12}|shop-Thing-\w{12}"),
        ("AWS::RDS::DBInstance", {"DBInstanceIdentifier": "orders"}, "orders"),
        ("AWS::SNS::Topic", {"TopicName": "t"}, f"arn:aws:sns:eu-west-1:{ACCOUNT}:t"),
        (
            "AWS::StepFunctions::StateMachine",
            {"RoleArn": "arn:aws:iam::123456789012:role/r", "StateMachineName": "flow"},
            f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:flow",
        ),
        ("AWS::IAM::ManagedPolicy", {"PolicyDocument": {}, "ManagedPolicyName": "p"},
         f"arn:aws:iam::{ACCOUNT}:policy/p"),
    ],
)  # fmt: skip
async def test_physical_ids(type_name: str, properties: dict[str, Any], physical_id: str) -> None:
    found = await made(type_name, **properties)
    assert re.fullmatch(physical_id, found.physical_resource_id), found.physical_resource_id


async def test_attributes_are_there_for_everything_that_is_read_only() -> None:
    found = await made("AWS::RDS::DBInstance", DBInstanceIdentifier="orders")
    assert found.attributes["DBInstanceArn"] == f"arn:aws:rds:eu-west-1:{ACCOUNT}:db:orders"
    assert found.attributes["Endpoint"]["Address"].endswith(".eu-west-1.rds.amazonaws.com")
    assert found.attributes["DBInstanceIdentifier"] == "orders"


NAME = r"shop-Thing-\w{12}"


@pytest.mark.parametrize(
    ("type_name", "attribute", "value"),
    [
        ("AWS::EC2::SecurityGroup", "VpcId", r"vpc-0[0-9a-f]{16}"),
        ("AWS::DocDB::DBCluster", "Port", "27017"),
        ("AWS::EFS::MountTarget", "IpAddress", r"10\.0\.\d+\.\d+"),
        ("AWS::EKS::Nodegroup", "NodegroupName", NAME),
        ("AWS::SageMaker::Model", "ModelName", NAME),
        ("AWS::SageMaker::NotebookInstance", "NotebookInstanceName", NAME),
        ("AWS::ServiceDiscovery::Service", "Name", NAME),
        ("AWS::Cloud9::EnvironmentEC2", "Name", NAME),
        ("AWS::Greengrass::Group", "RoleArn", rf"arn:aws:iam::{ACCOUNT}:role/{NAME}"),
        ("AWS::SNS::Topic", "TopicName", NAME),
        ("AWS::AppMesh::Mesh", "MeshOwner", ACCOUNT),
    ],
)
async def test_what_aws_chooses_where_a_template_leaves_it_out(
    type_name: str, attribute: str, value: str
) -> None:
    found = (await made(type_name)).attributes[attribute]
    assert re.fullmatch(value, str(found)), found
    given = await made(type_name, **{attribute: "given"})
    assert given.attributes[attribute] == "given"


async def test_the_range_of_an_address_manager_has_the_length_asked_for() -> None:
    found = await made("AWS::EC2::VPC", Ipv4IpamPoolId="ipam-pool-1", Ipv4NetmaskLength=20)
    assert found.attributes["CidrBlock"] == "10.0.0.0/20"
    unsaid = await made("AWS::EC2::VPC", Ipv4IpamPoolId="ipam-pool-1")
    assert unsaid.attributes["CidrBlock"] == "10.0.0.0/16"


@pytest.mark.parametrize(("given", "count"), [({}, 1), ({"NumCacheClusters": 3}, 3),
                                              ({"NumCacheClusters": 10**9}, 6)])  # fmt: skip
async def test_endpoints_of_each_node_of_a_cache(given: dict[str, Any], count: int) -> None:
    found = await made("AWS::ElastiCache::ReplicationGroup", Engine="redis", **given)
    read = found.attributes["ReadEndPoint"]
    assert len(set(read["AddressesList"])) == count
    assert read["Addresses"] == f"[{', '.join(read['AddressesList'])}]"
    assert read["PortsList"] == ["6379"] * count
    assert read["Ports"] == f"[{', '.join(read['PortsList'])}]"


async def test_write_only_properties_are_no_attributes() -> None:
    found = await made("AWS::RDS::DBInstance", MasterUserPassword="swordfish")
    assert "MasterUserPassword" not in found.attributes


async def test_repeating_a_step_gives_the_same() -> None:
    assert await made("AWS::EC2::VPC") == await made("AWS::EC2::VPC")
    other = await made("AWS::EC2::VPC", token="another")
    assert other.physical_resource_id != (await made("AWS::EC2::VPC")).physical_resource_id


async def test_an_update_keeps_what_aws_made_up() -> None:

    handler = recorded_handler("AWS::EC2::VPC")
    assert handler is not None
    first = await made("AWS::EC2::VPC", CidrBlock="10.0.0.0/16")
    again = msgspec.structs.replace(
        request("AWS::EC2::VPC", token="later", CidrBlock="10.0.0.0/16", EnableDnsSupport=True),
        physical_resource_id=first.physical_resource_id,
        attributes=first.attributes,
    )
    found = await handler.update(again, None)
    assert isinstance(found, Succeeded)
    assert found.physical_resource_id == first.physical_resource_id
    assert found.attributes["VpcId"] == first.attributes["VpcId"]
    assert found.attributes["EnableDnsSupport"] is True
    assert await handler.read(again) is not None
    assert isinstance(await handler.delete(again, None), Succeeded)


async def test_every_type_can_be_recorded() -> None:
    """Identifiers and attributes are made up for each of AWS's types without a stumble."""
    from penstock.stacks.resource_types import recorded_identifiers, recorded_values

    for name in resource_schema.type_names():
        schema = resource_schema.schema(name)
        assert schema is not None
        one = request(name)
        attributes = recorded_values.attributes(schema, one, {})
        assert recorded_identifiers.identifier(schema, one, attributes)
