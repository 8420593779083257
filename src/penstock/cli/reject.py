"""`penstock reject`: ends what waits for approval, after showing it."""

from penstock.cli.connection import DataDir, connect
from penstock.cli.decision import (
    Action,
    AsJson,
    Comment,
    Digest,
    DryRun,
    Full,
    Given,
    Pipeline,
    Stage,
    Yes,
    decide,
)


def reject(
    pipeline: Pipeline = None,
    stage: Stage = None,
    action: Action = None,
    comment: Comment = "",
    digest: Digest = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    full: Full = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Show what waits for approval, ask, and reject it: nothing of it is executed."""
    given = Given(comment, digest, yes, dry_run, full, as_json)
    decide("Rejected", connect(data_dir), (pipeline, stage, action), given)
