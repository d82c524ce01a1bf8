// Recomputes a decision on a thread of its own, so that the page never waits for it. The rules are the same WASM that
// the page runs; this file only fetches, and passes questions and answers on.
import init, { Explainer } from "/pkg/frontend.js";

const ready = init({ module_or_path: "/pkg/frontend_bg.wasm" });
let explainer = null;

/** The bytes at `url`, telling how many of them are here. */
async function fetched(url, what, tell) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`The server answered ${answer.status} for ${what}.`);
  const total = Number(answer.headers.get("content-length")) || 0;
  const parts = [];
  let length = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    length += value.length;
    tell({ stage: `Fetching ${what}`, done: length, of: total });
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const tasks = {
  /** Fetches what the decision rests on and reads it. */
  async open({ record, model, background }, tell) {
    const recordBytes = await fetched(record, "the record", tell);
    const modelBytes = model ? await fetched(model, "the model", tell) : null;
    const backgroundBytes = background ? await fetched(background, "the background", tell) : null;
    tell({ stage: "Reading the model", done: 0, of: 0 });
    await ready;
    const started = performance.now();
    explainer?.free();
    explainer = null;
    explainer = new Explainer(recordBytes, modelBytes, backgroundBytes);
    return { modelBytes: modelBytes?.length ?? null, readMs: performance.now() - started };
  },
  /** Computes every number of the record again and compares. */
  async verify({ digest, chainId, registry, carried }, tell) {
    tell({ stage: "Computing", done: 0, of: 0 });
    const started = performance.now();
    const found = JSON.parse(explainer.verify(digest, chainId, registry, JSON.stringify(carried)));
    return { ...found, tookMs: performance.now() - started };
  },
  /** What the model and the rule would say to other inputs. */
  async whatIf({ values }) {
    return JSON.parse(explainer.what_if(JSON.stringify(values)));
  },
};

onmessage = async ({ data: { id, task, body } }) => {
  try {
    const done = await tasks[task](body, (progress) => postMessage(JSON.stringify({ id, progress })));
    postMessage(JSON.stringify({ id, done }));
  } catch (error) {
    postMessage(JSON.stringify({ id, failed: String(error?.message ?? error) }));
  }
};
