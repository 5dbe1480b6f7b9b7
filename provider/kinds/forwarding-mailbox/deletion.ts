import { sourceThing } from "../../core/registry";
import { requireSameOrganization } from "../mailbox-record/address";
import { whyRowStays } from "../mailbox-record/adoption";
import { deleteRow } from "../mailbox-record/writing";
import type { ForwardingOperation } from "./desired";
import { sourcesOf, type Target, targetIn } from "./observation";
import { recordsOfLost, releaseRecords, tellForgotten } from "./records";
import { releaseSource } from "./sources";

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
