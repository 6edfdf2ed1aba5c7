"""The figures: what each must find in its data, what it draws of it, and that nothing is blank or cut off."""

import re
from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import planted_source
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg

import vradam
from experiments.measurement import central_rate, frontier
from experiments.store.chunks import save_data
from experiments.studies import (
    bias,
    convergence,
    cycles,
    gate,
    gate_sequences,
    kinetic_energy,
    opening_law,
    sensitivity,
    source,
    stability,
)
from experiments.studies.cycles import basins, beyond_edge
from experiments.studies.sensitivity.steps_to_target import Task
from experiments.studies.stability import adaptive_edge
from paper_figures import __main__ as command
from paper_figures import draw_all, style, write_gallery
from paper_figures.__main__ import read_record, reference
from paper_figures.figure import figures, named
from paper_figures.figures import stability_chart
from paper_figures.figures.landscapes import MINIMISERS, PAIRS, STEPS
from paper_figures.figures.performance_profile import SHOWN as SHOWN_PROFILES
from paper_figures.figures.sensitivity import FORMS
from paper_figures.style import save, sheet
from theory.claims.cycles.below_edge import CYCLES
from vradam import problems, simulation
from vradam.dynamics import Horizon

SHOWN = ("published", "inside", "smoothed beta2", "Adam")


class Plain:
    """Chunks that are computed, and not written and read back: that changes none (tests/job/test_store.py)."""

    def map(self, function, arguments):
        return {key: function(*values) for key, values in arguments.items()}

    def gather(self, parts):
        return {key: part() for key, part in parts.items()}


@pytest.fixture(scope="module")
def data():
    """Every stem's data, from setups so small that NumPy is done before a kernel would be compiled."""
    simulate = vradam.simulate
    with pytest.MonkeyPatch.context() as patch:
        for module in (vradam, simulation):
            patch.setattr(module, "simulate", lambda *given, **named: simulate(*given, **named | {"engine": "numpy"}))
        return small_data()


def small_data():
    none = Plain()
    plan = frontier.Map(
        variants=(frontier.PUBLISHED, frontier.SMOOTHED), beta1_cells=4, fraction_cells=4, starts=4,
        horizon=Horizon(extensions=0),
    )  # fmt: skip
    beyond = beyond_edge.Setup(ratios=(0.5, 3.0, 26), starts=2, settle=600, samples=48, lyapunov_steps=2)
    portraits = [beyond_edge.portrait(beyond, variant) for variant in beyond.variants]
    words = gate_sequences.Setup(beta1=(0.5, 0.9), alpha1=(10.0,), fractions=(0.01, 0.9, 6), longest=6)
    items = tuple(
        convergence.Informative(item.bound, (50, 200), item.beta1, item.alpha1)
        for item in convergence.DEFAULT.informative
    )
    central = central_rate.Central(horizons=(50, 200), seeds=10)
    rates = convergence.Setup(
        problems=problems.CONVEX[:1], horizons=(20, 40, 80), informative=items, central=central, seeds=10
    )
    noise = bias.Setup(
        laws=(bias.Law(0.1, 1.0), bias.Law(0.5, 2.0)), plateau_horizon=400, horizons=(100, 400),
        curve_laws=(bias.Law(0.1, 1.0),), crossing=bias.Crossing(horizon=500, repaired_horizon=500, seeds=10), seeds=10,
    )  # fmt: skip
    small = replace(
        sensitivity.DEFAULT,
        tasks=(Task(problems.HIMMELBLAU, steps=40), Task(problems.RATIONAL, steps=40)), seeds=(2, 3),
        map_tasks=(Task(problems.HIMMELBLAU, steps=40),),
    )  # fmt: skip
    lawful = opening_law.Setup(
        beta1=(0.5, 0.9), fractions=(0.5, 0.9), starts=2, steps=60, ratios=(3.0, 8.0), burst_steps=60, shown=60, seeds=2
    )
    plateaus = [bias.measure_plateau(noise, law) for law in noise.laws]
    curves = [bias.measure_curve(noise, noise.curve_laws[0], name) for name in SHOWN]
    return {
        "kinetic_energy": {"phase_portrait": kinetic_energy.phase_portrait(kinetic_energy.DEFAULT)},
        "gate": gate.run(replace(gate.DEFAULT, starts=40, steps=100), none).data,
        "stability": {
            f"adaptive-{i}": adaptive_edge.measure(
                adaptive_edge.Run(run.model, run.optimizer, run.alpha0, 40, 4, beta3=run.beta3)
            )
            for i, run in enumerate(adaptive_edge.RUNS)
        }
        | {
            f"amplitude-{i}": adaptive_edge.amplitude(replace(item, steps=200))
            for i, item in enumerate(stability.DEFAULT.amplitudes)
        },
        "gate_sequences": {"growth": gate_sequences.growth(words, 0.9, 10.0)},
        "cycles": {
            "frontier": frontier.draw(plan, none, "frontier"),
            "boundaries": cycles.boundaries(plan),
            "basins": basins.measure(basins.Setup(cells=21)),
            "bifurcation": xr.concat(portraits, "variant").assign_coords(variant=[v.name for v in beyond.variants]),
        },
        "convergence": convergence.run(rates, none).data,
        "bias": {
            "plateaus": xr.concat(plateaus, "law"),
            "curves": xr.concat(curves, "gate").expand_dims("law").assign_coords(gate=list(SHOWN)),
            "crossing": bias.measure_crossing(noise),
            "central": central_rate.collect(
                central, ("published",), none.gather(central_rate.tasks(central, ("published",)))
            ),
        },
        "sensitivity": sensitivity.run(small, none).data,
        "opening_law": {
            "growth": opening_law.growth(lawful, 1).expand_dims(dimension=[1]),
            "bursts": opening_law.beyond.bursts(lawful),
            "bias": xr.concat([opening_law.beyond.bias(lawful, "skewed, beta1 0", N) for N in (110, 200)], "N"),
            "example": opening_law.example(),
        },
        "source": {"phase_portrait": source.phase_portrait(source.DEFAULT)},
        "source_edge": planted_source.edge(),  # networks, as those of the tasks
        "source_tasks": planted_source.tasks(),
        "speed": reference("speed"),  # no time is measured in a test
        "tasks": reference("tasks"),  # to compute them anew needs networks
        "width": reference("width"),
    }


@pytest.fixture(scope="module", params=figures(), ids=lambda figure: figure.name)
def drawn(request, data):
    with sheet(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(stability_chart, "COLUMNS", 12)
        figure = request.param.draw(request.param.select(data))
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return figure, np.asarray(canvas.buffer_rgba()) / 255


def test_not_blank(drawn):
    _, image = drawn
    share = float((image[..., :3].min(axis=-1) < 0.9).mean())
    assert 0.02 < share < 0.9


def test_says_one_thing_in_a_title(drawn):
    figure, _ = drawn
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert any(titles)


def test_labels_lie_inside_the_page(drawn):
    """No title or axis label leaves the page by more than 12 points, which the margin of a tight page takes."""
    figure, _ = drawn
    page = figure.bbox
    renderer = FigureCanvasAgg(figure).get_renderer()
    for axes in figure.axes:
        for text in (axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label):
            if text.get_text() and axes.axison:
                box = text.get_window_extent(renderer)
                slack = 12 * figure.dpi / 72
                assert box.x0 > -slack and box.x1 < page.width + slack, text.get_text()
                assert box.y0 > -slack and box.y1 < page.height + slack, text.get_text()


def test_a_figure_without_its_data_is_left_out(data, tmp_path):
    assert draw_all(["cycles"], {"cycles": {}}, tmp_path) == {"cycles": []}
    alone = draw_all(["gate_sequences"], {"gate_sequences": data["gate_sequences"]}, tmp_path)
    assert [path.name for path in alone["gate_sequences"]] == ["gate_words.svg", "gate_words.png"]
    alone = draw_all(["gate_sequences"], {"gate_sequences": data["gate_sequences"]}, tmp_path / "svg", ("svg",))
    assert [path.name for path in (tmp_path / "svg").iterdir()] == ["gate_words.svg"] and len(alone) == 1


def test_same_data_same_bytes(data, tmp_path):
    for folder in ("a", "b"):
        write_gallery({"gate_words": data["gate_sequences"]}, tmp_path / folder)
    one, two = ((tmp_path / folder / "gallery" / "gate_words.png").read_bytes() for folder in ("a", "b"))
    assert one == two
    assert "gallery/gate_words.png" in (tmp_path / "a" / "README.md").read_text(encoding="utf-8")


def test_the_basins_hold_the_attracting_cycle_of_the_theory(data):
    """The four drawn points are a cycle v1, v2, -v1, -v2, no faster than the theory allows, symmetric basins apart."""
    found = data["cycles"]["basins"]
    v = found.cycle_v.values
    np.testing.assert_allclose(v[2:], -v[:2], rtol=1e-6)
    assert (v**2).max() < float(CYCLES["period4_kinetic"])
    end = found.end.values
    np.testing.assert_array_equal(end[::-1, ::-1] == -1, end == -1)
    assert end[10, 10] == -1 and set(np.unique(end)) <= {-2, -1, 0, 1, 2, 3}


def test_the_pinned_state_of_the_diagram_is_that_of_the_theory(data):
    """Between B and 1.5 B some start settles with the learning rate at B to four digits."""
    rate = data["cycles"]["bifurcation"].rate.sel(variant="published").sel(ratio=1.2, method="nearest")
    assert float(abs(rate - 1).max("step").min()) < 1e-4


def test_the_paths_drawn_have_shorter_steps_where_the_gate_acts(data):
    """Of equal starts and rates: the gated path is the shorter one over the steps that are drawn."""
    for name, found in data["sensitivity"].items():
        if name.startswith("landscape-"):
            drawn = found.length.isel(step=slice(STEPS + 1)).sum("step")
            for plain, gated in PAIRS:
                assert float(drawn.sel(optimizer=gated)) < float(drawn.sel(optimizer=plain))


def test_the_minimisers_drawn_are_minimisers():
    """The gradient vanishes there and the value is the least: textbook values against the objectives."""
    factories = {
        "rosenbrock": vradam.objectives.rosenbrock(),
        "beale": vradam.objectives.beale(),
        "himmelblau": vradam.objectives.himmelblau(),
        "narrow quadratic": vradam.objectives.quadratic([1.0, 25.0]),
    }
    assert set(MINIMISERS) == set(factories)
    for name, objective in factories.items():
        points = np.array(MINIMISERS[name])
        np.testing.assert_allclose(objective.grad(points), 0, atol=2e-4)
        np.testing.assert_allclose(objective.value(points), objective.minimum, atol=1e-9)


def test_nothing_is_blank_at_the_foot_of_a_figure(drawn):
    """Axes or text reach into the lowest twentieth of the page."""
    figure, image = drawn
    foot = image[-max(1, image.shape[0] // 20) :, :, :3]
    assert float(foot.min()) < 0.9, figure


def test_one_colour_for_each_optimizer_and_gate(drawn):
    """A line or label that is named after an optimizer or a gate has the colour of the table, in every figure."""
    figure, _ = drawn
    table = {**style.GATES, **style.OPTIMIZERS}
    for axes in figure.axes:
        found = [(line.get_label(), line.get_color()) for line in axes.get_lines()]
        found += [(text.get_text(), text.get_color()) for text in axes.texts]
        for name, colour in found:
            if name in table and colour != style.GREY:  # grey is context
                assert colour == table[name], (name, colour)


def test_the_profile_that_is_drawn_rises_to_the_share_solved(data):
    found = data["sensitivity"]["profile"]
    assert (np.diff(found.share, axis=-1) >= 0).all() and float(found.share.max()) <= 1
    assert ((found.low <= found.share) & (found.share <= found.high)).mean() > 0.95
    assert set(SHOWN_PROFILES) <= set(found.optimizer.values)


def test_the_repair_closes_what_the_published_gate_leaves_open(data):
    """Below the edge the smoothed gate strands no start, the published one some; far beyond, its rate is nearer B."""
    share = data["cycles"]["frontier"].share.sel(outcome="origin")
    lost = 1 - share.mean([dim for dim in share.dims if dim != "variant"])
    assert float(lost.sel(variant=frontier.SMOOTHED.name)) == 0 < float(lost.sel(variant="published"))
    rate = data["cycles"]["bifurcation"].rate
    mean = rate.where(rate.ratio > 2.2, drop=True).mean(["ratio", "start", "step"])
    assert abs(float(mean.sel(variant=frontier.SMOOTHED.name)) - 1) < abs(float(mean.sel(variant="published")) - 1)


def test_pictures_are_small_enough_to_be_committed():
    gallery = sorted((Path(__file__).parents[2] / "paper_figures" / "gallery").glob("*.png"))
    assert gallery and {path.name: path.stat().st_size for path in gallery if path.stat().st_size > 200_000} == {}


def test_the_change_of_width_drawn_is_that_against_adam(data):
    found = data["sensitivity"]
    default = found["widths"].own.sel(part="value", choice="default").mean("objective")
    for name in ("power 2", "per coordinate"):
        drawn = found["gate"].gain.sel(part="value", measure="own", form=name, beta3=1.0)
        assert float(drawn) == pytest.approx(
            float(default.sel(family=name) - default.sel(family="friction")), abs=1e-12
        )
    assert {"power 2", "per coordinate"} <= set(FORMS)


def test_check_names_the_figures_whose_data_changed(data, tmp_path, monkeypatch, capsys):
    growth = data["gate_sequences"]["growth"]
    stored = {"gate_sequences": {"growth": growth}}
    monkeypatch.setattr(command, "_stored", lambda out, paper, stem: stored.get(stem) if paper else None)
    monkeypatch.setattr(command, "_computed", lambda out, stem: None)
    monkeypatch.setattr(command, "REFERENCE", tmp_path)
    monkeypatch.setattr(command, "save", lambda canvas, folder, name, says: [folder / f"{name}.svg"])
    arguments = ["--out", str(tmp_path), "gate_words", "basins"]
    assert command.main(arguments) == 1  # a figure that was named is missing
    assert re.search("basins +not drawn: no source has basins of cycles", capsys.readouterr().out)
    assert command.main(arguments[:3]) == 0
    assert command.main([*arguments, "--check"]) == 0
    assert capsys.readouterr().out.endswith("basins: no data stored, nothing to check\nno data changed\n")
    stored["gate_sequences"]["growth"] = growth.assign(growth=growth.growth * 1.02)
    assert command.main([*arguments, "--check"]) == 1
    assert "gate_words: its data changed since it was drawn" in capsys.readouterr().out


def test_data_come_from_the_first_source_that_has_what_is_drawn(data, tmp_path, monkeypatch):
    """A result that lacks a dataset does not hide the reference, and the gallery shows the best there is."""
    growth = data["gate_sequences"]["growth"]
    here = {True: {"other": growth}, False: {"growth": growth.assign_attrs(made="default")}}
    monkeypatch.setattr(command, "_stored", lambda out, paper, stem: here[paper])
    monkeypatch.setattr(command, "reference", lambda stem: {"growth": growth.assign_attrs(made="reference")})
    (figure,) = named(["gate_words"])
    found, where = command.Sources(tmp_path).of(figure)
    assert found["growth"].attrs["made"] == "default" and where == "default resolution, from results"
    assert command.Sources(tmp_path, best_first=True).of(figure)[0]["growth"].attrs["made"] == "reference"
    here[False] = {}
    assert command.Sources(tmp_path).of(figure)[1] == "full resolution, from the reference"


def test_the_pairs_that_are_drawn_are_those_of_the_seeds(data):
    """The ratio is the geometric mean over the seeds, its interval holds it, and tasks that do not count say so."""
    runs, pairs = data["tasks"]["runs"], data["tasks"]["pairs"]
    logs = np.log(runs.score.sel(optimizer="VRAdam") / runs.score.sel(optimizer=pairs.rival)).mean("seed")
    np.testing.assert_allclose(np.exp(logs).transpose("task", "rival"), pairs.ratio, rtol=1e-5)
    assert ((pairs.low <= pairs.ratio) & (pairs.ratio <= pairs.high)).all() and (pairs.p_holm >= pairs.p).all()
    best = runs.validation.sel(share=0.5).isel(check=-1).min("optimizer")
    assert (best < runs.baseline).where(runs.counts, True).all() and (runs.gain < 0.01).where(runs.counts, True).all()


def test_inside_the_runs_the_edge_and_the_rate_are_one_number(data):
    """threshold * eta_t = B(0.9) = 38 wherever both are drawn, and a gate never lifts the rate over alpha0(t)."""
    inside, runs = data["tasks"]["inside"], data["tasks"]["runs"]
    product = (inside.threshold * inside.learning_rate).values
    np.testing.assert_allclose(product[np.isfinite(product)], 38, rtol=1e-9)
    assert float(runs.early_opening.sel(optimizer="VRAdam").max()) <= 1
    assert (runs.early_opening.sel(optimizer="AdamW") == 1).all()


def test_a_damaged_reference_is_not_drawn_from(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(command, "REFERENCE", tmp_path)
    assert reference("gate") is None and caplog.text == ""
    save_data(tmp_path / "gate", {"one": xr.Dataset({"a": 1.0})})
    assert list(reference("gate")) == ["one"]
    with (tmp_path / "gate" / "one.nc").open("ab") as file:
        file.write(b"0")
    assert reference("gate") is None
    assert "one.nc: checksum does not match; the reference is not used" in caplog.text


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"gate": 1}', b'{"gate": "0", "gate": "1"}', b"\xff"])
def test_a_malformed_record_of_what_was_drawn_counts_as_none(tmp_path, caplog, raw):
    (tmp_path / "drawn_from.json").write_bytes(raw)
    assert read_record(tmp_path / "drawn_from.json") == {}
    assert "every figure counts as changed" in caplog.text


@pytest.fixture(scope="module")
def words_figure(data, tmp_path_factory):
    """``drawn()``: the bytes of one figure, as Matplotlib is set now."""
    (figure,), folder = named(["gate_words"]), tmp_path_factory.mktemp("settings")

    def drawn():
        with sheet():
            canvas = figure.draw(data["gate_sequences"])
        (path,) = save(canvas, folder, "gate_words", ("svg",))
        return path.read_bytes()

    return drawn, drawn()


@pytest.mark.parametrize(
    "settings",
    [
        {"axes.grid": True, "font.size": 22},
        {"path.sketch": (5, 100, 2), "lines.marker": "o"},
        {"savefig.bbox": "standard", "savefig.transparent": True, "figure.dpi": 33},
        {"text.usetex": True, "font.family": "serif"},
    ],
)
def test_a_readers_settings_change_no_figure(settings, words_figure):
    """Matplotlib reads them from a matplotlibrc; LaTeX need not be installed."""
    drawn, plain = words_figure
    with matplotlib.rc_context(settings):
        before = dict(matplotlib.rcParams)
        assert drawn() == plain
        assert dict(matplotlib.rcParams) == before
