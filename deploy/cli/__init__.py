"""The `caselight` command."""
