"""Compiling a review: what a release would bring, looked up at the moment its approval begins.

Sources: each one's commits since the execution that last succeeded in the stage. Change sets:
those that this execution made and that an action after the approval executes. What is missing
becomes a note: a review that cannot show something says so, and never stops the pipeline.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from penstock.aws.errors import ServiceError
from penstock.pipelines import variables
from penstock.pipelines.approved_change_sets import began_after
from penstock.pipelines.change_set_actions import EXECUTE, MAKE, does, does_to, named
from penstock.pipelines.review import (
    FIRST_RELEASE,
    Commit,
    ParameterChange,
    Review,
    ReviewedChangeSet,
    SourceChange,
)
from penstock.pipelines.snapshot import structure_of
from penstock.pipelines.structure import ActionDeclaration, PipelineStructure
from penstock.repositories.history import history
from penstock.repositories.hosting import Repositories
from penstock.stacks.change_sets import review as stack_reviews
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.stacks.change_sets.review import ReviewedPlan
from penstock.storage import action_executions, pipeline_executions
from penstock.storage.action_executions import ActionRow
from penstock.storage.database import Database
from penstock.storage.pipeline_executions import ExecutionRow

_MOST_COMMITS = 50
_MOST_AT_FIRST = 10


@dataclass(frozen=True, slots=True)
class _Release:
    """What one approval is about, as the database has it."""

    approval: ActionRow
    execution: ExecutionRow
    structure: PipelineStructure
    done: Sequence[ActionRow]
    """The execution's actions that succeeded, those that a retry replaced left out."""
    previous: ExecutionRow | None
    """The execution that last succeeded in the approval's stage."""
    previous_released_at: datetime | None

    def configuration(self, action: ActionDeclaration) -> Mapping[str, str]:
        """Return the action's configuration with its variables, as far as they are known."""
        known = {variables.PIPELINE_NAMESPACE: {"PipelineExecutionId": self.execution.id}}
        spaces = {**known, variables.VARIABLES_NAMESPACE: dict(self.execution.variables)}
        for row in self.done:
            if row.input["namespace"]:
                spaces[row.input["namespace"]] = dict(row.output_variables)
        resolved: dict[str, str] = {}
        for key, value in action.configuration.items():
            try:
                resolved |= variables.resolve({key: value}, spaces)
            except variables.UnresolvedVariables:
                resolved[key] = value
        return resolved


class Reviews:
    """Reviews of what approvals ask about. `change_sets` is asked for when one is compiled."""

    def __init__(
        self,
        database: Database,
        repositories: Repositories,
        change_sets: Callable[[], ChangeSets],
    ) -> None:
        self._database = database
        self._repositories = repositories
        self._change_sets = change_sets

    async def compile(self, *, action_execution_id: str) -> Review:
        """Return what the approver of this action execution is to be shown.

        Reads only; the same moment gives the same review. What is missing is noted.
        """
        release = await self._database.read(lambda c: _release(c, action_execution_id))
        if release is None:
            return Review(notes=["The execution or its pipeline does not exist any more."])
        sources = [await self._source(release, each) for each in _sources(release)]
        change_sets: list[ReviewedChangeSet] = []
        notes: list[str] = []
        executing = list(_executing(release))
        for action, maker in executing:
            found, told = await self._reviewed(release, action, maker)
            change_sets += [] if found is None else [found]
            notes += [told] if told else []
        notes += _left(release, [action for action, _maker in executing])
        return Review(
            sources=sources,
            change_sets=change_sets,
            previous_execution_id=release.previous.id if release.previous else None,
            previous_released_at=release.previous_released_at,
            notes=notes,
        )

    async def _source(self, release: _Release, action: ActionDeclaration) -> SourceChange:
        taken = _revision(release.execution, action.name)
        earlier = _revision(release.previous, action.name)
        provider, repository = action.action_type_id.provider, _repository(release, action)
        change = SourceChange(
            action_name=action.name,
            provider=provider,
            repository=repository,
            revision_id=taken.get("revisionId", ""),
            summary=taken.get("revisionSummary", ""),
            url=taken.get("revisionUrl", ""),
            previous_revision_id=earlier.get("revisionId"),
        )
        if not change.revision_id:
            return _noted(change, "This execution took no revision of it.")
        if change.revision_id == change.previous_revision_id:
            return _noted(change, "The same revision as in the last release.")
        if provider != "CodeCommit":
            return _noted(change, f"Commits of {provider} are kept elsewhere: only the revision.")
        return await self._with_commits(change)

    async def _with_commits(self, change: SourceChange) -> SourceChange:
        since = change.previous_revision_id
        note = FIRST_RELEASE if since is None else ""
        try:
            if since is not None:
                await self._repositories.commit(change.repository, since)
        except ServiceError:
            note = f"The last release's commit {since} is not in the repository any more."
            since = None
        most = _MOST_AT_FIRST if since is None else _MOST_COMMITS
        try:
            found = await history(
                self._repositories, change.repository, change.revision_id, since, most
            )
        except ServiceError as error:
            return _noted(change, f"Its commits cannot be told: {error.message}")
        if found.undone:
            note = (
                f"{_count(found.undone, 'commit')} of the last release would be gone: the history "
                "was rewritten, or this release goes back."
            )
        commits = [Commit(e.commit_id, e.author, e.authored_at, e.subject) for e in found.entries]
        return _noted(change, note, commits, found.left_out)

    async def _reviewed(
        self, release: _Release, action: ActionDeclaration, again: ActionDeclaration | None
    ) -> tuple[ReviewedChangeSet | None, str]:
        """Return the change set that the action will execute, and what is to be said about it.

        `again` makes it anew before that: then nobody can say now what will be executed.
        """
        given = release.configuration(action)
        stack, name = given.get("StackName", ""), given.get("ChangeSetName", "")
        which = f"{action.name} executes the change set {name} of {stack}"
        if again is not None:
            return None, (
                f"{which}, which {again.name} makes anew beside this approval or after it: it "
                "cannot be shown, and this approval does not decide about it."
            )
        makers = [row for row in release.done if does_to(row.input, MAKE, (stack, name))]
        if not makers:
            said = f"{which}, which no action before this approval has made: it cannot be shown."
            return None, said
        try:
            found = await stack_reviews.review(self._change_sets(), name, stack)
        except ServiceError as error:
            return None, f"{which}: {error.message}"
        maker, shown = makers[-1], reviewed_change_set(found, action.name)
        if found.row.client_token != maker.id:  # its maker's id, as the action provider calls
            return shown, (
                f"{which}, but not the one that {maker.action_name} made: it was replaced since. "
                "What stands there now is shown."
            )
        if shown.status not in {"AVAILABLE", "FAILED"}:
            return shown, f"{which}, which cannot be executed: {shown.status_reason}"
        return shown, ""


def reviewed_change_set(found: ReviewedPlan, action_name: str = "") -> ReviewedChangeSet:
    """Return the change set as a review has it; `action_name` executes it, "" for nobody."""
    row = found.row
    return ReviewedChangeSet(
        action_name=action_name,
        stack_name=row.stack_name,
        stack_id=row.stack_id,
        name=row.name,
        arn=row.arn,
        kind=found.kind,
        digest=row.digest or "",
        status=row.execution_status if row.status != "FAILED" else row.status,
        status_reason=row.status_reason or "",
        created_at=row.created_at,
        empty=found.empty,
        parameters=[ParameterChange(e.name, e.before, e.after) for e in found.parameters],
        changes=found.changes,
    )


def _release(connection: sa.Connection, action_execution_id: str) -> _Release | None:
    approval = action_executions.get(connection, action_execution_id)
    if approval is None:
        return None
    execution = pipeline_executions.get(connection, approval.execution_id)
    if execution is None:
        return None
    try:
        structure = structure_of(connection, execution.pipeline_id, approval.pipeline_version)
    except LookupError:
        return None
    stage = approval.stage_name
    before = pipeline_executions.scan(
        connection, execution.pipeline_id, execution.number, 1, succeeded_in_stage=stage
    )
    previous = before[0] if before else None
    run = pipeline_executions.stage_run(connection, previous.id, stage) if previous else None
    done = action_executions.counting(connection, [execution.id])
    return _Release(
        approval=approval,
        execution=execution,
        structure=structure,
        done=[row for row in done if row.status == "Succeeded"],
        previous=previous,
        previous_released_at=run.updated_at if run else None,
    )


def _sources(release: _Release) -> Iterator[ActionDeclaration]:
    for _stage, action in release.structure.actions():
        if action.action_type_id.category == "Source":
            yield action


def _executing(release: _Release) -> Iterator[tuple[ActionDeclaration, ActionDeclaration | None]]:
    """Yield the actions after the approval that execute a change set.

    Each comes with the action that makes its change set anew between the approval and itself, if
    there is one: no approval before that counts for it (`approved_change_sets`).
    """
    placed = list(_placed(release))
    names = (release.approval.stage_name, release.approval.action_name)
    asked = next((at for at, stage, action in placed if (stage, action.name) == names), None)
    if asked is None:
        return
    for at, _stage, action in placed:
        if at > asked and _does(release, action, EXECUTE):
            between = (
                maker
                for made_at, stage, maker in placed
                if asked <= made_at < at and _makes_anew(release, stage, maker, action)
            )
            yield action, next(between, None)


def _left(release: _Release, executing: Sequence[ActionDeclaration]) -> Iterator[str]:
    """Yield a note for each change set that the approval's stage made and nothing after executes.

    Somebody who expects to decide about it does not: a name is misspelt, or an order is wrong.
    """
    asked = [named(release.configuration(action)) for action in executing]
    for row in release.done:
        stack, name = named(row.input["resolvedConfiguration"])
        if (
            row.stage_name != release.approval.stage_name
            or not does_to(row.input, MAKE, (stack, name))
            or (stack, name) in asked
        ):
            continue
        which = f"the change set {name} of {stack}"
        executed = next((e for e in release.done if does_to(e.input, EXECUTE, (stack, name))), None)
        if executed is not None:
            yield f"{executed.action_name} executed {which} before this approval was asked for."
        else:
            yield f"{row.action_name} made {which}, which no action after this approval executes."


def _placed(release: _Release) -> Iterator[tuple[tuple[int, int], str, ActionDeclaration]]:
    """Yield every action with when it runs (its stage's number, its run order) and its stage."""
    for number, stage in enumerate(release.structure.stages):
        for action in stage.actions:
            yield (number, action.run_order), stage.name, action


def _makes_anew(
    release: _Release, stage: str, maker: ActionDeclaration, execute: ActionDeclaration
) -> bool:
    """Tell whether an action makes another's change set, and did not before the approval began."""
    given, wanted = release.configuration(maker), release.configuration(execute)
    return (
        _does(release, maker, MAKE)
        and named(given) == named(wanted)
        and not any(
            (row.stage_name, row.action_name) == (stage, maker.name)
            and began_after(release.approval, row)
            for row in release.done
        )
    )


def _does(release: _Release, action: ActionDeclaration, mode: str) -> bool:
    return does(action.action_type_id.provider, release.configuration(action), mode)


def _revision(execution: ExecutionRow | None, action_name: str) -> Mapping[str, str]:
    revisions = execution.source_revisions if execution else ()
    return next((each for each in revisions if each["actionName"] == action_name), {})


def _repository(release: _Release, action: ActionDeclaration) -> str:
    given = release.configuration(action)
    match action.action_type_id.provider:
        case "CodeCommit":
            return given.get("RepositoryName", "")
        case "CodeStarSourceConnection":
            return given.get("FullRepositoryId", "")
        case "GitHub":
            return f"{given.get('Owner', '')}/{given.get('Repo', '')}"
        case "S3":
            return f"{given.get('S3Bucket', '')}/{given.get('S3ObjectKey', '')}"
    return ""


def _noted(
    change: SourceChange, note: str, commits: Sequence[Commit] = (), left_out: int = 0
) -> SourceChange:
    return replace(change, note=note, commits=commits, left_out=left_out)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
