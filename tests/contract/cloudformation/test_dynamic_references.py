"""Dynamic references: text in all that is shown, a value for the resource alone.

Expected texts are those of AWS that reference_lookups.py and dynamic_references.py name.
"""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

KIND = "AWS::SSM::Parameter"
PASSWORD = "swordfish-9"
NOT_THERE = (
    "Secrets Manager can't find the specified secret. (Service: AWSSecretsManager; Status Code: "
    "400; Error Code: ResourceNotFoundException; Request ID: "
)
WRONG_SECRET = (
    "Incorrect format is used in the following Secrets Manager reference: "
    "[{{resolve:secretsmanager:a:Binary}}]"
)
REFERENCE = "{{resolve:secretsmanager:app:SecretString:password}}"


def parameter(value: Any, **more: Any) -> dict[str, Any]:
    return {"Type": KIND, "Properties": {"Type": "String", "Value": value, **more}}


def body(resources: dict[str, Any], **more: Any) -> str:
    return json.dumps({"Resources": resources, **more})


def things(server: Any) -> dict[str, Any]:
    return {logical: properties for logical, _, properties in server.store.things()}


def all_that_is_shown(server: Any, name: str) -> str:
    client = server.client
    shown: list[Any] = [
        client.describe_stacks(StackName=name),
        client.describe_stack_events(StackName=name),
        client.describe_stack_resources(StackName=name),
        client.get_template(StackName=name),
    ]
    return json.dumps(shown, default=str)


def failures(server: Any, name: str) -> dict[str, str]:
    return {who: why for who, _, status, why in server.events(name) if "FAILED" in status}


@pytest.fixture
def secret(server: Any) -> Any:
    value = json.dumps({"user": "ada", "password": PASSWORD, "port": 5432})
    return server.secrets.create_secret(Name="app", SecretString=value)


def test_a_secret_reaches_the_resource_and_nothing_else(server: Any, secret: Any) -> None:
    value = {"Fn::Sub": "postgres://{{resolve:secretsmanager:${Id}:SecretString:user}}:"
             "{{resolve:secretsmanager:${Id}:SecretString:password}}@db"}  # fmt: skip
    parameters = {"Id": {"Type": "String"}}
    given = [{"ParameterKey": "Id", "ParameterValue": secret["ARN"]}]
    outputs = {"O": {"Value": REFERENCE}, "V": {"Value": {"Fn::GetAtt": ["B", "Value"]}}}
    made = body({"B": parameter(value)}, Parameters=parameters, Outputs=outputs)
    stack = server.create("app", made, Parameters=given)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert things(server)["B"]["Value"] == f"postgres://ada:{PASSWORD}@db"
    shown = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    assert shown["O"] == REFERENCE, "as on AWS, a secret is no output"
    assert PASSWORD not in all_that_is_shown(server, "app")


def test_what_another_resource_hands_on_is_looked_up_again(server: Any, secret: Any) -> None:
    resources = {
        "A": parameter(REFERENCE),
        "B": parameter({"Fn::Sub": "<${A.Value}>"}),
    }
    assert server.create("app", body(resources))["StackStatus"] == "CREATE_COMPLETE"
    assert things(server)["B"]["Value"] == f"<{PASSWORD}>"
    assert PASSWORD not in all_that_is_shown(server, "app")


def test_whole_secrets_versions_and_numbers(server: Any, secret: Any) -> None:
    newer = server.secrets.put_secret_value(SecretId="app", SecretString="plain, now")
    version = newer["VersionId"]
    resources = {
        "Now": parameter("{{resolve:secretsmanager:app}}"),
        "Whole": parameter(f"{{{{resolve:secretsmanager:app:SecretString:::{version}}}}}"),
        "Before": parameter("{{resolve:secretsmanager:app:SecretString:port:AWSPREVIOUS}}"),
    }  # fmt: skip
    assert server.create("app", body(resources))["StackStatus"] == "CREATE_COMPLETE"
    found = {name: each["Value"] for name, each in things(server).items()}
    assert found == {"Now": "plain, now", "Whole": "plain, now", "Before": "5432"}


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("none:SecretString:a", NOT_THERE),
        ("app:SecretString:pass", "Could not find a value associated with JSONKey in SecretString"),
        ("words:SecretString:a", "Could not parse SecretString JSON"),
    ],
)  # fmt: skip
def test_a_secret_that_is_not_there_fails_the_resource(
    server: Any, secret: Any, reference: str, reason: str
) -> None:
    server.secrets.create_secret(Name="words", SecretString="no json")
    made = body({"B": parameter("{{resolve:secretsmanager:" + reference + "}}")})
    assert server.create("app", made)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert failures(server, "app")["B"].startswith(reason)
    assert server.store.things() == []


def test_a_plain_parameter_is_a_value_of_resources_and_outputs(server: Any) -> None:
    server.ssm.put_parameter(Name="/a", Value="one", Type="String")
    server.ssm.put_parameter(Name="/a", Value="two", Type="String", Overwrite=True)
    server.ssm.put_parameter(Name="/list", Value="x,y", Type="StringList")
    value = {"Fn::Join": ["", ["{{resolve:ssm:/a:1}}-", "{{resolve:", "ssm:/a}}"]]}
    listed = {"Type": "AWS::SNS::Topic", "Properties": {
        "ArchivePolicy": {"L": {"Fn::Split": [",", "{{resolve:ssm:/list}}"]}}}}  # fmt: skip
    made = body(
        {"B": parameter(value), "C": listed},
        Outputs={"O": {"Value": "{{resolve:ssm:/a}}"}},
    )
    stack = server.create("app", made)
    assert things(server)["B"]["Value"] == "one-two"
    assert stack["Outputs"] == [{"OutputKey": "O", "OutputValue": "two"}]
    with pytest.raises(ClientError, match="No updates are to be performed"):
        server.update("app", made)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("{{resolve:ssm:/none}}", "Parameters: [ssm:/none] cannot be found."),
        ({"Fn::Sub": "{{resolve:ssm:${P}:7}}"}, "Parameters: [ssm:/a:7] cannot be found."),
        ("{{resolve:ssm:/a:}}",
         "Incorrect format is used in the following SSM reference: [{{resolve:ssm:/a:}}]"),
        ("{{resolve:ssm:/secure}}", "Non-secure ssm prefix was used for secure parameter: /secure"),
        ("{{resolve:ssm-secure:/secure:1}}",
         "SSM Secure reference is not supported in: [AWS::SSM::Parameter/Properties/Value]"),
        ("{{resolve:secretsmanager:a:Binary}}", WRONG_SECRET),
    ],
)  # fmt: skip
def test_what_is_known_to_be_wrong_is_refused_before_anything_begins(
    server: Any, value: Any, message: str
) -> None:
    server.ssm.put_parameter(Name="/a", Value="one", Type="String")
    server.ssm.put_parameter(Name="/secure", Value="hidden", Type="SecureString")
    parameters = {"P": {"Type": "String", "Default": "/a"}}
    with pytest.raises(ClientError) as raised:
        server.create("app", body({"B": parameter(value)}, Parameters=parameters))
    assert raised.value.response["Error"] == {
        "Type": "Sender", "Code": "ValidationError", "Message": message,
    }  # fmt: skip
    assert server.client.list_stacks()["StackSummaries"] == []


def test_a_secure_string_where_aws_takes_one(server: Any) -> None:
    server.ssm.put_parameter(Name="/root", Value=PASSWORD, Type="SecureString")
    database = {"Type": "AWS::RDS::DBInstance", "DeletionPolicy": "Delete", "Properties": {
        "DBInstanceClass": "db.t3.micro", "Engine": "mysql", "AllocatedStorage": "20",
        "MasterUsername": "root", "MasterUserPassword": "{{resolve:ssm-secure:/root:1}}",
    }}  # fmt: skip
    assert server.create("app", body({"B": database}))["StackStatus"] == "CREATE_COMPLETE"
    assert PASSWORD not in all_that_is_shown(server, "app")


def test_an_update_brings_a_value_that_changed_meanwhile(server: Any, secret: Any) -> None:
    server.create("app", body({"B": parameter(REFERENCE)}))
    newer = json.dumps({"password": "another-1"})
    server.secrets.put_secret_value(SecretId="app", SecretString=newer)
    with pytest.raises(ClientError, match="No updates are to be performed"):
        server.update("app", body({"B": parameter(REFERENCE)}))
    server.update("app", body({"B": parameter(REFERENCE, Description="new")}))
    assert things(server)["B"]["Value"] == "another-1"


def test_a_rollback_looks_up_what_was_before(server: Any, secret: Any) -> None:
    server.create("app", body({"B": parameter(REFERENCE)}))
    failing = {"B": parameter("plain"), "C": {**parameter("c", Description="fail-before")}}
    failing["C"]["DependsOn"] = "B"
    assert server.update("app", body(failing))["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert things(server)["B"]["Value"] == PASSWORD


def test_a_deletion_does_without_a_secret_that_is_gone(server: Any, secret: Any) -> None:
    stack_id = server.create("app", body({"B": parameter(REFERENCE)}))["StackId"]
    server.secrets.delete_secret(SecretId="app", ForceDeleteWithoutRecovery=True)
    server.client.delete_stack(StackName="app")
    assert server.ended(stack_id)["StackStatus"] == "DELETE_COMPLETE"


def test_a_handlers_refusal_shows_no_secret(server: Any, secret: Any) -> None:
    """A service quotes what it refuses."""
    made = body({"B": parameter(REFERENCE, Description="fail-before")})
    server.handler.quotes = True
    assert server.create("app", made)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "****" in failures(server, "app")["B"]
    assert PASSWORD not in all_that_is_shown(server, "app")


def test_a_change_set_shows_the_reference(server: Any, secret: Any) -> None:
    server.create("app", body({"B": parameter("{{resolve:secretsmanager:app}}")}))
    server.client.create_change_set(
        StackName="app", ChangeSetName="next", TemplateBody=body({"B": parameter(REFERENCE)})
    )
    found = server.client.describe_change_set(
        StackName="app", ChangeSetName="next", IncludePropertyValues=True
    )
    [change] = found["Changes"]
    [detail] = change["ResourceChange"]["Details"]
    assert detail["Target"]["BeforeValue"] == "{{resolve:secretsmanager:app}}"
    assert detail["Target"]["AfterValue"] == REFERENCE


def test_a_secure_string_in_a_wrong_place_fails_the_change_set(server: Any) -> None:
    wrong = {"A": parameter("{{resolve:ssm-secure:/a:1}}"), "B": parameter("x{{resolve:ssm-secure:/b:1}}")}  # fmt: skip  # noqa: E501
    server.client.create_change_set(
        StackName="new", ChangeSetName="first", ChangeSetType="CREATE", TemplateBody=body(wrong)
    )
    found = server.client.describe_change_set(StackName="new", ChangeSetName="first")
    place = "AWS::SSM::Parameter/Properties/Value"
    assert (found["Status"], found["StatusReason"]) == (
        "FAILED", f"SSM Secure reference is not supported in: [{place},{place}]",
    )  # fmt: skip


def test_metadata_keeps_the_text(server: Any) -> None:
    made = {"B": {**parameter("v"), "Metadata": {"M": "{{resolve:ssm:/none}}"}}}
    server.create("app", body(made))
    [found] = server.client.describe_stack_resources(StackName="app")["StackResources"]
    detail = server.client.describe_stack_resource(
        StackName="app", LogicalResourceId=found["LogicalResourceId"]
    )["StackResourceDetail"]
    assert json.loads(detail["Metadata"]) == {"M": "{{resolve:ssm:/none}}"}


def test_more_references_than_aws_takes(server: Any) -> None:
    many = {f"B{n}": parameter("{{resolve:secretsmanager:app}}") for n in range(61)}
    with pytest.raises(ClientError, match="Number of dynamic references, 61"):
        server.create("app", body(many))


def test_a_typed_property_takes_a_reference_and_its_value_is_checked(server: Any) -> None:
    server.ssm.put_parameter(Name="/days", Value="14", Type="String")
    server.ssm.put_parameter(Name="/wrong", Value="many", Type="String")

    def group(name: str) -> dict[str, Any]:
        days = "{{resolve:ssm:" + name + "}}"
        return {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": days}}

    assert server.create("app", body({"G": group("/days")}))["StackStatus"] == "CREATE_COMPLETE"
    server.create("bad", body({"G": group("/wrong")}))
    assert failures(server, "bad")["G"] == (
        "Properties validation failed for resource G with message:\n"
        "#/RetentionInDays: expected type: Integer, found: String"
    )


def test_a_made_up_value_beside_a_reference_is_not_judged(server: Any) -> None:
    server.ssm.put_parameter(Name="/address", Value="10.0.0.9", Type="String")
    finder = {"Type": "AWS::GuardDuty::Detector", "Properties": {"Enable": True}}
    mount = {
        "Type": "AWS::EFS::MountTarget",
        "Properties": {
            "FileSystemId": {"Ref": "Finder"},
            "IpAddress": "{{resolve:ssm:/address}}",
            "SubnetId": "subnet-01234567",
            "SecurityGroups": ["sg-01234567"],
        },
    }
    made = server.create("app", body({"Finder": finder, "Mount": mount}))
    assert made["StackStatus"] == "CREATE_COMPLETE"


def test_what_is_read_from_elsewhere_is_no_reference(server: Any, secret: Any) -> None:
    # Else who may write a parameter, or another stack, reads what this stack's role may.
    exported = {"E": {"Value": REFERENCE, "Export": {"Name": "word"}}}
    server.create("other", body({"X": parameter("x")}, Outputs=exported))
    server.ssm.put_parameter(Name="/word", Value=REFERENCE, Type="String")
    resources = {
        "A": parameter({"Ref": "Stored"}),
        "B": parameter({"Fn::ImportValue": "word"}),
        "C": parameter({"Fn::GetStackOutput": {"StackName": "other", "OutputName": "E"}}),
        "D": parameter({"Ref": "Given"}),
    }
    parameters = {
        "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/word"},
        "Given": {"Type": "String", "Default": REFERENCE},
    }
    stack = server.create("app", body(resources, Parameters=parameters))
    assert stack["StackStatus"] == "CREATE_COMPLETE", failures(server, "app")
    found = {name: each["Value"] for name, each in things(server).items()}
    assert (found["A"], found["B"], found["C"]) == (REFERENCE,) * 3
    assert found["D"] == PASSWORD
