import { ConflictError, InputError } from "../../http/errors";
import { addAndRemove, type Row } from "../../services/exchange";
import { hasAddress, type Mailbox, sameText, smtpAddresses } from "../../services/mailboxes";
import { describe } from "../../services/recipients";
import { type Origin, shortHash } from "../origin";
import type { Change, Operation, Properties } from "../reconciler";
import { untilReleased } from "../released";
import type { Desired, Observed, SharedMailboxInputs } from "./desired";
import { changesOf, type Facet, isSet } from "./facet";

/** Addresses that a recipient is planned with; sources differ on the limit (200 to 400). */
const MOST_ADDRESSES = 300;

/** The text by which a creation knows its own earlier work. */
export function markOf(primarySmtpAddress: string, origin: Origin): string {
  return shortHash(`${origin.hash} ${primarySmtpAddress}`);
}

/**
 * The alias of a mailbox that declares none: the local part, cleaned to what an alias and a sign-in name both allow, and the
 * mark. It begins with a letter, because Entra replaces a sign-in name that does not.
 */
export function derivedAlias(primarySmtpAddress: string, origin: Origin): string {
  const local = (primarySmtpAddress.split("@")[0] ?? "")
    .replace(/[^a-z0-9._-]/g, "")
    .replace(/\.{2,}/g, ".")
    .replace(/^[^a-z]+/, "")
    .slice(0, 40)
    .replace(/\.+$/, "");
  return `${local === "" ? "mailbox" : local}-${markOf(primarySmtpAddress, origin)}`;
}

/**
 * The addresses of a mailbox that its owner chose: SMTP, not primary, and not the service's own (the sign-in name, the alias
 * in any domain, the initial domain's), unless they are declared.
 */
export function aliasesOf(mailbox: Mailbox, declared: readonly string[] | null | undefined): string[] {
  const [primary, ...others] = smtpAddresses(mailbox);
  return others
    .filter((address) => address !== primary)
    .filter((address) => declared?.includes(address) || !isSystemAddress(address, mailbox))
    .sort();
}

/** Domains that Microsoft gives with a tenant, the routing domain of a hybrid one among them. */
const INITIAL_DOMAIN = /\.(?:onmicrosoft\.(?:com|us)|partner\.onmschina\.cn)$/;

function isSystemAddress(address: string, mailbox: Mailbox): boolean {
  const [local = "", domain = ""] = address.split("@");
  return sameText(address, mailbox.userPrincipalName) || sameText(local, mailbox.alias) || INITIAL_DOMAIN.test(domain);
}

/** Whether Exchange gives an address back that is taken off: the sign-in name, and the alias in the initial domain. */
function isKeptByExchange(address: string, userPrincipalName: string, { alias }: Mailbox): boolean {
  const [local = "", domain = ""] = address.split("@");
  return sameText(address, userPrincipalName) || (sameText(local, alias) && INITIAL_DOMAIN.test(domain));
}

/** The sign-in name once the primary address is as declared: it follows an address that it equals. */
function nextSignInName(primarySmtpAddress: string, mailbox: Mailbox): string {
  return sameText(mailbox.userPrincipalName, mailbox.primarySmtpAddress)
    ? primarySmtpAddress
    : mailbox.userPrincipalName;
}

/** What differs in the addresses besides the primary one; of what is there only what `previous` held is taken away. */
function addressChanges({ inputs }: Desired, previous: Properties, { mailbox }: Observed): Change[] {
  const before = (previous.emailAliases ?? []) as readonly string[];
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
      !isKeptByExchange(address, nextSignInName(inputs.primarySmtpAddress, mailbox), mailbox),
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
  { services }: Operation,
): Promise<Row> {
  const { add, remove } = aliasChanges(changes);
  if (changesOf("primarySmtpAddress", changes).length === 0) {
    return add.length + remove.length === 0 ? {} : { EmailAddresses: addAndRemove(add.map(smtp), remove.map(smtp)) };
  }
  if (!mailbox.hasAddressPolicy) {
    return { WindowsEmailAddress: primarySmtpAddress };
  }
  const { emailAddresses } = (await services.mailboxes.withId(mailbox.id)) ?? mailbox;
  const dropped = [...add, ...remove, primarySmtpAddress];
  return {
    EmailAddresses: [
      `SMTP:${primarySmtpAddress}`,
      ...emailAddresses
        .filter((address) => !hasPrefixSmtp(address) || !dropped.includes(address.slice(5).toLowerCase()))
        .map((address) => (hasPrefixSmtp(address) ? smtp(address.slice(5)) : address)),
      ...add.map(smtp),
    ],
  };
}

/** Aliases that change together with a primary address that `WindowsEmailAddress` has just set. */
async function changeAliases(changes: readonly Change[], { id }: Mailbox, who: string, operation: Operation) {
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
export async function requireAcceptedDomains(inputs: SharedMailboxInputs, operation: Operation): Promise<void> {
  const domains = await operation.services.mailboxes.acceptedDomains();
  if (domains === undefined) {
    return;
  }
  const problems = [
    ["primarySmtpAddress", inputs.primarySmtpAddress] as const,
    ...(inputs.emailAliases ?? []).map((address, index) => [`emailAliases[${index}]`, address] as const),
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

/** Refuses further addresses that another recipient holds, naming it, before anything is changed. */
export async function requireFreeAliases(
  inputs: SharedMailboxInputs,
  own: { id: string } | undefined,
  operation: Operation,
): Promise<void> {
  await Promise.all(
    (inputs.emailAliases ?? []).map(async (alias, index) => {
      const holders = await operation.services.recipients.withAddress(alias);
      const holder = holders.find(({ id, emailAddresses }) =>
        own === undefined ? !hasAddress({ emailAddresses }, inputs.primarySmtpAddress) : !sameText(id, own.id),
      );
      if (holder !== undefined) {
        throw taken(`emailAliases[${index}]`, alias, describe(holder));
      }
    }),
  );
}

/** The error for an address somebody else holds. */
export function taken(path: string, address: string, holder: string): ConflictError {
  return new ConflictError({
    action: path,
    words: `${address} belongs to ${holder}`,
    nextStep: "Nothing was changed. Choose another address, or take it off its holder first.",
  });
}

function hasPrefixSmtp(address: string): boolean {
  return /^smtp:/i.test(address);
}

function smtp(address: string): string {
  return `smtp:${address}`;
}

/** The SMTP addresses: the primary one and the further ones. */
export const addresses: Facet = {
  properties: ["primarySmtpAddress", "emailAliases"],

  check: ({ primarySmtpAddress, emailAliases }) =>
    primarySmtpAddress !== undefined && emailAliases?.includes(primarySmtpAddress)
      ? [{ path: "emailAliases", reason: "has the primary address in it; leave it out here" }]
      : [],

  advise({ emailAliases, primarySmtpAddress }, olds) {
    const dropped = [...(olds.emailAliases ?? []), ...(isSet(olds.primarySmtpAddress) ? [olds.primarySmtpAddress] : [])]
      .filter((address) => primarySmtpAddress !== undefined && address !== primarySmtpAddress)
      .filter((address) => emailAliases !== undefined && !emailAliases.includes(String(address)));
    const count = emailAliases?.length ?? 0;
    const crowd =
      count <= MOST_ADDRESSES || count === olds.emailAliases?.length
        ? []
        : [
            `emailAliases has ${count} entries; a recipient is planned with at most ${MOST_ADDRESSES} addresses, and Exchange may refuse more.`,
          ];
    return dropped.length === 0
      ? crowd
      : [...crowd, `emailAliases: mail to ${dropped.join(", ")} will bounce, which the program no longer declares.`];
  },

  difference(desired, previous, observed) {
    const { primarySmtpAddress: from } = observed.mailbox;
    const { primarySmtpAddress: to } = desired.inputs;
    return [
      ...(from === to ? [] : [{ path: ["primarySmtpAddress"], from, to }]),
      ...addressChanges(desired, previous, observed),
    ];
  },

  async guard(changes, { inputs }, { mailbox }, operation) {
    if (changes.some(({ path }) => path[0] === "emailAliases")) {
      await requireFreeAliases(inputs, mailbox, operation);
    }
  },

  parameters: (changes, desired, { mailbox }, operation) => addressParameters(changes, desired, mailbox, operation),

  note(changes, { inputs }, { mailbox }, state) {
    if (changesOf("primarySmtpAddress", changes).length > 0 && inputs.emailAliases !== undefined) {
      // Until it is taken off, the old address is an alias, and one that this resource declared.
      const known = (state.emailAliases ?? []) as string[];
      state.emailAliases = [...new Set([...known, mailbox.primarySmtpAddress])].sort();
    }
  },

  async apply(changes, { inputs: { primarySmtpAddress } }, { mailbox }, operation) {
    if (changesOf("primarySmtpAddress", changes).length === 0) {
      return;
    }
    if (!mailbox.hasAddressPolicy) {
      await changeAliases(changes, mailbox, primarySmtpAddress, operation);
    }
    if (nextSignInName(primarySmtpAddress, mailbox) === mailbox.userPrincipalName) {
      return;
    }
    // MicrosoftOnlineServicesID belongs to another parameter set of Set-Mailbox than the addresses.
    const action = `changing the sign-in name of shared mailbox ${primarySmtpAddress}`;
    await operation.services.mailboxes.set(
      mailbox.id,
      { MicrosoftOnlineServicesID: primarySmtpAddress },
      action,
      operation,
    );
    operation.warn(`The sign-in name followed the primary address, which it equalled: ${primarySmtpAddress}.`);
  },

  finish({ inputs }, previous, { mailbox }, operation) {
    const gone = ((previous.emailAliases ?? []) as string[]).filter(
      (address) => address !== inputs.primarySmtpAddress && !inputs.emailAliases?.includes(address),
    );
    for (const address of gone.filter((one) => isKeptByExchange(one, mailbox.userPrincipalName, mailbox))) {
      const why = sameText(address, mailbox.userPrincipalName) ? "the sign-in name" : "the alias in the initial domain";
      operation.warn(`emailAliases: ${address} stays: it is ${why}, which Exchange keeps.`);
    }
  },

  read: ({ mailbox }, state) => ({
    primarySmtpAddress: mailbox.primarySmtpAddress,
    emailAliases: aliasesOf(mailbox, state.emailAliases as string[] | undefined | null),
  }),

  outputs: ({ mailbox }) => ({
    userPrincipalName: mailbox.userPrincipalName,
    mailNickname: mailbox.alias,
    addresses: [...mailbox.emailAddresses].sort(),
  }),
};
