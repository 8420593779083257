"""An action's form: the fields that it shows, and the action that it makes. Values only.

Between the two stands a mapping of field names to texts, as a browser sends it; what a form has
no field for, an edited action keeps. A value that was not touched stays as it was, to the letter.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.console import action_fields
from penstock.console.action_fields import CAPABILITIES, CAPABILITY_VALUES, MODE
from penstock.pipelines import action_types
from penstock.pipelines.action_types import ConfigurationProperty
from penstock.pipelines.draft import LAST_RUN_ORDER, DraftError
from penstock.pipelines.structure import ActionTypeId

Values = Mapping[str, str]
KEY = "configuration:"
CAPABILITY = "capability:"
INPUT = "input:"
_NAMES = re.compile(r"[,\s]+")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the form. `options` are the values to choose from, each with its words."""

    name: str
    label: str
    value: str
    kind: str
    """`text`, `lines`, `secret`, `choice`, `checks` or `hidden`."""
    help: str = ""
    required: bool = False
    suggestions: str = ""
    options: Sequence[tuple[str, str]] = ()
    checked: frozenset[str] = frozenset()


def values_of(action: Mapping[str, Any]) -> dict[str, str]:
    """Return the form's values for an action of a declaration."""
    configuration = action.get("configuration") or {}
    values = {
        "name": action["name"],
        "type": action_fields.type_value(ActionTypeId(**action["actionTypeId"])),
        "run-order": str(action.get("runOrder") or 1),
        "namespace": action.get("namespace", ""),
        "role": action.get("roleArn", ""),
        "timeout": str(action.get("timeoutInMinutes", "")),
        "outputs": ", ".join(one["name"] for one in action.get("outputArtifacts") or ()),
    }
    values |= {KEY + key: value for key, value in configuration.items()}
    values |= {INPUT + one["name"]: "on" for one in action.get("inputArtifacts") or ()}
    for capability in _capabilities(configuration.get(CAPABILITIES, "")) or ():
        values[CAPABILITY + capability] = "on"
    return values


def fields(values: Values) -> list[Field]:
    """Return the fields of the configuration; of what the action mode ignores, hidden ones."""
    type_id = action_fields.type_of(values.get("type", ""))
    if type_id is None:
        return []
    configuration = _configuration(values)
    mode = configuration.get(MODE, "")
    used = action_fields.used_keys(type_id, mode)
    return [
        _field(type_id, wanted, values, mode, shown=used is None or wanted.name in {MODE, *used})
        for wanted in action_fields.properties(type_id, configuration)
    ]


def _field(
    type_id: ActionTypeId, wanted: ConfigurationProperty, values: Values, mode: str, *, shown: bool
) -> Field:
    words = action_fields.wording(type_id, wanted.name)
    value = values.get(KEY + wanted.name, "")
    needed = action_fields.is_needed(type_id, wanted, mode)
    options: list[tuple[str, str]] = []
    checked: frozenset[str] = frozenset()
    kind = "lines" if words.lines or "\n" in value else "text"
    if wanted.secret:
        kind = "secret"
    elif wanted.values:
        kind = "choice"
        options = [(one, action_fields.MODES.get(one, one)) for one in wanted.values]
        if value and value not in wanted.values:
            options.append((value, value))
    elif wanted.name == CAPABILITIES and _capabilities(value) is not None:
        kind = "checks"
        checked = frozenset(
            name.removeprefix(CAPABILITY) for name in values if name.startswith(CAPABILITY)
        )
        options = [(one, one) for one in (*CAPABILITY_VALUES, *sorted(checked))]
        options = list(dict.fromkeys(options))
    return Field(
        name=KEY + wanted.name, label=words.label, value=value, help=words.help,
        kind=kind if shown else "hidden", required=needed, suggestions=words.suggestions,
        options=options, checked=checked,
    )  # fmt: skip


def action_of(values: Values, original: Mapping[str, Any]) -> dict[str, Any]:
    """Return the action that the form makes of `original`, which is empty for a new one.

    Raises DraftError for what no declaration could carry; the rest is UpdatePipeline's to check.
    """
    type_id = action_fields.type_of(values.get("type", ""))
    name = values.get("name", "").strip()
    if not name:
        raise DraftError("An action needs a name.")
    if type_id is None:
        raise DraftError("Choose an action provider.")
    action = {
        **original,
        "name": name,
        "actionTypeId": {
            "category": type_id.category,
            "owner": type_id.owner,
            "provider": type_id.provider,
            "version": type_id.version,
        },
    }
    order = _whole("Run order", values.get("run-order", ""), 1, LAST_RUN_ORDER)
    if order != (original.get("runOrder") or 1) or not original:
        action["runOrder"] = order
    _set(action, "configuration", _configured(values, original, type_id), {})
    inputs = [name.removeprefix(INPUT) for name in values if name.startswith(INPUT)]
    _set(action, "inputArtifacts", _artifacts(inputs, original.get("inputArtifacts")), [])
    outputs = [one for one in _NAMES.split(values.get("outputs", "")) if one]
    _set(action, "outputArtifacts", _artifacts(outputs, original.get("outputArtifacts")), [])
    _set(action, "namespace", values.get("namespace", "").strip(), "")
    _set(action, "roleArn", values.get("role", "").strip(), "")
    if type_id.category == "Approval":
        minutes = values.get("timeout", "").strip()
        _set(action, "timeoutInMinutes", minutes and _whole("Timeout", minutes, 5, 86_400), "")
    return action


def _set(action: dict[str, Any], member: str, value: Any, empty: Any) -> None:
    """Set a member; an empty one only stays where it was there before and empty."""
    if value != empty:
        action[member] = value
    elif action.get(member, empty) != empty:
        del action[member]


def _whole(label: str, found: str, least: int, most: int) -> int:
    text = found.strip()
    if not re.fullmatch(r"[0-9]{1,6}", text) or not least <= int(text) <= most:
        raise DraftError(
            f"{label}: expected a whole number from {least} to {most}, found {found!r}."
        )
    return int(text)


def _artifacts(
    names: Sequence[str], original: Sequence[Mapping[str, Any]] | None
) -> list[Mapping[str, Any]]:
    """Return the artifacts of these names, first those that were there, in their order."""
    before = [one for one in original or () if one["name"] in names]
    known = {one["name"] for one in before}
    return [*before, *({"name": name} for name in dict.fromkeys(names) if name not in known)]


def _configured(
    values: Values, original: Mapping[str, Any], type_id: ActionTypeId
) -> dict[str, str]:
    """Return the configuration: the form's fields over what an action of this type had."""
    before: Mapping[str, str] = original.get("configuration") or {}
    if original.get("actionTypeId") and ActionTypeId(**original["actionTypeId"]) != type_id:
        before = {}
    made = dict(before)
    mode = values.get(KEY + MODE, "")
    used = action_fields.used_keys(type_id, mode)
    same_mode = before.get(MODE) == mode
    for wanted in action_fields.properties(type_id, _configuration(values)):
        key = wanted.name
        if used is not None and key != MODE and key not in used:
            if not same_mode:
                made.pop(key, None)
            continue
        value = _value(values, key, before.get(key, ""))
        if value:
            made[key] = value
        else:
            made.pop(key, None)
    return made


def _value(values: Values, key: str, before: str) -> str:
    if key == CAPABILITIES and KEY + key not in values:
        ticked = [n.removeprefix(CAPABILITY) for n in values if n.startswith(CAPABILITY)]
        return before if set(ticked) == set(_capabilities(before) or ()) else ",".join(ticked)
    value = values.get(KEY + key)
    if value is None or _lines(value) == _lines(before):
        return before
    return _lines(value).strip()


def _lines(value: str) -> str:
    """Undo what browsers make of line ends."""
    return value.replace("\r\n", "\n").replace("\r", "\n")


def _capabilities(value: str) -> list[str] | None:
    """Return a list of capabilities; None when variables decide them."""
    if "#{" in value:
        return None
    return [one.strip() for one in value.split(",") if one.strip()]


def _configuration(values: Values) -> dict[str, str]:
    return {n.removeprefix(KEY): v for n, v in values.items() if n.startswith(KEY)}


def most_inputs(values: Values) -> int:
    """Return how many input artifacts an action of the chosen type takes; of others, any."""
    type_id = action_fields.type_of(values.get("type", ""))
    known = action_types.find(type_id) if type_id else None
    return known.inputs[1] if known else LAST_RUN_ORDER


def most_outputs(values: Values) -> int:
    """Return how many output artifacts an action of the chosen type makes; of others, any."""
    type_id = action_fields.type_of(values.get("type", ""))
    known = action_types.find(type_id) if type_id else None
    return known.outputs[1] if known else LAST_RUN_ORDER
