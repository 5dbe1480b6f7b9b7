/**
 * The entry of the provider process: `exports.handler=()=>require("pulumi-mailboxes/provider").dynamicProvider("<Kind>")`
 * stands in every state file, so this module's name and this function stay as they are for ever.
 */
import type * as pulumi from "@pulumi/pulumi";
import { type Deployment, openDeployment } from "./dynamic/deployment";
import { DynamicProvider } from "./dynamic/dynamic-provider";
import { EngineLog, quieten, sayAtTheEnd } from "./dynamic/engine";
import { comparedColumns, type Kind, kindNamed } from "./kinds";

const log = new EngineLog(process.argv[2]);
let opening: Promise<Deployment> | undefined;
let calls = 0;
let isAbandoned = false;

quieten(console);
sayAtTheEnd(log, async () => (await opening)?.closing());
log.whenGone(() => {
  isAbandoned = true;
  leaveWhenDone();
});

/**
 * The provider of one kind. All kinds of a process share one deployment.
 *
 * @param kind the kind of resource, as it stands in the state file.
 */
export function dynamicProvider(kind: Kind): pulumi.dynamic.ResourceProvider {
  const known = kindNamed(kind);
  if (known === undefined) {
    throw new Error(
      `This version of pulumi-mailboxes does not know the kind "${kind}", which is in the state. Install the version that made it, or a newer one.`,
    );
  }
  return Object.assign(new DynamicProvider(known.reconciler, deployment, working), { configure });
}

/**
 * Begins to open the deployment. The dynamic server hands the provider to other calls before this has settled, and after it
 * has failed: every method awaits the promise kept here, so that nothing runs unconfigured.
 */
async function configure(request: pulumi.dynamic.ConfigureRequest): Promise<void> {
  const { config } = request as unknown as {
    config: { get(key: string): unknown; rawConfig?: Record<string, unknown> };
  };
  const raw = { get: (key: string) => config.get(key), keys: Object.keys(config.rawConfig ?? {}) };
  opening ??= openDeployment(raw, log, comparedColumns);
  await opening.catch(() => undefined);
}

function deployment(): Promise<Deployment> {
  return opening ?? Promise.reject(new Error("the provider was used before it was configured"));
}

async function working<T>(work: () => Promise<T>): Promise<T> {
  calls += 1;
  try {
    return await work();
  } finally {
    calls -= 1;
    leaveWhenDone();
  }
}

/** A killed command leaves this process behind: it finishes the call in hand, releases the journal and ends. */
function leaveWhenDone(): void {
  if (isAbandoned && calls === 0) {
    void (opening ?? Promise.resolve(undefined))
      .then((open) => open?.close())
      .catch(() => undefined)
      .finally(() => process.exit(0));
  }
}
