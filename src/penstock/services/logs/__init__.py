"""CloudWatch Logs: groups and streams of log events, kept in log files."""

from penstock.services.logs.log_groups import Logs

__all__ = ["Logs"]
