"""The page is built without TensorFlow and Keras, asks nobody, and keeps recordings for their time alone."""

import json

import pytest
from layer_check import run_python

CODE = """
import json, os, sys, tempfile, time
from pathlib import Path
from ser_acrnn.page import app as pages
from ser_acrnn.page.judging import Judge
pages.KEPT_SECONDS = pages.LOOK_SECONDS = 1
folder = Path(tempfile.mkdtemp())
app = pages.make_page(Judge("acrnn3d-emodb", 10), folder, 1000)
(mounted,) = [route.app for route in app.routes if hasattr(route, "app")]
blocks = mounted.get_blocks()
from starlette.testclient import TestClient
with TestClient(app) as client:
    client.post("/gradio_api/upload", files={"files": ("a.wav", b"samples")})
    held, end = list(folder.rglob("a.wav")), time.monotonic() + 30
    while list(folder.rglob("a.wav")) and time.monotonic() < end:
        time.sleep(0.1)
    left = list(folder.rglob("a.wav"))
print(json.dumps({
    "files": [len(held), len(left), folder.exists()],
    "heavy": sorted({"keras", "tensorflow"} & set(sys.modules)),
    "off": [blocks.analytics_enabled, blocks.run_history, blocks.ssr_mode, blocks.mcp_server, blocks.share, blocks.footer_links],
    "folder": str(mounted.uploaded_file_dir) == str(folder),
    "limit": blocks.max_file_size,
    "telemetry": [os.environ["GRADIO_ANALYTICS_ENABLED"], os.environ["ORT_DISABLE_TELEMETRY"]],
}))
"""


def test_what_it_is_built_of():
    pytest.importorskip("gradio")
    assert json.loads(run_python(CODE).splitlines()[-1]) == {
        "files": [1, 0, False],
        "heavy": [],
        "off": [False, False, False, False, False, []],
        "folder": True,
        "limit": 1000,
        "telemetry": ["False", "1"],
    }
