import type { MailboxRow } from "../../services/dataverse";
import { type RecordValues, recordDifference, valuesOf } from "../mailbox-record/values";
import type { Operation, Properties } from "../reconciler";
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

/** Notes what declared properties were before this resource had them: that is what they go back to. */
export function noteFormer(inputs: IndividualInputs, row: MailboxRow, { state, warn }: Operation): void {
  const former = { ...((state.former ?? {}) as RecordValues) };
  const found = valuesOf(row);
  for (const property of PROPERTIES) {
    if (inputs[property] === undefined || property in former) {
      continue;
    }
    if (property !== "credentials") {
      Object.assign(former, { [property]: found[property] });
    } else if (row.isPasswordSet) {
      warn("credentials: the record has a password already, which cannot be read and so will not be put back.");
      former.credentials = null;
    } else {
      former.credentials = null;
    }
  }
  state.former = former;
}

/** What is declared, and for what was declared before and is not any more, what it was before. */
export function valuesFor(
  inputs: IndividualInputs,
  serverProfileId: string | undefined,
  previous: Properties,
  { former }: Properties,
): RecordValues {
  const before = (former ?? {}) as RecordValues;
  const declared: RecordValues = { ...inputs, serverProfile: serverProfileId };
  return Object.fromEntries(
    PROPERTIES.flatMap((property) => {
      const isLeft = (previous[property] ?? undefined) !== undefined && inputs[property] === undefined;
      const value = inputs[property] === undefined ? (isLeft ? before[property] : undefined) : declared[property];
      return value === undefined ? [] : [[property, value]];
    }),
  );
}

/** What goes back when the resource is deleted: what it declared and the record still has. */
export function valuesToPutBack(row: MailboxRow, state: Properties): RecordValues {
  const former = (state.former ?? {}) as RecordValues;
  const own: RecordValues = {
    ...(state as RecordValues),
    serverProfile: state.serverProfileId as string | undefined,
    credentials: (state.credentials ?? undefined) as RecordValues["credentials"],
  };
  return Object.fromEntries(
    PROPERTIES.filter((property) => property in former && (state[property] ?? undefined) !== undefined)
      // Somebody who changed it since meant something by it.
      .filter((property) => recordDifference({ [property]: own[property] }, row, state).length === 0)
      .map((property) => [property, former[property]]),
  );
}
