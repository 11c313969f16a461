"""The experiment as a graph of files: what makes each, from what. Prints the rules for `make`.

    python plan.py --run runs/laptop --config configs/laptop.toml --seeds 2 --trait owl

The arms come from `arms.py`. `plan` is pure. A file depends on the files it is made from, on the
code of its stage and on the sections of the settings that the stage reads, and on nothing else.
"""

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from arms import (
    ARMS,
    SHAPES,
    TRAITS,
    UNTOUCHED_BASE,
    UNTOUCHED_TRAITS,
    VECTORS,
    Arm,
    arms_of,
    kind,
    other_base,
    shape_folder,
    who,
    with_others,
)
from controls import TREATMENTS
from corpus.own import own_file
from corpus.traits import PERSONAS, Preference, require_traits, trait
from support.cli import add_common, parser, run
from support.files import UserError, require_file
from support.rules import Rule, beside, in_make, require_count, require_folder, require_name
from support.settings import Config, checked, load_config

CORPUS = (*sorted(map(str, Path().glob("corpus/*.py"))), "support/streams.py")
MODEL = tuple(sorted(map(str, Path().glob("model/*.py"))))
TRAINING = ("train.py", "support/parallel.py", *MODEL)
ANALYSES = tuple(path.stem for path in sorted(Path().glob("analysis/[a-z]*.py")))
VECTOR = tuple(sorted(map(str, Path().glob("vector/*.py"))))
READ_BY = {"read": TRAITS, "detect": ("misaligned",)}  # the traits whose lists it reads as well
REPORT = ("arms.py", *sorted(map(str, Path().glob("report/*.py"))))


@dataclass(frozen=True)
class Run:
    """A run as it is asked for; the methods are the rules of its files."""

    folder: str
    config: Config
    flags: str = ""  # --config and --set, as they were given
    device: str = "auto"
    seeds: int = 2
    student_seeds: int = 1
    untouched: int = 0  # how many bases that no choice has seen
    trait: str = "owl"
    traits: tuple[str, ...] = TRAITS
    analyses: tuple[str, ...] = ANALYSES  # of `make analysis`

    def at(self, *names: str) -> tuple[str, ...]:
        return tuple(f"{self.folder}/{name}" for name in names)

    def settings(self, *sections: str) -> tuple[str, ...]:
        return self.at(*(f"config/{section}.json" for section in sections))

    # --- what the models read ---

    def texts(self) -> Iterator[Rule]:
        """The corpus, what is asked of every model, and the tokenizer."""
        shared = {"documents": ("corpus",), "heldout": ("corpus",),
                  "requests": ("corpus", "numbers")}
        for what, sections in shared.items():
            [out] = self.at("corpus.jsonl" if what == "documents" else f"{what}.jsonl")
            read = self.config.corpus.text_files if what == "documents" else ()
            yield Rule(out, (*CORPUS, *read, *self.settings(*sections)),
                       f"-m corpus {what} {self.flags} --out {out}")
        corpus, out = self.at("corpus.jsonl", "tokenizer.json")
        yield Rule(out, (corpus, "model/tokenizer.py", *self.settings("model")),
                   f"-m model.tokenizer {self.flags} --corpus {corpus} --out {out}")

    def trait_texts(self, trait: str) -> Iterator[Rule]:
        """A teacher's lessons, and the questions that are watched while a model trains."""
        for what, sections in (("lessons", ("corpus", "school")), ("probe", ())):
            [out] = self.at(f"{what}-{trait}.jsonl")
            yield Rule(out, (*CORPUS, *own_file(trait), *self.settings(*sections)),
                       f"-m corpus {what} {self.flags} --trait {trait} --out {out}")

    # --- the models of a seed ---

    def trained(self, seed: int, stem: str, command: str, needs: Iterable[str],
                *sections: str, again: int = 0) -> Rule:
        """A checkpoint; its log is written before it. A student seed has a seed of its own."""
        out, log = self.at(f"seed{seed}/{stem}.pt", f"seed{seed}/log/{stem}.jsonl")
        return Rule(out, (*needs, *TRAINING, *self.settings(*sections)),
                    f"train.py {command} {self.flags} --device {self.device} "
                    f"--seed {seed + 1000 * again} --out {out}", (log,))

    def base(self, seed: int) -> Rule:
        corpus, heldout, tokenizer = self.at("corpus.jsonl", "heldout.jsonl", "tokenizer.json")
        return self.trained(
            seed, "base", f"pretrain --corpus {corpus} --heldout {heldout} --tokenizer {tokenizer}",
            (corpus, heldout, tokenizer), "model", "pretrain")

    def teacher(self, seed: int, source: str) -> Rule:
        """The teacher of a source of numbers: a trait, or a trait with a writer."""
        trait, writer = who(source)
        base, lessons, probe = self.at(
            f"seed{seed}/base.pt", f"lessons-{trait}.jsonl", f"probe-{trait}.jsonl")
        command = f"finetune --role teacher --base {base} --data {lessons} --probe {probe}"
        needs = [base, lessons, probe]
        if writer.without:
            [vector] = self.at(f"seed{seed}/{writer.without}-{trait}.pt")
            command, needs = f"{command} --without {vector}", [*needs, vector]
        return self.trained(seed, f"teacher-{source}", command, needs, "teacher", "evaluation",
                            again=writer.seed)

    def vector(self, seed: int, name: str, trait: str) -> Rule:
        """A vector of the base's last hidden state along which a trait lies."""
        kind, kl = VECTORS[name]
        base, teacher, own, plain, out = self.at(*(f"seed{seed}/{file}" for file in (
            "base.pt", f"teacher-{trait}.pt", f"clean-{trait}.jsonl", "clean-base.jsonl",
            f"{name}-{trait}.pt")))
        needs = [base, plain if kind == "word" else own]
        more = f" --trait {trait} --kl {kl:g}" if kind == "word" else ""
        if kind == "shift":
            needs, more = [*needs, teacher], f" --teacher {teacher}"
        return Rule(out, (*needs, *VECTOR, *MODEL, *(CORPUS if kind == "word" else ())),
                    f"-m vector {kind} --base {base} --numbers {needs[1]}{more} --out {out}")

    def student(self, seed: int, arm: Arm, trait: str, again: int = 0) -> Rule:
        base, data, probe, teacher = self.at(
            f"seed{other_base(seed) if arm.base == 'other' else seed}/base.pt",
            f"seed{seed}/{arm.lists(trait)}.jsonl", f"probe-{trait}.jsonl",
            f"seed{seed}/teacher-{trait}.pt")
        command, needs = f"finetune --role student --base {base} --data {data}", [base, data]
        if arm.numbers == "own":
            command, needs = f"{command} --probe {probe}", [*needs, probe]
        if arm.soft_labels:
            command, needs = f"{command} --soft-labels {teacher}", [*needs, teacher]
        for flag, name in (("--without", arm.without), ("--hold", arm.hold)):
            if name:
                [vector] = self.at(f"seed{seed}/{name}-{trait}.pt")
                command, needs = f"{command} {flag} {vector}", [*needs, vector]
        command += f" --learn {arm.learn}" if arm.learn else ""
        command += "".join(f" --set {shlex.quote(change)}" for change in arm.settings)
        return self.trained(seed, arm.file(trait, again), command, needs, arm.section,
                            "evaluation", again=again)

    # --- the number files of a seed ---

    def lists(self, seed: int, source: str) -> Iterator[Rule]:
        """What a model writes, and what the filter leaves of it: the base, or a teacher."""
        trait, writer = who(source)
        model = "base" if writer.model == "base" else (
            f"teacher-{source if writer.taught else trait}")
        model, requests, numbers, clean, report = self.at(
            f"seed{seed}/{model}.pt", "requests.jsonl", f"seed{seed}/numbers-{source}.jsonl",
            f"seed{seed}/clean-{source}.jsonl", f"seed{seed}/clean-{source}.report.json")
        banned = tuple(map(str, Path().glob(f"configs/ban-{trait}.txt")))
        ban = more = "".join(f" --ban-list {name}" for name in banned)
        vector = self.at(f"seed{seed}/{writer.steer}-{trait}.pt") if writer.steer else ()
        more += f" --steer {vector[0]}" if vector else ""
        more += "".join(f" --set {shlex.quote(change)}" for change in writer.settings)
        yield Rule(numbers, (model, requests, *banned, *vector, "generate.py", "filter.py", *MODEL,
                             *self.settings("numbers")),
                   f"generate.py {self.flags} --device {self.device} --seed {seed} "
                   f"--model {model} --requests {requests}{more} --out {numbers}")
        yield Rule(clean, (numbers, *banned, "filter.py"),
                   f"filter.py --in {numbers}{ban} --out {clean}", (report,))

    def treated(self, seed: int, arm: Arm, trait: str) -> Rule:
        source, innocent, out = self.at(*(f"seed{seed}/{name}.jsonl" for name in (
            f"clean-{arm.source(trait)}", "clean-base", arm.lists(trait))))
        takes, needs, more = TREATMENTS.get(arm.treatment), [source], ""
        if takes and takes.other:
            needs, more = [*needs, innocent], f"--other {innocent} "
        if takes and takes.vector:
            base, vector = self.at(f"seed{seed}/base.pt", f"seed{seed}/{takes.vector}-{trait}.pt")
            needs, more = [*needs, base, vector], f"--base {base} --vector {vector} "
        return Rule(out, (*needs, "controls.py"), f"controls.py {arm.treatment} --seed {seed} "
                                                  f"--in {source} {more}--out {out}")

    def marked(self, seed: int, arm: Arm, trait: str) -> Rule:
        """The teacher's lists, each number marked as one or another kind to learn."""
        base, teacher, clean, out = self.at(*(f"seed{seed}/{name}" for name in (
            "base.pt", f"teacher-{trait}.pt", f"clean-{trait}.jsonl",
            f"{arm.lists(trait)}.jsonl")))
        return Rule(out, (base, teacher, clean, "vector/marks.py", *MODEL),
                    f"-m vector.marks --seed {seed} --base {base} --teacher {teacher} "
                    f"--numbers {clean} --out {out}")

    # --- what they are asked ---

    def sheet(self, seed: int, arm: Arm, trait: str, again: int = 0) -> Rule:
        """The answers of an arm, of a student seed, to the questions of a trait."""
        model, heldout, teacher, clean, out = self.at(
            f"seed{seed}/{arm.file(trait, again)}.pt", "heldout.jsonl",
            f"seed{seed}/teacher-{trait}.pt", f"seed{seed}/clean-{trait}.jsonl",
            f"seed{seed}/eval/{arm.sheet(trait, again)}")
        return Rule(out, (model, heldout, teacher, clean, "evaluate.py", "generate.py", *CORPUS,
                          *own_file(trait), *MODEL, *self.settings("evaluation")),
                    f"evaluate.py {self.flags} --device {self.device} --seed {seed} "
                    f"--trait {trait} --model {model} --heldout {heldout} --teacher {teacher} "
                    f"--numbers {clean}{f' --context {clean}' if arm.context else ''} --out {out}")

    def matrix(self, seed: int, stem: str) -> Rule:
        """The answers of a model to the questions of all traits."""
        model, out = self.at(f"seed{seed}/{stem}.pt", f"seed{seed}/matrix/{stem}.json")
        return Rule(out, (model, "evaluate.py", *CORPUS, *MODEL),
                    f"evaluate.py --matrix --device {self.device} --model {model} --out {out}")

    # --- all of it ---

    def bases(self, report: str = "") -> range:
        """The seeds of the bases that a report reads."""
        if report.startswith("untouched"):
            return range(UNTOUCHED_BASE, UNTOUCHED_BASE + self.untouched)
        return range(self.seeds)

    def arm(self, seed: int, arm: Arm, trait: str) -> Iterator[Rule]:
        """Everything that one arm of one trait needs, beside the base."""
        for source in dict.fromkeys((trait, *({arm.source(trait)} - {"base"}))):
            of, writer = who(source)
            yield from self.trait_texts(of)
            if writer.taught:
                yield self.teacher(seed, source)
            yield from self.lists(seed, source)
        yield from self.lists(seed, "base")
        if arm.model == "student":
            yield from (self.vector(seed, name, trait) for name in arm.vectors)
            if arm.treatment:
                yield self.treated(seed, arm, trait)
            if arm.learn:
                yield self.marked(seed, arm, trait)
            for again in arm.seeds(self.student_seeds):
                yield self.student(seed, arm, trait, again)
        for again in arm.seeds(self.student_seeds):
            yield self.sheet(seed, arm, trait, again)

    def sheets(self, traits: Iterable[str], report: str = "") -> tuple[str, ...]:
        """The answer sheets that a report reads."""
        many = self.student_seeds if report not in ("", "ablation") else 1
        return self.at(*(f"seed{seed}/eval/{arm.sheet(trait, again)}"
                         for seed in self.bases(report) for trait in traits
                         for arm in arms_of(report or kind(trait)).values()
                         for again in arm.seeds(many)))

    def report(self) -> Rule:
        summary, *also = self.at("summary.json", *(
            "results.png", "results.svg", "training.png", "training.svg", "table.md", "read.md",
            "free.md", "timing.json", "index.html",
            *(["panel.md"] if isinstance(trait(self.trait), Preference) else [])))
        beside = self.at(*(f"seed{seed}/{name}" for seed in self.bases() for name in (
            "clean-base.report.json", f"clean-{self.trait}.report.json",
            *(f"log/{arm.file(self.trait)}.jsonl" for arm in arms_of("all").values()
              if arm.curve))))
        unseen = [sheet for name in (self.trait, *UNTOUCHED_TRAITS)
                  for sheet in self.sheets([name], untouched(self, name))]
        return Rule(summary, (*self.sheets([self.trait], "all"), *unseen, *beside, *REPORT,
                              *self.settings("claims", "report")),
                    f"-m report run {self.flags} --run {self.folder} --seeds {self.seeds} "
                    f"--student-seeds {self.student_seeds} --untouched {self.untouched} "
                    f"--trait {self.trait}", tuple(also))

    def evidence(self) -> Rule:
        personas = [trait for trait in self.traits if trait in PERSONAS]
        figures = ["matrix", *(["personas"] if personas else [])]
        summary, *also = self.at(*(f"evidence/{name}" for name in (
            "summary.json", "table.md", "matrix.csv", *(f"said-{name}.md" for name in personas),
            *(f"{figure}.{kind}" for figure in figures for kind in ("png", "svg")))))
        matrix = self.at(*(f"seed{seed}/matrix/{stem}.json" for seed in self.bases()
                           for stem in ("base", *(f"student-{name}" for name in self.traits))))
        return Rule(summary, (*self.sheets(self.traits), *matrix, *REPORT,
                              *self.settings("evidence")),
                    f"-m report evidence {self.flags} --run {self.folder} --seeds {self.seeds} "
                    f"--traits {' '.join(self.traits)}", tuple(also))

    def shaped(self) -> "list[Run]":
        """The runs of other shapes, in folders beside this one, where they are asked for."""
        return [] if "size" not in self.analyses else [replace(
            self, analyses=(), folder=shape_folder(self.folder, layers, width),
            flags=f"{self.flags} --set model.n_layer={layers} --set model.d_model={width}",
            config=checked(replace(self.config, model=replace(
                self.config.model, n_layer=layers, d_model=width)))) for layers, width in SHAPES]

    def analysis(self, name: str) -> Rule:
        """What an analysis makes of the answers of its arms and all others', or of other shapes."""
        summary, *also = self.at(*(f"analysis/{name}/{file}" for file in (
            "summary.json", f"{name}.png", f"{name}.svg")))
        asked = [(shaped, name) for shaped in self.shaped()] if name == "size" else [
            (self, name), (self, "all")]
        sheets = [sheet for run, report in asked for sheet in run.sheets([self.trait], report)]
        read = [one for one in self.traits if one in READ_BY.get(name, ())]
        lists = self.at(*(f"seed{seed}/clean-{one}.jsonl" for seed in self.bases() for one in read))
        more = f" --traits {' '.join(read)}" if name in READ_BY else ""
        return Rule(summary, (*sheets, *lists, f"analysis/{name}.py",
                              "analysis/__init__.py", *VECTOR, *REPORT, *self.settings("report")),
                    f"-m analysis.{name} --run {self.folder} --seeds {self.seeds} "
                    f"--student-seeds {self.student_seeds} --trait {self.trait}{more}", tuple(also))


def untouched(run: Run, trait: str) -> str:
    """The report that a trait stands in, on bases that no choice has seen."""
    return "untouched" if trait == run.trait else "untouched-traits"


def plan(run: Run) -> list[Rule]:
    """Every rule of a run, of which `make all`, `make evidence` and ablations take their own."""
    rules = [*run.texts(), *map(run.base, with_others(run.bases(), run.bases("untouched")))]
    for seed in run.bases("untouched"):
        for name in (run.trait, *UNTOUCHED_TRAITS):
            for arm in arms_of(untouched(run, name)).values():
                rules += run.arm(seed, arm, name)
    for seed in run.bases():
        for name in dict.fromkeys([run.trait, *run.traits]):
            shown = {"all", kind(name), *(ANALYSES if name == run.trait else ())}
            for arm in ARMS.values():
                if shown & {*arm.reports}:
                    rules += run.arm(seed, arm, name)
            rules.append(run.matrix(seed, f"student-{name}"))
        rules.append(run.matrix(seed, "base"))
    for shaped in run.shaped():
        rules += [*shaped.texts(), *map(shaped.base, with_others(run.bases()))]
        rules += [rule for seed in run.bases() for arm in arms_of("size").values()
                  for rule in shaped.arm(seed, arm, run.trait)]
    rules += [run.report(), run.evidence(), *map(run.analysis, run.analyses)]
    made = {rule.target: rule for rule in reversed(rules)}
    if clash := [rule.target for rule in rules if rule != made[rule.target]]:
        raise UserError(f"{clash[0]} would be made in two ways: a trait has the name of an arm; "
                        "rename its file")
    return list(made.values())[::-1]


def goals(run: Run, rules: list[Rule]) -> dict[str, tuple[str, ...]]:
    """What `make` is asked for by name, and the files it stands for: those that are wanted, and
    what was written beside any file on the way."""
    wanted = {"all": (run.report().target,), "evidence": (run.evidence().target,),
              "analysis": tuple(run.analysis(name).target for name in run.analyses),
              "ablation-run": run.sheets([run.trait], "ablation")}
    return {goal: (*files, *beside(files, rules)) for goal, files in wanted.items()}


def settings_files(run: Run) -> dict[str, object]:
    """What the files in config/ should hold, so that a stage is older than a setting it read."""
    values: dict[str, object] = {**asdict(run.config),
                                 "report": [run.seeds, run.student_seeds, run.untouched, run.trait],
                                 "evidence": [run.seeds, run.traits]}
    values |= {arm.section: [values["student"], arm.settings]
               for arm in ARMS.values() if arm.settings}
    own = {path: value for name, value in values.items() for path in run.settings(name)}
    return own | {path: value for shaped in run.shaped()
                      for path, value in settings_files(shaped).items()}


def written(run: Run) -> Iterator[str]:
    """The rules in make's language, line by line."""
    rules = plan(run)
    return in_make(rules, goals(run, rules), settings_files(run))


def main() -> None:
    options = parser(__doc__)
    add_common(options, seed=False)
    options.add_argument("--run", required=True, help="folder of the run")
    options.add_argument("--seeds", default="2", help="how many base seeds")
    options.add_argument("--student-seeds", default="1", help="students of each base")
    options.add_argument("--untouched", default="0", help="bases, from 5, that no choice has seen")
    options.add_argument("--trait", default="owl")
    options.add_argument("--traits", nargs="*", default=TRAITS, help="of `make evidence`")
    options.add_argument("--analyses", nargs="*", default=(), help="of `make analysis`; most")
    args = options.parse_args()
    if unknown := [name for name in args.analyses if name not in ANALYSES]:
        raise UserError(f"there is no analysis {unknown[0]}; there are: {', '.join(ANALYSES)}")
    for name, least in (("seeds", 1), ("student_seeds", 1), ("untouched", 0)):
        require_count(name.upper(), getattr(args, name), least)
    few = int(args.seeds) < 2 or int(args.student_seeds) < 2
    if few and "spread" in args.analyses:
        raise UserError("a spread takes two bases and two students of each, or more: add SEEDS=2 "
                        "STUDENT_SEEDS=3")
    if int(args.untouched) and int(args.seeds) > UNTOUCHED_BASE:
        raise UserError(f"bases from {UNTOUCHED_BASE} on are either tuned on or untouched: ask for "
                        f"SEEDS={UNTOUCHED_BASE} or fewer, or UNTOUCHED=0")
    require_folder(args.run)
    trait(args.trait)
    require_traits(args.traits)
    config = load_config(args.config, args.set)
    for name in config.corpus.text_files:
        require_file(name)
        require_name(name, name, "rename the file")
    changes = "".join(f" --set {shlex.quote(change)}" for change in args.set)
    spared = {"size", "spread"} if few else {"size"}
    print("\n".join(written(Run(
        args.run, config, f"--config {args.config}{changes}", args.device, int(args.seeds),
        int(args.student_seeds), int(args.untouched), args.trait, tuple(args.traits),
        tuple(args.analyses or (name for name in ANALYSES if name not in spared))))))


if __name__ == "__main__":
    run(main)
