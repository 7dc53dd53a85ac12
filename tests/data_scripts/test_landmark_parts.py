"""A constant offset is place, a wobble is motion, and the two are told apart in each group of points; the command prints and refuses."""

import math

import pytest
import torch

from data_scripts.landmark_parts import main, parts
from tlk.evaluation.metrics import landmark_error, place_and_motion


@pytest.fixture
def driving():
    points = torch.rand(6, 68, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 40
    points[:, 36], points[:, 45] = torch.tensor([10.0, 20.0]), torch.tensor([30.0, 20.0])  # 20 px between the outer corners
    return points.float()


def test_an_offset_is_place_and_a_wobble_is_motion(driving):
    found = driving.clone()
    found[:, 27:36] += torch.tensor([0.6, 0.8])  # nose: 1 px, always the same way
    found[::2, 48:68] += torch.tensor([2.0, 0.0])  # mouth: to and fro by 2 px about where it should be
    found[1::2, 48:68] -= torch.tensor([2.0, 0.0])
    found_parts = parts(found, driving)
    assert found_parts["nose bridge"] == pytest.approx((1 / 20, 0), abs=1e-5) and found_parts["nostrils"] == pytest.approx((1 / 20, 0), abs=1e-5)
    assert found_parts["inner lips"] == pytest.approx((0, 2 / 20), abs=1e-5) and found_parts["jaw"] == pytest.approx((0, 0), abs=1e-6)
    assert found_parts["all"] == pytest.approx((9 / 68 / 20, 20 * 2 / 68 / 20), abs=1e-5)


def test_against_a_loop_in_float64_with_a_frame_without_a_face(driving):
    found = driving + torch.randn(driving.shape, generator=torch.Generator().manual_seed(1))
    found[3] = float("nan")
    place, motion = place_and_motion(found, driving)
    seen = [f for f in range(6) if f != 3]
    for point in (0, 33, 67):
        errors = [tuple(float(found[f, point, a] - driving[f, point, a]) / 20 for a in (0, 1)) for f in seen]
        middle = tuple(sum(e[a] for e in errors) / len(errors) for a in (0, 1))
        assert place[point].item() == pytest.approx(math.hypot(*middle), abs=1e-5)
        assert motion[point].item() == pytest.approx(sum(math.dist(e, middle) for e in errors) / len(errors), abs=1e-5)
    assert landmark_error(found, driving).nanmean() <= (place + motion).mean() + 1e-6  # a triangle
    assert place_and_motion(torch.full_like(found, float("nan")), driving)[0].isnan().all()


def test_the_command_prints_a_row_for_each_and_refuses(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("TLK_REAL_CLIPS", raising=False)
    assert main(["--people", "1", "--systems", "FF", "--frames", "2", "--sources", "1"]) == 0
    rows = [row for row in capsys.readouterr().out.splitlines() if row.startswith("| person-")]
    assert len(rows) == 2 and "true frames" in rows[0] and "FF (1)" in rows[1] and len({row.count("|") for row in rows}) == 1
    assert main([]) == 2 and "nobody to look at" in capsys.readouterr().err
    assert main(["--clips", str(tmp_path / "none")]) == 2 and "none" in capsys.readouterr().err
