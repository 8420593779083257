"""Subscriptions through boto3.

Expected answers: recorded from AWS in github.com/localstack/localstack
tests/aws/services/sns/test_sns.snapshot.json, unless marked.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

ROOT = "arn:aws:iam::123456789012:root"
LACKING = "Attributes Reason: Penstock has no {} of subscriptions; leave it out"
NOWHERE = "http://127.0.0.1:9/hook"


def failure(operation: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        operation(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_an_endpoint_is_subscribed_once(sns: Any, topic: str) -> None:
    asked = {
        "TopicArn": topic, "Protocol": "http", "Endpoint": NOWHERE,
        "Attributes": {"RawMessageDelivery": "true"}, "ReturnSubscriptionArn": True,
    }  # fmt: skip
    arn = sns.subscribe(**asked)["SubscriptionArn"]
    assert arn.startswith(topic + ":")
    assert sns.subscribe(**asked)["SubscriptionArn"] == arn
    assert sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"] == {
        "ConfirmationWasAuthenticated": "false",
        "Endpoint": NOWHERE,
        "Owner": "123456789012",
        "PendingConfirmation": "true",
        "Protocol": "http",
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
    assert (shown["SubscriptionsConfirmed"], shown["SubscriptionsPending"]) == ("0", "1")


def test_an_address_is_pending_until_it_confirms(server: Any, sns: Any, topic: str) -> None:
    asked = {"TopicArn": topic, "Protocol": "email", "Endpoint": "ada@example.com"}
    assert sns.subscribe(**asked)["SubscriptionArn"] == "pending confirmation"
    arn = sns.subscribe(**asked, ReturnSubscriptionArn=True)["SubscriptionArn"]
    [listed] = sns.list_subscriptions()["Subscriptions"]
    assert (listed["SubscriptionArn"], listed["Endpoint"]) == (
        "PendingConfirmation", "ada@example.com",
    )  # fmt: skip
    token = server.aws.run(server.domain.subscription(arn)).token
    for wrong in (
        {"TopicArn": topic, "Token": "a" * 64},
        {"TopicArn": f"{topic}-other", "Token": token},
        {"TopicArn": topic[:-1], "Token": token},
    ):
        assert failure(sns.confirm_subscription, **wrong) == (
            "InvalidParameter", "Invalid parameter: Token",
        )  # fmt: skip
    for _ in range(2):
        answer = sns.confirm_subscription(TopicArn=topic, Token=token)
        assert answer["SubscriptionArn"] == arn
    shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (shown["PendingConfirmation"], shown["ConfirmationWasAuthenticated"]) == (
        "false", "true",
    )  # fmt: skip
    [listed] = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == arn


def test_attributes_are_set(sns: Any, topic: str) -> None:
    def subscribed(protocol: str, endpoint: str) -> str:
        answer = sns.subscribe(
            TopicArn=topic, Protocol=protocol, Endpoint=endpoint, ReturnSubscriptionArn=True
        )
        return str(answer["SubscriptionArn"])

    arn = subscribed("http", NOWHERE)
    change = sns.set_subscription_attributes
    change(SubscriptionArn=arn, AttributeName="RawMessageDelivery", AttributeValue="true")
    shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert shown["RawMessageDelivery"] == "true"
    for name, value, text in (
        ("Colour", "x", "AttributeName"),
        ("RawMessageDelivery", "x",
         "RawMessageDelivery: Invalid value [x]. Must be true or false."),
        ("FilterPolicy", "{}", LACKING.format("FilterPolicy")),
        ("ReplayPolicy", "{}", LACKING.format("ReplayPolicy")),
    ):  # fmt: skip
        asked = {"SubscriptionArn": arn, "AttributeName": name, "AttributeValue": value}
        assert failure(change, **asked) == ("InvalidParameter", f"Invalid parameter: {text}")
    mail = subscribed("email", "ada@example.com")
    raw = {"AttributeName": "RawMessageDelivery", "AttributeValue": "true"}
    assert (
        "does not support raw message delivery" in failure(change, SubscriptionArn=mail, **raw)[1]
    )


@pytest.mark.parametrize(
    ("protocol", "endpoint", "text"),
    [
        ("app", "x", "Amazon SNS does not support this protocol string: app"),
        ("email", "x", "Email address"),
        ("http", "https://a.test", "Endpoint must match the specified protocol"),
        ("https", "a.test", "Endpoint must match the specified protocol"),
        ("email", "a@b.test\r\nBcc: x@y.test", "Email address"),
        ("email", "=?utf-8?q?a=0D=0ABcc=3Ax?=@y.test", "Email address"),
        ("http", "http:///path", "Endpoint must match the specified protocol"),
        ("http", "http://[::1/", "Endpoint must match the specified protocol"),
        ("http", "http://:80/hook", "Endpoint must match the specified protocol"),
        ("https", "https://a.test:65536/", "Endpoint must match the specified protocol"),
        ("sqs", "arn:aws:sqs:us-east-1:123456789012:queue",
         "Penstock does not deliver to sqs; it delivers to email, email-json, http, https"),
    ],
)  # fmt: skip
def test_endpoints_that_aws_refuses(
    sns: Any, topic: str, protocol: str, endpoint: str, text: str
) -> None:
    assert failure(sns.subscribe, TopicArn=topic, Protocol=protocol, Endpoint=endpoint) == (
        "InvalidParameter", f"Invalid parameter: {text}",
    )  # fmt: skip


def test_subscriptions_end(sns: Any, topic: str) -> None:
    asked = {"TopicArn": topic, "Protocol": "http", "Endpoint": NOWHERE}
    arn = sns.subscribe(**asked, ReturnSubscriptionArn=True)["SubscriptionArn"]
    for _ in range(2):
        sns.unsubscribe(SubscriptionArn=arn)
    assert failure(sns.get_subscription_attributes, SubscriptionArn=arn) == (
        "NotFound", "Subscription does not exist",
    )  # fmt: skip
    assert failure(sns.unsubscribe, SubscriptionArn="x") == (
        "InvalidParameter",
        "Invalid parameter: SubscriptionArn Reason: An ARN must have at least 6 elements, not 1",
    )
    sns.subscribe(**asked)
    sns.delete_topic(TopicArn=topic)
    assert sns.list_subscriptions()["Subscriptions"] == []
    assert failure(sns.subscribe, **asked) == (
        "NotFound", "Topic does not exist",
    )  # fmt: skip


def test_nobody_is_subscribed_by_mail_that_cannot_be_sent(start: Any) -> None:
    sns = start().client
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    asked = {"TopicArn": topic, "Protocol": "email", "Endpoint": "ada@example.com"}
    code, text = failure(sns.subscribe, **asked)
    assert code == "InvalidParameter"
    assert "start it with --smtp-url and --smtp-from" in text
    assert sns.list_subscriptions()["Subscriptions"] == []
