"""Names of parameters, and what `name:selector` and ARNs mean.

Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/sysman-paramstore-su-create.html
"""

import re
from dataclasses import dataclass

from penstock.aws.errors import ServiceError

_NAME = re.compile(r"/?[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*")
_RESERVED = re.compile(r"/?(aws|ssm)", re.IGNORECASE)
_DEEPEST = 15


@dataclass(frozen=True, slots=True)
class Reference:
    """A parameter by name or ARN, and which version: by number, by label, or the newest."""

    name: str
    selector: str = ""

    @property
    def path(self) -> str:
        """What follows `parameter/` in the parameter's ARN."""
        return self.name.rpartition(":parameter/")[2].lstrip("/")

    @property
    def version(self) -> int | None:
        """The version's number, None when the selector is none."""
        return int(self.selector) if self.selector.isdecimal() else None


def parse_reference(text: str) -> Reference:
    """Split `name`, `name:3`, `name:label` and the same after an ARN."""
    prefix, separator, rest = "", "", text
    if text.startswith("arn:"):
        prefix, separator, rest = text.rpartition(":parameter/")
    name, _, selector = rest.partition(":")
    return Reference(prefix + separator + name, selector)


def validate_name(name: str) -> None:
    """Raise ServiceError when AWS takes no parameter of that name."""
    if name.startswith(("/aws", "/AWS")):
        raise ServiceError(
            "AccessDeniedException", f"No access to reserved parameter name: {name}.", status=400
        )
    if "/" in name and not name.startswith("/"):
        raise _invalid("Parameter name must be a fully qualified name.")
    if not _NAME.fullmatch(name) or _RESERVED.match(name):
        kind = "Parameter path" if name.startswith("//") or name.endswith("/") else "Parameter name"
        raise _invalid(
            f'{kind}: can\'t be prefixed with "aws" or "ssm" (case-insensitive). If formed as a '
            "path, it can consist of sub-paths divided by slash symbol; each sub-path can be "
            "formed as a mix of letters, numbers and the following 3 symbols .-_"
        )
    if name.count("/") > _DEEPEST:
        raise ServiceError(
            "HierarchyLevelLimitExceededException",
            f"A hierarchy can have a maximum of {_DEEPEST} levels, found {name.count('/')}. Use "
            "a shorter path and try again.",
        )


def validate_path(path: str) -> str:
    """Return `path` ending in `/`; ServiceError as GetParametersByPath words it."""
    if path != "/" and not (path.startswith("/") and _NAME.fullmatch(path.rstrip("/"))):
        raise _invalid(
            "The parameter path doesn't meet the parameter name requirements. The parameter name "
            'must begin with a forward slash "/". It can\'t be prefixed with "aws" or "ssm" '
            "(case-insensitive). It must use only letters, numbers, or the following symbols: . "
            "(period), - (hyphen), _ (underscore). Special characters are not allowed. All "
            'sub-paths, if specified, must use the forward slash symbol "/". Valid example: '
            "/get/parameters2-/by1./path0_."
        )
    return path.rstrip("/") + "/"


def is_under(name: str, path: str, *, recursive: bool) -> bool:
    """Return whether `name` is in the hierarchy `path` (which ends in `/`)."""
    return name.startswith(path) and (recursive or "/" not in name[len(path) :])


def _invalid(message: str) -> ServiceError:
    return ServiceError("ValidationException", message, status=400)
