"""Subscriptions through boto3.

Expected answers: recorded from AWS in github.com/localstack/localstack
tests/aws/services/sns/test_sns.snapshot.json, unless marked.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

ROOT = "arn:aws:iam::123456789012:root"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:queue"


def failure(operation: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        operation(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.fixture
def topic(sns: Any) -> str:
    return str(sns.create_topic(Name="alarms")["TopicArn"])


def test_a_queue_is_subscribed_at_once(sns: Any, topic: str) -> None:
    asked = {
        "TopicArn": topic, "Protocol": "sqs", "Endpoint": QUEUE,
        "Attributes": {"RawMessageDelivery": "true", "FilterPolicy": '{"a": [1]}'},
    }  # fmt: skip
    arn = sns.subscribe(**asked)["SubscriptionArn"]
    assert arn.startswith(topic + ":")
    assert sns.subscribe(**asked)["SubscriptionArn"] == arn
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"] == {
        "ConfirmationWasAuthenticated": "true",
        "Endpoint": QUEUE,
        "FilterPolicy": '{"a": [1]}',
        "FilterPolicyScope": "MessageAttributes",
        "Owner": "123456789012",
        "PendingConfirmation": "false",
        "Protocol": "sqs",
        "RawMessageDelivery": "true",
        "SubscriptionArn": arn,
        "SubscriptionPrincipal": ROOT,
        "TopicArn": topic,
    }
    other = {**asked, "Attributes": {"RawMessageDelivery": "false"}}
    assert failure(sns.subscribe, **other)[1] == (
        "Invalid parameter: Attributes Reason: Subscription already exists with different "
        "attributes"
    )
    shown = sns.get_topic_attributes(TopicArn=topic)["Attributes"]
    assert (shown["SubscriptionsConfirmed"], shown["SubscriptionsPending"]) == ("1", "0")


def test_an_address_is_pending_until_it_confirms(server: Any, sns: Any, topic: str) -> None:
    asked = {"TopicArn": topic, "Protocol": "email", "Endpoint": "ada@example.com"}
    assert sns.subscribe(**asked)["SubscriptionArn"] == "pending confirmation"
    arn = sns.subscribe(**asked, ReturnSubscriptionArn=True)["SubscriptionArn"]
    [listed] = sns.list_subscriptions()["Subscriptions"]
    assert (listed["SubscriptionArn"], listed["Endpoint"]) == (
        "PendingConfirmation", "ada@example.com",
    )  # fmt: skip
    assert sns.get_topic_attributes(TopicArn=topic)["Attributes"]["SubscriptionsPending"] == "1"
    assert failure(sns.confirm_subscription, TopicArn=topic, Token="a" * 64) == (
        "InvalidParameter", "Invalid parameter: Token",
    )  # fmt: skip
    token = server.aws.run(server.domain.subscription(arn)).token
    assert sns.confirm_subscription(TopicArn=topic, Token=token)["SubscriptionArn"] == arn
    shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (shown["PendingConfirmation"], shown["ConfirmationWasAuthenticated"]) == (
        "false", "true",
    )  # fmt: skip
    [listed] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == arn


def test_attributes_are_set_and_taken_away(sns: Any, topic: str) -> None:
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)["SubscriptionArn"]
    change = sns.set_subscription_attributes

    def shown() -> Any:
        return sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]

    change(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue='{"a": [1]}')
    assert shown()["FilterPolicy"] == '{"a": [1]}'
    change(SubscriptionArn=arn, AttributeName="FilterPolicy", AttributeValue="")
    assert "FilterPolicy" not in shown()
    for name, value, text in (
        ("Colour", "x", "Invalid parameter: AttributeName"),
        ("FilterPolicy", "{", "FilterPolicy: failed to parse JSON"),
        ("FilterPolicyScope", "x", "Please use either MessageBody or MessageAttributes"),
        ("RawMessageDelivery", "x", "RawMessageDelivery: Invalid value [x]."),
        ("ReplayPolicy", "{}", "Penstock has no ReplayPolicy"),
    ):
        code, message = failure(
            change, SubscriptionArn=arn, AttributeName=name, AttributeValue=value
        )
        assert code == "InvalidParameter"
        assert text in message


@pytest.mark.parametrize(
    ("protocol", "endpoint", "text"),
    [
        ("app", "x", "Does not support this protocol string: app"),
        ("email", "x", "Email address"),
        ("http", "https://a.test", "Endpoint must match the specified protocol"),
        ("https", "a.test", "Endpoint must match the specified protocol"),
        ("sqs", "queue", "SQS endpoint ARN"),
    ],
)
def test_endpoints_that_aws_refuses(
    sns: Any, topic: str, protocol: str, endpoint: str, text: str
) -> None:
    assert failure(sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=endpoint) == (
        "InvalidParameter", f"Invalid parameter: {text}",
    )  # fmt: skip


def test_subscriptions_end(sns: Any, topic: str) -> None:
    arn = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)["SubscriptionArn"]
    for _ in range(2):
        sns.unsubscribe(SubscriptionArn=arn)
    assert failure(sns.get_subscription_attributes, SubscriptionArn=arn) == (
        "NotFound", "Subscription does not exist",
    )  # fmt: skip
    assert failure(sns.unsubscribe, SubscriptionArn="x") == (
        "InvalidParameter",
        "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1",
    )
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE)
    sns.delete_topic(TopicArn=topic)
    assert sns.list_subscriptions()["Subscriptions"] == []
    assert failure(sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=QUEUE) == (
        "NotFound", "Topic does not exist",
    )  # fmt: skip
