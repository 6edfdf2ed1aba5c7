"""E1: does VRAdam outperform? There is nothing to derive; runs on fresh seeds decide."""

from __future__ import annotations

from theory.claim import Claim

E1 = Claim(
    id="E1",
    title="VRAdam against other optimizers",
    as_reported=(
        "VRAdam beats AdamW, RAdam, SGD with Nesterov momentum and RMSProp (and in places Lion and SAM) on image "
        "classification, language modelling and GFlowNets."
    ),
    statement=(
        r"\mathrm{loss}(\mathrm{VRAdam}) < \mathrm{loss}(\mathrm{AdamW}),\ \mathrm{loss}(\mathrm{RAdam}),\ "
        r"\mathrm{loss}(\mathrm{Nesterov}),\ \mathrm{loss}(\mathrm{RMSProp})"
    ),
    source="VRAdam (arXiv:2505.13196), experiments",
    assumptions=(
        "every optimizer tuned with the same budget",
        "validation loss after the same number of steps, several seeds",
    ),
    plain=(
        "Which optimizer reaches the lower loss is a question about tasks, tuning budgets and chance, not about "
        "algebra. What can be asked here is whether the ranking comes back on small tasks, with equal tuning for "
        "all and enough seeds to see the spread."
    ),
    concludes="empirical",
)

CLAIMS = (E1,)
