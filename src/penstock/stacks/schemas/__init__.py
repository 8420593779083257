"""What AWS's resource schemas say: properties, their rules and patterns, names. Pure."""
