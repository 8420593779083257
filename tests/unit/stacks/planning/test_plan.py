"""A plan as it is stored: both texts of its template are in it, and its digest covers them."""

import dataclasses
import json

from penstock.stacks.operations.operation import StackDocument
from penstock.stacks.planning.plan import Plan, decode, encode

PLAN = Plan(
    stack_id="arn:stack",
    stack_serial=1,
    template_body='{"Resources":{}}',
    parameters={},
    tags={},
    capabilities=(),
    role_arn=None,
    notification_arns=(),
    original_body="Transform: Mine",
)


def test_the_digest_covers_what_transforms_made_and_what_was_given() -> None:
    assert encode(decode(encode(PLAN))) == encode(PLAN)
    for other in ({"template_body": "{}"}, {"original_body": "Transform: Other"}):
        assert dataclasses.replace(PLAN, **other).digest != PLAN.digest


def test_what_was_stored_before_there_were_transforms() -> None:
    stored = json.loads(encode(PLAN))
    del stored["original_body"]
    found = decode(json.dumps(stored))
    assert (found.template_body, found.original_body) == (PLAN.template_body, None)
    assert StackDocument(template_body="x").original_body is None
