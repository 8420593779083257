"""Secrets Manager through the unmodified `aws` command."""

from typing import Any

from tests.aws_command import aws_command


def test_a_secret_is_created_changed_and_read(server: Any, secrets: Any) -> None:
    aws = aws_command(server.aws.url)
    named = ("--secret-id", "app/db")
    made = aws("secretsmanager", "create-secret", "--name", "app/db", "--secret-string", "one")
    assert secrets.get_secret_value(SecretId="app/db")["SecretString"] == "one"
    put = aws("secretsmanager", "put-secret-value", *named, "--secret-string", "two")
    assert put["ARN"] == made["ARN"]
    assert aws("secretsmanager", "get-secret-value", *named)["SecretString"] == "two"
    previous = secrets.get_secret_value(SecretId="app/db", VersionStage="AWSPREVIOUS")
    assert previous["VersionId"] == made["VersionId"]
    aws("secretsmanager", "delete-secret", *named, "--force-delete-without-recovery")
    assert secrets.list_secrets()["SecretList"] == []
    # localstack/localstack tests/aws/services/secretsmanager/*.snapshot.json, from AWS.
    assert aws("secretsmanager", "get-secret-value", *named, refused=True).endswith(
        "An error occurred (ResourceNotFoundException) when calling the GetSecretValue operation: "
        "Secrets Manager can't find the specified secret."
    )
