"""The state of the page, one table: what the address holds, what a slider may reach, and what a stranger may not.

The page reads the same table as this module. An address is ``explorer.html#1&scene=free&alpha0=0.05&...``: the version
of the table, then every field. A field that is unknown, missing its domain or not a number is refused as a whole.

>>> fields = decode(encode({"alpha0": 0.1 + 0.2, "optimizer": "adamw"}))
>>> fields["alpha0"] == 0.1 + 0.2, fields["optimizer"], fields["beta1"]
(True, 'adamw', 0.9)
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal
from urllib.parse import quote, unquote

from explorer.shown import OBJECTIVES
from theory.baselines import BASELINES
from theory.javascript import GATES
from theory.recursion import LAWS

VERSION: Final = "1"
LIMIT: Final = 4000  # characters of an address that are looked at
NUMBER: Final = re.compile(r"-?\d+(\.\d+)?([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Field:
    """One entry of the state: a number in [low, high] ("real", "integer"), one of ``choices``, or a word over letters.

    ``scale`` and ``step`` are those of its slider, ``label`` is HTML.
    """

    kind: Literal["real", "integer", "choice", "letters"]
    default: Any
    label: str = ""
    low: float = 0.0
    high: float = 1.0
    scale: Literal["linear", "log"] = "linear"
    step: float = 0.0
    choices: tuple[str, ...] = ()
    slider: tuple[float, float] | None = None  # its range, where that is narrower than the domain


def _real(default: float, label: str, low: float, high: float, step: float = 0.0, **more: Any) -> Field:
    return Field("real", default, label, low, high, step=step, scale="linear" if step else "log", **more)


SCENES: Final = ("free", "cycle", "pinned", "bifurcation", "sharpening", "bias", "words", "opening", "bounds",
                 "landscapes")  # fmt: skip
OPTIMIZERS: Final = ("vradam", "vrmomentum", *BASELINES)
_MOMENTUM: Final[dict[str, tuple[str, ...]]] = {
    "optimizer": ("vrmomentum",),
    "objective": ("parabola",),
    "noise": ("none",),
}
#: Scene -> the choices that it is about; any other is refused. Free exploration is about all of them.
NEEDS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    **dict.fromkeys(("cycle", "pinned", "bifurcation", "words", "opening", "bounds"), _MOMENTUM),
    "sharpening": {"objective": ("sharpening",), "optimizer": ("vradam", "vrmomentum", "adamw"), "noise": ("none",)},
    "bias": {"objective": ("pseudo_huber_1",), "optimizer": ("vrmomentum",), "noise": ("two_point",)},
    "landscapes": {"objective": tuple(name for name, shown in OBJECTIVES.items() if shown.dim == 2)},
}

FIELDS: Final[dict[str, Field]] = {
    "scene": Field("choice", "free", "scene", choices=SCENES),
    "optimizer": Field("choice", "vradam", "optimizer", choices=OPTIMIZERS),
    "gate": Field("choice", "published", "the gate sees", choices=tuple(GATES)),
    "law": Field("choice", "published", "opening law", choices=tuple(LAWS)),
    "objective": Field("choice", "rosenbrock", "objective", choices=tuple(OBJECTIVES)),
    "alpha0": _real(0.05, "learning rate α<sub>0</sub>", 0, 1e9, slider=(1e-4, 1e3)),
    "alpha1": _real(10.0, "clip α<sub>1</sub>", 0, 1e9, slider=(0.1, 1000)),
    "beta1": _real(0.9, "velocity β<sub>1</sub>", 0, 0.9999, 0.01, slider=(0, 0.99)),
    "beta2": _real(0.999, "second moment β<sub>2</sub>", 0, 0.999999, 0.001, slider=(0.5, 0.999)),
    "beta3": _real(1.0, "gate strength β<sub>3</sub>", 0, 1e9, slider=(1e-3, 1e3)),
    "gate_decay": _real(0.9, "memory of the law g", 1e-6, 0.999999, 0.001, slider=(0.001, 0.999)),
    "w0": _real(0.0, "closing at the start w<sub>0</sub>", 0, 1e9, 0.1, slider=(0, 10)),
    "k": _real(0.3, "how fast it follows k", 1e-9, 1e9, slider=(0.01, 10)),
    "target": _real(0.0, "cosine at which it stays c*", -1, 1, 0.01),
    "average": _real(0.0, "memory of the cosine", 0, 0.9999, 0.01, slider=(0, 0.99)),
    "eps": _real(1e-8, "ε", 1e-300, 1e9, slider=(1e-12, 1)),
    "weight_decay": _real(0.0, "weight decay λ", 0, 1e9, 0.001, slider=(0, 1)),
    "L": _real(1.0, "curvature L", 1e-12, 1e12, slider=(0.01, 100)),
    "ratio": _real(0.1, "second curvature : L", 1e-12, 1e12, slider=(1e-4, 1)),
    "x": _real(-1.2, "start x", -1e9, 1e9, 0.01),
    "y": _real(1.0, "start y", -1e9, 1e9, 0.01),
    "v": _real(0.0, "start velocity", -1e9, 1e9, 0.01, slider=(-2, 2)),
    "steps": Field("integer", 300, "steps", 1, 20_000, "log", slider=(10, 5000)),
    "at": Field("integer", 300, "shown to step", 0, 20_000),
    "noise": Field("choice", "none", "noise", choices=("none", "gaussian", "two_point", "uniform")),
    "size": _real(0.5, "size of the noise", 0, 1e9, slider=(1e-3, 10)),
    "p": _real(0.1, "chance of the large value p", 0.001, 0.999, 0.01, slider=(0.02, 0.98)),
    "seed": Field("integer", 0, "seed", 0, 2**53 - 1, slider=(0, 100)),
    "theorem": Field("choice", "theorem2", "theorem", choices=("theorem2", "theorem4", "smoothed")),
    "word": Field("letters", "", "word of gates", choices=("o", "c"), high=200),
    "overlay": Field("choice", "on", "overlays", choices=("on", "off")),
    "guess": Field("choice", "none", "prediction", choices=("none", "a", "b", "c", "shown")),
    "view": Field("choice", "page", "view", choices=("page", "room")),
    "theme": Field("choice", "auto", "theme", choices=("auto", "light", "dark")),
}


def table() -> dict[str, dict[str, Any]]:
    """The table as the page reads it."""
    return {name: asdict(field) for name, field in FIELDS.items()}


def checked(name: str, value: Any) -> Any:
    """``value`` if it lies in the domain of the field ``name``.

    Raises
    ------
    ValueError
        Naming the field, the value and its domain.
    """
    if name not in FIELDS:
        raise ValueError(f"a field of the address must be one of {', '.join(FIELDS)}, got {name!r}")
    field = FIELDS[name]
    if field.kind == "choice":
        if value not in field.choices:
            raise ValueError(f"{name} must be one of {', '.join(field.choices)}, got {value!r}")
        return value
    if field.kind == "letters":
        if not isinstance(value, str) or len(value) > field.high or set(value) - set(field.choices):
            raise ValueError(f"{name} must hold at most {field.high:g} of the letters {field.choices}, got {value!r}")
        return value
    number = float(value)
    whole = field.kind == "integer"
    if not math.isfinite(number) or not field.low <= number <= field.high or (whole and number != int(number)):
        kind = "an integer in" if whole else "in"
        raise ValueError(f"{name} must lie {kind} [{field.low:g}, {field.high:g}], got {value!r}")
    return int(number) if whole else number


def encode(values: Mapping[str, Any]) -> str:
    """The fragment of an address; fields that are not given have their defaults.

    Raises
    ------
    ValueError
        For an unknown field or a value outside its domain.
    """
    whole = {name: field.default for name, field in FIELDS.items()} | dict(values)
    return "&".join([VERSION, *(f"{name}={quote(_text(checked(name, value)))}" for name, value in whole.items())])


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def decode(fragment: str) -> dict[str, Any]:
    """Every field of an address or of its fragment.

    Raises
    ------
    ValueError
        If it is too long, of another version, or holds an unknown field or a value outside its domain.
    """
    fragment = fragment.rpartition("#")[2]
    if len(fragment) > LIMIT:
        raise ValueError(f"an address must have at most {LIMIT} characters after #, got {len(fragment)}")
    version, *pairs = fragment.split("&")
    if version != VERSION:
        raise ValueError(f"an address must begin with the version {VERSION}, got {version[:20]!r}")
    values = {name: field.default for name, field in FIELDS.items()}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        text = unquote(text)
        if not equals:
            raise ValueError(f"a field of the address must read name=value, got {pair[:40]!r}")
        if name in FIELDS and FIELDS[name].kind in ("real", "integer") and not NUMBER.fullmatch(text):
            raise ValueError(f"{name} must be a number, got {text[:40]!r}")
        values[name] = checked(name, text)
    for name, choices in NEEDS.get(values["scene"], {}).items():
        if values[name] not in choices:
            raise ValueError(f"{name} must be one of {', '.join(choices)} in {values['scene']}, got {values[name]!r}")
    if values["gate"] == "inside" and values["law"] != "published":
        raise ValueError(f"law must be published with the gate inside, got {values['law']!r}")
    if values["law"] == "held" and values["w0"] > values["alpha1"]:
        raise ValueError(f"w0 must lie in [0, alpha1], got {values['w0']} with alpha1 {values['alpha1']}")
    return values
