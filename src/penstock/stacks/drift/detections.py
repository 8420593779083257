"""Detecting drift: a stack's resources as they are, compared with what its template asked for.

A detection is stored before it begins; one that a crash ended is begun again at the next start.
It reads as who asked, never as the stack's role: AWS asks a user for "read permission for each
resource". Types that cannot be compared are not checked
(docs/adr/0039-operations-on-stacks.md).
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

import dataclasses
import logging
import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from penstock import ids
from penstock.aws.errors import ServiceError
from penstock.aws.service import Principal
from penstock.background_work import BackgroundWork
from penstock.clock import Clock
from penstock.errors import EngineError
from penstock.stacks.display import Secrets, secrets_of
from penstock.stacks.drift.comparison import DriftStatus, ResourceDrift, compare
from penstock.stacks.handlers.handler import Comparable, ResourceRequest
from penstock.stacks.operations.exports import refused
from penstock.stacks.operations.ledger import Ledger
from penstock.stacks.operations.operation import GONE
from penstock.stacks.operations.past_properties import secret_places
from penstock.stacks.operations.stored_stacks import StoredStacks
from penstock.stacks.planning.secret_places import SecretPlaces
from penstock.stacks.resource_types.registry import Handlers
from penstock.stacks.schemas import resource_schema
from penstock.stacks.state import DeployedResource, StackState
from penstock.stacks.template.references import Path
from penstock.storage import stack_drifts
from penstock.storage import stacks as stored_stacks
from penstock.storage.database import Database
from penstock.storage.stack_drifts import DetectionRow, ResourceDriftRow
from penstock.storage.stacks import StackRow

_log = logging.getLogger(__name__)
CHECKABLE = frozenset(
    {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_ROLLBACK_FAILED",
    }
)
"""Statuses of stacks whose drift can be detected."""
_DRIFTED = frozenset({DriftStatus.MODIFIED, DriftStatus.DELETED})
_CHANGED = "The stack was changed while its drift was detected"
_BUG = "Internal failure: the server's log says more"
_NO_SUCH_TYPE = "Drift detection is not supported for resource type [{}]"  # unverified


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a detection was asked for."""

    principal: Principal
    logical_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Hidden:
    """What no drift shows: the secrets of a stack, and what is built from them, by its place."""

    secrets: Secrets
    places: Sequence[SecretPlaces]

    def in_properties(self, logical_id: str) -> list[Path]:
        """Return the paths from a resource's properties on."""
        return [path for each in self.places for path in each.in_properties(logical_id)]


class DriftDetections:
    """Detections of one server. `start` begins again what a crash ended."""

    def __init__(
        self,
        database: Database,
        stacks: StoredStacks,
        ledger: Ledger,
        handlers: Handlers,
        clock: Clock,
    ) -> None:
        self._database = database
        self._stacks = stacks
        self._ledger = ledger
        self._handlers = handlers
        self._clock = clock
        self._background = BackgroundWork(
            _log, "a detection of drift stands still until the next start"
        )

    async def start(self) -> None:
        """Go on with the detections that have not ended."""
        for row in await self._database.read(stack_drifts.unfinished):
            self._background.spawn(self._detect(row))

    async def close(self) -> None:
        """Stop; what runs begins again at the next `start`."""
        await self._background.close()

    async def begin(
        self, stack: StackRow, principal: Principal, logical_ids: Collection[str] = ()
    ) -> str:
        """Begin to look at a stack's resources, or at some of them; return the detection's id.

        Raises ServiceError for a stack whose status does not allow it, for a resource that it
        does not have, and while another detection goes on.
        """
        state = await self._checkable(stack)
        for name in logical_ids:
            _deployed(state, name)
        asked = _Asked(principal, sorted(set(logical_ids)))
        row = DetectionRow(
            ids.new_uuid(), stack.id, stack.serial, stack_drifts.IN_PROGRESS, None, None, None,
            self._clock(), self._ledger.seal(asked),
        )  # fmt: skip
        if not await self._database.write(lambda c: stack_drifts.begin(c, row)):
            raise refused(  # unverified
                f"Drift detection is already in progress for stack [{stack.id}]"
            )
        self._background.spawn(self._detect(row))
        return row.id

    async def of_resource(
        self, stack: StackRow, logical_id: str, principal: Principal
    ) -> ResourceDriftRow:
        """Look at one resource now; return what was found, which is stored.

        Raises ServiceError for a type that cannot be compared, and what reading it raises.
        """
        state = await self._checkable(stack)
        resource = _deployed(state, logical_id)
        if not self._comparable(resource):
            raise refused(_NO_SUCH_TYPE.format(resource.resource_type))
        hidden = await self._hidden(state)
        try:
            found = await self._drift(state, resource, principal, hidden)
        except ServiceError as error:
            raise hidden.secrets.masked_error(error) from None
        row = self._row(state, resource, found)
        await self._database.write(lambda c: stack_drifts.put_resource(c, row))
        return row

    async def detection(self, detection_id: str) -> DetectionRow | None:
        """Return a detection, or None."""
        return await self._database.read(lambda c: stack_drifts.get(c, detection_id))

    async def newest(self, stacks: Collection[StackRow]) -> Mapping[str, DetectionRow]:
        """Return the newest detection on each stack that was not deployed to since, by its id."""
        serials = {row.id: row.serial for row in stacks}
        found = await self._database.read(lambda c: stack_drifts.newest(c, serials))
        return {name: row for name, row in found.items() if row.serial == serials[name]}

    async def resources(self, stack_id: str) -> list[ResourceDriftRow]:
        """Return what was last found of a stack's resources."""
        return await self._database.read(lambda c: stack_drifts.resources(c, stack_id))

    def drift(self, row: ResourceDriftRow) -> ResourceDrift:
        """Return what a row keeps encrypted."""
        return self._ledger.open(row.sealed, ResourceDrift)

    async def _checkable(self, stack: StackRow) -> StackState:
        if stack.status not in CHECKABLE:
            raise refused(  # unverified
                f"Drift detection cannot be performed on stack [{stack.id}] in {stack.status} state"
            )
        state = await self._stacks.state(stack.id)
        assert state is not None
        return state

    async def _detect(self, row: DetectionRow) -> None:
        """The boundary of a detection's errors: one that fails ends, and another can begin."""
        try:
            await self._look(row)
        except Exception as error:
            _log_without_values("a detection of drift failed", error)
            await self._end(row, [], _BUG)

    async def _look(self, row: DetectionRow) -> None:
        state = await self._stacks.state(row.stack_id)
        if state is None or state.serial != row.serial:
            await self._end(row, [], _CHANGED)
            return
        asked = self._ledger.open(row.sealed, _Asked)
        hidden = await self._hidden(state)
        found = []
        for name, resource in sorted(state.resources.items()):
            chosen = not asked.logical_ids or name in asked.logical_ids
            if chosen and resource.status not in GONE and self._comparable(resource):
                found.append(await self._looked_at(state, resource, asked.principal, hidden))
        unknown = [each.logical_id for each in found if each.status == DriftStatus.UNKNOWN]
        reason = None
        if unknown:
            reason = f"Failed to detect drift on resources [{', '.join(unknown)}]"  # unverified
        await self._end(row, found, reason)

    async def _hidden(self, state: StackState) -> _Hidden:
        resources = state.resources
        given = [(state.template_body, state.parameters)]
        if not state.status.endswith("_COMPLETE"):  # some are still as the update made them
            row = await self._stacks.row(state.stack_id)
            operation = await self._stacks.operation(row) if row is not None else None
            if operation is not None and (plan := operation[1].plan) is not None:
                given.append((plan.template_body, plan.parameters))
        return _Hidden(
            secrets_of(*(parameters for _, parameters in given), resources=resources.values()),
            [secret_places(state, body, parameters, resources) for body, parameters in given],
        )

    async def _looked_at(
        self,
        state: StackState,
        resource: DeployedResource,
        principal: Principal,
        hidden: _Hidden,
    ) -> ResourceDriftRow:
        try:
            return self._row(state, resource, await self._drift(state, resource, principal, hidden))
        except (ServiceError, EngineError) as error:
            reason = hidden.secrets.masked_text(str(error))
        except Exception as error:  # of one resource: the others are looked at nevertheless
            _log_without_values(f"reading {resource.physical_resource_id} failed", error)
            reason = _BUG
        unknown = self._row(state, resource, ResourceDrift(DriftStatus.UNKNOWN, "{}"))
        return dataclasses.replace(unknown, reason=reason)

    async def _drift(
        self,
        state: StackState,
        resource: DeployedResource,
        principal: Principal,
        hidden: _Hidden,
    ) -> ResourceDrift:
        handler = self._handlers.handler(resource.resource_type)
        assert isinstance(handler, Comparable)
        request = ResourceRequest(
            stack_id=state.stack_id,
            stack_name=state.stack_name,
            region=state.region,
            account_id=state.account_id,
            logical_resource_id=resource.logical_resource_id,
            resource_type=resource.resource_type,
            properties=resource.properties,
            previous_properties={},
            physical_resource_id=resource.physical_resource_id,
            tags=state.tags,
            previous_tags={},
            client_request_token=ids.new_uuid(),
            resumed=False,
            principal=principal,
            now=self._clock(),
            attributes=resource.attributes,
        )
        actual = await handler.actual_properties(request)
        schema = resource_schema.schema(resource.resource_type)
        paths = hidden.in_properties(resource.logical_resource_id)
        return compare(resource.properties, actual, schema, hidden.secrets, paths)

    def _comparable(self, resource: DeployedResource) -> bool:
        return isinstance(self._handlers.handler(resource.resource_type), Comparable)

    def _row(
        self, state: StackState, resource: DeployedResource, found: ResourceDrift
    ) -> ResourceDriftRow:
        return ResourceDriftRow(
            state.stack_id, resource.logical_resource_id, resource.resource_type,
            resource.physical_resource_id, found.status, None, self._ledger.seal(found),
            self._clock(),
        )  # fmt: skip

    async def _end(
        self, row: DetectionRow, found: Sequence[ResourceDriftRow], reason: str | None
    ) -> None:
        drifted = sum(each.status in _DRIFTED for each in found)
        status = DriftStatus.NOT_CHECKED
        if drifted:
            status = DriftStatus.DRIFTED
        elif reason is not None:
            status = DriftStatus.UNKNOWN
        elif found:
            status = DriftStatus.IN_SYNC
        ended = "DETECTION_FAILED" if reason is not None else "DETECTION_COMPLETE"

        def work(c: sa.Connection) -> None:
            stack = stored_stacks.get(c, row.stack_id)
            if stack is None or stack.serial != row.serial:  # what was found is of before
                failed = "DETECTION_FAILED"
                stack_drifts.end(c, row.id, failed, DriftStatus.UNKNOWN, reason or _CHANGED, 0)
                return
            for each in found:
                stack_drifts.put_resource(c, each)
            stack_drifts.end(c, row.id, ended, status, reason, drifted)

        await self._database.write(work)


def _log_without_values(what: str, error: Exception) -> None:
    """Log a bug by where it is: what an error says may quote a secret that was read."""
    where = "".join(traceback.format_tb(error.__traceback__))
    _log.error("%s: %s\n%s", what, type(error).__name__, where)


def _deployed(state: StackState, logical_id: str) -> DeployedResource:
    found = state.resources.get(logical_id)
    if found is None:
        raise refused(f"Resource {logical_id} does not exist for stack {state.stack_name}")
    return found
