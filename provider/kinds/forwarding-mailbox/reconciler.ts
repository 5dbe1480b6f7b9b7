import type { BagReconciler } from "../../core/bag";
import type { Change, Operation, Properties } from "../../core/kind";
import { adviceAtCreation, asHeld } from "../../core/kind";
import { absent, holdingAll, unfit } from "../../core/reading";
import { rowThing, sourceThing } from "../../core/registry";
import { InputError } from "../../http/errors";
import type { MailboxRow } from "../../services/dataverse";
import { listed } from "../../services/principals";
import { isGuid } from "../../services/text";
import {
  claimsOfAddress,
  isElsewhere,
  requireMailboxOfTenant,
  requireSameOrganization,
} from "../mailbox-record/address";
import { tellOverwritten } from "../mailbox-record/adoption";
import { declaredOwner, ownerAsDeclared } from "../mailbox-record/owner";
import {
  COMMANDS,
  credentialsAsDeclared,
  recordOutputs,
  remembered,
  serverProfileAsDeclared,
  tellInactive,
} from "../mailbox-record/schema";
import {
  declaredServerProfile,
  requireSuitableProfile,
  warnWithoutCredentials,
} from "../mailbox-record/server-profile";
import { adviceOnMove, approve, commandsAsObserved, commandsByDefault, test } from "../mailbox-record/test-and-enable";
import { forgetCommands, isOfRecord, recordDifference, writeRecord } from "../mailbox-record/values";
import { ensure, find, makeRecord } from "./creation";
import { remove } from "./deletion";
import {
  type Desired,
  type ForwardingInputs,
  loopsOf,
  type Observed,
  type ObservedSource,
  profileWanted,
  SOURCE,
  schema,
  valuesFor,
} from "./desired";
import { around, driftOf, hasShownCopies, leftBehind, ruleDriftOf, targetIn } from "./observation";
import {
  claimsOfSources,
  declareKnown,
  holdsRecords,
  learnFormer,
  noteRecords,
  queueRecordAppears,
  recordsToSet,
  requireOwnMethod,
  setRecords,
  shareFormer,
} from "./records";
import {
  type Feeding,
  feedingMailboxes,
  lookUpSources,
  noteRules,
  placeRule,
  releaseSource,
  removeCopies,
  tellLeftOver,
  warnAbout,
} from "./sources";

/**
 * A Dynamics 365 forward mailbox: its record through the Dataverse Web API, the inbox rules that feed it through
 * Graph or Exchange. It does not touch the collecting mailbox itself, nor other rules of the sources.
 */
export const forwardingMailbox: BagReconciler<ForwardingInputs, Desired, Observed> = {
  kind: "ForwardingMailbox",
  schema,
  keyed: { sources: SOURCE },

  byDefault: commandsByDefault,

  check: ({ emailAddress, sources }) =>
    emailAddress !== undefined && sources?.[emailAddress] !== undefined
      ? [
          {
            path: `sources["${emailAddress}"]`,
            reason: "is the collecting mailbox itself; mail would go round in a loop",
          },
        ]
      : [],

  claims: (inputs) => [...claimsOfAddress(inputs), ...claimsOfSources(inputs)],
  beside: (inputs, origin, registry) => loopsOf(inputs, origin, registry),

  advise(inputs, olds) {
    return [
      ...(inputs.deleteAfterProcessing !== true && (olds === undefined || olds.deleteAfterProcessing === true)
        ? ["deleteAfterProcessing is not true: the collecting mailbox fills up, since nothing is deleted from it."]
        : []),
      ...adviceOnMove(inputs, olds),
      ...adviceAtCreation(["adopt"], "forward mailbox", inputs, olds),
    ];
  },

  replaces: (state, inputs, _registry, environmentUrl) =>
    isElsewhere(state.environmentUrl, inputs.environmentUrl, environmentUrl) ? ["environmentUrl"] : [],
  respelled: () => [],
  refersTo: ({ sourceIds }) => (sourceIds ?? {}) as Record<string, string>,

  declare(state, inputs, origin, registry) {
    registry.declare(rowThing(String(state.id)), origin);
    const ids = (state.sourceIds ?? {}) as Record<string, string>;
    const keys = Object.keys((inputs.sources ?? {}) as object);
    declareKnown(state, keys, origin, registry);
    shareFormer(state, registry);
    if (isUnchanged(state, inputs)) {
      registry.settleFeed(origin);
    }
    for (const key of keys) {
      if (ids[key] !== undefined) {
        registry.declare(sourceThing(ids[key], String(inputs.emailAddress)), origin);
      }
    }
  },

  async resolve(inputs, operation) {
    const why = "a forward mailbox needs a real, dedicated mailbox of the tenant";
    const effect =
      "Dynamics takes in all of her or his mail, private mail included, and deletes it there where deleteAfterProcessing is true. " +
      "Use a shared mailbox of its own.";
    await requireMailboxOfTenant(inputs.emailAddress, { why, effect }, operation);
    const profile = await declaredServerProfile(inputs.serverProfile, operation);
    const owner = await declaredOwner(inputs.owner, operation);
    const sources = await lookUpSources(inputs, operation);
    const loops = loopsOf(inputs, operation.origin, operation.registry, sources);
    if (loops.length > 0) {
      throw new InputError(loops);
    }
    await Promise.all([...sources.values()].map((source) => queueRecordAppears(source, operation)));
    return { inputs, profile, owner, sources };
  },

  find,
  ensure,

  async observe(id, desired, operation) {
    shareFormer(operation.state, operation.registry);
    await requireSameOrganization(`reading the forward mailbox ${targetIn(operation.state).name}`, operation);
    const row = await operation.services.dataverse.mailbox(id, operation);
    return row === undefined ? leftBehind(id, desired, operation) : around(row, desired, operation);
  },

  async read(asked, operation) {
    const { dataverse } = operation.services;
    const byId = isGuid(asked) ? await dataverse.mailbox(asked, operation) : undefined;
    const rows = byId === undefined ? await dataverse.mailboxesWithAddress(asked.toLowerCase(), operation) : [byId];
    const found = rows.filter(({ isForwardMailbox }) => isForwardMailbox);
    const [row, second] = found;
    if (row === undefined) {
      const [other] = rows;
      return other === undefined
        ? absent("no forward mailbox of the Dynamics environment has this id or address")
        : unfit(`it is the mailbox record of a user or queue, ${other.name}; IndividualMailbox.get reads it`);
    }
    if (second !== undefined) {
      return unfit(`it means the forward mailboxes ${listed(found)}; write the id`);
    }
    operation.state = { name: row.name, emailAddress: row.emailAddress };
    const [observed, feeding] = await Promise.all([
      around(row, undefined, operation),
      feedingMailboxes(row, operation),
    ]);
    const inputs = await this.inputs(holdingAll(OF_RECORD), observed, operation);
    const byKey = (value: (one: Feeding) => unknown) =>
      Object.fromEntries([...feeding].map(([key, one]) => [key, value(one)]));
    const outputs = {
      sources: byKey(() => ({})),
      sourceRules: byKey(({ rule }) => rule.id),
      sourceIds: byKey(({ recipient }) => recipient.id),
    };
    return { observed, inputs, outputs };
  },

  id: ({ id }) => id,
  difference,
  apply,

  async finish(desired, _previous, observed, operation) {
    for (const source of observed.sources.values()) {
      operation.registry.declare(sourceThing(source.recipient.id, desired.inputs.emailAddress), operation.origin);
    }
    requireOwnMethod(observed.sources, desired.inputs, operation);
    noteRecords(observed.sources, desired.inputs, operation);
    noteRules(observed.sources, desired.inputs, operation);
    operation.registry.settleFeed(operation.origin);
    tellLeftOver(observed.sources, desired.inputs, operation);
    const { approveEmail, testAndEnable } = desired.inputs;
    const approved = await approve(approveEmail, present(observed), operation);
    return { ...observed, row: await test(testAndEnable, approved, operation) };
  },

  outputs(desired, { row, organizationId, sources: seen }, operation) {
    const { state } = operation;
    if (row !== undefined) {
      tellInactive(row, operation);
    }
    // What was released, or is written in another way now, is no source any more.
    const declared = desired?.inputs.sources ?? (desired === undefined ? (state.sources as object | null) : {}) ?? {};
    const sources = [...seen].filter(([key]) => key in declared);
    return {
      ...(row === undefined ? { gone: targetIn(state) } : { ...recordOutputs(row), ownerId: row.ownerId }),
      sourceRules: Object.fromEntries(
        sources.flatMap(([key, { rule, isUnread }]) => {
          const id = isUnread === true ? (state.sourceRules as Properties | undefined)?.[key] : rule?.id;
          return id === undefined ? [] : [[key, id]];
        }),
      ),
      sourceIds: Object.fromEntries(sources.map(([key, { recipient }]) => [key, recipient.id])),
      ...remembered({ sourceRecords: only(state.sourceRecords, Object.keys(declared)) }, ["sourceRecords"]),
      organizationId,
      ...remembered(state, ["created", "formerMethods", ...COMMANDS]),
    };
  },

  async inputs(state, { row, sources, profile }, operation) {
    learnFormer(operation);
    const declared = Object.fromEntries(
      [...sources].flatMap(([key, source]) =>
        source.rule === undefined && !isAsHeld(key, source, state) && !holdsRecords(source, state)
          ? []
          : [[key, driftOf(source) === undefined ? {} : { drift: driftOf(source) }]],
      ),
    );
    if (row === undefined) {
      tellGone(operation.state, [...sources.keys()], operation);
      return asHeld(state, { ...Object.fromEntries(OF_RECORD.map((property) => [property, null])), sources: declared });
    }
    const read: Properties = {
      name: row.name,
      emailAddress: row.emailAddress,
      serverProfile: serverProfileAsDeclared(row, profile, state),
      deleteAfterProcessing: row.deleteAfterProcessing,
      incomingEmail: row.incoming,
      outgoingEmail: row.outgoing,
      appointmentsContactsTasks: row.appointmentsContactsTasks,
      credentials: credentialsAsDeclared(row, state),
      ...("owner" in state ? { owner: await ownerAsDeclared(row.ownerId, operation) } : {}),
      sources: declared,
    };
    return { ...asHeld(state, read), ...commandsAsObserved(row, operation.state) };
  },

  remove,
};

/** Whether a source whose rules could not be read is one of the state's. */
function isAsHeld(key: string, { isUnread }: ObservedSource, state: Properties): boolean {
  return isUnread === true && key in ((state.sources ?? {}) as object);
}

/** Inputs that are values of the record: none of them is there when it is gone. */
const OF_RECORD = [
  "name",
  "emailAddress",
  "owner",
  "serverProfile",
  "deleteAfterProcessing",
  "credentials",
  "incomingEmail",
  "outgoingEmail",
  "appointmentsContactsTasks",
];

/** Whether a program declares what the state has: then nothing is looked for in this deployment. */
function isUnchanged(state: Properties, inputs: Properties): boolean {
  return Object.keys(schema.shape).every(
    (property) => JSON.stringify(state[property] ?? null) === JSON.stringify(inputs[property] ?? null),
  );
}

/** The record, of a forward mailbox that is as declared. */
function present({ id, row }: Observed): MailboxRow {
  if (row === undefined) {
    throw new Error(`the forward mailbox ${id} has no record`);
  }
  return row;
}

/** Says that a record was deleted by hand, what it left behind, and what comes next. */
function tellGone(state: Properties, sources: readonly string[], { warn }: Operation): void {
  const { name, emailAddress } = targetIn(state);
  warn(
    `The forward mailbox ${name} (${emailAddress}) was deleted in Dynamics. Its inbox rules and the Forward Mailbox setting of its ` +
      `sources (${sources.join(", ")}) may still be there, and what they forward is not processed. \`pulumi up\` makes the record ` +
      "again; taking the resource out of the program, or `pulumi destroy`, removes the rules and puts the sources back.",
  );
}

/** The members of a map with these keys; undefined where there is no map. */
function only(map: unknown, keys: readonly string[]): Properties | undefined {
  return map === undefined
    ? undefined
    : Object.fromEntries(Object.entries(map as Properties).filter(([key]) => keys.includes(key)));
}

function difference(desired: Desired, previous: Properties, observed: Observed, state: Properties): Change[] {
  const { inputs } = desired;
  const { row, sources, keptIds } = observed;
  const changes: Change[] =
    row === undefined
      ? [{ path: ["name"], from: undefined, to: inputs.name }]
      : recordDifference(valuesFor(desired, previous), row, state);
  const ids = new Set([...desired.sources.values()].map(({ id }) => id));
  for (const [key, source] of sources) {
    if (inputs.sources?.[key] !== undefined) {
      const isStopped = source.stoppers.length > 0 && !source.isPlaced;
      if (source.rule === undefined || source.damage !== undefined || isStopped) {
        changes.push({ path: ["sources", key, "rule"], from: ruleDriftOf(source), to: "forward as attachment" });
      }
      if (source.copies.length > 0 && (source.isPlaced || hasShownCopies(key, previous))) {
        changes.push({ path: ["sources", key, "copies"], from: source.copies.length, to: 0 });
      }
      if (recordsToSet(source).length > 0) {
        changes.push({ path: ["sources", key, "record"], from: driftOf(source), to: "Forward Mailbox" });
      }
    } else if (
      isHeld(previous, key) &&
      !ids.has(source.recipient.id) &&
      !keptIds.has(source.recipient.id) &&
      (source.rule !== undefined || holdsRecords(source, state))
    ) {
      changes.push({ path: ["sources", key], from: "forward as attachment", to: undefined });
    }
  }
  return changes;
}

function isHeld(previous: Properties, key: string): boolean {
  return ((previous.sources ?? {}) as Properties)[key] !== undefined;
}

async function apply(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: Operation,
): Promise<void> {
  const { inputs } = desired;
  const { row, sources } = observed;
  const ofRecord = changes.filter(isOfRecord);
  requireOwnMethod(sources, inputs, operation);
  if (row === undefined) {
    operation.progress(`making the forward mailbox ${inputs.name} again, which somebody deleted in Dynamics`);
    forgetCommands(OF_RECORD, operation.state);
    await makeRecord(observed.id, desired, operation);
  } else {
    await changeRecord(ofRecord, row, desired, observed, operation);
  }
  for (const { path, to } of changes.filter(({ path: [property] }) => property === "sources")) {
    const [, key = "", part] = path;
    const source = sources.get(key);
    if (source === undefined) {
      continue;
    }
    if (to === undefined) {
      await releaseSource(key, source, operation);
    } else if (part === "rule") {
      await warnAbout(key, source, operation);
      await placeRule(key, source, inputs, operation);
    } else if (part === "copies") {
      await removeCopies(key, source, operation);
    } else {
      await setRecords(key, source, operation);
    }
  }
}

/** Makes the changes of the record itself. */
async function changeRecord(
  ofRecord: readonly Change[],
  row: MailboxRow,
  desired: Desired,
  { isAdopted, profile }: Observed,
  operation: Operation,
): Promise<void> {
  const { inputs } = desired;
  const who = `the forward mailbox ${row.name}`;
  if (isAdopted === true) {
    const owner = [await ownerAsDeclared(row.ownerId, operation), inputs.owner] as const;
    const wanted = profileWanted(desired, { profile });
    const serverProfile = [profile?.name, wanted?.name] as const;
    tellOverwritten(ofRecord, who, operation, { owner, serverProfile });
    operation.state.id = row.id;
  }
  if (ofRecord.length > 0) {
    const values = valuesFor(desired, operation.state);
    const wanted = profileWanted(desired, { profile });
    requireSuitableProfile(values, wanted);
    if (ofRecord.some(({ path: [property] }) => property === "serverProfile" || property === "credentials")) {
      warnWithoutCredentials(Boolean(inputs.credentials), wanted, operation);
    }
    await writeRecord(ofRecord, values, inputs, row, who, operation);
  }
}
