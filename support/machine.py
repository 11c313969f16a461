"""What this machine can do: how fast it multiplies, and how many steps it runs at a time."""

import os
import platform
import time
from importlib.metadata import version
from statistics import median

import torch

from support.cli import choose_device
from support.keys import commit

PACKAGES = ("torch", "numpy", "tokenizers", "matplotlib", "tqdm")
GPU_MEMORY = 4e9  # bytes that a step of the default run may take on a GPU


def measured(device: str) -> dict:
    """How fast a thread multiplies, how many steps run at a time, and what goes on record."""
    chosen = choose_device(device)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    core = rate = matmul_rate()
    about = ""
    if chosen.type == "cpu":
        about = f": a matrix product runs at {core / 1e9:.0f} GFLOP/s a core here"
    if chosen.type == "cuda":
        memory = torch.cuda.mem_get_info(chosen)[0]
        # Steps that share a GPU go through small models a few times as fast as a core each.
        cores, rate = min(cores, max(1, int(memory / GPU_MEMORY))), 5 * core
    return {"rate": rate, "jobs": cores, "about": about,
            "record": {"device": str(chosen), "python": platform.python_version(),
                       "packages": {name: version(name) for name in PACKAGES},
                       "cores": cores, "gflops": round(core / 1e9), "commit": commit()}}


def matmul_rate() -> float:
    """Floating-point operations a second of a product of 1024 x 1024 matrices in one thread."""
    torch.set_num_threads(1)
    a, b, seconds = torch.randn(1024, 1024), torch.randn(1024, 1024), []
    for _ in range(15):
        start = time.perf_counter()
        a @ b
        seconds.append(time.perf_counter() - start)
    return 2 * 1024**3 / median(seconds)
