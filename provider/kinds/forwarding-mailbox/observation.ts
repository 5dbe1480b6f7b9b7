import { guidFor } from "../../core/kind";
import { sourceThing } from "../../core/registry";
import { mapOf, sameText, text } from "../../http/json";
import type { MailboxRow } from "../../services/dataverse";
import {
  isAnother,
  type RowKind,
  requireSameOrganization,
  rowToAdopt,
  takeOn,
  tellOverwritten,
  wayOn,
  whyRowStays,
} from "../mailbox-record/claims";
import {
  defaultServerProfile,
  ownerAsDeclared,
  requireSuitableProfile,
  serverProfileOf,
  unproven,
  warnWithoutCredentials,
} from "../mailbox-record/properties";
import { createRow, deleteRow } from "../mailbox-record/writes";
import { knownRecipients } from "../recipients";
import {
  birthValues,
  type Desired,
  type Existing,
  type ForwardingInputs,
  type ForwardingOperation,
  type KnownForwarding,
  type Observed,
  type ObservedSource,
  pathOf,
  profileWanted,
  properties,
  valuesFor,
} from "./desired";
import { holdsRecords, recordsOfLost, recordsToSet, releaseRecords, requireOwnMethod, tellForgotten } from "./records";
import { observeSource, releaseSource } from "./sources";

/** The sources, and what is known of those that are not there. */
type Sources = Pick<Observed, "sources" | "keptIds" | "absent">;
/** What the rules of the sources are named after and forward to. */
export type Target = Pick<ForwardingInputs, "name" | "emailAddress">;

/** The same as far as the state says; a record that somebody deleted left it in `gone`. */
export function targetIn({ inputs: { name, emailAddress }, memory: { gone } }: KnownForwarding): Target {
  return { name: name ?? gone?.name ?? "", emailAddress: emailAddress ?? gone?.emailAddress ?? "" };
}

/**
 * What a record that is gone left behind: rules that forward on, and records that wait for them. Undefined when nothing is left, and so
 * there is nothing to mend or to clean up.
 */
export async function observeRemains(
  id: string,
  desired: Desired | undefined,
  operation: ForwardingOperation,
): Promise<Observed | undefined> {
  const { known } = operation;
  const seen = await observeRecord(id, undefined, desired, operation);
  const isLeft = [...seen.sources.values()].some(
    (source) => source.rule !== undefined || source.isUnread === true || holdsRecords(source, known),
  );
  const isLost = Object.keys({ ...known.memory.sourceRules, ...known.memory.sourceRecords }).some(
    (key) => !seen.sources.has(key),
  );
  return isLeft || isLost || Object.keys(seen.absent).length > 0 ? seen : undefined;
}

/** A record, where it is still there, and everything around it: who feeds it, and by what. */
export async function observeRecord(
  id: string,
  row: MailboxRow | undefined,
  desired: Desired | undefined,
  operation: ForwardingOperation,
  seen?: Sources,
): Promise<Observed> {
  const { known, registry, services } = operation;
  const target = desired?.inputs ?? targetIn(known);
  const isManaged = desired === undefined && "owner" in known.inputs;
  const [organizationId, profile, sources, owner] = await Promise.all([
    services.dataverse.organizationId(operation),
    row === undefined ? undefined : serverProfileOf(row, operation),
    seen ?? sourcesOf(target, desired, operation),
    row === undefined || !isManaged ? undefined : ownerAsDeclared(row.ownerId, operation),
  ]);
  return {
    id,
    row,
    organizationId,
    profile,
    owner,
    ...sources,
    methodsElsewhere: Object.fromEntries(registry.formerMethods),
  };
}

/** The sources that the state knows or the program declares, as far as the tenant still has them. */
export async function sourcesOf(
  target: Target,
  desired: Desired | undefined,
  operation: ForwardingOperation,
): Promise<Sources> {
  const { known, registry, origin } = operation;
  const ids = { ...known.memory.absentSources, ...known.memory.sourceIds };
  const present = await knownRecipients(ids, known.inputs.sources, operation);
  const recipients = new Map([...present, ...(desired?.sources ?? [])]);
  const sources = await Promise.all(
    [...recipients].map(
      async ([key, recipient]) => [key, await observeSource(key, recipient, target, operation)] as const,
    ),
  );
  const keptIds = [...recipients.values()]
    .map(({ id }) => id)
    .filter((id) => registry.isDeclaredByAnother(sourceThing(id, target.emailAddress), origin));
  const lost = Object.entries(ids).filter(([key]) => !present.has(key));
  const isBack = await Promise.all(lost.map(([, id]) => mayComeBack(id, operation)));
  const absent = lost.filter(
    ([key, id], index) => isBack[index] === true && !sameText(desired?.sources.get(key)?.id ?? "", id),
  );
  return { sources: new Map(sources), keptIds: new Set(keptIds), absent: Object.fromEntries(absent) };
}

/** Whether a mailbox that Exchange does not show may come back as it was, rules included: its account is there or can be restored. */
async function mayComeBack(id: string, { services: { graph }, ...operation }: ForwardingOperation): Promise<boolean> {
  const seen = await operation.readIfAllowed(`whether the account ${id} can be restored`, async () => ({
    isThere: (await graph.user(id)) !== undefined || (await graph.isDeleted(id)),
  }));
  return seen?.isThere !== false;
}

/** What is to say of sources without a mailbox: what it forwarded comes back with it. */
export function whoIsAbsent(absent: Observed["absent"]): string[] {
  return Object.entries(absent).map(
    ([key, id]) =>
      `${pathOf(key)} (id ${id}) has no mailbox now. Its account is there or can be restored. If the mailbox comes back, so does its inbox rule, and its ` +
      "mail is forwarded to Dynamics again. Once it is back, `pulumi refresh` names it, and `pulumi up` takes the rule away where the program " +
      "does not list it. Without this resource, check the mailbox by hand.",
  );
}

/** What is not as it should be at a source, in words; undefined when all is. */
export function driftOf(source: ObservedSource): string | undefined {
  const methods = recordsToSet(source).map(
    ({ name, incomingEmail }) => `incoming e-mail of ${name} is ${incomingEmail}`,
  );
  const rule = source.rule === undefined && source.isUnread !== true ? "there is no rule" : ruleDriftOf(source);
  const drift = [...(rule === undefined ? [] : [rule]), ...copiesOf(source), ...methods];
  return drift.length === 0 ? undefined : drift.join("; ");
}

/** What keeps the rule of a source from forwarding all of its mail, in words; undefined when nothing does. */
export function ruleDriftOf(source: ObservedSource): string | undefined {
  const drift = [...(source.damage === undefined ? [] : [source.damage]), ...orderOf(source)];
  return drift.length === 0 ? undefined : drift.join("; ");
}

/** What keeps the rule of a source from seeing all of its mail, in words; empty when nothing does. */
function orderOf({ stoppers }: ObservedSource): string[] {
  return stoppers.map(({ name }) => `the rule "${name}" comes before it and stops it`);
}

/** What forwards once more what the rule of a source forwards, in words. */
function copiesOf({ copies, rule }: ObservedSource): string[] {
  const others = copies.filter(({ name }) => name !== rule?.name).map(({ name }) => `"${name}"`);
  const as = others.length === 0 ? "" : ` as ${others.join(", ")}`;
  return copies.length === 0
    ? []
    : [copies.length === 1 ? `${COPY}${as}, which forwards everything again` : `${COPY} ${copies.length} times${as}`];
}

/** How the words about copies begin. */
const COPY = "the rule is there once more";

/** Whether a preview has shown the copies of a source's rule: only then may they go. */
export function hasShownCopies(key: string, { inputs: { sources } }: KnownForwarding): boolean {
  // A refresh puts it there, and no program may.
  return text(mapOf(sources?.[key]).drift).includes(COPY);
}

/** What is there already: this resource's own earlier record, or the one it takes over. */
export async function find(desired: Desired, operation: ForwardingOperation): Promise<Existing | undefined> {
  const { services } = operation;
  const { inputs } = desired;
  const own = await services.dataverse.mailbox(rowIdOf(desired, operation), operation);
  if (own !== undefined && !isAnother(inputs.adopt, own)) {
    const seen = await observeRecord(own.id, own, desired, operation);
    const fed = [...seen.sources].flatMap(([key, { rule }]) => (rule === undefined ? [] : [key]));
    const rules = fed.length === 0 ? [] : [`inbox rules of ${fed.join(", ")} feed it`];
    const way = wayOn({ what: "forward mailbox", row: own, record: own, use: [], rules }, inputs);
    return { ...seen, row: own, way, namesakes: [] };
  }
  if (inputs.adopt === undefined || inputs.adopt === false) {
    return undefined;
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
  if (row === undefined) {
    return undefined;
  }
  const others = namesakes.filter(({ id }) => !sameText(id, row.id));
  return { ...(await observeRecord(row.id, row, desired, operation)), row, way: "adopt", namesakes: others };
}

/** Says which other mailbox records have the address. */
function tellNamesakes(
  namesakes: readonly MailboxRow[],
  { emailAddress }: ForwardingInputs,
  operation: ForwardingOperation,
): void {
  if (namesakes.length > 0) {
    const forward = namesakes.some(({ isForwardMailbox }) => isForwardMailbox);
    operation.warn(
      `emailAddress ${emailAddress} has another mailbox record already (${namesakes.map(({ name }) => name).join(", ")}); ` +
        `a forward mailbox should be dedicated to collecting.${forward ? " adopt: true takes an existing forward mailbox over." : ""}`,
    );
  }
}

/** Makes the record that was found this resource's. What cannot be is refused before. */
export async function takeOver(found: Existing, desired: Desired, operation: ForwardingOperation): Promise<Observed> {
  const { row, way, namesakes } = found;
  tellNamesakes(namesakes, desired.inputs, operation);
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
  const { inputs } = desired;
  const { dataverse } = operation.services;
  tellNamesakes(await dataverse.mailboxesWithAddress(inputs.emailAddress, operation), inputs, operation);
  // What is wrong with a source is said before there is a record.
  const seen = await sourcesOf(inputs, desired, operation);
  requireOwnMethod(seen.sources, inputs, operation);
  const row = await makeRecord(rowIdOf(desired, operation), desired, operation);
  return observeRecord(row.id, row, desired, operation, seen);
}

/** Makes the record under an id. A record that somebody deleted is made again under its former id. */
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
  // The rules go even if somebody deleted the record. Otherwise mail would be forwarded for ever.
  const { sources, keptIds, absent } = await sourcesOf(target, undefined, operation);
  for (const [key, source] of sources) {
    if (keptIds.has(source.recipient.id)) {
      tellForgotten(key, source, operation);
    } else {
      await releaseSource(key, source, operation);
    }
  }
  await releaseLost(sources, target, operation);
  for (const warning of whoIsAbsent(absent)) {
    operation.warn(warning);
  }
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
