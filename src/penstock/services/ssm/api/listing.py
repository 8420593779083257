"""Listing parameters, by path and by filters.

Source: https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.pagination import page
from penstock.aws.service import Call, Request, Response
from penstock.services.ssm.api.reading import described, metadata
from penstock.services.ssm.names import is_under, validate_path
from penstock.services.ssm.parameters import Parameters, StoredParameter

Passes = Callable[[StoredParameter], bool]

_FIELDS: Mapping[str, Callable[[StoredParameter], str | None]] = {
    "Name": lambda stored: stored.parameter.name,
    "Type": lambda stored: stored.parameter.newest.type,
    "KeyId": lambda stored: stored.parameter.newest.key_id,
    "Tier": lambda stored: stored.parameter.newest.tier,
    "DataType": lambda stored: stored.parameter.newest.data_type,
}
_COMPARISONS: Mapping[str, Callable[[str, str], bool]] = {
    "Equals": lambda found, wanted: found == wanted,
    "BeginsWith": lambda found, wanted: found.startswith(wanted),
    "Contains": lambda found, wanted: wanted in found,
}


async def get_parameters_by_path(parameters: Parameters, call: Call, request: Request) -> Response:
    """Return the parameters directly under a path, or with Recursive all of its hierarchy."""
    path = validate_path(request["Path"])
    recursive = request.get("Recursive", False)
    filters = request.get("ParameterFilters", [])
    by_label = [item for item in filters if item["Key"] == "Label"]
    passes = [_filter(item) for item in filters if item["Key"] != "Label"]
    for item in filters:
        if item["Key"] not in ("Type", "KeyId", "Label"):
            raise _invalid_key(item["Key"], "Type, KeyId and Label")
    labels = {label for item in by_label for label in item.get("Values", [])}
    found = []
    for stored in await parameters.all(path):
        if not is_under(stored.parameter.name, path, recursive=recursive):
            continue
        versions = stored.parameter.versions if by_label else (stored.parameter.newest,)
        for version in versions:
            if all(passed(stored) for passed in passes) and (
                not by_label or labels & set(version.labels)
            ):
                found.append((stored.parameter, version))
    shown, token = page(
        found,
        request.get("NextToken"),
        request.get("MaxResults", 10),
        # A blank sorts before all that names consist of, so keys sort as names do.
        key=lambda pair: f"{pair[0].name} {pair[1].number:09d}",
        error_code="InvalidNextToken",
    )
    decrypt = request.get("WithDecryption", False)
    return {
        "Parameters": [described(parameters, *pair, decrypt) for pair in shown],
        "NextToken": token,
    }


async def describe_parameters(parameters: Parameters, call: Call, request: Request) -> Response:
    """List parameters, without values, that pass every filter."""
    if request.get("Shared", False):
        return {"Parameters": []}  # other accounts share none with this one
    filters, old = request.get("ParameterFilters", []), request.get("Filters", [])
    if filters and old:
        raise ServiceError(
            "ValidationException",
            "You can use either Filters or ParameterFilters in a single request.",
            status=400,
        )
    passes = [_filter(item) for item in filters]
    passes += [_filter({**item, "Option": "BeginsWith"}) for item in old]
    found = [s for s in await parameters.all() if all(passed(s) for passed in passes)]
    shown, token = page(
        found,
        request.get("NextToken"),
        request.get("MaxResults", 50),
        key=lambda stored: stored.parameter.name,
        error_code="InvalidNextToken",
    )
    listed = [metadata(stored.parameter, stored.parameter.newest) for stored in shown]
    return {"Parameters": listed, "NextToken": token}


def _filter(item: Mapping[str, Any]) -> Passes:
    key, values = item["Key"], item.get("Values") or []
    if key == "Path":
        return _path_filter(item.get("Option", "OneLevel"), values)
    if key.startswith("tag:"):
        wanted = set(values)
        tag = key.removeprefix("tag:")
        return lambda stored: tag in stored.tags and (not wanted or stored.tags[tag] in wanted)
    if key not in _FIELDS:
        raise _invalid_key(key, f"Path, tag:KEY, {', '.join(_FIELDS)}")
    option = item.get("Option", "Equals")
    if option not in _COMPARISONS or (option == "Contains" and key != "Name"):
        raise _invalid_option(option, key)
    field, compare = _FIELDS[key], _COMPARISONS[option]
    return lambda stored: any(compare(field(stored) or "", value) for value in values)


def _path_filter(option: str, values: Sequence[str]) -> Passes:
    if option not in ("Recursive", "OneLevel"):
        raise _invalid_option(option, "Path")
    paths = [validate_path(value) for value in values]
    return lambda stored: any(
        is_under(stored.parameter.name, path, recursive=option == "Recursive") for path in paths
    )


def _invalid_key(key: str, expected: str) -> ServiceError:
    return ServiceError(
        "InvalidFilterKey", f"The filter key {key} is not valid here; expected {expected}."
    )


def _invalid_option(option: str, key: str) -> ServiceError:
    return ServiceError(
        "InvalidFilterOption",
        f"The following filter option is not valid: {option}, for the filter key {key}.",
    )
