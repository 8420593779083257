"""Carries out what `walk.decide` says, for every running operation. No judgement of its own.

One loop per operation, one task per resource in progress; a waiting resource is a timer. What is
about to happen stands in the ledger first, so after a crash a step in progress is simply called
again, with `resumed` set: its handler looks for what the same token made before.

A bug, of a handler or of what evaluates and shows, holds no operation for ever: it fails its step,
or has the operation go back, or ends it as failed where it goes back already. Only trouble of the
database has it stand still.
"""

import asyncio
import contextlib
import dataclasses
import logging
import traceback
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import msgspec

from penstock.aws.errors import ServiceError
from penstock.background_work import BackgroundWork
from penstock.clock import Clock
from penstock.errors import EngineError
from penstock.stacks.events import stack_events
from penstock.stacks.events.stack_events import CREATION_INITIATED, StackEvent
from penstock.stacks.handlers.handler import (
    Failed,
    HandlerErrorCode,
    InProgress,
    Progress,
    Succeeded,
)
from penstock.stacks.operations import phases, step_outcomes, step_requests
from penstock.stacks.operations.calls import Calls
from penstock.stacks.operations.ledger import DeletionRequested, Ledger
from penstock.stacks.operations.operation import Actor, Step, Work
from penstock.stacks.operations.past_properties import PastProperties
from penstock.stacks.operations.run import Changes, Run
from penstock.stacks.operations.turn import Turn
from penstock.stacks.operations.walk import (
    AFTER_FAILURE,
    Begin,
    Cancel,
    Decision,
    Finish,
    NodeStatus,
    Phase,
    Skip,
    Start,
    decide,
)
from penstock.stacks.template import written_references
from penstock.stacks.template.load import stored_template

_log = logging.getLogger(__name__)
_LONGEST_BACK_OFF_SECONDS = 60.0
_LOOKS_AGAIN_SECONDS = 0.1
"""How often a stack looks whether others that it waits for have gone on."""
_FRAMES = 30
"""Of a bug's traceback: a recursion's has thousands."""
_ENDS = {
    phase: following
    for (phase, _), following in AFTER_FAILURE.items()
    if not isinstance(following, Phase)
}
"""The status of a stack whose operation cannot go on in a phase."""
INTERNAL_FAILURE = "Internal Failure; the server's log tells more."
"""What is told of a bug: its own words may quote what a secret was made into."""
TIMED_OUT = "Stack creation time exceeded the specified timeout. Rollback requested by user."


class Provisioner:
    """Runs operations. `run` begins or resumes one; `close` leaves all of them resumable."""

    def __init__(
        self,
        ledger: Ledger,
        calls: Calls,
        exports: Callable[[], Coroutine[Any, Any, Mapping[str, str]]],
        clock: Clock,
        first_back_off_seconds: float = 0.5,
    ) -> None:
        self._ledger = ledger
        self._calls = calls
        self._exports = exports
        self._clock = clock
        self._first_back_off_seconds = first_back_off_seconds
        self._runs: dict[str, Run] = {}
        self._background = BackgroundWork(
            _log, "a stack's operation stands still until the next start"
        )

    def run(self, operation_id: str, *, resumed: bool = False) -> None:
        """Go on with a stored operation; one that is running already is left alone."""
        if operation_id not in self._runs:
            self._background.spawn(self._operate(operation_id, resumed))

    async def stop(self, operation_id: str, reason: str) -> None:
        """Have an operation stop making resources; what follows is the walk's decision.

        One that is being loaded finds the reason stored, where it is not told of it here.
        """
        run = self._runs.get(operation_id)
        if run is None:
            await self._ledger.store_stop(operation_id, reason)
            run = self._runs.get(operation_id)
        if run is not None:
            await self._ledger.request_stop(run, reason)

    def delete_afterwards(self, operation_id: str, deleter: Actor) -> None:
        """Note in memory what the caller has stored: the stack is to be deleted."""
        run = self._runs.get(operation_id)
        if run is not None:
            run.operation = dataclasses.replace(run.operation, deleter=deleter)
            run.delete_requested = True
            run.wake()

    def look_again(self, stack_id: str) -> None:
        """Call what a stack waits for at once: something has come for it."""
        for run in self._runs.values():
            if run.operation.stack_id == stack_id:
                for key, step in run.current.items():
                    if step.waits_for_answers:
                        _waker(run, key).set()

    async def close(self) -> None:
        """End every task; a later `run` goes on from the rows. What has ended is still stored."""
        await self._background.close()

    async def _operate(self, operation_id: str, resumed: bool) -> None:
        run = await self._ledger.load(operation_id)
        if run is None:
            return
        self._runs[operation_id] = run
        await self._ledger.refresh(run)
        for key, step in run.current.items():
            if step.status is NodeStatus.RUNNING:
                self._background.spawn(self._drive(run, key, in_doubt=resumed))
        try:
            while not run.ended:
                run.woken.clear()
                try:
                    decisions = await self._decisions(run)
                    if decisions:
                        await self._carry_out(run, decisions)
                    else:
                        await self._wait(run)
                except Exception as error:  # the boundary of an operation's loop
                    await self._give_up(run, error)
        finally:
            del self._runs[operation_id]
            self._calls.secrets.forget(operation_id)

    async def _give_up(self, run: Run, error: Exception) -> None:
        """Have an operation go back for a bug; end it as failed where it cannot."""
        self._bug(run, "the operation", error)
        if run.phase in {Phase.CREATE, Phase.UPDATE} and run.stop is None:
            await self._ledger.request_stop(run, INTERNAL_FAILURE)
            return
        if any(step.status is NodeStatus.RUNNING for step in run.current.values()):
            await run.woken.wait()  # what is in progress is seen to its end
            return
        deleting = run.delete_requested and run.phase in {Phase.CREATE, Phase.ROLLBACK}
        status = "DELETE_FAILED" if deleting else _ENDS[run.phase]
        changes = Changes()
        try:
            phases.finish(run, status, changes)
        except Exception as another:
            self._bug(run, "the end", another)
            changes = Changes(finished=True, status=status)
        operation = run.operation
        changes.reason = INTERNAL_FAILURE
        changes.events = [
            stack_events.of_stack(
                operation.stack_id, operation.stack_name, status, INTERNAL_FAILURE
            )
        ]
        try:
            await self._ledger.commit(run, changes)
        except DeletionRequested:
            await self._ledger.refresh(run)

    def _bug(self, run: Run, what: str, error: Exception) -> None:
        """Log an unexpected error, without secrets. Trouble that is waited out is raised again."""
        if isinstance(error, EngineError) and error.retryable:
            raise error
        lines = traceback.format_exception(error, limit=-_FRAMES)
        _log.error(
            "%s of %s\n%s", what, run.operation.stack_name, self._masked(run, "".join(lines))
        )

    async def _decisions(self, run: Run) -> list[Decision]:
        """Return what the walk says, but for what is done already, or must wait for others: the
        cleanup of a nested stack for its parent's, a stack's end for those nested in it."""
        run.held = run.waits_for_others = False
        if run.phase is not Phase.CLEANUP:
            await self._ledger.look_at_time(run)
            return [each for each in decide(run.walk) if not _is_known(run, each)]
        await self._ledger.look_at_others(run)
        decisions = decide(run.walk)
        ends = any(isinstance(each, Finish) for each in decisions)
        run.waits_for_others = run.held or (ends and await self._ledger.has_nested(run))
        return [] if ends and run.waits_for_others else decisions

    async def _wait(self, run: Run) -> None:
        if run.waits_for_others:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOKS_AGAIN_SECONDS):
                    await run.woken.wait()
            return
        creating = run.phase is Phase.CREATE and run.stop is None
        deadline = run.operation.deadline if creating else None
        until = run.operation.monitored_until if run.monitored else None
        due = min((each for each in (deadline, until) if each is not None), default=None)
        if due is None:
            await run.woken.wait()
            return
        seconds = (due - self._clock()).total_seconds()
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await run.woken.wait()
        except TimeoutError:
            if due == deadline:
                await self._ledger.request_stop(run, TIMED_OUT)

    async def _carry_out(self, run: Run, decisions: list[Decision]) -> None:
        changes = Changes()
        await self._look_at_stacks(run, decisions)
        for decision in decisions:
            _log.debug("stack %s: %s", run.operation.stack_name, decision)
            match decision:
                case Start(key, _):
                    await self._start(run, run.current[key], changes)
                case Skip(key, _, cause):
                    skipped = msgspec.structs.replace(
                        run.current[key], status=NodeStatus.SKIPPED, reason=cause
                    )
                    changes.steps.append(skipped)
                case Cancel(key, _):
                    run.cancelling.add(key)
                    _waker(run, key).set()
                case Begin(phase, _):
                    await self._follow(run, phase, changes)
                case Finish(status, _):
                    await self._follow(run, status, changes)
        try:
            await self._ledger.commit(run, changes)
        except ServiceError as error:  # an export is refused
            await self._ledger.request_stop(run, error.message)
            return
        except DeletionRequested:
            await self._ledger.refresh(run)
            return
        for step in changes.steps:
            if step.status is NodeStatus.RUNNING:
                self._background.spawn(self._drive(run, step.key, in_doubt=False))

    async def _follow(self, run: Run, following: Phase | str, changes: Changes) -> None:
        """Add the change to another phase, or to the end of the operation."""
        made = run.phase in {Phase.CREATE, Phase.UPDATE}
        if made and following in {Phase.CLEANUP, "CREATE_COMPLETE"}:
            turn = await self._turn(run)
            try:
                await self._calls.look_at_stacks(run.operation, turn)
                outputs, changes.imports = turn.results()
                unwritten = written_references.unwritten_in_outputs(turn.scope())
                changes.outputs = await self._calls.outputs(run.operation, outputs, unwritten)
            except ServiceError as error:
                await self._ledger.request_stop(run, error.message)
                return
        if isinstance(following, Phase):
            phases.begin(run, following, changes)
        else:
            phases.finish(run, following, changes)

    async def _turn(self, run: Run) -> Turn:
        """Return what resources are evaluated with; exports stay as they were first read."""
        if run.turn is None:
            plan = run.operation.plan
            assert plan is not None
            template = stored_template(plan.template_body)
            exports = await self._exports()
            run.turn = Turn(run.operation, plan, template, exports, run.resources, run.secret)
        return run.turn

    async def _look_at_stacks(self, run: Run, decisions: list[Decision]) -> None:
        """Read the outputs of other stacks that the resources which start now name."""
        starting = [run.current[each.logical_id] for each in decisions if isinstance(each, Start)]
        names = [step.logical_id for step in starting if step.work is Work.APPLY]
        if names:
            await self._calls.look_at_stacks(run.operation, await self._turn(run), names)

    async def _start(self, run: Run, step: Step, changes: Changes) -> None:
        if step.work is Work.APPLY:
            turn = await self._turn(run)
            support = self._calls.support(turn.template.resources[step.logical_id].type)
            decided = turn.decide(step, support.value)
            step_outcomes.apply(decided, turn, changes)
        else:
            step_outcomes.start(run, step, await self._shown(run, step), changes)

    async def _drive(self, run: Run, key: str, *, in_doubt: bool) -> None:
        """See one resource through; a bug on the way fails its step."""
        try:
            await self._see_through(run, key, in_doubt=in_doubt)
        except Exception as error:  # the boundary of a step
            self._bug(run, key, error)
            failed = Failed(HandlerErrorCode.INTERNAL_FAILURE, INTERNAL_FAILURE)
            await self._settle(run, run.current[key], failed)

    async def _see_through(self, run: Run, key: str, *, in_doubt: bool) -> None:
        """Call one resource's handler, from its (perhaps repeated) first call to its end.

        `in_doubt`: an earlier process may have made the call that comes first.
        """
        back_off = self._first_back_off_seconds
        while True:
            step = run.current[key]
            known = step.physical_id or step.provisional_id
            if key in run.cancelling and known:
                await self._settle(run, msgspec.structs.replace(step, physical_id=known), None)
                return
            try:
                progress = await self._calls.call(run.operation, step, resumed=in_doubt)
            except EngineError as error:
                if error.retryable:
                    told = self._masked(run, str(error))
                    _log.warning("%s of %s is tried again: %s", key, run.operation.stack_name, told)
                    await _pause(run, key, back_off)
                    back_off = min(2 * back_off, _LONGEST_BACK_OFF_SECONDS)
                    in_doubt = True
                    continue
                told = self._masked(run, str(error))
                progress = Failed(HandlerErrorCode.INTERNAL_FAILURE, told)
            except Exception as error:  # the boundary of handlers: a bug fails the resource alone
                trace = self._masked(run, traceback.format_exc())
                _log.error("the handler of %s of %s\n%s", key, run.operation.stack_name, trace)
                told = self._masked(run, f"Internal Failure: {error}")
                progress = Failed(HandlerErrorCode.INTERNAL_FAILURE, told)
            in_doubt, back_off = False, self._first_back_off_seconds
            if not isinstance(progress, InProgress):
                await self._settle(run, step, progress)
                return
            await self._note(run, step, progress)
            await _pause(run, key, progress.callback_delay_seconds)

    def _masked(self, run: Run, text: str) -> str:
        """Return a text without secrets that calls were given, and those that templates have."""
        return run.secrets.masked_text(self._calls.secrets.masked(run.operation.id, text))

    async def _note(self, run: Run, step: Step, progress: InProgress) -> None:
        """Store what a call that is not done has told."""
        physical_id = progress.physical_resource_id or step.physical_id
        told = msgspec.structs.replace(
            step,
            physical_id=physical_id,
            context=dict(progress.callback_context),
            reason=progress.reason or step.reason,
            provisional_id=progress.provisional_id,
        )
        if told == step:
            return
        changes = Changes(steps=[told])
        if step.physical_id is None and physical_id:
            shown = await self._shown(run, step)
            changes.events.append(_initiated(step, physical_id, shown))
            step_outcomes.named(run, told, changes)
        elif progress.reason and progress.reason != step.reason:
            status = step_outcomes.status_of(step, "IN_PROGRESS")
            changes.events.append(
                step_outcomes.event_of(step, physical_id or "", status, progress.reason)
            )
        await self._ledger.commit(run, changes)

    async def _settle(self, run: Run, step: Step, progress: Progress | None) -> None:
        """Store a step's end; None: it was cancelled. For a bug on the way it is a failure, which
        still knows what the handler made."""
        try:
            await self._ledger.commit(run, await self._end(run, step, progress))
        except Exception as error:
            self._bug(run, step.key, error)
            made = progress.physical_resource_id if progress else None
            failed = Failed(HandlerErrorCode.INTERNAL_FAILURE, INTERNAL_FAILURE, made)
            token, changes = step_requests.token(run.operation, step), Changes()
            step_outcomes.failed(run, step, failed, token, None, changes)
            await self._ledger.commit(run, changes)

    async def _end(self, run: Run, step: Step, progress: Progress | None) -> Changes:
        changes = Changes()
        shown = await self._shown(run, step)
        match progress:
            case Succeeded():
                if step.work in {Work.CREATE, Work.REPLACE} and step.physical_id is None:
                    changes.events.append(_initiated(step, progress.physical_resource_id, shown))
                step_outcomes.succeeded(run, step, progress, shown, changes)
            case Failed():
                token = step_requests.token(run.operation, step)
                if progress.physical_resource_id and step.provisional_id not in {
                    None,
                    progress.physical_resource_id,
                }:
                    changes.events.append(_initiated(step, progress.physical_resource_id, shown))
                step_outcomes.failed(run, step, progress, token, shown, changes)
            case None:
                step_outcomes.cancelled(run, step, shown, changes)
        return changes

    async def _shown(self, run: Run, step: Step) -> Mapping[str, Any] | None:
        if run.phase in {Phase.CREATE, Phase.UPDATE}:
            turn = await self._turn(run)
            if step.logical_id in turn.template.resources:  # not: a removal that is refused
                return turn.shown(step.logical_id)
        if run.past is None:
            created = Phase.CREATE in run.steps and Phase.UPDATE not in run.steps
            run.past = PastProperties(run.operation, run.resources, created=created)
        return run.past.of(step)


def _initiated(step: Step, physical_id: str, shown: Mapping[str, Any] | None) -> StackEvent:
    status = step_outcomes.status_of(step, "IN_PROGRESS")
    return step_outcomes.event_of(step, physical_id, status, CREATION_INITIATED, shown)


def _is_known(run: Run, decision: Decision) -> bool:
    return isinstance(decision, Cancel) and decision.logical_id in run.cancelling


def _waker(run: Run, key: str) -> asyncio.Event:
    return run.wakers.setdefault(key, asyncio.Event())


async def _pause(run: Run, key: str, seconds: float) -> None:
    """Wait, or until the step is cancelled, or something has come for it."""
    waker = _waker(run, key)
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await waker.wait()
    except TimeoutError:
        return
    if key not in run.cancelling:
        waker.clear()
    elif not run.current[key].physical_id:
        await asyncio.sleep(min(max(seconds, 0), 1))  # it must be seen to its name first
