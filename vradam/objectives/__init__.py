"""The catalogue of objectives: quadratics, bounded gradients, textbook functions, edge models, sums, and your own."""

from vradam.objectives.bounded_gradient import log_cosh, pseudo_huber, pseudo_huber_sine, rational
from vradam.objectives.edge_models import four_scalar_product, matrix_factorisation, progressive_sharpening
from vradam.objectives.finite_sums import logistic_regression
from vradam.objectives.objective import Kernel, Objective
from vradam.objectives.quadratics import quadratic
from vradam.objectives.symbolic import from_sympy
from vradam.objectives.textbook import ackley, beale, himmelblau, rastrigin, rosenbrock, styblinski_tang

__all__ = [
    "Kernel",
    "Objective",
    "ackley",
    "beale",
    "four_scalar_product",
    "from_sympy",
    "himmelblau",
    "log_cosh",
    "logistic_regression",
    "matrix_factorisation",
    "progressive_sharpening",
    "pseudo_huber",
    "pseudo_huber_sine",
    "quadratic",
    "rastrigin",
    "rational",
    "rosenbrock",
    "styblinski_tang",
]
