"""The loop that carries decisions out. It has no judgement: `decide` has.

It follows the outbox from its stored position and drives the actions in progress. Whatever it
is about to do stands in the database first, so at start it simply goes on: actions without
a continuation token are started again under the same id, the others are polled, every
pipeline with an unfinished execution is looked at. A parked action is a row and a timer.
"""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial

import sqlalchemy as sa

from penstock.background_work import BackgroundWork
from penstock.clock import Clock
from penstock.errors import EngineError
from penstock.pipelines import approvals, triggers
from penstock.pipelines.actions.provider import ActionProvider, ActionResult, Failed, InProgress
from penstock.pipelines.apply import Effects, advance
from penstock.pipelines.record import job_of, record
from penstock.pipelines.states import ActionStatus
from penstock.pipelines.structure import ActionTypeId
from penstock.storage import action_executions, pipeline_executions, pipelines
from penstock.storage.action_executions import ActionRow
from penstock.storage.database import Database
from penstock.storage.outbox import Event, Outbox

_log = logging.getLogger(__name__)

_FOLLOWER = "pipelines.engine"
_LONGEST_BACK_OFF_SECONDS = 60.0
_STORE_POSITION_EVERY = 1000

WAKING_EVENTS = frozenset(
    {
        triggers.EXECUTION_STARTED,
        "pipeline.StopRequested",
        "pipeline.RetryRequested",
        "pipeline.TransitionChanged",
        "pipeline.Updated",
    }
)
"""Events after which a pipeline is looked at again; their detail has `pipeline-id`."""

FINISHING_EVENTS = frozenset({"build.Completed", "stack.Completed", approvals.DECIDED})
"""Events whose subject is the external execution id of an action that is done."""

FOLLOWED_EVENTS = WAKING_EVENTS | FINISHING_EVENTS | {triggers.REFERENCE_UPDATED}


class Engine:
    """Runs every pipeline of one server. `start` resumes; `close` leaves all work resumable."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        providers: Mapping[ActionTypeId, ActionProvider],
        clock: Clock,
        region: str,
        account_id: str,
        first_back_off_seconds: float = 0.5,
        most_failures: int = 20,
    ) -> None:
        """`providers` maps an action type to what runs it. Environment trouble is retried
        `most_failures` times in a row, the pause doubling up to a minute."""
        self._database = database
        self._outbox = outbox
        self._providers = providers
        self._clock = clock
        self._region = region
        self._account_id = account_id
        self._first_back_off_seconds = first_back_off_seconds
        self._most_failures = most_failures
        self._background = BackgroundWork(_log, "the pipeline engine lost a task")
        self._dirty: set[str] = set()
        self._advancing: set[str] = set()
        self._calling: set[str] = set()
        self._call_again: set[str] = set()
        self._fresh: dict[str, ActionRow] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._failures: dict[str, int] = {}
        self._position = 0
        self._stored_position = 0
        self._closed = False

    async def start(self) -> None:
        """Resume what the database says is unfinished, then follow the outbox."""
        self._position = await self._database.read(lambda c: pipelines.cursor(c, _FOLLOWER))
        self._stored_position = self._position
        for row in await self._database.read(action_executions.running):
            self._drive(row.id)
        for pipeline_id in await self._database.read(pipeline_executions.active_pipelines):
            self.wake(pipeline_id)
        self._background.spawn(self._follow())

    async def close(self) -> None:
        """End every task; nothing is written, a later `start` goes on from the rows."""
        self._closed = True
        for timer in self._timers.values():
            timer.cancel()
        await self._background.close()

    def wake(self, pipeline_id: str) -> None:
        """Look at the pipeline again soon. Calling it once too often is harmless."""
        self._dirty.add(pipeline_id)
        if pipeline_id not in self._advancing and not self._closed:
            self._advancing.add(pipeline_id)
            self._background.spawn(self._advance(pipeline_id))

    def _back_off_seconds(self, name: str) -> float:
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        return min(self._first_back_off_seconds * 2.0 ** (failures - 1), _LONGEST_BACK_OFF_SECONDS)

    # following events

    async def _follow(self) -> None:
        while True:
            try:
                events = await self._outbox.next_after(self._position, kinds=FOLLOWED_EVENTS)
                await self._take(events)
                self._failures.pop(_FOLLOWER, None)
            except Exception:  # noqa: BLE001 - the loop's boundary: log, take the events again
                _log.exception("the pipeline engine could not take an event; it tries again")
                await asyncio.sleep(self._back_off_seconds(_FOLLOWER))

    async def _take(self, events: list[Event]) -> None:
        position = events[-1].position
        pushes = [event for event in events if event.kind == triggers.REFERENCE_UPDATED]
        if pushes or position - self._stored_position >= _STORE_POSITION_EVERY:
            effects = await self._database.write(partial(self._start_pushed, pushes, position))
            self._stored_position = position
            self._perform(effects)
        for event in events:
            if event.kind in WAKING_EVENTS:
                self.wake(event.detail["pipeline-id"])
            elif event.kind in FINISHING_EVENTS:
                work = partial(
                    action_executions.running_externally, external_execution_id=event.subject
                )
                for action_id in await self._database.read(work):
                    self._drive(action_id)
        self._position = position

    def _start_pushed(
        self, pushes: list[Event], position: int, connection: sa.Connection
    ) -> Effects:
        """Start what the pushes trigger and store the position, in one unit of work."""
        now = self._clock()
        effects = Effects()
        for event in pushes:
            for pipeline_id in triggers.on_reference_updated(connection, event, now):
                effects.add(advance(connection, pipeline_id, self._region, now))
        pipelines.set_cursor(connection, _FOLLOWER, position)
        return effects

    # letting pipelines go on

    async def _advance(self, pipeline_id: str) -> None:
        try:
            while pipeline_id in self._dirty:
                self._dirty.discard(pipeline_id)
                try:
                    effects = await self._database.write(
                        lambda c: advance(c, pipeline_id, self._region, self._clock())
                    )
                except Exception:  # noqa: BLE001 - the task's boundary: log, look again
                    _log.exception("pipeline %s could not go on; it is tried again", pipeline_id)
                    self._dirty.add(pipeline_id)
                    await asyncio.sleep(self._back_off_seconds(pipeline_id))
                else:
                    self._failures.pop(pipeline_id, None)
                    self._perform(effects)
        finally:
            self._advancing.discard(pipeline_id)

    def _perform(self, effects: Effects) -> None:
        for row in effects.started:
            self._fresh[row.id] = row
            self._drive(row.id)
        for action_id in effects.abandoned:
            self._stop_timer(action_id)
            self._background.spawn(self._abandon(action_id))

    # driving actions

    def _drive(self, action_id: str) -> None:
        """Call the action's provider now; when a call is under way, once more after it."""
        self._stop_timer(action_id)
        if self._closed:
            return
        if action_id in self._calling:
            self._call_again.add(action_id)
            return
        self._calling.add(action_id)
        self._background.spawn(self._call(action_id))

    def _stop_timer(self, action_id: str) -> None:
        if timer := self._timers.pop(action_id, None):
            timer.cancel()

    def _drive_later(self, action_id: str, seconds: float) -> None:
        if self._closed:
            return
        loop = asyncio.get_running_loop()
        self._timers[action_id] = loop.call_later(seconds, self._drive, action_id)

    async def _call(self, action_id: str) -> None:
        delay: float | None = None
        try:
            delay = await self._call_provider(action_id)
            self._failures.pop(action_id, None)
        except EngineError as error:
            delay = self._back_off_seconds(action_id)
            _log.warning("action %s: %s; tried again in %.1f s", action_id, error, delay)
        except Exception:  # noqa: BLE001 - the task's boundary: a bug is logged, the call repeated
            delay = self._back_off_seconds(action_id)
            _log.exception("action %s could not be driven; tried again in %.1f s", action_id, delay)
        finally:
            self._calling.discard(action_id)
        if action_id in self._call_again:
            self._call_again.discard(action_id)
            self._drive(action_id)
        elif delay is not None:
            self._drive_later(action_id, delay)

    async def _call_provider(self, action_id: str) -> float | None:
        """Start or poll once; return the seconds until the next poll, None when it is done."""
        row = self._fresh.pop(action_id, None)
        if row is None:
            row = await self._database.read(lambda c: action_executions.get(c, action_id))
        if row is None or row.status != ActionStatus.IN_PROGRESS:
            return None
        if self._failures.get(action_id, 0) >= self._most_failures:
            result: ActionResult = Failed(
                "SystemUnavailable",
                f"Gave up after {self._most_failures} attempts: the environment that this action "
                "needs kept failing. The server's log has each error.",
            )
        else:
            result = await self._result(row)
        if isinstance(result, InProgress) and _unchanged(row, result):
            return result.poll_after_seconds
        effects = await self._database.write(
            lambda c: record(c, row, result, self._region, self._clock())
        )
        self._perform(effects)
        if not isinstance(result, InProgress):
            return None
        if row.external_execution_id != result.external_execution_id:
            return 0.0  # its end may have been announced before we could recognise its id
        return result.poll_after_seconds

    async def _result(self, row: ActionRow) -> ActionResult:
        type_id = ActionTypeId(**row.input["actionTypeId"])
        provider = self._providers.get(type_id)
        if provider is None:
            return Failed("ConfigurationError", f"No provider runs actions of type {type_id}")
        job = job_of(row, self._account_id)
        try:
            if row.continuation_token is None:
                return await provider.start(job)
            return await provider.poll(job, row.continuation_token)
        except EngineError as error:
            if error.retryable:
                raise
            return Failed("SystemUnavailable", str(error))

    async def _abandon(self, action_id: str) -> None:
        row = await self._database.read(lambda c: action_executions.get(c, action_id))
        if row is None or row.continuation_token is None:
            return
        provider = self._providers.get(ActionTypeId(**row.input["actionTypeId"]))
        if provider is None:
            return
        try:
            await provider.abandon(job_of(row, self._account_id), row.continuation_token)
        except EngineError as error:
            _log.warning("action %s was abandoned; its provider said: %s", action_id, error)


def _unchanged(row: ActionRow, result: InProgress) -> bool:
    stored = (
        row.continuation_token, row.external_execution_id, row.external_execution_url, row.summary,
    )  # fmt: skip
    return stored == (
        result.continuation_token,
        result.external_execution_id,
        result.external_execution_url,
        result.summary,
    )
