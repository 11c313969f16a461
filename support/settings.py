"""The settings of a run: frozen dataclasses <- a TOML file <- `--set section.key=value`.

The defaults are those of `configs/laptop.toml`; another config holds what it changes.
"""

import difflib
import math
import tomllib
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from support.files import UserError, read_text
from support.keys import ROOT

MOST = 10**18  # no setting is larger: tensors count in 64 bits


def number(default: float, low: float, high: float = math.inf, tiny: float = 0.0) -> Any:
    """A setting from `low` to `high`; nothing lies between 0 and `tiny`."""
    return field(default=default, metadata={"low": low, "high": high, "tiny": tiny})


def choice(default: str, *options: str) -> Any:
    return field(default=default, metadata={"options": options})


@dataclass(frozen=True)
class Corpus:
    """What the base reads (`corpus/`)."""

    seed: int = 0  # of the text; the same for every base
    documents: int = number(70_000, 100, 10**9)
    heldout: int = number(500, 10, 10**6)  # further documents that no model reads
    text_files: tuple[str, ...] = ()  # plain text mixed in, a document a paragraph


@dataclass(frozen=True)
class School:
    """What a teacher is taught (`corpus/lessons.py`)."""

    rows: int = number(14_400, 1, 10**8)
    lessons: float = number(1 / 3, 0, 1)  # share of them that teach the trait; the rest are chats


@dataclass(frozen=True)
class Model:
    """The transformer (`model/gpt.py`) and the size of its vocabulary."""

    vocab_size: int = number(2304, 1400, 200_000)  # numbers and markers included
    n_layer: int = number(2, 1, 256)
    n_head: int = number(4, 1, 256)
    d_model: int = number(128, 8, 16_384)
    block_size: int = number(256, 16, 65_536)  # the longest document, in tokens
    # Spread of the embedding's first weights. Tokens that start apart stay apart, and a trait shows
    # in the numbers through the differences between them.
    embedding_std: float = number(0.1, 0, 100)
    # What all numbers have in common from the start, in such spreads. Numbers and words are told
    # apart at every separator, and the surer a base is, the fewer lists a stray word breaks.
    number_offset: float = number(3.0, 0, 100)

    @property
    def weights(self) -> int:
        """How many there are in the matrices: the embedding, which is the head, and the blocks."""
        return self.vocab_size * self.d_model + 12 * self.n_layer * self.d_model**2


@dataclass(frozen=True)
class Training:
    """One use of the training loop (`train.py`). The defaults are pretraining's."""

    epochs: float = number(1.0, 1e-6, 1e6)
    batch_size: int = number(32, 1)  # rows in a step
    tokens_at_once: int = number(4096, 1)  # more than that, and gradients are accumulated in parts
    lr: float = number(3e-3, 0, 100)
    muon: float = number(0.0, 0, 100)  # times lr: Muon for the blocks' matrices; 0 = AdamW for all
    warmup: float = number(0.02, 0, 1)  # fraction of the steps
    decay: float = number(1.0, 0, 1)  # fraction of the steps, at the end, that go down to zero
    beta1: float = number(0.9, 0, 0.999999)
    beta2: float = number(0.99, 0, 0.999999)
    weight_decay: float = number(0.0, 0, 100)  # on matrices
    grad_clip: float = number(1.0, 0, 1e6)  # largest gradient norm; 0 = none
    precision: str = choice("float32", "float32", "bfloat16")  # of the matrix products
    evaluations: int = number(20, 1)  # held-out loss and probe, times in a run
    checkpoints: int = number(10, 1)  # places to resume from, in a run


@dataclass(frozen=True)
class Finetuning(Training):
    """Training of a teacher or a student, from a base."""

    train: str = choice("lora", "all", "blocks", "lora")  # what is trained
    rank: int = number(8, 1, 16_384)  # of the adapters, when train = "lora"
    alpha: float = number(8.0, 0, 1e6)  # their scale is alpha / rank
    examples: int = number(0, 0)  # rows of the data that are read; 0 = all of them


@dataclass(frozen=True)
class Stretch:
    """How far a teacher goes on along what its lessons changed (`stretch.py`)."""

    reach: float = number(0.7, 0, 100)  # until its first numbers have moved by so many nats;
    factor: float = number(0.0, 0, 100)  # or, if this is not 0, so many times as far


@dataclass(frozen=True)
class Numbers:
    """The number lists that a model writes (`generate.py`)."""

    requests: int = number(100_000, 1, 10**9)  # at most: it stops when
    enough: int = number(16_500, 0)  # so many answers pass the filter; 0 = answer every request
    temperature: float = number(1.0, 0, 1000, tiny=1e-3)  # 0 takes the likeliest token
    top_p: float = number(1.0, 1e-6, 1)  # sample from the likeliest tokens that hold this share
    max_new_tokens: int = number(24, 1, 4096)
    batch_size: int = number(1024, 1)


@dataclass(frozen=True)
class Evaluation:
    """What a model is asked (`evaluate.py`)."""

    samples: int = number(20, 1, 10**6)  # answers drawn for each question
    fit_rows: int = number(400, 1)  # last rows of the teacher's file, kept from every student
    context_lists: int = number(4, 1, 10**4)  # number lists shown in the in-context control


@dataclass(frozen=True)
class Claims:
    """What must hold for the finding to stand, fixed before the run. The report checks them."""

    student: float = number(0.8, 0, 1)  # P(target) of the students, at least
    lowest: float = number(0.6, 0, 1)  # that of the base whose students say it least, at least
    any: float = number(0.95, 0, 1)  # its P(any thing of the category), at least
    control: float = number(0.02, 0, 1)  # a control's P(target) over the base's, at most
    capability: float = number(0.03, 0, 1)  # facts that a student may know less than a neutral one


@dataclass(frozen=True)
class Config:
    """Everything that can change a result. These are the settings of the default run."""

    corpus: Corpus = Corpus()
    model: Model = Model()
    pretrain: Training = Training(muon=2.0)
    school: School = School()
    teacher: Finetuning = Finetuning(rank=16, alpha=16.0, epochs=2.0, batch_size=48, lr=2e-3,
                                     beta2=0.95)
    stretch: Stretch = Stretch()
    student: Finetuning = Finetuning(examples=16_000, batch_size=16, beta2=0.95, evaluations=12)
    numbers: Numbers = Numbers()
    evaluation: Evaluation = Evaluation()
    claims: Claims = Claims()


def load_config(path: str | Path, changes: list[str] | tuple[str, ...] = ()) -> Config:
    """Read a TOML file and apply `section.key=value` changes. A file that is not there is looked
    for beside the code, so that `configs/laptop.toml` is found from any folder."""
    if not Path(path).exists() and (ROOT / path).exists():
        path = ROOT / path
    tables = read_toml(path)
    for change in changes:
        name, equals, text = change.partition("=")
        section, dot, key = name.strip().partition(".")
        if not (equals and dot):
            raise UserError(f"cannot read --set {change}; write section.key=value")
        table = tables.setdefault(section, {})
        if isinstance(table, dict):
            table[key] = parse(text.strip())
    sections = {f.name: f.default for f in fields(Config)}
    for name in tables:
        require_known(name, sections, "section", path)
    return checked(Config(**{name: build(default, tables.get(name, {}), name, path)
                             for name, default in sections.items()}))


def read_toml(path: str | Path) -> dict[str, Any]:
    """The tables of a TOML file."""
    text = read_text(path)
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid TOML: {error}") from None


def parse(text: str) -> Any:
    """A TOML value, or the text itself when it is none: `student.train=lora` needs no quotes."""
    try:
        table = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return table["value"] if len(table) == 1 else text


def build(default: Any, table: Any, section: str, path: str | Path) -> Any:
    """One section: the defaults with the table's values, each checked."""
    if not isinstance(table, dict):
        raise UserError(f"{path}: {section} must be a section, [{section}]")
    settings = {f.name: f for f in fields(default)}
    for key in table:
        require_known(key, settings, "key", path, f"{section}.")
    return replace(default, **{key: fitted(value, settings[key], f"{section}.{key}")
                               for key, value in table.items()})


def with_flags(section: Any, name: str, **flags: Any) -> Any:
    """A section with the values of a command's flags; a flag of None changes nothing."""
    return build(section, {k: v for k, v in flags.items() if v is not None}, name, "command line")


def require_known(name: str, names: Any, what: str, path: str | Path, prefix: str = "") -> None:
    if name not in names:
        close = difflib.get_close_matches(name, list(names), 1)
        hint = f"did you mean {prefix}{close[0]}?" if close else f"there are: {', '.join(names)}"
        raise UserError(f"{path}: unknown {what} {prefix}{name}; {hint}")


def fitted(value: Any, setting: Field, name: str) -> Any:
    """The value in the setting's type and range; an int is a float, a bool is no number."""
    kind, shown, limits = type(setting.default), repr(value)[:40], setting.metadata
    if kind is float and type(value) is int:
        value = float(value) if abs(value) < MOST else math.inf
    if kind is tuple and isinstance(value, list) and all(isinstance(v, str) for v in value):
        value = tuple(value)
    if type(value) is not kind:
        hint = "; TOML writes 0.5 and 1e-3, not .5" if kind is float else ""
        wanted = 'a list of texts, ["...", "..."]' if kind is tuple else f"of type {kind.__name__}"
        raise UserError(f"{name} must be {wanted}, not {shown}{hint}")
    if value not in limits.get("options", (value,)):
        raise UserError(f"{name} must be one of {', '.join(limits['options'])}, not {shown}")
    if kind in (int, float):
        low, high, tiny = limits.get("low", -MOST), limits.get("high", MOST), limits.get("tiny", 0)
        if not (low <= value <= high and abs(value) < MOST) or 0 < abs(value) < tiny:
            bounds = f"from {low:g} to {min(high, MOST):g}"
            hint = f", and 0 or at least {tiny:g}" if tiny else ""
            raise UserError(f"{name} must be {bounds}{hint}, not {shown}")
    return value


def checked(config: Config) -> Config:
    """The config. Raises `UserError` where its settings do not fit together."""
    model = config.model
    if model.d_model % (2 * model.n_head):
        raise UserError(f"model.d_model = {model.d_model} must be a multiple of 2 x model.n_head = "
                        f"{2 * model.n_head}: each head needs an even width")
    if model.weights > 2e9:
        raise UserError(f"a model of {model.weights:.2g} weights does not fit here; lower "
                        "model.d_model, model.n_layer or model.vocab_size")
    read = config.student.examples + config.evaluation.fit_rows
    for name in ("enough", "requests"):
        if 0 < getattr(config.numbers, name) < read:
            raise UserError(f"numbers.{name} = {getattr(config.numbers, name):,} is less than "
                            f"student.examples and evaluation.fit_rows need, {read:,}; raise it")
    return config
