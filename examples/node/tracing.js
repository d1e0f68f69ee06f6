// OpenTelemetry's own instrumentation of npm openai; nothing of otel-llmcost runs in this process.
// Where spans go: OTEL_EXPORTER_OTLP_ENDPOINT (a collector with pricing.yaml), default http://localhost:4318.
"use strict";

const { NodeSDK } = require("@opentelemetry/sdk-node");
const { OTLPTraceExporter } = require("@opentelemetry/exporter-trace-otlp-proto");
const { OpenAIInstrumentation } = require("@opentelemetry/instrumentation-openai");

// Only spans: the counters are the collector's work.
process.env.OTEL_METRICS_EXPORTER ??= "none";
process.env.OTEL_LOGS_EXPORTER ??= "none";

const sdk = new NodeSDK({
  traceExporter: new OTLPTraceExporter(),
  instrumentations: [new OpenAIInstrumentation()],
});
sdk.start();

process.once("beforeExit", () => sdk.shutdown());
