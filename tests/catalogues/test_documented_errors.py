"""Every error that a docstring announces is provoked: by ``provocations.py``, or in the test named there.

A public function, class or method whose docstring has a Raises section and is not in ``PROVOKED`` or ``ELSEWHERE``
fails this file, as does an entry whose docstring no longer announces anything.
"""

import importlib
import inspect
import pkgutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from provocations import ELSEWHERE, PROVOKED

import experiments
import theory
import vradam

TESTS = Path(__file__).parents[1]
#: By library: what cannot be imported without it, and says how to install it.
NEEDS = {
    "jax": ("experiments.studies.tasks.dynamics", "experiments.studies.tasks.nets"),
    "torch": ("vradam.torch",),
    "optax": ("vradam.optax",),
}
ABSENT = tuple(name for library, names in NEEDS.items() if find_spec(library) is None for name in names)


def announced():
    """The public functions, classes and methods of the three packages whose docstring has a Raises section."""
    names = set()
    for package in (vradam, theory, experiments):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if module.name.endswith("__main__") or module.name.startswith(ABSENT):
                continue
            for name, value in vars(importlib.import_module(module.name)).items():
                if name.startswith("_") or not callable(value) or getattr(value, "__module__", None) != module.name:
                    continue
                members = {name: value}
                if inspect.isclass(value):
                    public = {
                        key: getattr(part, "__func__", part)  # of a class method
                        for key, part in vars(value).items()
                        if not key.startswith("_")
                    }
                    members |= {f"{name}.{key}": part for key, part in public.items() if inspect.isfunction(part)}
                names |= {f"{module.name}.{key}" for key, part in members.items() if "Raises" in (part.__doc__ or "")}
    return names


def test_every_announced_error_is_provoked():
    pytest.importorskip("sklearn", reason="the tasks use scikit-learn's data")
    names, covered = announced(), PROVOKED.keys() | ELSEWHERE.keys()
    covered = {name for name in covered if not name.startswith(ABSENT)}
    assert not (missing := ", ".join(sorted(names - covered))), f"announced, but provoked nowhere: {missing}"
    assert not (idle := ", ".join(sorted(covered - names))), f"no longer announced: {idle}"
    assert not PROVOKED.keys() & ELSEWHERE.keys()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [pytest.param(*case, id=name) for name, cases in PROVOKED.items() for case in cases],
)
def test_the_message_names_the_value_and_its_domain(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_provoked_elsewhere_is_provoked_there(name):
    file, words = ELSEWHERE[name]
    (path,) = TESTS.rglob(f"{file}.py")
    text = path.read_text(encoding="utf-8")
    assert words in text and "pytest.raises" in text


def test_the_errors_announced_are_of_the_kinds_provoked():
    """A docstring that names an error kind has a provocation of that kind."""
    for name, cases in PROVOKED.items():
        path, attribute = name.rsplit(".", 1)
        try:
            owner = importlib.import_module(path)
        except ModuleNotFoundError:
            path, owner_name = path.rsplit(".", 1)
            owner = getattr(importlib.import_module(path), owner_name)
        text = getattr(owner, attribute).__doc__.partition("Raises")[2]
        kinds = {kind for kind in ("ValueError", "TypeError", "RuntimeError", "ChildProcessError") if kind in text}
        assert kinds <= {error.__name__ for _, error, _ in cases}, name
