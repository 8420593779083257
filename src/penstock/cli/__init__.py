"""The `penstock` command; one file per sub-command."""
