"""Each ablation changes what it says, and nothing else."""

import json

import pytest
import torch

from tests.evaluation.conftest import Beside, disc_subject
from tlk.evaluation import ablations as command
from tlk.evaluation.ablations import ABLATIONS, BestEmbedding, ablation, ablations, like
from tlk.evaluation.judges import Judges
from tlk.learning.finetune import FineTuning
from tlk.losses import Content


@pytest.fixture(scope="module")
def clip():
    return disc_subject(0).source


def parts(tuning):
    return {"ψ'": tuning.generator.module.adain, "w'": tuning.critic.module.column, "b": tuning.critic.module.discriminator.bias, "G": next(tuning.generator.module.generator.parameters())}


@pytest.mark.parametrize("name, changed", [("random ê", {"ψ'", "w'"}), ("random ψ′", {"ψ'"}), ("random w′", {"w'"}), ("no adversary", set())])
def test_one_part_is_changed(model, clip, name, changed):
    whole, ablated = parts(FineTuning(model, clip, 3)), parts(ABLATIONS[name][0](model, clip, 3))
    assert {part for part in whole if not torch.equal(whole[part], ablated[part])} == changed
    for part in changed:  # random, of the same size
        a, b = ablated[part].detach(), whole[part].detach()
        assert abs(a.mean() - b.mean()) < b.std() and 0.4 < a.std() / b.std() < 2.5


def test_without_an_adversary_only_content_pulls(model, clip):
    tuning = ABLATIONS["no adversary"][0](model, clip, 0)
    before = {k: v.clone() for k, v in tuning.critic.module.state_dict().items()}
    (report,) = tuning.steps(1)
    after = {k: v for k, v in tuning.critic.module.state_dict().items() if not k.endswith(("_u", "_v"))}
    assert all(torch.equal(before[k], v) for k, v in after.items() if "parametrizations" not in k or k.endswith("original"))
    terms = {f"content/{name}": 1.0 for name, _ in model.preset.content} | {"adversarial": 5.0, "feature_matching": 7.0}
    total = report.weights.total({name: torch.tensor(v) for name, v in terms.items()})
    assert total.item() == pytest.approx(sum(weight for _, weight in model.preset.content))


def test_a_random_vector_like_another():
    vector = 3 + 2 * torch.randn(4000, generator=torch.Generator().manual_seed(0))
    made = like(vector, 1)
    assert made.mean().item() == pytest.approx(3, abs=0.2) and made.std().item() == pytest.approx(2, abs=0.1)
    assert torch.equal(made, like(vector, 1)) and not torch.equal(made, like(vector, 2))


def test_the_best_embedding_draws_the_frames_better_and_moves_nothing_else(model, clip):
    held = lambda: [v.clone() for part in (model.embedder, model.generator) for v in part.state_dict().values()]
    before = held()
    found, start = BestEmbedding(model, steps=15, rate=0.3).embedding(clip), model.embed(clip)
    content = Content(model.preset.content)

    def loss(embedding):
        fake = model.generator(clip.landmark_images, model.generator.project(embedding[None]))
        return sum(content(fake, clip.images, clip.landmark_images).values()).item()

    with torch.no_grad():
        assert loss(found) < 0.98 * loss(start)
    assert all(map(torch.equal, before, held()))
    assert torch.equal(BestEmbedding(model, steps=0).embedding(clip), start)


def test_settings_and_order(model):
    assert [s.name for s in ablations(model)] == ["FF", "best ê", "FT", *ABLATIONS]
    assert ablation("random ê", model, 2, seed=1).settings != ablation("random ê", model, 2, seed=2).settings


def test_the_command_writes_a_table_and_a_picture(model, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "rendered", lambda *a: [disc_subject(0), disc_subject(1)])
    monkeypatch.setattr(command, "Judges", lambda detector, device: Judges(Beside()))
    model.save(tmp_path / "mini.safetensors")
    assert command.main(["--model", str(tmp_path / "mini.safetensors"), "--epochs", "1", "--sources", "2", "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    table = json.loads((tmp_path / "out" / "table.json").read_text())
    assert [r["system"] for r in table["tables"]["rendered"]["rows"]] == ["true frames", "FF", "best ê", "FT", *ABLATIONS]
    assert "python -m tlk.evaluation.ablations --model" in printed and (tmp_path / "out" / "grid-rendered.png").stat().st_size > 0
    assert command.main(["--people", "0"]) == 2 and "at least 1" in capsys.readouterr().err
