"""What a CloudFormation action does to a change set, as its configuration says: pure.

An action is told by its declaration, or by the input that its execution was stored with.
"""

from collections.abc import Mapping
from typing import Any

MAKE = "CHANGE_SET_REPLACE"
EXECUTE = "CHANGE_SET_EXECUTE"

Named = tuple[str | None, str | None]
"""A stack and a change set of it, as actions name them."""


def does(provider: str, configuration: Mapping[str, str], mode: str) -> bool:
    """Tell whether an action of this provider makes, or executes, a change set."""
    return provider == "CloudFormation" and configuration.get("ActionMode") == mode


def named(configuration: Mapping[str, str]) -> Named:
    """Return the stack and the change set that an action's configuration names."""
    return configuration.get("StackName"), configuration.get("ChangeSetName")


def does_to(stored: Mapping[str, Any], mode: str, change_set: Named) -> bool:
    """Tell whether the action with this stored input makes, or executes, that change set."""
    given = stored["resolvedConfiguration"]
    return does(stored["actionTypeId"]["provider"], given, mode) and named(given) == change_set
