"""The web console: pages and fragments over the same operations that the AWS API offers."""
