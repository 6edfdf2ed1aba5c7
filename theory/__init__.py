"""The derivations: every claim about VRAdam, rebuilt by SymPy from the recursion. Never imports ``vradam``."""
