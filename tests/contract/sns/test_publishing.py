"""Publish and PublishBatch through boto3.

Expected answers: recorded from AWS in github.com/localstack/localstack
tests/aws/services/sns/test_sns.snapshot.json, unless marked.
"""

import logging
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.contract.sns.receivers import web_receiver

MISSING = "arn:aws:sns:us-east-1:123456789012:none"


def failure(operation: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        operation(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_topic_without_subscribers_still_tells_the_log(
    sns: Any, topic: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "penstock.services.sns"):
        answer = sns.publish(TopicArn=topic, Message="the password is x", Subject="Approve\u2026")
    [line] = [one for one in caplog.messages if answer["MessageId"] in one]
    assert topic in line
    assert "Approve\u2026" in line
    assert "goes to 0 subscriptions" in line
    assert "password" not in line


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        ({"Message": ""}, "InvalidParameter", "Invalid parameter: Empty message"),
        ({"Message": "x" * 262_145}, "InvalidParameter", "Invalid parameter: Message too long"),
        ({"Message": "\u00fc" * 131_073}, "InvalidParameter",
         "Invalid parameter: Message too long"),
        ({"Subject": ""}, "InvalidParameter", "Invalid parameter: Subject"),
        ({"Subject": "x" * 101}, "InvalidParameter", "Invalid parameter: Subject"),
        ({"Subject": "a\r\nBcc: b@example.com"}, "InvalidParameter", "Invalid parameter: Subject"),
        ({"MessageStructure": "json", "Message": "{"}, "InvalidParameter",
         "Invalid parameter: Message Structure - JSON message body failed to parse"),
        ({"MessageStructure": "json", "Message": '{"email": "x"}'}, "InvalidParameter",
         "Invalid parameter: Message Structure - No default entry in JSON message body"),
        ({"MessageStructure": "json", "Message": '{"default": 1}'}, "InvalidParameter",
         "Invalid parameter: Message Structure - No default entry in JSON message body"),
        ({"MessageAttributes": {"a": {"DataType": "Text", "StringValue": "x"}}},
         "ParameterValueInvalid",  # moto
         ("The message attribute 'a' has an invalid message attribute type, the set of supported "
          "type prefixes is Binary, Number, and String.")),
        ({"MessageAttributes": {"a": {"DataType": "String", "StringValue": ""}}},
         "ParameterValueInvalid",
         ("The message attribute 'a' must contain non-empty message attribute value for message "
          "attribute type 'String'.")),
        ({"MessageAttributes": {"a": {"DataType": "String", "BinaryValue": b"x"}}},
         "ParameterValueInvalid",
         "The message attribute 'a' with type 'String' must use field 'String'."),
        ({"MessageDeduplicationId": "a"}, "InvalidParameter",
         ("Invalid parameter: MessageDeduplicationId Reason: The request includes "
          "MessageDeduplicationId parameter that is not valid for this topic type")),
    ],
)  # fmt: skip
def test_messages_that_aws_refuses(
    sns: Any, topic: str, given: dict[str, Any], code: str, text: str
) -> None:
    assert failure(sns.publish, **{"TopicArn": topic, "Message": "x", **given}) == (code, text)


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        ({"TopicArn": MISSING}, "NotFound", "Topic does not exist"),
        ({"TargetArn": MISSING}, "NotFound", "Topic does not exist"),
        ({"TopicArn": "none"}, "InvalidParameter",
         "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"),
        ({"TopicArn": ""}, "InvalidParameter",
         "Invalid parameter: TopicArn Reason: An ARN must have at least 6 elements, not 1"),
        ({"TargetArn": "arn:aws:sns:us-east-1:123456789012:endpoint/APNS/a/b"}, "InvalidParameter",
         "Invalid parameter: TargetArn Reason: No endpoint found for the target arn specified"),
        ({"PhoneNumber": "+15555550100"}, "InvalidParameter",
         "Invalid parameter: PhoneNumber Reason: Penstock sends no SMS; publish to a topic"),
        ({}, "InvalidParameter",
         "Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter"),
    ],
)  # fmt: skip
def test_targets_that_are_refused(sns: Any, given: dict[str, str], code: str, text: str) -> None:
    assert failure(sns.publish, Message="x", **given) == (code, text)


def test_who_may_not_publish_is_told(server: Any, topic: str) -> None:
    reader = server.aws.client("sns", server.aws.user("reader"))
    for target in ({"TopicArn": topic}, {"TargetArn": topic}, {"PhoneNumber": "+15555550100"}):
        code, text = failure(reader.publish, Message="x", **target)
        assert code == "AccessDenied"
        assert "sns:Publish" in text
    entries = [{"Id": "a", "Message": "x"}]
    code, text = failure(reader.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries)
    assert (code, "sns:Publish" in text) == ("AccessDenied", True)


def test_a_fifo_topic_takes_no_message(sns: Any) -> None:
    made = sns.create_topic(Name="orders.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    assert (
        "FIFO topics deliver to queues alone"
        in failure(sns.publish, TopicArn=made, Message="x", MessageGroupId="g")[1]
    )
    assert (
        "FIFO topics deliver to queues alone"
        in failure(sns.subscribe, TopicArn=made, Protocol="http", Endpoint="http://127.0.0.1:9/")[1]
    )


def test_a_batch_is_published_entry_by_entry(server: Any, sns: Any, topic: str) -> None:
    with web_receiver() as receiver:
        arn = sns.subscribe(
            TopicArn=topic, Protocol="http", Endpoint=receiver.url, ReturnSubscriptionArn=True
        )["SubscriptionArn"]
        receiver.next()
        server.confirm(arn)
        entries = [
            {"Id": "one", "Message": "first"},
            {"Id": "two", "Message": ""},
            {"Id": "three", "Message": "third", "Subject": "S"},
        ]
        answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
        assert [one["Id"] for one in answer["Successful"]] == ["one", "three"]
        assert answer["Failed"] == [
            {
                "Id": "two", "Code": "InvalidParameter", "SenderFault": True,
                "Message": "Invalid parameter: Empty message",
            }
        ]  # fmt: skip
        came = {receiver.next().document["Message"] for _ in range(2)}
        assert came == {"first", "third"}


def test_batches_that_are_refused_whole(sns: Any, topic: str) -> None:
    def refused(entries: list[dict[str, str]]) -> str:
        return failure(sns.publish_batch, TopicArn=topic, PublishBatchRequestEntries=entries)[0]

    assert refused([]) == "EmptyBatchRequest"
    assert refused([{"Id": "a", "Message": "x"}] * 2) == "BatchEntryIdsNotDistinct"
    assert refused([{"Id": "a b", "Message": "x"}]) == "InvalidBatchEntryId"
    assert refused([{"Id": str(n), "Message": "x"} for n in range(11)]) == (
        "TooManyEntriesInBatchRequest"
    )
    assert refused([{"Id": str(n), "Message": "x" * 200_000} for n in range(2)]) == (
        "BatchRequestTooLong"
    )
