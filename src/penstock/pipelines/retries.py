"""Which actions of a stage run again when it is retried: a pure function, see ADR 0030.

AWS runs the failed actions again and nothing else, so an approved change set that its stack has
left behind can never be executed by a retry (https://github.com/aws/aws-cdk/issues/11995). Here
such a change set is made anew, and whoever approved it is asked again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from penstock.pipelines.change_set_actions import EXECUTE, MAKE, does, named
from penstock.pipelines.states import ActionStatus
from penstock.pipelines.structure import ActionDeclaration, StageDeclaration

_BROKEN = frozenset({ActionStatus.FAILED, ActionStatus.ABANDONED})


@dataclass(frozen=True, slots=True)
class Release:
    """Two actions of one stage: `replace` makes a change set, `execute` executes it later."""

    replace: ActionDeclaration
    execute: ActionDeclaration


class StillRunning(Exception):
    """An action that must run again has not ended yet; its name is the first argument."""


def releases(stage: StageDeclaration) -> Iterator[Release]:
    """Yield the stage's pairs of CHANGE_SET_REPLACE and CHANGE_SET_EXECUTE of one change set."""
    for execute in stage.actions:
        if not _does(execute, EXECUTE):
            continue
        makers = [
            action
            for action in stage.actions
            if _does(action, MAKE)
            and action.run_order < execute.run_order
            and named(action.configuration) == named(execute.configuration)
        ]
        if makers:
            yield Release(max(makers, key=lambda action: action.run_order), execute)


def runs_again(
    stage: StageDeclaration,
    statuses: Mapping[str, ActionStatus],
    executable: Mapping[str, bool],
) -> set[str]:
    """Return the names of the actions that a retry of FAILED_ACTIONS runs again.

    `statuses` are those of the stage's actions that have started. `executable` says by the name of
    a CHANGE_SET_REPLACE whether the change set that it made can still be executed as it is.
    Where it cannot, and was not executed, what makes it runs again, and so do the approvals and
    checks between it and its execution, which were of another plan; not the deployments of other
    stacks there, which are done. Raises StillRunning.
    """
    again = {name for name, status in statuses.items() if status in _BROKEN}
    for release in releases(stage):
        maker, execute = release.replace, release.execute
        if (
            statuses.get(maker.name) is not ActionStatus.SUCCEEDED
            or statuses.get(execute.name) in (ActionStatus.SUCCEEDED, ActionStatus.IN_PROGRESS)
            or executable[maker.name]
        ):
            continue
        between = {
            action.name
            for action in stage.actions
            if maker.run_order < action.run_order < execute.run_order
            and action.action_type_id.provider != "CloudFormation"
            and action.name in statuses
        }
        for name in sorted(between):
            if statuses[name] is ActionStatus.IN_PROGRESS:
                raise StillRunning(name)
        again |= {maker.name, *between}
    return again


def _does(action: ActionDeclaration, mode: str) -> bool:
    return does(action.action_type_id.provider, action.configuration, mode)
