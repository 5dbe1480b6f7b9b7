import type { Registry } from "../../core/registry";
import type { IncomingMethod, MailboxRow } from "../../services/dataverse";
import { isHeld } from "../mailbox-record/schema";
import { orNull, type RecordValues, recordDifference, valuesOf } from "../mailbox-record/values";
import type { IndividualInputs, IndividualOperation, KnownIndividual, Memory } from "./desired";

/** The properties of a record that an `IndividualMailbox` may declare. */
export const PROPERTIES = [
  "emailAddress",
  "serverProfile",
  "incomingEmail",
  "outgoingEmail",
  "appointmentsContactsTasks",
  "deleteAfterProcessing",
  "credentials",
] as const;

/** One of them. */
export type Property = (typeof PROPERTIES)[number];

/**
 * Records what declared properties were before this resource had them: that is what they go back to.
 *
 * @param isCreation whether the resource is new. From then on it remembers; one that was imported never began, and puts nothing back.
 */
export function recordFormer(
  inputs: IndividualInputs,
  row: MailboxRow,
  isCreation: boolean,
  operation: IndividualOperation,
): void {
  const { known, registry, warn } = operation;
  const begun = known.memory.former ?? (isCreation ? {} : undefined);
  if (begun === undefined) {
    return;
  }
  const former = { ...begun };
  const found: RecordValues = { ...valuesOf(row), credentials: null };
  for (const property of PROPERTIES) {
    if (inputs[property] !== undefined && !(property in former)) {
      Object.assign(former, { [property]: found[property] });
      if (property === "credentials" && row.isPasswordSet) {
        warn("credentials: the record has a password already, which cannot be read and so will not be put back.");
      }
    }
  }
  operation.record({ memory: { former: withMethodElsewhere(former, registry.formerMethods.get(row.id)) } });
}

/**
 * Pure. Former values with what the incoming method of the record was before a forward mailbox of this program set it.
 *
 * @param method the former method, where the forward mailbox knows it.
 */
export function withMethodElsewhere(former: Memory["former"], method: IncomingMethod | undefined): Memory["former"] {
  return former?.incomingEmail === "ForwardMailbox" && method !== undefined
    ? { ...former, incomingEmail: method }
    : former;
}

/** Tells the forward mailboxes of this deployment what the incoming method of a record was before. */
export function shareFormer({ id, memory: { former, given } }: KnownIndividual, registry: Registry): void {
  const incomingEmail = former?.incomingEmail;
  const isForwarded = given?.incomingEmail === "ForwardMailbox";
  if (id !== undefined && isForwarded && incomingEmail !== undefined && incomingEmail !== "ForwardMailbox") {
    registry.formerMethods.set(id, incomingEmail);
  }
}

/**
 * What this resource gives a record, or may have given it. A property that is different later was changed by somebody else, also when a
 * refresh took the change into the state. The previous values are kept until {@link settleGiven} runs, in case a response was lost.
 *
 * @param values what is written.
 */
export function givenWith(
  values: RecordValues,
  properties: readonly string[],
  { memory }: KnownIndividual,
): Pick<Memory, "given" | "givenBefore"> {
  if (memory.former === undefined) {
    return memory;
  }
  const given: Record<string, unknown> = { ...memory.given };
  const before = { ...memory.givenBefore };
  for (const property of properties) {
    if (given[property] !== undefined) {
      before[property] = [...(before[property] ?? []), given[property]];
    }
    given[property] = property === "credentials" ? values.credentials?.userName : values[property as Property];
  }
  return { given, givenBefore: before };
}

/** Records that a record has what is declared, and forgets what is not declared any more. */
export function settleGiven(inputs: IndividualInputs, values: RecordValues, operation: IndividualOperation): void {
  const { former } = operation.known.memory;
  const { given } = givenWith(values, PROPERTIES, operation.known);
  const declared = <Value>(all: Readonly<Record<string, Value>> | undefined) =>
    all && Object.fromEntries(Object.entries(all).filter(([property]) => inputs[property as Property] !== undefined));
  operation.record({
    memory: {
      former: declared<unknown>(former as Record<string, unknown> | undefined),
      given: declared(given),
      givenBefore: undefined,
    },
  });
}

/** What is declared, as values of the record: the server profile by its id, and null where the program says that there is none. */
export function declaredValues(inputs: IndividualInputs, serverProfileId: string | undefined): RecordValues {
  const serverProfile = inputs.serverProfile === false ? null : serverProfileId;
  return { ...inputs, serverProfile, credentials: orNull(inputs.credentials) };
}

/**
 * What is declared, and for what was declared before and is not any more, what it was before: unless somebody changed it since, or
 * another resource decides it now.
 */
export function valuesFor(
  inputs: IndividualInputs,
  serverProfileId: string | undefined,
  { inputs: held }: KnownIndividual,
  row: MailboxRow,
  elsewhere: readonly string[],
  known: KnownIndividual,
): RecordValues {
  const declared = declaredValues(inputs, serverProfileId);
  const back = valuesToPutBack(row, known);
  return Object.fromEntries(
    PROPERTIES.flatMap((property) => {
      const isLeft = isHeld(held, property) && !elsewhere.includes(property);
      const value = inputs[property] !== undefined ? declared[property] : isLeft ? back[property] : undefined;
      return value === undefined ? [] : [[property, value]];
    }),
  );
}

/** What goes back when it is not declared any more: what this resource gave the record and the record still has. */
export function valuesToPutBack(
  row: MailboxRow,
  { memory: { former: before = {}, given: own = {}, givenBefore: earlier = {} } }: KnownIndividual,
): RecordValues {
  return Object.fromEntries(
    PROPERTIES.filter((property) => property in before && property in own)
      // If someone changed it in the meantime, leave their value alone.
      .filter((property) => [own[property], ...(earlier[property] ?? [])].some((one) => isStill(property, one, row)))
      .map((property) => [property, before[property]]),
  );
}

function isStill(property: Property, given: unknown, row: MailboxRow): boolean {
  // Whether the password is the one that was given cannot be read.
  const value = property === "credentials" ? { userName: given, password: "" } : given;
  return recordDifference({ [property]: value } as RecordValues, row, { password: "" }).length === 0;
}
