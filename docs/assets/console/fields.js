// The form of a request, made from the schema of its message: a label, an input and a sentence for each field.

const SAFE = Number.MAX_SAFE_INTEGER;

/** A schema with what it refers to put in place. */
export function resolve(document, schema) {
  const name = schema.$ref?.split("/").pop();
  const known = name ? { ...document.components.schemas[name], ...schema } : schema;
  return known.anyOf ? { ...resolve(document, known.anyOf[0]), ...known, type: resolve(document, known.anyOf[0]).type } : known;
}

/** The elements for one field; the input's name is the field's. */
export function field(name, schema, isRequired) {
  const row = document.createElement("div");
  row.className = "ne-field";
  const input = inputFor(schema);
  input.id = `ne-${name}`;
  input.name = name;
  if (isRequired) input.dataset.always = ""; // sent when it is empty too: the empty prompt is one
  input.setAttribute("aria-describedby", `${input.id}-help`);
  const label = document.createElement("label");
  label.htmlFor = input.id;
  label.textContent = name;
  const help = document.createElement("p");
  help.id = `${input.id}-help`;
  help.textContent = schema.description.replaceAll("`", "");
  row.append(label, input, help);
  return row;
}

/** What the form says, as the members of a request; empty inputs are left out, so that they have their defaults. */
export function members(form, schemas) {
  const found = {};
  for (const [name, schema] of Object.entries(schemas)) {
    const input = form.elements[name];
    if (!input || input.closest("[hidden]")) continue;
    if (input.value === "" && !("always" in input.dataset)) continue;
    found[name] = isNumber(schema) ? Number(input.value) : input.value;
  }
  return found;
}

function inputFor(schema) {
  if (schema.pattern && [].concat(schema.type).includes("boolean")) return choice(["", "True", "False"], schema.default);
  if (isNumber(schema)) return number(schema);
  const input = document.createElement(schema.maxLength ? "input" : "textarea");
  if (schema.maxLength) input.maxLength = schema.maxLength;
  input.value = schema.examples?.[0] ?? "";
  return input;
}

function number(schema) {
  const input = document.createElement("input");
  input.type = "number";
  input.step = schema.type === "integer" ? 1 : "any";
  if (schema.minimum >= -SAFE) input.min = schema.minimum;
  if (schema.maximum <= SAFE) input.max = schema.maximum;
  if (schema.default !== undefined) input.placeholder = schema.default;
  return input;
}

function choice(values, standard) {
  const select = document.createElement("select");
  for (const value of values) select.append(new Option(value || `${standard} (default)`, value));
  return select;
}

function isNumber(schema) {
  return schema.type === "number" || schema.type === "integer";
}
