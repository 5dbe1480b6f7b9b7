import { z } from "zod";
import { displayText, oneOf, smtpAddress } from "../../core/canonical";
import type { Change, Held, Known, Operation, Properties } from "../../core/kind";
import { type MemoryOf, remembering } from "../../core/memory";
import { declaredIn, tableOf } from "../../core/properties";
import { only } from "../../http/json";
import {
  emailFilters,
  incomingMethods,
  type MailboxRow,
  outgoingMethods,
  type QueueRow,
  type ServerProfile,
} from "../../services/dataverse";
import type { WayOn } from "../mailbox-record/claims";
import {
  columns,
  commandsGiven,
  type DeclaredOwner,
  inColumn,
  inputsOfRow,
  type LookedUp,
  type Seen,
  shownOfRecord,
  valuesOf,
} from "../mailbox-record/properties";

/** A queue's methods: there is nobody whose Outlook could do it. */
const INCOMING = ["None", "ServerSideSynchronization", "ForwardMailbox"] as const;
const OUTGOING = ["None", "ServerSideSynchronization"] as const;

/**
 * The properties that are columns of the queue's row. Methods and filtering that leave the program go back to what they were before they
 * were declared, or to those of a new queue.
 */
export const properties = tableOf<Seen<QueueRow>>()({
  name: { ...columns.name, schema: displayText("the name of the queue, e.g. Support", 200), removal: "keep" },
  emailAddress: { ...columns.emailAddress, schema: smtpAddress("support@contoso.com", 100), removal: "keep" },
  owner: { ...columns.owner, removal: { back: undefined } },
  incomingEmail: { ...inColumn("incomingEmail"), schema: oneOf(INCOMING).optional(), removal: { back: "None" } },
  outgoingEmail: { ...inColumn("outgoingEmail"), schema: oneOf(OUTGOING).optional(), removal: { back: "None" } },
  emailFiltering: { ...inColumn("emailFiltering"), removal: { back: "All" } },
});

/** The property that is a column of its mailbox record. */
export const ofRecord = tableOf<Seen<MailboxRow>>()({
  serverProfile: { ...columns.serverProfile, removal: { back: undefined } },
});

const { name, emailAddress, owner, ...others } = properties.shape;

/** Every input once, with its canonical form and its limits. */
export const schema = z.strictObject({ name, emailAddress, owner, ...ofRecord.shape, ...others, ...inputsOfRow });

/** Canonical inputs. */
export type QueueInputs = z.output<typeof schema>;

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
export type Desired = LookedUp<QueueInputs>;

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
}

/** A queue that was there before this resource is created. */
export interface Existing extends Observed {
  /** How the creation goes on with it. */
  way: WayOn;
}

/**
 * What a queue that was there already had of the properties that a program declares for the first time, whether or not they have to be
 * written, and all other former values that are known.
 *
 * @param previous what was declared before.
 */
export function formerValues(
  inputs: QueueInputs,
  previous: Held<QueueInputs>,
  queue: QueueRow,
  known: KnownQueue,
): Memory["former"] {
  const { created, former } = known.memory;
  const isBirth = created === true && previous.name === undefined;
  const { incomingEmail, outgoingEmail, emailFiltering } = queue;
  const found = { incomingEmail, outgoingEmail, emailFiltering };
  const [isDeclared, isHeld] = [declaredIn(inputs), declaredIn(previous)];
  const isNew = (name: string) => isDeclared(name) && !isHeld(name) && !isBirth;
  const all = { ...only(found, isNew), ...former };
  return Object.keys(all).length === 0 ? former : all;
}

/** The former values of what is still declared: the others are back at it. */
export function formerOf(inputs: QueueInputs, former: Memory["former"]): Memory["former"] {
  return former && only(former, declaredIn(inputs));
}

/** What of a queue is not as it should be. Pure. @param previous what was known before; a new queue has nothing. */
export function queueDifference(desired: Desired, previous: KnownQueue, row: QueueRow): Change[] {
  return properties.differing(queueValues(desired, previous), { row, known: previous });
}

/** The values that a queue should have. What one that was imported had before is not known, and stays. */
export function queueValues(desired: Desired, { inputs, memory: { created, former = {} } }: KnownQueue): Properties {
  const values = valuesOf(properties, desired, inputs, former);
  const isDeclared = declaredIn(desired.inputs);
  const isKnown = (name: string) => created === true || name === "owner" || name in former;
  return only(values, (name) => isDeclared(name) || isKnown(name));
}
