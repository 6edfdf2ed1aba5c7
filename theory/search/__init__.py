"""Finding the certificates of the catalogue anew (``python -m theory --search``); nothing here proves anything.

:mod:`theory.certificates.check` verifies what is found and shares no code with this package.
"""
