import { environmentName, rowName } from "../../core/claims";
import {
  asHeld,
  type Change,
  holdingAll,
  isUnfit,
  type Properties,
  type Reconciler,
  writeAndRecord,
} from "../../core/kind";
import { declaredIn } from "../../core/properties";
import { InputError } from "../../http/errors";
import { sameText } from "../../http/json";
import type { ServerProfile } from "../../services/dataverse";
import { listed } from "../../services/principals";
import {
  claimsOfAddress,
  claimsOfRecord,
  claimsOfValues,
  declareValues,
  replacedByEnvironment,
  requireOwnValues,
  requireSameOrganization,
  tellOverwritten,
} from "../mailbox-record/claims";
import {
  byId,
  type RecordValues,
  recordOutputs,
  requireSuitableProfile,
  serverProfileNamed,
  serverProfileOf,
  warnWithoutCredentials,
  whenInactive,
  writeRecord,
} from "../mailbox-record/properties";
import {
  adviceOnMove,
  commandsAsObserved,
  commandsByDefault,
  commandsRemembered,
  giveCommands,
  isOpenForTest,
  NO_COMMANDS,
} from "../mailbox-record/test-and-enable";
import { recordAppears, recordOf, type UserOrQueue } from "../mailbox-record/writes";
import {
  type Desired,
  type IndividualInputs,
  type IndividualOperation,
  type KnownIndividual,
  knownAs,
  type Memory,
  memory,
  type Observed,
  observeRecord,
  ownerNamed,
  properties,
  recordAsked,
  schema,
  whoIs,
} from "./desired";
import {
  declaredValues,
  givenWith,
  recordFormer,
  remove,
  setAddress,
  settleGiven,
  shareFormerMethod,
  valuesFor,
  withMethodElsewhere,
} from "./former-values";

/**
 * The mailbox record that Dynamics made for a user or a queue. It never makes or deletes the record; the address is written
 * to the user or queue, which the record follows. What it changed goes back when it is deleted.
 */
export const individualMailbox: Reconciler<IndividualInputs, Memory, Desired, Observed> = {
  kind: "IndividualMailbox",
  schema,
  memory,
  check,

  byDefault: commandsByDefault,
  leftAlone: NO_COMMANDS,
  claims(inputs) {
    const { user, queue, environmentUrl } = inputs;
    const whose = user === undefined ? queue && rowName("queue", queue) : rowName("user", user);
    return [
      ...claimsOfRecord(inputs),
      // The record of a declared queue may be declared as well: they are one.
      ...(user === undefined ? [] : claimsOfAddress(inputs)),
      ...(whose === undefined
        ? []
        : claimsOfValues([environmentName(environmentUrl), whose], inputs, properties.names)),
    ];
  },

  advise: adviceOnMove,

  replaces: (known, inputs, registry, environmentUrl) => [
    ...(["user", "queue"] as const).filter((property) => !isSameOne(property, known, inputs)),
    ...replacedByEnvironment(known, inputs, registry, environmentUrl),
  ],
  respelled: (known, inputs) =>
    (["user", "queue"] as const).filter(
      (property) => known.inputs[property] !== inputs[property] && isSameOne(property, known, inputs),
    ),
  share: (known, _origin, registry) => shareFormerMethod(known, registry),

  declare(known, inputs, origin, registry) {
    const { regarding } = known.memory;
    declareValues(known.id ?? "", known, inputs, properties.names, origin, registry);
    shareFormerMethod(known, registry);
    for (const kind of ["user", "queue"] as const) {
      const named = inputs[kind];
      // Of an old state it is not known whose record it is.
      if (typeof named === "string" && named === known.inputs[kind] && regarding !== undefined) {
        registry.claims.learn(rowName(kind, named), rowName(kind, regarding));
      }
    }
  },

  async resolve(inputs, operation) {
    const { serverProfile } = inputs;
    const [owner, profile] = await Promise.all([
      ownerNamed(inputs, operation),
      typeof serverProfile === "string" ? serverProfileNamed(serverProfile, operation) : undefined,
    ]);
    requireAddress(inputs, owner);
    return { inputs, owner, profile };
  },

  meanings({ inputs, owner: { kind, id } }) {
    const named = inputs[kind];
    return named === undefined ? [] : [[rowName(kind, named), rowName(kind, id)]];
  },

  async find(desired, operation) {
    const row = await recordOf(desired.owner, operation);
    return row === undefined
      ? undefined
      : { ...(await observeRecord(row, desired.inputs, operation)), isCreation: true };
  },

  async takeOver(found, desired, operation) {
    const changes = difference(desired, operation.known, found, operation.known);
    tellOverwritten(changes, inWords(desired.owner), operation);
    if (changes.length === 0 && isComplete(desired.inputs, found.row)) {
      operation.warn(
        `The mailbox record of the ${desired.owner.kind} ${desired.owner.name} already matches the program. If another stack has it in its state (\`pulumi state move\`), take it out of ` +
          "this program. If not, there is nothing to do.",
      );
    }
    return found;
  },

  async create({ owner, inputs }, operation) {
    const { emailAddress } = inputs;
    if (owner.address === undefined && emailAddress === undefined) {
      const path = owner.kind;
      const reason = `${owner.name} has no address in Dynamics, and so no mailbox record; declare emailAddress`;
      throw new InputError([{ path, reason }]);
    }
    if (owner.address === undefined && emailAddress !== undefined) {
      operation.record({ memory: { former: { emailAddress: null } } });
      await setAddress(owner, emailAddress, operation);
    }
    const row = await recordAppears(owner, operation);
    return { ...(await observeRecord(row, inputs, operation)), isCreation: true };
  },

  async observe(id, desired, operation) {
    await requireSameOrganization(`reading the mailbox record of ${whoIs(operation.known)}`, operation);
    const row = await operation.services.dataverse.mailbox(id, operation);
    return row === undefined ? undefined : observeRecord(row, desired?.inputs ?? operation.known.inputs, operation);
  },

  async read(asked, operation) {
    const answer = await recordAsked(asked, operation);
    if (isUnfit(answer)) {
      return answer;
    }
    const { row, owner } = answer;
    const named = { [owner.kind]: owner.kind === "user" ? (owner.address ?? owner.id) : owner.id };
    const observed = await observeRecord(row, named, operation);
    const known: KnownIndividual = { id: row.id, inputs: holdingAll(properties.names), memory: operation.known.memory };
    const values = await this.inputs(known, observed);
    return { observed, inputs: { ...values, ...named } };
  },

  id: ({ row }) => row.id,

  difference,

  apply,

  async finish(desired, _previous, { row, ...observed }, operation) {
    const { inputs, owner } = desired;
    requireOwnValues(row.id, byId({ inputs, profile: desired.profile }), properties.names, operation);
    recordFormer(inputs, row, observed.isCreation === true, operation);
    settleGiven(inputs, declaredValues(desired), operation);
    return { ...observed, row: await giveCommands(inputs, row, operation, owner) };
  },

  outputs(desired, { row, owner, organizationId, formerMethod }, known) {
    const { former, given, givenBefore } = known.memory;
    return {
      ...recordOutputs(row),
      knownAs: knownAs(owner, desired?.inputs ?? known.inputs),
      organizationId,
      former: withMethodElsewhere(former, formerMethod),
      given,
      givenBefore,
      ...commandsRemembered(row, desired === undefined, known),
    };
  },

  inputs(known, { row, profile }) {
    const read = properties.inputs({ row, known, profile }, known.inputs);
    return { ...asHeld(known.inputs, read), ...commandsAsObserved(row, known) };
  },

  warnings: async (_desired, { row, owner, successor }, operation) => [
    ...whenInactive(row),
    ...(await userReassigned(owner, operation)),
    ...whenDisabled(owner, successor),
    ...(row.emailAddress === ""
      ? [`${withoutAddress(owner)} It is neither approved nor tested, and no mail is processed.`]
      : []),
  ],

  remove,
};

/** A warning where the address in the program now belongs to another user. The state knows by id whose record it is. */
async function userReassigned(owner: UserOrQueue, operation: IndividualOperation): Promise<string[]> {
  const named = operation.known.inputs.user;
  if (owner.kind !== "user" || typeof named !== "string" || !named.includes("@") || owner.knownAs.includes(named)) {
    return [];
  }
  const found = await operation.services.principals.users(named, operation);
  const others = found.filter(({ id }) => id !== owner.id);
  return others.length === 0
    ? []
    : [
        `user still means ${owner.name} (${owner.id}), who had the address ${named} before. It is the address of ${listed(others)} now. ` +
          "Write the id of the one who is meant.",
      ];
}

/** Whether nothing is left to do of what a program declares: its values are there, and its commands were given. */
function isComplete(inputs: IndividualInputs, row: Observed["row"]): boolean {
  const isDeclared = properties.names.some(declaredIn(inputs));
  const isApproved = inputs.approveEmail === false || row.approval === "Approved";
  return isDeclared && isApproved && (inputs.testAndEnable === false || !isOpenForTest(row));
}

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
        problems.push({ path, reason: 'cannot be "Outlook" for a queue, because a queue has no user with Outlook' });
      }
    }
  }
  return problems;
}

/** Refuses a required test of what has no address. */
function requireAddress({ emailAddress, testAndEnable }: IndividualInputs, owner: UserOrQueue): void {
  const isRequired = typeof testAndEnable === "object" && testAndEnable.require;
  if (isRequired && owner.address === undefined && emailAddress === undefined) {
    const reason = `${owner.name} has no address in Dynamics, and Test & Enable cannot succeed without; declare emailAddress`;
    throw new InputError([{ path: owner.kind, reason }]);
  }
}

/** A record without an address, in words. */
function withoutAddress({ kind, name }: UserOrQueue): string {
  return `${kind}: the mailbox record of ${name} has no address. Declare emailAddress, or give the ${kind} one in Dynamics.`;
}

/** Says that a user is disabled, and who has the address now: the row of somebody who left and came back stays. */
function whenDisabled({ isDisabled, name, id }: UserOrQueue, successor: Observed["successor"]): string[] {
  if (isDisabled !== true) {
    return [];
  }
  const remedy =
    successor === undefined
      ? "Enable the user in Dynamics, or take the resource out of the program."
      : `The enabled user with the same address is ${successor.name} (${successor.id}): write user: "${successor.id}", which replaces this resource.`;
  return [`user: ${name} (${id}) is disabled in Dynamics, and no mail of a disabled user is processed. ${remedy}`];
}

/** Whether two programs mean the same user or queue, by any of the ways to write it. */
function isSameOne(property: "user" | "queue", { inputs: held, memory }: KnownIndividual, inputs: Properties): boolean {
  const before = held[property] ?? undefined;
  const after = inputs[property] ?? undefined;
  const names = memory.knownAs ?? [];
  return (
    before === after ||
    (before !== undefined && after !== undefined && names.some((name) => sameText(name, String(after))))
  );
}

function difference(
  desired: Desired,
  previous: KnownIndividual,
  { row, elsewhere }: Observed,
  known: KnownIndividual,
): Change[] {
  return properties.differing(valuesFor(desired, previous, row, elsewhere, known), { row, known });
}

/** A mailbox record in words. */
function inWords({ kind, name }: UserOrQueue): string {
  return `the mailbox record of the ${kind} ${name}`;
}

async function apply(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: IndividualOperation,
): Promise<undefined> {
  const { inputs, owner } = desired;
  const { row, elsewhere } = observed;
  const declared = declaredValues(desired);
  const values = valuesFor(desired, operation.known, row, elsewhere, operation.known);
  requireOwnValues(row.id, byId({ inputs, profile: desired.profile }), properties.names, operation);
  const profile = await profileOf(values, observed, operation);
  requireSuitableProfile({ appointmentsContactsTasks: row.appointmentsContactsTasks, ...values }, profile);
  if (changes.some(({ path: [property] }) => property === "serverProfile" || property === "credentials")) {
    warnWithoutCredentials(Boolean(inputs.credentials), profile, operation);
  }
  recordFormer(inputs, row, observed.isCreation === true, operation);
  // The record first: Dynamics refuses there what cannot be, before the address is anything new.
  const own = changes.filter(({ path: [property] }) => property !== "emailAddress");
  const given = own.map(({ path }) => path[0] ?? "").filter((property) => property in inputs);
  await writeAndRecord(
    () => writeRecord(properties, own, values, inputs, row, inWords(owner), operation),
    () => operation.record({ memory: givenWith(declared, given, operation.known) }),
  );
  const { emailAddress } = values;
  if (emailAddress !== undefined && own.length < changes.length) {
    await setAddress(owner, emailAddress, operation);
  }
  return undefined;
}

/** The server profile that a record will have. */
async function profileOf(
  { serverProfile }: RecordValues,
  { row, profile }: Observed,
  operation: IndividualOperation,
): Promise<ServerProfile | undefined> {
  return serverProfile === undefined || serverProfile === row.serverProfileId
    ? profile
    : serverProfileOf({ serverProfileId: serverProfile ?? undefined }, operation);
}
