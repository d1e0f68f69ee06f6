// Records the spans of JavaScript instrumentations as JSON, against the loopback server of serve.py.
// In a folder of its own with the packages installed by npm:
//   node record_javascript.mjs vercel_ai URL > recorded/vercel_ai.json      (ai, @ai-sdk/openai, @ai-sdk/anthropic)
//   node record_javascript.mjs opentelemetry_js URL > recorded/opentelemetry_js.json
//                                                    (openai, @opentelemetry/instrumentation-openai)
import { createRequire } from "node:module";
import { InMemorySpanExporter, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { NodeTracerProvider } from "@opentelemetry/sdk-trace-node";

const [, , name, url] = process.argv;
const require = createRequire(import.meta.url);
const exporter = new InMemorySpanExporter();
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();

async function vercel() {
  const { embed, generateText, streamText } = await import("ai");
  const { createOpenAI } = await import("@ai-sdk/openai");
  const { createAnthropic } = await import("@ai-sdk/anthropic");
  const openai = createOpenAI({ apiKey: "k", baseURL: `${url}/v1` });
  const anthropic = createAnthropic({ apiKey: "k", baseURL: `${url}/v1` });
  const told = { prompt: "hi", experimental_telemetry: { isEnabled: true }, maxRetries: 0 };
  await generateText({ model: openai.chat("gpt-5"), ...told });
  await streamText({ model: openai.chat("gpt-5"), ...told }).text;
  await generateText({ model: openai.responses("gpt-5"), ...told });
  await generateText({ model: anthropic("claude-sonnet-4-5"), ...told });
  await streamText({ model: anthropic("claude-sonnet-4-5"), ...told }).text;
  const model = openai.embedding("text-embedding-3-small");
  await embed({ model, value: "hi", experimental_telemetry: { isEnabled: true }, maxRetries: 0 });
  return ["ai", "@ai-sdk/openai", "@ai-sdk/anthropic"];
}

async function opentelemetry() {
  const { registerInstrumentations } = await import("@opentelemetry/instrumentation");
  const { OpenAIInstrumentation } = await import("@opentelemetry/instrumentation-openai");
  registerInstrumentations({ instrumentations: [new OpenAIInstrumentation()], tracerProvider: provider });
  const OpenAI = require("openai");
  const client = new OpenAI.OpenAI({ apiKey: "k", baseURL: `${url}/v1`, maxRetries: 0 });
  const asked = { model: "gpt-5", messages: [{ role: "user", content: "hi" }] };
  await client.chat.completions.create({ ...asked, service_tier: "flex" });
  const stream = await client.chat.completions.create({ ...asked, stream: true, stream_options: { include_usage: true } });
  for await (const _ of stream);
  await client.embeddings.create({ model: "text-embedding-3-small", input: "hi", encoding_format: "float" });
  return ["@opentelemetry/instrumentation-openai", "openai"];
}

const packages = await { vercel_ai: vercel, opentelemetry_js: opentelemetry }[name]();
await provider.forceFlush();
const kinds = ["internal", "server", "client", "producer", "consumer"];
const { readFileSync } = await import("node:fs");
const version = (p) => JSON.parse(readFileSync(`node_modules/${p}/package.json`)).version;
console.log(
  JSON.stringify(
    {
      packages: Object.fromEntries(packages.map((p) => [p, version(p)])),
      spans: exporter.getFinishedSpans().map((span) => ({
        name: span.name,
        kind: kinds[span.kind],
        scope: span.instrumentationScope.name,
        scope_version: span.instrumentationScope.version ?? "",
        attributes: span.attributes,
      })),
    },
    null,
    1,
  ),
);
