"""Whom a build's service role must trust; its credentials are a Task's (`TaskCredentials`)."""

from penstock.services.sts.task_credentials import TaskCredentials as BuildCredentials

SERVICE_PRINCIPAL = "codebuild.amazonaws.com"

__all__ = ["SERVICE_PRINCIPAL", "BuildCredentials"]
