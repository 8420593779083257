"""What carries out the transforms that a template declares: its text becomes another text.

Plans, stacks and executions hold the processed text; the given one stays beside it
(docs/adr/0034-transforms.md).
"""
