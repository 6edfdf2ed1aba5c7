"""What is stored is read back as it was, or refused: attributes that readers of netCDF take for instructions."""

import numpy as np
import pytest
import xarray as xr

from experiments.store.chunks import Chunks, decode, encode

NUMBERS = [1.0, 2.0]


def dataset(attributes=None, numbers=NUMBERS, **more):
    return xr.Dataset({"a": ("x", np.asarray(numbers), attributes or {})} | more)


@pytest.mark.parametrize(
    "given",
    [
        dataset({"units": "days since 2000-01-01", "valid_range": [0.0, 1.0], "long_name": "β"}),
        dataset({"grid_mapping": "b", "bounds": "b"}, b=("x", NUMBERS)),
        dataset(numbers=[np.nan, -0.0]),
        dataset(numbers=np.array([True, False])),
        dataset(numbers=np.array(NUMBERS, np.float32)),
        dataset(numbers=np.array(NUMBERS, ">f8")),
        dataset(numbers=np.array([1, 2], np.uint8)),
        dataset(numbers=np.array([1j, 2.0])),
        dataset(numbers=["one", "zwei", ""]),
        dataset(numbers=np.zeros(0)),
        dataset().assign_coords(x=[3, 4], name=("x", ["p", "q"])),
        dataset().assign_attrs(text="", one=1, several=[1.0, 2.0]),
    ],
    ids=range(12),
)
@pytest.mark.parametrize("compress", [False, True])
def test_it_is_read_back_as_it_was(given, compress):
    found = decode(encode(given, compress))
    assert found.identical(given)
    assert found.a.dtype.kind in (given.a.dtype.kind, "O") and list(found.coords) == list(given.coords)


@pytest.mark.parametrize(
    ("given", "what"),
    [
        (dataset({"scale_factor": 2.0}), "which a would not be"),
        (dataset({"add_offset": 2.0}), "which a would not be"),
        (dataset({"_FillValue": 2.0}), "which a would not be"),
        (dataset({"missing_value": 2.0}), "which a would not be"),
        (dataset({"coordinates": "b"}, b=("x", NUMBERS)), "which a, b would not be"),
        (dataset(b=("x", NUMBERS)).assign_attrs(coordinates="b"), "which b, attribute coordinates would not be"),
        (dataset({"_Unsigned": "true"}, np.array([1, -1], np.int8)), "which a would not be"),
        (dataset({"dtype": "bool"}, np.array([1, 0], np.int8)), "which a would not be"),
        (dataset(numbers=np.array(["2000-01-01"], "datetime64[ns]")), "which a would not be"),
        (dataset().assign_attrs(nothing=None), "a dataset must be one that netCDF can hold"),
        (dataset().assign_attrs(flag=True), "a dataset must be one that netCDF can hold"),
    ],
    ids=range(11),
)
def test_or_refused_by_name_before_anything_is_stored(given, what, tmp_path):
    with pytest.raises(ValueError, match=what):
        Chunks(tmp_path, "fingerprint").keep("chunk", given)
    assert list(tmp_path.iterdir()) == []
