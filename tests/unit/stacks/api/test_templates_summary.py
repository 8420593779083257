"""Where a template is read for its summary."""

import threading
from typing import Any

from penstock.stacks.api.templates_summary import _read
from penstock.stacks.template.template import Template

TOPIC = "Resources: {T: {Type: AWS::SNS::Topic}}\n"


async def test_a_long_text_is_read_beside_the_event_loop() -> None:
    """Locks: a megabyte stopped every other answer for seconds."""

    def thread(template: Template) -> dict[str, Any]:
        return {
            "Types": [one.type for one in template.resources.values()],
            "At": threading.get_ident(),
        }

    short, long = await _read(TOPIC, thread), await _read(TOPIC + "#" * 51_200, thread)
    assert short["Types"] == long["Types"] == ["AWS::SNS::Topic"]
    assert short["At"] == threading.get_ident() != long["At"]
