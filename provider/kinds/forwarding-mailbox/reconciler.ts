import { isSame } from "../../core/canonical";
import {
  absent,
  adviceAtCreation,
  asHeld,
  type Change,
  holdingAll,
  type Properties,
  type Reconciler,
  unfit,
} from "../../core/kind";
import { rowThing, sourceThing } from "../../core/registry";
import { InputError } from "../../http/errors";
import { isGuid } from "../../http/json";
import type { MailboxRow } from "../../services/dataverse";
import { listed } from "../../services/principals";
import {
  addressWarnings,
  claimsOfAddress,
  replacedByEnvironment,
  requireMailboxOfTenant,
  requireSameOrganization,
  shareFormer,
} from "../mailbox-record/claims";
import {
  forgetting,
  lookUp,
  recordOutputs,
  requireSuitableProfile,
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
  NO_COMMANDS,
} from "../mailbox-record/test-and-enable";
import { reassigned } from "../recipients";
import {
  type Desired,
  type Existing,
  type ForwardingInputs,
  type ForwardingOperation,
  type KnownForwarding,
  type Memory,
  memory,
  noteSources,
  type Observed,
  type ObservedSource,
  pathOf,
  profileWanted,
  properties,
  SOURCE,
  schema,
  valuesFor,
} from "./desired";
import {
  create,
  driftOf,
  find,
  hasShownCopies,
  makeRecord,
  observeRecord,
  observeRemains,
  remove,
  ruleDriftOf,
  takeOver,
  targetIn,
  whoIsAbsent,
} from "./observation";
import {
  claimsOfSources,
  declareKnown,
  holdsRecords,
  queueRecordAppears,
  recordRecords,
  recordsToSet,
  requireOwnMethod,
  setRecords,
  withMethodsElsewhere,
} from "./records";
import {
  type Feeding,
  feedingMailboxes,
  lookUpSources,
  placeRule,
  recordRules,
  releaseSource,
  removeCopies,
  tellLeftOver,
  warnAbout,
} from "./sources";

/** What follows from an address that is a person's. */
const OF_PERSON =
  "Dynamics takes in all of that person's mail, private mail included, and deletes it there where deleteAfterProcessing is true. " +
  "Use a shared mailbox of its own.";

/**
 * A Dynamics 365 forward mailbox: its record through the Dataverse Web API, the inbox rules that feed it through
 * Graph or Exchange. It does not touch the collecting mailbox itself, nor other rules of the sources.
 */
export const forwardingMailbox: Reconciler<ForwardingInputs, Memory, Desired, Observed, Existing> = {
  kind: "ForwardingMailbox",
  schema,
  memory,
  keyed: { sources: SOURCE },

  byDefault: commandsByDefault,
  leftAlone: NO_COMMANDS,

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
  beside: (inputs, origin, registry) => noteSources(inputs, origin, registry),

  advise(inputs, olds) {
    return [
      ...(inputs.deleteAfterProcessing !== true && (olds === undefined || olds.deleteAfterProcessing === true)
        ? ["deleteAfterProcessing is not true: the collecting mailbox fills up, since nothing is deleted from it."]
        : []),
      ...adviceOnMove(inputs, olds),
      ...adviceAtCreation(["adopt"], "forward mailbox", inputs, olds),
    ];
  },

  replaces: replacedByEnvironment,
  refersTo: ({ memory: { sourceIds = {} } }) => sourceIds,
  share: ({ memory }, _origin, registry) => shareFormer(memory.formerMethods, registry),

  declare(known, inputs, origin, registry) {
    registry.declare(rowThing(known.id ?? ""), origin);
    const { sourceIds: ids = {} } = known.memory;
    const keys = Object.keys(inputs.sources ?? {});
    declareKnown(known, keys, origin, registry);
    shareFormer(known.memory.formerMethods, registry);
    if (isUnchanged(known, inputs)) {
      registry.settle(origin);
    }
    for (const key of keys) {
      if (ids[key] !== undefined) {
        registry.declare(sourceThing(ids[key], String(inputs.emailAddress)), origin);
      }
    }
  },

  async resolve(inputs, operation) {
    const why = "a forward mailbox needs a real, dedicated mailbox of the tenant";
    await requireMailboxOfTenant(inputs.emailAddress, { why, effect: OF_PERSON }, operation);
    const found = await lookUp(inputs, operation);
    const sources = await lookUpSources(inputs, operation);
    const loops = noteSources(inputs, operation.origin, operation.registry, sources);
    if (loops.length > 0) {
      throw new InputError(loops);
    }
    await Promise.all([...sources.values()].map((source) => queueRecordAppears(source, operation)));
    return { ...found, sources };
  },

  find,
  takeOver,
  create,

  async observe(id, desired, operation) {
    await requireSameOrganization(`reading the forward mailbox ${targetIn(operation.known).name}`, operation);
    const row = await operation.services.dataverse.mailbox(id, operation);
    return row === undefined ? observeRemains(id, desired, operation) : observeRecord(id, row, desired, operation);
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
    const known: KnownForwarding = {
      id: undefined,
      inputs: holdingAll(properties.names),
      memory: operation.known.memory,
    };
    const [observed, feeding] = await Promise.all([
      observeRecord(row.id, row, undefined, {
        ...operation,
        known: { ...known, inputs: { ...known.inputs, ...targetOf(row) } },
      }),
      feedingMailboxes(row, operation),
    ]);
    const inputs = await this.inputs(known, observed);
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

  async finish(desired, previous, observed, operation) {
    for (const source of observed.sources.values()) {
      operation.registry.declare(sourceThing(source.recipient.id, desired.inputs.emailAddress), operation.origin);
    }
    requireOwnMethod(observed.sources, desired.inputs, operation);
    recordRecords(observed.sources, desired.inputs, previous, operation);
    recordRules(observed.sources, desired.inputs, operation);
    operation.registry.settle(operation.origin);
    tellLeftOver(observed.sources, desired.inputs, operation);
    const { row } = observed;
    return row === undefined ? observed : { ...observed, row: await giveCommands(desired.inputs, row, operation) };
  },

  outputs(desired, { row, organizationId, sources: seen, absent, methodsElsewhere }, known) {
    const { sourceRecords, sourceRules, created, formerMethods } = known.memory;
    // What was released, or is written in another way now, is no source any more.
    const declared = (desired === undefined ? known.inputs : desired.inputs).sources ?? {};
    const { absentSources = {} } = known.memory;
    // Back with its rule: a refresh shows it among the sources, so that the preview shows the removal.
    const isBack = (key: string) => desired === undefined && key in absentSources;
    const sources = [...seen].filter(([key]) => key in declared || isBack(key));
    const unread = [...seen].filter(([key, { isUnread }]) => key in absentSources && isUnread === true);
    const away = { ...absent, ...Object.fromEntries(unread.map(([key, { recipient }]) => [key, recipient.id])) };
    const isRemembered = (key: string) => key in declared || key in away || isBack(key);
    return {
      ...(row === undefined ? { emailApproval: undefined, serverProfileId: undefined } : recordOutputs(row)),
      gone: row === undefined ? targetIn(known) : undefined,
      ownerId: row?.ownerId,
      sourceRules: Object.fromEntries(
        sources.flatMap(([key, { rule, isUnread }]) => {
          const id = isUnread === true ? sourceRules?.[key] : rule?.id;
          return id === undefined ? [] : [[key, id]];
        }),
      ),
      sourceIds: Object.fromEntries(sources.map(([key, { recipient }]) => [key, recipient.id])),
      sourceRecords:
        sourceRecords && Object.fromEntries(Object.entries(sourceRecords).filter(([key]) => isRemembered(key))),
      absentSources: Object.keys(away).length === 0 ? undefined : away,
      organizationId,
      created,
      formerMethods: desired === undefined ? withMethodsElsewhere(formerMethods, methodsElsewhere) : formerMethods,
      ...commandsRemembered(row, desired === undefined, known),
    };
  },

  inputs(known, { row, sources, profile, owner }) {
    const declared = Object.fromEntries(
      [...sources].flatMap(([key, source]) =>
        source.rule === undefined && !isAsHeld(key, source, known) && !holdsRecords(source, known)
          ? []
          : [[key, driftOf(source) === undefined ? {} : { drift: driftOf(source) }]],
      ),
    );
    if (row === undefined) {
      // None of its values is there when it is gone.
      return asHeld(known.inputs, { ...properties.everything, sources: declared });
    }
    const read = { ...properties.inputs({ row, known, profile, owner }, known.inputs), sources: declared };
    return { ...asHeld(known.inputs, read), ...commandsAsObserved(row, known) };
  },

  warnings: async (desired, { row, sources, absent }, operation) => [
    ...(row === undefined ? whenGone(operation.known, sources) : whenInactive(row)),
    ...(desired === undefined ? await addressWarnings(row?.emailAddress, OF_PERSON, operation) : []),
    ...whoIsAbsent(absent),
    ...(await reassigned(
      [...sources].map(([key, { recipient }]) => [key, recipient] as const),
      pathOf,
      operation,
    )),
  ],

  remove,
};

/** Whether a source whose rules could not be read is one of the state's. */
function isAsHeld(key: string, { isUnread }: ObservedSource, { inputs: { sources } }: KnownForwarding): boolean {
  return isUnread === true && key in (sources ?? {});
}

/** Whether a program declares what the state has: then nothing is looked for in this deployment. */
function isUnchanged({ inputs: held }: KnownForwarding, inputs: Properties): boolean {
  const declared = (from: Properties) => Object.keys(schema.shape).map((property) => from[property] ?? null);
  return isSame(declared(held), declared(inputs));
}

function targetOf({ name, emailAddress }: MailboxRow): Pick<ForwardingInputs, "name" | "emailAddress"> {
  return { name, emailAddress };
}

/** Says that a record was deleted by hand, what it left behind, and what comes next. */
function whenGone(known: KnownForwarding, sources: ReadonlyMap<string, unknown>): string[] {
  const { name, emailAddress } = targetIn(known);
  return [
    `The forward mailbox ${name} (${emailAddress}) was deleted in Dynamics. Its inbox rules and the Forward Mailbox setting of its ` +
      `sources (${[...sources.keys()].join(", ")}) may still be there, and what they forward is not processed. \`pulumi up\` makes the record ` +
      "again; taking the resource out of the program, or `pulumi destroy`, removes the rules and puts the sources back.",
  ];
}

function difference(desired: Desired, previous: KnownForwarding, observed: Observed, known: KnownForwarding): Change[] {
  const { inputs } = desired;
  const { row, sources, keptIds } = observed;
  const changes: Change[] =
    row === undefined
      ? [{ path: ["name"], from: undefined, to: inputs.name }]
      : properties.differing(valuesFor(desired, previous), { row, known });
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
      (isHeld(previous, key) || key in (previous.memory.absentSources ?? {})) &&
      !ids.has(source.recipient.id) &&
      !keptIds.has(source.recipient.id) &&
      (source.rule !== undefined || holdsRecords(source, known))
    ) {
      changes.push({ path: ["sources", key], from: "forward as attachment", to: undefined });
    }
  }
  return changes;
}

function isHeld({ inputs: { sources } }: KnownForwarding, key: string): boolean {
  return sources?.[key] !== undefined;
}

async function apply(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: ForwardingOperation,
): Promise<undefined> {
  const { inputs } = desired;
  const { row, sources } = observed;
  const ofRecord = properties.own(changes);
  requireOwnMethod(sources, inputs, operation);
  if (row === undefined) {
    operation.progress(`making the forward mailbox ${inputs.name} again, which somebody deleted in Dynamics`);
    operation.record({ memory: forgetting(properties.names) });
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
  return undefined;
}

/** Makes the changes of the record itself. */
async function changeRecord(
  ofRecord: readonly Change[],
  row: MailboxRow,
  desired: Desired,
  { profile }: Observed,
  operation: ForwardingOperation,
): Promise<void> {
  const { inputs } = desired;
  const who = `the forward mailbox ${row.name}`;
  if (ofRecord.length > 0) {
    const values = valuesFor(desired, operation.known);
    const wanted = profileWanted(desired, { profile });
    requireSuitableProfile(values, wanted);
    if (ofRecord.some(({ path: [property] }) => property === "serverProfile" || property === "credentials")) {
      warnWithoutCredentials(Boolean(inputs.credentials), wanted, operation);
    }
    await writeRecord(properties, ofRecord, values, inputs, row, who, operation);
  }
}
