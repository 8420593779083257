"""Carries tasks from PROVISIONING to STOPPED: the loop that acts, one coroutine per task."""


class TaskRunner:
    """Runs the stored tasks of one server; `start` begins, `close` leaves them as they are."""

    async def start(self) -> None:
        """Take up every unfinished task, and reap what no task owns."""
        raise NotImplementedError

    async def close(self) -> None:
        """Stop watching; the tasks' containers go on."""
        raise NotImplementedError

    def wake(self, task_id: str) -> None:
        """Look at a task now: it is new, or was asked to stop."""
        raise NotImplementedError
