"""What runs inside functions' containers: scripts around the handler, and AWS's modules for code
that stands in templates. Nothing here is imported by the server."""
