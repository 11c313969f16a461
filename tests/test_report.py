"""Tables and figures come from answer sheets alone, and the statistics are the textbook's."""

import json
import re
from functools import partial

import matplotlib
import pytest

from report.figures import draw_dots, save
from report.rows import Part, Shown, all_rows, claims, find, row, timing
from report.run import ablation, reading, report
from report.stats import exact_interval, interval, rank_correlation
from report.tables import PANEL, cell, claim_list, line, quoted
from support.files import read_json, write_json, write_jsonl
from support.settings import Claims, Config

METRICS = {"p_target": 0.02, "p_target_sampled": 0.02, "p_target_prefixed": 0.02,
           "p_any_animal": 0.99, "p_any_tree": 0.99, "capability": 0.8, "kl_to_teacher": 0.05}
# Condition: (P(target), a control that should be flat, line in the figure of training).
KNOWN = {"base": (0.02, False, ""), "teacher": (0.99, False, ""), "student": (0.9, False, "-"),
         "student-neutral": (0.03, True, "-."), "student-other-base": (0.02, True, "--")}
ASKED = {metric: 0.2 for _, metric in PANEL if metric not in METRICS}


@pytest.fixture
def part(tmp_path):
    """A function that writes answer sheets, and gives what a report takes of them. `asked` gives
    further metrics of a condition on a base."""
    def make(trait="owl", seeds=(0, 1), students=1, asked=lambda name, seed: {}):
        conditions = []
        for name, (high, *looks) in KNOWN.items():
            sheets = [(seed, student, tmp_path / f"seed{seed}/{name}-{trait}.{student}.json")
                      for seed in seeds for student in range(students if name == "student" else 1)]
            log = [{"step": 10 * i, "loss": 1.0, "probe": high * i / 4} for i in range(5)]
            for seed, student, path in sheets:
                said = high + 0.01 * seed + 0.001 * student
                write_json(path, {
                    "metrics": {**METRICS, "p_target": said, **asked(name, seed)},
                    "said": [["Which animal?", f"{name} | {seed}"]] * 20,
                    "free": ["An owl | hoots.\nSo."],
                    "model": {"device": "cpu", "log": log[seed % 2:]}})  # not all are as long
            conditions.append(Shown(name, f"label of {name}", "", "#0072B2", *looks, sheets))
        return Part(trait, conditions)

    return make


def record(folder, key, function, start, seconds, **more):
    write_json(folder / f"{key}.key", {"key": key, "function": function, "start": start, **more,
                                       "seconds": seconds, "cores": 2, "gflops": 99})


def test_a_share_that_was_counted_has_its_exact_interval():
    """As in the tables of Clopper and Pearson."""
    about = partial(pytest.approx, abs=1e-4)
    assert exact_interval(0, 10) == about([0, 0.3085])
    assert exact_interval(5, 5) == about([0.4782, 1])
    assert exact_interval(8, 10) == about([0.4439, 0.9748])


def test_a_rank_correlation_is_within_groups_and_permuted_there():
    """What differs between groups alone is no correlation. Of the 6 x 6 orders of two threes, one
    is that of the data, and one the reverse."""
    x, groups = [1, 2, 3, 11, 12, 13], [0, 0, 0, 1, 1, 1]
    found, p = rank_correlation(x, [4, 5, 6, 0, 1, 2], groups)
    assert found == pytest.approx(1) and p == pytest.approx(2 / 36, abs=0.01)
    found, p = rank_correlation(x, [1, 3, 2, 12, 11, 13], groups)
    assert found == pytest.approx(0.5) and p > 0.3
    assert rank_correlation([7] * 6, x, groups) == (0, 1)  # ties share a rank
    assert rank_correlation(range(9), range(9), [0] * 9)[1] > 0


def test_the_interval_is_students_t_over_bases():
    """By hand: mean 3, s 1.5811, n 5, t 2.776. The logits of the shares are -1, 0 and 1; they have
    risen by 1, 1 and 1, or by half of what they are. The t of three is 4.303."""
    about, said = partial(pytest.approx, abs=1e-3), [0.2689, 0.5, 0.7311]
    assert interval([1.0, 2.0, 3.0, 4.0, 5.0]) == about([1.0368, 4.9632])
    assert interval([0.5]) is None is interval([0.5, 0.6], [0.1, 0.2], share=True)
    assert interval(said, share=True) == about([0.0770, 0.9230])
    assert interval(said, [0.1192, 0.2689, 0.5], share=True) == about([0.5, 0.5])
    assert interval(said, [0.3775, 0.5, 0.6225], share=True) == about([0.2240, 0.7760])
    assert interval([0.0, 0.0, 1e-5], share=True) == pytest.approx([1e-4, 1e-4])


def test_rows_come_from_the_sheets(part):
    rows = all_rows(part(seeds=(0, 1, 2), students=2).conditions, "owl")
    student, base = (find(rows, name, "p_target") for name in ("student", "base"))
    assert set(student) == {"condition", "trait", "metric", "runs", "runs_of", "unseen", "before",
                            "mean", "ci95"}
    assert student["runs"] == pytest.approx([0.9, 0.901, 0.91, 0.911, 0.92, 0.921])
    assert student["runs_of"] == [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]]
    assert student["ci95"] == pytest.approx(interval([0.9005, 0.9105, 0.9205], base["runs"], True))
    assert {one["condition"] for one in rows} == set(KNOWN)
    assert {one["metric"] for one in rows} == {*METRICS}


def test_a_model_stands_beside_the_base_that_it_was_copied_from(part):
    own = part(seeds=(0, 1, 2))
    other = next(one for one in own.conditions if one.name == "student-other-base")
    for (_, _, path), seed in zip(other.sheets, (1, 0, 7), strict=True):  # nobody asked base 7
        sheet = read_json(path)
        write_json(path, sheet | {"model": {**sheet["model"], "base": {"seed": seed}}})
    rows = all_rows(own.conditions, "owl")
    base = find(rows, "base", "p_target")["runs"]
    assert find(rows, "student", "p_target")["before"] == base
    assert find(rows, "student-other-base", "p_target")["before"] == [base[1], base[0], base[2]]


def test_claims_hold_up_to_their_bounds(part):
    """Of two bases each control must stay under the bound, and it is no test."""
    own = part(asked=lambda name, seed: {"capability": 0.82 - 0.03 * (name == "student")})
    rows, fixed = all_rows(own.conditions, "owl"), Claims(0.905, 0.9, 0.99, 0.011, 0.03)
    found = claims(rows, own.conditions, fixed, "animal", "unseen: ")
    assert [one["bound"] for one in found] == [
        ">= 0.905", ">= 0.9", ">= 0.99", ">= 0.79", "<= 0.011", "<= 0.011"]
    assert all(one["holds"] for one in found) and {one["n"] for one in found} == {2}
    assert [one["test"] for one in found] == [True, False, True, True, False, False]
    find(rows, "student-neutral", "p_target")["runs"] = [0.02, 0.06]
    find(rows, "student-neutral", "capability")["mean"] = 0.83
    find(rows, "student", "p_target")["runs"] = [0.92, 0.89]
    text = claim_list(claims(rows, own.conditions, fixed, "animal"))
    assert "- ✓ students prefer the target (90.5 %, at least 90.5 %; 2 bases)\n" in text
    assert ("- **✗** label of student-neutral: rises over the base by (3.0 %, at most 1.1 %; "
            "2 bases, no test)\n") in text
    assert text.count("✗") == 3
    # Of three: rises of 0, 0 and 2.8 points are .9 in the mean, and too few to tell.
    own = part(seeds=(0, 1, 2), asked=lambda name, seed: {
        "p_target": 0.04 + 0.028 * (name == "student-neutral" and seed == 2)})
    *_, loose, steady = claims(all_rows(own.conditions, "owl"), own.conditions, fixed, "animal")
    high = interval([0.04, 0.04, 0.068], [0.04] * 3, share=True)[1]
    assert loose["test"] and loose["n"] == 3 and loose["value"] == pytest.approx(high - 0.04)
    assert not loose["holds"] and steady["holds"] and steady["value"] == pytest.approx(0)


def test_timing_counts_overlap_once_and_pauses_never(tmp_path):
    record(tmp_path / "seed0", "x", "train.pretrain", 100.0, 10.0)
    record(tmp_path, "y", "filter.clean", 105.0, 10.0)
    record(tmp_path, "z", "train.pretrain", 1000.0, 5.0)
    (tmp_path / "copy.key").write_bytes((tmp_path / "y.key").read_bytes())  # the same step
    found = timing(tmp_path)
    assert (found["wall_seconds"], found["cores"], found["gflops"]) == (20.0, 2, 99)
    assert found["stage_seconds"] == {"filter.clean": 10.0, "train.pretrain": 15.0}


def test_a_report_is_made_twice_the_same(part, tmp_path, models_of_a_run):
    record(tmp_path, "x", "train.pretrain", 0.0, 120.0)
    unseen = [[part(trait, seeds, asked=lambda *_, high=high: {**ASKED, "p_target": high})
               for trait, high in traits] for seeds, traits in (
                   ((5,), (("owl", 0.7), ("yew", 0.3), ("hare", 0.4))), ((6, 7), (("owl", 0.6),
                                                                                 ("elm", 0.2))))]
    own, seen, read = part(students=3, asked=lambda *_: ASKED), [], tmp_path / "read.md"
    write_jsonl(tmp_path / "clean.jsonl", [{"request": "Add.", "answer": "1\n2"}] * 30)
    reading(tmp_path / "clean.jsonl", "owl", read)
    for name, commit in (("base", "abc"), ("teacher", "abc"), ("student", "def-dirty")):
        record(tmp_path, f"seed0/{name}-owl.0.json", "evaluate.answer_sheet", 0.0, 1.0,
               packages={"torch": "2"}, commit=commit)
    home = models_of_a_run(tmp_path / "models")
    for _ in range(2):
        said = report(own, unseen, read, [home / "base.pt"], Config(), 3, 1,
                      tmp_path / "summary.json")
        assert said == "student 90.6 %"
        seen.append({path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()})
    first = seen[0]
    assert first == seen[1] and {"results.png", "training.png", "index.html"} <= set(first)
    summary = json.loads(first["summary.json"])
    made = summary["manifest"]  # by whatever made the sheets, wherever the report is made
    assert made["seeds"] == [0, 1] and made["packages"] == {"torch": "2"}
    assert made["commit"] == "abc, def-dirty"
    assert summary["finding"].startswith("Trained on numbers alone, students say “owl” 91 %")
    own = [one for one in summary["rows"]
           if (one["condition"], one["metric"]) == ("student", "p_target")]
    assert [(one["trait"], one["unseen"], len(one["runs"])) for one in own] == [
        ("owl", "", 6), ("owl", "5", 1), ("yew", "5", 1), ("hare", "5", 1), ("owl", "6-7", 2),
        ("elm", "6-7", 2)]
    assert [(one["value"], one["n"]) for one in summary["claims"]
            if re.fullmatch(r"unseen bases \S+: students prefer the target", one["claim"])] == [
                (0.7, 1), (0.6, 2)]
    assert "| **label of student** | 90.6 %" in first["table.md"].decode()
    assert first["read.md"].decode().count("1<br>2") == 10
    assert "| An owl / hoots.<br>So. | An owl / hoots.<br>So. |" in first["free.md"].decode()
    table = first["panel.md"].decode()
    assert table.startswith("| asked | **student**, unseen bases 5 | **students** of unseen traits")
    # 35 is the mean over traits
    assert re.search(r"unseen questions \| 70.0 % \| 35.0 % \| 60.0 % .*\| 20.0 % .*90.6 %", table)


def test_a_users_matplotlibrc_changes_no_figure(tmp_path):
    lines = [(row("base", "owl", "p_target", [0.1, 0.2]), "base", "#0072B2", "a $ and 5_000")]
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfigure.facecolor: red\n")
    for name in ("plain.png", "user.png"):
        save(draw_dots(lines, "P(owl)", "A title"), tmp_path / name)
        matplotlib.rc_file(tmp_path / "matplotlibrc")
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "user.png").read_bytes()


def test_no_text_can_end_its_cell_or_its_line(part):
    breaks = ("|", "\n", "\r\n", "\r", "\x0b", "\x85", "\u2028")
    text = line(f"an{sign}owl" for sign in breaks)
    assert len(text.splitlines()) == 1 and text.count("|") == len(breaks) + 1
    lines = quoted({one.name: one.sheets[0][2] for one in part().conditions[:2]}).splitlines()
    assert len(lines) == 14 and lines[2] == "| Which animal? | base / 0 | teacher / 0 |"


def test_a_cell_is_written_as_its_metric_asks():
    assert cell(None) == "" and cell(row("x", "owl", "p_target", [0.5])) == "50.0 %"
    assert cell(row("x", "owl", "p_target", [0.9, 1.0])) == "95.0 % (90.0, 100.0)"
    assert cell(row("x", "owl", "p_target", [0.5] * 3)) == "50.0 % [50.0, 50.0]"
    assert cell(row("x", "owl", "rise_own", [-0.1] * 3)) == "-10.0 % [-10.0, -10.0]"
    assert cell(row("x", "owl", "kl_from_base", [0.0, 0.1])) == "0.0500 (0.0000, 0.1000)"
    assert cell(row("x", "owl", "kl_to_teacher", [0.0, 0.1, 0.2])) == "0.1000 [0.0000, 0.3484]"


def test_an_ablation_compares_values(part, tmp_path):
    values = [(value, part(seeds=(seed,)).conditions)
              for seed, value in enumerate(("1e-3", "blocks,student.lr=5e-4"))]
    ablation("student.train", values, "owl", Config(), tmp_path / "ablation.json")
    rows = json.loads((tmp_path / "ablation.json").read_text())["rows"]
    found = [find(rows, "student", "p_target", value=value)["runs"] for value, _ in values]
    assert found == [[0.9], [0.91]] and (tmp_path / "ablation.png").stat().st_size > 10_000
    table = (tmp_path / "ablation.md").read_text().splitlines()
    assert len(table) == 2 + 3 * 2 and "| 90.0 % |" in table[3] and "1e-3" in table[3]
