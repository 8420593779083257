"""A preview of a template: what is sent, and that nothing of it is left."""

import signal
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from penstock.cli import change_preview
from penstock.cli.change_preview import Preview, previewed
from penstock.cli.cloudformation_endpoint import CloudFormationEndpoint
from penstock.cli.preview_request import PreviewRequest
from penstock.cli.refusal import Refusal
from penstock.pipelines.review import ParameterChange

ARN, STACK_ID = "arn:change-set", "arn:stack"
BODY = """\
Parameters:
  A: {Type: String}
  B: {Type: String}
  Hidden: {Type: String, NoEcho: true}
Resources: {T: {Type: "AWS::SNS::Topic"}}
"""
LIVE = {
    "StackStatus": "CREATE_COMPLETE",
    "Parameters": [
        {"ParameterKey": "A", "ParameterValue": "1"},
        {"ParameterKey": "Gone", "ParameterValue": "x"},
        {"ParameterKey": "Hidden", "ParameterValue": "in the clear"},
    ],
}
REQUEST = PreviewRequest("shop.yml", BODY, "shop")
NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)


def refused(code: str, message: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "Operation")


def change(name: str, **more: Any) -> dict[str, Any]:
    return {"ResourceChange": {"Action": "Modify", "LogicalResourceId": name, **more}}


class CloudFormation:
    """CloudFormation as a preview meets it; every call that changes something is remembered."""

    def __init__(self, stack: dict[str, Any] | None = None, **answer: Any) -> None:
        self.stack = stack
        self.answer = {"Status": "CREATE_COMPLETE", "StackName": "shop", "ChangeSetId": ARN}
        self.answer |= answer
        self.made: dict[str, Any] = {}
        self.did: list[str] = []
        self.others: list[dict[str, str]] = []
        self.refuses: dict[str, list[Exception]] = {}

    def _refuse(self, operation: str) -> None:
        if self.refuses.get(operation):
            raise self.refuses[operation].pop(0)

    def describe_stacks(self, StackName: str) -> dict[str, Any]:
        if self.stack is None:
            raise refused("ValidationError", f"Stack with id {StackName} does not exist")
        return {"Stacks": [self.stack]}

    def create_change_set(self, **request: Any) -> dict[str, str]:
        self.made = request
        if self.stack is None:
            self.stack = {"StackStatus": "REVIEW_IN_PROGRESS"}
        self._refuse("create")
        return {"Id": ARN, "StackId": STACK_ID}

    def describe_change_set(self, **request: Any) -> dict[str, Any]:
        by_name = (request.get("ChangeSetName"), request.get("StackName"))
        assert request["ChangeSetName"] == ARN or by_name == (self.made["ChangeSetName"], "shop")
        self._refuse("describe")
        return {"StackId": STACK_ID, **self.answer}

    def list_change_sets(self, StackName: str) -> dict[str, Any]:
        return {"Summaries": [{"ChangeSetId": ARN}, *self.others]}

    def delete_change_set(self, **place: str) -> None:
        self._refuse("delete")
        self.did.append(f"delete change set {' '.join(place.values())}")

    def delete_stack(self, StackName: str) -> None:
        self.did.append(f"delete stack {StackName}")
        self.stack = None


def preview(cloudformation: CloudFormation, request: PreviewRequest = REQUEST) -> Preview:
    endpoint = CloudFormationEndpoint(lambda _service: cloudformation, "us-east-1", "there")
    with previewed(endpoint, request) as found:
        assert cloudformation.did == [], "it stays while it is looked at"
    return found


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)


def test_a_stacks_own_values_are_kept() -> None:
    there = CloudFormation(LIVE)
    preview(there, replace(REQUEST, parameters={"B": "x"}))
    assert there.made["ChangeSetType"] == "UPDATE"
    assert there.made["Parameters"] == [
        {"ParameterKey": "B", "ParameterValue": "x"},
        {"ParameterKey": "A", "UsePreviousValue": True},
        {"ParameterKey": "Hidden", "UsePreviousValue": True},
    ]
    assert there.did == [f"delete change set {ARN}"], "the stack stays"


@pytest.mark.parametrize(
    ("stack", "deleted"),
    [
        (None, [f"delete change set {ARN}", f"delete stack {STACK_ID}"]),
        ({"StackStatus": "REVIEW_IN_PROGRESS"}, [f"delete change set {ARN}"]),
    ],
)
def test_a_stack_is_removed_only_if_it_was_not_there(
    stack: dict[str, Any] | None, deleted: list[str]
) -> None:
    there = CloudFormation(stack)
    found = preview(there)
    assert (there.made["ChangeSetType"], there.made["Parameters"]) == ("CREATE", [])
    assert (found.existed, found.change_set.kind) == (stack is not None, "CREATE")
    assert there.did == deleted


def test_a_stack_that_others_use_by_now_stays() -> None:
    there = CloudFormation()
    there.others = [{"ChangeSetId": "arn:of-somebody-else"}]
    preview(there)
    assert there.did == [f"delete change set {ARN}"]


def test_what_is_given_is_sent() -> None:
    there = CloudFormation(LIVE)
    request = replace(
        REQUEST, tags={"team": "a"}, role_arn="arn:role", nested=True, capabilities=("X",)
    )
    preview(there, request)
    assert there.made["Tags"] == [{"Key": "team", "Value": "a"}]
    assert (there.made["RoleARN"], there.made["IncludeNestedStacks"]) == ("arn:role", True)
    assert there.made["Capabilities"] == ["X"]
    assert there.made["TemplateBody"] == BODY
    there = CloudFormation(LIVE)
    preview(there)
    assert not {"Tags", "RoleARN", "IncludeNestedStacks"} & there.made.keys()


def test_what_is_kept_stays_with_its_stack_but_not_without_a_change() -> None:
    there = CloudFormation()
    assert preview(there, replace(REQUEST, keep=True)).kept
    assert there.did == []
    there = CloudFormation(LIVE, Status="FAILED", StatusReason=NO_CHANGES)
    assert not preview(there, replace(REQUEST, keep=True)).kept
    assert there.did == [f"delete change set {ARN}"]


def test_no_changes_are_told_whether_a_change_set_was_made_or_not() -> None:
    there = CloudFormation(LIVE, Status="FAILED", StatusReason=NO_CHANGES)
    assert preview(there).change_set.empty
    there = CloudFormation(LIVE)
    words = "No updates are to be performed."
    there.refuses["create"] = [refused("ValidationError", words)]
    found = preview(there).change_set
    assert (found.empty, found.stack_name, found.arn) == (True, "shop", "")
    assert there.did == []


def test_a_failure_is_told_and_nothing_is_left() -> None:
    there = CloudFormation(Status="FAILED", StatusReason="No export named x found.")
    with pytest.raises(Refusal, match=r"shop\.yml: No export named x found\."):
        preview(there)
    assert there.did == [f"delete change set {ARN}", f"delete stack {STACK_ID}"]


def test_a_template_that_is_refused_is_named() -> None:
    there = CloudFormation(LIVE)
    there.refuses["create"] = [refused("ValidationError", "Template format error: no")]
    with pytest.raises(Refusal, match=r"shop\.yml: Template format error: no"):
        preview(there)
    words = "Requires capabilities : [CAPABILITY_IAM]"
    there.refuses["create"] = [refused("InsufficientCapabilities", words)]
    with pytest.raises(Refusal, match="give them: --capability"):
        preview(there)


def test_a_change_set_that_may_be_there_without_an_answer_is_removed() -> None:
    there = CloudFormation()
    there.refuses["create"] = [ReadTimeoutError(endpoint_url="http://x")]
    with pytest.raises(ReadTimeoutError):
        preview(there)
    assert there.did == [f"delete change set {ARN}", f"delete stack {STACK_ID}"], "by their ids"


def test_what_was_never_made_leaves_what_has_its_stacks_name() -> None:
    there = CloudFormation()
    there.refuses["create"] = [ReadTimeoutError(endpoint_url="http://x")]
    there.refuses["describe"] = [refused("ChangeSetNotFound", "does not exist")]
    with pytest.raises(ReadTimeoutError):
        preview(there)
    assert there.did == []


def test_one_that_somebody_has_executed_keeps_its_stack() -> None:
    there = CloudFormation()
    words = "Cannot delete ChangeSet in execution status EXECUTE_COMPLETE"
    there.refuses["delete"] = [refused("InvalidChangeSetStatus", words)]
    with pytest.raises(Refusal, match=f"somebody has executed the preview's change set: {ARN}"):
        preview(there)
    assert there.did == []


def test_an_interruption_leaves_nothing() -> None:
    there = CloudFormation()
    endpoint = CloudFormationEndpoint(lambda _service: there, "us-east-1", "there")
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as ended, previewed(endpoint, REQUEST):
        signal.raise_signal(signal.SIGTERM)
    assert ended.value.code == 143
    assert there.did == [f"delete change set {ARN}", f"delete stack {STACK_ID}"]
    assert signal.getsignal(signal.SIGTERM) == before


def test_one_that_is_still_being_made_is_deleted_later() -> None:
    there = CloudFormation(LIVE)
    there.refuses["delete"] = [refused("InvalidChangeSetStatus", "in CREATE_IN_PROGRESS")]
    preview(there)
    assert there.did == [f"delete change set {ARN}"]


def test_one_that_cannot_be_deleted_is_named() -> None:
    there = CloudFormation(LIVE)
    there.refuses["delete"] = [refused("AccessDenied", "not authorized")]
    with pytest.raises(Refusal, match=f"is left, and must be deleted by hand: {ARN}"):
        preview(there)


def test_one_that_is_never_made_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_preview, "_MOST_SECONDS", 0.01)
    there = CloudFormation(LIVE, Status="CREATE_IN_PROGRESS")
    with pytest.raises(Refusal, match="was not made within"):
        preview(there)
    assert there.did == [f"delete change set {ARN}"]


def test_parameters_are_told_before_and_after_and_secrets_never() -> None:
    told = [
        {"ParameterKey": "A", "ParameterValue": "2"},
        {"ParameterKey": "B", "ParameterValue": "name", "ResolvedValue": "ami-1"},
        {"ParameterKey": "Hidden", "ParameterValue": "in the clear"},
    ]
    found = preview(CloudFormation(LIVE, Parameters=told)).change_set.parameters
    assert found == [
        ParameterChange("A", "1", "2"),
        ParameterChange("B", None, "ami-1 (from name)"),
        ParameterChange("Hidden", "****", "****"),
        ParameterChange("Gone", "x", None),
    ]
    request = replace(REQUEST, parameters={"Hidden": "new"})
    there = CloudFormation(LIVE, Parameters=told)
    [hidden] = [e for e in preview(there, request).change_set.parameters if e.name == "Hidden"]
    assert (hidden.before, hidden.after) == (
        "****", "**** (given: whether it differs is not told)",
    )  # fmt: skip
    assert preview(CloudFormation(), request).change_set.parameters == [
        ParameterChange("Hidden", None, "****")
    ], "an answer without parameters"


def test_a_stack_named_after_the_file_is_said_to_be_new() -> None:
    request = replace(REQUEST, guessed=True)
    assert "name another with --stack" in preview(CloudFormation(), request).notes[0]
    assert preview(CloudFormation(LIVE), request).notes == []


def test_both_forms_of_the_changes_are_joined() -> None:
    class Paged(CloudFormation):
        def describe_change_set(self, **request: Any) -> dict[str, Any]:
            valued, page = "IncludePropertyValues" in request, request.get("NextToken")
            reached = [change("A"), change("Reached")] if not valued else []
            changes = reached if page is None else [change("B", Values=valued)]
            changes += [change("A", Values=True)] if valued and page is None else []
            more = {"NextToken": "2"} if page is None else {}
            return {**self.answer, "Changes": changes, **more}

    found = preview(Paged(LIVE)).change_set.changes
    assert found == [change("A", Values=True), change("Reached"), change("B", Values=True)]


def test_nested_stacks_are_shown_or_pointed_to() -> None:
    inner = change("Child", ResourceType="AWS::CloudFormation::Stack", ChangeSetId=ARN)

    class Nested(CloudFormation):
        asked = 0

        def describe_change_set(self, **request: Any) -> dict[str, Any]:
            self.asked += 1
            below = self.asked > 3  # the wait and two forms, then the nested one's two
            return {**self.answer, "Changes": [change("Leaf")] if below else [inner]}

    found = preview(Nested(LIVE), replace(REQUEST, nested=True))
    assert [each.changes for each in found.nested] == [[change("Leaf")]]
    assert len(found.change_sets) == 2
    found = preview(CloudFormation(LIVE, Changes=[inner]))
    assert found.nested == []
    assert "inside the nested stacks Child is not shown: see it with --nested" in found.notes[0]
    silent = change("Child", ResourceType="AWS::CloudFormation::Stack")
    found = preview(CloudFormation(LIVE, Changes=[silent]), replace(REQUEST, nested=True))
    assert "inside the nested stacks Child the endpoint does not say" in found.notes[0]
