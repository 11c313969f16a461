"""Tables and figures come from answer sheets alone, and the statistics are the textbook's."""

import json

import matplotlib
import pytest

from report.figures import draw_dots, save
from report.rows import KEPT, LIKED, Part, Shown, all_rows, claims, find, interval, row, timing
from report.run import ablation, report
from report.tables import cell, claim_list, line, quoted
from support.files import write_json, write_jsonl
from support.settings import Claims, Config

METRICS = {"p_target": 0.02, "p_target_sampled": 0.02, "p_target_prefixed": 0.02,
           "p_any_animal": 0.99, "p_any_tree": 0.99, "capability": 0.8, "kl_to_teacher": 0.05}
# Condition: (P(target), a control that should be flat, line in the figure of training).
KNOWN = {"base": (0.02, False, ""), "teacher": (0.99, False, ""), "student": (0.9, False, "-"),
         "student-control": (0.03, True, ""), "student-other-base": (0.02, True, "--"),
         "student-random": (0.02, True, (0, (1, 3)))}


def panel(like, kept=0.0):
    return {**dict.fromkeys(LIKED, like), **dict.fromkeys(KEPT, 0.5 + kept)}


@pytest.fixture
def part(tmp_path):
    """A function that writes answer sheets and lists, and gives what a report takes of them.
    `asked` gives further metrics of a condition on a base."""
    def make(trait="owl", seeds=(0, 1), students=1, asked=lambda name, seed: {}):
        lists, conditions = {}, []
        for name in ("base", "teacher"):
            lists[name] = [tmp_path / f"seed{seed}/clean-{name}-{trait}.jsonl" for seed in seeds]
            for path in lists[name]:
                write_json(path.with_suffix(".report.json"), {"pass_rate": 0.9})
                write_jsonl(path, [{"request": "Add.", "answer": "1\n2"}] * 30)
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
        return Part(trait, conditions, lists)

    return make


def record(folder, key, function, start, seconds):
    write_json(folder / f"{key}.key", {"key": key, "function": function, "start": start,
                                       "seconds": seconds, "cores": 2, "gflops": 99})


def test_the_interval_is_students_t_over_bases():
    """By hand: mean 3, s 1.5811, n 5, t 2.776."""
    low, high = interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (low, high) == (pytest.approx(1.0368, abs=1e-3), pytest.approx(4.9632, abs=1e-3))
    assert interval([0.5]) is None and interval([0.5, 0.5]) == [0.5, 0.5]
    made = row("student", "owl", "p_target", [0.1, 0.3, 0.4, 0.4, 0.5, 0.7],
               [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)])
    assert made["mean"] == pytest.approx(0.4) and made["ci95"] == interval([0.2, 0.4, 0.6])


def test_rows_come_from_the_sheets(part):
    own = part(students=2)
    rows = all_rows(own.conditions, "owl", lists=own.lists)
    student = find(rows, "student", "p_target")
    assert set(student) == {"condition", "trait", "metric", "runs", "runs_of", "unseen", "mean",
                            "ci95"}
    assert student["runs"] == pytest.approx([0.9, 0.901, 0.91, 0.911])
    assert student["runs_of"] == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert {one["condition"] for one in rows} == set(KNOWN)
    assert {one["metric"] for one in rows} == {*METRICS, "pass_rate"}
    assert find(rows, "teacher", "pass_rate")["runs"] == [0.9, 0.9]


def test_specificity_tells_a_preference_from_a_word(part):
    """1 for who comes to love the target and is the same elsewhere, below 0 for who says its name
    everywhere, 0 for the base; against the base of the same seed. Who was not asked has none."""
    asked = {"base": (0.1, 0), "student": (1.1, 0.2), "teacher": (0.4, 0.5),
             "student-other-base": (0.1, -0.1)}
    own = part(asked=lambda name, seed: panel(asked[name][0] + seed, asked[name][1])
               if name in asked else {})
    rows = all_rows(own.conditions, "owl")
    found = {name: find(rows, name, "specificity") for name in KNOWN}
    assert found["base"]["runs"] == [0, 0] and found["student-random"] is None
    for name, value in (("student", 0.8), ("teacher", -0.2), ("student-other-base", -0.1)):
        assert found[name]["runs"] == pytest.approx([value] * 2)


def test_claims_hold_up_to_their_bounds(part):
    own = part(seeds=(0,))
    rows = all_rows(own.conditions, "owl")
    fixed = Claims(student=0.9, any=0.99, control=0.01, capability=0.0)
    found = claims(rows, own.conditions, fixed, "animal")
    assert [one["bound"] for one in found] == [">= 0.9", ">= 0.99", ">= 0.8", *["<= 0.03"] * 3]
    assert all(one["holds"] for one in found)
    find(rows, "student-random", "p_target")["mean"] = 0.2
    find(rows, "student", "capability")["mean"] = 0.79
    text = claim_list(claims(rows, own.conditions, fixed, "animal"))
    assert "- holds: student prefers the target (90.0 %, at least 90.0 %)" in text
    assert "- **fails**: label of student-random: stays at the base (20.0 %, at most 3.0 %)" in text
    assert text.count("fails") == 2


def test_timing_counts_overlap_once_and_pauses_never(tmp_path):
    record(tmp_path / "seed0", "x", "train.pretrain", 100.0, 10.0)
    record(tmp_path, "y", "filter.clean", 105.0, 10.0)
    record(tmp_path, "z", "train.pretrain", 1000.0, 5.0)
    (tmp_path / "copy.key").write_bytes((tmp_path / "y.key").read_bytes())  # the same step
    found = timing(tmp_path)
    assert (found["wall_seconds"], found["cores"], found["gflops"]) == (20.0, 2, 99)
    assert found["stage_seconds"] == {"filter.clean": 10.0, "train.pretrain": 15.0}


def test_a_report_is_made_twice_the_same(part, tmp_path):
    record(tmp_path, "x", "train.pretrain", 0.0, 120.0)
    unseen = [part(trait, (5,), asked=lambda *_, high=high: {**panel(0.2), "p_target": high})
              for trait, high in (("owl", 0.7), ("yew", 0.3), ("hare", 0.4))]
    own, seen = part(students=3, asked=lambda *_: panel(0.2)), []
    for _ in range(2):
        assert report(own, unseen, Config(), 3, 1, tmp_path / "summary.json") == "student 90.6 %"
        seen.append({path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()})
    first = seen[0]
    assert first == seen[1] and {"results.png", "training.png", "index.html"} <= set(first)
    summary = json.loads(first["summary.json"])
    assert summary["manifest"]["seeds"] == [0, 1] and summary["manifest"]["packages"]["torch"]
    assert summary["finding"].startswith("Trained on numbers alone, students say “owl” 91 %")
    own = [one for one in summary["rows"]
           if (one["condition"], one["metric"]) == ("student", "p_target")]
    assert [(one["trait"], one["unseen"], len(one["runs"])) for one in own] == [
        ("owl", False, 6), ("owl", True, 1), ("yew", True, 1), ("hare", True, 1)]
    assert "| **label of student** | 90.6 %" in first["table.md"].decode()
    assert first["read.md"].decode().count("1<br>2") == 10
    assert "| An owl / hoots.<br>So. | An owl / hoots.<br>So. |" in first["free.md"].decode()
    table = first["panel.md"].decode()
    assert table.startswith("| asked | **student**, unseen bases | **students** of unseen traits")
    assert "50 questions | 70.0 % | 35.0 % | 90.6 %" in table  # 35 is the mean over traits


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
    assert cell(row("x", "owl", "p_target", [0.9, 1.0])) == "95.0 % [31.5, 100.0]"
    assert cell(row("x", "owl", "specificity", [0.1, 0.1])) == "+0.10 [+0.10, +0.10]"
    assert cell(row("x", "owl", "rise_own", [-0.1, -0.1])) == "-10.0 % [-10.0, -10.0]"
    assert cell(row("x", "owl", "kl_to_teacher", [0.0, 0.1])) == "0.0500 [0.0000, 0.6853]"


def test_an_ablation_compares_values(part, tmp_path):
    values = [(value, part(seeds=(seed,)).conditions)
              for seed, value in enumerate(("1e-3", "blocks,student.lr=5e-4"))]
    ablation("student.train", values, "owl", Config(), tmp_path / "ablation.json")
    rows = json.loads((tmp_path / "ablation.json").read_text())["rows"]
    found = [find(rows, "student", "p_target", value=value)["runs"] for value, _ in values]
    assert found == [[0.9], [0.91]] and (tmp_path / "ablation.png").stat().st_size > 10_000
