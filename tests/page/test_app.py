"""The page is built without TensorFlow and Keras, and with nothing of Gradio's that asks others or keeps what was answered."""

import json

import pytest
from layer_check import run_python

CODE = """
import json, os, sys, tempfile
from pathlib import Path
from ser_acrnn.page.app import make_page
from ser_acrnn.page.judging import Judge
folder = Path(tempfile.mkdtemp())
app = make_page(Judge("acrnn3d-emodb", 10), folder, 1000)
(mounted,) = [route.app for route in app.routes if hasattr(route, "app")]
blocks = mounted.get_blocks()
print(json.dumps({
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
        "heavy": [],
        "off": [False, False, False, False, False, []],
        "folder": True,
        "limit": 1000,
        "telemetry": ["False", "1"],
    }
