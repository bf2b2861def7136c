// What OpenAI's client for Node reads from the server at the address that is given; prints it as JSON.
import fs from "node:fs";
import OpenAI, { toFile } from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
const model = "scripted";
const user = { role: "user", content: "draw a house" };
const urls = (message) => (message.images ?? []).map((image) => image.image_url.url);
const page = () => toFile(fs.createReadStream("page.png"), "page.png", { type: "image/png" });

const whole = (await client.chat.completions.create({ model, messages: [user] })).choices[0].message;
const streamed = { content: "", images: [] };
const stream = { model, messages: [user], stream: true, stream_options: { include_usage: true } };
for await (const chunk of await client.chat.completions.create(stream)) {
  const delta = chunk.choices[0]?.delta ?? {};
  streamed.content += delta.content ?? "";
  streamed.images.push(...urls(delta));
}
const helper = await client.chat.completions.stream({ model, messages: [user] }).finalMessage();
const again = await client.chat.completions.create({ model, messages: [user, whole, user], stop: null, n: 1 });
const generated = await client.images.generate({
  model, prompt: "a house", n: 2, size: "auto", quality: "auto", background: "auto", output_format: "webp",
});
const events = [];
for await (const event of await client.images.generate({ model, prompt: "a house", stream: true, partial_images: 1 })) {
  events.push(event.type);
}
const edited = await client.images.edit({ model, image: [await page()], prompt: "make it blue" });
let refused;
try {
  await client.images.edit({ model, image: [await page(), await page()], prompt: "make it blue" });
} catch (error) {
  refused = [error.status, error.code, error.param];
}
const models = [];
for await (const listed of client.models.list()) models.push(listed.id);
console.log(JSON.stringify({
  whole: { content: whole.content, images: urls(whole) },
  streamed,
  helper: { content: helper.content, images: urls(helper) },
  again: again.choices[0].message.content,
  generated: [generated.data.length, generated.output_format],
  events, edited: edited.data.length, refused, models,
}));
