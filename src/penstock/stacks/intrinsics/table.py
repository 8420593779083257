"""Every intrinsic function there is, by the name that templates write."""

from collections.abc import Mapping

from penstock.stacks.intrinsics.and_ import AND
from penstock.stacks.intrinsics.base64_ import BASE64
from penstock.stacks.intrinsics.cidr import CIDR
from penstock.stacks.intrinsics.condition import CONDITION
from penstock.stacks.intrinsics.equals import EQUALS
from penstock.stacks.intrinsics.find_in_map import EXTENDED_FIND_IN_MAP, FIND_IN_MAP
from penstock.stacks.intrinsics.function import Function
from penstock.stacks.intrinsics.get_att import GET_ATT
from penstock.stacks.intrinsics.get_azs import GET_AZS
from penstock.stacks.intrinsics.get_stack_output import GET_STACK_OUTPUT
from penstock.stacks.intrinsics.if_ import IF
from penstock.stacks.intrinsics.import_value import IMPORT_VALUE
from penstock.stacks.intrinsics.join import JOIN
from penstock.stacks.intrinsics.length import LENGTH
from penstock.stacks.intrinsics.not_ import NOT
from penstock.stacks.intrinsics.or_ import OR
from penstock.stacks.intrinsics.ref import REF
from penstock.stacks.intrinsics.select import SELECT
from penstock.stacks.intrinsics.split import SPLIT
from penstock.stacks.intrinsics.sub import SUB
from penstock.stacks.intrinsics.to_json_string import TO_JSON_STRING

FUNCTIONS: dict[str, Function] = {
    function.name: function
    for function in (
        BASE64,
        GET_ATT,
        GET_AZS,
        IMPORT_VALUE,
        JOIN,
        SPLIT,
        FIND_IN_MAP,
        SELECT,
        REF,
        EQUALS,
        IF,
        NOT,
        CONDITION,
        AND,
        OR,
        SUB,
        CIDR,
        GET_STACK_OUTPUT,
        TO_JSON_STRING,
    )
}
"""In the order in which AWS's error lists them."""
EXTENSIONS = frozenset({TO_JSON_STRING.name})
"""Functions that only a transform brings into a template."""
EXTENDED: Mapping[str, Function] = FUNCTIONS | {
    function.name: function for function in (LENGTH, EXTENDED_FIND_IN_MAP)
}
"""Every function that the transform AWS::LanguageExtensions carries out, as it takes it."""
