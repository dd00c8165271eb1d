"""The cost of a rendered service, compared with minimal references that do the same."""
