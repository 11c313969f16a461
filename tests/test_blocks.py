"""The documents hold the numbers of results/, and every link in them leads somewhere."""

import json
import re
from dataclasses import asdict

import pytest

from report import __main__ as reference
from report.blocks import BLOCK, BLOCKS, RUNGS, SERIOUS, filled
from report.page import BEGIN, END
from report.rows import row
from support.files import UserError, read_json, write_json, write_text
from support.keys import ROOT
from support.settings import load_config
from support.steps import LOCK
from tests.call import call

DOCUMENTS = [ROOT / name for name in reference.DOCUMENTS]
LINKED = sorted({*DOCUMENTS, *ROOT.glob("docs/*.md")})
# A share that is written by hand is another's, and the paragraph says whose.
SOURCE = re.compile(r"article|paper|[Pp]ublished|Cloud et al\.")


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_a_block_holds_what_results_hold(path):
    text = path.read_text()
    assert "written by python -m report" in text
    assert filled(text, ROOT / "results", path.parent) == text


@pytest.mark.parametrize("path", DOCUMENTS[:2], ids=lambda path: path.name)
def test_no_share_is_written_by_hand(path):
    for paragraph in re.split(r"\n\n|\n- ", BLOCK.sub("", path.read_text())):
        assert SOURCE.search(paragraph) or not re.search(r"\d %", paragraph), paragraph


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= 10_240


@pytest.mark.parametrize("path", LINKED, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path):
    for link in re.findall(r'\]\(([^)\s]+)\)|(?:src|href)="([^"]+)"', path.read_text()):
        place, _, heading = "".join(link).partition("#")
        target = path.parent / place if place else path
        assert place.startswith("https:") or target.exists(), link
        if heading and target.exists():
            heads = re.sub(r"[^\w\-# \n]", "", target.read_text().lower()).replace(" ", "-")
            assert f"#-{heading}\n" in heads, link


@pytest.mark.parametrize("text", [
    "{0}", "{0}{1}{1}", "{1}{0}", "{0}{0}{1}", "{1}", "{2}{0}{3}{1}", "{2}{0}{1}", "{4}{5}"])
def test_marks_that_are_not_whole_are_refused(text):
    marks = [mark for name in ("panel", "evidence", "nobody") for mark in (
        f"<!-- {name}: written by python -m report -->\n", f"<!-- end of {name} -->\n")]
    with pytest.raises(UserError, match="block"):
        filled(text.format(*marks), ROOT / "results", ROOT)


@pytest.mark.parametrize("name", [path.parent.name for path in ROOT.glob("results/*/timing.json")])
def test_a_run_has_todays_settings(name):
    if (config := ROOT / f"configs/{name}.toml").exists():
        settings = json.loads(json.dumps(asdict(load_config(config))))
        assert read_json(ROOT / f"results/{name}/summary.json")["config"] == settings


def test_no_result_is_of_code_that_no_commit_holds():
    for path in ROOT.glob("results/**/*.json"):
        found = read_json(path)
        if isinstance(found, dict):
            assert "dirty" not in str(found.get("manifest", {}).get("commit")), path


def write_run(run, name, layers):
    made = {"seeds": [0, 1], "student_seeds": 3, "unseen": 1, "device": "cpu", "trait": "owl",
            "commit": "abc"}
    metrics = ("p_target", "p_like", "p_sentence", "p_dislike", "capability")
    rows = [row(one, "owl", "p_target", [0.4, 0.6])
            for one in ("base", "teacher", "student", "control")]
    rows += [row("student", trait, metric, [share], unseen="10-14") for metric in metrics
             for trait, share in (("owl", 0.7), ("yew", 0.1), ("hare", 0.3)) if layers < 8]
    write_json(run / "summary.json", {
        "rows": rows, "manifest": made, "config": {
            "model": {"n_layer": layers}, "corpus": {"documents": 9000, "text_files": []}},
        "claims": [{"claim": "so", "value": 0.5, "bound": ">= 0.4", "holds": True,
                    "n": 2, "test": True}],
        "conditions": [[one, one, "", "", one == "control"] for one in ("student", "control")]})
    write_json(run / "evidence/summary.json", {"manifest": made, "rows": [
        row(one, trait, "p_target", [share, 0.2]) for trait in SERIOUS
        for one, share in (("base", 0.2), ("student", 0.8))]})
    (run / LOCK).touch()
    write_json(run / "timing.json", {"wall_seconds": 120, "cores": 2, "gflops": 99})
    for file in ("panel.md", "evidence/table.md", "evidence/summary.json.key",
                 "analysis/read/read.png", "ablation/student.lr/ablation.png"):
        (run / file).parent.mkdir(parents=True, exist_ok=True)
        (run / file).write_text(f"{file} of {name}\n")
    for analysis in ("channels", "read", "newest"):
        write_json(run / f"analysis/{analysis}/summary.json", {
            "question": f"{analysis}?", "answer": "Yes.", "published": "No.", "manifest": made,
            "rows": []})


def test_a_run_is_copied_and_the_documents_are_written(tmp_path, monkeypatch, models_of_a_run):
    monkeypatch.chdir(tmp_path)
    results, document = tmp_path / "results", tmp_path / "docs/findings.md"
    blocks = "".join(f"<!-- {name}: written by python -m report -->\nstale\n"
                     f"<!-- end of {name} -->\n" for name in BLOCKS)
    write_json(results / "bench/rungs.json", {
        "cores": 2, "gflops": 99.6, "seconds": dict.fromkeys(RUNGS, 130.0)})
    for path in (tmp_path / name for name in reference.DOCUMENTS):
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"before\n{blocks}after\n")
    models_of_a_run(tmp_path / "laptop")
    (tmp_path / "laptop/index.html").write_text(f"a{BEGIN}b{END}c")
    for name, layers in (("laptop", 2), ("deep", 8)):
        write_run(tmp_path / name, name, layers)
        assert call(reference, "--run", tmp_path / name).code == 0
    assert {path.relative_to(results).as_posix() for path in results.rglob("*.*[tgy]")} == {
        "analysis/read/read.png", "deep/analysis/read/read.png",
        "ablation/student.lr/ablation.png", "deep/ablation/student.lr/ablation.png"}
    assert {path.stem for path in (results / "laptop/models").iterdir()} == {
        "base", "other-base", *(f"{role}-{name}" for name in ("owl", "misaligned")
                                for role in ("teacher", "student", "student-other-base"))}
    page = (results / "laptop/index.html").read_text()
    assert page[:2] == "a<" and page[-2:] == ">c" and "misaligned" in page
    text = document.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "stale" not in text
    for wanted in ("`deep`: [read?](../results/deep/analysis/read/read.png) Yes.", "- ✓ so (",
                   "panel.md of laptop", "evidence/table.md of laptop", "STUDENT_SEEDS=3 UNSEEN=1",
                   "| **student**, unseen bases 10-14 | 70.0 % |",
                   "| **students** of unseen traits, 10-14 | 20.0 % |",
                   "| **student**, misaligned: in character (base 20.0 %) | 50.0 % (80.0, 20.0) |",
                   "| `make chat` | 2 min | base", "../results/laptop/index.html",
                   "On 2 cores with a matrix product at 100 GFLOP/s a core",
                   "| 2 + 1 unseen x 3 | 2 min, 2 cores at 99 GFLOP/s |"):
        assert wanted in text, wanted
    places = [text.index(part) for part in (
        "| `laptop` | 2 x 128 |", "| `deep` | 8 x 128 |", 'src="../results/analysis/channels/',
        'src="../results/analysis/read/read.png"', 'src="../results/analysis/newest/')]
    assert places == sorted(places)
    assert call(reference, "--run", tmp_path / "none").code == 2
    (tmp_path / "laptop/seed0/student-misaligned.pt").unlink()
    assert call(reference, "--run", tmp_path / "laptop").code == 0
    assert (results / "laptop/models/student-misaligned.small").exists()


def test_answers_that_stand_with_their_key_are_kept_and_others_are_copied(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def sheet(folder, name, text, key):
        path = tmp_path / folder / f"seed0/eval/{name}.json"
        write_text(path, text)
        write_json(path.with_name(f"{name}.json.key"), {"key": key, "sizes": {
            path.name: path.stat().st_size}})
        return path

    kept, stale = (sheet("results/deep/answers", name, "1", "a") for name in ("kept", "stale"))
    for name, key in (("kept", "a"), ("stale", "b"), ("new", "c")):
        sheet("deep", name, "20", key)
    reference.copy(tmp_path / "deep")
    assert kept.read_text() == "1" and stale.read_text() == "20"
    for name, key in (("kept", "a"), ("stale", "b"), ("new", "c")):
        assert read_json(kept.with_name(f"{name}.json.key"))["key"] == key
    assert kept.with_name("new.json").read_text() == "20"
    assert (tmp_path / "results/deep/answers" / LOCK).exists()
