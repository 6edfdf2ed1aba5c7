"""What studies measure with: the verdict rule, statistics, comparisons, and formulas as numbers."""
