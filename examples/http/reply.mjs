// Asks for a whole reply.
const HUB = process.env.NEUROENGINE_URL ?? "https://api.neuroengine.ai";

const request = { message: "What do tomatoes need?", temperature: 0, max_new_len: 12 };
const body = JSON.stringify(request);
const response = await fetch(`${HUB}/Neuroengine-Large`, { method: "POST", body });
const answer = await response.json();
console.log(answer.reply);
