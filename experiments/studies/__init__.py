"""The studies, one stem each, paired with the claims of that stem in :mod:`theory.claims`; each ends with ``STUDY``."""
