/** Reads who has access to the shared mailboxes of a tenant, and what the states of stacks say. Nothing is changed. */
import { basename } from "node:path";
import { skippingRefusals } from "../core/kind";
import { Recorder } from "../core/memory";
import { bounds, type Deployment, operationOf } from "../dynamic/deployment";
import { SIGNATURE } from "../dynamic/engine";
import { ifAllowed } from "../http/errors";
import { isObject, mapOf, plural, type Row } from "../http/json";
import { kindNamed } from "../kinds";
import type { MembershipOperation } from "../kinds/mailbox-membership/desired";
import { attribute, orphansAmong, recipientOfEntry, type Unattributed } from "../kinds/mailbox-membership/observation";
import { mailboxMembership } from "../kinds/mailbox-membership/reconciler";
import { HOW_TO_EXPORT, nameOf, parsedJson, resourcesIn, stackOf, textIn } from "../review/preview";
import { kindOf, SECRET } from "../review/rules";

import type { User } from "../services/graph";
import { type Mailbox, smtpAddresses } from "../services/mailboxes";
import type { Entry, Right } from "../services/permissions";
import { describe, isGroup, type Recipient } from "../services/recipients";
import { once } from "../services/waiting";

/** What a trustee is. `unknown` is somebody of whom Exchange prints a name and nothing more can be told, such as a role group. */
export type TrusteeKind = "person" | "guest" | "group" | "mailbox" | "deleted" | "unknown";

/** Whoever has an entry on a mailbox. */
export interface Trustee {
  /** Entra object id; the SID of somebody deleted; undefined where there is neither. */
  id?: string;
  /** Address, sign-in name, or what Exchange prints. */
  name: string;
  displayName?: string;
  kind: TrusteeKind;
  /** Whether the account is blocked from signing in; undefined where it has none, or where that was not read. */
  isBlocked?: boolean;
  /** Of a group, the object ids of its members, those of groups in it among them; undefined where that was not read. */
  members?: string[];
}

/** A mailbox with everybody on it. */
export interface ReadMailbox {
  mailbox: Mailbox;
  /** Whether its account can sign in; undefined where that was not read. */
  isSignInOpen?: boolean;
  /** Where its mail is forwarded to. */
  forwardsTo?: { to: string; isOutside: boolean };
  /** Bytes; undefined where that was not read. */
  size?: number;
  /** Whether the account has any licence; read for large mailboxes only. */
  isLicensed?: boolean;
  /** Rights of which nobody may tell who has them: the application may not read the list. */
  unread: readonly Right[];
  /** Explicit entries by whose they are. */
  trustees: { trustee: Trustee; entries: Entry[] }[];
}

/** What was read of a tenant. */
export interface Reading {
  tenantId: string;
  mailboxes: ReadMailbox[];
  /** Patterns that fit no mailbox. */
  unmatched: string[];
}

/** What to read. */
export interface Wanted {
  /** Primary addresses, `*` for any characters; none means all. */
  patterns: readonly string[];
  /** Whether to ask how large each mailbox is. */
  sizes: boolean;
}

/** The size from which a mailbox is called nearly full without a licence: nine tenths of 50 GB, which is the limit then. */
export const NEARLY_FULL = 45 * 1024 ** 3;

/**
 * Reads the shared mailboxes of a tenant, who has which right on them, and what a review asks of each: one listing, then everything else in
 * batches, each person and group once.
 *
 * @returns what the application may not read is left open, and a warning says so.
 * @throws ServiceError when mailboxes or their permissions cannot be read: a list that is not whole is not shown.
 */
export async function readAccess(deployment: Deployment, wanted: Wanted): Promise<Reading> {
  const { services } = deployment;
  const tenantId = await services.tenantId(bounds());
  const opened = operationOf(deployment, "", new Recorder(mailboxMembership, {})) as MembershipOperation;
  const { operation, tell } = skippingRefusals(opened, "left open here");
  const { chosen, unmatched } = await sharedMailboxes(deployment, wanted.patterns);
  const people = new People(operation);
  const domains = await services.mailboxes.acceptedDomains();
  if (domains === undefined && chosen.length > 0) {
    operation.warn("The accepted domains were not read, so every address in forwarding counts as outside.");
  }
  const mailboxes = await Promise.all(
    chosen.map(async (mailbox): Promise<ReadMailbox> => {
      const [account, { trustees, unread }, forwardsTo, size] = await Promise.all([
        people.account(mailbox.id),
        trusteesOn(mailbox, people, operation),
        forwardingOf(mailbox, domains, operation),
        wanted.sizes
          ? operation.readIfAllowed("How large mailboxes are", () => services.mailboxes.statistics(mailbox))
          : undefined,
      ]);
      const licences =
        size !== undefined && size.size >= NEARLY_FULL
          ? await operation.readIfAllowed("Licences", () => services.graph.licenses(mailbox.id))
          : undefined;
      return {
        mailbox,
        trustees,
        unread,
        ...(account === undefined ? {} : { isSignInOpen: account.accountEnabled }),
        ...(forwardsTo === undefined ? {} : { forwardsTo }),
        ...(size === undefined ? {} : { size: size.size }),
        ...(licences === undefined ? {} : { isLicensed: licences.assignments.length > 0 }),
      };
    }),
  );
  tell();
  return { tenantId, mailboxes, unmatched };
}

/**
 * The shared mailboxes of a tenant by their primary addresses: all, and those that are chosen.
 *
 * @param patterns primary addresses, `*` for any characters; none means all.
 * @returns also the patterns that fit no mailbox.
 */
export async function sharedMailboxes(
  { services }: Deployment,
  patterns: readonly string[],
): Promise<{ all: Mailbox[]; chosen: Mailbox[]; unmatched: string[] }> {
  const all = (await services.mailboxes.shared()).sort((a, b) =>
    a.primarySmtpAddress < b.primarySmtpAddress ? -1 : 1,
  );
  const fits = (pattern: string) => {
    const parts = pattern
      .trim()
      .split("*")
      .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    const form = new RegExp(`^${parts.join(".*")}$`, "i");
    return all.filter(({ primarySmtpAddress }) => form.test(primarySmtpAddress));
  };
  const wanted = new Set(patterns.flatMap(fits));
  return {
    all,
    chosen: patterns.length === 0 ? all : all.filter((one) => wanted.has(one)),
    unmatched: patterns.filter((pattern) => fits(pattern).length === 0),
  };
}

/** Somebody, or a group, as a tenant has them. */
export interface Meant {
  /** In words: `the user mailbox "Ada Lovelace" (ada@contoso.com)`; undefined where the tenant has nobody of the name. */
  who: string | undefined;
  /** The recipient; undefined where the account has no mailbox. */
  recipient: Recipient | undefined;
  /** The account, where there is one that may be read. */
  account: User | undefined;
  /** Every text that means the same, in lower case. */
  names: Set<string>;
}

/**
 * Who is meant by addresses, sign-in names or object ids, all of one person or group.
 *
 * @throws Error where they mean several.
 */
export async function meantBy({ services }: Deployment, texts: ReadonlySet<string>): Promise<Meant> {
  const named = (await Promise.all([...texts].map((text) => services.recipients.named(text)))).flat();
  const several = [...new Map(named.map((one) => [one.id || one.guid, one])).values()];
  if (several.length > 1) {
    throw new Error(
      `${[...texts].join(", ")} means several: ${several.map(describe).join(", ")}. Write the object id of the one that is meant.`,
    );
  }
  const [recipient] = several;
  const ids = recipient === undefined ? [...texts] : [recipient.id];
  const accounts = await Promise.all(ids.map((id) => ifAllowed(services.graph.user(id))));
  const account = accounts.find((one) => one !== undefined);
  const names = [
    ...texts,
    ...(recipient === undefined ? [] : [recipient.id, recipient.userPrincipalName ?? "", ...smtpAddresses(recipient)]),
    ...(account === undefined ? [] : [account.id, account.userPrincipalName]),
  ];
  return {
    who:
      recipient !== undefined
        ? describe(recipient)
        : account && `the account ${account.userPrincipalName} without a mailbox`,
    recipient,
    account,
    names: new Set(names.filter((name) => name !== "").map((name) => name.toLowerCase())),
  };
}

async function trusteesOn(
  mailbox: Mailbox,
  people: People,
  operation: MembershipOperation,
): Promise<Pick<ReadMailbox, "trustees" | "unread">> {
  const { entries, unread } = await operation.services.permissions.on(mailbox, operation.readIfAllowed);
  const { rest } = await attribute(entries, new Map(), mailbox, operation);
  const trustees = await Promise.all(rest.map((one) => people.behind(one)));
  // Whether an entry is of somebody deleted takes a second look at the list, so it is asked only where nobody living has it.
  const nobodys = rest.flatMap(({ entry }, index) => (trustees[index] === undefined ? [entry] : []));
  const orphans = nobodys.length === 0 ? [] : await orphansAmong(nobodys, mailbox, operation);
  const byWhom = new Map<string, { trustee: Trustee; entries: Entry[] }>();
  for (const [index, { entry }] of rest.entries()) {
    const trustee = trustees[index] ?? nobodyLiving(entry, orphans.includes(entry));
    const key = (trustee.id ?? trustee.name).toLowerCase();
    const known = byWhom.get(key) ?? { trustee, entries: [] };
    known.entries.push(entry);
    byWhom.set(key, known);
  }
  return { trustees: [...byWhom.values()].sort((a, b) => (a.trustee.name < b.trustee.name ? -1 : 1)), unread };
}

function nobodyLiving({ trustee, sid }: Entry, isOrphan: boolean): Trustee {
  return { ...(sid === undefined ? {} : { id: sid }), name: trustee, kind: isOrphan ? "deleted" : "unknown" };
}

/** The people and groups behind entries, each looked up once: the same ones have access to many mailboxes. */
class People {
  readonly #operation: MembershipOperation;
  readonly #behind = new Map<string, Promise<Trustee | undefined>>();
  readonly #accounts = new Map<string, Promise<User | undefined>>();

  constructor(operation: MembershipOperation) {
    this.#operation = operation;
  }

  /** The account with an object id; undefined where there is none, or it may not be read. */
  account(id: string): Promise<User | undefined> {
    const { services, readIfAllowed } = this.#operation;
    return once(this.#accounts, id.toLowerCase(), () =>
      readIfAllowed("Which accounts are blocked", () => services.graph.user(id)),
    );
  }

  /** Who living has an entry; undefined where nobody has it. */
  behind(one: Unattributed): Promise<Trustee | undefined> {
    const { entry, id } = one;
    const key = id ?? entry.sid ?? `${entry.list} ${entry.trustee}`;
    return once(this.#behind, key.toLowerCase(), () => this.#lookUp(one));
  }

  async #lookUp(one: Unattributed): Promise<Trustee | undefined> {
    const { services } = this.#operation;
    const recipient = await recipientOfEntry(one, this.#operation);
    if (recipient !== undefined) {
      return this.#trustee(recipient);
    }
    const { entry, id } = one;
    const owner = id ?? (entry.sid === undefined ? undefined : await services.securityPrincipals.ownerOf(entry.sid));
    const account = owner === undefined ? undefined : await this.account(owner);
    if (account !== undefined) {
      const { userPrincipalName, accountEnabled } = account;
      const kind = isGuestName(userPrincipalName) ? "guest" : "person";
      return { id: account.id, name: userPrincipalName.toLowerCase(), kind, isBlocked: !accountEnabled };
    }
    return owner === undefined ? undefined : { id: owner, name: entry.trustee, kind: "unknown" };
  }

  async #trustee(recipient: Recipient): Promise<Trustee> {
    const { id, primarySmtpAddress, displayName } = recipient;
    const kind = trusteeKindOf(recipient);
    const common = { id, name: primarySmtpAddress, displayName, kind };
    if (kind === "group") {
      const { services, readIfAllowed } = this.#operation;
      const members = await readIfAllowed("Who is in groups", () => services.graph.groupMembers(id));
      return { ...common, ...(members === undefined ? {} : { members }) };
    }
    const account = await this.account(id);
    return { ...common, ...(account === undefined ? {} : { isBlocked: !account.accountEnabled }) };
  }
}

function trusteeKindOf(recipient: Recipient): TrusteeKind {
  const { recipientTypeDetails: type, userPrincipalName = "" } = recipient;
  if (isGroup(recipient)) {
    return "group";
  }
  if (type === "GuestMailUser" || isGuestName(userPrincipalName)) {
    return "guest";
  }
  return ["SharedMailbox", "RoomMailbox", "EquipmentMailbox"].includes(type) ? "mailbox" : "person";
}

/** Whether a sign-in name is one that Entra gives guests. */
function isGuestName(userPrincipalName: string): boolean {
  return /#ext#/i.test(userPrincipalName);
}

async function forwardingOf(
  mailbox: Mailbox,
  domains: ReadonlyMap<string, unknown> | undefined,
  { services }: MembershipOperation,
): Promise<ReadMailbox["forwardsTo"]> {
  const { forwardingAddress, forwardingSmtpAddress } = mailbox;
  const isOutside = (address: string) => domains?.has(address.slice(address.lastIndexOf("@") + 1)) !== true;
  if (forwardingAddress !== undefined) {
    // Forwarding to a recipient of the tenant goes before that to an address; a contact or guest is outside all the same.
    const meant = await services.recipients.printed(forwardingAddress);
    const to = meant.map(({ primarySmtpAddress }) => primarySmtpAddress).join(" or ") || forwardingAddress;
    return { to, isOutside: meant.length === 0 || meant.some((one) => isOutside(one.primarySmtpAddress)) };
  }
  return forwardingSmtpAddress === undefined
    ? undefined
    : { to: forwardingSmtpAddress, isOutside: isOutside(forwardingSmtpAddress) };
}

/** A resource of this package in a stack. */
export interface StackResource {
  kind: string;
  /** Logical name. */
  name: string;
  id: string;
  inputs: Row;
  outputs: Row;
}

/** A stack, as far as it is about mailboxes. */
export interface Stack {
  /** `project/stack`. */
  name: string;
  resources: StackResource[];
}

/**
 * Reads states. What is not ours in them is counted.
 *
 * @throws Error when a file is something else, or has no mailboxes.
 */
export function readStacks(files: readonly string[]): Stack[] {
  return files.map(readStack);
}

function readStack(file: string): Stack {
  const short = basename(file);
  const json = parsed(file, short);
  const resources = resourcesIn(json);
  if (resources === undefined) {
    const isPreview = isObject(json) && ("steps" in json || "changeSummary" in json);
    throw new Error(`${short} is ${isPreview ? "a preview" : "JSON"}, and not the state of a stack. ${HOW_TO_EXPORT}`);
  }
  const rows = resources.filter(({ urn }) => typeof urn === "string");
  // Read by the program and declared elsewhere, or about to be deleted.
  const managed = rows.filter((row) => row.external !== true && row.delete !== true);
  const stack = stackOf(rows[0]?.urn);
  const own = managed.flatMap(({ type, urn, id = "", inputs, outputs }): StackResource[] => {
    const kind = kindOf(String(type));
    const both = { inputs: mapOf(opened(inputs)), outputs: mapOf(opened(outputs)) };
    return kind === undefined ? [] : [{ kind, name: nameOf(String(urn)), id: String(id), ...both }];
  });
  if (own.length === 0) {
    const whose = stack === "" ? "" : ` of project ${stack.split("/")[0]}`;
    throw new Error(
      `${short} is the state of a stack${whose} without mailboxes of this package. Give the state of a stack that declares some.`,
    );
  }
  const isOther = ({ type }: Row) => kindOf(String(type)) === undefined && !String(type).startsWith("pulumi:");
  const others = managed.filter(isOther).length;
  if (others > 0) {
    process.stderr.write(`mailboxes: ${stack}: ${plural(others, "resource")} of other packages left out\n`);
  }
  return { name: stack, resources: own };
}

/** Refuses a state of another tenant: it would make everybody look undeclared. */
export function requireTenant(stacks: readonly Stack[], tenantId: string): void {
  for (const { name, resources } of stacks) {
    const other = resources
      .filter(({ kind }) => kindNamed(kind)?.service === "exchange")
      .map(({ outputs }) => outputs.tenantId)
      .find((id) => typeof id === "string" && id.toLowerCase() !== tenantId.toLowerCase());
    if (other !== undefined) {
      throw new Error(
        `The state of ${name} is of tenant ${other}, and the tenant that was read is ${tenantId}. Give a state of the tenant that was read, or configure the other one.`,
      );
    }
  }
}

function parsed(file: string, short: string): unknown {
  const text = textIn(file, "", "pulumi stack export");
  if (text.trim() === "") {
    throw new Error(`${short} is empty. ${HOW_TO_EXPORT}`);
  }
  const json = parsedJson(text);
  if (json === undefined) {
    throw new Error(`${short} is not JSON, so it is not the state of a stack. ${HOW_TO_EXPORT}`);
  }
  return json;
}

/** A value with secrets opened where the export tells them (`--show-secrets`). */
function opened(value: unknown): unknown {
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map(opened);
  }
  if (SIGNATURE in value) {
    const { plaintext } = mapOf(value);
    return typeof plaintext === "string" ? opened(JSON.parse(plaintext)) : SECRET;
  }
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, opened(one)]));
}
