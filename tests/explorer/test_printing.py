"""What is printed as JavaScript is the recursion, symbol by symbol; the file is the same whenever it is written."""

import re
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import sympy as sp
from test_engines_agree import drawn, instrument

from explorer.__main__ import main
from explorer.build import COMMITTED, LIMIT, engine, literal, module, page
from explorer.formulas import orbit
from theory import recursion
from theory.baselines import BASELINES, learning_rate
from theory.javascript import FORMS, GATES, Program, code, formula, gated_program, memory, size
from theory.notation import SYMBOLS, S, beta1
from theory.recursion import ALGORITHM, LAWS

ROOT = Path(__file__).parents[2]


def _velocity_and_metric(program, d):
    return ([sp.Symbol(f"{name}{i}", real=True) for i in range(d)] for name in ("velocity", "metric"))


@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize("adaptive", [True, False])
@pytest.mark.parametrize(("gate", "law"), FORMS)
def test_the_assignments_put_together_are_the_recursion(gate, law, adaptive, d):
    """Every name replaced by its value, sizes by 1: x_t, v_t, m_t and what the gate remembers, exactly."""
    x, g, before, _ = memory(d, GATES[gate])
    program = Program()
    form = GATES[gate]
    moved, after, _ = gated_program(program, adaptive, form, LAWS[law], x, g, before)
    algorithm = recursion.vradam if adaptive else recursion.vrmomentum
    cosine = sp.Symbol("cosine", real=True)
    if cosine in program.values:  # on its own, then its name in the rest
        found = program.expanded(program.values.pop(cosine)).replace(size, lambda *_: sp.S.One)
        v, P = (sp.Matrix([program.expanded(one) for one in column]) for column in _velocity_and_metric(program, d))
        assert found == form.c(before, v, g, P if adaptive else sp.ones(d, 1))
        form = replace(form, c=lambda *_: cosine)
    values = {}
    for symbol, value in program.values.items():
        values[symbol] = value.xreplace(values)
    expected, state = algorithm(x, g, before, form, law=LAWS[law])
    for mine, its in zip((moved, *after[:3]), (expected, *state[:3]), strict=True):
        difference = sp.Matrix([mine]).xreplace(values) - sp.Matrix([its])
        assert all(sp.expand(entry) == 0 or sp.simplify(entry) == 0 for entry in difference)


def test_a_cosine_does_not_depend_on_sizes():
    """So that dividing both vectors by their sizes, as the printed code does, changes nothing."""
    one, other, P = (sp.Matrix(sp.symbols(f"{name}:2", positive=True)) for name in "uvP")
    a, b = sp.symbols("a b", positive=True)
    scaled = recursion.cosine(a * one, b * other, P)
    assert sp.simplify(scaled / recursion.cosine(one, other, P)) == 1
    assert sp.simplify(recursion.cosine(-a * one, one, P) ** 2) == 1


def test_a_cosine_with_nothing_is_nothing():
    """Before the first step the velocity is 0: the convention of the instrument, not 0/0."""
    rest, other = sp.zeros(2, 1), sp.Matrix([3, 4])
    assert recursion.cosine(rest, other, sp.ones(2, 1)) == recursion.cosine(other, rest, sp.ones(2, 1)) == 0
    assert recursion.cosine(sp.Matrix([1, 0]), other, sp.ones(2, 1)) == sp.Rational(3, 5)
    point, c = sp.Matrix([1, 2]), ALGORITHM
    for law, closing in ((recursion.as_seen, 0), (recursion.averaged, 0), (recursion.held, 2)):
        start = recursion.start(2)._replace(kinetic=sp.Integer(closing))
        _, after = recursion.vrmomentum(point, other, start, recursion.alignment(sp.Symbol("k")), c, law)
        numbers = {c.alpha1: 7, c.beta3: 1, c.gate_decay: sp.Rational(1, 2)}
        assert sp.sympify(after.kinetic).subs(numbers) == closing


@pytest.mark.parametrize("name", BASELINES)
def test_the_other_recursions_are_the_instruments(name):
    """Lambdified, in NumPy, where no Node is needed: 2,000 random states after 0, 5 and 1000 steps."""
    x, g, before, _ = memory(2)
    moved, after = BASELINES[name](x, g, before, ALGORITHM)
    results = [*moved, *after.velocity, *after.second_moment, learning_rate(name, after.step)]
    symbols = [*x, *g, *before.velocity, *before.second_moment, before.step]
    names = ("alpha0", "beta1", "beta2", "eps", "weight_decay")
    evaluate = sp.lambdify([*symbols, *(SYMBOLS[key] for key in names)], results, "numpy")
    X, v, m, seen, G, hyper = drawn(2, 2000)
    for t in (0, 5, 1000):
        with np.errstate(all="ignore"):
            found = evaluate(*X.T, *G.T, *v.T, *m.T, t, *(hyper[key] for key in names))
        expected = instrument(name, X, v, m, seen, G, hyper, t)
        columns = [*expected[0].T, *expected[1].T, *expected[2].T, expected[4]]
        for one, other in zip(found, columns, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8 * np.abs(X).max())


def test_squares_are_taken_before_anything_else():
    """A quotient by a square is not a quotient times the base: the bug that a bare ``a*a`` would print."""
    a, b = sp.symbols("a b")
    assert code(b / a**2) == "b/square(a)"
    assert code(a**3 * b) == "cube(a)*b"
    assert code((a + b) ** -3) == "1/cube(a + b)"
    assert code(sp.sqrt(a) + a ** sp.Rational(3, 2)) == "Math.pow(a, 3/2) + Math.sqrt(a)"


def test_a_formula_needs_a_name():
    with pytest.raises(ValueError, match="name must be an identifier, got"):
        formula("S3b.birth", sp.Integer(1))


def test_the_orbit_is_the_stored_cycle():
    """The speeds of the attracting cycle at beta1 = 0.9, S = 30, as the reference has them from a run."""
    import xarray as xr

    stored = xr.load_dataset(ROOT / "experiments" / "reference" / "cycles" / "basins.nc", engine="h5netcdf").cycle_v
    speeds = sorted(float(v.subs({S: 30, beta1: sp.Rational(9, 10)})) for v in orbit())
    np.testing.assert_allclose(speeds, sorted(set(np.round(np.abs(stored.values), 9))), rtol=1e-8)


# ---------------------------------------------------------------- the file


def test_the_page_is_what_another_process_wrote(capsys):
    """Bytes: neither the order of a set nor the clock nor the folder is in it.

    The other process is the one behind the committed page, or one started here where other versions may print terms in
    another order.
    """
    pinned = dict(re.findall(r"^(sympy|latex2mathml)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M))
    if all(version(name) == wanted for name, wanted in pinned.items()):
        assert COMMITTED.read_bytes() == page().encode(), "run python -m explorer"
        assert main(["--check"]) == 0 and "is what" in capsys.readouterr().out
        return
    code = "import sys; from explorer.build import page; sys.stdout.buffer.write(page().encode())"
    other = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONHASHSEED": "12345", "PATH": ""}, capture_output=True,
        check=True,
    )  # fmt: skip
    assert other.stdout == page().encode()


def test_check_notices_a_changed_byte(tmp_path, capsys):
    other = tmp_path / "explorer.html"
    assert main(["--out", str(other)]) == 0 and other.stat().st_size < LIMIT
    other.write_bytes(other.read_bytes()[:-1])
    assert main(["--out", str(other), "--check"]) == 1 and "is not what" in capsys.readouterr().out


def test_the_page_names_no_address():
    """No link, no import and no source outside the file; the name of SVG's namespace is not fetched."""
    text = page()
    found = set(re.findall(r"https?://[^\s\"'<)\\]*", text))
    assert found <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}
    assert not re.search(
        r"\bimport\s*\(|\bimport\s.*from|<link(?! rel=\"icon\" href=\"data:)|\ssrc=|@import|url\((?!#)", text
    )
    assert "default-src 'none'" in text


def test_text_cannot_leave_its_script():
    assert literal({"a": "</script><!--"}) == '{"a":"\\u003c/script>\\u003c!--"}'
    assert "</script" not in module()


def test_the_engine_knows_no_page():
    """What a worker runs: neither the document nor the window is mentioned."""
    assert not re.search(r"\b(document|window\.|globalThis|localStorage)\b", engine())


def test_the_page_calls_only_what_the_engine_returns():
    returned = set(re.findall(r"\w+", engine()[engine().rindex("return {") + len("return {") :]))
    called = set(re.findall(r"\bE\.(\w+)", module()))
    assert called and called <= returned, called - returned
