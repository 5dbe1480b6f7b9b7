import { grantThing } from "../../core/registry";
import { ifAllowed } from "../../http/errors";
import type { Mailbox } from "../../services/mailboxes";
import type { Entry } from "../../services/permissions";
import { type MembershipOperation, memory } from "../mailbox-membership/desired";
import { attribute, recipientBehind } from "../mailbox-membership/people";
import type { SharedMailboxInputs, SharedMailboxOperation } from "./desired";
import { forwardsTo } from "./forwarding";

/** Somebody's entries, with the name by which people know who it is. */
interface Holder {
  name: string;
  id: string | undefined;
  entries: Entry[];
}

/**
 * Says who may use a mailbox that is adopted, and where its mail goes: adoption takes nothing away, and no preview could show it.
 *
 * @param mailbox as it was found.
 */
export async function tellWhatStays(
  mailbox: Mailbox,
  inputs: SharedMailboxInputs,
  operation: SharedMailboxOperation,
): Promise<void> {
  const on = mailbox.primarySmtpAddress;
  const [holders, forwarding, rules] = await Promise.all([
    ifAllowed(holdersOn(mailbox, operation)),
    inputs.forwarding === undefined ? forwardingOf(mailbox, operation) : undefined,
    ifAllowed(operation.services.inboxRules.list(mailbox, on), () =>
      operation.warn(
        `The inbox rules of ${on} were not read: the application may not read them. One of them may forward mail.`,
      ),
    ),
  ]);
  const { registry } = operation;
  const left = holders?.filter(
    ({ id, entries }) =>
      ![id, ...entries.map(({ sid }) => sid)].some((one) => one && registry.isDeclared(grantThing(mailbox.id, one))),
  );
  if (left === undefined) {
    operation.warn(
      `Adopting ${on} takes nobody's access away. Who has access was not read: the application may not read it.`,
    );
  } else if (left.length > 0) {
    operation.warn(
      `Adopting ${on} takes nobody's access away. These have access and keep it: ${left.map(inWords).sort().join(", ")}. ` +
        "With exclusive: true in its MailboxMembership, the next refreshed preview shows who is not declared, and `pulumi up` takes that access away.",
    );
  }
  if (forwarding !== undefined) {
    operation.warn(
      `Adopting ${on} leaves its forwarding to ${forwarding} as it is. Declare it, or forwarding: false to end it.`,
    );
  }
  for (const { name, isEnabled, targets, otherTargets } of rules ?? []) {
    const to = [...targets, ...otherTargets].map((target) => target.name);
    if (isEnabled && to.length > 0) {
      operation.warn(`Adopting ${on} leaves its inbox rule "${name}" as it is, which forwards to ${to.join(", ")}.`);
    }
  }
}

/** Whoever has an explicit entry, each once. */
async function holdersOn(mailbox: Mailbox, operation: SharedMailboxOperation): Promise<Holder[]> {
  const nobodys: MembershipOperation = {
    ...operation,
    known: { id: mailbox.id, inputs: {}, memory: memory.read({}) },
    record: () => undefined,
  };
  const { entries } = await operation.services.permissions.on(mailbox);
  const { rest } = await attribute(entries, new Map(), mailbox, nobodys);
  const found = new Map<string, Holder>();
  for (const one of rest) {
    const recipient = await recipientBehind(one, nobodys);
    const { entry } = one;
    const name = recipient?.primarySmtpAddress || entry.trustee;
    const id = recipient?.id || one.id;
    const key = (id ?? entry.sid ?? name).toLowerCase();
    const known = found.get(key) ?? { name, id, entries: [] };
    found.set(key, { ...known, entries: [...known.entries, entry] });
  }
  return [...found.values()];
}

function inWords({ name, entries }: Holder): string {
  return `${name} (${[...new Set(entries.flatMap(({ rights }) => rights))].sort().join(", ")})`;
}

/** Where a mailbox forwards to; undefined where it does not. */
async function forwardingOf(mailbox: Mailbox, operation: SharedMailboxOperation): Promise<string | undefined> {
  const { recipient, candidates } = await forwardsTo(mailbox, undefined, operation);
  const inside = recipient === undefined ? candidates : [recipient];
  return (
    inside.map(({ primarySmtpAddress }) => primarySmtpAddress).join(" or ") ||
    mailbox.forwardingAddress ||
    mailbox.forwardingSmtpAddress
  );
}
