"""Every public function's shapes are checked while the tests run (not while speed is measured: `make bench` sets TLK_TYPECHECK=0)."""

import os

from jaxtyping import install_import_hook

if os.environ.get("TLK_TYPECHECK") != "0":
    install_import_hook("tlk", "beartype.beartype")
