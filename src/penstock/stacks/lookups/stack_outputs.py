"""What Fn::GetStackOutput names, read by DescribeStacks as whom the stack acts as.

Evaluation is pure and tells by an error which stack it lacks; that one is read, and so on until
nothing is missing. A stack that there is none of stays missing.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

from penstock.aws.errors import ServiceError
from penstock.aws.in_process import InProcess
from penstock.aws.service import Principal
from penstock.stacks.template import evaluate
from penstock.stacks.template.errors import MissingStack
from penstock.stacks.template.scope import OtherStack, Scope
from penstock.stacks.template.template import Template

_NAME = "GetStackOutput"


def names_stacks(template: Template) -> bool:
    """Tell whether a template may use Fn::GetStackOutput, by its text alone."""
    if names_stacks not in template.found:
        template.found[names_stacks] = _NAME in template.body
    return bool(template.found[names_stacks])


class StackOutputLookups:
    """Reads the outputs of other stacks of this server."""

    def __init__(self, in_process: InProcess) -> None:
        self._in_process = in_process

    async def complete(
        self,
        principal: Principal,
        scope: Scope,
        known: dict[str, OtherStack],
        logical_ids: Iterable[str] | None = None,
        *,
        later: bool = False,
    ) -> None:
        """Add to `known`, which is the scope's `other_stacks`, all that its resources name, or the
        outputs and all resources where no `logical_ids` are given.

        What `principal` may not read is an error when it is evaluated, or, with `later`, not known
        yet: another principal will read it.
        """
        if not names_stacks(scope.template):
            return
        names = None if logical_ids is None else list(logical_ids)
        while missing := _missing(scope, names) - known.keys():
            for name in sorted(missing):
                known[name] = await self._read(principal, name, later)

    async def _read(self, principal: Principal, name: str, later: bool) -> OtherStack:
        wanted = {"StackName": name}
        try:
            answer = await self._in_process.call(
                principal, "cloudformation", "DescribeStacks", wanted
            )
        except ServiceError as error:
            if later and error.code.startswith("AccessDenied"):
                return OtherStack(None)
            return OtherStack({}, error.message)
        [found] = answer["Stacks"]
        outputs = found.get("Outputs") or ()
        return OtherStack({each["OutputKey"]: each["OutputValue"] for each in outputs})


def _missing(scope: Scope, logical_ids: list[str] | None) -> set[str]:
    """Return the stacks that evaluation asks for and does not know."""
    found = set()
    for part in _parts(scope, logical_ids):
        try:
            part()
        except MissingStack as error:
            found.add(error.name)
        except ServiceError:  # whoever evaluates it next tells
            continue
    return found


def _parts(scope: Scope, logical_ids: list[str] | None) -> Iterator[Callable[[], object]]:
    names = evaluate.active_resources(scope) if logical_ids is None else logical_ids
    for name in names:
        yield partial(evaluate.properties, scope, name)
        yield partial(evaluate.metadata, scope, name)
    if logical_ids is None:
        yield partial(evaluate.outputs, scope)
