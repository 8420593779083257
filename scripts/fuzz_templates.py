"""Fuzz the template loader by coverage, for as long as it is let: `pip install atheris` first.

    python scripts/fuzz_templates.py -max_total_time=600 CORPUS_FOLDER

Not part of the tests, which have tests/property/stacks/test_template_fuzz.py. A text that ends in
anything but a Template or a ServiceError is written to `crash-…` beside the corpus.
"""

import sys

import atheris

with atheris.instrument_imports(include=["penstock.stacks.template", "penstock.stacks.intrinsics"]):
    from penstock.aws.errors import ServiceError
    from penstock.stacks.template.load import load_template
    from penstock.stacks.template.template import Template


def one(content: bytes) -> None:
    """Load one text; atheris takes any exception as a finding, and a slow one too."""
    try:
        assert isinstance(load_template(content.decode("utf-8", "surrogateescape")), Template)
    except ServiceError as error:
        if (error.code, error.status) != ("ValidationError", 400):
            raise
        error.message.encode()


if __name__ == "__main__":
    atheris.Setup([sys.argv[0], "-timeout=5", "-rss_limit_mb=2048", *sys.argv[1:]], one)
    atheris.Fuzz()
