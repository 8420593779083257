"""Creating, changing and deleting pipelines, inside one unit of work.

Error texts: moto's codepipeline/models.py where it has them; the others are unverified.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.arns import arn
from penstock.aws.errors import ServiceError
from penstock.aws.tags import MOST_TAGS, counted, from_pairs, reserved_key
from penstock.ids import new_uuid
from penstock.pipelines import triggers, watched_sources
from penstock.pipelines.structure import normalise, parse
from penstock.pipelines.triggers import TriggerType
from penstock.storage import outbox, pipelines
from penstock.storage.pipelines import PipelineRow


def not_found(account_id: str, name: str) -> ServiceError:
    """Return AWS's error for a pipeline that does not exist."""
    return ServiceError(
        "PipelineNotFoundException",
        f"Account '{account_id}' does not have a pipeline with name '{name}'",
    )


def load(connection: sa.Connection, account_id: str, name: str) -> PipelineRow:
    """Return the pipeline; raise PipelineNotFoundException."""
    pipeline = pipelines.get(connection, name)
    if pipeline is None:
        raise not_found(account_id, name)
    return pipeline


def create(
    connection: sa.Connection,
    declaration: Mapping[str, Any],
    tags: Mapping[str, str],
    region: str,
    account_id: str,
    now: datetime,
) -> PipelineRow:
    """Store a checked declaration as version 1 and start its first execution."""
    name = declaration["name"]
    document = normalise(declaration, 1)
    pipeline = PipelineRow(
        name=name,
        id=new_uuid(),
        arn=arn("codepipeline", region, account_id, name),
        version=1,
        document=document,
        tags=tags,
        executions=0,
        created_at=now,
        updated_at=now,
    )
    if not pipelines.insert(
        connection, pipeline, watched_sources.sources(parse(document), pipeline.id)
    ):
        raise ServiceError(
            "PipelineNameInUseException",
            f"A pipeline with the name '{name}' already exists in account '{account_id}'",
        )
    if all("defaultValue" in variable for variable in document.get("variables") or ()):
        triggers.start(connection, pipeline, new_uuid(), TriggerType.CREATE_PIPELINE, now)
    return pipeline


def update(
    connection: sa.Connection, declaration: Mapping[str, Any], account_id: str, now: datetime
) -> PipelineRow:
    """Store a checked declaration as the next version; unfinished executions are cancelled."""
    name = declaration["name"]
    pipeline = pipelines.get(connection, name)
    if pipeline is None:
        raise ServiceError(
            "ResourceNotFoundException",
            f"The account with id '{account_id}' does not include a pipeline with the name "
            f"'{name}'",
        )
    document = normalise(declaration, pipeline.version + 1)
    pipelines.update(
        connection, pipeline, document, watched_sources.sources(parse(document), pipeline.id), now
    )
    outbox.publish(
        connection,
        "pipeline.Updated",
        name,
        {"pipeline": name, "pipeline-id": pipeline.id, "version": pipeline.version + 1},
        now,
    )
    return load(connection, account_id, name)


def tags_of(pairs: list[Mapping[str, str]], via: str | None) -> dict[str, str]:
    """Return tags as a mapping; raise TooManyTagsException and InvalidTagsException.

    `via` is the service that calls for the principal, which may set tags of AWS's own.
    """
    tags = from_pairs(pairs, "key", "value")
    if len(tags) < len(pairs):
        raise ServiceError("InvalidTagsException", "Tag keys must be unique within one request.")
    refuse_reserved(tags, via)
    check_tag_count(tags)
    return tags


def refuse_reserved(keys: Iterable[str], via: str | None) -> None:
    """Raise InvalidTagsException for a key that only AWS's services set and remove."""
    reserved = reserved_key(keys, via)
    if reserved is not None:
        raise ServiceError(
            "InvalidTagsException",
            f"Tag keys must not begin with aws:, which AWS keeps for itself; found {reserved}.",
        )


def check_tag_count(tags: Mapping[str, str]) -> None:
    """Raise TooManyTagsException when a pipeline would have more tags than AWS allows."""
    if (count := counted(tags)) > MOST_TAGS:
        raise ServiceError(
            "TooManyTagsException",
            f"A pipeline has at most {MOST_TAGS} tags; this one would have {count}.",
        )
