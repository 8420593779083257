"""Which release this is: files that stand beside the program, baked into the image."""

from pathlib import Path


def read_release(directory: Path) -> dict[str, str]:
    """Return the `version` and `nonce` in `directory`'s VERSION and NONCE files."""
    return {
        "version": (directory / "VERSION").read_text(encoding="utf-8").strip(),
        "nonce": (directory / "NONCE").read_text(encoding="utf-8").strip(),
    }
