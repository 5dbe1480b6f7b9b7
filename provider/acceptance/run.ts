import { existsSync } from "node:fs";
import { openDeployment, type RawConfiguration } from "../dynamic/deployment";
import { EngineLog } from "../dynamic/engine";
import { APPLICATION } from "../http/call";
import { cleanUp, described, Ground, Journal, type Plot } from "./made";
import { dataverseProbes } from "./probes/dataverse";
import { exchangeProbes } from "./probes/exchange";
import { graphProbes, loginProbes } from "./probes/graph";
import { Recording } from "./record";
import { type Need, notTried, type Probe, rowsIn, Unprepared, type Verdict, Wire } from "./wire";

/** What `mailboxes acceptance` is called with. */
export interface AcceptanceOptions {
  /** Ask only; write nothing. */
  readOnly?: boolean;
  /** An accepted domain, in which disposable mailboxes are made. */
  domain?: string;
  /** How their names begin. */
  prefix?: string;
  /** Remove what an earlier run left behind, and do nothing else. */
  cleanUp?: boolean;
  /** Only these rows. */
  only?: readonly string[];
  /** Go on, after having said what will be done. */
  yes?: boolean;
  /** PEM file with a certificate of the application and its key, for the probe of clocks. */
  certificate?: string;
  /** File with a token of a federated credential of the application, for the probe of its signature. */
  federatedToken?: string;
  /** The record. */
  record?: string;
  /** The journal of what was made. */
  journal?: string;
}

/** 0: whatever was tried is confirmed; 1: something is contradicted; 2: it could not run, or not to its end. */
export type ExitCode = 0 | 1 | 2;

/** Where a run happens. */
export interface Surroundings {
  raw: RawConfiguration;
  say: (text: string) => void;
  /** Ends the run; what it made is removed all the same. */
  signal: AbortSignal;
}

/** A wrong call, or a tenant on which nothing can be tried: nothing was written. */
export class CannotRun extends Error {
  override readonly name = "CannotRun";
}

/** Journal of what was made, in the folder of the call, so that `--clean-up` finds it. */
export const JOURNAL = "mailboxes-acceptance.made.jsonl";

const MARKS: Readonly<Record<Verdict["is"], string>> = {
  confirmed: "confirmed",
  contradicted: "contradicted",
  notTried: "not tried",
};

/**
 * Tries on a tenant what the provider takes for true about Microsoft's services and nobody has shown in public.
 *
 * @throws CannotRun, InputError, TokenError and the like before anything was written.
 */
export async function acceptance(options: AcceptanceOptions, surroundings: Surroundings): Promise<ExitCode> {
  const { say, signal } = surroundings;
  const plot = plotOf(options);
  const chosen = chosenOf(options.only);
  const journal = new Journal(options.journal ?? JOURNAL);
  const record = options.record ?? `mailboxes-acceptance-${new Date().toISOString().replace(/[:.]/g, "-")}.json`;
  if (existsSync(record)) {
    throw new CannotRun(`--record: ${record} exists already; name another file.`);
  }
  if (options.cleanUp !== true && journal.left().length > 0) {
    throw new CannotRun(
      `An earlier run left things behind, which ${journal.file} names. Remove them first: mailboxes acceptance --clean-up --yes`,
    );
  }
  const deployment = await openDeployment(surroundings.raw, new EngineLog(undefined), []);
  try {
    const { configuration } = deployment;
    const recording = new Recording();
    recording.probe = "preparation";
    const bounds = { signal, deadline: Date.now() + 60_000 };
    const tenantId = await deployment.services.tenantId(bounds);
    const wire = new Wire(configuration, tenantId, recording, signal, options);
    const isLocal = configuration.localTenant !== undefined;
    const target = isLocal ? "a local tenant" : `the tenant ${tenantId}`;
    if (options.cleanUp === true) {
      return await cleanUpOnly(journal, wire, target, options.yes === true, say);
    }
    const has: Readonly<Record<Need, boolean>> = {
      disposable: plot !== undefined,
      dataverse: configuration.environmentUrl !== undefined,
      certificate: options.certificate !== undefined || configuration.credential.kind === "certificate",
      federatedToken:
        options.federatedToken !== undefined || ["tokenFile", "githubActions"].includes(configuration.credential.kind),
    };
    say(planOf(target, configuration.environmentUrl, plot, chosen, has, journal.file, record));
    if (options.yes !== true) {
      say("Nothing was asked or written. Run it again with --yes.");
      return 2;
    }
    if (plot !== undefined) {
      await checkDomain(wire, plot.domain);
    }
    for (const own of [plot?.prefix, tenantId, configuration.tenantId]) {
      recording.learn(own);
    }
    recording.learn(plot?.domain, "domain");
    if (!isLocal && configuration.environmentUrl !== undefined) {
      recording.learn(new URL(configuration.environmentUrl).hostname, "domain");
    }
    recording.reserve(record);
    const started = new Date().toISOString();
    const ground = new Ground(wire, plot, journal, configuration.settleTimeout, signal);
    const results: Result[] = [];
    let complaints: string[] = [];
    try {
      await probeAll(chosen, ground, has, recording, results, say);
    } finally {
      recording.probe = "clean-up";
      complaints = await cleanUp(journal, wire.withSignal(new AbortController().signal), () => undefined);
      recording.write(record, {
        version: APPLICATION,
        target: isLocal ? "a local tenant" : "Microsoft 365",
        mode: plot === undefined ? "read-only" : "on disposable mailboxes",
        started,
        ended: new Date().toISOString(),
        results: results.map(({ row, verdict: { is, said } }) => ({ probe: row, is: MARKS[is], said })),
      });
    }
    return summary(results, complaints, signal.aborted, journal.file, record, say);
  } finally {
    await deployment.close();
  }
}

function plotOf({ readOnly, domain, prefix, cleanUp: isCleanUp }: AcceptanceOptions): Plot | undefined {
  const modes = [readOnly === true, domain !== undefined || prefix !== undefined, isCleanUp === true];
  if (modes.filter(Boolean).length !== 1) {
    throw new CannotRun("Say one of: --read-only, --domain DOMAIN with --prefix PREFIX, --clean-up.");
  }
  if (domain === undefined && prefix === undefined) {
    return undefined;
  }
  if (domain === undefined || !/^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(domain)) {
    throw new CannotRun("--domain: write an accepted domain of the tenant, such as contoso.com.");
  }
  if (prefix === undefined || !/^[a-z][a-z0-9-]{1,19}$/.test(prefix)) {
    throw new CannotRun(
      "--prefix: write 2 to 20 lower-case letters, digits and hyphens that begin with a letter, such as acceptance.",
    );
  }
  return { domain: domain.toLowerCase(), prefix };
}

function chosenOf(only: readonly string[] | undefined): readonly Probe[] {
  const unknown = only?.filter((row) => !probes.some((probe) => probe.row === row)) ?? [];
  if (unknown.length > 0) {
    throw new CannotRun(`--only: unknown probe ${unknown.join(", ")}. --list prints all.`);
  }
  return only === undefined ? probes : probes.filter(({ row }) => only.includes(row));
}

/** Every probe with what it tries, for `--list`. */
export function list(): string {
  return probes
    .map(({ row, assumption, needs }) => `${row}\n  ${assumption}${needs.map((need) => `\n  ${NEEDS[need]}`).join("")}`)
    .join("\n");
}

const NEEDS: Readonly<Record<Need, string>> = {
  disposable: "needs --domain and --prefix",
  dataverse: "needs a Dataverse environment (DATAVERSE_URL)",
  certificate: "needs a certificate of the application (--certificate, or AZURE_CLIENT_CERTIFICATE_PATH)",
  federatedToken:
    "needs a token of a federated credential (--federated-token, AZURE_FEDERATED_TOKEN_FILE, or a job of GitHub Actions)",
};

function missing(probe: Probe, has: Readonly<Record<Need, boolean>>): string | undefined {
  const need = probe.needs.find((one) => !has[one]);
  return need === undefined ? undefined : NEEDS[need];
}

function planOf(
  target: string,
  environmentUrl: string | undefined,
  plot: Plot | undefined,
  chosen: readonly Probe[],
  has: Readonly<Record<Need, boolean>>,
  journal: string,
  record: string,
): string {
  const possible = chosen.filter((probe) => missing(probe, has) === undefined).length;
  const writes =
    plot === undefined
      ? ["It only reads: nothing is made, changed or deleted."]
      : [
          `It makes shared mailboxes ${plot.prefix}-RANDOM-NUMBER@${plot.domain}, changes them and their inbox rules, and removes them,`,
          "their accounts out of the recycle bin as well. It touches nothing that it did not make.",
          ...(has.dataverse
            ? ["In Dynamics 365 it makes mailbox records, queues, teams and server profiles, and deletes them again."]
            : []),
          `What it makes is written to ${journal} first. After a crash, \`mailboxes acceptance --clean-up --yes\` removes it.`,
        ];
  return [
    `This tries ${target}${environmentUrl === undefined || target === "a local tenant" ? "" : ` and ${environmentUrl}`}: ${possible} of ${chosen.length} probes.`,
    ...writes,
    `Requests and answers go to ${record}, with names, addresses, ids and tokens replaced.`,
  ].join("\n");
}

async function checkDomain(wire: Wire, domain: string): Promise<void> {
  const reply = await wire.cmdlet("Get-AcceptedDomain");
  const domains = rowsIn(reply).map((row) => String(row.DomainName).toLowerCase());
  if (reply.status >= 400 || !domains.includes(domain)) {
    const known = domains.length > 0 ? ` Write one of ${domains.join(", ")}.` : "";
    throw new CannotRun(`--domain: ${domain} is not an accepted domain of this tenant.${known}`);
  }
}

/** What one probe found out. */
interface Result {
  row: string;
  verdict: Verdict;
}

/** Asks one probe after the other, until all are done or the run is ended. */
async function probeAll(
  chosen: readonly Probe[],
  ground: Ground,
  has: Readonly<Record<Need, boolean>>,
  recording: Recording,
  results: Result[],
  say: (text: string) => void,
): Promise<void> {
  for (const probe of chosen) {
    recording.probe = probe.row;
    const verdict = await tried(probe, ground, has);
    if (ground.signal.aborted && verdict.is === "notTried") {
      return;
    }
    results.push({ row: probe.row, verdict });
    say(lineOf(probe.row, verdict));
    if (ground.signal.aborted) {
      return;
    }
  }
}

async function tried(probe: Probe, ground: Ground, has: Readonly<Record<Need, boolean>>): Promise<Verdict> {
  const reason = missing(probe, has);
  if (reason !== undefined) {
    return notTried(reason);
  }
  try {
    return await probe.ask(ground);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    return notTried(error instanceof Unprepared ? words : `it failed: ${words}`);
  }
}

function lineOf(row: string, { is, said }: Verdict): string {
  return `${MARKS[is].padEnd(12)}  ${row}\n              ${said}`;
}

function summary(
  results: readonly Result[],
  complaints: readonly string[],
  isAborted: boolean,
  journal: string,
  record: string,
  say: (text: string) => void,
): ExitCode {
  const count = (is: Verdict["is"]) => results.filter(({ verdict }) => verdict.is === is).length;
  const [confirmed, contradicted, untried] = [count("confirmed"), count("contradicted"), count("notTried")];
  say(`${confirmed} confirmed, ${contradicted} contradicted, ${untried} not tried.`);
  say(`The record is ${record}.`);
  for (const complaint of complaints) {
    say(`left behind: ${complaint}`);
  }
  if (complaints.length > 0) {
    say(`${journal} names what is left. \`mailboxes acceptance --clean-up --yes\` tries again to remove it.`);
  }
  if (isAborted) {
    say("It was stopped before its end.");
    return 2;
  }
  return contradicted > 0 ? 1 : confirmed === 0 ? 2 : 0;
}

async function cleanUpOnly(
  journal: Journal,
  wire: Wire,
  target: string,
  isWanted: boolean,
  say: (text: string) => void,
): Promise<ExitCode> {
  const left = journal.left();
  if (left.length === 0) {
    say(`${journal.file} names nothing that is left behind.`);
    return 0;
  }
  say([`This removes from ${target}:`, ...left.map(({ thing }) => `  ${described(thing)}`)].join("\n"));
  if (!isWanted) {
    say("Nothing was removed. Run it again with --yes.");
    return 2;
  }
  const complaints = await cleanUp(journal, wire, say);
  for (const complaint of complaints) {
    say(`left behind: ${complaint}`);
  }
  return complaints.length > 0 ? 2 : 0;
}

/** Every probe, in the order in which they run: what only asks comes first in each service. */
export const probes: readonly Probe[] = [...loginProbes, ...exchangeProbes, ...graphProbes, ...dataverseProbes];
