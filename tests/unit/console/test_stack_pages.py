"""A stack's page, from CloudFormation's answers in the shapes of botocore's model."""

from datetime import UTC, datetime

import pytest
from tests.console_world import World

from penstock.aws.errors import ServiceError

NOW = datetime(2026, 1, 2, 3, 4, 0, tzinfo=UTC)
HOSTILE = "<script>alert('x')</script>"
STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/todo/0b1c2d3e-1111-2222-3333-4444"
STACK = {
    "StackId": STACK_ID,
    "StackName": "todo",
    "Description": HOSTILE,
    "CreationTime": NOW,
    "StackStatus": "UPDATE_ROLLBACK_COMPLETE",
    "StackStatusReason": "The following resource(s) failed to update: [Service].",
    "Parameters": [{"ParameterKey": "Secret", "ParameterValue": "****"}],
    "Outputs": [
        {"OutputKey": "PublicURL", "OutputValue": "http://127.0.0.1:8080/", "ExportName": "url"},
        {"OutputKey": "Trap", "OutputValue": "javascript:alert(1)"},
    ],
}


def resource(name: str, type_name: str) -> dict[str, object]:
    return {
        "LogicalResourceId": name,
        "PhysicalResourceId": f"todo-{name}",
        "ResourceType": type_name,
        "ResourceStatus": "CREATE_COMPLETE",
        "LastUpdatedTimestamp": NOW,
    }


ANSWERS = {
    ("cloudformation", "DescribeStacks"): {"Stacks": [STACK]},
    ("cloudformation", "ListStackResources"): {
        "StackResourceSummaries": [
            resource("Service", "AWS::ECS::Service"),
            resource("Group", "AWS::Logs::LogGroup"),
            resource("Alarm", "AWS::CloudWatch::Alarm"),
        ]
    },
    ("cloudformation", "DescribeStackEvents"): {
        "StackEvents": [
            {
                "EventId": "2",
                "StackId": STACK_ID,
                "StackName": "todo",
                "LogicalResourceId": "Service",
                "ResourceType": "AWS::ECS::Service",
                "ResourceStatus": "UPDATE_FAILED",
                "ResourceStatusReason": HOSTILE + " in full",
                "Timestamp": NOW,
            }
        ]
    },
    ("cloudformation", "GetTemplate"): {"TemplateBody": "Description: " + HOSTILE},
    ("cloudformation", "ListStacks"): {
        "StackSummaries": [
            {"StackId": STACK_ID, "StackName": "todo", "CreationTime": NOW,
             "StackStatus": "CREATE_IN_PROGRESS"},
            {"StackId": STACK_ID, "StackName": "old", "CreationTime": NOW,
             "DeletionTime": NOW, "StackStatus": "DELETE_COMPLETE"},
        ]
    },
}  # fmt: skip


async def support(stack_id: str) -> dict[str, str]:
    assert stack_id == STACK_ID
    return {"Service": "running", "Group": "kept", "Alarm": "recorded"}


@pytest.fixture
def stacks(world: World) -> World:
    world.answers |= ANSWERS
    world.serve(world.make_console(support=support))
    return world


async def test_a_stacks_page_says_all_that_is_to_know(stacks: World) -> None:
    browser = await stacks.log_in()
    page = await browser.get("/console/stacks/todo")
    assert page.status == 200
    text = page.text
    assert "UPDATE_ROLLBACK_COMPLETE" in text
    assert "failed to update: [Service]" in text
    assert "running 1, kept 1, recorded 1" in text
    assert 'class="support support-recorded" title="Recorded only: nothing runs behind it"' in text
    assert "in full" in text
    assert "todo-Service" in text
    assert '<a href="http://127.0.0.1:8080/" rel="noreferrer noopener"' in text
    assert "topic=stack%3Atodo" in text
    assert "<script>" not in text


async def test_what_a_stack_consists_of_is_no_failure(stacks: World) -> None:
    """Locks: a rolled back stack showed its counts in the red of a failure's reason."""
    counts = "running 1, kept 1, recorded 1"
    for reason, style in ((counts, "quiet"), ("Service failed", "failure")):
        described = {"Stacks": [{**STACK, "StackStatusReason": reason}]}
        stacks.answers["cloudformation", "DescribeStacks"] = described
        browser = await stacks.log_in()
        text = (await browser.get("/console/stacks/todo")).text
        assert f'<p class="full {style}">{reason}</p>' in text


async def test_an_output_is_a_link_only_if_it_leads_to_a_web_page(stacks: World) -> None:
    browser = await stacks.log_in()
    text = (await browser.get("/console/stacks/todo")).text
    assert "javascript:alert(1)" in text
    assert 'href="javascript' not in text


async def test_a_deleted_stack_is_found_by_its_id(stacks: World) -> None:
    browser = await stacks.log_in()
    path = "/console/stacks/todo/" + STACK_ID.rsplit("/", 1)[1]
    assert (await browser.get(path)).status == 200
    described = next(call for call in stacks.calls if call[1] == "DescribeStacks")
    assert described[2] == {"StackName": STACK_ID}


async def test_the_live_part_leaves_the_template_alone(stacks: World) -> None:
    browser = await stacks.log_in()
    assert "Description: &lt;script&gt;" in (await browser.get("/console/stacks/todo")).text
    stacks.calls.clear()
    await browser.get("/console/stacks/todo", hx_request="true")
    assert "GetTemplate" not in {call[1] for call in stacks.calls}


async def test_a_stack_without_a_template_has_a_page(stacks: World) -> None:
    stacks.answers["cloudformation", "GetTemplate"] = ServiceError("ValidationError", "none yet")
    browser = await stacks.log_in()
    assert (await browser.get("/console/stacks/todo")).status == 200


async def test_live_and_deleted_stacks_are_listed_apart(stacks: World) -> None:
    browser = await stacks.log_in()
    text = (await browser.get("/console/stacks")).text
    live, _, deleted = text.partition("Deleted stacks (1)")
    assert "CREATE_IN_PROGRESS" in live
    assert "old" not in live.partition("<main")[2]
    assert "DELETE_COMPLETE" in deleted


async def test_an_unknown_stack_is_not_found(stacks: World) -> None:
    stacks.answers["cloudformation", "DescribeStacks"] = ServiceError(
        "ValidationError", "Stack with id nothing does not exist", status=400
    )
    browser = await stacks.log_in()
    page = await browser.get("/console/stacks/nothing")
    assert page.status == 404
    assert "Stack with id nothing does not exist" in page.text


async def test_nested_stacks_lead_to_each_other(stacks: World) -> None:
    described = {"Stacks": [{**STACK, "ParentId": STACK_ID.replace("/todo/", "/above/")}]}
    stacks.answers["cloudformation", "DescribeStacks"] = described
    below = resource("Child", "AWS::CloudFormation::Stack")
    below["PhysicalResourceId"] = STACK_ID.replace("/todo/", "/below/")
    stacks.answers["cloudformation", "ListStackResources"] = {"StackResourceSummaries": [below]}
    text = (await (await stacks.log_in()).get("/console/stacks/todo")).text
    uuid = STACK_ID.rsplit("/", 1)[1]
    assert f'Nested in <a href="/console/stacks/above/{uuid}">above</a>' in text
    assert f'<a href="/console/stacks/below/{uuid}">' in text
