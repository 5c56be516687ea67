// Tells an error from a reply: by errorcode, whatever the HTTP status is.
const HUB = process.env.NEUROENGINE_URL ?? "https://api.neuroengine.ai";

const response = await fetch(`${HUB}/No-Such-Service`, { method: "POST", body: JSON.stringify({ message: "Hello!" }) });
const answer = await response.json();
console.log(answer.errorcode === 0 ? answer.reply : `Error ${answer.errorcode}: ${answer.reply}`);
