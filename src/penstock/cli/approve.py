"""`penstock approve`: lets what waits for approval go on, after showing it."""

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


def approve(
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
    """Show what waits for approval, ask, and approve exactly that."""
    given = Given(comment, digest, yes, dry_run, full, as_json)
    decide("Approved", connect(data_dir), (pipeline, stage, action), given)
