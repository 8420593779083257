"""Rules and actions as HAProxy carries them out."""

import http.client
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from tests.docker.load_balancing.backends import Backend, get
from tests.docker.load_balancing.world import World

pytestmark = pytest.mark.docker
BODY = '<b>it\'s "50%" of $HOME \\ {x}</b>\n#end'


def _fixed(status: str, body: str = "", kind: str = "text/plain") -> list[dict[str, Any]]:
    config = {"StatusCode": status, "MessageBody": body, "ContentType": kind}
    return [{"Type": "fixed-response", "FixedResponseConfig": config}]


def _location(host: str, path: str) -> tuple[int, str | None]:
    connection = http.client.HTTPConnection(host, 80, timeout=20)
    try:
        connection.request("GET", path, headers={"Host": "www.example.com"})
        answer = connection.getresponse()
        return answer.status, answer.getheader("Location")
    finally:
        connection.close()


async def test_rules_apply_in_order_of_priority(
    world: World, backend: Callable[[str], Backend]
) -> None:
    one, two = backend("one"), backend("two")
    balancer = await world.load_balancer("web")
    first, second = await world.target_group("first"), await world.target_group("second")
    listener = await world.listener(balancer, first)
    redirect = {"Path": "/new/#{path}", "StatusCode": "HTTP_302"}
    weighted = [
        {"TargetGroupArn": first, "Weight": 1},
        {"TargetGroupArn": second, "Weight": 3},
    ]
    values = [{"Key": "v", "Value": "2*"}]
    query = {"Field": "query-string", "QueryStringConfig": {"Values": values}}
    agent = {"HttpHeaderName": "User-Agent", "Values": ["Old*/1.?"]}
    header = {"Field": "http-header", "HttpHeaderConfig": agent}
    source = {"Field": "source-ip", "SourceIpConfig": {"Values": ["127.0.0.0/8"]}}
    method = {"Field": "http-request-method", "HttpRequestMethodConfig": {"Values": ["GET"]}}
    for priority, conditions, actions in (
        (50, [{"Field": "path-pattern", "Values": ["/old/*"]}], _fixed("500")),
        (10, [{"Field": "path-pattern", "Values": ["/old/?*"]}],
         [{"Type": "redirect", "RedirectConfig": redirect}]),
        (20, [{"Field": "host-header", "Values": ["*.EXAMPLE.org"]}],
         _fixed("503", BODY, "text/html")),
        (30, [query, method], _fixed("200", "two")),
        (40, [header, source], _fixed("403", "update")),
        (60, [{"Field": "path-pattern", "Values": ["/lots"]}],
         [{"Type": "forward", "ForwardConfig": {"TargetGroups": weighted}}]),
    ):  # fmt: skip
        await world.call(
            "CreateRule", ListenerArn=listener, Priority=priority, Conditions=conditions,
            Actions=actions,
        )  # fmt: skip
    await world.register(first, one)
    await world.register(second, two)
    await world.until_healthy(first, one)
    await world.until_healthy(second, two)
    host = balancer["DNSName"]
    assert _location(host, "/old/a%20b?x=1") == (
        302, "http://www.example.com:80/new/old/a%20b?x=1",
    )  # fmt: skip
    assert _location(host, "/old/a") == (302, "http://www.example.com:80/new/old/a")
    assert get(host, "/old/") == (500, "")
    assert get(host, Host="api.example.org:80") == (503, BODY)
    assert get(host, "/?a=1&V=23&b") == (200, "two")
    assert get(host, "/?a=1&vv=23") == (200, "one")
    assert get(host, **{"User-Agent": "older/1.5"}) == (403, "update")
    assert get(host, "/other") == (200, "one")
    lots = Counter(get(host, "/lots")[1] for _ in range(200))
    assert set(lots) == {"one", "two"}
    assert 100 < lots["two"] < 190


async def test_no_header_name_breaks_the_configuration_of_others(
    world: World, backend: Callable[[str], Backend]
) -> None:
    """A quote or `#` in it is a part of the name on AWS; here it ended the configuration."""
    one, name = backend("one"), "x-'#$%&*+.^_`|~!"
    balancer = await world.load_balancer("web")
    group = await world.target_group("first")
    listener = await world.listener(balancer, group)
    config = {"HttpHeaderName": name, "Values": ["y'\"#*"]}
    await world.call(
        "CreateRule", ListenerArn=listener, Priority=1, Actions=_fixed("403", "found"),
        Conditions=[{"Field": "http-header", "HttpHeaderConfig": config}],
    )  # fmt: skip
    with pytest.raises(ServiceError, match="must have a status code of 2XX, 4XX or 5XX"):
        await world.call("CreateRule", ListenerArn=listener, Priority=2, Actions=_fixed("4٠٤"),
                         Conditions=[{"Field": "path-pattern", "Values": ["/x"]}])  # fmt: skip
    await world.register(group, one)
    await world.until_healthy(group, one)
    host = balancer["DNSName"]
    assert get(host, **{name: "y'\"#z"}) == (403, "found")
    assert get(host, **{name: "z"}) == (200, "one")
