"""Topics and their tags through boto3.

Expected answers: recorded from AWS in github.com/localstack/localstack
tests/aws/services/sns/test_sns.snapshot.json, unless marked.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.aws_command import aws_command

ARN = "arn:aws:sns:us-east-1:123456789012:"


def failure(operation: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        operation(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_topic_is_made_once_and_described(sns: Any) -> None:
    for _ in range(2):
        made = sns.create_topic(Name="alarms", Attributes={"DisplayName": "Alarms"})
        assert made["TopicArn"] == ARN + "alarms"
    shown = sns.get_topic_attributes(TopicArn=ARN + "alarms")["Attributes"]
    policy = json.loads(shown.pop("Policy"))
    assert policy["Statement"][0]["Condition"] == {
        "StringEquals": {"AWS:SourceOwner": "123456789012"}
    }
    assert shown == {
        "DisplayName": "Alarms",
        "Owner": "123456789012",
        "SubscriptionsConfirmed": "0",
        "SubscriptionsDeleted": "0",
        "SubscriptionsPending": "0",
        "TopicArn": ARN + "alarms",
    }
    assert failure(sns.create_topic, Name="alarms", Attributes={"DisplayName": "Other"}) == (
        "InvalidParameter",
        "Invalid parameter: Attributes Reason: Topic already exists with different attributes",
    )


def test_a_fifo_topic(sns: Any) -> None:
    made = sns.create_topic(Name="orders.fifo", Attributes={"FifoTopic": "true"})
    shown = sns.get_topic_attributes(TopicArn=made["TopicArn"])["Attributes"]
    assert (shown["FifoTopic"], shown["ContentBasedDeduplication"]) == ("true", "false")
    assert shown["SignatureVersion"] == "2"
    code, text = failure(sns.create_topic, Name="orders", Attributes={"FifoTopic": "true"})
    assert code == "InvalidParameter"
    assert text.startswith("Invalid parameter: Fifo Topic names must end with .fifo")


def test_attributes_are_set(sns: Any) -> None:
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    sns.set_topic_attributes(TopicArn=topic, AttributeName="DisplayName", AttributeValue="New")
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["DisplayName"] == "New"
    change = sns.set_topic_attributes
    assert failure(change, TopicArn=topic, AttributeName="Colour", AttributeValue="x") == (
        "InvalidParameter", "Invalid parameter: AttributeName",
    )  # fmt: skip
    for lacking in ("Policy", "KmsMasterKeyId", "DeliveryPolicy", "LambdaSuccessFeedbackRoleArn"):
        code, text = failure(change, TopicArn=topic, AttributeName=lacking, AttributeValue="x")
        assert code == "InvalidParameter"
        assert f"Penstock has no {lacking} of topics" in text


@pytest.mark.parametrize("operation", ["get_topic_attributes", "list_subscriptions_by_topic"])
def test_a_topic_that_is_not_there(sns: Any, operation: str) -> None:
    call = getattr(sns, operation)
    assert failure(call, TopicArn=ARN + "none") == ("NotFound", "Topic does not exist")
    assert failure(call, TopicArn="none") == (
        "InvalidParameter",
        "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1",
    )


def test_topics_are_listed_and_deleted(sns: Any) -> None:
    for number in range(105):
        sns.create_topic(Name=f"t{number:03}")
    first = sns.list_topics()
    assert len(first["Topics"]) == 100
    rest = sns.list_topics(NextToken=first["NextToken"])["Topics"]
    assert [one["TopicArn"] for one in rest] == [f"{ARN}t{n}" for n in range(100, 105)]
    assert failure(sns.list_topics, NextToken="nothing of ours")[0] == "InvalidParameter"
    for _ in range(2):
        sns.delete_topic(TopicArn=ARN + "t000")
    assert failure(sns.get_topic_attributes, TopicArn=ARN + "t000")[0] == "NotFound"


def test_tags(sns: Any) -> None:
    tags = [{"Key": "k1", "Value": "v1"}, {"Key": "k2", "Value": "v2"}]
    topic = sns.create_topic(Name="alarms", Tags=tags)["TopicArn"]
    assert failure(sns.create_topic, Name="alarms", Tags=tags[:1]) == (
        "InvalidParameter",
        "Invalid parameter: Tags Reason: Topic already exists with different tags",
    )
    assert sns.create_topic(Name="alarms")["TopicArn"] == topic
    sns.untag_resource(ResourceArn=topic, TagKeys=["k1", "none"])
    sns.tag_resource(ResourceArn=topic, Tags=[{"Key": "k2", "Value": "v2b"}])
    assert sns.list_tags_for_resource(ResourceArn=topic)["Tags"] == [{"Key": "k2", "Value": "v2b"}]
    twice = [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]
    assert failure(sns.tag_resource, ResourceArn=topic, Tags=twice) == (
        "InvalidParameter", "Invalid parameter: Duplicated keys are not allowed.",
    )  # fmt: skip
    many = [{"Key": f"k{number}", "Value": ""} for number in range(60)]
    assert failure(sns.tag_resource, ResourceArn=topic, Tags=many)[0] == "TagLimitExceeded"
    own = {"Key": "aws:x", "Value": ""}
    assert failure(sns.tag_resource, ResourceArn=topic, Tags=[own])[0] == "InvalidParameter"
    assert failure(sns.untag_resource, ResourceArn=topic, TagKeys=["aws:x"])[0] == (
        "InvalidParameter"
    )
    assert failure(sns.list_tags_for_resource, ResourceArn=ARN + "none")[0] == "ResourceNotFound"


def test_the_aws_command_makes_and_lists_topics(server: Any) -> None:
    aws = aws_command(server.aws.url)
    made = aws("sns", "create-topic", "--name", "alarms")
    assert aws("sns", "list-topics")["Topics"] == [made]
