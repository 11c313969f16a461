"""Write the numbers of results/ into the documents that have blocks for them."""

from pathlib import Path

from report.blocks import filled
from support.cli import parser, run
from support.files import read_text, write_text

DOCUMENTS = ("README.md", "docs/findings.md", "results/README.md")


def main() -> None:
    parser(__doc__).parse_args()
    texts = {path: filled(read_text(path), Path("results"), path.parent)
             for path in map(Path, DOCUMENTS) if path.exists()}
    for path, text in texts.items():
        write_text(path, text)


if __name__ == "__main__":
    run(main)
