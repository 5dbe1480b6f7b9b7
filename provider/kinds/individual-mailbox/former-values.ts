import type { Operation, Properties } from "../../core/kind";
import type { Registry } from "../../core/registry";
import type { MailboxRow } from "../../services/dataverse";
import { orNull, type RecordValues, recordDifference, valuesOf } from "../mailbox-record/values";
import type { IndividualInputs } from "./desired";

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
 * Begins to remember what a record was before: from its creation on, a resource puts back what it changes. One that was imported
 * never began, and puts nothing back.
 */
export function beginFormer({ state }: Operation, former: RecordValues = {}): void {
  state.former ??= former;
}

/** Notes what declared properties were before this resource had them: that is what they go back to. */
export function noteFormer(inputs: IndividualInputs, row: MailboxRow, operation: Operation): void {
  const { state, warn } = operation;
  if (state.former === undefined) {
    return;
  }
  const former = { ...(state.former as RecordValues) };
  const found: RecordValues = { ...valuesOf(row), credentials: null };
  for (const property of PROPERTIES) {
    if (inputs[property] !== undefined && !(property in former)) {
      Object.assign(former, { [property]: found[property] });
      if (property === "credentials" && row.isPasswordSet) {
        warn("credentials: the record has a password already, which cannot be read and so will not be put back.");
      }
    }
  }
  state.former = former;
  learnFormer(row.id, operation);
}

/** Learns what the incoming method of a record was before a forward mailbox of this program set it. */
export function learnFormer(recordId: string, { state, registry }: Operation): void {
  const former = state.former as RecordValues | undefined;
  const known = registry.formerMethods.get(recordId);
  if (former?.incomingEmail === "ForwardMailbox" && known !== undefined) {
    state.former = { ...former, incomingEmail: known };
  }
}

/** Tells the forward mailboxes of this deployment what the incoming method of a record was before. */
export function shareFormer(recordId: string, { former, given }: Properties, registry: Registry): void {
  const { incomingEmail } = (former ?? {}) as RecordValues;
  const isForwarded = ((given ?? {}) as RecordValues).incomingEmail === "ForwardMailbox";
  if (isForwarded && incomingEmail !== undefined && incomingEmail !== "ForwardMailbox") {
    registry.formerMethods.set(recordId, incomingEmail);
  }
}

/**
 * Notes what this resource gives a record, or may have given it. A property that is different later was changed by somebody else,
 * also when a refresh took the change into the state. What it gave before counts until {@link settleGiven}: an answer may be lost.
 *
 * @param values what is written.
 */
export function noteGiven(values: RecordValues, properties: readonly string[], { state }: Operation): void {
  if (state.former === undefined) {
    return;
  }
  const given = { ...(state.given as Properties | undefined) };
  const before = { ...(state.givenBefore as Record<string, unknown[]> | undefined) };
  for (const property of properties) {
    if (given[property] !== undefined) {
      before[property] = [...(before[property] ?? []), given[property]];
    }
    given[property] = property === "credentials" ? values.credentials?.userName : values[property as Property];
  }
  Object.assign(state, { given, givenBefore: before });
}

/** Notes that a record has what is declared, and forgets what is not declared any more. */
export function settleGiven(inputs: IndividualInputs, values: RecordValues, operation: Operation): void {
  const { state } = operation;
  noteGiven(values, PROPERTIES, operation);
  delete state.givenBefore;
  for (const memory of ["former", "given"]) {
    if (state[memory] !== undefined) {
      const known = Object.entries(state[memory] as Properties);
      state[memory] = Object.fromEntries(known.filter(([property]) => inputs[property as Property] !== undefined));
    }
  }
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
  previous: Properties,
  row: MailboxRow,
  elsewhere: readonly string[],
  state: Properties,
): RecordValues {
  const declared = declaredValues(inputs, serverProfileId);
  const back = valuesToPutBack(row, state);
  return Object.fromEntries(
    PROPERTIES.flatMap((property) => {
      const isLeft = (previous[property] ?? undefined) !== undefined && !elsewhere.includes(property);
      const value = inputs[property] !== undefined ? declared[property] : isLeft ? back[property] : undefined;
      return value === undefined ? [] : [[property, value]];
    }),
  );
}

/** What goes back when it is not declared any more: what this resource gave the record and the record still has. */
export function valuesToPutBack(row: MailboxRow, { former, given, givenBefore }: Properties): RecordValues {
  const before = (former ?? {}) as RecordValues;
  const own = (given ?? {}) as Record<Property, unknown>;
  const earlier = (givenBefore ?? {}) as Partial<Record<Property, unknown[]>>;
  return Object.fromEntries(
    PROPERTIES.filter((property) => property in before && property in own)
      // Somebody who changed it since meant something by it.
      .filter((property) => [own[property], ...(earlier[property] ?? [])].some((one) => isStill(property, one, row)))
      .map((property) => [property, before[property]]),
  );
}

function isStill(property: Property, given: unknown, row: MailboxRow): boolean {
  // Whether the password is the one that was given cannot be read.
  const value = property === "credentials" ? { userName: given, password: "" } : given;
  const state = { credentials: { password: "" } };
  return recordDifference({ [property]: value } as RecordValues, row, state).length === 0;
}
