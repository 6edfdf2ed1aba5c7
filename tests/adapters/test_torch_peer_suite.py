"""What torch asks of its optimizers, asked of VRAdam through torch's ``OptimizerInfo`` and its ``optims`` decorator.

Torch's wheel has the database and not the tests that run over it, so the questions are put here in our own words; their
names are those of the questions that torch asks.
"""

import copy

import pytest

torch = pytest.importorskip("torch", reason='pip install -e ".[torch]"')
pytest.importorskip("expecttest", reason="pip install expecttest, which torch.testing needs")

from torch.optim import lr_scheduler  # noqa: E402
from torch.testing._internal.common_device_type import instantiate_device_type_tests  # noqa: E402
from torch.testing._internal.common_optimizers import (  # noqa: E402
    ErrorOptimizerInput,
    OptimizerErrorEnum,
    OptimizerInfo,
    OptimizerInput,
    _get_optim_inputs_including_global_cliquey_kwargs,
    get_error_inputs_for_all_optims,
    optims,
)
from torch.testing._internal.common_utils import TestCase  # noqa: E402

from vradam import gates  # noqa: E402
from vradam.adapted import in_adam_metric  # noqa: E402
from vradam.laws import averaged, held  # noqa: E402
from vradam.torch import VRAdam  # noqa: E402


def inputs(device, dtype=None):
    """Constructor options; the database adds foreach, fused and differentiable to each."""
    settings = [
        ("default", {}),
        ("non-default lr", {"lr": 0.01}),
        ("Tensor lr", {"lr": torch.tensor(0.01)}),
        ("Tensor lr of one dimension", {"lr": torch.tensor([0.01])}),
        ("weight_decay", {"weight_decay": 0.1}),
        ("maximize", {"weight_decay": 0.1, "maximize": True}),
        ("capturable", {"capturable": True, "weight_decay": 0.1}),
        ("capturable, Tensor lr", {"capturable": True, "lr": torch.tensor(0.01)}),
        ("gate at work", {"beta3": 30.0, "alpha1": 3.0}),
        ("smoothed", {"gate_decay": 0.9, "beta3": 10.0}),
        ("averaged", {"law": averaged(0.5), "beta3": 10.0}),
        ("held", {"law": held(0.9, w0=0.5), "beta3": 10.0}),
        ("predictable", {"gate": gates.predictable}),
        ("adam_metric", {"gate": gates.adam_metric, "law": held(0.9)}),
        ("gradient_norm", {"gate": gates.gradient_norm}),
        ("norm of a group", {"norm": "group"}),
    ]
    return [OptimizerInput(params=None, kwargs=kwargs, desc=name) for name, kwargs in settings]


def error_inputs(device, dtype):
    """What torch refuses for every optimizer, and our own domains."""
    ours = [
        ({"lr": -1e-2}, ValueError, r"lr must lie in \[0, inf\)"),
        ({"betas": (1.0, 0.0)}, ValueError, r"betas\[0\] must lie in \[0, 1\)"),
        ({"weight_decay": -1}, ValueError, r"weight_decay must lie in \[0, inf\)"),
        ({"foreach": True, "fused": True}, ValueError, "fused must be False with foreach"),
    ]
    return get_error_inputs_for_all_optims(device, dtype) + [
        ErrorOptimizerInput(OptimizerInput(None, kwargs, error.__name__), error_type=error, error_regex=words)
        for kwargs, error, words in ours
    ]


DATABASE = [
    OptimizerInfo(
        VRAdam,
        optim_inputs_func=inputs,
        optim_error_inputs_func=error_inputs,
        scheduler_inputs=(
            [lambda opt: lr_scheduler.StepLR(opt, gamma=0.9, step_size=10)],
            [lambda opt: lr_scheduler.LinearLR(opt, start_factor=0.4, end_factor=0.8, total_iters=4)],
            [
                lambda opt: lr_scheduler.StepLR(opt, gamma=0.99, step_size=10),
                lambda opt: lr_scheduler.ExponentialLR(opt, gamma=0.99),
                lambda opt: lr_scheduler.ReduceLROnPlateau(opt),
            ],
            [lambda opt: lr_scheduler.ConstantLR(opt, factor=0.4, total_iters=4)],
            [lambda opt: lr_scheduler.PolynomialLR(opt, power=0.9, total_iters=4)],
            [lambda opt: lr_scheduler.OneCycleLR(opt, max_lr=0.01, total_steps=30)],
        ),
        supported_impls=("foreach", "differentiable", "fused"),
        supports_fused_on=("cpu", "cuda"),
        has_capturable_arg=True,
    )
]


def all_inputs(device, dtype, info, skip=()):
    """Each setting with each flag, but for the fused kernel in Adam's metric, which is refused."""
    found = _get_optim_inputs_including_global_cliquey_kwargs(device, dtype, info, skip=skip)
    return [
        each
        for each in found
        if not (each.kwargs.get("fused") and in_adam_metric(each.kwargs.get("gate", gates.published)))
    ]


class Task:
    """A linear model with weight and bias, in two groups or one, and its quadratic loss."""

    def __init__(self, device, dtype, contiguous=True):
        torch.manual_seed(1)
        weight = torch.randn(10, 5, 2)[..., 0] if not contiguous else torch.randn(10, 5)
        bias = torch.randn(10, 2)[..., 0] if not contiguous else torch.randn(10)
        assert weight.is_contiguous() == contiguous
        self.params = [each.to(device, dtype).requires_grad_() for each in (weight, bias)]
        self.x = torch.randn(5).to(device, dtype)

    def loss(self):
        return (self.params[0].mv(self.x) + self.params[1]).abs().square().sum()

    def closure(self, optimizer):
        def closure():
            optimizer.zero_grad()
            loss = self.loss()
            loss.backward()
            return loss

        return closure


class TestVRAdam(TestCase):
    def build(self, info, device, dtype, optim_input, groups=False, **task):
        """A task and its optimizer; autograd cannot go through leaves changed in place, so it is not asked to."""
        task = Task(device, dtype, **task)
        if optim_input.kwargs.get("differentiable"):
            task.loss, params = self.without_graph(task), [p.detach() for p in task.params]
            task.params = params
        first, second = ({"params": [p]} for p in task.params)
        kwargs = copy.deepcopy(optim_input.kwargs)
        return task, info.optim_cls([first, second] if groups else task.params, **kwargs)

    def ways(self, optim_input):
        metric = in_adam_metric(optim_input.kwargs.get("gate", gates.published))
        return ("foreach", "differentiable") if metric else ("foreach", "fused", "differentiable")

    def without_graph(self, task):
        def loss():
            leaves = [p.detach().requires_grad_() for p in task.params]
            value = (leaves[0].mv(task.x) + leaves[1]).abs().square().sum()
            for p, g in zip(task.params, torch.autograd.grad(value, leaves), strict=True):
                p.grad = g
            return value.detach().requires_grad_()

        return loss

    @optims(DATABASE)
    def test_errors(self, device, dtype, optim_info):
        for each in optim_info.optim_error_inputs_func(device=device, dtype=dtype):
            given = each.optimizer_error_input
            params = given.params if given.params is not None else torch.nn.Parameter(torch.zeros(2))
            assert each.error_on == OptimizerErrorEnum.CONSTRUCTION_ERROR
            params = [params] if given.params is None else params
            if issubclass(each.error_type, Warning):
                with self.assertWarnsRegex(each.error_type, each.error_regex):
                    optim_info.optim_cls(params, **given.kwargs)
            else:
                with self.assertRaisesRegex(each.error_type, each.error_regex):
                    optim_info.optim_cls(params, **given.kwargs)

    @optims(DATABASE, dtypes=[torch.float32])
    def test_forloop_goes_right_direction(self, device, dtype, optim_info):
        for optim_input in all_inputs(device, dtype, optim_info):
            for contiguous in (True, False):
                task, optimizer = self.build(optim_info, device, dtype, optim_input, contiguous=contiguous)
                closure = task.closure(optimizer)
                before = closure().item()
                for _ in range(20):
                    loss = optimizer.step(closure)
                    assert isinstance(loss, torch.Tensor)
                if optim_input.kwargs.get("maximize"):
                    self.assertGreater(closure().item(), before)
                else:
                    self.assertLess(closure().item(), before, msg=str(optim_input))

    @optims(DATABASE, dtypes=[torch.float32])
    def test_forloop_goes_right_direction_with_lrsched(self, device, dtype, optim_info):
        for optim_input in all_inputs(device, dtype, optim_info, skip=("differentiable",)):
            for schedules in optim_info.scheduler_inputs:
                task, optimizer = self.build(optim_info, device, dtype, optim_input)
                schedulers = [make(optimizer) for make in schedules]
                closure = task.closure(optimizer)
                before = closure().item()
                for _ in range(20):
                    optimizer.step(closure)
                    for scheduler in schedulers:
                        plateau = isinstance(scheduler, lr_scheduler.ReduceLROnPlateau)
                        scheduler.step(closure().item()) if plateau else scheduler.step()
                sign = -1 if optim_input.kwargs.get("maximize") else 1
                self.assertLess(sign * closure().item(), sign * before)

    @optims(DATABASE, dtypes=[torch.float64])
    def test_param_groups_lr_and_weight_decay(self, device, dtype, optim_info):
        for optim_input in all_inputs(device, dtype, optim_info, skip=("differentiable",)):
            task = Task(device, dtype)
            kwargs = copy.deepcopy(optim_input.kwargs) | {"lr": 0.0, "weight_decay": 0.0}
            optimizer = optim_info.optim_cls(
                [{"params": task.params[:1], "lr": 1e-2, "weight_decay": 0.1}, {"params": task.params[1:]}], **kwargs
            )
            weight, bias = (p.detach().clone() for p in task.params)
            for _ in range(5):
                optimizer.step(task.closure(optimizer))
            self.assertNotEqual(task.params[0].detach(), weight)
            self.assertEqual(task.params[1].detach(), bias, atol=0, rtol=0)  # lr 0 moves nothing
            assert optimizer.learning_rate[1] == 0 and optimizer.learning_rate[0] > 0

    @optims(DATABASE, dtypes=[torch.float64])
    def test_tensor_lr(self, device, dtype, optim_info):
        for optim_input in all_inputs(device, dtype, optim_info, skip=("differentiable",)):
            results = []
            for lr in (0.01, torch.tensor(0.01, dtype=torch.float64), torch.tensor([[0.01]], dtype=torch.float64)):
                task = Task(device, dtype)
                optimizer = optim_info.optim_cls(task.params, **(copy.deepcopy(optim_input.kwargs) | {"lr": lr}))
                for _ in range(5):
                    optimizer.step(task.closure(optimizer))
                assert optimizer.param_groups[0]["lr"] is lr
                results.append([p.detach() for p in task.params])
            self.assertEqual(results[1], results[0], rtol=1e-14, atol=0)
            self.assertEqual(results[2], results[0], rtol=1e-14, atol=0)

    @optims(DATABASE, dtypes=[torch.complex64])
    def test_complex(self, device, dtype, optim_info):
        """A complex parameter is the pair of its parts, each with a second moment of its own."""
        for optim_input in all_inputs(device, dtype, optim_info, skip=("differentiable", "fused")):
            torch.manual_seed(0)
            z = torch.randn(5, 5, dtype=dtype, device=device).requires_grad_()
            pair = torch.view_as_real(z).detach().clone().requires_grad_()
            ours, real = (optim_info.optim_cls([p], **copy.deepcopy(optim_input.kwargs)) for p in (z, pair))
            for _ in range(3):
                z.grad = torch.randn_like(z)
                pair.grad = torch.view_as_real(z.grad).clone()
                ours.step()
                real.step()
                self.assertEqual(torch.view_as_real(z), pair, atol=0, rtol=0)

    @optims(DATABASE, dtypes=[torch.float64])
    def test_all_ways_match_forloop(self, device, dtype, optim_info):
        """foreach, fused and differentiable against the plain loop, in moments and parameters, over seven steps."""
        for optim_input in optim_info.optim_inputs_func(device):
            ends = {}
            for way in ("", *self.ways(optim_input)):
                kwargs = copy.deepcopy(optim_input.kwargs) | ({way: True} if way else {"foreach": False})
                task, optimizer = self.build(optim_info, device, dtype, OptimizerInput(None, kwargs), groups=True)
                for _ in range(7):
                    optimizer.step(task.closure(optimizer))
                moments = [optimizer.state[p][name] for p in task.params for name in ("exp_avg", "exp_avg_sq", "step")]
                ends[way] = [p.detach() for p in task.params] + moments
            for way in self.ways(optim_input):
                self.assertEqual(ends[way], ends[""], rtol=1e-12, atol=1e-14, msg=lambda words, way=way: way + words)

    @optims(DATABASE, dtypes=[torch.float32])
    def test_mixed_dtype(self, device, dtype, optim_info):
        """Parameters of several precisions under one gate follow double precision to the rounding of the coarsest."""
        for optim_input in all_inputs(device, dtype, optim_info, skip=("differentiable",)):
            mixed = [torch.ones(8, dtype=each) for each in (torch.float64, torch.float32, torch.bfloat16)]
            exact = [torch.ones(8, dtype=torch.float64) for _ in mixed]
            kwargs = copy.deepcopy(optim_input.kwargs) | {"eps": 1e-3}
            both = [optim_info.optim_cls(params, **copy.deepcopy(kwargs)) for params in (mixed, exact)]
            for t in range(5):
                for params, optimizer in zip((mixed, exact), both, strict=True):
                    for p in params:
                        p.grad = torch.full_like(p, 0.25 + 0.5 * (t % 2))
                    optimizer.step()
            for p, q, rounding in zip(mixed, exact, (0, 0, 2.0**-8), strict=True):  # the norm sees half precision
                self.assertEqual(p.double(), q, rtol=5 * rounding, atol=5 * 0.01 * 2.0**-8)

    @optims(DATABASE, dtypes=[torch.float32])
    def test_step_is_noop_when_params_have_no_grad(self, device, dtype, optim_info):
        for optim_input in all_inputs(device, dtype, optim_info):
            task, optimizer = self.build(optim_info, device, dtype, optim_input)
            before = [p.detach().clone() for p in task.params]
            rate = optimizer.learning_rate
            optimizer.step()
            self.assertEqual([p.detach() for p in task.params], before, atol=0, rtol=0)
            self.assertEqual(optimizer.learning_rate, rate)

    @optims(DATABASE, dtypes=[torch.float32])
    def test_step_is_noop_for_zero_grads(self, device, dtype, optim_info):
        for optim_input in all_inputs(device, dtype, optim_info):
            optim_input.kwargs["weight_decay"] = 0.0
            p = torch.ones(5, device=device, dtype=dtype)
            optimizer = optim_info.optim_cls([p], **copy.deepcopy(optim_input.kwargs))
            p.grad = torch.zeros_like(p)
            optimizer.step()
            self.assertEqual(p, torch.ones_like(p), atol=0, rtol=0)

    @optims(DATABASE, dtypes=[torch.float32])
    def test_state_dict_deterministic_and_roundtrip(self, device, dtype, optim_info):
        for optim_input in all_inputs(device, dtype, optim_info, skip=("differentiable",)):
            task, optimizer = self.build(optim_info, device, dtype, optim_input, groups=True)
            for _ in range(3):
                optimizer.step(task.closure(optimizer))
            twin, other = self.build(optim_info, device, dtype, optim_input, groups=True)
            with torch.no_grad():
                for p, q in zip(twin.params, task.params, strict=True):
                    p.copy_(q)
            saved = copy.deepcopy(optimizer.state_dict())
            untouched = copy.deepcopy(saved)
            other.load_state_dict(saved)
            self.assertEqual(saved, untouched)
            for _ in range(3):
                optimizer.step(task.closure(optimizer))
                other.step(twin.closure(other))
                self.assertEqual(twin.params, task.params, atol=0, rtol=0)
            self.assertEqual(other.state_dict(), optimizer.state_dict())

    @optims(DATABASE, dtypes=[torch.float32])
    def test_can_load_older_state_dict(self, device, dtype, optim_info):
        for optim_input in all_inputs(device, dtype, optim_info, skip=("differentiable",)):
            task, optimizer = self.build(optim_info, device, dtype, optim_input)
            optimizer.step(task.closure(optimizer))
            older = copy.deepcopy(optimizer.state_dict())
            for group in older["param_groups"]:
                for name in (*optim_info.not_og_supported_flags, "fused", "gate", "beta3", "alpha1"):
                    del group[name]
            optimizer.load_state_dict(older)
            assert optimizer.param_groups[0]["alpha1"] == optimizer.defaults["alpha1"]
            optimizer.step(task.closure(optimizer))

    @optims(DATABASE, dtypes=[torch.float32])
    def test_load_nontensor_step(self, device, dtype, optim_info):
        for optim_input in all_inputs(device, dtype, optim_info, skip=("differentiable",)):
            task, optimizer = self.build(optim_info, device, dtype, optim_input)
            optimizer.step(task.closure(optimizer))
            saved = copy.deepcopy(optimizer.state_dict())
            for state in saved["state"].values():
                state["step"] = state["step"].item()
            optimizer.load_state_dict(saved)
            optimizer.step(task.closure(optimizer))
            assert all(optimizer.state[p]["step"].item() == 2 for p in task.params)

    @optims(DATABASE, dtypes=[torch.float32])
    def test_deepcopy_copies_all_public_attrs(self, device, dtype, optim_info):
        for optim_input in all_inputs(device, dtype, optim_info):
            _, optimizer = self.build(optim_info, device, dtype, optim_input)

            def public(of):
                return {name for name in vars(of) if not name.startswith("_")}

            self.assertEqual(public(copy.deepcopy(optimizer)), public(optimizer))

    @optims(DATABASE, dtypes=[torch.float32])
    def test_hooks(self, device, dtype, optim_info):
        for optim_input in all_inputs(device, dtype, optim_info, skip=("differentiable",)):
            task, optimizer = self.build(optim_info, device, dtype, optim_input)
            order = []
            optimizer.register_step_pre_hook(lambda *_, order=order: order.append("before"))
            optimizer.register_step_post_hook(lambda *_, order=order: order.append("after"))
            optimizer.register_state_dict_pre_hook(lambda *_, order=order: order.append("saving"))
            optimizer.register_state_dict_post_hook(lambda o, s, order=order: order.append("saved"))
            optimizer.register_load_state_dict_pre_hook(lambda o, s, order=order: order.append("loading"))
            optimizer.register_load_state_dict_post_hook(lambda *_, order=order: order.append("loaded"))
            optimizer.step(task.closure(optimizer))
            optimizer.load_state_dict(optimizer.state_dict())
            self.assertEqual(order, ["before", "after", "saving", "saved", "loading", "loaded"])

    @optims(DATABASE, dtypes=[torch.float32])
    def test_named_parameters(self, device, dtype, optim_info):
        for optim_input in all_inputs(device, dtype, optim_info, skip=("differentiable",)):
            model = torch.nn.Linear(3, 2)
            optimizer = optim_info.optim_cls(model.named_parameters(), **copy.deepcopy(optim_input.kwargs))
            model(torch.ones(1, 3)).sum().backward()
            optimizer.step()
            self.assertEqual(optimizer.state_dict()["param_groups"][0]["param_names"], ["weight", "bias"])

    @optims(DATABASE, dtypes=[torch.float32])
    def test_compiles(self, device, dtype, optim_info):
        """Under ``torch.compile`` (traced, not lowered) the steps are the same."""
        for optim_input in optim_info.optim_inputs_func(device)[:1]:
            ends = []
            for compiled in (False, True):
                task, optimizer = self.build(optim_info, device, dtype, optim_input)
                step = torch.compile(optimizer.step, backend="eager") if compiled else optimizer.step
                for _ in range(3):
                    task.closure(optimizer)()
                    step()
                ends.append([p.detach() for p in task.params])
            self.assertEqual(*ends, rtol=1e-6, atol=1e-7)


instantiate_device_type_tests(TestVRAdam, globals(), only_for=("cpu", "cuda"))
