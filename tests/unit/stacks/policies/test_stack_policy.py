"""What stack policies say, against the examples of AWS's user guide."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.aws.errors import ServiceError
from penstock.stacks.policies import stack_policy
from penstock.stacks.policies.stack_policy import UpdateAction

MODIFY, REPLACE, DELETE = UpdateAction.MODIFY, UpdateAction.REPLACE, UpdateAction.DELETE
DB, TOPIC = "AWS::RDS::DBInstance", "AWS::SNS::Topic"


def statement(effect: str, action: Any = "Update:*", **more: Any) -> dict[str, Any]:
    given = {"Effect": effect, "Principal": "*", "Action": action, "Resource": "*", **more}
    return {key: value for key, value in given.items() if value is not None}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


ALLOW_ALL = statement("Allow")


def test_a_stack_without_a_policy_refuses_nothing() -> None:
    assert stack_policy.refusal(None, DELETE, "Db", DB) is None


@pytest.mark.parametrize("text", ["{}", policy(), policy(statement("Allow", "Update:Modify"))])
def test_what_no_statement_allows_is_refused(text: str) -> None:
    assert stack_policy.refusal(text, DELETE, "Db", DB) == "Action not allowed by stack policy"


def test_a_denial_wins_and_is_named_in_its_own_words() -> None:
    text = policy(ALLOW_ALL, statement("Deny", Resource="LogicalResourceId/Production*"))
    assert stack_policy.refusal(text, MODIFY, "Other", DB) is None
    assert stack_policy.refusal(text, MODIFY, "ProductionDb", DB) == (
        "Action denied by stack policy: Statement [#2] does not allow [Update:*] for resource "
        "[LogicalResourceId/Production*];"
    )


@pytest.mark.parametrize("operator", ["StringEquals", "StringLike"])
def test_conditions_on_the_type(operator: str) -> None:
    value = ["AWS::RDS::*"] if operator == "StringLike" else [DB]
    deny = statement("Deny", Condition={operator: {"ResourceType": value}})
    text = policy(deny, ALLOW_ALL)
    assert stack_policy.refusal(text, MODIFY, "A", DB) is not None
    assert stack_policy.refusal(text, MODIFY, "A", TOPIC) is None


def test_equality_knows_no_wildcards() -> None:
    deny = statement("Deny", Condition={"StringEquals": {"ResourceType": "AWS::RDS::*"}})
    assert stack_policy.refusal(policy(deny, ALLOW_ALL), MODIFY, "A", DB) is None


def test_everything_but() -> None:
    text = policy(
        statement("Allow", Resource=None, NotResource="LogicalResourceId/Db"),
        statement("Deny", action=None, NotAction=["Update:Modify"]),
    )
    assert stack_policy.refusal(text, MODIFY, "A", TOPIC) is None
    assert stack_policy.refusal(text, MODIFY, "Db", DB) == "Action not allowed by stack policy"
    assert "Statement [#2]" in str(stack_policy.refusal(text, REPLACE, "A", TOPIC))


def test_a_statement_without_resource_does_nothing() -> None:
    """As on AWS (serverless/serverless#5012)."""
    deny = statement("Deny", "Update:Replace", Resource=None)
    assert stack_policy.refusal(policy(deny, ALLOW_ALL), REPLACE, "A", DB) is None


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '"text"',
        "[" * 100_000,
        '{"Statement": "all"}',
        '{"Statements": []}',
        policy({**ALLOW_ALL, "Effect": "allow"}),
        policy({**ALLOW_ALL, "Principal": {"AWS": "*"}}),
        policy(statement("Allow", "Update:Create")),
        policy(statement("Allow", [])),
        policy(statement("Allow", action=None)),
        policy(statement("Allow", NotAction="Update:*")),
        policy(statement("Allow", NotResource="*")),
        policy(statement("Allow", Resource="Db")),
        policy(statement("Allow", Resource=[1])),
        policy(statement("Allow", Condition={"StringEquals": {"Type": "x"}})),
        policy(statement("Allow", Condition={"NumericEquals": {"ResourceType": "x"}})),
        policy(statement("Allow", Condition=[])),
        policy({**ALLOW_ALL, "Extra": 1}),
    ],
)
def test_what_is_no_policy(text: str) -> None:
    with pytest.raises(ServiceError) as caught:
        stack_policy.parse(text)
    assert caught.value.message == "Error validating stack policy: Invalid stack policy"


def test_a_policy_names_resources_of_the_template_alone() -> None:
    text = policy(statement("Deny", Resource=["LogicalResourceId/A", "LogicalResourceId/B*"]))
    stack_policy.check(text, {"A"})
    with pytest.raises(ServiceError) as caught:
        stack_policy.check(text, {"C"}, existing=True)
    assert caught.value.message == (
        "Error validating existing stack policy: Unknown logical id 'LogicalResourceId/A' in "
        "statement {} - stack policies can only be applied to logical ids referenced in the "
        "template"
    )


names = st.sampled_from(["A", "B", "AB"])
resources = st.sampled_from(["*", *(f"LogicalResourceId/{n}" for n in ("A", "B", "A*", "?B"))])
actions = st.sampled_from(["Update:*", *UpdateAction])
statements = st.builds(
    lambda effect, action, resource: statement(effect, action, Resource=resource),
    st.sampled_from(["Allow", "Deny"]),
    st.lists(actions, min_size=1, max_size=2),
    st.lists(resources, min_size=1, max_size=2),
)


@given(st.lists(statements, max_size=4), st.sampled_from(list(UpdateAction)), names)
def test_order_counts_for_nothing_and_a_denial_never_opens(
    given_statements: list[dict[str, Any]], action: UpdateAction, name: str
) -> None:
    def refused(*listed: dict[str, Any]) -> bool:
        return stack_policy.refusal(policy(*listed), action, name, DB) is not None

    assert refused(*given_statements) == refused(*reversed(given_statements))
    denial = statement("Deny", Resource=f"LogicalResourceId/{name}")
    assert refused(*given_statements, denial)
    allows = [each for each in given_statements if each["Effect"] == "Allow"]
    assert refused(*given_statements) or not refused(*allows)
