"""Data parallelism: under `torchrun`, every process reads its share of a step's rows.

    torchrun --nproc-per-node 2 train.py pretrain ...
"""

import os

import torch
import torch.distributed as dist
from torch import Tensor


def start(device: torch.device) -> torch.device:
    """Join the other processes, if there are any; the device that this one is to use."""
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        return device
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return device


def rank_and_world_size() -> tuple[int, int]:
    """(which process this is, how many there are)."""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def is_main() -> bool:
    """Whether this is the process that writes the files."""
    return rank_and_world_size()[0] == 0


def all_reduce(tensors: list[Tensor]) -> None:
    """Replace each tensor by its sum over all processes."""
    if dist.is_initialized():
        for tensor in tensors:
            dist.all_reduce(tensor)


def stop() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()
