import type { MailboxRow } from "../../services/dataverse";
import { knownRecipients } from "../known-recipients";
import { serverProfileOf } from "../mailbox-record/server-profile";
import type { Operation } from "../reconciler";
import { sourceThing } from "../registry";
import type { Desired, ForwardingInputs, Observed, ObservedSource } from "./desired";
import { declareMethod, recordsToSet } from "./records";
import { observeSource } from "./sources";

/** What the rules of the sources are named after and forward to. */
export type Target = Pick<ForwardingInputs, "name" | "emailAddress">;

/** The record and everything around it: who feeds it, and by what. */
export async function around(
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
export async function sourcesOf(
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

/** What is not as it should be at a source, in words; undefined when all is. */
export function driftOf(source: ObservedSource): string | undefined {
  const methods = recordsToSet(source).map(({ name, incoming }) => `incoming e-mail of ${name} is ${incoming}`);
  const drift = [
    ...(source.rule === undefined && source.isUnread !== true ? ["there is no rule"] : []),
    ...(source.damage === undefined ? [] : [source.damage]),
    ...methods,
  ];
  return drift.length === 0 ? undefined : drift.join("; ");
}
