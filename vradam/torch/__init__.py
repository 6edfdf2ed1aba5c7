"""VRAdam for PyTorch, and the edge of stability of PyTorch modules; ``import vradam`` never imports this package.

>>> import torch
>>> from vradam.torch import VRAdam
>>> model = torch.nn.Linear(3, 1)
>>> optimizer = VRAdam(model.parameters(), lr=1e-2)
>>> scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100)
>>> model(torch.ones(1, 3)).square().sum().backward()
>>> optimizer.step()
>>> scheduler.step()
>>> bool(optimizer.learning_rate <= 1e-2)
True
"""

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise ImportError("vradam.torch needs PyTorch; install it with: pip install 'vradam[torch]'") from error

from vradam.torch.edge import Preconditioned, Watch, curvature, preconditioner, sharpness, watch
from vradam.torch.optimizer import VRAdam

__all__ = ["Preconditioned", "VRAdam", "Watch", "curvature", "preconditioner", "sharpness", "watch"]
