"""Parameter Store through the unmodified `aws` command."""

from typing import Any

from tests.aws_command import aws_command


def test_a_parameter_is_put_read_and_deleted(server: Any, ssm: Any) -> None:
    aws = aws_command(server.aws.url)
    put = aws("ssm", "put-parameter", "--name", "/app/host", "--value", "db", "--type", "String")
    assert put["Version"] == 1
    assert ssm.get_parameter(Name="/app/host")["Parameter"]["Value"] == "db"
    ssm.put_parameter(Name="/app/port", Value="5432", Type="String")
    found = aws("ssm", "get-parameters-by-path", "--path", "/app")["Parameters"]
    assert [(one["Name"], one["Value"]) for one in found] == [
        ("/app/host", "db"), ("/app/port", "5432"),
    ]  # fmt: skip
    aws("ssm", "delete-parameter", "--name", "/app/host")
    assert ssm.get_parameters(Names=["/app/host"])["InvalidParameters"] == ["/app/host"]
    # AWS sends the code alone (hashicorp/terraform-provider-aws#15095); the text is ours.
    assert aws("ssm", "get-parameter", "--name", "/app/host", refused=True).endswith(
        "An error occurred (ParameterNotFound) when calling the GetParameter operation: "
        "Parameter /app/host not found."
    )
