// Scripts a running mock hub: ADMIN is where its admin API is.
const { NEUROENGINE_URL: HUB, ADMIN } = process.env;

const json = async (url, options) => (await fetch(url, options)).json();
const post = (url, body) => json(url, {
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: body && JSON.stringify(body),
});

const rule = { name: "greeting", when: { message: "Hello" }, then: "Hi!" };
const added = await post(`${ADMIN}/rules`, rule);
console.log("added:", added.rules[0].criteria);

const answer = await post(`${HUB}/Neuroengine-Large`, { message: "Hello" });
console.log("the hub says:", answer.reply);

for (const entry of (await json(`${ADMIN}/journal?message=Hello`)).entries) {
  console.log(`in the journal: ${entry.service}, rule ${entry.rule}`);
}

console.log("rules after the reset:", (await post(`${ADMIN}/reset`)).rules);
