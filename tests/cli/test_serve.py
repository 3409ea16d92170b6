"""`ser-acrnn serve` as a process: it answers, refuses what is missing, and at SIGTERM answers what it has before it ends."""

import asyncio
import io
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import urllib.request

import numpy as np
import pytest
import soundfile

from ser_acrnn import cli
from ser_acrnn.cli import serving

RATE = 16_000


def speech(seconds=30.0):
    time = np.arange(int(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * 200 * time) * np.abs(np.sin(2 * np.pi * 2 * time))
    file = io.BytesIO()
    soundfile.write(file, 0.3 * tone + 0.001 * np.random.default_rng(0).normal(size=len(time)), RATE, format="WAV")
    return file.getvalue()


@pytest.fixture
def server():
    words = [sys.executable, "-m", "ser_acrnn.cli", "serve", "--port", "0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    address = re.match(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    assert address, process.communicate(timeout=60)
    yield process, address[0]
    process.kill()
    process.communicate()


def test_what_it_has_is_answered_at_sigterm_and_nothing_is_left_behind(server):
    process, address = server
    with urllib.request.urlopen(f"{address}/health") as found:
        assert json.load(found)["status"] == "ok"
    answers, body = [], speech()

    def ask():
        with urllib.request.urlopen(urllib.request.Request(f"{address}/predict", body)) as found:
            answers.append(json.load(found)["emotion"])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    while b"ser_acrnn_together_count 0.0" in urllib.request.urlopen(f"{address}/metrics").read():
        pass
    process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    _, said = process.communicate(timeout=60)
    assert len(answers) == 4 and len(set(answers)) == 1
    assert (process.returncode, said) == (-signal.SIGTERM, "")


def test_a_port_that_is_taken_and_a_missing_extra_are_one_line(server, capsys, monkeypatch):
    port = server[1].rsplit(":", 1)[1]
    assert cli.main(["serve", "--port", port]) == 1
    assert capsys.readouterr().err.strip() == f"127.0.0.1:{port}: Address already in use"
    monkeypatch.setattr(serving, "NEEDED", ("fastapi", "not_there"))
    assert cli.main(["serve"]) == 1
    assert capsys.readouterr().err.strip() == "serve needs not_there, not installed here: pip install 'ser_acrnn[serve]'"
    monkeypatch.setattr(cli.serving, "NEEDED_BY_PAGE", ("not_there",))
    assert cli.main(["page"]) == 1
    assert capsys.readouterr().err.strip() == "page needs not_there, not installed here: pip install 'ser_acrnn[page]'"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_parts_of_an_answer_do_not_wait_for_each_other(host):
    """Else the end of an answer waits until its beginning is known to have come, which the other side tells after 40 ms."""

    async def how_parts_are_sent():
        sent = asyncio.get_running_loop().create_future()

        async def answer(_, writer):
            sent.set_result(writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        async with await asyncio.start_server(answer, sock=serving._listening(host, 0)) as server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
            writer.close()
            return await sent

    assert asyncio.run(how_parts_are_sent()), "small parts are kept back"
