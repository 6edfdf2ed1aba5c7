"""E1: does VRAdam outperform? There is nothing to derive; runs on fresh seeds decide."""

from __future__ import annotations

from theory.claim import Claim

E1 = Claim(
    id="E1",
    title="VRAdam against other optimizers",
    as_reported=(
        "VRAdam reaches better results than AdamW, RAdam, SGD with Nesterov momentum and RMSProp (and Lion in places) "
        "on CIFAR-10, WikiText-2, GridWorld flow matching, GPT-2 (124M) and two fine-tuning tasks."
    ),
    statement=(
        r"\mathrm{loss}(\mathrm{VRAdam}) < \mathrm{loss}(\mathrm{AdamW}),\ \mathrm{loss}(\mathrm{RAdam}),\ "
        r"\mathrm{loss}(\mathrm{Nesterov}),\ \mathrm{loss}(\mathrm{RMSProp})"
    ),
    source="VRAdam (arXiv:2505.13196), experiments",
    assumptions=(
        "an observation on other networks, data and budgets than ours; the source tunes by Bayesian optimisation, "
        "GFlowNets by random choice; here every optimizer is tuned by random search with the same budget",
        "test loss after the same number of steps; the family of comparisons is every named optimizer on every task, "
        "with Holm's correction at 5 %; more than half of them is our threshold for better",
    ),
    plain=(
        "Which optimizer reaches the lower loss is a question about tasks, tuning budgets and chance, not about "
        "algebra. What can be asked here is whether the ranking comes back on small tasks, with equal tuning for "
        "all and enough seeds to see the spread."
    ),
    concludes="empirical",
    holds="scope: four small networks (digits, characters, two grids), at most 2e3 steps, on a CPU",
)

CLAIMS = (E1,)
