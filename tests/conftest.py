"""Every public function's shapes are checked while the tests run (not while speed is measured: `make bench` sets TLK_TYPECHECK=0).

Tests use no network but loopback, save those marked ``download`` (see tests/offline.py).
"""

import os

import pytest
from jaxtyping import install_import_hook

if os.environ.get("TLK_TYPECHECK") != "0":
    # An int where a float is asked for is fine, as PEP 484 has it.
    install_import_hook("tlk", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")

from tests import offline  # noqa: E402  (nothing of tlk may be imported before the hook)


def pytest_configure(config):
    config.addinivalue_line("markers", "download: needs the network; all others are kept from it")


@pytest.fixture(autouse=True)
def _no_network(request):
    """A patch of its own, not the test's: a test that undoes its patches stays offline."""
    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("download") is None:
            offline.block(patch)
        yield
