"""What differs, by path, and what is no drift."""

from typing import Any

import pytest

from penstock.stacks.display import Secrets
from penstock.stacks.drift.comparison import PropertyDifference, compare
from penstock.stacks.schemas import resource_schema

ROLE = resource_schema.schema("AWS::IAM::Role")
NOTHING = Secrets(frozenset())


def drift(expected: Any, actual: Any, schema: Any = None) -> list[tuple[str, str, str, str]]:
    found = compare(expected, actual, schema, NOTHING)
    assert (found.status == "MODIFIED") is bool(found.differences)
    return [(each.path, each.expected, each.actual, each.kind) for each in found.differences]


def test_what_is_equal_in_the_templates_eyes_is_in_sync() -> None:
    expected = {"Number": "20", "Flag": True, "Nested": {"A": 1}, "List": ["a", 2]}
    actual = {"Number": 20, "Flag": "true", "Nested": {"A": "1", "B": "x"}, "List": ["a", "2"]}
    assert drift(expected, {**actual, "SetByTheService": "x"}) == []


def test_paths_and_kinds() -> None:
    expected = {"A": "1", "B": {"C": "x", "D": "y"}, "E": ["p"], "F": "gone", "G": "unreadable"}
    actual = {"A": "2", "B": {"C": "z"}, "E": ["p", {"q": 1}], "F": None}
    assert drift(expected, actual) == [
        ("/A", "1", "2", "NOT_EQUAL"),
        ("/B/C", "x", "z", "NOT_EQUAL"),
        ("/B/D", "y", "null", "REMOVE"),
        ("/E/1", "null", '{"q":"1"}', "ADD"),
        ("/F", "gone", "null", "REMOVE"),
    ]


def test_nothing_in_a_list_is_no_list() -> None:
    expected = {"List": [], "Nested": {"Empty": {}, "Items": []}}
    assert drift(expected, {"List": None, "Nested": {}}) == []
    assert drift(expected, {"List": ["x"], "Nested": {}}) == [("/List/0", "null", "x", "ADD")]


def test_a_resource_that_is_not_there() -> None:
    found = compare({"A": "1"}, None, None, NOTHING)
    assert (found.status, found.expected, found.actual) == ("DELETED", '{"A":"1"}', None)


def test_order_counts_only_where_the_schema_says_so() -> None:
    arns = {"ManagedPolicyArns": ["a", "b"]}
    assert drift(arns, {"ManagedPolicyArns": ["b", "a"]}, ROLE) == []
    assert drift(arns, {"ManagedPolicyArns": ["c", "a"]}, ROLE) == [
        ("/ManagedPolicyArns/1", "b", "null", "REMOVE"),
        ("/ManagedPolicyArns/0", "null", "c", "ADD"),
    ]
    assert len(drift({"Other": ["a", "b"]}, {"Other": ["b", "a"]})) == 2


def test_items_of_an_unordered_list_are_found_by_what_they_set() -> None:
    """Members were left out by index before the items were paired: in another order they looked
    removed."""
    group = resource_schema.schema("AWS::EC2::SecurityGroup")
    rules = [{"CidrIp": "10.0.0.0/8", "FromPort": 80}, {"IpProtocol": "tcp", "CidrIp": "0.0.0.0/0"}]
    found = [
        {"CidrIp": "0.0.0.0/0", "IpProtocol": "tcp", "FromPort": "443", "Description": ""},
        {"CidrIp": "10.0.0.0/8", "FromPort": "80", "IpProtocol": "-1"},
    ]
    assert drift({"SecurityGroupIngress": rules}, {"SecurityGroupIngress": found}, group) == []
    more = [{"CidrIp": "10.0.0.0/8"}, {"CidrIp": "10.0.0.0/8", "FromPort": 80}]
    several = [{"CidrIp": "10.0.0.0/8", "FromPort": "80"}, {"CidrIp": "10.0.0.0/8"}]
    assert drift({"SecurityGroupIngress": more}, {"SecurityGroupIngress": several}, group) == []
    shown = compare(
        {"SecurityGroupIngress": rules}, {"SecurityGroupIngress": found}, group, NOTHING
    )
    assert shown.actual == (
        '{"SecurityGroupIngress":[{"CidrIp":"0.0.0.0/0","IpProtocol":"tcp"},'
        '{"CidrIp":"10.0.0.0/8","FromPort":"80"}]}'
    )


def test_tags_are_found_by_their_keys() -> None:
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]
    found = [{"Key": "b", "Value": "3"}, {"Key": "a", "Value": "1"}]
    assert drift({"Tags": tags}, {"Tags": found}) == [("/Tags/1/Value", "2", "3", "NOT_EQUAL")]


def test_secrets_are_shown_nowhere() -> None:
    secrets = Secrets(frozenset({"hush-hush"}))
    expected = {"Value": "hush-hush", "Url": "http://hush-hush@db", "Plain": "a"}
    actual = {"Value": "another-secret", "Url": "http://other@db", "Plain": "hush-hush"}
    found = compare(expected, actual, None, secrets)
    assert found.differences == (
        PropertyDifference("/Plain", "a", "****", "NOT_EQUAL"),
        PropertyDifference("/Url", "http://****@db", "****", "NOT_EQUAL"),
        PropertyDifference("/Value", "****", "****", "NOT_EQUAL"),
    )
    for text in (found.expected, found.actual or ""):
        assert "hush-hush" not in text
        assert "other" not in text


def test_what_is_built_from_a_secret_is_shown_nowhere() -> None:
    tags = [{"Key": "a", "Value": "aHVzaA=="}, {"Key": "b", "Value": "2"}]
    expected = {"Value": "aHVzaA==", "Map": {"A": "part", "B": "x"}, "Gone": "part", "Tags": tags}
    others = [{"Key": "b", "Value": "3"}, {"Key": "a", "Value": "other"}]
    actual = {"Value": "other", "Map": {"A": "other", "B": "y"}, "Gone": None, "Tags": others}
    paths = [("Value",), ("Map", "A"), ("Gone",), ("Tags", 0, "Value")]
    found = compare(expected, actual, None, NOTHING, paths)
    assert [(each.path, each.expected, each.actual) for each in found.differences] == [
        ("/Gone", "****", "null"),
        ("/Map/A", "****", "****"),
        ("/Map/B", "x", "y"),
        ("/Tags/0/Value", "****", "****"),
        ("/Tags/1/Value", "2", "3"),
        ("/Value", "****", "****"),
    ]
    gone = compare(expected, None, None, NOTHING, paths)
    for text in (found.expected, found.actual or "", gone.expected):
        assert not any(secret in text for secret in ("aHVzaA==", "part", "other"))
    assert compare(expected, expected, None, NOTHING, paths).status == "IN_SYNC"


def test_an_item_that_may_be_in_a_secrets_place_is_masked() -> None:
    secrets = Secrets(frozenset({"hush-hush"}))
    expected = {"ManagedPolicyArns": ["hush-hush", "b"], "Other": ["a"]}
    actual = {"ManagedPolicyArns": ["by-hand", "b"], "Other": ["a", "plain"]}
    found = compare(expected, actual, ROLE, secrets)
    assert [(each.path, each.actual) for each in found.differences] == [
        ("/ManagedPolicyArns/0", "null"), ("/ManagedPolicyArns/0", "****"), ("/Other/1", "plain"),
    ]  # fmt: skip
    assert "by-hand" not in (found.actual or "")


@pytest.mark.parametrize(
    "value", ["{{resolve:ssm:/size}}", ["{{resolve:ssm:/size}}", "b"], {"A": "{{resolve:ssm:/x}}"}]
)
def test_what_is_looked_up_is_not_compared_and_not_shown(value: Any) -> None:
    actual = {"A": "secret"} if isinstance(value, dict) else ["secret", "x", "y"]
    found = compare({"P": value}, {"P": actual}, None, NOTHING)
    assert found.differences == ()
    assert "secret" not in (found.actual or "")
