"""`ser-acrnn serve` as a process: it answers, refuses what is missing, and at SIGTERM answers what it has before it ends."""

import asyncio
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

import numpy as np
import psutil
import pytest
import soundfile

from ser_acrnn import cli
from ser_acrnn.cli import serving

RATE = 16_000


def speech(seconds=30.0):
    at = np.arange(int(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * 200 * at) * np.abs(np.sin(2 * np.pi * 2 * at))
    file = io.BytesIO()
    soundfile.write(file, 0.3 * tone + 0.001 * np.random.default_rng(0).normal(size=len(at)), RATE, format="WAV")
    return file.getvalue()


@pytest.fixture
def server(request, tmp_path):
    """The command with the words of the test; its temporary files are in `tmp_path`."""
    words = [sys.executable, "-m", "ser_acrnn.cli", "serve", "--port", "0", *getattr(request, "param", ())]
    variables = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables)
    address = re.match(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
    assert address, process.communicate(timeout=60)
    yield process, address[0]
    process.kill()
    process.communicate()


BY_WORKERS = pytest.mark.parametrize("server", [["--workers", "2"]], indirect=True)


@pytest.mark.parametrize(("server", "status"), [([], -signal.SIGTERM), (["--workers", "2"], 0)], indirect=["server"])
def test_what_it_has_is_answered_at_sigterm_and_nothing_is_left_behind(server, status, tmp_path):
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
    assert (process.returncode, said, list(tmp_path.iterdir())) == (status, "", [])


def two_workers(process, without=()):
    """The processes that answer, as soon as there are two, but for those that are known to have ended."""
    for _ in range(1_200):
        others = [each for each in psutil.Process(process.pid).children() if each not in without]
        found = [each for each in others if "spawn_main" in " ".join(each.cmdline())]
        if len(found) == 2:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{found} after a minute, expected two")


def check_count(address, series, expected):
    """Asserts that a series comes to a value; another worker may show it before the one that has answered has counted."""
    for _ in range(200):
        shown = urllib.request.urlopen(f"{address}/metrics").read().decode()
        (found,) = [float(line.split()[1]) for line in shown.splitlines() if line.startswith(series + " ")]
        if found == expected:
            return
        time.sleep(0.05)
    raise AssertionError(f"{series} is {found}, expected {expected}")


@BY_WORKERS
def test_workers_are_counted_together_and_replaced_and_end_with_their_parent(server):
    process, address = server
    before = two_workers(process)
    for _ in range(6):
        urllib.request.urlopen(f"{address}/health").read()
    health = 'ser_acrnn_requests_total{path="/health",status="200"}'
    check_count(address, health, 6)
    before[0].kill()
    now = two_workers(process, without=before[:1])
    urllib.request.urlopen(f"{address}/health").read()
    check_count(address, health, 7)
    check_count(address, "ser_acrnn_waiting", 0)
    process.kill()
    assert not psutil.wait_procs(now, timeout=20)[1]


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


@pytest.mark.parametrize("command", ["serve", "page"])
def test_an_empty_host_is_not_all_of_them(capsys, command):
    assert cli.main([command, "--host", ""]) == 2
    assert "'--host': expected an address such as 127.0.0.1" in capsys.readouterr().err


def test_an_address_of_ipv6_has_brackets(capsys):
    with serving._listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        for host, shown in (("::1", "[::1]"), ("localhost", "localhost")):
            serving._say_where(listener, host)
            assert capsys.readouterr().out == f"http://{shown}:{port}\n"
