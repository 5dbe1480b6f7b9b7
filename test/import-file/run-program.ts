import { transformSync } from "@swc/core";
import { type Kind, kindNames } from "../../provider/kinds";

/** What a program declared. */
export interface DeclaredResource {
  kind: Kind;
  program: Record<string, unknown>;
}

/**
 * Runs a written program with classes that only take down what they are given.
 *
 * @param ids the ids that mailboxes have, by logical name.
 * @returns what it declared, by logical name.
 */
export function declaredBy(source: string, ids: Record<string, string>): Record<string, DeclaredResource> {
  const { code } = transformSync(source, {
    filename: "index.ts",
    jsc: { parser: { syntax: "typescript" }, target: "es2022" },
    module: { type: "commonjs" },
  });
  const declared: Record<string, DeclaredResource> = {};
  const recorder = (kind: Kind) =>
    class {
      readonly id: string | undefined;
      constructor(name: string, program: Record<string, unknown>) {
        if (name in declared) {
          throw new Error(`${name} is declared twice`);
        }
        declared[name] = { kind, program };
        this.id = ids[name];
      }
    };
  const classes = Object.fromEntries(kindNames.map((kind) => [kind, recorder(kind)]));
  new Function("require", "module", "exports", code)(() => classes, { exports: {} }, {});
  return declared;
}
