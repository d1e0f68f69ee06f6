# Found first on PYTHONPATH by every interpreter that `otel-llmcost run` starts, and by those started there.
# It may meet any version of Python, with or without this package: plain syntax, no exception of its own.
# mypy: ignore-errors
# ruff: noqa: PTH100, PTH120, I001
import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_MISSING = (
    "otel-llmcost run: {0} lacks the package, its LLM calls are not seen; "
    "remedy: {0} -m pip install otel-llmcost\n"
)


def _without_us(paths):
    return [path for path in paths if not path or os.path.abspath(path) != _HERE]


def _instrument():
    # Programs that our own start-up might run must not start us again.
    inherited = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join(_without_us(inherited.split(os.pathsep)))
    try:
        import otel_llmcost  # noqa: F401
        from opentelemetry.instrumentation.auto_instrumentation import initialize

        initialize()
    except (ImportError, SyntaxError):
        sys.stderr.write(_MISSING.format(sys.executable))
    finally:
        os.environ["PYTHONPATH"] = inherited


def _run_the_next_sitecustomize():
    # One that the machine or the user has would otherwise be hidden by this file.
    sys.path[:] = _without_us(sys.path)
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # noqa: F401
    except ImportError:
        if ours is not None:
            sys.modules["sitecustomize"] = ours


_instrument()
_run_the_next_sitecustomize()
