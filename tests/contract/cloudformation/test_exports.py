"""Exports and imports: unique, and guarded while somebody uses them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.stack_world import TYPE, template, thing


def exporting(value: str = "v1", **more: Any) -> str:
    outputs = {"O": {"Value": {"Fn::GetAtt": ["A", "Value"]}, "Export": {"Name": "net-Vpc"}}}
    return template({"A": thing(value)}, Outputs=outputs, **more)


IMPORTING = template(
    {"B": {"Type": TYPE, "Properties": {"Type": "String", "Value": {"Fn::ImportValue": "net-Vpc"}}}}
)


def message(call: Any, **request: Any) -> str:
    with pytest.raises(ClientError) as error:
        call(**request)
    assert error.value.response["Error"]["Code"] == "ValidationError"
    return str(error.value.response["Error"]["Message"])


def test_list_exports_and_imports(server: Any, cloudformation: Any) -> None:
    stack = server.create("net", exporting())
    assert cloudformation.list_exports()["Exports"] == [
        {"ExportingStackId": stack["StackId"], "Name": "net-Vpc", "Value": "v1"}
    ]
    assert message(cloudformation.list_imports, ExportName="net-Vpc") == (
        "Export 'net-Vpc' is not imported by any stack."
    )
    server.create("app", IMPORTING)
    assert cloudformation.list_imports(ExportName="net-Vpc")["Imports"] == ["app"]
    assert [p["Value"] for n, _, p in server.store.things() if n == "B"] == ["v1"]


def test_an_export_in_use_is_guarded(server: Any, cloudformation: Any) -> None:
    stack_id = server.create("net", exporting())["StackId"]
    app = server.create("app", IMPORTING)["StackId"]
    assert message(cloudformation.delete_stack, StackName="net") == (
        "Export net-Vpc cannot be deleted as it is in use by app"
    )
    stack = server.update("net", exporting("v2"))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert "Export net-Vpc cannot be updated as it is in use by app" in [
        event[3] for event in server.events("net")
    ]
    assert cloudformation.list_exports()["Exports"][0]["Value"] == "v1"
    cloudformation.delete_stack(StackName="app")
    server.ended(app)
    assert server.update("net", exporting("v2"))["StackStatus"] == "UPDATE_COMPLETE"
    assert cloudformation.list_exports()["Exports"][0]["Value"] == "v2"
    cloudformation.delete_stack(StackName="net")
    assert server.ended(stack_id)["StackStatus"] == "DELETE_COMPLETE"
    assert cloudformation.list_exports()["Exports"] == []


def test_an_export_has_one_owner(server: Any) -> None:
    server.create("net", exporting())
    second = server.create("second", exporting())
    assert second["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "Export with name net-Vpc is already exported by stack net" in [
        event[3] for event in server.events("second")
    ]


def test_a_missing_export(server: Any) -> None:
    stack = server.create("app", IMPORTING)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "No export named net-Vpc found. Rollback requested by user." in [
        event[3] for event in server.events("app")
    ]


class TestReviewedImports:
    """A change set is executed with the values of exports that it was reviewed with."""

    def planned(self, client: Any, name: str = "app", kind: str = "CREATE", **more: Any) -> str:
        wanted = {"StackName": name, "ChangeSetName": "cs", "ChangeSetType": kind, **more}
        return str(client.create_change_set(**{"TemplateBody": IMPORTING, **wanted})["Id"])

    def test_another_value_refuses_the_execution(self, server: Any, cloudformation: Any) -> None:
        server.create("net", exporting())
        arn = self.planned(cloudformation)
        server.update("net", exporting("v2"))
        execute = cloudformation.execute_change_set
        assert message(execute, ChangeSetName=arn) == (
            "The change set was planned otherwise: the export net-Vpc has another value. "
            "Make the change set again."
        )
        described = cloudformation.describe_change_set(ChangeSetName=arn)
        assert described["ExecutionStatus"] == "AVAILABLE"
        assert cloudformation.describe_stacks(StackName="app")["Stacks"][0]["StackStatus"] == (
            "REVIEW_IN_PROGRESS"
        )
        assert [n for n, _, _ in server.store.things()] == ["A"]
        server.update("net", exporting())  # and it is what was reviewed again
        execute(ChangeSetName=arn)
        assert server.ended("app")["StackStatus"] == "CREATE_COMPLETE"

    def test_an_export_that_is_gone(self, server: Any, cloudformation: Any) -> None:
        server.create("net", exporting())
        server.create("app", template({"A": thing("x")}))
        arn = self.planned(cloudformation, kind="UPDATE")
        server.update("net", template({"A": thing("v1")}))
        assert message(cloudformation.execute_change_set, ChangeSetName=arn) == (
            "The change set was planned otherwise: there is no export net-Vpc any more. "
            "Make the change set again."
        )

    def test_an_import_in_an_output_alone(self, server: Any, cloudformation: Any) -> None:
        server.create("net", exporting())
        body = template({"A": thing("x")}, Outputs={"O": {"Value": {"Fn::ImportValue": "net-Vpc"}}})
        arn = self.planned(cloudformation, TemplateBody=body)
        server.update("net", exporting("v2"))
        assert "another value" in message(cloudformation.execute_change_set, ChangeSetName=arn)

    def test_of_a_nested_stack(self, server: Any, cloudformation: Any) -> None:
        server.create("net", exporting())
        url = server.put_template("child.json", IMPORTING)
        nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url}}
        body = template({"Child": nested})
        arn = self.planned(cloudformation, TemplateBody=body, IncludeNestedStacks=True)
        server.update("net", exporting("v2"))
        assert "the export net-Vpc has another value" in message(
            cloudformation.execute_change_set, ChangeSetName=arn
        )

    def test_one_that_came_after_the_warning(self, server: Any, cloudformation: Any) -> None:
        arn = self.planned(cloudformation)
        found = cloudformation.describe_change_set(ChangeSetName=arn, IncludePropertyValues=True)
        assert "No export named net-Vpc found" in found["StatusReason"]
        server.create("net", exporting())
        cloudformation.execute_change_set(ChangeSetName=arn)
        assert server.ended("app")["StackStatus"] == "CREATE_COMPLETE"
