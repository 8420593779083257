"""`penstock logs`: why the newest build failed, or what it printed. No ids needed."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from penstock.cli.build_log import open_log
from penstock.cli.connection import Connection, DataDir, connect
from penstock.cli.execution import ActionView, ExecutionView, read_latest
from penstock.cli.failure import Failure, buildspec_line, find_failure, last_output
from penstock.cli.refusal import Refusal

_POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Subject:
    """What to show: a build, or (`build_id` None) an execution that has none."""

    build_id: str | None
    execution: ExecutionView | None = None


def logs(
    name: Annotated[
        str | None,
        typer.Argument(help="A pipeline or a CodeBuild project.", show_default="what ran last"),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Print the log as it comes, until the end.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Show the newest build: if it failed, where and why; else its log."""
    connection = connect(data_dir)
    subject = find_subject(connection, name)
    if follow:
        subject = _follow(connection, subject)
    if subject.build_id is None:
        print(_without_build(subject.execution))
        return
    build = _build(connection, subject.build_id)
    lines = read_log(connection, build)
    failure = find_failure(build)
    if failure is not None:
        print("\n".join([*([""] if follow else []), *headline(subject.build_id, failure, lines)]))
    if not follow:
        shown = ["", *last_output(lines, failure.command)] if failure else lines
        print("\n".join(shown))


def find_subject(connection: Connection, name: str | None) -> Subject:
    """Find the newest build of a pipeline or project, or of everything."""
    codepipeline = connection.client("codepipeline")
    pages = codepipeline.get_paginator("list_pipelines").paginate()
    pipelines = [p["name"] for page in pages for p in page["pipelines"]]
    if name is not None and name in pipelines:
        return of_execution(read_latest(codepipeline, name))
    codebuild = connection.client("codebuild")
    if name is not None:
        try:
            found = codebuild.list_builds_for_project(projectName=name, sortOrder="DESCENDING")
        except codebuild.exceptions.ResourceNotFoundException as error:
            known = ", ".join(pipelines) or "none"
            raise Refusal(f"no pipeline or project is called {name}; pipelines: {known}") from error
        ids = found["ids"]
        if not ids:
            raise Refusal(f"the project {name} has not built anything yet")
        return Subject(ids[0])
    return _newest(codepipeline, codebuild, pipelines)


def _newest(codepipeline: Any, codebuild: Any, pipelines: list[str]) -> Subject:
    """Choose what ran last: a pipeline's execution, or a build outside any pipeline."""
    views = [view for view in (read_latest(codepipeline, p) for p in pipelines) if view.started]
    view = max(views, key=lambda v: v.started.timestamp() if v.started else 0, default=None)
    ids = codebuild.list_builds(sortOrder="DESCENDING")["ids"][:1]
    builds = codebuild.batch_get_builds(ids=ids)["builds"] if ids else []
    if builds and (view is None or _outside(builds[0], view)):
        return Subject(builds[0]["id"])
    if view is None:
        raise Refusal("nothing has run yet: no pipeline has an execution, no project a build")
    return of_execution(view)


def _outside(build: Mapping[str, Any], view: ExecutionView) -> bool:
    """Tell whether the build belongs to no pipeline and started after the execution."""
    if build.get("initiator", "").startswith("codepipeline/"):
        return False
    return view.started is None or build["startTime"] > view.started


def of_execution(view: ExecutionView) -> Subject:
    """Choose an execution's failed build, else its newest, else the execution itself."""
    if not view.status:
        raise Refusal(f"the pipeline {view.pipeline} has not run yet")
    failed = [action for action in view.actions if action.status == "Failed"]
    if failed and not any(_is_build(action) for action in failed):
        return Subject(None, view)
    builds = [action for action in failed or view.actions if _is_build(action)]
    if not builds:
        return Subject(None, view)
    newest = max(builds, key=lambda a: a.started.timestamp() if a.started else 0)
    return Subject(newest.external_execution_id, view)


def _is_build(action: ActionView) -> bool:
    return action.provider == "CodeBuild" and bool(action.external_execution_id)


def headline(build_id: str, failure: Failure, log: Sequence[str]) -> list[str]:
    """Say which build failed, at which command of which buildspec line, and how."""
    lines = [f"Build {build_id} {failure.status} in {failure.phase}"]
    if failure.command is None:
        words = f"{failure.code}: {failure.message}" if failure.code else failure.message
        return [*lines, words] if words else lines
    lines.append("Command:   " + failure.command.replace("\n", "\n           "))
    if failure.exit_code is not None:
        lines.append(f"Exit code: {failure.exit_code}")
    else:
        lines.append(f"Reason:    {failure.message}")
    if place := buildspec_line(log, failure.command):
        lines.append(f"Buildspec: {place}")
    return lines


def read_log(connection: Connection, build: Mapping[str, Any]) -> list[str]:
    """Return a build's whole log so far."""
    log = open_log(connection.client("logs"), build)
    return list(log.more()) if log else []


def _without_build(view: ExecutionView | None) -> str:
    """Say how an execution stands that has no build to show."""
    assert view is not None
    for action in view.actions:
        if action.status == "Failed":
            return f"{view.pipeline}: {action.stage}/{action.name} failed: {action.summary}"
    return f"{view.pipeline}: {view.status}, no build has started"


def _build(connection: Connection, build_id: str) -> Mapping[str, Any]:
    found = connection.client("codebuild").batch_get_builds(ids=[build_id])["builds"]
    if not found:
        raise Refusal(f"the build {build_id} is not there any more")
    return dict(found[0])


def _follow(connection: Connection, subject: Subject) -> Subject:
    """Print the log as it grows until the build ends; wait for a build to start if need be."""
    codepipeline = connection.client("codepipeline")
    while subject.build_id is None:
        assert subject.execution is not None
        if subject.execution.ended:
            return subject
        time.sleep(_POLL_SECONDS)
        subject = of_execution(read_latest(codepipeline, subject.execution.pipeline))
    log = None
    client = connection.client("logs")
    while True:
        build = _build(connection, subject.build_id)
        log = log or open_log(client, build)
        for line in log.more() if log else ():
            print(line, flush=True)
        if build["buildComplete"]:
            return subject
        time.sleep(_POLL_SECONDS)
