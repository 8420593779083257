"""Checks of a whole template: nulls, functions' arguments, and names that must exist. Pure."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from penstock.stacks.intrinsics import find_in_map, get_att, sub
from penstock.stacks.intrinsics.boolean import is_condition, not_boolean
from penstock.stacks.intrinsics.function import Function, function_of
from penstock.stacks.intrinsics.table import EXTENSIONS, FUNCTIONS
from penstock.stacks.template import transforms
from penstock.stacks.template.errors import format_error, invalid, template_error, unresolved
from penstock.stacks.template.positions import locate
from penstock.stacks.template.pseudo_parameters import PSEUDO_PARAMETERS
from penstock.stacks.template.template import Template
from penstock.stacks.template.yaml_text import meant_instead

_EVALUATED = ("Properties", "Metadata", "CreationPolicy", "UpdatePolicy")
_PLAIN = {name: function for name, function in FUNCTIONS.items() if name not in EXTENSIONS}
Path = tuple[str | int, ...]


def check_nulls(document: Mapping[str, Any]) -> None:
    """Raise for the first null. AWS writes a resource's Properties as `Type` in the path
    (github.com/aws-cloudformation/cfn-lint issues 38 and 246)."""
    for path in _nulls(document, ()):
        steps = [str(step) for step in path]
        if steps[:1] == ["Resources"] and steps[2:3] == ["Properties"]:
            steps[2] = "Type"
        raise invalid(f"[/{'/'.join(steps)}] 'null' values are not allowed in templates")


def check_references(
    template: Template, document: Mapping[str, Any], *, extended: bool = True
) -> None:
    """Raise for functions that are none or wrongly given, and for names that nothing declares.

    With `extended`, functions may be there that only a transform brings into a template.
    """
    functions = FUNCTIONS if extended else _PLAIN
    _Conditions(template, document, functions).check()
    _Block(template, document, functions, "Resources").check_resources()
    _Block(template, document, functions, "Outputs").check_outputs()


def _nulls(node: Any, path: Path) -> Iterator[Path]:
    if node is None:
        yield path
    elif isinstance(node, dict):
        for key, member in node.items():
            if member is None or isinstance(member, dict | list):
                yield from _nulls(member, (*path, key))
    elif isinstance(node, list):
        for index, item in enumerate(node):
            if item is None or isinstance(item, dict | list):
                yield from _nulls(item, (*path, index))


class _Block:
    """One of Resources, Outputs, Conditions, with what its functions name so far."""

    def __init__(
        self,
        template: Template,
        document: Mapping[str, Any],
        functions: Mapping[str, Function],
        block: str,
    ) -> None:
        self._template = template
        self._document = document
        self._functions = functions
        self._block = block
        self._known: Collection[str] = (
            template.parameters.keys() | template.resources.keys() | PSEUDO_PARAMETERS
        )
        self._missing: dict[str, None] = {}

    def check_resources(self) -> None:
        """Check every resource's functions, DependsOn and Condition."""
        for logical_id, resource in self._template.resources.items():
            member = self._document["Resources"][logical_id]
            for key in _EVALUATED:
                if key in member:
                    self.walk(member[key], ("Resources", logical_id, key))
            for name in resource.depends_on:
                if name not in self._template.resources:
                    self._missing[name] = None
            self._check_condition(resource.condition)
        self._raise_missing()

    def check_outputs(self) -> None:
        """Check every output's functions and Condition."""
        for name, output in self._template.outputs.items():
            self.walk(output.value, ("Outputs", name, "Value"))
            if output.export_name is not None:
                self.walk(output.export_name, ("Outputs", name, "Export", "Name"))
            self._check_condition(output.condition)
        self._raise_missing()

    def walk(self, node: Any, path: Path) -> None:
        """Check the functions at and below a node."""
        call = function_of(node)
        if call is not None:
            name, argument = call
            self._check_call(name, argument, (*path, name))
            self._walk_argument(name, argument, (*path, name))
        elif isinstance(node, dict):
            for key, member in node.items():
                if key.startswith("Fn::"):
                    self._refuse_mixed(key, (*path, key))
                if isinstance(member, dict | list):
                    self.walk(member, (*path, key))
        elif isinstance(node, list):
            for index, item in enumerate(node):
                if isinstance(item, dict | list):
                    self.walk(item, (*path, index))

    def _walk_argument(self, name: str, argument: Any, path: Path) -> None:
        if isinstance(argument, dict | list):
            self.walk(argument, path)

    def _check_call(self, name: str, argument: Any, path: Path) -> None:
        if name not in self._functions:
            raise self._unknown_function(name, path)
        self._functions[name].check(argument)
        match name:
            case "Ref":
                self._check_known(argument)
            case "Fn::GetAtt":
                self._check_attribute(get_att.parts(argument)[0])
            case "Fn::Sub":
                text, variables = sub.parts(argument)
                for variable in sub.names(text):
                    if variable not in variables:
                        self._check_variable(variable)
            case "Fn::If":
                if argument[0] not in self._template.conditions:
                    raise template_error(f"unresolved condition dependency {argument[0]} in Fn::If")
            case "Fn::FindInMap":
                self._check_mapping(argument)

    def _check_known(self, name: str) -> None:
        if name not in self._known:
            self._missing[name] = None

    def _check_attribute(self, logical_id: str) -> None:
        if logical_id not in self._template.resources:
            raise template_error(
                f"instance of Fn::GetAtt references undefined resource {logical_id}"
            )

    def _check_variable(self, name: str) -> None:
        logical_id, dot, _ = name.partition(".")
        if not dot:
            self._check_known(name)
        elif logical_id not in self._template.resources:
            raise template_error(
                f"instance of Fn::Sub references invalid resource attribute {name}"
            )

    def _check_mapping(self, argument: Any) -> None:
        names, default = find_in_map.parts(argument)
        for part in names:
            if isinstance(part, dict) and part.get("Ref") in self._template.resources:
                raise find_in_map.wrong_shape()
        name = names[0]
        if isinstance(name, str) and name not in self._template.mappings and not default:
            raise template_error(
                f"Mapping named '{name}' is not present in the 'Mappings' section of template."
            )

    def _check_condition(self, name: str | None) -> None:
        if name is not None and name not in self._template.conditions:
            raise format_error(
                f"Unresolved condition dependency {name} in the {self._block} block of the template"
            )

    def _raise_missing(self) -> None:
        if self._missing:
            raise unresolved(list(self._missing), self._block)

    def _unknown_function(self, name: str, path: Path) -> Exception:
        listed = f"{name} Supported functions are: [{', '.join(_PLAIN)}]"
        return template_error(
            f"Encountered unsupported function: {listed}{self._where(path)}"
            f"{transforms.needed(name) or meant_instead(name, _PLAIN)}"
        )

    def _refuse_mixed(self, name: str, path: Path) -> None:
        if name not in self._functions:
            raise self._unknown_function(name, path)
        raise template_error(  # unverified
            f"an object with {name} may have no other members{self._where(path)}"
        )

    def _where(self, path: Path) -> str:
        if self._template.original is not None:  # the text that would be looked at was made
            return ""
        position = locate(self._template.body, path)
        return f" {position}" if position else ""


class _Conditions(_Block):
    """The Conditions section: no resources, and no condition that needs itself."""

    def __init__(
        self,
        template: Template,
        document: Mapping[str, Any],
        functions: Mapping[str, Function],
    ) -> None:
        super().__init__(template, document, functions, "Conditions")
        self._known = template.parameters.keys() | PSEUDO_PARAMETERS
        self._needs: dict[str, list[str]] = {}
        self._name = ""

    def check(self) -> None:
        """Check every condition."""
        for name, node in self._template.conditions.items():
            self._name = name
            self._needs[name] = []
            if not is_condition(node):
                raise not_boolean()
            self.walk(node, ("Conditions", name))
        if self._missing:
            raise format_error(
                f"Unresolved dependencies [{', '.join(self._missing)}]. "
                "Cannot reference resources in the Conditions block of the template"
            )
        self._check_cycles()

    def walk(self, node: Any, path: Path) -> None:
        """Check the functions at and below a node, `Condition` among them."""
        if isinstance(node, dict) and node.keys() == {"Condition"}:
            name = node["Condition"]
            FUNCTIONS["Condition"].check(name)
            if name not in self._template.conditions:
                raise template_error(f"unresolved condition dependency {name} in Condition")
            self._needs[self._name].append(name)
        else:
            super().walk(node, path)

    def _check_call(self, name: str, argument: Any, path: Path) -> None:
        if name == "Fn::If":
            raise not_boolean()
        if name == "Fn::GetStackOutput":
            raise template_error("Cannot use Fn::GetStackOutput in Conditions")
        super()._check_call(name, argument, path)

    def _check_attribute(self, logical_id: str) -> None:
        self._missing[logical_id] = None

    def _check_variable(self, name: str) -> None:
        self._check_known(name.partition(".")[0])

    def _check_cycles(self) -> None:
        settled: set[str] = set()
        for start in self._needs:
            path: dict[str, Iterator[str]] = {start: iter(self._needs[start])}
            while path:
                name = next(reversed(path))
                following = next((one for one in path[name] if one not in settled), None)
                if following is None:
                    settled.add(name)
                    del path[name]
                elif following in path:  # unverified
                    raise format_error(f"Circular dependency between conditions: [{following}]")
                else:
                    path[following] = iter(self._needs[following])
