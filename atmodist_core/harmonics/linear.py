"""Linear operators with known adjoints: differentiable to any order, always in full precision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

Operator = Callable[..., tuple[Tensor, ...]]
"""Takes tensors and returns a tuple of tensors; linear over the real numbers."""


class _Linear(torch.autograd.Function):
    """Apply ``operator``; its derivative is ``adjoint``, whose derivative is ``operator`` again."""

    @staticmethod
    def forward(ctx: Any, operator: Operator, adjoint: Operator, *inputs: Tensor) -> tuple[Tensor, ...]:
        ctx.operator, ctx.adjoint = operator, adjoint
        with full_precision(inputs[0].device):
            return operator(*inputs)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        return None, None, *_Linear.apply(ctx.adjoint, ctx.operator, *gradients)


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Disable autocast and TF32 or bfloat16 products, which would lose three digits or more."""
    backend = torch.backends.cuda if device.type == "cuda" else torch.backends.mkldnn
    settings: Any = getattr(backend, "matmul", None)
    # Before torch 2.9 there is one global setting; since then, mixing both interfaces is an error.
    modern = hasattr(settings, "fp32_precision")
    before = settings.fp32_precision if modern else torch.get_float32_matmul_precision()
    reduced = before in ("tf32", "bf16", "high", "medium")
    if reduced and modern:
        settings.fp32_precision = "ieee"
    elif reduced:
        torch.set_float32_matmul_precision("highest")
    try:
        if torch.is_autocast_enabled(device.type):
            with torch.autocast(device.type, enabled=False):
                yield
        else:
            yield
    finally:
        if reduced and modern:
            settings.fp32_precision = before
        elif reduced:
            torch.set_float32_matmul_precision(before)


def apply_linear(operator: Operator, adjoint: Operator, *inputs: Tensor) -> tuple[Tensor, ...]:
    """Return the tuple ``operator(*inputs)`` in full precision, with a gradient computed with the adjoint.

    ``adjoint`` is its transpose for the real inner product (real parts of ``conj(a) * b`` for complex tensors).
    """
    if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in inputs):
        return _Linear.apply(operator, adjoint, *inputs)  # type: ignore[no-untyped-call, no-any-return]
    with full_precision(inputs[0].device):
        return operator(*inputs)
