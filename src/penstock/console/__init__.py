"""The web console: pages that call the AWS operations in process, as the person logged in."""
