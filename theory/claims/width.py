"""W1: does a gate widen the range of learning rates that work? The project's own hypothesis; runs decide."""

from __future__ import annotations

from theory.claim import Claim

W1 = Claim(
    id="W1",
    title="A gate widens the range of learning rates",
    as_reported=(
        "The project's own hypothesis: under the held law the alignment of force and velocity widens the range of "
        "alpha0 that works by at least half a decade against Adam at equal beta1, and loses nothing at the best alpha0."
    ),
    statement=(
        r"\mathrm{decades}(\mathrm{gate}) - \mathrm{decades}(\mathrm{Adam}) \geq \frac{1}{2}, \quad "
        r"\frac{\mathrm{best\ steps}(\mathrm{gate})}{\mathrm{best\ steps}(\mathrm{Adam})} \leq 1"
    ),
    source="introduced here; the hopes for a gate are those of VRAdam (arXiv:2505.13196)",
    assumptions=(
        "an observation on small test problems and networks: the decades of alpha0 whose median steps to the target "
        "stay within twice Adam's best, Adam and the gate at beta1 = 0.9, constant rates",
        "the constants of the gate were found on the eleven problems of the study of sensitivity and fixed before "
        "these runs; other problems and networks decide",
        "the interval of the mean gain over problems lies at or above half a decade, and that of the mean log-ratio of "
        "the best steps reaches 1 or below, with any one problem left out; both on fresh seeds as well, at 95 % shared "
        "among the three gates compared",
    ),
    plain=(
        "A gate that notices when the step overshoots could forgive a learning rate that is too large. Whether that is "
        "worth anything is a question for experiments: how many decades of learning rates still reach the target in "
        "at most twice Adam's best number of steps, with and without the gate, everything else equal, on problems "
        "and networks that took no part in choosing the gate's constants. 'Reproduced' would mean: it widens; "
        "'not reproduced': it does not widen; 'inconclusive': these runs do not tell."
    ),
    concludes="empirical",
    holds="scope: twelve problems of the catalogue, 500 steps, and four small networks, 220; none took part in tuning",
)

CLAIMS = (W1,)
