import { ConflictError, isClass, isUnknownOutcome, ProviderError, SettleError } from "../../http/errors";
import type { User } from "../../services/graph";
import { type Mailbox, mailboxGone } from "../../services/mailboxes";
import { describe } from "../../services/recipients";
import { settle } from "../../services/waiting";
import { explainHolders } from "../recipient-named";
import type { Operation } from "../reconciler";
import { untilReleased } from "../released";
import { markOf, requireFreeAliases, taken } from "./addresses";
import { convert } from "./conversion";
import type { Desired, Observed } from "./desired";
import { requireNoLoop } from "./forwarding";
import { around } from "./observation";
import { restore } from "./restoration";

/** How long a mailbox counts as one's own earlier creation, in milliseconds. */
const OWN_FOR = 24 * 60 * 60 * 1000;
/** How long an unanswered creation is looked for before it counts as not having happened, in milliseconds. */
const LOST_FOR = 15_000;
/** How far Exchange's clock may be behind ours, in milliseconds. */
const CLOCK_SKEW = 5_000;

/** On create: the mailbox that has the address already, where it is one's own earlier work or may be adopted. */
export async function find(desired: Desired, operation: Operation): Promise<Observed | undefined> {
  const { inputs } = desired;
  const { recipients, mailboxes } = operation.services;
  const [holder] = await recipients.withAddress(inputs.primarySmtpAddress);
  const mailbox = holder === undefined || holder.id === "" ? undefined : await mailboxes.withId(holder.id);
  await requireFreeAliases(inputs, mailbox, operation);
  await requireNoLoop(desired, mailbox, operation);
  if (holder === undefined) {
    const restored = await restore(inputs, operation);
    return restored === undefined ? undefined : { ...(await settled(restored, desired, operation)), isAdopted: true };
  }
  if (mailbox !== undefined && isOwn(mailbox, desired, operation)) {
    operation.progress("continuing with the mailbox that an earlier deployment of this resource created");
    return established(mailbox.id, desired, operation);
  }
  if (mailbox?.recipientTypeDetails === "UserMailbox" && inputs.adopt === "convert") {
    requireCloudMailbox(mailbox, `converting the mailbox ${mailbox.primarySmtpAddress}`);
    await convert(mailbox, desired, operation);
    return adopted((await mailboxes.withId(mailbox.id)) ?? mailbox, desired, operation);
  }
  if (mailbox?.recipientTypeDetails !== "SharedMailbox") {
    throw taken("primarySmtpAddress", inputs.primarySmtpAddress, describe(holder));
  }
  if (inputs.adopt === undefined || inputs.adopt === false) {
    throw new ConflictError({
      action: "primarySmtpAddress",
      words: `${inputs.primarySmtpAddress} belongs to ${describe(mailbox)}, which exists already (id ${mailbox.id})`,
      nextStep:
        "Nothing was changed. If the resource was renamed in the program, give it aliases: [{ name: <its old name> }]. To take " +
        "the mailbox over, set adopt: true, or import it with `pulumi import --file`.",
    });
  }
  return adopted(mailbox, desired, operation);
}

/** Makes the mailbox and returns it once everything can build on it. */
export async function create(desired: Desired, operation: Operation): Promise<Observed> {
  const started = Date.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      const address = desired.inputs.primarySmtpAddress;
      const created = await untilReleased([address], operation, () => newMailbox(desired, operation));
      const id = created?.id ?? (await lookForOwn(desired, started, operation))?.id;
      if (id === undefined) {
        throw new ProviderError({
          action: `creating shared mailbox ${desired.inputs.primarySmtpAddress}`,
          words: "Exchange reported success and shows no such mailbox",
          nextStep: "Run `pulumi up` again: it continues with the mailbox once Exchange shows it.",
        });
      }
      return await established(id, desired, operation);
    } catch (error) {
      const isConflict = isClass(error, "nameConflict") || isClass(error, "addressConflict");
      if (operation.state.id !== undefined || !(isConflict || isUnknownOutcome(error))) {
        throw error;
      }
      // A creation whose answer was lost, or one an earlier run made and Exchange did not show yet, is ours to continue.
      const own = await lookForOwn(desired, started, operation);
      if (own !== undefined) {
        return established(own.id, desired, operation);
      }
      if (isConflict) {
        throw await explainHolders(error, "primarySmtpAddress", desired.inputs.primarySmtpAddress, operation);
      }
      // Looked for and not there: it did not happen. Sent again it can make no twin, because the address is unique.
      if (attempt === 3) {
        throw error;
      }
    }
  }
}

async function newMailbox({ inputs, alias }: Desired, operation: Operation): Promise<Mailbox | undefined> {
  const mark = markOf(inputs.primarySmtpAddress, operation.origin);
  return operation.services.mailboxes.create(
    {
      name: alias.endsWith(mark) ? alias : `${alias.slice(0, 50).replace(/[^A-Za-z0-9._-]/g, "")}-${mark}`,
      displayName: inputs.displayName,
      alias,
      primarySmtpAddress: inputs.primarySmtpAddress,
    },
    operation,
  );
}

async function adopted(mailbox: Mailbox, desired: Desired, operation: Operation): Promise<Observed> {
  const action = `adopting shared mailbox ${mailbox.primarySmtpAddress}`;
  requireCloudMailbox(mailbox, action);
  const user = await operation.services.graph.user(mailbox.id);
  if (user === undefined) {
    throw mailboxGone(mailbox.id, action);
  }
  if (user.accountEnabled && operation.defaulted.includes("signInBlocked")) {
    throw new ConflictError({
      action,
      words: "somebody can sign in to its account, and adoption would block that",
      nextStep: "Nothing was changed. Write signInBlocked: true (or false) in the program to say which is meant.",
    });
  }
  operation.state.id = mailbox.id;
  operation.state.exchangeGuid = mailbox.exchangeGuid;
  return { ...(await begun({ mailbox, user }, desired, operation)), isAdopted: true };
}

/** Exchange Online refuses, or the next synchronisation overwrites, what is written to a mailbox that lives on-premises. */
export function requireCloudMailbox(mailbox: Mailbox, action: string): void {
  if (mailbox.isDirSynced) {
    throw new ConflictError({
      action,
      words: `${mailbox.primarySmtpAddress} is synchronised from an on-premises directory`,
      nextStep: "Nothing was changed. Change it there: the next synchronisation would undo what is written here.",
    });
  }
}

/** Only a shared mailbox that carries the mark and is at most a day old is one's own earlier creation. */
function isOwn(mailbox: Mailbox, { inputs }: Desired, { origin }: Operation): boolean {
  const mark = markOf(inputs.primarySmtpAddress, origin);
  return (
    mailbox.recipientTypeDetails === "SharedMailbox" &&
    (mailbox.alias.endsWith(mark) || mailbox.name.endsWith(mark)) &&
    Math.abs(Date.now() - Date.parse(mailbox.createdAt)) < OWN_FOR
  );
}

/** The mailbox that a creation without an answer made, if it did. */
async function lookForOwn(desired: Desired, started: number, operation: Operation): Promise<Mailbox | undefined> {
  // Exchange may have renamed it already; made since this very call with everything it was given, it is the same one.
  const isMadeNow = (mailbox: Mailbox) =>
    mailbox.recipientTypeDetails === "SharedMailbox" &&
    mailbox.alias === desired.alias &&
    mailbox.displayName === desired.inputs.displayName &&
    Date.parse(mailbox.createdAt) >= started - CLOCK_SKEW;
  try {
    return await settle(
      {
        what: "Exchange to show whether the mailbox was created",
        look: async () =>
          (await operation.services.mailboxes.withAddress(desired.inputs.primarySmtpAddress)).find(
            (mailbox) => isOwn(mailbox, desired, operation) || isMadeNow(mailbox),
          ),
        done: (mailbox) => mailbox !== undefined,
        atMost: LOST_FOR,
      },
      operation,
    );
  } catch (error) {
    if (error instanceof SettleError) {
      return undefined;
    }
    throw error;
  }
}

/** A mailbox this resource made: from here on a failure leaves one behind that the state must know. */
async function established(id: string, desired: Desired, operation: Operation): Promise<Observed> {
  operation.state.created = true;
  return settled(id, desired, operation);
}

/** Waits until a mailbox can be read everywhere, because members, rules and settings build on it. */
async function settled(id: string, desired: Desired, operation: Operation): Promise<Observed> {
  const { mailboxes, graph } = operation.services;
  operation.state.id = id;
  const { mailbox, user } = await settle(
    {
      what: "the mailbox to appear in Exchange and Entra",
      look: async () => {
        const [mailbox, user] = await Promise.all([mailboxes.withId(id), graph.user(id)]);
        return { mailbox, user };
      },
      done: ({ mailbox, user }) => mailbox !== undefined && user !== undefined,
      times: 2,
      describe: ({ mailbox, user }) =>
        `${mailbox === undefined ? "not in Exchange" : "in Exchange"}, ${user === undefined ? "not in Entra" : "in Entra"}`,
    },
    operation,
  );
  if (mailbox === undefined || user === undefined) {
    throw mailboxGone(id, "creating a shared mailbox");
  }
  operation.state.exchangeGuid = mailbox.exchangeGuid;
  return begun({ mailbox, user }, desired, operation);
}

/** A mailbox from here on managed. What its values were is noted first: a failure notes what is declared, and they would be lost. */
async function begun(
  seen: { mailbox: Mailbox; user: User },
  desired: Desired,
  operation: Operation,
): Promise<Observed> {
  const observed = await around(seen, desired, operation);
  const { valuesBefore } = observed;
  if (valuesBefore !== undefined && Object.keys(valuesBefore).length > 0) {
    operation.state.valuesBefore = valuesBefore;
  }
  return observed;
}
