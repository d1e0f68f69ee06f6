"""`otel-llmcost run`: the program is itself, whatever it does; its calls are in the ledger."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from otel_llmcost.cli.launch import (
    environment_for_any_directory,
    ignores_environment,
    instrumented_environment,
    interpreter_command,
)
from otel_llmcost.server.demo_provider import DemoProvider

COMMAND = str(Path(sys.executable).with_name("otel-llmcost"))
CALL = """
import openai
client = openai.OpenAI()
answer = client.chat.completions.create(model="gpt-5-mini", messages=[{"role": "user", "content": "?"}])
print(answer.usage.total_tokens)
"""
WAIT = """
import signal, sys, time
def note(number, frame):
    print(signal.Signals(number).name, flush=True)
    sys.exit(9)
for name in sys.argv[1:]:
    signal.signal(getattr(signal, name), note)
print("ready", flush=True)
time.sleep(30)
"""


@pytest.fixture
def environ(tmp_path):
    clean = {name: text for name, text in os.environ.items() if not name.startswith("OTEL_")}
    return {**clean, "OTEL_LLMCOST_LEDGER": str(tmp_path / "ledger"), "HOME": str(tmp_path)}


def run(*arguments, environ, **more):
    return subprocess.run(
        [COMMAND, "run", *arguments], env=environ, capture_output=True, text=True, timeout=60, **more
    )


def test_output_input_arguments_and_exit_code_are_the_programs(environ):
    script = "import sys; print(sys.argv[1:], sys.stdin.read()); sys.exit(7)"
    ended = run("--", sys.executable, "-c", script, "a", "--no-summary", environ=environ, input="in")
    assert (ended.stdout, ended.returncode) == ("['a', '--no-summary'] in\n", 7)


def test_a_call_is_priced_and_summed_up_on_standard_error(environ):
    with DemoProvider() as provider:
        environ |= {"OPENAI_BASE_URL": provider.openai_url, "OPENAI_API_KEY": "demo"}
        environ["OTEL_LLMCOST_HOSTS"] = f"127.0.0.1:{provider.port}=openai"
        shown = run("--", sys.executable, "-c", CALL, environ=environ)
        silent = run("--no-summary", "--", sys.executable, "-c", CALL, environ=environ)

    assert (shown.stdout, shown.returncode) == ("1500\n", 0)
    # gpt-5-mini: 1,200 input at $0.25 and 300 output at $2 per million = 0.0003 + 0.0006
    assert "0.0009" in shown.stderr
    assert "gpt-5-mini" in shown.stderr
    assert (silent.stdout, silent.stderr) == ("1500\n", "")


def test_a_program_without_calls_says_so(environ):
    ended = run("--", sys.executable, "-c", "print(1)", environ=environ)
    assert ended.stdout == "1\n"
    assert "no LLM call" in ended.stderr


@pytest.mark.parametrize(
    ("told", "word"),
    [
        ({"OTEL_LLMCOST_DISABLED": "true"}, "switched off by OTEL_LLMCOST_DISABLED"),
        ({"OTEL_LLMCOST_LEDGER": "off"}, "the ledger is switched off"),
        (
            {"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "requests, llmcost-openai"},
            "no LLM call was seen: openai switched off by OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
        ),
        ({"OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "*"}, "openai and anthropic switched off by"),
    ],
)
def test_why_there_is_no_summary(environ, told, word):
    ended = run("--", sys.executable, "-c", "print(1)", environ=environ | told)
    assert (ended.stdout, ended.returncode) == ("1\n", 0)
    assert word in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "name",
    ["a-file/ledger", "n" * 300, "/proc/x"],
    ids=["below a file", "a name too long", "writable in name only"],
)
def test_calls_that_cannot_be_kept_are_told_and_the_end_is_the_programs(environ, tmp_path, name):
    (tmp_path / "a-file").touch()
    with DemoProvider() as provider:
        environ |= {"OPENAI_BASE_URL": provider.openai_url, "OPENAI_API_KEY": "demo"}
        environ["OTEL_LLMCOST_HOSTS"] = f"127.0.0.1:{provider.port}=openai"
        environ["OTEL_LLMCOST_LEDGER"] = str(tmp_path / name)
        ended = run("--", sys.executable, "-c", f"{CALL}\nraise SystemExit(3)", environ=environ)
    assert (ended.stdout, ended.returncode) == ("1500\n", 3)
    while_it_ran, after = ended.stderr.splitlines()
    assert while_it_ran.startswith("otel-llmcost: the ledger's journal")
    assert after.startswith("otel-llmcost: calls cannot be kept, so there is no summary")


@pytest.mark.parametrize("ending", ["2>&-", "2>&1 >/dev/null | true"], ids=["closed", "its reader has left"])
def test_the_exit_code_outlives_a_standard_error_that_nobody_reads(environ, tmp_path, ending):
    shell = (
        f'{{ "{COMMAND}" run -- "{sys.executable}" -c "raise SystemExit(3)"; echo $? > "{tmp_path}/code"; }}'
    )
    subprocess.run(["bash", "-c", f"{shell} {ending}"], env=environ, timeout=60, check=False)
    assert (tmp_path / "code").read_text() == "3\n"


def test_a_killed_program_loses_no_call(environ):
    with DemoProvider() as provider:
        environ |= {"OPENAI_BASE_URL": provider.openai_url, "OPENAI_API_KEY": "demo"}
        environ["OTEL_LLMCOST_HOSTS"] = f"127.0.0.1:{provider.port}=openai"
        killed = run(
            "--", sys.executable, "-c", f"{CALL}\nimport os; os.kill(os.getpid(), 9)", environ=environ
        )
    assert killed.returncode == -signal.SIGKILL
    assert "1 call, $0.0009" in killed.stderr


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1"])
def test_signals_reach_the_program(environ, name):
    with subprocess.Popen(
        [COMMAND, "run", "--no-summary", "--", sys.executable, "-c", WAIT, name],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        assert started.stdout.readline() == "ready\n"
        started.send_signal(getattr(signal, name))
        assert started.stdout.readline() == f"{name}\n"
        assert started.wait(30) == 9


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGSEGV"])
def test_death_by_a_signal_is_passed_on(environ, name):
    script = f"import os, signal; os.kill(os.getpid(), signal.{name})"
    direct = run("--no-summary", "--", sys.executable, "-c", script, environ=environ)
    assert direct.returncode == -getattr(signal, name)

    shell = f'"{COMMAND}" run --no-summary -- "{sys.executable}" -c "{script}"; echo $?'
    ended = subprocess.run(
        ["sh", "-c", shell], env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert ended.stdout == f"{128 + getattr(signal, name)}\n"


def test_a_signal_to_the_whole_group_ends_both(environ):
    with subprocess.Popen(
        [COMMAND, "run", "--no-summary", "--", sys.executable, "-c", WAIT],
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as started:
        assert started.stdout.readline() == "ready\n"
        os.killpg(started.pid, signal.SIGTERM)
        assert started.wait(30) == -signal.SIGTERM


COUNT = """
import signal, sys, time
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
print("ready", flush=True)
deadline = time.monotonic() + 20
while not seen and time.monotonic() < deadline:
    signal.sigtimedwait((), 0.05)
signal.sigtimedwait((), 0.3)  # a second one would come now
sys.exit(10 + len(seen))
"""


def read_until(terminal, *words, again=b""):
    """Read up to these words, one after the other.

    Where nothing comes for a second, type `again`: a terminal that changes hands may lose keys.
    """
    text, wanted = b"", re.compile(b".*?".join(words), re.DOTALL)
    while not wanted.search(text):
        if select.select([terminal], [], [], 1 if again else 60)[0]:
            text += os.read(terminal, 1024)
        else:
            assert again, text
            assert len(text) < 10_000, text
            os.write(terminal, again)


def test_ctrl_c_reaches_the_program_once(environ):
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(COMMAND, [COMMAND, "run", "--no-summary", "--", sys.executable, "-c", COUNT], environ)
    read_until(terminal, b"ready")
    os.write(terminal, b"\x03")
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 11


def test_a_shell_can_suspend_and_resume_it(environ):
    """Ctrl-Z gives the shell its prompt back, `fg` goes on where the program was."""
    program = f'{COMMAND} run --no-summary -- {sys.executable} -c \'print("wor" + "ks"); input(); exit(5)\''
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], {**environ, "PS1": "prompt "})
    read_until(terminal, b"prompt")
    os.write(terminal, program.encode() + b"\n")
    read_until(terminal, b"works")
    os.write(terminal, b"\x1a")
    read_until(terminal, b"Stopped", b"prompt")
    os.write(terminal, b"echo back\\ here; fg\n")
    read_until(terminal, b"back here")
    read_until(terminal, b"prompt", again=b"\n")
    os.write(terminal, b"echo ended with $?; exit\n")
    read_until(terminal, b"ended with 5")
    os.waitpid(pid, 0)
    os.close(terminal)


def test_an_interpreter_without_the_package_is_refused_before_it_runs(environ, tmp_path):
    venv.create(tmp_path / "other", with_pip=False)
    python = tmp_path / "other" / "bin" / "python"
    script = tmp_path / "tool"
    script.write_text(f"#!{python}\nprint('ran')\n")
    script.chmod(0o755)

    for program in ([str(python), "-c", "print('ran')"], [str(script)]):
        ended = run("--", *program, environ=environ)
        assert (ended.stdout, ended.returncode) == ("", 126)
        assert f"{python} -m pip install otel-llmcost" in ended.stderr


def test_an_interpreter_behind_another_program_says_what_it_lacks_and_runs(environ, tmp_path):
    venv.create(tmp_path / "other", with_pip=False)
    python = tmp_path / "other" / "bin" / "python"
    ended = run("--", "sh", "-c", f"{python} -c 'print(5)'; exit 3", environ=environ)
    assert (ended.stdout, ended.returncode) == ("5\n", 3)
    assert f"{python} -m pip install otel-llmcost" in ended.stderr


@pytest.mark.parametrize(
    ("program", "code", "word"),
    [
        (["no-such-program"], 127, "command not found"),
        ([sys.executable, "-I", "x.py"], 126, "ignores PYTHONPATH"),
        ([sys.executable, "-E", "-c", "1"], 126, f"{sys.executable} -E ignores PYTHONPATH"),
        ([sys.executable, "-uEc", "1"], 126, f"{sys.executable} -uE ignores PYTHONPATH"),
    ],
)
def test_what_cannot_be_run_is_one_line(environ, program, code, word):
    ended = run("--", *program, environ=environ)
    assert ended.returncode == code
    assert word in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_script_that_is_not_executable_names_the_remedy(environ, tmp_path):
    script = tmp_path / "app.py"
    script.write_text("print(1)\n")
    ended = run("--", str(script), environ=environ)
    assert ended.returncode == 126
    assert f"otel-llmcost run -- python {script}" in ended.stderr


def test_another_sitecustomize_still_runs(environ, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import builtins; builtins.customized = 'yes'\n")
    environ["PYTHONPATH"] = str(tmp_path)
    ended = run("--no-summary", "--", sys.executable, "-c", "print(customized)", environ=environ)
    assert (ended.stdout, ended.stderr) == ("yes\n", "")


def test_children_of_the_program_are_seen_too(environ):
    script = f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {CALL!r}]).returncode)"
    with DemoProvider() as provider:
        environ |= {"OPENAI_BASE_URL": provider.openai_url, "OPENAI_API_KEY": "demo"}
        environ["OTEL_LLMCOST_HOSTS"] = f"127.0.0.1:{provider.port}=openai"
        ended = run("--", sys.executable, "-c", script, environ=environ)
    assert (ended.stdout, ended.returncode) == ("1500\n", 0)
    assert "0.0009" in ended.stderr


@pytest.mark.parametrize(
    ("told", "exporters"),
    [
        ({}, ("none", "none", "none")),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x"}, (None, None, None)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, (None, "none", "none")),
        ({"OTEL_METRICS_EXPORTER": "console"}, ("none", "console", "none")),
        ({"OTEL_CONFIG_FILE": "otel.yaml"}, (None, None, None)),
        ({"OTEL_EXPERIMENTAL_CONFIG_FILE": "otel.yaml"}, ("none", "none", "none")),
    ],
)
def test_only_what_the_user_configured_is_exported(told, exporters):
    made = instrumented_environment(told, "run")
    assert tuple(made.get(f"OTEL_{name}_EXPORTER") for name in ("TRACES", "METRICS", "LOGS")) == exporters
    assert made["OTEL_LLMCOST_RUN_ID"] == "run"


@pytest.mark.parametrize(
    ("first_lines", "command"),
    [
        (f"#!{sys.executable}\n", [sys.executable]),
        (f"#!{sys.executable} -I\n", [sys.executable, "-I"]),
        (f"#!/bin/sh\n'''exec' \"{sys.executable}\" \"$0\" \"$@\"\n' '''\n", [sys.executable]),
        ("#!/bin/sh\necho\n", []),
        ("no first line", []),
    ],
)
def test_the_interpreter_of_a_script_is_in_its_first_lines(tmp_path, first_lines, command):
    script = tmp_path / "tool"
    script.write_text(first_lines)
    assert interpreter_command(script) == command


@pytest.mark.parametrize(
    ("arguments", "ignores"),
    [
        (["-u", "app.py", "-I"], False),
        (["-W", "-I", "app.py"], False),
        (["-uE", "app.py"], True),
        (["-S", "-m", "app"], True),
        (["-c", "import E"], False),
        (["-Im", "app"], True),
    ],
)
def test_options_that_hide_the_instrumentation(arguments, ignores):
    assert ignores_environment(interpreter_command(Path("/usr/bin/python3"), arguments)) is ignores


def test_where_another_program_fills_the_ledger_no_call_is_denied(environ, tmp_path):
    ledger = tmp_path / "ledger"
    ledger.mkdir(mode=0o700)
    environ["OTEL_LLMCOST_LEDGER_TIMEOUT"] = "0.2"
    with DemoProvider() as provider, (ledger / "drain.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        environ |= {"OPENAI_BASE_URL": provider.openai_url, "OPENAI_API_KEY": "demo"}
        environ["OTEL_LLMCOST_HOSTS"] = f"127.0.0.1:{provider.port}=openai"
        ended = run("--", sys.executable, "-c", CALL, environ=environ)
    assert "so there is no summary yet" in ended.stderr
    assert "no LLM call was seen" not in ended.stderr


@pytest.mark.parametrize(("ending", "least"), [("", ""), ("os.kill(os.getpid(), 9)", "at least ")])
def test_calls_that_found_no_place_are_told(environ, ending, least):
    script = f"import os\nfor _ in range(2):\n  exec({CALL!r})\n{ending}"
    with DemoProvider() as provider:
        environ |= {"OPENAI_BASE_URL": provider.openai_url, "OPENAI_API_KEY": "demo"}
        environ["OTEL_LLMCOST_HOSTS"] = f"127.0.0.1:{provider.port}=openai"
        full = run(
            "--", sys.executable, "-c", script, environ=environ | {"OTEL_LLMCOST_LEDGER_CAP_BYTES": "0"}
        )
    assert f"otel-llmcost: {least}2 calls found no place in the ledger, the last at 20" in full.stderr
    assert "no LLM call was seen" not in full.stderr
    doctor = subprocess.run([COMMAND, "doctor"], env=environ, capture_output=True, text=True, check=False)
    assert f"{least}2 calls found no place in the ledger" in doctor.stdout
    report = subprocess.run([COMMAND, "report"], env=environ, capture_output=True, text=True, check=True)
    assert "what they cost is not in this" in report.stdout


def test_what_is_kept_beside_lost_calls_is_a_lower_bound(environ, tmp_path):
    script = f"""
from otel_llmcost import CostTracker
from otel_llmcost.ledger.losses import LossLog
import os, pathlib
CostTracker().record("openai", "gpt-5-mini", 1200, 300)
LossLog(pathlib.Path({str(tmp_path / "ledger")!r}), os.environ["OTEL_LLMCOST_RUN_ID"]).tell(3, ended=True)
"""
    ended = run("--", sys.executable, "-c", script, environ=environ)
    assert "otel-llmcost: 1 call, >= $0.0009, 1,500 tokens" in ended.stderr, ended.stderr
    assert "3 calls found no place in the ledger" in ended.stderr


def test_settings_mean_the_same_where_the_program_goes_elsewhere(environ, tmp_path):
    project, sub = tmp_path / "project", tmp_path / "project" / "sub"
    sub.mkdir(parents=True)
    text = '[budgets.all]\namount = "0.0001"\naction = "block"\n[prices]\nupdate_from = "https://prices.example"\n'
    (project / "otel-llmcost.toml").write_text(text)
    (sub / "program.py").write_text(CALL)
    shell = f"cd sub && exec {sys.executable} program.py"
    with DemoProvider() as provider:
        environ |= {"OPENAI_BASE_URL": provider.openai_url, "OPENAI_API_KEY": "demo"}
        environ["OTEL_LLMCOST_HOSTS"] = f"127.0.0.1:{provider.port}=openai"
        environ["OTEL_LLMCOST_LEDGER"] = "kept"
        blocked = run("--", "sh", "-c", shell, environ=environ, cwd=project)
        (project / "otel-llmcost.toml").unlink()
        free = run("--", "sh", "-c", shell, environ=environ, cwd=project)
    assert blocked.returncode == 1
    assert "BudgetExceeded: budget 'all'" in blocked.stderr
    assert "only in the environment, or in a file that you named" in blocked.stderr
    assert (free.stdout, free.returncode) == ("1500\n", 0)
    assert "1 call, $0.0009" in free.stderr
    assert (project / "kept" / "ledger.sqlite3").is_file()
    assert list(sub.iterdir()) == [sub / "program.py"]


def test_paths_are_handed_on_whole_and_what_is_no_path_as_it_is(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    told = {
        "OTEL_LLMCOST_LEDGER": "off",
        "OTEL_LLMCOST_CONFIG": "my.toml",
        "OTEL_LLMCOST_PRICES": "a.toml, /b.toml",
        "OTEL_LLMCOST_PRICES_DIR": "",
    }
    assert environment_for_any_directory(told) == told | {
        "OTEL_LLMCOST_CONFIG": f"{tmp_path}/my.toml",
        "OTEL_LLMCOST_PRICES": f"{tmp_path}/a.toml,/b.toml",
    }


def test_with_a_settings_file_that_cannot_be_read_there_is_a_summary_all_the_same(environ, tmp_path):
    (tmp_path / "otel-llmcost.toml").write_text("[budgets.all")
    with DemoProvider() as provider:
        environ |= {"OPENAI_BASE_URL": provider.openai_url, "OPENAI_API_KEY": "demo"}
        environ["OTEL_LLMCOST_HOSTS"] = f"127.0.0.1:{provider.port}=openai"
        ended = run("--", sys.executable, "-c", CALL, environ=environ, cwd=tmp_path)
    assert ended.stdout == "1500\n"
    assert ended.stderr.count("is not valid TOML") == 1
    assert "otel-llmcost: 1 call, $0.0009" in ended.stderr


def test_a_ledger_that_cannot_be_read_is_why_there_is_no_summary(environ, tmp_path):
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "ledger.sqlite3").write_bytes(b"not a database" * 100)
    ended = run("--", sys.executable, "-c", "print(1)", environ=environ)
    [line] = ended.stderr.splitlines()
    assert line.startswith("otel-llmcost: there is no summary: ")


STREAM = """
import openai
for chunk in openai.OpenAI().chat.completions.create(
    model="gpt-5-mini", messages=[{"role": "user", "content": "?"}], stream=True
):
    pass
"""


def test_a_stream_without_usage_names_the_remedy_and_a_gateway_that_counts_is_told(environ):
    with DemoProvider() as provider:
        environ |= {"OPENAI_BASE_URL": provider.openai_url, "OPENAI_API_KEY": "demo", "COLUMNS": "200"}
        environ["OTEL_LLMCOST_HOSTS"] = f"127.0.0.1:{provider.port}=openai"
        estimated = run("--", sys.executable, "-c", STREAM, environ=environ)
        asked = run(
            "--", sys.executable, "-c", STREAM, environ=environ | {"OTEL_LLMCOST_INCLUDE_USAGE": "true"}
        )
        environ["OTEL_LLMCOST_HOSTS"] = f"127.0.0.1:{provider.port}=delegated"
        delegated = run("--", sys.executable, "-c", CALL, environ=environ)
    remedy = 'remedy: stream_options={"include_usage": True}, or OTEL_LLMCOST_INCLUDE_USAGE=true'
    assert f"1x estimated: the stream carried no usage; {remedy}" in estimated.stderr
    assert "1 call, $0.0009, 1,500 tokens" in asked.stderr
    assert "estimated" not in asked.stderr
    assert "1 call, 1,500 tokens, 1 counted by the gateway that was called" in delegated.stderr
    assert "1 delegated" in delegated.stderr
    assert "1x delegated: this gateway is instrumented itself and counts the money" in delegated.stderr
