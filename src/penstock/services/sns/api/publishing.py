"""Publishing: one message, or up to ten at once.

Source: https://docs.aws.amazon.com/sns/latest/api/API_Publish.html and API_PublishBatch.html
"""

import re
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.service import Call, Request, Response
from penstock.services.sns import message as messages
from penstock.services.sns.message import Content
from penstock.services.sns.refusals import check_arn, invalid
from penstock.services.sns.sns import Sns

_MOST_ENTRIES = 10
_CODES = {
    "InvalidParameterException": "InvalidParameter",
    "InvalidParameterValueException": "ParameterValueInvalid",
}
"""What an entry's failure is called on the wire."""
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")


async def publish(sns: Sns, call: Call, request: Request) -> Response:
    """Accept a message for a topic's subscribers."""
    content = messages.read(request)
    [message_id] = await sns.publish(_target(request), [content])
    return {"MessageId": message_id}


async def publish_batch(sns: Sns, call: Call, request: Request) -> Response:
    """Accept messages; each entry is told whether it was."""
    check_arn(request["TopicArn"], "TopicArn")
    entries = request["PublishBatchRequestEntries"]
    _check_batch(entries)
    failed: list[dict[str, Any]] = []
    good: list[tuple[str, Content]] = []
    for entry in entries:
        try:
            good.append((entry["Id"], messages.read(entry)))
        except ServiceError as error:
            failed.append(_failed(entry["Id"], error))
    if sum(messages.size(content) for _, content in good) > messages.LARGEST_BYTES:
        raise ServiceError(  # moto sns/models.py
            "BatchRequestTooLongException",
            "The length of all the batch messages put together is more than the limit.",
        )
    message_ids = await sns.publish(request["TopicArn"], [content for _, content in good])
    accepted = [
        {"Id": entry_id, "MessageId": message_id}
        for (entry_id, _), message_id in zip(good, message_ids, strict=True)
    ]
    return {"Successful": accepted, "Failed": failed}


def _target(request: Request) -> str:
    """Return the topic's ARN, which may be given as TargetArn too; InvalidParameter."""
    if "PhoneNumber" in request:
        raise invalid("PhoneNumber Reason: Penstock sends no SMS; publish to a topic")
    given = [name for name in ("TopicArn", "TargetArn") if name in request]
    if len(given) != 1:  # the text for none: moto sns; for both: unverified
        raise invalid("TopicArn or TargetArn Reason: no value for required parameter")
    [name] = given
    target: str = request[name]
    check_arn(target, "TopicArn")
    if name == "TargetArn" and ":endpoint/" in target:
        raise invalid("TargetArn Reason: No endpoint found for the target arn specified")
    return target


def _check_batch(entries: list[dict[str, Any]]) -> None:
    """Raise SNS's errors of whole batches. Texts: moto sns/models.py and responses.py."""
    if not entries:
        raise ServiceError(
            "EmptyBatchRequestException", "The batch request doesn't contain any entries."
        )
    if len(entries) > _MOST_ENTRIES:
        raise ServiceError(
            "TooManyEntriesInBatchRequestException",
            "The batch request contains more entries than permissible.",
        )
    ids = [entry["Id"] for entry in entries]
    if len(set(ids)) < len(ids):
        raise ServiceError(
            "BatchEntryIdsNotDistinctException",
            "Two or more batch entries in the request have the same Id.",
        )
    if not all(_ENTRY_ID.fullmatch(entry_id) for entry_id in ids):
        raise ServiceError(
            "InvalidBatchEntryIdException",
            "The Id of a batch entry in a batch request doesn't abide by the specification.",
        )


def _failed(entry_id: str, error: ServiceError) -> dict[str, Any]:
    return {
        "Id": entry_id,
        "Code": _CODES[error.code],
        "Message": error.message,
        "SenderFault": True,
    }
