FROM python:3.11-slim
COPY pyproject.toml README.md LICENSE NOTICE /src/
COPY src /src/src
RUN pip install --no-cache-dir "/src[demo]"
CMD ["otel-llmcost", "demo", "--export"]
