"""Which approvals count for a change set, and when one still stands; rows as the engine's."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from tests.pipeline_world import NOW

from penstock.pipelines import review
from penstock.pipelines.actions.provider import ActionJob
from penstock.pipelines.approved_change_sets import ApprovedChangeSets, is_executable
from penstock.pipelines.review import Review, ReviewedChangeSet
from penstock.storage import action_executions, approvals, change_sets, stacks
from penstock.storage.action_executions import ActionRow
from penstock.storage.approvals import ApprovalRow
from penstock.storage.change_sets import ChangeSetRow
from penstock.storage.database import Database
from penstock.storage.stacks import StackRow

STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/prod/1"
NAMED = {"StackName": "prod", "ChangeSetName": "release"}
REVIEWED = ReviewedChangeSet(
    "Release", "prod", STACK, "release", "arn:plan", "UPDATE", "sha256:1", "AVAILABLE", "", NOW
)
JOB = ActionJob(
    "pipe", "execution", "Production", "Release", "release-id", NAMED, [], [], "", "", "us-east-1",
    "123456789012",
)  # fmt: skip


class Rows:
    """One execution's rows; every action takes a second."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self.now = NOW

    def action(
        self, name: str, provider: str = "Manual", stage: str = "Production", **given: str
    ) -> ActionRow:
        """An action that succeeded."""
        id_ = f"{name}-{self.now:%S}"
        action_executions.insert(
            self.connection, id=id_, pipeline_id="p", pipeline_name="pipe",
            execution_id="execution", pipeline_version=1, stage_name=stage, action_name=name,
            attempt=1, started_at=self.now, updated_at=self.now,
            input={"actionTypeId": {"provider": provider}, "resolvedConfiguration": given},
        )  # fmt: skip
        self.now += timedelta(seconds=1)
        action_executions.finish(self.connection, id_, "Succeeded", self.now)
        found = action_executions.get(self.connection, id_)
        assert found is not None
        return found

    def plan(self, stage: str = "Production", **other: str) -> ActionRow:
        given = {"ActionMode": "CHANGE_SET_REPLACE", **NAMED, **other}
        return self.action("Plan", "CloudFormation", stage, **given)

    def approval(
        self,
        *shown: ReviewedChangeSet,
        decision: str | None = "Approved",
        name: str = "Approve",
    ) -> str:
        row = self.action(name)
        approvals.insert(
            self.connection,
            ApprovalRow(
                row.id, "p", "pipe", "execution", row.stage_name, name, row.id,
                review.encode(Review(change_sets=shown)), NOW, NOW, decision=decision,
                decided_by="arn:ada", decided_at=NOW,
            ),
            [each.arn for each in shown],
        )  # fmt: skip
        return row.id

    def change_set(self, **values: Any) -> None:
        given = ChangeSetRow(
            arn="arn:plan", name="release", stack_id=STACK, stack_name="prod", stack_serial=3,
            status="CREATE_COMPLETE", execution_status="AVAILABLE", sealed="", created_at=NOW,
        )  # fmt: skip
        change_sets.insert(self.connection, replace(given, **values))

    def stack(self, serial: int = 3) -> None:
        stacks.insert(
            self.connection,
            StackRow(STACK, "prod", "UPDATE_COMPLETE", None, serial, False, None, "", NOW),
        )


async def approved(database: Database, work: Any) -> list[str | None]:
    await database.write(lambda c: work(Rows(c)))
    standing = await ApprovedChangeSets(database).standing(JOB)
    return [each.arn for each in standing.approved]


async def test_the_approval_of_what_was_made_counts(database: Database) -> None:
    def work(rows: Rows) -> None:
        rows.plan()
        rows.approval(REVIEWED)
        rows.approval(replace(REVIEWED, arn="arn:again"), name="AlsoApprove")

    assert await approved(database, work) == ["arn:plan", "arn:again"], "every one must agree"


async def test_an_approval_that_saw_no_change_set_is_about_nothing(database: Database) -> None:
    def work(rows: Rows) -> None:
        rows.plan()
        rows.approval(replace(REVIEWED, name="other"))

    assert await approved(database, work) == [None]


async def test_an_approval_before_the_change_set_was_made_is_no_promise(database: Database) -> None:
    def work(rows: Rows) -> None:
        rows.approval(replace(REVIEWED, arn="arn:left by the last release"))
        rows.plan()

    assert await approved(database, work) == []


async def test_an_approval_beside_the_making_of_the_change_set_is_no_promise(
    database: Database,
) -> None:
    def work(rows: Rows) -> None:
        started = rows.now
        rows.plan()
        rows.now = started
        rows.approval()

    assert await approved(database, work) == []


async def test_a_clock_that_goes_back_voids_no_approval(database: Database) -> None:
    def work(rows: Rows) -> None:
        rows.plan()
        rows.now -= timedelta(hours=1)
        rows.approval(REVIEWED)

    assert await approved(database, work) == ["arn:plan"]


async def test_an_approval_that_a_retry_replaced_counts_no_more(database: Database) -> None:
    def work(rows: Rows) -> None:
        rows.plan()
        rows.approval(replace(REVIEWED, arn="arn:old"))
        action_executions.discount(rows.connection, "execution", "Production", ["Plan", "Approve"])
        rows.plan()
        rows.approval(REVIEWED)

    assert await approved(database, work) == ["arn:plan"]


async def test_approvals_of_what_nobody_made_here_count_when_they_show_it(
    database: Database,
) -> None:
    def work(rows: Rows) -> None:
        rows.plan(ChangeSetName="another")
        rows.approval(REVIEWED)
        rows.approval(name="AboutNothing")
        rows.approval(REVIEWED, decision=None, name="Open")

    assert await approved(database, work) == ["arn:plan"]


@pytest.mark.parametrize(("stage", "remade"), [("Production", True), ("Plans", False)])
async def test_only_a_retry_of_the_own_stage_makes_it_anew(
    database: Database, stage: str, remade: bool
) -> None:
    await database.write(lambda c: Rows(c).plan(stage))
    assert (await ApprovedChangeSets(database).standing(JOB)).remade is remade


async def test_a_repeated_start_finds_what_it_executed(database: Database) -> None:
    def work(rows: Rows) -> None:
        rows.stack(serial=4)
        rows.change_set(execution_status="EXECUTE_IN_PROGRESS", execution_token="release-id")
        rows.change_set(arn="arn:newer")

    await database.write(lambda c: work(Rows(c)))
    assert (await ApprovedChangeSets(database).standing(JOB)).executed_arn == "arn:plan"


async def test_a_repeated_start_finds_what_it_made(database: Database) -> None:
    plans = ApprovedChangeSets(database)
    assert await plans.made(JOB) is None

    def work(rows: Rows) -> None:
        rows.stack()
        rows.change_set(arn="arn:older", client_token="another action")
        rows.change_set(client_token="release-id")

    await database.write(lambda c: work(Rows(c)))
    assert await plans.made(JOB) == "arn:plan"


@pytest.mark.parametrize(
    ("values", "stands"),
    [
        ({}, True),
        ({"execution_status": "OBSOLETE"}, False),
        ({"execution_status": "EXECUTE_FAILED"}, False),
        ({"stack_serial": 2}, False),
        ({"client_token": "somebody else"}, False),
        ({"name": "another"}, False),
        ({"execution_status": "UNAVAILABLE", "status_reason": "No export named X"}, False),
        (
            {
                "execution_status": "UNAVAILABLE",
                "status_reason": "The submitted information didn't contain changes. Submit "
                "different information to create a change set.",
            },
            True,
        ),
    ],
)
async def test_when_a_change_set_still_stands(
    database: Database, values: dict[str, Any], stands: bool
) -> None:
    def work(connection: sa.Connection) -> bool:
        rows = Rows(connection)
        rows.stack()
        made = rows.plan()
        rows.change_set(**{"client_token": made.id, **values})
        return is_executable(connection, made)

    assert await database.write(work) is stands


async def test_no_change_set_stands_without_its_stack(database: Database) -> None:
    def work(connection: sa.Connection) -> bool:
        rows = Rows(connection)
        made = rows.plan()
        rows.change_set(client_token=made.id)
        return is_executable(connection, made)

    assert await database.write(work) is False
