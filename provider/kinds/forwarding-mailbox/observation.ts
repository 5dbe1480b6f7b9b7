import type { Operation, Properties } from "../../core/kind";
import { sourceThing } from "../../core/registry";
import type { MailboxRow } from "../../services/dataverse";
import { serverProfileOf } from "../mailbox-record/server-profile";
import { knownRecipients } from "../recipients";
import type { Desired, ForwardingInputs, Observed, ObservedSource } from "./desired";
import { declareMethod, holdsRecords, recordsToSet } from "./records";
import { observeSource } from "./sources";

/** What the rules of the sources are named after and forward to. */
export type Target = Pick<ForwardingInputs, "name" | "emailAddress">;

/** The same as far as the state says; a record that somebody deleted left it in `gone`. */
export function targetIn({ name, emailAddress, gone }: Properties): Target {
  const kept = (gone ?? {}) as Partial<Target>;
  return { name: String(name ?? kept.name ?? ""), emailAddress: String(emailAddress ?? kept.emailAddress ?? "") };
}

/** The record and everything around it: who feeds it, and by what. */
export async function around(
  row: MailboxRow,
  desired: Desired | undefined,
  operation: Operation,
  seen?: Pick<Observed, "sources" | "keptIds">,
): Promise<Observed> {
  return surroundings(row.id, row, desired, operation, seen);
}

/**
 * What a record that is gone left behind: rules that forward on, and records that wait for them. Undefined when nothing is left, and so
 * there is nothing to mend or to clean up.
 */
export async function leftBehind(
  id: string,
  desired: Desired | undefined,
  operation: Operation,
): Promise<Observed | undefined> {
  const { state } = operation;
  const seen = await surroundings(id, undefined, desired, operation);
  const isLeft = [...seen.sources.values()].some(
    (source) => source.rule !== undefined || source.isUnread === true || holdsRecords(source, state),
  );
  const isLost = Object.keys({ ...(state.sourceRules as object), ...(state.sourceRecords as object) }).some(
    (key) => !seen.sources.has(key),
  );
  return isLeft || isLost ? seen : undefined;
}

async function surroundings(
  id: string,
  row: MailboxRow | undefined,
  desired: Desired | undefined,
  operation: Operation,
  seen?: Pick<Observed, "sources" | "keptIds">,
): Promise<Observed> {
  const { dataverse } = operation.services;
  const target = desired?.inputs ?? targetIn(operation.state);
  const [organizationId, profile, sources] = await Promise.all([
    dataverse.organizationId(operation),
    row === undefined ? undefined : serverProfileOf(row, operation),
    seen ?? sourcesOf(target, desired, operation),
  ]);
  return { id, row, organizationId, profile, ...sources };
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
export function hasShownCopies(key: string, { sources }: Properties): boolean {
  const { drift } = ((sources ?? {}) as Record<string, { drift?: string }>)[key] ?? {};
  return drift?.includes(COPY) === true;
}
