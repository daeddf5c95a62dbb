// See bin/test/page.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import assert from "node:assert/strict";
import { begin, complaints, DEADLINE_MS, end as endBrowser, evaluate, send, text, until } from "./browser.mjs";

const [root, work, portBase, axeFile] = process.argv.slice(2);
const shots = process.env.PAGE_SHOTS;
const MANY = 100_000;
const cluster = join(work, "cluster");
const base = engine => `http://127.0.0.1:${Number(portBase) + Number(engine.slice(1))}`;
const machines = () => JSON.parse(execFileSync(join(root, "bin/fleet"), ["status", "--json", "--dir", cluster], { encoding: "utf8" }));

async function look(url, hash) {
  await send("Page.navigate", { url: `${url}/#/${hash}` });
  await until(`${hash} at ${url}`, `document.readyState === "complete" && document.querySelector("main h1") !== null && location.href === ${JSON.stringify(`${url}/#/${hash}`)}`);
}

const axe = readFileSync(axeFile, "utf8");

/** Holds what is shown, light and dark, against what axe knows of accessibility. */
async function accessible(name) {
  await evaluate(`${axe}; true`);
  for (const scheme of ["light", "dark"]) {
    await send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    const found = JSON.parse(await evaluate(`axe.run(document, { resultTypes: ["violations"] }).then(result =>
      JSON.stringify({ passes: result.passes.length, violations: result.violations.map(each =>
        each.id + ": " + each.help + ": " + each.nodes.map(node => node.html.slice(0, 200)).join(" | ")) }))`));
    assert.ok(found.passes > 10, `axe looked at ${name}`);
    assert.deepEqual(found.violations, [], `axe, ${name}, ${scheme}`);
  }
  await send("Emulation.setEmulatedMedia", { features: [] });
  console.log(`axe: no violations in ${name}, light and dark`);
}

async function shoot(name) {
  await accessible(name);
  if (!shots) {
    return;
  }
  mkdirSync(shots, { recursive: true });
  for (const [kind, width, height, mobile, scheme] of [["light", 1100, 620, false, "light"], ["dark", 1100, 620, false, "dark"], ["phone", 400, 780, true, "light"]]) {
    await send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile });
    await send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
    assert.ok(await evaluate("document.documentElement.scrollWidth <= innerWidth"), `${name} is too wide for ${kind}`);
    writeFileSync(join(shots, `page-${name}-${kind}.png`), Buffer.from((await send("Page.captureScreenshot", { format: "png" })).data, "base64"));
  }
  await send("Emulation.clearDeviceMetricsOverride");
}

// --- What is looked at

async function put(engine, name, document) {
  const answer = await fetch(`${base(engine)}/fleet/v1/units/${name}`, { method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(document) });
  assert.ok(answer.ok, `${name}: ${await (answer.ok ? "" : answer.text())}`);
}

const unit = (more = []) => ({
  desiredState: "launched",
  options: [{ section: "Service", name: "ExecStart", value: "/usr/bin/sleep infinity" }, ...more],
});

/** A rolling change: it goes on before one's eyes, is paused, resumed, and taken back. */
async function rollsOut(engine) {
  const start = (seconds, ...more) => {
    writeFileSync(join(work, "roll@.service"), `[Service]\nExecStart=/usr/bin/sleep ${seconds}\n`);
    execFileSync(join(root, "bin/fleetctl"), ["--endpoint", `127.0.0.1:${Number(portBase) + 101}`, "start", ...more], { cwd: work, stdio: "ignore" });
  };
  start("infinity", ...[1, 2, 3, 4, 5, 6].map(i => `roll@${i}.service`));
  start("1000000", "--replace", "--max-unavailable=1", "--health-wait=5", "--no-block", "roll@*");
  await look(base(engine), "rollouts");
  const order = async (label, then) => {
    await evaluate(`[...document.querySelectorAll("main button")].find(b => b.textContent === ${JSON.stringify(label)}).click()`);
    await until(`a question before "${label}"`, `document.querySelector("dialog").open`);
    await evaluate(`document.querySelector("dialog button[value=yes]").click()`);
    await until(`the rollout, ${then}`, text(then));
  };
  await until("a rollout that runs", `${text("running")} && ${text("of 6")}`);
  await order("Pause", "paused");
  await shoot("rollouts");
  await order("Resume", "running");
  const before = await evaluate(`document.querySelector("progress").value`);
  await until("that it gets on by itself", `document.querySelector("progress")?.value > ${before}`);
  await order("Undo", "going back");
  await until("that it is taken back", text("rolled back"));
}

try {
  await begin(work);
  const leader = machines().find(each => each.leader);
  const others = machines().filter(each => each.role === "engine" && !each.leader);
  for (let i = 1; i <= 12; i++) {
    await put("e1", `web@${8000 + i}.service`, unit());
  }
  await put("e1", "backup.service", unit([{ section: "X-Fleet", name: "MachineMetadata", value: "disk=ssd" }]));

  await look(base(others[0].name), "machines");
  await until("three machines", `document.querySelectorAll("tbody tr").length === 3 && ${text("present")}`);
  await shoot("machines");

  // A question first; then it is drained, and takes units again.
  const row = `[...document.querySelectorAll("tbody tr")].find(r => r.innerText.includes(target))`;
  const order = async (label, then) => {
    await evaluate(`[...${row}.querySelectorAll("button")].find(b => b.textContent === ${JSON.stringify(label)}).click()`);
    await until(`a question before "${label}"`, `document.querySelector("dialog").open`);
    await evaluate(`document.querySelector("dialog button[value=yes]").click()`);
    await until(`the machine, ${then}`, `${row}?.innerText.includes(${JSON.stringify(then)})`);
  };
  await evaluate(`globalThis.target = document.querySelector("tbody tr td").innerText.trim(); true`);
  await order("Drain", "drained");
  await until("no unit on it", `${row}.querySelector("td.number").innerText.trim() === "0"`);
  await order("Uncordon", "present");
  await order("Cordon", "cordoned");
  await order("Uncordon", "present");

  await look(base(others[0].name), "units");
  await until("all units, running", `document.querySelectorAll("tbody tr").length === 13 && ${text("active/running")}`);
  await put("e1", "live.service", unit());
  await until("a unit that came after the page", text("live.service"));
  await shoot("units");
  await evaluate(`(() => { const s = document.querySelector("input[type=search]"); s.value = "web@800[1-3]*"; s.dispatchEvent(new Event("input")); })()`);
  await until("what a glob finds", `document.querySelectorAll("tbody tr").length === 3`);
  await look(base(others[0].name), "unit/backup.service");
  await until("why a unit is nowhere", `${text("disk=ssd")} && ${text("Why it is not where it should be")}`);
  await look(base(others[0].name), "unit/web%408001.service");
  await until("a unit's state and file", `${text("running")} && ${text("ExecStart=")}`);
  await until("its events", `document.querySelectorAll(".events li").length >= 2 && ${text("submitted")}`);
  await evaluate(`document.querySelector("details").open = true`);
  await until("its journal", `document.querySelector("pre[role=log]").textContent.trim() !== ""`);
  await shoot("unit");

  // A question first; no is no.
  const press = label => evaluate(`[...document.querySelectorAll("main button")].find(b => b.textContent === ${JSON.stringify(label)}).click()`);
  await press("Stop");
  await until("a question", `document.querySelector("dialog").open`);
  await evaluate(`document.querySelector("dialog button[value=no]").click()`);
  await until("the button again, after a no", `!document.querySelector("dialog").open && document.activeElement.textContent === "Stop"`);
  await press("Stop");
  await until("the question again", `document.querySelector("dialog").open`);
  await evaluate(`document.querySelector("dialog button[value=yes]").click()`);
  await until("the unit, stopped", text("dead"));
  await until("that it was stopped, among its events", `document.querySelector(".events").innerText.includes("to be loaded, by plaintext")`);

  await rollsOut(others[0].name);

  // Many units: a page of them at a time, each found at once.
  for (let from = 0; from < MANY; from += 5_000) {
    const names = Array.from({ length: 5_000 }, (_, i) => `many@${String(from + i).padStart(6, "0")}.service`);
    execFileSync(join(root, "bin/fleetctl"), ["--endpoint", `127.0.0.1:${Number(portBase) + 101}`, "submit", ...names], { cwd: work, stdio: "ignore" });
  }
  let began = Date.now();
  await look(base(others[0].name), "units");
  await until("the first of 100,000 units", `document.querySelectorAll("tbody tr").length === 200 && ${text("units so far")}`);
  console.log(`the first page of ${MANY} units took ${Date.now() - began} ms`);
  await evaluate(`[...document.querySelectorAll("main button")].find(b => b.textContent === "More").click()`);
  await until("two pages of them", `document.querySelectorAll("tbody tr").length === 400`);
  began = Date.now();
  await evaluate(`(() => { const s = document.querySelector("input[type=search]"); s.value = "many@099999*"; s.dispatchEvent(new Event("input")); })()`);
  await until("the last of them, by a glob", `document.querySelectorAll("tbody tr").length === 1 && ${text("many@099999.service")}`);
  console.log(`to find one took ${Date.now() - began} ms`);
  began = Date.now();
  await evaluate(`(() => { const s = document.querySelector("input[type=search]"); s.value = "live"; s.dispatchEvent(new Event("input")); })()`);
  await until("one among them by a part of its name", `document.querySelectorAll("tbody tr").length === 1 && ${text("live.service")}`);
  console.log(`to find one by a part of its name took ${Date.now() - began} ms`);

  await look(base(leader.name), "engines");
  await until("who leads, and how far the others are", `${text("leads")} && ${text("entries")} && ${text("MiB free of")}`);
  await shoot("engines");

  await look(base(others[0].name), "units");
  await until("the units again", text("live.service"));
  assert.deepEqual(complaints, [], "before the leader was killed");
  process.kill(leader.pid, "SIGKILL");
  const end = Date.now() + DEADLINE_MS;
  for (;;) {
    try {
      await put(others[1].name, "after.service", unit());
      break;
    } catch (failure) {
      if (Date.now() > end) {
        throw failure;
      }
    }
  }
  await until("a unit that came after the leader was killed", text("after.service"));
  await until("another leader", `!document.getElementById("connection").textContent.includes("leader ${leader.name}") && document.getElementById("connection").textContent.includes("leader e")`);
  // What the browser itself says of a question that was answered 503 is no complaint of the page.
  assert.deepEqual(complaints.filter(each => !/status of 503/.test(each)), []);
  console.log("the page does what it should");
} finally {
  endBrowser();
}
