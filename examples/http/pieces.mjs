// Shows a reply piece by piece: one key, again and again, until an empty reply.
import { randomBytes } from "node:crypto";

const HUB = process.env.NEUROENGINE_URL ?? "https://api.neuroengine.ai";
const NOT_READY = 17;

const request = { message: "What do tomatoes need?", temperature: 0, max_new_len: 12 };
const key = randomBytes(32).toString("hex");
const body = JSON.stringify({ ...request, key, gettokens: 4 });

while (true) {
  const response = await fetch(`${HUB}/Neuroengine-Large`, { method: "POST", body });
  const answer = await response.json();
  if (answer.errorcode === NOT_READY) continue; // no token yet: ask again
  if (answer.errorcode !== 0) throw new Error(answer.reply);
  if (answer.reply === "") break;
  console.log(JSON.stringify(answer.reply));
}
