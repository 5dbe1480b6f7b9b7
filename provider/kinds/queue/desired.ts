import { z } from "zod";
import { displayText, flag, smtpAddress } from "../../core/canonical";
import type { Change, Held, Known, Operation, Properties } from "../../core/kind";
import { type MemoryOf, remembering } from "../../core/memory";
import {
  type DataverseRow,
  emailFilters,
  incomingMethods,
  type MailboxRow,
  outgoingMethods,
  type QueueRow,
  type ServerProfile,
} from "../../services/dataverse";
import type { WayOn } from "../mailbox-record/adoption";
import { type DeclaredOwner, ownerSchema } from "../mailbox-record/references";
import {
  adopt,
  commandsGiven,
  deletion,
  environmentUrl,
  isHeld,
  serverProfile,
  shownOfRecord,
  testAndEnable,
} from "../mailbox-record/schema";
import { managed, type Owner, ownerColumns } from "../mailbox-record/values";

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

/** Properties that go back to what they were before they were declared. */
const GOES_BACK = ["incomingEmail", "outgoingEmail", "emailFiltering"] as const;

/** What a queue is remembered by. */
export const memory = remembering(
  {
    ...shownOfRecord,
    ownerId: z.string(),
    /** Id of its mailbox record. */
    mailboxId: z.string(),
  },
  {
    ...commandsGiven,
    /** Whether this resource made it. */
    created: z.boolean(),
    /** What properties of a queue that was there before had been before they were declared. */
    former: z.object({
      incomingEmail: z.enum(incomingMethods).optional(),
      outgoingEmail: z.enum(outgoingMethods).optional(),
      emailFiltering: z.enum(emailFilters).optional(),
    }),
  },
);

/** What is remembered of a queue between deployments. */
export type Memory = MemoryOf<typeof memory>;
/** What is known of a queue before the tenant is asked. */
export type KnownQueue = Known<QueueInputs, Memory>;
/** An operation on a queue. */
export type QueueOperation = Operation<QueueInputs, Memory>;

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
  /** The owner as a program would declare it; only in a refresh, and where one is declared. */
  owner?: DeclaredOwner | null | undefined;
  /** How a creation goes on with a queue that was there already. */
  way?: WayOn;
}

/** One column of a queue as it should be. */
interface Value {
  property: string;
  /** In the words of {@link observedValues}. */
  to: unknown;
  columns: DataverseRow;
}

/**
 * What a queue that was there already had of the properties that a program declares for the first time, whether or not they have to be
 * written.
 *
 * @param previous what was declared before.
 * @returns all former values that are known; undefined where there are none.
 */
export function formerValues(
  inputs: QueueInputs,
  previous: Held<QueueInputs>,
  queue: QueueRow,
  { memory: { created, former } }: KnownQueue,
): Memory["former"] {
  const isBirth = created === true && previous.name === undefined;
  const seen = observedValues(queue);
  const found = GOES_BACK.filter(
    (property) => inputs[property] !== undefined && !isHeld(previous, property) && !isBirth,
  );
  const all = { ...Object.fromEntries(found.map((property) => [property, seen[property]])), ...former };
  return Object.keys(all).length === 0 ? former : all;
}

/** The former values of what is still declared: the others are back at it. */
export function formerOf(inputs: QueueInputs, former: Memory["former"]): Memory["former"] {
  return former === undefined
    ? undefined
    : Object.fromEntries(
        Object.entries(former).filter(([property]) => inputs[property as keyof QueueInputs] !== undefined),
      );
}

/**
 * The queue as declared. What was declared and is not any more goes back to what it was before, or to the default of a new queue where it
 * was declared from the beginning; the rest stays as it is.
 *
 * @param previous what was declared before; a new queue has nothing.
 */
export function wantedValues(
  inputs: QueueInputs,
  owner: Owner | undefined,
  { inputs: held, memory: { former = {} } }: KnownQueue,
): Value[] {
  const incoming = managed("incomingEmail", inputs, held, former.incomingEmail ?? ("None" as const));
  const outgoing = managed("outgoingEmail", inputs, held, former.outgoingEmail ?? ("None" as const));
  const filtering = managed("emailFiltering", inputs, held, former.emailFiltering ?? ("All" as const));
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
