import { z } from "zod";
import { flag, isSame, orNone, smtpAddress } from "../../core/canonical";
import { isSet } from "../../core/properties";
import { InputError } from "../../http/errors";
import { type Row, sameText } from "../../http/json";
import { type Mailbox, smtpAddresses } from "../../services/mailboxes";
import type { Recipient } from "../../services/recipients";
import { idOf, oneAmong, reassigned, recipientKnownAs, recipientNamed } from "../recipients";
import type {
  Desired,
  HeldInputs,
  KnownMailbox,
  Observed,
  SharedMailboxInputs,
  SharedMailboxOperation,
  Target,
} from "./desired";
import { type Facet, isChanged } from "./facet";
import { pathOfAlias } from "./naming";

/** Where mail goes on to, or that it does not. */
export const forwardingSchema = orNone(
  z.strictObject(
    { to: smtpAddress("queue@contoso.com"), keepCopy: flag().default(true), allowLoss: flag().optional() },
    {
      error: (issue) =>
        issue.code === "unrecognized_keys"
          ? undefined
          : "must be an object { to: <address>, keepCopy: true }, or false for no forwarding",
    },
  ),
);

type Forwarding = Exclude<NonNullable<SharedMailboxInputs["forwarding"]>, false>;

/** Whether a value says where to forward; false says that nothing is forwarded. */
export function isForwarding(value: unknown): value is Forwarding {
  return typeof value === "object" && value !== null;
}

/** How far a chain of forwarding mailboxes is followed. */
const LONGEST_CHAIN = 10;

/**
 * Looks up where mail is to go. In an authoritative accepted domain it must be one recipient of the tenant, waited for if
 * it is new; elsewhere it is an outside address.
 */
export async function forwardingTarget(declared: Forwarding, operation: SharedMailboxOperation): Promise<Target> {
  const { recipients, mailboxes } = operation.services;
  const { forwarding: before } = operation.known.inputs;
  const { forwardingId: id } = operation.known.memory;
  if (isForwarding(before) && before.to === declared.to && id !== undefined && id !== "") {
    return { address: declared.to, recipient: await recipientKnownAs(declared.to, id, "forwarding.to", operation) };
  }
  const domain = declared.to.split("@")[1] ?? "";
  const domains = await mailboxes.acceptedDomains();
  if (domains?.get(domain)?.isAuthoritative === true) {
    return { address: declared.to, recipient: await recipientNamed(declared.to, "forwarding.to", operation) };
  }
  const [recipient] = await recipients.withAddress(declared.to);
  if (recipient === undefined && !declared.keepCopy && declared.allowLoss !== true) {
    throw new InputError([
      {
        path: "forwarding.keepCopy",
        reason:
          "false with an outside target loses every message that target refuses, and Exchange blocks automatic forwarding to " +
          "the outside by default; keep a copy, or add allowLoss: true",
      },
    ]);
  }
  return { address: declared.to, recipient };
}

/**
 * Notes in the registry where a mailbox's mail goes on to.
 *
 * @param before the inputs in the state.
 * @param target who was found by the address, where it was looked up.
 * @returns the loops of the program in which the mailbox stands.
 */
export function noteMailFlow(
  inputs: Partial<SharedMailboxInputs>,
  { origin, registry }: Pick<SharedMailboxOperation, "origin" | "registry">,
  before: Partial<SharedMailboxInputs> | HeldInputs,
  target?: Target,
): { path: string; reason: string }[] {
  const { primarySmtpAddress, emailAliases = [], forwarding: declared } = inputs;
  const names = [
    ...(primarySmtpAddress === undefined ? [] : [{ path: "primarySmtpAddress", name: primarySmtpAddress }]),
    ...emailAliases.map((name) => ({ path: pathOfAlias(name, { emailAliases }, { registry, origin }), name })),
  ];
  const isOn = isForwarding(declared);
  const found = target?.recipient === undefined ? [] : namesOf(target.recipient);
  const isNone = declared === false || (declared === undefined && isForwarding(before.forwarding));
  return registry.mailFlow.note(
    origin,
    {
      flows: isOn ? [{ path: "forwarding.to", from: names.map(({ name }) => name), to: [declared.to, ...found] }] : [],
      mailbox: {
        names,
        forwards: isOn ? "declared" : isNone ? "none" : "left",
        isDelivered: !isOn || declared.keepCopy,
      },
    },
    "Forward to another address, or take out one of the others",
  );
}

function namesOf(recipient: Recipient): string[] {
  return [recipient.id, recipient.guid, ...smtpAddresses(recipient)].filter((name) => name !== "");
}

/** Refuses a target through which mail would come back, before anything is changed. */
export async function requireNoLoop(
  desired: Desired,
  mailbox: Mailbox | undefined,
  operation: SharedMailboxOperation,
): Promise<void> {
  const own = [desired.inputs.primarySmtpAddress, ...(mailbox === undefined ? [] : smtpAddresses(mailbox))];
  let next = desired.target?.recipient;
  const passed: string[] = [];
  for (let step = 0; next !== undefined && step < LONGEST_CHAIN; step += 1) {
    passed.push(next.primarySmtpAddress);
    if ((mailbox !== undefined && sameText(next.id, mailbox.id)) || own.includes(next.primarySmtpAddress)) {
      const way = passed.length === 1 ? "is this very mailbox" : `leads back to this mailbox (${passed.join(" → ")})`;
      throw new InputError([{ path: "forwarding.to", reason: `${way}; mail would go round in a loop` }]);
    }
    next = await afterwards(next, operation);
  }
}

/** Who gets the mail of a recipient by its forwarding: as the program declares it, or else as it is in the tenant. */
async function afterwards(recipient: Recipient, operation: SharedMailboxOperation): Promise<Recipient | undefined> {
  const { services, registry } = operation;
  if (!/Mailbox$/.test(recipient.recipientTypeDetails) || recipient.id === "") {
    return undefined;
  }
  const declared = registry.mailFlow.ofMailbox(namesOf(recipient));
  if (declared !== undefined && declared.mailbox?.forwards !== "left") {
    // What the tenant still has may be about to change in this very deployment.
    const [address] = declared.flows[0]?.to ?? [];
    return address === undefined ? undefined : (await services.recipients.withAddress(address))[0];
  }
  const mailbox = await services.mailboxes.withId(recipient.id);
  return mailbox === undefined ? undefined : (await forwardsTo(mailbox, undefined, operation)).recipient;
}

/**
 * The recipient that a mailbox forwards to inside the tenant. Exchange prints it by Name, which several may have: then Exchange is
 * asked which it is, and only where it does not tell them apart the program's target, or the state's, is taken for it.
 *
 * @returns the recipient, and all who are printed like it where none of them is known to be it.
 */
export async function forwardsTo(
  mailbox: Mailbox,
  desired: Desired | undefined,
  operation: SharedMailboxOperation,
): Promise<{ recipient: Recipient | undefined; candidates: readonly Recipient[] }> {
  const printed = mailbox.forwardingAddress;
  const known = (recipient: Recipient | undefined) => ({ recipient, candidates: [] });
  if (printed === undefined) {
    return known(undefined);
  }
  const target = desired?.target?.recipient;
  if (target !== undefined && [target.id, target.guid].some((id) => id !== "" && sameText(id, printed))) {
    return known(target);
  }
  const { recipients } = operation.services;
  const candidates = await recipients.printed(printed);
  if (candidates.length < 2) {
    return known(candidates[0]);
  }
  const [found, second] = (await recipients.referredTo(mailbox.id, "ForwardingAddress", candidates)) ?? [];
  if (found !== undefined && second === undefined) {
    return known(found);
  }
  const ids = [target?.id, operation.known.memory.forwardingId];
  const expected = candidates.find(({ id }) => id !== "" && ids.some((one) => one !== undefined && sameText(one, id)));
  return expected === undefined ? { recipient: undefined, candidates } : known(expected);
}

/** Forwarding in a form that can be compared: by id where there is one. */
interface ComparableForwarding {
  to: string;
  keepCopy: boolean;
  /** An outside address that is set beside the recipient. Mail goes there as soon as the recipient is gone. */
  also?: string;
}

/** What is declared. */
function desiredForwarding({ inputs, target }: Desired): ComparableForwarding | undefined {
  if (!isForwarding(inputs.forwarding) || target === undefined) {
    return undefined;
  }
  const { recipient, address } = target;
  return { to: recipient === undefined ? address : idOf(recipient), keepCopy: inputs.forwarding.keepCopy };
}

/** What is there. With both targets set, Exchange uses the recipient. */
function observedForwarding({ mailbox, forwardsTo: recipient }: Observed): ComparableForwarding | undefined {
  const { forwardingAddress, forwardingSmtpAddress, deliversAndForwards: keepCopy } = mailbox;
  const to = recipient === undefined ? (forwardingAddress ?? forwardingSmtpAddress) : idOf(recipient);
  const isBoth = forwardingAddress !== undefined && forwardingSmtpAddress !== undefined;
  return to === undefined
    ? undefined
    : { to: to.toLowerCase(), keepCopy, ...(isBoth ? { also: forwardingSmtpAddress } : {}) };
}

/** All three parameters together, so that no other target is left behind. */
function forwardingParameters({ inputs, target }: Desired): Row {
  const { recipient, address } = target ?? {};
  return {
    ForwardingAddress: recipient === undefined ? null : idOf(recipient),
    ForwardingSmtpAddress: recipient !== undefined || address === undefined ? null : `smtp:${address}`,
    DeliverToMailboxAndForward: isForwarding(inputs.forwarding) && inputs.forwarding.keepCopy,
  };
}

/** Forwarding as an input; the declared spelling stays while it means the same recipient. */
function forwardingAsRead(
  declared: Forwarding | false | null | undefined,
  declaredId: string | undefined,
  observed: Observed,
): unknown {
  const { mailbox, forwardsTo: recipient } = observed;
  const seen = observedForwarding(observed);
  if (seen === undefined) {
    return declared === false ? false : null;
  }
  const before = isForwarding(declared) ? declared : undefined;
  const isSame =
    recipient === undefined
      ? mailbox.forwardingAddress === undefined && before?.to === mailbox.forwardingSmtpAddress
      : declaredId?.toLowerCase() === idOf(recipient) || smtpAddresses(recipient).includes(before?.to ?? "");
  const to = isSame ? before?.to : (recipient?.primarySmtpAddress ?? unclearTarget(observed));
  return {
    to,
    keepCopy: mailbox.deliversAndForwards,
    ...(seen.also === undefined ? {} : { also: seen.also }),
    ...(before?.allowLoss === undefined ? {} : { allowLoss: before.allowLoss }),
  };
}

/**
 * Where mail goes that goes to no recipient who is known: an outside address; or, in words, all who are printed alike. A Name is
 * never shown for an address: several may have it.
 */
function unclearTarget({ mailbox, forwardingCandidates = [] }: Observed): string | undefined {
  if (mailbox.forwardingAddress === undefined) {
    return mailbox.forwardingSmtpAddress;
  }
  return oneAmong(forwardingCandidates) || "a recipient that cannot be looked up";
}

/** A warning where the address in the program now belongs to somebody else, and the mailbox forwards to whoever had it before. */
export async function targetReassigned(
  { forwardsTo: recipient }: Observed,
  operation: SharedMailboxOperation,
): Promise<string[]> {
  const { forwarding: declared } = operation.known.inputs;
  const { forwardingId } = operation.known.memory;
  return isForwarding(declared) && recipient !== undefined && recipient.id !== "" && recipient.id === forwardingId
    ? reassigned([[declared.to, recipient]], () => "forwarding.to", operation)
    : [];
}

/** Whether the mailbox forwards to a target that had gone, and so was not seen to go from the program. */
export function isTargetBack({ forwardsTo: recipient }: Observed, { memory }: Pick<KnownMailbox, "memory">): boolean {
  return recipient !== undefined && recipient.id !== "" && recipient.id === memory.awayForwardingId;
}

/** What is to be said of a target that has gone and may come back. */
export function targetAway({ mailbox, awayTarget }: Observed): string[] {
  return awayTarget === undefined
    ? []
    : [
        `The mail of ${mailbox.primarySmtpAddress} was forwarded to the account ${awayTarget}, which has no mailbox now. Its account is there or ` +
          "can be restored. Once it is back, mail may go there again: `pulumi refresh` names it, and `pulumi up` stops it where the program does not say so.",
      ];
}

/** Forwarding of everything that arrives. */
export const forwarding: Facet = {
  properties: ["forwarding"],

  async look({ mailbox }, _managed, { known: { memory }, services: { recipients, graph } }) {
    const id = memory.awayForwardingId ?? memory.forwardingId;
    if (
      id === undefined ||
      id === "" ||
      mailbox.forwardingAddress !== undefined ||
      (await recipients.named(id)).length > 0
    ) {
      return { awayTarget: undefined };
    }
    return { awayTarget: (await graph.user(id)) !== undefined || (await graph.isDeleted(id)) ? id : undefined };
  },

  check: ({ primarySmtpAddress, emailAliases, forwarding: declared }) =>
    isForwarding(declared) && [primarySmtpAddress, ...(emailAliases ?? [])].includes(declared.to)
      ? [{ path: "forwarding.to", reason: "is an address of this very mailbox; mail would go round in a loop" }]
      : [],

  advise({ forwarding: declared, primarySmtpAddress, emailAliases }, olds) {
    const domainOf = (address: string | undefined) => address?.split("@")[1];
    const own = [primarySmtpAddress, ...(emailAliases ?? [])].map(domainOf);
    const before = isForwarding(olds.forwarding) ? olds.forwarding.to : undefined;
    return !isForwarding(declared) || declared.to === before || own.includes(domainOf(declared.to))
      ? []
      : [
          "forwarding.to is in another domain than the mailbox: if that is outside the tenant, Exchange Online blocks automatic " +
            "forwarding to it by default (non-delivery report 5.7.520).",
        ];
  },

  difference(desired, previous, observed, known) {
    const wasManaged = isSet(previous.forwarding) || isTargetBack(observed, known);
    if (desired.inputs.forwarding === undefined && !wasManaged) {
      return [];
    }
    const from = observedForwarding(observed);
    const to = desiredForwarding(desired);
    return isSame(from, to) ? [] : [{ path: ["forwarding"], from, to }];
  },

  async guard(changes, desired, { mailbox }, operation) {
    if (isChanged("forwarding", changes)) {
      await requireNoLoop(desired, mailbox, operation);
    }
  },

  parameters: (changes, desired) => (isChanged("forwarding", changes) ? forwardingParameters(desired) : {}),

  recorded: (changes, { target }) =>
    isChanged("forwarding", changes) ? { memory: { forwardingId: target?.recipient?.id } } : {},

  read: (observed, { inputs, memory }) => ({
    forwarding: forwardingAsRead(inputs.forwarding, memory.forwardingId, observed),
  }),

  outputs: ({ forwardsTo: recipient, awayTarget }) => ({
    ...(recipient === undefined ? {} : { forwardingId: recipient.id }),
    awayForwardingId: awayTarget,
  }),
};
