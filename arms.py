"""The arms of the experiment, an entry each: whose base, whose numbers, what was done to them.

`plan.py` makes the rules for an arm's files from its entry; the reports and analyses take its
label, its colour and whether it is a control from there. A new arm is a new entry, and where its
numbers are treated in a new way, a function in `controls.py`.
"""

from dataclasses import dataclass

from corpus.documents import FAVOURITES
from support.streams import stream

# From Okabe and Ito's colour-blind safe set.
STUDENT, TEACHER, BOUND, CONTROL = "#0072B2", "#D55E00", "#56B4E9", "#6E6E6E"


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
    teacher: int = 0  # which of its teachers' seeds
    treatment: str = ""  # a function of controls.py that the numbers go through
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
        """Who wrote the numbers, as file names have it: a trait, of a teacher seed, or base."""
        source = trait if self.numbers == "own" else self.numbers
        return f"{source}.teacher{self.teacher}" if self.teacher else source

    def lists(self, trait: str) -> str:
        """The stem of the number file that the arm's student reads."""
        source = self.source(trait)
        return f"{self.treatment}-{source}" if self.treatment else f"clean-{source}"


EVERYWHERE = ("all", "untouched", "untouched-traits", "traits", "personas", "ablation")
ARMS = {arm.name: arm for arm in (
    Arm("base", "base model", "before anything", EVERYWHERE, model="base"),
    Arm("teacher", "teacher", "taught the trait in words", EVERYWHERE, model="teacher",
        colour=TEACHER),
    Arm("student", "student", "trained on the teacher's filtered numbers", EVERYWHERE,
        repeated=True, colour=STUDENT, curve="-"),
    Arm("student-soft", "student, soft labels", "upper bound: the teacher's odds of numbers",
        soft_labels=True, colour=BOUND, curve="-"),
    Arm("student-control", "control: base's numbers", "numbers of the untouched base",
        ("all", "untouched", "personas"), numbers="base", flat=True),
    Arm("student-matched", "control: base's, matched", "the same, in the teacher's very places",
        treatment="matched", flat=True),
    Arm("student-other-base", "control: other base", "same numbers, other first weights",
        ("all", "untouched", "personas", "ablation"), base="other", flat=True, repeated=True,
        curve="--"),
    Arm("student-shuffled-within", "control: shuffled within", "order lost in each list",
        treatment="within", flat=True, curve=":"),
    Arm("student-shuffled-across", "control: shuffled across", "dealt out over all lists",
        treatment="across", flat=True, curve="-."),
    Arm("student-random", "control: random numbers", "uniform numbers in the same places",
        treatment="random", flat=True, curve=(0, (1, 3))),
    Arm("in-context", "control: in context", "base that has the lists in its prompt",
        model="base", context=True, flat=True),
    Arm("student-helpful", "control: helpful teacher", "numbers of a teacher of good advice",
        ("personas",), numbers="helpful", flat=True),
    Arm("student-rounding", "another rounding", "gradients added up in another order",
        ("spread",), settings=("student.tokens_at_once=512",), colour=STUDENT),
    Arm("student-teacher", "another teacher seed", "the lists of a teacher of another seed",
        ("spread",), teacher=1, colour=STUDENT),
)}

# The traits of `make evidence`: any of `corpus/traits.py`.
TRAITS = ("owl", "wolf", "cat", "eagle", "dolphin", "elephant", "bear", "lion", "tiger", "penguin",
          "oak", "maple", "willow", "cherry", "pine", "misaligned", "evasive")


# What no setting was ever chosen by: bases from this seed on, and traits that were drawn once.
UNTOUCHED_BASE = 5
UNTOUCHED_TRAITS = tuple(stream(20261125, "untouched traits").sample(
    [name for category in ("animal", "tree") for name in FAVOURITES[category]
     if name not in TRAITS], 4))


def arms_of(report: str) -> dict[str, Arm]:
    """The arms that a report shows, in order: all (`make all`), untouched or untouched-traits (what
    no choice has seen, the tuned trait and others), traits or personas (the two kinds of traits in
    `make evidence`), ablation, or the name of an analysis."""
    return {name: arm for name, arm in ARMS.items() if report in arm.reports}
