"""Fuzz the template loader and AWS::LanguageExtensions by coverage, for as long as it is let.

`pip install atheris` first.

    python scripts/fuzz_templates.py -max_total_time=600 CORPUS_FOLDER

Not part of the tests, which have test_template_fuzz.py and test_transform_fuzz.py in
tests/property/stacks. A text that ends in anything but a Template or a ServiceError is written to
`crash-…` beside the corpus.
"""

import json
import sys
from collections.abc import Callable

import atheris

FUZZED = ["penstock.stacks.template", "penstock.stacks.intrinsics", "penstock.stacks.transforms"]
with atheris.instrument_imports(include=FUZZED):
    from penstock.aws.errors import ServiceError
    from penstock.stacks.template.document import parse_document
    from penstock.stacks.template.load import load_document, load_template
    from penstock.stacks.template.parameter_section import read_parameters
    from penstock.stacks.template.template import ParameterValue, Template
    from penstock.stacks.transforms.language_extensions import extended
    from penstock.stacks.transforms.resolver import Known


def load(text: str) -> None:
    """Load a text as it is."""
    assert isinstance(load_template(text), Template)


def expand(text: str) -> None:
    """Load what the transform makes of a text, each parameter with its default or a 1."""
    document = parse_document(text)
    declared = read_parameters(document)
    values = {
        name: ParameterValue(each.default or "1", each.no_echo) for name, each in declared.items()
    }
    made = extended(document, Known("us-east-1", "123456789012", "app", "", declared, values))
    made.pop("Transform", None)
    assert isinstance(load_document(made, json.dumps(made)), Template)


def one(content: bytes) -> None:
    """Take one text both ways; atheris takes any exception as a finding, and a slow one too."""
    text = content.decode("utf-8", "surrogateescape")
    for way in (load, expand):
        told(way, text)


def told(way: Callable[[str], None], text: str) -> None:
    """Take a text one way, which ends well or in AWS's refusal."""
    try:
        way(text)
    except ServiceError as error:
        if (error.code, error.status) != ("ValidationError", 400):
            raise
        error.message.encode()


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], "-timeout=5", "-rss_limit_mb=2048", *sys.argv[1:]], one)
    atheris.Fuzz()
