// A request as a program: what to type to send it from a shell, from Python, from JavaScript.

export const LANGUAGES = { curl, Python: python, JavaScript: javascript };

function curl({ url, hasKey }, body) {
  const lines = [`curl ${url}`, `--data '${JSON.stringify(body).replaceAll("'", "'\\''")}'`];
  if (hasKey) lines.push('--header "Authorization: Bearer $NEUROENGINE_KEY"');
  return lines.join(" \\\n  ");
}

function python({ hub, service }, body) {
  const opened = `with Client(${JSON.stringify(service)}, url=${JSON.stringify(hub)}) as client:`;
  const { message, key, command, seq, ...rest } = body; // a stream's key and indexes are the library's own business
  if (command) return `from neuroengine import Client\n\n${opened}\n    print(client.models())`;
  const given = [JSON.stringify(message), ...Object.entries(rest).map(([name, value]) => `${name}=${literal(name, value)}`)];
  if (!key) return `from neuroengine import Client\n\n${opened}\n    print(client.generate(${given.join(", ")}).text)`;
  return [
    "from neuroengine import Client",
    "",
    opened,
    `    for piece in client.stream(${given.join(", ")}):`,
    '        print(piece, end="", flush=True)',
  ].join("\n");
}

function javascript({ url, hasKey }, body) {
  const headers = hasKey ? "\n  headers: { Authorization: `Bearer ${process.env.NEUROENGINE_KEY}` }," : "";
  return [
    `const response = await fetch(${JSON.stringify(url)}, {`,
    `  method: "POST",${headers}`,
    `  body: JSON.stringify(${JSON.stringify(body)}),`,
    "});",
    "console.log(await response.json());",
  ].join("\n");
}

function literal(name, value) {
  return name === "raw" ? value : JSON.stringify(value);
}
