/** Reads the states of stacks: what `pulumi stack export` prints, or state files of a backend in files. */
import { basename } from "node:path";
import { SIGNATURE } from "../dynamic/wire-values";
import { isObject, mapOf, type Row } from "../http/json";
import { textIn } from "../review/command";
import { resourcesIn } from "../review/preview";
import { kindOf, SECRET } from "../review/rules";

type Properties = Readonly<Record<string, unknown>>;

/** A resource of this package in a stack. */
export interface StackResource {
  kind: string;
  /** Logical name. */
  name: string;
  id: string;
  inputs: Properties;
  outputs: Properties;
}

/** A stack, as far as it is about mailboxes. */
export interface Stack {
  /** `project/stack`. */
  name: string;
  /** The file it was read from. */
  file: string;
  resources: StackResource[];
  /** How many resources of other packages are in it. */
  others: number;
}

/** Something that cannot be used as it is; the message is a sentence with a next step. */
export class Unusable extends Error {
  override readonly name = "Unusable";
}

const HOW = "Run `pulumi stack export --file stack.json`, and give that file.";

/**
 * Reads a state.
 *
 * @throws Unusable when the file is something else, or has no mailboxes.
 */
export function readStack(file: string): Stack {
  const short = basename(file);
  const json = parsed(file, short);
  const resources = resourcesIn(json);
  if (resources === undefined) {
    const isPreview = isObject(json) && ("steps" in json || "changeSummary" in json);
    throw new Unusable(`${short} is ${isPreview ? "a preview" : "JSON"}, and not the state of a stack. ${HOW}`);
  }
  const rows = resources.filter(({ urn }) => typeof urn === "string");
  // Read by the program and declared elsewhere, or about to be deleted.
  const managed = rows.filter((row) => row.external !== true && row.delete !== true);
  const [, stack = "", project = ""] = /^urn:pulumi:(.*?)::(.*?)::/.exec(String(rows[0]?.urn ?? "")) ?? [];
  const own = managed.flatMap((row): StackResource[] => {
    const kind = kindOf(String(row.type));
    const name = String(row.urn).split("::").slice(3).join("::");
    return kind === undefined
      ? []
      : [
          {
            kind,
            name,
            id: String(row.id ?? ""),
            inputs: mapOf(opened(row.inputs)),
            outputs: mapOf(opened(row.outputs)),
          },
        ];
  });
  if (own.length === 0) {
    const whose = project === "" ? "" : ` of project ${project}`;
    throw new Unusable(
      `${short} is the state of a stack${whose} without mailboxes of this package. Give the state of a stack that declares some.`,
    );
  }
  const isOther = ({ type }: Row) => kindOf(String(type)) === undefined && !String(type).startsWith("pulumi:");
  return { name: `${project}/${stack}`, file, resources: own, others: managed.filter(isOther).length };
}

function parsed(file: string, short: string): unknown {
  const text = textIn(file, "", "pulumi stack export");
  if (text.trim() === "") {
    throw new Unusable(`${short} is empty. ${HOW}`);
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Unusable(`${short} is not JSON, so it is not the state of a stack. ${HOW}`);
  }
}

/** A value with secrets opened where the export tells them (`--show-secrets`). */
function opened(value: unknown): unknown {
  if (typeof value !== "object" || value === null) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map(opened);
  }
  if (SIGNATURE in value) {
    const { plaintext } = mapOf(value);
    return typeof plaintext === "string" ? opened(JSON.parse(plaintext)) : SECRET;
  }
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, opened(one)]));
}
