"""From a request to what is wanted: what stays as it is, and what is refused before it begins."""

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.databases import opened_database
from tests.stack_states import deployed, text_of

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.principals import root
from penstock.aws.service import Call, Request, Response, Service
from penstock.clock import utc_now
from penstock.stacks.planning.desired import Desired
from penstock.stacks.requests import request
from penstock.stacks.requests.request import desired
from penstock.stacks.state import StackState
from penstock.stacks.template.document import parse_document
from penstock.stacks.template.load import stored_template
from penstock.stacks.transforms.macro_registry import Macros

ACCOUNT = "123456789012"
TOPIC: dict[str, Any] = {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}


async def get_parameters(call: Call, request: Request) -> Response:
    arn = f"arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/name"
    known = {"Name": "/name", "Type": "String", "Value": "resolved", "ARN": arn}
    return {"Parameters": [known] if "/name" in request["Names"] else []}


@contextlib.contextmanager
def no_macros() -> Iterator[Macros]:
    with tempfile.TemporaryDirectory() as directory, opened_database(Path(directory)) as database:
        yield Macros(database, utc_now, account_id=ACCOUNT, region="us-east-1")


async def ask(template: Any = None, current: StackState | None = None, **request: Any) -> Desired:
    async def allow(*_: Any, **__: Any) -> None: ...

    in_process = InProcess(
        lambda: [Service("ssm", {"GetParameters": get_parameters})],
        allow,
        ACCOUNT,
        "us-east-1",
        lambda: datetime(2026, 1, 1, tzinfo=UTC),
        "http://127.0.0.1",
    )
    if template is not None:
        request["TemplateBody"] = text_of(template)
    asked = {"StackName": "shop", **request}
    with no_macros() as macros:
        return await desired(in_process, root(ACCOUNT), asked, current, {}, macros)


async def refused(*args: Any, **request: Any) -> str:
    with pytest.raises(ServiceError) as raised:
        await ask(*args, **request)
    return raised.value.message


@pytest.mark.parametrize(("length", "apart"), [(10, False), (200_000, True)])
async def test_a_long_template_is_read_beside_others_requests(
    length: int, apart: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def noted(text: str) -> Any:
        threads.append(threading.current_thread())
        return parse_document(text)

    monkeypatch.setattr(request, "parse_document", noted)
    template = TOPIC | {"Metadata": {"Long": "x" * length}}
    current = deployed(template)
    found = await ask(None, current, UsePreviousTemplate=True)
    assert found.template.body == current.template_body
    [thread] = threads
    assert (thread is not threading.current_thread()) == apart


async def test_what_the_request_leaves_out_stays_as_it_is() -> None:
    import dataclasses

    current = dataclasses.replace(
        deployed(TOPIC, tags={"team": "x"}), role_arn="arn:r", notification_arns=("arn:t",)
    )
    found = await ask(None, current, UsePreviousTemplate=True)
    assert found.template.body == current.template_body
    assert (found.tags, found.role_arn, found.notification_arns) == (
        {"team": "x"},
        "arn:r",
        ("arn:t",),
    )
    found = await ask(TOPIC, current, Tags=[], NotificationARNs=[], RoleARN="arn:other")
    assert (found.tags, found.role_arn, found.notification_arns) == ({}, "arn:other", ())


async def test_a_parameter_of_parameter_store_is_resolved_as_the_caller() -> None:
    template = TOPIC | {"Parameters": {"P": {"Type": "AWS::SSM::Parameter::Value<String>"}}}
    given = [{"ParameterKey": "P", "ParameterValue": "/name"}]
    found = await ask(template, Parameters=given)
    assert (found.parameters["P"].value, found.parameters["P"].effective) == ("/name", "resolved")
    given[0]["ParameterValue"] = "/other"
    assert await refused(template, Parameters=given) == (
        "Unable to fetch parameters [/other] from parameter store for this account."
    )


async def test_a_previous_value() -> None:
    template = TOPIC | {"Parameters": {"P": {"Type": "String"}}}
    given = [{"ParameterKey": "P", "UsePreviousValue": True}]
    found = await ask(template, deployed(template, {"P": "before"}), Parameters=given)
    assert found.parameters["P"].value == "before"


async def test_no_template() -> None:
    assert await refused() == "Either Template URL or Template Body must be specified."


async def test_types_that_the_request_does_not_allow() -> None:
    assert await refused(TOPIC, ResourceTypes=["AWS::EC2::*"]) == (
        "Resource type AWS::SNS::Topic is not allowed by parameter ResourceTypes [AWS::EC2::*]"
    )
    await ask(TOPIC, ResourceTypes=["AWS::SNS::*"])


async def test_a_circle() -> None:
    def topic(other: str) -> dict[str, Any]:
        return {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Ref": other}}}

    template = {"Resources": {"A": topic("B"), "B": topic("A"), "C": topic("A")}}
    assert await refused(template) == "Circular dependency between resources: [A, B]"


async def test_an_attribute_that_a_type_has_not() -> None:
    wrong = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": {"Fn::GetAtt": "Q.Nope"}}}
    assert await refused({"Resources": {"Q": {"Type": "AWS::SQS::Queue"}, "T": wrong}}) == (
        "Template error: resource Q does not support attribute type Nope in Fn::GetAtt"
    )


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("ImportExistingResources", True),
    ],
)
async def test_what_penstock_lacks_is_refused_by_name(member: str, value: Any) -> None:
    message = await refused(TOPIC, **{member: value})
    assert message.startswith("Penstock has no ")
    assert message.endswith(f"leave out {member}.")


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"Type": "AWS::S3::BucketPolicy"}, "does not evaluate policies of resources"),
        (
            {"Type": "AWS::SQS::Queue", "CreationPolicy": {"ResourceSignal": {"Count": 1}}},
            "CreationPolicy is not supported for AWS::SQS::Queue: it is for AWS::AppStream::Fleet",
        ),
    ],
)
async def test_what_a_record_would_say_was_done_is_refused(
    declared: dict[str, Any], said: str
) -> None:
    message = await refused({"Resources": {"Odd": declared}})
    assert message.startswith("Resource Odd: ")
    assert said in message
    left_out = {**TOPIC["Resources"], "Odd": {**declared, "Condition": "Never"}}
    conditions = {"Never": {"Fn::Equals": ["a", "b"]}}
    await ask({"Resources": left_out, "Conditions": conditions})


async def test_a_transform_that_there_is_not() -> None:
    request = {"Capabilities": ["CAPABILITY_AUTO_EXPAND"]}
    assert await refused(TOPIC | {"Transform": "Mine"}, **request) == (
        f"No transform named {ACCOUNT}::Mine found."
    )
    assert await refused(TOPIC | {"Transform": "AWS::Mine"}, **request) == (
        "No transform named AWS::Mine found."
    )
    assert "Penstock has no transform AWS::ServiceCatalog" in await refused(
        TOPIC | {"Transform": ["AWS::ServiceCatalog"]}, **request
    )
    assert await refused(TOPIC | {"Transform": "Mine"}) == (
        "Requires capabilities : [CAPABILITY_AUTO_EXPAND]"
    )


async def test_reserved_tags() -> None:
    assert "aws:team is reserved" in await refused(TOPIC, Tags=[{"Key": "aws:team", "Value": "x"}])


async def test_a_stack_tells_topics_that_the_caller_may_publish_to() -> None:
    async def refuse(principal: Any, action: str, resource: str, context: Any = None) -> None:
        assert (action, resource) == ("sns:Publish", "arn:t")
        raise ServiceError("AccessDeniedException", f"may not {action}")

    request = {"StackName": "shop", "TemplateBody": text_of(TOPIC), "NotificationARNs": ["arn:t"]}
    in_process = InProcess(
        list, refuse, ACCOUNT, "us-east-1", lambda: datetime(2026, 1, 1, tzinfo=UTC), "http://a"
    )
    with pytest.raises(ServiceError, match="may not sns:Publish"), no_macros() as macros:
        await desired(in_process, root(ACCOUNT), request, None, {}, macros)


async def test_a_template_is_read_once_for_a_request_and_its_operation() -> None:
    first = await ask(TOPIC | {"Description": "kept"})
    again = await ask(TOPIC | {"Description": "kept"})
    assert again.template is first.template
    assert stored_template(first.template.body) is first.template


async def test_what_only_a_transform_may_bring_in_is_refused_though_a_stack_has_it() -> None:
    """Locks: a request is given a template that was read for a stack, with fewer checks."""
    text = {"Fn::ToJsonString": {"a": "b"}}
    topic = {
        "Type": "AWS::SNS::Topic",
        "Properties": {"DisplayName": {"Fn::Sub": ["${L}", {"L": text}]}},
    }
    template = {"Resources": {"Topic": topic}}
    assert stored_template(text_of(template)).resources
    assert "Fn::ToJsonString" in await refused(template)
