"""Every public function's shapes are checked while the tests run (not while speed is measured: `make bench` sets TLK_TYPECHECK=0)."""

import os

from jaxtyping import install_import_hook

if os.environ.get("TLK_TYPECHECK") != "0":
    # An int where a float is asked for is fine, as PEP 484 has it.
    install_import_hook("tlk", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")
