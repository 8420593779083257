"""From a template's text to values: load, validate, resolve parameters, evaluate functions."""
