"""AWS::Serverless-2016-10-31, by AWS's own library: what it makes are ordinary types.

Expected types: "Generated CloudFormation resources" of the serverless model's developer guide.
"""

import asyncio
import json
import threading
from typing import Any

import pytest

from penstock.aws.errors import ServiceError
from penstock.stacks.template.document import parse_document
from penstock.stacks.template.load import load_document
from penstock.stacks.transforms import serverless
from penstock.stacks.transforms.resolver import Known
from penstock.stacks.transforms.serverless import NAME, translated

KNOWN = Known("eu-west-1", "123456789012", "shop")
FUNCTION = """
Globals: {Function: {Runtime: python3.12, Timeout: 7}}
Resources:
  F:
    Type: AWS::Serverless::Function
    Properties:
      Handler: index.handler
      InlineCode: "def handler(e, c): return 1"
      Policies: [AmazonDynamoDBReadOnlyAccess]
      Events: {Get: {Type: Api, Properties: {Path: /, Method: get}}}
  T: {Type: AWS::Serverless::SimpleTable}
  Q: {Type: AWS::SQS::Queue}
"""


def made(text: str) -> dict[str, Any]:
    document = asyncio.run(translated(parse_document(text), KNOWN))
    load_document(document, json.dumps(document))
    return document


def refused(text: str) -> str:
    with pytest.raises(ServiceError) as raised:
        made(text)
    assert raised.value.code == "ValidationError"
    return raised.value.message


def test_types() -> None:
    found = made(FUNCTION)
    assert "Globals" not in found
    types = {name: one["Type"] for name, one in found["Resources"].items()}
    assert types["F"] == "AWS::Lambda::Function"
    assert types["FRole"] == "AWS::IAM::Role"
    assert types["T"] == "AWS::DynamoDB::Table"
    assert types["Q"] == "AWS::SQS::Queue"
    assert types["ServerlessRestApi"] == "AWS::ApiGateway::RestApi"
    assert found["Resources"]["F"]["Properties"]["Timeout"] == 7


def test_a_managed_policy_by_name_without_a_network() -> None:
    arns = made(FUNCTION)["Resources"]["FRole"]["Properties"]["ManagedPolicyArns"]
    assert "arn:aws:iam::aws:policy/AmazonDynamoDBReadOnlyAccess" in arns


def test_the_template_that_was_given_stays_as_it_was() -> None:
    document = parse_document(FUNCTION)
    asyncio.run(translated(document, KNOWN))
    assert document == parse_document(FUNCTION)


def test_a_mistake_in_the_library_s_words() -> None:
    assert refused("Resources: {F: {Type: AWS::Serverless::Function, Properties: {Nme: x}}}") == (
        f"Transform {NAME} failed with: Invalid Serverless Application Specification document. "
        "Number of errors found: 1. Resource with id [F] is invalid. property Nme not defined for "
        "resource of type AWS::Serverless::Function"
    )


def test_a_template_that_the_library_cannot_read(monkeypatch: pytest.MonkeyPatch) -> None:
    from samtranslator.translator.translator import Translator

    def broken(*_: Any, **__: Any) -> None:
        raise KeyError("Properties")

    monkeypatch.setattr(Translator, "translate", broken)
    assert refused(FUNCTION) == f"Received malformed response from transform {NAME}"


def test_a_mistake_that_the_library_finds_early() -> None:
    text = "Resources: {F: {Type: AWS::Serverless::Function, Condition: [a]}}"
    assert refused(text).endswith("Every Condition member must be a string.")


def test_an_application_of_the_repository_is_refused() -> None:
    text = """
Resources:
  A:
    Type: AWS::Serverless::Application
    Properties: {Location: {ApplicationId: "arn:aws:serverlessrepo:x", SemanticVersion: 1.0.0}}
"""
    assert "Resource with id [A] is invalid. Penstock has no Serverless Application" in refused(
        text
    )


async def test_templates_that_wait_for_the_library_keep_no_thread_from_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go, running = threading.Event(), [0, 0]

    def slow(document: Any, known: Known) -> dict[str, Any]:
        running[0] += 1
        running[1] = max(running)
        assert go.wait(10)
        running[0] -= 1
        return dict(document)

    monkeypatch.setattr(serverless, "_translated", slow)
    asked = [asyncio.create_task(translated({"n": n}, KNOWN)) for n in range(40)]
    await asyncio.sleep(0)
    assert await asyncio.wait_for(asyncio.to_thread(lambda: "answered"), 5) == "answered"
    go.set()
    assert [each["n"] for each in await asyncio.gather(*asked)] == list(range(40))
    assert running[1] == 1


def of_an_api(events: int) -> str:
    paths = {
        f"E{n}": {"Type": "Api", "Properties": {"Path": f"/{n}", "Method": "get"}}
        for n in range(events)
    }
    properties = {"Handler": "a.b", "Runtime": "python3.12", "InlineCode": "x", "Events": paths}
    function = {"Type": "AWS::Serverless::Function", "Properties": properties}
    return json.dumps({"Resources": {"F": function}})


def test_events_of_apis_are_few_enough_for_the_library() -> None:
    # It copies all of them for each: some hundreds held its one thread for minutes.
    assert refused(of_an_api(400)) == (
        f"Transform {NAME} failed with: Expected the number of events of APIs times their "
        "characters to be at most 4000000, found 400 events of 26290 characters. Divide them "
        "into several templates."
    )
    assert made(of_an_api(10))["Resources"]["F"]["Type"] == "AWS::Lambda::Function"


def test_more_than_a_template_may_become() -> None:
    assert refused(of_an_api(500)) == (
        f"Transform {NAME} failed with: Expected at most 500 serverless resources and events of "
        "them, found 501: each makes at least one resource of the template."
    )
    functions = {f"T{n}": {"Type": "AWS::Serverless::Function"} for n in range(100)}
    shared = {"Function": {"Description": "x" * 90_000}}
    message = refused(json.dumps({"Globals": shared, "Resources": functions}))
    assert message == "Template may not exceed 1000000 bytes in size."
