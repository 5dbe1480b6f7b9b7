import { ConflictError, InputError, isUnknownOutcome, ProviderError } from "../http/errors";
import { type DataverseRow, incomingMethods, type MailboxRow } from "../services/dataverse";
import { describe } from "../services/recipients";
import { settle } from "../services/waiting";
import { approve, test } from "./forwarding-mailbox/approval";
import {
  type Desired,
  type ForwardingInputs,
  type Observed,
  type ObservedSource,
  SOURCE,
  schema,
} from "./forwarding-mailbox/desired";
import {
  lookUpSources,
  observeSource,
  placeRule,
  recordsToSet,
  releaseSource,
  setRecords,
  warnAbout,
} from "./forwarding-mailbox/sources";
import { knownRecipients } from "./known-recipients";
import { guidFor } from "./origin";
import { recipientNamed } from "./recipient-named";
import type { Change, Operation, Properties, Reconciler } from "./reconciler";
import { sourceThing } from "./registry";
import { written } from "./written";

/**
 * A Dynamics 365 forward mailbox: its record through the Dataverse Web API, the inbox rules that feed it through Graph. It
 * does not touch the collecting mailbox itself, nor other rules of the sources.
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

  advise({ deleteAfterProcessing, emailAddress, approveEmail }, olds) {
    const isMoved =
      olds?.emailAddress !== undefined && emailAddress !== undefined && olds.emailAddress !== emailAddress;
    return [
      ...(deleteAfterProcessing !== true && (olds === undefined || olds.deleteAfterProcessing === true)
        ? ["deleteAfterProcessing is not true: the collecting mailbox fills up, since nothing is deleted from it."]
        : []),
      ...(isMoved && approveEmail !== false
        ? ["emailAddress is new, which drops the approval and needs a new test."]
        : []),
    ];
  },

  replaces: () => [],
  respelled: () => [],
  refersTo: ({ sourceIds }) => (sourceIds ?? {}) as Record<string, string>,

  declare(state, inputs, origin, registry) {
    const ids = (state.sourceIds ?? {}) as Record<string, string>;
    for (const key of Object.keys((inputs.sources ?? {}) as object)) {
      if (ids[key] !== undefined) {
        registry.declare(sourceThing(ids[key], String(inputs.emailAddress)), origin);
      }
    }
  },

  async resolve(inputs, operation) {
    const { state } = operation;
    if (state.emailAddress !== inputs.emailAddress) {
      const recipient = await recipientNamed(inputs.emailAddress, "emailAddress", operation);
      if (!recipient.recipientTypeDetails.endsWith("Mailbox") || recipient.recipientTypeDetails === "GroupMailbox") {
        throw new InputError([
          {
            path: "emailAddress",
            reason: `is ${describe(recipient)}; a forward mailbox needs a real, dedicated mailbox`,
          },
        ]);
      }
    }
    return {
      inputs,
      serverProfileId: await serverProfileId(inputs, operation),
      sources: await lookUpSources(inputs, operation),
    };
  },

  async find(desired, operation) {
    const row = await operation.services.dataverse.mailbox(rowIdOf(desired, operation), operation);
    if (row !== undefined) {
      operation.progress("continuing with the record that an earlier deployment of this resource created");
      operation.state.id = row.id;
    }
    return row === undefined ? undefined : around(row, desired, operation);
  },

  async ensure(desired, operation) {
    const { dataverse } = operation.services;
    const { inputs } = desired;
    const guid = rowIdOf(desired, operation);
    const namesakes = await dataverse.mailboxesWithAddress(inputs.emailAddress, operation);
    if (namesakes.length > 0) {
      operation.warn(
        `emailAddress ${inputs.emailAddress} has another mailbox record already (${namesakes.map(({ name }) => name).join(", ")}); ` +
          "a forward mailbox should be dedicated to collecting.",
      );
    }
    const action = `creating the forward mailbox ${inputs.name}`;
    for (let attempt = 1; ; attempt += 1) {
      try {
        await dataverse.createMailbox(guid, columnsOf(desired), action, operation);
        break;
      } catch (error) {
        // Guarded by its own id: sent again it finds the row that a lost answer left behind.
        if (!isUnknownOutcome(error) || attempt === 3) {
          throw error;
        }
      }
    }
    operation.state.id = guid;
    const row = await settle(
      {
        what: "Dynamics to show the new record",
        look: () => dataverse.mailbox(guid, operation),
        done: (seen) => seen !== undefined,
      },
      operation,
    );
    if (row === undefined) {
      throw new ProviderError({ action, words: "Dynamics shows no such record" });
    }
    return around(row, desired, operation);
  },

  async observe(id, desired, operation) {
    await requireSameOrganization(operation);
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
    const row = await test(desired, await approve(desired, observed.row, operation), operation);
    return { ...observed, row };
  },

  outputs(desired, { row, organizationId, sources: seen }, { state }) {
    // What was released, or is written in another way now, is no source any more.
    const declared = desired?.inputs.sources ?? (desired === undefined ? (state.sources as object | null) : {}) ?? {};
    const sources = [...seen].filter(([key]) => key in declared);
    return {
      isForwardMailbox: row.isForwardMailbox,
      ...(row.regarding === undefined ? {} : { regarding: row.regarding }),
      incomingEmailStatus: row.incomingStatus,
      outgoingEmailStatus: row.outgoingStatus,
      appointmentsContactsTasksStatus: row.appointmentsContactsTasksStatus,
      ...(row.testCompletedOn === undefined ? {} : { mailboxTestCompletedOn: row.testCompletedOn }),
      emailApproval: row.approval,
      serverProfileId: row.serverProfileId,
      sourceRules: Object.fromEntries(
        sources.flatMap(([key, { rule }]) => (rule === undefined ? [] : [[key, rule.id]])),
      ),
      sourceIds: Object.fromEntries(sources.map(([key, { recipient }]) => [key, recipient.id])),
      organizationId,
      // What the next deployment must know: commands already given, and what to put back.
      ...pick(state, ["formerMethods", "approvalTriedFor", "testedFor", "testTrigger"]),
    };
  },

  async inputs(state, { row, sources, serverProfileName }) {
    const isSameProfile = row.serverProfileId === state.serverProfileId;
    const read: Properties = {
      name: row.name,
      emailAddress: row.emailAddress,
      serverProfile: isSameProfile ? state.serverProfile : serverProfileName,
      deleteAfterProcessing: row.deleteAfterProcessing,
      incomingEmail: incomingMethods[row.incoming],
      sources: Object.fromEntries(
        [...sources].flatMap(([key, source]) =>
          source.rule === undefined ? [] : [[key, driftOf(source) === undefined ? {} : { drift: driftOf(source) }]],
        ),
      ),
    };
    return { ...state, ...Object.fromEntries(Object.entries(read).filter(([key]) => key in state)) };
  },

  async remove(id, operation) {
    await requireSameOrganization(operation);
    // The rules go even if somebody deleted the record: mail would be forwarded for ever.
    const { sources, keptIds } = await sourcesOf(operation.state as Target, undefined, operation);
    for (const [key, source] of sources) {
      if (!keptIds.has(source.recipient.id)) {
        await releaseSource(key, source, operation);
      }
    }
    await removeLostRules(sources, operation);
    const { dataverse } = operation.services;
    const row = await dataverse.mailbox(id, operation);
    if (row === undefined) {
      return;
    }
    const action = `deleting the forward mailbox ${row.name}`;
    try {
      await dataverse.deleteMailbox(row, action, operation);
    } catch (error) {
      if (!isUnknownOutcome(error)) {
        throw error;
      }
    }
    await settle(
      {
        what: "the record of the forward mailbox to be gone",
        look: () => dataverse.mailbox(id, operation),
        done: (seen) => seen === undefined,
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

/** The record and everything around it: who feeds it, and by what. */
async function around(row: MailboxRow, desired: Desired | undefined, operation: Operation): Promise<Observed> {
  const { dataverse } = operation.services;
  const target = desired?.inputs ?? (operation.state as Target);
  const [organizationId, profiles, sources] = await Promise.all([
    dataverse.organizationId(operation),
    row.serverProfileId === undefined ? [] : dataverse.serverProfiles(row.serverProfileId, operation),
    sourcesOf(target, desired, operation),
  ]);
  return { row, organizationId, serverProfileName: profiles[0]?.name, ...sources };
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
  const keptIds = [...recipients.values()]
    .map(({ id }) => id)
    .filter((id) => registry.isDeclaredByAnother(sourceThing(id, target.emailAddress), origin));
  return { sources: new Map(sources), keptIds: new Set(keptIds) };
}

function difference(desired: Desired, previous: Properties, observed: Observed): Change[] {
  const { inputs } = desired;
  const { row, sources, keptIds } = observed;
  const wanted = rowAsDesired(desired, previous, row);
  const changes: Change[] = Object.entries(wanted)
    .map(([property, [from, to]]) => ({ path: [property], from, to }))
    .filter(({ from, to }) => from !== to);
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
      source.rule !== undefined
    ) {
      changes.push({ path: ["sources", key], from: "forward as attachment", to: undefined });
    }
  }
  return changes;
}

function isHeld(previous: Properties, key: string): boolean {
  return ((previous.sources ?? {}) as Properties)[key] !== undefined;
}

/** Of the row's own properties what is there and what should be; undeclared ones stay as they are. */
function rowAsDesired({ inputs, serverProfileId: profile }: Desired, previous: Properties, row: MailboxRow) {
  const isManaged = (property: keyof ForwardingInputs) =>
    inputs[property] !== undefined || (previous[property] !== undefined && previous[property] !== null);
  const method = incomingMethods.indexOf(inputs.incomingEmail ?? "ServerSideSynchronization");
  return {
    name: [row.name, inputs.name],
    emailAddress: [row.emailAddress, inputs.emailAddress],
    serverProfile: [row.serverProfileId, profile ?? row.serverProfileId],
    deleteAfterProcessing: [
      row.deleteAfterProcessing,
      isManaged("deleteAfterProcessing") ? (inputs.deleteAfterProcessing ?? false) : row.deleteAfterProcessing,
    ],
    incomingEmail: [row.incoming, isManaged("incomingEmail") ? method : row.incoming],
  } satisfies Record<string, [unknown, unknown]>;
}

async function apply(
  changes: readonly Change[],
  desired: Desired,
  observed: Observed,
  operation: Operation,
): Promise<void> {
  const { inputs } = desired;
  const { row, sources } = observed;
  const all = columnsOf(desired);
  const names: Record<string, string> = {
    name: "name",
    emailAddress: "emailaddress",
    serverProfile: "emailserverprofile@odata.bind",
    deleteAfterProcessing: "processanddeleteemails",
    incomingEmail: "incomingemaildeliverymethod",
  };
  const changed = changes.map(({ path }) => path[0] ?? "").filter((property) => property in names);
  if (changed.length > 0) {
    const columns = Object.fromEntries(changed.map((property) => [names[property], all[names[property] ?? ""]]));
    const action = `changing ${changed.join(", ")} of the forward mailbox ${row.name}`;
    await written(
      () => operation.services.dataverse.updateMailbox(row, columns, action, operation),
      () => {
        for (const property of changed) {
          operation.state[property] = inputs[property as keyof ForwardingInputs] ?? operation.state[property];
        }
      },
    );
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

/** All columns of the record as declared; a new row gets them all, an existing one those that changed. */
function columnsOf({ inputs, serverProfileId: profile }: Desired): DataverseRow {
  return {
    name: inputs.name,
    emailaddress: inputs.emailAddress,
    ...(profile === undefined ? {} : { "emailserverprofile@odata.bind": `/emailserverprofiles(${profile})` }),
    incomingemaildeliverymethod: incomingMethods.indexOf(inputs.incomingEmail ?? "ServerSideSynchronization"),
    outgoingemaildeliverymethod: 0,
    // None; the values of this column are in another order than those of the other two.
    actdeliverymethod: 2,
    processanddeleteemails: inputs.deleteAfterProcessing ?? false,
  };
}

/** The declared profile, or the default one where a default is to be set: on create, and when the property is removed. */
async function serverProfileId(inputs: ForwardingInputs, operation: Operation): Promise<string | undefined> {
  const { dataverse } = operation.services;
  const { state } = operation;
  if (inputs.serverProfile === undefined && state.id !== undefined && (state.serverProfile ?? null) === null) {
    return undefined;
  }
  const profiles = await dataverse.serverProfiles(inputs.serverProfile ?? BUILT_IN_PROFILE, operation);
  const [profile, second] = profiles;
  if (profile === undefined && inputs.serverProfile === undefined) {
    const id = await dataverse.defaultServerProfileId(operation);
    if (id === undefined) {
      operation.warn(
        "serverProfile is not declared and the organisation has no default one; mail is not processed without.",
      );
    }
    return id;
  }
  const reason =
    profile === undefined
      ? "no e-mail server profile has this name or id"
      : second !== undefined
        ? `${profiles.length} e-mail server profiles have this name; write the id`
        : profile.isActive
          ? undefined
          : `the e-mail server profile "${profile.name}" is inactive (0x8005E228); activate it or choose another`;
  if (reason !== undefined) {
    throw new InputError([{ path: "serverProfile", reason }]);
  }
  return profile?.id;
}

/**
 * Removes the rules of sources that Exchange does not show any more, by their ids: the mailbox may be there all the same, and
 * would forward for ever.
 */
async function removeLostRules(
  shown: ReadonlyMap<string, unknown>,
  { state, services, ...scope }: Operation,
): Promise<void> {
  const ids = (state.sourceIds ?? {}) as Record<string, string>;
  for (const [key, ruleId] of Object.entries((state.sourceRules ?? {}) as Record<string, string>)) {
    const id = ids[key];
    if (id !== undefined && !shown.has(key)) {
      await services.graph.deleteInboxRule(id, ruleId, `removing the inbox rule of ${key}`, scope);
    }
  }
}

/** The profile that every organisation in the same tenant as its Exchange Online has (Microsoft's page on connecting them). */
const BUILT_IN_PROFILE = "Microsoft Exchange Online";

async function requireSameOrganization({ state, services, ...operation }: Operation): Promise<void> {
  const configured = await services.dataverse.organizationId(operation);
  if (state.organizationId !== undefined && state.organizationId !== configured) {
    throw new ConflictError({
      action: `reading the forward mailbox ${state.name}`,
      words: `it is in the Dataverse organisation ${state.organizationId}, but mailboxes:environmentUrl leads to ${configured}`,
      nextStep: "Nothing was read or changed. Configure the environment that the stack was deployed to.",
    });
  }
}

/** What is not as it should be at a source, in words; undefined when all is. */
function driftOf(source: ObservedSource): string | undefined {
  const methods = recordsToSet(source).map(
    ({ name, incoming }) => `incoming e-mail of ${name} is ${incomingMethods[incoming]}`,
  );
  const drift = [...(source.damage === undefined ? [] : [source.damage]), ...methods];
  return drift.length === 0 ? undefined : drift.join("; ");
}

function pick(state: Properties, names: string[]): Properties {
  return Object.fromEntries(names.filter((name) => state[name] !== undefined).map((name) => [name, state[name]]));
}
