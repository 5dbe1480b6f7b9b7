import { sameText, smtpAddresses } from "../../services/mailboxes";
import type { Recipient } from "../../services/recipients";
import { nameOf } from "../claims";
import type { Origin } from "../origin";
import type { Registry } from "../registry";
import { type ForwardingInputs, pathOf } from "./desired";

/**
 * Sources through which mail would go round: the mailbox collects for another forward mailbox of the program that is fed, over however
 * many, by the address where this one collects.
 *
 * @param found the sources as they were looked up, where they were: then other ways to write a mailbox count as well.
 */
export function loopsOf(
  { emailAddress, sources }: Partial<ForwardingInputs>,
  origin: Origin,
  registry: Registry,
  found: ReadonlyMap<string, Recipient> = new Map(),
): { path: string; reason: string }[] {
  if (emailAddress === undefined) {
    return [];
  }
  const from = Object.keys(sources ?? {}).map((key) => {
    const recipient = found.get(key);
    return { key, names: recipient === undefined ? [key] : [key, recipient.id, ...smtpAddresses(recipient)] };
  });
  const feeds = registry.feed(origin, { to: emailAddress, from: from.flatMap(({ names }) => names) });
  const isOwn = (urn: string) => urn === origin.urn;
  return from.flatMap(({ key, names }) => {
    // Who collects at this source, then who feeds them, and so on: a way that leads back here is a loop.
    const seen = new Set<string>();
    let next = [...feeds].filter(([urn, { to }]) => !isOwn(urn) && has(names, to)).map(([urn]) => urn);
    while (next.length > 0) {
      const back = next.find((urn) => has(feeds.get(urn)?.from ?? [], emailAddress));
      if (back !== undefined) {
        const reason =
          `mail would go round in a loop: what ${nameOf(back)} collects comes from ${emailAddress}, and ends there again. ` +
          `Take this source out, or ${emailAddress} out of the sources of ${nameOf(back)}`;
        return [{ path: pathOf(key), reason }];
      }
      for (const urn of next) {
        seen.add(urn);
      }
      const collecting = next.flatMap((urn) => feeds.get(urn)?.from ?? []);
      next = [...feeds]
        .filter(([urn, { to }]) => !isOwn(urn) && !seen.has(urn) && has(collecting, to))
        .map(([urn]) => urn);
    }
    return [];
  });
}

function has(names: readonly string[], name: string): boolean {
  return names.some((one) => sameText(one, name));
}
