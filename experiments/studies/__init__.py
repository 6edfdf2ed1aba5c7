"""The studies, one stem each, paired with the claims of that stem in :mod:`theory.claims`; ``STUDY`` ends each of them."""
