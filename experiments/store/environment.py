"""What else may change the bits of a result: libraries, the instruction set, and the variables that steer them."""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Final

#: Import name -> name of the distribution, where they differ.
DISTRIBUTIONS: Final = {"sklearn": "scikit-learn", "flint": "python-flint"}
#: What a library brings along that computes for it.
COMPANIONS: Final = {
    "numba": ("llvmlite",),
    "jax": ("jaxlib",),
    "sympy": ("mpmath",),
    "xarray": ("h5netcdf", "h5py", "pandas"),
}
#: Libraries that start work, show progress or print, and touch no number.
BYSTANDERS: Final = frozenset({"distributed", "jinja2", "joblib", "latex2mathml", "markupsafe", "pytest", "tqdm"})
#: The libraries whose versions are shown with a result.
SHOWN: Final = ("numpy", "scipy", "sympy", "mpmath", "numba", "llvmlite", "scikit-learn", "xarray", "h5netcdf", "h5py")
#: Variables that change what is computed; neither the number of threads nor places of caches are among them.
VARIABLES: Final = (
    "JAX_DEFAULT_MATMUL_PRECISION", "JAX_ENABLE_X64", "JAX_PLATFORMS", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "NUMBA_CPU_FEATURES", "NUMBA_CPU_NAME",
    "NUMBA_DISABLE_INTEL_SVML", "NUMBA_DISABLE_JIT", "NUMBA_ENABLE_AVX", "NUMBA_LOOP_VECTORIZE", "NUMBA_OPT",
    "NUMBA_SLP_VECTORIZE", "OPENBLAS_CORETYPE", "XLA_FLAGS",
)  # fmt: skip


def environment(libraries: Iterable[str]) -> dict[str, str]:
    """Everything that decides whether stored bits are this machine's bits.

    Parameters
    ----------
    libraries : iterable of str
        Import names of libraries.

    Returns
    -------
    dict of str to str
        The version of Python and of each library, ``machine`` and ``cpu`` (which decide what LLVM and the BLAS
        compute with), and the :data:`VARIABLES` that are set.
    """
    others = set(libraries) - BYSTANDERS
    others |= {companion for name in others for companion in COMPANIONS.get(name, ())}
    found = versions(sorted(DISTRIBUTIONS.get(name, name) for name in others))
    set_here = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    return found | {"machine": f"{platform.system()} {platform.machine()}", "cpu": _cpu()} | set_here


def versions(names: Iterable[str] = SHOWN) -> dict[str, str]:
    """The versions of Python and of these distributions; "absent" for one that is not installed."""
    return {"python": ".".join(map(str, sys.version_info[:3]))} | {name: _version(name) for name in names}


@cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


@cache
def _cpu() -> str:
    """The name of the processor and a digest of its instruction set, as LLVM sees them."""
    try:
        from llvmlite.binding import get_host_cpu_features, get_host_cpu_name
    except ImportError:
        return platform.processor() or "unknown"
    return f"{get_host_cpu_name()} {hashlib.sha256(get_host_cpu_features().flatten().encode()).hexdigest()[:8]}"
