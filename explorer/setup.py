"""Between Python and the page: a run as an address with its recorded values, and an address as a run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Final

import numpy as np

import vradam
from explorer.shown import OBJECTIVES
from explorer.state import FIELDS, decode, encode
from vradam import gates, laws
from vradam.gated import law_of
from vradam.trajectory import Trajectory

CLASSES: Final[dict[str, Any]] = {
    "vradam": vradam.VRAdam,
    "vrmomentum": vradam.VRMomentum,
    "adamw": vradam.AdamW,
    "radam": vradam.RAdam,
    "rmsprop": vradam.RMSProp,
    "lion": vradam.Lion,
    "gradient_descent": vradam.GradientDescent,
    "heavy_ball": vradam.HeavyBall,
    "nesterov": vradam.Nesterov,
}
GATES: Final = {
    "published": gates.published,
    "predictable": gates.predictable,
    "inside": gates.inside,
    "gradient_norm": gates.gradient_norm,
    "per_coordinate": gates.per_coordinate,
    "power3": gates.power(3),
    "power4": gates.power(4),
    "adam_metric": gates.adam_metric,
}
#: Gates with numbers of their own, which the page has as sliders.
FOLLOWED: Final = {"alignment": gates.alignment, "autocorrelation": gates.autocorrelation}
NUMBERS: Final = ("k", "target", "average")
HYPER: Final = ("alpha0", "alpha1", "beta1", "beta2", "beta3", "eps", "weight_decay")


def from_url(url: str) -> dict[str, Any]:
    """The arguments of :func:`vradam.simulate` for the run that an address shows.

    Parameters
    ----------
    url : str
        An address of the page, or what follows its ``#``.

    Returns
    -------
    dict with optimizer, objective, x0, steps, noise, seed and state (the start, with its velocity).

    Raises
    ------
    ValueError
        If the address is malformed, of another version, or holds a value outside its domain.

    >>> run = vradam.simulate(**from_url("#1&optimizer=vrmomentum&objective=parabola&alpha0=30&x=14&v=-0.7&steps=4"))
    >>> run.x[:, 0].round(2).tolist()
    [14.0, -0.5, -14.15, 0.62, 14.65]
    """
    state = decode(url)
    shown = OBJECTIVES[state["objective"]]
    optimizer = _optimizer(state)
    x0 = np.array([state["x"], state["y"]][: shown.dim])
    start = optimizer.init(x0)
    if state["v"]:
        start = start._replace(velocity=np.array([state["v"], 0.0][: shown.dim]))
    return {
        "optimizer": optimizer,
        "objective": shown.make(state["L"], state["ratio"]),
        "x0": x0,
        "steps": state["steps"],
        "noise": _noise(state),
        "seed": state["seed"],
        "state": start,
    }


def gate_of(state: dict[str, Any]) -> gates.GateForm:
    """The gate form of a state, with its own numbers where it has some."""
    make = FOLLOWED.get(state["gate"])
    return GATES[state["gate"]] if make is None else make(*(state[name] for name in NUMBERS))


def _gate_fields(gate: gates.GateForm) -> dict[str, Any]:
    """The fields of a state that name the gate."""
    found = next((name for name, one in GATES.items() if one == gate), None)
    if found is not None:
        return {"gate": found}
    if isinstance(gate.signal, gates.Agreement):
        numbers = {name: float(getattr(gate.signal, name)) for name in NUMBERS}
        return {"gate": next(name for name, make in FOLLOWED.items() if make(**numbers) == gate), **numbers}
    raise ValueError(f"gate must be one of {', '.join((*GATES, *FOLLOWED))}, got {gate.name!r}")


def _optimizer(state: dict[str, Any]) -> Any:
    factory = CLASSES[state["optimizer"]]
    names = factory.__dataclass_fields__
    numbers = {name: state[name] for name in HYPER if name in names}
    if "gate" in names:
        numbers["gate"] = gate_of(state)
        numbers["law"] = {
            "published": lambda: laws.published,
            "averaged": lambda: laws.averaged(state["gate_decay"]),
            "held": lambda: laws.held(state["gate_decay"], state["w0"]),
        }[state["law"]]()
    return factory(**numbers)


def _noise(state: dict[str, Any]) -> Any:
    return {
        "none": lambda: None,
        "gaussian": lambda: vradam.noise.gaussian(state["size"]),
        "two_point": lambda: vradam.noise.two_point(state["p"], state["size"]),
        "uniform": lambda: vradam.noise.uniform(state["size"]),
    }[state["noise"]]()


def url_of(run: Trajectory, which: tuple[int, ...] = ()) -> str:
    """The fragment of an address that shows the setup of one run of a trajectory.

    Parameters
    ----------
    run : Trajectory
        From :func:`vradam.simulate`.
    which : tuple of int
        The index of the run among the leading axes; the first by default.

    Raises
    ------
    ValueError
        Naming what the page cannot show: a dimension above 2, an objective that it does not have, a schedule, a
        truncated or a mini-batch noise, a run that was continued, a run with noise that is not the first of its seed.

    >>> bowl = vradam.objectives.quadratic([1.0])
    >>> url_of(vradam.simulate(vradam.VRMomentum(alpha0=30.0), bowl, [14.0], 10))[:56]
    '1&scene=free&optimizer=vrmomentum&gate=published&law=pub'
    """
    plan = run.plan
    if plan is None:
        raise ValueError("run must hold its plan, got a trajectory that was put together by hand")
    runs = plan.x0.shape[:-1]
    index = which or (0,) * len(runs)
    if len(index) != len(runs) or any(not 0 <= i < n for i, n in zip(index, runs, strict=True)):
        raise ValueError(f"which must index runs of shape {runs}, got {which}")
    state: dict[str, Any] = {"steps": plan.steps, "at": plan.steps, "guess": "shown"}
    state |= _setup_of(plan.optimizer, index, runs) | _noise_of(plan.noise, index, runs)
    x0 = plan.x0[index]
    state |= _objective_of(plan.objective, x0)
    state |= {"x": float(x0[0])} | ({"y": float(x0[1])} if x0.size == 2 else {})
    if plan.noise is not None and plan.stream[index] != 0:
        raise ValueError(f"which must be the first run of its seed, got {index}: the page draws from stream 0")
    state["seed"] = int(plan.seed[index])
    if plan.state is not None:
        velocity = np.atleast_1d(plan.state.velocity[index])
        if plan.state.step or np.any(plan.state.second_moment[index]) or np.any(velocity[1:]):
            raise ValueError(f"state must be a start, with a velocity along x at most, got step {plan.state.step}")
        state["v"] = float(velocity[0])
    return encode(state)


def _number(name: str, value: Any, index: tuple[int, ...], runs: tuple[int, ...]) -> float:
    if callable(value):
        raise ValueError(f"{name} must be a number to be shown, got a schedule")
    return float(np.broadcast_to(value, runs)[index])


def _setup_of(optimizer: Any, index: tuple[int, ...], runs: tuple[int, ...]) -> dict[str, Any]:
    names = {factory: name for name, factory in CLASSES.items()} | {vradam.Adam: "adamw"}
    if type(optimizer) not in names or getattr(optimizer, "proof_form", False):
        raise ValueError(f"optimizer must be one that the page has, got {optimizer!r}")
    fields = optimizer.__dataclass_fields__
    found: dict[str, Any] = {"optimizer": names[type(optimizer)]}
    found |= {name: _number(name, getattr(optimizer, name), index, runs) for name in HYPER if name in fields}
    if "gate" in fields:
        found |= _gate_fields(optimizer.gate) | _law_of(optimizer, index, runs)
    return found


def _law_of(optimizer: Any, index: tuple[int, ...], runs: tuple[int, ...]) -> dict[str, Any]:
    """The opening law; ``gate_decay`` is a spelling of ``averaged``."""
    match law_of(optimizer):
        case laws.Published():
            return {"law": "published"}
        case laws.Averaged(decay):
            return {"law": "averaged", "gate_decay": _number("g", decay, index, runs)}
        case laws.Held(decay, w0):
            return {"law": "held", "gate_decay": _number("g", decay, index, runs), "w0": _number("w0", w0, index, runs)}
    raise ValueError(f"law must be published, averaged or held to be shown, got {optimizer.law!r}")


def _objective_of(objective: Any, x0: np.ndarray) -> dict[str, Any]:
    """The page's objective that has the same gradient: compared at points, since a name says nothing of parameters."""
    if objective.dim > 2:
        raise ValueError(f"objective must have one or two dimensions to be shown, got {objective.dim}")
    points = x0 + np.random.default_rng(0).standard_normal((8, x0.size))
    gradient = objective.grad(points)
    H = objective.hessian(np.zeros(x0.size))
    sharp = float(H[0, 0])
    ratio = float(H[-1, -1]) / sharp if sharp else math.nan
    for name, shown in OBJECTIVES.items():
        numbers = {"L": sharp if "L" in shown.free else 1.0, "ratio": ratio if "ratio" in shown.free else 0.1}
        inside = all(FIELDS[key].low <= value <= FIELDS[key].high for key, value in numbers.items())
        if shown.dim != objective.dim or not inside:
            continue
        if np.allclose(shown.make(*numbers.values()).grad(points), gradient, rtol=1e-12, atol=0):
            return {"objective": name, **numbers}
    raise ValueError(f"objective must be one that the page has, got {objective.name}")


def _noise_of(noise: Any, index: tuple[int, ...], runs: tuple[int, ...]) -> dict[str, Any]:
    def number(name: str) -> float:
        return _number(name, getattr(noise, name), index, runs)

    match noise:
        case None:
            return {"noise": "none"}
        case vradam.noise.Gaussian(bound=None):
            return {"noise": "gaussian", "size": number("std")}
        case vradam.noise.TwoPoint():
            return {"noise": "two_point", "size": number("amplitude"), "p": number("p")}
        case vradam.noise.Uniform():
            return {"noise": "uniform", "size": number("halfwidth")}
    raise ValueError(f"noise must be Gaussian without a bound, two points or uniform to be shown, got {noise!r}")


def recorded(run: Trajectory, which: tuple[int, ...] = ()) -> dict[str, Any]:
    """The address of a run with what Python recorded of it, as the page embeds it; NaN becomes null."""
    index = which or (0,) * (run.x.ndim - 2)

    def plain(values: np.ndarray) -> Any:
        if values.ndim > 1:
            return [plain(row) for row in values]
        return [value if math.isfinite(value) else None for value in values.tolist()]

    series = {name: plain(getattr(run, name)[index]) for name in ("x", "value", "learning_rate")}
    return {"fragment": url_of(run, index), "step": run.step.tolist(), **series}


def show(run: Trajectory, which: tuple[int, ...] = (), path: str | Path | None = None, browser: bool = True) -> Path:
    """Open the page with a run's setup and the values that were recorded; a badge says how far both agree.

    Parameters
    ----------
    run : Trajectory
        From :func:`vradam.simulate`, in one or two dimensions.
    which : tuple of int
        The index of the run among the leading axes; the first by default.
    path : str or Path, optional
        The file to write; one in the folder for temporary files by default.
    browser : bool
        Whether to open it.

    Returns
    -------
    The file that was written.

    Raises
    ------
    ValueError
        If the page cannot show the run; see :func:`url_of`.
    """
    import tempfile
    import webbrowser

    from explorer.build import page

    content = page(recorded(run, which))
    target = Path(tempfile.mkdtemp(prefix="vradam-")) / "explorer.html" if path is None else Path(path)
    target.write_text(content, encoding="utf-8")
    if browser:
        webbrowser.open(target.resolve().as_uri())
    return target
