"""How a build's end is stored: its status, its phases and the event are one unit of work."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from penstock.builds.build import (
    BuildPhase,
    BuildStatus,
    PhaseContext,
    PhaseType,
    Step,
    phase_to_json,
)
from penstock.builds.phases import close, outcome
from penstock.storage import builds as storage
from penstock.storage.builds import BuildRow
from penstock.storage.outbox import publish


def complete(
    connection: sa.Connection, row: BuildRow, phases: Sequence[BuildPhase], now: datetime
) -> None:
    """End the build that is still in `row`'s step; nothing happens to one that has moved on."""
    status = outcome(phases)
    if phases[-1].phase_type is PhaseType.FINALIZING:
        phases = [*phases[:-1], close(phases[-1], BuildStatus.SUCCEEDED, now, PhaseContext())]
    detail: dict[str, Any] = {
        "project": row.project_name,
        "uuid": row.uuid,
        "status": status.value,
    }
    if storage.update(
        connection,
        row.id,
        row.step,
        step=Step.DONE.value,
        status=status.value,
        phases=[phase_to_json(p) for p in (*phases, BuildPhase(PhaseType.COMPLETED, now))],
        ended_at=now,
        sealed=None,
    ):
        publish(connection, "build.PhaseChanged", row.id, detail, now)
        publish(connection, "build.Completed", row.id, detail, now)
