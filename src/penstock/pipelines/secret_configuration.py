"""Secret configuration of actions (a GitHub action's OAuthToken): sealed where it is stored,
`****` wherever it is shown, opened only by the provider that needs it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from penstock.pipelines import action_types
from penstock.pipelines.structure import ActionTypeId

_MARK = "penstock-sealed:"
MASK = "****"
"""What AWS shows in a secret's place; sent back by an update, it means the stored value."""

Transform = Callable[[str], str]


def sealed(
    declaration: Mapping[str, Any], stored: Mapping[str, Any] | None, encrypt: Transform
) -> dict[str, Any]:
    """Return the declaration with its secrets encrypted.

    A masked value of an update takes the value that the `stored` declaration has in its place.
    """

    def seal(place: tuple[str, str], key: str, value: str) -> str:
        if value == MASK and stored is not None:
            return _values(stored).get((*place, key), value)
        return _MARK + encrypt(value)

    return _changed(declaration, seal)


def shown(declaration: Mapping[str, Any]) -> dict[str, Any]:
    """Return the declaration as anybody may see it."""
    return _changed(declaration, lambda _place, _key, _value: MASK)


def shown_configuration(configuration: Mapping[str, str]) -> dict[str, str]:
    """Return one action's configuration as anybody may see it."""
    return {key: MASK if value.startswith(_MARK) else value for key, value in configuration.items()}


def opened(value: str, decrypt: Transform) -> str:
    """Return a stored secret's value; text that was never sealed is itself."""
    return decrypt(value.removeprefix(_MARK)) if value.startswith(_MARK) else value


def _changed(
    declaration: Mapping[str, Any], change: Callable[[tuple[str, str], str, str], str]
) -> dict[str, Any]:
    stages = []
    for stage in declaration["stages"]:
        actions = []
        for action in stage["actions"]:
            names = secret_names(action)
            place = (stage["name"], action["name"])
            configuration = {
                key: change(place, key, value) if key in names else value
                for key, value in action.get("configuration", {}).items()
            }
            actions.append({**action, "configuration": configuration} if names else action)
        stages.append({**stage, "actions": actions})
    return {**declaration, "stages": stages}


def secret_names(action: Mapping[str, Any]) -> set[str]:
    """Return the configuration keys of a declared action whose values are secrets."""
    known = action_types.find(ActionTypeId(**action["actionTypeId"]))
    return {each.name for each in known.properties if each.secret} if known else set()


def _values(declaration: Mapping[str, Any]) -> dict[tuple[str, str, str], str]:
    return {
        (stage["name"], action["name"], key): value
        for stage in declaration["stages"]
        for action in stage["actions"]
        for key, value in action.get("configuration", {}).items()
    }
