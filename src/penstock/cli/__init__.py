"""The `penstock` command; one file per sub-command, registered in `application.py`."""
