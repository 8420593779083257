"""CreationPolicy, UpdatePolicy and stack policies. Pure."""
