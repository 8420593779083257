"""The example's pipeline, made and unmade by the handlers alone."""

from pathlib import Path

from tests.resource_world import ACCOUNT, REGION, STACK, ResourceWorld

from penstock.stacks.handlers.handler import Succeeded
from penstock.stacks.template.evaluate import (
    ResourceValues,
    Scope,
    conditions,
    outputs,
    properties,
)
from penstock.stacks.template.graph import dependencies, in_order
from penstock.stacks.template.load import load_template
from penstock.stacks.template.parameters import resolve_parameters

TEMPLATE = Path(__file__).parents[4] / "examples/todobackend-aws/pipeline.yml"


async def no_parameter(name: str) -> str:
    raise AssertionError(name)


async def test_the_pipeline_of_the_example_stands_and_goes(world: ResourceWorld) -> None:
    template = load_template(TEMPLATE.read_text())
    parameters = await resolve_parameters(template, [], {}, no_parameter)
    made: dict[str, tuple[Succeeded, dict[str, object]]] = {}

    def scope() -> Scope:
        values = {
            name: ResourceValues(one.ref or one.physical_resource_id, one.attributes)
            for name, (one, _) in made.items()
        }
        return Scope(template, parameters, REGION, ACCOUNT, STACK, "dev", [], {}, values)

    graph = dependencies(template, conditions(scope()))
    order = in_order(graph)
    for name in order:
        asked = properties(scope(), name)
        made[name] = (await world.made(template.resources[name].type, asked, name), asked)
    assert outputs(scope())
    pipelines = (await world.call("codepipeline", "ListPipelines"))["pipelines"]
    assert len(pipelines) == 1
    for name in reversed(order):
        one, asked = made[name]
        deleted = await world.delete(template.resources[name].type, one, asked)
        assert isinstance(deleted, Succeeded), (name, deleted)
        assert await world.read(template.resources[name].type, one, asked) is None
