"""A second process finds the compiled engine on disk: cache hits and no misses."""

import json
import subprocess
import sys

CODE = """
import json, numpy as np, vradam
from vradam.engine import lanes
from vradam.engine.methods import method
bowl, optimizer = vradam.objectives.log_cosh(3), vradam.VRAdam(alpha0=0.01)
vradam.simulate(optimizer, bowl, np.ones((20, 3)), 10, engine="compiled")
k, what = bowl.kernel, method(optimizer)
f = lanes.compiled(k.form, k.separable, k.mean_of_terms, what.direction, what.gate, what.law, 0, False, lanes.WIDTH)
print(json.dumps([sum(f.stats.cache_hits.values()), sum(f.stats.cache_misses.values())]))
"""


def test_a_second_process_loads_what_the_first_compiled():
    def process():
        done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    process()
    assert process() == [1, 0]
