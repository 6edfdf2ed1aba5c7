"""E3: the cost of the gate. There is nothing to derive; a stopwatch decides."""

from __future__ import annotations

from theory.claim import Claim

E3 = Claim(
    id="E3",
    title="Cost of the gate",
    as_reported=(
        "The overhead of the gate is negligible: an epoch of GPT-2 (124M parameters) takes 48,522.40 s, and "
        "48,549.56 s with AdamW."
    ),
    statement=r"\mathrm{time}(\mathrm{VRAdam}) \approx \mathrm{time}(\mathrm{AdamW})",
    source="VRAdam (arXiv:2505.13196), run times",
    assumptions=(
        "an observation on another network, machine and scale than ours",
        "same machine, same number of threads, same arrays; 5 % counts as negligible, a threshold of ours",
    ),
    plain=(
        "The gate needs one norm over all parameters per step. That is one more pass over memory beside the several "
        "passes that AdamW makes anyway, and small against the gradient; but the norm must be known before the "
        "step can be taken, so it cannot be fused into a single pass for nothing. It has to be measured."
    ),
    concludes="empirical",
    holds="scope: one hidden layer of 1e4 to 1e6 parameters, NumPy in single precision, on a CPU",
)

CLAIMS = (E3,)
