"""How a build goes from phase to phase, and how the agent's records become phase records.

Pure. `TRANSITIONS` is the table of docs/build-phases.md; the agent's plan is compiled from it,
and the server asks it what is left to do once the commands are over.

Source: https://docs.aws.amazon.com/codebuild/latest/userguide/view-build-details-phases.html
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from penstock.builds.build import BuildPhase, BuildStatus, PhaseContext, PhaseType
from penstock.builds.plan import Plan
from penstock.builds.records import (
    AgentEnded,
    CommandEnded,
    CommandStarted,
    Evaluated,
    Notice,
    PhaseEnded,
    PhaseStarted,
    Record,
    VariableExported,
)

Lines = Sequence[tuple[datetime, str]]


@dataclass(frozen=True, slots=True)
class Progress:
    """What the records so far tell of a build's commands.

    `sequence` is the last record's number: a record that is not newer changes nothing, so
    that a replay from the start of the container's log is harmless.
    """

    phases: Sequence[BuildPhase] = ()
    sequence: int = 0
    failed_command: int | None = None
    """Index of the open phase's first failing command."""
    failed_status: int = 0
    exported: Mapping[str, str] = field(default_factory=dict)
    evaluated: Mapping[str, str] = field(default_factory=dict)
    """Key of one of the plan's expressions → its value."""
    ended: bool = False
    """The agent has come to the end of its plan."""


def fold(progress: Progress, record: Record, plan: Plan) -> tuple[Progress, Lines]:
    """Return the progress after `record`, and the log lines that AWS writes for it."""
    if record.sequence <= progress.sequence or not _makes_sense(progress, record, plan):
        return progress, ()
    after, lines = _fold_new(progress, record, plan)
    return replace(after, sequence=record.sequence), lines


def _makes_sense(progress: Progress, record: Record, plan: Plan) -> bool:
    """Whether the plan could have led to this record; one that could not is passed over."""
    match record:
        case PhaseStarted(_, _, phase):
            return any(step.phase is phase for step in plan.phases)
        case CommandStarted(_, _, index) | CommandEnded(_, _, index, _):
            return 0 <= index < len(plan.commands)
        case PhaseEnded():
            return bool(progress.phases) and progress.phases[-1].end_time is None
        case VariableExported(_, position, _):
            return 0 <= position < len(plan.exported_names)
        case Evaluated(_, position, _):
            return 0 <= position < len(plan.expressions)
    return True


def _fold_new(progress: Progress, record: Record, plan: Plan) -> tuple[Progress, Lines]:
    match record:
        case PhaseStarted(_, at, phase):
            opened = (*progress.phases, BuildPhase(phase, at))
            return replace(progress, phases=opened, failed_command=None, failed_status=0), (
                (at, f"Entering phase {phase}"),
            )
        case CommandStarted(_, at, index):
            text = plan.commands[index].text.rstrip("\n")
            return progress, ((at, f"Running command {text}"),)
        case CommandEnded(_, at, index, status):
            return _command_ended(progress, at, index, status, plan)
        case PhaseEnded(_, at):
            return _phase_ended(progress, at, plan)
        case VariableExported(_, position, value):
            name = plan.exported_names[position]
            return replace(progress, exported={**progress.exported, name: value}), ()
        case Evaluated(_, position, value):
            key = list(plan.expressions)[position]
            return replace(progress, evaluated={**progress.evaluated, key: value}), ()
        case Notice(_, at, text):
            return progress, ((at, text),)
        case AgentEnded():
            return replace(progress, ended=True), ()


def _command_ended(
    progress: Progress, at: datetime, index: int, status: int, plan: Plan
) -> tuple[Progress, Lines]:
    if status == 0:
        return progress, ()
    command = plan.commands[index]
    text = command.text.rstrip("\n")
    lines = (
        (at, f"Command did not exit successfully {text} exit status {status}"),
        (at, f"Command is at line {command.line} of {plan.buildspec_name}"),
    )
    if progress.failed_command is None:
        progress = replace(progress, failed_command=index, failed_status=status)
    return progress, lines


def _phase_ended(progress: Progress, at: datetime, plan: Plan) -> tuple[Progress, Lines]:
    *before, phase = progress.phases
    status, context = BuildStatus.SUCCEEDED, PhaseContext()
    if progress.failed_command is not None:
        status = BuildStatus.FAILED
        text = plan.commands[progress.failed_command].text.rstrip("\n")
        context = PhaseContext(
            "COMMAND_EXECUTION_ERROR",
            f"Error while executing command: {text}. Reason: exit status {progress.failed_status}",
        )
    ended = close(phase, status, at, context)
    return replace(progress, phases=(*before, ended)), tuple(
        (at, line) for line in ending_lines(ended)
    )


def close(
    phase: BuildPhase, status: BuildStatus, at: datetime, context: PhaseContext
) -> BuildPhase:
    """Return the phase as ended at `at`, never before it began."""
    return replace(
        phase, phase_status=status, end_time=max(at, phase.start_time), contexts=(context,)
    )


def ending_lines(phase: BuildPhase) -> tuple[str, str]:
    """Return the two lines with which AWS logs the end of a phase."""
    context = phase.contexts[0] if phase.contexts else PhaseContext()
    return (
        f"Phase complete: {phase.phase_type} State: {phase.phase_status}",
        f"Phase context status code: {context.status_code} Message: {context.message}",
    )


def uploads(phases: Sequence[BuildPhase], plan: Plan) -> bool:
    """Whether UPLOAD_ARTIFACTS comes next, given the phases that the agent ended."""
    if not phases:
        return False
    last = phases[-1]
    step = next(step for step in plan.phases if step.phase is last.phase_type)
    target = step.on_success if last.phase_status is BuildStatus.SUCCEEDED else step.on_failure
    return target is PhaseType.UPLOAD_ARTIFACTS


def outcome(phases: Sequence[BuildPhase]) -> BuildStatus:
    """Return the build's status: that of its first phase that did not succeed."""
    for phase in phases:
        if phase.phase_status not in (None, BuildStatus.SUCCEEDED):
            return phase.phase_status
    return BuildStatus.SUCCEEDED
