/** `mailboxes leaver`: what somebody has in a tenant, in states and in a program. Nothing is changed. */
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { meantBy, readAccess, readStacks, requireTenant, type Stack } from "../access/read";
import { declaredWords, ofPerson, type Report, reportOf, rightsWords } from "../access/report";
import { dayOf } from "../core/canonical";
import { bounds, connected, type Deployment } from "../dynamic/deployment";
import { TerminalLog } from "../dynamic/engine";
import { isClass, isProviderError } from "../http/errors";
import { mapOf, plural, sameText } from "../http/json";
import { comparedColumns } from "../kinds";
import { SECRET } from "../review/rules";
import { oneLine } from "../review/words";
import type { Mailbox } from "../services/mailboxes";
import { inProgram, mentions, type Program } from "./program";
import { looksLikeAddress } from "./sightings";

/** What `mailboxes leaver` is called with. */
export interface LeaverOptions {
  state?: string[];
  program?: string;
  also?: string[];
  tenant: boolean;
  json?: true;
  diff?: true;
}

/** What there is of somebody. */
interface Leaver {
  who: string;
  names: string[];
  tenant: Found["holdings"];
  states: StackPlace[];
  program: Program;
  notes: string[];
}

/**
 * Looks for somebody in the tenant, in states and in a program, and writes what was found and the edit.
 *
 * @returns the exit code: 1 where something is left, and 2 where nothing was found and not all could be read.
 * @throws Error when it cannot be told; a sentence with a next step.
 */
export async function writeLeaver(text: string, options: LeaverOptions): Promise<number> {
  const { isWhole, ...leaver } = await leaverCalled(text.trim().toLowerCase(), options);
  const { program } = leaver;
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify(leaver, undefined, 2)}\n`);
  } else if (options.diff === true) {
    process.stdout.write(program.patch);
    for (const { file, line, text, why } of program.places) {
      process.stderr.write(`mailboxes: left to you: ${file}:${line}  ${text} (${why})\n`);
    }
    for (const note of leaver.notes) {
      process.stderr.write(`mailboxes: ${note}\n`);
    }
  } else {
    process.stdout.write(textOf(leaver, options));
  }
  const count = leaver.tenant.length + leaver.states.length + program.removed + program.places.length;
  return count > 0 ? 1 : isWhole ? 0 : 2;
}

async function leaverCalled(who: string, options: LeaverOptions): Promise<Leaver & Pick<Found, "isWhole">> {
  const { state = [], program, also = [], tenant } = options;
  if (!looksLikeAddress(who)) {
    throw new Error("Who leaves? Write an address, a sign-in name or an object id, e.g. ada@contoso.com.");
  }
  if (options.diff === true && program === undefined) {
    throw new Error("--diff prints the edit of a program: write --program FOLDER too.");
  }
  if (!tenant && state.length === 0 && program === undefined) {
    throw new Error("There is nowhere to look: with --no-tenant write --state FILES or --program FOLDER.");
  }
  const folder = program === undefined ? undefined : resolve(program);
  if (folder !== undefined && statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new Error(`--program: ${program} is not a folder. Write the folder of the Pulumi program.`);
  }
  const stacks = readStacks(state);
  let found: Found = {
    who: undefined,
    names: namesIn(stacks, new Set([who])),
    holdings: [],
    notes: [],
    isWhole: true,
  };
  if (tenant) {
    const known = found.names;
    found = await connected(new TerminalLog(), comparedColumns, async (deployment) => {
      requireTenant(stacks, await deployment.services.tenantId(bounds()));
      return inTenant(deployment, known, stacks);
    });
  }
  const names = namesIn(stacks, found.names);
  const { places: states, secrets } = inStacks(stacks, names);
  const isWhole = found.isWhole && secrets.length === 0;
  const certain = new Set([...names, ...also.map((one) => one.trim().toLowerCase())]);
  const [local = ""] = who.split("@");
  const guess = who.includes("@") && !certain.has(local) ? local : undefined;
  const files = new Set(state.map((file) => resolve(file)));
  const inFiles = folder === undefined ? NOTHING : inProgram(folder, { certain, guess }, files);
  if (
    isWhole &&
    found.who === undefined &&
    states.length + found.holdings.length + inFiles.removed + inFiles.places.length === 0
  ) {
    const where = [
      ...(tenant ? ["the tenant"] : []),
      ...(state.length > 0 ? ["the states"] : []),
      ...(folder ? ["the program"] : []),
    ];
    throw new Error(
      `Nobody is called ${who} in ${where.join(", ")}. Write an address, a sign-in name or an object id that was in use.`,
    );
  }
  return {
    who: found.who ?? who,
    names: [...certain].sort(),
    tenant: found.holdings,
    states,
    program: inFiles,
    notes: [
      ...found.notes,
      ...secrets.map(
        ({ stack, resource, path }) =>
          `${stack} ${resource}: ${path} is a secret, so it does not show whether it names the person. Export with \`pulumi stack export --show-secrets\`, or keep that file away from others.`,
      ),
      ...inFiles.notes,
    ],
    isWhole,
  };
}

const NOTHING: Program = { patch: "", removed: 0, places: [], notes: [] };

function textOf({ who, names, tenant, states, program, notes }: Leaver, options: LeaverOptions): string {
  const section = (isAsked: boolean, title: string, lines: readonly string[]): string[] =>
    isAsked ? ["", title, ...(lines.length === 0 ? ["nothing"] : lines).map((line) => `  ${line}`)] : [];
  const { patch, places, removed } = program;
  const held = tenant.map(({ on, text }) => oneLine(`${on}: ${text}`));
  const declared = states.map(({ stack, kind, resource, path }) => oneLine(`${stack} ${kind} ${resource}: ${path}`));
  const left = places.map(({ file, line, text, why }) => [`${file}:${line}`, text, `(${why})`].map(oneLine).join("  "));
  return [
    oneLine(`${who}. Looked for: ${names.join(", ")}.`),
    ...section(options.tenant, "In the tenant", held),
    ...section(options.state !== undefined, "In the states", declared),
    ...section(options.program !== undefined, "In the program, left to you", left),
    ...(patch === ""
      ? []
      : ["", `The edit, in ${plural(removed, "place")}; --diff prints it alone, for \`git apply\``, patch.trimEnd()]),
    ...(notes.length === 0 ? [] : ["", ...notes.map((note) => `Note: ${oneLine(note)}`)]),
    "",
  ].join("\n");
}

/** A place in a stack. */
interface StackPlace {
  stack: string;
  kind: string;
  resource: string;
  /** Property path. */
  path: string;
}

/** Other texts for the same person that states know: the object id behind an address, and the addresses behind an id. */
function namesIn(stacks: readonly Stack[], given: ReadonlySet<string>): Set<string> {
  const names = new Set(given);
  // A text may lead to an id, which leads to other texts.
  for (let before = -1; before < names.size; ) {
    before = names.size;
    for (const { outputs } of stacks.flatMap(({ resources }) => resources)) {
      const hidden = mapOf(outputs.__memory);
      for (const ids of [outputs.memberIds, outputs.deletedMembers, outputs.keepIds, hidden.keepIds]) {
        for (const [key, id] of Object.entries(mapOf(ids))) {
          const both = [key.toLowerCase(), String(id).toLowerCase()];
          if (both.some((name) => names.has(name))) {
            for (const name of both) {
              names.add(name);
            }
          }
        }
      }
    }
  }
  return names;
}

/** Where the inputs of resources have one of the names, as a key, a value, or in a text; and where that does not show. */
function inStacks(
  stacks: readonly Stack[],
  names: ReadonlySet<string>,
): { places: StackPlace[]; secrets: StackPlace[] } {
  const inputs = stacks.flatMap(({ name: stack, resources }) =>
    resources.flatMap(({ kind, name, inputs }) =>
      Object.entries(inputs)
        .filter(([property]) => !property.startsWith("__"))
        .map(([property, value]) => ({ stack, kind, resource: name, property, value })),
    ),
  );
  const places = (fits: (text: string) => boolean) =>
    inputs.flatMap(({ property, value, ...rest }) => pathsTo(value, property, fits).map((path) => ({ ...rest, path })));
  return {
    places: places((text) => [...names].some((name) => mentions(text, name))),
    // A password names nobody.
    secrets: places((text) => text === SECRET).filter(({ path }) => path !== "credentials.password"),
  };
}

function pathsTo(value: unknown, path: string, fits: (text: string) => boolean): string[] {
  if (typeof value === "string") {
    return fits(value) ? [path] : [];
  }
  if (Array.isArray(value)) {
    return value.flatMap((one, index) => pathsTo(one, `${path}[${index}]`, fits));
  }
  return Object.entries(mapOf(value)).flatMap(([key, one]) => {
    const at = /^[A-Za-z_]\w*$/.test(key) ? `${path}.${key}` : `${path}["${key}"]`;
    return fits(key) ? [at] : pathsTo(one, at, fits);
  });
}

/** Something that somebody has. */
interface Holding {
  what: "access" | "forwarding" | "source" | "owner" | "record";
  /** The mailbox, queue or record it is about. */
  on: string;
  /** What it is, in words. */
  text: string;
}

/** Somebody, and what is held. */
interface Found {
  /** In words: `the user mailbox "Ada Lovelace" (ada@contoso.com)`; undefined where the tenant has nobody of the name. */
  who: string | undefined;
  /** Every text that means the person, in lower case. */
  names: Set<string>;
  holdings: Holding[];
  notes: string[];
  /** Whether everything was read that could name the person. */
  isWhole: boolean;
}

/**
 * Looks for somebody in a tenant: access to shared mailboxes, forwarding to and from, inbox rules that forward, and what is owned in Dynamics.
 *
 * @param known what means the person already.
 * @throws Error where the text means several.
 */
async function inTenant(deployment: Deployment, known: ReadonlySet<string>, stacks: readonly Stack[]): Promise<Found> {
  const { who, recipient, account, names } = await meantBy(deployment, known);
  const signIn =
    account === undefined ? "" : account.accountEnabled ? ", who can sign in" : ", blocked from signing in";
  const found: Found = { who: who && `${who}${signIn}`, names, holdings: [], notes: [], isWhole: true };
  await Promise.all([
    accessOf(deployment, found, stacks),
    ownMailbox(deployment, found, recipient?.id),
    inDynamics(deployment, found),
  ]);
  const order = ["access", "forwarding", "source", "owner", "record"];
  found.holdings.sort((a, b) => order.indexOf(a.what) - order.indexOf(b.what) || (a.on < b.on ? -1 : 1));
  return found;
}

async function accessOf(deployment: Deployment, found: Found, stacks: readonly Stack[]): Promise<void> {
  const reading = await readAccess(deployment, { patterns: [], sizes: false });
  const whole = reportOf(reading, stacks, { day: dayOf(new Date()), mostInGroup: Number.POSITIVE_INFINITY });
  const unread = reading.mailboxes
    .filter((one) => one.unread.length > 0)
    .map(({ mailbox }) => mailbox.primarySmtpAddress);
  const groups = reading.mailboxes.flatMap(({ trustees }) =>
    trustees.flatMap(({ trustee: { kind, members, name } }) =>
      kind === "group" && members === undefined ? [name] : [],
    ),
  );
  if (unread.length > 0) {
    missed(found, `Who has access to ${unread.join(", ")} was not read, or in part.`);
  }
  if (groups.length > 0) {
    missed(found, `Who is in ${[...new Set(groups)].sort().join(", ")} was not read.`);
  }
  const isHers = (text: string) => found.names.has(text.toLowerCase());
  const own: Report = ofPerson(whole, found.names, found.who ?? "");
  for (const { address, access } of own.mailboxes) {
    for (const one of access) {
      const by = stacks.length === 0 ? "" : `, declared by ${declaredWords(one)}`;
      found.holdings.push({ what: "access", on: address, text: `${rightsWords(one)}${by}` });
    }
  }
  for (const { mailbox, forwardsTo } of reading.mailboxes) {
    if (forwardsTo?.to.split(" or ").some(isHers) === true) {
      found.holdings.push({
        what: "forwarding",
        on: mailbox.primarySmtpAddress,
        text: `forwards its mail to ${forwardsTo.to}`,
      });
    }
  }
  await rulesOn(
    deployment,
    found,
    "forwarding",
    reading.mailboxes.map(({ mailbox }) => mailbox),
    isHers,
  );
}

/** Notes that a part could not be read, so that nothing in it is not known. */
function missed(found: Found, note: string): void {
  found.notes.push(note);
  found.isWhole = false;
}

/**
 * Inbox rules of mailboxes that send mail on.
 *
 * @param isMeant whether it is about somebody by a name or address.
 */
async function rulesOn(
  { services }: Deployment,
  found: Found,
  what: Holding["what"],
  mailboxes: readonly Mailbox[],
  isMeant: (name: string) => boolean,
): Promise<void> {
  const unread: string[] = [];
  let why = "";
  await Promise.all(
    mailboxes.map(async (mailbox) => {
      const on = mailbox.primarySmtpAddress;
      try {
        for (const { name, targets, otherTargets } of (await services.inboxRules.list(mailbox, on)) ?? []) {
          const to = [...targets, ...otherTargets].filter((one) => [one.name, ...one.addresses].some(isMeant));
          if (to.length > 0) {
            const names = to.map((one) => one.name).join(", ");
            found.holdings.push({ what, on, text: `the inbox rule "${name}" forwards to ${names}` });
          }
        }
      } catch (error) {
        if (!isProviderError(error)) {
          throw error;
        }
        unread.push(on);
        why = error.message;
      }
    }),
  );
  if (unread.length > 0) {
    missed(found, `The inbox rules of ${unread.sort().join(", ")} were not read: ${why}`);
  }
}

/** Where the person's own mailbox sends its mail, which goes on after a deletion of the access. */
async function ownMailbox(deployment: Deployment, found: Found, id: string | undefined): Promise<void> {
  const mailbox = id === undefined ? undefined : await deployment.services.mailboxes.withId(id);
  if (mailbox === undefined) {
    return;
  }
  const on = mailbox.primarySmtpAddress;
  for (const to of [mailbox.forwardingAddress, mailbox.forwardingSmtpAddress]) {
    if (to !== undefined) {
      found.holdings.push({ what: "source", on, text: `the person's own mailbox forwards to ${to}` });
    }
  }
  await rulesOn(deployment, found, "source", [mailbox], () => true);
}

/** Queues and records that the person owns in Dynamics, and the person's own record there. */
async function inDynamics({ services, configuration }: Deployment, found: Found): Promise<void> {
  if (configuration.environmentUrl === undefined) {
    found.notes.push(
      "No Dataverse environment is configured (DATAVERSE_URL), so owners of queues and records were not looked for.",
    );
    return;
  }
  const { principals, queues, dataverse } = services;
  const context = bounds();
  try {
    const users = (await Promise.all([...found.names].map((name) => principals.users(name, context)))).flat();
    for (const user of [...new Map(users.map((one) => [one.id, one])).values()]) {
      const [owned, records, own] = await Promise.all([
        queues.ownedBy(user.id, context),
        dataverse.mailboxesOwnedBy(user.id, context),
        dataverse.mailboxesRegarding(user.id, context),
      ]);
      found.holdings.push(
        ...owned.map(({ name }) => ({ what: "owner" as const, on: name, text: "owns the queue" })),
        ...records
          .filter((record) => record.isForwardMailbox || !sameText(record.regarding ?? "", user.id))
          .map(({ name, isForwardMailbox }) => ({
            what: "owner" as const,
            on: name,
            text: `owns the ${isForwardMailbox ? "forward mailbox" : "mailbox record"}`,
          })),
        ...own.map(({ name, incomingEmail }) => ({
          what: "record" as const,
          on: name,
          text: `the person's own mailbox record, incoming ${incomingEmail}`,
        })),
      );
    }
  } catch (error) {
    if (!isClass(error, "forbidden")) {
      throw error;
    }
    missed(found, `Dynamics was not read: ${error.message}`);
  }
}
