"""Where the two witnesses meet: runs of ``vradam`` against formulas of ``theory``."""
