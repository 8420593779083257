"""Identifiers and attributes in AWS's shape for a resource that is only recorded. Pure.

What a value looks like is told by its form on AWS where that is known (`recorded_forms.py`), else
by what the schema says of the property (its name, pattern, length, type): `vpc-0123…`, an ARN of
the right service, region and account, a UUID, a name, a port. What means the same is the same:
GroupId of a security group is its Id, and its ARN has it.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from penstock import ids
from penstock.arns import arn
from penstock.stacks.handlers.handler import ResourceRequest
from penstock.stacks.handlers.physical_name import physical_name, suffix
from penstock.stacks.resource_types.recorded_forms import (
    ARN_RESOURCES,
    FORMS,
    ID_PREFIXES,
    IDS_OF_OTHERS,
    LOWER_CASE,
    PORTS,
    SERVICES,
    ForEachNode,
    Form,
)
from penstock.stacks.schemas import pattern_text, patterns
from penstock.stacks.schemas.resource_schema import PropertyPath, ResourceSchema

_ARN_PARTS = 6
_DEEPEST = 6
_MOST_NODES = 6
"""A primary and five replicas, as on AWS."""
_WITHOUT_REGION = frozenset({"cloudfront", "iam", "organizations", "route53", "s3"})
_WITHOUT_ACCOUNT = frozenset({"route53", "s3"})
_HOSTS = ("endpoint", "domainname", "dnsname", "address", "url")
_CHARACTERS = {
    "digits": "123456789",
    "hex": "0123456789abcdef",
    "lower": "0123456789abcdefghijklmnopqrstuvwxyz",
    "upper": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "alnum": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
}
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=VPC)(?=[A-Z])")
_RANDOM = re.compile(r"([a-z]+)(\d+)")


def attributes(
    schema: ResourceSchema, request: ResourceRequest, before: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what Fn::GetAtt answers: the properties, and values of those that are read-only.

    A read-only value that `before` has (the attributes of an earlier success) stays.
    """
    found: dict[str, Any] = {
        name: value
        for name, value in request.properties.items()
        if (name,) not in schema.write_only
    }
    making = _Making(schema, request)
    forms = {tuple(name.split(".")) for name in FORMS.get(schema.type_name, {})}
    for path in sorted({*schema.primary_identifier, *schema.read_only, *forms}):
        if "*" in path or _at(found, path) is not None:
            continue
        value = _at(before, path)
        _put(found, path, making.value(path) if value is None else value)
    return found


def formed(schema: ResourceSchema, request: ResourceRequest, form: str) -> str:
    """Return a form (see `recorded_forms.py`) with its fields filled in."""
    return _Making(schema, request).formed(form, ())


class _Making:
    """The values of one resource, all derived from its request."""

    def __init__(self, schema: ResourceSchema, request: ResourceRequest) -> None:
        self._schema = schema
        self._request = request
        self._type = schema.type_name
        self._short = schema.type_name.rpartition("::")[2].lower()

    def value(self, path: PropertyPath) -> Any:
        """Return what stands at the path of a property."""
        rule = self._rule(path)
        form = FORMS.get(self._type, {}).get(".".join(path))
        if isinstance(form, ForEachNode):
            return self._for_each_node(form, path)
        if form is not None and not isinstance(form, str):
            return [self.formed(each, (*path, str(i))) for i, each in enumerate(form)]
        return self._value(path, rule, 0)

    def _for_each_node(self, form: ForEachNode, path: PropertyPath) -> str | list[str]:
        """Return the texts; their random parts are the same in all attributes of a group."""
        given = self._given(form.count)
        count = min(int(given), _MOST_NODES) if given.isdecimal() else 1
        indexed = [form.form.replace("{index}", f"{i:03}") for i in range(1, count + 1)]
        texts = [self.formed(each, path[:1]) for each in indexed]
        return f"[{', '.join(texts)}]" if form.joined else texts

    def formed(self, form: str, path: PropertyPath) -> str:
        """Return a form with its fields filled in; `path` is where it stands."""
        return re.sub(r"\{([^{}]+)\}", lambda field: self._field(field[1], path), form)

    def _field(self, field: str, path: PropertyPath) -> str:
        """Return what stands for one field; KeyError for a field that no form may have."""
        if field.startswith("/"):
            return self._given(field) or self._name()
        if field.startswith("last:"):
            return re.split("[:/]", self._given(field.removeprefix("last:")) or self._name())[-1]
        random = _RANDOM.fullmatch(field)
        if random is not None:
            return _characters(random[1], int(random[2]), self._seed(path))
        request = self._request
        fields: dict[str, Callable[[], str]] = {
            "region": lambda: request.region,
            "account": lambda: request.account_id,
            "name": self._name,
            "lower": lambda: self._name().lower(),
            "id": self._id,
            "arn": self._usual_arn,
            "ip": lambda: self._ip(path),
            "port": lambda: str(self._port()),
            "number": lambda: str(_number(request.client_request_token) % 999 + 1),
            "uuid": lambda: ids.derived_uuid(request.client_request_token),
            "bus/": lambda: self._bus("/"),
            "bus|": lambda: self._bus("|"),
        }
        return fields[field]()

    def _bus(self, end: str) -> str:
        """Return the name of a rule's bus, nothing for the default one."""
        bus = str(self._request.properties.get("EventBusName", "default")).rpartition("/")[2]
        return "" if bus == "default" else f"{bus}{end}"

    # What the resource is called.

    def _id(self) -> str:
        """Return the resource's own id, without that of a parent."""
        paths = [*self._schema.primary_identifier, *sorted(self._schema.read_only)]
        own = next((path for path in paths if self._is_own(path, "id")), None)
        if own is None:
            return ids.derived_uuid(self._request.client_request_token)
        return self._text(own, self._rule(own), made_id=True)

    def _is_own(self, path: PropertyPath, kind: str) -> bool:
        """Return whether a property is the resource's own `kind` (id, name, arn) and read-only:
        GroupId of a SecurityGroup is."""
        if len(path) != 1 or path not in self._schema.read_only:
            return False
        name = path[0].lower()
        return name.endswith(kind) and self._short.endswith(name.removesuffix(kind))

    def _is_identifier(self, path: PropertyPath) -> bool:
        return self._schema.primary_identifier == (path,)

    def _name(self) -> str:
        lower = self._type.split("::")[1] in LOWER_CASE
        made = physical_name(self._request, self._longest_name(), lower=lower)
        return next(self._names(), None) or made

    def _names(self) -> Iterator[str]:
        """Yield the names that the properties give the resource."""
        identifier = self._schema.primary_identifier
        made_up = self._schema.read_only.intersection(identifier)  # then inputs name a parent
        inputs = [] if made_up else [path[-1] for path in identifier]
        for each in (*self._own_names(), *inputs):
            value = self._request.properties.get(each)
            if isinstance(value, str) and value:
                yield value

    def _own_names(self) -> tuple[str, ...]:
        short = self._type.rpartition("::")[2]
        return ("Name", f"{short}Name", f"{short}Identifier")

    def _longest_name(self) -> int:
        lengths = (self._rule((name,)).get("maxLength") for name in self._own_names())
        return min([255, *(each for each in lengths if isinstance(each, int) and each > 32)])

    def _given(self, pointers: str) -> str:
        """Return the first text that there is at one of the paths, as `/A/B|/C`; of `/A|=b` it
        is b where there is none."""
        for pointer in pointers.split("|"):
            if pointer.startswith("="):
                return pointer[1:]
            found = _at(self._request.properties, tuple(pointer[1:].split("/")))
            if isinstance(found, str | int) and found:
                return str(found)
        return ""

    # Values by what the schema says.

    def _value(self, path: PropertyPath, rule: Mapping[str, Any], depth: int) -> Any:
        """Return a value that `rule` takes, with no more in it than must be."""
        if "type" not in rule and depth < _DEEPEST:
            chosen = next((rule[each][0] for each in ("oneOf", "anyOf") if rule.get(each)), None)
            if chosen is not None:
                return self._value(path, self._resolved(chosen), depth + 1)
        stated = rule.get("type", "object" if "properties" in rule else "string")
        kind = stated[0] if isinstance(stated, list) else stated
        match kind:
            case "integer" | "number":
                return self._port() if _is_port(path) else rule.get("minimum", 0)
            case "boolean":
                return False
            case "array":
                items = self._resolved(rule.get("items", {}))
                count = rule.get("minItems", 0) if depth < _DEEPEST else 0
                return [self._value((*path, str(i)), items, depth + 1) for i in range(count)]
            case "object":
                members = rule.get("properties", {}) if depth < _DEEPEST else {}
                return {
                    name: self._value((*path, name), self._resolved(members[name]), depth + 1)
                    for name in rule.get("required", ())
                    if name in members
                }
            case _:
                return self._text(path, rule)

    def _text(self, path: PropertyPath, rule: Mapping[str, Any], *, made_id: bool = False) -> str:
        form: Form | None = FORMS.get(self._type, {}).get(".".join(path))
        if isinstance(form, str):
            return self.formed(form, path)
        if not made_id and self._is_own(path, "id"):
            own = self._id()
            if _takes(rule, own):
                return own
        for keyword in ("enum", "enumCaseInsensitive"):
            if rule.get(keyword):
                return str(rule[keyword][0])
        if rule.get("format") == "date-time":
            return self._request.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        pattern = rule.get("pattern")
        is_arn = path[-1].lower().endswith("arn") or "arn:" in (pattern or "")
        candidates = [*self._usual(path), *([] if is_arn else self._random(path))]
        fitting = next((each for each in candidates if _takes(rule, each)), None)
        if fitting is not None:
            return fitting
        if is_arn:
            return self._arn(path, pattern)
        least, most = rule.get("minLength", 0), rule.get("maxLength", 255)
        made = pattern_text.text_of(pattern or ".*", self._seed(path), least, most)
        return made or ids.derived_uuid(self._request.client_request_token, *path)

    def _usual(self, path: PropertyPath) -> list[str]:
        """Return what a value may look like by its name, the likeliest first."""
        name = path[-1].lower()
        token = self._request.client_request_token
        prefix = ID_PREFIXES.get(self._type)
        if prefix and (path in self._schema.primary_identifier or self._is_own(path, "id")):
            return [f"{prefix}-0{_hexadecimal(token, 16)}"]
        other = next((p for end, p in IDS_OF_OTHERS.items() if name.endswith(end)), None)
        if other:
            return [f"{other}-0{_hexadecimal(self._seed(path), 16)}"]
        if _is_port(path):
            return [str(self._port())]
        if path[-1].endswith(("Version", "VersionNumber")):
            return ["1"]
        if path[-1].endswith(("Ip", "IP", "IpAddress")):
            return [self._ip(path)]
        if name.endswith(_HOSTS):
            made = physical_name(self._request, 63, lower=True)
            host = f"{made}.{_service(self._type)}.{self._request.region}.amazonaws.com"
            return [f"https://{host}"] if name.endswith("url") else [host]
        if name.endswith(("name", "identifier")):
            own = [self._name()] if self._is_own(path, "name") or self._is_identifier(path) else []
            made = physical_name(self._request)
            return [*own, made, made.lower(), physical_name(self._request, 63, lower=True)]
        return []

    def _random(self, path: PropertyPath) -> list[str]:
        seed = self._seed(path)
        return [
            ids.derived_uuid(self._request.client_request_token, *path),
            suffix(seed, 14).upper(),
            suffix(seed, 10).lower(),
            _hexadecimal(seed, 32),
            _hexadecimal(seed, 17),
        ]

    def _port(self) -> int:
        properties = self._request.properties
        given = str(properties.get("Port", ""))
        if given.isdecimal():
            return int(given)
        engine = str(properties.get("Engine", ""))
        for start, port in PORTS.items():
            if engine.startswith(start):
                return port
        return PORTS.get(self._type.split("::")[1], 443)

    def _ip(self, path: PropertyPath) -> str:
        """Return an address: of a range for documentation (RFC 5737) where it is public."""
        number = _number(self._seed(path))
        if path and "private" in path[-1].lower():
            return f"10.0.{number % 256}.{number // 256 % 250 + 4}"
        return f"203.0.113.{number % 254 + 1}"

    # ARNs.

    def _arn(self, path: PropertyPath, pattern: str | None) -> str:
        """Return the ARN in the form that is known, or that the schema's pattern says."""
        usual = self._usual_arn()
        if _matches(pattern, usual):
            return usual
        parts = (pattern_text.text_of(pattern or "", self._seed(path)) or "").split(":", 5)
        if len(parts) == _ARN_PARTS and parts[0] == "arn":
            region = self._request.region if parts[3] else ""
            account = self._request.account_id if parts[4] else ""
            for service in (_service(self._type), parts[2]):
                made = arn(service, region, account, parts[5])
                if _matches(pattern, made):
                    return made
        return usual

    def _usual_arn(self) -> str:
        service = _service(self._type)
        region = "" if service in _WITHOUT_REGION else self._request.region
        account = "" if service in _WITHOUT_ACCOUNT else self._request.account_id
        form = ARN_RESOURCES.get(self._type) or self._arn_resource(service)
        return arn(service, region, account, self.formed(form, ("Arn",)))

    def _arn_resource(self, service: str) -> str:
        short = self._type.rpartition("::")[2]
        if service == "ec2" and self._type in ID_PREFIXES:
            return f"{_HUMPS.sub('-', short).lower()}/{{id}}"
        return f"{self._short}/{{name}}"

    # The schema.

    def _seed(self, path: PropertyPath) -> str:
        return "\x1f".join((self._request.client_request_token, *path))

    def _rule(self, path: PropertyPath) -> Mapping[str, Any]:
        """Return what the schema says of the property at `path`."""
        rule: Mapping[str, Any] = {"properties": self._schema.properties}
        for part in path:
            rule = self._resolved(rule.get("properties", {}).get(part, {}))
        return rule

    def _resolved(self, rule: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Any = rule
        for _ in range(_DEEPEST):
            if not isinstance(found, Mapping) or "$ref" not in found:
                break
            family, _, name = str(found["$ref"]).partition("#/")[2].partition("/")
            source = self._schema.document.get("definitions", {})
            found = (source if family == "definitions" else self._schema.properties).get(name, {})
        return found if isinstance(found, Mapping) else {}


def _takes(rule: Mapping[str, Any], text: str) -> bool:
    fits = rule.get("minLength", 0) <= len(text) <= rule.get("maxLength", 255)
    return fits and _matches(rule.get("pattern"), text)


def _is_port(path: PropertyPath) -> bool:
    return bool(path) and (path[-1].endswith("Port") or path[-1] == "port")


def _service(type_name: str) -> str:
    part = type_name.split("::")[1]
    return SERVICES.get(part, part.lower())


def _hexadecimal(token: str, length: int) -> str:
    return hashlib.sha256(token.encode()).hexdigest()[:length]


def _number(seed: str) -> int:
    return int.from_bytes(hashlib.sha256(seed.encode()).digest())


def _characters(kind: str, length: int, seed: str) -> str:
    number, allowed, found = _number(seed), _CHARACTERS[kind], []
    for _ in range(length):
        number, index = divmod(number, len(allowed))
        found.append(allowed[index])
    return "".join(found)


def _matches(pattern: str | None, text: str) -> bool:
    return pattern is None or patterns.matches(pattern, text)


def _at(values: Mapping[str, Any], path: PropertyPath) -> Any:
    found: Any = values
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _put(values: dict[str, Any], path: PropertyPath, value: Any) -> None:
    place = values
    for part in path[:-1]:
        held = place.get(part)
        held = dict(held) if isinstance(held, Mapping) else {}
        place[part] = held
        place = held
    place[path[-1]] = value
