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
