"""AWS::Serverless-2016-10-31: AWS's own library turns the types of SAM into ordinary ones.

Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification.html
The library is imported when a template first needs it (0.7 s), and never reaches a network: names
of AWS's managed policies come from a list in it, applications of the repository are refused. It
copies an API's paths for each event, so the events of APIs are limited before it begins.
"""

import asyncio
import copy
import json
import logging
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from penstock.stacks.template.errors import invalid
from penstock.stacks.template.pseudo_parameters import partition
from penstock.stacks.transforms.budget import Budget
from penstock.stacks.transforms.failure import failed
from penstock.stacks.transforms.resolver import Known

_log = logging.getLogger(__name__)

NAME = "AWS::Serverless-2016-10-31"
_TYPES = "AWS::Serverless::"
_APPLICATION = "AWS::Serverless::Application"
_MOST_MADE = 500
"""Resources of SAM and their events: each makes a resource or more, and no template has more."""
_MOST_COPIED = 4_000_000
"""Events of APIs by their characters: some ten seconds of the library. Penstock's own limit."""
_CANNOT_READ = (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError)
"""How the library fails on what nobody wrote it for."""
_one_at_a_time = ThreadPoolExecutor(max_workers=1, thread_name_prefix="serverless")
"""The library keeps the Region in a class. Those that wait keep no thread from others."""


async def translated(document: Mapping[str, Any], known: Known) -> dict[str, Any]:
    """Return the document with SAM's types turned into CloudFormation's; one after the other.

    Raises ServiceError ValidationError `Transform AWS::Serverless-2016-10-31 failed with: …`, in
    the library's words, which are AWS's.
    """
    _refuse_applications(document)
    _check_size(document)
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_one_at_a_time, _translated, document, known)


def _translated(document: Mapping[str, Any], known: Known) -> dict[str, Any]:
    import boto3
    from samtranslator.metrics.metrics import DummyMetricsPublisher, Metrics
    from samtranslator.model.exceptions import ExceptionWithMessage, InvalidDocumentException
    from samtranslator.parser.parser import Parser
    from samtranslator.translator.translator import Translator
    from samtranslator.utils.py27hash_fix import (
        to_py27_compatible_template,
        undo_mark_unicode_str_in_template,
    )

    fragment = copy.deepcopy(dict(document))
    values = _values(known)
    session = boto3.Session(region_name=known.region)  # tells the Region, and calls nothing
    metrics = Metrics("ServerlessTransform", DummyMetricsPublisher())
    translator = Translator(None, Parser(), boto_session=session, metrics=metrics)
    try:
        to_py27_compatible_template(fragment, values)
        made = translator.translate(fragment, parameter_values=values, get_managed_policy_map=dict)
    except InvalidDocumentException as error:
        causes = [error.message, *(cause.message for cause in error.causes)]
        raise failed(NAME, " ".join(causes)) from None
    except ExceptionWithMessage as error:
        raise failed(NAME, error.message) from None
    except _CANNOT_READ as error:  # text: aws-cloudformation-macros#10
        _log.warning("the library of %s could not read a template", NAME, exc_info=error)
        raise invalid(f"Received malformed response from transform {NAME}") from None
    finally:
        metrics.publish()
    found: dict[str, Any] = undo_mark_unicode_str_in_template(made)
    return found


def _values(known: Known) -> dict[str, Any]:
    """Return what the library may put into the template: no secrets; lists as their text."""
    return {
        name: given.effective for name, given in known.parameters.items() if not given.no_echo
    } | {
        "AWS::Region": known.region,
        "AWS::Partition": partition(known.region),
    }


def _check_size(document: Mapping[str, Any]) -> None:
    """Raise ServiceError for what would take the library minutes, or make no template."""
    found = [
        one
        for one in _members(document.get("Resources"))
        if isinstance(one, dict) and str(one.get("Type")).startswith(_TYPES)
    ]
    properties = [one.get("Properties") for one in found]
    events = [
        event
        for one in properties
        if isinstance(one, dict)
        for event in _members(one.get("Events"))
    ]
    count = len(found) + len(events)
    if count > _MOST_MADE:
        raise failed(
            NAME,
            f"Expected at most {_MOST_MADE} serverless resources and events of them, found {count}:"
            " each makes at least one resource of the template.",
        )
    Budget().spend(len(found) * len(json.dumps(document.get("Globals"))))
    of_apis = [one for one in events if isinstance(one, dict) and "Api" in str(one.get("Type"))]
    length = len(json.dumps(of_apis))
    if len(of_apis) * length > _MOST_COPIED:
        raise failed(
            NAME,
            "Expected the number of events of APIs times their characters to be at most "
            f"{_MOST_COPIED}, found {len(of_apis)} events of {length} characters. Divide them "
            "into several templates.",
        )


def _members(node: Any) -> Collection[Any]:
    return node.values() if isinstance(node, dict) else ()


def _refuse_applications(document: Mapping[str, Any]) -> None:
    resources = document.get("Resources")
    for logical_id, resource in resources.items() if isinstance(resources, dict) else ():
        if not isinstance(resource, dict) or resource.get("Type") != _APPLICATION:
            continue
        properties = resource.get("Properties")
        location = properties.get("Location") if isinstance(properties, dict) else None
        if not isinstance(location, str):
            raise failed(
                NAME,
                f"Resource with id [{logical_id}] is invalid. Penstock has no Serverless "
                "Application Repository: expected the URL of a template in Location, found "
                "something else.",
            )
