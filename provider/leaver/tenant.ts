/** Everything that somebody has in a tenant. Nothing is changed. */
import { readAccess, type Stack } from "../access/read";
import { declaredWords, ofPerson, type Report, reportOf, rightsWords } from "../access/report";
import { dayOf } from "../core/canonical";
import { bounds, type Deployment } from "../dynamic/deployment";
import { ifAllowed, isClass } from "../http/errors";
import { type Mailbox, smtpAddresses } from "../services/mailboxes";
import { describe } from "../services/recipients";
import { sameText } from "../services/text";

/** Something that somebody has. */
export interface Holding {
  what: "access" | "forwarding" | "source" | "owner" | "record";
  /** The mailbox, queue or record it is about. */
  on: string;
  /** What it is, in words. */
  text: string;
}

/** Somebody, and what is held. */
export interface Found {
  /** In words: `the user mailbox "Ada Lovelace" (ada@contoso.com)`; undefined where the tenant has nobody of the name. */
  who: string | undefined;
  /** Every text that means the person, in lower case. */
  names: Set<string>;
  holdings: Holding[];
  notes: string[];
}

/**
 * Looks for somebody in a tenant: access to shared mailboxes, forwarding to and from, inbox rules that forward, and what is owned in Dynamics.
 *
 * @param names what is known to mean the person already.
 * @throws Error where the text means several.
 */
export async function inTenant(
  deployment: Deployment,
  names: ReadonlySet<string>,
  stacks: readonly Stack[],
): Promise<Found> {
  const { services } = deployment;
  const found: Found = { who: undefined, names: new Set(names), holdings: [], notes: [] };
  const meant = (await Promise.all([...names].map((name) => services.recipients.named(name)))).flat();
  const people = [...new Map(meant.map((one) => [one.id || one.guid, one])).values()];
  if (people.length > 1) {
    throw new Error(
      `${[...names].join(", ")} means several: ${people.map(describe).join(", ")}. Write the object id of the one who leaves.`,
    );
  }
  const [person] = people;
  const account = person === undefined ? await accountOf(deployment, names) : await services.graph.user(person.id);
  if (person !== undefined) {
    found.who = describe(person);
    for (const name of [person.id, person.userPrincipalName ?? "", ...smtpAddresses(person)]) {
      found.names.add(name.toLowerCase());
    }
  }
  if (account !== undefined) {
    found.who ??= `the account ${account.userPrincipalName} without a mailbox`;
    found.who += account.accountEnabled ? ", who can sign in" : ", blocked from signing in";
    found.names.add(account.id.toLowerCase());
    found.names.add(account.userPrincipalName.toLowerCase());
  }
  found.names.delete("");
  await Promise.all([
    accessOf(deployment, found, stacks),
    ownMailbox(deployment, found, person?.id),
    inDynamics(deployment, found),
  ]);
  const order = ["access", "forwarding", "source", "owner", "record"];
  found.holdings.sort((a, b) => order.indexOf(a.what) - order.indexOf(b.what) || (a.on < b.on ? -1 : 1));
  return found;
}

async function accountOf({ services }: Deployment, names: ReadonlySet<string>) {
  const accounts = await Promise.all([...names].map((name) => services.graph.user(name)));
  return accounts.find((one) => one !== undefined);
}

async function accessOf(deployment: Deployment, found: Found, stacks: readonly Stack[]): Promise<void> {
  const reading = await readAccess(deployment, { patterns: [], sizes: false });
  const whole = reportOf(reading, stacks, { day: dayOf(new Date()), mostInGroup: Number.POSITIVE_INFINITY });
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
  await rulesOf(
    deployment,
    reading.mailboxes.map(({ mailbox }) => mailbox),
    found,
  );
}

/** Inbox rules of shared mailboxes that send mail to the person. */
async function rulesOf({ services }: Deployment, mailboxes: readonly Mailbox[], found: Found): Promise<void> {
  const unread: string[] = [];
  let why = "";
  await Promise.all(
    mailboxes.map(async (mailbox) => {
      const on = mailbox.primarySmtpAddress;
      const rules = await ifAllowed(services.inboxRules.list(mailbox, on), (refusal) => {
        unread.push(on);
        why = refusal.message;
      });
      for (const rule of rules ?? []) {
        const to = [...rule.targets, ...rule.otherTargets].filter(({ name, addresses }) =>
          [name, ...addresses].some((one) => found.names.has(one.toLowerCase())),
        );
        if (to.length > 0) {
          const text = `the inbox rule "${rule.name}" forwards to ${to.map(({ name }) => name).join(", ")}`;
          found.holdings.push({ what: "forwarding", on, text });
        }
      }
    }),
  );
  if (unread.length > 0) {
    found.notes.push(`The inbox rules of ${unread.sort().join(", ")} were not read: ${why}`);
  }
}

/** Where the person's own mailbox sends its mail, which goes on after a deletion of the access. */
async function ownMailbox({ services }: Deployment, found: Found, id: string | undefined): Promise<void> {
  const mailbox = id === undefined ? undefined : await services.mailboxes.withId(id);
  if (mailbox === undefined) {
    return;
  }
  const on = mailbox.primarySmtpAddress;
  for (const to of [mailbox.forwardingAddress, mailbox.forwardingSmtpAddress]) {
    if (to !== undefined) {
      found.holdings.push({ what: "source", on, text: `the person's own mailbox forwards to ${to}` });
    }
  }
  try {
    for (const rule of (await services.inboxRules.list(mailbox, on)) ?? []) {
      const targets = [...rule.targets, ...rule.otherTargets];
      if (targets.length > 0) {
        const to = targets.map(({ name }) => name).join(", ");
        found.holdings.push({ what: "source", on, text: `the inbox rule "${rule.name}" forwards to ${to}` });
      }
    }
  } catch (error) {
    found.notes.push(
      `The inbox rules of ${on} were not read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
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
        ...own.map(({ name, incoming }) => ({
          what: "record" as const,
          on: name,
          text: `the person's own mailbox record, incoming ${incoming}`,
        })),
      );
    }
  } catch (error) {
    if (!isClass(error, "forbidden")) {
      throw error;
    }
    found.notes.push(`Dynamics was not read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
