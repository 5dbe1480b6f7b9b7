import type { BagReconciler } from "../../core/bag";
import { environmentName, rowName } from "../../core/claims";
import { written } from "../../core/converge";
import type { Change, Operation, Properties } from "../../core/kind";
import { asHeld } from "../../core/kind";
import { holdingAll, isUnfit } from "../../core/reading";
import { InputError } from "../../http/errors";
import type { ServerProfile } from "../../services/dataverse";
import { sameText } from "../../services/text";
import { claimsOfAddress, claimsOfRecord, isElsewhere, requireSameOrganization } from "../mailbox-record/address";
import { tellOverwritten } from "../mailbox-record/adoption";
import { claimsOfValues, declareValues, requireOwnValues } from "../mailbox-record/conflicts";
import { type Behind, recordAppears, recordOf, writeBehind } from "../mailbox-record/record-owner";
import {
  COMMANDS,
  credentialsAsDeclared,
  recordOutputs,
  remembered,
  serverProfileAsDeclared,
  tellInactive,
} from "../mailbox-record/schema";
import {
  requireSuitableProfile,
  serverProfileNamed,
  serverProfileOf,
  warnWithoutCredentials,
} from "../mailbox-record/server-profile";
import { adviceOnMove, approve, commandsAsObserved, commandsByDefault, test } from "../mailbox-record/test-and-enable";
import { isOfRecord, type RecordValues, recordDifference, valuesOf, writeRecord } from "../mailbox-record/values";
import { remove, setAddress } from "./deletion";
import { around, type Desired, type IndividualInputs, type Observed, schema, whoIs } from "./desired";
import {
  beginFormer,
  declaredValues,
  learnFormer,
  noteFormer,
  noteGiven,
  PROPERTIES,
  settleGiven,
  shareFormer,
  valuesFor,
} from "./former-values";
import { knownAs, recordAsked, whose } from "./owner-of-record";

/**
 * The mailbox record that Dynamics made for a user or a queue. It never makes or deletes the record; the address is written
 * to the user or queue, which the record follows. What it changed goes back when it is deleted.
 */
export const individualMailbox: BagReconciler<IndividualInputs, Desired, Observed> = {
  kind: "IndividualMailbox",
  schema,
  keyed: {},
  check,

  byDefault: commandsByDefault,
  claims(inputs) {
    const { user, queue, environmentUrl } = inputs;
    const whose = user === undefined ? queue && rowName("queue", queue) : rowName("user", user);
    return [
      ...claimsOfRecord(inputs),
      // The record of a declared queue may be declared as well: they are one.
      ...(user === undefined ? [] : claimsOfAddress(inputs)),
      ...(whose === undefined ? [] : claimsOfValues([environmentName(environmentUrl), whose], inputs, PROPERTIES)),
    ];
  },

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
    for (const kind of ["user", "queue"] as const) {
      const named = inputs[kind];
      // Of an old state it is not known whose record it is.
      if (typeof named === "string" && named === state[kind] && typeof state.regarding === "string") {
        registry.claims.learn(rowName(kind, named), rowName(kind, state.regarding));
      }
    }
  },

  async resolve(inputs, operation) {
    const { serverProfile } = inputs;
    const [behind, profile] = await Promise.all([
      whose(inputs, operation),
      typeof serverProfile === "string" ? serverProfileNamed(serverProfile, operation) : undefined,
    ]);
    requireAddress(inputs, behind);
    const named = inputs[behind.kind];
    if (named !== undefined) {
      operation.registry.claims.learn(rowName(behind.kind, named), rowName(behind.kind, behind.id), true);
    }
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

  async read(asked, operation) {
    const answer = await recordAsked(asked, operation);
    if (isUnfit(answer)) {
      return answer;
    }
    const { row, behind } = answer;
    const whoseItIs = { [behind.kind]: behind.kind === "user" ? (behind.address ?? behind.id) : behind.id };
    const observed = await around(row, whoseItIs, operation);
    const values = await this.inputs(holdingAll(PROPERTIES), observed, operation);
    return { observed, inputs: { ...values, ...whoseItIs } };
  },

  id: ({ row }) => row.id,

  difference: ({ inputs, profile }, previous, { row, elsewhere }, state) =>
    recordDifference(valuesFor(inputs, profile?.id, previous, row, elsewhere, state), row, state),

  apply,

  async finish(desired, _previous, { row, ...observed }, operation) {
    const { inputs, behind } = desired;
    requireOwnValues(row.id, spelled(desired), PROPERTIES, operation);
    noteFormer(inputs, row, operation);
    settleGiven(inputs, declaredValues(inputs, desired.profile?.id), operation);
    operation.state.serverProfileId = row.serverProfileId;
    const approved = await approve(inputs.approveEmail, row, operation, (columns, action) =>
      writeBehind(behind, columns, action, operation),
    );
    return { ...observed, row: await test(inputs.testAndEnable, approved, operation) };
  },

  outputs(desired, { row, behind, successor, organizationId }, operation) {
    const { state } = operation;
    tellInactive(row, operation);
    tellDisabled(behind, successor, operation);
    if (row.emailAddress === "") {
      operation.warn(`${withoutAddress(behind)} It is neither approved nor tested, and no mail is processed.`);
    }
    return {
      ...recordOutputs(row),
      knownAs: knownAs(behind, desired?.inputs ?? state),
      organizationId,
      ...remembered(state, ["former", "given", "givenBefore", ...COMMANDS]),
    };
  },

  async inputs(state, { row, profile }, operation) {
    learnFormer(row.id, operation);
    const read: Properties = {
      emailAddress: valuesOf(row).emailAddress,
      serverProfile: serverProfileAsDeclared(row, profile, state),
      incomingEmail: row.incoming,
      outgoingEmail: row.outgoing,
      appointmentsContactsTasks: row.appointmentsContactsTasks,
      deleteAfterProcessing: row.deleteAfterProcessing,
      credentials: credentialsAsDeclared(row, state),
    };
    return { ...asHeld(state, read), ...commandsAsObserved(row, operation.state) };
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

/** Refuses a required test of what has no address. */
function requireAddress({ emailAddress, testAndEnable }: IndividualInputs, behind: Behind): void {
  const isRequired = typeof testAndEnable === "object" && testAndEnable.require;
  if (isRequired && behind.address === undefined && emailAddress === undefined) {
    const reason = `${behind.name} has no address in Dynamics, and Test & Enable cannot succeed without; declare emailAddress`;
    throw new InputError([{ path: behind.kind, reason }]);
  }
}

/** A record without an address, in words. */
function withoutAddress({ kind, name }: Behind): string {
  return `${kind}: the mailbox record of ${name} has no address. Declare emailAddress, or give the ${kind} one in Dynamics.`;
}

/** Says that a user is disabled, and who has the address now: the row of somebody who left and came back stays. */
function tellDisabled({ isDisabled, name, id }: Behind, successor: Observed["successor"], { warn }: Operation): void {
  if (isDisabled === true) {
    const remedy =
      successor === undefined
        ? "Enable the user in Dynamics, or take the resource out of the program."
        : `The enabled user with the same address is ${successor.name} (${successor.id}): write user: "${successor.id}", which replaces this resource.`;
    warn(`user: ${name} (${id}) is disabled in Dynamics, and no mail of a disabled user is processed. ${remedy}`);
  }
}

/** What is declared as the registry compares it: the server profile by its id, or false for none. */
function spelled({ inputs, profile }: Desired): Properties {
  return { ...inputs, serverProfile: inputs.serverProfile === false ? false : profile?.id };
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
  const declared = declaredValues(inputs, desired.profile?.id);
  const values = valuesFor(inputs, desired.profile?.id, state, row, elsewhere, state);
  requireOwnValues(row.id, spelled(desired), PROPERTIES, operation);
  const profile = await profileOf(values, observed, operation);
  requireSuitableProfile({ appointmentsContactsTasks: row.appointmentsContactsTasks, ...values }, profile);
  if (changes.some(({ path: [property] }) => property === "serverProfile" || property === "credentials")) {
    warnWithoutCredentials(Boolean(inputs.credentials), profile, operation);
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
