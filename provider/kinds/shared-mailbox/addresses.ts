import { z } from "zod";
import { smtpAddress } from "../../core/canonical";
import type { Change, Origin } from "../../core/kind";
import { isSet } from "../../core/properties";
import type { Registry } from "../../core/registry";
import { ConflictError, InputError, isClass, isProviderError } from "../../http/errors";
import { type Row, sameText } from "../../http/json";
import { addAndRemove } from "../../services/exchange";
import { freshly } from "../../services/listing";
import { INITIAL_DOMAIN, type Mailbox, smtpAddresses } from "../../services/mailboxes";
import { retryWhile } from "../../services/waiting";
import type {
  Desired,
  HeldInputs,
  KnownMailbox,
  Observed,
  SharedMailboxInputs,
  SharedMailboxOperation,
} from "./desired";
import { changesOf, type Facet, isChanged, writtenInputs } from "./facet";
import { domainsOfAliases, pathOfAlias, requireFree } from "./naming";
import { tellDeletedHolders } from "./restoration";

/** The further addresses. */
export const aliasesSchema = z
  .array(smtpAddress("help@contoso.com"), { error: "must be a list of SMTP addresses" })
  .transform((addresses) => [...new Set(addresses)].sort());

/** Addresses that a recipient is planned with; sources differ on the limit (200 to 400). */
const MOST_ADDRESSES = 300;

/** How many addresses a recipient can have, the primary one and those of the system among them: Exchange refuses more. */
const ALL_ADDRESSES = 333;

/**
 * The addresses of a mailbox that its owner chose: SMTP, not primary, and not the service's own (the sign-in name, the alias in the
 * default domain, the initial domain's), unless they are declared. Where the domains are not known, the alias in any of them
 * counts as the service's.
 */
export function aliasesOf(
  { mailbox, aliasDomains }: Pick<Observed, "mailbox" | "aliasDomains">,
  declared: readonly string[] | null | undefined,
): string[] {
  const [primary, ...others] = smtpAddresses(mailbox);
  return others
    .filter((address) => address !== primary)
    .filter((address) => declared?.includes(address) || !isSystemAddress(address, mailbox, aliasDomains))
    .sort();
}

function isSystemAddress(address: string, mailbox: Mailbox, aliasDomains: readonly string[] | undefined): boolean {
  const [local = "", domain = ""] = address.split("@");
  return (
    sameText(address, mailbox.userPrincipalName) ||
    (sameText(local, mailbox.alias) && aliasDomains?.includes(domain) !== false) ||
    INITIAL_DOMAIN.test(domain)
  );
}

/** Whether Exchange gives an address back that is taken off: the sign-in name, and the alias in the initial domain. */
function isKeptByExchange(address: string, userPrincipalName: string, { alias }: Mailbox): boolean {
  const [local = "", domain = ""] = address.split("@");
  return sameText(address, userPrincipalName) || (sameText(local, alias) && INITIAL_DOMAIN.test(domain));
}

/**
 * The sign-in name once the primary address is as declared: it follows an address that it equals, also in a deployment that
 * continues one which moved the address and then failed.
 */
function nextSignInName(primarySmtpAddress: string, mailbox: Mailbox, { memory }: KnownMailbox): string {
  const { userPrincipalName } = mailbox;
  return [mailbox.primarySmtpAddress, memory.formerSignInName].some((name) => sameText(userPrincipalName, String(name)))
    ? primarySmtpAddress
    : userPrincipalName;
}

/** The sign-in name where it has to follow the primary address. */
function signInChanges({ inputs }: Desired, { mailbox }: Observed, known: KnownMailbox): Change[] {
  const { userPrincipalName: from } = mailbox;
  const to = nextSignInName(inputs.primarySmtpAddress, mailbox, known);
  return sameText(from, to) ? [] : [{ path: [SIGN_IN_NAME], from, to }];
}

async function moveSignInName({ mailbox }: Observed, to: string, operation: SharedMailboxOperation): Promise<void> {
  // MicrosoftOnlineServicesID belongs to another parameter set of Set-Mailbox than the addresses.
  const action = `changing the sign-in name of shared mailbox ${to}`;
  await operation.services.mailboxes.set(mailbox.id, { MicrosoftOnlineServicesID: to }, action, operation);
  operation.warn(`The sign-in name followed the primary address, because the two were the same. It is now ${to}.`);
}

/** What differs in the addresses besides the primary one; of what is there only what `previous` held is taken away. */
function addressChanges(
  { inputs }: Desired,
  previous: HeldInputs,
  { mailbox }: Observed,
  known: KnownMailbox,
): Change[] {
  const before = previous.emailAliases ?? [];
  const present = smtpAddresses(mailbox);
  const wanted = inputs.emailAliases ?? [];
  const movedFrom =
    inputs.emailAliases !== undefined && typeof previous.primarySmtpAddress === "string"
      ? [previous.primarySmtpAddress]
      : [];
  const surplus = [...before, ...movedFrom].filter(
    (address) =>
      address !== inputs.primarySmtpAddress &&
      !wanted.includes(address) &&
      present.includes(address) &&
      !isKeptByExchange(address, nextSignInName(inputs.primarySmtpAddress, mailbox, known), mailbox),
  );
  return [
    ...wanted
      .filter((address) => !present.includes(address))
      .map((address) => ({ path: ["emailAliases", address], from: undefined, to: address })),
    ...surplus.map((address) => ({ path: ["emailAliases", address], from: address, to: undefined })),
  ];
}

/** The changes of further addresses, as texts. */
function aliasChanges(changes: readonly Change[]): { add: string[]; remove: string[] } {
  const aliases = changesOf("emailAliases", changes);
  return {
    add: aliases.flatMap(({ to }) => (to === undefined ? [] : [String(to)])),
    remove: aliases.flatMap(({ from, to }) => (to === undefined ? [String(from)] : [])),
  };
}

/**
 * The address parameters of `Set-Mailbox` for some changes. A primary address goes as `WindowsEmailAddress`, which keeps the old
 * one; aliases go as additions and removals, after it, so that what somebody else adds meanwhile survives. Only where an address
 * policy makes `WindowsEmailAddress` ineffective everything goes as the full list, read right before.
 */
async function addressParameters(
  changes: readonly Change[],
  { inputs: { primarySmtpAddress } }: Desired,
  mailbox: Mailbox,
  { services }: SharedMailboxOperation,
): Promise<Row> {
  const { add, remove } = aliasChanges(changes);
  if (!isChanged("primarySmtpAddress", changes)) {
    return add.length + remove.length === 0 ? {} : { EmailAddresses: addAndRemove(add.map(smtp), remove.map(smtp)) };
  }
  if (!mailbox.hasAddressPolicy) {
    return { WindowsEmailAddress: primarySmtpAddress };
  }
  const { emailAddresses } = (await freshly(() => services.mailboxes.withId(mailbox.id))) ?? mailbox;
  return { EmailAddresses: [...listWith(primarySmtpAddress, emailAddresses, [...add, ...remove]), ...add.map(smtp)] };
}

/** All addresses with another primary one, without those that are dropped. */
function listWith(primary: string, emailAddresses: readonly string[], dropped: readonly string[]): string[] {
  const others = emailAddresses.flatMap((address) => {
    const plain = address.slice(5);
    const isDropped = [primary, ...dropped].some((one) => sameText(one, plain));
    return !hasPrefixSmtp(address) ? [address] : isDropped ? [] : [smtp(plain)];
  });
  return [`SMTP:${primary}`, ...others];
}

/** Aliases that change together with a primary address that `WindowsEmailAddress` has just set. */
async function changeAliases(
  changes: readonly Change[],
  { id }: Mailbox,
  who: string,
  operation: SharedMailboxOperation,
) {
  const { add, remove } = aliasChanges(changes);
  if (add.length + remove.length === 0) {
    return;
  }
  const action = `changing emailAliases of shared mailbox ${who}`;
  const parameters = { EmailAddresses: addAndRemove(add.map(smtp), remove.map(smtp)) };
  await untilReleased(add, operation, () => operation.services.mailboxes.set(id, parameters, action, operation));
}

/**
 * Refuses an address in a domain that the tenant does not have, before anything is changed. Where the application may not
 * read the tenant's domains, Exchange will say so itself.
 */
export async function requireAcceptedDomains(
  inputs: SharedMailboxInputs,
  operation: SharedMailboxOperation,
): Promise<void> {
  const domains = await operation.services.mailboxes.acceptedDomains();
  if (domains === undefined) {
    return;
  }
  const problems = [
    ["primarySmtpAddress", inputs.primarySmtpAddress] as const,
    ...(inputs.emailAliases ?? []).map((address) => [pathOfAlias(address, inputs, operation), address] as const),
  ]
    .map(([path, address]) => ({ path, domain: address.split("@")[1] ?? "" }))
    .filter(({ domain }) => !domains.has(domain))
    .map(({ path, domain }) => ({
      path,
      reason: `the tenant has no accepted domain ${domain}; it has ${[...domains.keys()].join(", ")}`,
    }));
  if (problems.length > 0) {
    throw new InputError(problems);
  }
}

/** Path of the change by which the sign-in name follows. It is not an input. */
const SIGN_IN_NAME = "userPrincipalName";

function movesSignInName(changes: readonly Change[]): boolean {
  return changes.some(({ path }) => path[0] === SIGN_IN_NAME);
}

function hasPrefixSmtp(address: string): boolean {
  return /^smtp:/i.test(address);
}

function smtp(address: string): string {
  return `smtp:${address}`;
}

/** The addresses that a mailbox gets by some changes. */
export function gained(changes: readonly Change[]): string[] {
  const moved = [...changesOf("primarySmtpAddress", changes), ...changesOf("emailAliases", changes)];
  return moved.flatMap(({ to }) => (typeof to === "string" ? [to] : []));
}

/** The SMTP addresses: the primary one and the further ones. */
export const addresses: Facet = {
  properties: ["primarySmtpAddress", "emailAliases"],

  check: ({ primarySmtpAddress, emailAliases = [] }) => [
    ...(primarySmtpAddress !== undefined && emailAliases.includes(primarySmtpAddress)
      ? [{ path: "emailAliases", reason: "has the primary address in it; leave it out here" }]
      : []),
    ...(emailAliases.length < ALL_ADDRESSES
      ? []
      : [
          {
            path: "emailAliases",
            reason: `has ${emailAliases.length} entries; with the primary address, a recipient can have ${ALL_ADDRESSES} addresses`,
          },
        ]),
  ],

  advise({ emailAliases, primarySmtpAddress }, olds) {
    const dropped = [...(olds.emailAliases ?? []), ...(isSet(olds.primarySmtpAddress) ? [olds.primarySmtpAddress] : [])]
      .filter((address) => primarySmtpAddress !== undefined && address !== primarySmtpAddress)
      .filter((address) => emailAliases !== undefined && !emailAliases.includes(String(address)));
    const count = emailAliases?.length ?? 0;
    const crowd =
      count <= MOST_ADDRESSES || count === olds.emailAliases?.length
        ? []
        : [
            `emailAliases has ${count} entries; Microsoft plans for at most ${MOST_ADDRESSES} addresses per recipient, and Exchange may refuse more.`,
          ];
    return dropped.length === 0
      ? crowd
      : [
          ...crowd,
          `emailAliases: mail to ${dropped.join(", ")} will bounce, unless another mailbox gets the address: it is no longer declared here.`,
        ];
  },

  async look(_seen, managed, operation) {
    const domains = isSet(managed.emailAliases) ? await domainsOfAliases(operation.services) : [];
    return domains.length === 0 ? {} : { aliasDomains: domains };
  },

  difference(desired, previous, observed, known) {
    const { primarySmtpAddress: from } = observed.mailbox;
    const { primarySmtpAddress: to } = desired.inputs;
    return [
      ...(from === to ? [] : [{ path: ["primarySmtpAddress"], from, to }]),
      ...addressChanges(desired, previous, observed, known),
      ...signInChanges(desired, observed, known),
    ];
  },

  async guard(changes, desired, { mailbox }, operation) {
    const { inputs } = desired;
    const among = ["primarySmtpAddress", "alias", "emailAliases"].filter((name) =>
      changes.some(({ path, to }) => path[0] === name && to !== undefined),
    );
    await requireFree(desired, among, mailbox.id, operation);
    const taken = gained(changes).filter((address) => !smtpAddresses(mailbox).includes(address));
    const pathOf = (address: string) =>
      address === inputs.primarySmtpAddress ? "primarySmtpAddress" : pathOfAlias(address, inputs, operation);
    await tellDeletedHolders(
      taken.map((address) => ({ address, path: pathOf(address) })),
      operation,
    );
  },

  parameters: (changes, desired, { mailbox }, operation) => addressParameters(changes, desired, mailbox, operation),

  // Exchange keeps the address that is the sign-in name: one that an earlier deployment left behind moves first.
  async prepare(changes, { inputs: { primarySmtpAddress } }, observed, operation) {
    if (movesSignInName(changes) && !isChanged("primarySmtpAddress", changes)) {
      await moveSignInName(observed, primarySmtpAddress, operation);
    }
  },

  recorded(changes, { inputs }, { mailbox }, known) {
    const isMoved = isChanged("primarySmtpAddress", changes);
    const isSignInName = sameText(mailbox.userPrincipalName, mailbox.primarySmtpAddress);
    // Until it is taken off, the old address is an alias, and one that this resource declared.
    const aliases = [
      ...(writtenInputs(changes, inputs, known).emailAliases ?? known.inputs.emailAliases ?? []),
      mailbox.primarySmtpAddress,
    ];
    return {
      ...(isMoved && isSignInName ? { memory: { formerSignInName: mailbox.userPrincipalName } } : {}),
      ...(isMoved && inputs.emailAliases !== undefined
        ? { inputs: { emailAliases: [...new Set(aliases)].sort() } }
        : {}),
    };
  },

  async apply(changes, { inputs: { primarySmtpAddress } }, observed, operation) {
    if (!isChanged("primarySmtpAddress", changes)) {
      return;
    }
    if (movesSignInName(changes)) {
      await moveSignInName(observed, primarySmtpAddress, operation);
    }
    if (!observed.mailbox.hasAddressPolicy) {
      await changeAliases(changes, observed.mailbox, primarySmtpAddress, operation);
    }
  },

  finish({ inputs }, previous, { mailbox }, operation) {
    const gone = (previous.emailAliases ?? []).filter(
      (address) => address !== inputs.primarySmtpAddress && !inputs.emailAliases?.includes(address),
    );
    for (const address of gone.filter((one) => isKeptByExchange(one, mailbox.userPrincipalName, mailbox))) {
      const why = sameText(address, mailbox.userPrincipalName) ? "the sign-in name" : "the alias in the initial domain";
      operation.warn(`emailAliases: ${address} stays: it is ${why}, which Exchange keeps.`);
    }
  },

  read: (observed, { inputs }) => ({
    primarySmtpAddress: observed.mailbox.primarySmtpAddress,
    emailAliases: aliasesOf(observed, inputs.emailAliases),
  }),

  outputs: ({ mailbox }) => ({
    userPrincipalName: mailbox.userPrincipalName,
    mailNickname: mailbox.alias,
    addresses: [...mailbox.emailAddresses].sort(),
  }),
};

/**
 * Makes a write that takes addresses. Exchange may refuse an address for up to an hour after it was taken off something; one
 * that this very deployment took off is waited for, within the settle timeout, any other refusal is final.
 */
export async function untilReleased<T>(
  addresses: readonly string[],
  operation: SharedMailboxOperation,
  write: () => Promise<T>,
): Promise<T> {
  const what = `Exchange to release ${addresses.join(", ")}, which this deployment took off something else`;
  return retryWhile((error) => isClass(error, "addressConflict") && operation.registry.hasTakenOff(addresses), write, {
    what,
    scope: operation,
  });
}

/** An address that was taken off a mailbox of the program, and what it was there. */
interface Freed {
  address: string;
  mailbox: Mailbox;
  wasPrimary: boolean;
  wasSignInName: boolean;
}

/** Notes the addresses that a mailbox had by this program and has no more. */
export function noteGivenUp(
  id: string,
  held: HeldInputs,
  { primarySmtpAddress, emailAliases }: Partial<SharedMailboxInputs>,
  origin: Origin,
  registry: Registry,
): void {
  const declared = [primarySmtpAddress, ...(emailAliases ?? [])];
  const former = [held.primarySmtpAddress, ...(held.emailAliases ?? [])].filter((one) => typeof one === "string");
  for (const address of former.filter((one) => !declared.includes(one))) {
    // A former primary address stays as a further one, unless those are declared.
    const isKept = address === held.primarySmtpAddress && emailAliases === undefined;
    registry.giveUp(address, { mailboxId: id, urn: origin.urn, isKept });
  }
}

/**
 * Runs a write that takes addresses, once other mailboxes of the program have let go of them. The mailbox that gives an address up
 * need not have been changed yet: it is taken off here, so that two may swap theirs, whichever comes first. If the write fails, the
 * other mailbox gets its address back.
 *
 * @param own the mailbox that takes them; undefined for one that is about to be made.
 */
export async function takingOver<T>(
  addresses: readonly string[],
  own: string | undefined,
  operation: SharedMailboxOperation,
  write: () => Promise<T>,
): Promise<T> {
  const { registry } = operation;
  if (!registry.movesAddresses) {
    return write();
  }
  return registry.exclusively("addresses", async () => {
    const freed: Freed[] = [];
    try {
      for (const address of addresses) {
        const given = registry.givenUp(address);
        if (given !== undefined && !sameText(given.mailboxId, own ?? "")) {
          freed.push(...(await free(address, given.mailboxId, operation)));
        }
      }
      return await write();
    } catch (error) {
      for (const one of freed.reverse()) {
        await giveBack(one, operation);
      }
      throw error;
    }
  });
}

/** Takes an address off a mailbox. Where it is the primary one, another of its addresses stands in until the mailbox itself is changed. */
async function free(address: string, id: string, operation: SharedMailboxOperation): Promise<Freed[]> {
  const { mailboxes } = operation.services;
  const mailbox = await mailboxes.withId(id);
  if (mailbox === undefined || !smtpAddresses(mailbox).includes(address)) {
    return [];
  }
  const wasPrimary = sameText(mailbox.primarySmtpAddress, address);
  const wasSignInName = sameText(mailbox.userPrincipalName, address);
  const action = `taking ${address} off shared mailbox ${mailbox.primarySmtpAddress}, which gives it up`;
  if (wasSignInName && !wasPrimary) {
    throw refused(action, "the address is the mailbox's sign-in name, and Exchange keeps that");
  }
  const freed = { address, mailbox, wasPrimary, wasSignInName };
  const others = smtpAddresses(mailbox).filter((one) => one !== address);
  const standIn = others.find((one) => INITIAL_DOMAIN.test(one)) ?? others[0];
  if (standIn === undefined) {
    throw refused(action, "it has no other address");
  }
  operation.progress(action);
  try {
    if (wasPrimary) {
      await setPrimary(mailbox, standIn, wasSignInName, action, operation);
    }
    await mailboxes.set(id, { EmailAddresses: addAndRemove([], [smtp(address)]) }, action, operation);
  } catch (error) {
    await giveBack(freed, operation);
    throw error;
  }
  operation.registry.noteTakenOff([address]);
  return [freed];
}

function refused(action: string, words: string): ConflictError {
  return new ConflictError({
    action,
    words,
    nextStep:
      "Nothing was changed. Take the address out of the program, deploy, and give it to the other mailbox then.",
  });
}

async function setPrimary(
  { id, hasAddressPolicy, emailAddresses }: Mailbox,
  address: string,
  isSignInName: boolean,
  action: string,
  { services: { mailboxes }, ...scope }: SharedMailboxOperation,
): Promise<void> {
  const primary = hasAddressPolicy
    ? { EmailAddresses: listWith(address, emailAddresses, []) }
    : { WindowsEmailAddress: address };
  await mailboxes.set(id, primary, action, scope);
  if (isSignInName) {
    // It follows the primary address, and Exchange keeps an address that is the sign-in name.
    await mailboxes.set(id, { MicrosoftOnlineServicesID: address }, action, scope);
  }
}

/** Puts an address back that the other mailbox did not get. */
async function giveBack(
  { address, mailbox, wasPrimary, wasSignInName }: Freed,
  operation: SharedMailboxOperation,
): Promise<void> {
  const { mailboxes, recipients } = operation.services;
  const { id } = mailbox;
  const action = `giving ${address} back to shared mailbox ${mailbox.primarySmtpAddress}`;
  try {
    const now = await mailboxes.withId(id);
    const holders = await recipients.withAddress(address);
    if (now === undefined || holders.some((holder) => !sameText(holder.id, id))) {
      // The write whose answer was lost did happen.
      return;
    }
    if (!smtpAddresses(now).includes(address)) {
      await mailboxes.set(id, { EmailAddresses: addAndRemove([smtp(address)], []) }, action, operation);
    }
    const isMoved =
      !sameText(now.primarySmtpAddress, address) || (wasSignInName && !sameText(now.userPrincipalName, address));
    if (wasPrimary && isMoved) {
      await setPrimary(now, address, wasSignInName, action, operation);
    }
  } catch (error) {
    if (!isProviderError(error)) {
      throw error;
    }
    operation.warn(
      `${action} failed: ${error.message} Nobody gets mail to ${address} now. \`pulumi up --refresh\` shows it, and gives the address to the mailbox that declares it.`,
    );
  }
}
