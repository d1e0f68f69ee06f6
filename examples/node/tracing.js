// OpenTelemetry's own instrumentation of npm openai; nothing of otel-llmcost runs in this process.
// Spans go to OTEL_EXPORTER_OTLP_ENDPOINT (a collector with pricing.yaml), by default http://localhost:4318.
"use strict";

const { NodeSDK } = require("@opentelemetry/sdk-node");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-proto");
const { OpenAIInstrumentation } = require("@opentelemetry/instrumentation-openai");

// Only spans are exported: the collector makes the counters.
process.env.OTEL_METRICS_EXPORTER ??= "none";
process.env.OTEL_LOGS_EXPORTER ??= "none";

const sdk = new NodeSDK({
  traceExporter: new OTLPTraceExporter(),
  instrumentations: [new OpenAIInstrumentation()],
});
sdk.start();

process.once("beforeExit", () => sdk.shutdown());
