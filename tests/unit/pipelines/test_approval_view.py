"""An approval as people see it: what has become of it, its token, and who may see it at all."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from tests.databases import opened_database
from tests.pipeline_world import document
from tests.stack_world import ROOT

from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal
from penstock.ids import derived_uuid
from penstock.pipelines.approval_view import ApprovalViews, Status, described, listed, read
from penstock.pipelines.review import Review, ReviewedChangeSet, decode, encode
from penstock.pipelines.structure import normalise
from penstock.storage import action_executions, approvals, pipeline_executions, pipelines
from penstock.storage.approvals import ApprovalRow
from penstock.storage.database import Database
from penstock.storage.pipeline_executions import ExecutionRow
from penstock.storage.pipelines import PipelineRow

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PIPELINE, EXECUTION, ACTION = derived_uuid("pipe"), "execution", "action"
STACK = "arn:aws:cloudformation:us-east-1:123456789012:stack/prod/1"
CHANGE_SET = ReviewedChangeSet(
    "Execute", "prod", STACK, "release", "arn:cs", "UPDATE", "sha256:1", "AVAILABLE", "", NOW
)
ROW = ApprovalRow(
    action_execution_id=ACTION,
    pipeline_id=PIPELINE,
    pipeline_name="pipe",
    execution_id=EXECUTION,
    stage_name="Production",
    action_name="Approve",
    token="token",
    review=encode(Review(change_sets=[CHANGE_SET], notes=["a note"])),
    created_at=NOW,
    expires_at=NOW + timedelta(days=7),
    digest="sha256:1",
    custom_data="read it",
)


@dataclass
class Asked:
    """A request for approval in a database, and what is written about it."""

    database: Database
    denied: dict[str, str] = field(default_factory=dict)

    async def store(self, row: ApprovalRow = ROW) -> None:
        declared = normalise(document(), 1)
        pipeline = PipelineRow("pipe", PIPELINE, "arn:pipe", 1, declared, {}, 0, NOW, NOW)
        execution = ExecutionRow(
            id=EXECUTION, pipeline_id=PIPELINE, number=1, pipeline_version=1,
            execution_mode="SUPERSEDED", status="InProgress", status_summary="",
            trigger_type="x", trigger_detail="", variables={}, source_overrides={},
            source_revisions=[], artifact_revisions=[], stop_reason=None, abandon=False,
            request_token=None, started_at=NOW, updated_at=NOW,
        )  # fmt: skip

        def work(c: sa.Connection) -> None:
            pipelines.insert(c, pipeline, [])
            pipeline_executions.insert(c, execution)
            action_executions.insert(
                c, id=ACTION, pipeline_id=PIPELINE, pipeline_name="pipe", execution_id=EXECUTION,
                pipeline_version=1, stage_name="Production", action_name="Approve", attempt=1,
                started_at=NOW, updated_at=NOW,
                input={"resolvedConfiguration": {"IsSummaryRequired": "true"}},
            )  # fmt: skip
            approvals.insert(c, row, ["arn:cs"])

        await self.database.write(work)

    async def end(self, status: str, at: datetime = NOW) -> None:
        await self.database.write(
            lambda c: action_executions.finish(c, ACTION, status, at, error_message="because")
        )

    def shown(self, now: datetime = NOW) -> tuple[Status, str | None]:
        found = self.database.read_now(lambda c: read(c, ACTION, now))
        assert found is not None
        return found.status, found.token

    async def authorize(
        self,
        principal: Principal,
        action: str,
        resource: str,
        context: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        if self.denied.get(action) == resource:
            raise ServiceError("AccessDeniedException", f"not authorized to perform: {action}")

    async def of(self, action_execution_id: str = ACTION) -> Any:
        views = ApprovalViews(
            self.database,
            self.authorize,
            lambda: NOW,
            region="us-east-1",
            account_id="123456789012",
        )
        return await views.of(ROOT, action_execution_id)


@pytest.fixture
async def asked(tmp_path: Path) -> AsyncIterator[Asked]:
    with opened_database(tmp_path) as database:
        yield Asked(database)


async def test_one_that_waits_has_its_token(asked: Asked) -> None:
    await asked.store()
    assert asked.shown() == (Status.WAITING, "token")


async def test_before_its_topic_is_told_nobody_has_the_token(asked: Asked) -> None:
    await asked.store(replace(ROW, notification_arn="arn:topic"))
    assert asked.shown() == (Status.WAITING, None)
    await asked.database.write(lambda c: approvals.set_notified(c, ACTION, NOW))
    assert asked.shown() == (Status.WAITING, "token")


async def test_a_decision_stays_whatever_becomes_of_the_action(asked: Asked) -> None:
    await asked.store()
    await asked.database.write(
        lambda c: approvals.decide(
            c, ACTION, decision="Rejected", decided_by="arn:ann", comment="no", now=NOW
        )
    )
    assert asked.shown() == (Status.REJECTED, None)
    await asked.end("Failed")
    assert asked.shown(NOW + timedelta(days=30)) == (Status.REJECTED, None)


async def test_its_time_ends_it(asked: Asked) -> None:
    await asked.store()
    assert asked.shown(ROW.expires_at) == (Status.TIMED_OUT, None)
    await asked.end("Failed", ROW.expires_at)
    assert asked.shown(ROW.expires_at) == (Status.TIMED_OUT, None)


@pytest.mark.parametrize("status", ["Abandoned", "Failed"])
async def test_what_ended_before_its_time_is_void(asked: Asked, status: str) -> None:
    await asked.store()
    await asked.end(status)
    assert asked.shown() == (Status.VOIDED, None)


async def test_an_edit_of_the_pipeline_voids_it(asked: Asked) -> None:
    await asked.store()
    await asked.database.write(
        lambda c: c.execute(sa.text("UPDATE pipelines SET version = 2"))  # as UpdatePipeline does
    )
    assert asked.shown() == (Status.VOIDED, None)


async def test_a_list_says_of_each_what_its_page_says(asked: Asked) -> None:
    await asked.store()
    decided = replace(
        ROW, action_execution_id="newer", token="newer", decision="Approved", decided_by="arn:ann"
    )
    await asked.database.write(lambda c: approvals.insert(c, decided, []))

    def statuses(limit: int) -> dict[str, Status]:
        found = asked.database.read_now(lambda c: listed(c, limit, NOW))
        assert all(one.row.review == "" for one in found)
        return {one.row.action_execution_id: one.status for one in found}

    assert statuses(2) == {"newer": Status.APPROVED, ACTION: Status.WAITING}
    assert statuses(1) == statuses(2), "what waits is never left out"
    await asked.end("Abandoned")
    assert statuses(2) == {"newer": Status.APPROVED, ACTION: Status.VOIDED}
    assert statuses(1) == {"newer": Status.APPROVED}


async def test_a_change_set_is_found_by_the_newest_approval_that_shows_it(asked: Asked) -> None:
    await asked.store()

    def reviewing(arn: str) -> str | None:
        found = asked.database.read_now(lambda c: approvals.reviewing(c, arn))
        return None if found is None else found.action_execution_id

    assert reviewing("arn:cs") == ACTION
    for id_, arns in (("second", ["arn:cs", "arn:other", "arn:cs"]), ("third", ["arn:other"])):
        row = replace(ROW, action_execution_id=id_, token=id_)
        await asked.database.write(lambda c, row=row, arns=arns: approvals.insert(c, row, arns))
    assert [reviewing(arn) for arn in ("arn:cs", "arn:other", "arn")] == ["second", "third", None]


async def test_only_who_may_see_all_of_it_sees_it(asked: Asked) -> None:
    await asked.store()
    assert (await asked.of()).row.token == "token"
    pipeline = "arn:aws:codepipeline:us-east-1:123456789012:pipe"
    for action, resource in (
        ("codepipeline:GetPipelineState", pipeline),
        ("cloudformation:DescribeChangeSet", STACK),
    ):
        asked.denied = {action: resource}
        with pytest.raises(ServiceError, match=f"not authorized to perform: {action}"):
            await asked.of()
    with pytest.raises(ServiceError, match="Approval other does not exist"):
        await asked.of("other")


async def test_as_json_it_has_all_that_was_shown(asked: Asked) -> None:
    await asked.store()
    found = described(await asked.of())
    assert decode(msgspec.json.encode(found.pop("review")).decode()) == decode(ROW.review)
    assert found == {
        "action_execution_id": ACTION,
        "pipeline": "pipe",
        "execution_id": EXECUTION,
        "stage": "Production",
        "action": "Approve",
        "status": "Waiting",
        "token": "token",
        "digest": "sha256:1",
        "custom_data": "read it",
        "link": None,
        "summary_required": True,
        "created_at": "2026-01-02T03:04:05+00:00",
        "expires_at": "2026-01-09T03:04:05+00:00",
        "decided_by": None,
        "decided_at": None,
        "comment": None,
        "error": None,
    }
