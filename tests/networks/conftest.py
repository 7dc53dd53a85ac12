import pytest
import torch


@pytest.fixture(autouse=True)
def same_start():
    """Networks made in a test start the same in every run."""
    torch.manual_seed(0)
