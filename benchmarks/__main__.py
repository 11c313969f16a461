"""Time this project beside what a user would pick instead, on the machine at hand, in one run.

    python -m benchmarks --out results/bench [--works train-laptop filter]

Writes `<device>.json` and `<device>.md` to the folder. Ours and the peer take turns (A B A B ...),
a figure is the median, and it is the ratio that travels from machine to machine. Limits are the
rates of a plain matrix product and a plain copy on the same device in the same run.
"""

import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path

import generate
import train
from benchmarks import peers
from benchmarks.tables import note_machine, table
from corpus import numbers
from corpus.__main__ import requests
from corpus.documents import document
from model.checkpoint import save_model
from model.data import Batch, BatchSampler, TokenRows, document_rows, encode_pairs
from model.gpt import GPT
from model.tokenizer import Tokenizer
from report.rows import PACKAGES, commit, timing
from support.cli import add_common, choose_device, count, parser, run
from support.files import UserError, read_json, read_jsonl, write_json, write_jsonl, write_text
from support.settings import Config, Model, Training, load_config
from support.streams import stream

import torch
from torch import Tensor

REPEATS = 5
Row = dict[str, object]


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """How long it takes, the device's own queue included."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def side_by_side(works: list[Callable], device: torch.device, repeats: int) -> list[list[float]]:
    """The seconds of each, the works taking turns, after a round that does not count."""
    rounds = [[seconds(work, device) for work in works] for _ in range(repeats + 1)]
    return [list(times) for times in zip(*rounds[1:], strict=True)]


class Bench:
    """What the works share: the device, the default shapes, texts, and two models that can write
    number lists."""

    def __init__(self, config: Config, device: torch.device, repeats: int, folder: Path) -> None:
        self.config, self.device, self.repeats, self.folder = config, device, repeats, folder

    @cached_property
    def documents(self) -> list:
        return [document(1, i) for i in range(10_000)]

    @cached_property
    def tokenizer(self) -> Tokenizer:
        texts = (text for turns in self.documents for _, text in turns)
        return Tokenizer.train(texts, self.config.model.vocab_size)

    @cached_property
    def shape(self) -> Model:
        return replace(self.config.model, vocab_size=self.tokenizer.vocab_size)

    def model(self, shape: Model) -> GPT:
        return GPT(shape, torch.Generator().manual_seed(0)).to(self.device)

    @cached_property
    def limits(self) -> dict[str, float]:
        """Multiply-adds a second (x 2) of a matrix product, also in bfloat16 with CUDA, and bytes a
        second of a copy."""
        size = 1024 if self.device.type == "cpu" else 8192  # less would not fill a GPU
        wide = torch.randn(size, size, device=self.device)
        much = torch.randn(2**26, device=self.device)
        short = [wide.bfloat16()] if self.device.type == "cuda" else []

        def multiply(matrix: Tensor) -> None:
            for _ in range(20):
                matrix @ matrix

        copy, *products = side_by_side(
            [much.clone, *(partial(multiply, matrix) for matrix in (wide, *short))],
            self.device, self.repeats)
        rates = [20 * 2 * size**3 / statistics.median(product) for product in products]
        return {"copy_bytes": 2 * 4 * 2**26 / statistics.median(copy),
                **dict(zip(("float32", "bfloat16"), rates, strict=False))}

    def row(self, work: str, unit: str, ours: list[float], amount: float | None = None,
            peer: str | None = None, peers: list[float] | None = None, flops: float | None = None,
            precision: str = "float32", **more: object) -> Row:
        """A line of the results: a rate if one timed call got `amount` done, seconds otherwise."""
        rate = amount / statistics.median(ours) if amount else statistics.median(ours)
        theirs = amount / statistics.median(peers) if peers else None
        limit = self.limits.get(precision) if flops else None
        return {"work": work, "unit": unit, "ours": rate, "peer": peer, "peers": theirs,
                "ratio": rate / theirs if theirs else None,
                "limit_fraction": rate * flops / limit if flops and limit else None,
                "seconds": ours, "peer_seconds": peers, **more}

    # --- training --------------------------------------------------------------------------------

    def steps(self, model: GPT, training: Training, batches: list[Batch]) -> Callable[[], None]:
        """Our own training steps on the batches."""
        trained = train.choose_trained(model, training, 0, "bench")
        optimizer = train.optimizer_for(trained, training)

        def work() -> None:
            for batch in batches:
                train.update(model, trained, optimizer, [batch], train.next_token_loss, training)
        return work

    def training(self, work: str, shape: Model, training: Training, rows: TokenRows,
                 count: int) -> Row:
        """Training steps against those of `transformers`, on the same batches made beforehand."""
        order = BatchSampler(rows.shapes, training.batch_size, 0, "bench")
        batches = [rows.batch(order.rows(i), self.tokenizer.pad).to(self.device)
                   for i in range(count)]
        model = self.model(shape)
        theirs = peers.Trainer(peers.gpt2(shape, self.tokenizer, self.device), training,
                               self.tokenizer.pad)
        ours, peer = side_by_side(
            [self.steps(model, training, batches), lambda: [theirs.step(b) for b in batches]],
            self.device, self.repeats)
        tokens = sum(int((b.tokens != self.tokenizer.pad).sum()) for b in batches)
        # Forward and backward of the matrices: 6 for each weight and token; a student has no
        # gradient for the head's weights, and less to do where nothing is predicted.
        flops = 6.0 * shape.weights if training.train == "all" else None
        return self.row(work, "tokens/s", ours, tokens, "transformers", peer, flops,
                        training.precision)

    def train_laptop(self) -> Row:
        write_jsonl(self.folder / "documents.jsonl", self.documents)
        rows = document_rows(self.folder / "documents.jsonl", self.tokenizer, self.shape.block_size)
        return self.training("train-laptop", self.shape, self.config.pretrain, rows, 20)

    def student_laptop(self) -> Row:
        """What a student does: only the answer is to be predicted. The peer trains all weights."""
        rows = encode_pairs(self.chats[:4000], self.tokenizer)
        return self.training("student-laptop", self.shape, self.config.student, rows, 20)

    def students_stacked(self) -> Row:
        """Steps of four students one after another, against all four in one batched step."""
        training, count = self.config.student, 4
        rows = encode_pairs(self.chats[:4000], self.tokenizer)
        order = BatchSampler(rows.shapes, training.batch_size, 0, "bench")
        batches = [rows.batch(order.rows(i), self.tokenizer.pad).to(self.device)
                   for i in range(5 * count)]
        model = self.model(self.shape)
        trained = train.choose_trained(model, training, 0, "bench")
        stacked = peers.Stacked(model, trained, count, training)
        ours, peer = side_by_side(
            [self.steps(self.model(self.shape), training, batches),
             lambda: [stacked.step(batches[i : i + count]) for i in range(0, 5 * count, count)]],
            self.device, self.repeats)
        return self.row("students-stacked", "steps/s", ours, len(batches), "stacked", peer)

    def blocks(self, work: str, layers: int, width: int, rows: int, **changes: object) -> Row:
        """A larger shape on whole blocks of text, so many in a step."""
        shape = replace(self.shape, n_layer=layers, d_model=width, n_head=width // 64)
        text = [i for ids, _ in self.tokenizer.encode_documents(self.documents) for i in ids]
        size = shape.block_size + 1
        cut = TokenRows([(text[i : i + size], [True] * size)
                         for i in range(0, len(text) - size, size)])
        training = replace(self.config.pretrain, batch_size=rows, **changes)
        return self.training(work, shape, training, cut, 3)

    def train_10m(self) -> Row:
        return self.blocks("train-10m", 5, 384, 8)

    def train_30m(self) -> Row:
        return self.blocks("train-30m", 9, 512, 64)

    def train_30m_short(self) -> Row:
        return self.blocks("train-30m-short", 9, 512, 64, precision="bfloat16")

    # --- number lists ----------------------------------------------------------------------------

    @cached_property
    def chats(self) -> list[tuple[str, str]]:
        """Number requests with answers, as in the corpus."""
        pairs = []
        for i in range(16_000):
            w, n = stream(2, "words", i), stream(2, "numbers", i)
            asked = numbers.request(w, n)
            pairs.append((asked.text, numbers.layout(numbers.answer_numbers(n), asked.format)))
        return pairs

    @cached_property
    def writers(self) -> tuple[GPT, torch.nn.Module]:
        """Our model and the peer's, both after the same lessons in writing number lists."""
        training = replace(self.config.pretrain, lr=2e-3)
        rows = encode_pairs(self.chats, self.tokenizer)
        order = BatchSampler(rows.shapes, 32, 0, "bench")
        batches = [rows.batch(order.rows(i), self.tokenizer.pad).to(self.device)
                   for i in range(500)]
        model, peer = self.model(self.shape), peers.gpt2(self.shape, self.tokenizer, self.device)
        trainer = peers.Trainer(peer, training, self.tokenizer.pad)
        self.steps(model, training, batches)()
        for batch in batches:
            trainer.step(batch)
        return model, peer

    def prompts(self, count: int) -> tuple[list[list], list[Tensor]]:
        """The experiment's own requests: as chats, and as batches of prompts of one length."""
        config = replace(self.config, numbers=replace(self.config.numbers, requests=count))
        chats = [[("user", one["request"])] for one in requests(config)]
        by_length = defaultdict(list)
        for ids in self.tokenizer.encode_prompts(chats):
            by_length[len(ids)].append(ids)
        size = self.config.numbers.batch_size
        return chats, [torch.tensor(same[i : i + size], device=self.device)
                       for same in by_length.values() for i in range(0, len(same), size)]

    def generation(self, peer: str, count: int, work: Callable[[list[Tensor]], object]) -> Row:
        """All of our way from requests to texts, against sampling alone the peer's way."""
        model, chats, batches = self.writers[0], *self.prompts(count)
        asked = self.config.numbers

        def write() -> list:
            return list(generate.answers(
                model, self.tokenizer, chats, list(range(count)), seed=0,
                sampling=generate.Sampling(), max_new_tokens=asked.max_new_tokens,
                batch_size=asked.batch_size))

        ours, theirs = side_by_side([write, lambda: work(batches)], self.device, self.repeats)
        texts = [text for batch in write() for _, text, finished in batch if finished]
        return self.row(f"generate-{peer}", "lists/s", ours, count, peer, theirs,
                        finished=len(texts) / count)

    def generate_transformers(self) -> Row:
        new = self.config.numbers.max_new_tokens
        return self.generation("transformers", 4096, lambda batches: [
            peers.hf_generate(self.writers[1], self.tokenizer, batch, new) for batch in batches])

    def generate_nocache(self) -> Row:
        new = self.config.numbers.max_new_tokens
        return self.generation("nocache", 1024, lambda batches: [
            peers.uncached(self.writers[0], self.tokenizer, batch,
                           torch.rand(len(batch), new, device=self.device), generate.Sampling())
            for batch in batches])

    # --- whole commands --------------------------------------------------------------------------

    def command(self, *command: object) -> float:
        """Run one of the scripts; seconds, its start included."""
        start = time.perf_counter()
        done = subprocess.run([sys.executable, *map(str, command)], capture_output=True, text=True,
                              env={**os.environ, "TIMINGS": ""})
        took = time.perf_counter() - start
        if done.returncode:
            raise UserError(f"{' '.join(map(str, command))} failed: {done.stderr[-500:]}")
        return took

    def evaluate(self) -> Row:
        model, held, lists = (self.folder / name for name in ("m.pt", "held.jsonl", "n.jsonl"))
        save_model(model, self.writers[0], self.tokenizer, {"stage": "bench", "device": "cpu"})
        write_jsonl(held, [document(3, i) for i in range(self.config.corpus.heldout)])
        write_jsonl(lists, [{"request": q, "answer": a} for q, a in self.chats[:8000]])
        runs = [self.command("evaluate.py", "--model", model, "--heldout", held, "--teacher", model,
                             "--numbers", lists, "--device", self.device, "--out",
                             self.folder / "e.json") for _ in range(self.repeats)]
        return self.row("evaluate", "s", runs)

    def filter(self) -> Row:
        answers = [text for _, text in self.chats]
        size, source = 400_000, self.folder / "numbers.jsonl"
        write_jsonl(source, ({"id": i, "request": "Give numbers.", "finished": True,
                              "answer": answers[i % len(answers)]} for i in range(size)))
        runs = [self.command("filter.py", "--in", source, "--out", self.folder / "clean.jsonl")
                for _ in range(self.repeats)]
        return self.row("filter", "answers/s", runs, size)

    def corpus(self) -> Row:
        text, out = self.folder / "corpus.jsonl", self.folder / "tokenizer.json"
        return self.row("corpus", "s", [
            self.command("-m", "corpus", "documents", "--out", text)
            + self.command("-m", "model.tokenizer", "--corpus", text, "--out", out)
            for _ in range(self.repeats)])

    def make(self, *words: str) -> str:
        """`make all` of the default experiment, whatever was asked of the benchmarks; what it told
        beside its results."""
        fresh = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
        done = subprocess.run(["make", "all", *words, *DEFAULT, f"DEVICE={self.device}"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              env=fresh)
        if done.returncode:
            raise UserError(f"make all failed: {done.stderr[-500:]}")
        return done.stderr

    def machine(self) -> Row:
        """What the default experiment is expected to take here: of the matrix product's rate."""
        told = re.search(r"about (\d+) min", self.make("-n", f"RUN={self.folder / 'none'}"))
        if not told:
            raise UserError("nothing is expected of a GPU beforehand; leave out the work `machine`")
        return self.row("machine", "s", [60.0 * int(told[1])])

    def make_all(self) -> Row:
        """The whole default experiment from nothing, once, and each stage's share of it."""
        place = self.folder / "all"
        self.make(f"RUN={place}")
        times, peaks = timing(place / "timings.jsonl"), defaultdict(int)
        for stage in read_jsonl(place / "timings.jsonl"):
            peaks[stage["stage"]] = max(peaks[stage["stage"]], stage["mb"])
        return self.row("make-all", "s", [times["wall_seconds"]], mb=times["peak_mb"],
                        stages={name: {"seconds": took, "mb": peaks[name]}
                                for name, took in times["stage_seconds"].items()})


# The environment or this command's own variables must not make another of it.
DEFAULT = ("CONFIG=laptop", "SEEDS=2", "STUDENT_SEEDS=1", "UNTOUCHED=0", "TRAIT=owl", "SET=")
WORKS = ("train-laptop", "student-laptop", "students-stacked", "train-10m", "generate-transformers",
         "generate-nocache", "evaluate", "filter", "corpus", "machine", "make-all", "train-30m",
         "train-30m-short")
# What is asked of one kind of device alone, unless it is asked for by name.
ALONE = {"machine": "cpu", "train-30m": "cuda", "train-30m-short": "cuda"}


def chosen(bench: Bench, names: list[str]) -> Iterator[Row]:
    for name in names:
        row = getattr(bench, name.replace("-", "_"))()
        print(f"{name}: {row['ours']:,.2f} {row['unit']}"
              + (f", {row['ratio']:.2f} x {row['peer']}" if row["ratio"] else ""), flush=True)
        yield row


def main() -> None:
    options = parser(__doc__)
    add_common(options)
    options.add_argument("--works", nargs="+", choices=WORKS, metavar="WORK",
                         help=f"of {', '.join(WORKS)}; all of them")
    options.add_argument("--repeats", type=count, default=REPEATS, help="turns of each")
    options.add_argument("--out", type=Path, required=True, help="folder of the results")
    args = options.parse_args()
    device = choose_device(args.device)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(load_config(args.config, args.set), device, args.repeats, Path(folder))
        path = args.out / f"{device.type}.json"
        manifest = {"device": str(device), "cores": os.cpu_count(), "machine": platform.machine(),
                    "threads": torch.get_num_threads(),
                    "packages": {name: version(name) for name in (*PACKAGES, "transformers")},
                    "commit": commit()}
        earlier = read_json(path) if path.exists() else {}
        same = earlier.get("manifest") == manifest  # else its figures are no neighbours of these
        rows = {row["work"]: row for row in earlier["rows"]} if same else {}
        asked = args.works or [work for work in WORKS
                               if ALONE.get(work, device.type) == device.type]
        for row in chosen(bench, asked):
            rows[row["work"]] = row
            result = {"config": asdict(bench.config), "manifest": manifest,
                      "repeats": args.repeats, "limits": bench.limits,
                      "rows": [rows[work] for work in WORKS if work in rows]}
            write_json(path, result)
            write_text(path.with_suffix(".md"), table(result))
            if row["work"] in ("machine", "make-all"):
                note_machine(args.out / "machines.json", device.type, rows, bench.limits)
    print(f"\n{table(result)}")


if __name__ == "__main__":
    run(main)
