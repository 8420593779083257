"""Carries out a template's transforms: every Fn::Transform from the innermost outwards, then the
section Transform in its order.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-macros-overview.html
(evaluation order, scope); parameters of transforms: datadog-cloudformation-macro#25.
"""

import asyncio
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.stacks.intrinsics.function import text_of
from penstock.stacks.template.document import parse_json
from penstock.stacks.template.errors import invalid
from penstock.stacks.template.load import load_document
from penstock.stacks.template.template import Template
from penstock.stacks.template.transforms import (
    FUNCTION,
    LANGUAGE_EXTENSIONS,
    SECTION,
    Use,
    holding,
    section_uses,
    uses,
)
from penstock.stacks.transforms import failure, include, macros, serverless
from penstock.stacks.transforms.budget import Budget
from penstock.stacks.transforms.failure import (
    LARGEST_TEMPLATE,
    MOST_USES,
    failed,
    not_found,
    too_large,
    too_many,
    too_slow,
)
from penstock.stacks.transforms.language_extensions import extended
from penstock.stacks.transforms.macro_registry import Macros
from penstock.stacks.transforms.resolver import Known, Resolver

_WHOLE_TEMPLATE = (LANGUAGE_EXTENSIONS, serverless.NAME)
_NOT_OFFERED = (
    "AWS::CodeDeployBlueGreen",
    "AWS::SecretsManager-2020-07-23",
    "AWS::SecretsManager-2024-09-16",
    "AWS::ServiceCatalog",
)
_UNTOUCHED = ("AWSTemplateFormatVersion", "Parameters", SECTION)
_MERGED = ("Conditions", "Mappings", "Metadata", "Outputs", "Resources", "Rules")


@dataclass
class _Uses:
    """How many transforms were used so far."""

    count: int = 0

    def one_more(self) -> None:
        """Count one, before it is carried out; raise where there were enough."""
        self.count += 1
        if self.count > MOST_USES:
            raise too_many()


@dataclass(frozen=True)
class Expansion:
    """One template's transforms, carried out as `principal`."""

    in_process: InProcess
    principal: Principal
    macros: Macros
    known: Known
    inserted: Budget = field(default_factory=lambda: Budget(LARGEST_TEMPLATE))
    """What transforms may put in together; more than a template holds cannot be of use."""
    evaluated: Budget = field(default_factory=Budget)
    """What the transforms' parameters may be evaluated to together."""
    used: _Uses = field(default_factory=_Uses)

    async def template(self, document: Mapping[str, Any], original: str) -> Template:
        """Return the template that the transforms make of the document of `original`.

        Raises ServiceError ValidationError where one fails, or what they made is no template.
        """
        limit = asyncio.timeout(failure.MOST_SECONDS)
        try:
            async with limit:
                made = await self._embedded(document)
                listed = section_uses(made)
                made.pop(SECTION, None)
                for use in listed:
                    made = dict(await self._whole(use, made))
        except TimeoutError:
            if not limit.expired():
                raise
            raise too_slow() from None
        return await asyncio.to_thread(_loaded, made, original)

    async def _embedded(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Return the document without Fn::Transform."""
        made = dict(document)
        places = await asyncio.to_thread(holding, document)
        if not places:
            return made
        for section, node in document.items():
            if section != FUNCTION and section not in _UNTOUCHED:
                made[section] = await self._node(node, places)
        if FUNCTION in made:
            untouched = {key: made.pop(key) for key in _UNTOUCHED if key in made}
            made = {**untouched, **macros.as_mapping(await self._transformed(made))}
        return made

    async def _node(self, node: Any, places: Collection[int]) -> Any:
        """Return a node of the document without Fn::Transform; `places` are those with one."""
        if id(node) not in places:
            return node
        if isinstance(node, list):
            return [await self._node(item, places) for item in node]
        made = {
            key: member if key == FUNCTION else await self._node(member, places)
            for key, member in node.items()
        }
        return await self._transformed(made) if FUNCTION in made else made

    async def _transformed(self, node: Mapping[str, Any]) -> Any:
        """Return what the Fn::Transform of a map makes of the map's other members."""
        fragment: Any = {key: member for key, member in node.items() if key != FUNCTION}
        for use in uses(node[FUNCTION]):
            self.used.one_more()
            if use.name in _WHOLE_TEMPLATE:  # unverified
                raise failed(use.name, "it can be declared in the section Transform only")
            fragment = await self._applied(use, fragment)
        return fragment

    async def _whole(self, use: Use, document: dict[str, Any]) -> Mapping[str, Any]:
        """Return the document that a transform of the section makes."""
        self.used.one_more()
        if use.name == LANGUAGE_EXTENSIONS:
            return await asyncio.to_thread(extended, document, self.known)
        if use.name == serverless.NAME:
            return await serverless.translated(document, self.known)
        if use.name == include.NAME:
            content = await self._included(use)
            return include.included(document, content, _MERGED)
        return macros.as_mapping(await self._applied(use, document))

    async def _applied(self, use: Use, fragment: Any) -> Any:
        if use.name == include.NAME:
            content = await self._included(use)
            return include.included(fragment, content) if fragment else content
        if use.name in _NOT_OFFERED:
            raise invalid(
                f"Penstock has no transform {use.name}: give the template as it is after it."
            )
        macro = None if use.name.startswith("AWS::") else await self.macros.find(use.name)
        if macro is None:
            of_account = "" if use.name.startswith("AWS::") else f"{self.known.account_id}::"
            raise not_found(of_account + use.name)
        parameters = await asyncio.to_thread(self._parameters, use)
        asked = macros.Request(Use(use.name, parameters), fragment)
        made = await macros.answered(self.in_process, self.principal, macro, asked, self.known)
        self.inserted.spend_on(made)
        return made

    async def _included(self, use: Use) -> Any:
        parameters = await asyncio.to_thread(self._parameters, use)
        content = await include.snippet(self.in_process, self.principal, parameters)
        self.inserted.spend_on(content)
        return content

    def _parameters(self, use: Use) -> dict[str, Any]:
        """Return a transform's parameters evaluated: what the stack's parameters tell."""
        resolver = Resolver(self.known, budget=self.evaluated)
        found: dict[str, Any] = {}
        for name, node in use.parameters.items():
            try:
                value = resolver.value(node)
            except ServiceError:
                if self.evaluated.left < 0:
                    raise
                value = None
            if not _is_plain(value):
                raise invalid(
                    f"The value of parameter {name} under transform {use.name} must resolve to a "
                    "string, number, boolean or a list of any of these."
                )
            found[name] = value
        return found


def _loaded(made: Mapping[str, Any], original: str) -> Template:
    """Return the template of what the transforms made."""
    body = json.dumps(made, separators=(",", ":"), ensure_ascii=False)
    if len(body.encode()) > LARGEST_TEMPLATE:
        raise too_large()
    return load_document(parse_json(body), body, original=original)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(text_of(item) is not None for item in value)
    return text_of(value) is not None
