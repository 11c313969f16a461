"""A vector added to a model's last hidden state, or taken out of it; `vector/` makes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from model import checkpoint
from model.gpt import GPT
from support.files import UserError

from torch import Tensor


def read_vector(path: Path, width: int) -> Tensor:
    """A vector from its file, (width,); `UserError` when it is none, or of another model."""
    vector = checkpoint.read(path, ("vector",))["vector"]
    if not (isinstance(vector, Tensor) and vector.shape == (width,) and vector.isfinite().all()
            and vector.norm() > 0):
        raise UserError(f"{path} is no vector of {width} numbers, the width of the model; make it "
                        "with `python -m vector` from the same base")
    return vector.float()


@contextmanager
def steered(model: GPT, add: Tensor | None = None, without: Tensor | None = None) -> Iterator[GPT]:
    """`model` with a vector (D,) added to its last hidden state everywhere, or with the direction
    of one projected out of it, or as it is. It is itself again afterwards."""
    if add is None and without is None:
        yield model
        return
    device = model.embedding.weight.device
    add, without = (None if one is None else one.to(device) for one in (add, without))

    def moved(_module: GPT, _given: tuple, hidden: Tensor) -> Tensor:
        if without is not None:
            unit = without / without.norm()
            hidden = hidden - (hidden @ unit)[..., None] * unit
        return hidden if add is None else hidden + add

    handle = model.register_forward_hook(moved)
    try:
        yield model
    finally:
        handle.remove()
