"""Serves record.py's bodies on a loopback port for programs in other languages: prints the URL, stops with its input.

python tests/spans/serve.py
"""

from __future__ import annotations

import sys
import threading
from http.server import ThreadingHTTPServer

from record import Handler

if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    sys.stdin.read()
    server.shutdown()
