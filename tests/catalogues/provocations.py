"""What provokes every error that a docstring announces, for ``test_documented_errors.py``."""

import io
import subprocess
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import sympy as sp
import xarray as xr
from provocations_of_vradam import OF_VRADAM, X

import theory
from experiments import catalogue, examinations, skeleton
from experiments.measurement import comparison, formula, statistics
from experiments.report import ledger
from experiments.report import strict_json as reading
from experiments.results import computed
from experiments.store import chunks as store
from experiments.store import files, fingerprint, imported
from experiments.studies import speed
from experiments.studies.cycles import basins, period_four
from experiments.studies.gate_sequences.ranges import touching
from experiments.studies.speed.gate import samples
from experiments.studies.speed.startup import seconds
from theory import javascript
from theory.certificates import check as check_certificate
from theory.claims.convergence import predictable_gate as convergence
from theory.examination import chosen
from theory.methods import intervals
from theory.search import certify_gates, cycles

BROKEN = catalogue.Stem("torn", "experiments.studies.torn", (), None, failure="SyntaxError: torn")
WORK = speed.DEFAULT.works[0]
RATE = {"L": 1.0, "R": 2.0, "D": 1.0, "eps": 1e-8}


def theorem():
    claim = next(claim for claim in theory.CLAIMS if claim.id == "C1a")
    return claim.formulas["theorem2"]


def bound_at(steps, **changed):
    return convergence.horizon_bound(theorem(), steps, **RATE | changed)


def never_found():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            period_four, "_settled", lambda setup, starts: (starts.x[:, 0] > np.inf, starts.x, starts.velocity)
        )
        return period_four.find(period_four.Setup(beta1=(0.9,), fractions=(0.2, 0.3), starts=4))


def never_lost():
    """A "cycle" that is the whole stretch: settings that do not move."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(period_four, "_settled", lambda setup, ahead: (ahead.x[:, 0] > 0, ahead.x, ahead.velocity))
        start = period_four.Cycles(np.array([0.9]), np.array([0.8]), np.ones((1, 1)), np.zeros((1, 1)))
        return period_four.trace(period_four.Setup(), start, np.array([0.9]), np.array([0.5]))


def timed(check):
    """A timing whose contestants answer ``check`` with this difference from the reference."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed.Contestant, "__init__", lambda self, name, work: self.__dict__.update(name=name, work=work))
        patch.setattr(speed.Contestant, "ask", lambda self, question: check)
        patch.setattr(speed.Contestant, "close", lambda self: None)
        return speed.timing(WORK, 1, ["NumPy"])


def ended_without_answer():
    child = object.__new__(speed.Contestant)
    process = SimpleNamespace(stdin=io.StringIO(), stdout=io.StringIO(), wait=lambda: 3)
    child.name, child.work, child.process = "numpy", WORK, process
    return child.ask("check")


#: name: (call, error, what the message says)
PROVOKED = OF_VRADAM | {
    "experiments.catalogue.Stem.working": [(BROKEN.working, ImportError, "SyntaxError: torn")],
    "experiments.store.chunks.encode": [
        (
            lambda: store.encode(xr.Dataset({"a": ("x", [1.0], {"scale_factor": 2.0})})),
            ValueError,
            "a dataset must be read back as it is written, which a would not be",
        ),
    ],
    "theory.search.certify_gates.certify_gates": [
        (lambda: certify_gates.certify_gates("2", "1/60", "1/5"), ValueError, r"beta1 must .*2"),
        (lambda: certify_gates.certify_gates("x", "1/60", "1/5"), ValueError, "beta1 must"),
    ],
    "theory.certificates.check.prove": [
        (lambda: check_certificate.prove({"kind": "unknown"}), ValueError, "kind"),
        (lambda: check_certificate.prove({"kind": "cycle"}), ValueError, "a cycle certificate lacks the keys"),
    ],
    "theory.claims.convergence.predictable_gate.horizon_bound": [
        (
            lambda: convergence.horizon_bound(theorem(), 100, **RATE | {"L": 0.0}),
            ValueError,
            "L must be positive, got 0",
        ),
        (
            lambda: convergence.horizon_bound(theorem(), 100, **RATE, beta1=1.0),
            ValueError,
            r"beta1 must lie in \[0, 1\)",
        ),
        (lambda: bound_at(1), ValueError, "steps must exceed .*got 1"),
    ],
    "theory.claims.convergence.predictable_gate.crossover": [
        (lambda: convergence.crossover(theorem(), **RATE | {"eps": 9.0}), ValueError, r"R must exceed sqrt\(eps\) = 3"),
        (lambda: convergence.crossover(theorem(), **RATE | {"D": -1.0}), ValueError, "D must be nonnegative, got -1"),
    ],
    "theory.methods.intervals.enclose": [
        (lambda: intervals.enclose(sp.sin(1)), ValueError, r"expr must be built from .*, got sin\(1\)"),
    ],
    "theory.examination.chosen": [(lambda: chosen(["s0"]), ValueError, "unknown claim s0")],
    "theory.search.cycles.find": [
        (
            lambda: cycles.find(cycles.Target("999/1000", "1", None, 2)),
            RuntimeError,
            "no attracting cycle found for Target",
        ),
    ],
    "experiments.studies.cycles.basins.measure": [
        (
            lambda: basins.measure(basins.Setup(fraction=0.2, cells=5, steps=400)),
            RuntimeError,
            "no start ends in a cycle of period 4 at beta1 = 0.9, S/B = 0.2",
        ),
    ],
    "experiments.catalogue.Catalogue.select": [
        (lambda: catalogue.catalogue().select(["nothing"]), ValueError, "nothing"),
    ],
    "experiments.store.fingerprint.origin": [
        (
            lambda: fingerprint.origin("experiments.none"),
            ModuleNotFoundError,
            "have a file each, got .* 'experiments.none'",
        ),
    ],
    "experiments.store.fingerprint.plain": [
        (lambda: fingerprint.plain({"x": X}, "setup"), TypeError, "setup.* must be made of numbers.*, got ndarray"),
    ],
    "experiments.measurement.formula.evaluate": [
        (
            lambda: formula.evaluate(sp.Symbol("q") + 1),
            ValueError,
            r"values must hold every symbol of q \+ 1, got none for q",
        ),
    ],
    "experiments.skeleton.write": [
        (lambda: skeleton.write("Stem", "S98"), ValueError, "STEM must be a new name .*, got 'Stem'"),
        (lambda: skeleton.write("stem", "T1"), ValueError, "ID must be a new id such as S9, got 'T1'"),
    ],
    "theory.javascript.formula": [
        (lambda: javascript.formula("a b", theory.SYMBOLS["L"]), ValueError, "name must be an identifier, got 'a b'"),
    ],
    "experiments.results.computed": [
        (lambda: computed(BROKEN, False, Path("out")), ImportError, "SyntaxError: torn"),
    ],
    "experiments.report.ledger.with_ledger": [
        (lambda: ledger.with_ledger("no markers", []), ValueError, "the README must hold the lines .* once each"),
    ],
    "experiments.studies.gate_sequences.ranges.touching": [
        (
            lambda: touching(lambda b: (np.eye(2) / 2, np.eye(2) / 2), 2, 0, 1),
            ArithmeticError,
            "no touching ellipses near b = 2",
        ),
    ],
    "experiments.studies.cycles.period_four.find": [
        (never_found, RuntimeError, r"some beta1 of \(0.9,\) shows no cycle of period 4 at S/B in \(0.2, 0.3\)"),
    ],
    "experiments.studies.cycles.period_four.trace": [
        (never_lost, RuntimeError, "a cycle of period 4 is not lost along its line")
    ],
    "experiments.report.strict_json.read_json": [
        (lambda: reading.read_json(b"NaN"), ValueError, "NaN"),
        (
            lambda: reading.read_json(b" " * (reading.LIMIT + 1)),
            ValueError,
            "must have at most 5000000 bytes, got 5000001",
        ),
    ],
    "experiments.report.strict_json.read_entries": [
        (lambda: reading.read_entries(b"{}"), ValueError, "claims must be a list of at most 200 entries"),
        (lambda: reading.read_entries(b"[{}]"), ValueError, r"claims\[0\] lacks "),
    ],
    "experiments.studies.speed.timing": [
        (lambda: timed(0.5), ArithmeticError, "must equal the reference on .*, differs by 0.5"),
    ],
    "experiments.studies.speed.contestant.Contestant.ask": [
        (ended_without_answer, RuntimeError, "numpy ended on .* with status 3"),
    ],
    "experiments.studies.speed.gate.samples": [
        (lambda: samples(-1, 1, 1, 0), subprocess.CalledProcessError, "returned non-zero exit status 1"),
    ],
    "experiments.studies.speed.startup.seconds": [
        (lambda: seconds("", "raise SystemExit(3)"), subprocess.CalledProcessError, "returned non-zero exit status 3"),
    ],
    "experiments.measurement.statistics.mean_interval": [
        (lambda: statistics.mean_interval(X, level=1.0), ValueError, r"level must lie in \(0, 1\), got 1.0"),
        (lambda: statistics.mean_interval(X[:1]), ValueError, "values must hold at least 10 independent values, got 1"),
    ],
    "experiments.measurement.statistics.geometric_interval": [
        (lambda: statistics.geometric_interval(0 * X), ValueError, r"values must lie in \(0, inf\), got 0.0"),
    ],
    "experiments.measurement.statistics.median_interval": [
        (lambda: statistics.median_interval([1.0] * 10, level=0.999), ValueError, "level must be at most 0.998"),
    ],
    "experiments.measurement.statistics.loglog_slope": [
        (lambda: statistics.loglog_slope([1.0, 2.0], [[1.0], [2.0]]), ValueError, "values must hold at least 10"),
    ],
    "experiments.measurement.comparison.width": [
        (lambda: comparison.width([1.0, 1.0], X), ValueError, "alpha0 must increase, got"),
        (lambda: comparison.width([1.0, 2.0], X, factor=0.5), ValueError, "factor must be at least 1, got 0.5"),
        (lambda: comparison.width([1.0, 2.0], 0 * X), ValueError, "cost must be positive, got 0.0"),
    ],
    "experiments.examinations.from_dataset": [
        (lambda: examinations.from_dataset(xr.Dataset()), ValueError, "is not an examination"),
    ],
    "experiments.store.imported.source": [
        (lambda: imported.source(Path("no-such-file.py")), FileNotFoundError, "no-such-file.py"),
    ],
    "experiments.store.chunks.decode": [
        (lambda: store.decode(b"no such file"), ValueError, "is not the signature of a valid netCDF")
    ],
    "experiments.store.files.read_checked": [
        (lambda: files.read_checked(Path(__file__), "0000"), ValueError, "checksum does not match"),
    ],
}
#: name: the test that provokes its errors, where a folder, a second process or a fault is needed
ELSEWHERE = {
    "vradam.adapted.chosen_law": ("adapters/test_torch_use", "test_bad_input_is_refused_by_name"),
    "vradam.torch.optimizer.VRAdam": ("adapters/test_torch_use", "test_bad_input_is_refused_by_name"),
    "vradam.torch.optimizer.VRAdam.add_param_group": (
        "adapters/test_torch_use",
        "test_bad_options_of_a_group_are_refused",
    ),
    "vradam.torch.optimizer.VRAdam.load_state_dict": ("adapters/test_torch_kept", "test_the_state_of_another_law"),
    "vradam.torch.optimizer.VRAdam.step": ("adapters/test_torch_use", "test_sparse_gradients_are_refused"),
    "vradam.torch.edge.sharpness": ("adapters/test_torch_edge", "params must be real"),
    "vradam.torch.edge.preconditioner": ("adapters/test_torch_edge", "optimizer must precondition momentum"),
    "vradam.torch.edge.curvature": ("adapters/test_torch_edge", "optimizer must have taken a step"),
    "vradam.torch.edge.watch": ("adapters/test_torch_edge", "every must be an integer >= 1"),
    "vradam.optax.transform.vradam": ("adapters/test_optax", "test_bad_input_is_refused_by_name"),
    "vradam.optax.transform.scale_by_vradam": ("adapters/test_optax", "test_bad_input_is_refused_by_name"),
    "vradam.optax.transform.within": ("adapters/test_optax", "state must hold a state of VRAdam or Adam"),
    "vradam.optax.transform.check": ("adapters/test_optax", "b1 must lie in"),
    "vradam.optax.edge.sharpness": ("adapters/test_optax", "params must be real"),
    "vradam.optax.edge.curvature": ("adapters/test_optax", "state must come from a step"),
    "theory.claims.convergence.shares.parts": ("test_central_rate", "bound must be"),
    "theory.claims.convergence.shares.best": ("test_central_rate", "values must hold every symbol of the bound"),
    "experiments.studies.width.networks.compiled": ("test_experiments_width", "test_without_jax_it_says_how"),
    "theory.methods.solvers.decided": ("test_proofs", "name must be that of an inequality"),
    "vradam.objectives.objective.Objective.from_functions": (
        "test_own_objectives",
        "grad must be a function of a point",
    ),
    "vradam.objectives.symbolic.from_sympy": ("test_own_objectives", "expression must contain no symbols but x"),
    "vradam.engine.lanes.run": ("test_engine_lanes", "test_a_wrong_kernel_is_refused"),
    "experiments.measurement.verdict.Point": ("test_verdict", "measured must lie in"),
    "experiments.measurement.verdict.Evidence": ("test_verdict", "n must be a positive integer"),
    "experiments.measurement.verdict.Confrontation": ("test_verdict", "replication must repeat"),
    "experiments.measurement.points.least_fitting": ("test_verdict", "values must hold at least one number"),
    "experiments.measurement.verdict.shown": ("test_verdict", "showcase must name a reported quantity and its labels"),
    "theory.certificates.statement.Statement": ("test_certificates_of_claims", "facts must be beta1, low, high"),
    "theory.certificates.frontier.check_safe": ("test_theory_frontier_boxes", "beta1 must be whole numbers of 1/2000"),
    "theory.certificates.memory.check_memory": ("test_theory_memory", "alpha1 must be a whole number from 2"),
    "theory.certificates.branches.check_attracting": ("test_theory_frontier_boxes", "velocity must hold whole numbers"),
    "theory.stability_map.global_stability": ("test_stability_map", "S must be finite and > 0, got inf"),
    "theory.stability_map.verified": ("test_stability_map", "got a false one"),
    "theory.claim.Claim": ("test_theory_claims", "inequalities and cited must name steps of T"),
    "experiments.job.main_job": ("test_main_job", "test_a_full_disk_is_said_plainly"),
    "experiments.catalogue.discover": ("test_catalogue", "must have a study"),
    "theory.discovery.claims_by_stem": ("test_catalogue", "must end with CLAIMS"),
    "vradam.sweeps.run": ("test_sweeps", "test_bad_input_is_refused"),
    "experiments.report.on_record.on_record": ("test_reference", "test_a_malformed_record_is_said_plainly"),
    "experiments.report.on_record.read_record": ("test_reference", "test_a_malformed_record_is_said_plainly"),
    "experiments.store.manifest.manifest": ("test_store", "test_a_dataset_has_a_plain_name"),
    "experiments.examinations.begin": ("test_main_job", "test_a_derivation_that_is_edited_meanwhile_is_refused"),
    "experiments.report.freshness.changes": ("test_reference", "does not say what the data were made from"),
    "experiments.report.freshness.made_from": ("test_reference", "does not say what the data were made from"),
    "experiments.store.chunks.Chunks.keep": ("test_store_files", "test_a_full_disk_keeps_what_was_finished"),
    "experiments.store.chunks.Chunks.map": ("test_store_kept", "test_a_key_belongs_to_one_function_and_its_arguments"),
    "experiments.store.chunks.Chunks.stored": ("test_store_kept", "test_a_passing_fault_of_a_disk_deletes_nothing"),
    "experiments.store.chunks.read_chunk": ("test_verification", "test_damaged_results_are_named"),
    "experiments.store.chunks.save_data": ("test_store", "test_a_dataset_has_a_plain_name"),
    "experiments.store.manifest.close_lists": (
        "test_store_kept",
        "test_lists_of_an_earlier_form_are_closed_after_a_check",
    ),
    "experiments.store.manifest.read_manifest": (
        "test_store_kept",
        "test_a_list_that_was_cut_is_damage_and_no_smaller_result",
    ),
    "experiments.verification.verify": ("test_verification", "test_a_folder_that_is_not_there_is_said"),
    "experiments.store.chunks.read_data": ("test_store", "test_a_long_list_of_checksums_is_refused"),
    "experiments.study.Table": ("test_report", "Table("),
    "experiments.report.reference.update_reference": ("test_reference", "the largest files are"),
    "experiments.studies.sensitivity.run": ("test_sensitivity", "test_unequal_budgets_are_refused"),
    "experiments.store.files.exclusive": ("test_store_files", "test_a_second_job_is_told_who_has_the_folder"),
    "experiments.store.files.write_atomically": (
        "test_store_files",
        "test_a_failed_write_leaves_the_old_file_and_no_other",
    ),
    "experiments.measurement.comparison.paired": ("test_tasks", "test_losses_that_have_no_ratio_are_refused"),
    "experiments.studies.tasks.nets.make": ("test_tasks_networks", "test_a_task_that_is_not_there_is_refused"),
    "experiments.studies.tasks.protocol.train": (
        "test_tasks",
        "test_a_gradient_of_the_wrong_shape_is_refused_at_the_first_step",
    ),
}
