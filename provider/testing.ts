/**
 * Mocks for unit tests of programs (`pulumi.runtime.setMocks`). They check inputs as a preview does, and answer with what a deployment
 * would: defaults, members in canonical form, ids. No tenant, no engine, no request.
 */
import type * as pulumi from "@pulumi/pulumi";
import type { Properties } from "./core/kind";
import { check } from "./dynamic/check";
import { namesIn } from "./dynamic/engine";
import { type Kind, kindNames, kinds } from "./kinds";
import { mockId } from "./kinds/description";
import { typeToken } from "./resources/dynamic-resource";

/** The Entra tenant that every mocked resource is in. */
const TENANT_ID = "7e57ab1e-a000-4000-8000-000000000001";

/**
 * Mocks for `pulumi.runtime.setMocks`, for jest, vitest and node:test alike.
 *
 * A resource of this package answers with its checked inputs and the outputs that a first deployment would have; one that is read
 * (`SharedMailbox.get`) with the address that was asked for. The same program gets the same ids each time. A wrong input fails the resource with the messages of a preview: `members["ada"]: looks like a
 * display name …`.
 *
 * @param others mocks of all other resources and of functions. Default: a resource answers with its inputs and the id `<name>-id`, a
 *   function with its arguments.
 *
 * @example
 * await pulumi.runtime.setMocks(mailboxMocks());
 * const { support } = await import("./index");
 */
export function mailboxMocks(others: Partial<pulumi.runtime.Mocks> = {}): pulumi.runtime.Mocks {
  return {
    newResource(args) {
      const kind = kindOf(args.type);
      if (kind === undefined) {
        return others.newResource?.(args) ?? { id: args.id || `${args.name}-id`, state: args.inputs };
      }
      const { mock } = kinds[kind];
      if (Array.isArray(args.inputs.__get)) {
        return read(kind, args.id ?? "", namesIn(args.inputs.__get));
      }
      const inputs = checked(kind, args.name, visible(args.inputs));
      const own = args.id || mock.id(inputs, args.name);
      return { id: own, state: { ...inputs, ...mock.outputs(inputs, own), tenantId: TENANT_ID } };
    },
    call: (args) => others.call?.(args) ?? args.inputs,
  };
}

/** What a `get` answers with: every output of the class, null where a mailbox need not have it. */
function read(kind: Kind, asked: string, wanted: readonly string[]): pulumi.runtime.MockResourceResult {
  if (asked.trim() === "") {
    throw new Error(`${kind}.get: it was not told what to read; the id or address is empty.`);
  }
  const { mock } = kinds[kind];
  const id = mockId(asked.trim());
  const found = mock.read(asked.trim());
  const all: Properties = { ...mock.outputs(found, id), ...found, tenantId: TENANT_ID };
  const state = Object.fromEntries(wanted.map((name) => [name, all[name] ?? null]));
  return { id, state: { ...state, __id: id } };
}

function checked(kind: Kind, name: string, news: Properties): Properties {
  const { inputs, problems } = check(kinds[kind].reconciler, news, undefined);
  if (problems.length > 0) {
    const list = problems.map(({ path, reason }) => `${path}: ${reason}`).join("\n");
    throw new Error(`${kind} "${name}":\n${list}`);
  }
  return inputs;
}

function kindOf(type: string): Kind | undefined {
  return kindNames.find((kind) => typeToken(kind) === type);
}

/** The inputs of the program: without what the class adds, and without the outputs that are named as undefined. */
function visible(inputs: Properties): Properties {
  return Object.fromEntries(
    Object.entries(inputs).filter(([property, value]) => !property.startsWith("__") && value !== undefined),
  );
}
