"""E2: the early dip of the learning rate at the edge of stability. Nothing to derive; runs on other seeds decide."""

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
        "an observation in one experiment, on another network and other data than ours",
        "a setting of that kind: full batch, mean squared error, alpha0 .002, alpha1 19, beta3 1, eps 1e-7, on digits",
        "which gate was run is not stated: the velocity gate of Algorithm 1, or the gradient-norm gate for which the "
        "run folder of the public figure is named (read from a file name); both are run here",
        "falls: below 0.9 alpha0 within 25 steps; returns: above 0.9 alpha0 after 195 steps; the thresholds are ours",
    ),
    plain=(
        "At the start the gradients are large and point the same way, so the velocity builds up within about "
        "1/(1-beta1) steps and closes the gate; as the loss falls the velocity shrinks and the gate opens again. How "
        "deep the dip is depends on beta3 times the squared norm of the gradient, which differs from model to "
        "model, so it has to be measured."
    ),
    concludes="empirical",
    holds="scope: an MLP and a small convolutional network on digits, 195 full-batch steps, on a CPU",
)

CLAIMS = (E2,)
