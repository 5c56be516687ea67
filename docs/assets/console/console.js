// The console: a form made from the OpenAPI document, the same request as a program, and the hub's answer.

import { field, members, resolve } from "./fields.js";
import { Unreachable, polls, post } from "./hub.js";
import { LANGUAGES } from "./programs.js";

const STREAM_FIELDS = ["key", "gettokens"];
const OWN_FIELDS = ["seq"]; // counted by the console itself

class Console {
  constructor(root, openapi) {
    this.root = root;
    this.errors = root.dataset.errors;
    this.form = root.querySelector("form");
    this.answer = root.querySelector(".ne-answer");
    const request = openapi.components.schemas.GenerateRequest;
    this.schemas = {};
    for (const [name, schema] of Object.entries(request.properties)) {
      if (OWN_FIELDS.includes(name)) continue;
      this.schemas[name] = resolve(openapi, schema);
      const place = name === "message" ? ".ne-message" : STREAM_FIELDS.includes(name) ? ".ne-stream" : ".ne-sampling";
      root.querySelector(place).append(field(name, this.schemas[name], request.required.includes(name)));
    }
    this.form.elements.service.value = openapi.components.schemas.ServiceName.examples[0];
    this.form.elements.hub.value = new URLSearchParams(location.search).get("hub") ?? this.form.elements.hub.value;
    this.form.elements.key.value = freshKey();
    this.form.addEventListener("input", () => this.show());
    this.form.addEventListener("submit", (event) => this.send(event));
    root.querySelector(".ne-stop").addEventListener("click", () => this.running?.abort());
    root.querySelector(".ne-loopback").hidden = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
    this.show();
  }

  get kind() {
    return this.form.elements.kind.value;
  }

  get target() {
    const { hub, service, accessKey } = this.form.elements;
    const base = hub.value.replace(/\/+$/, "");
    const url = this.kind === "getmodels" ? `${base}/` : `${base}/${encodeURIComponent(service.value)}`;
    return { hub: base, service: service.value, url, accessKey: accessKey.value, hasKey: accessKey.value !== "" };
  }

  get body() {
    return this.kind === "getmodels" ? { command: "getmodels" } : members(this.form, this.schemas);
  }

  /** Shows the fields of the kind of request, and the request as programs. */
  show() {
    this.root.querySelector(".ne-generate").hidden = this.kind === "getmodels";
    this.root.querySelector(".ne-stream").hidden = this.kind !== "stream";
    for (const [language, program] of Object.entries(LANGUAGES)) {
      this.root.querySelector(`[data-language="${language}"] code`).textContent = program(this.target, this.body);
    }
  }

  async send(event) {
    event.preventDefault();
    this.running?.abort();
    this.running = new AbortController();
    this.answer.replaceChildren();
    this.root.dataset.state = "busy";
    try {
      if (this.kind === "stream") await this.poll(this.running.signal);
      else this.tell(await post(this.target, this.body, this.running.signal));
      this.root.dataset.state = "done";
    } catch (error) {
      this.root.dataset.state = "failed";
      this.trouble(error);
    }
  }

  async poll(signal) {
    const text = document.createElement("p");
    text.className = "ne-text";
    this.answer.append(text);
    for await (const result of polls(this.target, this.body, this.form.elements.bySeq.checked, signal)) {
      if (result.answer?.errorcode === 0) text.append(result.answer.reply);
      this.tell(result);
    }
    this.form.elements.key.value = freshKey(); // a key belongs to one stream
    this.show();
  }

  /** Adds one answer: its code, with the way to the page that explains it, and its JSON. */
  tell({ status, ms, text, answer }) {
    const line = document.createElement("p");
    line.className = "ne-line";
    line.append(`HTTP ${status}, ${ms} ms`);
    if (answer?.errorcode > 0) line.append(", ", this.explained(answer));
    const code = document.createElement("code");
    code.textContent = answer === null ? text : JSON.stringify(answer, null, 2);
    const block = document.createElement("pre");
    block.append(code);
    this.answer.append(line, block);
  }

  explained({ errorcode, error }) {
    if (!error) return `error ${errorcode}`;
    const link = document.createElement("a");
    link.href = `${this.errors}${error}/`;
    link.textContent = `error ${errorcode}: ${error}`;
    return link;
  }

  trouble(error) {
    const line = document.createElement("p");
    line.className = "ne-trouble";
    line.textContent =
      error instanceof Unreachable
        ? `No answer from ${this.target.url} that this page may read (${error.message}). Is the mock hub running, with --cors?`
        : error.name === "AbortError"
          ? "Stopped."
          : String(error);
    this.answer.append(line);
  }
}

/** 32 random bytes, as clients draw them. */
function freshKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(32)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const root = document.getElementById("ne-console");
const openapi = await (await fetch(root.dataset.openapi)).json();
root.hidden = false;
new Console(root, openapi);
