// Three ordinary calls. The SDK itself reads OPENAI_BASE_URL and OPENAI_API_KEY.
"use strict";

const OpenAI = require("openai");

async function main() {
  const client = new OpenAI();
  const messages = [{ role: "user", content: "Why is the sky blue?" }];
  for (const model of ["gpt-4o-mini", "gpt-5"]) {
    const answer = await client.chat.completions.create({ model, messages });
    console.log(`${answer.model}: ${answer.usage.total_tokens} tokens`);
  }
  await client.embeddings.create({ model: "text-embedding-3-small", input: ["a", "b"] });
}

main();
