"""Where a value does not fit its shape: the one error both directions raise."""

from typing import Any


class ResponseDoesNotFit(TypeError):
    """An operation answered what its model does not have: a bug of ours."""

    def __init__(self, path: str, shape: Any, value: Any) -> None:
        super().__init__(f"at {path}: expected {shape.type_name} ({shape.name}), found {value!r}")


def check_members(path: str, shape: Any, value: Any) -> None:
    """Raise ResponseDoesNotFit unless `value` is a mapping of members that `shape` has."""
    if not hasattr(value, "keys"):
        raise ResponseDoesNotFit(path, shape, value)
    for name in value:
        if name not in shape.members:
            raise ResponseDoesNotFit(f"{path}.{name}", shape, value[name])
