"""Servers and event loops that programs run in: what is started, and how many calls each makes.

Each program serves `GET /` by one watched OpenAI call, one watched stream and one watched Anthropic call
(server programs), or makes them by itself (the others), under `opentelemetry-instrument`.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass

CALLS = """
import anthropic, openai
ai, claude = openai.OpenAI(), anthropic.Anthropic()
ask = [{"role": "user", "content": "Why is the sky blue?"}]

def calls():
    ai.chat.completions.create(model="gpt-4o-mini", messages=ask)
    told = {"include_usage": True}
    for _ in ai.chat.completions.create(model="gpt-4o-mini", messages=ask, stream=True, stream_options=told):
        pass
    claude.messages.create(model="claude-sonnet-4-5", max_tokens=1000, messages=ask)
"""
ASYNC_CALLS = """
import asyncio
import anthropic, openai
ask = [{"role": "user", "content": "Why is the sky blue?"}]

async def calls():
    async with openai.AsyncOpenAI() as ai, anthropic.AsyncAnthropic() as claude:
        await ai.chat.completions.create(model="gpt-4o-mini", messages=ask)
        told = {"include_usage": True}
        asked = dict(model="gpt-4o-mini", messages=ask, stream=True, stream_options=told)
        async for _ in await ai.chat.completions.create(**asked):
            pass
        await claude.messages.create(model="claude-sonnet-4-5", max_tokens=1000, messages=ask)
"""
WSGI = (
    CALLS
    + """
def app(environ, start_response):
    calls()
    start_response("200 OK", [("content-type", "text/plain")])
    return [b"done"]
"""
)
ASGI = (
    ASYNC_CALLS
    + """
async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    await calls()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})
"""
)
EACH = 3
"""Calls for one request."""


@dataclass(frozen=True)
class Program:
    """A program, the command that runs it after `opentelemetry-instrument`, and how many requests it gets."""

    source: str
    command: tuple[str, ...]
    requests: int = 0
    """0: it makes `rounds` rounds of calls by itself and ends."""
    rounds: int = 0
    stop: int = signal.SIGTERM
    """The signal that ends a server."""
    past_exit_handlers: bool = False
    """Processes of it are killed past every handler of Python: what waits for export is lost, the ledger is whole."""
    left: bool = False
    """It leaves one more stream after the first event."""


def _gunicorn(*options: str) -> tuple[str, ...]:
    return ("gunicorn", "app:app", "--bind", "127.0.0.1:{port}", "--workers", "2", *options)


def _uvicorn(*options: str) -> tuple[str, ...]:
    return ("uvicorn", "app:app", "--host", "127.0.0.1", "--port", "{port}", *options)


_THREADS = (
    CALLS
    + """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(4) as pool:
    for done in [pool.submit(calls) for _ in range(8)]:
        done.result()
"""
)
_TASKS = "async def main():\n    await asyncio.gather(*(calls() for _ in range(8)))\n"
# OpenTelemetry's exporters start threads in a forked child. With gevent's subprocess, the child of a `fork` that is to
# become another program then serves other greenlets. The SDKs ask for the platform, and Python runs `uname` to know it:
# that is done here before there is a pipeline.
_KNOWN_PLATFORM = "import platform\nplatform.platform()\n"
_GEVENT = (
    "from gevent import monkey; monkey.patch_all()\nimport gevent\n"
    + _KNOWN_PLATFORM
    + CALLS
    + "gevent.joinall([gevent.spawn(calls) for _ in range(8)], raise_error=True)\n"
)
_FORK = (
    CALLS
    + """
import os
calls()
children = []
for _ in range(3):
    child = os.fork()
    if not child:
        # connections of the parent are not to be shared: answers would cross
        ai, claude = openai.OpenAI(), anthropic.Anthropic()
        calls()
        raise SystemExit
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
"""
)
_POOL = (
    CALLS
    + """
import multiprocessing
def renew():
    # connections of the parent are not to be shared: answers would cross
    global ai, claude
    ai, claude = openai.OpenAI(), anthropic.Anthropic()
def work(number):
    calls()
if __name__ == "__main__":
    calls()
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2, renew) as pool:
            pool.map(work, range(3), chunksize=1)
            pool.close()
            pool.join()
"""
)
_SHUTDOWN = (
    CALLS
    + """
calls()
told = {"include_usage": True}
kept = ai.chat.completions.create(model="gpt-4o-mini", messages=ask, stream=True, stream_options=told)
next(kept)
"""
)
# The loop is left as it is: closing it closes all asynchronous generators at once, which httpcore2's complain about.
_SHUTDOWN_ASYNC = (
    ASYNC_CALLS
    + """
async def main():
    global ai, kept
    await calls()
    ai = openai.AsyncOpenAI()
    asked = dict(model="gpt-4o-mini", messages=ask, stream=True, stream_options={"include_usage": True})
    kept = await ai.chat.completions.create(**asked)
    await anext(kept)
asyncio.new_event_loop().run_until_complete(main())
"""
)
_SHUTDOWN_THREAD = (
    CALLS
    + """
import threading
calls()
begun, forever = threading.Event(), threading.Event()
def read():
    told = {"include_usage": True}
    for _ in ai.chat.completions.create(model="gpt-4o-mini", messages=ask, stream=True, stream_options=told):
        begun.set()
        forever.wait()
threading.Thread(target=read, daemon=True).start()
begun.wait()
"""
)
# The parent imports and instruments; its workers are replaced after two tasks each, or kill themselves after each.
_CELERY = (
    CALLS
    + """
import os, pathlib, signal, threading
from celery import Celery
from celery.signals import worker_ready
TASKS, DEADLY = 8, {deadly}
done = pathlib.Path("done")
for folder in ("queue", "processed", "done"):
    pathlib.Path(folder).mkdir(exist_ok=True)
app = Celery("app", broker="filesystem://")
app.conf.update(
    broker_transport_options=dict(
        data_folder_in="queue", data_folder_out="queue", processed_folder="processed", control_folder="control"
    ),
    worker_prefetch_multiplier=1,
)

@app.task(name="work")
def work(number):
    calls()
    (done / str(number)).touch()
    if DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)

def end():
    turn = threading.Event()
    while len(list(done.iterdir())) < TASKS:
        turn.wait(0.05)
    os.kill(os.getpid(), signal.SIGTERM)

@worker_ready.connect
def begin(**kwargs):
    for number in range(TASKS):
        work.delay(number)
    threading.Thread(target=end, daemon=True).start()
"""
)
_WORKER = (
    *("celery", "--app", "app", "worker", "--pool", "prefork", "--concurrency", "2"),
    *("--max-tasks-per-child", "2", "--without-gossip", "--without-mingle", "--loglevel", "error"),
)
_PYTHON = ("python", "app.py")
_TASKS_RUN = ASYNC_CALLS + _TASKS + "asyncio.run(main())\n"
_UVLOOP_RUN = ASYNC_CALLS + _TASKS + "import uvloop\nuvloop.run(main())\n"

PROGRAMS: dict[str, Program] = {
    "threads": Program(_THREADS, _PYTHON, rounds=8),
    "asyncio tasks": Program(_TASKS_RUN, _PYTHON, rounds=8),
    "uvloop tasks": Program(_UVLOOP_RUN, _PYTHON, rounds=8),
    "gevent greenlets": Program(_GEVENT, _PYTHON, rounds=8),
    "os.fork": Program(_FORK, _PYTHON, rounds=4),
    "multiprocessing, fork and spawn": Program(_POOL, _PYTHON, rounds=7),
    "exit in the middle of a stream": Program(_SHUTDOWN, _PYTHON, rounds=1, left=True),
    "exit in the middle of an async stream": Program(_SHUTDOWN_ASYNC, _PYTHON, rounds=1, left=True),
    "exit while a thread reads a stream": Program(_SHUTDOWN_THREAD, _PYTHON, rounds=1, left=True),
    "celery, prefork, workers replaced": Program(_CELERY.replace("{deadly}", "False"), _WORKER, rounds=8),
    "celery, prefork, workers killed": Program(
        _CELERY.replace("{deadly}", "True"), _WORKER, rounds=8, past_exit_handlers=True
    ),
    "gunicorn, sync workers": Program(WSGI, _gunicorn(), requests=12),
    "gunicorn, sync workers, preload": Program(WSGI, _gunicorn("--preload"), requests=12),
    "gunicorn, gthread workers": Program(WSGI, _gunicorn("-k", "gthread", "--threads", "4"), requests=12),
    "gunicorn, gthread workers, preload": Program(
        WSGI, _gunicorn("-k", "gthread", "--threads", "4", "--preload"), requests=12
    ),
    "gunicorn, gevent workers": Program(_KNOWN_PLATFORM + WSGI, _gunicorn("-k", "gevent"), requests=12),
    "gunicorn, gevent workers, preload": Program(
        _KNOWN_PLATFORM + WSGI, _gunicorn("-k", "gevent", "--preload"), requests=12
    ),
    # by SIGTERM it kills itself after its own shutdown, past every exit handler of Python
    "uvicorn, one process": Program(ASGI, _uvicorn(), requests=12, stop=signal.SIGINT),
    "uvicorn, two workers": Program(ASGI, _uvicorn("--workers", "2"), requests=12, past_exit_handlers=True),
    "uvicorn on uvloop": Program(ASGI, _uvicorn("--loop", "uvloop"), requests=12, stop=signal.SIGINT),
}
