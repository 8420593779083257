"""`python -m penstock`: the same as the `penstock` command."""

from penstock.cli.application import main

main()
