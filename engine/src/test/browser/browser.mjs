// Headless Chromium, driven over its pipe: messages of JSON that end with a zero byte.
import { spawn } from "node:child_process";
import { join } from "node:path";
import assert from "node:assert/strict";

export const DEADLINE_MS = 60_000;
const waiting = new Map();
/** What the browser has complained of. */
export const complaints = [];
let browser;
let buffer = "";
let serial = 0;
let session;

function heard(message) {
  if (message.id) {
    const { resolve, reject } = waiting.get(message.id);
    waiting.delete(message.id);
    message.error ? reject(new Error(message.error.message)) : resolve(message.result);
  } else if (message.method === "Runtime.exceptionThrown") {
    complaints.push(message.params.exceptionDetails.exception?.description || message.params.exceptionDetails.text);
  } else if (message.method === "Runtime.consoleAPICalled" && ["error", "warning"].includes(message.params.type)) {
    complaints.push(message.params.args.map(each => each.value || each.description).join(" "));
  } else if (message.method === "Log.entryAdded" && message.params.entry.level === "error") {
    complaints.push(`${message.params.entry.text} ${message.params.entry.url || ""}`);
  } else if (message.method === "Audits.issueAdded" && message.params.issue.code === "ContentSecurityPolicyIssue") {
    complaints.push(`policy: ${JSON.stringify(message.params.issue.details)}`);
  }
}

export const send = (method, params = {}) =>
  new Promise((resolve, reject) => {
    waiting.set(++serial, { resolve, reject });
    browser.stdio[3].write(`${JSON.stringify({ id: serial, method, params, ...(session ? { sessionId: session } : {}) })}\0`);
  });

/** Starts it, with a profile in a directory of the test's. */
export async function begin(work, ...flags) {
  browser = spawn("chromium", ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
    `--user-data-dir=${join(work, "profile")}`, "--remote-debugging-pipe", ...flags, "about:blank"], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
  browser.stdio[4].setEncoding("utf8").on("data", text => {
    buffer += text;
    for (let end = buffer.indexOf("\0"); end >= 0; end = buffer.indexOf("\0")) {
      const message = JSON.parse(buffer.slice(0, end));
      buffer = buffer.slice(end + 1);
      heard(message);
    }
  });
  const { targetInfos } = await send("Target.getTargets");
  session = (await send("Target.attachToTarget", { targetId: targetInfos.find(each => each.type === "page").targetId, flatten: true })).sessionId;
  for (const domain of ["Page", "Runtime", "Log", "Audits"]) {
    await send(`${domain}.enable`);
  }
}

export const end = () => browser?.kill();

export async function evaluate(expression) {
  const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  assert.ok(!exceptionDetails, `${expression}: ${exceptionDetails?.exception?.description}`);
  return result.value;
}

/** Waits until the page is so. */
export async function until(what, expression) {
  const end = Date.now() + DEADLINE_MS;
  while (!(await evaluate(expression))) {
    if (Date.now() > end) {
      throw new Error(`not seen within ${DEADLINE_MS / 1000} s: ${what}\n${complaints.join("\n")}\n${await evaluate("document.body.innerText")}`);
    }
    await new Promise(over => setTimeout(over, 100));
  }
  console.log(`seen: ${what}`);
}

/** That the view shows these words. */
export const text = words => `document.querySelector("main").innerText.includes(${JSON.stringify(words)})`;
