/** Writes an access review as one HTML file, for somebody who opens it in a browser and has nothing else. */

import { createHash } from "node:crypto";
import { plural } from "../http/json";
import { oneLine } from "../review/words";
import {
  type Access,
  countsOf,
  declaredWords,
  FINDING_CODES,
  findingsOf,
  peopleIn,
  type Report,
  rightsWords,
} from "./report";

const STYLE = `
:root {
  color-scheme: light dark;
  --page: #fff; --text: #1b1f24; --quiet: #57606a; --line: #d0d7de; --group: #f3f5f8; --mark: #8a3b00; --markback: #fff1e0; --link: #0550ae;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0f1319; --text: #e6eaef; --quiet: #a3adb8; --line: #343c46; --group: #1a212b; --mark: #ffc27d; --markback: #3a2610; --link: #8cc0ff;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.45 system-ui, "Segoe UI", sans-serif; }
main { max-width: 80rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
p { margin: .25rem 0; }
.quiet, .kind, .declared { color: var(--quiet); font-weight: 400; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--page); padding: .25rem .5rem; }
.totals { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; padding: 0; margin: .75rem 0; list-style: none; }
.controls { display: flex; flex-wrap: wrap; gap: .75rem 1rem; align-items: end; margin: 1rem 0 .5rem; }
label { display: grid; gap: .15rem; min-width: 0; max-width: 100%; font-size: .85rem; color: var(--quiet); }
label.wide { flex: 1 1 18rem; }
label.narrow { flex: 0 1 10rem; }
input, select, button { font: inherit; color: var(--text); background: var(--page); border: 1px solid var(--line); border-radius: 6px; padding: .4rem .6rem; }
input, select { width: 100%; min-width: 0; }
button { cursor: pointer; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 1px; }
table { width: 100%; border-collapse: collapse; }
caption { text-align: left; color: var(--quiet); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .4rem .6rem; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
thead th { position: sticky; top: 0; background: var(--page); z-index: 1; }
thead button { border: 0; padding: 0; font-weight: 600; background: none; }
th[aria-sort="ascending"] button::after { content: " ▲"; }
th[aria-sort="descending"] button::after { content: " ▼"; }
tbody th { font-weight: 400; }
.group th { background: var(--group); font-weight: 600; }
.address { font-weight: 600; }
.day { white-space: nowrap; }
.name { font-weight: 400; }
td ul, th ul { margin: 0; padding: 0; list-style: none; }
.finding { display: inline-block; margin: 0 .3rem .15rem 0; padding: .05rem .45rem; border-radius: 6px; font-weight: 400; color: var(--mark); background: var(--markback); }
#more { margin: 1rem 0; }
[hidden] { display: none; }
@media (max-width: 45rem) {
  thead { position: absolute; left: -100rem; }
  tbody tr, tbody th, tbody td { display: block; border: 0; }
  tbody tr { border-bottom: 1px solid var(--line); }
  td[data-label]:not(:empty)::before { content: attr(data-label) ": "; color: var(--quiet); }
}
@media print {
  :root { --page: #fff; --text: #000; --quiet: #444; --line: #aaa; --group: #eee; --mark: #000; --markback: #fff; }
  .controls, #more, .skip { display: none; }
  main { padding: 0; max-width: none; }
  thead th { position: static; }
  tr { break-inside: avoid; }
  .group { break-after: avoid; }
  .finding { border: 1px solid #666; }
}
`;

/** The script of the page, which runs in a browser: it reads the data in the page, and asks nothing of anybody. */
const SCRIPT = String.raw`"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const [search, grouping, only, order, list, count, more, head] = [
    "search", "grouping", "only", "order", "list", "count", "more", "head",
  ].map(byId);
  /* How many rows are drawn at first, and with each look further down: more than a screen holds. */
  const STEP = 100;
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const make = (tag, text, className) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (className) element.className = className;
    return element;
  };

  /* One row for each person on a mailbox, and one for a mailbox that nobody is on. */
  const rows = data.mailboxes.flatMap((mailbox) => {
    const own = mailbox.access.map((access) => ({ mailbox, access, findings: access.findings }));
    return own.length > 0 ? own : [{ mailbox, access: undefined, findings: [] }];
  });
  for (const row of rows) {
    const { mailbox, access } = row;
    const codes = [...mailbox.findings, ...row.findings];
    row.codes = new Set(codes.map(({ code }) => code));
    row.text = [
      mailbox.address, mailbox.displayName, mailbox.declaredBy.join(" "),
      access ? [access.person, access.displayName, access.kind, access.rights, access.declared, access.until].join(" ") : "",
      ...codes.map(({ code, text }) => code + " " + text),
    ].join(" ").toLowerCase();
  }

  let sorting = { column: "name", isDown: false };
  let groups = [];
  let compare;
  let shown = 0;
  const byPerson = () => grouping.value === "person";
  const COLUMNS = {
    name: (row) => (byPerson() ? row.mailbox.address : row.access ? row.access.person : ""),
    rights: (row) => (row.access ? row.access.rights : ""),
    declared: (row) => (row.access ? row.access.declared : ""),
    until: (row) => (row.access && row.access.until) || "\uffff",
    findings: (row) => String(1000 - row.findings.length),
  };

  const compute = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    const code = only.value;
    const fits = rows.filter((row) =>
      words.every((word) => row.text.includes(word)) &&
      (code === "" || (code === "any" ? row.codes.size > 0 : row.codes.has(code))));
    const found = new Map();
    for (const row of fits) {
      if (byPerson() && !row.access) continue;
      const key = byPerson() ? row.access.id || row.access.person : row.mailbox.id;
      const group = found.get(key) || { key, rows: [], row };
      group.rows.push(row);
      found.set(key, group);
    }
    const name = ({ row }) => (byPerson() ? row.access.person : row.mailbox.address);
    const weight = {
      name: () => 0,
      most: (group) => -group.rows.filter(({ access }) => access).length,
      findings: (group) => -new Set([
        ...(byPerson() ? [] : group.row.mailbox.findings.map(({ text }) => text)),
        ...group.rows.flatMap(({ access, findings, mailbox }) => findings.map(({ code }) => (access ? access.person : "") + mailbox.id + code)),
      ]).size,
    }[order.value];
    compare = (a, b) => (sorting.isDown ? -1 : 1) * collator.compare(COLUMNS[sorting.column](a), COLUMNS[sorting.column](b));
    groups = [...found.values()].map((group) => ({ group, weight: weight(group), name: name(group) }))
      .sort((a, b) => a.weight - b.weight || collator.compare(a.name, b.name))
      .map(({ group }) => group);
    const people = new Set(fits.flatMap(({ access }) => (access ? [access.id || access.person] : []))).size;
    const mailboxes = new Set(fits.map(({ mailbox }) => mailbox.id)).size;
    count.textContent = fits.length === 0
      ? "Nothing fits."
      : mailboxes + (mailboxes === 1 ? " mailbox, " : " mailboxes, ") + people + (people === 1 ? " person or group." : " people and groups.");
  };

  const finding = ({ code, text }) => {
    const item = make("li", text, "finding");
    item.title = data.codes[code] || code;
    return item;
  };
  const findings = (some) => {
    const items = make("ul");
    items.append(...some.map(finding));
    return items;
  };
  const cell = (label, content, className) => {
    const one = make("td", typeof content === "string" ? content : undefined, className);
    if (typeof content !== "string") one.append(content);
    one.dataset.label = label;
    return one;
  };
  const title = (address, name, extra) => {
    const parts = [make("span", address, "address")];
    if (name && name !== address) parts.push(" ", make("span", name, "name"));
    if (extra) parts.push(" ", make("span", extra, "kind"));
    return parts;
  };
  const draw = (group) => {
    const { mailbox, access } = group.row;
    const body = make("tbody");
    const heading = make("tr", undefined, "group");
    const cells = make("th");
    cells.scope = "rowgroup";
    cells.colSpan = head.children.length;
    cells.append(...(byPerson()
      ? title(access.person, access.displayName, access.kind === "person" ? "" : access.kind)
      : title(mailbox.address, mailbox.displayName)));
    if (!byPerson() && data.stacks.length > 0) cells.append(make("span", " declared by " + (mailbox.declaredBy.join(" and ") || "nobody"), "declared"));
    if (!byPerson() && mailbox.unread.length > 0) cells.append(make("span", " who has " + mailbox.unread.join(" and ") + " was not read", "declared"));
    if (!byPerson() && mailbox.findings.length > 0) cells.append(findings(mailbox.findings));
    heading.append(cells);
    body.append(heading);
    for (const row of group.rows.sort(compare)) {
      const line = make("tr");
      const first = make("th");
      first.scope = "row";
      if (row.access) {
        first.append(...(byPerson()
          ? title(row.mailbox.address, row.mailbox.displayName)
          : title(row.access.person, row.access.displayName, row.access.kind === "person" ? "" : row.access.kind)));
        line.append(
          first,
          cell("Rights", row.access.rights),
          ...(data.stacks.length > 0 ? [cell("Declared by", row.access.declared)] : []),
          cell("Until", row.access.until || "", "day"),
          cell("Findings", findings(row.findings)),
        );
      } else {
        first.colSpan = head.children.length;
        first.append(make("span", row.mailbox.unread.length > 0 ? "Not read in full" : "Nobody", "name"));
        line.append(first);
      }
      body.append(line);
    }
    return body;
  };

  const show = (rows) => {
    const next = [];
    for (let drawn = 0; drawn < rows && shown < groups.length; shown += 1) {
      next.push(draw(groups[shown]));
      drawn += groups[shown].rows.length;
    }
    list.append(...next);
    more.hidden = shown >= groups.length;
    more.textContent = "Show more (" + (groups.length - shown) + " left)";
  };
  const clear = () => {
    for (const body of [...list.tBodies]) body.remove();
    shown = 0;
  };
  const render = () => {
    compute();
    clear();
    head.firstElementChild.querySelector("button").textContent = byPerson() ? "Mailbox" : "Person or group";
    for (const column of head.children) {
      const isSorted = column.dataset.column === sorting.column;
      column.setAttribute("aria-sort", !isSorted ? "none" : sorting.isDown ? "descending" : "ascending");
    }
    show(STEP);
  };
  /* What is typed quickly is looked for once. */
  let waiting = 0;
  search.addEventListener("input", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(render);
  });
  for (const control of [grouping, only, order]) control.addEventListener("change", render);
  head.addEventListener("click", (event) => {
    const column = event.target.closest("th");
    if (!column) return;
    const name = column.dataset.column;
    sorting = { column: name, isDown: sorting.column === name && !sorting.isDown };
    render();
  });
  more.addEventListener("click", () => {
    const first = shown;
    show(STEP);
    /* Whoever uses the keyboard goes on with what is new. */
    const heading = list.tBodies[first] && list.tBodies[first].querySelector("th");
    if (heading) {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
    }
  });
  new IntersectionObserver((entries) => {
    if (entries.some(({ isIntersecting }) => isIntersecting) && !more.hidden) show(STEP);
  }, { rootMargin: "600px" }).observe(byId("end"));
  /* Paper has no further down. */
  addEventListener("beforeprint", () => show(Infinity));
  addEventListener("afterprint", render);
  byId("print").addEventListener("click", () => print());
  render();
  document.documentElement.dataset.ready = "true";
})();
`;

/**
 * A review as a page. It asks nothing of a network: its policy allows its own script and style by their hashes, and nothing else.
 *
 * @param title what stands at its top, e.g. whose access it is.
 */
export function pageOf(report: Report, title = "Who has access to which mailbox"): string {
  const findings = findingsOf(report);
  const hasStacks = report.stacks.length > 0;
  const policy = `default-src 'none'; script-src '${hashOf(SCRIPT)}'; style-src '${hashOf(STYLE)}'; base-uri 'none'; form-action 'none'`;
  const columns = [
    ["name", "Person or group"],
    ["rights", "Rights"],
    ...(hasStacks ? [["declared", "Declared by"]] : []),
    ["until", "Until"],
    ["findings", "Findings"],
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${html(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<a class="skip" href="#list">To the list</a>
<main>
<h1>${html(title)}</h1>
<p class="quiet">Tenant ${html(report.tenantId)}, read on ${report.day} (UTC).${hasStacks ? ` Compared with ${html(report.stacks.join(", "))}.` : " No state of a stack was given, so it does not show who declared what."}</p>
<ul class="totals">
<li>${plural(report.mailboxes.length, "mailbox", "mailboxes")}</li>
<li>${plural(peopleIn(report), "person or group", "people and groups")} with access</li>
<li>${findings.length === 0 ? "Nothing to look at" : `${plural(findings.length, "thing", "things")} to look at`}</li>
</ul>
${report.notes.map((note) => `<p>${html(note)}</p>`).join("\n")}
<noscript><p>This page needs its own script, which this viewer does not run. Open the file in a browser.</p></noscript>
<div class="controls" role="search">
<label class="wide" for="search">Search<input id="search" type="search" placeholder="name, address, right, stack" autocomplete="off"></label>
<label class="narrow" for="grouping">Group by<select id="grouping"><option value="mailbox">mailbox</option><option value="person">person</option></select></label>
<label class="narrow" for="only">Show<select id="only"><option value="">everything</option><option value="any">what to look at (${findings.length})</option>${countsOf(
    report,
  )
    .map(({ code, meaning, count }) => `<option value="${code}">${html(meaning)} (${count})</option>`)
    .join("")}</select></label>
<label class="narrow" for="order">First<select id="order"><option value="name">by name</option><option value="findings">most to look at</option><option value="most">most access</option></select></label>
<button id="print" type="button">Print</button>
</div>
<p id="count" role="status" aria-live="polite"></p>
<table id="list">
<caption>Who may do what. The heads of the columns sort the rows of each group.</caption>
<thead><tr id="head">${columns.map(([name, label]) => `<th scope="col" data-column="${name}" aria-sort="none"><button type="button">${label}</button></th>`).join("")}</tr></thead>
</table>
<button id="more" type="button" hidden>Show more</button>
<div id="end"></div>
</main>
<script type="application/json" id="data">${json(dataOf(report))}</script>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

/** What the script needs of a report. */
function dataOf({ mailboxes, stacks }: Report) {
  return {
    stacks,
    codes: FINDING_CODES,
    mailboxes: mailboxes.map(({ id, address, displayName, declaredBy, unread, findings, access }) => ({
      id,
      address: oneLine(address),
      displayName: oneLine(displayName),
      declaredBy,
      unread,
      findings,
      access: access.map((one) => ({
        id: one.id,
        person: oneLine(one.person),
        displayName: oneLine(one.displayName ?? ""),
        kind: one.kind,
        rights: rightsOf(one),
        declared: stacks.length === 0 ? "" : declaredWords(one),
        until: one.until,
        findings: one.findings,
      })),
    })),
  };
}

function rightsOf(access: Access): string {
  const names = rightsWords(access);
  return access.automapping === false ? `${names} (not opened by Outlook)` : names;
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

/** JSON that cannot end the element that it stands in. */
function json(value: unknown): string {
  return JSON.stringify(value).replace(
    /[<>&\u2028\u2029]/g,
    (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function html(text: string): string {
  return oneLine(text).replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}
