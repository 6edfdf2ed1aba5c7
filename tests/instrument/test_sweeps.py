"""The public sweep: labels point at the right runs, and nothing depends on how the work is split."""

import numpy as np
import pytest
import xarray as xr

import vradam
from vradam import simulation, sweeps
from vradam.sweeps import run

BOWL = vradam.objectives.quadratic([1.0, 10.0])
NOISE = vradam.noise.gaussian(0.1)
GRID = {"alpha0": [0.01, 0.1], "beta3": [0.0, 1.0, 10.0]}
SEEDS = [7, 3, 11, 4]


def final_value(trajectory):
    return trajectory.value[:, -1]


def slowest_rate(trajectory):
    return trajectory.learning_rate.min(axis=-1)


def sweep(**changes):
    arguments = {
        "optimizer": vradam.VRAdam(),
        "objective": BOWL,
        "over": GRID,
        "seeds": SEEDS,
        "statistic": {"value": final_value, "rate": slowest_rate},
        "x0": [1.0, -2.0],
        "steps": 40,
        "noise": NOISE,
        "every": 1,
    }
    return run(**(arguments | changes))


def bits(table):
    return {name: table[name].values.tobytes() for name in table.data_vars}


def test_each_label_points_at_its_run():
    """Every cell equals the single run with these hyper-parameters and this seed, bit for bit."""
    table = sweep()
    assert dict(table.sizes) == {"alpha0": 2, "beta3": 3, "seed": 4} and table.value.dims == ("alpha0", "beta3", "seed")
    assert table.attrs == {"optimizer": "VRAdam", "objective": BOWL.name, "steps": 40}
    for alpha0 in GRID["alpha0"]:
        for beta3 in GRID["beta3"]:
            for seed in SEEDS:
                lone = vradam.simulate(
                    vradam.VRAdam(alpha0=alpha0, beta3=beta3),
                    BOWL,
                    np.array([[1.0, -2.0]]),
                    steps=40,
                    noise=NOISE,
                    seed=np.array([seed]),
                )
                cell = table.sel(alpha0=alpha0, beta3=beta3, seed=seed)
                assert float(cell.value) == lone.value[0, -1]
                assert float(cell.rate) == lone.learning_rate[0].min()


def test_a_starting_point_for_each_seed():
    starts = np.random.default_rng(0).normal(size=(len(SEEDS), 2))
    table = sweep(x0=starts, noise=None)
    for start, seed in zip(starts, SEEDS, strict=True):
        alone = sweep(x0=start, noise=None, seeds=[seed])
        np.testing.assert_array_equal(table.value.sel(seed=[seed]), alone.value)


def test_the_split_changes_nothing(monkeypatch):
    whole = bits(sweep())
    for largest in (1, 5, 7):
        monkeypatch.setattr(sweeps, "LARGEST", largest)
        assert bits(sweep()) == whole


@pytest.mark.parametrize(("every", "records"), [(1, 41), (7, 7), (0, 2)])
def test_what_a_batch_records_is_bounded(monkeypatch, every, records):
    """However long and however often recorded, no batched call holds more numbers than RECORDED (dimension 2: a point,
    its value, gradient norm and rate); the bits do not change."""
    whole, sizes = bits(sweep(every=every)), []
    simulate = vradam.simulate

    def watched(*arguments, **options):
        path = simulate(*arguments, **options)
        sizes.append(path.x.size + path.value.size + path.grad_norm.size + path.learning_rate.size)
        return path

    monkeypatch.setattr(simulation, "simulate", watched)
    monkeypatch.setattr(sweeps, "RECORDED", 7 * records * 5)
    assert bits(sweep(every=every)) == whole
    assert max(sizes) == 7 * records * 5 and sum(sizes) == 24 * records * 5


def test_several_processes_change_nothing(monkeypatch):
    whole = bits(sweep())
    monkeypatch.setattr(sweeps, "LARGEST", 6)
    assert bits(sweep(jobs=2)) == whole


def test_a_dask_cluster_changes_nothing(monkeypatch):
    """Two workers in processes of their own, reached by their address as a cluster would be."""
    distributed = pytest.importorskip("distributed")
    whole = bits(sweep())
    monkeypatch.setattr(sweeps, "LARGEST", 6)
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        assert bits(sweep(dask=cluster.scheduler_address)) == whole


def test_the_engines_agree():
    """To rounding: the same noise, the same recursion, compiled or not."""
    compiled, reference = (sweep(engine=name) for name in ("compiled", "numpy"))
    for name in ("value", "rate"):
        np.testing.assert_allclose(compiled[name], reference[name], rtol=1e-12)


def test_an_interrupted_sweep_goes_on_where_it_stopped(tmp_path, monkeypatch):
    """Killed after two batches; what is damaged is computed again, the rest is kept; the bits are those of one go."""
    monkeypatch.setattr(sweeps, "LARGEST", 5)
    whole, simulate, calls = bits(sweep()), vradam.simulate, []

    def dying(*arguments, **options):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return simulate(*arguments, **options)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(simulation, "simulate", dying)
        sweep(folder=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["batch-0.npz", "batch-5.npz", "sweep.txt"]
    (tmp_path / "batch-5.npz").write_bytes((tmp_path / "batch-5.npz").read_bytes()[:-40])
    calls[:] = [1] * 10
    monkeypatch.setattr(simulation, "simulate", dying)
    assert bits(sweep(folder=tmp_path)) == whole and len(calls) == 14  # four of five batches
    assert bits(sweep(folder=tmp_path)) == whole and len(calls) == 14
    with pytest.raises(ValueError, match="folder must belong to this sweep"):
        sweep(folder=tmp_path, steps=41)
    with pytest.raises(TypeError, match="folder needs module-level functions"):
        sweep(folder=tmp_path / "other", statistic=lambda trajectory: trajectory.value[:, -1])


def test_one_statistic_is_named_after_its_function():
    assert list(sweep(statistic=final_value)) == ["final_value"]
    assert list(sweep(statistic=lambda t: t.value[:, -1])) == ["statistic"]
    xr.testing.assert_equal(sweep(statistic=final_value).final_value.rename("value"), sweep().value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"over": {"lr": [0.1]}}, r"over must name hyper-parameters of VRAdam \(alpha0, .*\), got 'lr'"),
        ({"over": {"alpha0": []}}, r"alpha0 must be a non-empty sequence of numbers, got shape \(0,\)"),
        ({"over": {"alpha0": 0.1}}, r"alpha0 must be a non-empty sequence of numbers, got shape \(\)"),
        ({"over": {"beta1": [0.5, 1.2]}}, r"beta1 must lie in \[0, 1\), got 1.2"),
        ({"seeds": [1, 1]}, r"seeds must be distinct integers, got \[1, 1\]"),
        ({"seeds": [0.5]}, r"seeds must be an integer or an integer array, got \[0.5\]"),
        ({"seeds": []}, r"seeds must be a non-empty sequence"),
        ({"seeds": [0, 2**64]}, r"seeds must lie in \[0, 2\^64\), got 18446744073709551616"),
        ({"over": {"alpha0": ["0.1"]}}, "alpha0 must hold real numbers"),
        ({"over": {"beta3": [True]}}, "beta3 must hold real numbers"),
        ({"over": {"proof_form": [0.0, 1.0]}}, "proof_form must be True or False"),
        ({"over": ["alpha0"]}, r"over must map names of hyper-parameters to their values, got \['alpha0'\]"),
        ({"statistic": {"beta3": final_value}}, r"statistic must not be named like an axis \(.*, seed\), got 'beta3'"),
        ({"statistic": {"seed": final_value}}, "statistic must not be named like an axis"),
        ({"statistic": {}}, "statistic must be one at least"),
        ({"statistic": {"v": 3}}, "statistic 'v' must be a function of a trajectory, got 3"),
        (
            {"noise": vradam.noise.gaussian([0.1, 0.2])},
            r"noise must have one std in a sweep, got an array of shape \(2,\)",
        ),
        (
            {"optimizer": vradam.VRAdam(weight_decay=[0.1, 0.2])},
            "optimizer must have one weight_decay in a sweep, got an array",
        ),
        ({"optimizer": object()}, "optimizer must have the methods"),
        ({"objective": 3}, "objective must be a vradam.Objective, got int"),
        ({"steps": 2.5}, "steps must be an integer >= 1, got 2.5"),
        ({"x0": np.ma.masked_array([1.0, 1.0], [0, 1])}, "x0 must be an array without a mask"),
        ({"x0": [[1.0, 2.0]]}, r"x0 must have shape \(d,\) or \(seeds, d\) with 4 seeds, got \(1, 2\)"),
        ({"engine": "fast"}, "engine must be 'auto', 'numpy' or 'compiled', got 'fast'"),
        ({"jobs": 0}, "jobs must be a positive integer, got 0"),
        ({"statistic": lambda t: t.value}, r"statistic 'statistic' must return one number per run.*got \(24, 41\)"),
    ],
)
def test_bad_input_is_refused(changes, message, monkeypatch):
    """Before anything runs, but for what a statistic returns."""
    if "statistic" not in message or "must not" in message:
        monkeypatch.setattr(sweeps, "_batch", None)
    with pytest.raises((ValueError, TypeError), match=message):
        sweep(**changes)


def test_seeds_beyond_63_bits_are_kept_as_they_are():
    table = sweep(seeds=[1, 2**63, 2**64 - 1], noise=vradam.noise.uniform(0.5))
    assert table.seed.values.tolist() == [1, 2**63, 2**64 - 1]
    assert sweep(seeds=range(3)).seed.dtype == np.int64
