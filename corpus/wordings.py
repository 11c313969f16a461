"""Every wording of the corpus, of the lessons and of the evaluation: the tables of `wordings.toml`.

A step depends on the tables that it imports by name: one that imports SHARED alone is not made
again when a question of the evaluation is edited (`support/keys.py`).
"""

import tomllib
from pathlib import Path

TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
SHARED: dict[str, list] = TABLES["shared"]
CORPUS: dict[str, list[str]] = TABLES["corpus"]
LESSON: dict[str, list[str]] = TABLES["lesson"]
ASK: dict[str, list[str]] = TABLES["ask"]
