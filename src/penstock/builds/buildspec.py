"""Buildspecs 0.1 and 0.2: from the file's text to values, as CodeBuild reads it.

Bad input raises BuildspecError with the message of a YAML_FILE_ERROR; keys that CodeBuild
does not know are ignored and named in `warnings`, which go to the build's log.

Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from penstock.builds import yaml_nodes as nodes
from penstock.builds.build import PhaseType

PHASES: Mapping[str, PhaseType] = {
    "install": PhaseType.INSTALL,
    "pre_build": PhaseType.PRE_BUILD,
    "build": PhaseType.BUILD,
    "post_build": PhaseType.POST_BUILD,
}
_TOP = (
    "version",
    "run-as",
    "env",
    "proxy",
    "phases",
    "reports",
    "artifacts",
    "cache",
    "batch",
    "environment_variables",
)
_PHASE_KEYS = ("commands", "finally", "on-failure", "run-as", "runtime-versions", "steps")
_ARTIFACT_KEYS = (
    "files",
    "name",
    "discard-paths",
    "base-directory",
    "exclude-paths",
    "enable-symlinks",
    "s3-prefix",
    "secondary-artifacts",
    "type",
)
_ENV_KEYS = (
    "shell",
    "variables",
    "parameter-store",
    "secrets-manager",
    "exported-variables",
    "git-credential-helper",
)
_TRUE = ("yes", "true", "on", "y", "1")
_FALSE = ("no", "false", "off", "n", "0")


class BuildspecError(Exception):
    """The buildspec cannot be used; the message is that of a YAML_FILE_ERROR."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command and the line of the buildspec where it stands, counted from 1."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class PhaseSpec:
    """One phase. `on_failure` is ABORT, CONTINUE or None for the phase's default."""

    commands: Sequence[Command] = ()
    finally_commands: Sequence[Command] = ()
    on_failure: str | None = None
    run_as: str | None = None
    runtime_versions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArtifactsSpec:
    """What to store: globs relative to `base_directory` (itself a directory or a glob)."""

    files: Sequence[str]
    name: str | None = None
    discard_paths: bool = False
    base_directory: str | None = None
    exclude_paths: Sequence[str] = ()
    enable_symlinks: bool = False
    s3_prefix: str | None = None


@dataclass(frozen=True, slots=True)
class Buildspec:
    """A buildspec's meaning. `artifacts` is the primary one, None when it names no files."""

    version: str
    phases: Mapping[PhaseType, PhaseSpec]
    run_as: str | None = None
    shell: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    parameter_store: Mapping[str, str] = field(default_factory=dict)
    secrets_manager: Mapping[str, str] = field(default_factory=dict)
    exported_variables: Sequence[str] = ()
    artifacts: ArtifactsSpec | None = None
    secondary_artifacts: Mapping[str, ArtifactsSpec] = field(default_factory=dict)
    cache_paths: Sequence[str] = ()
    warnings: Sequence[str] = ()


def parse_buildspec(text: bytes) -> Buildspec:
    """Return the buildspec in `text`. Raises BuildspecError, and nothing else."""
    try:
        root = nodes.parse_yaml(text)
        if root is None or (isinstance(root, nodes.Scalar) and root.is_null):
            raise BuildspecError("the buildspec is empty: expected a version and phases")
        return _Reader().buildspec(_mapping(root, "buildspec"))
    except nodes.YamlError as error:
        raise BuildspecError(str(error)) from None


def _mapping(node: nodes.Node, what: str) -> nodes.Table:
    if not isinstance(node, nodes.Table):
        raise BuildspecError(
            f"wrong number of container tags, expected 1: {what} at line {node.line} is no mapping"
        )
    return node


class _Reader:
    """Reads one document, collecting warnings on its way."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def buildspec(self, root: nodes.Table) -> Buildspec:
        self._warn_unknown(root, _TOP, "buildspec")
        top = nodes.entries(root)
        version = self._version(top.get("version"))
        env = self._optional_mapping(top, "env")
        self._warn_unknown(env, _ENV_KEYS, "env")
        settings = nodes.entries(env)
        artifacts = self._optional_mapping(top, "artifacts")
        variables = self._texts(settings, "variables")
        if version == "0.1":
            old = nodes.entries(self._optional_mapping(top, "environment_variables"))
            variables = {**variables, **self._texts(old, "plaintext")}
        for key, what in (("reports", "Reports are not processed"), ("batch", "Batch is ignored")):
            if key in top:
                self.warnings.append(f"{what}: {key} in the buildspec has no effect here")
        cache = nodes.entries(self._optional_mapping(top, "cache"))
        return Buildspec(
            version=version,
            phases=self._phases(top),
            run_as=self._text(top, "run-as"),
            shell=self._shell(self._text(settings, "shell")),
            variables=variables,
            parameter_store=self._texts(settings, "parameter-store"),
            secrets_manager=self._texts(settings, "secrets-manager"),
            exported_variables=self._list(settings, "exported-variables"),
            artifacts=self._artifacts(artifacts, required=False),
            secondary_artifacts=self._secondary(artifacts),
            cache_paths=self._list(cache, "paths"),
            warnings=tuple(self.warnings),
        )

    def _version(self, node: nodes.Node | None) -> str:
        found = node.value.strip() if isinstance(node, nodes.Scalar) else None
        if found not in ("0.1", "0.2"):
            raise BuildspecError(
                f"invalid buildspec version: expected 0.1 or 0.2, found {found or 'none'}"
            )
        return found

    def _shell(self, shell: str | None) -> str | None:
        if shell is not None and shell not in ("bash", "/bin/bash", "sh", "/bin/sh"):
            raise BuildspecError(f"invalid env.shell: expected bash or /bin/sh, found {shell}")
        return shell

    def _phases(self, top: Mapping[str, nodes.Node]) -> dict[PhaseType, PhaseSpec]:
        if "phases" not in top:
            raise BuildspecError(
                "phases is required: expected install, pre_build, build or post_build under it"
            )
        phases = _mapping(top["phases"], "phases")
        self._warn_unknown(phases, PHASES, "phases")
        names = nodes.entries(phases)
        if names and not PHASES.keys() & names.keys():
            # Nothing would run, and the build would succeed.
            raise BuildspecError(
                "phases has no phase: expected install, pre_build, build or post_build under it, "
                f"found {', '.join(names)}"
            )
        return {
            PHASES[name]: self._phase(name, _mapping(node, f"phases.{name}"))
            for name, node in names.items()
            if name in PHASES
        }

    def _phase(self, name: str, node: nodes.Table) -> PhaseSpec:
        self._warn_unknown(node, _PHASE_KEYS, f"phases.{name}")
        phase = nodes.entries(node)
        return PhaseSpec(
            commands=self._commands(phase.get("commands"), "Commands"),
            finally_commands=self._commands(phase.get("finally"), "Finally"),
            on_failure=self._on_failure(name, self._text(phase, "on-failure")),
            run_as=self._text(phase, "run-as"),
            runtime_versions=self._texts(phase, "runtime-versions"),
        )

    def _on_failure(self, phase: str, text: str | None) -> str | None:
        if text is None or text in ("ABORT", "CONTINUE"):
            return text
        if text.split("-", 1)[0] == "RETRY":
            self.warnings.append(
                f"on-failure {text} of {phase} is taken as ABORT: builds do not retry themselves"
            )
            return "ABORT"
        raise BuildspecError(
            f"invalid on-failure of {phase}: expected ABORT, CONTINUE or RETRY, found {text}"
        )

    def _commands(self, node: nodes.Node | None, tag: str) -> tuple[Command, ...]:
        if node is None:
            return ()
        if isinstance(node, nodes.Scalar):
            return (Command(node.value, node.line + node.block),) if node.value.strip() else ()
        if isinstance(node, nodes.Table):
            raise _subkeys(tag, 0, node.line)
        found = []
        for index, item in enumerate(node.items):
            if not isinstance(item, nodes.Scalar):
                raise _subkeys(tag, index, item.line)
            if item.value.strip() and not item.is_null:
                # A block's text starts on the line after its `|`.
                found.append(Command(item.value, item.line + item.block))
            else:
                self.warnings.append(f"Skipping empty command at line {item.line}")
        return tuple(found)

    def _secondary(self, artifacts: nodes.Table) -> dict[str, ArtifactsSpec]:
        found: dict[str, ArtifactsSpec] = {}
        each = self._optional_mapping(nodes.entries(artifacts), "secondary-artifacts")
        for name, node in nodes.entries(each).items():
            spec = self._artifacts(_mapping(node, f"secondary-artifacts.{name}"), required=True)
            if spec is not None:
                found[name] = spec
        return found

    def _artifacts(self, node: nodes.Table, *, required: bool) -> ArtifactsSpec | None:
        self._warn_unknown(node, _ARTIFACT_KEYS, "artifacts")
        artifacts = nodes.entries(node)
        files = self._list(artifacts, "files")
        if not files:
            if required or (artifacts and "secondary-artifacts" not in artifacts):
                self.warnings.append("artifacts.files is empty: nothing is uploaded for it")
            return None
        return ArtifactsSpec(
            files=files,
            name=self._text(artifacts, "name"),
            discard_paths=self._boolean(artifacts, "discard-paths"),
            base_directory=self._text(artifacts, "base-directory"),
            exclude_paths=self._list(artifacts, "exclude-paths"),
            enable_symlinks=self._boolean(artifacts, "enable-symlinks"),
            s3_prefix=self._text(artifacts, "s3-prefix"),
        )

    def _optional_mapping(self, parent: Mapping[str, nodes.Node], key: str) -> nodes.Table:
        return _mapping(parent[key], key) if key in parent else nodes.Table(0)

    def _text(self, parent: Mapping[str, nodes.Node], key: str) -> str | None:
        node = parent.get(key)
        if node is None:
            return None
        if not isinstance(node, nodes.Scalar):
            raise BuildspecError(f"Expected {key} to be of string type at line {node.line}")
        return node.value

    def _texts(self, parent: Mapping[str, nodes.Node], key: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, node in self._optional_mapping(parent, key).items.items():
            if not isinstance(node, nodes.Scalar):
                raise BuildspecError(
                    f"Expected {key}.{name} to be of string type: found subkeys instead at line "
                    f"{node.line}"
                )
            found[name] = "" if node.is_null else node.value
        return found

    def _list(self, parent: Mapping[str, nodes.Node], key: str) -> tuple[str, ...]:
        node = parent.get(key)
        if node is None:
            return ()
        if isinstance(node, nodes.Scalar):
            return (node.value,)
        if isinstance(node, nodes.Table):
            raise BuildspecError(f"Expected {key} to be a list at line {node.line}")
        found = []
        for index, item in enumerate(node.items):
            if not isinstance(item, nodes.Scalar):
                raise _subkeys(key, index, item.line)
            if not item.is_null:
                found.append(item.value)
        return tuple(found)

    def _boolean(self, parent: Mapping[str, nodes.Node], key: str) -> bool:
        text = (self._text(parent, key) or "no").strip().lower()
        if text not in (*_TRUE, *_FALSE):
            self.warnings.append(f"Expected {key} to be yes or no, found {text}: taken as no")
        return text in _TRUE

    def _warn_unknown(self, node: nodes.Table, known: Collection[str], where: str) -> None:
        for key, line in node.key_lines.items():
            if key not in known:
                self.warnings.append(f"Ignoring unknown key {key} of {where} at line {line}")


def _subkeys(tag: str, index: int, line: int) -> BuildspecError:
    return BuildspecError(
        f"Expected {tag}[{index}] to be of string type: found subkeys instead at line {line}, "
        f"value of the key tag on line {line - 1} might be empty"
    )
