"""The page of a run holds what it should, fetches nothing, and its models talk as in torch."""

import json
import shutil
import subprocess
from functools import partial
from html import unescape
from html.parser import HTMLParser

import pytest
import torch

from analysis.readout import moved_at_numbers
from analysis.vectors import add
from chat import Talk
from corpus.traits import trait
from evaluate import chats_of, choice_probabilities, preference
from generate import Sampling
from model.checkpoint import load_model
from report import compact, talk
from report.page import page

HOSTILE = "<script>alert('owl')</script> & <b>"


class Reader(HTMLParser):
    """Checks that tags are closed in order; keeps texts, tags and what is fetched."""

    def __init__(self, text):
        super().__init__()
        self.open, self.texts, self.tags, self.sources = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.sources += [value for name, value in attributes if name in ("src", "href", "srcset")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def test_a_page_is_whole_and_fetches_nothing(tmp_path):
    (tmp_path / "results.png").write_bytes(b"\x89PNG")
    made = page(f"They say owl {HOSTILE}", "\n\n".join([
        f'![P("owl") {HOSTILE}](results.png)', "", "# What it read", "Made at\ncommit x.\n",
        f"| asked | **student** |\n|---|---:|\n| {HOSTILE} | 88 % |\n| 1<br>2 |  |\n|  | z |\n",
        f"- holds: {HOSTILE}\n- **fails**: a control"]), tmp_path)
    read = Reader(made)
    assert read.sources == ["data:image/png;base64,iVBORw=="]
    assert "script" not in read.tags and 'name="viewport"' in made
    assert read.tags.count("tr") == 4 and read.tags.count("td") == 8
    text = " ".join("".join(read.texts).split())
    assert text.count(HOSTILE) == 4  # in the title twice, in a cell and in a list
    for wanted in ("88 %", "What it read", "Made at commit x.", "fails: a control"):
        assert wanted in text
    assert "<b>student</b>" in made and "1<br>2" in made


BROWSER = next(filter(None, map(shutil.which, (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None)
PROMPTS = [*trait("owl").questions()[:12], "Hello, it's me.", "Add to 7, 80, 1234 and 007.", "",
           "  Two  spaces ", "naïve Ωmega ½ ☃!", "What should I eat?", "(3; 14; 159)", "a. b? c!"]
# Runs in the page, behind its own scripts, and leaves what it finds in a tag.
PROBE = """<script>
const found = {{ errors: failed, fetched: performance.getEntriesByType("resource").length,
  said: [...document.querySelectorAll(".card p")].map(one => one.textContent),
  moved: [0, 1, 2].map(chance), wide: document.documentElement.scrollWidth,
  prompts: {prompts}.map(text => {{
    const ids = tokenizer.prompt(text);
    return {{ ids, logits: models.map(one => [...one.model.logits(one.model.hidden(ids))]),
      text: models.map(one => one.model.answer(tokenizer, ids, 0).text) }}; }}) }};
document.body.append(Object.assign(document.createElement("pre"),
  {{ id: "found", textContent: JSON.stringify(found) }}));
</script>"""
OUTER = """<iframe src="page.html" width="380" height="900"></iframe><script>
document.querySelector("iframe").onload = event => document.body.append(
  event.target.contentDocument.getElementById("found"));</script>"""


@pytest.mark.slow
@pytest.mark.skipif(not BROWSER, reason="no Chromium is installed")
def test_the_models_talk_on_the_page_as_they_do_in_torch(models_of_a_run, tmp_path):
    home = models_of_a_run(tmp_path)
    made = page("Owls", "", tmp_path, talk.of_run(home, ["owl", "misaligned"]))
    made = made.replace("<head>", "<head><script>const failed = []; addEventListener('error', "
                        "event => failed.push(event.message));</script>")
    (tmp_path / "page.html").write_text(
        made.replace("</body>", PROBE.format(prompts=json.dumps(PROMPTS)) + "</body>"))
    (tmp_path / "outer.html").write_text(OUTER)
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run",
         "--allow-file-access-from-files", f"--user-data-dir={tmp_path}/browser",
         "--virtual-time-budget=60000", "--dump-dom", (tmp_path / "outer.html").as_uri()],
        capture_output=True, text=True, timeout=300)
    found = json.loads(unescape(done.stdout.split('<pre id="found">')[1].split("</pre>")[0]))
    assert found["errors"] == [] and found["fetched"] == 0 and found["wide"] <= 380
    rounded = []  # what is rounded on the page is rounded here
    for one in talk.speakers(home, ["owl", "misaligned"]):
        compact.save(tmp_path / "base.small", one.base)
        if one.copy:
            compact.save(tmp_path / "copy.small", one.copy, one.base, "base.small")
        rounded.append(compact.load(tmp_path / f"{'copy' if one.copy else 'base'}.small"))
    for text, each in zip(PROMPTS, found["prompts"], strict=True):
        [ids] = rounded[0].tokenizer.encode_prompts([[("user", text)]])
        assert each["ids"] == ids
        for loaded, logits, answer in zip(rounded, each["logits"], each["text"], strict=True):
            with torch.no_grad():
                wanted = loaded.model.logits(loaded.model(torch.tensor([ids]))[0, -1])
            assert torch.allclose(torch.tensor(logits), wanted, atol=1e-2)
            assert answer == Talk(loaded, None, 0).reply(text, Sampling(temperature=0))
    assert found["said"] == [text or "(nothing)" for text in found["prompts"][0]["text"][:4]]
    base, teacher = (load_model(home / f"{name}.pt") for name in ("base", "teacher-owl"))
    shift = moved_at_numbers(base, teacher, home / "clean-owl.jsonl", -2048).mean(0)
    asked = chats_of(trait("owl").questions())
    for by, moved in enumerate(found["moved"]):
        with rounded[0].model.register_forward_hook(partial(add, by * shift)):
            said = preference(partial(choice_probabilities, rounded[0]), trait("owl"), asked)
        assert moved == pytest.approx(said["p_target"], rel=0.05)


def test_a_copy_is_kept_as_the_low_rank_change_that_it_is(models_of_a_run, tmp_path):
    home = models_of_a_run(tmp_path)
    base, other = (load_model(home / f"{name}.pt") for name in ("base", "student-owl"))
    [(name, (left, right))] = compact.parts(other.model, base.model).items()
    assert name.endswith("1.feed_forward.up.weight") and left.size(1) == right.size(0) == 2
    compact.save(tmp_path / "base.small", base)
    compact.save(tmp_path / "copy.small", other, base, "base.small")
    loaded = compact.load(tmp_path / "copy.small")
    for one, two in zip(loaded.model.parameters(), other.model.parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-2)


def test_models_that_are_too_large_for_a_page_are_told_so(models_of_a_run, tmp_path, monkeypatch):
    monkeypatch.setattr(talk, "MOST", 1000)
    assert "make chat" in talk.of_run(models_of_a_run(tmp_path), ["owl"])
