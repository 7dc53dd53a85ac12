"""Tables of README and model card are those of the run, to the digit; what is not there is not invented."""

import json

import pytest

from data_scripts import results


@pytest.fixture(scope="module")
def tables():
    return results.tables_of(*((results.ROOT / path).read_text() for path in (results.NUMBERS, results.ABLATIONS[1], results.PACKAGES[1])))


@pytest.mark.parametrize("page", results.PAGES)
def test_pages_say_what_the_run_printed(page, tables):
    text = (results.ROOT / page).read_text()
    assert len(list(results.BLOCK.finditer(text))) >= 2 and results.filled(text, tables) == text


def test_the_page_beside_the_weights_is_the_same_run(tables):
    alone = {"ablations": results.ABLATIONS[0], "packages": results.PACKAGES[0]}
    for page, groups in ((results.WRITTEN, tables.keys() - alone), *((page, {group}) for group, page in alone.items())):
        written = (results.ROOT / page).read_text().splitlines()
        assert groups and all(line in written for group in groups for line in results.long(tables[group]))


def test_the_shipped_weights_do_what_they_are_shipped_for(tables):
    """On people they never saw: FF follows the driver and is nearer than a photo that never moves, FT beats FF and gains by more frames."""
    everybody, fitted = ({(row["system"], row["sources"]): row for row in tables[group]["rows"]} for group in ("rendered, all", "rendered"))
    mean = lambda rows, system, count, metric: rows[system, count][metric]["mean"]
    assert tables["rendered, all"]["people"] >= 50 and tables["rendered"]["people"] >= 16
    for still in ("copy", "mean frame"):
        assert mean(everybody, "FF", 8, "ssim") > mean(everybody, still, 8, "ssim")
        assert mean(everybody, "FF", 8, "perceptual") < mean(everybody, still, 8, "perceptual")
    assert mean(everybody, "FF", 8, "landmark_error") <= mean(everybody, "copy", 8, "landmark_error") / 2
    for better, worse in ((("FT", 8), ("FF", 8)), (("FT", 32), ("FF", 32)), (("FT", 8), ("FT", 1)), (("FT", 32), ("FT", 8))):
        assert mean(fitted, *better, "ssim") > mean(fitted, *worse, "ssim") and mean(fitted, *better, "perceptual") < mean(fitted, *worse, "perceptual")
    for group in ("real", "packages"):  # on every clip, not in the mean
        error = {(one["system"], one["sources"], one["person"]): one["landmark_error"] for one in tables[group]["each"]}
        clips = {one["person"] for one in tables[group]["each"]}
        assert len(clips) == 4 and all(error["FT", 32, clip] < error["copy", 32, clip] for clip in clips)


def test_a_changed_number_changes_the_pages(tables):
    text = (results.ROOT / "README.md").read_text()
    other = json.loads(json.dumps(tables))
    row = next(r for r in other["rendered"]["rows"] if (r["system"], r["sources"]) == ("FT", 8))
    row["ssim"]["mean"] = 0.123
    changed = [line for line, old in zip(results.filled(text, other).splitlines(), text.splitlines(), strict=True) if line != old]
    assert len(changed) == 1 and changed[0].startswith("| FT | 8 | 0.123 |")


def test_what_the_run_does_not_have_is_said(tables, tmp_path, capsys):
    with pytest.raises(ValueError, match="a block for 'real'"):
        results.filled((results.ROOT / "README.md").read_text(), {name: tables[name] for name in ("rendered", "rendered, all")})
    with pytest.raises(SystemExit):
        results.main([str(tmp_path)])
    assert "table.md" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        results.main([])
    assert "--packages RUN" in capsys.readouterr().err


def test_a_short_table_says_where_fewer_people_stand_behind_a_number(tables):
    found = json.loads(json.dumps(tables["rendered"]))
    row = next(r for r in found["rows"] if (r["system"], r["sources"]) == ("FT", 8))
    row["landmark_error"] |= {"mean": 0.05, "people": 7}
    assert any(line.startswith("| FT | 8 |") and "| 0.050 (7) |" in line for line in results.short(found))


def test_one_run_is_put_in_its_place_and_the_others_stay(tables, tmp_path, monkeypatch, capsys):
    """In a copy of the pages: the packages' run alone, with another number in it."""
    places = [*results.PAGES, *map(str, (results.WRITTEN, results.NUMBERS, *results.ABLATIONS, *results.PACKAGES))]
    before = {place: (results.ROOT / place).read_text() for place in places}
    for place, text in before.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    run = json.loads(before[str(results.PACKAGES[1])])
    next(r for r in run["tables"]["real"]["rows"] if (r["system"], r["sources"]) == ("FT", 8))["ssim"]["mean"] = 0.123
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "table.json").write_text(json.dumps(run))
    (tmp_path / "run" / "table.md").write_text("its page\n")
    monkeypatch.setattr(results, "ROOT", tmp_path)
    results.main(["--packages", str(tmp_path / "run")])
    changed = {place for place in places if (tmp_path / place).read_text() != before[place]}
    assert changed - {"README.md"} == {"MODEL_CARD.md", *map(str, results.PACKAGES)} and "0.123" in (tmp_path / "MODEL_CARD.md").read_text()
