// Prints what the official Node library can make, a document a line: every element below every other that takes it,
// every attribute with every sample and every word that its type names, and one story in several verbs. An attribute
// without a sample is an error, so that a newer library does not bring more than is looked at.
// Usage: make.mjs SAMPLES FOLDER, where FOLDER holds node_modules.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const [samplesFile, folder] = process.argv.slice(2);
const samples = JSON.parse(readFileSync(samplesFile, "utf8"));
const library = createRequire(join(resolve(folder), "package.json"));
const VoiceResponse = library("twilio/lib/twiml/VoiceResponse");
const declared = readFileSync(library.resolve("twilio/lib/twiml/VoiceResponse").replace(/js$/, "d.ts"), "utf8");

const types = new Map();
for (const [, name, words] of declared.matchAll(/^ {4}type (\w+) = ([^;]+);/gm)) {
  types.set(name, [...words.matchAll(/"([^"]*)"/g)].map(([, word]) => word));
}
const attributes = new Map();
for (const [, name, fields] of declared.matchAll(/^ {4}export interface (\w+) \{\n([\s\S]*?)\n {4}\}/gm)) {
  const read = [...fields.matchAll(/^ {8}"?([\w:-]+)"?\??: ([^;]+);/gm)];
  attributes.set(name, read.map(([, key, type]) => [key, type]));
}
const methods = new Map();
for (const [, name, body] of declared.matchAll(/^(?: {4}export | *declare )class (\w+) extends TwiML \{\n([\s\S]*?)\n(?: {4})?\}/gm)) {
  const own = new Map();
  for (const [, method, parameters] of body.matchAll(/^\s+(\w+)\((.*)\): VoiceResponse\.\w+;/gm)) {
    const taken = parameters.match(/^attributes\??: (?:VoiceResponse\.)?(\w+)(?:, (\w+)(\??):)?/);
    if (taken) {
      own.set(method, { attributes: attributes.get(taken[1]) ?? [], hasText: !!taken[2], needsText: !!taken[2] && !taken[3] });
    }
  }
  methods.set(name, own);
}

const missing = new Set();
const seen = new Set();
const open = [[[], []]];

/** A document with one element inside another, and the innermost. */
function build(path) {
  const document = new VoiceResponse();
  let node = document;
  for (const [method, given, text] of path) {
    node = text === undefined ? node[method](given) : node[method](given, text);
  }
  return [document, node];
}

function sample(kind, ...keys) {
  const key = keys.find((key) => key in samples[kind]);
  if (key === undefined) missing.add(`${kind}: ${keys[0]}`);
  return key === undefined ? [] : samples[kind][key];
}

/** Every word that the type of an attribute names, alone and where it is a list together; else the samples. */
function values(element, key, type) {
  const words = types.get(type.replace("[]", ""));
  if (!words) return sample("values", `${element}.${key}`, key);
  return type.endsWith("[]") ? [...words, words] : words;
}

function tell(path, names, attribute, value, beside = null) {
  const [document] = build(path);
  console.log(JSON.stringify({ path: names.join("/"), attribute, value, beside, xml: document.toString() }));
}

function visit(path, names) {
  const [, parent] = build(path);
  for (const [method, taken] of methods.get(parent.constructor.name)) {
    const needed = [...path, [method, {}, taken.needsText ? "x" : undefined]];
    const [, node] = build(needed);
    const element = node._getXml().name;
    const text = taken.hasText ? sample("content", element) : undefined;
    const here = [...names, element];
    tell([...path, [method, {}, text]], here, null, null);
    const every = {};
    const given = new Map();
    for (const [key, type] of taken.attributes) {
      for (const value of values(element, key, type)) {
        every[key] ??= value;
        given.set(key, [...(given.get(key) ?? []), value]);
        tell([...path, [method, { [key]: value }, text]], here, key, value);
      }
    }
    tell([...path, [method, every, text]], here, "*", null);
    for (const [key, companion] of Object.entries(samples.beside)) {
      for (const value of given.has(companion) ? (given.get(key) ?? []) : []) {
        const both = { [companion]: given.get(companion)[0], [key]: value };
        tell([...path, [method, both, text]], here, key, value, companion);
      }
    }
    const edge = `${parent.constructor.name} ${node.constructor.name}`;
    if (!seen.has(edge)) {
      seen.add(edge);
      const within = samples.parentsWithoutContent.includes(element) ? needed : [...path, [method, {}, text]];
      open.push([within, here]);
    }
  }
}

function story() {
  const document = new VoiceResponse();
  document.pause({ length: 2 });
  document.play({ digits: "ww12#" });
  const gather = document.gather({ action: "/menu?a=1&b=2", method: "GET", timeout: 7, finishOnKey: "", numDigits: 4 });
  gather.say({ voice: "Polly.Vicki", language: "de-DE", loop: 2 }, "Für Deutsch <drücken> Sie die 1 & warten");
  gather.pause();
  gather.play("https://example.com/a.wav?x=1&y=2");
  document.record({
    action: "", timeout: 0, finishOnKey: "#*", maxLength: 30, playBeep: false, trim: "do-not-trim",
    recordingStatusCallback: "/recording", recordingStatusCallbackEvent: ["in-progress", "completed"],
  });
  const dial = document.dial({
    action: "/after", timeout: 20, hangupOnStar: true, record: "record-from-ringing-dual", sequential: true,
  });
  dial.number({
    sendDigits: "w1", url: "/screen", statusCallback: "/status", statusCallbackEvent: ["initiated", "answered"],
    statusCallbackMethod: "GET",
  }, "+15551234567");
  dial.client("alice");
  dial.sip({ username: "u", password: "p" }, "sip:kate@example.com;transport=tcp?X-Id=a%20b&User-to-User=1");
  document.reject({ reason: "busy" });
  document.redirect({ method: "GET" }, "/again");
  document.hangup();
  console.log(JSON.stringify({ path: "", attribute: "story", value: null, beside: null, xml: document.toString() }));
}

for (const place of open) visit(...place);
story();
if (missing.size > 0) {
  console.error(["no sample for", ...[...missing].sort()].join("\n"));
  process.exitCode = 1;
}
