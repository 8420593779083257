"""What a preview asks for: a template, and what options and configuration say about its stack."""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.cli.refusal import Refusal
from penstock.stacks.template.configuration import TemplateConfiguration, load_configuration
from penstock.stacks.template.document import parse_document

STDIN = "-"
SUFFIXES = (".yml", ".yaml", ".json", ".template")
STACK_TAG = "penstock:stack"
"""A configuration's tag that names the stack: every tool for AWS takes the file as it is."""
_EVERY_CAPABILITY = ("CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND")
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """A template's text, and what its change set is made with.

    `source` is the file's name, for people; `guessed` says that only it gave the stack its name.
    `notes` are sentences about what a change set cannot show.
    """

    source: str
    body: str
    stack: str
    guessed: bool = False
    parameters: Mapping[str, str] | None = None
    tags: Mapping[str, str] | None = None
    capabilities: Sequence[str] = ()
    role_arn: str | None = None
    nested: bool = False
    keep: bool = False
    notes: Sequence[str] = ()

    @property
    def declared(self) -> Mapping[str, Any]:
        """The template's parameters as far as its text can be read: the server judges it."""
        try:
            found = parse_document(self.body).get("Parameters")
        except ServiceError:
            return {}
        return found if isinstance(found, Mapping) else {}

    @property
    def secrets(self) -> frozenset[str]:
        """The names of its NoEcho parameters."""
        return frozenset(
            name
            for name, each in self.declared.items()
            if isinstance(each, Mapping) and str(each.get("NoEcho", "")).lower() == "true"
        )


def is_template(argument: str) -> bool:
    """Tell whether an argument is a template; otherwise it is a stack."""
    return argument == STDIN or argument.lower().endswith(SUFFIXES) or Path(argument).is_file()


def preview_request(
    template: str,
    stack: str | None,
    config: Path | None,
    parameters: Sequence[str],
    tags: Sequence[str],
    capabilities: Sequence[str],
    **more: Any,
) -> PreviewRequest:
    """Read all files. Raises Refusal for what is not what it should be; `more` is taken over."""
    given = _pairs("--param", parameters)
    configuration = _configuration(config, given)
    all_tags = {**configuration.tags, **_pairs("--tag", tags)}
    named = stack or all_tags.get(STACK_TAG)
    found = PreviewRequest(
        source="the template" if template == STDIN else Path(template).name,
        body=_text_of(template),
        stack=named or _name_of(template),
        guessed=named is None,
        parameters={**configuration.parameters, **given},
        tags=all_tags or None,
        notes=list(_notes(config, configuration)),
        **more,
    )
    # One that is kept can be executed: what it may do then, somebody has to say.
    every = () if found.keep else _EVERY_CAPABILITY
    return replace(found, capabilities=tuple(capabilities) or every)


def _text_of(template: str) -> str:
    try:
        if template == STDIN:
            return sys.stdin.buffer.read().decode()
        return Path(template).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise Refusal(f"{template}: expected UTF-8 text, found other bytes: {error}") from error


def _name_of(template: str) -> str:
    """Return the stack's name that a file's name gives: `shop-prod` of `shop_prod.template.yml`."""
    if template == STDIN:
        raise Refusal("a template from standard input has no name: give its stack's, --stack NAME")
    name = Path(template).name
    while (
        end := next((each for each in SUFFIXES if name.lower().endswith(each)), None)
    ) is not None:
        name = name[: -len(end)]
    name = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:_LONGEST_NAME]
    if not name[:1].isalpha():
        raise Refusal(f"{template} gives no stack its name: name it, --stack NAME")
    return name


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    pairs = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise Refusal(f"{option} expects NAME=VALUE, found {text}")
        pairs[name] = value
    return pairs


def _configuration(file: Path | None, given: Mapping[str, str]) -> TemplateConfiguration:
    """Return what the file says, but the parameters that are `given` otherwise."""
    if file is None:
        return TemplateConfiguration({}, {}, None)
    try:
        text = file.read_text(encoding="utf-8")
        listed = _listed(text)
        if listed is not None:
            return TemplateConfiguration(listed, {}, None)
        return load_configuration(_without_artifacts(file, text, given))
    except UnicodeDecodeError as error:
        raise Refusal(f"{file}: expected UTF-8 text, found other bytes: {error}") from error
    except ServiceError as error:
        raise Refusal(f"{file}: {error.message}") from error
    except (KeyError, TypeError, AttributeError) as error:
        raise Refusal(
            f'{file}: expected {{"Parameters": {{…}}, "Tags": {{…}}}}, or the aws CLI\'s list of '
            f"ParameterKey and ParameterValue, found {error!r}"
        ) from error


def _listed(text: str) -> dict[str, str] | None:
    """Return the parameters of the aws CLI's list; None for a file that is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None  # the other form's reader says where
    if not isinstance(document, list):
        return None
    if all(isinstance(each, str) and "=" in each for each in document):
        return dict(each.split("=", 1) for each in document)
    return {
        each["ParameterKey"]: str(each["ParameterValue"])
        for each in document
        if not each.get("UsePreviousValue")
    }


def _without_artifacts(file: Path, text: str, given: Mapping[str, str]) -> str:
    """Return the configuration without values that only a pipeline's artifact would give."""
    try:
        document = json.loads(text)
        values = document["Parameters"]
        taken = [name for name, value in values.items() if _is_from_artifact(value)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return text
    missing = [name for name in taken if name not in given]
    if missing:
        options = " ".join(f"--param {name}=VALUE" for name in missing)
        raise Refusal(
            f"{file} takes {', '.join(missing)} from an artifact of a pipeline, which is not "
            f"here; give it: {options}"
        )
    kept = {name: value for name, value in values.items() if name not in taken}
    return json.dumps({**document, "Parameters": kept}) if taken else text


def _is_from_artifact(value: Any) -> bool:
    return isinstance(value, Mapping) and bool(
        value.keys() & {"Fn::GetParam", "Fn::GetArtifactAtt"}
    )


def _notes(file: Path | None, configuration: TemplateConfiguration) -> Iterator[str]:
    if configuration.stack_policy is not None:
        yield (
            f"{file}'s StackPolicy is not looked at: no change set has one. It may still refuse "
            "what is shown here."
        )
