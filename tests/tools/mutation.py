"""How much a wrong formula would be noticed: change one operator, number or comparison at a time, and run the tests.

    python tests/tools/mutation.py                         the modules that results rest on, all their mutants
    python tests/tools/mutation.py --sample 30 --seed 1    at most 30 mutants of each module
    python tests/tools/mutation.py --minutes 40 --jobs 2 theory/claims/stability/__init__.py vradam/noise.py
    python tests/tools/mutation.py --each 150 --seed 7     so many of each package, at least ten of each of NUMBERS

A mutant is a module with one change: an operator exchanged, a comparison moved or turned, a condition negated, a whole
number plus one, another number times 1.02, a truth value flipped, ``min`` for ``max`` and the like; defaults,
module-level formulas and compiled kernels included (kernels run interpreted here). Annotations, decorators, texts and
the arguments of exceptions are left alone, and what ``mutants.py`` names as changing nothing by its form alone. Each
mutant is written into a temporary copy of the rooms, and the tests of its module run there until one fails, the fastest
and deadliest first, in a process of its own, forked where the system can. Survivors are listed;
``mutation_reasons.json`` says of some why: those that begin with "equal" are mutants that change nothing (equivalent
mutants), and the score is killed/(drawn - equal). They are run as well, so that a wrong judgement is seen.
Settings of studies (fields of their setups, lists of problems) are left alone too: they are choices, and recorded with
every result, so that ``python -m experiments --verify`` names a reference that was made with others.
Standard library only, apart from what the tests need.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from mutant_tests import Module, Worker
from mutants import Mutant, mutants
from mutation_score import as_json, table

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"NUMBA_DISABLE_JIT": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"}


def claims(*names: str, closes: bool = True) -> list[str]:
    """The generic tests of these claims; whether they close is left out where it takes minutes."""
    kinds = ("every_claim_closes", "two_percent_more_opens_the_claim", "another_recursion_gives_another_formula")
    asked = kinds if closes else kinds[1:]
    return [f"tests/catalogues/test_theory_claims.py::test_{kind}[{name}]" for name in names for kind in asked]


def _of(file: str, names: Sequence[str]) -> list[str]:
    """These tests of a file: the others take minutes, or say nothing more of the module."""
    return [f"{file}::{name}" for name in names]


QUICK_OF_C2 = (
    "test_the_prices_equal_an_independent_transcription", "test_reductions",
    "test_best_form_b_is_the_minimum_over_theta", "test_the_limit_is_that_of_a_predictable_gate",
    "test_how_fast_the_prices_vanish",
    "test_every_limit_of_the_other_forms_is_needed", "test_the_derivation_gives_every_formula_and_no_other",
    "test_every_form_is_what_its_proof_ends_with", "test_a_straight_slope_nearly_attains_the_bound",
    "test_the_slope_is_met_with_the_gate_of_the_claim",
)  # fmt: skip
QUICK_OF_S3b = (
    "test_the_saddle_node_is_bracketed", "test_the_saddle_node_is_below_the_edge_exactly_beyond_one_over_root_three",
    "test_known_values_of_the_saddle_node", "test_the_largest_kinetic_energy_of_a_period_four_cycle",
    "test_certificates_say_what_they_hold", "test_the_asked_decays_are_certified_with_and_without_clip",
    "test_every_proof_needs_each_of_its_facts",
    "test_each_formula_of_the_cycle_of_period_four_follows_and_no_other",
    "test_a_largest_speed_beyond_the_bound_is_seen", "test_coefficients_that_are_not_all_positive_decide_nothing",
    "test_another_recursion_has_other_thresholds",
    "test_what_is_shown_to_be_positive_on_the_lower_branch_is_the_polynomial_on_the_curve",
    "test_the_clipped_orbit_attracts_wherever_it_lies_below_the_edge",
)  # fmt: skip
QUICK_OF_THE_MAP = (
    "test_successors_are_all_cells_that_the_images_meet", "test_successors_hold_every_image_and_little_more",
    "test_removing_cells_is_what_removing_one_by_one_is", "test_removing_cells_of_any_arrows",
    "test_orbits_that_leave_and_come_back_are_not_lost", "test_which_cells_matter_and_where_orbits_come_back",
    "test_a_cell_that_holds_a_cycle_is_never_removed",
    "test_psi_lies_between_its_bounds_and_they_are_as_close_as_the_argument_says",
    "test_a_cell_meets_a_strip_or_a_way_back_if_one_of_its_corners_reaches_it",
    "test_whole_numbers_of_64_bits_are_enough",
)  # fmt: skip
QUICK_OF_THE_STORE = (
    "test_a_dataset_comes_back_as_it_was", "test_compression_loses_nothing",
    "test_kinds_and_precision_of_numbers_count_and_how_texts_are_held_does_not", "test_what_changes_is_named",
)  # fmt: skip
QUICK_OF_THE_JOB = (
    "test_the_ledger_holds_every_claim", "test_finished_work_is_used_again_unless_fresh",
    "test_only_runs_what_is_named", "test_the_tables_of_a_study_are_those_of_its_data",
    "test_figures_are_drawn_and_listed",
    "test_a_broken_stem_leaves_its_claims_open_and_says_why",
    "test_a_stem_that_cannot_be_imported_leaves_only_its_own_claims_open",
    "test_a_study_without_its_library_fails_in_one_line",
    "test_a_stem_confronts_exactly_its_claims",
)  # fmt: skip

RATE = ("tests/claims/test_theory_convergence.py", "tests/claims/test_theory_short_runs.py")

#: Which tests are asked about a module; its own doctests always are.
TESTS: Mapping[str, Sequence[str]] = {
    "vradam/optimizer.py": [
        "tests/instrument/test_optimizer.py",
        "tests/instrument/test_theory_recursion.py",
        "tests/instrument/test_baselines.py",
        "tests/instrument/test_sharpness.py::test_with_beta2_of_one_the_preconditioner_is_the_root_of_the_sum",
        "tests/instrument/test_sharpness.py::test_the_step_defines_the_preconditioner",
    ],
    "vradam/departures.py": ["tests/instrument/test_optimizer.py", "tests/instrument/test_theory_recursion.py"],
    "vradam/gates.py": ["tests/instrument/test_optimizer.py", "tests/instrument/test_theory_recursion.py"],
    "vradam/gated.py": ["tests/instrument/test_laws.py", "tests/instrument/test_theory_recursion.py"],
    "vradam/laws.py": ["tests/instrument/test_laws.py", "tests/instrument/test_theory_recursion.py"],
    "theory/claims/opening_law/stability.py": ["tests/claims/test_theory_opening_law.py", *claims("S8", closes=False)],
    "theory/claims/opening_law/variation.py": ["tests/claims/test_theory_opening_law.py", *claims("C3", closes=False)],
    "theory/claims/opening_law/rate.py": ["tests/claims/test_theory_opening_law.py", *claims("C3", closes=False)],
    "vradam/noise.py": ["tests/instrument/test_noise.py"],
    "theory/claims/convergence/predictable_gate.py": [*RATE, *claims("C1a")],
    "theory/methods/rate_lemmas.py": [*RATE, *claims("C1a")],
    "theory/claims/stability/__init__.py": ["tests/claims/test_theory_stability.py", *claims("S1", "S2", "S4")],
    "theory/methods/linearisation.py": ["tests/claims/test_theory_stability.py", *claims("S1", "S2", "S4")],
    "theory/claims/gate_sequences/circle_criterion.py": ["tests/claims/test_theory_gate_sequences.py", *claims("S3a")],
    "theory/claims/gate_sequences/__init__.py": ["tests/claims/test_theory_gate_sequences.py", *claims("S3a", "S5")],
    "theory/certificates/reading.py": [
        "tests/catalogues/test_check_certificate.py",
        "tests/catalogues/test_check_gates.py",
    ],
    "theory/certificates/gates.py": ["tests/catalogues/test_check_gates.py", "tests/catalogues/test_certify_gates.py"],
    "theory/certificates/cycles.py": ["tests/catalogues/test_check_certificate.py"],
    "theory/certificates/sweep.py": _of("tests/claims/test_theory_frontier.py", QUICK_OF_THE_MAP),
    "theory/certificates/cells.py": _of("tests/claims/test_theory_frontier.py", QUICK_OF_THE_MAP),
    "theory/claims/gate.py": ["tests/claims/test_theory_gate.py", *claims("G1", "G2")],
    "theory/recursion.py": ["tests/instrument/test_theory_recursion.py", *claims("S1", "S4")],
    "theory/methods/quadratic_family.py": [
        "tests/claims/test_theory_gate_sequences.py::test_every_proof_holds_and_needs_each_of_its_facts",
        "tests/claims/test_theory_smoothed_gate.py::test_every_step_holds",
        *claims("S7", closes=False),
    ],
    "theory/claims/smoothed_gate/__init__.py": [
        "tests/claims/test_theory_smoothed_gate.py",
        *claims("S7", closes=False),
    ],
    "theory/claims/convergence/smoothed_gate.py": _of("tests/claims/test_theory_smoothed_rate.py", QUICK_OF_C2),
    "theory/claims/cycles/beyond_edge.py": ["tests/claims/test_theory_beyond_edge.py", *claims("S6")],
    "theory/claims/cycles/below_edge.py": _of("tests/claims/test_theory_cycles.py", QUICK_OF_S3b),
    "theory/claims/bias/__init__.py": ["tests/claims/test_theory_bias.py", *claims("C1b")],
    "theory/claims/kinetic_energy.py": ["tests/claims/test_theory_kinetic_energy.py", *claims("K1")],
    "vradam/baselines.py": [
        "tests/instrument/test_baselines.py",
        "tests/instrument/test_sharpness.py::test_the_step_defines_the_preconditioner",
    ],
    "vradam/momentum.py": ["tests/instrument/test_baselines.py", "tests/instrument/test_theory_recursion.py"],
    "vradam/schedules.py": ["tests/instrument/test_schedules.py"],
    "vradam/objectives/elementary.py": [
        "tests/instrument/test_kernel_forms.py",
        "tests/instrument/test_objectives_closely.py",
    ],
    "vradam/engine/methods.py": ["tests/instrument/test_engine_methods.py"],
    "vradam/objectives/edge_models.py": [
        "tests/instrument/test_kernel_forms.py",
        "tests/instrument/test_objectives.py",
    ],
    "vradam/objectives/textbook.py": [
        "tests/instrument/test_kernel_forms.py",
        "tests/instrument/test_objectives.py",
        "tests/instrument/test_objectives_closely.py",
    ],
    "vradam/random_streams.py": ["tests/instrument/test_random_streams.py"],
    "vradam/engine/draws.py": ["tests/instrument/test_draws.py"],
    "vradam/dynamics.py": [
        "tests/instrument/test_dynamics_closely.py",
        *(
            f"tests/instrument/test_dynamics.py::test_{name}"
            for name in (
                "the_exponent_of_a_linear_recursion_is_that_of_its_largest_eigenvalue",
                "units_are_those_in_which_the_gate_begins_to_act",
                "starts_have_sizes_of_all_decades_and_are_the_same_for_every_setting",
                "a_cycle_is_the_same_in_any_phase",
                "a_period_is_the_least_after_which_a_run_recurs",
            )
        ),
    ],
    "vradam/workers.py": ["tests/instrument/test_workers.py"],
    "experiments/measurement/verdict.py": ["tests/job/test_verdict.py", "tests/job/test_verdict_closely.py"],
    "experiments/measurement/statistics.py": ["tests/job/test_statistics.py"],
    "experiments/studies/bias.py": ["tests/claims/test_experiments_bias.py"],
    "experiments/studies/convergence.py": ["tests/claims/test_experiments_convergence.py"],
    "experiments/studies/early_dip.py": ["tests/claims/test_experiments_early_dip.py"],
    "experiments/measurement/central_rate.py": [
        "tests/claims/test_central_rate_closely.py",
        "tests/claims/test_central_rate.py::test_the_balance_with_momentum_is_enclosed",
    ],
    "experiments/studies/gate.py": ["tests/claims/test_experiments_gate.py"],
    "experiments/studies/kinetic_energy.py": ["tests/claims/test_experiments_kinetic_energy.py"],
    "experiments/store/chunks.py": [
        *_of("tests/job/test_store.py", QUICK_OF_THE_STORE),
        "tests/job/test_store_kept.py",
    ],
    "experiments/store/files.py": ["tests/job/test_store_files.py", "tests/job/test_store_kept.py"],
    "experiments/store/manifest.py": ["tests/job/test_store.py", "tests/job/test_store_kept.py"],
    "experiments/store/imported.py": ["tests/job/test_fingerprint.py"],
    "experiments/store/fingerprint.py": ["tests/job/test_fingerprint.py"],
    "experiments/store/environment.py": ["tests/job/test_fingerprint.py"],
    "experiments/verification.py": ["tests/job/test_verification.py"],
    "experiments/examinations.py": [
        "tests/job/test_examinations.py",
        "tests/job/test_fingerprint.py::test_an_examination_rests_on_its_own_claim",
    ],
    "experiments/results.py": ["tests/job/test_main_job.py", "tests/job/test_verification.py"],
    "experiments/job.py": [
        *_of("tests/job/test_main_job.py", QUICK_OF_THE_JOB),
        "tests/job/test_main_job.py::test_the_record_is_asked_where_everything_is_asked_for_and_there_is_one",
        "tests/job/test_parts.py",
    ],
}
#: Studies whose verdicts rest on long runs: of each of them at least ten mutants are tried.
NUMBERS = ("experiments/studies/bias.py", "experiments/studies/convergence.py", "experiments/studies/early_dip.py")
#: What the figures and verdicts rest on most: optimizer, gate, noise, bounds, thresholds, certificates.
TARGETS = [name for name in TESTS if list(TESTS).index(name) <= list(TESTS).index("theory/certificates/cycles.py")]


def drawn(found: Mapping[str, Sequence[Mutant]], number: int, draw: random.Random) -> dict[str, list[Mutant]]:
    """So many mutants of each package, by module; of each module in :data:`NUMBERS` at least ten of them."""
    chosen: dict[str, list[Mutant]] = {name: [] for name in found}
    for package in dict.fromkeys(name.partition("/")[0] for name in found):
        names = [name for name in found if name.partition("/")[0] == package]
        for name in set(NUMBERS) & set(names):
            chosen[name] = draw.sample(list(found[name]), min(10, len(found[name]), number))
        left = [mutant for name in names for mutant in found[name] if mutant not in chosen[name]]
        room = max(0, number - sum(len(chosen[name]) for name in names))
        for mutant in draw.sample(left, min(room, len(left))):
            chosen[mutant.module].append(mutant)
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 0; 2 for a bad request or where the tests fail without any change."""
    parser = argparse.ArgumentParser(description="Mutate formulas and operators; which changes does no test notice?")
    parser.add_argument(
        "modules", nargs="*", metavar="MODULE", help="such as theory/claims/stability/__init__.py (default: the core)"
    )
    parser.add_argument("--all", action="store_true", help="every module that has tests listed")
    parser.add_argument("--each", type=int, metavar="N", help="N mutants of each package, of all modules listed")
    parser.add_argument("--sample", type=int, metavar="N", help="at most N mutants of each module")
    parser.add_argument("--seed", type=int, default=0, help="of the sample and the order")
    parser.add_argument("--minutes", type=float, default=60.0, help="start no mutant after this time")
    parser.add_argument("--jobs", type=int, default=2, help="processes at a time")
    parser.add_argument("--only", metavar="TEXT", help="only mutants whose name contains TEXT")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there too")
    options = parser.parse_args(arguments)
    names = options.modules or (list(TESTS) if options.all or options.each else TARGETS)
    if unknown := [name for name in names if name not in TESTS]:
        parser.error(f"no tests are listed for {', '.join(unknown)}; the modules are {', '.join(TESTS)}")
    os.environ |= SETTINGS
    _warm()
    with tempfile.TemporaryDirectory(prefix="mutants-") as top:
        workers = [Worker(_copy(Path(top) / f"copy{i}")) for i in range(options.jobs)]
        modules = []
        queue: list[tuple[Module, Mutant]] = []
        draw = random.Random(options.seed)
        texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in names}
        found = {
            name: [mutant for mutant in mutants(name, text) if (options.only or "") in mutant.name]
            for name, text in texts.items()
        }
        if options.each:
            chosen = drawn(found, options.each, draw)
        else:
            chosen = {
                name: draw.sample(some, min(len(some), options.sample or len(some))) for name, some in found.items()
            }
        for name, some in chosen.items():
            if some:
                module = Module(name, texts[name], [*TESTS[name], name], len(found[name]), len(some))
                modules.append(module)
                queue += [(module, mutant) for mutant in some]
        draw.shuffle(queue)
        baselines: list[tuple[Module, Mutant | None]] = [(module, None) for module in reversed(modules)]
        _run(workers, baselines, time.monotonic() + 3600)
        queue = [(module, mutant) for module, mutant in queue if module.seconds]
        _run(workers, queue, time.monotonic() + 60 * options.minutes)
    print(table(modules))
    if options.json:
        asked = {"seed": options.seed, "sample": options.sample}
        options.json.write_text(json.dumps(asked | as_json(modules), indent=1) + "\n", encoding="utf-8")
    return 0 if all(module.seconds for module in modules) else 2


def _run(workers: Sequence[Worker], queue: list[tuple[Module, Mutant | None]], end: float) -> None:
    """Try every mutant of the queue (None: the module as it is), from its end, until it is empty or time is over."""
    while True:
        for worker in workers:
            if worker.process is None and queue and time.monotonic() < end:
                worker.start(*queue.pop())
        busy = [worker for worker in workers if worker.process is not None]
        if not busy:
            return
        soonest = min(worker.deadline for worker in busy) - time.monotonic()
        wait([worker.process.sentinel for worker in busy], timeout=max(0.0, soonest))
        for worker in busy:
            if not worker.process.is_alive() or time.monotonic() > worker.deadline:
                module, mutant = worker.module, worker.mutant
                assert module is not None
                status, report = worker.finish()
                if mutant is None:
                    _unchanged(module, status, report, worker)
                    continue
                if status == 0:
                    module.survivors.append(mutant)
                    print(f"survives: {module.name}:{mutant.line} {mutant.name}", flush=True)
                    continue
                failed = report.get("failed", [])
                module.killed[mutant.name] = failed[0] if failed else "hangs" if status is None else "cannot be run"
                module.timeouts += status is None
                for test in failed:
                    module.kills[test] = module.kills.get(test, 0) + 1


def _unchanged(module: Module, status: int | None, report: Mapping[str, Any], worker: Worker) -> None:
    """Note how long the tests of a module take; where they fail without any change its mutants are not tried."""
    if status == 0:
        module.seconds = report["seconds"]
        print(f"{module.name}: {module.total} mutants, tests take {sum(module.seconds.values()):.1f} s", flush=True)
        return
    print(worker.report.with_suffix(".log").read_text(encoding="utf-8", errors="replace")[-3000:])
    print(f"{module.name}: its tests fail without any change (status {status}); its mutants are not tried", flush=True)


def _warm() -> None:
    """Import what every test needs before forking; nothing that is mutated."""
    import hypothesis  # noqa: F401
    import numpy  # noqa: F401
    import pytest  # noqa: F401
    import scipy.stats  # noqa: F401
    import sympy  # noqa: F401
    import xarray  # noqa: F401


def _copy(folder: Path) -> Path:
    for room in ("vradam", "theory", "experiments", "paper_figures", "tests"):
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__", "gallery"))
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder)
    return folder


if __name__ == "__main__":
    sys.exit(main())
