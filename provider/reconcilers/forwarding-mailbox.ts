import { InputError } from "../http/errors";
import type { MailboxRow } from "../services/dataverse";
import { sameText } from "../services/mailboxes";
import {
  type Desired,
  type ForwardingInputs,
  type Observed,
  type ObservedSource,
  SOURCE,
  schema,
} from "./forwarding-mailbox/desired";
import {
  declareKnown,
  declareMethod,
  holdsRecords,
  learnFormer,
  noteRecords,
  recordsOfLost,
  recordsToSet,
  releaseRecords,
  requireOwnMethod,
  setRecords,
  shareFormer,
} from "./forwarding-mailbox/records";
import {
  lookUpSources,
  noteRules,
  observeSource,
  placeRule,
  releaseSource,
  warnAbout,
} from "./forwarding-mailbox/sources";
import { knownRecipients } from "./known-recipients";
import { mailboxOfTenant } from "./mailbox-record/address";
import { adopted, isKept, tellOverwritten, whyKept } from "./mailbox-record/adoption";
import { adviceOnMove, approve } from "./mailbox-record/approval";
import { isElsewhere, requireSameOrganization } from "./mailbox-record/organization";
import { COMMANDS, credentialsAsDeclared, recordOutputs, remembered } from "./mailbox-record/outputs";
import { declaredOwner, ownerAsDeclared } from "./mailbox-record/owner";
import { createRow, deleteRow, managed } from "./mailbox-record/rows";
import {
  declaredServerProfile,
  defaultServerProfile,
  requireSuitableProfile,
  serverProfileOf,
  warnWithoutCredentials,
} from "./mailbox-record/server-profile";
import { test } from "./mailbox-record/test-and-enable";
import {
  columnsOf,
  isOfRecord,
  type RecordValues,
  recordDifference,
  unproven,
  writeRecord,
} from "./mailbox-record/values";
import { guidFor } from "./origin";
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
    const { state } = operation;
    if (state.emailAddress !== inputs.emailAddress) {
      await mailboxOfTenant(
        inputs.emailAddress,
        "emailAddress",
        "a forward mailbox needs a real, dedicated mailbox of the tenant",
        operation,
      );
    }
    return {
      inputs,
      profile: await declaredServerProfile(inputs.serverProfile, operation),
      owner: await declaredOwner(inputs.owner, operation),
      sources: await lookUpSources(inputs, operation),
    };
  },

  async find(desired, operation) {
    const { state, services } = operation;
    const { inputs } = desired;
    if (inputs.credentials !== undefined) {
      state.credentials = unproven(inputs.credentials);
    }
    const own = await services.dataverse.mailbox(rowIdOf(desired, operation), operation);
    if (own !== undefined && !isAnother(inputs.adopt, own)) {
      operation.progress("continuing with the record that an earlier deployment of this resource created");
      Object.assign(state, { id: own.id, created: true });
      return around(own, desired, operation);
    }
    const namesakes = await services.dataverse.mailboxesWithAddress(inputs.emailAddress, operation);
    const row = await adopted(
      inputs.adopt,
      namesakes.filter(({ isForwardMailbox }) => isForwardMailbox),
      async (id) => {
        const found = await services.dataverse.mailbox(id, operation);
        return found?.isForwardMailbox === true ? found : undefined;
      },
      "forward mailboxes",
    );
    const others = namesakes.filter(({ id }) => row === undefined || !sameText(id, row.id));
    if (others.length > 0) {
      const forward = others.some(({ isForwardMailbox }) => isForwardMailbox);
      operation.warn(
        `emailAddress ${inputs.emailAddress} has another mailbox record already (${others.map(({ name }) => name).join(", ")}); ` +
          `a forward mailbox should be dedicated to collecting.${forward ? " adopt: true takes an existing forward mailbox over." : ""}`,
      );
    }
    if (row === undefined) {
      return undefined;
    }
    if (operation.registry.isDeclaredByAnother(rowThing(row.id), operation.origin)) {
      const reason = `another resource of this deployment manages the forward mailbox ${row.name} already; declare it once`;
      throw new InputError([{ path: "adopt", reason }]);
    }
    operation.registry.declare(rowThing(row.id), operation.origin);
    const found = { ...(await around(row, desired, operation)), isAdopted: true as const };
    // Refused before the record becomes this resource's: nothing is written then.
    requireSuitableProfile(valuesFor(desired, {}), desired.profile ?? found.profile);
    requireOwnMethod(found.sources, inputs, operation);
    return found;
  },

  async ensure(desired, operation) {
    const { dataverse } = operation.services;
    const { inputs } = desired;
    const guid = rowIdOf(desired, operation);
    const profile = desired.profile ?? (await defaultServerProfile(operation));
    const values = birthValues(desired, profile?.id);
    requireSuitableProfile(values, profile);
    warnWithoutCredentials(inputs.credentials !== undefined, profile, operation);
    // What is wrong with a source is said before there is a record.
    const seen = await sourcesOf(inputs, desired, operation);
    requireOwnMethod(seen.sources, inputs, operation);
    const action = `creating the forward mailbox ${inputs.name}`;
    const row = await createRow(
      {
        action,
        what: "Dynamics to show the new record",
        send: async () => {
          await dataverse.createMailbox(guid, columnsOf(values), action, operation);
          Object.assign(operation.state, {
            id: guid,
            created: true,
            ...(inputs.credentials === undefined ? {} : { credentials: inputs.credentials }),
            ...(inputs.owner === undefined ? {} : { ownerId: desired.owner?.id }),
            ...(inputs.serverProfile === undefined ? {} : { serverProfileId: profile?.id }),
          });
        },
        look: () => dataverse.mailbox(guid, operation),
      },
      operation,
    );
    return around(row, desired, operation, seen);
  },

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

  outputs(desired, { row, organizationId, sources: seen }, { state }) {
    // What was released, or is written in another way now, is no source any more.
    const declared = desired?.inputs.sources ?? (desired === undefined ? (state.sources as object | null) : {}) ?? {};
    const sources = [...seen].filter(([key]) => key in declared);
    return {
      ...recordOutputs(row),
      ownerId: row.ownerId,
      sourceRules: Object.fromEntries(
        sources.flatMap(([key, { rule }]) => (rule === undefined ? [] : [[key, rule.id]])),
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
          source.rule === undefined && !holdsRecords(source, state)
            ? []
            : [[key, driftOf(source) === undefined ? {} : { drift: driftOf(source) }]],
        ),
      ),
    };
    return { ...state, ...Object.fromEntries(Object.entries(read).filter(([key]) => key in state)) };
  },

  async remove(id, operation) {
    await requireSameOrganization(`deleting the forward mailbox ${operation.state.name}`, operation);
    // The rules go even if somebody deleted the record: mail would be forwarded for ever.
    const { sources, keptIds } = await sourcesOf(operation.state as Target, undefined, operation);
    for (const [key, source] of sources) {
      if (!keptIds.has(source.recipient.id)) {
        await releaseSource(key, source, operation);
      }
    }
    await releaseLost(sources, operation);
    const { state, services, registry, origin } = operation;
    const { dataverse } = services;
    if (isKept(state) || registry.isDeclaredByAnother(rowThing(id), origin)) {
      const why = isKept(state) ? whyKept(state) : "another resource of this deployment declares it";
      operation.warn(`The forward mailbox ${state.name} stays in Dynamics: ${why}.`);
      return;
    }
    const row = await dataverse.mailbox(id, operation);
    if (row === undefined) {
      return;
    }
    const action = `deleting the forward mailbox ${row.name}`;
    await deleteRow(
      {
        action,
        what: "the record of the forward mailbox to be gone",
        send: () => dataverse.deleteMailbox(row, action, operation),
        look: () => dataverse.mailbox(id, operation),
      },
      operation,
    );
  },
};

/** What the rules of the sources are named after and forward to. */
type Target = Pick<ForwardingInputs, "name" | "emailAddress">;

/**
 * The id a new record gets. The address is in it, because a resource that was renamed keeps its origin, and a new one under its
 * old name has the same.
 */
function rowIdOf({ inputs }: Desired, { origin }: Operation): string {
  return guidFor(origin, inputs.emailAddress);
}

/** The members of a map with these keys; undefined where there is no map. */
function only(map: unknown, keys: readonly string[]): Properties | undefined {
  return map === undefined
    ? undefined
    : Object.fromEntries(Object.entries(map as Properties).filter(([key]) => keys.includes(key)));
}

/** Whether the program names a record to take over that is not this one. */
function isAnother(adopt: boolean | string | undefined, { id }: MailboxRow): boolean {
  return typeof adopt === "string" && !sameText(adopt, id);
}

/** The record and everything around it: who feeds it, and by what. */
async function around(
  row: MailboxRow,
  desired: Desired | undefined,
  operation: Operation,
  seen?: Pick<Observed, "sources" | "keptIds">,
): Promise<Observed> {
  const { dataverse } = operation.services;
  const target = desired?.inputs ?? (operation.state as Target);
  const [organizationId, profile, sources] = await Promise.all([
    dataverse.organizationId(operation),
    serverProfileOf(row, operation),
    seen ?? sourcesOf(target, desired, operation),
  ]);
  return { row, organizationId, profile, ...sources };
}

/** The sources that the state knows or the program declares, as far as the tenant still has them. */
async function sourcesOf(
  target: Target,
  desired: Desired | undefined,
  operation: Operation,
): Promise<Pick<Observed, "sources" | "keptIds">> {
  const { state, registry, origin } = operation;
  const recipients = new Map([
    ...(await knownRecipients(state.sourceIds, state.sources, operation)),
    ...(desired?.sources ?? []),
  ]);
  const sources = await Promise.all(
    [...recipients].map(
      async ([key, recipient]) => [key, await observeSource(key, recipient, target, operation)] as const,
    ),
  );
  for (const [key, source] of sources) {
    if (desired?.sources.has(key) === true) {
      declareMethod(source, operation);
    }
  }
  const keptIds = [...recipients.values()]
    .map(({ id }) => id)
    .filter((id) => registry.isDeclaredByAnother(sourceThing(id, target.emailAddress), origin));
  return { sources: new Map(sources), keptIds: new Set(keptIds) };
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

/** The record as declared. What was declared and is not any more goes back to the default; the rest stays as it is. */
function valuesFor({ inputs, profile, owner }: Desired, previous: Properties): RecordValues {
  const whenManaged = <Value>(property: keyof ForwardingInputs, byDefault: Value) =>
    managed(property, inputs, previous, byDefault);
  return {
    name: inputs.name,
    emailAddress: inputs.emailAddress,
    owner,
    serverProfile: profile?.id,
    deleteAfterProcessing: whenManaged("deleteAfterProcessing", false),
    incomingEmail: whenManaged("incomingEmail", "ServerSideSynchronization" as const),
    outgoingEmail: whenManaged("outgoingEmail", "None" as const),
    appointmentsContactsTasks: whenManaged("appointmentsContactsTasks", "None" as const),
    // A refresh that found none used leaves null behind, and others may still be stored.
    credentials: inputs.credentials ?? ("credentials" in previous ? null : undefined),
  };
}

/** All of a new record: also what is not declared is written, because what Dynamics fills in depends on the organisation. */
function birthValues({ inputs, owner }: Desired, serverProfile: string | undefined): RecordValues {
  return {
    name: inputs.name,
    emailAddress: inputs.emailAddress,
    owner,
    serverProfile,
    deleteAfterProcessing: inputs.deleteAfterProcessing ?? false,
    incomingEmail: inputs.incomingEmail ?? "ServerSideSynchronization",
    outgoingEmail: "None",
    appointmentsContactsTasks: "None",
    credentials: inputs.credentials,
  };
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

/**
 * Lets go of sources that Exchange does not show any more, by the ids that are known: the mailbox may be there all the same, and would
 * forward for ever.
 */
async function releaseLost(shown: ReadonlyMap<string, unknown>, operation: Operation): Promise<void> {
  const { state, services, registry, origin } = operation;
  const rules = (state.sourceRules ?? {}) as Record<string, string>;
  for (const [key, id] of Object.entries((state.sourceIds ?? {}) as Record<string, string>)) {
    const isLost =
      !shown.has(key) && !registry.isDeclaredByAnother(sourceThing(id, String(state.emailAddress)), origin);
    const ruleId = rules[key];
    if (isLost && ruleId !== undefined) {
      await services.inboxRules.deleteById(id, ruleId, `removing the inbox rule of ${key}`, operation);
    }
    if (isLost) {
      await releaseRecords(key, await recordsOfLost(key, operation), false, operation);
    }
  }
}

/** What is not as it should be at a source, in words; undefined when all is. */
function driftOf(source: ObservedSource): string | undefined {
  const methods = recordsToSet(source).map(({ name, incoming }) => `incoming e-mail of ${name} is ${incoming}`);
  const drift = [
    ...(source.rule === undefined ? ["there is no rule"] : []),
    ...(source.damage === undefined ? [] : [source.damage]),
    ...methods,
  ];
  return drift.length === 0 ? undefined : drift.join("; ");
}
