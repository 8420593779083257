import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.template.configuration import load_configuration


def test_a_configuration():
    found = load_configuration(
        '{"Parameters": {"Count": 2, "On": true, "List": ["a", "b"], "Name": "x"},'
        ' "Tags": {"team": "red"}, "StackPolicy": {"Statement": []}}'
    )
    assert found.parameters == {"Count": "2", "On": "true", "List": "a,b", "Name": "x"}
    assert (found.tags, found.stack_policy) == ({"team": "red"}, {"Statement": []})


def test_everything_may_be_left_out():
    found = load_configuration("{}")
    assert (found.parameters, found.tags, found.stack_policy) == ({}, {}, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"Parameters": }', "JSON not well-formed. (line 1, column 16)"),
        ("[]", "expected a JSON object, found a list"),
        ('{"Parms": {}}', "expected the members Parameters, Tags, StackPolicy, found Parms"),
        ('{"Parameters": []}', "expected an object as Parameters, found a list"),
        ('{"Parameters": {"A": null}}', "expected a string under Parameters/A, found null"),
        ('{"Parameters": {"A": {}}}', "expected a string under Parameters/A, found an object"),
        ('{"Parameters": {"A": [1]}}', "expected a string under Parameters/A, found a list"),
        ('{"Tags": {"A": {}}}', "expected a string under Tags/A, found an object"),
        ('{"StackPolicy": "x"}', "expected an object as StackPolicy, found a string"),
        ('{"Tags": ' + "[" * 100_000, "nested too deep"),
    ],
)  # fmt: skip
def test_what_is_no_configuration(text, reason):
    with pytest.raises(ServiceError) as raised:
        load_configuration(text)
    assert (raised.value.code, raised.value.status) == ("ValidationError", 400)
    assert raised.value.message == f"Template configuration format error: {reason}"
