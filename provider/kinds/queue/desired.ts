import { z } from "zod";
import { displayText, flag, smtpAddress } from "../../core/canonical";
import type { Change, Properties } from "../../core/kind";
import {
  type DataverseRow,
  emailFilters,
  incomingMethods,
  type MailboxRow,
  outgoingMethods,
  type QueueRow,
  type ServerProfile,
} from "../../services/dataverse";
import { ownerSchema } from "../mailbox-record/owner";
import { adopt, deletion, environmentUrl, serverProfile, testAndEnable } from "../mailbox-record/schema";
import { type Owner, ownerColumns } from "../mailbox-record/values";
import { managed } from "../mailbox-record/writing";

/** A queue's methods: there is nobody whose Outlook could do it. */
const INCOMING = ["None", "ServerSideSynchronization", "ForwardMailbox"] as const;
const OUTGOING = ["None", "ServerSideSynchronization"] as const;

/** Every input once, with its canonical form and its limits. */
export const schema = z.strictObject({
  name: displayText("the name of the queue, e.g. Support", 200),
  emailAddress: smtpAddress("support@contoso.com", 100),
  owner: ownerSchema.optional(),
  serverProfile: serverProfile.optional(),
  incomingEmail: z.enum(INCOMING, { error: `must be one of ${INCOMING.join(", ")}` }).optional(),
  outgoingEmail: z.enum(OUTGOING, { error: `must be one of ${OUTGOING.join(", ")}` }).optional(),
  emailFiltering: z.enum(emailFilters, { error: `must be one of ${emailFilters.join(", ")}` }).optional(),
  approveEmail: flag().optional(),
  testAndEnable: testAndEnable.optional(),
  environmentUrl: environmentUrl.optional(),
  adopt: adopt.optional(),
  deletion: deletion.optional(),
});

/** Canonical inputs. */
export type QueueInputs = z.output<typeof schema>;

/** The inputs with what they name looked up. */
export interface Desired {
  inputs: QueueInputs;
  /** The declared server profile, or the default one where one was declared before; undefined where it is left alone. */
  profile: ServerProfile | undefined;
  /** The declared owner, or the default one where one was declared before; undefined where it is left alone. */
  owner: Owner | undefined;
}

/** The queue and the mailbox record that Dynamics made for it. */
export interface Observed {
  queue: QueueRow;
  /** Undefined while Dynamics has not made it. */
  row: MailboxRow | undefined;
  organizationId: string;
  /** The record's server profile. */
  profile: ServerProfile | undefined;
  /** Properties that another resource of this deployment decides. */
  elsewhere: readonly string[];
  /** That the queue was somebody else's: what it overwrites is said. */
  isAdopted?: true;
}

/** One column of a queue as it should be. */
interface Value {
  property: string;
  /** In the words of {@link observedValues}. */
  to: unknown;
  columns: DataverseRow;
}

/** Properties that go back to what they were before they were declared. */
const GOES_BACK = ["incomingEmail", "outgoingEmail", "emailFiltering"] as const;

/**
 * Notes what a queue that was there already had of the properties that a program declares for the first time, whether or not they have
 * to be written.
 *
 * @param previous what was declared before.
 */
export function noteFormer(inputs: QueueInputs, previous: Properties, queue: QueueRow, state: Properties): void {
  const former = { ...(state.former as Properties | undefined) };
  const isBirth = state.created === true && previous.name === undefined;
  for (const property of GOES_BACK) {
    const isNew = inputs[property] !== undefined && (previous[property] ?? undefined) === undefined;
    if (isNew && !isBirth) {
      former[property] ??= observedValues(queue)[property];
    }
  }
  if (Object.keys(former).length > 0) {
    state.former = former;
  }
}

/** Forgets what properties were that are back at it. */
export function forgetFormer(inputs: QueueInputs, state: Properties): void {
  if (state.former !== undefined) {
    const known = Object.entries(state.former as Properties);
    state.former = Object.fromEntries(
      known.filter(([property]) => inputs[property as keyof QueueInputs] !== undefined),
    );
  }
}

/**
 * The queue as declared. What was declared and is not any more goes back to what it was before, or to the default of a new queue where it
 * was declared from the beginning; the rest stays as it is.
 *
 * @param previous what was declared before; a new queue has nothing.
 */
export function wantedValues(inputs: QueueInputs, owner: Owner | undefined, previous: Properties): Value[] {
  const whenManaged = <T>(property: keyof QueueInputs, byDefault: T) => managed(property, inputs, previous, byDefault);
  const former = (previous.former ?? {}) as Pick<QueueInputs, (typeof GOES_BACK)[number]>;
  const incoming = whenManaged("incomingEmail", former.incomingEmail ?? ("None" as const));
  const outgoing = whenManaged("outgoingEmail", former.outgoingEmail ?? ("None" as const));
  const filtering = whenManaged("emailFiltering", former.emailFiltering ?? ("All" as const));
  const value = (property: string, to: unknown, columns: DataverseRow): Value[] =>
    to === undefined ? [] : [{ property, to, columns }];
  return [
    ...value("name", inputs.name, { name: inputs.name }),
    ...value("emailAddress", inputs.emailAddress, { emailaddress: inputs.emailAddress }),
    ...(owner === undefined ? [] : value("owner", owner.id, ownerColumns(owner))),
    ...value("incomingEmail", incoming, {
      incomingemaildeliverymethod: incomingMethods.indexOf(incoming ?? "None"),
    }),
    ...value("outgoingEmail", outgoing, {
      outgoingemaildeliverymethod: outgoingMethods.indexOf(outgoing ?? "None"),
    }),
    ...value("emailFiltering", filtering, {
      incomingemailfilteringmethod: emailFilters.indexOf(filtering ?? "All"),
    }),
  ];
}

/** What a queue has, in words that can be compared. */
export function observedValues(queue: QueueRow): Properties {
  return {
    name: queue.name,
    emailAddress: queue.emailAddress,
    owner: queue.ownerId,
    incomingEmail: queue.incoming,
    outgoingEmail: queue.outgoing,
    emailFiltering: queue.filtering,
  };
}

/** What of a queue is not as it should be. Pure. */
export function queueDifference(values: readonly Value[], queue: QueueRow): Change[] {
  const seen = observedValues(queue);
  return values
    .map(({ property, to }) => ({ path: [property], from: seen[property], to }))
    .filter(({ from, to }) => from !== to);
}

/** The columns of some values. */
export function columnsOf(values: readonly Value[]): DataverseRow {
  return Object.assign({}, ...values.map(({ columns }) => columns));
}
