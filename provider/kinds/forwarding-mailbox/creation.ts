import type { Operation } from "../../core/kind";
import { guidFor } from "../../core/origin";
import type { MailboxRow } from "../../services/dataverse";
import { sameText } from "../../services/text";
import { adopted, continuation, isAnother } from "../mailbox-record/adoption";
import { defaultServerProfile, requireSuitableProfile, warnWithoutCredentials } from "../mailbox-record/server-profile";
import { columnsOf, unproven } from "../mailbox-record/values";
import { createRow } from "../mailbox-record/writing";
import type { Desired, Observed } from "./desired";
import { birthValues, profileWanted, valuesFor } from "./desired";
import { around, sourcesOf } from "./observation";
import { requireOwnMethod } from "./records";

/** What is there already: this resource's own earlier record, or the one it takes over. */
export async function find(desired: Desired, operation: Operation): Promise<Observed | undefined> {
  const { state, services } = operation;
  const { inputs } = desired;
  if (inputs.credentials) {
    state.credentials = unproven(inputs.credentials);
  }
  const own = await services.dataverse.mailbox(rowIdOf(desired, operation), operation);
  const isOwn = own !== undefined && !isAnother(inputs.adopt, own);
  if (isOwn) {
    const seen = await around(own, desired, operation);
    const fed = [...seen.sources].flatMap(([key, { rule }]) => (rule === undefined ? [] : [key]));
    const rules = fed.length === 0 ? [] : [`inbox rules of ${fed.join(", ")} feed it`];
    const way = continuation({ what: "forward mailbox", row: own, record: own, use: [], rules }, inputs, operation);
    if (way !== "adopt") {
      Object.assign(state, { id: own.id, ...(way === "continue" ? { created: true } : {}) });
      return seen;
    }
  }
  const namesakes = isOwn ? [own] : await services.dataverse.mailboxesWithAddress(inputs.emailAddress, operation);
  const row = await adopted(
    inputs.adopt,
    namesakes.filter(({ isForwardMailbox }) => isForwardMailbox),
    async (id) => {
      const found = await services.dataverse.mailbox(id, operation);
      return found?.isForwardMailbox === true ? found : undefined;
    },
    { one: "forward mailbox", many: "forward mailboxes" },
    operation,
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
  const found = { ...(await around(row, desired, operation)), isAdopted: true as const };
  // Refused before the record becomes this resource's: nothing is written then.
  requireSuitableProfile(valuesFor(desired, {}), profileWanted(desired, found));
  requireOwnMethod(found.sources, inputs, operation);
  return found;
}

/** Makes the record under an id of its own. */
export async function ensure(desired: Desired, operation: Operation): Promise<Observed> {
  // What is wrong with a source is said before there is a record.
  const seen = await sourcesOf(desired.inputs, desired, operation);
  requireOwnMethod(seen.sources, desired.inputs, operation);
  return around(await makeRecord(rowIdOf(desired, operation), desired, operation), desired, operation, seen);
}

/** Makes the record under an id, which is that of one that somebody deleted where it is made again. */
export async function makeRecord(id: string, desired: Desired, operation: Operation): Promise<MailboxRow> {
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
      action,
      what: "Dynamics to show the new record",
      send: async () => {
        await dataverse.createMailbox(id, columnsOf(values), action, operation);
        Object.assign(operation.state, {
          id,
          created: true,
          ...(inputs.credentials === undefined ? {} : { credentials: inputs.credentials }),
          ...(inputs.owner === undefined ? {} : { ownerId: desired.owner?.id }),
          ...(inputs.serverProfile === undefined ? {} : { serverProfileId: profile?.id }),
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
function rowIdOf({ inputs }: Desired, { origin }: Operation): string {
  return guidFor(origin, inputs.emailAddress);
}
