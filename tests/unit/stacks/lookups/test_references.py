"""What a handler gets and what it may hand on."""

import dataclasses
from datetime import UTC, datetime
from typing import Any

import msgspec

from penstock.aws.principals import root
from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    InProgress,
    ResourceRequest,
    Succeeded,
)
from penstock.stacks.lookups.references import Lookups

WORD = "{{resolve:secretsmanager:app}}"
PLAIN = "{{resolve:ssm:/a}}"
LOOKUPS = Lookups(values={WORD: "swordfish", PLAIN: "a"}, secret={WORD: "swordfish"})
ACCOUNT = "123456789012"
REQUEST = ResourceRequest(
    stack_id="arn",
    stack_name="app",
    region="us-east-1",
    account_id=ACCOUNT,
    logical_resource_id="A",
    resource_type="AWS::SSM::Parameter",
    properties={},
    previous_properties={},
    physical_resource_id=None,
    tags={},
    previous_tags={},
    client_request_token="token",
    resumed=False,
    principal=root(ACCOUNT),
    now=datetime(2026, 1, 1, tzinfo=UTC),
)


def asked(properties: Any, previous: Any) -> ResourceRequest:
    return LOOKUPS.request(
        msgspec.structs.replace(REQUEST, properties=properties, previous_properties=previous)
    )


def test_a_request_has_values() -> None:
    request = asked({"V": f"<{WORD}>", "L": [{"K": PLAIN}]}, {"V": f"{WORD}", "L": []})
    assert request.properties == {"V": "<swordfish>", "L": [{"K": "a"}]}
    assert request.previous_properties == {"V": "swordfish", "L": []}


def test_the_same_text_as_before_differs_so_that_an_update_brings_it() -> None:
    request = asked(
        {"V": WORD, "M": {"K": PLAIN}, "L": [PLAIN], "N": "n"},
        {"V": WORD, "M": {"K": PLAIN}, "L": [PLAIN], "N": "n"},
    )
    assert request.previous_properties == {"V": WORD, "M": {"K": PLAIN}, "L": ["a"], "N": "n"}


def test_attributes_refer_instead_of_telling() -> None:
    made = Succeeded("id", {"V": "swordfish", "N": {"M": ["x-swordfish", "a"]}}, "ref")
    assert LOOKUPS.answer(made) == Succeeded(
        "id", {"V": WORD, "N": {"M": [f"x-{WORD}", "a"]}}, "ref"
    )


def test_an_attribute_that_copies_a_property_refers_as_that_does() -> None:
    lookups = dataclasses.replace(LOOKUPS, written={"V": f"<{WORD}>", "P": "swordfish prod"})
    found = lookups.answer(Succeeded("id", {"V": "<swordfish>", "P": "swordfish prod"}))
    assert found == Succeeded("id", {"V": f"<{WORD}>", "P": "swordfish prod"})
    changed = lookups.answer(Succeeded("id", {"V": "< swordfish >"}))
    assert changed == Succeeded("id", {"V": f"< {WORD} >"})


def test_what_the_service_makes_up_has_no_references() -> None:
    """A secret holds a user's or a database's name, too: such a word stands in many an ARN."""
    lookups = dataclasses.replace(LOOKUPS, made_up=frozenset({"Endpoint", "Id"}))
    made = {
        "Endpoint": {"Address": "swordfish-db.example.com"},
        "Id": "swordfish",
        "ServiceArn": "arn:aws:ecs:us-east-1:123456789012:service/swordfish-prod/web",
    }
    assert lookups.answer(Succeeded("id", made)) == Succeeded("id", made)
    waiting = InProgress(1.0, {"Arn": made["ServiceArn"]})
    assert lookups.answer(waiting) == waiting


def test_what_is_put_in_is_not_looked_through() -> None:
    other = "{{resolve:secretsmanager:other}}"
    lookups = Lookups(
        values={WORD: "swordfish", other: "resolve"}, secret={WORD: "swordfish", other: "resolve"}
    )
    found = lookups.answer(Succeeded("id", {"V": "swordfish or resolve"}))
    assert found == Succeeded("id", {"V": f"{WORD} or {other}"})


def test_messages_and_reasons_are_masked() -> None:
    failed = Failed(HandlerErrorCode.INVALID_REQUEST, "no swordfish here", "id")
    assert LOOKUPS.answer(failed) == dataclasses.replace(failed, message="no **** here")
    waiting = InProgress(1.0, {"v": "swordfish"}, reason="with swordfish")
    assert LOOKUPS.answer(waiting) == InProgress(1.0, {"v": WORD}, reason="with ****")
    assert LOOKUPS.context({"v": WORD}) == {"v": "swordfish"}
