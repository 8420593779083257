"""By what names functions are called, and that authorization reads them alike."""

import pytest

from penstock.aws.authorization import requirements
from penstock.aws.errors import ServiceError
from penstock.workloads.functions.function import reference

PLACE = {"region": "us-east-1", "account_id": "123456789012"}
ARN = "arn:aws:lambda:us-east-1:123456789012:function:worker"
NAMES = [
    "worker",
    "function:worker",
    "123456789012:function:worker",
    "123456789012:worker",
    "us-east-1:123456789012:function:worker",
    ARN,
    f"{ARN}:$LATEST",
    "worker:$LATEST",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_form_of_a_name_is_read_and_authorized_alike(name: str) -> None:
    assert reference(name, PLACE).arn == ARN
    [needed] = requirements(
        "lambda",
        "Invoke",
        {"FunctionName": name},
        {"region": "us-east-1", "account": "123456789012", "principal": "x"},
    )
    assert (needed.action, needed.resource) == ("lambda:InvokeFunction", ARN)


@pytest.mark.parametrize(
    "name",
    [
        "arn:aws:lambda:eu-west-1:123456789012:function:worker",
        "arn:aws:lambda:us-east-1:999999999999:function:worker",
        f"{ARN}:7",
        "worker:live",
    ],
)
def test_other_places_and_versions_are_not_found(name: str) -> None:
    with pytest.raises(ServiceError) as raised:
        reference(name, PLACE)
    assert raised.value.code == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "name", ["", "a b", "w" * 65, "arn:aws-cn:lambda:us-east-1:123456789012:function:worker",
             "arn:aws:s3:::worker", "../worker"],
)  # fmt: skip
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(ServiceError) as raised:
        reference(name, PLACE)
    assert raised.value.code == "InvalidParameterValueException"


def test_two_qualifiers_must_agree() -> None:
    assert reference(f"{ARN}:$LATEST", PLACE, "$LATEST").qualifier == "$LATEST"
    with pytest.raises(ServiceError, match="does not match the specified qualifier"):
        reference(f"{ARN}:$LATEST", PLACE, "live")
