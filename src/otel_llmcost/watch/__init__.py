"""Watching: the engine that wraps SDKs, observes their calls and undoes itself; one declaration per SDK."""
