"""Every symbol of the theory, once.

The names equal the Python field names of the optimizer (``alpha0``, ``beta1``, ``gate_decay``, ...), so that a formula
can be lambdified and called with an optimizer's own hyper-parameters, and so that ``str(expr)`` can be read back with
``sympy.sympify(text, locals=SYMBOLS)`` (plain ``sympify`` reads ``N`` and ``S`` as its own functions).

Domains, stated as SymPy assumptions where SymPy has them:

==============  =============================================  ====================
symbol          meaning                                        domain
==============  =============================================  ====================
alpha0          learning rate                                  > 0
alpha1          clip of the gate                               >= 0 (inf: no clip)
beta1           decay of the velocity                          [0, 1)
beta2           decay of the second moment                     [0, 1)
beta3           strength of the gate                           >= 0
gate_decay      decay g of an opening law                      [0, 1)
w0              closing before the first step (held law)       [0, alpha1]
eps             Adam's epsilon                                 > 0
weight_decay    decoupled weight decay                         >= 0
L               smoothness (largest curvature)                 > 0
m               mass (K1); largest negative curvature (S4)     > 0
S               alpha0 * L                                     > 0
a               smallest value of (step size * curvature)      > 0
s1, s2          two values of (step size * curvature)          > 0
N               number of steps                                positive integer
d               number of parameters                           positive integer
R               max-norm of stochastic gradients + sqrt(eps)   > 0
grad_bound      sup of the max-norm of grad F (C3)             > 0
D               F(x_0) - F*                                    >= 0
G               bound on the norm of the velocity              > 0
v               speed, the norm of the velocity                >= 0
k               power of the speed in a kinetic energy (K1)    > 0
p               probability of the large value of the noise    (0, 1)
amplitude       minus the small value of the noise             > 0
theta           share of the progress given up (C1a, C2)       (0, 1)
mu              weight of the noise in the drift (C1a)         > 0
gradient        F' at the point in question, d = 1 (C1b)       real
==============  =============================================  ====================
"""

from __future__ import annotations

from typing import Final

import sympy as sp

alpha0 = sp.Symbol("alpha0", positive=True)
alpha1 = sp.Symbol("alpha1", nonnegative=True)
beta1 = sp.Symbol("beta1", nonnegative=True)
beta2 = sp.Symbol("beta2", nonnegative=True)
beta3 = sp.Symbol("beta3", nonnegative=True)
gate_decay = sp.Symbol("gate_decay", nonnegative=True)
w0 = sp.Symbol("w0", nonnegative=True)
eps = sp.Symbol("eps", positive=True)
weight_decay = sp.Symbol("weight_decay", nonnegative=True)
L = sp.Symbol("L", positive=True)
m = sp.Symbol("m", positive=True)
S = sp.Symbol("S", positive=True)
a = sp.Symbol("a", positive=True)
s1 = sp.Symbol("s1", positive=True)
s2 = sp.Symbol("s2", positive=True)
N = sp.Symbol("N", integer=True, positive=True)
d = sp.Symbol("d", integer=True, positive=True)
R = sp.Symbol("R", positive=True)
grad_bound = sp.Symbol("grad_bound", positive=True)
D = sp.Symbol("D", nonnegative=True)
G = sp.Symbol("G", positive=True)
v = sp.Symbol("v", nonnegative=True)
k = sp.Symbol("k", positive=True)
p = sp.Symbol("p", positive=True)
amplitude = sp.Symbol("amplitude", positive=True)
theta = sp.Symbol("theta", positive=True)
mu = sp.Symbol("mu", positive=True)
gradient = sp.Symbol("gradient", real=True)

SYMBOLS: Final[dict[str, sp.Symbol]] = {
    symbol.name: symbol
    for symbol in (
        alpha0, alpha1, beta1, beta2, beta3, gate_decay, w0, eps, weight_decay,
        L, m, S, a, s1, s2, N, d, R, D, G, v, k, p, amplitude, theta, mu,
        gradient, grad_bound,
    )
}  # fmt: skip

#: LaTeX of the symbols whose Python name is not already LaTeX; pass to ``sp.latex(expr, symbol_names=LATEX)``.
LATEX: Final[dict[sp.Symbol, str]] = {
    alpha0: r"\alpha_0",
    alpha1: r"\alpha_1",
    beta1: r"\beta_1",
    beta2: r"\beta_2",
    beta3: r"\beta_3",
    gate_decay: r"\beta_g",
    w0: "w_0",
    grad_bound: r"G_\infty",
    eps: r"\varepsilon",
    weight_decay: r"\lambda",
    theta: r"\theta",
    mu: r"\mu",
    s1: "s_1",
    s2: "s_2",
    amplitude: "A",
    gradient: "F'",
}


#: One point inside every domain (``beta1 < beta2``, ``a < S < B``, ``m < weight_decay``), for numerical spot checks.
EXAMPLE: Final[dict[sp.Symbol, sp.Rational]] = {
    symbol: sp.Rational(value)
    for symbol, value in {
        alpha0: "2/9", alpha1: "7/3", beta1: "3/5", beta2: "9/10", beta3: "6/5", gate_decay: "4/5", eps: "1/50",
        weight_decay: "1/7", w0: "3/7", L: "4/3", m: "1/11", S: "3/2", a: "1/2", s1: "5/2", s2: "3/4", N: "97", d: "3",
        R: "3", D: "2/3", G: "7/2", v: "8/5", k: "9/2", p: "3/8", amplitude: "5/3", theta: "2/5",
        gradient: "2/5", mu: "4/7", grad_bound: "6/5",
    }.items()
}  # fmt: skip


def kappa() -> sp.Expr:
    """``kappa = (1 + beta1) / (1 - beta1)``, the ratio that runs through the stability theory."""
    return (1 + beta1) / (1 - beta1)


def edge() -> sp.Expr:
    """``B(beta1) = 2 kappa``, the edge of stability of momentum in units of 1/(step size)."""
    return 2 * kappa()


def latex(expr: sp.Basic) -> str:
    r"""LaTeX of an expression in the paper's symbols, constants first.

    >>> print(latex(1 / (1 + alpha1)))
    \frac{1}{1 + \alpha_1}
    """
    return str(sp.latex(expr, symbol_names=LATEX, order="none", ln_notation=True))
