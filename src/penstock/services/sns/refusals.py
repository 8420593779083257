"""SNS's words for what it refuses.

Recorded from AWS in github.com/localstack/localstack tests/aws/services/sns/test_sns.snapshot.json;
one that is not there is marked unverified.
"""

from penstock.aws.errors import ServiceError

_ARN_ELEMENTS = 6


def invalid(what: str) -> ServiceError:
    """Return InvalidParameter, `what` being the parameter and perhaps ` Reason: …`."""
    return ServiceError("InvalidParameterException", f"Invalid parameter: {what}")


def unsupported(attribute: str, of: str) -> ServiceError:
    """Return the refusal of an attribute that AWS has and Penstock lacks."""
    return invalid(f"Attributes Reason: Penstock has no {attribute} of {of}; leave it out")


def check_arn(text: str, member: str) -> None:
    """Raise InvalidParameter unless `text` has an ARN's six elements."""
    elements = len(text.split(":"))
    if elements < _ARN_ELEMENTS:
        raise invalid(f"{member} Reason: An ARN must have at least 6 elements, not {elements}")


def no_topic() -> ServiceError:
    """Return NotFound of a topic."""
    return ServiceError("NotFoundException", "Topic does not exist")


def no_subscription() -> ServiceError:
    """Return NotFound of a subscription."""
    return ServiceError("NotFoundException", "Subscription does not exist")


def no_fifo() -> ServiceError:
    """Return the refusal to publish to a FIFO topic, or to subscribe to one."""
    return invalid(
        "TopicArn Reason: FIFO topics deliver to queues alone, and Penstock delivers to none; use "
        "a topic without FifoTopic"
    )


def no_mail() -> ServiceError:
    """Return the refusal of a subscription by mail where the server cannot send any."""
    return invalid(
        "Protocol Reason: this server sends no mail; start it with --smtp-url and --smtp-from "
        "(docs/notifications.md), or subscribe an http or https endpoint"
    )


def guarded() -> ServiceError:
    """Return AuthorizationError of a subscription that only a signed request may end."""
    return ServiceError(  # unverified
        "AuthorizationErrorException",
        "This subscription was confirmed with AuthenticateOnUnsubscribe: end it with a signed "
        "Unsubscribe request",
    )
