/** The resources of a preview: the names that their states tell, and what their kinds say of them beside access. */
import { isDeepStrictEqual } from "node:util";
import { mapOf } from "../http/json";
import { kindNamed } from "../kinds";
import { nameOf, type Properties, type ResourceChange, type Side } from "./preview";
import { UNKNOWN } from "./rules";
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

/** Learns names from every state of a preview. */
export function directoryOf(changes: readonly ResourceChange[], read: readonly Side[]): Directory {
  const ids = new Map<string, string>();
  const texts = new Map<string, string>();
  const displayNames = new Map<string, string>();
  const mailboxes = new Map<string, Place>();
  const groups = new Set<string>();
  const learn = (text: string, id: string) => {
    ids.set(text.toLowerCase(), id);
    if (!texts.has(id) || (text.includes("@") && !(texts.get(id) ?? "").includes("@"))) {
      texts.set(id, text);
    }
  };
  const mailbox = (side: Side, id: string | undefined) => {
    const { primarySmtpAddress, displayName } = { ...side.outputs, ...side.inputs } as Properties;
    const address = textOf(primarySmtpAddress);
    const name = textOf(displayName);
    mailboxes.set(side.urn, {
      key: id ?? side.urn,
      address: address ?? name ?? nameOf(side.urn),
      isKnown: true,
      ...(name === undefined ? {} : { displayName: name }),
    });
    if (id !== undefined) {
      for (const one of [address, ...addressesOf(side)]) {
        if (one !== undefined) {
          learn(one, id);
        }
      }
      if (name !== undefined) {
        displayNames.set(id, name);
      }
    }
  };
  for (const change of changes) {
    const { before, after } = change;
    for (const side of [before, after]) {
      const { memberIds, mailboxId, mailboxAddresses } = side?.outputs ?? {};
      for (const [text, id] of Object.entries(mapOf(memberIds))) {
        learn(text, String(id));
      }
      for (const text of groupsIn(side)) {
        groups.add(String(mapOf(memberIds)[text]));
      }
      if (typeof mailboxId === "string" && givesAccess(change)) {
        for (const address of Array.isArray(mailboxAddresses) ? mailboxAddresses : []) {
          learn(String(address), mailboxId);
        }
      }
      if (side !== undefined && isMailbox(change)) {
        // A mailbox that is replaced keeps its place: its people are compared as those of one mailbox.
        mailbox(side, side.id ?? before?.id);
      }
    }
  }
  for (const side of read) {
    mailbox(side, side.outputs?.__id as string | undefined);
  }
  const urns = new Map<string, string[]>();
  for (const [urn, { key }] of mailboxes) {
    urns.set(key, [...(urns.get(key) ?? []), urn]);
  }
  return {
    ids,
    texts,
    displayNames,
    mailboxes,
    urns,
    groups,
    places: new Map([...mailboxes.values()].map((one) => [one.key, one])),
  };
}

/** The members that a membership has noted to be groups. */
function groupsIn(side: Side | undefined): string[] {
  const { groups } = mapOf(side?.outputs?.__memory);
  return Array.isArray(groups) ? groups.map(String) : [];
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

function addressesOf({ inputs, outputs }: Side): string[] {
  const declared = Array.isArray(inputs.emailAliases) ? inputs.emailAliases : [];
  const all = Array.isArray(outputs?.addresses) ? outputs.addresses : [];
  return [
    ...declared.map(String),
    ...all.map(String).flatMap((address) => /^smtp:(.*)$/i.exec(address)?.[1] ?? []),
    ...(typeof outputs?.userPrincipalName === "string" ? [outputs.userPrincipalName] : []),
  ];
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== UNKNOWN ? value : undefined;
}
