"""`{"Fn::Cidr": [block, count, bits]}`: the first `count` blocks with `bits` bits for hosts.

Source: intrinsic-function-reference-cidr.html of AWS's user guide. Texts: unverified.
"""

import ipaddress
import itertools
from typing import Any

from penstock.stacks.intrinsics.function import Evaluation, Function, may_give, text_of
from penstock.stacks.intrinsics.unknown import Unknown
from penstock.stacks.template.errors import template_error

_SHAPE = (
    "every Fn::Cidr object requires an IP address block, a count from 1 to 256 and the number "
    "of bits of each block's hosts"
)
_BITS = "8"


def check(argument: Any) -> None:
    """Raise unless there are a block and numbers."""
    if not isinstance(argument, list) or len(argument) not in (2, 3):
        raise template_error(_SHAPE)
    if not all(may_give(part, str, int) for part in argument):
        raise template_error(_SHAPE)


def evaluate(argument: Any, evaluation: Evaluation) -> Any:
    """Return the blocks, or the Unknown that one of the arguments is."""
    values = [evaluation.value(part) for part in argument]
    for value in values:
        if isinstance(value, Unknown):
            return value
    block, count, *rest = map(text_of, values)
    bits = rest[0] if rest else _BITS
    if block is None or not _is_number(count) or not _is_number(bits):
        raise template_error(_SHAPE)
    return _blocks(block, int(count or 0), int(bits or 0))


def _blocks(block: str, count: int, bits: int) -> list[str]:
    try:
        network = ipaddress.ip_network(block, strict=False)
    except ValueError:
        raise template_error(f"{block} is not a valid CIDR block for Fn::Cidr") from None
    prefix = network.max_prefixlen - bits
    if not 1 <= count <= 256 or not network.prefixlen <= prefix <= network.max_prefixlen:
        raise template_error(_SHAPE)
    if count > 2 ** (prefix - network.prefixlen):
        raise template_error(f"{block} has no room for {count} blocks with {bits} bits each")
    return [str(one) for one in itertools.islice(network.subnets(new_prefix=prefix), count)]


def _is_number(text: str | None) -> bool:
    return text is not None and text.isdecimal() and len(text) <= 3


CIDR = Function("Fn::Cidr", check, evaluate)
