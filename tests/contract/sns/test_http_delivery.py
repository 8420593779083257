"""Messages by HTTP: confirmed, signed, tried again, given up; with a real receiver.

Source of the forms: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html;
of the string that is signed: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
import contextlib
import json
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from tests.contract.sns.receivers import Post, WebReceiver, web_receiver
from tests.waiting import until

FAILURES = "sns/us-east-1/123456789012/alarms/Failure"
SUCCESSES = "sns/us-east-1/123456789012/alarms"


@pytest.fixture
def receiver() -> Iterator[WebReceiver]:
    with web_receiver() as made:
        yield made


def subscribe(sns: Any, topic: str, endpoint: str, **attributes: str) -> str:
    answer = sns.subscribe(
        TopicArn=topic, Protocol=endpoint.partition(":")[0], Endpoint=endpoint,
        Attributes=attributes, ReturnSubscriptionArn=True,
    )  # fmt: skip
    return str(answer["SubscriptionArn"])


def subscribed(sns: Any, topic: str, receiver: WebReceiver, **attributes: str) -> Post:
    """Subscribe and confirm; return what the receiver was asked with."""
    subscribe(sns, topic, receiver.url, **attributes)
    asked = receiver.next()
    sns.confirm_subscription(TopicArn=topic, Token=asked.document["Token"])
    return asked


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def records(logs: Any, group: str) -> list[dict[str, Any]]:
    try:
        events = logs.filter_log_events(logGroupName=group)["events"]
    except ClientError:
        return []
    return [json.loads(event["message"]) for event in events]


def rows(server: Any) -> int:
    """Return how many rows of messages and deliveries stand in the database."""
    with contextlib.closing(sqlite3.connect(server.directory / "penstock.db")) as database:
        tables = ("sns_messages", "sns_deliveries")
        counts = [database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables]
    return sum(counts)


def verify(post: Post) -> None:
    """Check the signature as AWS tells receivers to, with the certificate that is served."""
    message = post.document
    names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    if message["Type"] != "Notification":
        names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    signed = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    status, pem = get(message["SigningCertURL"])
    assert status == 200
    key = x509.load_pem_x509_certificate(pem.encode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    algorithm = {"1": hashes.SHA1(), "2": hashes.SHA256()}[message["SignatureVersion"]]
    key.verify(
        base64.b64decode(message["Signature"]), signed.encode(), padding.PKCS1v15(), algorithm
    )


def test_an_endpoint_confirms_and_gets_signed_messages(
    server: Any, sns: Any, topic: str, receiver: WebReceiver
) -> None:
    arn = subscribe(sns, topic, f"{receiver.url}/hook?key=secret")
    asked = receiver.next()
    assert asked.headers["x-amz-sns-message-type"] == "SubscriptionConfirmation"
    assert asked.headers["x-amz-sns-topic-arn"] == topic
    assert asked.headers["x-amz-sns-subscription-arn"] == arn
    assert asked.headers["x-amz-sns-message-id"] == asked.document["MessageId"]
    assert asked.headers["content-type"] == "text/plain; charset=UTF-8"
    assert asked.document["Message"] == (
        f"You have chosen to subscribe to the topic {topic}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message."
    )
    verify(asked)
    sns.publish(TopicArn=topic, Message="before it confirmed")
    for _ in range(2):
        status, text = get(asked.document["SubscribeURL"])
        assert status == 200
        assert f"<SubscriptionArn>{arn}</SubscriptionArn>" in text
        assert "<ConfirmSubscriptionResponse" in text
    shown = sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    assert (shown["PendingConfirmation"], shown["ConfirmationWasAuthenticated"]) == (
        "false", "false",
    )  # fmt: skip
    message_id = sns.publish(
        TopicArn=topic, Subject="Approve", Message="Zeile 1\n\u00fc\u2028 \"x\"",
        MessageAttributes={
            "kind": {"DataType": "String", "StringValue": "approval"},
            "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
    )["MessageId"]  # fmt: skip
    post = receiver.next()
    assert post.headers["x-amz-sns-message-type"] == "Notification"
    assert list(post.document) == [
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion",
        "Signature", "SigningCertURL", "UnsubscribeURL", "MessageAttributes",
    ]  # fmt: skip
    assert post.document["MessageId"] == message_id
    assert post.document["Message"] == 'Zeile 1\n\u00fc\u2028 "x"'
    assert post.document["MessageAttributes"] == {
        "kind": {"Type": "String", "Value": "approval"},
        "raw": {"Type": "Binary", "Value": "AP8="},
    }
    verify(post)
    [record] = until(
        lambda: [r for r in records(server.logs, SUCCESSES)
                 if r["notification"]["messageId"] == message_id]
    )  # fmt: skip
    assert record["status"] == "SUCCESS"
    assert record["delivery"]["statusCode"] == 200
    assert record["delivery"]["destination"] == f"{receiver.url}/hook"
    status, text = get(post.document["UnsubscribeURL"])
    assert (status, "<UnsubscribeResponse" in text) == (200, True)
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_links_that_are_wrong(sns: Any, server: Any, topic: str) -> None:
    status, text = get(
        f"{server.links_url}/?Action=ConfirmSubscription&TopicArn={topic}&Token={'a' * 64}"
    )
    assert (status, "Invalid parameter: Token" in text) == (400, True)
    assert get(f"{server.links_url}/?Action=Unsubscribe")[0] == 400
    assert get(f"{server.links_url}/?Action=ListTopics")[0] == 404  # no link: it needs a signature
    assert get(f"{server.links_url}/_penstock/sns/other.pem")[0] == 404


def test_a_guarded_subscription_is_ended_by_a_signed_request_alone(
    sns: Any, topic: str, receiver: WebReceiver
) -> None:
    arn = subscribe(sns, topic, receiver.url)
    token = receiver.next().document["Token"]
    sns.confirm_subscription(TopicArn=topic, Token=token, AuthenticateOnUnsubscribe="true")
    sns.publish(TopicArn=topic, Message="x")
    status, text = get(receiver.next().document["UnsubscribeURL"])
    assert (status, "AuthorizationError" in text) == (403, True)
    sns.unsubscribe(SubscriptionArn=arn)
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_a_topic_may_sign_with_sha_256(
    server: Any, sns: Any, topic: str, receiver: WebReceiver
) -> None:
    sns.set_topic_attributes(TopicArn=topic, AttributeName="SignatureVersion", AttributeValue="2")
    verify(subscribed(sns, topic, receiver))
    sns.publish(TopicArn=topic, Message="x")
    post = receiver.next()
    assert post.document["SignatureVersion"] == "2"
    verify(post)


def test_raw_delivery_brings_the_text_of_the_protocol(
    server: Any, sns: Any, topic: str, receiver: WebReceiver
) -> None:
    subscribed(sns, topic, receiver, RawMessageDelivery="true")
    text = {"default": "for all", "http": "for the web"}
    sns.publish(TopicArn=topic, Message=json.dumps(text), MessageStructure="json")
    post = receiver.next()
    assert post.body == "for the web"
    assert post.headers["x-amz-sns-rawdelivery"] == "true"


def test_a_failed_delivery_is_tried_again(server: Any, sns: Any, topic: str) -> None:
    with web_receiver([200, 500, 429, 200]) as receiver:
        subscribed(sns, topic, receiver)
        sns.publish(TopicArn=topic, Message="x")
        ids = {receiver.next().document["MessageId"] for _ in range(3)}
        assert len(ids) == 1
        assert receiver.nothing()
        until(lambda: rows(server) == 0)


def test_who_has_left_gets_nothing_more(server: Any, sns: Any, topic: str) -> None:
    with web_receiver([200, 500]) as receiver:
        subscribed(sns, topic, receiver)
        sns.publish(TopicArn=topic, Message="x")
        receiver.next()
        sns.delete_topic(TopicArn=topic)
        until(lambda: rows(server) == 0)


@pytest.mark.parametrize(("answer", "attempts"), [(503, 3), (404, 1), (None, 3)])
def test_a_delivery_ends_with_a_record(
    server: Any, sns: Any, topic: str, answer: int | None, attempts: int
) -> None:
    """Client errors are final, others are tried again until the policy's end."""
    with web_receiver([200] + [answer] * 9) as receiver, web_receiver() as other:
        for one in (receiver, other):
            subscribed(sns, topic, one)
        message_id = sns.publish(TopicArn=topic, Message="x")["MessageId"]
        assert other.next().document["MessageId"] == message_id
        if answer is None:  # three seconds of silence
            assert records(server.logs, FAILURES) == [], "it held nobody up"
        [record] = until(lambda: records(server.logs, FAILURES))
        assert record["status"] == "FAILURE"
        assert record["notification"]["messageId"] == message_id
        assert record["delivery"]["attempts"] == attempts
        assert record["delivery"].get("statusCode") == answer
        until(lambda: rows(server) == 0)


def test_redirects_are_not_followed(server: Any, sns: Any, topic: str) -> None:
    with web_receiver([200, 307]) as receiver, web_receiver() as other:
        subscribed(sns, topic, receiver)
        receiver.location = other.url
        sns.publish(TopicArn=topic, Message="x")
        [record] = until(lambda: records(server.logs, FAILURES))
        assert record["delivery"]["statusCode"] == 307
        assert other.nothing(0.1)


@pytest.mark.parametrize(
    "endpoint", ["http://169.254.169.254/latest/meta-data", "http://2852039166/",
                 "http://[::ffff:169.254.169.254]/", "http://0.0.0.0:1/", "http://[fd00:ec2::254]/"],
)  # fmt: skip
def test_metadata_addresses_get_nothing(server: Any, sns: Any, topic: str, endpoint: str) -> None:
    subscribe(sns, topic, endpoint)
    [record] = until(lambda: records(server.logs, FAILURES))
    assert record["delivery"]["attempts"] == 1
    assert "the address was refused" in record["delivery"]["providerResponse"]


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "127.0.0.9"])
def test_the_server_posts_nothing_to_itself(server: Any, sns: Any, topic: str, name: str) -> None:
    subscribe(sns, topic, f"http://{name}:{server.links_port}/?Action=DeleteTopic")
    [record] = until(lambda: records(server.logs, FAILURES))
    assert "is this server itself" in record["delivery"]["providerResponse"]


def test_https_endpoints_are_verified(
    certificate: tuple[Path, Path], server: Any, sns: Any, topic: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with web_receiver(tls=certificate) as receiver:
        assert subscribed(sns, topic, receiver).document["Type"] == "SubscriptionConfirmation"
        name = receiver.url.replace("127.0.0.1", "localhost")  # the certificate lacks it
        subscribe(sns, topic, name)
        [record] = until(lambda: records(server.logs, FAILURES))
        assert "certificate" in record["delivery"]["providerResponse"].lower()


def test_what_was_accepted_is_delivered_after_a_restart(
    aws_server: Any, start: Any, receiver: WebReceiver
) -> None:
    first = start()
    sns = first.client
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    subscribed(sns, topic, receiver)
    receiver.answers += [None]
    message_id = sns.publish(TopicArn=topic, Message="x")["MessageId"]
    assert receiver.next().document["MessageId"] == message_id
    first.aws.close()  # the attempt is under way, and its answer will not be heard
    assert receiver.nothing(0.1)
    start()
    assert receiver.next().document["MessageId"] == message_id
    assert receiver.nothing()
