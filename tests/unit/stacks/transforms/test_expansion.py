"""Includes and macros: order, scope, and AWS's words when they fail.

Requests and texts: recorded from AWS (`transformId`, templateParameterValues, `failed with`,
`failed without an error message`, `Received malformed response`); evaluation order of AWS's page on
macros.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.databases import opened_database

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.principals import root
from penstock.aws.service import Call, Request, Response, Service
from penstock.clock import utc_now
from penstock.stacks.template.document import parse_document
from penstock.stacks.template.parameter_section import read_parameters
from penstock.stacks.template.template import ParameterValue
from penstock.stacks.template.transforms import FUNCTION
from penstock.stacks.transforms import failure
from penstock.stacks.transforms.expansion import Expansion
from penstock.stacks.transforms.macro_registry import Macro, Macros
from penstock.stacks.transforms.resolver import Known

ACCOUNT = "123456789012"
Answer = Callable[[dict[str, Any]], Any]


class World:
    """Objects of S3 by `bucket/key`, and functions that answer a macro's event."""

    def __init__(self, directory: Path) -> None:
        self.objects: dict[str, str] = {}
        self.functions: dict[str, Answer] = {}
        self.events: list[dict[str, Any]] = []
        self.errors: set[str] = set()
        self.delay = 0.0
        self._open = contextlib.ExitStack()
        database = self._open.enter_context(opened_database(directory))
        self.macros = Macros(database, utc_now, account_id=ACCOUNT, region="us-east-1")
        services = [
            Service("s3", {"GetObject": self._get_object}),
            Service("lambda", {"Invoke": self._invoke}),
        ]

        async def allow(*_: Any, **__: Any) -> None: ...

        self._in_process = InProcess(
            lambda: services, allow, ACCOUNT, "us-east-1", utc_now, "http://127.0.0.1"
        )

    def close(self) -> None:
        self._open.close()

    async def macro(self, name: str, answer: Answer) -> None:
        self.functions[f"of-{name}"] = answer
        assert await self.macros.register(Macro(name, f"of-{name}", "stack M"))

    async def expand(self, text: str, **given: str) -> dict[str, Any]:
        document = parse_document(text)
        declared = read_parameters(document)
        values = {
            name: ParameterValue(given.get(name, one.default or ""), one.no_echo)
            for name, one in declared.items()
        }
        template = await self.expansion(declared, values).template(document, text)
        assert template.original == text
        found: dict[str, Any] = json.loads(template.body)
        return found

    def expansion(self, declared: Any = None, values: Any = None) -> Expansion:
        known = Known("us-east-1", ACCOUNT, "shop", "", declared or {}, values or {})
        return Expansion(self._in_process, root(ACCOUNT), self.macros, known)

    async def refused(self, text: str, **given: str) -> str:
        with pytest.raises(ServiceError) as raised:
            await self.expand(text, **given)
        assert raised.value.code == "ValidationError"
        return raised.value.message

    async def _get_object(self, call: Call, request: Request) -> Response:
        if request["Bucket"] != "snippets":
            raise ServiceError("NoSuchBucket", "no bucket", status=404)
        text = self.objects.get(request["Key"])
        if text is None:
            raise ServiceError("NoSuchKey", "The specified key does not exist.", status=404)

        async def body() -> AsyncIterator[bytes]:
            yield text.encode()

        return {"Body": body()}

    async def _invoke(self, call: Call, request: Request) -> Response:
        assert call.via == "cloudformation.amazonaws.com"
        name = request["FunctionName"]
        if name not in self.functions:
            raise ServiceError("ResourceNotFoundException", f"Function not found: {name}")
        event = json.loads(request["Payload"])
        self.events.append(event)
        await asyncio.sleep(self.delay)
        answer = {"StatusCode": 200, "Payload": json.dumps(self.functions[name](event)).encode()}
        return answer | ({"FunctionError": "Unhandled"} if name in self.errors else {})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def success(change: Answer) -> Answer:
    return lambda event: {
        "requestId": event["requestId"],
        "status": "SUCCESS",
        "fragment": change(event),
    }


def include(key: str) -> str:
    return f"{{Name: 'AWS::Include', Parameters: {{Location: 's3://snippets/{key}'}}}}"


TOPIC = "Resources: {T: {Type: AWS::SNS::Topic}}\n"
SECTION_ONLY = (
    "Transform AWS::LanguageExtensions failed with: it can be declared in the section Transform "
    "only"
)


class TestInclude:
    async def test_at_the_top(self, world: World) -> None:
        world.objects["more.yaml"] = (
            "Outputs: {O: {Value: 1}}\nResources: {U: {Type: AWS::SNS::Topic}}"
        )
        found = await world.expand(f"Transform: {include('more.yaml')}\n{TOPIC}")
        assert list(found) == ["Resources", "Outputs"]
        assert list(found["Resources"]) == ["T", "U"]

    async def test_in_a_section_and_in_properties(self, world: World) -> None:
        world.objects["u.json"] = '{"U": {"Type": "AWS::SNS::Topic"}}'
        world.objects["names"] = "DisplayName:\n  Fn::Sub: ${AWS::Region}"
        found = await world.expand(f"""
Resources:
  Fn::Transform: {include("u.json")}
  T:
    Type: AWS::SNS::Topic
    Properties: {{TopicName: t, Fn::Transform: {include("names")}}}
""")
        assert found["Resources"] == {
            "T": {
                "Type": "AWS::SNS::Topic",
                "Properties": {"TopicName": "t", "DisplayName": {"Fn::Sub": "${AWS::Region}"}},
            },
            "U": {"Type": "AWS::SNS::Topic"},
        }

    async def test_a_location_by_functions_of_parameters(self, world: World) -> None:
        world.objects["dev.yaml"] = "U: {Type: AWS::SNS::Topic}"
        text = """
Parameters: {Stage: {Type: String}}
Resources:
  Fn::Transform: {Name: AWS::Include, Parameters: {Location: !Sub 's3://snippets/${Stage}.yaml'}}
"""
        assert list((await world.expand(text, Stage="dev"))["Resources"]) == ["U"]
        assert await world.refused(text.replace("!Sub", "!GetAtt"), Stage="dev") == (
            "The value of parameter Location under transform AWS::Include must resolve to a "
            "string, number, boolean or a list of any of these."
        )

    @pytest.mark.parametrize(
        "snippet",
        [
            "a: !Ref B",
            "{",
            "a: [",
            "",
            "Fn::Transform: {Name: AWS::Include, Parameters: {Location: s3://snippets/b}}",
            "a: &a 1\nb: *a",
        ],
    )
    async def test_what_is_no_snippet(self, world: World, snippet: str) -> None:
        world.objects["a"] = snippet
        assert await world.refused(f"Transform: {include('a')}\n{TOPIC}") == (
            "Transform AWS::Include failed with: The specified S3 object's content should be "
            "valid Yaml/JSON"
        )

    @pytest.mark.parametrize(
        ("location", "message"),
        [
            ("https://a/b", "The location parameter is not a valid S3 uri."),
            ("s3://snippets", "The location parameter is not a valid S3 uri."),
            ("[a]", "The location parameter is not a valid S3 uri."),
            ("s3://elsewhere/a", "S3 bucket [elsewhere] does not exist."),
            (
                "s3://snippets/a",
                "S3 object [a] in bucket [snippets]: The specified key does not exist.",
            ),
        ],
    )
    async def test_where_no_snippet_is(self, world: World, location: str, message: str) -> None:
        text = f"Transform: {{Name: AWS::Include, Parameters: {{Location: {location}}}}}\n{TOPIC}"
        assert await world.refused(text) == f"Transform AWS::Include failed with: {message}"

    async def test_what_is_there_twice(self, world: World) -> None:
        world.objects["a"] = "Resources: {T: {Type: AWS::SQS::Queue}}"
        assert await world.refused(f"Transform: {include('a')}\n{TOPIC}") == (
            "Transform AWS::Include failed with: The key T is in the template and in the "
            "specified S3 object"
        )

    async def test_many_snippets_end_at_the_limit_of_a_template(self, world: World) -> None:
        world.objects["a"] = json.dumps({"N": "x" * 300_000})
        some = "".join(f"\n  P{n}: {{Fn::Transform: {include('a')}}}" for n in range(4))
        text = f"Metadata:{some}\n{TOPIC}"
        assert await world.refused(text) == "Template may not exceed 1000000 bytes in size."


class TestMacros:
    async def test_the_event_of_the_section(self, world: World) -> None:
        await world.macro("Mine", success(lambda event: event["fragment"]))
        found = await world.expand(
            "Parameters: {P: {Type: String, Default: p}, S: {Type: String, Default: hidden, "
            "NoEcho: true}, L: {Type: CommaDelimitedList, Default: 'a,b'}}\n"
            "Transform: {Name: Mine, Parameters: {Input: !Ref P}}\n" + TOPIC
        )
        assert "Transform" not in found
        [event] = world.events
        assert event.pop("requestId")
        assert event == {
            "region": "us-east-1",
            "accountId": ACCOUNT,
            "transformId": f"{ACCOUNT}::Mine",
            "params": {"Input": "p"},
            "templateParameterValues": {"P": "p", "L": ["a", "b"]},
            "fragment": found,
        }

    async def test_the_innermost_first_then_the_section_in_its_order(self, world: World) -> None:
        def add(word: str) -> Answer:
            def change(event: dict[str, Any]) -> Any:
                text = json.dumps(event["fragment"])
                return json.loads(text.replace("HERE", f"{word} HERE"))

            return success(change)

        for name in ("Inner", "Outer", "First", "Second"):
            await world.macro(name, add(name))
        found = await world.expand("""
Transform: [First, {Name: Second}]
Resources:
  T:
    Type: AWS::SNS::Topic
    Properties:
      Fn::Transform: Outer
      Tags:
        - {Key: a, Value: HERE, Fn::Transform: {Name: Inner}}
""")
        [tag] = found["Resources"]["T"]["Properties"]["Tags"]
        assert tag == {"Key": "a", "Value": "Inner Outer First Second HERE"}

    async def test_a_value_in_the_place_of_the_function(self, world: World) -> None:
        await world.macro("Upper", success(lambda event: event["params"]["Text"].upper()))
        found = await world.expand(
            "Resources: {T: {Type: AWS::SNS::Topic, Properties: {TopicName: "
            "{Fn::Transform: [{Name: Upper, Parameters: {Text: abc}}]}}}}"
        )
        assert found["Resources"]["T"]["Properties"] == {"TopicName": "ABC"}

    async def test_a_macro_before_aws_s_own(self, world: World) -> None:
        loop = {"Fn::ForEach::T": ["N", ["A", "B"], {"T${N}": {"Type": "AWS::SNS::Topic"}}]}
        await world.macro("Loop", success(lambda event: {"Resources": loop}))
        found = await world.expand(f"Transform: [Loop, AWS::LanguageExtensions]\n{TOPIC}")
        assert list(found["Resources"]) == ["TA", "TB"]

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            ({"status": "failure", "errorMessage": "no luck"}, "Transform {} failed with: no luck"),
            ({"status": "failure"}, "Transform {} failed without an error message."),
            ({"status": "success"}, "Received malformed response from transform {}"),
            (
                {"status": "success", "fragment": {}, "requestId": "other"},
                "Received malformed response from transform {}",
            ),
            (
                {"status": "success", "fragment": "text"},
                "Template format error: unsupported structure.",
            ),
            (
                {"status": "success", "fragment": {"Resources": {}}},
                "Template format error: At least one Resources member must be defined.",
            ),
        ],
    )
    async def test_failures(self, world: World, answer: dict[str, Any], message: str) -> None:
        await world.macro("Mine", lambda event: {"requestId": event["requestId"], **answer})
        found = await world.refused(f"Transform: Mine\n{TOPIC}")
        assert found == message.format(f"{ACCOUNT}::Mine")

    async def test_a_function_that_raises_or_is_not_there(self, world: World) -> None:
        await world.macro("Mine", lambda event: {"errorMessage": "boom"})
        world.errors.add("of-Mine")
        assert await world.refused(f"Transform: Mine\n{TOPIC}") == (
            f"Received malformed response from transform {ACCOUNT}::Mine"
        )
        await world.macros.register(Macro("Gone", "gone", "stack G"))
        assert await world.refused(f"Transform: Gone\n{TOPIC}") == (
            f"Transform {ACCOUNT}::Gone failed with: gone: Function not found: gone"
        )

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("Transform: Absent", f"No transform named {ACCOUNT}::Absent found."),
            ("Transform: [{Name: !Ref P}]", "Key Name of transform definition must be a string."),
            (
                "Metadata: {Fn::Transform: AWS::LanguageExtensions}",
                SECTION_ONLY,
            ),
        ],
    )
    async def test_what_is_no_macro(self, world: World, text: str, message: str) -> None:
        assert await world.refused(f"{text}\n{TOPIC}") == message


class TestLimits:
    async def test_uses(self, world: World) -> None:
        world.objects["a"] = "A: 1"

        def text(count: int) -> str:
            some = "".join(f"\n  P{n}: {{Fn::Transform: {include('a')}}}" for n in range(count))
            return f"Metadata:{some}\n{TOPIC}"

        assert len((await world.expand(text(100)))["Metadata"]) == 100
        assert await world.refused(text(101)) == (
            "Expected at most 100 uses of transforms in a template, found more. Use a macro for "
            "the whole template, in its section Transform."
        )
        names = ", ".join(["AWS::LanguageExtensions"] * 101)
        assert "at most 100 uses" in await world.refused(f"Transform: [{names}]\n{TOPIC}")

    async def test_time(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(failure, "MOST_SECONDS", 0.2)
        world.delay = 0.05
        await world.macro("Mine", success(lambda event: event["fragment"]))
        names = ", ".join(["Mine"] * 20)
        assert await world.refused(f"Transform: [{names}]\n{TOPIC}") == (
            "Expected the template's transforms to end within 0 seconds, and they did not. Use "
            "fewer macros, or faster ones."
        )
        assert 0 < len(world.events) < 20

    async def test_a_time_out_of_something_else_is_no_limit(self, world: World) -> None:
        def late(event: dict[str, Any]) -> Any:
            raise TimeoutError

        await world.macro("Mine", late)
        with pytest.raises(TimeoutError):
            await world.expand(f"Transform: Mine\n{TOPIC}")

    async def test_a_deep_document_is_walked_once(self, world: World) -> None:
        """Each level was looked through again for each level above it."""
        node: Any = {"Fn::Transform": {"Name": "Mine"}}
        for _ in range(90):
            node = {"Wide": [{"A": {}}] * 1_500, "Deep": node}
        await world.macro("Mine", success(lambda event: {}))
        document = {"Metadata": node, "Resources": {"T": {"Type": "AWS::SNS::Topic"}}}
        began = time.process_time()
        made = await world.expansion()._embedded(document)
        assert time.process_time() - began < 1
        assert made["Metadata"]["Wide"] is node["Wide"]
        assert FUNCTION not in json.dumps(made)

    @pytest.mark.timeout(20)
    async def test_what_parameters_are_evaluated_to(self, world: World) -> None:
        some = [{"Fn::Join": ["", {"Ref": "List"}]}] * 2_000
        document = {
            "Parameters": {"List": {"Type": "CommaDelimitedList", "Default": "," * 4095}},
            "Resources": {
                "Fn::Transform": {
                    "Name": "AWS::Include",
                    "Parameters": {"Location": {"Fn::Join": ["", some]}},
                }
            },
        }
        message = await world.refused(json.dumps(document))
        assert message == "Template may not exceed 1000000 bytes in size."


class TestRegistry:
    async def test_a_name_belongs_to_one_resource(self, world: World) -> None:
        one, other = Macro("M", "f", "stack A"), Macro("M", "g", "stack B")
        assert await world.macros.register(one)
        assert await world.macros.register(one)
        assert not await world.macros.register(other)
        await world.macros.forget("M", "stack B")
        assert await world.macros.find("M") == one
        assert await world.macros.register(Macro("M", "h", "stack A"))
        found = await world.macros.find("M")
        assert found is not None
        assert found.function_name == "h"
        await world.macros.forget("M", "stack A")
        await world.macros.forget("M", "stack A")
        assert await world.macros.find("M") is None
