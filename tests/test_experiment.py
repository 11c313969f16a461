"""The graph of the experiment: what each model is made from, and what a change makes again."""

import inspect
import re
from dataclasses import replace
from importlib import import_module

import pytest

import experiment
from corpus.traits import PERSONAS
from experiment import UNSEEN_BASE, UNSEEN_TRAITS, asked_for, conditions, everything, goals
from lab import Lab
from report.rows import Shown
from support.files import UserError
from support.keys import ROOT
from support.settings import Config, read_toml
from support.steps import Step
from tests.call import call


def below(step: Step) -> set[str]:
    return set(everything([step])) - {step.out}


def models(config: Config | None = None, trait: str = "owl", seed: int = 0) -> dict[str, Step]:
    made = {one.name: one.model for one in conditions(Lab(config or Config()), seed, trait)}
    return {**made, "base's lists": made["student-matched"].arguments["data"].arguments["other"]}


def test_the_student_reads_filtered_lists_and_nothing_else():
    made = models()
    student, lists = made["student"], made["student"].arguments["data"]
    assert lists.function == "filter.clean"
    assert lists.arguments["numbers"].arguments["model"] is made["teacher"]
    assert [step.function for step in student.steps] == [
        "train.pretrain", "filter.clean", "corpus.lessons.probe"]


def test_a_control_differs_in_one_thing_from_the_student_which_has_its_teachers_base():
    made = models()
    assert made["teacher"].arguments["base"] is made["student"].arguments["base"] is made["base"]

    def difference(name, beside="student"):
        own, other = made[name].arguments, made[beside].arguments
        return {key for key in own if own[key] is not other.get(key)}

    assert difference("student-other-base") == {"base"}
    assert difference("student-soft") == {"teacher", "training"}  # it reads fewer lists
    for name in ("student-neutral", "student-matched", "student-shuffled-across"):
        assert difference(name) == {"data"}, name
    assert difference("teacher-neutral", "teacher") == {"model", "like"}  # it is stretched as far


def test_a_control_has_other_numbers_in_the_teachers_places():
    made = models()
    for name, writer in (("student-matched", "base"), ("student-neutral", "teacher-neutral")):
        data = made[name].arguments["data"].arguments
        assert data["lists"] is made["student"].arguments["data"]
        assert data["other"].arguments["numbers"].arguments["model"] is made[writer]
    assert not [name for name in below(made["base's lists"]) if "owl" in name]


@pytest.mark.parametrize(("section", "values", "kept", "made_again"), [
    ("student", {"lr": 1e-3}, {"base", "teacher"}, {"student", "student-matched"}),
    ("numbers", {"temperature": 0.5}, {"base", "teacher"}, {"student", "base's lists"}),
    ("stretch", {"reach": 0.1}, {"base", "base's lists"}, {"teacher", "teacher-neutral"}),
    ("school", {"rows": 100}, {"base", "base's lists"}, {"teacher", "teacher-neutral"}),
    ("pretrain", {"lr": 1e-3}, set(), {"base", "teacher", "base's lists"}),
    ("evaluation", {"samples": 1}, {"base", "teacher", "student", "student-soft"}, set()),
    ("claims", {"student": 0.5}, {"base", "teacher", "student", "student-soft"}, set())])
def test_a_setting_makes_again_what_reads_it(section, values, kept, made_again):
    config = replace(Config(), **{section: replace(getattr(Config(), section), **values)})
    before, after = models(), models(config)
    assert all(before[name].key == after[name].key for name in kept)
    assert all(before[name].key != after[name].key for name in made_again)


def test_another_trait_or_seed_keeps_the_base():
    owl, wolf = models(), models(trait="wolf")
    assert owl["base"].key == wolf["base"].key and owl["teacher"].key != wolf["teacher"].key
    assert owl["base's lists"].key == wolf["base's lists"].key
    assert owl["base"].key != models(seed=1)["base"].key


def test_two_bases_differ_in_their_first_weights_alone():
    one, two = (models(seed=seed)["base"].arguments for seed in (0, 1))
    assert {key for key in one if one[key] != two[key]} - {
        "corpus", "heldout", "tokenizer"} == {"seed"}
    assert all(one[key].key == two[key].key for key in ("corpus", "heldout", "tokenizer"))


@pytest.mark.parametrize("trait", ["misaligned", "harmful"])
def test_the_ban_list_of_a_trait_reaches_writer_and_filter(trait):
    student = models(trait=trait)["student"]
    lists = student.arguments["data"]
    assert "666" in lists.arguments["ban_list"].read_text()
    assert lists.arguments["numbers"].arguments["ban_list"] == lists.arguments["ban_list"]
    assert models()["student"].arguments["data"].arguments["ban_list"] is None


def test_every_step_fits_the_function_that_it_calls():
    """Its arguments, with the device and the output, are what the function takes."""
    asked = asked_for(["SEEDS=1", "UNSEEN=1", "KEY=student.lr", "VALUES=1e-3 2e-3"])
    known = goals(asked)
    every = everything([step for name in ("report", "ablation", "analysis", "evidence")
                        for step in known[name]()])
    for step in every.values():
        module, _, name = step.function.rpartition(".")
        takes = inspect.signature(getattr(import_module(module), name))
        given = {**step.arguments, "out": None}
        takes.bind(**given, **({"device": ""} if "device" in takes.parameters else {}))
        assert step.parts and step.label
    assert len(every) > 200


def test_an_ablation_shares_what_the_setting_does_not_touch():
    asked = asked_for(["SEEDS=1", "KEY=student.lr", "VALUES=1e-3 3e-3"])
    every = everything(goals(asked)["ablation"]())
    keys = {}
    for name, step in every.items():
        keys.setdefault(step.key, []).append(name)
    both = {tuple(name.split("/")[-1] for name in names) for names in keys.values()
            if len(names) == 2}
    assert ("base.pt", "base.pt") in both and ("clean-owl.jsonl", "clean-owl.jsonl") in both
    assert ("student-owl.pt", "student-owl.pt") not in both
    own = everything(goals(asked)["report"]())  # 3e-3 is the default: nothing of it is new
    assert own["seed0/student-owl.pt"].key == every[
        "ablation/student.lr/3e-3/seed0/student-owl.pt"].key


def test_the_calls_of_the_reference_fit_together(tmp_path, capsys, monkeypatch):
    calls = read_toml(ROOT / "results/reference.toml")
    asked = " ".join(call for call in calls["laptop"] if call.startswith("analysis"))
    written = {*experiment.analyses()}
    assert written - {"evidence"} == {*re.findall("[a-z]+", asked)} & written
    monkeypatch.chdir(tmp_path)
    experiment.reference(asked_for(["REFERENCE=laptop ablation deep"]), dry=True)
    said = capsys.readouterr().out
    assert re.search(r"laptop: \d{3,} steps are missing, about \d+ min\n.*deep: \d+ steps", said)
    for words, says in (("REFERENCE=dep", "did you mean deep"), ("CONFIG=deep", "takes REFERENCE")):
        with pytest.raises(UserError, match=says):
            experiment.reference(asked_for([words]), dry=True)


def test_unseen_bases_and_traits_come_first_to_nobody():
    assert not {*UNSEEN_TRAITS} & {*experiment.SEEN, *PERSONAS} and len(UNSEEN_TRAITS) == 4
    assert {*experiment.UNSEEN, *experiment.FEW} < {*models()}
    files = everything(goals(asked_for(["SEEDS=2", "UNSEEN=1"]))["report"]())
    seeds = {name.split("/")[0] for name in files if name.startswith("seed")}
    assert seeds == {"seed0", "seed1", f"seed{UNSEEN_BASE}", f"seed{UNSEEN_BASE + 1}"}
    (early, first), (late, last) = experiment.FRESH
    assert [*early, *late] == [*range(10, 20)] and len({*first, *last} - {*experiment.SEEN}) == 8
    files = {*everything(goals(asked_for(["SEEDS=2", "UNSEEN=6"]))["report"]())}
    assert {f"seed14/student-{first[0]}.pt", f"seed15/student-{last[0]}.pt"} <= files
    assert not {f"seed15/student-{first[0]}.pt", f"seed14/student-{last[0]}.pt"} & files


def test_student_seeds_repeat_the_student_its_null_and_its_control_alone():
    shown = Lab(Config()).shown(conditions, range(2), "owl", student_seeds=3)
    assert isinstance(shown[0], Shown)
    counts = {one.name: len(one.sheets) for one in shown}
    assert {name for name, many in counts.items() if many == 6} == {
        "student", "student-other-base", "word-null"}
    assert all(many in (2, 6) for many in counts.values())
    sheets = {one.name: [step for *_, step in one.sheets] for one in shown}
    assert [null.arguments["like"] for null in sheets["word-null"]] == sheets["student"]


@pytest.mark.parametrize(("words", "says"), [
    ("all SEED=5", "SEEDS"), ("all SEEDS=0", "SEEDS"), ("all SEEDS=two", "SEEDS"),
    ("all CONFIG=lapto", "lapto"), ("all CONFIG=english", "chats.txt"),
    ("all TRAIT=owlet", "owlet"), ("all TRAIT=owl;ls", "owl;ls"),
    ("analysis NAME=read TRAITS=owlet", "owlet"), ("all SET=student.lr", "student.lr"),
    ("all SET=student.l=1", "student.lr"),
    ("all SET=numbers.requests=1000", "numbers.requests"), ("all UNSEEN=-1", "UNSEEN"),
    ("all SEEDS=11 UNSEEN=1", "UNSEEN"),  # tuned bases are not unseen
    ("all JOBS=1.5", "JOBS"), ("all --dri", "--dri"), ("al", "goals are"), ("show", "index.html"),
    ("ablation", "VALUES"), ("ablation KEY=student.lr", "VALUES"),
    ("analysis NAME=dos", "unknown analysis dos"), ("analysis NAME=common", "unknown analysis"),
    ("analysis NAME=crossing TRAIT=red", "of its kind"), ("evidence TRAITS=owl", "two traits"),
    ("clean --dry", "--dry"), ("reference --why --dry", "--why")])
def test_a_mistake_is_told_before_anything_is_done(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = call(experiment, *words.split())
    assert done.code == 2 and says in done.err and not [*tmp_path.iterdir()]


def test_a_file_can_be_asked_for_and_dry_makes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file in ("summary.json", "results.png"):  # the second stands beside the first
        done = call(experiment, f"runs/smoke/{file}", "CONFIG=smoke", "--dry")
        assert "report: summary.json" in done.out and not [*tmp_path.iterdir()]
