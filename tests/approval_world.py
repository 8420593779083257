"""A pipeline world whose second stage is a real approval, and a topic that survives its server.

The pipeline's role, IAM and STS are real; SNS is one operation that writes down what it is told
in an outside list, and can die before or after.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Call, Service
from penstock.pipelines import approvals
from penstock.pipelines.action_types import MANUAL_APPROVAL
from penstock.pipelines.actions.approval import ManualApproval
from penstock.pipelines.actions.provider import ActionProvider
from penstock.pipelines.approvals import Answer, Decision
from penstock.pipelines.review import Review
from penstock.pipelines.roles import Roles
from penstock.pipelines.structure import ActionTypeId
from penstock.services.iam import Iam
from penstock.services.sts import Sts
from penstock.storage import approvals as stored
from penstock.storage import pipelines
from penstock.storage.approvals import ApprovalRow
from penstock.storage.encryption import Cipher
from tests.identities import make_role, statement
from tests.pipeline_world import World, document, source

ACCOUNT, REGION = "123456789012", "us-east-1"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:releases"
TRUST = {"Service": "codepipeline.amazonaws.com"}
ADA = f"arn:aws:sts::{ACCOUNT}:assumed-role/approver/ada"


def gated(*, stage_timeout: int | None = None, **configuration: str) -> dict[str, Any]:
    """A pipeline with one approval, which tells TOPIC."""
    type_id = {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"}
    approve: dict[str, Any] = {
        "name": "Approve",
        "actionTypeId": type_id,
        "configuration": {"NotificationArn": TOPIC, **configuration},
    }
    if stage_timeout is not None:
        approve["timeoutInMinutes"] = stage_timeout
    return document(
        {"name": "Source", "actions": [source()]}, {"name": "Gate", "actions": [approve]}
    )


class ApprovalWorld(World):
    """See the module. `crash` is called before and after the topic is told."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.told: list[dict[str, str]] = []
        self.reviewed: list[str] = []
        self.refusal: ServiceError | None = None
        self.crash: Callable[[str], None] = lambda _point: None
        self.approval: ManualApproval

    def providers(self) -> dict[ActionTypeId, ActionProvider]:
        cipher = Cipher.open(self.path.with_name("key"))
        self.iam = Iam(self.database, cipher, ACCOUNT, self.clock)
        services = [Service("sns", {"Publish": self._publish})]
        in_process = InProcess(
            lambda: services, self.iam.authorize, ACCOUNT, REGION, self.clock, "http://127.0.0.1"
        )
        self.approval = ManualApproval(
            self.database, in_process, Roles(self.iam, Sts(self.iam)), self._compile,
            "http://127.0.0.1/console", self.clock,
        )  # fmt: skip
        return {**super().providers(), MANUAL_APPROVAL.id: self.approval}

    async def _publish(self, call: Call, request: Any) -> dict[str, str]:
        self.crash("before publish")
        if self.refusal is not None:
            raise self.refusal
        self.told.append(dict(request))
        self.crash("after publish")
        return {"MessageId": "1"}

    async def _compile(self, *, action_execution_id: str) -> Review:
        self.reviewed.append(action_execution_id)
        return Review(notes=[f"compiled {len(self.reviewed)} times"])

    async def prepare(self, declaration: dict[str, Any], execution_id: str) -> None:
        """Make the role and the pipeline, and start an execution."""
        await make_role(self.iam, self.clock, "pipeline", TRUST, statement(["sns:Publish"]))
        await self.run(await self.create(declaration), execution_id)

    def requests(self) -> list[ApprovalRow]:
        """Every request for approval."""

        def work(connection: sa.Connection) -> list[ApprovalRow]:
            ids = [row.action_execution_id for row in stored.newest(connection, 100)]
            found = (stored.get(connection, each) for each in ids)
            return [row for row in found if row is not None]

        return self.database.read_now(work)

    def open_token(self) -> str | None:
        """The token of the request that can be answered now."""
        for request in self.requests():
            [[status]] = self.query(
                "SELECT status FROM action_executions WHERE id = :id",
                id=request.action_execution_id,
            )
            found = approvals.standing(request, status, outdated=False, now=self.now)
            if found is approvals.Standing.OPEN:
                return request.token
        return None

    async def asked(self) -> str:
        """Wait until somebody can answer; return the token."""
        await self.until(lambda: self.open_token() is not None)
        return str(self.open_token())

    async def answer(self, token: str, decision: str = "Approved", comment: str = "fine") -> None:
        given = Answer("Gate", "Approve", token, Decision(decision), comment, ADA)

        def work(connection: sa.Connection) -> None:
            pipeline = pipelines.get(connection, "pipe")
            assert pipeline is not None
            approvals.answer(connection, pipeline, given, self.clock())

        await self.database.write(work)
