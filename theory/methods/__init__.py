"""What several derivations share: lemmas, exact enumeration, intervals, and the linear algebra of one curvature."""
