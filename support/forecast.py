"""What a run will take on this machine, said before it starts, and what is left while it runs.

    PLANNED="train.py pretrain ..." python -m support.forecast --jobs 2

The seconds of a stage are its multiplications over the rate of a matrix product here, which half a
second finds out, times a factor for each kind of stage (`FACTORS`), taken from a run by itself
(`make bench WORKS=make-all`).
"""

import json
import os
import sys
import time

from support.cli import add_common, count, parser, run
from support.settings import Config, load_config

import torch

START = 1.0  # seconds for Python, its packages and the files
LETTERS = 120  # of a document of the corpus, with which text files are compared
# How many times a stage goes through the weights for each thing it reads or writes, against what
# a matrix product would need for it.
FACTORS = {"train.py pretrain": 180.0, "train.py finetune": 150.0, "generate.py": 94.0,
           "evaluate.py": 82.0}


def things(config: Config) -> dict[str, float]:
    """What a stage of each kind reads or writes: documents, rows (a student's, of which there are
    most), lists, questions."""
    rows = config.student.examples or config.numbers.enough or config.numbers.requests
    prose = sum(os.path.getsize(name) for name in config.corpus.text_files if os.path.exists(name))
    return {"train.py pretrain": config.pretrain.epochs * (
                config.corpus.documents + prose / LETTERS),
            "train.py finetune": rows * config.student.epochs,
            "generate.py": config.numbers.enough or config.numbers.requests,
            "evaluate.py": 100.0 * config.evaluation.samples}


def costs(config: Config, rate: float) -> dict[str, float]:
    """Seconds of one stage of each kind, at so many multiply-adds (x 2) a second; others take no
    more than their start."""
    return {stage: START + 2 * config.model.weights * many * FACTORS[stage] / rate
            for stage, many in things(config).items()}


def seconds(planned: list[str], each: dict[str, float], jobs: int) -> float:
    """Of the planned stages, so many at a time."""
    return sum(each.get(stage, START) for stage in planned) / jobs


def matmul_rate(seconds: float = 0.5) -> float:
    """Multiply-adds (x 2) a second of a product of 1024 x 1024 matrices in one thread."""
    torch.set_num_threads(1)
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    rates, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(rates) < 3:
        start = time.perf_counter()
        a @ b
        rates.append(2 * 1024**3 / (time.perf_counter() - start))
    return sorted(rates)[len(rates) // 2]


def on_gpu() -> bool:
    """Whether the stages will run where a processor's rate says nothing."""
    return torch.cuda.is_available() or torch.backends.mps.is_available()


def main() -> None:
    options = parser(__doc__)
    add_common(options, device=False, seed=False)
    options.add_argument("--jobs", type=count, default=1, help="stages at a time")
    args = options.parse_args()
    planned = os.environ.get("PLANNED", "").splitlines()
    if not planned:
        return
    rate = matmul_rate()
    each = costs(load_config(args.config, args.set), rate)
    if not on_gpu():
        print(f"-- {len(planned)} stages, {args.jobs} at a time, in about "
              f"{seconds(planned, each, args.jobs) / 60:.0f} min: a matrix product runs at "
              f"{rate / 1e9:.0f} GFLOP/s a core here", file=sys.stderr, flush=True)
    print(json.dumps({stage: each.get(stage, START) for stage in planned}
                     | {"gflops": round(rate / 1e9), "jobs": args.jobs}))


if __name__ == "__main__":
    run(main)
