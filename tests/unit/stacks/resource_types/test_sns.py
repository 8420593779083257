"""AWS::SNS::Topic and AWS::SNS::Subscription beyond what all types do."""

from tests.resource_world import ACCOUNT, REGION, ResourceWorld

from penstock.stacks.handlers.handler import Failed

TOPIC, SUBSCRIPTION = "AWS::SNS::Topic", "AWS::SNS::Subscription"
ADA = {"Protocol": "email", "Endpoint": "ada@example.com"}
BOB = {"Protocol": "email", "Endpoint": "bob@example.com"}


async def endpoints(world: ResourceWorld, topic: str) -> list[str]:
    answer = await world.call("sns", "ListSubscriptionsByTopic", TopicArn=topic)
    return sorted(one["Endpoint"] for one in answer["Subscriptions"])


async def test_a_topic_has_its_name_and_endpoints(world: ResourceWorld) -> None:
    before = {"TopicName": "alarms", "DisplayName": "Alarms", "Subscription": [ADA]}
    made = await world.made(TOPIC, before)
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:alarms"
    assert made.physical_resource_id == arn
    assert made.attributes == {"TopicArn": arn, "TopicName": "alarms"}
    assert await endpoints(world, arn) == ["ada@example.com"]
    after = {"TopicName": "alarms", "Subscription": [BOB], "Tags": [{"Key": "a", "Value": "1"}]}
    assert await world.update(TOPIC, made, before, after) == made
    assert await endpoints(world, arn) == ["bob@example.com"]
    shown = (await world.call("sns", "GetTopicAttributes", TopicArn=arn))["Attributes"]
    assert shown["DisplayName"] == ""
    answer = await world.call("sns", "ListTagsForResource", ResourceArn=arn)
    tags = {tag["Key"]: tag["Value"] for tag in answer["Tags"]}
    assert (tags["a"], tags["aws:cloudformation:stack-name"]) == ("1", "dev")


async def test_a_fifo_topic_is_named_as_one(world: ResourceWorld) -> None:
    made = await world.made(TOPIC, {"FifoTopic": True, "ContentBasedDeduplication": "true"})
    assert made.attributes["TopicName"].endswith(".fifo")
    shown = await world.call("sns", "GetTopicAttributes", TopicArn=made.physical_resource_id)
    assert shown["Attributes"]["ContentBasedDeduplication"] == "true"
    failed = await world.create(TOPIC, {"KmsMasterKeyId": "alias/aws/sns"}, "Other")
    assert isinstance(failed, Failed)
    assert "/KmsMasterKeyId" in failed.message


async def test_a_subscription_has_its_attributes(world: ResourceWorld) -> None:
    arn = (await world.call("sns", "CreateTopic", Name="alarms"))["TopicArn"]
    after = {"TopicArn": arn, "Protocol": "https", "Endpoint": "https://hooks.example.com/a"}
    before = {**after, "RawMessageDelivery": True}
    made = await world.made(SUBSCRIPTION, before)
    assert made.attributes == {"Arn": made.physical_resource_id}
    shown = await world.call(
        "sns", "GetSubscriptionAttributes", SubscriptionArn=made.physical_resource_id
    )
    assert shown["Attributes"]["RawMessageDelivery"] == "true"
    assert await world.update(SUBSCRIPTION, made, before, after) == made
    shown = await world.call(
        "sns", "GetSubscriptionAttributes", SubscriptionArn=made.physical_resource_id
    )
    assert shown["Attributes"]["RawMessageDelivery"] == "false"


async def test_what_is_not_delivered_is_refused(world: ResourceWorld) -> None:
    arn = (await world.call("sns", "CreateTopic", Name="alarms"))["TopicArn"]
    after = {"TopicArn": arn, "Protocol": "https", "Endpoint": "https://hooks.example.com/a"}
    failed = await world.create(SUBSCRIPTION, {**after, "FilterPolicy": {"kind": ["alarm"]}})
    assert isinstance(failed, Failed)
    assert "/FilterPolicy" in failed.message
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:queue"
    failed = await world.create(
        SUBSCRIPTION, {"TopicArn": arn, "Protocol": "sqs", "Endpoint": queue}
    )
    assert isinstance(failed, Failed)
    assert "Penstock does not deliver to sqs" in failed.message
    failed = await world.create(SUBSCRIPTION, {**after, "Region": "eu-west-1"})
    assert isinstance(failed, Failed)
    assert "/Region" in failed.message
