// A hub, as a page talks to it: one POST, or the polls of a stream.

export class Unreachable extends Error {}

/** Posts a request; returns the HTTP status, the milliseconds it took, and the answer as text and as JSON. */
export async function post({ url, accessKey }, body, signal) {
  const headers = { "Content-Type": "application/json" };
  if (accessKey) headers.Authorization = `Bearer ${accessKey}`;
  const start = performance.now();
  let response;
  try {
    response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable(error.message);
  }
  const text = await response.text();
  return { status: response.status, ms: Math.round(performance.now() - start), text, answer: parsed(text) };
}

/** Polls a stream until its end, and gives each answer; with `bySeq` every piece is asked for by its index. */
export async function* polls(target, body, bySeq, signal) {
  for (let seq = 0; ; ) {
    const result = await post(target, bySeq ? { ...body, seq } : body, signal);
    yield result;
    const code = result.answer?.errorcode;
    if (code === NOT_READY) continue;
    if (code !== 0 || result.answer.reply === "") return;
    seq += 1;
  }
}

const NOT_READY = 17;

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
