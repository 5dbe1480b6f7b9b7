import { fork } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { command } from "../tenant.mjs";

const require = createRequire(import.meta.url);
const dist = join(command, "..");

/**
 * The largest memory of a process that refreshes resources through the provider's own methods, without the engine, 64 at a time.
 *
 * @param boxes mailboxes as {@link patterns} takes them; half of the resources are memberships of them.
 * @returns resident bytes.
 */
export function memoryOf(origin, boxes) {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), [], { env: { ...process.env, BENCH_ORIGIN: origin } });
    child.once("message", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`The provider's process ended with ${code}.`)));
    child.send(boxes);
  });
}

async function refresh(origin, boxes) {
  const { openDeployment } = require(join(dist, "dynamic", "deployment.js"));
  const { DynamicProvider } = require(join(dist, "dynamic", "dynamic-provider.js"));
  const { EngineLog } = require(join(dist, "dynamic", "engine.js"));
  const { comparedColumns, kinds } = require(join(dist, "kinds.js"));
  const config = { "mailboxes:localTenant": origin };
  const raw = { get: (key) => config[key], keys: Object.keys(config) };
  const deployment = await openDeployment(raw, new EngineLog(), comparedColumns);
  const provider = (kind) =>
    new DynamicProvider(
      kinds[kind].reconciler,
      async () => deployment,
      (work) => work(),
    );
  const [mailbox, membership] = ["SharedMailbox", "MailboxMembership"].map(provider);
  const urn = (type, name) => `urn:pulumi:dev::bench::pulumi-nodejs:dynamic:Resource$mailboxes:index:${type}::${name}`;
  const all = boxes.flatMap(({ id, address }) => [
    () =>
      mailbox.read(id, {
        ...{ displayName: address.split("@")[0], primarySmtpAddress: address, signInBlocked: true },
        __origin: urn("SharedMailbox", address),
      }),
    () => membership.read(id, { mailbox: id, members: {}, __origin: urn("MailboxMembership", address) }),
  ]);
  let most = 0;
  const workers = Array.from({ length: 64 }, async () => {
    for (let next = all.shift(); next !== undefined; next = all.shift()) {
      const { id } = await next();
      if (id === undefined) {
        throw new Error("a mailbox is not in the tenant");
      }
      // Each look takes longer than a read.
      most = all.length % 16 === 0 ? Math.max(most, process.memoryUsage.rss()) : most;
    }
  });
  await Promise.all(workers);
  return most;
}

if (process.env.BENCH_ORIGIN !== undefined && process.send !== undefined) {
  process.once("message", async (boxes) => {
    process.send(await refresh(process.env.BENCH_ORIGIN, boxes), () => process.exit(0));
  });
}
