"""Whom a build's service role must trust; its credentials are a Task's (`TaskCredentials`)."""

SERVICE_PRINCIPAL = "codebuild.amazonaws.com"
