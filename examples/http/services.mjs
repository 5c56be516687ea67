// Lists the services that have a provider.
const HUB = process.env.NEUROENGINE_URL ?? "https://api.neuroengine.ai";

const body = JSON.stringify({ command: "getmodels" });
const response = await fetch(`${HUB}/`, { method: "POST", body });
for (const model of await response.json()) {
  if (model.connected) console.log(`${model.name}: ${model.comment}`);
}
