"""CodeConnections: git hosts elsewhere, and what pipelines need to read from them."""

from penstock.services.codeconnections.connections import Connection, Connections

__all__ = ["Connection", "Connections"]
