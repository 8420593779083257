"""Which values are not the author's."""

from typing import Any

import msgspec
from tests.stack_states import deployed

from penstock.stacks.planning import made_up
from penstock.stacks.template.references import Reference

VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}}
NESTED = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "u"}}


def places(support: str, *references: Reference) -> list[Any]:
    resources = deployed({"Resources": {"Vpc": VPC, "Net": NESTED}}).resources
    there = {
        name: msgspec.structs.replace(each, support=support if name == "Vpc" else "kept")
        for name, each in resources.items()
    }
    return made_up.places(references, there)


def test_identifiers_and_attributes_of_what_is_recorded() -> None:
    id_ = Reference(("VpcId",), "Resource", "Vpc")
    group = Reference(("Groups", 0), "Attribute", "Vpc", "DefaultSecurityGroup")
    assert places("recorded", id_, group) == [("VpcId",), ("Groups", 0)]
    assert places("kept", id_, group) == []


def test_what_the_author_gave_the_resource_is_the_authors() -> None:
    assert places("recorded", Reference(("Cidr",), "Attribute", "Vpc", "CidrBlock")) == []


def test_what_other_stacks_hand_on() -> None:
    output = Reference(("A",), "Attribute", "Net", "Outputs.VpcId")
    imported = Reference(("B",), "Import", "net-vpc")
    read = Reference(("C",), "StackOutput", "")
    assert places("recorded", output, imported, read) == [("A",), ("B",), ("C",)]


def test_parameters_and_what_is_not_there_yet_are_not() -> None:
    unknown = Reference(("A",), "Resource", "Later")
    assert places("recorded", unknown, Reference(("B",), "Parameter", "Vpc")) == []
