import { type Claim, environmentName, nameOf, rowName } from "../../core/claims";
import {
  absent,
  adviceAtCreation,
  asHeld,
  type Change,
  guidFor,
  holdingAll,
  type Reconciler,
  unfit,
  writeAndRecord,
} from "../../core/kind";
import { declaredIn } from "../../core/properties";
import { recordThing, rowThing } from "../../core/registry";
import { ConflictError, isServiceError } from "../../http/errors";
import { plural } from "../../http/json";
import type { MailboxRow, QueueRow } from "../../services/dataverse";
import { listed } from "../../services/principals";
import {
  addressWarnings,
  claimsOfAddress,
  claimsOfValues,
  decidedElsewhere,
  declareValues,
  isAnother,
  type RowKind,
  replacedByEnvironment,
  requireMailboxOfTenant,
  requireOwnValues,
  requireSameOrganization,
  rowToAdopt,
  takeOn,
  tellOverwritten,
  wayOn,
  whyRowStays,
} from "../mailbox-record/claims";
import {
  byId,
  forgetting,
  idsOf,
  inputsOf,
  lookUp,
  ownerAsDeclared,
  profileOfNewQueue,
  type RecordValues,
  recordOutputs,
  serverProfileOf,
  valuesOf,
  whenInactive,
  writeRecord,
} from "../mailbox-record/properties";
import {
  adviceOnMove,
  commandsAsObserved,
  commandsByDefault,
  commandsRemembered,
  giveCommands,
  NO_COMMANDS,
} from "../mailbox-record/test-and-enable";
import { createRow, deleteRow, lookUntil, recordAppears, recordOf } from "../mailbox-record/writes";
import {
  type Desired,
  type Existing,
  formerOf,
  formerValues,
  type KnownQueue,
  type Memory,
  memory,
  type Observed,
  ofRecord,
  properties,
  type QueueInputs,
  type QueueOperation,
  queueDifference,
  queueValues,
  schema,
} from "./desired";

/** What an `IndividualMailbox` can say of the queue's mailbox record as well: only one resource can decide it. */
const SHARED = ["emailAddress", "serverProfile", "incomingEmail", "outgoingEmail"];
/** Inputs that are values of the queue or its record. */
const READ = [...properties.names, ...ofRecord.names];

/** What follows from an address that is a person's. */
const OF_PERSON =
  "Everybody who may read the queue in Dynamics can read what Dynamics takes in from there, private mail included. Use a shared mailbox.";

/** That there is a queue with an address: a forward mailbox that it feeds waits for its record. */
function claimsOfQueue(emailAddress: string | undefined): Claim[] {
  return emailAddress === undefined
    ? []
    : [{ path: "emailAddress", thing: [rowName("queue", emailAddress)], value: "", reason: () => "" }];
}

/** How long a forward mailbox that the queue feeds may take to set the incoming method of its record, in milliseconds. */
const FED_WITHIN = 120_000;
/** How long the mailbox record may take to follow its queue, in milliseconds. */
const FOLLOWS_WITHIN = 30_000;

/**
 * A queue of Dynamics 365 whose address is a mailbox of the tenant, and of the mailbox record that Dynamics makes for it: the
 * server profile, the approval and the test. It never moves or deletes queue items.
 */
export const queue: Reconciler<QueueInputs, Memory, Desired, Observed, Existing> = {
  kind: "Queue",
  schema,
  memory,

  byDefault: commandsByDefault,
  leftAlone: NO_COMMANDS,
  claims(inputs, { urn }, { claims }) {
    const { emailAddress, environmentUrl } = inputs;
    if (emailAddress !== undefined) {
      claims.learn(rowName("queue", emailAddress), rowName("queue", urn));
    }
    return [
      ...claimsOfAddress(inputs),
      ...claimsOfQueue(emailAddress),
      ...claimsOfValues([environmentName(environmentUrl), rowName("queue", urn)], inputs, SHARED),
    ];
  },

  advise: (inputs, olds) => [...adviceOnMove(inputs, olds), ...adviceAtCreation(["adopt"], "queue", inputs, olds)],

  replaces: replacedByEnvironment,

  declare(known, inputs, origin, registry) {
    const { id = "", memory } = known;
    registry.declare(rowThing(id), origin);
    registry.claims.learn(rowName("queue", origin.urn), rowName("queue", id));
    if (memory.mailboxId !== undefined) {
      declareValues(memory.mailboxId, known, inputs, SHARED, origin, registry);
    }
  },

  async resolve(inputs, operation) {
    const why = "a queue gets its mail from a mailbox of the tenant, best a shared one";
    await requireMailboxOfTenant(inputs.emailAddress, { why, effect: OF_PERSON }, operation);
    return lookUp(inputs, operation, profileOfNewQueue);
  },

  async find(desired, operation) {
    const { queues } = operation.services;
    const { inputs } = desired;
    const own = await queues.withId(idOf(desired, operation), operation);
    if (own !== undefined && !isAnother(inputs.adopt, own)) {
      const seen = await observeQueue(own, true, operation);
      const use = own.itemCount === 0 ? [] : [`it holds ${plural(own.itemCount, "item")}`];
      return { ...seen, way: wayOn({ what: "queue", row: own, record: seen.row, use }, inputs) };
    }
    const namesakes = await queues.named(inputs.emailAddress, operation);
    const found = await rowToAdopt(inputs.adopt, namesakes, (id) => queues.withId(id, operation), QUEUES);
    return found === undefined ? undefined : { ...(await observeQueue(found, true, operation)), way: "adopt" };
  },

  async takeOver(found, desired, operation) {
    const { queue: row, way } = found;
    takeOn(way, row, QUEUES, operation);
    if (way === "continue") {
      operation.record({ id: row.id, memory: { created: true } });
    } else if (way === "adopt") {
      tellOverwritten(difference(desired, operation.known, found), `the queue ${row.name}`, operation);
    }
    return found;
  },

  async create(desired, operation) {
    const { queues } = operation.services;
    const { inputs } = desired;
    const namesakes = await queues.named(inputs.emailAddress, operation);
    if (namesakes.length > 0) {
      const others = namesakes.map(({ name, id }) => `${name} (${id})`).join(", ");
      operation.warn(
        `emailAddress ${inputs.emailAddress} is the address of another queue already: ${others}. adopt: true takes an existing queue over.`,
      );
    }
    const id = idOf(desired, operation);
    const action = `creating the queue ${inputs.name}`;
    const row = await createRow(
      {
        what: "Dynamics to show the new queue",
        send: async () => {
          await queues.create(id, properties.columnsOf(byId(desired)), action, operation);
          operation.record({ id, memory: { created: true } });
        },
        look: () => queues.withId(id, operation),
      },
      operation,
    );
    return observeQueue(row, true, operation);
  },

  async observe(id, desired, operation) {
    await requireSameOrganization(`reading the queue ${operation.known.inputs.name}`, operation);
    const row = await operation.services.queues.withId(id, operation);
    return row === undefined ? undefined : observeQueue(row, desired !== undefined, operation);
  },

  async read(asked, operation) {
    const { queues } = operation.services;
    const found = await queues.named(asked, operation);
    const [only, second] = found;
    if (only === undefined) {
      return absent("no queue of the Dynamics environment has this id, address or name");
    }
    if (second !== undefined) {
      return unfit(`it means ${listed(found)}; write the id`);
    }
    const known: KnownQueue = { id: undefined, inputs: holdingAll(READ), memory: operation.known.memory };
    const observed = await observeQueue(only, false, { ...operation, known });
    return { observed, inputs: await this.inputs(known, observed) };
  },

  id: ({ queue: { id } }) => id,

  difference,
  apply,

  async finish(desired, previous, observed, operation) {
    const { inputs } = desired;
    const { queue: row } = observed;
    const former = formerValues(inputs, previous.inputs, row, operation.known);
    operation.record({ memory: { former: formerOf(inputs, former) } });
    operation.registry.declare(rowThing(row.id), operation.origin);
    const known = await recordThatFollows(row, observed.row, inputs, operation);
    const record = await whenFed(inputs, known, operation);
    tellMissed(inputs.emailAddress, record, operation);
    requireOwnValues(record.id, byId(desired), SHARED, operation);
    return { ...observed, row: await giveCommands(inputs, record, operation, { kind: "queue", id: row.id }) };
  },

  outputs(desired, { queue: row, row: record, organizationId }, known) {
    const { created, former } = known.memory;
    return {
      ...(record === undefined ? { emailApproval: undefined, serverProfileId: undefined } : recordOutputs(record)),
      mailboxId: record?.id,
      ownerId: row.ownerId,
      organizationId,
      created,
      former,
      ...commandsRemembered(record, desired === undefined, known),
    };
  },

  inputs(known, { queue: row, row: record, profile, owner }) {
    const read = properties.inputs({ row, known, owner }, known.inputs);
    return record === undefined
      ? asHeld(known.inputs, { ...read, serverProfile: undefined })
      : {
          ...asHeld(known.inputs, { ...read, ...ofRecord.inputs({ row: record, known, profile }, known.inputs) }),
          ...commandsAsObserved(record, known),
        };
  },

  warnings: async (desired, { queue: { name, emailAddress, isActive }, row: record }, operation) => [
    // No declared property differs, and yet nobody can work with it.
    ...(isActive ? [] : [`The queue ${name} is inactive: somebody deactivated it in Dynamics. Activate it there.`]),
    ...whenInactive(record),
    ...(desired === undefined ? await addressWarnings(emailAddress, OF_PERSON, operation) : []),
  ],

  remove,
};

/**
 * The id a new queue gets. The address is in it, because a resource that was renamed keeps its origin, and a new one under
 * its old name has the same.
 */
function idOf({ inputs }: Desired, { origin }: QueueOperation): string {
  return guidFor(origin, `queue ${inputs.emailAddress}`);
}

/** A queue with its mailbox record. @param isDeployed whether somebody declares it; a refresh reads what a program would declare. */
async function observeQueue(row: QueueRow, isDeployed: boolean, operation: QueueOperation): Promise<Observed> {
  const [organizationId, record, owner] = await Promise.all([
    operation.services.dataverse.organizationId(operation),
    recordOf(row, operation),
    isDeployed || !("owner" in operation.known.inputs) ? undefined : ownerAsDeclared(row.ownerId, operation),
  ]);
  const profile = record === undefined ? undefined : await serverProfileOf(record, operation);
  const elsewhere = record === undefined ? [] : decidedElsewhere(record.id, SHARED, operation);
  return { queue: row, row: record, organizationId, profile, elsewhere, owner };
}

function difference(
  desired: Desired,
  previous: KnownQueue,
  { queue: row, row: record, elsewhere }: Observed,
): Change[] {
  const { inputs } = desired;
  const values = valuesOf(ofRecord, desired, previous.inputs);
  const changes = [
    ...queueDifference(desired, previous, row),
    ...(record === undefined
      ? Object.entries(values).map(([name, to]) => ({ path: [name], from: undefined, to }))
      : ofRecord.differing(values, { row: record, known: previous })),
  ];
  // What is not declared any more goes to its default, unless another resource says what it is now.
  const isDeclared = declaredIn(inputs);
  return changes.filter(({ path: [name = ""] }) => isDeclared(name) || !elsewhere.includes(name));
}

async function apply(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: QueueOperation,
): Promise<undefined> {
  const { inputs, owner } = desired;
  const { queue: row } = observed;
  const who = `the queue ${row.name}`;
  if (observed.row !== undefined) {
    requireOwnValues(observed.row.id, byId(desired), SHARED, operation);
  }
  const own = properties.own(changes);
  const names = own.map(({ path: [name = ""] }) => name);
  const former = formerValues(inputs, operation.known.inputs, row, operation.known);
  if (names.length > 0) {
    const columns = properties.columnsOf(queueValues(desired, operation.known), own);
    await writeAndRecord(
      () => operation.services.queues.update(row, columns, `changing ${names.join(", ")} of ${who}`, operation),
      () =>
        operation.record({
          id: row.id,
          inputs: inputsOf(names, inputs, operation.known),
          memory: { former, ...idsOf(names, { owner }, inputs), ...forgetting(names) },
        }),
    );
  }
  if (names.length < changes.length) {
    const record = await recordThatFollows(row, undefined, inputs, operation);
    const values: RecordValues = valuesOf(ofRecord, desired, operation.known.inputs);
    const ofIt = ofRecord.differing(values, { row: record, known: operation.known });
    await writeRecord(ofRecord, ofIt, values, inputs, record, `the mailbox record of ${who}`, operation);
  }
  return undefined;
}

/** Queues in words. */
const QUEUES: RowKind = { one: "queue", many: "queues" };

/** The mailbox record of a queue, once it is there and has the queue's address and methods. */
async function recordThatFollows(
  row: QueueRow,
  known: MailboxRow | undefined,
  inputs: QueueInputs,
  operation: QueueOperation,
): Promise<MailboxRow> {
  const record = known ?? (await recordAppears({ ...row, kind: "queue" }, operation));
  // A value that is not declared may have been set by another resource: a forward mailbox that the queue feeds sets the incoming method.
  const isFollowing = (seen: MailboxRow) =>
    seen.emailAddress === row.emailAddress &&
    (inputs.incomingEmail === undefined || seen.incomingEmail === row.incomingEmail) &&
    (inputs.outgoingEmail === undefined || seen.outgoingEmail === row.outgoingEmail);
  if (known === undefined || isFollowing(record)) {
    return record;
  }
  const what = `the mailbox record of the queue ${row.name} to follow it`;
  return lookUntil(record.id, { what, done: isFollowing, atMost: FOLLOWS_WITHIN }, operation);
}

/**
 * Lets a forward mailbox of this deployment that the queue feeds set the incoming method first: a change of methods throws away the
 * results of a test. It may fail, and then never does.
 */
async function whenFed(
  { emailAddress, incomingEmail, testAndEnable }: QueueInputs,
  record: MailboxRow,
  operation: QueueOperation,
): Promise<MailboxRow> {
  const { registry, origin } = operation;
  const isFeeding = () => registry.isFeeding(emailAddress, origin);
  if (!isFeeding() || incomingEmail !== undefined || testAndEnable === false) {
    return record;
  }
  const what = `the forward mailbox that the queue feeds to set its incoming e-mail`;
  const done = ({ incomingEmail }: MailboxRow) => incomingEmail === "ForwardMailbox" || !isFeeding();
  return lookUntil(record.id, { what, done, atMost: FED_WITHIN }, operation);
}

/** Says that a forward mailbox of this deployment was done before the queue that feeds it had a record. */
function tellMissed(address: string, record: MailboxRow, { registry, origin, warn }: QueueOperation): void {
  const missed = [...registry.feeds].find(([, { from, isSettled }]) => isSettled === true && from.includes(address));
  const isSet = record.incomingEmail === "ForwardMailbox";
  if (
    missed !== undefined &&
    !isSet &&
    registry.valueOfAnother(recordThing(record.id, "incomingEmail"), origin) === undefined
  ) {
    warn(
      `emailAddress ${address} feeds ${nameOf(missed[0])}, which was deployed before this queue had a mailbox record. ` +
        "`pulumi up --refresh` sets its incoming e-mail to Forward Mailbox.",
    );
  }
}

async function remove(id: string, operation: QueueOperation): Promise<void> {
  const { known, services } = operation;
  const { name, deletion } = known.inputs;
  await requireSameOrganization(`deleting the queue ${name}`, operation);
  const row = await services.queues.withId(id, operation);
  if (row === undefined) {
    return;
  }
  const why = whyRowStays(id, deletion, known.memory.created, operation);
  if (why !== undefined) {
    operation.warn(`The queue ${name} stays in Dynamics: ${why}.`);
    return;
  }
  const action = `deleting the queue ${row.name}`;
  if (row.itemCount > 0) {
    throw hasItems(action, row.itemCount);
  }
  try {
    await deleteRow(
      {
        what: "the queue to be gone",
        send: () => services.queues.delete(id, action, operation),
        look: () => services.queues.withId(id, operation),
      },
      operation,
    );
  } catch (error) {
    const code = isServiceError(error) ? error.code.toLowerCase() : "";
    if (code === QUEUE_HAS_ITEMS) {
      const now = await services.queues.withId(id, operation);
      throw hasItems(action, now?.itemCount ?? 0, error);
    }
    if (code === QUEUE_HAS_ROUTING_RULES) {
      throw new ConflictError({
        action,
        words: `routing rules lead to it, and Dynamics does not delete a queue with routing rules (${QUEUE_HAS_ROUTING_RULES})`,
        nextStep: 'Nothing was deleted. Point the rules elsewhere, or set deletion: "retain".',
        cause: error,
      });
    }
    throw error;
  }
}

/** A queue with items cannot be deleted. */
const QUEUE_HAS_ITEMS = "0x80631117";
/** Nor can one that routing rules lead to. */
const QUEUE_HAS_ROUTING_RULES = "0x80731118";

function hasItems(action: string, count: number, cause?: unknown): ConflictError {
  return new ConflictError({
    action,
    words: `it still has ${count === 0 ? "items" : plural(count, "item")}, and Dynamics does not delete a queue with items (${QUEUE_HAS_ITEMS})`,
    nextStep: 'Nothing was deleted. Move or resolve the items, or set deletion: "retain".',
    cause,
  });
}
