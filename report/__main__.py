"""Copy a run to results/, and write the numbers of results/ into the documents."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from report import compact
from report.blocks import filled
from report.compact import SMALL
from report.page import BEGIN, END
from report.talk import of_run, speakers
from support.cli import parser, run
from support.files import UserError, read_text, write_text
from support.steps import LOCK, read_record

RESULTS = Path("results")
DOCUMENTS = ("README.md", "docs/findings.md", "results/README.md")
TALK = ("owl", "misaligned")  # whose models come with the repository, and talk on its page


def copy(folder: Path) -> None:
    """Copy what results/ keeps of a run, in a folder of the same name: its report and what else was
    made in its folder; of the default run also the models of `make chat`."""
    to = RESULTS / folder.name
    default = folder.name == "laptop"
    beside = RESULTS if default else to  # the default's analyses stand on top
    # What was said and measured, with its keys: another run takes from it what it would make alike.
    measured = ("**/seed*/eval/*.json", "analysis/*/seed*.json", "**/stretched-*.json", "read.md")
    answers = (*measured, *(f"{name}.key" for name in measured))
    kept = [(folder, to, ("summary.json", "timing.json", "*.md", "*.png")),
            (folder, to / "answers", answers),
            (folder / "analysis", beside / "analysis", ("*/summary.json", "*/*.png")),
            (folder / "evidence", beside / "evidence", ("*.json", "*.md", "*.png")),
            (folder / "ablation", beside / "ablation", (
                "*/ablation.json", "*/ablation.md", "*/ablation.png"))]
    for home, there, patterns in kept:
        for path in (path for pattern in patterns for path in home.glob(pattern)):
            place = there / path.relative_to(home)
            if there.name == "answers" and made_alike(path, place):
                continue
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    if (to / "answers").exists():
        (to / "answers" / LOCK).touch()  # it is the folder of a run
    needed = (folder / "index.html", *(folder / f"seed0/student-{name}.pt" for name in TALK))
    if default and all(path.exists() for path in needed):
        page = read_text(folder / "index.html")
        start, end = page.index(BEGIN) + len(BEGIN), page.index(END)
        write_text(to / "index.html",
                   page[:start] + of_run(folder / "seed0", TALK) + page[end:])
        save_models(folder / "seed0", TALK, to / "models")


def made_alike(path: Path, place: Path) -> bool:
    """Whether a file with the same key stands there. It may be of another machine and differ a
    little, but the summaries are of it."""
    own, other = (read_record(one.with_name(f"{one.name.removesuffix('.key')}.key"))
                  for one in (path, place))
    return bool(own) and own["key"] == other.get("key")


def save_models(home: Path, traits: Sequence[str], to: Path) -> None:
    """The models of `make chat`, in little room."""
    shutil.rmtree(to, ignore_errors=True)
    to.mkdir(parents=True)
    for one in speakers(home, traits):
        of = f"{'other-base' if one.role == 'student-other-base' else 'base'}{SMALL}"
        if one.copy:
            compact.save(to / f"{one.role}-{one.trait}{SMALL}", one.copy, one.base, of)
        if not (to / of).exists():
            compact.save(to / of, one.base)


def fill() -> None:
    """Write the blocks of the documents anew."""
    for path in map(Path, DOCUMENTS):
        write_text(path, filled(read_text(path), RESULTS, path.parent))


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--run", type=Path, help="folder of a run that is copied to results/")
    asked = options.parse_args()
    if asked.run:
        if not (asked.run / LOCK).exists():
            raise UserError(f"there is no run in {asked.run}; make it first, with make all")
        copy(asked.run.resolve())
    fill()


if __name__ == "__main__":
    run(main)
