"""A pipeline as its pages show it, made of CodePipeline's answers. Values only."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote

from penstock.arns import who
from penstock.console.statuses import NOT_STARTED

_SHORT = 8
_COMMIT = re.compile(r"[0-9a-f]{40}")
_STACK_ID = re.compile(r"arn:aws:cloudformation:[^:]*:\d{12}:stack/([^/]+)/([0-9a-fA-F-]{36})")
_CHANGE_SET_ID = re.compile(
    r"changeSetId=(arn:aws:cloudformation:[^:]*:\d{12}:changeSet/[A-Za-z0-9-]+/[0-9a-fA-F-]{36})"
)
_MUTABLE = frozenset({"InProgress", "Stopping"})


@dataclass(frozen=True, slots=True)
class Revision:
    """What a source action brought: a commit and the first line of its message."""

    action: str
    id: str
    short: str
    summary: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Where an action's work can be looked at, on the console itself."""

    path: str
    words: str
    urgent: bool = False
    """Whether somebody is waited for there."""


@dataclass(frozen=True, slots=True)
class ActionCard:
    """One action and its newest execution."""

    name: str
    category: str
    provider: str
    status: str
    changed_at: datetime | None = None
    summary: str = ""
    error_code: str = ""
    error: str = ""
    link: Link | None = None
    earlier: bool = False
    """Whether this is of an execution before the one in its stage, or of an attempt before."""


@dataclass(frozen=True, slots=True)
class StageCard:
    """One stage: the way into it, who waits there, who was in it last."""

    name: str
    status: str
    execution_id: str | None
    first: bool
    enabled: bool
    disabled_reason: str
    changed_by: str
    changed_at: datetime | None
    waiting: Sequence[str]
    groups: Sequence[Sequence[ActionCard]]
    """Its actions by run order: those of one group run side by side."""
    revisions: Sequence[Revision] = ()

    @property
    def retryable(self) -> bool:
        """Whether a retry has something to run again."""
        return self.status in {"Failed", "Stopped"}


@dataclass(frozen=True, slots=True)
class Execution:
    """One line of a pipeline's history."""

    id: str
    status: str
    status_summary: str
    started: datetime
    updated: datetime
    trigger: str
    stop_reason: str
    revisions: Sequence[Revision] = field(default_factory=tuple)

    @property
    def running(self) -> bool:
        """Whether it can be stopped."""
        return self.status in _MUTABLE


def stages(
    declaration: Mapping[str, Any],
    state: Mapping[str, Any],
    revisions: Mapping[str, Sequence[Revision]],
    own: Mapping[str, frozenset[str]] | None = None,
) -> list[StageCard]:
    """Return the stages of a pipeline in order.

    `declaration` is GetPipeline's `pipeline`, `state` GetPipelineState's answer, `revisions`
    those of each execution that is known, by its id; `own` the ids of its action executions.
    """
    states = {each["stageName"]: each for each in state["stageStates"]}
    return [
        _stage(declared, states.get(declared["name"], {}), revisions, own or {}, first=number == 0)
        for number, declared in enumerate(declaration["stages"])
    ]


def _stage(
    declared: Mapping[str, Any],
    state: Mapping[str, Any],
    revisions: Mapping[str, Sequence[Revision]],
    own: Mapping[str, frozenset[str]],
    *,
    first: bool,
) -> StageCard:
    latest = state.get("latestExecution", {})
    transition = state.get("inboundTransitionState", {})
    actions = {each["actionName"]: each for each in state.get("actionStates", ())}
    execution_id = latest.get("pipelineExecutionId")
    here = own.get(execution_id or "")
    groups: dict[int, list[ActionCard]] = {}
    for action in declared["actions"]:
        card = _action(action, actions.get(action["name"], {}).get("latestExecution", {}), here)
        groups.setdefault(action.get("runOrder", 1), []).append(card)
    return StageCard(
        name=declared["name"],
        status=latest.get("status", NOT_STARTED),
        execution_id=execution_id,
        first=first,
        enabled=transition.get("enabled", True),
        disabled_reason=transition.get("disabledReason", ""),
        changed_by=who(transition.get("lastChangedBy", "")),
        changed_at=transition.get("lastChangedAt"),
        waiting=[one["pipelineExecutionId"] for one in state.get("inboundExecutions", ())],
        groups=[groups[order] for order in sorted(groups)],
        revisions=revisions.get(execution_id or "", ()),
    )


def _action(
    declared: Mapping[str, Any], latest: Mapping[str, Any], here: frozenset[str] | None
) -> ActionCard:
    """Return an action's card; `here` are the action executions of who is in the stage now."""
    type_id = declared["actionTypeId"]
    id = latest.get("actionExecutionId")
    error = latest.get("errorDetails", {})
    return ActionCard(
        name=declared["name"],
        category=type_id["category"],
        provider=type_id["provider"],
        status=latest.get("status", NOT_STARTED),
        changed_at=latest.get("lastStatusChange"),
        summary=latest.get("summary", ""),
        error_code=error.get("code", ""),
        error=error.get("message", ""),
        link=link(
            type_id["provider"],
            declared.get("configuration", {}),
            latest.get("externalExecutionId", ""),
            latest.get("externalExecutionUrl", ""),
        )
        or review_link(
            type_id["category"], latest.get("actionExecutionId", ""), latest.get("status", "")
        ),
        earlier=id is not None and here is not None and id not in here,
    )


def review_link(category: str, action_execution_id: str, status: str) -> Link | None:
    """Return where an approval is decided and, for ever after, read; None for other actions."""
    if category != "Approval" or not action_execution_id:
        return None
    return Link(approval_path(action_execution_id), "Review", urgent=status == "InProgress")


def approval_path(action_execution_id: str) -> str:
    """Return the page of the approval that this action execution asks for."""
    return f"/console/approvals/{quote(action_execution_id, safe='')}"


def change_set_path(arn: str) -> str:
    """Return the page of the change set with this ARN."""
    return f"/console/changesets?arn={quote(arn, safe='')}"


def link(
    provider: str, configuration: Mapping[str, str], external_id: str, external_url: str
) -> Link | None:
    """Return where an action's build, change set or stack is shown here; None without a page."""
    if provider == "CodeBuild" and external_id:
        return Link(f"/console/builds/{quote(external_id, safe='')}", "Build and its log")
    if provider == "CloudFormation":
        if found := _CHANGE_SET_ID.search(unquote(external_url)):
            return Link(change_set_path(found[1]), "Details")
        for text in (external_id, unquote(external_url)):
            if found := _STACK_ID.search(text):
                return Link(stack_path(found[0]), f"Stack {found[1]}")
        name = configuration.get("StackName", "")
        if external_id and re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", name):
            return Link(f"/console/stacks/{name}", f"Stack {name}")
    return None


def stack_path(stack_id: str) -> str:
    """Return the page of the stack with this ARN."""
    _, name, uuid = stack_id.split("/")
    return f"/console/stacks/{quote(name, safe='')}/{quote(uuid, safe='')}"


def execution(summary: Mapping[str, Any]) -> Execution:
    """Return a line of ListPipelineExecutions."""
    trigger = summary.get("trigger", {})
    return Execution(
        id=summary["pipelineExecutionId"],
        status=summary["status"],
        status_summary=summary.get("statusSummary", ""),
        started=summary["startTime"],
        updated=summary["lastUpdateTime"],
        trigger=trigger_words(trigger.get("triggerType", ""), trigger.get("triggerDetail", "")),
        stop_reason=summary.get("stopTrigger", {}).get("reason", ""),
        revisions=revisions(summary.get("sourceRevisions", ())),
    )


def trigger_words(kind: str, detail: str) -> str:
    """Return what started an execution, as people say it."""
    named = {
        "CreatePipeline": "Pipeline created",
        "StartPipelineExecution": "Released",
        "PollForSourceChanges": "Source changed",
        "CloudWatchEvent": "Source changed",
        "Webhook": "Source changed",
        "WebhookV2": "Source changed",
    }.get(kind, kind)
    by = who(detail) if kind in {"StartPipelineExecution", "CreatePipeline"} else ""
    return f"{named} by {by}" if by else named


def revisions(found: Iterable[Mapping[str, Any]]) -> list[Revision]:
    """Return source revisions with a short id and the message's first line."""
    return [
        Revision(
            action=one.get("actionName") or one.get("name", ""),
            id=one["revisionId"],
            short=short(one["revisionId"]),
            summary=(one.get("revisionSummary") or "").strip().partition("\n")[0],
            url=one.get("revisionUrl"),
        )
        for one in found
        if one.get("revisionId")
    ]


def short(revision_id: str) -> str:
    """Return a commit's first digits; another revision as it is."""
    return revision_id[:_SHORT] if _COMMIT.fullmatch(revision_id) else revision_id
