"""A to-do list behind a small JSON API."""
