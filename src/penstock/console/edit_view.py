"""A draft as the page of its stages shows it. Values only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock.console import action_fields
from penstock.console.edit_effects import Effects
from penstock.pipelines import draft as drafts
from penstock.pipelines.structure import ActionTypeId


@dataclass(frozen=True, slots=True)
class Standing:
    """How a draft stands to the pipeline; the empty one is of a pipeline that nobody can read."""

    version: int | None = None
    """The pipeline's current version."""
    changes: Sequence[str] = ()
    """What the draft changes, as lines of a diff."""
    of_others: Sequence[str] = ()
    """What was changed since the draft was begun."""
    edited: bool = True
    effects: Effects = field(default_factory=Effects)


@dataclass(frozen=True, slots=True)
class EditedAction:
    """An action on the edit page; `index` is its place in its stage's list."""

    index: int
    name: str
    provider: str
    detail: str


@dataclass(frozen=True, slots=True)
class EditedStage:
    """A stage on the edit page: run orders, each with the actions that run side by side."""

    name: str
    groups: Sequence[tuple[int, Sequence[EditedAction]]]


def stages(declaration: drafts.Declaration) -> list[EditedStage]:
    """Return the stages of a draft in order."""
    return [
        EditedStage(
            stage["name"],
            [
                (order, [_action(placed) for placed in actions])
                for order, actions in drafts.groups(stage)
            ],
        )
        for stage in declaration["stages"]
    ]


def _action(placed: drafts.Placed) -> EditedAction:
    action = placed.action
    type_id = ActionTypeId(**action["actionTypeId"])
    configuration = action.get("configuration") or {}
    words = action_fields.type_words(type_id)
    return EditedAction(placed.index, action["name"], words, _detail(type_id, configuration))


def _detail(type_id: ActionTypeId, configuration: Mapping[str, Any]) -> str:
    """Return in a few words what the action works on."""
    if type_id.provider == "CloudFormation":
        mode = configuration.get(action_fields.MODE, "")
        parts = [action_fields.MODES.get(mode, mode), configuration.get("StackName", "")]
        return " · ".join(filter(None, parts))
    keys = ("RepositoryName", "FullRepositoryId", "Repo", "BranchName", "Branch", "S3Bucket",
            "S3ObjectKey", "ProjectName", "NotificationArn")  # fmt: skip
    return " · ".join(configuration[key] for key in keys if configuration.get(key))
