"""Penstock: continuous delivery on your own machines, in AWS's own formats."""

from importlib.metadata import version

__version__ = version("penstock")
