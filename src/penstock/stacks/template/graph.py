"""Which resource waits for which. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from penstock.stacks.template.errors import invalid, unresolved
from penstock.stacks.template.references import Reference, references, references_in
from penstock.stacks.template.template import ResourceDeclaration, Template


def live_references(
    template: Template, conditions: Mapping[str, bool]
) -> dict[str, list[Reference]]:
    """Return, for every resource that exists under these conditions, what its properties,
    metadata and policies refer to."""
    return {
        logical_id: [
            *references(template, logical_id, conditions),
            *references_in(template, _other_parts(resource), conditions),
        ]
        for logical_id, resource in template.resources.items()
        if resource.condition is None or conditions[resource.condition]
    }


def dependencies(
    template: Template,
    conditions: Mapping[str, bool],
    found: Mapping[str, Sequence[Reference]] | None = None,
) -> dict[str, frozenset[str]]:
    """Return, for every resource that exists under these conditions, those that it needs.

    DependsOn, and every live reference; `found` are these, where they are known. Raises AWS's
    `Unresolved resource dependencies` for a reference to a resource that a condition leaves out.
    """
    known: dict[str, frozenset[str]] = template.found_under(conditions, dependencies)
    if known:
        return known
    if found is None:
        found = live_references(template, conditions)
    needed = {
        logical_id: frozenset(
            {one.name for one in named if one.kind in ("Resource", "Attribute")}.union(
                template.resources[logical_id].depends_on
            )
        )
        for logical_id, named in found.items()
    }
    missing = {name for names in needed.values() for name in names} - needed.keys()
    if missing:
        raise unresolved([name for name in template.resources if name in missing], "Resources")
    known.update(needed)
    return needed


def check_acyclic(graph: Mapping[str, Collection[str]]) -> None:
    """Raise `Circular dependency between resources: [A, B]`, naming all that are on a cycle."""
    rest = {name: set(needed) for name, needed in graph.items()}
    _peel(rest)
    users: dict[str, set[str]] = {name: set() for name in rest}
    for name, needed in rest.items():
        for one in needed:
            users[one].add(name)
    _peel(users)  # those that only wait for a cycle are on none
    if users:
        names = [name for name in graph if name in users]
        raise invalid(f"Circular dependency between resources: [{', '.join(names)}]")


def in_order(graph: Mapping[str, Collection[str]]) -> list[str]:
    """Return every name after all that it needs; of equals, in the order of names."""
    check_acyclic(graph)
    ordered: dict[str, None] = {}
    for start in graph:
        path = [(start, iter(sorted(graph[start])))]
        while path:
            name, needed = path[-1]
            following = next((one for one in needed if one not in ordered), None)
            if following is not None:
                path.append((following, iter(sorted(graph[following]))))
            else:
                ordered[name] = None
                path.pop()
    return list(ordered)


def _other_parts(resource: ResourceDeclaration) -> list[Any]:
    """Return what is evaluated of a resource beside its properties."""
    parts = (resource.metadata, resource.creation_policy, resource.update_policy)
    return [part for part in parts if part]


def _peel(graph: dict[str, set[str]]) -> None:
    """Take away, again and again, what needs nothing that is left."""
    users: dict[str, list[str]] = {}
    for name, needed in graph.items():
        for one in needed:
            users.setdefault(one, []).append(name)
    ready = [name for name, needed in graph.items() if not needed]
    while ready:
        name = ready.pop()
        del graph[name]
        for user in users.get(name, ()):
            if user in graph:
                graph[user].discard(name)
                if not graph[user]:
                    ready.append(user)
