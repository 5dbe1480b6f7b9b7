/** What happens to mailboxes and records beside access, as their kinds say it. */
import { isDeepStrictEqual } from "node:util";
import { kindNamed } from "../kinds";
import type { ResourceChange, Side } from "./preview";
import {
  type Directory,
  foreign,
  type Happening,
  joined,
  type KindReview,
  type MailChange,
  named,
  type Place,
  placeOf,
  type Seat,
  short,
  type Words,
} from "./words";

/** What can happen to a mailbox or record, in the order of the table. Those that are codes of flags raise them. */
export const HAPPENINGS: readonly string[] = [
  "sign-in",
  ...["mailbox-purged", "mailbox-deleted", "mailbox-replaced", "mailbox-unmanaged", "mailbox-restored"],
  ...["mailbox-adopted", "record-deleted", "hold-lifted", "archive-disabled"],
  "setting",
];

/** A kind that only a newer version knows: what is sure of it. */
const UNHEARD_OF: KindReview = {
  happenings: ({ kind, op }) =>
    op === "delete" || op === "replace" ? [{ code: "record-deleted", what: [`the ${kind} is ${op}d`] }] : [],
};

/** What a kind says of its resources. */
export function reviewOf(kind: string): KindReview {
  return kindNamed(kind)?.review ?? UNHEARD_OF;
}

/** Whether a resource is a mailbox of the tenant. */
export function isMailbox({ kind }: { kind: string }): boolean {
  return reviewOf(kind).isMailbox === true;
}

/** Whether a resource gives people access to a mailbox. */
export function givesAccess({ kind }: { kind: string }): boolean {
  return reviewOf(kind).rights !== undefined;
}

/** What happens to a mailbox or record beside its properties. */
export function happeningsOf(
  change: ResourceChange,
  changes: readonly ResourceChange[],
  directory: Directory,
): (Happening & { place: Words })[] {
  const place = placed(change, directory);
  return reviewOf(change.kind)
    .happenings(change, changes)
    .map((happening) => ({ place, ...happening }));
}

/** Where mail of a mailbox goes: forwarding, automatic replies to people outside, and sources of forward mailboxes. */
export function mailOf(change: ResourceChange, directory: Directory): (MailChange & { mailbox: Words })[] {
  const place = placed(change, directory);
  const found = change.op === "same" ? [] : (reviewOf(change.kind).mail?.(change, directory) ?? []);
  return found
    .filter(({ before, after }) => !isDeepStrictEqual(before, after))
    .map((row) => ({ ...row, mailbox: row.mailbox ?? place }));
}

/** Addresses at which a mailbox no longer receives mail. */
export function bouncingOf(
  change: ResourceChange,
  directory: Directory,
): { address: string; mailbox: Place; why: string }[] {
  const { urn, name, before } = change;
  const mailbox = directory.mailboxes.get(before?.urn ?? urn) ?? { key: urn, address: name, isKnown: true };
  return (reviewOf(change.kind).bouncing?.(change) ?? []).map((one) => ({ ...one, mailbox }));
}

/** Licences that are assigned and taken away, by their names. */
export function seatsOf(
  changes: readonly ResourceChange[],
): ({ sku: string; mailboxes: string[] } & Record<Seat["is"], number>)[] {
  const seats = new Map<string, { mailboxes: string[] } & Record<Seat["is"], number>>();
  for (const change of changes.filter(({ op }) => op !== "same")) {
    for (const { sku, is } of reviewOf(change.kind).seats?.(change) ?? []) {
      const one = seats.get(sku) ?? { needed: 0, freed: 0, mailboxes: [] };
      one[is] += 1;
      one.mailboxes.push(String((change.after ?? change.before)?.inputs.primarySmtpAddress ?? change.name));
      seats.set(sku, one);
    }
  }
  return [...seats].map(([sku, one]) => ({ sku, ...one }));
}

/** The properties that change, each with its values in short. Who is a member stands elsewhere. */
export function differences(change: ResourceChange, directory: Directory): Words {
  const { op, before, after, differing } = change;
  if (op === "delete") {
    return [""];
  }
  const inputs = after?.inputs ?? {};
  const names = op === "create" ? Object.keys(inputs).filter((name) => !name.startsWith("__")) : differing;
  return joined(
    names.map((name): Words => {
      if ((name === "members" && givesAccess(change)) || name === "otherMembers") {
        return [name === "members" ? "members (above)" : "others who have access (above)"];
      }
      if (name === "mailbox" && givesAccess(change)) {
        const place = (which: "before" | "after") => foreign(placeOf(change, which, directory).address);
        if (op !== "create" && place("before").text === place("after").text) {
          return ["mailbox ", place("after"), ", made anew or written in another way"];
        }
        return op === "create" ? ["mailbox ", place("after")] : ["mailbox ", place("before"), " → ", place("after")];
      }
      if (name === "__secrets") {
        const listed = (side: Side | undefined) => {
          const secrets = side?.inputs.__secrets;
          return Array.isArray(secrets) && secrets.length > 0 ? foreign(secrets.join(", ")) : "none";
        };
        return ["inputs that are secrets: ", listed(before), " → ", listed(after)];
      }
      const now = short(inputs[name]);
      return op === "create" ? [`${name} `, now] : [`${name} `, short(before?.inputs[name]), " → ", now];
    }),
  );
}

/** A resource by the address of its mailbox. */
function placed(change: ResourceChange, directory: Directory): Words {
  const { urn, kind, before, after } = change;
  const known = directory.mailboxes.get(before?.urn ?? urn) ?? directory.mailboxes.get(urn);
  if (isMailbox(change) && known !== undefined) {
    return named(known);
  }
  if (givesAccess(change)) {
    return named(placeOf(change, "before", directory));
  }
  const name = (after ?? before)?.inputs.name ?? (after ?? before)?.inputs.user ?? change.name;
  return [`${kind} `, foreign(String(name))];
}
