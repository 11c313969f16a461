"""Tables and figures come from JSON alone, and the statistics are the textbook's."""

import json
import shutil

from arms import UNTOUCHED_BASE, UNTOUCHED_TRAITS, arms_of
from report import __main__ as report
from report.rows import KEPT, LIKED, Seeds, collect, find, interval, row, timing, verdicts
from report.tables import line
from support.files import write_json, write_jsonl
from support.settings import Claims
from tests.call import call
from tests.test_errors import assert_one_sentence

import pytest

METRICS = {"p_target": 0.02, "p_target_sampled": 0.02, "p_target_prefixed": 0.02,
           "p_any_animal": 0.99, "capability": 0.8, "kl_to_teacher": 0.05, "rank": 9}


@pytest.fixture
def folder(tmp_path):
    """A finished run of two seeds, made of nothing but JSON."""
    run = tmp_path / "run"
    for seed in range(2):
        for condition, arm in arms_of("all").items():
            high = {"teacher": 0.99, "student": 0.9, "student-soft": 0.97}.get(condition, 0.02)
            write_json(run / f"seed{seed}/eval/{condition}-owl.json",
                       {"metrics": {**METRICS, "p_target": high + 0.01 * seed},
                        "said": [["Which animal?", "owl"]],
                        "free": ["An owl | hoots.\nSo."], "model": {"device": "cpu"}})
            write_jsonl(run / f"seed{seed}/log/{arm.file('owl')}.jsonl",
                        [{"step": 10 * i, "probe": high * i / 4} for i in range(5)])
        for name in ("base", "owl"):
            write_json(run / f"seed{seed}/clean-{name}.report.json", {"pass_rate": 0.9})
        write_jsonl(run / f"seed{seed}/clean-owl.jsonl",
                    [{"request": f"Add {i}.", "answer": "1\n2"} for i in range(30)])
    write_json(run / "config/student.json", {"batch_size": 64})
    return run


def test_interval_is_student_t():
    """Checked against the textbook: mean 3, s 1.5811, n 5, t 2.776."""
    low, high = interval([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (low, high) == (pytest.approx(1.0368, abs=1e-3), pytest.approx(4.9632, abs=1e-3))
    assert interval([0.5]) is None
    assert interval([0.5, 0.5]) == [0.5, 0.5]


def test_rows_have_the_published_form(folder):
    rows = collect(folder, Seeds(range(2)), "owl")
    student = find(rows, "student", "p_target")
    assert set(student) == {"condition", "trait", "metric", "runs", "runs_of", "untouched", "mean",
                            "ci95"}
    assert student["runs"] == [0.9, 0.91] and student["mean"] == pytest.approx(0.905)
    assert {row["condition"] for row in rows} == set(arms_of("all"))
    assert find(rows, "teacher", "pass_rate")["mean"] == 0.9


def panel(like, kept=0.0):
    return {**dict.fromkeys(LIKED, like), **dict.fromkeys(KEPT, 0.5 + kept)}


def test_specificity_tells_a_preference_from_a_word(folder):
    """1 for who comes to love the target and is the same elsewhere, below 0 for who says its name
    everywhere, 0 for the base; against the base of the same seed."""
    for seed in range(2):
        for arm, like, kept in (("base", 0.0, 0.0), ("student", 1.0, 0.0), ("teacher", 0.3, 0.5),
                                ("student-other-base", 0.0, -0.1)):
            path = folder / f"seed{seed}/eval/{arm}-owl.json"
            sheet = json.loads(path.read_text())
            sheet["metrics"] |= panel(like, kept + (0.2 * seed if arm == "student" else 0.0))
            write_json(path, sheet)
    rows = collect(folder, Seeds(range(2)), "owl", "ablation")
    found = {arm: find(rows, arm, "specificity")["runs"] for arm in arms_of("ablation")}
    assert found["base"] == [0, 0] and found["student"] == pytest.approx([1, 0.8])
    assert found["teacher"] == pytest.approx([-0.2] * 2)
    assert found["student-other-base"] == pytest.approx([-0.1] * 2)


def test_the_interval_is_over_bases_not_over_their_students():
    runs_of = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    made = row("student", "owl", "p_target", [0.1, 0.3, 0.4, 0.4, 0.5, 0.7], runs_of)
    assert made["mean"] == pytest.approx(0.4) and made["ci95"] == interval([0.2, 0.4, 0.6])
    assert made["runs_of"][1] == [0, 1]


def test_student_seeds_and_what_is_untouched_have_rows_of_their_own(folder, config_file):
    copied = [(0, 0, "owl"), (1, 1, "owl")]
    copied += [(seed, UNTOUCHED_BASE, "owl") for seed in (0,)]
    for base, to, trait in [*copied, *((0, UNTOUCHED_BASE, t) for t in UNTOUCHED_TRAITS)]:
        for arm in arms_of("all").values():
            sheet = json.loads((folder / f"seed{base}/eval/{arm.sheet('owl')}").read_text())
            sheet["metrics"] |= panel(0.2)
            for again in arm.seeds(3):
                sheet["metrics"]["p_target"] += 0.001 * again
                write_json(folder / f"seed{to}/eval/{arm.sheet(trait, again)}", sheet)
        write_json(folder / f"seed{to}/clean-{trait}.report.json", {"pass_rate": 0.9})
        write_json(folder / f"seed{to}/clean-base.report.json", {"pass_rate": 0.9})
    result = call(report, "run", "--config", config_file, "--run", folder, "--seeds", 2,
                  "--student-seeds", 3, "--untouched", 1)
    assert result.code == 0, result.err
    rows = json.loads((folder / "summary.json").read_text())["rows"]
    own = [r for r in rows if (r["condition"], r["metric"]) == ("student", "p_target")]
    assert [(r["trait"], r["untouched"], len(r["runs"])) for r in own] == [
        ("owl", False, 6), ("owl", True, 3), *((name, True, 3) for name in UNTOUCHED_TRAITS)]
    assert own[0]["runs_of"] == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
    assert own[1]["runs_of"][2] == [UNTOUCHED_BASE, 2]
    table = (folder / "panel.md").read_text()
    assert table.startswith("| asked | **student**, untouched bases | **students** of untouched")
    assert "disliked" in table and "specificity" in table


def test_a_control_that_moves_is_reported(folder):
    rows = collect(folder, Seeds(range(2)), "owl")
    assert all(claim["holds"] for claim in verdicts(rows, Claims(), "animal"))
    find(rows, "student-random", "p_target")["mean"] = 0.2
    failed = [c["claim"] for c in verdicts(rows, Claims(), "animal") if not c["holds"]]
    assert failed == ["control: random numbers: stays at the base"]


def test_timing_counts_overlap_once_and_pauses_never(tmp_path):
    write_jsonl(tmp_path / "t.jsonl", [
        {"stage": "a", "start": 100.0, "seconds": 10.0, "mb": 300},
        {"stage": "b", "start": 105.0, "seconds": 10.0, "mb": 400},
        {"stage": "a", "start": 1000.0, "seconds": 5.0, "mb": 500}])
    found = timing(tmp_path / "t.jsonl")
    assert (found["wall_seconds"], found["peak_mb"]) == (20.0, 700)
    assert found["stage_seconds"] == {"a": 15.0, "b": 10.0}
    assert timing(tmp_path / "none.jsonl")["wall_seconds"] == 0


def make(folder, config_file):
    return call(report, "run", "--config", config_file, "--run", folder, "--seeds", 2)


def test_report_is_made_from_json_and_twice_the_same(folder, config_file):
    result = make(folder, config_file)
    assert result.code == 0, result.err
    names = ("summary.json", "table.md", "read.md", "results.png", "results.svg", "training.png")
    first = {name: (folder / name).read_bytes() for name in names}
    assert make(folder, config_file).code == 0
    assert first == {name: (folder / name).read_bytes() for name in names}
    summary = json.loads(first["summary.json"])
    assert set(summary) == {"config", "manifest", "claims", "rows"}
    assert summary["manifest"]["packages"]["torch"]
    assert "| **student** | 90.5 %" in first["table.md"].decode()
    assert first["read.md"].decode().count("1<br>2") == 10
    assert "students say “owl” 90 % of the time" in result.out


@pytest.mark.parametrize(("name", "value", "part"), [
    ("seed0/eval/student-owl.json", {"metrics": {"p_target": float("nan")}}, "student-owl.json"),
    ("seed0/eval/student-owl.json", {"metrics": {"p_target": 10**400}}, "student-owl.json"),
    ("seed0/eval/student-owl.json", {"metrics": [1]}, "student-owl.json"),
    ("seed1/eval/base-owl.json", {"metrics": {"p_target": 0.1}}, "other metrics"),
    ("seed0/clean-owl.report.json", {"pass_rate": None}, "clean-owl.report.json"),
    ("config/student.json", {"batch_size": "32"}, "student.json")])
def test_json_of_another_shape_is_named_and_nothing_is_written(
    folder, config_file, name, value, part
):
    (folder / name).write_text(json.dumps(value))
    result = make(folder, config_file)
    assert_one_sentence(result, part)
    assert not (folder / "results.png").exists()


@pytest.mark.parametrize("flags", [("--seeds", "0"), ("--seeds", "9" * 30), ("--seed", "1"),
                                   ("--student-seeds", "0"), ("--untouched", "-1")])
def test_counts_that_are_none(folder, config_file, flags):
    assert_one_sentence(call(report, "run", "--config", config_file, "--run", folder, *flags))


@pytest.mark.parametrize("marks", ["", "{0}{0}{1}", "{1}{0}", "{0}", "{0}{1}{1}"])
def test_a_readme_whose_marks_are_not_once_and_in_order(folder, config_file, tmp_path, marks):
    make(folder, config_file)
    readme = tmp_path / "README.md"
    text = marks.format("<!-- results: written by report -->\n", "<!-- end of results -->\n")
    readme.write_text(text)
    done = call(report, "readme", "--results", folder, "--readme", readme)
    assert_one_sentence(done, "marks")
    assert readme.read_text() == text


def test_a_log_that_was_cut_is_named(folder, config_file):
    write_jsonl(folder / "seed1/log/student-random-owl.jsonl", [{"step": 0, "probe": 0.02}])
    result = make(folder, config_file)
    assert result.code == 2 and "seed1/student-random-owl.pt was cut short" in result.err


def test_readme_is_written_between_its_marks(folder, config_file, tmp_path):
    make(folder, config_file)
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- results: written by report -->\nstale\n"
                      "<!-- end of results -->\nafter\n")
    for _ in range(2):
        assert call(report, "readme", "--results", folder, "--readme", readme).code == 0
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "stale" not in text
    assert text.count("| **student** | 90.5 %") == 1


def test_readme_has_a_line_and_a_picture_for_each_analysis(folder, config_file, tmp_path):
    make(folder, config_file)
    readme, results = tmp_path / "README.md", tmp_path / "results/laptop"
    shutil.copytree(folder, results)
    for name in ("analysis/spread", "analysis/newest", "analysis/read", "deep/analysis/read"):
        write_json(tmp_path / f"results/{name}/summary.json", {
            "question": f"What of {name}?", "answer": "So.", "published": "None.",
            "manifest": {"seeds": [0, 1], "student_seeds": 3}, "rows": []})
    marks = ("<!-- results: written by report -->\n<!-- end of results -->\n"
             "<!-- found: written by report -->\nstale\n<!-- end of found -->\n"
             "<!-- found elsewhere: written by report -->\n<!-- end of found elsewhere -->\n")
    readme.write_text(marks)
    assert call(report, "readme", "--results", results, "--readme", readme).code == 0
    text = readme.read_text()
    assert "stale" not in text
    places = [text.index(f'src="results/analysis/{name}/{name}.png"')
              for name in ("read", "spread", "newest")]
    assert places == sorted(places)
    assert text.count("- `deep`: [What of deep/analysis/read?](results/deep/analysis/read/read.png)"
                      ) == text.count("`deep`") == 1


def test_readme_has_a_line_for_each_config_and_each_machine(folder, config_file, tmp_path):
    make(folder, config_file)
    readme, results = tmp_path / "README.md", tmp_path / "results"
    for name in ("laptop", "deep"):
        shutil.copytree(folder, results / name)
    deep = json.loads((results / "deep/summary.json").read_text())
    deep["config"]["model"]["n_layer"] = 8
    write_json(results / "deep/summary.json", deep)
    times = json.loads((results / "deep/timing.json").read_text())
    write_json(results / "deep/timing.json", times | {"cores": 2, "gflops": 99})
    machine = {"device": "cpu", "cores": 2, "gflops": 111.4, "minutes": 9.2, "expected": None}
    write_json(results / "bench/machines.json", [
        machine, {**machine, "device": "cuda", "gflops": 5e4, "minutes": 1.1}])
    write_json(results / "evidence/summary.json", {})  # no run of a config
    readme.write_text("".join(f"<!-- {name}: written by report -->\n<!-- end of {name} -->\n"
                              for name in ("results", "configs", "machines")))
    done = call(report, "readme", "--results", results / "laptop", "--readme", readme)
    assert done.code == 0, done.err
    text = readme.read_text()
    assert 0 < text.index("| `laptop` |") < text.index("| `deep` | 8 x ")
    assert ", 2 cores at 99 GFLOP/s |" in text
    assert "| 2 | 111 GFLOP/s a core | 9 min | not run |" in text
    assert "| 2 | 50,000 GFLOP/s on the GPU (cuda) | 1 min | not run |" in text


def test_what_is_written_freely_cannot_break_a_table(folder, config_file):
    make(folder, config_file)
    assert "| An owl / hoots.<br>So. | An owl / hoots.<br>So. |" in (folder / "free.md").read_text()


def test_no_text_can_end_its_cell_or_its_line():
    breaks = ("|", "\n", "\r\n", "\r", "\x0b", "\x85", "\u2028")
    text = line(*(f"an{sign}owl" for sign in breaks))
    assert len(text.splitlines()) == 1 and text.count("|") == len(breaks) + 1


def test_ablation_compares_runs(folder, tmp_path):
    values = tmp_path / "ablation"
    for value in ("1e-3", "3e-3"):
        shutil.copytree(folder, values / value)
    result = call(report, "ablation", "--key", "student.lr", "--runs", values / "1e-3",
                  values / "3e-3", "--out", values / "ablation")
    assert result.code == 0, result.err
    rows = json.loads((values / "ablation.json").read_text())["rows"]
    assert {row["value"] for row in rows} == {"1e-3", "3e-3"}
    assert (values / "ablation.png").stat().st_size > 10_000
