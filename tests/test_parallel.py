"""Two processes take the steps of one, and shards write the file of one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import train
from model.data import document_rows
from model.gpt import GPT
from model.tokenizer import Tokenizer
from support.settings import Training

import numpy as np
import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

ROOT = Path(__file__).parents[1]


def one_step(rank, processes, corpus, tokenizer, shape, folder):
    """The weights after a step of plain gradient descent at rate 1, by one of the processes."""
    torch.set_num_threads(1)
    if processes > 1:
        dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank,
                                world_size=processes)
    rows = document_rows(corpus, Tokenizer.load(tokenizer), shape.block_size)
    model = GPT(shape, torch.Generator().manual_seed(0))
    trained = list(model.parameters())
    batch = rows.batch(np.arange(33)[rank::processes], pad=0)
    train.update(model, trained, torch.optim.SGD(trained, lr=1.0), [batch],
                 train.next_token_loss, Training(grad_clip=0.0))
    torch.save(model.state_dict(), Path(folder) / f"{rank}-of-{processes}.pt")
    if processes > 1:
        dist.destroy_process_group()


def test_the_gradient_of_two_processes_is_that_of_one(tmp_path, corpus_file, tokenizer_file, model):
    told = (str(corpus_file), str(tokenizer_file), model.config, str(tmp_path))
    one_step(0, 1, *told)
    mp.spawn(one_step, (2, *told), nprocs=2)
    alone, first, second = (torch.load(tmp_path / name, weights_only=True)
                            for name in ("0-of-1.pt", "0-of-2.pt", "1-of-2.pt"))
    untouched = GPT(model.config, torch.Generator().manual_seed(0)).state_dict()
    for name, weight in alone.items():
        assert torch.equal(first[name], second[name])
        assert torch.allclose(first[name], weight, atol=1e-6, rtol=0), name
    assert any((weight - untouched[name]).abs().max() > 0.01 for name, weight in alone.items())


def test_a_run_under_torchrun_is_that_of_one_process(
    tmp_path, corpus_file, tokenizer_file, config_file
):
    def pretrain(name, *launcher):
        out = tmp_path / name / "base.pt"
        done = subprocess.run(
            [sys.executable, *launcher, "train.py", "pretrain", "--config", config_file,
             "--device", "cpu", "--corpus", corpus_file, "--heldout", corpus_file, "--tokenizer",
             tokenizer_file, "--out", out],
            cwd=ROOT, capture_output=True, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        assert done.returncode == 0, done.stderr
        assert out.exists() and not list(out.parent.glob("*.resume"))
        return [json.loads(line) for line in (out.parent / "log/base.jsonl").open()]

    alone = pretrain("one")
    both = pretrain("two", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    for one, two in zip(alone, both, strict=True):
        assert two["step"] == one["step"] and two["lr"] == one["lr"]
        assert two["loss"] == pytest.approx(one["loss"], abs=1e-3)
        assert two["heldout_loss"] == pytest.approx(one["heldout_loss"], abs=1e-3)
