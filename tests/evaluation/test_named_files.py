"""Inception and ArcFace from files that a user names: the real code on small stand-ins, and Inception against pytorch-fid's numbers."""

import pytest
import torch
from torch import nn

from tests.evaluation.conftest import Beside, disc_subject
from tlk.evaluation.arcface import PLACES, ArcFace, aligned, open_arcface
from tlk.evaluation.inception import POOLS, Inception, open_inception
from tlk.evaluation.judges import Judges
from tlk.evaluation.run import evaluate
from tlk.evaluation.systems import Copy
from tlk.evaluation.table import markdown, summarise
from tlk.weights_cache import WeightsMissing

SMALL = 1 / 16


def by_formula(module: nn.Module) -> dict[str, torch.Tensor]:
    """Weights that any code with the same names gets alike."""
    state = {}
    for name, t in module.state_dict().items():
        if t.is_floating_point():
            wave = torch.sin(torch.arange(t.numel(), dtype=torch.float64) * 0.37 + len(name)).view(t.shape)
            scale = (6 / t[0].numel()) ** 0.5 if t.ndim > 1 else 0.2 if name.endswith(("weight", "var")) else 0.1
            state[name] = (wave * scale + (t.ndim == 1 and name.endswith(("weight", "var")))).float()
    return state


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """(inception, arcface): small files of the same layout."""
    folder = tmp_path_factory.mktemp("weights")
    for name, network in (("inception.pth", Inception(SMALL)), ("arcface.pth", ArcFace((1, 2, 1, 1), width=4, embedding=8))):
        torch.save(by_formula(network) | {"fc.extra": torch.zeros(1)}, folder / name)  # files hold a classifier too
    return folder / "inception.pth", folder / "arcface.pth"


def test_inception_gives_what_pytorch_fid_gives(tmp_path):
    """Numbers from pytorch-fid 0.3.0 on torchvision 0.29.2's Inception3, weights by the formula above, this picture."""
    torch.save(by_formula(Inception()), tmp_path / "full.pth")
    network = open_inception(tmp_path / "full.pth")
    assert sum(p.numel() for p in network.parameters()) == 23_850_960 - 2049 * 1008  # theirs, less the classifier
    y, x = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    picture = torch.stack([(torch.sin(x / 5 + c) * torch.cos(y / 7 - c) + 1) / 2 for c in range(3)])[None]
    found = network(picture)[0]
    assert found[[0, 1, 500, 1000, 1500, 2047]].tolist() == pytest.approx([0.38478833, 0, 0.11263967, 0, 0, 1.08331990], rel=1e-3, abs=1e-5)
    assert (found.mean().item(), found.std().item()) == pytest.approx((0.118335992, 0.236530647), rel=1e-4)


def test_its_pools_leave_the_padding_out():
    """Where torchvision's Inception averages zeros in: a corner of ones would become 4/9."""
    ones = torch.ones(1, 1, 5, 5)
    assert torch.equal(POOLS["mean"](ones), ones) and nn.functional.avg_pool2d(ones, 3, 1, 1)[0, 0, 0, 0] < 0.5
    assert Inception(SMALL).Mixed_7c.pool is POOLS["max"] and Inception(SMALL).Mixed_7b.pool is POOLS["mean"]


@pytest.mark.parametrize("depths, millions", [((2, 2, 2, 2), 24.03), ((3, 4, 14, 3), 43.59), ((3, 13, 30, 3), 65.16)])
def test_arcface_has_the_published_sizes(depths, millions):
    """iresnet18, 50 and 100 of insightface."""
    with torch.device("meta"):
        assert sum(p.numel() for p in ArcFace(depths).parameters()) / 1e6 == pytest.approx(millions, abs=0.006)


def test_depth_and_width_are_read_off_the_file(files):
    inception, arcface = open_inception(files[0]), open_arcface(files[1])
    assert [len(getattr(arcface, f"layer{i}")) for i in (1, 2, 3, 4)] == [1, 2, 1, 1] and arcface(torch.rand(2, 3, 112, 112)).shape == (2, 8)
    assert inception(torch.rand(2, 3, 20, 20)).shape == (2, 128)
    assert not inception.training and not any(p.requires_grad for p in arcface.parameters())
    assert torch.equal(arcface.fc.weight, torch.load(files[1], weights_only=True)["fc.weight"]) and "(" in arcface.name


def test_a_face_is_aligned_to_insightfaces_places():
    """A face already in place stays; one that is turned by 90 degrees, twice as large and elsewhere comes back to it."""
    points = torch.zeros(1, 68, 2)
    for numbers, place in zip((range(36, 42), range(42, 48), [30], [48], [54]), PLACES):
        points[0, list(numbers)] = torch.tensor(place)
    picture = torch.rand(1, 3, 112, 112, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(aligned(picture, points), picture, atol=1e-4)
    large = picture.repeat_interleave(2, -1).repeat_interleave(2, -2).rot90(1, (-2, -1))
    moved = torch.stack([2 * points[..., 1] + 0.5, 223 - (2 * points[..., 0] + 0.5)], -1)
    assert (aligned(large, moved) - picture).abs()[..., 2:-2, 2:-2].mean() < 0.02


@pytest.mark.parametrize("content, message", [(None, "no such file"), (b"junk", "not a readable state dict"), ([1, 2], "no state dict"), ({"fc.weight": torch.zeros(3)}, "found nothing; this is not")])
def test_a_file_that_does_not_do_is_one_sentence(tmp_path, content, message):
    path = tmp_path / "weights.pth"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    for opener, what in ((open_inception, "Inception"), (open_arcface, "ArcFace")):
        with pytest.raises(WeightsMissing, match=message) as error:
            opener(path)
        assert what in str(error.value) and "\n" not in str(error.value)


def test_the_table_has_their_columns(files, tmp_path):
    judges = Judges(Beside(), inception=files[0], arcface=files[1])
    assert judges.names["fid"].startswith("inception-2015 (") and judges.names["csim_arcface"].startswith("arcface (")
    summary = summarise(evaluate([disc_subject(s) for s in range(3)], [Copy()], [2], judges, tmp_path, progress=False))
    truth, copy = summary["rendered"]["rows"]
    assert truth["csim_arcface"]["mean"] == pytest.approx(1, abs=1e-5) and truth["fid"]["mean"] < 1e-3 < copy["fid"]["mean"]
    text = markdown(summary, {})
    assert "CSIM (ArcFace) ↑" in text and "| FID ↓ |" in text and "pytorch-fid" in text


def test_records_without_them_are_not_mixed_with_records_with_them(files, judges, tmp_path):
    subject = [disc_subject(0)]
    evaluate(subject, [Copy()], [2], judges, tmp_path, progress=False)
    with pytest.raises(ValueError, match="judges was"):
        evaluate(subject, [Copy()], [2], Judges(Beside(), inception=files[0]), tmp_path, progress=False)
