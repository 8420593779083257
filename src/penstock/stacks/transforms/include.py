"""AWS::Include: a snippet from S3, put where the template asks for it.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html
A snippet is JSON or YAML without short forms and without transforms of its own, as on AWS
(awsdocs/aws-cloudformation-user-guide#232). Texts: that, realworld-serverless-application#58;
`S3 bucket […] does not exist.` was seen from AWS.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.stacks.s3_object import NotText, S3Object, TooLarge, text_of
from penstock.stacks.template.document import parse_json
from penstock.stacks.template.transforms import has_function
from penstock.stacks.template.yaml_text import parse_yaml
from penstock.stacks.transforms.failure import LARGEST_TEMPLATE, failed, too_large

NAME = "AWS::Include"
_LOCATION = re.compile(r"s3://([^/]+)/(.+)")
_JSON = re.compile(r"\ufeff?\s*[{\[]")


async def snippet(
    in_process: InProcess, principal: Principal, parameters: Mapping[str, Any]
) -> Any:
    """Return the value of the snippet at `Location`, read as `principal` from this server's S3.

    Raises ServiceError ValidationError `Transform AWS::Include failed with: …`.
    """
    location = parameters.get("Location")
    found = _LOCATION.fullmatch(location) if isinstance(location, str) else None
    if found is None:
        raise failed(NAME, "The location parameter is not a valid S3 uri.")
    content = await _content(in_process, principal, *found.groups())
    return await asyncio.to_thread(_parsed, content)


def included(
    siblings: Mapping[str, Any], content: Any, sections: Iterable[str] = ()
) -> dict[str, Any]:
    """Return a map with the content of a snippet beside what stands there.

    Of `sections` that both have, the members are put together. Raises for a key of both: the
    document would say one thing twice.
    """
    made = dict(siblings)
    if not isinstance(content, dict):  # unverified
        raise failed(NAME, "The specified S3 object's content should be a map to stand beside keys")
    for key, member in content.items():
        here = made.get(key)
        if key in made and key in sections and isinstance(here, dict) and isinstance(member, dict):
            made[key] = included(here, member)
        elif key in made:  # unverified
            raise failed(NAME, f"The key {key} is in the template and in the specified S3 object")
        else:
            made[key] = member
    return made


async def _content(in_process: InProcess, principal: Principal, bucket: str, key: str) -> str:
    try:
        return await text_of(in_process, principal, S3Object(bucket, key), LARGEST_TEMPLATE)
    except ServiceError as error:
        if error.code == "NoSuchBucket":
            raise failed(NAME, f"S3 bucket [{bucket}] does not exist.") from None
        # unverified
        raise failed(NAME, f"S3 object [{key}] in bucket [{bucket}]: {error.message}") from None
    except TooLarge:
        raise too_large() from None
    except NotText:
        raise _not_valid() from None


def _parsed(text: str) -> Any:
    try:
        if _JSON.match(text):
            value = parse_json(text)
        else:
            _refuse_short_forms(text)
            value = parse_yaml(text)
    except (ServiceError, yaml.YAMLError, ValueError):
        raise _not_valid() from None
    if value is None or has_function(value):
        raise _not_valid()
    return value


def _refuse_short_forms(text: str) -> None:
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        tag = getattr(event, "tag", None)
        if tag is not None and tag.startswith("!") and tag != "!":
            raise _not_valid()


def _not_valid() -> ServiceError:
    return failed(NAME, "The specified S3 object's content should be valid Yaml/JSON")
