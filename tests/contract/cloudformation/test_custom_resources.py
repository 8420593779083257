"""Custom resources, made by a real HTTP subscriber of an SNS topic."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.contract.cloudformation.answered_server import AnsweredServer
from tests.contract.cloudformation.provider import Provider, failed, provider, put, succeeded
from tests.stack_world import thing

TYPE = "Custom::Thing"
NO_ANSWER = (
    "CloudFormation did not receive a response from your Custom Resource. Please check your logs "
    "for requestId [{}]. If you are using the Python cfn-response module, you may need to update "
    "your Lambda function code so that CloudFormation can attach the updated version."
)


@pytest.fixture
def server(aws_server: Any, tmp_path: Path) -> AnsweredServer:
    return AnsweredServer(aws_server, tmp_path)


@pytest.fixture
def vendor() -> Iterator[Provider]:
    with provider() as made:
        yield made


@pytest.fixture
def topic(server: AnsweredServer, vendor: Provider) -> str:
    return server.topic(vendor)


def custom(topic: str, type: str = TYPE, after: str | None = None, **properties: Any) -> Any:
    found = {"Type": type, "Properties": {"ServiceToken": topic, **properties}}
    return {**found, "DependsOn": after} if after else found


def body(outputs: dict[str, Any] | None = None, **resources: Any) -> str:
    document: dict[str, Any] = {"Resources": resources}
    if outputs:
        document["Outputs"] = {name: {"Value": value} for name, value in outputs.items()}
    return json.dumps(document)


def reasons(server: AnsweredServer, status: str, name: str = "app") -> dict[str, str | None]:
    return {one[0]: one[3] for one in server.events(name) if one[2] == status}


def outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}


def test_the_life_of_one(server: AnsweredServer, vendor: Provider, topic: str) -> None:
    vendor.answer = lambda request: succeeded(
        request, Data={"Size": 3, "Deep": {"er": "x"}, "Echo": request["ResourceProperties"]["N"]}
    )
    shown = {"Size": {"Fn::GetAtt": ["A", "Size"]}, "Deep": {"Fn::GetAtt": ["A", "Deep.er"]},
             "Echo": {"Fn::Sub": "${A.Echo}"}, "Id": {"Ref": "A"}}  # fmt: skip
    made = custom(topic, Name="n", N=5, On=True, List=[1, {"Off": False}])
    stack = server.create("app", body(shown, A=made))
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert outputs(stack) == {"Size": "3", "Deep": "x", "Echo": "5", "Id": "id-of-n"}
    [asked] = vendor.requests
    url = asked.pop("ResponseURL")
    assert url.startswith(f"{server.response_url}/_penstock/responses/")
    properties = {"ServiceToken": topic, "Name": "n", "N": "5", "On": "true",
                  "List": ["1", {"Off": "false"}]}  # fmt: skip
    assert asked == {
        "RequestType": "Create", "ServiceToken": topic, "StackId": stack["StackId"],
        "RequestId": asked["RequestId"], "LogicalResourceId": "A", "ResourceType": TYPE,
        "ResourceProperties": properties,
    }  # fmt: skip
    told = [(one[1], one[2], one[3]) for one in server.events("app") if one[0] == "A"]
    assert told == [
        ("", "CREATE_IN_PROGRESS", None),
        ("id-of-n", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("id-of-n", "CREATE_COMPLETE", None),
    ]

    server.update("app", body(shown, A=custom(topic, Name="n", N=6)))
    _, update = vendor.requests
    assert update["RequestType"] == "Update"
    assert update["PhysicalResourceId"] == "id-of-n"
    assert update["ResourceProperties"] == {"ServiceToken": topic, "Name": "n", "N": "6"}
    assert update["OldResourceProperties"] == properties
    assert update["RequestId"] != asked["RequestId"]
    [now] = server.client.describe_stacks(StackName="app")["Stacks"]
    assert outputs(now)["Echo"] == "6"

    server.client.delete_stack(StackName="app")
    assert server.ended(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert vendor.kinds()[2] == ("Delete", "A", "id-of-n")
    assert vendor.requests[2]["ResourceProperties"]["N"] == "6"
    assert vendor.statuses == [200, 200, 200]


def test_the_plain_type_too(server: AnsweredServer, vendor: Provider, topic: str) -> None:
    made = custom(topic, "AWS::CloudFormation::CustomResource", Anything={"at": "all"}, Flag=True)
    assert server.create("app", body(A=made))["StackStatus"] == "CREATE_COMPLETE"
    assert vendor.requests[0]["ResourceType"] == "AWS::CloudFormation::CustomResource"
    assert server.client.describe_stack_resources(StackName="app")["StackResources"][0][
        "PhysicalResourceId"
    ] == "id-of-A"  # fmt: skip


def test_another_physical_id_replaces(server: AnsweredServer, vendor: Provider, topic: str) -> None:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        name = request["ResourceProperties"]["Name"]
        return succeeded(request, PhysicalResourceId=f"id-of-{name}", Data={"Id": name})

    vendor.answer = answer
    reader = thing()
    reader["Properties"]["Value"] = {"Fn::Sub": "${A} ${A.Id}"}
    server.create("app", body(A=custom(topic, Name="one"), Reader=reader))
    stack = server.update("app", body(A=custom(topic, Name="two"), Reader=reader))
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert vendor.kinds() == [
        ("Create", "A", None), ("Update", "A", "id-of-one"), ("Delete", "A", "id-of-one"),
    ]  # fmt: skip
    assert vendor.requests[2]["ResourceProperties"]["Name"] == "one"
    assert [each["Value"] for _, _, each in server.store.things()] == ["id-of-two two"]
    order = [one[2] for one in server.events("app") if one[0] in {"A", "app"}]
    assert order.index("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS") < order.index("DELETE_IN_PROGRESS")
    replaced = [one for one in server.events("app") if one[2] == "UPDATE_IN_PROGRESS"]
    assert any(
        one[:2] == ("A", "id-of-two") and "to create a new physical resource" in (one[3] or "")
        for one in replaced
    )


def test_a_rollback_deletes_the_replacement(
    server: AnsweredServer, vendor: Provider, topic: str
) -> None:
    vendor.answer = lambda request: succeeded(
        request, PhysicalResourceId=f"id-of-{request['ResourceProperties']['Name']}"
    )
    server.create("app", body(A=custom(topic, Name="one")))
    bad = {**thing(how="fail-before"), "DependsOn": "A"}
    stack = server.update("app", body(A=custom(topic, Name="two"), Bad=bad))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert vendor.kinds()[2:] == [("Delete", "A", "id-of-two")], "the one before is there still"
    [resource] = server.client.describe_stack_resources(StackName="app")["StackResources"]
    assert resource["PhysicalResourceId"] == "id-of-one"


def test_a_rollback_updates_back(server: AnsweredServer, vendor: Provider, topic: str) -> None:
    server.create("app", body(A=custom(topic, Size=1)))
    bad = {**thing(how="fail-before"), "DependsOn": "A"}
    stack = server.update("app", body(A=custom(topic, Size=2), Bad=bad))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    back = vendor.requests[-1]
    assert back["RequestType"] == "Update"
    assert back["ResourceProperties"]["Size"] == "1"
    assert back["OldResourceProperties"]["Size"] == "2"


def test_failures(server: AnsweredServer, vendor: Provider, topic: str) -> None:
    vendor.answer = lambda request: (
        failed(request, "no room\x1b left", PhysicalResourceId="half-made")
        if request["RequestType"] == "Create"
        else succeeded(request)
    )
    stack = server.create("app", body(A=custom(topic)))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    request_id = vendor.requests[0]["RequestId"]
    assert reasons(server, "CREATE_FAILED")["A"] == (
        "Received response status [FAILED] from custom resource. Message returned: no room left "
        f"(RequestId: {request_id})"
    )
    assert vendor.kinds() == [("Create", "A", None), ("Delete", "A", "half-made")]


def test_a_failed_update_goes_back_as_on_aws(
    server: AnsweredServer, vendor: Provider, topic: str
) -> None:
    """aws/aws-cdk#13527: what a failure names is what goes back, and is deleted when that answers
    with the old id."""

    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if request["RequestType"] == "Update" and request["ResourceProperties"]["Size"] == "2":
            return failed(request, "no", PhysicalResourceId="log-stream")
        return succeeded(request, PhysicalResourceId="id-of-A")

    vendor.answer = answer
    server.create("app", body(A=custom(topic, Size=1)))
    stack = server.update("app", body(A=custom(topic, Size=2)))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert vendor.kinds()[1:] == [
        ("Update", "A", "id-of-A"), ("Update", "A", "log-stream"), ("Delete", "A", "log-stream"),
    ]  # fmt: skip
    [resource] = server.client.describe_stack_resources(StackName="app")["StackResources"]
    assert resource["PhysicalResourceId"] == "id-of-A"


def test_a_deletion_that_fails(server: AnsweredServer, vendor: Provider, topic: str) -> None:
    vendor.answer = lambda request: (
        failed(request, "in use") if request["RequestType"] == "Delete" else succeeded(request)
    )
    stack_id = server.create("app", body(A=custom(topic)))["StackId"]
    server.client.delete_stack(StackName="app")
    assert server.ended(stack_id)["StackStatus"] == "DELETE_FAILED"
    assert "Message returned: in use" in (reasons(server, "DELETE_FAILED")["A"] or "")


def test_no_answer_in_time(server: AnsweredServer, vendor: Provider, topic: str) -> None:
    vendor.answer = lambda request: (
        None if request["RequestType"] == "Create" else succeeded(request)
    )
    stack = server.create("app", body(A=custom(topic, ServiceTimeout=1)))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    create, delete = vendor.requests
    assert create["ResourceProperties"]["ServiceTimeout"] == "1"
    assert reasons(server, "CREATE_FAILED")["A"] == NO_ANSWER.format(create["RequestId"])
    assert delete["RequestType"] == "Delete"
    assert delete["PhysicalResourceId"].startswith("app-A-"), "AWS makes an id up"
    late = json.dumps(succeeded(create)).encode()
    assert put(create["ResponseURL"], late) == 200, "as S3 takes it"
    assert reasons(server, "CREATE_COMPLETE").get("A", "never") == "never"


def test_what_waits_is_cancelled_by_anothers_failure(
    server: AnsweredServer, vendor: Provider, topic: str
) -> None:
    vendor.answer = lambda request: (
        None if request["RequestType"] == "Create" else succeeded(request)
    )
    bad = thing(how="fail-before")
    name = server.client.create_stack(StackName="app", TemplateBody=body(A=custom(topic), Bad=bad))
    stack = server.ended(name["StackId"])
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reasons(server, "CREATE_FAILED")["A"] == "Resource creation cancelled"
    assert vendor.kinds()[-1][0] == "Delete"
    assert str(vendor.kinds()[-1][2]).startswith("app-A-")


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"oops", "Invalid Response object: the response is not a JSON object"),
        (b"[" * 4000, "Invalid Response object: the response is not a JSON object"),
        (
            b'{"Status":"FAILURE"}',
            "Invalid Response object: 'FAILURE' is not a valid ResponseStatus",
        ),
        (b"x" * 4097, "Response object is too long."),
        (b"x" * 2_000_000, "Response object is too long."),
    ],
)
def test_answers_that_are_none(
    server: AnsweredServer, vendor: Provider, topic: str, sent: bytes, reason: str
) -> None:
    def answer(request: dict[str, Any]) -> Any:
        return sent if request["RequestType"] == "Create" else succeeded(request)

    vendor.answer = answer
    assert server.create("app", body(A=custom(topic)))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reasons(server, "CREATE_FAILED")["A"] == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"PhysicalResourceId": ""}, "Invalid PhysicalResourceId"),
        ({"StackId": "other"}, "StackId of the response does not match"),
        ({"RequestId": "other"}, "RequestId of the response does not match"),
        ({"LogicalResourceId": "B"}, "LogicalResourceId of the response does not match"),
        ({"Data": [1]}, "Data must be an object"),
    ],
)
def test_answers_of_others(
    server: AnsweredServer, vendor: Provider, topic: str, change: Any, reason: str
) -> None:
    vendor.answer = lambda request: (
        succeeded(request, **change) if request["RequestType"] == "Create" else succeeded(request)
    )
    assert server.create("app", body(A=custom(topic)))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in (reasons(server, "CREATE_FAILED")["A"] or "")


def test_an_attribute_that_was_not_answered(
    server: AnsweredServer, vendor: Provider, topic: str
) -> None:
    reader = thing()
    reader["Properties"]["Value"] = {"Fn::GetAtt": ["A", "Arn"]}
    stack = server.create("app", body(A=custom(topic), Reader=reader))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    request = vendor.requests[0]
    assert reasons(server, "CREATE_FAILED")["Reader"] == (
        "CustomResource attribute error: Vendor response doesn't contain Arn attribute in object "
        f"{stack['StackId']}|A|{request['RequestId']}"
    )


def test_an_attribute_that_only_the_update_answers(
    server: AnsweredServer, vendor: Provider, topic: str
) -> None:
    vendor.answer = lambda request: succeeded(request, Data=request["ResourceProperties"])
    server.create("app", body(A=custom(topic, One="1")))
    wanted = {"Two": {"Fn::GetAtt": ["A", "Two"]}}
    stack = server.update("app", body(wanted, A=custom(topic, Two="2")))
    assert outputs(stack) == {"Two": "2"}


def test_the_service_token_stays(server: AnsweredServer, vendor: Provider, topic: str) -> None:
    other = server.topic(vendor, "other")
    for type_ in (TYPE, "AWS::CloudFormation::CustomResource"):
        name = type_.rpartition(":")[2]
        server.create(name, body(A=custom(topic, type_)))
        stack = server.update(name, body(A=custom(other, type_)))
        assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        found = reasons(server, "UPDATE_FAILED", name)["A"]
        assert found == "Modifying service token is not allowed."
    assert [kind for kind, _, _ in vendor.kinds()] == ["Create", "Create"]


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"ServiceToken": "arn:aws:s3:::bucket"}, "Invalid service token"),
        ({"ServiceTimeout": 3601}, "from 1 to 3600"),
        ({"ServiceTimeout": "soon"}, "from 1 to 3600"),
    ],
)
def test_wrong_properties(
    server: AnsweredServer, vendor: Provider, topic: str, properties: Any, reason: str
) -> None:
    made = {"Type": TYPE, "Properties": {"ServiceToken": topic, **properties}}
    assert server.create("app", body(A=made))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert reason in (reasons(server, "CREATE_FAILED")["A"] or "")
    assert vendor.requests == []


def test_a_topic_that_is_not_there(server: AnsweredServer) -> None:
    missing = "arn:aws:sns:us-east-1:123456789012:missing"
    assert server.create("app", body(A=custom(missing)))["StackStatus"] == "ROLLBACK_COMPLETE"
    told = reasons(server, "CREATE_FAILED")["A"] or ""
    assert "Topic does not exist (Service: AmazonSNS; Status Code: " in told
    assert "Error Code: NotFound; Request ID: " in told


def test_secrets_of_an_answer(
    server: AnsweredServer, vendor: Provider, topic: str, tmp_path: Path
) -> None:
    vendor.answer = lambda request: succeeded(
        request, NoEcho=True, Data={"Key": "xyzzy-" + request["ResourceProperties"]["N"]}
    )

    def template(number: int) -> str:
        reader = thing()
        reader["Properties"]["Value"] = {"Fn::Sub": "the ${A.Key}"}
        return body(A=custom(topic, N=number), Reader=reader)

    server.create("app", template(1))
    assert [each["Value"] for _, _, each in server.store.things()] == ["the xyzzy-1"]
    named = {"StackName": "app", "ChangeSetName": "cs"}
    client = server.client
    client.create_change_set(**named, TemplateBody=template(2))
    client.get_waiter("change_set_create_complete").wait(**named, WaiterConfig={"Delay": 0})
    shown = [
        client.describe_change_set(**named, IncludePropertyValues=True),
        client.describe_change_set(**named),
    ]
    client.execute_change_set(**named)
    server.ended("app")
    shown += [
        client.describe_stack_events(StackName="app"), client.describe_stacks(StackName="app"),
        client.describe_stack_resources(StackName="app"),
    ]  # fmt: skip
    assert [each["Value"] for _, _, each in server.store.things()] == ["the xyzzy-2"]
    assert "xyzzy" not in json.dumps(shown, default=str)
    assert '"Value": "****"' in str(shown) or "****" in str(shown)
    kept = [
        file.name
        for file in tmp_path.rglob("*")
        if file.is_file() and file.name != "outside.db" and not file.name.startswith("outside.db")
        and b"xyzzy" in file.read_bytes()
    ]  # fmt: skip
    assert kept == []


def test_an_answer_stays_secret_over_updates_that_leave_it_alone(
    server: AnsweredServer, vendor: Provider, topic: str
) -> None:
    """The first such update made it an open one, and the events of what was added told it; a later
    one was refused an attribute that only the provider knows."""
    vendor.answer = lambda request: succeeded(
        request, NoEcho=True, Data={"Key": "xyzzy", "New": "xyzzy too"}
    )

    def reader(attribute: str, how: str) -> Any:
        made = thing(how=how)
        made["Properties"]["Value"] = {"Fn::GetAtt": ["A", attribute]}
        return made

    server.create("app", body(A=custom(topic), R=reader("Key", "one")))
    added = {f"R{number}": reader("Key", "two") for number in range(3)}
    for number in range(3):
        names = list(added)[: number + 1]
        template = body(A=custom(topic), R=reader("Key", "one"), **{n: added[n] for n in names})
        assert server.update("app", template)["StackStatus"] == "UPDATE_COMPLETE"
    template = body(A=custom(topic, More="1"), R=reader("New", "one"))
    assert server.update("app", template)["StackStatus"] == "UPDATE_COMPLETE"
    assert [each["Value"] for _, _, each in server.store.things()] == ["xyzzy too"]
    told = server.client.describe_stack_events(StackName="app")
    assert "xyzzy" not in json.dumps(told, default=str)
    assert len(vendor.requests) == 2


def test_a_secret_that_is_asked_with(
    server: AnsweredServer, vendor: Provider, topic: str, tmp_path: Path
) -> None:
    """It reaches the provider, and waits for that in no file in the clear."""
    document = json.loads(body(A=custom(topic, Password={"Ref": "Password"})))
    document["Parameters"] = {"Password": {"Type": "String", "NoEcho": True}}
    given = [{"ParameterKey": "Password", "ParameterValue": "hunter2-asked"}]
    server.create("app", json.dumps(document), Parameters=given)
    [request] = vendor.requests
    assert request["ResourceProperties"]["Password"] == "hunter2-asked"
    told = server.client.describe_stack_events(StackName="app")
    assert "hunter2" not in json.dumps(told, default=str)
    kept = [
        file.name
        for file in tmp_path.rglob("*")
        if file.is_file() and not file.name.startswith("outside.db")
        and any(word in file.read_bytes() for word in (b"hunter2", request["ResponseURL"].encode()))
    ]  # fmt: skip
    assert kept == []


def test_addresses(server: AnsweredServer, vendor: Provider, topic: str) -> None:
    vendor.answer = lambda request: (
        None if request["RequestType"] == "Create" else succeeded(request)
    )
    server.client.create_stack(StackName="app", TemplateBody=body(A=custom(topic)))
    request = vendor.arrived.get(timeout=10)
    url = request["ResponseURL"]
    token = url.split("/")[-2]
    assert len(token) >= 43
    wrong = url.replace(token, token[:-1] + ("A" if token[-1] != "A" else "B"))
    first = json.dumps(succeeded(request, PhysicalResourceId="first")).encode()
    assert put(wrong, first) == 403
    assert put(url, first) == 200
    assert put(url, json.dumps(succeeded(request, PhysicalResourceId="second")).encode()) == 200
    assert server.ended("app")["StackStatus"] == "CREATE_COMPLETE"
    [resource] = server.client.describe_stack_resources(StackName="app")["StackResources"]
    assert resource["PhysicalResourceId"] == "first", "a second answer changes nothing"
    stored = (server.directory / "penstock.db").read_bytes()
    assert token.encode() not in stored, "the token is kept encrypted alone"


def test_without_a_service_token(server: AnsweredServer) -> None:
    made = {"Type": TYPE, "Properties": {"N": "1"}}
    assert server.create("app", body(A=made))["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "ServiceToken" in (reasons(server, "CREATE_FAILED")["A"] or "")


def test_many_wait_at_once(server: AnsweredServer, vendor: Provider, topic: str) -> None:
    begun = time.monotonic()
    resources = {f"R{number}": custom(topic, Name=f"n{number}") for number in range(10)}
    assert server.create("app", body(**resources))["StackStatus"] == "CREATE_COMPLETE"
    assert len(vendor.requests) == 10
    assert time.monotonic() - begun < 4, "an answer wakes its resource up"


def test_an_answer_that_looks_like_a_reference_stays_text(
    server: AnsweredServer, vendor: Provider, topic: str
) -> None:
    # Whoever answers would read with the role of the stack what he may not read himself.
    server.secrets.create_secret(Name="prod", SecretString="swordfish-9")
    server.ssm.put_parameter(Name="/hidden", Value="pike-9", Type="String")
    data = {
        "Whole": "{{resolve:secretsmanager:prod}}",
        "Plain": "{{resolve:ssm:/hidden}}",
        "Host": "{{resolve",
        "Port": "secretsmanager:prod}}",
    }
    vendor.answer = lambda request: succeeded(request, Data=data)
    resources = {
        "A": custom(topic),
        "B": thing({"Fn::GetAtt": ["A", "Whole"]}),
        "C": thing({"Fn::Sub": "${A.Host}:${A.Port}"}),
        "D": thing({"Fn::Sub": "{{resolve:secretsmanager:prod}} ${A.Plain}"}),
    }
    wanted = {"O": {"Fn::GetAtt": ["A", "Plain"]}}
    for text in (body(wanted, **resources), body(wanted, **resources, E=thing("1"))):
        if text == body(wanted, **resources):
            stack = server.create("app", text)
        else:
            stack = server.update("app", text)
        assert stack["StackStatus"].endswith("E_COMPLETE"), reasons(server, "CREATE_FAILED")
        found = {name: properties["Value"] for name, _, properties in server.store.things()}
        assert found["B"] == found["C"] == data["Whole"]
        assert found["D"] == "swordfish-9 " + data["Plain"]
        assert outputs(stack) == {"O": data["Plain"]}


def test_an_answer_that_looks_like_a_reference_is_no_parameter_of_a_nested_stack(
    server: AnsweredServer, vendor: Provider, topic: str
) -> None:
    vendor.answer = lambda request: succeeded(
        request, Data={"Word": "{{resolve:secretsmanager:prod}}"}
    )
    child = {"Parameters": {"P": {"Type": "String"}}, "Resources": {"T": thing({"Ref": "P"})}}
    url = server.put_template("child.json", json.dumps(child))
    properties = {"TemplateURL": url, "Parameters": {"P": {"Fn::GetAtt": ["A", "Word"]}}}
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": properties}
    stack = server.create("app", body(A=custom(topic), N=nested))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    why = reasons(server, "CREATE_FAILED")["N"]
    assert why is not None
    assert "Write the reference where it is used" in why
