"""The user study: what a triplet is made of, that nothing gives the fake away, and the interval against its own definition."""

import dataclasses
import math

import pytest
import torch

from tests.data.real import astronaut, video
from tests.evaluation.conftest import disc_subject
from tests.learning.conftest import disc_person
from tlk.evaluation.study import Answer, Sitter, Study, accuracy, digest, make_triplets, own_sitters, read_answers, schedule, study_table, wilson


class Marked:
    """A fake that can be recognised: all its pixels have one value."""

    settings, note = {}, ""

    def __init__(self, name="marked", value=0.2):
        self.name, self.value, self.fits = name, value, 0

    def fit(self, source):
        self.fits += 1
        return lambda driver: torch.full_like(driver.images, self.value)


@pytest.fixture
def sitters():
    return [Sitter(disc_subject(s), [disc_person(100 + 10 * s + i) for i in range(3)]) for s in range(3)]


def comes_from(image, clips):
    return [i for i, clip in enumerate(clips) if any(torch.equal(image, f) for f in clip.frames)]


def test_two_real_images_of_two_sequences_and_one_fake(sitters):
    system = Marked()
    triplets = make_triplets(sitters, [system], [2], count=30)
    assert system.fits == 3 and [t.number for t in triplets] == list(range(30))
    for t in triplets:
        sitter = next(s for s in sitters if s.subject.name == t.person)
        assert (t.images[t.fake] == 51).all()
        real = [comes_from(t.images[i], sitter.others) for i in range(3) if i != t.fake]
        assert all(real) and real[0] != real[1]
    assert {t.person: sum(u.person == t.person for u in triplets) for t in triplets} == {s.subject.name: 10 for s in sitters}


def test_position_hangs_off_the_seed_and_is_even(sitters):
    places = lambda seed: [t.fake for t in make_triplets(sitters, [Marked()], [1], count=600, seed=seed)]
    assert places(3) == places(3) != places(4)
    counts = [places(3).count(i) for i in range(3)]
    assert sum((c - 200) ** 2 / 200 for c in counts) < 13.8  # chi-squared with two degrees of freedom, p = 0.001
    assert sum((c - 200) ** 2 / 200 for c in (300, 200, 100)) > 13.8  # what the criterion refuses


def test_systems_are_mixed_and_drawn_alike(sitters):
    triplets = make_triplets(sitters, [Marked("a", 0.1), Marked("b", 0.9)], [1, 2], count=12)
    assert len(triplets) == 48
    halves = [{(t.system, t.sources) for t in part} for part in (triplets[:24], triplets[24:])]
    assert halves[0] == halves[1] == {("a", 1), ("a", 2), ("b", 1), ("b", 2)}


def test_a_fake_is_shown_again_only_when_all_were(sitters):
    class Numbered(Marked):
        def fit(self, source):
            return lambda driver: torch.arange(len(driver)).view(-1, 1, 1, 1).expand_as(driver.images) / 255.0

    shown = [int(t.images[t.fake].max()) for t in make_triplets(sitters[:1], [Numbered()], [1], count=4)]
    assert sorted(shown) == [0, 0, 1, 1]


def test_each_triplet_is_judged_by_five_different_people():
    plan = schedule(31, raters=7, seed=1)
    judged = [[r for r, seen in enumerate(plan) if n in seen] for n in range(31)]
    assert all(len(set(j)) == 5 for j in judged) and sum(map(len, plan)) == 155
    assert max(map(len, plan)) - min(map(len, plan)) <= 1
    assert plan != schedule(31, raters=7, seed=2) and plan[0] != sorted(plan[0])
    with pytest.raises(ValueError, match="at least 5 raters, not 4"):
        schedule(10, raters=4)


def test_a_study_is_answered_kept_and_gone_on_with(sitters, tmp_path):
    triplets, path = make_triplets(sitters, [Marked()], [1], count=6), tmp_path / "anna.csv"
    study = Study(triplets, path, "anna")
    first = [study.answer(study.current.fake, 1.5).triplet for _ in range(4)]
    study = Study(triplets, path, "anna")  # the browser was closed
    assert study.progress == (4, 6) and study.current.number not in first
    study.answer((study.current.fake + 1) % 3)
    study.answer((study.current.fake + 2) % 3)
    assert study.current is None and study.progress == (6, 6)
    assert read_answers(path) == read_answers(tmp_path) == study.answers and sum(a.right for a in study.answers) == 4
    with pytest.raises(ValueError, match="no triplet left"):
        study.answer(0)
    other = Study(triplets, tmp_path / "ben.csv", "ben")
    assert [t.number for t in other._queue] != [t.number for t in study._queue]


def test_a_wrong_answer_writes_nothing(sitters, tmp_path, monkeypatch):
    study = Study(make_triplets(sitters, [Marked()], [1], count=3), tmp_path / "a.csv")
    with pytest.raises(ValueError, match="0, 1 or 2, not 3"):
        study.answer(3)
    assert not (tmp_path / "a.csv").exists() and study.progress == (0, 3)
    study.answer(1)
    before = (tmp_path / "a.csv").read_text()
    monkeypatch.setattr("csv.DictWriter.writerows", lambda *a: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError):
        study.answer(1)
    assert (tmp_path / "a.csv").read_text() == before and study.progress == (1, 3) and len(list(tmp_path.iterdir())) == 1


def test_answers_to_another_study_are_refused(sitters, tmp_path):
    triplets = make_triplets(sitters, [Marked()], [1], count=3)
    Study(triplets, tmp_path / "a.csv", "anna").answer(0)
    moved = [dataclasses.replace(triplets[0], fake=(triplets[0].fake + 1) % 3), *triplets[1:]]
    assert digest(moved) != digest(triplets)
    for other, rater in ((moved, "anna"), (triplets, "ben")):
        with pytest.raises(ValueError, match="give another file"):
            Study(other, tmp_path / "a.csv", rater)


@pytest.mark.parametrize("text, message", [("a,b\n1,2\n", "not answers of a user study"), ("{head}\ns,r,1,p,x,8,0,3,1.0\n", "line 2.*positions"), ("{head}\ns,r,1,p\n", "line 2")])
def test_a_damaged_file_is_named(tmp_path, text, message):
    head = ",".join(f.name for f in dataclasses.fields(Answer))
    (tmp_path / "a.csv").write_text(text.format(head=head))
    with pytest.raises(ValueError, match=message):
        read_answers(tmp_path / "a.csv")


def by_bisection(right, count, z=1.959964):
    """The two p at which the score test just refuses p̂: Wilson's interval by its definition."""
    share = right / count
    refused = lambda p: abs(share - p) > z * math.sqrt(p * (1 - p) / count)
    edges = []
    for outside in (0.0, 1.0):
        inside, far = share, outside
        for _ in range(60):
            middle = (inside + far) / 2
            inside, far = (inside, middle) if refused(middle) else (middle, far)
        edges.append(inside if refused(outside) else outside)
    return tuple(edges)


@pytest.mark.parametrize("right, count", [(1, 3), (0, 20), (20, 20), (160, 480), (1, 29), (81, 263)])
def test_wilson_is_what_its_definition_says(right, count):
    share, low, high = wilson(right, count)
    assert share == right / count and (low, high) == pytest.approx(by_bisection(right, count), abs=1e-9)


def test_wilson_as_published():
    """Newcombe (1998), table I, method 3."""
    for counts, published in {(81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0.0, 0.1611), (1, 29): (0.0061, 0.1718)}.items():
        assert wilson(*counts)[1:] == pytest.approx(published, abs=5e-5)
    with pytest.raises(ValueError, match="at least one answer"):
        wilson(0, 0)


def test_the_table_counts_by_system(tmp_path):
    make = lambda system, n, right: [Answer("s", f"r{i % 2}", i, f"p{i % 3}", system, 8, 0, 0 if i < right else 1, 1.0) for i in range(n)]
    answers = make("FT", 30, 10) + make("FF", 30, 27)
    got = accuracy(make("FT", 30, 10))
    assert got.share == pytest.approx(1 / 3) and not got.better_than_chance and accuracy(make("FF", 30, 27)).better_than_chance
    text = study_table(answers)
    assert "| FF | 8 | 0.90 |" in text and "| FT | 8 | 0.33 | [0.19, 0.51] |" in text and "| 30 | 2 |" in text
    with pytest.raises(ValueError, match="one study"):
        study_table([*answers, dataclasses.replace(answers[0], study="t")])


def test_own_clips_need_three_videos(tmp_path):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(ValueError, match="holds 1 video.*3 sequences"):
        own_sitters([tmp_path])


def test_own_clips(tmp_path):
    """Three videos of the astronaut in a folder that is named after her."""
    pytest.importorskip("dlib")
    astronaut()
    (tmp_path / "eileen").mkdir()
    for i in range(3):
        video(tmp_path / "eileen" / f"{i}.mp4", frames=10, step=1 + i)
    (sitter,) = own_sitters([tmp_path / "eileen"], frames=2)
    assert (sitter.subject.name, len(sitter.others), len(sitter.subject.holdout), len(sitter.subject.source)) == ("eileen", 2, 2, 4)
    (triplet,) = make_triplets([sitter], [Marked()], [4], count=1)
    assert triplet.images.shape == (3, 3, 64, 64) and (triplet.images[triplet.fake] == 51).all()


def test_too_little_to_make_triplets_of(sitters):
    with pytest.raises(ValueError, match="at least one person"):
        make_triplets([], [Marked()])
    with pytest.raises(ValueError, match="disc-0 has 1 other sequence"):
        make_triplets([Sitter(sitters[0].subject, sitters[0].others[:1])], [Marked()])
