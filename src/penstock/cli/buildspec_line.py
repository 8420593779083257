"""Where a command stands in the buildspec that a build ran."""

import io
import zipfile
from collections.abc import Mapping
from typing import Any

import yaml
from botocore.exceptions import ClientError

from penstock.cli.connection import Connection

_LARGEST_ARCHIVE = 256 * 1024 * 1024


def find_line(buildspec: str, phase: str, command: str) -> int | None:
    """Return the line (from 1) of `command` in a phase's `commands` or `finally`, or None.

    `phase` is CodeBuild's upper-case name. A block command stands at its first line of text.
    """
    try:
        document = yaml.compose(buildspec, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    phases = _member(document, "phases")
    found = _member(phases, phase.lower())
    for key in ("commands", "finally"):
        commands = _member(found, key)
        if not isinstance(commands, yaml.SequenceNode):
            continue
        for node in commands.value:
            if isinstance(node, yaml.ScalarNode) and node.value.strip() == command.strip():
                block = node.style in ("|", ">")
                return int(node.start_mark.line) + (2 if block else 1)
    return None


def _member(node: yaml.Node | None, name: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    for key, value in node.value:
        if isinstance(key, yaml.ScalarNode) and key.value == name:
            return value  # type: ignore[no-any-return]  # PyYAML's stubs leave values untyped
    return None


def read_buildspec(connection: Connection, build: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the name and text of the buildspec that `build` (of BatchGetBuilds) ran.

    None when the source that held it cannot be read any more.
    """
    source = build.get("source", {})
    named = source.get("buildspec") or "buildspec.yml"
    if "\n" in named:
        return "the project's buildspec", named
    try:
        text = _from_source(connection, build, source, named)
    except (ClientError, KeyError, zipfile.BadZipFile):
        return None
    return (named, text) if text is not None else None


def _from_source(
    connection: Connection, build: Mapping[str, Any], source: Mapping[str, Any], path: str
) -> str | None:
    if path.startswith("arn:"):
        return _object(connection, path.split(":::", 1)[-1]).decode()
    if source.get("type") == "CODECOMMIT":
        answer = connection.client("codecommit").get_file(
            repositoryName=source["location"].rstrip("/").rsplit("/", 1)[-1],
            commitSpecifier=build["resolvedSourceVersion"],
            filePath=path,
        )
        return bytes(answer["fileContent"]).decode()
    if source.get("type") == "CODEPIPELINE":
        location = build.get("sourceVersion", "")
    else:
        location = source.get("location", "")
    if source.get("type") not in ("CODEPIPELINE", "S3") or not location:
        return None
    with zipfile.ZipFile(io.BytesIO(_object(connection, location.split(":::", 1)[-1]))) as archive:
        return archive.read(path).decode()


def _object(connection: Connection, location: str) -> bytes:
    """Read `bucket/key`; KeyError when it is too large to be worth it."""
    bucket, _, key = location.partition("/")
    answer = connection.client("s3").get_object(Bucket=bucket, Key=key)
    if answer["ContentLength"] > _LARGEST_ARCHIVE:
        raise KeyError(location)
    return bytes(answer["Body"].read())
