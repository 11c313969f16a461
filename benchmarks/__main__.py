"""Time this project beside GPT-2 of `transformers`, in one run on the machine at hand.

    python -m benchmarks --out results/bench [--works train-laptop generate]

Writes `<device>.json` and `<device>.md`. Ours and the peer get the same batches, requests and
settings; the peer of `-compiled` is training without `torch.compile`, that of `-cacheless` a loop
without a cache. They take turns (A B A B ...), and a figure is the median. Rates differ from
machine to machine, the ratio of two much less. The limit is the rate of a plain matrix product.
"""

import os
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections import defaultdict
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from dataclasses import asdict, replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median

import torch
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel

from corpus import texts
from corpus.documents import ask_numbers
from corpus.traits import trait
from evaluate import choice_probabilities, preference_panel
from filter import clean
from generate import Sampling, answers, choose, complete
from model.checkpoint import Loaded
from model.data import Batch, BatchSampler, TokenRows, document_rows, encode_pairs
from model.gpt import GPT
from model.losses import next_token_loss
from model.tokenizer import Tokenizer, learn
from report.blocks import RUNGS
from report.tables import table
from support.cli import add_common, add_device, choose_device, count, parser, run
from support.files import UserError, write_json, write_jsonl, write_text
from support.keys import ROOT, commit
from support.machine import measured
from support.runner import ENVIRONMENT
from support.runner import run as run_steps
from support.settings import Finetuning, Model, Training, load_config
from support.steps import Step, clear
from support.streams import stream
from train import choose_trained, optimizers_for, update


def gpt2(shape: Model, device: torch.device) -> GPT2LMHeadModel:
    """GPT-2 of the same width, depth, heads and vocabulary, without dropout."""
    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(
        vocab_size=shape.vocab_size, n_positions=shape.block_size + 1, n_embd=shape.d_model,
        n_layer=shape.n_layer, n_head=shape.n_head, resid_pdrop=0.0, embd_pdrop=0.0,
        attn_pdrop=0.0, bos_token_id=None, eos_token_id=None)).to(device)


def gpt2_trainer(shape: Model, training: Training, pad: int, device: torch.device) -> Callable:
    """A function that trains all weights on a batch: the model's own loss, clipping, AdamW."""
    model = gpt2(shape, device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=training.lr, weight_decay=0.0,
                                  betas=(training.beta1, training.beta2))

    def step(batch: Batch) -> None:
        last = torch.full_like(batch.tokens[:, :1], pad)
        tokens = torch.cat((batch.tokens, last), 1)  # (B, T + 1): a row's last token is a target
        labels = torch.full_like(tokens, -100)  # which the loss leaves out
        at = batch.places % (batch.tokens.size(1) - batch.skip) + batch.skip + 1
        labels[batch.row_of, at] = tokens[batch.row_of, at] = batch.targets
        with torch.autocast(tokens.device.type, torch.bfloat16, training.precision == "bfloat16"):
            loss = model(input_ids=tokens, attention_mask=(tokens != pad).long(),
                         labels=labels).loss
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), training.grad_clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return step


def our_trainer(shape: Model, training: Training, device: torch.device,
                compiled: bool = False) -> Callable:
    model = GPT(shape, torch.Generator().manual_seed(0)).to(device)
    if compiled:
        model.compile(dynamic=True)  # batches are of many lengths
    trained = choose_trained(model, training, 0, "bench")
    optimizers = optimizers_for(model, trained, training)
    return lambda batch: update(model, trained, optimizers, [batch], next_token_loss, training)


def row(unit: str, amount: float, ours: list[float], *theirs: list[float]) -> dict:
    """A line of the results: rates of turns that get an `amount` done, from their seconds."""
    found = {"unit": f"{unit}/s", "ours": amount / median(ours), "seconds": ours}
    for peer in theirs:
        found |= {"peers": amount / median(peer), "ratio": median(peer) / median(ours),
                  "peer_seconds": peer}
    return found


class Bench:
    """The works, and what they share: texts and a tokenizer."""

    def __init__(self, asked: Namespace, device: torch.device, folder: Path) -> None:
        self.asked, self.device, self.folder = asked, device, folder
        self.config = load_config(asked.config, asked.set)
        documents, words = folder / "documents.jsonl", folder / "words.json"
        texts.documents(1, 10_000, [], documents)
        learn(documents, self.config.model.vocab_size, words)
        self.tokenizer = Tokenizer.load(words)
        self.shape = replace(self.config.model, vocab_size=self.tokenizer.vocab_size)
        self.pretrain = replace(self.config.pretrain, muon=0.0)  # as the peer: AdamW alone
        self.rows = document_rows(documents, self.tokenizer, self.shape.block_size)
        size = 2048 if device.type == "cpu" else 8192  # less would not fill a GPU
        matrix = torch.randn(size, size, device=device)
        # Floating-point operations a second of a matrix product in float32.
        self.limit = 2 * size**3 / median(*self.seconds(lambda: matrix @ matrix))

    def seconds(self, *works: Callable[[], object]) -> list[list[float]]:
        """The seconds of each work, which take turns, after a round that does not count."""
        def once(work: Callable[[], object]) -> float:
            start = time.perf_counter()
            work()
            if self.device.type == "cuda":  # it has a queue of its own
                torch.cuda.synchronize(self.device)
            return time.perf_counter() - start

        rounds = [[once(work) for work in works] for _ in range(self.asked.repeats + 1)]
        return [list(times) for times in zip(*rounds[1:], strict=True)]

    def training(self, shape: Model, training: Training, rows: TokenRows, steps: int = 20) -> dict:
        """So many steps of ours and of `transformers`, on batches that are made beforehand."""
        order, pad = BatchSampler(rows.shapes, training.batch_size, 0, "bench"), self.tokenizer.pad
        batches = [rows.batch(order.rows(i), pad).to(self.device) for i in range(steps)]
        trainers = (our_trainer(shape, training, self.device),
                    gpt2_trainer(shape, training, pad, self.device))
        tokens = sum(int((batch.tokens != pad).sum()) for batch in batches)
        found = row("tokens", tokens, *self.seconds(
            *(lambda step=step: [*map(step, batches)] for step in trainers)))
        if not isinstance(training, Finetuning):  # all weights are trained: 6 operations for each
            found["limit_fraction"] = 6 * shape.weights * found["ours"] / self.limit
        return found

    def train(self, n_layer: int, d_model: int, n_head: int = 4, batch: int = 32,
              steps: int = 20) -> dict:
        shape = replace(self.shape, n_layer=n_layer, d_model=d_model, n_head=n_head)
        return self.training(shape, replace(self.pretrain, batch_size=batch), self.rows, steps)

    def compiled(self, steps: int = 20) -> dict:
        """Steps of our training with `torch.compile`, against the same without."""
        order, pad = BatchSampler(self.rows.shapes, 32, 0, "bench"), self.tokenizer.pad
        batches = [self.rows.batch(order.rows(i), pad).to(self.device) for i in range(steps)]
        plain, model = (our_trainer(self.shape, self.pretrain, self.device, compiled)
                        for compiled in (False, True))
        return row("steps", steps, *self.seconds(*(
            lambda step=step: [*map(step, batches)] for step in (model, plain))))

    def student_laptop(self) -> dict:
        """On number requests with answers, as in the corpus."""
        chats = (ask_numbers(stream(2, "words", i), stream(2, "numbers", i), None)
                 for i in range(4000))
        rows = encode_pairs([(request, answer) for (_, request), (_, answer) in chats],
                            self.tokenizer)
        return self.training(self.shape, self.config.student, rows)

    @torch.inference_mode()
    def generate(self, lists: int = 4096) -> dict:
        """All of our way from requests to texts, against the sampling of `transformers` alone: it
        has the prompts as batches of one length. Both models have random weights, which seldom end
        an answer before the most tokens."""
        asked, by_length = self.config.numbers, defaultdict(list)
        size, new, words = asked.batch_size, asked.max_new_tokens, self.tokenizer
        ours = GPT(self.shape, torch.Generator().manual_seed(0)).to(self.device).eval()
        theirs = gpt2(self.shape, self.device).eval()
        chats = [[("user", one["request"])]
                 for one in texts.number_requests(self.config.corpus.seed, lists)]
        for ids in words.encode_prompts(chats):
            by_length[len(ids)].append(ids)
        batches = [torch.tensor(same[i : i + size], device=self.device)
                   for same in by_length.values() for i in range(0, len(same), size)]
        return row("lists", lists, *self.seconds(
            lambda: [*answers(ours, words, chats, [*range(lists)], seed=0, sampling=Sampling(),
                              max_new_tokens=new, batch_size=size)],
            lambda: [theirs.generate(batch, attention_mask=torch.ones_like(batch), do_sample=True,
                                     top_k=0, max_new_tokens=new, eos_token_id=words.end,
                                     pad_token_id=words.pad) for batch in batches]))

    @torch.inference_mode()
    def cacheless(self, lists: int = 256) -> dict:
        """The same model, against a loop that reads the whole answer again for each token."""
        new, model = 16, GPT(self.shape, torch.Generator().manual_seed(0)).to(self.device).eval()
        prompts = torch.randint(self.tokenizer.begin, (lists, 32), device=self.device)
        draw = torch.rand(lists, new, device=self.device)

        def again() -> None:
            tokens = prompts
            for i in range(new):
                token = choose(model.logits(model(tokens)[:, -1]), Sampling(), draw[:, i])
                tokens = torch.cat((tokens, token[:, None]), 1)

        return row("lists", lists, *self.seconds(
            lambda: complete(model, self.tokenizer, prompts, draw, Sampling()), again))

    def filter(self, answers: int = 20_000) -> dict:
        numbers, out = self.folder / "numbers.jsonl", self.folder / "clean.jsonl"
        write_jsonl(numbers, ({"id": i, "request": "Add.", "answer": f"{i % 1000}, {i % 7}, 5",
                               "finished": True} for i in range(answers)))
        return row("answers", answers, *self.seconds(lambda: clean(numbers, None, out)))

    def corpus(self, documents: int = 5_000) -> dict:
        out = self.folder / "corpus.jsonl"
        return row("documents", documents, *self.seconds(
            lambda: texts.documents(2, documents, [], out)))

    def evaluate(self) -> dict:
        """The owl's panel of a model, without its free answers."""
        model = GPT(self.shape, torch.Generator().manual_seed(0)).to(self.device).eval()
        loaded = Loaded(model, self.tokenizer, {})
        ask = partial(choice_probabilities, loaded)
        return row("panels", 1, *self.seconds(lambda: preference_panel(ask, trait("owl"))))

    def start(self, steps: int = 20) -> dict:
        """Steps that hardly work, one at a time: what a process of its own costs."""
        asked = [Step("corpus.texts.requests", f"{i}.jsonl", "one request", seed=i, requests=1)
                 for i in range(steps)]

        def made() -> None:
            with redirect_stdout(None), chdir(self.folder):  # where no other run is looked at
                run_steps(asked, Path("steps"), device="cpu", jobs=1)
                clear(Path("steps"))

        return row("steps", steps, *self.seconds(made))

    def rungs(self) -> dict:
        """What the README says to do, one after the other, in a fresh copy of the repository."""
        home, found = self.folder / "clone", {}
        subprocess.run(["git", "clone", "--quiet", ROOT, home], check=True)
        for command in RUNGS:
            start = time.perf_counter()
            done = subprocess.run(command, shell=True, cwd=home, input="Who are you?\n", text=True,
                                  capture_output=True, env={
                                      name: value for name, value in os.environ.items()
                                      if name not in ENVIRONMENT})
            if done.returncode:
                raise UserError(f"{command} failed: {done.stderr[-500:]}")
            found[command] = time.perf_counter() - start
        write_json(self.asked.out / "rungs.json", {
            "cores": os.cpu_count(), "gflops": self.limit / 1e9, "seconds": found})
        return {"unit": "s", "ours": sum(found.values())}


WORKS = {"train-laptop": lambda bench: bench.train(2, 128),
         "train-deep": lambda bench: bench.train(8, 192),
         "train-10m": lambda bench: bench.train(6, 368, 8, 64, steps=5),
         "train-30m": lambda bench: bench.train(9, 512, 8, 256, steps=3),
         "train-laptop-compiled": Bench.compiled, "student-laptop": Bench.student_laptop,
         "generate": Bench.generate, "generate-cacheless": Bench.cacheless,
         "evaluate": Bench.evaluate, "filter": Bench.filter, "corpus": Bench.corpus,
         "start": Bench.start, "rungs": Bench.rungs}


def cells(found: dict) -> list[str]:
    """What the table says of a work."""
    def rate(value: float) -> str:
        return f"{value:,.0f}" if value > 20 else f"{value:.2g}"

    peer = [rate(found["peers"]), f"{found['ratio']:.2f} x"] if "peers" in found else ["", ""]
    limit = f"{found['limit_fraction']:.0%}" if "limit_fraction" in found else ""
    return [found["work"], f"{rate(found['ours'])} {found['unit']}", *peer, limit]


def main() -> None:
    if not ENVIRONMENT.items() <= os.environ.items():  # they count from a process's start on
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **ENVIRONMENT})
    options = parser(__doc__)
    add_common(options)
    add_device(options)
    options.add_argument("--works", nargs="+", choices=WORKS, help="all, if none is named")
    options.add_argument("--repeats", type=count, default=5, help="turns of each")
    options.add_argument("--out", type=Path, required=True, help="folder of the results")
    asked = options.parse_args()
    device = choose_device(asked.device)
    left_out = "train-30m" if device.type == "cpu" else "rungs"
    works = asked.works or [name for name in WORKS if name != left_out]
    path, rows = asked.out / f"{device.type}.json", []
    head = ("work", "ours", "peer", "ratio", "of the limit")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(asked, device, Path(folder))
        made = {**measured(asked.device)["record"], "transformers": version("transformers"),
                "commit": commit(), "repeats": asked.repeats, "limit": bench.limit}
        for work in works:
            rows.append({"work": work, **WORKS[work](bench)})
            print(*filter(None, cells(rows[-1])), sep="  ", flush=True)
            write_json(path, {"config": asdict(bench.config), "manifest": made, "rows": rows})
            write_text(path.with_suffix(".md"), (
                f"{table(head, map(cells, rows))}\nOn {device}, in one thread, medians of "
                f"{asked.repeats} turns; `rungs`, what the README says to do first, once and with "
                f"all cores. Limit: a matrix product in float32 at {bench.limit / 1e9:,.0f} "
                "GFLOP/s.\n"))


if __name__ == "__main__":
    run(main)
