import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import ts from "typescript";
import { kinds } from "../provider/kinds";

const ROOT = resolve(__dirname, "..", "provider");

/** One import in one file. `isTypeOnly`: gone when the program runs. `isLate`: a call, which loads nothing until it is reached. */
interface Import {
  file: string;
  target: string;
  isTypeOnly: boolean;
  isLate: boolean;
}

/**
 * The layers, and what each may import besides itself. `configuration` and `http` are the two halves of the lowest one. The files
 * directly below `provider/` are the doors. Of a kind, two things are layers of their own: `resource.ts`, which programs load, and
 * {@link DESCRIBED}, what it says of itself to the commands, in their words.
 */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  resources: [],
  "kinds/*/resource.ts": ["resources"],
  "kinds/*/kind.ts": ["kinds", "core", "services", "http", "dynamic", "doctor", "review"],
  dynamic: ["core", "services", "http", "configuration"],
  kinds: ["core", "services", "http"],
  core: ["services", "http"],
  services: ["http", "configuration"],
  http: ["configuration"],
  configuration: ["http"],
  "local-tenant": [],
  "index.ts": ["kinds/*/resource.ts", "resources"],
  "kinds.ts": ["kinds/*/kind.ts"],
  // The door of the engine: the names of the kinds are those of the list.
  "provider.ts": ["dynamic", "kinds.ts"],
  // Mocks for users' own tests: checks as the provider does, and knows the types by the classes' names.
  "testing.ts": ["core", "dynamic", "kinds.ts", "kinds/*/kind.ts", "resources"],
  "cli.ts": ["acceptance", "access", "doctor", "import-file.ts", "leaver", "local-tenant", "review"],
  // Reads a preview's JSON, and asks the kinds what it means. Its rules are those of policy packs too, and load nothing of the provider.
  review: ["kinds.ts", "core", "http"],
  "policy.ts": ["review"],
  // Asks the services plainly, as a client of its own: nothing of what reconciles, and nothing of the local tenant.
  acceptance: ["dynamic", "services", "http", "configuration"],
  // Asks the services plainly too, and reads states, whose types it knows as a review does.
  doctor: ["kinds.ts", "core", "dynamic", "http", "configuration", "review"],
  // Reads who has access, with the eyes of the memberships, and what states declare. It changes nothing.
  access: ["kinds.ts", "review", "dynamic", "core", "kinds", "services", "http", "configuration"],
  // The same for one person, with the files of a program beside it.
  leaver: ["access", "review", "kinds.ts", "dynamic", "core", "kinds", "services", "http", "configuration"],
  // Writes what the engine would hold: the other doors' canonical form and names, without an engine.
  "import-file.ts": ["access", "kinds.ts", "kinds/*/kind.ts", "dynamic", "core", "configuration", "resources"],
};

/** What `core` may load of the services: how to wait. All else of theirs it knows by type only. */
const WAITING = join(ROOT, "services", "waiting");

/** The files with which a kind describes itself to the commands. */
const DESCRIBED = ["kind.ts", "description.ts"];

/** The layers that every program loads. */
const LOADED_BY_PROGRAMS = ["resources", "kinds/*/resource.ts"];

/** The programs that load the resource classes must not pay for validation or HTTP. */
const HEAVY = /^(zod|@azure\/|@microsoft\/|hono|@hono\/|dataloader|commander)/;

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : entry.name.endsWith(".ts") ? [path] : [];
  });
}

function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true);
  const found: Import[] = [];
  const note = (target: ts.Node | undefined, isTypeOnly: boolean, isLate = false): void => {
    if (target !== undefined && ts.isStringLiteralLike(target)) {
      found.push({ file, target: target.text, isTypeOnly, isLate });
    }
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      const clause = node.importClause;
      const names = clause?.namedBindings;
      const isTypeOnly =
        clause?.phaseModifier === ts.SyntaxKind.TypeKeyword ||
        (clause?.name === undefined &&
          names !== undefined &&
          ts.isNamedImports(names) &&
          names.elements.length > 0 &&
          names.elements.every((element) => element.isTypeOnly));
      note(node.moduleSpecifier, isTypeOnly);
    } else if (ts.isExportDeclaration(node)) {
      note(node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      note(node.argument.literal, true);
    } else if (ts.isCallExpression(node)) {
      const isRequire = ts.isIdentifier(node.expression) && node.expression.text === "require";
      if (isRequire || node.expression.kind === ts.SyntaxKind.ImportKeyword) {
        note(node.arguments[0], false, true);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

/** The layer of a file: its folder below `provider/`, or its own name where it is directly there. */
function layerOf(file: string): string {
  const [first = "", ...rest] = relative(ROOT, file).split(sep);
  const name = rest.at(-1) ?? "";
  return first !== "kinds"
    ? first
    : name === "resource.ts"
      ? "kinds/*/resource.ts"
      : DESCRIBED.includes(name)
        ? "kinds/*/kind.ts"
        : first;
}

function resolved({ file, target }: Import): string | undefined {
  return target.startsWith(".") ? resolve(dirname(file), target.replace(/\.js$/, "")) : undefined;
}

function layerOfTarget(entry: Import): string | undefined {
  const path = resolved(entry);
  if (path === undefined) {
    return undefined;
  }
  const below = relative(ROOT, path);
  return below.startsWith("..") ? "outside of provider/" : layerOf(`${path}.ts`);
}

function shown(entry: Import): string {
  return `${relative(ROOT, entry.file).split(sep).join("/")} imports ${entry.target}`;
}

const imports = filesBelow(ROOT).flatMap(importsOf);

/** What a file loads when it is loaded itself: files below `provider/`, and packages that are not Node's. */
function loadedBy(door: string): { files: string[]; packages: string[] } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const walk = (file: string): void => {
    if (!files.has(file)) {
      files.add(file);
      for (const entry of imports.filter((one) => one.file === file && !one.isTypeOnly && !one.isLate)) {
        const path = resolved(entry);
        if (path !== undefined) {
          walk(`${path}.ts`);
        } else if (!entry.target.startsWith("node:")) {
          packages.add(entry.target);
        }
      }
    }
  };
  walk(join(ROOT, door));
  const names = [...files].map((file) => relative(ROOT, file).split(sep).join("/"));
  return { files: names.sort(), packages: [...packages].sort() };
}

/** The one place that starts a local tenant when the configuration asks for it. */
function startsLocalTenant(entry: Import): boolean {
  return layerOf(entry.file) === "dynamic" && layerOfTarget(entry) === "local-tenant" && !entry.isTypeOnly;
}

describe("imports between the layers", () => {
  it("are read", () => {
    expect(imports.length).toBeGreaterThan(50);
    expect(imports.map(layerOfTarget)).toContain("http");
  });

  it("are of layers that are known here", () => {
    const unknown = imports.map(({ file }) => layerOf(file)).filter((layer) => !(layer in ARROWS));
    expect([...new Set(unknown)]).toEqual([]);
  });

  it("follow the arrows", () => {
    const wrong = imports.filter((entry) => {
      const [from, to] = [layerOf(entry.file), layerOfTarget(entry)];
      return (
        to !== undefined &&
        from !== to &&
        !(ARROWS[from] ?? []).includes(to) &&
        !startsLocalTenant(entry) &&
        // The names of the kinds are types: they load nothing.
        !(to === "kinds.ts" && entry.isTypeOnly)
      );
    });
    expect(wrong.map(shown)).toEqual([]);
  });

  it("reach the local tenant in one line only", () => {
    const starts = imports.filter(startsLocalTenant);
    expect(starts.map(shown).slice(1)).toEqual([]);
  });

  it("of the services in the core are types, but for waiting", () => {
    const loaded = imports.filter(
      (entry) =>
        layerOf(entry.file) === "core" &&
        layerOfTarget(entry) === "services" &&
        !entry.isTypeOnly &&
        resolved(entry) !== WAITING,
    );
    expect(loaded.map(shown)).toEqual([]);
  });

  it("do not go round in circles", () => {
    const graph = new Map<string, string[]>();
    for (const entry of imports) {
      const path = resolved(entry);
      if (path !== undefined && !entry.isTypeOnly) {
        graph.set(entry.file, [...(graph.get(entry.file) ?? []), `${path}.ts`]);
      }
    }
    const done = new Set<string>();
    const circles: string[] = [];
    const walk = (file: string, trail: readonly string[]): void => {
      if (trail.includes(file)) {
        circles.push([...trail.slice(trail.indexOf(file)), file].map((step) => relative(ROOT, step)).join(" → "));
        return;
      }
      if (!done.has(file)) {
        for (const next of graph.get(file) ?? []) {
          walk(next, [...trail, file]);
        }
        done.add(file);
      }
    };
    for (const file of graph.keys()) {
      walk(file, []);
    }
    expect(circles).toEqual([]);
  });

  it("of the resource classes do not reach the provider process, but for their types", () => {
    const loaded = imports.filter(
      (entry) =>
        LOADED_BY_PROGRAMS.includes(layerOfTarget(entry) ?? "") &&
        // Neither a command, which writes what the classes would declare, nor mocks are in the provider process.
        ![...LOADED_BY_PROGRAMS, "index.ts", "import-file.ts", "testing.ts"].includes(layerOf(entry.file)) &&
        !entry.isTypeOnly,
    );
    expect(loaded.map(shown)).toEqual([]);
  });

  it("of policy packs reach the rules, and nothing of the provider", () => {
    const { files } = loadedBy("policy.ts");
    expect(files).toEqual(["policy.ts", "review/rules.ts"]);
  });

  it("load at the start of a provider process only what a deployment of shared mailboxes needs", () => {
    const { files, packages } = loadedBy("provider.ts");
    const graph = "@microsoft/microsoft-graph-client";
    expect(packages).toEqual([
      graph,
      "cldr-core/supplemental/windowsZones.json",
      "dataloader",
      "entities/decode",
      "zod",
    ]);
    expect(files).toContain("kinds/shared-mailbox/reconciler.ts");
    const late = /^kinds\/(?:forwarding-mailbox|individual-mailbox|mailbox-record|queue)\//;
    expect(files.filter((file) => late.test(file))).toEqual([]);
  });

  it("are all that the commands know of a kind: none of them names one", () => {
    const names = Object.keys(kinds).join("|");
    const commands = ["access", "acceptance", "doctor", "dynamic", "import-file.ts", "leaver", "review", "testing.ts"];
    const naming = filesBelow(ROOT)
      .filter((file) => commands.includes(layerOf(file)) && file !== join(ROOT, "review", "rules.ts"))
      .filter((file) => new RegExp(`\\bkind\\b.{0,9}"(${names})"`).test(readFileSync(file, "utf8")));
    expect(naming.map((file) => relative(ROOT, file))).toEqual([]);
  });

  it("of heavy packages are not in what every program loads", () => {
    const heavy = imports.filter(
      ({ file, target, isTypeOnly }) =>
        [...LOADED_BY_PROGRAMS, "index.ts"].includes(layerOf(file)) && !isTypeOnly && HEAVY.test(target),
    );
    expect(heavy.map(shown)).toEqual([]);
  });

  it("of Pulumi stay in the doors", () => {
    const inside = imports.filter(
      ({ file, target }) =>
        target.startsWith("@pulumi/") &&
        ![...LOADED_BY_PROGRAMS, "dynamic", "index.ts", "policy.ts", "provider.ts", "testing.ts"].includes(
          layerOf(file),
        ),
    );
    expect(inside.map(shown)).toEqual([]);
  });

  it("of the Graph client and of the sign-in stay in the pipeline", () => {
    const outside = imports.filter(
      ({ file, target }) => /^@(azure|microsoft)\//.test(target) && layerOf(file) !== "http",
    );
    expect(outside.map(shown)).toEqual([]);
  });
});
