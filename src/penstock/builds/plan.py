"""A buildspec compiled to the flat plan that the agent runs, and to the files it needs.

Pure. The agent (agent/agent.sh) only follows lines: every choice of a next phase, user, shell
and script is made here. Each command is a script of its own that takes over directory and
variables from the one before through files, as CodeBuild's own scripts do; so `cd`, `export`
and plain assignments survive, while functions and `set -e` do not.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.builds.build import PhaseType
from penstock.builds.buildspec import ArtifactsSpec, Buildspec, PhaseSpec
from penstock.builds.transitions import CONTAINER_PHASES, TRANSITIONS, after_failure


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things stand in the build container."""

    root: str = "/codebuild"

    @property
    def agent(self) -> str:
        """The agent, its plan and its scripts."""
        return f"{self.root}/agent"

    @property
    def state(self) -> str:
        """What one command hands to the next: `script.sh`, `env.sh`, `dir.txt`."""
        return f"{self.root}/output/tmp"


@dataclass(frozen=True, slots=True)
class PlannedCommand:
    """One command; `line` is its line in the buildspec, `user` whom it runs as (None: root)."""

    text: str
    line: int
    phase: PhaseType
    is_finally: bool
    user: str | None


@dataclass(frozen=True, slots=True)
class PlannedPhase:
    """One container phase and what follows it."""

    phase: PhaseType
    on_success: PhaseType
    on_failure: PhaseType


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the agent will do. Kept with the build, so that records can be read later."""

    commands: Sequence[PlannedCommand]
    phases: Sequence[PlannedPhase]
    exported_names: Sequence[str]
    expressions: Mapping[str, str]
    """Key → shell text in double quotes, evaluated after the commands."""
    shell: str
    fresh_shells: bool
    """Buildspec 0.1: every command begins with the first directory and variables."""
    source_directory: str
    starts_docker: bool
    buildspec_name: str

    def to_json(self) -> dict[str, Any]:
        """Return the stored form."""
        return {
            "commands": [
                [c.text, c.line, c.phase.value, c.is_finally, c.user] for c in self.commands
            ],
            "phases": [
                [p.phase.value, p.on_success.value, p.on_failure.value] for p in self.phases
            ],
            "exported_names": list(self.exported_names),
            "expressions": dict(self.expressions),
            "shell": self.shell,
            "fresh_shells": self.fresh_shells,
            "source_directory": self.source_directory,
            "starts_docker": self.starts_docker,
            "buildspec_name": self.buildspec_name,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Plan":
        """Read what `to_json` wrote."""
        plain = {key: stored[key] for key in stored if key not in ("commands", "phases")}
        return cls(
            commands=tuple(
                PlannedCommand(text, line, PhaseType(phase), is_finally, user)
                for text, line, phase, is_finally, user in stored["commands"]
            ),
            phases=tuple(
                PlannedPhase(*(PhaseType(name) for name in names)) for names in stored["phases"]
            ),
            **plain,
        )


def compile_plan(
    buildspec: Buildspec,
    *,
    source_directory: str,
    privileged: bool,
    buildspec_name: str,
    names_wanted: bool = False,
) -> Plan:
    """Return the plan of a buildspec. `names_wanted`: artifact names are to be evaluated."""
    commands: list[PlannedCommand] = []
    phases: list[PlannedPhase] = []
    for phase in CONTAINER_PHASES:
        spec = buildspec.phases.get(phase, PhaseSpec())
        phases.append(
            PlannedPhase(
                phase,
                TRANSITIONS[phase, "succeeds"],
                after_failure(phase, spec.on_failure),
            )
        )
        user = spec.run_as or buildspec.run_as
        user = None if user == "root" else user
        for is_finally, group in ((False, spec.commands), (True, spec.finally_commands)):
            commands.extend(
                PlannedCommand(command.text, command.line, phase, is_finally, user)
                for command in group
            )
    return Plan(
        commands=tuple(commands),
        phases=tuple(phases),
        exported_names=tuple(dict.fromkeys(filter(_is_name, buildspec.exported_variables))),
        expressions=_expressions(buildspec, names_wanted=names_wanted),
        shell="bash" if buildspec.shell in ("bash", "/bin/bash") else "/bin/sh",
        fresh_shells=buildspec.version == "0.1",
        source_directory=source_directory,
        starts_docker=privileged,
        buildspec_name=buildspec_name,
    )


def _is_name(name: str) -> bool:
    return name.isidentifier() and name.isascii()


def _expressions(buildspec: Buildspec, *, names_wanted: bool) -> dict[str, str]:
    found: dict[str, str] = {}
    each: list[tuple[str, ArtifactsSpec | None]] = [("", buildspec.artifacts)]
    each.extend(buildspec.secondary_artifacts.items())
    for identifier, spec in each:
        if spec is None:
            continue
        if names_wanted and spec.name:
            found[f"name:{identifier}"] = spec.name.replace('"', '\\"')
        if spec.base_directory and "$" in spec.base_directory:
            found[f"base:{identifier}"] = variables_only(spec.base_directory)
        for kind, globs in (("files", spec.files), ("exclude", spec.exclude_paths)):
            for position, glob in enumerate(globs):
                if "$" in glob:
                    found[f"{kind}{position}:{identifier}"] = variables_only(glob)
    return found


def variables_only(text: str) -> str:
    """Return `text` for double quotes in a shell, where variables count and commands do not."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`")
    return escaped.replace("$(", "\\$(")


def plan_text(plan: Plan) -> str:
    """Return the lines that the agent follows; agent.sh says what each word means."""
    lines = [
        f"shell {plan.shell}",
        f"fresh {int(plan.fresh_shells)}",
        f"docker {int(plan.starts_docker)}",
    ]
    for planned in plan.phases:
        lines.append(f"phase {planned.phase} {planned.on_success} {planned.on_failure}")
        for index, command in enumerate(plan.commands):
            if command.phase is planned.phase:
                word = "finally" if command.is_finally else "run"
                lines.append(f"{word} {index} {command.user or '-'}")
    lines.append("phase END END END")
    lines.extend(f"export {position}" for position in range(len(plan.exported_names)))
    lines.extend(f"evaluate {position}" for position in range(len(plan.expressions)))
    return "\n".join(lines) + "\n"


def scripts(plan: Plan, layout: Layout) -> dict[str, str]:
    """Return name → text of every script that the plan's lines run."""
    state = layout.state
    # Three lines, so that a command's first line is line 4 of script.sh, as in AWS's logs.
    head = f'cd "$(cat {state}/dir.txt)"\nset -a\n. {state}/env.sh\n'
    tail = (
        "\nCODEBUILD_LAST_EXIT=$?\n"
        f"export -p > {state}/env.sh\n"
        f"pwd > {state}/dir.txt\n"
        "exit $CODEBUILD_LAST_EXIT\n"
    )
    texts = {
        f"command.{index}": head + command.text.rstrip("\n") + tail
        for index, command in enumerate(plan.commands)
    }
    for position, name in enumerate(plan.exported_names):
        texts[f"export.{position}"] = (
            f'{head}[ -n "${{{name}+set}}" ] && printf \'%s\' "${name}" > {state}/value\n'
        )
    for position, expression in enumerate(plan.expressions.values()):
        texts[f"evaluate.{position}"] = f"{head}printf '%s' \"{expression}\" > {state}/value\n"
    return texts


def environment_text(environment: Mapping[str, str]) -> str:
    """Return the variables as shell exports; names that no shell takes are left out."""
    return "".join(
        f"export {name}={shlex.quote(value)}\n"
        for name, value in environment.items()
        if _is_name(name)
    )


def agent_files(
    plan: Plan, environment: Mapping[str, str], nonce: str, layout: Layout
) -> dict[str, bytes]:
    """Return path → content of all that the agent reads, besides itself."""
    files = {
        "plan": plan_text(plan),
        "env": environment_text(environment),
        "nonce": nonce + "\n",
        "source": plan.source_directory + "\n",
        **{f"scripts/{name}": text for name, text in scripts(plan, layout).items()},
    }
    return {
        f"{layout.agent}/{name}": text.encode("utf-8", "surrogateescape")
        for name, text in files.items()
    }
