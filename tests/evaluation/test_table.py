"""The whole table at a toy size: disc people, an untrained model, real judges, a detector that costs nothing."""

import dataclasses
import json
import math
import re

import pytest
import torch

from tests.evaluation.conftest import Beside, disc_subject
from tlk.evaluation import __main__ as command
from tlk.evaluation.judges import Judges
from tlk.evaluation.records import load_record, save_record
from tlk.evaluation.retrieval import right, retrieval
from tlk.evaluation.run import evaluate
from tlk.evaluation.systems import Copy, Truth, standard_systems
from tlk.evaluation.table import difference, markdown, shared, summarise


@pytest.fixture(scope="module")
def finished(judges, tmp_path_factory):
    """(folder, records) of copy on three people at T = 1 and 2."""
    folder = tmp_path_factory.mktemp("records")
    return folder, evaluate([disc_subject(s) for s in range(3)], [Copy(), Black()], [1, 2], judges, folder, progress=False)


class Black:
    """Draws nothing, so that no face is found."""

    name, settings, note = "black", {}, "nothing"
    fitted = 0

    def fit(self, source):
        type(self).fitted += 1
        return lambda driver: torch.zeros_like(driver.images)


def test_every_cell_is_there_once(finished):
    folder, records = finished
    assert len(records) == 3 * (1 + 2 * 2) == len({r.path for r in records}) == len(list(folder.rglob("*.json")))
    row = summarise(records)["rendered"]["rows"]
    assert [(r["system"], r["sources"]) for r in row] == [("true frames", 0), ("copy", 1), ("black", 1), ("copy", 2), ("black", 2)]


def test_a_second_call_makes_nothing_again(finished, judges):
    folder, records = finished
    before = Black.fitted
    again = evaluate([disc_subject(s) for s in range(3)], [Copy(), Black()], [1, 2], judges, folder, progress=False)
    assert Black.fitted == before and summarise(again) == summarise(records)


def test_a_killed_run_goes_on(judges, tmp_path):
    class Dies(Black):
        def fit(self, source):
            if Dies.left == 0:
                raise KeyboardInterrupt
            Dies.left -= 1
            return super().fit(source)

    people, Dies.left = [disc_subject(s) for s in range(3)], 2
    with pytest.raises(KeyboardInterrupt):
        evaluate(people, [Dies()], [1], judges, tmp_path, progress=False)
    (tmp_path / "rendered" / "disc-2" / "black-1.safetensors").write_bytes(b"half of one")  # no JSON: not a record
    Dies.left = 1
    assert len(evaluate(people, [Dies()], [1], judges, tmp_path, progress=False)) == 6 and Dies.left == 0


def test_other_settings_are_refused(judges, tmp_path):
    class Tuned(Black):
        settings = {"epochs": 1}

    evaluate([disc_subject(0)], [Tuned()], [1], judges, tmp_path, progress=False)
    Tuned.settings = {"epochs": 2}
    with pytest.raises(ValueError, match="epochs was 1, is now 2.*another --out"):
        evaluate([disc_subject(0)], [Tuned()], [1], judges, tmp_path, progress=False)
    renamed = dataclasses.replace(disc_subject(1), name="disc-0")
    with pytest.raises(ValueError, match="data was"):
        evaluate([renamed], [Copy()], [1], judges, tmp_path, progress=False)


def test_a_damaged_record_is_named(finished, tmp_path):
    record = finished[1][0]
    save_record(record, tmp_path)
    assert load_record(tmp_path / record.path, record.settings) is not None
    (tmp_path / record.path).write_text("{")
    with pytest.raises(ValueError, match="not a readable record.*delete it"):
        load_record(tmp_path / record.path, record.settings)


@pytest.mark.parametrize("wrong, message", [(lambda d: d.images[:1], "a system draws float"), (lambda d: d.images * math.nan, "not finite")])
def test_a_system_that_breaks_its_promise(judges, tmp_path, wrong, message):
    class Wrong(Black):
        def fit(self, source):
            return wrong

    with pytest.raises(ValueError, match=message):
        evaluate([disc_subject(0)], [Wrong()], [1], judges, tmp_path, progress=False)
    assert not list(tmp_path.rglob("black*"))


def test_numbers_of_known_systems(finished):
    rows = {(r["system"], r["sources"]): r for r in summarise(finished[1])["rendered"]["rows"]}
    truth, black = rows["true frames", 0], rows["black", 2]
    assert truth["ssim"]["mean"] == pytest.approx(1) and truth["l1"]["mean"] == 0 and truth["frechet"]["mean"] < 1e-3 and truth["psnr"] is None
    between = (disc_subject(0).holdout.landmarks[0, 36] - disc_subject(0).holdout.landmarks[0, 45]).norm().item()
    assert truth["landmark_error"]["mean"] == pytest.approx(3 / between, rel=1e-4)  # the detector's own error, and its interval
    assert truth["failed"]["mean"] == 0 and black["failed"]["mean"] == 1 and black["landmark_error"] is None
    assert black["ssim"]["people"] == 3 and black["ssim"]["low"] <= black["ssim"]["mean"] <= black["ssim"]["high"]


def test_differences_are_person_by_person(finished):
    """Pairs on the frames that both have, although one lacks some, and not a difference of two means."""
    copy = [r for r in finished[1] if r.system == "copy" and r.sources == 1]
    shift = lambda r, by: [v + by for v in r.frames["landmark_error"]]
    worse = [dataclasses.replace(r, frames=r.frames | {"landmark_error": [None, *shift(r, 0.25 + 0.01 * i)[1:]]}) for i, r in enumerate(copy)]
    found = difference(worse, copy, "landmark_error")
    assert found["mean"] == pytest.approx(0.26) and found["high"] - found["low"] < 0.03
    named = [(tuple(d["of"]), tuple(d["less"])) for d in summarise(finished[1])["rendered"]["differences"]]
    assert named == [(("black", 1), ("copy", 1)), (("black", 2), ("copy", 2)), (("copy", 2), ("copy", 1)), (("black", 2), ("black", 1))]


def test_a_number_with_fewer_people_behind_it_says_so(finished, monkeypatch):
    lost = [dataclasses.replace(r, frames=r.frames | {"landmark_error": [None, None]}) if (r.person, r.system) == ("disc-1", "copy") else r for r in finished[1]]
    monkeypatch.setattr("tlk.evaluation.table.FEW", 0)  # each person's own rows would be among them
    rows = [line for line in markdown(summarise(lost), {}).splitlines() if line.startswith(("| copy |", "| true"))]
    assert ["(2 of 3 people)" in row for row in rows] == [False, True, True]


def test_every_row_of_a_table_is_about_the_same_people(finished):
    """A system that drew fewer people shrinks the table, and what the others drew stands in one of its own."""
    fewer = [r for r in finished[1] if (r.person, r.system) != ("disc-2", "black")]
    tables = summarise(fewer)
    main, whole = tables["rendered"], tables["rendered, all"]
    assert main["people"] == 2 and {row["ssim"]["people"] for row in main["rows"]} == {2} and len(main["rows"]) == 5
    assert whole["people"] == 3 and [row["system"] for row in whole["rows"]] == ["true frames", "copy", "copy"] and {row["ssim"]["people"] for row in whole["rows"]} == {3}
    assert main == summarise([r for r in fewer if r.person != "disc-2"])["rendered"] and shared(fewer) == {"disc-0", "disc-1"}
    assert "## Rendered people, all of them: systems that need no fine-tuning (3)" in markdown(tables, {})


def test_markdown_has_every_metric_and_how_to_get_it_again(finished):
    text = markdown(summarise(finished[1]), {"command": "python -m tlk.evaluation", "device": "cpu"})
    for word in ("SSIM ↑", "not FID", "not ArcFace", "landmark error ↓", "Other people's CSIM", "| copy | 2 |", "command: python -m tlk.evaluation"):
        assert word in text
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_few_people_are_shown_one_by_one_and_many_are_not(finished, monkeypatch):
    """The mean over a group hides on whom a system fails: each person's means average to the row's, and black has no face."""
    found = summarise(finished[1])["rendered"]
    for metric in ("ssim", "landmark_error"):
        for row in found["rows"]:
            ones = [one[metric] for one in found["each"] if (one["system"], one["sources"]) == (row["system"], row["sources"])]
            assert len(ones) == 3 and (row[metric] is None) == (ones == [None] * 3)
            assert row[metric] is None or sum(ones) / 3 == pytest.approx(row[metric]["mean"], rel=1e-12)
    text = markdown({"rendered": found}, {})
    assert "| system | T | disc-0 | disc-1 | disc-2 |" in text and "| black | 2 | – | – | – |" in text
    monkeypatch.setattr("tlk.evaluation.table.FEW", 2)
    assert "disc-0" not in markdown(summarise(finished[1]), {})


def test_the_whole_command(model, tmp_path, monkeypatch, capsys):
    """Untrained weights on disc people: weights file in; markdown, JSON and a picture out; the second call only reads."""
    people = [disc_subject(s) for s in range(2)] + [disc_subject(7, "real")]
    monkeypatch.setattr(command, "rendered", lambda *a: people[:2])
    monkeypatch.setattr(command, "real", lambda *a: people[2:])
    monkeypatch.setattr(command, "Judges", lambda detector, device, *files: Judges(Beside(), device))
    model.save(tmp_path / "mini.safetensors")
    options = ["--model", str(tmp_path / "mini.safetensors"), "--sources", "1", "4", "--epochs", "1", "--out", str(tmp_path / "out")]
    assert command.main(options) == 0
    printed = capsys.readouterr().out
    table = json.loads((tmp_path / "out" / "table.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert "| FT | 4 |" in printed and "Rendered people (2)" in printed and "Real people (1)" in printed
    assert table["about"]["model"].startswith(str(tmp_path)) and "efficientnet-lite0@mouth in the content loss; no judge among them" in table["about"]["trained on"]
    assert "disc-7 (5 source, 2 hold-out frames" in table["about"]["real clips"]
    assert len(table["tables"]["rendered"]["rows"]) == 1 + 2 * 4 and table["about"]["retrieval"]["people"] == 2
    assert (tmp_path / "out" / "grid-real.png").stat().st_size > 0
    assert command.main([*options, "--fit-people", "1", "--sources", "1", "--out", str(tmp_path / "fewer")]) == 0
    fewer = json.loads((tmp_path / "fewer" / "table.json").read_text())
    assert {g: (t["people"], [r["system"] for r in t["rows"]][-1]) for g, t in fewer["tables"].items()} == {"rendered": (1, "FT"), "rendered, all": (2, "FF"), "real": (1, "FT")}
    assert "--people 50 --fit-people 1" in fewer["about"]["command"]
    monkeypatch.setattr("tlk.evaluation.run.measure", lambda *a: pytest.fail("measured again"))
    assert command.main(options) == 0


@pytest.mark.parametrize("options, message", [
    (["--people", "0", "--clips"], "nobody to evaluate on"),
    (["--people", "-1"], "at least 0"),
    (["--fit-people", "0"], "--fit-people"),
    (["--model", "none"], "no shipped weights"),
])
def test_bad_input_is_one_sentence(options, message, model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "Judges", lambda *a: None)
    model.save(tmp_path / "mini.safetensors")
    assert command.main(["--model", str(tmp_path / "mini.safetensors"), *options]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_clips_come_from_the_option_or_the_environment(monkeypatch):
    parse = command.parser().parse_args
    monkeypatch.setenv(command.CLIPS, "a:b")
    assert command.real_paths(parse([])) == ["a", "b"] and command.real_paths(parse(["--clips"])) == []
    assert command.real_paths(parse(["--clips", "c"])) == ["c"]


def test_nearest_neighbours_by_hand():
    distance = torch.tensor([[0.1, 0.9, 0.5], [0.9, 0.8, 0.2], [0.3, 0.1, 0.9], [0.9, 0.2, 0.1]])
    assert right(distance, torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 1])) == [0.5, 1.0]


def test_retrieval_finds_people_of_different_colours(model, subjects):
    found = retrieval(model, subjects)
    assert found["people"] == 3 and found["chance"] == pytest.approx(1 / 3)
    assert found["pixels"]["mean"] > 0.6 and 0 <= found["embedding"]["mean"] <= 1
    with pytest.raises(ValueError, match="too few"):
        retrieval(model, subjects[:1])
    assert Truth().name == "true frames"
