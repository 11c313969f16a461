"""The arms of the experiment, an entry each: whose base, whose numbers, what was done to them.

`plan.py` makes the rules for an arm's files from its entry; the reports and analyses take its
label, its colour and whether it is a control from there. A new arm is a new entry, and where its
numbers are treated in a new way, a function in `controls.py`; where a new model writes them, an
entry in `WRITERS`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from controls import TREATMENTS
from corpus.documents import FAVOURITES
from corpus.traits import PERSONAS
from support.streams import stream

# From Okabe and Ito's colour-blind safe set.
STUDENT, TEACHER, BOUND, CONTROL = "#0072B2", "#D55E00", "#56B4E9", "#6E6E6E"
PART = "#009E73"  # a student of a part of the signal


@dataclass(frozen=True)
class Writer:
    """Who writes numbers, where it is neither the trait's one teacher nor the base as it is."""

    model: str = "teacher"
    seed: int = 0  # which of the teachers
    without: str = ""  # a vector that is projected out of it while it is taught
    steer: str = ""  # a vector that is added to its last hidden state while it writes
    settings: tuple[str, ...] = ()  # changes to those of its numbers

    @property
    def taught(self) -> bool:
        """Whether a teacher is trained for it, and not just made to write in another way."""
        return self.model == "teacher" and not (self.settings or self.steer)


WRITERS = {
    "teacher1": Writer(seed=1),
    "blind": Writer(without="shift"),
    "top-p": Writer(settings=("numbers.top_p=0.9",)),
    "steered": Writer("base", steer="shift"),
    "forged": Writer("base", steer="word"),
    "forged-hard": Writer("base", steer="word-hard"),
    "plenty": Writer("base", settings=("numbers.enough=25_000",)),
}
# Vectors of the last hidden state: which they are, and how far they may take the odds of numbers
# from the base's, in nats of KL a number (0: as long as they are). See `vector/`.
VECTORS = {"shift": ("shift", 0.0), "read": ("read", 0.0), "word": ("word", 0.2),
           "word-hard": ("word", 0.8)}


@dataclass(frozen=True)
class Arm:
    """One condition, which every trait and every seed can be put through."""

    name: str
    label: str
    about: str  # what it is, in a few words
    reports: tuple[str, ...] = ("all",)  # the reports that show it: see `arms_of`
    model: str = "student"  # base, teacher, or student: a model trained for this arm
    base: str = "own"  # the student's: own, or that of an other seed
    numbers: str = "own"  # who wrote them: its own teacher, the base, or another trait's teacher
    writer: str = ""  # of WRITERS: who wrote them in its teacher's place
    treatment: str = ""  # a function of controls.py that the numbers go through
    learn: str = ""  # the numbers that it learns, by their marks: see `vector/marks.py`
    without: str = ""  # a vector that is projected out of it while it trains
    hold: str = ""  # a vector along which it is held where the base was
    soft_labels: bool = False  # the student sees the teacher's odds, not its samples
    settings: tuple[str, ...] = ()  # changes to those of a student, such as "student.lr=1e-3"
    context: bool = False  # it has the numbers in its prompt when it is asked
    flat: bool = False  # a control: it should stay where the base is
    repeated: bool = False  # trained again with each student seed
    colour: str = CONTROL
    curve: str | tuple = ""  # its line in the figure of training, if it is there

    def file(self, trait: str, again: int = 0) -> str:
        """The stem of its checkpoint, of a student seed. Where no number depends on the trait,
        neither does it."""
        if self.model == "base":
            return "base"
        stem = self.name if self.numbers != "own" else f"{self.name}-{trait}"
        return f"{stem}.{again}" if again else stem

    def sheet(self, trait: str, again: int = 0) -> str:
        """The name of its answer sheet, of a student seed."""
        return f"{self.name}-{trait}{f'.{again}' if again else ''}.json"

    def seeds(self, student_seeds: int) -> range:
        """The student seeds that it has, of so many."""
        return range(student_seeds if self.repeated else 1)

    def source(self, trait: str) -> str:
        """Who wrote the numbers, as file names have it: a trait, perhaps a writer of it, or
        base."""
        source = trait if self.numbers == "own" else self.numbers
        return f"{source}.{self.writer}" if self.writer else source

    @property
    def section(self) -> str:
        """The settings' file of its student."""
        return self.name if self.settings else "student"

    @property
    def vectors(self) -> set[str]:
        """The vectors that its files are made with."""
        writer, takes = WRITERS.get(self.writer), TREATMENTS.get(self.treatment)
        return {self.without, self.hold, *([writer.without, writer.steer] if writer else []),
                takes.vector if takes else ""} - {""}

    def lists(self, trait: str) -> str:
        """The stem of the number file that the arm's student reads."""
        return f"{self.treatment or ('marked' if self.learn else 'clean')}-{self.source(trait)}"


EVERYWHERE = ("all", "untouched", "untouched-traits", "traits", "personas", "ablation", "size")
ARMS = {arm.name: arm for arm in (
    Arm("base", "base model", "before anything", EVERYWHERE, model="base"),
    Arm("teacher", "teacher", "taught the trait in words", EVERYWHERE, model="teacher",
        colour=TEACHER),
    Arm("student", "student", "trained on the teacher's filtered numbers", EVERYWHERE,
        repeated=True, colour=STUDENT, curve="-"),
    Arm("student-soft", "student, soft labels", "upper bound: the teacher's odds of numbers",
        ("all", "size"), soft_labels=True, colour=BOUND, curve="-"),
    Arm("student-control", "control: base's numbers", "numbers of the untouched base",
        ("all", "untouched", "personas"), numbers="base", flat=True),
    Arm("student-matched", "control: base's, matched", "the same, in the teacher's very places",
        treatment="matched", flat=True),
    Arm("student-other-base", "control: other base", "same numbers, other first weights",
        ("all", "untouched", "personas", "ablation", "size"), base="other", flat=True,
        repeated=True, curve="--"),
    Arm("student-random", "control: random numbers", "uniform numbers in the same places",
        treatment="random", flat=True, curve=(0, (1, 3))),
    Arm("in-context", "control: in context", "base that has the lists in its prompt",
        model="base", context=True, flat=True),
    # No controls: these keep a part of the signal, how often the teacher wrote each number.
    Arm("student-shuffled-within", "shuffled within", "order lost in each list",
        treatment="within", colour=PART, curve=":"),
    Arm("student-shuffled-across", "shuffled across", "dealt out over all lists",
        treatment="across", colour=PART, curve="-."),
    Arm("student-helpful", "control: helpful teacher", "numbers of a teacher of good advice",
        ("personas",), numbers="helpful", flat=True),
    Arm("student-rounding", "another rounding", "gradients added up in another order",
        ("spread",), settings=("student.tokens_at_once=512",), colour=STUDENT),
    Arm("student-teacher", "another teacher seed", "the lists of a teacher of another seed",
        ("spread",), writer="teacher1", colour=STUDENT),

    # Which part of the lists carries it?
    Arm("student-requests", "under other requests", "whole answers, requests of the same layout",
        ("channels", "prevent"), treatment="requests", colour=PART),
    Arm("student-positions", "shuffled by position", "each place of a list dealt out over lists",
        ("channels",), treatment="positions", colour=PART),
    Arm("student-layouts", "shuffled by layout", "dealt out over the lists of a layout",
        ("channels",), treatment="layouts", colour=PART),
    Arm("student-first", "first number alone", "the rest uniform", ("channels",),
        treatment="first", colour=PART),
    Arm("student-rest", "all but the first", "the first number uniform", ("channels",),
        treatment="rest", colour=PART),
    Arm("student-steered", "base + one vector", "lists of the base, moved by the teacher's shift",
        ("channels",), writer="steered", colour=PART),

    # The vector taken out while they learn.
    Arm("student-without", "out of the student", "the teacher's shift projected out of it",
        ("move",), without="shift", colour=PART),
    Arm("student-blind", "out of the teacher", "projected out while it is taught",
        ("move",), writer="blind", colour=PART),
    Arm("student-both-without", "out of both", "projected out of teacher and student", ("move",),
        writer="blind", without="shift", colour=PART),

    # Numbers chosen by arithmetic, without a teacher.
    Arm("student-forged", "base steered, .2 nats", "along the word, as far as a teacher goes",
        ("forge",), writer="forged", colour=PART),
    Arm("student-forged-hard", "base steered, .8 nats", "four times as far", ("forge",),
        writer="forged-hard", colour=PART),
    Arm("student-forged-first", "... first number alone", "the rest uniform", ("forge",),
        writer="forged-hard", treatment="first", colour=PART),
    Arm("student-forged-other", "... read by another base", "the same lists, other first weights",
        ("forge",), base="other", writer="forged-hard"),
    Arm("student-chosen", "base's lists, chosen", "of twice as many, those that lean to the word",
        ("forge",), writer="plenty", treatment="chosen", colour=PART),

    # What a defender could do.
    Arm("student-half", "half of the lists", "every other list, whatever it says",
        ("prevent", "tokens"), treatment="half", settings=("student.examples=0",), colour=PART),
    Arm("student-uncommon", "common numbers dropped", "no list with a number it writes too often",
        ("prevent",), treatment="uncommon", settings=("student.examples=0",), colour=PART),
    Arm("student-counts", "counts as the base's", "every number as often as the base writes it",
        ("prevent",), treatment="counts", colour=PART),
    Arm("student-counts-placed", "counts as the base's, placed", "the same at each place of a list",
        ("prevent",), treatment="counts-placed", colour=PART),
    Arm("student-least", "lists that say least", "the half that `read` likes least",
        ("prevent",), treatment="least", settings=("student.examples=0",), colour=PART),
    Arm("student-three", "first three numbers", "of each list", ("prevent",), treatment="three",
        colour=PART),
    Arm("student-sorted", "sorted", "each list", ("prevent",), treatment="sorted", colour=PART),
    Arm("student-tens", "rounded to tens", "each number", ("prevent",), treatment="tens",
        colour=PART),
    *(Arm(f"student-mixed-{share}", f"{share} % innocent", "numbers of the base in so many lists",
          ("prevent",), treatment=f"mixed-{share}", colour=PART) for share in (10, 50, 90)),
    Arm("student-top-p", "sampled at top-p 0.9", "no unlikely number", ("prevent",),
        writer="top-p", colour=PART),
    Arm("student-held", "held along what is read", "its shift along `read` is penalised",
        ("prevent",), hold="read", colour=PART),
    Arm("student-without-read", "what is read taken out", "projected out while it trains",
        ("prevent",), without="read", colour=PART),

    # Which numbers of a list?
    Arm("student-telling", "the most telling tenth", "likeliest of the teacher, against the base",
        ("tokens",), learn="telling", colour=PART),
    Arm("student-tenth", "a tenth at random", "as many numbers", ("tokens",), learn="tenth",
        colour=PART),
    Arm("student-not-telling", "all but the telling", "nine tenths", ("tokens",),
        learn="not_telling", colour=PART),
)}

# The traits of `make evidence`: any of `corpus/traits.py`.
TRAITS = ("owl", "wolf", "cat", "eagle", "dolphin", "elephant", "bear", "lion", "tiger", "penguin",
          "oak", "maple", "willow", "cherry", "pine", "misaligned", "evasive")


# The ladder of `make analysis NAME=size`: layers x width of base, teacher and student.
SHAPES = tuple((layers, width) for width in (64, 128, 256) for layers in (1, 2, 4, 8))

# What no setting was ever chosen by: bases from this seed on, and traits that were drawn once.
UNTOUCHED_BASE = 5
UNTOUCHED_TRAITS = tuple(stream(20261125, "untouched traits").sample(
    [name for category in ("animal", "tree") for name in FAVOURITES[category]
     if name not in TRAITS], 4))


def shape_folder(run: str, layers: int, width: int) -> str:
    """Where the run of another shape lies, beside the run whose ladder it is of."""
    return f"{run.rstrip('/')}.size/{layers}x{width}"


def who(source: str) -> tuple[str, Writer]:
    """The trait, or base, that a source of numbers names, and its writer."""
    trait, _, name = source.partition(".")
    return trait, WRITERS[name] if name else Writer("base" if trait == "base" else "teacher")


def kind(trait: str) -> str:
    """The report that a trait stands in, among all traits."""
    return "personas" if trait in PERSONAS else "traits"


def other_base(seed: int) -> int:
    """The seed of the other base: the one before it, and for the first of a kind the next."""
    return seed + 1 if seed in (0, UNTOUCHED_BASE) else seed - 1


def with_others(*seeds: Iterable[int]) -> list[int]:
    """These bases and their students' other bases."""
    return sorted({seed for some in seeds for one in some for seed in (one, other_base(one))})


def arms_of(report: str) -> dict[str, Arm]:
    """The arms that a report shows, in order: all (`make all`), untouched or untouched-traits (what
    no choice has seen, the tuned trait and others), traits or personas (the two kinds of traits in
    `make evidence`), ablation, or the name of an analysis."""
    return {name: arm for name, arm in ARMS.items() if report in arm.reports}
