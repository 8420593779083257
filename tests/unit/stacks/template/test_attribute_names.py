"""Attributes that no schema names, as Fn::GetAtt and Fn::Sub give them."""

from typing import Any

import pytest

from penstock.stacks.template import evaluate
from penstock.stacks.template.attribute_names import PROVISIONED_PRODUCT
from penstock.stacks.template.evaluate import ResourceValues, Scope, Unknown
from penstock.stacks.template.load import load_template

CACHE = "AWS::ElastiCache::ReplicationGroup"
READ = {"AddressesList": ["a", "b"], "PortsList": ["1", "2"]}


def output(type_name: str, value: str, values: ResourceValues) -> Any:
    template = load_template(f"""
Resources:
  Thing: {{Type: {type_name}}}
Outputs:
  Found: {{Value: {value}}}
""")
    scope = Scope(template, {}, "us-east-1", "1", "id", "app", resources={"Thing": values})
    return evaluate.outputs(scope)[0].value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("!Select [1, !GetAtt Thing.ReadEndPoint.Addresses.List]", "b"),
        ("!Join ['', !GetAtt Thing.ReadEndPoint.Ports.List]", "12"),
        ("!Select [0, !GetAtt Thing.ReadEndPoint.AddressesList]", "a"),
    ],
)
def test_awss_names_of_a_caches_endpoints(value: str, expected: str) -> None:
    assert output(CACHE, value, ResourceValues("id", {"ReadEndPoint": READ})) == expected


def test_any_output_of_a_provisioned_product() -> None:
    values = ResourceValues("pp-1", {"Outputs": {}})
    assert output(PROVISIONED_PRODUCT, "!Sub '${Thing.Outputs.Url}/x'", values) == "pp-1-Url/x"
    later = output(PROVISIONED_PRODUCT, "!GetAtt Thing.Outputs.Url", ResourceValues("pp-1", None))
    assert later == Unknown("Thing", "Outputs.Url")
