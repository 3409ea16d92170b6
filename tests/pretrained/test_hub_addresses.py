"""A network fetched from a hub, which is a server on this machine, by huggingface_hub itself."""

import http.server
import json
import os
import subprocess
import sys
import threading

import pytest

FILES = {"config.json": b"{}", "model.weights.h5": b"weights", "README.md": b"a card", "run.py": b"raise SystemExit('was run')"}
COMMIT = "0" * 40
FETCH = """
import sys
from ser_acrnn.pretrained import hub
try:
    print("fetched", *sorted(path.name for path in hub.fetched(sys.argv[1]).iterdir()))
except hub.HubError as error:
    print(error)
"""


class Hub(http.server.BaseHTTPRequestHandler):
    """Has one network at `owner/network`, and a repository without one at `owner/empty`."""

    def do_GET(self):
        parts = self.path.split("?")[0].strip("/").split("/")
        if parts[:2] == ["api", "models"] and parts[2] == "owner" and parts[3] in ("network", "empty"):
            self.said(self.listed({} if parts[3] == "empty" else FILES, parts[4:]), {"Content-Type": "application/json"})
        elif parts[:3] == ["owner", "network", "resolve"] and parts[-1] in FILES:
            self.said(FILES[parts[-1]], {"ETag": f'"{parts[-1]}"', "X-Repo-Commit": COMMIT})
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    do_HEAD = do_GET

    def listed(self, files, wanted):
        if wanted[:1] == ["tree"]:
            return json.dumps([{"type": "file", "path": name, "size": len(files[name]), "oid": COMMIT} for name in files]).encode()
        return json.dumps({"id": "owner/network", "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]}).encode()

    def said(self, body, headers):
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture(scope="module")
def endpoint():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.mark.parametrize(
    "address, expected",
    [
        ("hf://owner/network", "fetched config.json model.weights.h5"),
        ("hf://owner/empty", "hf://owner/empty: holds no config.json and no model.weights.h5, expected hf://<owner>/<repository>"),
        ("hf://owner/other", "hf://owner/other: cannot be fetched (404"),
        ("hf://owner/network/more", "hf://owner/network/more: cannot be fetched (Repo id must be"),
    ],
)
def test_a_network_is_fetched_without_what_else_is_there_or_one_line_says_why_not(endpoint, tmp_path, address, expected):
    environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    found = subprocess.run([sys.executable, "-c", FETCH, address], env=environment, capture_output=True, text=True)
    assert found.stdout.startswith(expected) and found.stdout.count("\n") == 1, found.stdout + found.stderr


def test_a_missing_huggingface_hub_is_named(monkeypatch):
    from ser_acrnn.pretrained import hub

    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(hub.HubError, match=r"^hf://owner/network: needs huggingface_hub, not installed here: pip install huggingface_hub$"):
        hub.fetched("hf://owner/network")
