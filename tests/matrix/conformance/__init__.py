"""The conformance suite of the watching engine: every way of calling an SDK, with and without us.

It needs no test runner, so that an environment with any SDK version can run it:
`python -m tests.matrix.conformance --sdk openai --json results.json`.
"""
