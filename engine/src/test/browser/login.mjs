// See bin/test/page. A cluster without plaintext: the links of fleetctl ui, in a browser that knows its engine's key.
import { execFileSync } from "node:child_process";
import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import assert from "node:assert/strict";
import { begin, complaints, end, evaluate, send, text, until } from "./browser.mjs";

const [root, work, portBase] = process.argv.slice(2);
const url = `https://127.0.0.1:${Number(portBase) + 1}/`;
const cluster = join(work, "login");
const fleetctl = (...args) =>
  execFileSync(join(root, "bin/fleetctl"), ["--endpoint", `127.0.0.1:${Number(portBase) + 101}`, ...args], { cwd: work, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
const link = () => fleetctl("ui", "--print").trim();
const go = async where => {
  // Another document, as from a link in a mail: what is behind the # alone would be no navigation.
  await send("Page.navigate", { url: "about:blank" });
  await send("Page.navigate", { url: where });
  await until("the page's document", `location.protocol === "https:" && document.readyState === "complete" && document.querySelector("main h1") !== null`);
};
const cookies = async () => (await send("Network.getCookies", { urls: [url] })).cookies;
const connection = `document.getElementById("connection").textContent`;

try {
  const key = new X509Certificate(readFileSync(join(cluster, "certificates/engine-e1.pem"))).publicKey.export({ type: "spki", format: "der" });
  await begin(work, `--ignore-certificate-errors-spki-list=${createHash("sha256").update(key).digest("base64")}`);

  await go(url);
  await until("that a stranger is told how to log in", `${text("fleetctl ui")} && ${connection} === "not logged in"`);
  assert.equal(await evaluate(`fetch("/fleet/v1/units").then(answer => answer.status)`), 401, "a stranger reads nothing");
  await go(`${url}#/login/${"0".repeat(32)}`);
  await until("that a link of nobody's logs nobody in", text("this link is none of this engine's, or is older than 5 minutes: make another one with fleetctl ui"));
  assert.deepEqual(await cookies(), []);

  const first = link();
  assert.match(first, /^https:.*#\/login\/[0-9a-f]{32}$/);
  await go(first);
  await until("machines, for who has a link", `${text("present")} && ${connection}.includes("e1")`);
  assert.equal(await evaluate("location.hash"), "#/machines", "the secret is out of the address");
  const [cookie] = await cookies();
  assert.ok(cookie.httpOnly && cookie.secure && cookie.sameSite === "Strict" && cookie.path === "/" && cookie.name.startsWith("__Host-"), JSON.stringify(cookie));
  assert.equal(await evaluate("document.cookie"), "", "scripts don't see the session");
  fleetctl("start", "one.service");
  await go(`${url}#/unit/one.service`);
  await until("the session, in another document, and a unit", `${text("running")} && ${text("ExecStart=")}`);
  await evaluate(`[...document.querySelectorAll("main button")].find(b => b.textContent === "Stop").click()`);
  await until("a question", `document.querySelector("dialog").open`);
  await evaluate(`document.querySelector("dialog button[value=yes]").click()`);
  await until("the unit, stopped by who made the link", `document.querySelector(".events").innerText.includes("to be loaded, by user/")`);

  await go(first);
  await until("that the browser whose link it was may follow it again", text("present"));
  await evaluate(`[...document.querySelectorAll("button")].find(b => b.textContent.trim() === "Log out").click()`);
  await until("that it is logged out", `${connection} === "not logged in"`);
  await go(first);
  await until("that a link works once", text("this link has been used already"));

  await go(link());
  await until("another link's machines", text("present"));
  execFileSync(join(root, "bin/fleet"), ["restart", "--dir", cluster, "e1"], { stdio: "ignore" });
  await until("after a restart of the engine, that one has to log in again", `${connection} === "not logged in" && ${text("fleetctl ui")}`);
  await go(link());
  await until("machines again", text("present"));
  // What the browser itself says of answers 401 and 503, and of an engine that is being restarted, is no complaint of the page.
  assert.deepEqual(complaints.filter(each => !/status of (401|503)|net::ERR_/.test(each)), []);
  console.log("links log in as they should");
} finally {
  end();
}
