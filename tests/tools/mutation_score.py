"""What came of mutants: killed, judged or not, by module and package, and the score killed/(drawn - equal)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import Any

from mutant_tests import Module

REASONS = Path(__file__).with_name("mutation_reasons.json")


def reasons() -> dict[str, dict[str, str]]:
    """Why a mutant changes nothing that a test could see, by module and mutant."""
    return json.loads(REASONS.read_text(encoding="utf-8")) if REASONS.exists() else {}


@dataclass(frozen=True)
class Count:
    """What came of the mutants drawn: killed, or surviving and judged equal, judged otherwise, or not judged."""

    drawn: int = 0
    killed: int = 0
    equal: int = 0
    otherwise: int = 0
    unjudged: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def share(self) -> str:
        """Of the mutants that change anything, how many are killed: killed/(drawn - equal)."""
        changing = self.drawn - self.equal
        return f"{100 * self.killed / changing:.1f}%" if changing else "-"


def count(module: Module, known: Mapping[str, str]) -> Count:
    """The count of one module; a reason that begins with "equal" says that the mutant changes nothing."""
    why = [known.get(mutant.name) for mutant in module.survivors]
    equal = sum(reason is not None and reason.startswith("equal") for reason in why)
    judged = sum(reason is not None for reason in why)
    drawn = len(module.killed) + len(why)
    return Count(drawn, len(module.killed), equal, judged - equal, len(why) - judged)


def misjudged(module: Module, known: Mapping[str, str]) -> dict[str, str]:
    """Mutants that are judged equal, and yet a test tells them apart: which test."""
    return {name: test for name, test in module.killed.items() if known.get(name, "").startswith("equal")}


def table(modules: Sequence[Module]) -> str:
    """Per module and package what came of the mutants; then the survivors, and what is judged wrongly."""
    known = reasons()
    columns = ("mutants", "drawn", "killed", "equal", "otherwise", "unjudged", "killed/(drawn - equal)")
    lines = [f"{'module':52}" + "  ".join(columns)]
    counts = {module.name: count(module, known.get(module.name, {})) for module in modules}
    rows: dict[str, tuple[int | str, Count]] = {module.name: (module.total, counts[module.name]) for module in modules}
    packages = dict.fromkeys(name.partition("/")[0] for name in counts)
    for package in packages if len(packages) > 1 else ():
        rows[package] = "", sum((some for name, some in counts.items() if name.startswith(f"{package}/")), Count())
    rows["together"] = "", sum(counts.values(), Count())
    for name, (total, some) in rows.items():
        cells = zip(columns, (total, *astuple(some), some.share), strict=True)
        lines.append(f"{name:52}" + "  ".join(f"{cell:>{len(column)}}" for column, cell in cells))
    for module in modules:
        judged = known.get(module.name, {})
        for mutant in sorted(module.survivors, key=lambda mutant: mutant.line):
            why = judged.get(mutant.name, "")
            lines.append(f"{module.name}:{mutant.line} {mutant.name}" + (f"   [{why}]" if why else ""))
        wrong = misjudged(module, judged)
        lines += [f"judged equal, but killed: {module.name} {name}   [{test}]" for name, test in wrong.items()]
    return "\n".join(lines)


def as_json(modules: Sequence[Module]) -> dict[str, Any]:
    """The report as data."""
    known = reasons()
    return {
        "modules": {
            module.name: {
                "mutants": module.total,
                **asdict(count(module, known.get(module.name, {}))),
                "hung": module.timeouts,
                "judged equal, but killed": misjudged(module, known.get(module.name, {})),
                "survivors": [
                    {"line": mutant.line, "mutant": mutant.name, "reason": known.get(module.name, {}).get(mutant.name)}
                    for mutant in module.survivors
                ],
            }
            for module in modules
        },
    }
