"""What an operation's loop holds: the operation in memory, and what is to be stored of it.

`Ledger.load` gives a `Run`; `Changes` are gathered step by step, and `Ledger.commit` stores them
and only then makes them in the run.
"""

import asyncio
import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec

from penstock.stacks.display import Secrets, secrets_of
from penstock.stacks.events.stack_events import SealedProperties, StackEvent
from penstock.stacks.operations.operation import Operation, OutputValue, StackDocument, Step
from penstock.stacks.operations.past_properties import PastProperties
from penstock.stacks.operations.turn import Turn
from penstock.stacks.operations.walk import Node, Phase, Walk
from penstock.stacks.state import DeployedResource


@dataclass(slots=True)
class Run:
    """A running operation in memory. Only `Ledger.commit` changes what is stored."""

    operation: Operation
    phase: Phase
    steps: dict[Phase, dict[str, Step]]
    resources: dict[str, DeployedResource]
    stop: str | None
    delete_requested: bool
    told: SealedProperties
    """The properties that its events tell."""
    secret: set[str] = field(init=False)
    """The resources that are secret as a whole."""
    turn: Turn | None = None
    """What its resources are evaluated with, once that was needed."""
    past: PastProperties | None = None
    """What its events show of resources that go or come back, once that was needed."""
    ended: bool = False
    held: bool = False
    """Whether its cleanup waits for the parent's operation."""
    monitored: bool = False
    """Whether it waits, with everything made, for the time that its plan says."""
    waits_for_others: bool = False
    """Whether it waits for operations on other stacks: nothing wakes it but time."""
    cancelling: set[str] = field(default_factory=set)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    wakers: dict[str, asyncio.Event] = field(default_factory=dict)
    _nodes: dict[Phase, dict[str, Node]] = field(default_factory=dict)
    """The steps as the walk sees them."""
    _secrets: Secrets | None = None
    """As they were last told, until they change."""

    def __post_init__(self) -> None:
        self.secret = {name for name, each in self.resources.items() if each.no_echo}

    @property
    def current(self) -> dict[str, Step]:
        """The steps of the phase in progress."""
        return self.steps.setdefault(self.phase, {})

    @property
    def walk(self) -> Walk:
        """The phase as the walk sees it."""
        return Walk(
            self.phase,
            self._nodes.get(self.phase, {}),
            self.operation.on_failure,
            self.stop,
            self.delete_requested,
            self.held,
            self.monitored,
        )

    @property
    def secrets(self) -> Secrets:
        """NoEcho values that texts about the operation may quote."""
        if self._secrets is None:
            operation = self.operation
            planned = operation.plan.parameters if operation.plan else {}
            known = (*self.resources.values(), *operation.before.resources.values())
            self._secrets = secrets_of(operation.before.parameters, planned, resources=known)
        return self._secrets

    def put_steps(self, steps: Iterable[Step]) -> None:
        """Take over steps as they are stored."""
        for step in steps:
            self.steps.setdefault(step.phase, {})[step.key] = step
            self._nodes.setdefault(step.phase, {})[step.key] = step.node

    def make(self, changes: "Changes") -> None:
        """Make changes that are stored."""
        self.put_steps(changes.steps)
        changed = {each.logical_resource_id: each for each, _ in changes.resources}
        secret = {name for name, each in changed.items() if each.no_echo}
        if secret or not self.secret.isdisjoint((*changed, *changes.gone)):
            self._secrets = None  # there are others now
            self.secret.update(secret)
            self.secret.difference_update(changed.keys() - secret, changes.gone)
        self.resources.update(changed)
        for name in changes.gone:
            self.resources.pop(name, None)
        if changes.phase is not None:
            self.phase = changes.phase
            self.cancelling.clear()
        self.ended = changes.finished
        self.wake()

    def wake(self) -> None:
        """Have the operation's loop look again."""
        self.woken.set()


@dataclass(slots=True)
class Changes:
    """What one unit of work stores; events in their order."""

    steps: list[Step] = field(default_factory=list)
    resources: list[tuple[DeployedResource, str | None]] = field(default_factory=list)
    """A resource and the reason of its status."""
    gone: list[str] = field(default_factory=list)
    events: list[StackEvent] = field(default_factory=list)
    phase: Phase | None = None
    status: str | None = None
    """The stack's status, with `reason`."""
    reason: str | None = None
    document: StackDocument | None = None
    outputs: Sequence[OutputValue] | None = None
    """Whose exports become the stack's; refused with ServiceError."""
    given_back: bool = False
    """Whether `outputs` are those of before, whose exports are not refused."""
    imports: frozenset[str] | None = None
    stack_policy: str | None = None
    """The stack's new policy; None: it keeps its own."""
    finished: bool = False

    def __bool__(self) -> bool:
        return bool(self.steps or self.resources or self.gone or self.events or self.phase
                    or self.status)  # fmt: skip

    @property
    def of_steps_alone(self) -> bool:
        """Whether they can be stored together with others': nothing of them depends on what else
        is stored, or is refused for it."""
        return (
            self.phase is None and self.status is None and not self.finished and not self.gone
            and self.outputs is None and self.imports is None
        )  # fmt: skip

    def without(self, secrets: Secrets) -> "Changes":
        """Mask NoEcho values in reasons: a service's refusal may quote the value it refuses."""
        if not secrets.values:
            return self

        def masked(reason: str | None) -> str | None:
            return None if reason is None else secrets.masked_text(reason)

        return dataclasses.replace(
            self,
            resources=[(resource, masked(reason)) for resource, reason in self.resources],
            events=[msgspec.structs.replace(one, reason=masked(one.reason)) for one in self.events],
            reason=masked(self.reason),
        )
