"""CodeBuild's operations."""
