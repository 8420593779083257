from typing import Any

import pytest

from penstock.services.sns.links import is_link

LINK = "Action=ConfirmSubscription&TopicArn=a&Token=t"


def scope(query: str, *, method: str = "GET", path: str = "/", **headers: str) -> dict[str, Any]:
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"method": method, "path": path, "query_string": query.encode(), "headers": pairs}


def test_a_followed_link() -> None:
    assert is_link(scope(LINK))
    assert is_link(scope("Action=Unsubscribe&SubscriptionArn=a", accept="text/html"))


@pytest.mark.parametrize(
    "other",
    [
        scope(LINK, method="POST"),
        scope(LINK, path="/bucket"),
        scope(LINK, authorization="AWS4-HMAC-SHA256 x"),
        scope(f"{LINK}&X-Amz-Signature=x"),
        scope("Action=ListTopics"),
        scope(""),
    ],
)
def test_signed_calls_and_other_requests(other: dict[str, Any]) -> None:
    assert not is_link(other)
