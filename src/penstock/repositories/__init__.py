"""CodeCommit: git repositories hosted here, and their API."""
