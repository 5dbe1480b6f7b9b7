import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Table from "cli-table3";
import { engineCost, processorTime } from "./bench/engine.mjs";
import { modelled } from "./bench/model.mjs";
import { patterns } from "./bench/patterns.mjs";
import { memoryOf } from "./bench/provider.mjs";
import { doingNothing, mailboxes, makeStack } from "./bench/stack.mjs";
import { counted, crowdedTenant } from "./bench/tenant.mjs";
import { clone, say } from "./clone.mjs";
import { setUp } from "./setup.mjs";

/**
 * Measures how far a stack goes, and prints what is reached beside what is to be reached: `npm run bench` with 100 mailboxes,
 * `npm run bench -- 1000` with as many, `npm run bench -- 100 requests tenant` only these parts. Every figure is a count, or a ratio
 * of two things that were measured in one run, so that it says something on any machine. The table goes to the terminal, all that was
 * counted to `.tenant/bench/SIZE.json`.
 */
const args = process.argv.slice(2);
const size = Number(args.find((arg) => /^\d+$/.test(arg)) ?? 100);
const parts = { requests, crowd, overhead, memory, tenant, loading, engine };
const chosen = args.filter((arg) => arg in parts);

/** Seconds that a cmdlet takes at Microsoft: 0.60 to 0.85 were measured. Times are modelled with it. */
const CMDLET = 0.7;
/** Milliseconds that a cmdlet takes at the local tenant meanwhile: a hundredth, so that what is in flight at a time is as it would be. */
const LATENCY = (CMDLET * 1000) / 100;
/** The same where time is modelled: in full, so that what engine and provider do in between weighs little against it. */
const FULL_LATENCY = CMDLET * 1000;
/** A tenant that takes two requests at a time, and wants silence whenever there are more. */
const THROTTLED = { exchangeConcurrency: 2, exchangeRetryAfter: 1500 };
/** Requests are counted: the engine need not write the whole state for each resource meanwhile, which takes longer than they do. */
const UNSAVED = { PULUMI_SKIP_CHECKPOINTS: "true" };
/** Who has access to each mailbox; each has Full Access and Send As, which makes ten grants. */
const MEMBERS = 5;
const people = Math.max(12, Math.round(size / 10));
/** Why a measure is missed, where it is. */
const REASONS = {
  refresh:
    "Who has Full Access is a request for ten mailboxes, because nothing lists it. The first questions of a refresh fill no batches, " +
    "and Send As is read one by one until a listing of it is worth its pages.",
  narrow:
    "Eight operations at a time fill a batch with eight reads at most, and nothing is read ahead before ten mailboxes were asked for.",
  time:
    "Ten requests in flight are 1/29 at best. Until that many may be, and while the listings are read, fewer are: the fewer mailboxes, " +
    "the more that weighs.",
  timeOfPairs:
    "The engine hands over 64 resources at a time, and the membership of a mailbox comes right behind it: nothing can be read ahead. 64 " +
    "questions fill six batches, which is 1/19 at best.",
  crowd:
    "Nothing is listed where few mailboxes are asked about. The rest are batches of ten, some of which are not full.",
  "refresh, processor time":
    "A sixth of what is more is loading this package and its libraries, once a deployment. The rest is the requests, reading their " +
    "answers, and the members of each state, which the engine and the SDK take one by one.",
  "refresh, shortest time": "It sends requests and waits for their answers, and resources that do nothing do not.",
  "shortest time": "Seconds depend on what else runs on the machine. Compare the processor time.",
};
const folder = join(clone, ".tenant", "bench");
const rows = [];
const record = { size, at: new Date().toISOString() };

const cli = await setUp();
mkdirSync(folder, { recursive: true });
for (const name of chosen.length > 0 ? chosen : Object.keys(parts)) {
  say(`Measuring: ${name} …`);
  record[name] = await parts[name]();
}
print();

/** What deployments of `size` mailboxes with ten grants each ask of a tenant. */
async function requests() {
  return withTenant("requests", people, 0, async (served, journal) => {
    const config = {
      "mailboxes:localTenant": journal,
      "mailboxes:maxMailboxDeletes": String(size),
      "mailboxes:settleTimeout": "5m",
    };
    await served.client.control("PATCH", "settings", { cmdletLatency: LATENCY });
    const stack = await makeStack("mailboxes", cli, mailboxes(size, people, MEMBERS), config, UNSAVED);
    const counting = async (...command) => {
      const counts = await counted(served, () => stack.pulumi(...command));
      say(`  ${command[0]}: ${counts.requests} requests, ${counts.cmdlets} cmdlets, ${Math.round(counts.seconds)} s`);
      return counts;
    };
    const wide = ["--parallel", "64"];
    const quiet = ["--yes", "--skip-preview"];
    try {
      const up = await counting("up", ...quiet, ...wide);
      const boxes = boxesIn(stack.resources());
      stack.arrange(mailboxesFirst);
      const set = (settings) => served.client.control("PATCH", "settings", settings);
      await set({ cmdletLatency: FULL_LATENCY });
      const refresh = await counting("refresh", ...quiet, ...wide, "--expect-no-changes");
      const time = modelled(await served.client.control("GET", "requests"), CMDLET);
      await set({ ...THROTTLED, cmdletLatency: FULL_LATENCY / 10 });
      const throttled = await counting("refresh", ...quiet, ...wide, "--expect-no-changes");
      await set({ exchangeConcurrency: 0, cmdletLatency: LATENCY });
      const narrow = await counting("refresh", ...quiet, "--parallel", "8", "--expect-no-changes");
      await set({ cmdletLatency: FULL_LATENCY });
      stack.arrange(inPairs);
      const pairs = await counting("refresh", ...quiet, ...wide, "--expect-no-changes");
      const timeOfPairs = modelled(await served.client.control("GET", "requests"), CMDLET);
      await set({ cmdletLatency: LATENCY });
      stack.configure({ ...config, "bench:extra": "true" });
      const member = await counting("up", ...quiet, ...wide);
      const replayed = {};
      await served.client.control("PATCH", "settings", { cmdletLatency: 0 });
      for (const [name, replay] of Object.entries(patterns)) {
        replayed[name] = await counted(served, () => replay(served.client, boxes));
      }
      await served.client.control("PATCH", "settings", { cmdletLatency: LATENCY });
      const destroy = await counting("destroy", ...quiet, ...wide);
      const best = Math.min(...Object.values(replayed).map(({ cmdlets }) => cmdlets));
      row(
        `refresh, ${size} mailboxes with 10 grants, 64 at a time`,
        "requests",
        refresh.requests,
        scaled(120),
        "3,000 – 11,000",
        REASONS.refresh,
      );
      row(
        "the same, 8 at a time (Pulumi's default on two cores)",
        "requests",
        narrow.requests,
        scaled(260),
        "",
        REASONS.narrow,
      );
      row(`first up of ${size} mailboxes with 10 grants`, "requests", up.requests, scaled(5000), "≥ 13,000");
      row("destroy of the same", "requests", destroy.requests, scaled(3000), "1,000");
      row("one member added, up", "requests", member.requests, 6, "4 – 12");
      const minutes = (seconds) => `${(seconds / 60).toFixed(1)} min`;
      const inTime = (measure, { seconds, inFlight }, reason) =>
        row(
          measure,
          "ratio",
          seconds / (best * CMDLET),
          1 / 20,
          `${minutes(best * CMDLET)}, here ${minutes(seconds)} with ${inFlight.toFixed(1)} in flight`,
          reason,
        );
      inTime(
        `modelled time of that refresh at ${CMDLET} s a cmdlet, against the best replayed pattern`,
        time,
        REASONS.time,
      );
      inTime("the same where each membership follows its mailbox in the state", timeOfPairs, REASONS.timeOfPairs);
      row("requests of that refresh", "requests", pairs.requests, scaled(120), "", REASONS.refresh);
      row(
        "cmdlets of that refresh, against the same pattern",
        "ratio",
        refresh.cmdlets / best,
        1,
        `${best}, here ${refresh.cmdlets}`,
      );
      row("requests that came too early", "count", tooEarly([up, refresh, narrow, pairs, member, destroy]), 0, "");
      row(
        `the same in a tenant that takes ${THROTTLED.exchangeConcurrency} at a time (it refused ${throttled.refused})`,
        "count",
        throttled.tooEarly,
        0,
        "",
      );
      return { up, refresh, time, throttled, narrow, pairs, timeOfPairs, member, destroy, replayed };
    } finally {
      stack.remove();
    }
  });
}

/** A refresh of few mailboxes among many that the program does not declare. */
async function crowd() {
  const own = 50;
  const others = size * 50;
  return withTenant("crowd", 12, others, async (served, journal) => {
    const config = { "mailboxes:localTenant": journal };
    await served.client.control("PATCH", "settings", { cmdletLatency: LATENCY });
    const stack = await makeStack("crowd", cli, mailboxes(own, 12, MEMBERS), config, UNSAVED);
    try {
      await stack.pulumi("up", "--yes", "--skip-preview", "--parallel", "64");
      const refresh = await counted(served, () =>
        stack.pulumi("refresh", "--yes", "--skip-preview", "--parallel", "64", "--expect-no-changes"),
      );
      row(
        `refresh of ${own} mailboxes in a tenant of ${others}`,
        "requests",
        refresh.requests,
        20,
        "50 pages and more",
        REASONS.crowd,
      );
      return refresh;
    } finally {
      stack.remove();
    }
  });
}

/**
 * The same commands with dynamic resources that do nothing, in turns, and the size of a state. Of the processor time the median is taken,
 * because it hardly depends on what else runs; of the seconds the shortest.
 */
async function overhead() {
  const count = Math.min(size, 100);
  const rounds = 5;
  return withTenant("overhead", 12, 0, async ({ client }) => {
    const config = { "mailboxes:localTenant": client.origin, "mailboxes:maxMailboxDeletes": String(count) };
    const own = await makeStack("own", cli, mailboxes(count, 12, 3), config);
    await own.pulumi("up", "--yes", "--skip-preview", "--parallel", "64");
    const ours = own.resources().filter(({ type }) => !/pulumi:providers/.test(type));
    const outputs = Math.round(mean(ours.map((one) => Object.keys(one.outputs).length)));
    const many = await makeStack("many", cli, doingNothing(count * 2, filled(outputs)));
    const single = await makeStack("single", cli, doingNothing(count * 2, {}));
    const stacks = { own, many, single };
    try {
      for (const other of [many, single]) {
        await other.pulumi("up", "--yes", "--skip-preview", "--parallel", "64");
      }
      const measured = {};
      const commands = {
        preview: ["preview"],
        up: ["up", "--yes", "--skip-preview"],
        refresh: ["refresh", "--yes", "--skip-preview"],
      };
      for (const [name, command] of Object.entries(commands)) {
        measured[name] = await inTurns(stacks, rounds, (stack) => stack.timed(...command, "--parallel", "64"));
        const limits = name === "refresh" ? { many: 1.5 } : { many: 1.05, single: 1.4 };
        for (const [other, limit] of Object.entries(limits)) {
          const against = other === "many" ? `${outputs} outputs that do nothing` : "single outputs that do nothing";
          for (const [unit, of] of Object.entries(measured[name])) {
            const reason = REASONS[name === "refresh" ? `refresh, ${unit}` : unit];
            row(`${name} without changes, against ${against}: ${unit}`, "×", of.own / of[other], limit, "", reason);
          }
        }
      }
      const kilobytes = (part) => mean(ours.map((one) => JSON.stringify(part(one)).length)) / 1000;
      const state = kilobytes((one) => one);
      const engine = kilobytes(({ inputs: _inputs, outputs: _outputs, ...rest }) => rest);
      const hidden = kilobytes(({ inputs, outputs }) =>
        [inputs, outputs].map(({ __provider, __origin }) => ({ __provider, __origin })),
      );
      row(
        "state of a resource, mean of mailbox and membership of three",
        "KB",
        state,
        2.0,
        "3.2 (do-nothing with a closure)",
        `Fields of the engine take ${engine.toFixed(2)} KB. ${hidden.toFixed(2)} KB find the provider and say which URN the resource was ` +
          "born with: the engine wants both in inputs and in outputs. A shorter text for the provider would be an update of every resource. " +
          "The rest is what users read.",
      );
      return { resources: ours.length, outputs, measured, state };
    } finally {
      for (const stack of Object.values(stacks)) {
        stack.remove();
      }
    }
  });
}

/** Measures stacks one after the other, again and again, each time beginning with another one. */
async function inTurns(stacks, rounds, measure) {
  const all = Object.entries(stacks).map(([which, stack]) => ({ which, stack, times: [] }));
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < all.length; turn += 1) {
      const { stack, times } = all[(round + turn) % all.length];
      times.push(await measure(stack));
    }
  }
  const each = (of) => Object.fromEntries(all.map(({ which, times }) => [which, of(times)]));
  return {
    "processor time": each((times) => median(times.map(({ processor }) => processor))),
    "shortest time": each((times) => Math.min(...times.map(({ seconds }) => seconds))),
  };
}

/** Memory of a provider's process that refreshes more and more resources. */
async function memory() {
  const sizes = [100, 1000, 10_000].filter((one) => one <= Math.max(1000, size * 10));
  const most = sizes.at(-1) / 2;
  return withTenant("memory", 0, most, async ({ client }) => {
    const recipients = Object.values(await client.control("GET", "state/recipients"));
    const boxes = recipients
      .filter(({ alias }) => /^other\d+$/.test(alias))
      .map(({ externalDirectoryObjectId: id, alias }) => ({ id, address: `${alias}@contoso.com` }));
    const measured = {};
    for (const count of sizes) {
      measured[count] = (await memoryOf(client.origin, boxes.slice(0, count / 2))) / 2 ** 20;
    }
    const all = sizes.map((count) => `${count}: ${Math.round(measured[count])}`).join(", ");
    row(`provider memory, refresh of resources (${all})`, "MB", measured[sizes.at(-1)], 350, "");
    return measured;
  });
}

/**
 * Reads a second of the tenant alone, ten in a `$batch`, while its process takes one core. The client is a process of its own, and what
 * it takes does not count: a second is one of the tenant's own processor time, or of the clock where there is no `/proc`.
 */
async function tenant() {
  return withTenant("tenant", 12, size, async ({ client, process: { pid } }) => {
    const recipients = Object.values(await client.control("GET", "state/recipients"));
    const boxes = recipients
      .filter(({ alias }) => /^other\d+$/.test(alias))
      .map(({ externalDirectoryObjectId: id }) => ({ id }));
    const spent = () => {
      try {
        return processorTime(pid);
      } catch {
        return performance.now() / 1000;
      }
    };
    let reads = 0;
    let next = 0;
    const readFor = async (milliseconds) => {
      const until = Date.now() + milliseconds;
      const workers = Array.from({ length: 4 }, async () => {
        while (Date.now() < until) {
          const some = Array.from({ length: 10 }, (_, index) => boxes[(next + index) % boxes.length]);
          next += some.length;
          await patterns["ten a batch"](client, some);
          reads += some.length * 3;
        }
      });
      await Promise.all(workers);
    };
    // Until what the tenant runs is compiled.
    await readFor(5000);
    reads = 0;
    const before = spent();
    await readFor(5000);
    const perSecond = reads / (spent() - before);
    row("local tenant alone, reads a second of its processor time", "/s", perSecond, -3000, "");
    return { perSecond };
  });
}

/** The processor time that `require("pulumi-mailboxes")` takes beyond the SDK, the shortest of seven. */
async function loading() {
  const script = `require("@pulumi/pulumi"); const before = process.cpuUsage(); require(${JSON.stringify(clone)}); const { user, system } = process.cpuUsage(before); console.log((user + system) / 1000);`;
  const times = Array.from({ length: 7 }, () =>
    Number(execFileSync(process.execPath, ["-e", script], { cwd: clone, encoding: "utf8" })),
  );
  row('require("pulumi-mailboxes") beyond @pulumi/pulumi, processor time', "ms", Math.min(...times), 10, "");
  return { milliseconds: Math.min(...times) };
}

/** What the engine itself takes, on a backend that is a folder: as many resources that do nothing as `size` mailboxes would have. */
async function engine() {
  const stack = await makeStack("engine", cli, doingNothing(size * 2, filled(20)));
  const wide = ["--parallel", "64"];
  try {
    const up = await engineCost(stack, "up", "--yes", "--skip-preview", ...wide);
    const again = await engineCost(stack, "up", "--yes", "--skip-preview", ...wide);
    const refresh = await engineCost(stack, "refresh", "--yes", "--skip-preview", ...wide);
    const what = `engine alone, ${size * 2} resources that do nothing`;
    row(`${what}: times the state is written by a first up`, "count", up.writes);
    row(`${what}: what a first up writes`, "MB", up.bytes / 2 ** 20);
    row(`${what}: times the state is written by an up without changes`, "count", again.writes);
    row(`${what}: processor time of the CLI in a first up`, "s", up.processor ?? Number.NaN);
    row(`${what}: processor time of the CLI in a refresh`, "s", refresh.processor ?? Number.NaN);
    row(`${what}: memory of the CLI`, "MB", (up.memory ?? Number.NaN) / 2 ** 20);
    return { up, again, refresh };
  } finally {
    stack.remove();
  }
}

async function withTenant(name, users, others, work) {
  const journal = join(folder, `${name}.jsonl`);
  const clear = () => {
    for (const file of [journal, `${journal}.lock`]) {
      rmSync(file, { recursive: true, force: true });
    }
  };
  clear();
  const served = await crowdedTenant(journal, users, others);
  try {
    return await work(served, journal);
  } finally {
    served.process.kill();
    clear();
  }
}

/** A state as a first `up` of many mailboxes leaves it: memberships wait for their mailboxes. */
function mailboxesFirst({ outputs }) {
  return outputs?.memberIds === undefined ? 0 : 1;
}

/** A state in which each membership follows its mailbox. */
function inPairs({ urn }) {
  return Number(/::(?:box|members)(\d+)$/.exec(urn)?.[1] ?? 0);
}

function boxesIn(resources) {
  const memberships = new Map(
    resources
      .filter(({ outputs }) => outputs?.memberIds !== undefined)
      .map(({ outputs }) => [outputs.mailboxId, outputs]),
  );
  return resources
    .filter(({ outputs }) => outputs?.exchangeGuid !== undefined)
    .map(({ id, outputs }) => ({
      id,
      address: outputs.primarySmtpAddress,
      trustees: Object.values(memberships.get(id).memberIds),
    }));
}

function filled(count) {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`output${index}`, `value ${index}`]));
}

/** A target for 1,000 mailboxes at this size. */
function scaled(target) {
  return Math.ceil((target * size) / 1000);
}

function tooEarly(all) {
  return all.reduce((sum, one) => sum + one.tooEarly, 0);
}

function mean(numbers) {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}

function median(numbers) {
  const sorted = [...numbers].sort((one, other) => one - other);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
}

/** @param target what is to be reached: at most this; at least, where it is negative. Undefined for what is only told.
 * @param reason why it is missed, where it is. */
function row(measure, unit, reached, target, elsewhere = "", reason = "") {
  rows.push({
    measure,
    unit,
    reached,
    target,
    elsewhere,
    reason,
    isReached: target < 0 ? reached >= -target : reached <= target,
  });
}

function print() {
  const table = new Table({
    head: ["measure", "elsewhere", "reached", "to reach", ""],
    style: { head: [], border: [] },
  });
  const text = (value, unit) => {
    const digits = Number.isInteger(value) ? 0 : 2;
    return `${value.toLocaleString("en", { maximumFractionDigits: digits })}${["requests", "count", "ratio"].includes(unit) ? "" : ` ${unit}`}`;
  };
  for (const { measure, unit, reached, target, elsewhere, isReached } of rows) {
    const aim = target === undefined ? "" : `${target < 0 ? "≥" : "≤"} ${text(Math.abs(target), unit)}`;
    const verdict = isReached ? "reached" : "missed";
    table.push([measure, elsewhere, text(reached, unit), aim, target === undefined ? "" : verdict]);
  }
  console.log(table.toString());
  for (const { measure, target, isReached, reason } of rows) {
    if (target !== undefined && !isReached && reason !== "") {
      say(`Missed: ${measure}. ${reason}`);
    }
  }
  writeFileSync(join(folder, `${size}.json`), `${JSON.stringify({ ...record, rows }, null, 2)}\n`);
  say(`All that was counted: ${join(".tenant", "bench", `${size}.json`)}`);
}
