import type { BagReconciler } from "../../core/bag";
import { type Claim, environmentName, nameOf, rowName } from "../../core/claims";
import { written } from "../../core/converge";
import type { Change, Operation, Properties } from "../../core/kind";
import { adviceAtCreation, asHeld } from "../../core/kind";
import { guidFor } from "../../core/origin";
import { absent, holdingAll, unfit } from "../../core/reading";
import { recordThing, rowThing } from "../../core/registry";
import { ConflictError, isServiceError } from "../../http/errors";
import type { MailboxRow, QueueRow } from "../../services/dataverse";
import { listed } from "../../services/principals";
import {
  claimsOfAddress,
  isElsewhere,
  requireMailboxOfTenant,
  requireSameOrganization,
} from "../mailbox-record/address";
import { adopted, continuation, isAnother, isKept, tellOverwritten, whyKept } from "../mailbox-record/adoption";
import { claimsOfValues, decidedElsewhere, declareValues, requireOwnValues } from "../mailbox-record/conflicts";
import { declaredOwner, ownerAsDeclared } from "../mailbox-record/owner";
import { recordAppears, recordOf, writeBehind } from "../mailbox-record/record-owner";
import { COMMANDS, recordOutputs, remembered, serverProfileAsDeclared, tellInactive } from "../mailbox-record/schema";
import { declaredServerProfile, profileOfNewQueue, serverProfileOf } from "../mailbox-record/server-profile";
import { adviceOnMove, approve, commandsAsObserved, commandsByDefault, test } from "../mailbox-record/test-and-enable";
import { forgetCommands, noteIds, recordDifference, writeRecord } from "../mailbox-record/values";
import { createRow, deleteRow, lookUntil } from "../mailbox-record/writing";
import {
  columnsOf,
  type Desired,
  forgetFormer,
  noteFormer,
  type Observed,
  observedValues,
  type QueueInputs,
  queueDifference,
  schema,
  wantedValues,
} from "./desired";

/** What an `IndividualMailbox` can say of the queue's mailbox record as well: only one resource can decide it. */
const SHARED = ["emailAddress", "serverProfile", "incomingEmail", "outgoingEmail"];
/** Inputs that are values of the queue or its record. */
const READ = ["name", "emailAddress", "owner", "serverProfile", "incomingEmail", "outgoingEmail", "emailFiltering"];

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
export const queue: BagReconciler<QueueInputs, Desired, Observed> = {
  kind: "Queue",
  schema,
  keyed: {},
  check: () => [],

  byDefault: commandsByDefault,
  claims(inputs, urn, _origin, { claims }) {
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

  replaces: (state, inputs, _registry, environmentUrl) =>
    isElsewhere(state.environmentUrl, inputs.environmentUrl, environmentUrl) ? ["environmentUrl"] : [],
  respelled: () => [],
  refersTo: () => ({}),

  declare(state, inputs, origin, registry) {
    registry.declare(rowThing(String(state.id)), origin);
    registry.claims.learn(rowName("queue", registry.claims.present(origin.urn)), rowName("queue", String(state.id)));
    if (typeof state.mailboxId === "string") {
      declareValues(state.mailboxId, state, inputs, SHARED, origin, registry);
    }
  },

  async resolve(inputs, operation) {
    const why = "a queue gets its mail from a mailbox of the tenant, best a shared one";
    const effect =
      "Everybody who may read the queue in Dynamics can read what Dynamics takes in from there, private mail included. Use a shared mailbox.";
    await requireMailboxOfTenant(inputs.emailAddress, { why, effect }, operation);
    return {
      inputs,
      profile: await declaredServerProfile(inputs.serverProfile, operation, profileOfNewQueue),
      owner: await declaredOwner(inputs.owner, operation),
    };
  },

  async find(desired, operation) {
    const { state, services } = operation;
    const { queues } = services;
    const { emailAddress, adopt } = desired.inputs;
    const own = await queues.withId(idOf(desired, operation), operation);
    const isOwn = own !== undefined && !isAnother(adopt, own);
    if (isOwn) {
      const seen = await around(own, operation);
      const use = own.itemCount === 0 ? [] : [`it holds ${counted(own.itemCount)}`];
      const way = continuation({ what: "queue", row: own, record: seen.row, use }, desired.inputs, operation);
      if (way !== "adopt") {
        Object.assign(state, { id: own.id, ...(way === "continue" ? { created: true } : {}) });
        return seen;
      }
    }
    const namesakes = isOwn ? [own] : await queues.named(emailAddress, operation);
    const withId = (id: string) => queues.withId(id, operation);
    const found = await adopted(adopt, namesakes, withId, { one: "queue", many: "queues" }, operation);
    if (found !== undefined) {
      return { ...(await around(found, operation)), isAdopted: true };
    }
    if (namesakes.length > 0) {
      const others = namesakes.map(({ name, id }) => `${name} (${id})`).join(", ");
      operation.warn(
        `emailAddress ${emailAddress} is the address of another queue already: ${others}. adopt: true takes an existing queue over.`,
      );
    }
    return undefined;
  },

  async ensure(desired, operation) {
    const { queues } = operation.services;
    const { inputs, owner } = desired;
    const id = idOf(desired, operation);
    const action = `creating the queue ${inputs.name}`;
    const row = await createRow(
      {
        action,
        what: "Dynamics to show the new queue",
        send: async () => {
          await queues.create(id, columnsOf(wantedValues(inputs, owner, {})), action, operation);
          Object.assign(operation.state, { id, created: true });
        },
        look: () => queues.withId(id, operation),
      },
      operation,
    );
    return around(row, operation);
  },

  async observe(id, _desired, operation) {
    await requireSameOrganization(`reading the queue ${operation.state.name}`, operation);
    const row = await operation.services.queues.withId(id, operation);
    return row === undefined ? undefined : around(row, operation);
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
    const observed = await around(only, operation);
    const inputs = await this.inputs(holdingAll(READ), observed, operation);
    return { observed, inputs };
  },

  id: ({ queue: { id } }) => id,

  difference: (desired, previous, { queue: row, row: record, elsewhere }, state) => {
    const { inputs, owner } = desired;
    const serverProfileId = profileIdOf(desired);
    const changes = [
      ...queueDifference(wantedValues(inputs, owner, previous), row),
      ...(serverProfileId === undefined
        ? []
        : record === undefined
          ? [{ path: ["serverProfile"], from: undefined, to: serverProfileId }]
          : recordDifference({ serverProfile: serverProfileId }, record, state)),
    ];
    // What is not declared any more goes to its default, unless another resource says what it is now.
    return changes.filter(
      ({ path: [property = ""] }) =>
        inputs[property as keyof QueueInputs] !== undefined || !elsewhere.includes(property),
    );
  },

  apply,

  async finish(desired, previous, observed, operation) {
    const { inputs } = desired;
    const { queue: row } = observed;
    noteFormer(inputs, previous, row, operation.state);
    forgetFormer(inputs, operation.state);
    operation.registry.declare(rowThing(row.id), operation.origin);
    const known = await recordThatFollows(row, observed.row, inputs, operation);
    const record = await whenFed(inputs, known, operation);
    tellMissed(inputs.emailAddress, record, operation);
    requireOwnValues(record.id, declared(desired), SHARED, operation);
    operation.state.serverProfileId = record.serverProfileId;
    operation.state.mailboxId = record.id;
    const approved = await approve(inputs.approveEmail, record, operation, (columns, action) =>
      writeBehind({ kind: "queue", id: row.id }, columns, action, operation),
    );
    return { ...observed, row: await test(inputs.testAndEnable, approved, operation) };
  },

  outputs(_desired, { queue: row, row: record, organizationId }, operation) {
    const { state } = operation;
    if (record !== undefined) {
      tellInactive(record, operation);
    }
    return {
      ...(record === undefined ? {} : { ...recordOutputs(record), mailboxId: record.id }),
      ownerId: row.ownerId,
      organizationId,
      ...remembered(state, ["created", "former", ...COMMANDS]),
    };
  },

  async inputs(state, { queue: row, row: record, profile }, operation) {
    const read: Properties = {
      ...observedValues(row),
      serverProfile: record === undefined ? undefined : serverProfileAsDeclared(record, profile, state),
      ...("owner" in state ? { owner: await ownerAsDeclared(row.ownerId, operation) } : {}),
    };
    return {
      ...asHeld(state, read),
      ...(record === undefined ? {} : commandsAsObserved(record, operation.state)),
    };
  },

  remove,
};

/**
 * The id a new queue gets. The address is in it, because a resource that was renamed keeps its origin, and a new one under
 * its old name has the same.
 */
function idOf({ inputs }: Desired, { origin }: Operation): string {
  return guidFor(origin, `queue ${inputs.emailAddress}`);
}

/** What is declared, the server profile by its id, or false for none. */
function declared({ inputs, profile }: Desired): Properties {
  return { ...inputs, serverProfile: inputs.serverProfile ? profile?.id : inputs.serverProfile };
}

/** Id of the server profile that the record should have; null for none, undefined where it is left alone. */
function profileIdOf({ inputs, profile }: Desired): string | null | undefined {
  return inputs.serverProfile === false ? null : profile?.id;
}

async function around(row: QueueRow, operation: Operation): Promise<Observed> {
  const [organizationId, record] = await Promise.all([
    operation.services.dataverse.organizationId(operation),
    recordOf(row, operation),
  ]);
  const profile = record === undefined ? undefined : await serverProfileOf(record, operation);
  const elsewhere = record === undefined ? [] : decidedElsewhere(record.id, SHARED, operation);
  return { queue: row, row: record, organizationId, profile, elsewhere };
}

async function apply(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: Operation,
): Promise<void> {
  const { inputs, owner } = desired;
  const serverProfile = profileIdOf(desired);
  const { queue: row, isAdopted } = observed;
  const who = `the queue ${row.name}`;
  if (observed.row !== undefined) {
    requireOwnValues(observed.row.id, declared(desired), SHARED, operation);
  }
  if (isAdopted === true) {
    tellOverwritten(changes, who, operation);
    operation.state.id = row.id;
  }
  const names = changes.map(({ path }) => path[0] ?? "").filter((property) => property !== "serverProfile");
  noteFormer(inputs, operation.state, row, operation.state);
  if (names.length > 0) {
    const values = wantedValues(inputs, owner, operation.state).filter(({ property }) => names.includes(property));
    await written(
      () =>
        operation.services.queues.update(row, columnsOf(values), `changing ${names.join(", ")} of ${who}`, operation),
      () => {
        for (const name of names) {
          operation.state[name] = inputs[name as keyof QueueInputs] ?? operation.state[name];
        }
        noteIds(names, { owner }, inputs, operation.state);
        forgetCommands(names, operation.state);
      },
    );
  }
  if (names.length < changes.length && serverProfile !== undefined) {
    const record = await recordThatFollows(row, undefined, inputs, operation);
    const values = { serverProfile };
    const own = recordDifference(values, record, operation.state);
    await writeRecord(own, values, inputs, record, `the mailbox record of ${who}`, operation);
  }
}

/** The mailbox record of a queue, once it is there and has the queue's address and methods. */
async function recordThatFollows(
  row: QueueRow,
  known: MailboxRow | undefined,
  inputs: QueueInputs,
  operation: Operation,
): Promise<MailboxRow> {
  const record = known ?? (await recordAppears({ ...row, kind: "queue" }, operation));
  // What is not declared may be another one's by now: a forward mailbox that the queue feeds sets the incoming method.
  const isFollowing = (seen: MailboxRow) =>
    seen.emailAddress === row.emailAddress &&
    (inputs.incomingEmail === undefined || seen.incoming === row.incoming) &&
    (inputs.outgoingEmail === undefined || seen.outgoing === row.outgoing);
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
  operation: Operation,
): Promise<MailboxRow> {
  const { registry, origin } = operation;
  const isFeeding = () => registry.isFeeding(emailAddress, origin);
  if (!isFeeding() || incomingEmail !== undefined || testAndEnable === false) {
    return record;
  }
  const what = `the forward mailbox that the queue feeds to set its incoming e-mail`;
  const done = ({ incoming }: MailboxRow) => incoming === "ForwardMailbox" || !isFeeding();
  return lookUntil(record.id, { what, done, atMost: FED_WITHIN }, operation);
}

/** Says that a forward mailbox of this deployment was done before the queue that feeds it had a record. */
function tellMissed(address: string, record: MailboxRow, { registry, origin, warn }: Operation): void {
  const missed = [...registry.feeds].find(([, { from, isSettled }]) => isSettled === true && from.includes(address));
  const isSet = record.incoming === "ForwardMailbox";
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

async function remove(id: string, operation: Operation): Promise<void> {
  const { state, services, registry, origin } = operation;
  await requireSameOrganization(`deleting the queue ${state.name}`, operation);
  const row = await services.queues.withId(id, operation);
  if (row === undefined) {
    return;
  }
  const other = registry.declaredBy(rowThing(id), origin);
  if (isKept(state) || other !== undefined) {
    const why = isKept(state) ? whyKept(state) : `${other} declares it`;
    operation.warn(`The queue ${state.name} stays in Dynamics: ${why}.`);
    return;
  }
  const action = `deleting the queue ${row.name}`;
  if (row.itemCount > 0) {
    throw hasItems(action, row.itemCount);
  }
  try {
    await deleteRow(
      {
        action,
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
        words: `routing rules lead to it, and Dynamics deletes no queue that they do (${QUEUE_HAS_ROUTING_RULES})`,
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

function counted(items: number): string {
  return items === 1 ? "1 item" : `${items} items`;
}

function hasItems(action: string, count: number, cause?: unknown): ConflictError {
  return new ConflictError({
    action,
    words: `it still has ${count === 0 ? "items" : counted(count)}, and Dynamics deletes no queue that has (${QUEUE_HAS_ITEMS})`,
    nextStep: 'Nothing was deleted. Move or resolve the items, or set deletion: "retain".',
    cause,
  });
}
