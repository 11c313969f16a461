"""A key covers all the source that a step can reach, and an edit that changes no result nothing."""

import os
import subprocess
import sys

import pytest

from support import keys
from support.keys import PLUMBING, ROOT, sources

MODULES = sorted({"train", "generate", "filter", "controls", "evaluate", "corpus.texts",
                  "corpus.lessons", "model.tokenizer", "report.run", *(
                      f"analysis.{path.stem}" for path in ROOT.glob("analysis/[a-z]*.py"))})


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of four modules; a function that writes one of them and gives the hashes that
    `main_step` then has."""
    monkeypatch.setattr(keys, "ROOT", tmp_path)
    files = {
        "main_step.py": "from part import words\nimport words_of\nfrom texts import ASKED\n"
                        "def step(out):\n    return words.one(ASKED)\n"
                        "def main():\n    print(1)\n",
        "part/__init__.py": "", "part/words.py": "def one(x):\n    print('seen')\n"
                                                 "    raise UserError(f'no {x}')\n    return x\n",
        "part/words.toml": "x = 1\n", "part/words.js": "x = 1\n", "words_of.py": "SIZE = 3\n",
        "texts.py": "ASKED, TAUGHT = 1, 2  # from texts.toml\n",
        "texts.toml": "[asked]\na = 1\n[taught]\nb = 1\n"}

    def write(name="", text=""):
        for path, content in {**files, **({name: text} if name else {})}.items():
            file = tmp_path / path
            file.parent.mkdir(exist_ok=True)
            file.write_text(content)
        keys.tree_of.cache_clear()
        keys.sources.cache_clear()
        return sources("main_step")

    yield write, files
    keys.tree_of.cache_clear()
    keys.sources.cache_clear()


@pytest.mark.parametrize(("name", "old", "new"), [
    ("main_step.py", "def step", "# why\ndef step"),
    ("main_step.py", "    return words", '    """What it does."""\n    return words'),
    ("main_step.py", "    print(1)", "    print(2)"),
    ("part/words.py", "seen", "seen by"), ("part/words.py", "no", "never"),
    ("texts.toml", "b = 1", "b = 2")])
def test_an_edit_that_changes_no_result_changes_no_key(project, name, old, new):
    """A comment, a docstring, a command line, a sentence; a table of data that nobody imports."""
    write, files = project
    assert old in files[name]
    assert write(name, files[name].replace(old, new)) == write()


@pytest.mark.parametrize(("name", "old", "new"), [
    ("main_step.py", "words.one(ASKED)", "words.one(3)"), ("part/words.py", "return x", "return 1"),
    ("words_of.py", "3", "4"), ("texts.toml", "a = 1", "a = 2"), ("part/words.toml", "1", "2"),
    ("part/words.js", "1", "2")])
def test_any_other_edit_changes_the_key(project, name, old, new):
    write, files = project
    assert write(name, files[name].replace(old, new)) != write()


@pytest.mark.slow
def test_a_key_covers_what_its_step_can_reach():
    """Every module of ours that is loaded with a step's module is in its key, or is plumbing."""
    loads = """
import os, sys, torch, matplotlib.pyplot, tokenizers, tqdm
for name in sys.argv[1:]:
    if os.fork() == 0:
        __import__(name)
        ours = [key for key, one in list(sys.modules.items()) if key != "__main__" and
                str(getattr(one, "__file__", "") or "").startswith(os.getcwd() + os.sep)
                and ".venv" not in one.__file__]
        os.write(1, (" ".join([name, *ours]) + "\\n").encode())
        os._exit(0)
    os.wait()
"""
    done = subprocess.run([sys.executable, "-c", loads, *MODULES], cwd=ROOT, capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert len(done.stdout.splitlines()) == len(MODULES), done.stderr
    for line in done.stdout.splitlines():
        name, *loaded = line.split()
        packages = {module.split(".")[0] for module in loaded if "." in module}
        assert set(loaded) - PLUMBING - packages <= set(sources(name)), name


def test_packages_hold_nothing_that_a_key_could_miss():
    for path in ROOT.glob("*/__init__.py"):
        assert len(path.read_text().splitlines()) <= 1, path


def test_no_step_of_the_experiment_reaches_an_analysis():
    for name in MODULES:
        if not name.startswith("analysis"):
            assert not [module for module in sources(name) if module.startswith("analysis")], name


def test_an_edited_question_of_the_evaluation_makes_no_base_and_no_list_again():
    """They import no table of wordings that only the evaluation reads."""
    asked = keys.content_of("corpus.wordings", {"ASK"})
    assert asked != keys.content_of("corpus.wordings", {"SHARED", "CORPUS"})
    for step in ("train", "corpus.texts", "model.tokenizer", "generate"):
        assert sources(step).keys().isdisjoint({"corpus.panel", "corpus.traits", "evaluate"}), step
    texts = sources("corpus.texts")["corpus.wordings"]
    assert texts != sources("evaluate")["corpus.wordings"]


def test_the_commit_is_that_of_this_tree_and_of_no_repository_around_it(tmp_path, monkeypatch):
    def git(*words):
        return subprocess.run(["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b",
                               *words], check=True, text=True, capture_output=True).stdout.strip()

    monkeypatch.setattr(keys, "ROOT", tmp_path)
    assert keys.commit() is None
    git("init", "-q")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/code.py").write_text("x = 1\n")
    git("add", "-A")
    git("commit", "-qm", "one")
    assert keys.commit() == git("rev-parse", "--short=12", "HEAD")
    (tmp_path / "inner/code.py").write_text("x = 2\n")
    assert keys.commit().endswith("-dirty")
    monkeypatch.setattr(keys, "ROOT", tmp_path / "inner")
    assert keys.commit() is None
