import { type DataverseRow, incomingMethods, outgoingMethods } from "../../services/dataverse";
import { emailFilters, type QueueRow } from "../../services/queues";
import { managed } from "../mailbox-record/rows";
import { type Owner, ownerColumns } from "../mailbox-record/values";
import type { Change, Properties } from "../reconciler";
import type { QueueInputs } from "./desired";

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
