"""The site: ``python -m docs`` runs the lessons, writes a page for every claim and figure, and builds ``site/``."""
