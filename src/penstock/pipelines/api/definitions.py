"""CodePipeline's operations on pipelines and their tags.

Source: https://docs.aws.amazon.com/codepipeline/latest/APIReference/
"""

from penstock.aws import tags as tagging
from penstock.aws.pagination import decode_token, encode_token
from penstock.aws.service import Call, Request, Response
from penstock.pipelines import definitions
from penstock.pipelines.pipelines import Pipelines
from penstock.pipelines.secret_configuration import shown
from penstock.storage.pipelines import PipelineRow

_PIPELINES_IN_PAGE = 1000
_TAGS_IN_PAGE = 100


async def create_pipeline(domain: Pipelines, call: Call, request: Request) -> Response:
    """Make a pipeline and start its first execution."""
    tags = definitions.tags_of(request.get("tags", []), call.via)
    pipeline = await domain.create(request["pipeline"], tags)
    response: dict[str, object] = {"pipeline": shown(pipeline.document)}
    if tags:
        response["tags"] = tagging.to_pairs(tags, "key", "value")
    return response


async def get_pipeline(domain: Pipelines, call: Call, request: Request) -> Response:
    """Return a pipeline's declaration, its current one or that of a version."""
    if "version" in request:
        pipeline, document = await domain.get_version(request["name"], request["version"])
    else:
        pipeline = await domain.get(request["name"])
        document = pipeline.document
    return {
        "pipeline": shown(document),
        "metadata": {
            "pipelineArn": pipeline.arn,
            "created": pipeline.created_at,
            "updated": pipeline.updated_at,
        },
    }


async def update_pipeline(domain: Pipelines, call: Call, request: Request) -> Response:
    """Replace a pipeline's declaration; it does not start an execution."""
    pipeline = await domain.update(request["pipeline"])
    return {"pipeline": shown(pipeline.document)}


async def list_pipelines(domain: Pipelines, call: Call, request: Request) -> Response:
    """List pipelines in order of name."""
    limit = request.get("maxResults", _PIPELINES_IN_PAGE)
    after = ""
    if "nextToken" in request:
        [after] = decode_token(request["nextToken"], form="s")
    found = await domain.scan(after, limit + 1)
    response: dict[str, object] = {"pipelines": [_summary(one) for one in found[:limit]]}
    if len(found) > limit:
        response["nextToken"] = encode_token(found[limit - 1].name)
    return response


async def delete_pipeline(domain: Pipelines, call: Call, request: Request) -> Response:
    """Remove a pipeline; an unknown name is no error."""
    await domain.delete(request["name"])
    return {}


async def tag_resource(domain: Pipelines, call: Call, request: Request) -> Response:
    """Add or change tags."""
    added = definitions.tags_of(request["tags"], call.via)
    await domain.change_tags(request["resourceArn"], lambda tags: {**tags, **added})
    return {}


async def untag_resource(domain: Pipelines, call: Call, request: Request) -> Response:
    """Remove tags; keys that are not there are no error."""
    definitions.refuse_reserved(request["tagKeys"], call.via)
    await domain.change_tags(
        request["resourceArn"], lambda tags: tagging.without(tags, request["tagKeys"])
    )
    return {}


async def list_tags_for_resource(domain: Pipelines, call: Call, request: Request) -> Response:
    """List a pipeline's tags in order of key."""
    tags = await domain.tags(request["resourceArn"])
    limit = request.get("maxResults", _TAGS_IN_PAGE)
    after = ""
    if "nextToken" in request:
        [after] = decode_token(request["nextToken"], form="s")
    keys = sorted(key for key in tags if key > after)
    shown = {key: tags[key] for key in keys[:limit]}
    response: dict[str, object] = {"tags": tagging.to_pairs(shown, "key", "value")}
    if len(keys) > limit:
        response["nextToken"] = encode_token(keys[limit - 1])
    return response


def _summary(pipeline: PipelineRow) -> Response:
    return {
        "name": pipeline.name,
        "version": pipeline.version,
        "pipelineType": pipeline.document["pipelineType"],
        "executionMode": pipeline.document["executionMode"],
        "created": pipeline.created_at,
        "updated": pipeline.updated_at,
    }
