"""Where the two sides meet: runs of ``vradam`` against formulas of ``theory``."""

from experiments.store import imported as imported  # the first look at the code, before any of it can be edited
