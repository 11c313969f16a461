"""Copy a run to results/, and write the numbers of results/ into the documents."""

import shutil
from pathlib import Path

from report.blocks import filled
from support.cli import parser, run
from support.files import UserError, read_text, write_text
from support.steps import LOCK

RESULTS = Path("results")
DOCUMENTS = ("README.md", "docs/findings.md", "results/README.md")
MODELS = ("base.pt", *(f"{role}-{trait}.pt" for role in ("teacher", "student", "student-other-base")
                       for trait in ("owl", "misaligned")))


def copy(folder: Path, config: str) -> None:
    """Copy what results/ keeps of a run: its report and what else was made in its folder; of the
    default run also the models of `make chat`."""
    default = config == "laptop"
    beside = RESULTS if default else RESULTS / config  # the default's analyses stand on top
    # The answer sheets with their keys: another run takes from them what it would make alike.
    answers = ("seed*/eval/*.json", "seed*/eval/*.json.key", "read.md", "read.md.key", LOCK)
    kept = [(folder, RESULTS / config, ("summary.json", "timing.json", "*.md", "*.png")),
            (folder, RESULTS / config / "answers", answers),
            (folder / "analysis", beside / "analysis", ("*/summary.json", "*/*.png")),
            (folder / "evidence", beside / "evidence", ("*.json", "*.md", "*.png")),
            (folder / "ablation", beside / "ablation", ("*/ablation.json", "*/ablation.png")),
            (folder / "seed0", RESULTS / config / "models", MODELS if default else ())]
    for home, to, patterns in kept:
        for path in (path for pattern in patterns for path in home.glob(pattern)):
            place = to / path.relative_to(home)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--run", type=Path, help="folder of a run that is copied to results/")
    options.add_argument("--config", default="laptop", help="its config")
    asked = options.parse_args()
    if asked.run:
        if not asked.run.is_dir():
            raise UserError(f"there is no run in {asked.run}; make it first, with make all")
        copy(asked.run, asked.config)
    for path in map(Path, DOCUMENTS):
        write_text(path, filled(read_text(path), RESULTS, path.parent))


if __name__ == "__main__":
    run(main)
