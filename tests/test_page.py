"""The page of a run holds what it should, and nothing that is fetched."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

from report.page import answers, as_html, page

import pytest

BROWSER = next((name for name in ("chromium", "chromium-browser", "google-chrome", "chrome")
                if shutil.which(name)), None)
HOSTILE = "<script>alert('owl')</script> & <b>"
VOID = {"meta", "img", "br", "link", "hr"}


class Reader(HTMLParser):
    """Checks that tags are closed in order; keeps texts and what is fetched."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.tags, self.sources = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href", "srcset")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture
def made(tmp_path):
    """A page of a run with an answer that would like to be a script."""
    for name in ("results", "training"):
        (tmp_path / f"{name}.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"></svg>')
    (tmp_path / "seed0/eval").mkdir(parents=True)
    for model in ("base", "teacher", "student"):
        (tmp_path / f"seed0/eval/{model}-owl.json").write_text(json.dumps(
            {"said": [["Which animal?", f"{model} owl"], [HOSTILE, "a | b\nc"]]}))
    claims = [{"claim": "student", "value": 0.5, "bound": ">= 0.8", "holds": False},
              {"claim": "control", "value": 0.01, "bound": "<= 0.02", "holds": True}]
    return page(tmp_path, "owl", f"They say owl {HOSTILE}",
                ["| asked | **student** |\n|---|---:|\n| owl | 88 % |\n\nMade at commit x.",
                 "# What it read\n\n| request | answer |\n|---|---|\n| Add. | 1<br>2 |"],
                claims, {"student": {"lr": 1e-3}}, {"wall_seconds": 120, "stage_seconds": {
                    "train.py": 90.0}})


def test_a_page_is_whole_and_fetches_nothing(made):
    read = Reader(made)
    assert read.sources and all(source.startswith("data:") for source in read.sources)
    assert "script" not in read.tags and HOSTILE in "".join(read.texts)
    text = " ".join(read.texts)
    for wanted in ("88 %", "Made at commit x.", "What it read", "teacher owl", "fails", "holds",
                   "2 minutes", "train.py", '"lr": 0.001'):
        assert wanted in text
    assert 'name="viewport"' in made and not re.search(r"https?://(?!www\.w3\.org)", made)


def test_a_table_keeps_its_cells_and_how_columns_are_set():
    html = as_html("| a | **b** |\n|---|---:|\n| 1<br>2 | x & y |\n| | z |")
    read = Reader(html)
    assert read.texts.count("b") == 1 and "<b>b</b>" in html and "1<br>2" in html
    assert html.count('class="number"') == 3 and html.count("<tr>") == 3
    assert "x & y" in read.texts


def test_answers_keep_to_their_cells(made, tmp_path):
    rows = answers(tmp_path, "owl", ("base", "student")).splitlines()
    assert rows[0] == "| question | base | student |"
    assert all(row.count("|") == 4 for row in rows)
    assert rows[3].endswith("| a b c | a b c |")


@pytest.mark.skipif(BROWSER is None, reason="no browser that could draw it is installed here")
def test_a_browser_draws_it(made, tmp_path):
    (tmp_path / "index.html").write_text(made)
    shot = tmp_path / "shot.png"
    subprocess.run([BROWSER, "--headless", "--no-sandbox", f"--screenshot={shot}",
                    "--window-size=390,1200", (tmp_path / "index.html").as_uri()], check=True,
                   capture_output=True, timeout=120)
    assert shot.stat().st_size > 5_000
