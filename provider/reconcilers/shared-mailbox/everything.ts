import { z } from "zod";
import type { Mailbox } from "../../services/mailboxes";
import type { Properties } from "../reconciler";
import { schema } from "./desired";

/** What a schema says of a value that matters here: the names of its members. */
interface Shape {
  properties?: Record<string, Shape>;
  /** Of a map: the schema of its keys, which it does not list. */
  propertyNames?: unknown;
  anyOf?: Shape[];
  allOf?: Shape[];
}

let shape: Shape | undefined;

/**
 * A state that has every input and, of those that have members, every member, with nothing in it: a property that is managed
 * member by member is read for the members that a state has.
 */
export function stateOfEverything(mailbox: Mailbox): Properties {
  shape ??= z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as Shape;
  return Object.fromEntries(
    Object.entries(shape.properties ?? {}).map(([property, one]) => {
      const members = one.propertyNames === undefined ? membersOf(one) : keysOf(property, mailbox);
      return [property, members.length === 0 ? null : Object.fromEntries(members.map((member) => [member, null]))];
    }),
  );
}

function membersOf({ properties = {}, anyOf = [], allOf = [] }: Shape): string[] {
  return [...Object.keys(properties), ...[...anyOf, ...allOf].flatMap(membersOf)];
}

/** The keys of a map are those that the mailbox has under the same name. */
function keysOf(property: string, mailbox: Mailbox): string[] {
  return Object.keys((mailbox as unknown as Properties)[property] ?? {});
}
