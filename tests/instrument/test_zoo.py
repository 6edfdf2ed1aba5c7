"""Odd values at every public argument: the right result, or a TypeError or ValueError that names the argument.

"Right" is what the plain equivalent gives: a value that is taken must give what the float64 array of the same numbers,
the int or the list gives. Nothing may be taken that has no such equivalent. The tables list every argument of the
public functions and classes; a test compares them with their signatures.
"""

import inspect
import warnings

import numpy as np
import pytest
from zoo import CALLABLE, CASES, EMPTY, FLAT, LONG, MEANS_ABSENT, converted, odd

import vradam
from vradam import noise, objectives, sharpness, sweeps


def outcome(call, value):
    """What comes back, as arrays, or the error."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("error")
        try:
            found = call(value)
        except (TypeError, ValueError) as error:
            return error
        except Warning as warning:
            return ValueError(f"a warning instead of an error: {warning}")
    return [np.asarray(part) for part in (found if isinstance(found, tuple) else (found,))]


def plain(value):
    """The value as floats or ints, alone or in lists; None where there are none."""
    if isinstance(value, np.ma.MaskedArray | bool | np.bool_ | np.timedelta64 | dict | set | str | bytes):
        return None
    if isinstance(value, np.ndarray) and value.size == 0 and value.dtype.kind in "fiu":
        return np.asarray(value, np.float64)
    try:
        numbers = np.asarray(np.asarray(value).tolist() if isinstance(value, np.ndarray) else value, dtype=object)
        kinds = {type(number) for number in numbers.flat}
        if bool in kinds or not all(issubclass(kind, int | float | np.floating | np.integer) for kind in kinds):
            return None
        if kinds and all(issubclass(kind, int | np.integer) for kind in kinds):
            return (
                np.frompyfunc(int, 1, 1)(numbers) if numbers.ndim == 0 else np.frompyfunc(int, 1, 1)(numbers).tolist()
            )
        return float(numbers.item()) if numbers.ndim == 0 else numbers.astype(np.float64)
    except (TypeError, ValueError, OverflowError):
        return None


def excused(owner, name, value, equal):
    """Whether a value means that there is none, is somebody's function, or would take hours."""
    if any(value is absent for absent in MEANS_ABSENT.get((owner, name), ())):
        return True
    if callable(value) and (name == "alpha0" or (owner, name) in CALLABLE):
        return True
    if (owner, name) in EMPTY and isinstance(value, list | tuple | dict | set) and not value:
        return True
    return name in LONG and isinstance(equal, int | float) and 1e4 < equal < 2**63


def complaints(owner, name, good, call):
    """What is wrong with an argument, and how many values were tried."""
    values = [*odd(), *(converted(good) if isinstance(good, int | float) else ())]
    wrong, tried = [], 0
    for value in values:
        equal = plain(value)
        if excused(owner, name, value, equal):
            continue
        tried += 1
        found = outcome(call, value)
        if isinstance(found, Exception):
            if name.partition("[")[0] not in str(found):
                wrong.append(f"{value!r}: {type(found).__name__}: {str(found)[:100]}")
            continue
        expected = None if equal is None else outcome(call, equal)
        if expected is None or isinstance(expected, Exception):
            wrong.append(f"{value!r} was taken")
        elif not all(
            np.array_equal(a, b, equal_nan=True) for a, b in zip(found, expected, strict=True) if a.dtype != object
        ):
            wrong.append(f"{value!r} gave {found[0]} instead of {expected[0]}")
    return wrong, tried


@pytest.mark.parametrize(("owner", "name", "good", "call"), FLAT, ids=[f"{owner}-{name}" for owner, name, *_ in FLAT])
def test_the_right_result_or_an_error_that_names_the_argument(owner, name, good, call):
    if isinstance(good, int | float):
        assert not isinstance(outcome(call, good), Exception)
    wrong, tried = complaints(owner, name, good, call)
    assert tried >= 60
    assert not wrong, "\n".join(wrong)


#: Arguments without a zoo of their own: what they take is handed on as it is, or is tried with the objects it is for.
ELSEWHERE = {"progress", "args", "hess", "hessp", "disp", "dask", "folder", "state"}
#: What is known of an objective of one's own is taken as it is said.
ELSEWHERE |= {"name", "smoothness", "grad_bound", "minimum", "minimiser", "start"}


@pytest.mark.parametrize(
    ("owner", "functions"),
    [
        ("simulate", [vradam.simulate]),
        ("minimize_vradam", [vradam.minimize_vradam]),
        ("sweeps.run", [sweeps.run]),
        ("sharpness", [sharpness.along, sharpness.hessian_sharpness, sharpness.stability_threshold]),
        ("noise", [noise.gaussian, noise.two_point, noise.uniform, noise.minibatch]),
        ("objectives", [kind for kind in vars(objectives).values() if inspect.isfunction(kind)]),
    ],
)
def test_no_argument_is_forgotten(owner, functions):
    tried = {name for name, _, _ in CASES[owner]}
    for function in functions:
        assert set(inspect.signature(function).parameters) - ELSEWHERE <= tried, function.__name__
