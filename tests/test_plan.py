"""The plan has a rule for every file, from files that have one, and is told of every mistake."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import arms
import plan as planner
from arms import ARMS, Arm, arms_of
from corpus import own
from plan import Run, plan, written
from support.settings import Config
from tests.call import call
from tests.test_errors import assert_one_sentence

import pytest


def run_in(folder, **changes):
    return Run(str(folder), Config(), "--config configs/smoke.toml", **changes)


@pytest.fixture
def rules():
    return {rule.target: rule for rule in plan(run_in("r"))}


def depends(rules, target):
    """Everything that a file is made from, however far back."""
    seen, todo = set(), [target]
    while todo:
        needs = rules[todo.pop()].needs
        todo += [need for need in needs if need in rules and need not in seen]
        seen |= set(needs)
    return seen


def test_every_file_is_made_from_files_that_are_there_or_have_a_rule(rules):
    made = {*rules, *(file for rule in rules.values() for file in rule.also)}
    settings = {*planner.settings_files(run_in("r"))}
    for rule in rules.values():
        for need in rule.needs:
            assert need in made or need in settings or Path(need).exists(), (rule.target, need)
        named = {word for word in rule.command.split() if word.startswith("r/")} - {rule.target}
        assert named - {"r"} <= {*rule.needs, *rule.also}, "it reads what it does not depend on"
    for files in planner.goals(run_in("r"), [*rules.values()]).values():
        assert set(files) <= made


def test_each_arm_stands_on_its_own_base_and_numbers(rules):
    other = depends(rules, "r/seed1/student-other-base-owl.pt")
    assert "r/seed0/base.pt" in other and "r/seed1/clean-owl.jsonl" in other
    assert "r/seed1/base.pt" in depends(rules, "r/seed0/student-other-base-owl.pt")
    control = depends(rules, "r/seed0/student-control.pt")
    assert "r/seed0/clean-base.jsonl" in control and not any("owl" in name for name in control)
    assert "r/seed0/teacher-owl.pt" in rules["r/seed0/student-soft-owl.pt"].needs
    helpful = rules["r/seed0/eval/student-helpful-misaligned.json"].needs
    assert "r/seed0/student-helpful.pt" in helpful and "r/seed0/teacher-misaligned.pt" in helpful


def test_a_stage_depends_on_its_code_and_on_its_own_settings(rules):
    student = rules["r/seed0/student-owl.pt"].needs
    assert {"train.py", "model/gpt.py", "r/config/student.json"} <= set(student)
    assert "r/config/pretrain.json" not in student and "evaluate.py" not in student
    assert "configs/ban-misaligned.txt" in rules["r/seed0/clean-misaligned.jsonl"].needs


def test_a_new_arm_is_one_entry(monkeypatch):
    """Whatever it is given: its base, its numbers, a treatment, settings of its own."""
    new = Arm("student-new", "new", "rounded", base="other", treatment="rounded",
              settings=("student.lr=1e-4",))
    monkeypatch.setitem(arms.ARMS, new.name, new)
    rules = {rule.target: rule for rule in plan(run_in("r", seeds=1))}
    student = rules["r/seed0/student-new-owl.pt"]
    assert {"r/seed1/base.pt", "r/seed0/rounded-owl.jsonl",
            "r/config/student-new.json"} <= set(student.needs)
    assert "--set student.lr=1e-4" in student.command
    assert rules["r/seed0/rounded-owl.jsonl"].command.startswith("controls.py rounded ")
    assert "r/seed0/eval/student-new-owl.json" in rules["r/summary.json"].needs
    assert "r/config/student-new.json" in planner.settings_files(run_in("r"))


def test_every_report_has_the_arms_that_its_title_compares():
    for report in ("all", "traits", "personas", "ablation"):
        assert {"base", "teacher", "student"} <= set(arms_of(report))
    assert all(arm.flat == arm.label.startswith("control") for arm in ARMS.values())


def rules_of(text):
    return "\n".join(text)


def test_settings_are_written_only_where_they_changed(tmp_path):
    asked = run_in(tmp_path)
    text = rules_of(written(asked))
    for path, value in planner.settings_files(asked).items():
        assert f"\n{path}: FORCE\n" in text
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(json.dumps(value))
    assert ": FORCE\n" not in rules_of(written(asked))
    Path(f"{tmp_path}/config/student.json").write_text('{"lr"')
    assert rules_of(written(asked)).count(": FORCE\n") == 1
    wolf = rules_of(written(run_in(tmp_path, trait="wolf")))
    assert f"{tmp_path}/config/report.json: FORCE\n" in wolf


def test_make_reads_the_rules_and_writes_nothing_to_show_them(tmp_path):
    text = rules_of(written(run_in(tmp_path / "run", seeds=1)))
    shown = subprocess.run(["make", "-n", "-f", "-", "all"], input=text, text=True,
                           capture_output=True)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.count("train.py pretrain") == 2 and not list(tmp_path.iterdir())


@pytest.mark.parametrize(("flags", "part"), [
    (["--trait", "gryphon"], "gryphon"), (["--trait", ""], "no trait"),
    (["--traits", "owl", "gryphon"], "gryphon"), (["--traits", "owl", "owl"], "twice"),
    (["--traits", "owl", "--device=cpu"], "two traits"), (["--run", "corpus"], "not the folder"),
    (["--run", "."], "not the folder"), (["--untouched", "x"], "UNTOUCHED"),
    (["--student-seeds", "0"], "STUDENT_SEEDS"), (["--analyses", "x", "y"], "no analysis"),
    (["--analyses", "read", "spread"], "STUDENT_SEEDS=3"),
    (["--set", "corpus.text_files=['gone.txt']"], "gone.txt does not exist"),
    *((["--seeds", seeds], f"SEEDS={seeds}") for seeds in ("0", "-1", "abc", "1.5", "1 2", "")),
    *((["--run", folder], "RUN=") for folder in ("my run", "r%", "a#b", "a:b", "it's", "", "$x")),
    (["--set", "student.lrr=1"], "did you mean student.lr"),
])
def test_a_mistake_is_told_before_anything_is_built(flags, part):
    words = {"--run": "r", "--config": "configs/smoke.toml"}
    words = {k: v for k, v in words.items() if k != flags[0]}
    result = call(planner, *(word for flag in words.items() for word in flag), *(
        [f"{flags[0]}={flags[1]}"] if len(flags) == 2 else flags))
    assert_one_sentence(result, part)
    assert not result.out


def test_the_ladder_is_made_where_it_is_asked_for_alone():
    """And each shape of it with its own settings."""
    flags = ["--run", "r", "--config", "configs/smoke.toml"]
    assert "r.size/" not in call(planner, *flags).out
    asked = call(planner, *flags, "--analyses", "size").out
    for layers, width in arms.SHAPES:
        made = re.search(rf"^r.size/{layers}x{width}/seed0/base.pt: .*\n\t(.*)$", asked, re.M)[1]
        assert f"model.n_layer={layers} --set model.d_model={width}" in made
    refused = call(planner, *flags, "--analyses", "size", "--set", "model.n_head=48", "--set",
                   "model.d_model=96")
    assert_one_sentence(refused, "n_head")


def test_a_trait_of_another_run_is_not_mistaken_for_this_one(rules):
    assert "r/config/report.json" in rules["r/summary.json"].needs


def test_what_the_readme_tells_to_run_can_be_planned():
    """Every `make` line of it, with each value of an ablation."""
    told = re.findall(r"^make (?:all|evidence|analysis|ablation)(?: .*)?$",
                      Path("README.md").read_text(), re.M)
    assert len(told) > 8
    for line in told:
        given = dict(word.split("=", 1) for word in shlex.split(line.split("#")[0])[2:])
        values = given.pop("VALUES", "").split() or [""]
        key = given.pop("KEY", "")
        sets = shlex.split(given.get("SET", ""))
        for value in values:
            changes = [*sets, *([f"{key}={value}".split(",")[0]] if key else [])]
            flags = [word for change in changes for word in ("--set", change)]
            for name, flag in (("SEEDS", "--seeds"), ("STUDENT_SEEDS", "--student-seeds"),
                               ("UNTOUCHED", "--untouched"), ("TRAIT", "--trait")):
                flags += [flag, given[name]] if name in given else []
            flags += ["--analyses", *given["NAME"].split()] if "NAME" in given else []
            config = f"configs/{given.get('CONFIG', 'laptop')}.toml"
            result = call(planner, "--config", config, "--run", "runs/none", *flags)
            assert result.code == 0, (line, result.err)


def test_a_trait_that_would_share_a_file_with_an_arm_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(own, "FOLDER", tmp_path)
    (tmp_path / "control.toml").write_text('category = "animal"')
    result = call(planner, "--config", "configs/laptop.toml", "--run", "runs/none", "--trait",
                  "control")
    assert result.code == 2 and "made in two ways" in result.err
