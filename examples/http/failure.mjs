// Tells an error from a reply: by errorcode, whatever the HTTP status is.
const HUB = process.env.NEUROENGINE_URL ?? "https://api.neuroengine.ai";

const body = JSON.stringify({ message: "Hello!" });
const response = await fetch(`${HUB}/No-Such-Service`, { method: "POST", body });
const { reply, errorcode } = await response.json();
console.log(errorcode === 0 ? reply : `Error ${errorcode}: ${reply}`);
