"""How long the values of a template's functions may be together."""

import json

import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.template.evaluate import Scope, metadata, outputs, properties
from penstock.stacks.template.load import load_template
from penstock.stacks.template.template import ParameterValue


@pytest.mark.parametrize(
    "node",
    [
        {"Fn::Sub": "${Text}" * 400},
        {"Fn::Sub": ["${A}${A}", {"A": {"Fn::Join": ["", ["x" * 400_000] * 2]}}]},
        [{"Fn::Split": [",", {"Fn::Sub": "${Text}" * 25}]}] * 2,
        [{"Ref": "Text"}] * 400,
    ],
)
def test_values_cannot_be_many_without_end(node):
    # Each had a limit, and a hundred of them took two gigabytes.
    document = {
        "Parameters": {"Text": {"Type": "String"}},
        "Resources": {
            f"R{n}": {"Type": "AWS::S3::Bucket", "Properties": {"P": node}, "Metadata": {"M": node}}
            for n in range(10)
        },
        "Outputs": {"O": {"Value": {"Ref": "Text"}}},
    }
    given = {"Text": ParameterValue("," * 4096)}
    wide = Scope(load_template(json.dumps(document)), given, "us-east-1", "1", "arn", "todo")
    for _ in range(5):  # what is evaluated again is no more than it was
        assert properties(wide, "R1") == properties(wide, "R2")
        assert outputs(wide)[0].value == given["Text"].value
    with pytest.raises(ServiceError) as raised:
        all_of(wide)
    assert raised.value.code == "ValidationError"
    assert raised.value.message == (
        "Template error: the values of the template's functions are together longer than 8000000 "
        "characters"
    )


def all_of(scope: Scope) -> None:
    for name in scope.template.resources:
        properties(scope, name)
        metadata(scope, name)
