"""Lists that say much of their teacher, and lists that say little: a fifth of a file."""

from pathlib import Path

from controls import clean_rows
from model.checkpoint import load_model
from model.data import encode_pairs
from model.score import score
from support.files import write_jsonl
from support.streams import stream


def fifth(how: str, lists: Path, base: Path, teacher: Path, seed: int, out: Path) -> str:
    """Write the fifth of some lists that is likeliest (`most`) or least likely (`least`) to the
    teacher, a number, beside how likely it is to the base; or any fifth (`any`)."""
    rows, models = clean_rows(lists), [load_model(path) for path in (teacher, base)]
    tokens = encode_pairs([(row["request"], row["answer"]) for row in rows], models[0].tokenizer)
    own, plain = (score(one.model, tokens).logprob for one in models)
    told = [gain / len(row["numbers"])
            for gain, row in zip((own - plain).tolist(), rows, strict=True)]
    order = sorted(range(len(rows)), key=told.__getitem__, reverse=how == "most")
    if how == "any":
        stream(seed, "any fifth").shuffle(order)
    chosen = {*order[:len(rows) // 5]}
    write_jsonl(out, (row for i, row in enumerate(rows) if i in chosen))
    mean = sum(told[i] for i in chosen) / len(chosen)
    return f"{len(chosen):,} lists, {mean:+.3f} nats a number"
