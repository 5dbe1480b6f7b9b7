import { InputError, isClass } from "../http/errors";
import type { MailboxRow, ServerProfile } from "../services/dataverse";
import { sameText } from "../services/mailboxes";
import { type Desired, type IndividualInputs, type Observed, schema } from "./individual-mailbox/desired";
import {
  beginFormer,
  learnFormer,
  noteFormer,
  noteGiven,
  PROPERTIES,
  settleGiven,
  shareFormer,
  valuesFor,
  valuesToPutBack,
} from "./individual-mailbox/former";
import { knownAs, whose } from "./individual-mailbox/whose";
import { tellOverwritten } from "./mailbox-record/adoption";
import { adviceOnMove, approve } from "./mailbox-record/approval";
import { addressColumn, lookBehind, recordAppears, recordOf, writeBehind } from "./mailbox-record/behind";
import { isElsewhere, requireSameOrganization } from "./mailbox-record/organization";
import { COMMANDS, credentialsAsDeclared, recordOutputs, remembered, tellInactive } from "./mailbox-record/outputs";
import { decidedElsewhere, declareValues, requireOwnValues } from "./mailbox-record/ownership";
import {
  requireSuitableProfile,
  serverProfileNamed,
  serverProfileOf,
  warnWithoutCredentials,
} from "./mailbox-record/server-profile";
import { test } from "./mailbox-record/test-and-enable";
import {
  forgetCommands,
  isOfRecord,
  type RecordValues,
  recordDifference,
  valuesOf,
  writeRecord,
} from "./mailbox-record/values";
import type { Change, Operation, Properties, Reconciler } from "./reconciler";
import { written } from "./written";

/** How often a record that somebody else changed meanwhile is read again. */
const LOOKS = 5;

/**
 * The mailbox record that Dynamics made for a user or a queue. It never makes or deletes the record; the address is written
 * to the user or queue, which the record follows. What it changed goes back when it is deleted.
 */
export const individualMailbox: Reconciler<IndividualInputs, Desired, Observed> = {
  kind: "IndividualMailbox",
  schema,
  keyed: {},
  check,

  advise: adviceOnMove,

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
    declareValues(String(state.id), state, inputs, PROPERTIES, origin, registry);
    shareFormer(String(state.id), state, registry);
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
    if (row === undefined) {
      return undefined;
    }
    beginFormer(operation);
    return { ...(await around(row, desired.inputs, operation)), isAdopted: true };
  },

  async ensure({ behind, inputs }, operation) {
    const { emailAddress } = inputs;
    if (behind.address === undefined && emailAddress === undefined) {
      const path = behind.kind;
      const reason = `${behind.name} has no address in Dynamics, and so no mailbox record; declare emailAddress`;
      throw new InputError([{ path, reason }]);
    }
    if (behind.address === undefined && emailAddress !== undefined) {
      beginFormer(operation, { emailAddress: null });
      await setAddress(behind, emailAddress, operation);
    }
    beginFormer(operation);
    return { ...(await around(await recordAppears(behind, operation), inputs, operation)), isAdopted: true };
  },

  async observe(id, desired, operation) {
    shareFormer(id, operation.state, operation.registry);
    await requireSameOrganization(`reading the mailbox record of ${whoIs(operation.state)}`, operation);
    const row = await operation.services.dataverse.mailbox(id, operation);
    return row === undefined ? undefined : around(row, desired?.inputs ?? operation.state, operation);
  },

  id: ({ row }) => row.id,

  difference: ({ inputs, profile }, previous, { row, elsewhere }, state) =>
    recordDifference(valuesFor(inputs, profile?.id, previous, row, elsewhere, state), row, state),

  apply,

  async finish(desired, _previous, { row, ...observed }, operation) {
    const { inputs, behind } = desired;
    const declared = { ...inputs, serverProfile: desired.profile?.id };
    requireOwnValues(row.id, declared, PROPERTIES, operation);
    noteFormer(inputs, row, operation);
    settleGiven(inputs, declared, operation);
    operation.state.serverProfileId = row.serverProfileId;
    const approved = await approve(inputs.approveEmail, row, operation, (columns, action) =>
      writeBehind(behind, columns, action, operation),
    );
    return { ...observed, row: await test(inputs.testAndEnable, approved, operation) };
  },

  outputs(desired, { row, behind, organizationId }, operation) {
    const { state } = operation;
    tellInactive(row, operation);
    return {
      ...recordOutputs(row),
      knownAs: knownAs(behind, desired?.inputs ?? state),
      organizationId,
      ...remembered(state, ["former", "given", "givenBefore", ...COMMANDS]),
    };
  },

  async inputs(state, { row, profile }, operation) {
    learnFormer(row.id, operation);
    const isSameProfile = row.serverProfileId === state.serverProfileId;
    const read: Properties = {
      emailAddress: valuesOf(row).emailAddress,
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
  const { deleteAfterProcessing, incomingEmail, outgoingEmail } = inputs;
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
  if (has("user") && !has("queue") && deleteAfterProcessing === true) {
    problems.push({
      path: "deleteAfterProcessing",
      reason:
        "cannot be true for a user: Dynamics deletes messages only from queues' and forward mailboxes (0x8005E233)",
    });
  }
  if (has("queue") && !has("user")) {
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
async function around(row: MailboxRow, program: Properties, operation: Operation): Promise<Observed> {
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
  return { row, behind, organizationId, profile, elsewhere: decidedElsewhere(row.id, PROPERTIES, operation) };
}

async function apply(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: Operation,
): Promise<void> {
  const { inputs, behind } = desired;
  const { row, elsewhere, isAdopted } = observed;
  const { state } = operation;
  const who = `the mailbox record of the ${behind.kind} ${behind.name}`;
  const declared = { ...inputs, serverProfile: desired.profile?.id };
  const values = valuesFor(inputs, desired.profile?.id, state, row, elsewhere, state);
  requireOwnValues(row.id, declared, PROPERTIES, operation);
  const profile = await profileOf(values, observed, operation);
  requireSuitableProfile({ appointmentsContactsTasks: row.appointmentsContactsTasks, ...values }, profile);
  if (changes.some(({ path: [property] }) => property === "serverProfile" || property === "credentials")) {
    warnWithoutCredentials(inputs.credentials !== undefined, profile, operation);
  }
  if (isAdopted === true) {
    tellOverwritten(changes, who, operation);
  }
  noteFormer(inputs, row, operation);
  // The record first: Dynamics refuses there what cannot be, before the address is anything new.
  const own = changes.filter((change) => isOfRecord(change) && change.path[0] !== "emailAddress");
  const given = own.map(({ path }) => path[0] ?? "").filter((property) => property in inputs);
  await written(
    () => writeRecord(own, values, inputs, row, who, operation),
    () => noteGiven(declared, given, operation),
  );
  const { emailAddress } = values;
  if (emailAddress !== undefined && own.length < changes.length) {
    await setAddress(behind, emailAddress, operation);
  }
}

/** The server profile that a record will have. */
async function profileOf(
  { serverProfile }: RecordValues,
  { row, profile }: Observed,
  operation: Operation,
): Promise<ServerProfile | undefined> {
  return serverProfile === undefined || serverProfile === row.serverProfileId
    ? profile
    : serverProfileOf({ serverProfileId: serverProfile ?? undefined }, operation);
}

/** Writes an address to the user or queue; the record follows. */
async function setAddress(behind: Desired["behind"], address: string | null, operation: Operation): Promise<void> {
  await written(
    () =>
      writeBehind(
        behind,
        addressColumn(behind, address),
        `changing the address of the ${behind.kind} ${behind.name}`,
        operation,
      ),
    () => {
      forgetCommands(["emailAddress"], operation.state);
      if (address !== null) {
        operation.state.emailAddress = address;
        noteGiven({ emailAddress: address }, ["emailAddress"], operation);
      }
    },
  );
}

/** Puts back what the record was before, as far as it still is what this resource made of it. */
async function remove(id: string, operation: Operation): Promise<void> {
  const { state, services } = operation;
  await requireSameOrganization(`putting back the mailbox record of ${whoIs(state)}`, operation);
  for (let look = 1; ; look += 1) {
    const row = await services.dataverse.mailbox(id, operation);
    if (row === undefined) {
      return;
    }
    try {
      await putBack(row, operation);
      return;
    } catch (error) {
      if (!isClass(error, "precondition") || look === LOOKS) {
        throw error;
      }
    }
  }
}

async function putBack(row: MailboxRow, operation: Operation): Promise<void> {
  const { state, registry } = operation;
  const who = `the mailbox record of ${whoIs(state)}`;
  const all = valuesToPutBack(row, state);
  const elsewhere = decidedElsewhere(row.id, PROPERTIES, operation);
  if (all.incomingEmail !== undefined && elsewhere.includes("incomingEmail")) {
    // A forward mailbox that this record still feeds puts it back when it lets go.
    registry.formerMethods.set(row.id, all.incomingEmail);
  }
  tellForgotten(
    recordDifference(
      Object.fromEntries(Object.entries(all).filter(([property]) => elsewhere.includes(property))),
      row,
      { credentials: null },
    ),
    row,
    who,
    operation,
  );
  const { emailAddress, ...values }: RecordValues = Object.fromEntries(
    Object.entries(all).filter(([property]) => !elsewhere.includes(property)),
  );
  const why = await whyProfileStays(values, row, operation);
  if (why !== undefined) {
    operation.warn(`The server profile that ${who} had before ${why}; it keeps the one it has.`);
    delete values.serverProfile;
  }
  const changes = recordDifference(values, row, { credentials: null });
  await writeRecord(changes, values, {}, row, who, operation);
  if (emailAddress !== undefined && emailAddress !== valuesOf(row).emailAddress) {
    const { behind } = await around(row, state, operation);
    await setAddress(behind, emailAddress, operation);
  }
}

/**
 * Says what a record was before whose properties another resource of this deployment declares now, such as this one under its new
 * name: it was created first, and takes what it found for the former values.
 */
function tellForgotten(changes: readonly Change[], row: MailboxRow, who: string, { warn }: Operation): void {
  const values = changes
    // A forward mailbox that needs it may know what it was.
    .filter(({ path: [property] }) => property !== "incomingEmail" || row.incoming !== "ForwardMailbox")
    .map(({ path, to }) => `${path.join(".")} ${JSON.stringify(to)}`);
  if (values.length > 0) {
    warn(
      `Before this resource, ${who} had ${values.join(", ")}. Another resource declares that now, does not know it, and will not ` +
        "put it back; a resource renamed with aliases remembers.",
    );
  }
}

/** Why the former server profile cannot go back to a record that somebody else changed meanwhile, in words that follow it. */
async function whyProfileStays(
  { serverProfile, credentials, appointmentsContactsTasks }: RecordValues,
  row: MailboxRow,
  operation: Operation,
): Promise<string | undefined> {
  if (typeof serverProfile !== "string") {
    return undefined;
  }
  const profile = await serverProfileOf({ serverProfileId: serverProfile }, operation);
  if (profile === undefined) {
    return "is gone";
  }
  if (row.usesCredentials && credentials === undefined && !profile.takesMailboxCredentials) {
    return "does not take the credentials that somebody gave it since";
  }
  const method = appointmentsContactsTasks ?? row.appointmentsContactsTasks;
  return method === "ServerSideSynchronization" && !profile.isExchange
    ? "is for POP3 or IMAP, and somebody set appointments, contacts and tasks to be synchronised since"
    : undefined;
}

function whoIs({ user, queue, id }: Properties): string {
  return String(user ?? queue ?? id);
}
