import { openDeployment, operationOf } from "../../provider/dynamic/deployment";
import { EngineLog } from "../../provider/dynamic/engine-log";
import { isProviderError } from "../../provider/http/errors";
import { startLocalTenant } from "../../provider/local-tenant/server";

test("a served local tenant that does not answer is named as the setting it comes from, not as a defect", async () => {
  const settings: Record<string, string> = { "mailboxes:localTenant": "http://127.0.0.1:9" };
  const raw = { get: (key: string) => settings[key], keys: Object.keys(settings) };
  const error = await openDeployment(raw, new EngineLog(undefined)).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  expect(isProviderError(error)).toBe(true);
  expect(error).toHaveProperty(
    "message",
    "opening the local tenant that mailboxes:localTenant names: No local tenant answers at http://127.0.0.1:9. " +
      'Start one with "mailboxes tenant serve", or give the path of its journal instead.',
  );
});

test("hundreds of waits may listen to the end of a deployment without a warning of Node", async () => {
  const tenant = await startLocalTenant({ seed: "contoso" });
  const settings: Record<string, string> = { "mailboxes:localTenant": tenant.origin };
  const raw = { get: (key: string) => settings[key], keys: Object.keys(settings) };
  const deployment = await openDeployment(raw, new EngineLog(undefined));
  try {
    const { signal } = operationOf(deployment, "urn", {}, []);
    // 0 is no limit, which `getMaxListeners` of Node 20 cannot say; the warning itself cannot be heard from within jest.
    const limit = Object.getOwnPropertySymbols(signal).find(({ description }) =>
      /maxEventTargetListeners$/.test(description ?? ""),
    );
    expect(limit === undefined ? undefined : Reflect.get(signal, limit)).toBe(0);
  } finally {
    await deployment.close();
    await tenant.close();
  }
});
