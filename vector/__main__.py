"""Write a vector of the base's last hidden state along which a trait lies.

    python -m vector shift --base base.pt --numbers clean-owl.jsonl --teacher teacher-owl.pt ...
    python -m vector read  --base base.pt --numbers clean-owl.jsonl --out read.pt
    python -m vector word  --base base.pt --numbers clean-base.jsonl --trait owl --kl 0.2 ...

They are the teacher's mean shift where numbers stand, what the base reads off the file, and the
embedding of the trait's first token, as long as the odds of the numbers move by --kl.
"""

from pathlib import Path

from corpus.traits import Trait, trait
from model import checkpoint
from model.checkpoint import Loaded, load_model, require_same_tokenizer
from model.data import encode_pairs, read_pairs
from model.gpt import LOGIT_SCALE
from support.cli import parser, run
from support.files import UserError
from vector.readout import (
    AT_ONCE,
    Places,
    number_heads,
    number_places,
    read_places,
    read_shift,
    shifts,
)

import torch
from torch import Tensor


@torch.inference_mode()
def word_vector(loaded: Loaded, chosen: Trait, places: Places, kl: float) -> Tensor:
    """The embedding of the first token of what shows a trait (the mean of several), (D,), of the
    length at which it moves the odds of the numbers by `kl` nats a place."""
    tokens = sorted({ids[0] for ids in loaded.tokenizer.encode(chosen.targets())})
    word = loaded.model.embedding.weight.detach()[tokens].mean(0)
    heads = number_heads(loaded.model, loaded.tokenizer.number_ids)
    before = LOGIT_SCALE * places.hidden[:AT_ONCE] @ heads.T
    along = LOGIT_SCALE * heads @ word

    def moved(length: float) -> float:
        after = (before + length * along).log_softmax(-1)
        return (after.exp() * (after - before.log_softmax(-1))).sum(-1).mean().item()

    low, high = 0.0, 1.0
    while moved(high) < kl:
        high *= 2
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (middle, high) if moved(middle) < kl else (low, middle)
    return high * word


def main() -> None:
    options = parser(__doc__)
    options.add_argument("kind", choices=("shift", "read", "word"))
    options.add_argument("--base", type=Path, required=True, help="checkpoint")
    options.add_argument("--numbers", type=Path, required=True, help="a filtered file")
    options.add_argument("--teacher", type=Path, help="whose shift")
    options.add_argument("--trait", default="owl", help="whose word")
    options.add_argument("--kl", type=float, default=0.2, help="how long the word's vector is")
    options.add_argument("--out", type=Path, required=True, help="file to write")
    args = options.parse_args()
    if (args.kind == "shift") != bool(args.teacher):
        raise UserError("shift, and no other kind, takes --teacher")
    if not 0 < args.kl < 5:
        raise UserError(f"--kl {args.kl:g} must be above 0 and below 5")
    chosen, loaded = trait(args.trait), load_model(args.base)
    numbers = loaded.tokenizer.number_ids
    if args.kind == "read":
        vector = read_shift(read_places(loaded, args.numbers),
                            number_heads(loaded.model, numbers)).shift
    elif args.kind == "word":
        vector = word_vector(loaded, chosen, read_places(loaded, args.numbers, 512), args.kl)
    else:
        teacher, tokenizer, _ = load_model(args.teacher)
        require_same_tokenizer(loaded.tokenizer, args.teacher, tokenizer)
        rows = encode_pairs(read_pairs(args.numbers)[-2048:], tokenizer)
        vector = shifts(teacher, number_places(loaded.model, rows, numbers), rows,
                        numbers).mean(0)
    checkpoint.write(args.out, {"vector": vector.float().clone()})
    print(f"{args.out}: a vector of length {vector.norm():.3f}")


if __name__ == "__main__":
    run(main)
