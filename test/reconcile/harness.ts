import { Agent } from "node:http";
import type * as pulumi from "@pulumi/pulumi";
import type { Operation } from "../../provider/core/kind";
import type { Registry } from "../../provider/core/registry";
import { type Deployment, openDeployment } from "../../provider/dynamic/deployment";
import { DynamicProvider } from "../../provider/dynamic/dynamic-provider";
import { EngineLog, PartialFailure } from "../../provider/dynamic/engine";
import { comparedColumns, type Kind, kinds } from "../../provider/kinds";
import type { AnyReconciler } from "../../provider/kinds/description";
import { markOf } from "../../provider/kinds/shared-mailbox/naming";
import { type RunningTenant, startLocalTenant } from "../../provider/local-tenant/server";
import { Refusal, TenantClient } from "../../scripts/tenant-client.cjs";

/** Plain JSON. */
export type Row = Record<string, unknown>;

/** What the engine keeps of a resource. */
interface State {
  id: string;
  inputs: Row;
  outputs: Row;
  /** A create or update that failed half-way: the next deployment calls update whatever the inputs say. */
  isTainted: boolean;
}

/** A tenant of one's own and everything that is done to it. */
export interface World {
  origin: string;
  /** Changes the configuration of the deployments from now on. */
  configure: (change: Row) => void;
  /** Sets the day on which deployments begin from now on. */
  onDay: (day: string) => void;
  tenantId: string;
  running: RunningTenant;
  /** Warnings of all deployments so far. */
  warnings: string[];
  /** A resource of the program. */
  resource(kind: Kind, name: string): Resource;
  /** Runs several operations in one deployment, as one `pulumi up` does; each one alone is a deployment of its own. */
  together<T>(work: () => Promise<T>): Promise<T>;
  /** Runs work with the deployment that is open. */
  deploying<T>(work: (deployment: Deployment) => Promise<T>): Promise<T>;
  /** Rows of a cmdlet, asked for over HTTP with a token of the tenant: independent of the code under test. */
  exchange(cmdlet: string, parameters?: Row): Promise<Row[]>;
  /** Graph, likewise. A 404 is undefined. */
  graph(method: string, path: string, body?: unknown): Promise<Row | undefined>;
  /** Dataverse, likewise. A 404 is undefined. */
  dataverse(method: string, path: string, body?: unknown): Promise<Row | undefined>;
  /** The control interface. */
  control(method: string, path: string, body?: unknown): Promise<Row>;
  /** Changes a recipient's row behind everybody's back; `mailbox` is merged into its mailbox fields. */
  patchRecipient(address: string, change: Row & { mailbox?: Row }): Promise<void>;
  /** Adds a fault rule. */
  fault(rule: Row): Promise<void>;
  /** Number of requests counted since the log was cleared, by cmdlet; clears nothing. */
  countOf(cmdlet: string): Promise<number>;
  /** Writes since the last time this was asked: `Set-Mailbox`, `PATCH /v1.0/users/…`. */
  writes(): Promise<string[]>;
  /** Marks work that may write, of the provider or by hand. */
  working<T>(work: () => Promise<T>): Promise<T>;
  /** Runs what only looks. The tenant must not be sent a write meanwhile, as far as nothing else is at work that may send one. */
  looking<T>(what: string, look: () => Promise<T>): Promise<T>;
}

const worlds: (() => Promise<void>)[] = [];

/** Connections of the tests' own client. A tenant that is closed closes them. To make one takes as long as a request. */
const kept = new Agent({ keepAlive: true });

afterEach(async () => {
  await Promise.all(worlds.splice(0).map((close) => close()));
});

/** How a world differs from the usual one. */
interface Options {
  /** Settings of the tenant. */
  settings?: Row;
  /** Keys of the stack's configuration. */
  config?: Record<string, unknown>;
}

/** Starts a seeded tenant on a free port; it is stopped after the test. */
export async function startWorld({ settings = {}, config = {} }: Options = {}): Promise<World> {
  const running = await startLocalTenant({ seed: "contoso" });
  const { origin } = running;
  worlds.push(() => running.close());
  const warnings: string[] = [];
  const log = new RecordingLog(warnings);
  const values: Row = { localTenant: origin, settleTimeout: "60s", ...config };
  const raw = {
    get: (key: string) => values[key.replace("mailboxes:", "")],
    keys: Object.keys(values).map((key) => `mailboxes:${key}`),
  };
  let current: Deployment | undefined;
  let today: string | undefined;
  const together = async <T>(work: () => Promise<T>): Promise<T> => {
    const opened = await openDeployment(raw, log, comparedColumns);
    current = { ...opened, today: today ?? opened.today };
    try {
      return await work();
    } finally {
      await opened.close();
      current = undefined;
    }
  };
  const deploying = <T>(work: (deployment: Deployment) => Promise<T>): Promise<T> => {
    const run = () => (current === undefined ? Promise.reject(new Error("no deployment")) : work(current));
    return current === undefined ? together(run) : run();
  };

  const client = new TenantClient(origin, undefined, kept);
  const known = (asked: Promise<Row>): Promise<Row | undefined> =>
    asked
      .then((answer) => answer ?? {})
      .catch((error) => (error instanceof Refusal && error.status === 404 ? undefined : Promise.reject(error)));
  const control = async (method: string, path: string, body?: unknown): Promise<Row> =>
    ((await client.control(method, path, body)) ?? {}) as Row;
  let lastSeen = 0;
  let [begun, underway] = [0, 0];
  const working = async <T>(work: () => Promise<T>): Promise<T> => {
    begun += 1;
    underway += 1;
    try {
      return await work();
    } finally {
      underway -= 1;
    }
  };

  const world: World = {
    origin,
    tenantId: client.tenantId,
    running,
    warnings,
    configure: (change) => Object.assign(values, change),
    onDay: (day) => {
      today = day;
    },
    resource: (kind, name) => new Resource(world, kind, name),
    together,
    deploying,
    exchange: (cmdlet, parameters) => working(() => client.exchange(cmdlet, parameters)),
    graph: (method, path, body) => working(() => known(client.graph(method, path, body))),
    dataverse: (method, path, body) => working(() => known(client.dataverse(method, path, body))),
    control,
    working,
    async looking(what, look) {
      const { requests } = running;
      const [isAlone, before, writes] = [underway === 1, begun, requests.counts.writes];
      const seen = await look();
      if (isAlone && begun === before && requests.counts.writes > writes) {
        const sent = requests.requests.filter(({ isWrite }) => isWrite).slice(writes - requests.counts.writes);
        throw new Error(`${what} changes nothing, and wrote: ${JSON.stringify(sent)}`);
      }
      return seen;
    },
    async patchRecipient(address, { mailbox, ...change }) {
      const rows = Object.entries(await control("GET", "state/recipients")) as [string, Row][];
      const found = rows.find(([, row]) =>
        (row.emailAddresses as string[]).some((one) => one.toLowerCase() === `smtp:${address}`),
      );
      if (found === undefined) {
        throw new Error(`no recipient ${address}`);
      }
      const fields = mailbox === undefined ? {} : { mailbox: { ...(found[1].mailbox as Row), ...mailbox } };
      await control("PATCH", `state/recipients/${found[0]}`, { ...change, ...fields });
    },
    async fault(rule) {
      await control("POST", "faults", rule);
    },
    async countOf(cmdlet) {
      const { byCmdlet } = await control("GET", "requests/counts");
      return Number((byCmdlet as Row)[cmdlet] ?? 0);
    },
    async writes() {
      const requests = (await control("GET", `requests?writes=true&since=${lastSeen}`)) as unknown as Row[];
      lastSeen = Math.max(lastSeen, ...requests.map(({ id }) => Number(id)));
      return requests
        .flatMap((request) => (request.inner as Row[] | undefined) ?? [request])
        .map((request) => String(request.cmdlet ?? `${request.method} ${request.path}`));
    },
  };
  if (Object.keys(settings).length > 0) {
    await control("PATCH", "settings", settings);
  }
  return world;
}

class RecordingLog extends EngineLog {
  readonly #warnings: string[];

  constructor(warnings: string[]) {
    super(undefined);
    this.#warnings = warnings;
  }

  override warn(_urn: string, text: string): void {
    this.#warnings.push(text);
  }
}

/** One resource of a program, driven as the engine drives it: through the provider's methods, its state kept between. */
export class Resource {
  readonly #world: World;
  readonly #kind: Kind;
  urn: string;
  state: State | undefined;
  /** The option `ignoreChanges`: names of properties, or `property/key` for one entry of a map. */
  ignoreChanges: string[] = [];

  constructor(world: World, kind: Kind, name: string) {
    this.#world = world;
    this.#kind = kind;
    this.urn = `urn:pulumi:dev::contoso::pulumi-nodejs:dynamic/mailboxes:${kind}::${name}`;
  }

  /** Gives the resource another name, as a program does with an alias, or `pulumi state rename`. */
  rename(name: string): this {
    this.urn = this.urn.replace(/::[^:]*$/, `::${name}`);
    return this;
  }

  /** The id in the state. */
  get id(): string {
    return this.#known().id;
  }

  /** The outputs in the state. */
  get outputs(): Row {
    return this.#known().outputs;
  }

  #known(): State {
    if (this.state === undefined) {
      throw new Error("the resource is not there");
    }
    return this.state;
  }

  /** Canonical inputs for a program. Fails with the failures' reasons. */
  async check(program: Row): Promise<Row> {
    return this.#with(async (provider) => {
      const news = this.#ignoring({ ...program, __origin: this.urn });
      const __ignored = this.ignoreChanges.map((path) => path.replace(/\/(.*)$/, '["$1"]'));
      const result = await provider.check?.(this.state?.inputs ?? {}, { ...news, __ignored });
      if ((result?.failures ?? []).length > 0) {
        expect(result?.failures?.map(({ property }) => property)).toEqual(result?.failures?.map(() => ""));
        throw new Error(result?.failures?.map(({ reason }) => reason).join("\n"));
      }
      return this.#ignoring(result?.inputs as Row);
    });
  }

  /** What the engine makes of inputs before and after it has them checked: what is ignored is as the state has it. */
  #ignoring(inputs: Row): Row {
    const made = structuredClone(inputs);
    for (const path of this.state === undefined ? [] : this.ignoreChanges) {
      const keys = path.split("/");
      const last = keys.pop() ?? "";
      const owner = keys.length === 0 ? made : at(made, keys.join("/"));
      const held = at(this.#known().inputs, path);
      if (isRow(owner)) {
        delete owner[last];
        Object.assign(owner, held === undefined ? {} : { [last]: structuredClone(held) });
      }
    }
    return made;
  }

  /** What a preview shows: the paths that differ, or "replace". */
  async plan(program: Row): Promise<string[]> {
    return this.#diff(await this.check(program));
  }

  async #diff(news: Row): Promise<string[]> {
    const { state } = this;
    if (state === undefined) {
      return ["create"];
    }
    const changed = changedPaths(state.inputs, news);
    // Asked whether or not something differs, as the engine does: this is how a deployment learns what stays as it is.
    const diff = await this.#with((provider) => provider.diff?.(state.id, state.outputs, news));
    // The engine heeds `replaces` only where something changes.
    if ((diff?.replaces ?? []).length > 0 && (diff?.changes ?? changed.length > 0)) {
      return ["replace"];
    }
    return diff?.changes === false ? [] : diff?.changes === true && changed.length === 0 ? ["(moved)"] : changed;
  }

  /**
   * Creates, updates or replaces, as the engine would: in one deployment.
   *
   * @param remediate what a policy makes of the checked inputs; the engine does not check them again.
   */
  async up(program: Row, remediate = (checked: Row) => checked): Promise<this> {
    return this.#world.deploying(() => this.#up(program, remediate));
  }

  async #up(program: Row, remediate: (checked: Row) => Row): Promise<this> {
    const news = remediate(await this.check(program));
    const plan = await this.#diff(news);
    if (plan[0] === "replace") {
      await this.destroy();
    }
    const { state } = this;
    if (state !== undefined && plan.length === 0 && !state.isTainted) {
      return this;
    }
    try {
      await this.#with(async (provider) => {
        if (state === undefined) {
          const { id, outs } = await provider.create(news);
          this.state = { id, inputs: news, outputs: outs, isTainted: false };
        } else {
          const result = await provider.update?.(state.id, state.outputs, news);
          this.state = { id: state.id, inputs: news, outputs: result?.outs, isTainted: false };
        }
      });
    } catch (error) {
      if (error instanceof PartialFailure) {
        this.state = { id: error.id, inputs: news, outputs: error.properties, isTainted: true };
      }
      throw error;
    }
    expect(JSON.parse(JSON.stringify(this.state?.outputs))).toEqual(this.state?.outputs);
    return this;
  }

  /**
   * Reads what a text means, as the engine does for a `get` of the program; the state is then that of what was read.
   *
   * @param wanted names of the outputs that the class has.
   * @param inputs what the program says besides.
   */
  async get(asked: string, wanted: readonly string[], inputs: Row = {}): Promise<this> {
    const props = { ...inputs, __origin: this.urn, __get: wanted };
    const read = await this.#with((provider) => provider.read?.(asked, props));
    this.state = { id: String(read?.id), inputs: props, outputs: read?.props, isTainted: false };
    return this;
  }

  /** Reads. @returns what changed among the inputs, by path: `{ displayName: ["old", "new"] }`; "gone" when it is gone. */
  async refresh(): Promise<Record<string, [unknown, unknown]> | "gone"> {
    const state = this.#known();
    const read = await this.#with(async (provider) => {
      const result = await provider.read?.(state.id, state.outputs);
      if (result?.id !== undefined) {
        // As the engine does, before it knows the program.
        await provider.diff?.(state.id, state.outputs, (result as { inputs?: Row }).inputs ?? {});
      }
      return result;
    });
    if (read?.id === undefined) {
      this.state = undefined;
      return "gone";
    }
    const inputs = (read as { inputs?: Row }).inputs ?? {};
    const changes = Object.fromEntries(
      changedPaths(state.inputs, inputs).map((path) => [path, [at(state.inputs, path), at(inputs, path)]]),
    );
    // A refresh makes the engine forget that a deployment failed half-way.
    this.state = { ...state, inputs, outputs: read.props, isTainted: false };
    return changes as Record<string, [unknown, unknown]>;
  }

  /** Deletes. */
  async destroy(): Promise<void> {
    const state = this.#known();
    await this.#with((provider) => provider.delete?.(state.id, state.outputs));
    this.state = undefined;
  }

  #with<T>(work: (provider: pulumi.dynamic.ResourceProvider) => Promise<T> | undefined): Promise<T> {
    return this.#world.deploying(async (deployment) => {
      const provider = this.#provider(deployment);
      return (await this.#world.working(async () => work(provider))) as T;
    });
  }

  #provider(deployment: Deployment): pulumi.dynamic.ResourceProvider {
    const open = () => Promise.resolve(deployment);
    const working = <T>(work: () => Promise<T>) => work();
    return new DynamicProvider(held(kinds[this.#kind].reconciler, this.#world), open, working);
  }
}

/** A reconciler that is held to what its functions promise: those that are pure, and those that look and change nothing. */
function held(reconciler: AnyReconciler, world: World): AnyReconciler {
  const { kind, find, whenGone, warnings } = reconciler;
  expect(find === undefined).toBe(reconciler.takeOver === undefined);
  const looking = <T>(name: string, operation: AnyOperation, look: (operation: AnyOperation) => Promise<T>) =>
    world.looking(`${kind}.${name}`, () => look(onlyLooking(operation, `${kind}.${name}`, name === "resolve")));
  return {
    ...reconciler,
    resolve: (inputs, operation) => looking("resolve", operation, (one) => reconciler.resolve(inputs, one)),
    ...(find && { find: (desired, operation) => looking("find", operation, (one) => find(desired, one)) }),
    observe: (id, desired, operation) => looking("observe", operation, (one) => reconciler.observe(id, desired, one)),
    read: (asked, operation) => looking("read", operation, (one) => reconciler.read(asked, one)),
    ...(whenGone && { whenGone: (id, operation) => looking("whenGone", operation, (one) => whenGone(id, one)) }),
    ...(warnings && {
      warnings: (desired, observed, operation) =>
        looking("warnings", operation, async (one) => warnings(desired, observed, one)),
    }),
    difference: (desired, previous, observed, known) =>
      purely([desired, previous, observed, known.inputs, known.memory], () =>
        reconciler.difference(desired, previous, observed, known),
      ),
    inputs: (known, observed) =>
      purely([known.inputs, known.memory, observed], () => reconciler.inputs(known, observed)),
    outputs: (desired, observed, known) =>
      purely([desired, observed, known.inputs, known.memory], () => reconciler.outputs(desired, observed, known)),
  };
}

/** Asks twice. Nothing of what is given may be changed, and the answer must be the same. */
function purely<T>(given: readonly unknown[], ask: () => T): T {
  given.forEach(freeze);
  const answer = ask();
  expect(ask()).toEqual(answer);
  return answer;
}

// biome-ignore lint/suspicious/noExplicitAny: of any kind.
type AnyOperation = Operation<any, any>;

/**
 * An operation in which nothing can be recorded, told to the user or to the other resources of the deployment.
 *
 * @param isResolving whether it may warn, and tell where mail goes on to.
 */
function onlyLooking(operation: AnyOperation, what: string, isResolving: boolean): AnyOperation {
  const refuse = (name: string) => (): never => {
    throw new Error(`${what} changes nothing: it must not call ${name}`);
  };
  const { registry } = operation;
  return {
    ...operation,
    record: refuse("record"),
    warn: isResolving ? operation.warn : refuse("warn"),
    registry: without(registry, isResolving ? REGISTRY.filter((name) => name !== "feed") : REGISTRY, refuse, {
      formerMethods: without(registry.formerMethods, ["set", "delete", "clear"], refuse),
      claims: without(registry.claims, ["claim", "settle", "learn"], refuse),
      births: without(registry.births, ["note", "make", "compare"], refuse),
      mailFlow: without(registry.mailFlow, isResolving ? [] : ["note"], refuse),
      removals: without(registry.removals, ["see", "during", "admit"], refuse),
    }),
  };
}

/** By what the registry is told something. */
const REGISTRY: readonly (keyof Registry)[] = [
  "declare",
  "noteRead",
  "declareValue",
  "feed",
  "willMakeRoom",
  "settle",
  "declareAddress",
  "announce",
  "takeAlias",
  "giveUp",
  "nameMailbox",
  "noteTakenOff",
  "noteDeleted",
];

/** An object without some of its methods. */
function without<T extends object>(
  whole: T,
  names: readonly (keyof T)[],
  refuse: (name: string) => () => never,
  parts: Partial<T> = {},
): T {
  return new Proxy(whole, {
    get(target, name) {
      const key = name as keyof T;
      const value = parts[key] ?? target[key];
      // Private fields are only the object's own.
      return names.includes(key) ? refuse(String(name)) : typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Makes every change of a value, and of what is in it, an error. */
function freeze(value: unknown): void {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) {
    return;
  }
  if (value instanceof Map || value instanceof Set) {
    const refuse = () => {
      throw new TypeError("a pure function must not change what it is given");
    };
    Object.assign(value, { set: refuse, add: refuse, delete: refuse, clear: refuse });
    for (const [key, member] of value.entries()) {
      freeze(key);
      freeze(member);
    }
  }
  Object.freeze(value);
  Object.values(value).forEach(freeze);
}

/** What a resource remembers and shows to nobody. */
export function hiddenMemory(resource: Resource): Row {
  return (resource.outputs.__memory ?? {}) as Row;
}

/** Paths of leaves that differ between two sets of properties; parts joined by "/". */
function changedPaths(from: unknown, to: unknown, path = ""): string[] {
  if (isRow(from) && isRow(to)) {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(to)])].sort();
    return keys.flatMap((key) => changedPaths(from[key], to[key], path === "" ? key : `${path}/${key}`));
  }
  // As texts: an array that the provider has copied is of another realm than jest's, and a strict comparison tells them apart.
  return JSON.stringify(from) === JSON.stringify(to) ? [] : [path];
}

function at(value: unknown, path: string): unknown {
  return path.split("/").reduce<unknown>((part, key) => (isRow(part) ? part[key] : undefined), value);
}

function isRow(value: unknown): value is Row {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A tenant with the shared mailbox support@contoso.com, its id, and a membership of it that is not deployed yet. */
export async function withMailbox(options: Options = {}): Promise<{ world: World; id: string; membership: Resource }> {
  // A short settle timeout is for what the test is about, and not for this creation.
  const { settleTimeout = "60s", ...config } = options.config ?? {};
  const world = await startWorld({ ...options, config });
  const mailbox = await world
    .resource("SharedMailbox", "support")
    .up({ displayName: "Support", primarySmtpAddress: "support@contoso.com" });
  world.configure({ settleTimeout });
  return { world, id: mailbox.id, membership: world.resource("MailboxMembership", "members") };
}

/** Shared mailboxes, made in one deployment, with a membership each where there are members for it. */
export function manyMailboxes(
  world: World,
  names: readonly string[],
  members?: readonly string[],
): Promise<Resource[]> {
  const made = async (name: string): Promise<Resource[]> => {
    const box = world.resource("SharedMailbox", name);
    await box.up({ displayName: name, primarySmtpAddress: `${name}@contoso.com` });
    const membership = world.resource("MailboxMembership", `of-${name}`);
    return members === undefined ? [box] : [box, await membership.up({ mailbox: box.id, members: [...members] })];
  };
  return world.together(async () => (await Promise.all(names.map(made))).flat());
}

/** What a refresh of resources in one deployment finds of those that are not as their states say. */
export async function driftOf(world: World, resources: readonly Resource[]): Promise<("gone" | Row)[]> {
  const found = await world.together(() => Promise.all(resources.map((one) => one.refresh())));
  return found.filter((one) => one === "gone" || Object.keys(one).length > 0);
}

/** Who has Full Access to a mailbox by an entry of its own, as Exchange prints them, in lower case. */
export async function holders(world: World, id: string): Promise<string[]> {
  const rows = await world.exchange("Get-MailboxPermission", { Identity: id, ResultSize: "Unlimited" });
  return rows
    .filter((row) => row.IsInherited === false && row.UserSid !== "S-1-5-10")
    .map((row) => String(row.User).toLowerCase())
    .sort();
}

/** Gives Full Access by hand. */
export const grant = (world: World, id: string, user: string): Promise<Row[]> =>
  world.exchange("Add-MailboxPermission", { Identity: id, User: user, AccessRights: ["FullAccess"] });

/** Makes a shared mailbox by hand. */
export async function makeMailbox(world: World, address: string): Promise<string> {
  const alias = address.split("@")[0];
  const [made] = await world.exchange("New-Mailbox", {
    Shared: true,
    Name: `${alias} by hand`,
    DisplayName: `The ${alias}`,
    Alias: alias,
    PrimarySmtpAddress: address,
  });
  return String(made?.ExternalDirectoryObjectId);
}

/** What a deployment of the resource leaves that is killed right after `New-Mailbox`. @returns its Entra object id. */
export async function interruptedCreation(world: World, { urn }: Resource, program: Row): Promise<string> {
  const address = String(program.primarySmtpAddress);
  const alias = String(program.alias ?? address.split("@")[0]);
  const [made] = await world.exchange("New-Mailbox", {
    Shared: true,
    Name: alias,
    DisplayName: program.displayName,
    Alias: alias,
    PrimarySmtpAddress: address,
    Initials: markOf(address, { urn, born: urn }),
  });
  return String(made?.ExternalDirectoryObjectId);
}

/** Resources as `pulumi stack export` has them. */
export function exported(...resources: Resource[]): Row {
  const stack = "urn:pulumi:dev::contoso::pulumi:pulumi:Stack::contoso-dev";
  return {
    version: 3,
    deployment: {
      resources: [
        { urn: stack, custom: false, type: "pulumi:pulumi:Stack" },
        ...resources.map(({ urn, state }) => ({
          urn,
          custom: true,
          id: state?.id,
          type: urn.split("::")[2],
          inputs: state?.inputs,
          outputs: state?.outputs,
        })),
      ],
    },
  };
}

/** The message an operation fails with; fails the test when it succeeds. */
export async function failure(operation: Promise<unknown>): Promise<string> {
  return operation.then(
    (value) => {
      throw new Error(`it succeeded: ${JSON.stringify(value)}`);
    },
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}
