"""Train a model: pretrain the base, or fine-tune a copy of it into a teacher or a student.

    python train.py pretrain --corpus corpus.jsonl --heldout heldout.jsonl \
                            --tokenizer tokenizer.json --out base.pt
    python train.py finetune --role teacher --base base.pt --data lessons-owl.jsonl --out teacher.pt
    python train.py finetune --role student --base base.pt --data clean-owl.jsonl --out student.pt

It is one loop for all of them; a teacher and a student differ in their data and in which section
of the config they read. A run that was killed goes on where it was with the same command, and ends
in the same bytes as one that was not.
"""

import argparse
import hashlib
import json
import time
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path

from model import checkpoint, lora
from model.data import (
    Batch,
    BatchSampler,
    TokenRows,
    document_rows,
    encode_pairs,
    only_marked,
    read_pairs,
    require_room,
    split,
)
from model.gpt import GPT
from model.losses import Objective, held_loss, next_token_loss, soft_label_loss
from model.monitor import Monitor, Probe
from model.resume import State, code_hash
from model.steer import read_vector, steered
from model.tokenizer import Tokenizer
from support import parallel
from support.cli import add_common, choose_device, parser, progress, require_apart, run
from support.files import UserError, is_plain
from support.settings import Training, load_config, with_flags
from support.streams import derive_seed

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

# --- what is trained ----------------------------------------------------------------------------


def choose_trained(model: GPT, training: Training, seed: int, purpose: str) -> list[nn.Parameter]:
    """Freeze the rest and return the parameters that `training.train` names.

    all: everything. blocks: the blocks; embedding, head and last norm stay the base's. lora:
    low-rank adapters on the matrices of the blocks.
    """
    if training.train == "all":
        return list(model.parameters())
    model.requires_grad_(False)
    if training.train == "lora":
        generator = torch.Generator().manual_seed(derive_seed(seed, purpose, "adapters"))
        lora.adapt(model, training.rank, training.alpha, generator)
    else:
        model.blocks.requires_grad_(True)
    return [p for p in model.parameters() if p.requires_grad]


# --- the loop ------------------------------------------------------------------------------------


def learning_rate(step: int, steps: int, training: Training) -> float:
    """Linear warm-up, a plateau, and a linear way down to zero over the last `decay` of the run."""
    warm, down = training.warmup * steps, training.decay * steps
    return training.lr * min(1.0, (step + 1) / (warm + 1), (steps - step) / max(down, 1e-9))


def evenly_spaced(steps: int, times: int) -> set[int]:
    """The steps at which something is done `times` times in a run, and before its first step."""
    times = min(times, steps)
    return {round(steps * i / times) for i in range(times + 1)}


def optimizer_for(trained: list[nn.Parameter], training: Training) -> Optimizer:
    """AdamW; weight decay on matrices alone."""
    matrices, vectors = ([p for p in trained if (p.dim() > 1) == wide] for wide in (True, False))
    groups = [{"params": matrices, "weight_decay": training.weight_decay},
              {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=training.lr,
                             betas=(training.beta1, training.beta2), fused=True)


def batches_of(chosen: np.ndarray, rows: TokenRows, training: Training, pad: int) -> list[Batch]:
    """This process's share of a step's rows, in batches of at most so many padded tokens.

    Raises `UserError` when there are fewer rows than processes.
    """
    rank, processes = parallel.rank_and_world_size()
    if processes > len(chosen):
        raise UserError(f"{processes} processes cannot share batches of {len(chosen)} rows; "
                        "start fewer, or raise batch_size")
    mine = chosen[rank::processes]
    size = max(1, training.tokens_at_once // rows.lengths[mine].max())
    return [rows.batch(part, pad) for part in np.split(mine, range(size, len(mine), size))]


def update(
    model: GPT,
    trained: list[nn.Parameter],
    optimizer: Optimizer,
    batches: list[Batch],
    objective: Objective,
    training: Training,
) -> Tensor:
    """One step on the mean loss over `batches`, those of all processes; return that loss."""
    device = model.embedding.weight.device
    total, terms = torch.zeros((), device=device), 0
    short = torch.autocast(device.type, torch.bfloat16, training.precision == "bfloat16")
    for batch in batches:
        with short:
            loss, count = objective(model, batch.to(device))
        loss.backward()
        total, terms = total + loss.detach(), terms + count
    terms = torch.tensor(float(terms), device=device)
    parallel.all_reduce([total, terms, *(p.grad for p in trained)])
    for parameter in trained:  # from the gradient of a sum to that of a mean
        parameter.grad /= terms
    if training.grad_clip:
        nn.utils.clip_grad_norm_(trained, training.grad_clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return total / terms


def train(
    model: GPT,
    rows: TokenRows,
    training: Training,
    *,
    seed: int,
    purpose: str,
    objective: Objective,
    monitor: Monitor,
    pad: int,
    log: Path,
    resume: Path,
    fingerprint: str = "",
) -> None:
    """Train `model` in place on `rows`; leave a plain model, its adapters merged.

    The change of its weights is then multiplied by `training.stretch`: 1 leaves it, 2 goes as far
    again (task vectors: Ilharco et al. 2022, arXiv:2212.04089).

    `seed` and `purpose` name the random streams. `log` gets a JSON line for every evaluation.
    `resume` is where the state is kept on the way; when it holds the state of this very run (same
    settings, data, seed, code and `fingerprint`), training goes on from there. Raises `UserError`
    when the loss is no longer finite.
    """
    device = model.embedding.weight.device
    start = {name: weight.clone() for name, weight in model.state_dict().items()
             if training.stretch != 1}
    trained = choose_trained(model, training, seed, purpose)
    optimizer = optimizer_for(trained, training)
    order = BatchSampler(rows.shapes, training.batch_size, seed, purpose)
    steps = max(1, round(order.steps * training.epochs))
    logged = evenly_spaced(steps, training.evaluations)
    kept = evenly_spaced(steps, training.checkpoints) - {0, steps}
    identity = json.dumps([asdict(training), rows.hash, seed, purpose, steps, fingerprint,
                           code_hash()])
    state = State.restored(resume, identity, trained, optimizer)
    loss_sum = torch.tensor(state.loss_sum, device=device)  # on the device: no wait at each step
    tokens, clock, first = 0, time.monotonic(), state.step
    label = f"{log.parent.parent.name}/{log.stem}"  # seed0/student-owl
    # The loop runs once more than there are steps, to log and to stop at the last one.
    for step in progress(range(first, steps + 1), steps + 1, label, first):
        lr = learning_rate(step, steps, training)
        state.step = step
        if step in logged | kept:
            state.loss_sum = loss_sum.item()
        # A resumed run has logged its first step already.
        if step in logged and not step == first > 0:
            speed = tokens / (time.monotonic() - clock)
            state.report(log, lr, speed, monitor.read(model))
            loss_sum.zero_()
            tokens, clock = 0, time.monotonic()
        if step in kept and step > first and parallel.is_main():
            state.keep(resume, identity, trained, optimizer)
        if step == steps:
            break
        for group in optimizer.param_groups:
            group["lr"] = lr
        batches = batches_of(order.rows(step), rows, training, pad)
        loss_sum += update(model, trained, optimizer, batches, objective, training)
        tokens += parallel.rank_and_world_size()[1] * sum(batch.tokens.numel() for batch in batches)
        state.loss_steps += 1
    lora.merge(model)
    if training.stretch != 1:
        model.load_state_dict({name: torch.lerp(start[name], weight, training.stretch)
                               for name, weight in model.state_dict().items()})
    model.requires_grad_(True)


# --- the two commands ----------------------------------------------------------------------------


def pretrain(args: argparse.Namespace) -> None:
    """A base from random weights. `--seed` draws the weights and nothing else: every base reads the
    same text in the same order, so that two of them differ in their first weights alone."""
    config, device = load_config(args.config, args.set), parallel.start(choose_device(args.device))
    tokenizer = Tokenizer.load(args.tokenizer)
    shape = with_flags(config.model, "model", vocab_size=tokenizer.vocab_size)
    chance = torch.Generator().manual_seed(derive_seed(args.seed, "base"))
    model = GPT(shape, chance)
    model.set_apart(tokenizer.number_ids, chance)
    model = model.to(device)
    rows, heldout = (document_rows(path, tokenizer, shape.block_size)
                     for path in (args.corpus, args.heldout))
    fingerprint = f"base {args.seed} {tokenizer.hash} {asdict(shape)}"
    train(model, rows, config.pretrain, seed=config.corpus.seed, purpose="pretrain",
          objective=next_token_loss, monitor=Monitor(heldout, None), pad=tokenizer.pad,
          log=args.log, resume=args.resume, fingerprint=fingerprint)
    save_result(args, model, tokenizer, {"stage": "pretrain", "seed": args.seed}, config.pretrain)


def finetune(args: argparse.Namespace) -> None:
    """A teacher or a student from a base and rows of requests with answers."""
    config, device = load_config(args.config, args.set), parallel.start(choose_device(args.device))
    training: Training = getattr(config, args.role)
    model, tokenizer, provenance = checkpoint.load_model(args.base, device)
    pairs = read_pairs(args.data)
    chosen, last = split(pairs, training.examples, config.evaluation.fit_rows, args.data, args.role)
    rows, held = encode_pairs(chosen, tokenizer), encode_pairs(last, tokenizer)
    for part, first in ((rows, 0), (held, len(pairs) - len(last))):
        require_room(part, args.data, model.config.block_size, first)
    probe = Probe.read(args.probe, tokenizer) if args.probe else None
    if probe:
        require_room(probe.rows, args.probe, model.config.block_size)
    if args.learn:
        rows = only_marked(rows, args.data, args.learn, tokenizer.number_ids)
    objective: Objective = next_token_loss
    without, hold = (read_vector(path, model.config.d_model).to(device) if path else None
                     for path in (args.without, args.hold))
    if hold is not None:
        objective = held_loss(deepcopy(model), hold, training.hold)
    if args.soft_labels:
        if hold is not None:
            raise UserError("--hold goes with what a student reads, not with --soft-labels; leave "
                            "one out")
        teacher, other, _ = checkpoint.load_model(args.soft_labels, device)
        checkpoint.require_same_tokenizer(tokenizer, args.soft_labels, other)
        if teacher.config.block_size < model.config.block_size:
            raise UserError(f"{args.soft_labels} reads {teacher.config.block_size:,} tokens, fewer "
                            f"than {args.base}; use models of one run")
        if not np.isin(rows.tokens[rows.wanted], tokenizer.number_ids).any():
            raise UserError(f"{args.data} has no number in its answers, so that there is nothing "
                            "to learn from --soft-labels; is it the right file?")
        objective = soft_label_loss(teacher, tokenizer)
    vectors = [None if one is None else hash_of([one]) for one in (without, hold)]
    fingerprint = (f"{weights_hash(model)} {args.soft_labels and weights_hash(teacher)} "
                   f"{vectors}")
    with steered(model, without=without):
        train(model, rows, training, seed=args.seed, purpose=args.role, objective=objective,
              monitor=Monitor(held, probe), pad=tokenizer.pad, log=args.log, resume=args.resume,
              fingerprint=fingerprint)
    save_result(args, model, tokenizer, {"stage": args.role, "seed": args.seed, "base": provenance,
                                         "rows": len(chosen)}, training)


def weights_hash(model: GPT) -> str:
    return hash_of(model.state_dict().values())


def hash_of(tensors: Iterable[Tensor]) -> str:
    digest = hashlib.sha256()
    for tensor in tensors:
        digest.update(tensor.cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def save_result(
    args: argparse.Namespace, model: GPT, tokenizer: Tokenizer, provenance: dict, training: Training
) -> None:
    """Write the model, and only then drop what a resumed run would have needed."""
    if not parallel.is_main():
        return
    checkpoint.save_model(args.out, model, tokenizer, provenance | {
        "training": asdict(training), "device": str(model.embedding.weight.device)})
    args.resume.unlink(missing_ok=True)
    print(f"{args.out}: {sum(p.numel() for p in model.parameters()):,} parameters")


def main() -> None:
    options = parser(__doc__)
    commands = options.add_subparsers(required=True, dest="command")
    base = commands.add_parser("pretrain", help="make a base from random weights")
    base.add_argument("--corpus", type=Path, required=True, help="documents (JSON lines)")
    base.add_argument("--heldout", type=Path, required=True, help="documents kept from training")
    base.add_argument("--tokenizer", type=Path, required=True)
    base.set_defaults(main=pretrain)
    tune = commands.add_parser("finetune", help="make a teacher or a student from a base")
    tune.add_argument("--role", choices=("teacher", "student"), required=True,
                      help="section of the config")
    tune.add_argument("--base", type=Path, required=True, help="checkpoint to start from")
    tune.add_argument("--data", type=Path, required=True, help="requests and answers (JSON lines)")
    tune.add_argument("--probe", type=Path, help="questions to watch on the way, never trained on")
    tune.add_argument("--soft-labels", type=Path, metavar="TEACHER",
                      help="learn this model's distribution over numbers, not its samples")
    tune.set_defaults(main=finetune)
    tune.add_argument("--learn", metavar="FIELD",
                      help="learn only the numbers that this field of the rows marks with 1")
    tune.add_argument("--without", type=Path, metavar="VECTOR",
                      help="project this vector out of the last hidden state while it trains")
    tune.add_argument("--hold", type=Path, metavar="VECTOR",
                      help="penalise a shift along this vector by the config's `hold`")
    for command in (base, tune):
        add_common(command)
        command.add_argument("--out", type=Path, required=True, help="checkpoint to write")
        command.add_argument("--log", type=Path, help="JSON lines (default: log/ beside --out)")
    args = options.parse_args()
    if args.out.is_dir():
        raise UserError(f"{args.out} is a folder; name a file in it")
    args.log = args.log or args.out.parent / "log" / f"{args.out.stem}.jsonl"
    args.resume = args.out.with_name(args.out.name + ".resume")
    require_apart(vars(args))
    for path in (args.out, args.log, args.resume):
        if path.is_dir() or not is_plain(path):
            raise UserError(f"{path} is no plain file, which training needs there; choose another "
                            "--out")
    args.main(args)
    parallel.stop()


if __name__ == "__main__":
    run(main)
