// Asks a service that wants an access key.
const HUB = process.env.NEUROENGINE_URL ?? "https://api.neuroengine.ai";

const request = { message: "What do tomatoes need?", temperature: 0, max_new_len: 12 };
const response = await fetch(`${HUB}/Members-Only`, {
  method: "POST",
  headers: { Authorization: `Bearer ${process.env.NEUROENGINE_KEY}` },
  body: JSON.stringify(request),
});
const answer = await response.json();
console.log(answer.reply);
