"""What a rendered service costs, beside references that do the same with as little as possible."""
