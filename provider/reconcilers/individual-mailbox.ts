import { InputError } from "../http/errors";
import { sameText } from "../services/mailboxes";
import { type Desired, type IndividualInputs, type Observed, schema } from "./individual-mailbox/desired";
import { noteFormer, PROPERTIES, type Property, valuesFor, valuesToPutBack } from "./individual-mailbox/former";
import { knownAs, whose } from "./individual-mailbox/whose";
import { tellOverwritten } from "./mailbox-record/adoption";
import { approve } from "./mailbox-record/approval";
import { addressColumn, lookBehind, recordAppears, recordOf, writeBehind } from "./mailbox-record/behind";
import { isElsewhere, requireSameOrganization } from "./mailbox-record/organization";
import { COMMANDS, credentialsAsDeclared, recordOutputs, remembered } from "./mailbox-record/outputs";
import { requireOwnValues } from "./mailbox-record/ownership";
import {
  requireSuitableProfile,
  serverProfileNamed,
  serverProfileOf,
  warnWithoutCredentials,
} from "./mailbox-record/server-profile";
import { test } from "./mailbox-record/test-and-enable";
import { isOfRecord, type RecordValues, recordDifference, writeRecord } from "./mailbox-record/values";
import type { Change, Operation, Properties, Reconciler } from "./reconciler";
import { recordThing } from "./registry";
import { written } from "./written";

/**
 * The mailbox record that Dynamics made for a user or a queue. It never makes or deletes the record; the address is written
 * to the user or queue, which the record follows. What it changed goes back when it is deleted.
 */
export const individualMailbox: Reconciler<IndividualInputs, Desired, Observed> = {
  kind: "IndividualMailbox",
  schema,
  keyed: {},
  check,

  advise({ emailAddress, approveEmail }, olds) {
    const isMoved =
      olds?.emailAddress !== undefined && emailAddress !== undefined && olds.emailAddress !== emailAddress;
    return isMoved && approveEmail !== false
      ? ["emailAddress is new, which drops the approval and needs a new test."]
      : [];
  },

  replaces: (state, inputs, _registry, environmentUrl) => [
    ...(["user", "queue"] as const).filter((property) => !isSameOne(property, state, inputs)),
    ...(isElsewhere(state.environmentUrl, inputs.environmentUrl, environmentUrl) ? ["environmentUrl"] : []),
  ],
  respelled: (state, inputs) =>
    (["user", "queue"] as const).filter(
      (property) => state[property] !== inputs[property] && isSameOne(property, state, inputs),
    ),
  refersTo: () => ({}),

  declare(state, inputs, origin, registry) {
    for (const property of PROPERTIES.filter((one) => inputs[one] !== undefined && one !== "serverProfile")) {
      registry.declareValue(recordThing(String(state.id), property), spell(inputs[property]), origin);
    }
  },

  async resolve(inputs, operation) {
    const { serverProfile } = inputs;
    const [behind, profile] = await Promise.all([
      whose(inputs, operation),
      serverProfile === undefined ? undefined : serverProfileNamed(serverProfile, operation),
    ]);
    return { inputs, behind, profile };
  },

  async find(desired, operation) {
    const row = await recordOf(desired.behind, operation);
    return row === undefined ? undefined : { ...(await around(row, desired.inputs, operation)), isAdopted: true };
  },

  async ensure({ behind, inputs }, operation) {
    const { emailAddress } = inputs;
    if (behind.address === undefined && emailAddress === undefined) {
      const path = behind.kind;
      const reason = `${behind.name} has no address in Dynamics, and so no mailbox record; declare emailAddress`;
      throw new InputError([{ path, reason }]);
    }
    if (behind.address === undefined && emailAddress !== undefined) {
      await setAddress(behind, emailAddress, operation);
    }
    return { ...(await around(await recordAppears(behind, operation), inputs, operation)), isAdopted: true };
  },

  async observe(id, desired, operation) {
    await requireSameOrganization(`reading the mailbox record of ${whoIs(operation.state)}`, operation);
    const row = await operation.services.dataverse.mailbox(id, operation);
    return row === undefined ? undefined : around(row, desired?.inputs ?? operation.state, operation);
  },

  id: ({ row }) => row.id,

  difference: ({ inputs, profile }, previous, { row }, state) =>
    recordDifference(valuesFor(inputs, profile?.id, previous, state), row, state),

  apply,

  async finish(desired, _previous, { row, ...observed }, operation) {
    const { inputs, behind } = desired;
    noteFormer(inputs, row, operation);
    const former = (operation.state.former ?? {}) as RecordValues;
    operation.state.former = Object.fromEntries(
      Object.entries(former).filter(([property]) => inputs[property as Property] !== undefined),
    );
    const approved = await approve(inputs.approveEmail, row, operation, (columns, action) =>
      writeBehind(behind, columns, action, operation),
    );
    return { ...observed, row: await test(inputs.testAndEnable, approved, operation) };
  },

  outputs: (desired, { row, behind, organizationId }, { state }) => ({
    ...recordOutputs(row),
    knownAs: knownAs(behind, desired?.inputs ?? state),
    organizationId,
    ...remembered(state, ["former", ...COMMANDS]),
  }),

  async inputs(state, { row, profile }) {
    const isSameProfile = row.serverProfileId === state.serverProfileId;
    const read: Properties = {
      emailAddress: row.emailAddress,
      serverProfile: isSameProfile ? state.serverProfile : profile?.name,
      incomingEmail: row.incoming,
      outgoingEmail: row.outgoing,
      appointmentsContactsTasks: row.appointmentsContactsTasks,
      deleteAfterProcessing: row.deleteAfterProcessing,
      credentials: credentialsAsDeclared(row, state),
    };
    return { ...state, ...Object.fromEntries(Object.entries(read).filter(([key]) => key in state)) };
  },

  remove,
};

function check(inputs: Partial<IndividualInputs>, unsettled: readonly string[]): { path: string; reason: string }[] {
  const { user, queue, deleteAfterProcessing, incomingEmail, outgoingEmail } = inputs;
  const has = (property: "user" | "queue") => inputs[property] !== undefined || unsettled.includes(property);
  const problems: { path: string; reason: string }[] = [];
  if (has("user") && has("queue")) {
    problems.push({
      path: "queue",
      reason: "cannot be declared together with user; one record belongs to one of them",
    });
  }
  if (!has("user") && !has("queue")) {
    problems.push({ path: "user", reason: "is missing; declare user or queue, whose mailbox record this is" });
  }
  if (user !== undefined && deleteAfterProcessing === true) {
    problems.push({
      path: "deleteAfterProcessing",
      reason:
        "cannot be true for a user: Dynamics deletes messages only from queues' and forward mailboxes (0x8005E233)",
    });
  }
  if (queue !== undefined) {
    for (const [path, method] of Object.entries({ incomingEmail, outgoingEmail })) {
      if (method === "Outlook") {
        problems.push({ path, reason: 'cannot be "Outlook" for a queue: there is nobody whose Outlook it could be' });
      }
    }
  }
  return problems;
}

/** Whether two programs mean the same user or queue, by any of the ways to write it. */
function isSameOne(property: "user" | "queue", state: Properties, inputs: Properties): boolean {
  const before = state[property] ?? undefined;
  const after = inputs[property] ?? undefined;
  const names = (state.knownAs ?? []) as string[];
  return (
    before === after ||
    (before !== undefined && after !== undefined && names.some((name) => sameText(name, String(after))))
  );
}

/** @param program the inputs, or the state, which say whether it is a user's record or a queue's. */
async function around(row: Observed["row"], program: Properties, operation: Operation): Promise<Observed> {
  const { dataverse } = operation.services;
  const kind = (program.user ?? undefined) === undefined ? "queue" : "user";
  const [organizationId, profile, behind] = await Promise.all([
    dataverse.organizationId(operation),
    serverProfileOf(row, operation),
    row.regarding === undefined ? undefined : lookBehind({ kind, id: row.regarding }, operation),
  ]);
  if (behind === undefined) {
    throw new InputError([{ path: kind, reason: `the mailbox record ${row.id} is not that of a ${kind}` }]);
  }
  return { row, behind, organizationId, profile };
}

async function apply(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: Operation,
): Promise<void> {
  const { inputs, behind } = desired;
  const { row, isAdopted } = observed;
  const who = `the mailbox record of the ${behind.kind} ${behind.name}`;
  const values = valuesFor(inputs, desired.profile?.id, operation.state, operation.state);
  requireOwnValues(row.id, inputs, PROPERTIES, operation);
  const profile = desired.profile ?? observed.profile;
  requireSuitableProfile({ ...values, ...inputs } as RecordValues, profile);
  if (changes.some(({ path: [property] }) => property === "serverProfile" || property === "credentials")) {
    warnWithoutCredentials(inputs.credentials !== undefined, profile, operation);
  }
  if (isAdopted === true) {
    tellOverwritten(changes, who, operation);
  }
  noteFormer(inputs, row, operation);
  const { emailAddress } = values;
  if (emailAddress !== undefined && changes.some(({ path }) => path[0] === "emailAddress")) {
    await setAddress(behind, emailAddress, operation);
  }
  const own = changes.filter((change) => isOfRecord(change) && change.path[0] !== "emailAddress");
  // The record follows a new address, and so is another row version than the one that was read.
  const now = own.length < changes.length ? await operation.services.dataverse.mailbox(row.id, operation) : row;
  await writeRecord(own, values, inputs, now ?? row, who, operation);
}

async function setAddress(behind: Desired["behind"], address: string, operation: Operation): Promise<void> {
  await written(
    () =>
      writeBehind(
        behind,
        addressColumn(behind, address),
        `changing the address of the ${behind.kind} ${behind.name}`,
        operation,
      ),
    () => {
      operation.state.emailAddress = address;
    },
  );
}

/** Puts back what the record was before, as far as it still is what this resource made of it. */
async function remove(id: string, operation: Operation): Promise<void> {
  const { state, services, registry, origin } = operation;
  const who = `the mailbox record of ${whoIs(state)}`;
  await requireSameOrganization(`putting back ${who}`, operation);
  const row = await services.dataverse.mailbox(id, operation);
  if (row === undefined) {
    return;
  }
  const all = Object.entries(valuesToPutBack(row, state));
  const isFree = ([property]: [string, unknown]) =>
    registry.valueOfAnother(recordThing(id, property), origin) === undefined;
  const { incomingEmail } = Object.fromEntries(all.filter((entry) => !isFree(entry))) as RecordValues;
  if (incomingEmail !== undefined) {
    // A forward mailbox that this record still feeds puts it back when it lets go.
    registry.formerMethods.set(id, incomingEmail);
  }
  const values: RecordValues = Object.fromEntries(all.filter(isFree));
  const { emailAddress, ...others } = values;
  const { behind } = await around(row, state, operation);
  if (emailAddress !== undefined && emailAddress !== row.emailAddress) {
    await setAddress(behind, emailAddress, operation);
  }
  const now = (await services.dataverse.mailbox(id, operation)) ?? row;
  const changes = recordDifference(others, now, { ...state, credentials: null });
  await writeRecord(changes, others, {}, now, who, operation);
}

function whoIs({ user, queue, id }: Properties): string {
  return String(user ?? queue ?? id);
}

/** A declared value as the registry compares it. */
function spell(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
