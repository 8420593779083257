"""The small AWS services that a pipeline needs, one module each."""
