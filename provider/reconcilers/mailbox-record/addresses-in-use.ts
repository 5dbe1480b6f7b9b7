import type { Origin } from "../origin";
import type { Properties } from "../reconciler";
import { nameOf, type Registry } from "../registry";

/** What a program should know of an address that several of its resources give to rows of one Dynamics environment. */
export function adviceOnAddress(
  { emailAddress, environmentUrl }: { emailAddress?: string | undefined; environmentUrl?: string | undefined },
  origin: Origin,
  registry: Registry,
): string[] {
  if (emailAddress === undefined) {
    return [];
  }
  const others = registry.claim(`address/${environmentUrl ?? ""}/${emailAddress}`, origin);
  return others.map(
    (urn) =>
      `emailAddress ${emailAddress} is that of ${nameOf(urn)}, too: Dynamics reads one mailbox for both, and each message becomes a record ` +
      "of either or of both. Give each an address of its own.",
  );
}

/** What a program should know of a mailbox record that several of its resources declare. */
export function adviceOnRecord(
  { user, queue, environmentUrl }: Properties,
  origin: Origin,
  registry: Registry,
): string[] {
  const [path, whose] = user === undefined ? ["queue", queue] : ["user", user];
  if (typeof whose !== "string") {
    return [];
  }
  const others = registry.claim(`record of/${environmentUrl ?? ""}/${path}/${whose}`, origin);
  return others.map(
    (urn) => `${path} ${whose} is that of ${nameOf(urn)}, too: both declare one mailbox record. Declare it once.`,
  );
}
