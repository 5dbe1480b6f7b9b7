import * as pulumi from "@pulumi/pulumi";
import type { Kind } from "../kinds";

/** Resource options of a `get` from Dynamics. */
export interface RecordReadOptions extends pulumi.CustomResourceOptions {
  /** The Dataverse environment to look in, e.g. `https://contoso.crm4.dynamics.com`. Default: the configuration's. */
  environmentUrl?: pulumi.Input<string | undefined>;
}

/** What a `get` asks for. */
interface Asked {
  /** Id, address or name. */
  id: pulumi.Input<string>;
  /** What the provider needs to know besides. */
  inputs: Record<string, unknown>;
}

/** Options that a `get` of this package made, with what it asks for. Nobody else can make them: a bare `id` is refused. */
const ASKED = new WeakMap<object, Asked>();

/**
 * Options of a resource that is read and not declared.
 *
 * @throws Error when nothing is asked for: the SDK would take that for a new resource.
 */
export function asking(
  kind: Kind,
  name: string,
  id: pulumi.Input<string>,
  { environmentUrl, ...options }: RecordReadOptions = {},
): pulumi.CustomResourceOptions {
  if (id === undefined || id === null || (typeof id === "string" && id.trim() === "")) {
    throw new pulumi.RunError(`${kind}.get("${name}", …) was not told what to read: its second argument is empty.`);
  }
  if (typeof id !== "string" && !pulumi.Output.isInstance(id) && !(id instanceof Promise)) {
    throw new pulumi.RunError(
      `${kind}.get("${name}", …) takes text as its second argument: an id, or what the object is called.`,
    );
  }
  const made = { ...options };
  ASKED.set(made, {
    id: typeof id === "string" ? id.trim() : id,
    inputs: environmentUrl === undefined ? {} : { environmentUrl },
  });
  return made;
}

/** What the options of a resource ask for; undefined for one that is declared. */
export function askedIn(options: pulumi.CustomResourceOptions | undefined): Asked | undefined {
  return options === undefined ? undefined : ASKED.get(options);
}

/** A resource that was read, with the canonical id: the SDK gives the id back as it was asked for, and the provider answers with `__id`. */
export function answered<T extends pulumi.CustomResource>(resource: T): T {
  const own = resource as { id: pulumi.Output<string>; readonly __id?: pulumi.Output<string | undefined> };
  const canonical = own.__id ?? pulumi.output(undefined);
  own.id = pulumi.all([canonical, own.id]).apply(([known, given]) => known ?? given);
  return resource;
}

/** How a kind is brought into a stack and read, for the error that refuses Pulumi's own ways. */
interface ReadByPulumi {
  kind: Kind;
  askedBy: string;
  takenOver: string;
}

/**
 * Refuses the options of Pulumi that cannot work here: the engine would read a resource by its id alone, and a dynamic provider
 * needs its inputs for that.
 */
export function refuseReading(
  { kind, askedBy, takenOver }: ReadByPulumi,
  name: string,
  options: pulumi.CustomResourceOptions | undefined,
): void {
  const { id, import: imported } = options ?? {};
  if (imported !== undefined) {
    throw new pulumi.RunError(
      `${kind} "${name}": the option \`import\` does not work with a dynamic provider. ${takenOver} ` +
        `To point at it without managing it, call ${kind}.get("${name}", …).`,
    );
  }
  if (id !== undefined) {
    throw new pulumi.RunError(
      `${kind} "${name}": the option \`id\` does not work with a dynamic provider. To read what exists, call ${kind}.get("${name}", …) with its ${askedBy}. ` +
        `To manage it: ${takenOver}`,
    );
  }
}
