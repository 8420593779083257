"""CodeCommit's operations."""
