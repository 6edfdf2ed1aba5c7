"""Stored certificates (JSON) and the checkers that trust nothing else: they import only each other."""
