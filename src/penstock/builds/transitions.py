"""Which phase follows which: the table that docs/build-phases.md draws.

Pure. Sources: the reference of phase transitions in AWS's user guide, and public build logs
for what follows a failure (an INSTALL or PRE_BUILD that fails uploads nothing).
"""

from collections.abc import Mapping

from penstock.builds.build import PhaseType

P = PhaseType

TRANSITIONS: Mapping[tuple[PhaseType, str], PhaseType] = {
    (P.SUBMITTED, "succeeds"): P.QUEUED,
    (P.QUEUED, "succeeds"): P.PROVISIONING,
    (P.QUEUED, "fails"): P.COMPLETED,
    (P.PROVISIONING, "succeeds"): P.DOWNLOAD_SOURCE,
    (P.PROVISIONING, "fails"): P.FINALIZING,
    (P.DOWNLOAD_SOURCE, "succeeds"): P.INSTALL,
    (P.DOWNLOAD_SOURCE, "fails"): P.FINALIZING,
    (P.INSTALL, "succeeds"): P.PRE_BUILD,
    (P.INSTALL, "fails"): P.FINALIZING,
    (P.PRE_BUILD, "succeeds"): P.BUILD,
    (P.PRE_BUILD, "fails"): P.FINALIZING,
    (P.BUILD, "succeeds"): P.POST_BUILD,
    (P.BUILD, "fails"): P.POST_BUILD,
    (P.POST_BUILD, "succeeds"): P.UPLOAD_ARTIFACTS,
    (P.POST_BUILD, "fails"): P.UPLOAD_ARTIFACTS,
    (P.UPLOAD_ARTIFACTS, "succeeds"): P.FINALIZING,
    (P.UPLOAD_ARTIFACTS, "fails"): P.FINALIZING,
    (P.FINALIZING, "succeeds"): P.COMPLETED,
}
"""(phase, how it ended) → the next phase, where the buildspec says nothing."""

CONTAINER_PHASES = (P.INSTALL, P.PRE_BUILD, P.BUILD, P.POST_BUILD)


def after_failure(phase: PhaseType, on_failure: str | None) -> PhaseType:
    """Return what follows a failing phase under its buildspec's on-failure.

    ABORT ends the commands at once; CONTINUE goes on as if the phase had succeeded (the build
    still ends FAILED, and CODEBUILD_BUILD_SUCCEEDING stays 0: ADR 0012).
    """
    if on_failure == "ABORT":
        return P.FINALIZING
    return TRANSITIONS[phase, "succeeds" if on_failure == "CONTINUE" else "fails"]
