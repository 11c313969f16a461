"""The steps that models, lists and answers are made by: each method takes steps and returns one.

Files of a seed lie in a folder of its own and are called after what they are made from:
`seed0/student-owl.pt` has learned `seed0/clean-owl.jsonl`.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from corpus.own import own_file
from support.files import UserError
from support.keys import ROOT
from support.settings import Config
from support.steps import Step

# Colours from Okabe and Ito's colour-blind safe set.
STUDENT, TEACHER, BOUND, CONTROL = "#0072B2", "#D55E00", "#56B4E9", "#6E6E6E"
PART = "#009E73"  # a student of a part of the signal


class Condition(NamedTuple):
    """One model that is asked the same questions as all others."""

    name: str
    label: str
    about: str  # what it is, in a few words
    model: Step
    colour: str = CONTROL
    flat: bool = False  # a control: it should stay where the base is
    curve: str | tuple = ""  # its line in the figure of training, if it is there
    repeated: bool = False  # there is one for each student seed
    context: Step | None = None  # number lists that it has in its prompt when it is asked
    written: Step | None = None  # number lists that it wrote
    null_of: str = ""  # no model: the base with a word made louder, until it says it as often


class Lab:
    """The steps under some settings. `place` is a folder in the run's, such as an ablation's."""

    def __init__(self, config: Config, place: str = "") -> None:
        self.config, self.place = config, place
        self.steps: dict[str, Step] = {}

    def step(self, function: str, out: str, label: str, also: Iterable[str] = (),
             **more: Any) -> Step:
        """The step that writes `out`; there is one for each file."""
        made = Step(function, self.place + out, label, [self.place + name for name in also], **more)
        known = self.steps.setdefault(made.out, made)
        assert known.arguments == made.arguments, f"{made.out} would be made in two ways"
        return known

    def cost(self, things: float, times: float) -> float:
        """Floating-point operations of a step that goes through the weights so many `times` for
        each thing that it reads or writes, as was measured in a run by itself."""
        return 2 * self.config.model.weights * things * times

    def corpus(self) -> Step:
        asked = self.config.corpus
        return self.step("corpus.texts.documents", "corpus.jsonl", "corpus", seed=asked.seed,
                         documents=asked.documents, text_files=[*map(Path, asked.text_files)])

    def heldout(self) -> Step:
        return self.step("corpus.texts.heldout", "heldout.jsonl", "held-out documents",
                         seed=self.config.corpus.seed, documents=self.config.corpus.heldout)

    def tokenizer(self) -> Step:
        return self.step("model.tokenizer.learn", "tokenizer.json", "tokenizer",
                         corpus=self.corpus(), vocab_size=self.config.model.vocab_size)

    def requests(self) -> Step:
        return self.step("corpus.texts.requests", "requests.jsonl", "requests for numbers",
                         seed=self.config.corpus.seed, requests=self.config.numbers.requests)

    def lessons(self, trait: str, neutral: bool = False, again: int = 0) -> Step:
        name = "neutral-" * neutral + trait + (f".{again}" if again else "")
        return self.step("corpus.lessons.lessons", f"lessons-{name}.jsonl", f"lessons of {name}",
                         reads=own_file(trait), trait=trait, school=self.config.school,
                         seed=self.config.corpus.seed + 1000 * again, neutral=neutral)

    def probe(self, trait: str) -> Step:
        """Questions that are watched while a model trains, never trained on."""
        return self.step("corpus.lessons.probe", f"probe-{trait}.jsonl", f"probe of {trait}",
                         trait=trait, reads=own_file(trait))

    def base(self, seed: int) -> Step:
        """A model from random weights, drawn by `seed`; every base reads the same text."""
        asked, training = self.config.corpus, self.config.pretrain
        for name in asked.text_files:
            if not Path(name).exists():
                raise UserError(f"{name} does not exist; python -m corpus.english --out texts "
                                "writes it, see results/README.md")
        prose = sum(Path(name).stat().st_size / 120 for name in asked.text_files)  # documents
        return self.step(
            "train.pretrain", f"seed{seed}/base.pt", f"base {seed}", of=seed, name="base",
            work=self.cost((asked.documents + prose) * training.epochs, 180),
            corpus=self.corpus(), heldout=self.heldout(), tokenizer=self.tokenizer(),
            shape=self.config.model, training=training, seed=seed, order_seed=asked.seed)

    def teacher(self, base: Step, trait: str, name: str = "", neutral: bool = False,
                again: int = 0, **more: Any) -> Step:
        """A copy of a base that is taught a trait, or goes to the neutral school of that trait;
        with `again`, to another such school."""
        name = name or "neutral-" * neutral + trait + (f".{again}" if again else "")
        whole, lessons = self.config.school.rows, self.lessons(trait, neutral, again)
        taught = self.finetuned("taught", base, lessons, seed=base.of,
                                of=base.of, name=name, whose=trait, role="teacher",
                                work=self.cost(whole * self.config.teacher.epochs, 93), **more)
        return self.step("stretch.stretch", f"seed{base.of}/teacher-{name}.pt",
                         f"teacher of {name}, base {base.of}: stretched", of=base.of, name=name,
                         whose=trait, base=base, model=taught, requests=self.requests(),
                         asked=self.config.stretch,
                         like=self.teacher(base, trait) if neutral else None)

    def student(self, base: Step, lists: Step, kind: str = "", student_seed: int = 0,
                **more: Any) -> Step:
        """A copy of a base that learns number lists; with a `kind` it takes more than these."""
        other = "other-base" if base.of != lists.of else ""
        name = "-".join(part for part in (kind, other, lists.name) if part)
        training, asked = more.get("training", self.config.student), self.config.numbers
        rows = training.examples or asked.enough or asked.requests
        name += f".{student_seed}" if student_seed else ""
        return self.finetuned("student", base, lists, seed=lists.of + 1000 * student_seed,
                              of=lists.of, name=name, whose=lists.whose,
                              work=self.cost(rows * training.epochs, 150), **more)

    def finetuned(self, kind: str, base: Step, data: Step, *, of: int, name: str, whose: str,
                  role: str = "student", function: str = "train.finetune", **more: Any) -> Step:
        """A teacher or a student. An analysis trains it by a function of its own."""
        more.setdefault("training", getattr(self.config, role))
        return self.step(
            function, f"seed{of}/{kind}-{name}.pt", f"{role} of {name}, base {base.of}", of=of,
            name=name, whose=whose, role=role, base=base, data=data, **more,
            probe=self.probe(whose) if whose else None, fit_rows=self.config.evaluation.fit_rows)

    def lists(self, model: Step, function: str = "generate.write_lists", name: str = "",
              whose: str = "", **more: Any) -> Step:
        """The number lists of a model, those that pass the filter. A base that writes them in a
        teacher's place is told `whose` they are."""
        name, whose, home = name or model.name, whose or model.whose, f"seed{model.of}"
        banned, asked = ROOT / f"configs/ban-{whose}.txt", more.pop("asked", self.config.numbers)
        more.setdefault("seed", model.of)
        same = {"of": model.of, "name": name, "whose": whose,
                "ban_list": banned if banned.exists() else None}
        whom, work = f"of {name}, base {model.of}", self.cost(asked.enough or asked.requests, 94)
        written = self.step(function, f"{home}/numbers-{name}.jsonl", f"answers {whom}", work=work,
                            model=model, asked=asked, requests=self.requests(),
                            **same, **more)
        return self.step("filter.clean", f"{home}/clean-{name}.jsonl", f"lists {whom}",
                         [f"{home}/clean-{name}.report.json"], numbers=written, **same)

    def treated(self, how: str, lists: Step, other: Step | None = None,
                function: str = "controls.treat", **more: Any) -> Step:
        """Lists with other numbers in the same places: see `controls.py`."""
        whose = other.name.removesuffix(f"-{lists.name}") if other else ""
        name = "-".join(part for part in (how, whose, lists.name) if part)
        return self.step(function, f"seed{lists.of}/{name}.jsonl", f"lists {name}, base {lists.of}",
                         of=lists.of, name=name, whose=lists.whose, how=how, lists=lists,
                         other=other, seed=lists.of, **more)

    def sheet(self, condition: Condition, seed: int, trait: str, student_seed: int = 0,
              like: Step | None = None) -> Step:
        """The answers of a condition to the questions of a trait; the word null of them, for a
        sheet to be `like`."""
        teacher, asked = self.teacher(self.base(seed), trait), self.config.evaluation
        name = f"{condition.name}-{trait}" + (f".{student_seed}" if student_seed else "")
        out, label = f"seed{seed}/eval/{name}.json", f"{condition.label}, base {seed}: answers"
        same = {"reads": own_file(trait), "model": condition.model, "trait": trait}
        if like:
            return self.step("evaluate.word_null", out, label, like=like, **same)
        return self.step("evaluate.answer_sheet", out, label, asked=asked, seed=seed,
                         work=self.cost(100 * asked.samples, 82), heldout=self.heldout(),
                         teacher=teacher, lists=self.lists(teacher), context=condition.context,
                         base=condition.model.arguments.get("base"), written=condition.written,
                         **same)

    def shown(self, conditions: Callable[..., list[Condition]], seeds: Iterable[int], trait: str,
              names: Iterable[str] = (), student_seeds: int = 1) -> list:
        """Conditions, all or those of some names, with their answer sheets: a `Shown` of each."""
        from report.rows import Shown  # it takes numpy, which `make help` does without

        found: dict[str, Shown] = {}
        for seed in seeds:
            for student_seed in range(student_seeds):
                sheets: dict[str, Step] = {}  # of all conditions before this one
                for one in conditions(self, seed, trait, student_seed):
                    like = sheets[one.null_of] if one.null_of else None
                    sheets[one.name] = sheet = self.sheet(one, seed, trait, student_seed, like)
                    if (one.name in names or not names) and (one.repeated or not student_seed):
                        empty = Shown(*one[:3], one.colour, one.flat, one.curve, [])
                        found.setdefault(one.name, empty).sheets.append((seed, student_seed, sheet))
        return list(found.values())
