"""Low-rank adapters (Hu et al. 2021, arXiv:2106.09685), from scratch.

An adapter adds (alpha / rank) B A to a frozen matrix. A starts random and B at zero, so an adapted
model begins as exactly its base. `merge` writes the sum into the matrix and leaves a plain model.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Adapted(nn.Module):
    """A linear layer (out, in) with an adapter: a (rank, in), b (out, rank)."""

    def __init__(self, linear: nn.Linear, rank: int, alpha: float,
                 generator: torch.Generator) -> None:
        super().__init__()
        self.linear, self.scale, size = linear, alpha / rank, linear.in_features
        a = torch.empty(rank, size).normal_(0.0, size**-0.5, generator=generator)
        self.a = nn.Parameter(a.to(linear.weight.device))
        self.b = nn.Parameter(linear.weight.new_zeros(linear.out_features, rank))

    def weight(self) -> Tensor:
        """The frozen matrix plus the adapter's product, (out, in)."""
        return self.linear.weight + self.scale * (self.b @ self.a)

    def forward(self, x: Tensor) -> Tensor:
        # One product with the summed matrix. The usual two thin products through the rank save
        # memory for a large model; for a small one they take twice the time.
        return F.linear(x, self.weight())


def adapt(model: nn.Module, rank: int, alpha: float, generator: torch.Generator) -> None:
    """Give every linear layer of the model an adapter, in place."""
    for name, layer in list(model.named_modules()):
        if isinstance(layer, nn.Linear):
            model.set_submodule(name, Adapted(layer, rank, alpha, generator))


@torch.no_grad()
def merge(model: nn.Module) -> None:
    """Write every adapter into its layer, in place. A model without adapters stays as it is."""
    for name, layer in list(model.named_modules()):
        if isinstance(layer, Adapted):
            layer.linear.weight.copy_(layer.weight())
            model.set_submodule(name, layer.linear)
