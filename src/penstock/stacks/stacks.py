"""Stacks of one account: reading them, and what works on them, put together once.

`beginnings` begins operations, the provisioner carries them out. Source:
https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.aws.tags import from_pairs
from penstock.clock import Clock
from penstock.services.sts import Sts
from penstock.stacks.display import secrets_of
from penstock.stacks.drift.detections import DriftDetections
from penstock.stacks.events import stack_events
from penstock.stacks.handlers.handler import ResourceHandler
from penstock.stacks.operations.acting_role import ActingRole
from penstock.stacks.operations.beginning import Beginnings
from penstock.stacks.operations.calls import Calls
from penstock.stacks.operations.ledger import Ledger
from penstock.stacks.operations.operation import StackDocument
from penstock.stacks.operations.provisioner import Provisioner
from penstock.stacks.operations.recoveries import Recoveries
from penstock.stacks.operations.refusals import (
    already_exists,
)
from penstock.stacks.operations.signals import Signals
from penstock.stacks.operations.stored_stacks import REVIEW, StoredStacks
from penstock.stacks.planning import planner
from penstock.stacks.planning.desired import Desired
from penstock.stacks.planning.nesting import InTurn
from penstock.stacks.planning.plan import Plan
from penstock.stacks.policies import stack_policy
from penstock.stacks.resource_types.own_types import own_handlers
from penstock.stacks.resource_types.recorded import recorded_handler
from penstock.stacks.resource_types.registry import Handlers
from penstock.stacks.responses.addresses import Responses
from penstock.stacks.state import StackState
from penstock.stacks.template.load import stored_template
from penstock.stacks.transforms.macro_registry import Macros
from penstock.stacks.validation.early_validation import EarlyValidation
from penstock.storage import stack_operations, stacks
from penstock.storage.database import Database
from penstock.storage.encryption import Cipher
from penstock.storage.outbox import Outbox
from penstock.storage.stacks import StackRow

_TOLD_OF = timedelta(days=90)
"""For how long a deleted stack can be described."""


class Stacks(StoredStacks):
    """The stacks of one server. `start` resumes what was running; `close` keeps it resumable."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        cipher: Cipher,
        in_process: InProcess,
        sts: Sts,
        clock: Clock,
        handlers: Callable[[], Mapping[str, ResourceHandler]],
        account_id: str,
        region: str,
        *,
        refuse_recorded: bool = False,
        first_back_off_seconds: float = 0.5,
        response_url: str | None = None,
    ) -> None:
        """`handlers` gives the resource types that are running or kept; every other type with a
        schema is recorded, or refused with `refuse_recorded`. Addresses for answers begin with
        `response_url`; None: with the server's endpoint."""
        self.responses = Responses(
            database, cipher, clock, region, response_url or in_process.endpoint_url
        )
        self.macros = Macros(database, clock, account_id=account_id, region=region)
        own = own_handlers(in_process, self.responses, self.macros)
        self._handlers = Handlers(own, handlers, recorded_handler)
        self._role = ActingRole(sts, clock)
        self._clock = clock
        ledger = Ledger(database, cipher, clock)
        super().__init__(database, cipher, ledger, account_id, region)
        self._calls = Calls(self._handlers, self._role, clock, in_process, self.responses)
        self._provisioner = Provisioner(
            ledger, self._calls, self.exports, clock, first_back_off_seconds
        )
        self.responses.arrived = self._provisioner.look_again
        self.signals = Signals(database, ledger, self.responses)
        self.in_process = in_process
        self.validation = EarlyValidation(self._handlers, in_process, ledger, database, clock)
        self.outbox = outbox
        self.beginnings = Beginnings(
            self, database, cipher, ledger, self._calls, self._handlers, self._role,
            self._provisioner, clock, refuse_recorded=refuse_recorded,
        )  # fmt: skip
        self.recoveries = Recoveries(database, ledger, self._role, self._provisioner, clock)
        self.drift = DriftDetections(database, self, ledger, self._handlers, clock)

    async def start(self) -> None:
        """Resume every operation, and every detection of drift, that has not ended."""
        await self.drift.start()
        for operation_id in await self._database.read(stack_operations.unfinished):
            self._provisioner.run(operation_id, resumed=True)

    async def close(self) -> None:
        """Stop; everything goes on at the next `start`."""
        await self.drift.close()
        await self._provisioner.close()

    def is_forgotten(self, row: StackRow) -> bool:
        """Return whether a stack was deleted so long ago that AWS does not tell of it any more."""
        return row.deleted_at is not None and row.deleted_at < self._clock() - _TOLD_OF

    def begin_review(
        self,
        c: sa.Connection,
        state: StackState,
        request_fields: Mapping[str, Any],
        token: str | None,
        above: StackState | None = None,
        root_id: str | None = None,
    ) -> None:
        """Store a `new_state` in REVIEW_IN_PROGRESS, in the unit of work of the change set that
        creates it.

        `request_fields` are CreateChangeSet's; the stack shows its `Tags` and `Description`.
        `above` is the parent of a nested one. Raises AlreadyExistsException when the name is taken.
        """
        name = state.stack_name
        document = StackDocument(
            tags=from_pairs(request_fields.get("Tags") or ()),
            description=request_fields.get("Description"),
        )
        if stacks.find(c, name) is not None:
            raise already_exists(name)
        now = self._clock()
        row = self.row_in_review(
            state,
            document,
            now,
            reason=stack_events.USER_INITIATED,
            parent_id=above.stack_id if above else None,
            root_id=root_id,
        )
        stacks.insert(c, row)
        self._ledger.tell(c, row.id, REVIEW, stack_events.USER_INITIATED, token, now)

    def plan(self, current: StackState, wanted: Desired) -> Plan:
        """Plan what bringing a stack to what is wanted changes. Raises ServiceError for what
        cannot be planned, and for what the resource types here do not honour; no NoEcho value is
        in it."""
        try:
            return planner.plan(current, wanted, self._handlers.honoured())
        except ServiceError as error:
            resources = current.resources.values()
            secrets = secrets_of(current.parameters, wanted.parameters, resources=resources)
            raise secrets.masked_error(error) from None

    def plan_in_turn(self, current: StackState, wanted: Desired) -> InTurn:
        """Plan as `plan` does, asking for each nested stack at its turn."""
        return planner.in_turn(current, wanted, self._handlers.honoured())

    async def check_role(self, role_arn: str | None) -> None:
        """Raise AWS's ValidationError for a role that CloudFormation may not assume."""
        if role_arn is not None:
            await self._role.check(role_arn)

    async def check_allowed(
        self, principal: Principal, role_arn: str | None, action: str, stack_id: str
    ) -> None:
        """Raise AccessDenied unless who acts on the stack, its role or else `principal`, may."""
        acting = await self._role.principal(role_arn, principal)
        await self.in_process.authorize(acting, action, stack_id)

    async def stop(self, operation_id: str, reason: str) -> None:
        """Have an operation that goes on end and be rolled back; one that has ended stays."""
        await self._provisioner.stop(operation_id, reason)

    async def protect(self, row: StackRow, *, protected: bool) -> None:
        """Switch termination protection."""
        await self._database.write(lambda c: stacks.protect(c, row.id, protected=protected))

    async def set_policy(self, row: StackRow, policy: str) -> None:
        """Give a stack another policy. Raises ServiceError for one that is not valid for it."""
        body = self.document(row).template_body
        names = stored_template(body).resources if body else {}
        stack_policy.check(policy, names)
        await self._database.write(lambda c: stacks.set_policy(c, row.id, policy))
