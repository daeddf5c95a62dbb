// The page of an engine. Shows what the engine answers, as text and never as HTML; asks before it changes anything. No library, no build:
// this file is what is served.

const view = document.getElementById("view");
const connection = document.getElementById("connection");
const said = document.getElementById("said");
const logout = document.getElementById("logout");
const WAIT_AFTER_FAILURE_MS = 1000;
const QUESTION_MS = 20000;
const MOST_FRESH = 100;
/** Of a question's names, in characters: an engine takes a request line of 8 KiB. */
const MOST_NAMES_LENGTH = 6000;
const PAGE = 200;
const COUNTS_AGAIN_MS = 3000;
const EVENTS_SHOWN = 50;
const EVENT_PAGES = 200;
const JOURNAL_LINES = 1000;

let self = null; // What /page/engine said last.
let revision = ""; // Up to which all changes are shown.
let refused = ""; // Why the last link did not log in.
let failed = false; // Whether the view could not be opened.
let shown = null; // The view that is open: {changed(changes), close()}.

// --- Asking the engine

class Refusal extends Error {}
/** Who asks is not known: no certificate, and no session, or none any more. */
class LoggedOut extends Refusal {}

async function ask(path, options = {}) {
  const answer = await fetch(path, { cache: "no-store", ...options });
  if (answer.status === 204 || answer.status === 201) {
    return null;
  }
  const body = await answer.json();
  if (!answer.ok) {
    throw new (answer.status === 401 ? LoggedOut : Refusal)(body.error ? body.error.message : body.reason || `the engine answered ${answer.status}`);
  }
  return body;
}

const get = (path, parameters = [], options = {}) => {
  const query = new URLSearchParams(parameters).toString();
  return ask(query ? `${path}?${query}` : path, options);
};

/** Names in parts that a question can hold. */
function inParts(names) {
  const parts = [];
  let room = 0;
  for (const name of names) {
    const length = new URLSearchParams([["unit", name]]).toString().length + 1;
    if (!parts.length || length > room || parts.at(-1).length === MOST_FRESH) {
      parts.push([]);
      room = MOST_NAMES_LENGTH;
    }
    parts.at(-1).push(name);
    room -= length;
  }
  return parts;
}

const send = (method, path, document) =>
  ask(path, { method, headers: { "content-type": "application/json" }, body: JSON.stringify(document) });
const put = (path, document) => send("PUT", path, document);

// --- Building what is shown

/** An element; what is null or false is left out, all else is text or an element. */
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else if (value !== null && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat().filter(child => child !== null && child !== false && child !== undefined));
  return element;
}

const unitLink = name => el("a", { href: `#/unit/${encodeURIComponent(name)}` }, name);
const machineLink = id => (id ? el("a", { href: `#/units?machine=${id}`, title: id }, id.slice(0, 8)) : el("span", { class: "quiet" }, "–"));
const count = number => number.toLocaleString("en");
const mib = bytes => `${count(Math.round(bytes / 1048576))} MiB`;

function tone(state) {
  return /failed|lost|stuck/.test(state) ? "bad" : /^(active|launched|present|leads)/.test(state) ? "good" : /ing\b|auto-restart/.test(state) ? "warn" : "quiet";
}

function when(ms) {
  return el("time", { datetime: new Date(ms).toISOString() }, new Date(ms).toLocaleString());
}

function say(text, bad = false) {
  said.textContent = text;
  said.className = bad ? "bad" : "";
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (said.textContent = ""), bad ? 15000 : 5000);
}

/** Asks a question first, then does it. */
function button(label, question, act) {
  const asks = el("button", {
    type: "button",
    onclick: async () => {
      const dialog = document.getElementById("question");
      document.getElementById("question-text").textContent = question;
      dialog.returnValue = "no";
      dialog.showModal();
      await new Promise(closed => dialog.addEventListener("close", closed, { once: true }));
      asks.focus();
      if (dialog.returnValue !== "yes") {
        return;
      }
      asks.disabled = true;
      try {
        await act();
        say("done");
      } catch (failure) {
        say(failure.message, true);
      }
      asks.disabled = false;
    },
  }, label);
  return asks;
}

const may = role => {
  const roles = ["viewer", "operator", "admin"];
  return self !== null && roles.indexOf(self.role) >= roles.indexOf(role);
};

/** A table that keeps its rows by key and is sorted by a click on a column's name. */
class Table {
  constructor(columns, sortBy) {
    this.columns = columns;
    this.rows = new Map();
    this.sorted = sortBy;
    this.down = false;
    this.body = el("tbody");
    this.heads = columns.map((column, i) =>
      el("th", { scope: "col" }, el("button", { type: "button", onclick: () => this.sort(i) }, column.name)));
    this.element = el("table", {}, el("thead", {}, el("tr", {}, this.heads)), this.body);
    this.mark();
  }

  line(row) {
    return el("tr", {}, this.columns.map(column =>
      el("td", { "data-label": column.name, class: column.class || null }, column.show ? column.show(row) : column.of(row))));
  }

  put(key, row, fresh) {
    const before = this.rows.get(key);
    const text = JSON.stringify(row);
    if (before && before.text === text) {
      return;
    }
    const line = this.line(row);
    if (fresh) {
      line.className = "fresh";
    }
    this.rows.set(key, { row, text, line });
    if (before) {
      before.line.replaceWith(line);
    } else {
      this.body.append(line);
    }
  }

  remove(key) {
    this.rows.get(key)?.line.remove();
    this.rows.delete(key);
  }

  sort(i) {
    this.down = this.sorted === i && !this.down;
    this.sorted = i;
    this.mark();
    this.arrange();
  }

  mark() {
    this.heads.forEach((head, i) => {
      if (i === this.sorted) {
        head.setAttribute("aria-sort", this.down ? "descending" : "ascending");
      } else {
        head.removeAttribute("aria-sort");
      }
    });
  }

  arrange() {
    const of = this.columns[this.sorted].of;
    const order = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0);
    const lines = [...this.rows.values()].sort((a, b) => order(of(a.row), of(b.row)) * (this.down ? -1 : 1));
    this.body.append(...lines.map(each => each.line));
  }
}

// --- Views

async function machines() {
  const table = new Table([
    { name: "Machine", of: m => m.id, class: "id", show: m => machineLink(m.id) },
    { name: "Address", of: m => m.address || "" },
    { name: "State", of: m => m.state, show: m => el("span", { class: tone(m.state) }, m.state, m.lostMs ? [" since ", when(m.lostMs)] : null) },
    { name: "Units", of: m => m.units, class: "number", show: m => count(m.units) },
    { name: "Metadata", of: m => Object.entries(m.metadata || {}).map(([k, v]) => `${k}=${v}`).join(" ") },
    { name: "Version", of: m => m.version || "" },
    ...(may("admin") ? [{ name: "Orders", of: m => m.state, show: m => orders(m) }] : []),
  ], 0);
  const orders = m => {
    const order = (label, kind, question) => button(label, question, () => put(`/page/machines/${m.id}`, { order: kind }));
    const name = `${m.id.slice(0, 8)} (${m.address || "no address"})`;
    return m.state.startsWith("lost")
      ? [order("Forget", "forget", `Forget lost machine ${name}? All that the registry says of it goes.`)]
      : m.state === "present"
        ? [order("Drain", "drain", `Drain ${name}? Its ${count(m.units)} units move to other machines, one after the other.`), " ",
            order("Cordon", "cordon", `Cordon ${name}? It takes no new units; those that it has stay.`)]
        : [order("Uncordon", "uncordon", `Let ${name} take units again?`)];
  };
  const total = el("span", { class: "count" });
  view.replaceChildren(el("h1", {}, "Machines"), el("div", { class: "bar" }, total), table.element);
  const load = async fresh => {
    const there = new Set();
    let token = "";
    do {
      const page = await get("/page/machines", token ? [["nextPageToken", token]] : []);
      for (const machine of page.machines || []) {
        there.add(machine.id);
        table.put(machine.id, machine, fresh);
      }
      token = page.nextPageToken;
    } while (token);
    [...table.rows.keys()].filter(id => !there.has(id)).forEach(id => table.remove(id));
    table.arrange();
    const lost = [...table.rows.values()].filter(each => each.row.state.startsWith("lost")).length;
    total.textContent = `${count(there.size)} machines${lost ? `, ${count(lost)} of them lost` : ""}`;
  };
  await load(false);
  // A change of units changes how many there are on a machine, of which every one is read.
  let soon = null;
  const counts = () => {
    soon ??= setTimeout(() => {
      soon = null;
      load(true).catch(failure => say(failure.message, true));
    }, COUNTS_AGAIN_MS);
  };
  return {
    changed: changes => (changes.all || changes.machines ? load(!changes.all) : changes.units ? counts() : null),
    close: () => clearTimeout(soon),
  };
}

/** Rolling changes, the newest first, with how far each is. */
async function rollouts() {
  const questions = {
    pause: r => `Pause rollout ${r.id}? Units that have the new file keep it.`,
    resume: r => `Have rollout ${r.id} go on${r.state === "stopped" ? ", looking again at the units that it has stopped at" : ""}?`,
    undo: r => `Give the units of rollout ${r.id} their former files again, ${count(r.atOnce)} at a time?`,
  };
  const orders = r => (r.orders || []).flatMap(order =>
    [button(order[0].toUpperCase() + order.slice(1), questions[order](r), () => put(`/page/rollouts/${r.id}`, { order })), " "]);
  const there = r => (r.back ? r.from : r.state === "done" ? r.units - r.leftAlone : r.from);
  const words = r => (r.back ? `${count(there(r))} of ${count(r.units)} left` : `${count(there(r))} of ${count(r.units)}`)
    + (r.to > r.from && /running|going|paused|stopped/.test(r.state) ? `, at ${r.to - r.from > 1 ? `${count(r.from + 1)} to ${count(r.to)}` : count(r.to)}` : "")
    + (r.leftAlone ? `, ${count(r.leftAlone)} gone or changed by others` : "");
  const table = new Table([
    { name: "Rollout", of: r => r.id, class: "id" },
    { name: "State", of: r => r.state, show: r => el("span", { class: r.state === "stopped" ? "bad" : r.state === "done" ? "good" : tone(r.state) }, r.state) },
    { name: "Replaced", of: r => there(r) / r.units, show: r => [el("progress", { max: r.units, value: r.back ? r.units - there(r) : there(r), "aria-label": `Units of rollout ${r.id}` }), " ", words(r)] },
    { name: "First unit", of: r => r.firstUnit, show: r => unitLink(r.firstUnit) },
    { name: "Begun", of: r => r.startedMs, show: r => [when(r.startedMs), r.by ? ` by ${r.by}` : ""] },
    { name: "Reason", of: r => r.reason || "" },
    ...(may("operator") ? [{ name: "Orders", of: r => r.state, show: orders }] : []),
  ], 4);
  table.down = true;
  table.mark();
  const total = el("p", { class: "quiet" });
  view.replaceChildren(el("h1", {}, "Rollouts"), total, table.element);
  const load = async fresh => {
    const found = (await get("/page/rollouts")).rollouts || [];
    const ids = new Set(found.map(r => r.id));
    // Fields that are empty are left out.
    found.forEach(r => table.put(r.id, { from: 0, to: 0, leftAlone: 0, reason: "", ...r }, fresh));
    [...table.rows.keys()].filter(id => !ids.has(id)).forEach(id => table.remove(id));
    table.arrange();
    total.textContent = found.length ? "" : "None is under way, and none has ended in the last 7 days. One is begun by: fleetctl start --replace --max-unavailable";
  };
  await load(false);
  return { changed: changes => (changes.all || changes.events ? load(!changes.all) : null) };
}

function globs(text) {
  return /[*?[]/.test(text) ? text : `*${text}*`;
}

async function units(parameters) {
  const machine = parameters.get("machine") || "";
  const search = el("input", { type: "search", value: parameters.get("q") || "", placeholder: "name, or glob such as web@*", "aria-label": "Search units by name", accesskey: "s" });
  const lonely = el("input", { type: "checkbox", checked: parameters.get("unplaced") === "true" });
  const total = el("span", { class: "count", "aria-live": "polite" });
  const more = el("button", { type: "button", hidden: true }, "More");
  const table = new Table([
    { name: "Unit", of: u => u.name, show: u => unitLink(u.name) },
    { name: "Wanted", of: u => u.desiredState || "" },
    { name: "State", of: u => stateOf(u), show: u => el("span", { class: tone(stateOf(u)) }, stateOf(u)) },
    { name: "Machine", of: u => u.machineID || "", class: "id", show: u => (u.global ? el("span", { class: "quiet" }, "global") : machineLink(u.machineID)) },
    { name: "Changed by", of: u => u.changedBy || "" },
  ], 0);
  const stateOf = u => (u.states || []).map(s => `${s.systemdActiveState}/${s.systemdSubState}`).filter((s, i, all) => all.indexOf(s) === i).join(", ").concat(u.statesCut ? ", …" : "") || u.currentState || "–";
  let token = "";
  let turn = 0;
  const wanted = () => [
    ...(search.value.trim() ? [["name", globs(search.value.trim())]] : []),
    ...(machine ? [["machine", machine]] : []),
    ...(lonely.checked ? [["unplaced", "true"]] : []),
  ];
  const tell = () => {
    total.textContent = `${count(table.rows.size)} units${token ? " so far" : ""}${machine ? ` on ${machine.slice(0, 8)}` : ""}`;
    more.hidden = !token;
  };
  /** Shows units from a token on, until there are enough. False when something else is wanted meanwhile. */
  const read = async (from, enough, there) => {
    const mine = turn;
    token = from;
    // Globs that admit few may make for short pages.
    do {
      const answer = await get("/page/units", [...wanted(), ...(token ? [["nextPageToken", token]] : [])]);
      if (mine !== turn) {
        return false;
      }
      for (const unit of answer.units || []) {
        there.add(unit.name);
        table.put(unit.name, unit, false);
      }
      token = answer.nextPageToken || "";
    } while (token && there.size < enough);
    table.arrange();
    tell();
    return true;
  };
  const next = () => read(token, PAGE, new Set()).catch(failure => say(failure.message, true));
  /** Reads again as much as is shown. */
  const reread = async () => {
    const there = new Set();
    if (await read("", Math.max(PAGE, table.rows.size), there)) {
      [...table.rows.keys()].filter(name => !there.has(name)).forEach(name => table.remove(name));
      tell();
    }
  };
  const again = () => {
    turn++;
    [...table.rows.keys()].forEach(key => table.remove(key));
    const query = new URLSearchParams({ ...(search.value ? { q: search.value } : {}), ...(machine ? { machine } : {}), ...(lonely.checked ? { unplaced: "true" } : {}) });
    history.replaceState(null, "", query.size ? `#/units?${query}` : "#/units");
    return reread().catch(failure => say(failure.message, true));
  };
  search.addEventListener("input", () => {
    clearTimeout(search.timer);
    search.timer = setTimeout(again, 250);
  });
  lonely.addEventListener("change", again);
  more.addEventListener("click", next);
  view.replaceChildren(
    el("h1", {}, "Units"),
    el("div", { class: "bar" }, search, el("label", {}, lonely, " without a machine"), total,
      machine ? el("a", { href: "#/units" }, "all machines") : null),
    table.element, el("p", {}, more));
  await reread();
  return {
    changed: async changes => {
      if (changes.all) {
        return reread();
      }
      const mine = turn;
      const names = changes.units || [];
      for (const some of inParts(names)) {
        const found = (await get("/page/units", [...wanted(), ...some.map(name => ["unit", name])])).units || [];
        if (mine !== turn) {
          return null;
        }
        const there = new Set(found.map(unit => unit.name));
        some.filter(name => !there.has(name)).forEach(name => table.remove(name));
        // What comes behind the last page that is shown comes with that page.
        const last = [...table.rows.keys()].reduce((a, b) => (a > b ? a : b), "");
        found.filter(unit => !token || unit.name <= last).forEach(unit => table.put(unit.name, unit, true));
      }
      if (names.length) {
        table.arrange();
      }
      return tell();
    },
  };
}

function fileOf(unit) {
  const lines = [];
  let section = null;
  for (const option of unit.options || []) {
    if (option.section !== section) {
      section = option.section;
      lines.push(lines.length ? `\n[${section}]` : `[${section}]`);
    }
    lines.push(`${option.name || ""}=${option.value || ""}`);
  }
  return lines.join("\n");
}

/** The newest events of a unit, which follow when they are asked to. */
function happened(name) {
  const list = el("ol", { class: "events", tabindex: "0", "aria-label": "Events, the newest first" });
  const none = el("p", { class: "quiet" }, "No events are kept.");
  const lines = new Map();
  let after = "";
  let reading = null;
  const put = event => {
    // What happens again within a while is the same event, which has moved to the end.
    const key = JSON.stringify([event.kind, event.machineID, event.detail, event.first || event.time]);
    lines.get(key)?.remove();
    const line = el("li", {}, when(Date.parse(event.time)), " ", event.message);
    lines.delete(key);
    lines.set(key, line);
    list.prepend(line);
    if (lines.size > EVENTS_SHOWN) {
      const [oldest, last] = lines.entries().next().value;
      last.remove();
      lines.delete(oldest);
    }
  };
  const read = async () => {
    let token = "";
    for (let page = 0; page < EVENT_PAGES; page++) {
      const found = await get("/fleet/v1/events", [["unit", name], ...(after ? [["after", after]] : []), ...(token ? [["nextPageToken", token]] : [])]);
      (found.events || []).forEach(put);
      token = found.nextPageToken || "";
      if (!token) {
        after = found.revision;
        break;
      }
    }
    none.hidden = lines.size > 0;
  };
  return {
    element: el("section", {}, el("h2", {}, "Events"), none, list),
    /** One after the other, so that none comes twice. */
    read: () => (reading = (reading || Promise.resolve()).catch(() => {}).then(read)),
  };
}

/** A unit's journal, followed while it is open. At most 1,000 lines are kept. */
function journal(name, machines) {
  const lines = el("pre", { tabindex: "0", role: "log", "aria-label": `Journal of ${name}` });
  const state = el("p", { class: "quiet" });
  const machine = el("select", { "aria-label": "Machine whose journal is shown" });
  let turn = 0;
  let kept = [];
  const show = text => {
    const low = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 20;
    kept = [...kept, ...text.split("\n").slice(0, -1)].slice(-JOURNAL_LINES);
    lines.textContent = kept.join("\n");
    if (low) {
      lines.scrollTop = lines.scrollHeight;
    }
  };
  const follow = async () => {
    const mine = ++turn;
    let log = "";
    while (mine === turn) {
      try {
        const path = `/page/journal/${encodeURIComponent(name)}`;
        const found = await get(path, log ? [["log", log]] : machine.value ? [["machine", machine.value]] : [], { signal: AbortSignal.timeout(QUESTION_MS) });
        if (mine !== turn) {
          return;
        }
        if (!log) {
          kept = [];
        }
        log = found.ended ? "" : found.log;
        state.textContent = "followed; at most the last 1,000 lines are shown";
        show(found.text || "");
        if (found.ended) {
          state.textContent = "the journal has ended; it is opened again";
          await new Promise(over => setTimeout(over, WAIT_AFTER_FAILURE_MS * 5));
        }
      } catch (failure) {
        log = "";
        state.textContent = failure.message;
        await new Promise(over => setTimeout(over, WAIT_AFTER_FAILURE_MS * (2 + Math.random())));
      }
    }
  };
  const stop = () => {
    turn++;
    state.textContent = "";
  };
  machine.addEventListener("change", follow);
  const choose = ids => {
    const chosen = machine.value;
    machine.replaceChildren(...ids.map(id => el("option", { value: id, selected: id === chosen }, id.slice(0, 8))));
    machine.hidden = ids.length < 2;
  };
  choose(machines);
  const element = el("details", { ontoggle: () => (element.open ? follow() : stop()) }, el("summary", {}, "Journal"), machine, state, lines);
  return { element, choose, close: stop };
}

async function unit(name) {
  const path = `/fleet/v1/units/${encodeURIComponent(name)}`;
  const facts = el("div");
  const events = happened(name);
  const log = may("operator") ? journal(name, []) : null;
  const load = async () => {
    let found;
    try {
      found = await get(path);
    } catch (failure) {
      if (failure instanceof Refusal) {
        facts.replaceChildren(el("p", { class: "bad" }, failure.message));
        return;
      }
      throw failure;
    }
    const states = (await get("/fleet/v1/state", [["unitName", name]])).states || [];
    log?.choose(states.map(s => s.machineID));
    const want = (label, state, question) => button(label, question, () => put(path, { desiredState: state }));
    const actions = may("operator")
      ? el("div", { class: "bar" },
          want("Start", "launched", `Start ${name}?`),
          want("Stop", "loaded", `Stop ${name}? It stays on its machine.`),
          want("Unload", "inactive", `Take ${name} off its machine? Its file stays in the registry.`))
      : null;
    facts.replaceChildren(
      actions || "",
      el("dl", {},
        el("dt", {}, "Wanted"), el("dd", {}, found.desiredState || "–"),
        el("dt", {}, "State"), el("dd", { class: tone(found.currentState || "") }, found.currentState || "one a machine"),
        el("dt", {}, "Machine"), el("dd", {}, machineLink(found.machineID)),
        found.changedBy || found.changedAt ? [el("dt", {}, "Changed"), el("dd", {}, found.changedAt ? when(Date.parse(found.changedAt)) : "", found.changedBy ? ` by ${found.changedBy}` : "")] : []),
      found.vetoes ? el("section", {}, el("h2", {}, "Why it is not where it should be"), el("ul", {}, found.vetoes.map(veto => el("li", { class: "warn" }, veto)))) : "",
      found.warnings ? el("section", {}, el("h2", {}, "Warnings"), el("ul", {}, found.warnings.map(each => el("li", { class: "warn" }, each)))) : "",
      el("h2", {}, "On machines"),
      states.length
        ? el("table", {}, el("thead", {}, el("tr", {}, ["Machine", "Load", "Active", "Sub"].map(head => el("th", { scope: "col" }, head)))),
            el("tbody", {}, states.map(s => el("tr", {},
              el("td", { "data-label": "Machine", class: "id" }, machineLink(s.machineID)),
              el("td", { "data-label": "Load" }, s.systemdLoadState || ""),
              el("td", { "data-label": "Active", class: tone(s.systemdActiveState || "") }, s.systemdActiveState || ""),
              el("td", { "data-label": "Sub" }, s.systemdSubState || "")))))
        : el("p", { class: "quiet" }, "No machine reports a state."),
      el("h2", {}, "File"), el("pre", { tabindex: "0", role: "region", "aria-label": `File of ${name}` }, fileOf(found)));
  };
  view.replaceChildren(el("h1", {}, name), facts, events.element,
    log ? log.element : el("p", { class: "quiet" }, "Its journal is for those with the role operator or admin."));
  await Promise.all([load(), events.read()]);
  return {
    changed: changes => (changes.all || (changes.units || []).includes(name) ? Promise.all([load(), events.read()]) : null),
    close: () => log?.close(),
  };
}

async function engines() {
  const load = async () => {
    const now = await refresh();
    view.replaceChildren(
      el("h1", {}, "Engines"),
      el("table", {}, el("thead", {}, el("tr", {}, ["Engine", "Role", "Behind", "Silent", "HTTP"].map(head => el("th", { scope: "col" }, head)))),
        el("tbody", {}, (now.engines || []).map(engine => el("tr", {},
          el("td", { "data-label": "Engine" }, engine.id, engine.id === now.engineId ? el("span", { class: "quiet" }, " (this one)") : null),
          el("td", { "data-label": "Role", class: engine.id === now.leaderId ? "good" : null }, engine.id === now.leaderId ? "leads" : "follows"),
          el("td", { "data-label": "Behind" }, engine.behind === undefined ? "–" : `${count(engine.behind)} entries`),
          el("td", { "data-label": "Silent" }, engine.silentMs === undefined ? "–" : `${(engine.silentMs / 1000).toFixed(1)} s`),
          el("td", { "data-label": "HTTP" }, engine.http || ""))))),
      now.leading ? "" : el("p", { class: "quiet" }, "How far followers are, the leader's page shows."),
      el("h2", {}, `This engine, ${now.engineId}`),
      el("dl", {},
        el("dt", {}, "Cluster"), el("dd", {}, now.clusterId),
        el("dt", {}, "Term"), el("dd", {}, count(now.term)),
        el("dt", {}, "Applied / committed"), el("dd", {}, `${count(now.appliedIndex)} / ${count(now.commitIndex)}`),
        el("dt", {}, "Units, states, machines"), el("dd", {}, `${count(now.units)}, ${count(now.unitStates)}, ${count(now.machines)}`),
        el("dt", {}, "Registry's memory"), el("dd", { class: now.registryBytes > 0.8 * now.quotaBytes ? "bad" : null }, `${mib(now.registryBytes)} of ${mib(now.quotaBytes)}`),
        now.disk ? [el("dt", {}, "Disk"), el("dd", { class: now.disk.freeBytes < 0.1 * now.disk.totalBytes ? "bad" : null }, `${mib(now.disk.freeBytes)} free of ${mib(now.disk.totalBytes)}`)] : [],
        now.absence ? [el("dt", {}, "Absent"), el("dd", { class: "bad" }, now.absence)] : [],
        el("dt", {}, "You are"), el("dd", {}, `${now.caller} (${now.role})`)),
      el("p", {}, el("a", { href: "/metrics" }, "metrics"), " · ", el("a", { href: "/readyz" }, "health"), " · ", el("a", { href: "/openapi.yaml" }, "API")));
  };
  await load();
  const timer = setInterval(() => load().catch(() => {}), 5000);
  return { changed: load, close: () => clearInterval(timer) };
}

// --- Going round

async function refresh() {
  self = await get("/page/engine");
  connection.textContent = self.leaderId ? `${self.engineId} · leader ${self.leaderId} · term ${self.term}` : `${self.engineId} · no leader known`;
  connection.className = self.leaderId ? "" : "bad";
  logout.hidden = !self.session;
  return self;
}

/** Logs in with what a link has behind its #, which is no part of what browsers send, and leaves the address at once. */
async function login(secret) {
  history.replaceState(null, "", "#/machines");
  try {
    await send("POST", "/page/login", { secret });
    refused = "";
    await refresh();
    say(`logged in: ${self.caller}`);
  } catch (failure) {
    refused = failure.message;
    say(refused, true);
  }
}

/** In place of a view, until somebody logs in, which may be in another tab. */
function stranger(failure) {
  failed = true;
  self = null;
  logout.hidden = true;
  shown?.close?.();
  shown = null;
  connection.textContent = "not logged in";
  connection.className = "";
  view.replaceChildren(el("h1", {}, "Log in"), el("p", { class: refused ? "bad" : null }, refused || failure.message),
    el("p", {}, "Where fleetctl is set up, type ", el("code", {}, "fleetctl ui"), " and open the link that it prints. Who has lost a session, as the engine was started again or its time is over, logs in again the same way."));
}

async function open() {
  const secret = location.hash.match(/^#\/login\/([0-9a-f]+)$/);
  if (secret) {
    await login(secret[1]);
  }
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [what, item] = path.split("/", 2);
  const kinds = { "": machines, machines, units: () => units(new URLSearchParams(query || "")), unit: () => unit(decodeURIComponent(item || "")), rollouts, engines };
  for (const link of document.querySelectorAll("nav a")) {
    const here = link.hash === `#/${what || "machines"}` || (what === "unit" && link.hash === "#/units");
    if (here) {
      link.setAttribute("aria-current", "page");
    } else {
      link.removeAttribute("aria-current");
    }
  }
  shown?.close?.();
  shown = null;
  failed = false;
  const opened = location.hash;
  try {
    const next = await (kinds[what] || machines)();
    if (location.hash.split("?")[0] === opened.split("?")[0]) {
      shown = next;
    } else {
      next.close?.();
    }
    document.title = `${item ? decodeURIComponent(item) : what || "machines"} – raftfleet`;
  } catch (failure) {
    if (failure instanceof LoggedOut) {
      stranger(failure);
      return;
    }
    failed = true;
    view.replaceChildren(el("p", { class: "bad" }, `The engine can't be asked: ${failure.message}`));
  }
}

/** Asks what has changed since the last answer, again and again: a question stays open until there is something, or for 10 s. */
async function follow() {
  for (;;) {
    try {
      const seen = self ? `${self.term}-${self.leaderId || ""}` : "";
      const changes = await get("/page/changes", [...(revision ? [["after", revision]] : []), ["seen", seen]], { signal: AbortSignal.timeout(QUESTION_MS) });
      if (self === null || changes.leader || connection.classList.contains("bad")) {
        await refresh();
      }
      if (failed) {
        await open();
      } else if (changes.all || changes.events || changes.units || changes.machines || changes.leader) {
        await shown?.changed(changes);
      }
      revision = changes.revision; // Not before it is shown: what could not be read is asked for again.
    } catch (failure) {
      if (failure instanceof LoggedOut) {
        if (self !== null || !failed) {
          stranger(failure);
        }
        await new Promise(over => setTimeout(over, WAIT_AFTER_FAILURE_MS * (4 + Math.random())));
        continue;
      }
      connection.textContent = `no answer (${failure.message}); trying again`;
      connection.className = "bad";
      await new Promise(over => setTimeout(over, WAIT_AFTER_FAILURE_MS * (0.5 + Math.random())));
    }
  }
}

logout.addEventListener("click", async () => {
  try {
    await ask("/page/login", { method: "DELETE" });
    await open();
  } catch (failure) {
    say(failure.message, true);
  }
});
addEventListener("hashchange", () => open().then(() => view.focus({ preventScroll: true })));
try {
  if (!location.hash.startsWith("#/login/")) {
    await refresh();
    revision = (await get("/page/changes")).revision;
  }
} catch {
  // follow() goes on asking.
}
await open();
follow();
