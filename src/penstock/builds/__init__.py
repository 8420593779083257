"""CodeBuild: buildspecs, phases, environment, the runner, logs, artifacts."""
