import { sourceThing } from "../../core/registry";
import type { MailboxRow } from "../../services/dataverse";
import { ownerAsDeclared, serverProfileOf } from "../mailbox-record/references";
import { knownRecipients } from "../recipients";
import type {
  Desired,
  ForwardingInputs,
  ForwardingOperation,
  KnownForwarding,
  Observed,
  ObservedSource,
} from "./desired";
import { holdsRecords, recordsToSet } from "./records";
import { observeSource } from "./sources";

/** What the rules of the sources are named after and forward to. */
export type Target = Pick<ForwardingInputs, "name" | "emailAddress">;

/** The same as far as the state says; a record that somebody deleted left it in `gone`. */
export function targetIn({ inputs: { name, emailAddress }, memory: { gone } }: KnownForwarding): Target {
  return { name: name ?? gone?.name ?? "", emailAddress: emailAddress ?? gone?.emailAddress ?? "" };
}

/** The record and everything around it: who feeds it, and by what. */
export async function observeAround(
  row: MailboxRow,
  desired: Desired | undefined,
  operation: ForwardingOperation,
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
  operation: ForwardingOperation,
): Promise<Observed | undefined> {
  const { known } = operation;
  const seen = await surroundings(id, undefined, desired, operation);
  const isLeft = [...seen.sources.values()].some(
    (source) => source.rule !== undefined || source.isUnread === true || holdsRecords(source, known),
  );
  const isLost = Object.keys({ ...known.memory.sourceRules, ...known.memory.sourceRecords }).some(
    (key) => !seen.sources.has(key),
  );
  return isLeft || isLost ? seen : undefined;
}

async function surroundings(
  id: string,
  row: MailboxRow | undefined,
  desired: Desired | undefined,
  operation: ForwardingOperation,
  seen?: Pick<Observed, "sources" | "keptIds">,
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
): Promise<Pick<Observed, "sources" | "keptIds">> {
  const { known, registry, origin } = operation;
  const recipients = new Map([
    ...(await knownRecipients(known.memory.sourceIds, known.inputs.sources, operation)),
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
export function hasShownCopies(key: string, { inputs: { sources } }: KnownForwarding): boolean {
  // A refresh puts it there, and no program may.
  const held = sources?.[key] as { drift?: string } | undefined;
  return held?.drift?.includes(COPY) === true;
}
