import { isDeepStrictEqual } from "node:util";
import type * as pulumi from "@pulumi/pulumi";
import type { Claim } from "../core/claims";
import {
  converge,
  isUnfit,
  type Known,
  type Operation,
  type Origin,
  type Properties,
  type Reconciler,
  skippingRefusals,
} from "../core/kind";
import { Recorder } from "../core/memory";
import { ConflictError, InputError, NotFoundError, ProviderError, redact } from "../http/errors";
import { membersOf } from "../http/json";
import {
  type Checked,
  check,
  inputsIn,
  isLeft,
  isRight,
  isWithin,
  type Part,
  remarksOn,
  remarksOnIgnored,
  withRaw,
} from "./check";
import { bounds, type Deployment, environmentOf, operationOf } from "./deployment";
import {
  failureOf,
  hasUnknown,
  hidden,
  keepSecret,
  namesIn,
  PartialFailure,
  partsOf,
  plain,
  sealed,
  secretTexts,
  UNFINISHED,
  UNKNOWN,
  urnOf,
  visible,
} from "./engine";

/**
 * Pulumi's six methods over a reconciler. `check` and `diff` do no I/O; create, update and adoption are one walk.
 *
 * @typeParam Inputs see {@link Reconciler}.
 */
export class DynamicProvider<Inputs extends Properties, Memory, Desired, Observed, Existing = Observed>
  implements pulumi.dynamic.ResourceProvider
{
  readonly #reconciler: Reconciler<Inputs, Memory, Desired, Observed, Existing>;
  readonly #deployment: () => Promise<Deployment>;
  readonly #working: <T>(work: () => Promise<T>) => Promise<T>;

  /**
   * @param deployment the deployment that `configure` began to open.
   * @param working runs a call that must be finished before the process may end.
   */
  constructor(
    reconciler: Reconciler<Inputs, Memory, Desired, Observed, Existing>,
    deployment: () => Promise<Deployment>,
    working: <T>(work: () => Promise<T>) => Promise<T>,
  ) {
    this.#reconciler = reconciler;
    this.#deployment = deployment;
    this.#working = working;
  }

  /** Canonical inputs, or failures whose reasons begin with the property's path; a named property would print its value. */
  async check(olds: Properties, news: Properties): Promise<pulumi.dynamic.CheckResult> {
    const isNew = Object.keys(olds).length === 0;
    this.#keepSecrets(olds, news);
    let deployment: Deployment;
    try {
      deployment = await this.#deployment();
    } catch (error) {
      return { inputs: news, failures: [{ property: "", reason: failureOf(error, urnOf(news)).message }] };
    }
    const before = isNew ? undefined : visible(olds);
    const ignored = namesIn(news.__ignored);
    const whole = check(this.#reconciler, visible(news), before, before && { state: before, ignored });
    const { checked, ends } = this.#onDay(whole, deployment.today, before === undefined ? [] : ignored);
    const origin = olds.__origin ?? news.__origin;
    Object.assign(checked.inputs, this.#reconciler.byDefault?.(checked.inputs, before ?? {}));
    const { registry } = deployment;
    const urn = urnOf(news);
    registry.births.note(String(origin), urn, checked.inputs);
    const own: Origin = { born: String(origin), urn };
    const { known } = checked;
    this.#reconciler.announce?.(visible(news), known, own, registry);
    const conflicts = registry.claims.claim(
      this.#claims({ ...known, ...awaited(checked.inputs, news) }, own, deployment),
      { urn },
    );
    const beside = this.#reconciler.beside?.(known, own, registry, inputsIn(before ?? {})) ?? [];
    const problems = [
      ...checked.problems,
      // What is wrong by itself is said once, without how it gets on with others.
      ...beside.filter(({ path }) => !checked.problems.some((one) => one.path === path)),
      ...conflicts.problems,
    ];
    if (problems.length > 0) {
      return {
        inputs: news,
        failures: problems.map(({ path, reason }) => ({ property: "", reason: redact(`${path}: ${reason}`) })),
      };
    }
    if (isNew && deployment.advice !== undefined) {
      deployment.log.warn(String(origin), deployment.advice);
      deployment.advice = undefined;
    }
    const ofIgnored = remarksOnIgnored(this.#reconciler, ignored, checked.inputs, before);
    for (const remark of [...ends, ...remarksOn(checked.left, before ?? {}), ...ofIgnored]) {
      deployment.log.warn(String(origin), remark);
    }
    if (before === undefined || !isDeepStrictEqual(plain(before), plain(checked.inputs))) {
      const advised = inputsIn<Inputs>(withoutUnknown(checked.inputs, before));
      const ownAdvice = this.#reconciler.advise?.(advised, before && inputsIn(before)) ?? [];
      for (const advice of [...ownAdvice, ...conflicts.advice]) {
        deployment.log.warn(String(origin), advice);
      }
    }
    // Needed once: an adoption must not overwrite something with a default that nobody wrote.
    const defaulted =
      isNew && checked.inputs.adopt !== undefined && checked.inputs.adopt !== false
        ? checked.defaulted
        : namesIn(olds.__defaulted);
    return {
      inputs: plain({
        ...checked.inputs,
        __origin: origin,
        ...(news.__secrets === undefined ? {} : { __secrets: news.__secrets }),
        ...(defaulted.length === 0 ? {} : { __defaulted: defaulted }),
      }),
    };
  }

  /** Leaves the property diff to the engine, which prints it by key; says only what replaces. */
  async diff(id: string, olds: Properties, news: Properties): Promise<pulumi.dynamic.DiffResult> {
    return this.#guarded(olds, async () => {
      const deployment = await this.#deployment();
      requireTenant(olds, deployment.tenantId);
      const { registry } = deployment;
      const reconciler = this.#reconciler;
      const known = this.#recording(olds, id);
      const replaces = reconciler.replaces?.(known, news, registry, environmentOf(deployment)) ?? [];
      // The engine also compares after a refresh, even for resources that left the program. Those declare nothing.
      const origin = originIn(registry, news);
      const isInProgram = registry.claims.isPresent(origin.urn);
      if (isInProgram && !hasUnknown(news)) {
        this.#settle(this.#checked(news, news).known, origin, deployment);
      }
      if (isInProgram && replaces.length === 0) {
        reconciler.declare(known, news, origin, registry);
      }
      if (isInProgram) {
        const isChanged = !isDeepStrictEqual(plain(this.#inputsOf(visible(olds))), plain(visible(news)));
        registry.births.compare(origin.born, origin.urn, visible(olds), isChanged);
      }
      const respelled = reconciler.respelled?.(known, news, registry) ?? [];
      const rest = (properties: Properties) =>
        Object.fromEntries(Object.entries(visible(properties)).filter(([property]) => !respelled.includes(property)));
      const isOnlySpelling =
        respelled.length > 0 &&
        !hasUnknown(news) &&
        isDeepStrictEqual(plain(this.#inputsOf(rest(olds))), plain(rest(news)));
      // An address in the program may mean a mailbox that was just replaced: same text, another mailbox.
      const isMoved = Object.entries(reconciler.refersTo?.(known) ?? {}).some(([address, target]) =>
        registry.isTakenOver(address, target),
      );
      // Where the inputs say the same as before, the engine asks for no replacement without being told of a change.
      const changes =
        isMoved || replaces.length > 0 || olds[UNFINISHED] === true
          ? { changes: true }
          : isOnlySpelling
            ? { changes: false }
            : {};
      return { ...changes, replaces, deleteBeforeReplace: true };
    });
  }

  /** Creates, continues an earlier creation of its own, or adopts. After the first irreversible call every failure is partial. */
  async create(inputs: Properties): Promise<pulumi.dynamic.CreateResult> {
    return this.#guarded(inputs, async (deployment) => {
      const { operation, recording } = await this.#open(deployment, undefined, inputs);
      deployment.registry.births.make(urnOf(inputs), operation.origin.urn);
      const { declared } = this.#canonical(inputs);
      try {
        const previous = recording.snapshot();
        const desired = await this.#resolve(declared, operation, deployment);
        const observed = await this.#make(desired, operation);
        const id = this.#reconciler.id(observed);
        const outputs = await this.#walk(this.#reconciler, declared, desired, previous, observed, operation, recording);
        return { id, outs: this.#outs({ ...hidden(inputs), ...outputs }, inputs) };
      } catch (error) {
        deployment.registry.settle(operation.origin);
        // Save all that was declared, since any of it may have been written. The next deployment compares with the tenant anyway.
        throw this.#failure(error, inputs, recording, operation, inputs);
      }
    });
  }

  /** What is there now. `{}` only when absence is certain. Inputs keep every key they had, with null for "not set". */
  async read(id: string, props: Properties): Promise<pulumi.dynamic.ReadResult> {
    return Array.isArray(props.__get) ? this.#get(id, props, namesIn(props.__get)) : this.#readState(id, props);
  }

  /**
   * Reads what a program refers to and does not declare. The engine asks at each preview, deployment and refresh.
   *
   * @param wanted names of the outputs. What the tenant does not have is null, so that a preview knows it too.
   */
  async #get(asked: string, props: Properties, wanted: readonly string[]): Promise<pulumi.dynamic.ReadResult> {
    return this.#guarded(props, async (deployment) => {
      const { kind } = this.#reconciler;
      if (asked.trim() === "") {
        throw new ProviderError(`${kind}.get: it was not told what to read; the id or address is empty.`);
      }
      const { environmentUrl } = props;
      const own = environmentUrl === undefined ? {} : { environmentUrl };
      const opened = await this.#open(deployment, undefined, { ...hidden(props), tenantId: props.tenantId, ...own });
      const { operation, tell } = skippingRefusals(opened.operation, "not filled in");
      // Warnings about it are for its owner.
      const quietly = { ...operation, warn: () => undefined };
      const answer = await this.#reconciler.read(asked.trim(), quietly);
      if (isUnfit(answer)) {
        if (answer.isAbsent && props.__id !== undefined) {
          return {};
        }
        throw new ProviderError({
          action: `${kind}.get(…, ${JSON.stringify(asked)})`,
          words: answer.why,
          nextStep: "Nothing was changed.",
        });
      }
      const { observed, inputs, outputs: more } = answer;
      const id = this.#reconciler.id(observed);
      const outputs = this.#reconciler.outputs(undefined, observed, quietly.known);
      deployment.registry.noteRead(id, operation.origin);
      tell();
      const all: Properties = { ...inputs, ...outputs, ...more, tenantId: opened.tenantId };
      const filled = Object.fromEntries(wanted.map((name) => [name, all[name] ?? null]));
      return {
        id,
        props: this.#outs({ ...hidden(props), ...own, ...filled, __id: id }, props),
        inputs: plain({ ...hidden(props, "__id"), ...own }),
      };
    });
  }

  async #readState(id: string, props: Properties): Promise<pulumi.dynamic.ReadResult> {
    return this.#guarded(props, async (deployment) => {
      const { operation: opened, tenantId } = await this.#open(deployment, id, props);
      const { operation, tell } = skippingRefusals(opened);
      const reconciler = this.#reconciler;
      const observed = await reconciler.observe(id, undefined, operation);
      if (observed === undefined) {
        await this.#tellGone(id, operation);
        return {};
      }
      const { known } = operation;
      const inputs = Object.fromEntries(
        Object.entries(this.#inputsOf(reconciler.inputs(known, observed))).map(([property, value]) => [
          property,
          value ?? null,
        ]),
      );
      const outputs = reconciler.memory.write(reconciler.outputs(undefined, observed, known), props);
      reconciler.foresee?.(id, known, deployment.registry);
      await this.#warn(undefined, observed, operation);
      tell();
      return {
        id,
        props: this.#outs({ ...hidden(props), ...inputs, ...outputs, tenantId }, props),
        inputs: plain({ ...hidden(props, UNFINISHED), ...inputs }),
      };
    });
  }

  /** Brings the tenant to the new inputs. Of what is there, only what the old outputs held is taken away. */
  async update(id: string, olds: Properties, news: Properties): Promise<pulumi.dynamic.UpdateResult> {
    return this.#guarded(news, async (deployment) => {
      const { operation, recording } = await this.#open(deployment, id, olds, news);
      const { declared, left } = this.#canonical(news, olds);
      const previous = recording.snapshot();
      try {
        const desired = await this.#resolve(declared, operation, deployment);
        const observed = await this.#reconciler.observe(id, desired, operation);
        if (observed === undefined) {
          await this.#tellGone(id, operation);
          throw new NotFoundError({
            action: `changing ${this.#reconciler.kind} ${id}`,
            words: "it is no longer in the tenant",
            nextStep: "Run `pulumi refresh` to record that, then `pulumi up` to create it again.",
          });
        }
        const reconciler = leaving(left, this.#reconciler);
        const outputs = await this.#walk(reconciler, declared, desired, previous, observed, operation, recording);
        return { outs: this.#outs({ ...hidden(news), ...withRaw(outputs, olds, left) }, olds, news) };
      } catch (error) {
        deployment.registry.settle(operation.origin);
        throw this.#failure(error, hidden(news), recording, operation, olds, news);
      }
    });
  }

  /** Takes away what is this resource's. If it is gone already, that is success. */
  async delete(id: string, props: Properties): Promise<void> {
    return this.#guarded(props, async (deployment) => {
      const { kind } = this.#reconciler;
      const { registry, log } = deployment;
      const born = urnOf(props);
      const origin: Origin = { born, urn: registry.births.urnOfDeleted(born, visible(props)) };
      // When a declaration becomes a `get` by address, the engine takes it for a replacement and deletes the declared one.
      if (registry.isRead(id, origin)) {
        log.warn(
          born,
          `This program does not manage it any more and only reads it (${kind}.get): it stays in the tenant as it is.`,
        );
        return;
      }
      await registry.removals.during(origin.urn, async () => {
        const { operation } = await this.#open(deployment, id, props);
        await this.#reconciler.remove(id, { ...operation, origin });
      });
    });
  }

  /** On create: the object, found or made, as one's own. */
  async #make(desired: Desired, operation: Operation<Inputs, Memory>): Promise<Observed> {
    const reconciler = this.#reconciler;
    const found = await reconciler.find?.(desired, operation);
    return found === undefined || reconciler.takeOver === undefined
      ? reconciler.create(desired, operation)
      : reconciler.takeOver(found, desired, operation);
  }

  async #walk(
    reconciler: Reconciler<Inputs, Memory, Desired, Observed, Existing>,
    declared: Inputs,
    desired: Desired,
    previous: Known<Inputs, Memory>,
    observed: Observed,
    operation: Operation<Inputs, Memory>,
    recording: Recorder<Inputs, Memory>,
  ): Promise<Properties> {
    if (reconciler.difference(desired, previous, observed, operation.known).length > 0) {
      recording.identify(reconciler.id(observed));
    }
    const converged = await converge(reconciler, desired, previous, observed, operation);
    const finished = (await reconciler.finish?.(desired, previous, converged, operation)) ?? converged;
    const outputs = reconciler.outputs(desired, finished, operation.known);
    await this.#warn(desired, finished, operation);
    recording.identify(reconciler.id(finished));
    recording.settle(declared, outputs);
    reconciler.declare(operation.known, declared, operation.origin, operation.registry);
    return { ...declared, ...reconciler.memory.write(outputs), tenantId: recording.properties().tenantId };
  }

  async #warn(desired: Desired | undefined, observed: Observed, operation: Operation<Inputs, Memory>): Promise<void> {
    for (const warning of (await this.#reconciler.warnings?.(desired, observed, operation)) ?? []) {
      operation.warn(warning);
    }
  }

  async #tellGone(id: string, operation: Operation<Inputs, Memory>): Promise<void> {
    for (const warning of (await this.#reconciler.whenGone?.(id, operation)) ?? []) {
      operation.warn(warning);
    }
  }

  /** The error that an operation ends with. A plain one keeps state and diff as they were. A partial one saves what was written. */
  #failure(
    error: unknown,
    given: Properties,
    recording: Recorder<Inputs, Memory>,
    { origin }: Operation<Inputs, Memory>,
    ...sources: Properties[]
  ): Error {
    const failure = failureOf(error, origin.urn);
    const { id } = recording;
    return recording.isPartial && id !== undefined
      ? new PartialFailure(
          failure,
          id,
          this.#outs({ ...given, ...recording.properties(), [UNFINISHED]: true }, ...sources),
        )
      : failure;
  }

  /** Looks up what the inputs name. Refuses what contradicts other resources now that the meaning of the names is known. */
  async #resolve(declared: Inputs, operation: Operation<Inputs, Memory>, deployment: Deployment): Promise<Desired> {
    const { origin, registry } = operation;
    this.#settle(declared, origin, deployment);
    const desired = await this.#reconciler.resolve(declared, operation);
    for (const [name, meaning] of this.#reconciler.meanings?.(desired) ?? []) {
      registry.claims.learn(name, meaning, true);
    }
    const problems = registry.claims.conflictsOf(origin.urn);
    if (problems.length > 0) {
      throw new InputError(problems);
    }
    return desired;
  }

  /** Notes what a resource claims with the inputs that are deployed. */
  #settle(known: Properties, origin: Origin, deployment: Deployment): void {
    const { claims } = deployment.registry;
    claims.settle(this.#claims(known, origin, deployment), origin.urn);
  }

  #claims(known: Properties, origin: Origin, deployment: Deployment): Claim[] {
    // An environment is the same whether it is written out or configured.
    const inputs = inputsIn<Inputs>({ environmentUrl: environmentOf(deployment), ...known });
    return this.#reconciler.claims(inputs, origin, deployment.registry);
  }

  /** Inputs without what has ended by today. */
  #onDay(
    checked: Checked<Inputs>,
    today: string,
    ignored: readonly string[],
  ): { checked: Checked<Inputs>; ends: string[] } {
    const { onDay } = this.#reconciler;
    if (onDay === undefined) {
      return { checked, ends: [] };
    }
    const isIgnored = (path: readonly string[]) => ignored.some((one) => isWithin(path, partsOf(one)));
    const { inputs, advice } = onDay(checked.inputs, today, isIgnored);
    const known = onDay(checked.known, today, isIgnored).inputs;
    return { checked: { ...checked, inputs, known }, ends: advice };
  }

  #checked(inputs: Properties, state: Properties | undefined): Checked<Inputs> {
    return check(this.#reconciler, visible(inputs), visible(inputs), state && { state, ignored: undefined });
  }

  /**
   * A policy's remediation and `ignoreChanges` change what `check` returned, and nobody checks that again.
   *
   * @param state what `ignoreChanges` may have put in place; undefined in a creation.
   */
  #canonical(inputs: Properties, state?: Properties): { declared: Inputs; left: Part[] } {
    const checked = this.#checked(this.#reconciler.planned?.(inputs) ?? inputs, state);
    if (!isRight(checked)) {
      throw new InputError(checked.problems);
    }
    return checked;
  }

  /**
   * Begins an operation.
   *
   * @param id undefined for what is to be created or is only read: the state is empty then.
   * @param props the state; what is known of a resource that is to be created.
   * @param news the inputs with which it is deployed.
   */
  async #open(deployment: Deployment, id: string | undefined, props: Properties, news = props) {
    const tenantId = await deployment.services.tenantId(bounds());
    requireTenant(props, tenantId);
    const recording = this.#recording({ ...(id === undefined ? {} : props), tenantId }, id);
    const defaulted = id === undefined ? namesIn(news.__defaulted) : [];
    const origin = originIn(deployment.registry, news);
    const operation = { ...operationOf(deployment, urnOf(props), recording, defaulted, props.environmentUrl), origin };
    this.#reconciler.share?.(recording, operation.origin, operation.registry);
    return { operation, recording, tenantId };
  }

  /** The one door through which a state comes in. */
  #recording(props: Properties, id: string | undefined): Recorder<Inputs, Memory> {
    return new Recorder(this.#reconciler, visible(props), id);
  }

  /** Outputs as they leave a method. Those that repeat a secret of the inputs are secrets too. */
  #outs(outputs: Properties, ...sources: Properties[]): Properties {
    const properties = plain(outputs);
    const texts = sources.flatMap((source) => secretTexts(source, this.#reconciler.keyed ?? {}));
    return sealed(properties, Object.keys(this.#inputsOf(properties)), texts);
  }

  #keepSecrets(...sources: Properties[]): void {
    keepSecret(sources.flatMap((source) => secretTexts(source, this.#reconciler.keyed ?? {})));
  }

  #inputsOf(properties: Properties): Properties {
    const { shape } = this.#reconciler.schema;
    return Object.fromEntries(Object.entries(properties).filter(([property]) => property in shape));
  }

  async #guarded<T>(properties: Properties, work: (deployment: Deployment) => Promise<T>): Promise<T> {
    this.#keepSecrets(properties);
    return this.#working(async () => {
      try {
        return await work(await this.#deployment());
      } catch (error) {
        throw failureOf(error, urnOf(properties));
      }
    });
  }
}

/** Refuses another tenant than the one in the state: the objects are neither gone nor changed, they are elsewhere. */
function requireTenant(state: Properties, configured: string | undefined): void {
  const own = state.tenantId;
  if (typeof own === "string" && configured !== undefined && own.toLowerCase() !== configured.toLowerCase()) {
    throw new ConflictError({
      words: `this resource is in tenant ${own}, but the configured tenant is ${configured}`,
      nextStep:
        "Nothing was read or changed. Set mailboxes:tenantId (or AZURE_TENANT_ID) to the tenant the stack was deployed to.",
    });
  }
}

/** A reconciler that sees no difference in what is left alone. */
function leaving<Inputs extends Properties, Memory, Desired, Observed, Existing>(
  left: readonly Part[],
  reconciler: Reconciler<Inputs, Memory, Desired, Observed, Existing>,
): Reconciler<Inputs, Memory, Desired, Observed, Existing> {
  return left.length === 0
    ? reconciler
    : {
        ...reconciler,
        difference: (...given) => reconciler.difference(...given).filter(({ path }) => !isLeft(path, left)),
      };
}

/** A resource as the others of the deployment know it: what is derived from its birth, under the URN that it has in the program. */
function originIn({ births }: Deployment["registry"], inputs: Properties): Origin {
  const born = urnOf(inputs);
  return { born, urn: births.urnOf(born, () => visible(inputs)) };
}

/** URNs of resources whose ids are inputs that are not known yet, by property. The classes pass them on, for `check` alone. */
function awaited(inputs: Properties, { __awaited }: Properties): Properties {
  const urns = Object.entries(membersOf(__awaited));
  return Object.fromEntries(urns.filter(([property, urn]) => inputs[property] === UNKNOWN && urn !== UNKNOWN));
}

/** Inputs, with the old value where the new one is not known yet: an unknown value is no reason for advice. */
function withoutUnknown(inputs: Properties, before: Properties | undefined): Properties {
  return Object.fromEntries(
    Object.entries(inputs).flatMap(([property, value]) => {
      const isUnknown = value === UNKNOWN || (before !== undefined && hasUnknown(value));
      const known = isUnknown ? before?.[property] : value;
      return known === undefined ? [] : [[property, known]];
    }),
  );
}
