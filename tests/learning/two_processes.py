"""Run by test_sharing.py as a program: one step of a batch in so many processes; the first writes all gradients."""

import dataclasses
import sys

import torch
from lightning_fabric import Fabric
from safetensors.torch import save_file

from tests.learning.conftest import MINI, disc_person
from tlk.learning import MetaLearning


class Recording(MetaLearning):
    """Keeps the gradients that each optimiser is about to use."""

    def advance(self, *optimisers):
        self.kept = getattr(self, "kept", [])
        modules = (self.networks.module, self.critic.module)
        self.kept.append([p.grad.to_dense().clone() if p.grad is not None else torch.zeros_like(p) for m in modules for p in m.parameters()])
        super().advance(*optimisers)


def gradients(devices: int, accumulate: int = 1, steps: int = 1) -> dict[str, torch.Tensor]:
    """update-parameter → gradient, in the order of the updates; and the report's terms."""
    fabric = Fabric(accelerator="cpu", devices=devices, strategy="ddp" if devices > 1 else "auto")
    if devices > 1:
        fabric.launch()
    # D does not move between its updates: Adam would turn the rounding of gradients near 0 into steps of full length.
    # All of content's terms, at weights that make gradients, and so their rounding, of the size that the comparison's floor is for.
    # ReLU after E's pooling: before it there are 16 times as many kinks, where float32's rounding flips a whole gradient (7e-4; in float64 6e-15).
    light = tuple((name, 0.1 * weight) for name, weight in MINI.content)
    still = dataclasses.replace(MINI, lr_discriminator=0.0, lr_table=0.0, content=light, adversarial=1.0, feature_matching=10.0, match=1.0, relu_first=False)
    run = Recording(still, [disc_person(s) for s in range(5)], seed=2, batch=4, fabric=fabric, accumulate=accumulate)
    for report in run.steps(steps):
        pass
    found = {f"{n}-{i}": g for n, kept in enumerate(run.kept) for i, g in enumerate(kept)}
    found |= {f"term-{name}": torch.tensor(value) for name, value in report.terms.items()}
    found |= {"real": report.real_scores, "fake": report.fake_scores, "table": run.critic.module.table.weight.detach().clone()}
    return found if fabric.is_global_zero else {}


if __name__ == "__main__":
    torch.set_num_threads(1)
    if found := gradients(int(sys.argv[1])):
        save_file({k: v.contiguous() for k, v in found.items()}, sys.argv[2])
