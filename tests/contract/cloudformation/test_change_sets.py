"""Change sets through boto3: what AWS was recorded answering (shared fixtures in conftest.py)."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.stack_world import template as stack_template
from tests.stack_world import thing
from tests.waiting import until

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)


def template(value: str = "one", **more: Any) -> str:
    properties = {"Type": "String", "Value": value}
    resources = {"Thing": {"Type": "AWS::SSM::Parameter", "Properties": properties}}
    return json.dumps({"Resources": resources, **more})


def create(client: Any, name: str = "cs", kind: str = "CREATE", **more: Any) -> Any:
    request = {"StackName": "shop", "TemplateBody": template(), **more}
    return client.create_change_set(ChangeSetName=name, ChangeSetType=kind, **request)


def describe(client: Any, name: str = "cs", **more: Any) -> Any:
    return client.describe_change_set(ChangeSetName=name, StackName="shop", **more)


def refused(code: str, call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**request)
    assert raised.value.response["Error"]["Code"] == code
    return str(raised.value.response["Error"]["Message"])


def executed(server: Any, arn: str) -> str:
    """Wait until the execution has ended; return the execution status."""

    def ended() -> str | None:
        status: str = server.client.describe_change_set(ChangeSetName=arn)["ExecutionStatus"]
        return None if status == "EXECUTE_IN_PROGRESS" else status

    return until(ended)


@pytest.fixture
def stack(server: Any) -> str:
    """A stack `shop` that has the template."""
    return str(server.create("shop", template())["StackId"])


class TestCreate:
    def test_a_new_stack_is_in_review_until_the_execution(
        self, server: Any, cloudformation: Any
    ) -> None:
        made = create(cloudformation, Description="first")
        found = describe(cloudformation)
        assert found["ChangeSetId"] == made["Id"]
        assert ":changeSet/cs/" in made["Id"]
        assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
        assert found["Description"] == "first"
        assert found["Changes"] == [
            {
                "Type": "Resource",
                "ResourceChange": {
                    "Action": "Add",
                    "LogicalResourceId": "Thing",
                    "ResourceType": "AWS::SSM::Parameter",
                    "Scope": [],
                    "Details": [],
                },
            }
        ]
        [described] = cloudformation.describe_stacks(StackName="shop")["Stacks"]
        assert described["StackStatus"] == "REVIEW_IN_PROGRESS"

        cloudformation.execute_change_set(ChangeSetName="cs", StackName="shop")
        assert server.ended("shop")["StackStatus"] == "CREATE_COMPLETE"
        assert executed(server, made["Id"]) == "EXECUTE_COMPLETE"

    def test_the_same_client_token_gives_the_same_change_set(self, cloudformation: Any) -> None:
        first = create(cloudformation, ClientToken="t")
        assert create(cloudformation, ClientToken="t")["Id"] == first["Id"]

    def test_without_a_difference_it_fails_with_awss_words(
        self, cloudformation: Any, stack: str
    ) -> None:
        made = create(cloudformation, kind="UPDATE")
        found = describe(cloudformation)
        assert (found["Status"], found["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
        assert found["StatusReason"] == NO_CHANGES
        assert found["Changes"] == []
        message = refused(
            "InvalidChangeSetStatus",
            cloudformation.execute_change_set,
            ChangeSetName=made["Id"],
        )
        assert message == (
            f"ChangeSet [{made['Id']}] cannot be executed in its current status of [FAILED]"
        )

    def test_a_create_on_an_existing_stack(self, cloudformation: Any, stack: str) -> None:
        assert refused("ValidationError", create, client=cloudformation) == (
            "Stack [shop] already exists and cannot be created again with the changeSet [cs]."
        )

    def test_an_update_of_a_missing_or_deleted_stack(self, server: Any, stack: str) -> None:
        client = server.client
        message = refused("ValidationError", create, client=client, kind="UPDATE", StackName="no")
        assert message == "Stack [no] does not exist"
        client.delete_stack(StackName="shop")
        server.ended(stack)
        message = refused("ValidationError", create, client=client, kind="UPDATE", StackName=stack)
        assert message == f"Stack:{stack} is in DELETE_COMPLETE state and can not be updated."

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (
                json.dumps({"Resources": {"R": {"Type": "AWS::No::Thing"}}}),
                "Template format error: Unrecognized resource types: [AWS::No::Thing]",
            ),
            (
                template(Parameters={"P": {"Type": "String"}}),
                "Parameters: [P] must have values",
            ),
            (template("{{resolve:ssm:/a}}"), "Parameters: [ssm:/a] cannot be found."),
        ],
    )
    def test_what_is_refused_makes_no_stack(
        self, cloudformation: Any, body: str, message: str
    ) -> None:
        assert message in refused(
            "ValidationError", create, client=cloudformation, TemplateBody=body
        )
        assert cloudformation.describe_stacks()["Stacks"] == []

    def test_a_missing_capability(self, cloudformation: Any) -> None:
        role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
        body = json.dumps({"Resources": {"R": role}})
        assert refused(
            "InsufficientCapabilitiesException", create, client=cloudformation, TemplateBody=body
        ) == ("Requires capabilities : [CAPABILITY_IAM]")

    def test_what_the_schema_forbids_fails_the_change_set(self, cloudformation: Any) -> None:
        topic = {"Type": "AWS::SNS::Topic", "Properties": {"Colour": "red"}}
        create(cloudformation, TemplateBody=json.dumps({"Resources": {"T": topic}}))
        found = describe(cloudformation)
        assert found["Status"] == "FAILED"
        assert "AWS::EarlyValidation::PropertyValidation" in found["StatusReason"]
        events = cloudformation.describe_events(ChangeSetName=found["ChangeSetId"])
        assert "#: extraneous key [Colour] is not permitted" in [
            one.get("ValidationStatusReason") for one in events["OperationEvents"]
        ]

    def test_imports_are_refused(self, cloudformation: Any) -> None:
        assert "no resource import" in refused(
            "ValidationError", create, client=cloudformation, kind="IMPORT"
        )


class TestDescribe:
    def test_values_show_only_when_asked_for(self, cloudformation: Any, stack: str) -> None:
        create(cloudformation, kind="UPDATE", TemplateBody=template("two"))
        [without] = describe(cloudformation)["Changes"]
        target = without["ResourceChange"]["Details"][0]["Target"]
        assert target == {
            "Attribute": "Properties",
            "Name": "Value",
            "RequiresRecreation": "Never",
        }
        [shown] = describe(cloudformation, IncludePropertyValues=True)["Changes"]
        target = shown["ResourceChange"]["Details"][0]["Target"]
        assert (target["BeforeValue"], target["AfterValue"]) == ("one", "two")
        assert json.loads(shown["ResourceChange"]["AfterContext"]) == {
            "Properties": {"Type": "String", "Value": "two"}
        }

    def test_no_echo_parameters_are_masked(self, server: Any, cloudformation: Any) -> None:
        secret = {"P": {"Type": "String", "NoEcho": True}}
        body = json.dumps(
            {
                "Parameters": secret,
                "Resources": {
                    "Thing": {
                        "Type": "AWS::SSM::Parameter",
                        "Properties": {"Type": "String", "Value": {"Ref": "P"}},
                    }
                },
            }
        )
        given = [{"ParameterKey": "P", "ParameterValue": "swordfish"}]
        create(cloudformation, TemplateBody=body, Parameters=given)
        found = describe(cloudformation, IncludePropertyValues=True)
        assert found["Parameters"] == [{"ParameterKey": "P", "ParameterValue": "****"}]
        assert "swordfish" not in json.dumps(found, default=str)
        stored = [path for path in server.directory.glob("*.db*") if "outside" not in path.name]
        assert stored
        assert all(b"swordfish" not in path.read_bytes() for path in stored)

    def test_pages_of_many_changes(self, cloudformation: Any) -> None:
        value = "x" * 4000
        filler = {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Ref": "Filler"}},
        }
        resources = {f"R{i:03}": filler for i in range(300)}
        body = {"Parameters": {"Filler": {"Type": "String"}}, "Resources": resources}
        create(
            cloudformation,
            TemplateBody=json.dumps(body),
            Parameters=[{"ParameterKey": "Filler", "ParameterValue": value}],
        )
        pages = list(
            cloudformation.get_paginator("describe_change_set").paginate(
                ChangeSetName="cs", StackName="shop", IncludePropertyValues=True
            )
        )
        assert len(pages) > 1
        names = [e["ResourceChange"]["LogicalResourceId"] for p in pages for e in p["Changes"]]
        assert names == sorted(resources)
        message = refused("ValidationError", describe, client=cloudformation, NextToken="x")
        assert "next token is not valid" in message

    def test_who_is_not_there(self, cloudformation: Any, stack: str) -> None:
        call = cloudformation.describe_change_set
        assert (
            refused("ChangeSetNotFound", call, ChangeSetName="no", StackName="shop")
            == "ChangeSet [no] does not exist"
        )
        assert (
            refused("ValidationError", call, ChangeSetName="no", StackName="nobody")
            == "Stack [nobody] does not exist"
        )
        assert refused("ValidationError", call, ChangeSetName="no") == (
            "StackName must be specified if ChangeSetName is not specified as an ARN."
        )

    def test_its_template(self, cloudformation: Any) -> None:
        made = create(cloudformation)
        found = cloudformation.get_template(ChangeSetName=made["Id"])
        assert json.loads(json.dumps(found["TemplateBody"])) == json.loads(template())


class TestList:
    def test_the_change_sets_of_a_stack(self, cloudformation: Any, stack: str) -> None:
        create(cloudformation, "first", "UPDATE", TemplateBody=template("two"))
        create(cloudformation, "second", "UPDATE")
        found = cloudformation.list_change_sets(StackName="shop")["Summaries"]
        assert [(one["ChangeSetName"], one["Status"]) for one in found] == [
            ("first", "CREATE_COMPLETE"),
            ("second", "FAILED"),
        ]
        assert {one["StackId"] for one in found} == {stack}

    def test_of_a_stack_that_is_not_there(self, cloudformation: Any) -> None:
        message = refused("ValidationError", cloudformation.list_change_sets, StackName="no")
        assert message == "Stack [no] does not exist"


class TestExecute:
    def test_exactly_the_plan_is_carried_out_and_the_others_are_gone(
        self, server: Any, cloudformation: Any, stack: str
    ) -> None:
        made = create(cloudformation, "yes", "UPDATE", TemplateBody=template("two"))
        create(cloudformation, "no", "UPDATE", TemplateBody=template("three"))
        cloudformation.execute_change_set(ChangeSetName=made["Id"])
        assert server.ended("shop")["StackStatus"] == "UPDATE_COMPLETE"
        assert executed(server, made["Id"]) == "EXECUTE_COMPLETE"
        current = cloudformation.get_template(StackName="shop")["TemplateBody"]
        assert json.loads(json.dumps(current)) == json.loads(template("two"))
        refused("ChangeSetNotFound", describe, client=cloudformation, name="no")

    def test_the_same_token_executes_once(
        self, server: Any, cloudformation: Any, stack: str
    ) -> None:
        made = create(cloudformation, "cs", "UPDATE", TemplateBody=template("two"))
        request = {"ChangeSetName": made["Id"], "ClientRequestToken": "t"}
        cloudformation.execute_change_set(**request)
        cloudformation.execute_change_set(**request)
        assert executed(server, made["Id"]) == "EXECUTE_COMPLETE"
        cloudformation.execute_change_set(**request)
        message = refused(
            "InvalidChangeSetStatus",
            cloudformation.execute_change_set,
            ChangeSetName=made["Id"],
            ClientRequestToken="other",
        )
        assert message.endswith("current execution status of [EXECUTE_COMPLETE]")

    def test_a_stack_that_moved_on_makes_it_obsolete(
        self, server: Any, cloudformation: Any, stack: str
    ) -> None:
        made = create(cloudformation, "cs", "UPDATE", TemplateBody=template("two"))
        server.update("shop", template("three"))
        assert describe(cloudformation)["ExecutionStatus"] == "OBSOLETE"
        message = refused(
            "InvalidChangeSetStatus", cloudformation.execute_change_set, ChangeSetName=made["Id"]
        )
        assert message == (
            f"ChangeSet [{made['Id']}] cannot be executed in its current execution status of "
            "[OBSOLETE]"
        )
        assert describe(cloudformation)["StatusReason"].startswith("The stack has changed since")

    def test_create_stack_makes_a_pending_creation_obsolete(
        self, server: Any, cloudformation: Any
    ) -> None:
        create(cloudformation)
        assert server.create("shop", template())["StackStatus"] == "CREATE_COMPLETE"
        found = describe(cloudformation)
        assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "OBSOLETE")

    def test_a_failed_operation_is_a_failed_execution(
        self, server: Any, cloudformation: Any, stack: str
    ) -> None:
        body = json.loads(template("two"))
        body["Resources"]["Thing"]["Properties"]["Value"] = {"Fn::ImportValue": "nobody"}
        made = create(cloudformation, "cs", "UPDATE", TemplateBody=json.dumps(body))
        assert "StatusReason" not in describe(cloudformation)
        reason = describe(cloudformation, IncludePropertyValues=True)["StatusReason"]
        assert reason.startswith("[WARN] --include-property-values")
        cloudformation.execute_change_set(ChangeSetName=made["Id"])
        assert server.ended("shop")["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
        assert executed(server, made["Id"]) == "EXECUTE_FAILED"


class TestDelete:
    def test_it_is_gone_and_again_is_no_error(self, cloudformation: Any) -> None:
        made = create(cloudformation)
        for _ in range(2):
            cloudformation.delete_change_set(ChangeSetName="cs", StackName="shop")
        message = refused(
            "ChangeSetNotFound", cloudformation.describe_change_set, ChangeSetName=made["Id"]
        )
        assert message == f"ChangeSet [{made['Id']}] does not exist"

    def test_of_a_stack_that_is_not_there(self, cloudformation: Any) -> None:
        call = cloudformation.delete_change_set
        assert (
            refused("ValidationError", call, ChangeSetName="cs", StackName="nostack")
            == "Stack [nostack] does not exist"
        )
        assert refused("ValidationError", call, ChangeSetName="cs") == (
            "StackName must be specified if ChangeSetName is not specified as an ARN."
        )


def deploy(server: Any, tmp_path: Path, body: str, *flags: str) -> str:
    """Run `aws cloudformation deploy`, unmodified; return what it prints."""
    (tmp_path / "template.json").write_text(body)
    key = next(iter(server.aws.keys.values()))
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "aws"), "cloudformation", "deploy",
            "--stack-name", "shop", "--template-file", str(tmp_path / "template.json"), *flags,
        ],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AWS_ENDPOINT_URL": server.aws.url,
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
            "AWS_DEFAULT_REGION": "us-east-1",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_aws_cloudformation_deploy(server: Any, tmp_path: Path) -> None:
    assert "Successfully created/updated stack - shop" in deploy(server, tmp_path, template())
    assert server.ended("shop")["StackStatus"] == "CREATE_COMPLETE"
    said = deploy(server, tmp_path, template(), "--no-fail-on-empty-changeset")
    assert "No changes to deploy. Stack shop is up to date" in said


@pytest.mark.parametrize(
    ("options", "status", "left"),
    [
        ({"OnStackFailure": "DELETE"}, "DELETE_COMPLETE", []),
        ({"OnStackFailure": "DO_NOTHING"}, "CREATE_FAILED", ["A", "B"]),
        ({"OnStackFailure": "ROLLBACK"}, "ROLLBACK_COMPLETE", []),
    ],
)
def test_what_a_failed_creation_leaves(
    server: Any, options: dict[str, Any], status: str, left: list[str]
) -> None:
    body = stack_template({"A": thing("v1"), "B": thing("v1", ["A"], how="fail-after")})
    made = create(server.client, TemplateBody=body, **options)
    message = refused(
        "ValidationError", server.client.execute_change_set,
        ChangeSetName=made["Id"], DisableRollback=True,
    )  # fmt: skip
    assert message.endswith(f"was created with OnStackFailure {options['OnStackFailure']}.")
    server.client.execute_change_set(ChangeSetName=made["Id"])
    assert server.ended(made["StackId"])["StackStatus"] == status
    assert [name for name, _, _ in server.store.things()] == left


def test_only_a_creation_can_end_with_the_deletion_of_the_stack(server: Any) -> None:
    server.create("shop", template())
    message = refused(
        "ValidationError", create, client=server.client, kind="UPDATE", OnStackFailure="DELETE"
    )
    assert message == "OnStackFailure DELETE is valid with ChangeSetType CREATE alone."


@pytest.mark.parametrize(("given", "left"), [({}, ["A"]), ({"RetainExceptOnCreate": True}, [])])
def test_retaining_except_on_create(server: Any, given: dict[str, Any], left: list[str]) -> None:
    kept = thing("v1", DeletionPolicy="Retain")
    body = stack_template({"A": kept, "B": thing("v1", ["A"], how="fail-after")})
    made = create(server.client, TemplateBody=body)
    server.client.execute_change_set(ChangeSetName=made["Id"], **given)
    assert server.ended(made["StackId"])["StackStatus"] == "ROLLBACK_COMPLETE"
    assert [name for name, _, _ in server.store.things()] == left


@pytest.mark.parametrize(
    ("policy", "given", "left"),
    [
        ("RetainExceptOnCreate", {}, []),
        ("Retain", {}, ["A"]),
        ("Retain", {"RetainExceptOnCreate": True}, []),
    ],
)
def test_a_failed_creation_that_is_deleted_keeps_what_a_rollback_keeps(
    server: Any, policy: str, given: dict[str, Any], left: list[str]
) -> None:
    """Locks: what RetainExceptOnCreate left was in the way of the next attempt."""
    kept = thing("v1", DeletionPolicy=policy)
    body = stack_template({"A": kept, "B": thing("v1", ["A"], how="fail-after")})
    made = create(server.client, TemplateBody=body, OnStackFailure="DELETE")
    server.client.execute_change_set(ChangeSetName=made["Id"], **given)
    assert server.ended(made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert [name for name, _, _ in server.store.things()] == left


def test_a_role_that_does_not_trust_cloudformation_makes_no_stack(server: Any) -> None:
    role = server.role("tasks", "ecs-tasks.amazonaws.com")
    message = refused("ValidationError", create, client=server.client, RoleARN=role)
    assert message == f"Role {role} is invalid or cannot be assumed"
    assert server.client.describe_stacks()["Stacks"] == []


def test_a_new_stack_has_no_previous_values(server: Any) -> None:
    body = template(Parameters={"Size": {"Type": "String"}})
    given = [{"ParameterKey": "Size", "UsePreviousValue": True}]
    message = refused(
        "ValidationError", create, client=server.client, TemplateBody=body, Parameters=given
    )
    assert message == "Cannot specify UsePreviousValue on Parameters when ChangeSetType is CREATE"
    assert server.client.describe_stacks()["Stacks"] == []
