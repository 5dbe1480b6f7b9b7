import { asHeld } from "./as-held";
import { ensure, find } from "./forwarding-mailbox/creation";
import { remove } from "./forwarding-mailbox/deletion";
import {
  type Desired,
  type ForwardingInputs,
  type Observed,
  type ObservedSource,
  SOURCE,
  schema,
} from "./forwarding-mailbox/desired";
import { around, driftOf } from "./forwarding-mailbox/observation";
import {
  declareKnown,
  holdsRecords,
  learnFormer,
  noteRecords,
  recordsToSet,
  requireOwnMethod,
  setRecords,
  shareFormer,
} from "./forwarding-mailbox/records";
import { lookUpSources, noteRules, placeRule, releaseSource, warnAbout } from "./forwarding-mailbox/sources";
import { valuesFor } from "./forwarding-mailbox/values";
import { requireMailboxOfTenant } from "./mailbox-record/address";
import { tellOverwritten } from "./mailbox-record/adoption";
import { adviceOnMove, approve } from "./mailbox-record/approval";
import { isElsewhere, requireSameOrganization } from "./mailbox-record/organization";
import { COMMANDS, credentialsAsDeclared, recordOutputs, remembered, tellInactive } from "./mailbox-record/outputs";
import { declaredOwner, ownerAsDeclared } from "./mailbox-record/owner";
import { declaredServerProfile, requireSuitableProfile, warnWithoutCredentials } from "./mailbox-record/server-profile";
import { test } from "./mailbox-record/test-and-enable";
import { isOfRecord, recordDifference, writeRecord } from "./mailbox-record/values";
import type { Change, Operation, Properties, Reconciler } from "./reconciler";
import { rowThing, sourceThing } from "./registry";

/**
 * A Dynamics 365 forward mailbox: its record through the Dataverse Web API, the inbox rules that feed it through
 * Graph or Exchange. It does not touch the collecting mailbox itself, nor other rules of the sources.
 */
export const forwardingMailbox: Reconciler<ForwardingInputs, Desired, Observed> = {
  kind: "ForwardingMailbox",
  schema,
  keyed: { sources: SOURCE },

  check: ({ emailAddress, sources }) =>
    emailAddress !== undefined && sources?.[emailAddress] !== undefined
      ? [
          {
            path: `sources["${emailAddress}"]`,
            reason: "is the collecting mailbox itself; mail would go round in a loop",
          },
        ]
      : [],

  advise(inputs, olds) {
    return [
      ...(inputs.deleteAfterProcessing !== true && (olds === undefined || olds.deleteAfterProcessing === true)
        ? ["deleteAfterProcessing is not true: the collecting mailbox fills up, since nothing is deleted from it."]
        : []),
      ...adviceOnMove(inputs, olds),
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
    for (const key of keys) {
      if (ids[key] !== undefined) {
        registry.declare(sourceThing(ids[key], String(inputs.emailAddress)), origin);
      }
    }
  },

  async resolve(inputs, operation) {
    const why = "a forward mailbox needs a real, dedicated mailbox of the tenant";
    await requireMailboxOfTenant(inputs.emailAddress, why, operation);
    return {
      inputs,
      profile: await declaredServerProfile(inputs.serverProfile, operation),
      owner: await declaredOwner(inputs.owner, operation),
      sources: await lookUpSources(inputs, operation),
    };
  },

  find,
  ensure,

  async observe(id, desired, operation) {
    shareFormer(operation.state, operation.registry);
    await requireSameOrganization(`reading the forward mailbox ${operation.state.name}`, operation);
    const row = await operation.services.dataverse.mailbox(id, operation);
    return row === undefined ? undefined : around(row, desired, operation);
  },

  id: ({ row }) => row.id,
  difference,
  apply,

  async finish(desired, _previous, observed, operation) {
    for (const source of observed.sources.values()) {
      operation.registry.declare(sourceThing(source.recipient.id, desired.inputs.emailAddress), operation.origin);
    }
    requireOwnMethod(observed.sources, desired.inputs, operation);
    noteRecords(observed.sources, desired.inputs, operation);
    noteRules(observed.sources, desired.inputs, operation);
    const { approveEmail, testAndEnable } = desired.inputs;
    const row = await test(testAndEnable, await approve(approveEmail, observed.row, operation), operation);
    return { ...observed, row };
  },

  outputs(desired, { row, organizationId, sources: seen }, operation) {
    const { state } = operation;
    tellInactive(row, operation);
    // What was released, or is written in another way now, is no source any more.
    const declared = desired?.inputs.sources ?? (desired === undefined ? (state.sources as object | null) : {}) ?? {};
    const sources = [...seen].filter(([key]) => key in declared);
    return {
      ...recordOutputs(row),
      ownerId: row.ownerId,
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
    const isSameProfile = row.serverProfileId === state.serverProfileId;
    const read: Properties = {
      name: row.name,
      emailAddress: row.emailAddress,
      serverProfile: isSameProfile ? state.serverProfile : profile?.name,
      deleteAfterProcessing: row.deleteAfterProcessing,
      incomingEmail: row.incoming,
      outgoingEmail: row.outgoing,
      appointmentsContactsTasks: row.appointmentsContactsTasks,
      credentials: credentialsAsDeclared(row, state),
      ...("owner" in state ? { owner: await ownerAsDeclared(row.ownerId, operation) } : {}),
      sources: Object.fromEntries(
        [...sources].flatMap(([key, source]) =>
          source.rule === undefined && !isAsHeld(key, source, state) && !holdsRecords(source, state)
            ? []
            : [[key, driftOf(source) === undefined ? {} : { drift: driftOf(source) }]],
        ),
      ),
    };
    return asHeld(state, read);
  },

  remove,
};

/** Whether a source whose rules could not be read is one of the state's. */
function isAsHeld(key: string, { isUnread }: ObservedSource, state: Properties): boolean {
  return isUnread === true && key in ((state.sources ?? {}) as object);
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
  const changes = recordDifference(valuesFor(desired, previous), row, state);
  const ids = new Set([...desired.sources.values()].map(({ id }) => id));
  for (const [key, source] of sources) {
    if (inputs.sources?.[key] !== undefined) {
      if (source.rule === undefined || source.damage !== undefined) {
        changes.push({ path: ["sources", key, "rule"], from: source.damage, to: "forward as attachment" });
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
  const { row, sources, isAdopted } = observed;
  const who = `the forward mailbox ${row.name}`;
  const ofRecord = changes.filter(isOfRecord);
  requireOwnMethod(sources, inputs, operation);
  if (isAdopted === true) {
    const owner = [await ownerAsDeclared(row.ownerId, operation), inputs.owner] as const;
    const serverProfile = [observed.profile?.name, desired.profile?.name] as const;
    tellOverwritten(ofRecord, who, operation, { owner, serverProfile });
    operation.state.id = row.id;
  }
  if (ofRecord.length > 0) {
    const values = valuesFor(desired, operation.state);
    requireSuitableProfile(values, desired.profile ?? observed.profile);
    if (ofRecord.some(({ path: [property] }) => property === "serverProfile" || property === "credentials")) {
      warnWithoutCredentials(inputs.credentials !== undefined, desired.profile ?? observed.profile, operation);
    }
    await writeRecord(ofRecord, values, inputs, row, who, operation);
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
    } else {
      await setRecords(key, source, operation);
    }
  }
}
