"""Names, stacks in review, stacks that are gone, and what counts as a change."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock.stacks.change_sets import change_sets as module

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)
TOPIC = "arn:aws:sns:us-east-1:123456789012:told"


def body(value: str = "one", resource: Any = None, **more: Any) -> str:
    thing = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
    return json.dumps({"Resources": {"Thing": thing | (resource or {})}, **more})


def create(client: Any, name: str = "cs", kind: str = "UPDATE", **more: Any) -> Any:
    request = {"StackName": "shop", "TemplateBody": body("two"), **more}
    return client.create_change_set(ChangeSetName=name, ChangeSetType=kind, **request)


def refused(code: str, call: Any, *arguments: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(*arguments, **request)
    assert raised.value.response["Error"]["Code"] == code
    return str(raised.value.response["Error"]["Message"])


def status_of(server: Any, arn: str) -> str:
    return str(server.client.describe_change_set(ChangeSetName=arn)["ExecutionStatus"])


class TestNames:
    """AlreadyExistsException as recorded in aws-actions/aws-cloudformation-github-deploy#122 and
    awslabs/landing-zone-accelerator-on-aws#342."""

    @pytest.mark.parametrize(
        ("other", "attribute"),
        [
            ({"TemplateBody": body("three")}, "Template"),
            ({"ClientToken": "other", "TemplateBody": body("three")}, "ClientToken"),
            ({"Parameters": [{"ParameterKey": "P", "ParameterValue": "b"}]}, "Parameters"),
            ({"Description": "other"}, "Description"),
        ],
    )
    def test_another_request_of_the_name(
        self, server: Any, other: dict[str, Any], attribute: str
    ) -> None:
        text = {"Parameters": {"P": {"Type": "String", "Default": "a"}}}
        first: dict[str, Any] = {
            "TemplateBody": body("two", **text),
            "Parameters": [{"ParameterKey": "P", "ParameterValue": "a"}],
        }
        server.create("shop", body())
        create(server.client, **first)
        if "TemplateBody" in other:
            other["TemplateBody"] = body("three", **text)
        message = refused("AlreadyExistsException", create, server.client, **{**first, **other})
        assert message == (
            f"ChangeSet cs cannot be created due to a mismatch with existing attribute {attribute}"
        )

    def test_the_same_request_gives_the_same_change_set(self, server: Any) -> None:
        server.create("shop", body())
        assert create(server.client)["Id"] == create(server.client)["Id"]

    def test_a_failed_one_keeps_its_name_an_executed_one_does_not(self, server: Any) -> None:
        server.create("shop", body())
        create(server.client, TemplateBody=body())
        refused("AlreadyExistsException", create, server.client)
        server.client.delete_change_set(ChangeSetName="cs", StackName="shop")
        first = create(server.client)["Id"]
        server.client.execute_change_set(ChangeSetName="cs", StackName="shop")
        server.ended("shop")
        second = create(server.client, TemplateBody=body("three"))["Id"]
        by_name = server.client.describe_change_set(ChangeSetName="cs", StackName="shop")
        assert by_name["ChangeSetId"] == second
        by_arn = server.client.describe_change_set(ChangeSetName=first)
        assert by_arn["ExecutionStatus"] == "EXECUTE_COMPLETE"
        assert by_arn["Status"] == "CREATE_COMPLETE"

    def test_the_same_request_after_the_execution_makes_a_new_one(self, server: Any) -> None:
        """Locks: it gave the one that was executed, whose changes nobody could execute again."""
        server.create("shop", body())
        first = create(server.client)["Id"]
        server.client.execute_change_set(ChangeSetName=first)
        server.ended("shop")
        server.update("shop", body("three"))
        second = create(server.client)["Id"]
        assert second != first
        server.client.execute_change_set(ChangeSetName="cs", StackName="shop")
        server.ended("shop")
        assert [each["Value"] for _, _, each in server.store.things()] == ["two"]
        assert {status_of(server, arn) for arn in (first, second)} == {"EXECUTE_COMPLETE"}

    def test_a_token_gives_what_it_made_when_that_was_executed_too(self, server: Any) -> None:
        server.create("shop", body())
        first = create(server.client, ClientToken="t")["Id"]
        server.client.execute_change_set(ChangeSetName=first)
        server.ended("shop")
        assert create(server.client, ClientToken="t")["Id"] == first
        other = {"ClientToken": "other", "TemplateBody": body("three")}
        assert create(server.client, **other)["Id"] != first

    def test_an_execution_leaves_executed_ones_that_nobody_looked_at(self, server: Any) -> None:
        """Locks: until somebody did, they were taken for what had never been executed."""
        server.create("shop", body())
        made = []
        for value in ("two", "three", "four"):
            create(server.client, "pending", TemplateBody=body(value))
            made.append(create(server.client, f"to-{value}", TemplateBody=body(value))["Id"])
            server.client.execute_change_set(ChangeSetName=made[-1])
            server.ended("shop")
        assert [status_of(server, arn) for arn in made] == ["EXECUTE_COMPLETE"] * 3
        assert server.client.list_change_sets(StackName="shop")["Summaries"] == []

    def test_an_executed_one_goes_by_its_arn_alone(self, server: Any) -> None:
        """Recorded: github.com/radkawar/stackd, testdata/aws, changeset_name_reuse.json."""
        client, named = server.client, {"ChangeSetName": "cs", "StackName": "shop"}
        arn = create(client, kind="CREATE")["Id"]
        client.execute_change_set(ChangeSetName=arn)
        server.ended("shop")
        for call in (client.describe_change_set, client.execute_change_set, client.get_template):
            message = refused("ChangeSetNotFound", call, **named)
            assert message == "ChangeSet [cs] does not exist"
        assert client.list_change_sets(StackName="shop")["Summaries"] == []
        client.delete_change_set(**named)
        assert client.describe_change_set(ChangeSetName=arn)["ExecutionStatus"] == (
            "EXECUTE_COMPLETE"
        )
        message = refused("InvalidChangeSetStatus", client.delete_change_set, ChangeSetName=arn)
        assert message == "Cannot delete ChangeSet in execution status EXECUTE_COMPLETE"
        again = create(client, TemplateBody=body("three"))["Id"]
        assert client.describe_change_set(**named)["ChangeSetId"] == again
        client.delete_change_set(ChangeSetName=again)
        assert len(client.describe_change_set(ChangeSetName=arn)["Changes"]) == 1

    def test_the_same_token_executes_by_name_once(self, server: Any) -> None:
        create(server.client, kind="CREATE")
        wanted = {"ChangeSetName": "cs", "StackName": "shop", "ClientRequestToken": "t"}
        server.client.execute_change_set(**wanted)
        assert server.ended("shop")["StackStatus"] == "CREATE_COMPLETE"
        server.client.execute_change_set(**wanted)
        assert server.ended("shop")["StackStatus"] == "CREATE_COMPLETE"

    def test_more_than_a_stack_may_have(self, server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "MOST_PENDING", 2)
        stack = server.create("shop", body())["StackId"]
        for name in ("one", "two"):
            create(server.client, name)
        message = refused("LimitExceededException", create, server.client, "three")
        assert message == f"ChangeSet limit exceeded for stack {stack}"


class TestReview:
    def test_a_stack_in_review_takes_further_creations_and_no_updates(self, server: Any) -> None:
        first = create(server.client, "one", "CREATE")
        second = create(server.client, "two", "CREATE", TemplateBody=body("three"))
        assert first["StackId"] == second["StackId"]
        message = refused("ValidationError", create, server.client, "three")
        assert message == "Stack [shop] does not exist"  # boto/boto3#2327
        server.client.execute_change_set(ChangeSetName="two", StackName="shop")
        assert server.ended("shop")["StackStatus"] == "CREATE_COMPLETE"
        [(_, _, properties)] = server.store.things()
        assert properties["Value"] == "three"
        gone = refused(
            "ChangeSetNotFound", server.client.execute_change_set, ChangeSetName=first["Id"]
        )
        assert gone == f"ChangeSet [{first['Id']}] does not exist"

    def test_a_rejected_first_release_stays_in_review_and_starts_again(self, server: Any) -> None:
        create(server.client, kind="CREATE")
        server.client.delete_change_set(ChangeSetName="cs", StackName="shop")
        [stack] = server.client.describe_stacks(StackName="shop")["Stacks"]
        assert stack["StackStatus"] == "REVIEW_IN_PROGRESS"
        assert server.client.list_change_sets(StackName="shop")["Summaries"] == []
        again = create(server.client, kind="CREATE")
        assert again["StackId"] == stack["StackId"]
        server.client.execute_change_set(ChangeSetName="cs", StackName="shop")
        assert server.ended("shop")["StackStatus"] == "CREATE_COMPLETE"

    def test_a_stack_in_review_is_deleted_with_its_change_sets(self, server: Any) -> None:
        made = create(server.client, kind="CREATE")
        server.client.delete_stack(StackName="shop")
        assert server.ended(made["StackId"])["StackStatus"] == "DELETE_COMPLETE"
        call = server.client.describe_change_set
        assert refused("ChangeSetNotFound", call, ChangeSetName=made["Id"]) == (
            f"ChangeSet [{made['Id']}] does not exist"
        )
        again = create(server.client, kind="CREATE")
        assert again["StackId"] != made["StackId"]
        found = call(ChangeSetName="cs", StackName="shop")
        assert found["ChangeSetId"] == again["Id"]


class TestGone:
    def test_change_sets_go_with_their_stack(self, server: Any) -> None:
        stack = server.create("shop", body())["StackId"]
        made = create(server.client)
        server.client.delete_stack(StackName="shop")
        server.ended(stack)
        call = server.client.describe_change_set
        refused("ChangeSetNotFound", call, ChangeSetName=made["Id"])
        assert refused("ValidationError", call, ChangeSetName="cs", StackName="shop") == (
            "Stack [shop] does not exist"
        )
        server.create("shop", body())
        refused("ChangeSetNotFound", call, ChangeSetName="cs", StackName="shop")


class TestWhatIsAChange:
    def preview(self, server: Any, before: str, **request: Any) -> Any:
        server.create("shop", before, Tags=[{"Key": "stage", "Value": "dev"}])
        made = create(server.client, **request)
        return server.client.describe_change_set(ChangeSetName=made["Id"])

    @pytest.mark.parametrize(
        "after",
        [
            body(Description="another"),
            body(Metadata={"author": "me"}),
            body(Parameters={"P": {"Type": "String", "Default": "unused"}}),
            body(Conditions={"C": {"Fn::Equals": ["a", "b"]}}),
        ],
        ids=["Description", "Metadata", "Parameters", "Conditions"],
    )
    def test_what_reaches_no_resource_and_no_output_is_none(self, server: Any, after: str) -> None:
        """aws-cloudformation/cloudformation-coverage-roadmap#2027"""
        found = self.preview(server, body(), TemplateBody=after)
        assert (found["Status"], found["StatusReason"]) == ("FAILED", NO_CHANGES)

    def test_an_order_alone_is_none(self, server: Any) -> None:
        """Measured: ministackorg/ministack#1646."""
        first = json.loads(body())
        first["Resources"]["Other"] = first["Resources"]["Thing"]
        second = json.loads(json.dumps(first))
        second["Resources"]["Other"]["DependsOn"] = "Thing"
        found = self.preview(server, json.dumps(first), TemplateBody=json.dumps(second))
        assert found["StatusReason"] == NO_CHANGES

    @pytest.mark.parametrize(
        ("change", "attribute"),
        [
            ({"DeletionPolicy": "Retain"}, "DeletionPolicy"),
            ({"UpdateReplacePolicy": "Retain"}, "UpdateReplacePolicy"),
            ({"Metadata": {"a": "b"}}, "Metadata"),
        ],
    )
    def test_a_resources_attribute_alone_is_one(
        self, server: Any, change: dict[str, Any], attribute: str
    ) -> None:
        """Measured: ministackorg/ministack#1646."""
        found = self.preview(server, body(), TemplateBody=body(resource=change))
        [one] = found["Changes"]
        assert one["ResourceChange"]["Scope"] == [attribute]
        assert one["ResourceChange"]["Replacement"] == "False"
        before = server.store.things()
        server.client.execute_change_set(ChangeSetName="cs", StackName="shop")
        assert server.ended("shop")["StackStatus"] == "UPDATE_COMPLETE"
        assert server.store.things() == before
        again = create(server.client, "again", TemplateBody=body(resource=change))
        described = server.client.describe_change_set(ChangeSetName=again["Id"])
        assert described["StatusReason"] == NO_CHANGES

    @pytest.mark.parametrize(
        ("request_", "lists"),
        [
            ({"TemplateBody": body(Outputs={"O": {"Value": "v"}})}, []),
            ({"Tags": [{"Key": "stage", "Value": "prod"}], "TemplateBody": body()}, ["Thing"]),
            ({"NotificationARNs": [TOPIC], "TemplateBody": body()}, []),
        ],
        ids=["Outputs", "Tags", "NotificationARNs"],
    )
    def test_outputs_tags_and_topics_alone_are(
        self, server: Any, request_: dict[str, Any], lists: list[str]
    ) -> None:
        server.sns.create_topic(Name="told")
        found = self.preview(server, body(), **request_)
        assert (found["Status"], found["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
        names = [each["ResourceChange"]["LogicalResourceId"] for each in found["Changes"]]
        assert names == lists
        server.client.execute_change_set(ChangeSetName="cs", StackName="shop")
        stack = server.ended("shop")
        assert stack["StackStatus"] == "UPDATE_COMPLETE"
        assert stack["NotificationARNs"] == request_.get("NotificationARNs", [])
        assert stack["Tags"] == request_.get("Tags", [{"Key": "stage", "Value": "dev"}])
        assert [each["OutputKey"] for each in stack.get("Outputs", [])] == (
            ["O"] if "Outputs" in request_["TemplateBody"] else []
        )

    def test_only_what_resource_types_allows(self, server: Any) -> None:
        server.create("shop", body())
        message = refused("ValidationError", create, server.client, ResourceTypes=["AWS::EC2::*"])
        assert message == (
            "Resource type AWS::SSM::Parameter is not allowed by parameter ResourceTypes "
            "[AWS::EC2::*]"
        )


def test_it_keeps_the_role_topics_tags_and_description_it_was_made_with(server: Any) -> None:
    server.sns.create_topic(Name="told")
    role = server.role("deployer", "cloudformation.amazonaws.com")
    tags = [{"Key": "stage", "Value": "prod"}]
    made = create(
        server.client, kind="CREATE", RoleARN=role, NotificationARNs=[TOPIC], Tags=tags,
        Description="release 7", TemplateBody=body(Description="the shop"),
    )  # fmt: skip
    found = server.client.describe_change_set(ChangeSetName=made["Id"])
    assert (found["Description"], found["NotificationARNs"], found["Tags"]) == (
        "release 7", [TOPIC], tags,
    )  # fmt: skip
    server.client.execute_change_set(ChangeSetName=made["Id"])
    stack = server.ended("shop")
    assert (stack["RoleARN"], stack["NotificationARNs"], stack["Tags"]) == (role, [TOPIC], tags)
    assert stack["ChangeSetId"] == made["Id"]
    assert stack["Description"] == "the shop"


@pytest.mark.parametrize(
    ("disable", "status", "left"),
    [(True, "UPDATE_FAILED", "two"), (False, "UPDATE_ROLLBACK_COMPLETE", "one")],
)
def test_disable_rollback_of_an_execution(
    server: Any, disable: bool, status: str, left: str
) -> None:
    def pair(value: str, **more: Any) -> str:
        thing = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": value}}
        broken = {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Type": "String", "Value": {"Ref": "Thing"}, **more},
        }
        return json.dumps({"Resources": {"Thing": thing, "Broken": broken}})

    server.create("shop", pair("one"))
    made = create(server.client, TemplateBody=pair("two", Description="fail-before"))
    server.client.execute_change_set(ChangeSetName=made["Id"], DisableRollback=disable)
    assert server.ended("shop")["StackStatus"] == status
    values = {name: properties["Value"] for name, _, properties in server.store.things()}
    assert values["Thing"] == left
    found = server.client.describe_change_set(ChangeSetName=made["Id"])
    assert found["ExecutionStatus"] == "EXECUTE_FAILED"


@pytest.mark.slow
def test_aws_cloudformation_deploy_in_two_steps(server: Any, tmp_path: Path) -> None:
    """The unmodified command: a change set to be read, then its execution; then nothing to do."""
    (tmp_path / "template.json").write_text(body())
    key = next(iter(server.aws.keys.values()))
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_ENDPOINT_URL": server.aws.url,
        "AWS_ACCESS_KEY_ID": key.access_key_id, "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
    }  # fmt: skip

    def aws(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(Path(sys.executable).parent / "aws"), "cloudformation", *arguments],
            env=environment, capture_output=True, text=True, check=False, timeout=100,
        )  # fmt: skip

    deploy = ("deploy", "--stack-name", "shop", "--template-file", str(tmp_path / "template.json"))
    done = aws(*deploy, "--no-execute-changeset")
    assert done.returncode == 0, done.stderr
    assert "Changeset created successfully. Run the following command to review changes" in (
        done.stdout
    )
    [summary] = server.client.list_change_sets(StackName="shop")["Summaries"]
    assert summary["ChangeSetName"] in done.stdout
    done = aws("execute-change-set", "--change-set-name", summary["ChangeSetId"])
    assert done.returncode == 0, done.stderr
    assert server.ended("shop")["StackStatus"] == "CREATE_COMPLETE"
    done = aws(*deploy, "--fail-on-empty-changeset")
    assert done.returncode == 255, done.stdout
    assert "No changes to deploy. Stack shop is up to date" in done.stderr
