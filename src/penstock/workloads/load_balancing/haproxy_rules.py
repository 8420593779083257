"""A listener's rules and actions as lines of an HAProxy frontend: pure.

The first rule that matches, in order of priority, is noted in a variable; the actions then go by
it. (HAProxy looks at all redirects before all forwards, whatever their order in the file.) Source:
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-rules.html
"""

import re
from collections.abc import Sequence

from penstock.arns import parse_arn
from penstock.workloads.load_balancing.haproxy_words import (
    argument,
    format_text,
    pattern,
    whole,
    word,
)
from penstock.workloads.load_balancing.records import Rule, Shape, forwarded_to

_PLACEHOLDER = re.compile(r"#\{(protocol|host|port|path|query)\}")
_PARTS = {
    "protocol": "http",
    "host": "%[req.hdr(host),field(1,:)]",
    "port": "%[dst_port]",
    "path": "%[path,bytes(1)]",
    "query": "%[query]",
}
_UNLESS_FOUND = "!{ var(txn.rule) -m found }"
_HAS_QUERY = "{ query -m len 1: }"


def frontend_name(listener_arn: str) -> str:
    """Return the frontend of a listener."""
    return _named("listener", listener_arn)


def backend_name(target_group_arn: str) -> str:
    """Return the backend of a target group: its checked targets."""
    return _named("tg", target_group_arn)


def open_name(target_group_arn: str) -> str:
    """Return the backend that stands in while every target of a group is unhealthy."""
    return _named("open", target_group_arn)


def lines(rules: Sequence[Rule], default: tuple[Shape, ...]) -> list[str]:
    """Return the frontend's lines; `rules` are without the default one, whose actions follow."""
    found: list[str] = []
    for number, rule in enumerate(rules, start=1):
        names = []
        for index, condition in enumerate(rule.conditions):
            name = f"r{number}.{index}"
            found += [f"    acl {name} {test}" for test in _tests(condition)]
            names.append(name)
        found.append(
            f"    http-request set-var(txn.rule) int({number}) if {_UNLESS_FOUND} {' '.join(names)}"
        )
    found.append(f"    http-request set-var(txn.rule) int(0) if {_UNLESS_FOUND}")
    answers: list[str] = []
    forwards: list[str] = []
    for number, actions in enumerate([default, *(rule.actions for rule in rules)]):
        chosen = f"{{ var(txn.rule) -m int {number} }}"
        answers += _answers(actions, chosen)
        draws, uses = _forwards(actions, chosen)
        answers += draws
        forwards += uses
    return [*found, *answers, *forwards]


def _tests(condition: Shape) -> list[str]:
    """Return a condition's tests, any of which will do."""
    match condition["Field"]:
        case "path-pattern":
            return [f"path -m reg {_wholes(condition['PathPatternConfig']['Values'])}"]
        case "host-header":
            values = _wholes(condition["HostHeaderConfig"]["Values"])
            return [f"req.hdr(host),field(1,:) -m reg -i {values}"]
        case "http-header":
            config = condition["HttpHeaderConfig"]
            name = argument(config["HttpHeaderName"])
            return [f"req.fhdr({name}) -m reg -i {_wholes(config['Values'])}"]
        case "http-request-method":
            methods = " ".join(map(word, condition["HttpRequestMethodConfig"]["Values"]))
            return [f"method -m str {methods}"]
        case "source-ip":
            return [f"src {' '.join(condition['SourceIpConfig']['Values'])}"]
        case _:
            pairs = condition["QueryStringConfig"]["Values"]
            return [f"query -m reg -i {' '.join(word(_query(pair)) for pair in pairs)}"]


def _wholes(values: Sequence[str]) -> str:
    return " ".join(map(whole, values))


def _query(pair: Shape) -> str:
    wildcards = {"*": "[^&]*", "?": "[^&]"}
    key = pattern(pair["Key"], wildcards) if "Key" in pair else "[^&=]*"
    return f"(^|&){key}={pattern(pair['Value'], wildcards)}(&|$)"


def _answers(actions: tuple[Shape, ...], chosen: str) -> list[str]:
    last = actions[-1]
    if last["Type"] == "redirect":
        return _redirect(last["RedirectConfig"], chosen)
    if last["Type"] == "fixed-response":
        config = last["FixedResponseConfig"]
        content = f"content-type {word(config.get('ContentType') or 'text/plain')} "
        body = (
            f"{content}string {word(config['MessageBody'])} " if config.get("MessageBody") else ""
        )
        return [f"    http-request return status {int(config['StatusCode'])} {body}if {chosen}"]
    return []


def _redirect(config: Shape, chosen: str) -> list[str]:
    code = int(config["StatusCode"].removeprefix("HTTP_"))
    protocol = config["Protocol"].lower()
    place = _template(f"{protocol}://{config['Host']}:{config['Port']}{config['Path']}")
    query = config["Query"]
    start = "    http-request redirect location"
    if "#{query}" not in query:
        end = f"\\x3f{_template(query)}" if query else ""
        return [f"{start} {place}{end} code {code} if {chosen}"]
    without = query.replace("#{query}", "")
    end = f"\\x3f{_template(without)}" if without else ""
    return [
        f"{start} {place}\\x3f{_template(query)} code {code} if {chosen} {_HAS_QUERY}",
        f"{start} {place}{end} code {code} if {chosen}",
    ]


def _template(text: str) -> str:
    pieces = _PLACEHOLDER.split(text)
    literals, names = pieces[0::2], pieces[1::2]
    filled = [_PARTS[name] for name in names] + [""]
    return "".join(
        format_text(literal) + part for literal, part in zip(literals, filled, strict=True)
    )


def _forwards(actions: tuple[Shape, ...], chosen: str) -> tuple[list[str], list[str]]:
    """Return the drawing of lots between weighted groups, and the uses of backends."""
    forwards = forwarded_to(actions)
    groups = [(arn, weight) for arn, weight in forwards if weight > 0]
    if not groups:  # a listener without targets to go to answers 503
        return [f"    http-request return status 503 if {chosen}"] if forwards else [], []
    if len(groups) == 1:
        return [], _uses(groups[0][0], chosen)
    total = sum(weight for _, weight in groups)
    draw = f"    http-request set-var(txn.lot) rand({total}) if {chosen}"
    uses, below = [], 0
    for arn, weight in groups:
        below += weight
        uses += _uses(arn, f"{chosen} {{ var(txn.lot) -m int lt {below} }}")
    return [draw], uses


def _uses(target_group_arn: str, chosen: str) -> list[str]:
    checked, unchecked = backend_name(target_group_arn), open_name(target_group_arn)
    return [
        (
            f"    use_backend {unchecked} if {chosen} {{ nbsrv({checked}) eq 0 }} "
            f"{{ nbsrv({unchecked}) gt 0 }}"
        ),
        f"    use_backend {checked} if {chosen}",
    ]


def _named(kind: str, arn: str) -> str:
    _, *parts = parse_arn(arn).resource.split("/")
    return ".".join([kind, *parts])
