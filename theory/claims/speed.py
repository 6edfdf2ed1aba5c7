"""E3: the cost of the gate. There is nothing to derive; a stopwatch decides."""

from __future__ import annotations

from theory.claim import Claim

E3 = Claim(
    id="E3",
    title="Cost of the gate",
    as_reported="The overhead of the gate is negligible: an epoch takes as long as with AdamW.",
    statement=r"\mathrm{time}(\mathrm{VRAdam}) \approx \mathrm{time}(\mathrm{AdamW})",
    source="VRAdam (arXiv:2505.13196), run times",
    assumptions=("same machine, same number of threads, same arrays",),
    plain=(
        "The gate needs one norm over all parameters per step. That is one more pass over memory beside the several "
        "passes that AdamW makes anyway, and small against the gradient; but the norm must be known before the "
        "step can be taken, so it cannot be fused into a single pass for nothing. It has to be measured."
    ),
    concludes="empirical",
)

CLAIMS = (E3,)
