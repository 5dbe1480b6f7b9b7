import { guidFor } from "../../core/origin";
import { sourceThing } from "../../core/registry";
import type { MailboxRow } from "../../services/dataverse";
import { sameText } from "../../services/text";
import {
  isAnother,
  type RowKind,
  rowToAdopt,
  takeOn,
  tellOverwritten,
  wayOn,
  whyRowStays,
} from "../mailbox-record/adoption";
import { requireSameOrganization } from "../mailbox-record/claims";
import { unproven } from "../mailbox-record/properties";
import {
  defaultServerProfile,
  ownerAsDeclared,
  requireSuitableProfile,
  warnWithoutCredentials,
} from "../mailbox-record/references";
import { createRow, deleteRow } from "../mailbox-record/writes";
import {
  birthValues,
  type Desired,
  type ForwardingOperation,
  type Observed,
  profileWanted,
  properties,
  valuesFor,
} from "./desired";
import { observeAround, sourcesOf, type Target, targetIn } from "./observation";
import { recordsOfLost, releaseRecords, requireOwnMethod, tellForgotten } from "./records";
import { releaseSource } from "./sources";

/** What is there already: this resource's own earlier record, or the one it takes over. */
export async function find(desired: Desired, operation: ForwardingOperation): Promise<Observed | undefined> {
  const { services } = operation;
  const { inputs } = desired;
  const own = await services.dataverse.mailbox(rowIdOf(desired, operation), operation);
  if (own !== undefined && !isAnother(inputs.adopt, own)) {
    const seen = await observeAround(own, desired, operation);
    const fed = [...seen.sources].flatMap(([key, { rule }]) => (rule === undefined ? [] : [key]));
    const rules = fed.length === 0 ? [] : [`inbox rules of ${fed.join(", ")} feed it`];
    return { ...seen, way: wayOn({ what: "forward mailbox", row: own, record: own, use: [], rules }, inputs) };
  }
  const namesakes = await services.dataverse.mailboxesWithAddress(inputs.emailAddress, operation);
  const row = await rowToAdopt(
    inputs.adopt,
    namesakes.filter(({ isForwardMailbox }) => isForwardMailbox),
    async (id) => {
      const found = await services.dataverse.mailbox(id, operation);
      return found?.isForwardMailbox === true ? found : undefined;
    },
    FORWARD_MAILBOXES,
  );
  const others = namesakes.filter(({ id }) => row === undefined || !sameText(id, row.id));
  if (others.length > 0) {
    const forward = others.some(({ isForwardMailbox }) => isForwardMailbox);
    operation.warn(
      `emailAddress ${inputs.emailAddress} has another mailbox record already (${others.map(({ name }) => name).join(", ")}); ` +
        `a forward mailbox should be dedicated to collecting.${forward ? " adopt: true takes an existing forward mailbox over." : ""}`,
    );
  }
  return row === undefined ? undefined : { ...(await observeAround(row, desired, operation)), way: "adopt" };
}

/** Makes the record that was found this resource's. What cannot be is refused before. */
export async function takeOver(found: Observed, desired: Desired, operation: ForwardingOperation): Promise<Observed> {
  const { row, way = "adopt" } = found;
  if (row === undefined) {
    return found;
  }
  const wanted = profileWanted(desired, found);
  const values = valuesFor(desired, operation.known);
  requireSuitableProfile(values, wanted);
  requireOwnMethod(found.sources, desired.inputs, operation);
  takeOn(way, row, FORWARD_MAILBOXES, operation);
  const { credentials } = desired.inputs;
  if (credentials) {
    // Whatever password is there, it is not known to be this one.
    operation.record({ inputs: { credentials: unproven(credentials) } });
  }
  if (way === "continue") {
    operation.record({ id: row.id, memory: { created: true } });
  } else if (way === "adopt") {
    const owner = [await ownerAsDeclared(row.ownerId, operation), desired.inputs.owner] as const;
    const names = { owner, serverProfile: [found.profile?.name, wanted?.name] as const };
    tellOverwritten(
      properties.differing(values, { row, known: operation.known }),
      `the forward mailbox ${row.name}`,
      operation,
      names,
    );
  }
  return found;
}

/** Forward mailboxes in words. */
const FORWARD_MAILBOXES: RowKind = { one: "forward mailbox", many: "forward mailboxes" };

/** Makes the record under an id of its own. */
export async function create(desired: Desired, operation: ForwardingOperation): Promise<Observed> {
  // What is wrong with a source is said before there is a record.
  const seen = await sourcesOf(desired.inputs, desired, operation);
  requireOwnMethod(seen.sources, desired.inputs, operation);
  return observeAround(await makeRecord(rowIdOf(desired, operation), desired, operation), desired, operation, seen);
}

/** Makes the record under an id, which is that of one that somebody deleted where it is made again. */
export async function makeRecord(id: string, desired: Desired, operation: ForwardingOperation): Promise<MailboxRow> {
  const { dataverse } = operation.services;
  const { inputs } = desired;
  const profile =
    inputs.serverProfile === false ? undefined : (desired.profile ?? (await defaultServerProfile(operation)));
  const values = birthValues(desired, profile?.id);
  requireSuitableProfile(values, profile);
  warnWithoutCredentials(Boolean(inputs.credentials), profile, operation);
  const action = `creating the forward mailbox ${inputs.name}`;
  return createRow(
    {
      what: "Dynamics to show the new record",
      send: async () => {
        await dataverse.createMailbox(id, properties.columnsOf(values), action, operation);
        operation.record({
          id,
          inputs: inputs.credentials === undefined ? {} : { credentials: inputs.credentials },
          memory: {
            created: true,
            ...(inputs.owner === undefined ? {} : { ownerId: desired.owner?.id }),
            ...(inputs.serverProfile === undefined ? {} : { serverProfileId: profile?.id }),
          },
        });
      },
      look: () => dataverse.mailbox(id, operation),
    },
    operation,
  );
}

/**
 * The id a new record gets. The address is in it, because a resource that was renamed keeps its origin, and a new one under its
 * old name has the same.
 */
function rowIdOf({ inputs }: Desired, { origin }: ForwardingOperation): string {
  return guidFor(origin, inputs.emailAddress);
}

/** Lets go of the sources, then deletes the record if it is this resource's. */
export async function remove(id: string, operation: ForwardingOperation): Promise<void> {
  const target = targetIn(operation.known);
  await requireSameOrganization(`deleting the forward mailbox ${target.name}`, operation);
  // The rules go even if somebody deleted the record: mail would be forwarded for ever.
  const { sources, keptIds } = await sourcesOf(target, undefined, operation);
  for (const [key, source] of sources) {
    if (keptIds.has(source.recipient.id)) {
      tellForgotten(key, source, operation);
    } else {
      await releaseSource(key, source, operation);
    }
  }
  await releaseLost(sources, target, operation);
  const { known, services } = operation;
  const { dataverse } = services;
  const row = await dataverse.mailbox(id, operation);
  if (row === undefined) {
    return;
  }
  const why = whyRowStays(id, known.inputs.deletion, known.memory.created, operation);
  if (why !== undefined) {
    operation.warn(`The forward mailbox ${target.name} stays in Dynamics: ${why}.`);
    return;
  }
  const action = `deleting the forward mailbox ${row.name}`;
  await deleteRow(
    {
      what: "the record of the forward mailbox to be gone",
      send: () => dataverse.deleteMailbox(row, action, operation),
      look: () => dataverse.mailbox(id, operation),
    },
    operation,
  );
}

/**
 * Lets go of sources that Exchange does not show any more, by the ids that are known: the mailbox may be there all the same, and would
 * forward for ever.
 */
async function releaseLost(
  shown: ReadonlyMap<string, unknown>,
  target: Target,
  operation: ForwardingOperation,
): Promise<void> {
  const { known, services, registry, origin } = operation;
  const { sourceRules: rules = {}, sourceIds = {} } = known.memory;
  for (const [key, id] of Object.entries(sourceIds)) {
    const isLost = !shown.has(key) && !registry.isDeclaredByAnother(sourceThing(id, target.emailAddress), origin);
    const ruleId = rules[key];
    if (isLost && ruleId !== undefined) {
      await services.inboxRules.deleteById(id, ruleId, `removing the inbox rule of ${key}`, operation);
    }
    if (isLost) {
      await releaseRecords(key, await recordsOfLost(key, operation), false, operation);
    }
  }
}
