"""E2: the early dip of the learning rate. There is nothing to derive; runs on fresh seeds decide."""

from __future__ import annotations

from theory.claim import Claim

E2 = Claim(
    id="E2",
    title="Early dip of the learning rate",
    as_reported=(
        "In a ResNet-32 trained on CIFAR-10 the effective learning rate is observed to fall in roughly the first 25 "
        "steps and then to return near its maximum alpha0."
    ),
    statement=(
        r"\eta_t < \alpha_0 \ \ \mathrm{for}\ t \lesssim 25, \quad \eta_t \approx \alpha_0 \ \ \mathrm{afterwards}"
    ),
    source="VRAdam (arXiv:2505.13196), analysis of the learning rate during training",
    assumptions=(
        "an observation in one experiment, on a network and data other than ours",
        "training that starts with large, consistent gradients; gate strength beta3 of order one",
    ),
    plain=(
        "At the start the gradients are large and point the same way, so the velocity builds up within about "
        "1/(1-beta1) steps and closes the gate; as the loss falls the velocity shrinks and the gate opens again. How "
        "deep the dip is depends on beta3 times the squared norm of the gradient, which differs from model to "
        "model, so it has to be measured."
    ),
    concludes="empirical",
    holds="scope: eleven synthetic functions with noisy gradients; not a network trained on images",
)

CLAIMS = (E2,)
