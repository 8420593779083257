"""Every benchmark, each in a process of its own: `python -m benchmarks`, or `make bench`.

Stops at the first that fails. One alone: `python -m benchmarks.engine_steps`.
"""

import subprocess
import sys

BENCHMARKS = (
    "storage_commits",
    "engine_steps",
    "api_requests",
    "change_set",
    "build_vs_docker_run",
    "push_to_deployed",
)


def main() -> int:
    """Return the exit status of the first benchmark that failed, else 0."""
    for name in BENCHMARKS:
        print(f"== {name}", flush=True)
        ended = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=False)
        if ended.returncode:
            return ended.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
