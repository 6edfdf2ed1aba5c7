"""How much a wrong formula would be noticed: change one operator, number or comparison at a time, and run the tests.

    python tests/tools/mutation.py                         the modules that results rest on, all their mutants
    python tests/tools/mutation.py --sample 30 --seed 1    at most 30 mutants of each module
    python tests/tools/mutation.py --minutes 40 --jobs 2 theory/claims/stability/__init__.py vradam/noise.py
    python tests/tools/mutation.py --each 150 --seed 7     so many of each package, at least ten of each of NUMBERS

A mutant is a module with one change: an operator exchanged, a comparison moved or turned, a condition negated, a whole
number plus one, another number times 1.02, a truth value flipped, ``min`` for ``max`` and the like; defaults,
module-level formulas and compiled kernels included (kernels run interpreted here). Annotations, decorators, texts and
the arguments of exceptions, whether zip is strict and whether a bar is shown, are left alone. Each mutant is written
into a temporary copy of the rooms, and the tests of its module run there until one fails, the fastest and deadliest
first, in a process of its own, forked where the system can. Survivors are listed; ``mutation_reasons.json`` may say why
one changes nothing.
Settings of studies (fields of their setups, lists of problems) are left alone too: they are choices, and recorded with
every result, so that ``python -m experiments --verify`` names a reference that was made with others.
Standard library only, apart from what the tests need.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
REASONS = Path(__file__).with_name("mutation_reasons.json")
SETTINGS = {"NUMBA_DISABLE_JIT": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg"}


def claims(*names: str) -> list[str]:
    """The generic tests of these claims."""
    kinds = ("every_claim_closes", "two_percent_more_opens_the_claim", "another_recursion_gives_another_formula")
    return [f"tests/catalogues/test_theory_claims.py::test_{kind}[{name}]" for name in names for kind in kinds]


#: Which tests are asked about a module; its own doctests always are.
TESTS: Mapping[str, Sequence[str]] = {
    "vradam/optimizer.py": [
        "tests/instrument/test_optimizer.py",
        "tests/instrument/test_theory_recursion.py",
        "tests/instrument/test_baselines.py",
    ],
    "vradam/departures.py": ["tests/instrument/test_optimizer.py", "tests/instrument/test_theory_recursion.py"],
    "vradam/gates.py": ["tests/instrument/test_optimizer.py", "tests/instrument/test_theory_recursion.py"],
    "vradam/gated.py": ["tests/instrument/test_laws.py", "tests/instrument/test_theory_recursion.py"],
    "vradam/laws.py": ["tests/instrument/test_laws.py", "tests/instrument/test_theory_recursion.py"],
    "theory/claims/opening_law/stability.py": ["tests/claims/test_theory_opening_law.py", *claims("S8")],
    "theory/claims/opening_law/variation.py": ["tests/claims/test_theory_opening_law.py", *claims("C3")],
    "theory/claims/opening_law/rate.py": ["tests/claims/test_theory_opening_law.py", *claims("C3")],
    "vradam/noise.py": ["tests/instrument/test_noise.py"],
    "theory/claims/convergence/predictable_gate.py": ["tests/claims/test_theory_convergence.py", *claims("C1a")],
    "theory/methods/rate_lemmas.py": ["tests/claims/test_theory_convergence.py", *claims("C1a")],
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
    "theory/claims/gate.py": ["tests/claims/test_theory_gate.py", *claims("G1", "G2")],
    "theory/recursion.py": ["tests/instrument/test_theory_recursion.py", *claims("S1", "S4")],
    "theory/methods/quadratic_family.py": ["tests/claims/test_theory_smoothed_gate.py", *claims("S7")],
    "theory/claims/smoothed_gate/__init__.py": ["tests/claims/test_theory_smoothed_gate.py", *claims("S7")],
    "theory/claims/convergence/smoothed_gate.py": ["tests/claims/test_theory_smoothed_rate.py", *claims("C2")],
    "theory/claims/cycles/beyond_edge.py": ["tests/claims/test_theory_beyond_edge.py", *claims("S6")],
    "theory/claims/cycles/below_edge.py": ["tests/claims/test_theory_cycles.py", *claims("S3b")],
    "theory/claims/bias/__init__.py": ["tests/claims/test_theory_bias.py", *claims("C1b")],
    "theory/claims/kinetic_energy.py": ["tests/claims/test_theory_kinetic_energy.py", *claims("K1")],
    "vradam/baselines.py": ["tests/instrument/test_baselines.py"],
    "vradam/schedules.py": ["tests/instrument/test_schedules.py"],
    "vradam/objectives/elementary.py": ["tests/instrument/test_engine_lanes.py", "tests/instrument/test_rng.py"],
    "vradam/engine/methods.py": ["tests/instrument/test_engine_lanes.py"],
    "vradam/objectives/edge_models.py": [
        "tests/instrument/test_objectives.py",
        "tests/instrument/test_engine_lanes.py",
    ],
    "vradam/objectives/textbook.py": ["tests/instrument/test_objectives.py", "tests/instrument/test_engine_lanes.py"],
    "vradam/random_streams.py": ["tests/instrument/test_rng.py"],
    "vradam/engine/draws.py": ["tests/instrument/test_rng.py", "tests/instrument/test_noise.py"],
    "vradam/dynamics.py": ["tests/instrument/test_dynamics.py"],
    "vradam/workers.py": ["tests/instrument/test_workers.py"],
    "experiments/measurement/verdict.py": ["tests/job/test_verdict.py"],
    "experiments/measurement/statistics.py": ["tests/job/test_statistics.py"],
    "experiments/studies/bias.py": ["tests/claims/test_experiments_bias.py"],
    "experiments/studies/convergence.py": ["tests/claims/test_experiments_convergence.py"],
    "experiments/studies/early_dip.py": ["tests/claims/test_experiments_early_dip.py"],
    "experiments/measurement/central_rate.py": ["tests/claims/test_central_rate.py"],
    "experiments/studies/gate.py": ["tests/claims/test_experiments_gate.py"],
    "experiments/studies/kinetic_energy.py": ["tests/claims/test_experiments_kinetic_energy.py"],
    "experiments/store/chunks.py": ["tests/job/test_store.py"],
    "experiments/store/files.py": ["tests/job/test_store.py"],
    "experiments/store/manifest.py": ["tests/job/test_store.py"],
    "experiments/store/imported.py": ["tests/job/test_fingerprint.py"],
    "experiments/store/fingerprint.py": ["tests/job/test_fingerprint.py"],
    "experiments/store/environment.py": ["tests/job/test_fingerprint.py"],
    "experiments/verification.py": ["tests/job/test_verification.py"],
    "experiments/examinations.py": ["tests/job/test_main_job.py", "tests/job/test_fingerprint.py"],
    "experiments/results.py": ["tests/job/test_main_job.py", "tests/job/test_verification.py"],
    "experiments/job.py": ["tests/job/test_main_job.py"],
}
#: What a study chooses, by name, beside the fields of its setups.
CHOICES = ("DEFAULT", "PAPER", "PROBLEMS", "LONGEST", "GATES", "ALL")
#: Studies whose verdicts rest on long runs: of each of them at least ten mutants are tried.
NUMBERS = ("experiments/studies/bias.py", "experiments/studies/convergence.py", "experiments/studies/early_dip.py")
#: What the figures and verdicts rest on most: optimizer, gate, noise, bounds, thresholds, certificates.
TARGETS = [name for name in TESTS if list(TESTS).index(name) <= list(TESTS).index("theory/certificates/cycles.py")]


# ---------------------------------------------------------------- mutants

OPERATORS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Pow: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult, ast.MatMult: ast.Mult, ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitOr, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
COMPARISONS = {
    ast.Lt: (ast.LtE, ast.Gt), ast.LtE: (ast.Lt, ast.GtE), ast.Gt: (ast.GtE, ast.Lt), ast.GtE: (ast.Gt, ast.LtE),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,), ast.Is: (ast.IsNot,), ast.IsNot: (ast.Is,), ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}  # fmt: skip
TWINS = {"min": "max", "minimum": "maximum", "any": "all", "floor": "ceil", "argmin": "argmax", "Min": "Max"}
TWINS |= {second: first for first, second in TWINS.items()}


@dataclass(frozen=True)
class Mutant:
    """One change: ``name`` says where and what, ``source`` is the module with it."""

    module: str
    name: str
    line: int
    source: str


def mutants(module: str, text: str) -> list[Mutant]:
    """Every mutant of a module's text, in order."""
    found: list[Mutant] = []
    seen: dict[str, int] = {}
    tree = ast.parse(text)
    settings = _settings(tree) if module.startswith("experiments/studies/") else set()
    for place, parent, node in list(_walk(tree, "")):
        if id(node) in settings:
            continue
        shown = parent if isinstance(node, ast.Constant | ast.Name | ast.Attribute) else node
        for attribute, new in _changes(parent, node):
            old, before = getattr(node, attribute), _short(shown)
            setattr(node, attribute, new)
            name = f"{place}: {before} -> {_short(shown)}"
            source = ast.unparse(tree)
            setattr(node, attribute, old)
            seen[name] = seen.get(name, 0) + 1
            name += f" ({seen[name]})" if seen[name] > 1 else ""
            found.append(Mutant(module, name, node.lineno, source))
    return found


def _changes(parent: ast.AST | None, node: Any) -> Iterator[tuple[str, Any]]:
    """The changes of one node: an attribute and its new value."""
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign):
        if type(node.op) in OPERATORS and not _is_text(node):
            yield "op", OPERATORS[type(node.op)]()
    elif isinstance(node, ast.Compare):
        for i, operator in enumerate(node.ops):
            for other in COMPARISONS[type(operator)]:
                yield "ops", [*node.ops[:i], other(), *node.ops[i + 1 :]]
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "op", ast.UAdd()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "operand", ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(node.test, ast.Compare | ast.UnaryOp):
        yield "test", ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
        yield "value", _other(node.value)
    elif isinstance(parent, ast.Call) and node is parent.func and isinstance(node, ast.Name | ast.Attribute):
        attribute = "id" if isinstance(node, ast.Name) else "attr"
        if twin := TWINS.get(getattr(node, attribute)):
            yield attribute, twin


def _short(node: Any) -> str:
    text = " ".join(ast.unparse(node.test if isinstance(node, ast.If | ast.While) else node).split())
    return text if len(text) <= 90 else text[:87] + "..."


def _walk(node: ast.AST, place: str, parent: ast.AST | None = None) -> Iterator[tuple[str, ast.AST | None, ast.AST]]:
    """Nodes in which a change matters, with the qualified name of where they are and their parent."""
    yield place or "module", parent, node
    if isinstance(node, ast.Raise | ast.Import | ast.ImportFrom | ast.JoinedStr):
        return
    if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
        return
    if isinstance(node, ast.keyword) and node.arg in ("strict", "progress"):  # a check of zip, a bar: no formula
        return
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        place = f"{place}.{node.name}".lstrip(".")
    skipped = {"annotation", "returns", "decorator_list", "type_comment"}
    for name, value in ast.iter_fields(node):
        if name not in skipped:
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from _walk(child, place, node)


def _settings(tree: ast.Module) -> set[int]:
    """The nodes of what a study chooses: fields of classes, and its :data:`CHOICES`."""
    chosen: list[ast.AST] = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            chosen += [part for part in node.body if isinstance(part, ast.AnnAssign)]
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in CHOICES:
            chosen.append(node)
    return {id(part) for node in chosen for part in ast.walk(node)}


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


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return value * 1.02 if value and abs(value) < 1e300 else 1.0


def _is_text(node: Any) -> bool:
    """Sums and products of texts are no formulas."""
    sides = [node.left, node.right] if isinstance(node, ast.BinOp) else []
    return any(isinstance(side, ast.JoinedStr) or isinstance(getattr(side, "value", None), str) for side in sides)


# ---------------------------------------------------------------- running tests on one


def run_tests(folder: Path, tests: Sequence[str], order: Mapping[str, float], report: Path) -> None:
    """Run ``tests`` in ``folder``, in this process, which then ends: status 0 when all pass. Writes what happened."""
    if hasattr(os, "setsid"):
        os.setsid()
    log = os.open(report.with_suffix(".log"), os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    for stream in (0, 1, 2):
        os.dup2(log, stream)
    os.chdir(folder)
    os.environ["PYTHONPATH"] = str(folder)
    sys.path.insert(0, str(folder))
    import pytest

    watcher = _Watcher(order)
    words = ["-x", "-q", "-n0", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    status = pytest.main([*words, "--rootdir", str(folder), *tests], plugins=[watcher])
    report.write_text(json.dumps({"seconds": watcher.seconds, "failed": watcher.failed}), encoding="utf-8")
    os._exit(int(status))


class _Watcher:
    """Orders the tests by what they are expected to cost, notes what they did, and lets Hypothesis not shrink."""

    def __init__(self, order: Mapping[str, float]) -> None:
        self.order, self.seconds, self.failed = order, dict[str, float](), list[str]()

    def pytest_sessionstart(self) -> None:
        from hypothesis import Phase, settings

        settings.register_profile("mutants", derandomize=True, phases=(Phase.explicit, Phase.generate), database=None)
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items.sort(key=lambda item: self.order.get(item.nodeid, 0.0))

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self.failed.append(report.nodeid)


@dataclass
class Module:
    """A module under test: how long each of its tests takes, how often each killed, and what came of the mutants."""

    name: str
    text: str
    tests: Sequence[str]
    total: int = 0
    chosen: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=dict)
    killed: int = 0
    timeouts: int = 0
    survivors: list[Mutant] = field(default_factory=list)

    @property
    def order(self) -> dict[str, float]:
        return {test: cost / (1 + self.kills.get(test, 0)) for test, cost in self.seconds.items()}

    @property
    def limit(self) -> float:
        """Seconds after which a mutant is taken to hang."""
        return 15 + 5 * sum(self.seconds.values())


@dataclass
class Worker:
    """One copy of the rooms, and the process that runs tests in it."""

    folder: Path
    process: Any = None
    mutant: Mutant | None = None
    module: Module | None = None
    deadline: float = 0.0
    count: int = 0

    def start(self, module: Module, mutant: Mutant | None) -> None:
        self.module, self.mutant, self.count = module, mutant, self.count + 1
        path = self.folder / module.name
        path.write_text(mutant.source if mutant else module.text, encoding="utf-8")
        moment = 1_000_000_000 + 10 * self.count  # compiled files are matched by time and size: never twice the same
        os.utime(path, (moment, moment))
        self.report.unlink(missing_ok=True)
        method = "fork" if "fork" in get_all_start_methods() else "spawn"
        arguments = (self.folder, module.tests, module.order, self.report)
        self.process = get_context(method).Process(target=run_tests, args=arguments)
        self.process.start()
        self.deadline = time.monotonic() + (module.limit if mutant else 600)

    @property
    def report(self) -> Path:
        return self.folder.parent / f"{self.folder.name}.json"

    def finish(self) -> tuple[int | None, dict[str, Any]]:
        """The exit status (None: it hung) and the report; the module is as it was."""
        assert self.module is not None
        self.process.join(1)
        hung = self.process.is_alive()
        if hung:
            if hasattr(os, "killpg"):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.kill()
        self.process.join()
        status, self.process = self.process.exitcode, None
        self.start_over()
        text = self.report.read_text(encoding="utf-8") if self.report.exists() else "{}"
        return (None if hung else status), json.loads(text)

    def start_over(self) -> None:
        assert self.module is not None
        path = self.folder / self.module.name
        path.write_text(self.module.text, encoding="utf-8")
        os.utime(path, (1_000_000_000, 1_000_000_000))


# ---------------------------------------------------------------- the whole


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
        for module in modules:
            workers[0].start(module, None)
            wait([workers[0].process.sentinel], timeout=600)
            status, report = workers[0].finish()
            if status != 0:
                print(workers[0].report.with_suffix(".log").read_text(encoding="utf-8", errors="replace")[-3000:])
                print(f"{module.name}: its tests fail without any change (status {status})")
                return 2
            module.seconds = report["seconds"]
            print(f"{module.name}: {module.total} mutants, tests take {sum(module.seconds.values()):.1f} s", flush=True)
        _run(workers, queue, time.monotonic() + 60 * options.minutes)
    print(table(modules))
    if options.json:
        options.json.write_text(json.dumps(as_json(modules, options), indent=1) + "\n", encoding="utf-8")
    return 0


def _run(workers: Sequence[Worker], queue: list[tuple[Module, Mutant]], end: float) -> None:
    """Try every mutant of the queue, from its end, until it is empty or the time is over."""
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
                assert module is not None and mutant is not None
                status, report = worker.finish()
                if status == 0:
                    module.survivors.append(mutant)
                    print(f"survives: {module.name}:{mutant.line} {mutant.name}", flush=True)
                    continue
                module.killed += 1
                module.timeouts += status is None
                for test in report.get("failed", []):
                    module.kills[test] = module.kills.get(test, 0) + 1


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


def reasons() -> dict[str, dict[str, str]]:
    """Why a mutant changes nothing that a test could see, by module and mutant."""
    return json.loads(REASONS.read_text(encoding="utf-8")) if REASONS.exists() else {}


def table(modules: Sequence[Module]) -> str:
    """Per module: mutants, tried, killed, survivors; and the survivors."""
    known = reasons()
    lines = [f"{'module':30} {'mutants':>8} {'tried':>6} {'killed':>7} {'hung':>5} {'survive':>8} {'score':>7}"]
    for module in modules:
        tried = module.killed + len(module.survivors)
        score = f"{100 * module.killed / tried:6.1f}%" if tried else "      -"
        lines.append(
            f"{module.name:30} {module.total:8} {tried:6} {module.killed:7} {module.timeouts:5} "
            f"{len(module.survivors):8} {score:>7}"
        )
    packages = [*dict.fromkeys(module.name.partition("/")[0] for module in modules), "together"]
    for package in packages if len(packages) > 2 else packages[-1:]:
        part = [module for module in modules if package in ("together", module.name.partition("/")[0])]
        killed = sum(module.killed for module in part)
        judged = sum(mutant.name in known.get(module.name, {}) for module in part for mutant in module.survivors)
        tried = killed + sum(len(module.survivors) for module in part)
        share = f"{100 * killed / max(tried, 1):.1f}% killed" + (f", {judged} survivors judged" if judged else "")
        lines.append(f"{package:30} {'':8} {tried:6} {killed:7}   {share}")
    for module in modules:
        for mutant in sorted(module.survivors, key=lambda mutant: mutant.line):
            why = known.get(module.name, {}).get(mutant.name, "")
            lines.append(f"{module.name}:{mutant.line} {mutant.name}" + (f"   [{why}]" if why else ""))
    return "\n".join(lines)


def as_json(modules: Sequence[Module], options: argparse.Namespace) -> dict[str, Any]:
    """The report as data."""
    known = reasons()
    return {
        "seed": options.seed,
        "sample": options.sample,
        "modules": {
            module.name: {
                "mutants": module.total,
                "tried": module.killed + len(module.survivors),
                "killed": module.killed,
                "hung": module.timeouts,
                "survivors": [
                    {"line": mutant.line, "mutant": mutant.name, "reason": known.get(module.name, {}).get(mutant.name)}
                    for mutant in module.survivors
                ],
            }
            for module in modules
        },
    }


if __name__ == "__main__":
    sys.exit(main())
