"""CodeBuild through the unmodified `aws` command: a project, a build, and its log."""

import json

from tests.aws_command import aws_command
from tests.contract.codebuild.conftest import Setup, project


def test_a_project_is_made_and_built(setup: Setup) -> None:
    aws = aws_command(setup.server.url)
    structure = json.dumps(project("app", "echo from-the-$WHERE"))
    made = aws("codebuild", "create-project", "--cli-input-json", structure)["project"]
    assert setup.codebuild.list_projects()["projects"] == ["app"]
    variable = "name=WHERE,value=command,type=PLAINTEXT"
    started = aws("codebuild", "start-build", "--project-name", "app",
                  "--environment-variables-override", variable)["build"]  # fmt: skip
    assert started["serviceRole"] == made["serviceRole"]
    assert setup.ended(started["id"])["buildStatus"] == "SUCCEEDED"
    (build,) = aws("codebuild", "batch-get-builds", "--ids", started["id"])["builds"]
    place = build["logs"]
    lines = aws("logs", "get-log-events", "--log-group-name", place["groupName"],
                "--log-stream-name", place["streamName"], "--start-from-head")  # fmt: skip
    assert "from-the-command\n" in [one["message"] for one in lines["events"]]
    # moto codebuild/responses.py
    assert aws("codebuild", "create-project", "--cli-input-json", structure, refused=True).endswith(
        "An error occurred (ResourceAlreadyExistsException) when calling the CreateProject "
        f"operation: Project already exists: {made['arn']}"
    )
