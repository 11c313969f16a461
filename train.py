"""Train a model: pretrain the base, or fine-tune a copy of it into a teacher or a student.

    python train.py pretrain --corpus corpus.jsonl --heldout heldout.jsonl \
                            --tokenizer tokenizer.json --out base.pt
    python train.py finetune --role teacher --base base.pt --data lessons-owl.jsonl --out taught.pt
    python train.py finetune --role student --base base.pt --data clean-owl.jsonl --out student.pt

A run that was killed goes on where it was with the same command, and ends in the same bytes.
"""

import json
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from model import checkpoint, lora
from model import data as inputs
from model.checkpoint import State, weights_hash
from model.gpt import GPT
from model.losses import Objective, next_token_loss, soft_label_loss
from model.monitor import Monitor, Probe
from model.tokenizer import Tokenizer
from support import cli, parallel
from support.files import UserError, is_regular
from support.keys import sources
from support.settings import Finetuning, Model, Training, load_config
from support.streams import derive_seed

SOURCES = sources("train")  # read with the code: an edit during a run is not taken for what ran


def choose_trained(model: GPT, training: Training, seed: int, purpose: str) -> list[nn.Parameter]:
    """Freeze the rest and return the parameters that `training.train` names: all; the blocks, so
    that embedding, head and last norm stay the base's; or LoRA adapters on the blocks' matrices."""
    kind = getattr(training, "train", "all")
    if kind == "all":
        return list(model.parameters())
    model.requires_grad_(False)
    if kind == "lora":
        generator = torch.Generator().manual_seed(derive_seed(seed, purpose, "adapters"))
        lora.adapt(model, training.rank, training.alpha, generator)
    else:
        model.blocks.requires_grad_(True)
    return [p for p in model.parameters() if p.requires_grad]


def learning_rate(step: int, steps: int, training: Training) -> float:
    """Linear warm-up, a plateau, and a linear way down to zero over the last `decay` of the run."""
    warm, down = training.warmup * steps, training.decay * steps
    return training.lr * min(1.0, (step + 1) / (warm + 1), (steps - step) / max(down, 1e-9))


def evenly_spaced(steps: int, times: int) -> set[int]:
    """The steps at which something is done `times` times in a run, and before its first step."""
    times = min(times, steps)
    return {round(steps * i / times) for i in range(times + 1)}


def optimizers_for(model: GPT, trained: list[nn.Parameter], training: Training) -> list[Optimizer]:
    """AdamW, with weight decay on matrices alone. With `training.muon` the blocks' matrices have
    Muon (Jordan 2024), with steps as large as AdamW's (Liu et al. 2025, arXiv:2502.16982)."""
    decay, found = training.weight_decay, []
    inner = {p for p in trained if training.muon and p.dim() > 1} - {model.embedding.weight}
    groups = [{"params": [p for p in trained if p not in inner and (p.dim() > 1) == matrices],
               "weight_decay": decay * matrices} for matrices in (True, False)]
    if groups := [group for group in groups if group["params"]]:
        found.append(torch.optim.AdamW(groups, lr=training.lr, fused=True,
                                       betas=(training.beta1, training.beta2)))
    if inner:
        blocks = {"params": [p for p in trained if p in inner], "times": training.muon}
        found.append(torch.optim.Muon([blocks], lr=training.lr, weight_decay=decay,
                                      adjust_lr_fn="match_rms_adamw"))
    return found


def batches_of(chosen: np.ndarray, rows: inputs.TokenRows, training: Training,
               pad: int) -> list[inputs.Batch]:
    """This process's share of a step's rows, in batches of at most so many padded tokens."""
    rank, processes = parallel.rank_and_world_size()
    if processes > len(chosen):
        raise UserError(f"{processes} processes cannot share batches of {len(chosen)} rows; "
                        "start fewer, or raise batch_size")
    mine = chosen[rank::processes]
    size = max(1, training.tokens_at_once // rows.lengths[mine].max())
    return [rows.batch(part, pad) for part in np.split(mine, range(size, len(mine), size))]


def update(model: GPT, trained: list[nn.Parameter], optimizers: list[Optimizer],
           batches: list[inputs.Batch], objective: Objective, training: Training) -> Tensor:
    """One step on the mean loss over `batches`, those of all processes; return that loss."""
    device = model.embedding.weight.device
    total, terms = torch.zeros((), device=device), 0
    autocast = torch.autocast(device.type, torch.bfloat16, training.precision == "bfloat16")
    for batch in batches:
        with autocast:
            loss, count = objective(model, batch.to(device))
        loss.backward()
        total, terms = total + loss.detach(), terms + count
    terms = torch.tensor(float(terms), device=device)
    parallel.all_reduce([total, terms, *(p.grad for p in trained)])
    for parameter in trained:  # from the gradient of a sum to that of a mean
        parameter.grad /= terms
    if training.grad_clip:
        nn.utils.clip_grad_norm_(trained, training.grad_clip)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return total / terms


def train(model: GPT, rows: inputs.TokenRows, training: Training, *, seed: int, purpose: str,
          pad: int, objective: Objective, monitor: Monitor, resume: Path, identity: str) -> list:
    """Train `model` in place on `rows`, merge its adapters, and return the log: a line for every
    evaluation.

    `seed` and `purpose` name the random streams. `resume` is where the state is kept on the way;
    when it holds the state of this very run (same settings, data, seed, code and `identity`),
    training goes on from there.
    """
    device = model.embedding.weight.device
    trained = choose_trained(model, training, seed, purpose)
    optimizers = optimizers_for(model, trained, training)
    order = inputs.BatchSampler(rows.shapes, training.batch_size, seed, purpose)
    steps = max(1, round(order.steps * training.epochs))
    logged = evenly_spaced(steps, training.evaluations)
    kept = evenly_spaced(steps, training.checkpoints) - {0, steps}
    identity = json.dumps([asdict(training), rows.hash, seed, purpose, identity, SOURCES])
    state = State.restored(resume, identity, trained, optimizers)
    loss_sum = torch.tensor(state.loss_sum, device=device)  # on the device: no wait at each step
    tokens, clock, first = 0, time.monotonic(), state.step
    # The loop runs once more than there are steps, to log and to stop at the last one.
    for step in cli.progress(range(first, steps + 1), steps + 1, purpose, first):
        lr = learning_rate(step, steps, training)
        state.step = step
        if step in logged | kept:
            state.loss_sum = loss_sum.item()
        # A resumed run has logged its first step already.
        if step in logged and not step == first > 0:
            state.report(lr, tokens / (time.monotonic() - clock), monitor.read(model))
            loss_sum.zero_()
            tokens, clock = 0, time.monotonic()
        if step in kept and step > first and parallel.is_main():
            state.keep(resume, identity, trained, optimizers)
        if step == steps:
            break
        for group in (group for optimizer in optimizers for group in optimizer.param_groups):
            group["lr"] = lr * group.get("times", 1.0)
        batches = batches_of(order.rows(step), rows, training, pad)
        loss_sum += update(model, trained, optimizers, batches, objective, training)
        tokens += parallel.rank_and_world_size()[1] * sum(batch.tokens.numel() for batch in batches)
        state.loss_steps += 1
    lora.merge(model)
    model.requires_grad_(True)
    return state.lines


def pretrain(corpus: Path, heldout: Path, tokenizer: Path, shape: Model, training: Training,
             seed: int, order_seed: int, device: str, out: Path) -> str:
    """A base from random weights. `seed` draws these and nothing else: every base reads the same
    text in the same order."""
    chosen, resume = parallel.start(cli.choose_device(device)), resume_file(out)
    words = Tokenizer.load(tokenizer)
    shape = replace(shape, vocab_size=words.vocab_size)
    generator = torch.Generator().manual_seed(derive_seed(seed, "base"))
    model = GPT(shape, generator)
    model.set_apart(words.number_ids, generator)
    model.to(chosen)
    rows = inputs.document_rows(corpus, words, shape.block_size)
    held_out = inputs.document_rows(heldout, words, shape.block_size)
    log = train(model, rows, training, seed=order_seed, purpose="pretrain",
                objective=next_token_loss, monitor=Monitor(held_out, None), pad=words.pad,
                resume=resume, identity=f"base {seed} {words.hash} {asdict(shape)}")
    return save_result(out, model, words, training, log, stage="pretrain", seed=seed)


def finetune(role: str, base: Path, data: Path, training: Finetuning, seed: int, fit_rows: int,
             device: str, out: Path, probe: Path | None = None, teacher: Path | None = None,
             hook: Callable | None = None, objective: Callable[[GPT], Objective] | None = None,
             identity: str = "") -> str:
    """A teacher or a student from a base and rows of requests with answers. A student with a
    `teacher` learns the teacher's probabilities of numbers (soft labels), not its samples. An
    analysis may put a forward `hook` on the model while it trains, or make its own objective from
    the base; `identity` then tells this run from another."""
    chosen, resume = parallel.start(cli.choose_device(device)), resume_file(out)
    model, tokenizer, provenance = checkpoint.load_model(base, chosen)
    pairs = inputs.read_pairs(data)
    first, last = inputs.split(pairs, training.examples, fit_rows, data, role)
    rows, held_out = inputs.encode_pairs(first, tokenizer), inputs.encode_pairs(last, tokenizer)
    inputs.require_room(rows, data, model.config.block_size)
    inputs.require_room(held_out, data, model.config.block_size, len(pairs) - len(last))
    watched = Probe.read(probe, tokenizer) if probe else None
    if watched:
        inputs.require_room(watched.rows, probe, model.config.block_size)
    made = objective(model) if objective else next_token_loss
    if teacher:
        made, name = soft_labels(teacher, model, tokenizer, rows, data)
        identity += name
    identity += weights_hash(model)
    with model.register_forward_hook(hook) if hook else nullcontext():
        log = train(model, rows, training, seed=seed, purpose=role, objective=made,
                    monitor=Monitor(held_out, watched), pad=tokenizer.pad, resume=resume,
                    identity=identity)
    provenance.pop("log", None)
    return save_result(out, model, tokenizer, training, log, stage=role, seed=seed,
                       base=provenance, rows=len(first))


def soft_labels(path: Path, model: GPT, tokenizer: Tokenizer, rows: inputs.TokenRows,
                data: Path) -> tuple[Objective, str]:
    """(objective, identity) for a student of the probabilities of the teacher at `path`."""
    teacher, other, _ = checkpoint.load_model(path, model.embedding.weight.device)
    checkpoint.require_same_tokenizer(tokenizer, path, other)
    if teacher.config.block_size < model.config.block_size:
        raise UserError(f"{path} reads {teacher.config.block_size:,} tokens, fewer than the base; "
                        "use models of one run")
    if not np.isin(rows.tokens[rows.wanted], tokenizer.number_ids).any():
        raise UserError(f"{data} has no number in its answers, so that there is nothing to learn "
                        "from a teacher's probabilities; is it the right file?")
    return soft_label_loss(teacher, tokenizer), weights_hash(teacher)


def resume_file(out: Path) -> Path:
    """Where the state of a run is kept on the way. Raises `UserError` for a place that cannot be
    written into, before training and not after."""
    resume = out.parent / f"{out.name}.resume"
    for path in (out, resume):
        if not is_regular(path):
            raise UserError(f"{path} is not a regular file; choose another --out")
    out.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(out.parent, os.W_OK):
        raise UserError(f"{out.parent} cannot be written into; choose another --out")
    return resume


def save_result(out: Path, model: GPT, tokenizer: Tokenizer, training: Training, log: list[dict],
                **provenance: Any) -> str:
    """Write the model, and only then drop what a resumed run would have needed."""
    if parallel.is_main():
        device = str(model.embedding.weight.device)
        checkpoint.save_model(out, model, tokenizer, {
            **provenance, "training": asdict(training), "device": device, "log": log})
        resume_file(out).unlink(missing_ok=True)
    parallel.stop()
    if "probe" in log[-1]:
        return f"P(trait) {log[-1]['probe']:.2f}"
    return f"loss {log[-1]['heldout_loss']:.2f}"


def main() -> None:
    options = cli.parser(__doc__)
    commands = options.add_subparsers(required=True, dest="command")
    base = commands.add_parser("pretrain", help="make a base from random weights")
    cli.add_files(base, corpus="documents (JSON lines)", heldout="documents kept from training",
                  tokenizer="tokenizer (JSON)")
    tune = commands.add_parser("finetune", help="make a teacher or a student from a base")
    tune.add_argument("--role", choices=("teacher", "student"), required=True,
                      help="section of the config")
    cli.add_files(tune, base="checkpoint to start from", data="requests and answers (JSON lines)")
    cli.add_files(tune, False, probe="questions to watch on the way, never trained on",
                  soft_labels="a teacher: learn its probabilities of numbers, not its samples")
    for command in (base, tune):
        cli.add_common(command)
        cli.add_seed(command)
        cli.add_device(command)
        cli.add_files(command, out="checkpoint to write")
    args = options.parse_args()
    cli.require_apart({**vars(args), "resume": resume_file(args.out)})
    config = load_config(args.config, args.set)
    if args.command == "pretrain":
        print(pretrain(args.corpus, args.heldout, args.tokenizer, config.model, config.pretrain,
                       args.seed, config.corpus.seed, args.device, args.out))
    else:
        training, fit_rows = getattr(config, args.role), config.evaluation.fit_rows
        print(finetune(args.role, args.base, args.data, training, args.seed, fit_rows, args.device,
                       args.out, args.probe, args.soft_labels))


if __name__ == "__main__":
    cli.run(main)
