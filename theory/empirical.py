"""E1 to E3: what is claimed about training runs. There is nothing to derive; experiments on fresh seeds decide."""

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

E2 = Claim(
    id="E2",
    title="Early dip of the learning rate",
    as_reported=(
        "The effective learning rate dips during roughly the first 25 steps and then returns to nearly alpha0."
    ),
    statement=(
        r"\eta_t < \alpha_0 \ \ \mathrm{for}\ t \lesssim 25, \quad \eta_t \approx \alpha_0 \ \ \mathrm{afterwards}"
    ),
    source="VRAdam (arXiv:2505.13196), analysis of the learning rate during training",
    assumptions=("training that starts with large, consistent gradients", "default gate: beta3 of order one"),
    plain=(
        "At the start the gradients are large and point the same way, so the velocity builds up within about "
        "1/(1-beta1) steps and closes the gate; as the loss falls the velocity shrinks and the gate opens again. How "
        "deep the dip is depends on beta3 times the squared norm of the gradient, which differs from model to "
        "model, so it has to be measured."
    ),
    concludes="empirical",
)

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
