"""A change set's page, also once the change set is gone, and the list on its stack's page."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from tests import review_samples as samples
from tests.console_world import Browser, World
from tests.unit.console.test_stack_pages import ANSWERS, STACK_ID

from penstock.pipelines import review
from penstock.pipelines.review import Review, ReviewedChangeSet
from penstock.storage import approvals, change_sets
from penstock.storage.approvals import ApprovalRow
from penstock.storage.change_sets import ChangeSetRow

PAGE = f"/console/changesets?arn={quote(samples.CHANGE_SET_ARN, safe='')}"
READ = {
    "Effect": "Allow",
    "Action": "cloudformation:DescribeChangeSet",
    "Resource": samples.STACK_ID,
}
DESCRIBED = {
    "ChangeSetId": samples.CHANGE_SET_ARN,
    "Status": "CREATE_COMPLETE",
    "ExecutionStatus": "AVAILABLE",
    "Description": samples.HOSTILE,
}


async def store(world: World, stack_id: str = samples.STACK_ID, status: str = "AVAILABLE") -> None:
    row = ChangeSetRow(
        arn=samples.CHANGE_SET_ARN,
        name="release",
        stack_id=stack_id,
        stack_name="todobackend-prod",
        stack_serial=1,
        status="CREATE_COMPLETE",
        execution_status=status,
        sealed="sealed",
        created_at=samples.MADE,
        digest=samples.DIGEST,
    )
    await world.database.write(lambda c: change_sets.insert(c, row))


async def asked(world: World, shown: Review) -> None:
    now = world.clock()
    row = ApprovalRow(
        "aaaa", "p", "todobackend", "1111", "Production", "Approve", "token",
        review.encode(shown), now, now + timedelta(days=7),
        decision="Rejected", decided_by="ann", decided_at=now,
    )  # fmt: skip
    arns = [each.arn for each in shown.change_sets]
    await world.database.write(lambda c: approvals.insert(c, row, arns))


@pytest.fixture
async def browser(world: World) -> Browser:
    async def reviewed(arn: str) -> ReviewedChangeSet:
        assert arn == samples.CHANGE_SET_ARN
        return samples.UPDATE

    world.answers["cloudformation", "DescribeChangeSet"] = DESCRIBED
    world.serve(world.make_console(reviewed=reviewed))
    return await world.log_in()


async def test_what_is_lost_is_warned_of(world: World) -> None:
    gone = samples.change("Remove", "Orders", "AWS::DynamoDB::Table", PolicyAction="Delete")

    async def reviewed(_arn: str) -> ReviewedChangeSet:
        return samples.change_set([gone])

    world.answers["cloudformation", "DescribeChangeSet"] = DESCRIBED
    world.serve(world.make_console(reviewed=reviewed))
    browser = await world.log_in()
    await store(world)
    page = await browser.get(PAGE)
    assert "<strong>Warning:</strong> what it stores is deleted with it</p>" in page.text


async def test_a_change_set_of_anybody(world: World, browser: Browser) -> None:
    await store(world)
    page = await browser.get(PAGE)
    assert page.status == 200
    assert "3 resources change in todobackend-prod: 1 is replaced" in page.text
    assert "CREATE_COMPLETE" in page.text
    assert "AVAILABLE" in page.text
    assert samples.DIGEST in page.text
    assert "0.2.0-d4b81f35" in page.text
    assert f'href="/console/stacks/todobackend-prod/{samples.UUID}"' in page.text
    assert "topic=stack%3Atodobackend-prod" in page.text
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert "/console/approvals/" not in page.text
    assert "<form" not in page.text.partition("<main")[2]


async def test_a_change_set_that_an_approval_asks_about(world: World, browser: Browser) -> None:
    await store(world)
    await asked(world, samples.RELEASE)
    assert (
        '<a href="/console/approvals/aaaa">Production › Approve</a>'
        in (await browser.get(PAGE)).text
    )


async def test_a_change_set_that_is_gone_is_shown_as_it_was_reviewed(
    world: World, browser: Browser
) -> None:
    await asked(world, samples.RELEASE)
    page = await browser.get(PAGE)
    assert page.status == 200
    assert "not there any more" in page.text
    assert "0.2.0-d4b81f35" in page.text
    assert '<a href="/console/approvals/aaaa">' in page.text
    assert world.calls == []


@pytest.mark.parametrize("gone", [True, False])
async def test_who_may_not_describe_a_change_set_sees_none(
    world: World, browser: Browser, gone: bool
) -> None:
    await asked(world, samples.RELEASE)
    if not gone:
        await store(world)
    await world.log_in(await world.user("ann", {**READ, "Resource": f"{samples.STACK_ID}x"}))
    page = await browser.get(PAGE)
    assert page.status == 403
    assert "not authorized to perform: cloudformation:DescribeChangeSet" in page.text
    assert "0.2.0" not in page.text


async def test_an_approval_is_named_to_those_alone_who_may_read_it(
    world: World, browser: Browser
) -> None:
    await asked(world, samples.RELEASE)
    await world.log_in(await world.user("ann", READ))
    page = await browser.get(PAGE)
    assert page.status == 200
    assert "/console/approvals/aaaa" not in page.text


@pytest.mark.parametrize("arn", ["", "release", samples.CHANGE_SET_ARN + "0", "%25", '"'])
async def test_an_unknown_change_set_is_not_found(world: World, browser: Browser, arn: str) -> None:
    await store(world)
    await asked(world, samples.RELEASE)
    page = await browser.get(f"/console/changesets?arn={quote(arn, safe='')}")
    assert page.status == 404


async def test_a_stacks_page_lists_its_change_sets(world: World, browser: Browser) -> None:
    await store(world, STACK_ID)

    def summary(name: str, arn: str, **more: Any) -> dict[str, Any]:
        return {
            "ChangeSetId": arn,
            "ChangeSetName": name,
            "Status": "CREATE_COMPLETE",
            "ExecutionStatus": "EXECUTE_COMPLETE",
            "CreationTime": samples.MADE,
            **more,
        }

    failed = {"Status": "FAILED", "StatusReason": samples.HOSTILE}
    world.answers |= ANSWERS
    world.answers["cloudformation", "ListChangeSets"] = {
        "Summaries": [
            summary("first", samples.CHANGE_SET_ARN),
            summary("second", "arn:aws:cloudformation:::changeSet/second/1", **failed),
        ]
    }
    page = await browser.get("/console/stacks/todo")
    text = page.text
    assert f'<a href="{PAGE}">first</a>' in text
    assert samples.DIGEST in text
    assert "EXECUTE_COMPLETE" in text
    assert text.index(">second</a>") < text.index(">first</a>"), "the newest first"
    assert "<script>" not in text


async def test_a_stacks_page_lists_what_was_executed(world: World, browser: Browser) -> None:
    """ListChangeSets leaves it out."""
    await store(world, STACK_ID, "EXECUTE_COMPLETE")
    later = {
        "ChangeSetId": "arn:aws:cloudformation:::changeSet/second/1",
        "ChangeSetName": "second",
        "Status": "CREATE_COMPLETE",
        "ExecutionStatus": "AVAILABLE",
        "CreationTime": samples.MADE + timedelta(minutes=1),
    }
    world.answers |= ANSWERS
    world.answers["cloudformation", "ListChangeSets"] = {"Summaries": [later]}
    text = (await browser.get("/console/stacks/todo")).text
    assert f'<a href="{PAGE}">release</a>' in text
    assert "EXECUTE_COMPLETE" in text
    assert samples.DIGEST in text
    assert text.index(">second</a>") < text.index(">release</a>"), "the newest first"


async def test_who_may_not_list_change_sets_sees_the_stack(world: World, browser: Browser) -> None:
    world.answers |= ANSWERS
    page = await browser.get("/console/stacks/todo")
    assert page.status == 200
    assert "Change sets" not in page.text
