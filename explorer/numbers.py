"""The numbers that the page shows beside its own: verdicts of the ledger, and curves from the committed reference."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import xarray as xr

from explorer.formulas import FORMULAS
from theory import CLAIMS
from theory.notation import latex

REFERENCE: Final = Path(__file__).parents[1] / "experiments" / "reference"
#: The claims that scenes refer to; those that the reference does not know yet are left out.
QUOTED: Final = ("S1", "S2", "S3a", "S3b", "S5", "S6", "S7", "S8", "C1a", "C1b", "C2", "C3", "E1", "E2", "W1")
#: Formulas that are set beside a scene, by their name in :data:`explorer.formulas.FORMULAS`.
SET: Final = {
    "edge": "B", "birth": "S^*", "speed_squared": "{v^*}^2", "rise": "g^*", "two_gate_word": "w(s_1, s_2)",
    "instantaneous": r"\alpha_0\lambda_{\max}",
}  # fmt: skip


def brief(value: float) -> str:
    """Four significant digits, as the ledger prints numbers.

    >>> brief(0.77249999), brief(40.5722), brief(2.0)
    ('0.7725', '40.57', '2')
    """
    return f"{value:.4g}"


def ledger() -> dict[str, dict[str, Any]]:
    """Id -> title, what the literature says, verdict, and the point of its row, measured and claimed; if on record."""
    record = json.loads((REFERENCE / "claims.json").read_text(encoding="utf-8"))
    entries = {entry["id"]: entry for entry in record if entry["verdict"] != "not run"}
    return {claim.id: _entry(entries[claim.id]) for claim in CLAIMS if claim.id in QUOTED and claim.id in entries}


def claimed(numeric: dict[str, Any]) -> dict[str, Any]:
    """The claimed value of an entry; a record made before it was called so says "predicted"."""
    found: dict[str, Any] = numeric.get("claimed") or numeric["predicted"]
    return found


def _entry(entry: dict[str, Any]) -> dict[str, Any]:
    measured, predicted = entry["numeric"]["measured"], claimed(entry["numeric"])
    sign = {"equality": "=", "upper bound": "≤", "lower bound": "≥"}[predicted["kind"]]
    return {
        "title": entry["title"],
        "reported": entry["as_reported"],
        "verdict": entry["verdict"],
        "quantity": measured["quantity"],
        "at": measured["at"],
        "measured": brief(measured["value"]),
        "claimed": f"{sign} {brief(predicted['value'])}",
    }


def _stored(name: str) -> xr.Dataset:
    return xr.load_dataset(REFERENCE / f"{name}.nc", engine="h5netcdf")


def counted() -> dict[str, Any]:
    """How many of the random starts of S3b's example converge: beta1 = 0.9, S = 30, alpha1 = 10."""
    here = _stored("cycles/examples").sel(example=1)
    counts = here["count"]
    return {
        "starts": int(counts.sum()),
        "converge": int(counts.sel(outcome="origin")),
        "beta1": float(here.beta1),
        "fraction": float(here.fraction),
        "alpha1": float(here.alpha1),
    }


def stability_map(cells: int = 100) -> dict[str, Any]:
    """The share of random starts that converge, published gate, alpha1 = 10, over (beta1, S/B); one byte a cell."""
    found = _stored("cycles/frontier").sel(variant="published", alpha1=10.0, outcome="origin")
    every = max(found.sizes["beta1"] // cells, 1)
    thin = found.isel(beta1=slice(None, None, every), fraction=slice(None, None, every))
    share = np.rint(255 * thin.share.transpose("fraction", "beta1").values).astype(np.uint8)
    return {
        "beta1": [round(float(b), 5) for b in thin.beta1.values],
        "fraction": [round(float(f), 5) for f in thin.fraction.values],
        "share": base64.b64encode(share.tobytes()).decode("ascii"),
        "starts": int(found.attrs["starts"]),
    }


def measured_rates() -> dict[str, dict[str, Any]]:
    """The informative settings of C1a and C2: horizons, what was measured, its interval, and the trivial line."""
    rates = {}
    for name in ("theorem2", "theorem4", "smoothed"):
        data = _stored(f"convergence/informative_{name}")
        rates[name] = {
            "N": [int(n) for n in data.N.values],
            **{key: [float(value) for value in data[key].values] for key in ("mean", "low", "high", "bound")},
            "trivial": float(data.trivial),
            **{key: float(data.attrs[key]) for key in ("beta1", "alpha1", "R")},
            **constants(),
        }
    return rates


def constants() -> dict[str, float]:
    """The other constants of the informative settings, from the ledger."""
    entries = {entry["id"]: entry for entry in json.loads((REFERENCE / "claims.json").read_text(encoding="utf-8"))}
    (item, *_) = [one for one in entries["C1a"]["setup"]["informative"] if one["bound"] == "theorem2"]
    return {name: float(item[name]) for name in ("D", "L", "eps", "beta3")} | {"d": 1.0}


def plateaus() -> list[dict[str, Any]]:
    """The stored plateaus of C1b at beta1 = 0: the law of the noise, |F'| measured and predicted."""
    data = _stored("bias/plateaus")
    rows = zip(*(data[key].values for key in ("p", "amplitude", "beta1", "beta3", "alpha1", "measured", "predicted")),
               strict=True)  # fmt: skip
    keys = ("p", "size", "beta1", "beta3", "alpha1", "measured", "predicted")
    found = [dict(zip(keys, map(float, row), strict=True)) for row in rows]
    return [row for row in found if row["beta1"] == 0]


def mathml() -> dict[str, str]:
    """Formulas as MathML."""
    from latex2mathml.converter import convert

    return {name: convert(f"{left} = {latex(FORMULAS[name])}", display="block") for name, left in SET.items()}


def everything() -> dict[str, Any]:
    """All of it, as the page embeds it."""
    return {
        "ledger": ledger(),
        "counted": counted(),
        "map": stability_map(),
        "rates": measured_rates(),
        "plateaus": plateaus(),
        "mathml": mathml(),
    }
