"""A change set that is made to be looked at, and removed again: nothing is deployed."""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from penstock import ids
from penstock.cli.connection import Connection
from penstock.cli.refusal import Refusal

_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_MOST_SECONDS = 120.0
_POLL_SECONDS = 0.2


@contextlib.contextmanager
def previewed(
    connection: Connection,
    stack: str,
    template: Path,
    parameters: Path | None,
    given: Sequence[str],
) -> Iterator[str]:
    """Yield the ARN of a change set for the template; afterwards it is deleted, and so is the
    stack that it was made for when there was none.

    A parameter that is not given keeps the stack's value, as with `aws cloudformation deploy`.
    """
    cloudformation = connection.client("cloudformation")
    body = template.read_text(encoding="utf-8")
    pairs = _pairs(given)
    values, tags = _read(parameters, pairs)
    chosen = {**values, **pairs}
    now = _stack(cloudformation, stack)
    new = now is None or now["StackStatus"] == "REVIEW_IN_PROGRESS"
    name = f"penstock-preview-{ids.new_uuid()[:8]}"
    request = {
        "StackName": stack,
        "ChangeSetName": name,
        "ChangeSetType": "CREATE" if new else "UPDATE",
        "TemplateBody": body,
        "Parameters": _parameters(cloudformation, body, chosen, {} if new else now or {}),
        "Capabilities": _CAPABILITIES,
    }
    if tags:
        request["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
    made = cloudformation.create_change_set(**request)
    try:
        _wait(cloudformation, made["Id"])
        yield made["Id"]
    finally:
        cloudformation.delete_change_set(ChangeSetName=made["Id"])
        if now is None:
            cloudformation.delete_stack(StackName=made["StackId"])


def _stack(cloudformation: Any, stack: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return found


def _read(
    file: Path | None, over: Mapping[str, str]
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return parameters, but those of `over`, and tags of a file: CodePipeline's template
    configuration or the aws CLI's list of parameters."""
    if file is None:
        return {}, {}
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(document, list):
            return {each["ParameterKey"]: str(each["ParameterValue"]) for each in document}, {}
        values = document["Parameters"].items()
        tags = {key: str(value) for key, value in document.get("Tags", {}).items()}
        return {key: _text(file, key, value) for key, value in values if key not in over}, tags
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal(
            f'{file} is neither {{"Parameters": {{…}}}} nor a list of ParameterKey and '
            f"ParameterValue: {error!r}"
        ) from error


def _text(file: Path, key: str, value: Any) -> str:
    if isinstance(value, Mapping):
        raise Refusal(
            f"{file} takes {key} from an artifact of a pipeline, which is not here; give it: "
            f"--parameter {key}=VALUE"
        )
    return value if isinstance(value, str) else json.dumps(value)


def _pairs(given: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise Refusal(f"--parameter expects NAME=VALUE, found {text}", exit_code=2)
        pairs[name] = value
    return pairs


def _parameters(
    cloudformation: Any, body: str, chosen: Mapping[str, str], stack: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return CreateChangeSet's Parameters: what is given, and the stack's values for the rest."""
    declared = cloudformation.get_template_summary(TemplateBody=body).get("Parameters", [])
    kept = {each["ParameterKey"] for each in stack.get("Parameters", [])} - chosen.keys()
    return [
        *({"ParameterKey": name, "ParameterValue": value} for name, value in chosen.items()),
        *(
            {"ParameterKey": each["ParameterKey"], "UsePreviousValue": True}
            for each in declared
            if each["ParameterKey"] in kept
        ),
    ]


def _wait(cloudformation: Any, arn: str) -> None:
    end = time.monotonic() + _MOST_SECONDS
    while time.monotonic() < end:
        status = cloudformation.describe_change_set(ChangeSetName=arn)["Status"]
        if not status.endswith(("_PENDING", "_IN_PROGRESS")):
            return
        time.sleep(_POLL_SECONDS)
    raise Refusal(f"the change set was not made within {_MOST_SECONDS:.0f} s")
