"""CodePipeline through the unmodified `aws` command: made, stopped, read back."""

import json
from typing import Any

from tests.aws_command import aws_command


def test_a_pipeline_is_made_started_and_stopped(delivery: Any) -> None:
    aws = aws_command(delivery.server.url)
    structure = json.dumps(delivery.document())
    made = aws("codepipeline", "create-pipeline", "--pipeline", structure)["pipeline"]
    assert delivery.pipelines.get_pipeline(name="pipe")["pipeline"] == made
    delivery.building()
    [running] = aws("codepipeline", "list-pipeline-executions", "--pipeline-name", "pipe")[
        "pipelineExecutionSummaries"
    ]
    execution_id = running["pipelineExecutionId"]
    aws("codepipeline", "stop-pipeline-execution", "--pipeline-name", "pipe",
        "--pipeline-execution-id", execution_id, "--abandon", "--reason", "enough")  # fmt: skip
    assert delivery.until_ended(execution_id) == "Stopped"
    state = aws("codepipeline", "get-pipeline-state", "--name", "pipe")["stageStates"][1]
    latest = state["latestExecution"]
    assert (latest["pipelineExecutionId"], latest["status"]) == (execution_id, "Stopped")
    # moto codepipeline/models.py
    assert aws("codepipeline", "create-pipeline", "--pipeline", structure, refused=True).endswith(
        "An error occurred (PipelineNameInUseException) when calling the CreatePipeline "
        "operation: A pipeline with the name 'pipe' already exists in account '123456789012'"
    )
